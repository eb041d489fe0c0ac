/** The curves: loss, accuracy and gradient norms against the epoch, with a pinned run behind them. */

import uPlot from "./vendor/uPlot.esm.js";
import { PALETTE, paper, rgb } from "./colours.js";

const KINDS = /** @type {const} */ ({ loss: "Loss", accuracy: "Accuracy", norms: "Gradient norm by layer" });
const LONG = 600; // points that are drawn

/** The colour of a line, lighter on a dark page. @param {number} k */
function lineColour(k) {
  const colour = rgb(PALETTE[k % PALETTE.length]), light = paper()[0] < 128 ? 0.3 : 0;
  return `rgb(${colour.map((part) => Math.round(part + (255 - part) * light)).join(",")})`;
}

export class CurvesView {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {import("./types.js").Row[]} */
    this.rows = [];
    /** @type {import("./types.js").Row[] | null} */
    this.pinned = null;
    this.kind = /** @type {keyof typeof KINDS} */ ("loss");
    root.innerHTML = `<label class="field"><span>Curve</span><select id="curve-kind">`
      + Object.entries(KINDS).map(([key, name]) => `<option value="${key}">${name}</option>`).join("") + `</select></label><div></div>`;
    this.box = /** @type {HTMLElement} */ (root.lastElementChild);
    const choice = /** @type {HTMLSelectElement} */ (root.querySelector("select"));
    choice.onchange = () => { this.kind = /** @type {any} */ (choice.value); this.build(); };
    new ResizeObserver(() => this.plot?.setSize({ width: this.box.clientWidth, height: 220 })).observe(this.box);
  }

  /** A whole curve. @param {import("./types.js").Row[]} rows @param {import("./types.js").Row[] | null} pinned */
  start(rows, pinned) {
    this.rows = rows;
    this.pinned = pinned;
    this.build();
  }

  /** One more point. @param {import("./types.js").Row} row */
  add(row) {
    const last = this.rows[this.rows.length - 1];
    if (last && last.step === row.step) this.rows.pop();
    if (last && row.step < last.step) this.rows = this.rows.filter((one) => one.step < row.step);
    this.rows.push(row);
    if (this.rows.length > 2 * LONG) this.rows = this.rows.filter((_, k) => k % 2 === 0 || k > this.rows.length - 50);
    const columns = this.columns();
    this.plot?.setData(/** @type {any} */ (columns));
    this.tellLast(columns);
  }

  /** The legend tells the newest values while nothing is pointed at. @param {any[]} columns */
  tellLast(columns) {
    if (this.plot && columns[0].length && (this.plot.cursor.left ?? -1) < 0) this.plot.setLegend({ idx: columns[0].length - 1 });
  }

  names() {
    if (this.kind !== "norms") return [`train_${this.kind}`, `val_${this.kind}`];
    return (this.rows[0]?.norms ?? []).map((/** @type {any} */ _, /** @type {number} */ k) => `norm ${k + 1}`);
  }

  columns() {
    const all = this.pinned && this.kind !== "norms" ? [...this.rows, ...this.pinned].sort((a, b) => a.epoch - b.epoch) : this.rows;
    const own = new Set(this.rows), value = (/** @type {any} */ row, /** @type {string} */ name) =>
      (name.startsWith("norm ") ? row.norms?.[Number(name.slice(5)) - 1] : row[name]) ?? null;
    const columns = [all.map((row) => row.epoch)];
    for (const name of this.names()) columns.push(all.map((row) => (own.has(row) ? value(row, name) : null)));
    if (this.pinned && this.kind !== "norms") columns.push(all.map((row) => (own.has(row) ? null : value(row, `val_${this.kind}`))));
    return columns;
  }

  build() {
    this.plot?.destroy();
    const ink = getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
    const rule = getComputedStyle(document.documentElement).getPropertyValue("--rule").trim();
    const labels = this.kind === "norms" ? this.names() : ["training", "validation"];
    const series = labels.map((/** @type {string} */ label, /** @type {number} */ k) =>
      ({ label, stroke: lineColour(k), width: 2, points: { show: false }, spanGaps: true, value: (/** @type {any} */ _, /** @type {any} */ v) => (v === null ? "–" : Number(v.toPrecision(4)).toString()) }));
    if (this.pinned && this.kind !== "norms") series.push({ label: "validation, pinned", stroke: "#8a8f98", width: 2, points: { show: false }, spanGaps: true, value: series[0].value, ...{ dash: [5, 4] } });
    const axis = { stroke: ink, grid: { stroke: rule }, ticks: { stroke: rule }, font: "12px system-ui" };
    const columns = this.columns();
    this.plot = new uPlot(/** @type {any} */ ({
      width: this.box.clientWidth || 320, height: 220, cursor: { drag: { x: false, y: false } }, legend: { live: true },
      scales: { x: { time: false }, y: this.kind === "norms" ? { distr: 3 } : {} },
      axes: [{ ...axis, label: "epoch", labelSize: 18, labelFont: "12px system-ui" }, { ...axis, size: 56 }],
      series: [{ label: "epoch", value: (/** @type {any} */ _, /** @type {any} */ v) => (v === null ? "–" : v.toFixed(1)) }, ...series],
    }), /** @type {any} */ (columns), this.box);
    const drawn = this.box.querySelector("canvas");
    drawn?.setAttribute("role", "img");
    drawn?.setAttribute("aria-label", `${KINDS[this.kind]} against the epoch`);
    this.tellLast(columns);
  }
}
