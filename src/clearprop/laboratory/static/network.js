/** The network: a column of units for every layer, each with its picture, and a line for every weight. */

import { bytes, divergingTable, paper } from "./colours.js";

const SPACE = "http://www.w3.org/2000/svg";
const SIZE = 40, GAP = 10, MOST = 12; // of a unit, and units of a column; of a longer one the first are drawn
const LINKS = 700; // lines that are drawn at most
const TURNS = 2; // frames of a run in which each picture is drawn once

/** @param {string} name @param {{[name: string]: string | number}} values @param {Element | null} parent @returns {SVGElement} */
export function svg(name, values = {}, parent = null) {
  const element = /** @type {SVGElement} */ (document.createElementNS(SPACE, name));
  for (const [key, value] of Object.entries(values)) element.setAttribute(key, String(value));
  parent?.append(element);
  return element;
}

export class NetworkView {
  /**
   * @param {SVGElement} root
   * @param {(layer: number, index: number[]) => void} chooseWeight
   * @param {(column: number, unit: number) => void} chooseUnit
   */
  constructor(root, chooseWeight, chooseUnit) {
    this.root = root;
    this.chooseWeight = chooseWeight;
    this.chooseUnit = chooseUnit;
    /** @type {{line: SVGElement, layer: number, i: number, j: number, width: string, below: boolean}[]} */
    this.links = [];
    /** @type {Map<string, {image: SVGElement | null, canvas: HTMLCanvasElement, group: SVGElement, text: string}>} */
    this.units = new Map();
    root.addEventListener("keydown", (event) => this.move(/** @type {KeyboardEvent} */ (event)));
  }

  /** Draw everything that stands still. @param {import("./types.js").Scene} scene */
  stage(scene) {
    this.root.replaceChildren();
    this.links = [];
    this.units.clear();
    const columns = scene.columns, tall = Math.min(MOST, Math.max(...columns.map((column) => column.size)));
    // Drawn in the pixels of the page, so that letters keep their size; a deep net on a small screen is drawn smaller.
    const across = columns.length > 1 ? Math.max(76, Math.min(280, ((this.root.clientWidth || 640) - SIZE - 60) / (columns.length - 1))) : 0;
    const height = tall * (SIZE + GAP) + 62, width = across * (columns.length - 1) + SIZE + 60;
    this.root.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const lines = svg("g", {}, this.root), touches = svg("g", {}, this.root), front = svg("g", {}, this.root);
    /** @param {number} k @param {number} n */
    const place = (k, n) => {
      const shown = Math.min(columns[k].size, MOST);
      return [30 + k * across + SIZE / 2, height / 2 + 12 + (n - (shown - 1) / 2) * (SIZE + GAP)];
    };
    for (let k = 1; k < columns.length; k++) {
      const [before, after] = [Math.min(columns[k - 1].size, MOST), Math.min(columns[k].size, MOST)];
      for (let i = 0; i < before; i++) for (let j = 0; j < after; j++) {
        if (this.links.length >= LINKS) break;
        const [x0, y0] = place(k - 1, i), [x1, y1] = place(k, j), half = (x1 - x0) / 2;
        const path = `M${x0 + SIZE / 2} ${y0}C${x0 + half} ${y0} ${x1 - half} ${y1} ${x1 - SIZE / 2} ${y1}`;
        const line = svg("path", { d: path, class: "link" }, lines);
        const touch = svg("path", { d: path, class: "touch", tabindex: this.links.length ? -1 : 0, role: "button" }, touches);
        const layer = k - 1;
        touch.dataset.place = `${layer},${i},${j}`;
        for (const kind of ["pointerenter", "focus", "click"]) touch.addEventListener(kind, () => this.chooseWeight(layer, [i, j]));
        this.links.push({ line, layer, i, j, width: "", below: false });
      }
    }
    columns.forEach((column, k) => {
      const shown = Math.min(column.size, MOST);
      for (let n = 0; n < shown; n++) this.drawUnit(front, column, k, n, place(k, n));
      const [x] = place(k, 0), last = place(k, shown - 1)[1];
      const name = svg("text", { x, y: 16, "text-anchor": "middle" }, front);
      name.textContent = `${column.symbol} (${column.size})`;
      if (column.size > shown) {
        const more = svg("text", { x, y: Math.min(last + SIZE / 2 + 14, height - 4), "text-anchor": "middle", class: "faint" }, front);
        more.textContent = `and ${column.size - shown} more`;
      }
    });
  }

  /** @param {Element} parent @param {import("./types.js").DrawnColumn} column @param {number} k @param {number} n @param {number[]} place */
  drawUnit(parent, column, k, n, [x, y]) {
    const group = svg("g", { class: "unit", tabindex: 0, role: "button", "aria-label": `Unit ${n + 1} of ${column.symbol}` }, parent);
    const image = svg("image", { x: x - SIZE / 2, y: y - SIZE / 2, width: SIZE, height: SIZE, preserveAspectRatio: "none" }, group);
    svg("rect", { x: x - SIZE / 2, y: y - SIZE / 2, width: SIZE, height: SIZE, rx: 4, class: "frame" }, group);
    for (const kind of ["pointerenter", "focus", "click"]) group.addEventListener(kind, () => this.chooseUnit(column.column, n));
    this.units.set(`${column.column},${n}`, { image, canvas: document.createElement("canvas"), group, text: "" });
    void k;
  }

  /** Draw what moves. @param {import("./types.js").Frame} frame */
  draw(frame) {
    for (const link of this.links) {
      const weight = frame.weights[link.layer]?.W[link.i]?.[link.j];
      const size = weight === null || weight === undefined ? 0 : Math.abs(weight);
      const width = (0.4 + 4.2 * size / (1 + size)).toFixed(2), below = (weight ?? 0) < 0;
      if (link.width === width && link.below === below) continue; // most weights move less than can be seen
      link.width = width;
      link.below = below;
      link.line.setAttribute("stroke", below ? "var(--negative)" : "var(--positive)");
      link.line.setAttribute("stroke-width", width);
      link.line.setAttribute("stroke-opacity", (0.18 + 0.72 * size / (0.6 + size)).toFixed(2));
    }
    const table = divergingTable(paper());
    for (const { column, side, pictures } of frame.units) {
      pictures.forEach((text, n) => {
        const unit = this.units.get(`${column},${n}`);
        if (!unit?.image || unit.text === text) return; // inputs never change, and flat units seldom
        if (frame.running && unit.text && n % TURNS !== frame.frame % TURNS) return; // the next frame has it
        unit.text = text;
        const values = bytes(text), ink = unit.canvas.getContext("2d");
        unit.canvas.width = unit.canvas.height = side;
        const image = ink?.createImageData(side, side);
        if (!ink || !image) return;
        for (let p = 0; p < side * side; p++) {
          for (let c = 0; c < 3; c++) image.data[4 * p + c] = table[3 * values[p] + c];
          image.data[4 * p + 3] = 255;
        }
        ink.putImageData(image, 0, 0);
        unit.image.setAttribute("href", unit.canvas.toDataURL());
      });
    }
  }

  /** Name the weights for screen readers, once they are looked at. @param {import("./types.js").Frame} frame */
  label(frame) {
    for (const touch of this.root.querySelectorAll(".touch")) {
      const [layer, i, j] = (/** @type {SVGElement} */ (touch).dataset.place ?? "0,0,0").split(",").map(Number);
      touch.setAttribute("aria-label", `Weight ${i + 1} to ${j + 1} of layer ${layer + 1}: ${frame.weights[layer]?.W[i]?.[j]}`);
    }
  }

  /** Arrow keys go from weight to weight. @param {KeyboardEvent} event */
  move(event) {
    const here = document.activeElement;
    if (!here?.classList.contains("touch")) return;
    const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (!step) return;
    event.preventDefault();
    const all = [...this.root.querySelectorAll(".touch")];
    const next = /** @type {SVGElement} */ (all[(all.indexOf(here) + step + all.length) % all.length]);
    here.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  }

  /** Mark the unit whose card is shown. @param {number} column @param {number} unit */
  mark(column, unit) {
    for (const one of this.root.querySelectorAll(".chosen")) one.classList.remove("chosen");
    this.units.get(`${column},${unit}`)?.group.classList.add("chosen");
  }

  /** Mark the weight whose card is shown. @param {string} place */
  markLink(place) {
    this.mark(-1, -1);
    if (place) this.root.querySelector(`.touch[data-place="${place}"]`)?.classList.add("chosen");
  }
}
