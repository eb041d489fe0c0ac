/** The data: sets to choose, points painted by hand, a table of one's own, and the plane that is shown. */

import { PALETTE } from "./colours.js";
import { field, options } from "./controls.js";
import { escape } from "./map.js";

export class DataPanel {
  /**
   * @param {HTMLElement} root @param {import("./types.js").Options} choices @param {(state: object) => void} change
   * @param {(file: File) => void} upload @param {(number: number) => void} choose
   */
  constructor(root, choices, change, upload, choose) {
    Object.assign(this, { root, choices, change, upload, choose });
    this.root = root;
    this.choices = choices;
    this.change = change;
    this.upload = upload;
    this.choose = choose;
    this.class = 0;
    this.shown = "";
    for (const kind of ["dragover", "dragleave", "drop"]) {
      document.addEventListener(kind, (event) => {
        event.preventDefault();
        root.querySelector(".drop")?.classList.toggle("over", kind === "dragover");
        const file = kind === "drop" ? /** @type {DragEvent} */ (event).dataTransfer?.files[0] : null;
        if (file) upload(file);
      });
    }
  }

  /** @param {import("./types.js").State} state @param {import("./types.js").Scene} scene */
  show(state, scene) {
    const { data, plane } = state, wanted = JSON.stringify([data.source, data.n, data.noise, data.val, data.points.length, plane, scene.features.length, scene.notes]);
    if (wanted === this.shown) return;
    this.shown = wanted;
    const focus = /** @type {HTMLElement | null} */ (document.activeElement)?.id ?? "";
    const drawn = !["digits", "painted", "table", "given"].includes(data.source);
    const sources = this.choices.sources.includes(data.source) ? this.choices.sources : [data.source, ...this.choices.sources];
    let html = field("Data", `<select id="source">${options(sources, data.source)}</select>`, "source");
    if (drawn) {
      html += field("Points", `<input type="number" id="n" min="10" max="20000" step="50" value="${data.n}">`, "points")
        + field("Noise", `<input type="range" id="noise" min="0" max="0.6" step="0.01" value="${data.noise}">`, "noise");
    }
    html += field("Held out", `<input type="range" id="val" min="0.05" max="0.8" step="0.05" value="${data.val}">`, "split");
    if (data.source === "painted") {
      html += `<p class="hint" id="how">Choose a class, then click on the map (${data.points.length} points).</p><div class="swatches" role="group" aria-label="Class to paint">`
        + PALETTE.slice(0, 6).map((colour, k) => `<button type="button" class="swatch" style="background:${colour}" id="class-${k}" aria-pressed="${k === this.class}" aria-label="Class ${k}">${k}</button>`).join("")
        + `<button type="button" id="clear">Clear</button></div>`;
    }
    if (scene.features.length > 2) {
      const names = scene.features.slice(0, 80), columns = names.map((name, k) => `<option value="${k}">${escape(name)}</option>`).join("");
      html += field("Across", `<select id="plane-0"><option value="-1">principal</option>${columns}</select>`, "plane")
        + field("Up", `<select id="plane-1"><option value="-1">principal</option>${columns}</select>`, "plane");
    }
    html += `<div class="drop" data-control="table"><label>Drop a table here, or <input type="file" id="file" accept=".csv,.tsv,.txt,.data,.dat,.json,.jsonl,.arff,.xlsx" aria-label="A table of your own"></label></div>`;
    if (scene.notes.length) html += `<ul class="notes">${scene.notes.slice(0, 6).map((note) => `<li>${escape(note)}</li>`).join("")}</ul>`;
    this.root.innerHTML = html;
    this.listen(plane);
    if (focus) document.getElementById(focus)?.focus();
  }

  /** @param {number[]} plane */
  listen(plane) {
    const find = (/** @type {string} */ id) => /** @type {HTMLInputElement | null} */ (this.root.querySelector(`#${id}`));
    const on = (/** @type {string} */ id, /** @type {string} */ kind, /** @type {(field: HTMLInputElement) => void} */ act) => {
      const element = find(id);
      element?.addEventListener(kind, () => act(element));
    };
    on("source", "change", (one) => this.change({ data: { source: one.value, ...(one.value === "painted" ? this.seed() : {}) }, plane: one.value === "digits" ? [-1, -1] : [0, 1] }));
    for (const name of ["n", "noise", "val"]) on(name, "change", (one) => this.change({ data: { [name]: Number(one.value) } }));
    for (let k = 0; k < 6; k++) on(`class-${k}`, "click", () => this.pick(k));
    on("clear", "click", () => this.change({ data: this.seed() }));
    for (const k of [0, 1]) {
      const element = find(`plane-${k}`);
      if (!element) continue;
      element.value = String(plane[k]);
      element.onchange = () => {
        const other = plane[1 - k], mine = Number(element.value);
        this.change({ plane: mine < 0 || other < 0 && mine < 0 ? [-1, -1] : k ? [Math.max(other, 0), mine] : [mine, other < 0 ? 1 : other] });
      };
    }
    on("file", "change", (one) => { const file = one.files?.[0]; if (file) this.upload(file); });
  }

  /** @param {number} k */
  pick(k) {
    this.class = k;
    this.choose(k);
    this.root.querySelectorAll(".swatch").forEach((swatch, i) => swatch.setAttribute("aria-pressed", String(i === k)));
  }

  /** A few points to begin with, so that there is something to train on. */
  seed() {
    return { points: [[-0.6, 0, 0], [-0.5, 0.2, 0], [0.6, 0, 1], [0.5, -0.2, 1]] };
  }
}
