/**
 * What the server sends, as the modules know it. Nothing here runs.
 *
 * @typedef {{column: number, symbol: string, size: number}} DrawnColumn
 * @typedef {{low: number[], high: number[], names: string[]}} PlaneOf
 * @typedef {{task: string, classes: string[], features: string[], n: {train: number, val: number}, plane: PlaneOf,
 *   points: {[split: string]: number[][]}, columns: DrawnColumn[], layers: string[], parameters: number, per_epoch: number,
 *   batch_size: number, engine: string, notes: string[], image: number[] | null}} Scene
 * @typedef {{column: number, side: number, pictures: string[]}} UnitPictures
 * @typedef {{kind: string, side: number, classes?: string, sure?: string, values?: string, low?: number, high?: number}} DecisionMap
 * @typedef {{[name: string]: any}} Row
 * @typedef {{source: string, n: number, noise: number, val: number, points: number[][]}} DataChoice
 * @typedef {{data: DataChoice, settings: {[name: string]: any}, plane: number[]}} State
 * @typedef {{type: "frame", frame: number, step: number, epoch: number, running: boolean, speed: number, pace: number, row: Row,
 *   weights: {W: number[][], b?: number[]}[], units: UnitPictures[], map: DecisionMap, earliest: number, undo: number,
 *   planted: boolean, frozen: number, state: State, scene?: Scene, curve?: Row[], pinned?: Row[] | null}} Frame
 * @typedef {{sources: string[], activations: string[], inits: string[], losses: string[], optimizers: string[],
 *   schedules: string[], forms: string[], lessons: Lesson[]}} Options
 * @typedef {{title: string, steps: {title: string, text: string, state?: any, do?: any[]}[]}} Lesson
 */
export {};
