/** As much of uPlot as the lab uses. */
export default class uPlot {
  constructor(options: object, data: (number | null)[][], target: HTMLElement);
  cursor: { left?: number };
  setData(data: (number | null)[][]): void;
  setLegend(options: { idx: number }): void;
  setSize(size: { width: number; height: number }): void;
  destroy(): void;
}
