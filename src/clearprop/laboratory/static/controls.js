/** The settings: layers, activations, optimizer, rate and the rest, adjustable while it runs. */

import { escape } from "./map.js";

const RATES = [-4, 1]; // powers of ten that the slider spans

/** @param {string[]} names @param {string} chosen */
export function options(names, chosen) {
  return names.map((name) => `<option value="${escape(name)}"${name === chosen ? " selected" : ""}>${escape(name.replace(/_/g, " "))}</option>`).join("");
}

/** @param {string} label @param {string} control @param {string} name */
export function field(label, control, name) {
  return `<label class="field" data-control="${name}"><span>${label}</span>${control}</label>`;
}

export class Controls {
  /** @param {HTMLElement} root @param {import("./types.js").Options} choices @param {(settings: object) => void} change */
  constructor(root, choices, change) {
    this.root = root;
    this.choices = choices;
    this.change = change;
    this.shown = "";
    /** @type {boolean[]} */
    this.norms = [];
    /** @type {number[]} */
    this.drops = [];
  }

  /** @param {import("./types.js").State} state @param {import("./types.js").Scene} scene */
  show(state, scene) {
    const s = state.settings, wanted = JSON.stringify([s, scene.task]);
    if (wanted === this.shown || this.root.contains(document.activeElement) && this.sliding) return;
    this.shown = wanted;
    const focus = /** @type {HTMLElement | null} */ (document.activeElement)?.id ?? "";
    const hidden = s.hidden ?? [], activation = s.activation ?? ["tanh"], { choices } = this;
    const each = (/** @type {any} */ value, /** @type {any} */ none) => hidden.map((/** @type {any} */ _, /** @type {number} */ k) => (Array.isArray(value) ? value[k] : value) ?? none);
    const norms = each(s.batch_norm, false), drops = each(s.dropout, 0);
    const usual = scene.task === "regression" ? ["mean_squared_error", "mean_absolute_error", "huber"] : ["cross_entropy", "focal"];
    const losses = usual.includes(s.loss) ? usual : [s.loss, ...usual];
    const layers = hidden.map((/** @type {number} */ units, /** @type {number} */ k) =>
      `<div class="layer"><input type="number" min="1" max="64" value="${units}" id="units-${k}" aria-label="Units of hidden layer ${k + 1}">`
      + `<select id="activation-${k}" aria-label="Activation of hidden layer ${k + 1}">${options(choices.activations, activation[Math.min(k, activation.length - 1)])}</select>`
      + `<button type="button" id="less-${k}" aria-label="Remove hidden layer ${k + 1}">&minus;</button>`
      + `<span class="extras" data-control="extras"><label><input type="checkbox" id="norm-${k}" aria-label="Batch norm in hidden layer ${k + 1}"${norms[k] ? " checked" : ""}> batch norm</label>`
      + `<label>dropout <input type="number" id="drop-${k}" min="0" max="0.9" step="0.1" value="${drops[k]}" aria-label="Dropout after hidden layer ${k + 1}"></label></span></div>`).join("");
    this.norms = norms;
    this.drops = drops;
    const power = Math.log10(s.lr ?? 0.1);
    this.root.innerHTML = `<div data-control="layers"><h2>Hidden layers</h2><div class="rows">${layers}</div>
      <button type="button" id="more">Add a layer</button></div>`
      + field("Rate", `<span class="both"><input type="range" id="rate" min="${RATES[0]}" max="${RATES[1]}" step="0.01" value="${power}" aria-label="Learning rate, slider"><input type="number" id="lr" min="0" step="any" value="${Number((s.lr ?? 0.1).toPrecision(3))}" aria-label="Learning rate"></span>`, "rate")
      + field("Optimizer", `<select id="optimizer">${options(choices.optimizers, s.optimizer)}</select>`, "optimizer")
      + field("Schedule", `<select id="schedule">${options(choices.schedules, s.schedule)}</select>`, "schedule")
      + field("Batch", `<input type="number" id="batch_size" min="1" value="${s.batch_size}">`, "batch")
      + field("Loss", `<select id="loss">${options(losses, s.loss)}</select>`, "loss")
      + field("First weights", `<select id="init"><option value="">to suit</option>${options(choices.inits, s.init ?? "")}</select>`, "init")
      + field("Decay", `<input type="number" id="weight_decay" min="0" step="any" value="${s.weight_decay ?? 0}">`, "decay")
      + field("Seed", `<input type="number" id="seed" min="0" value="${s.seed ?? 0}">`, "seed");
    this.listen(hidden, activation);
    if (focus) document.getElementById(focus)?.focus();
  }

  /** @param {number[]} hidden @param {string[]} activation */
  listen(hidden, activation) {
    const find = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (this.root.querySelector(`#${id}`));
    const each = hidden.map((_, k) => activation[Math.min(k, activation.length - 1)]);
    hidden.forEach((_, k) => {
      find(`units-${k}`).onchange = (event) => this.change({ hidden: hidden.map((n, i) => (i === k ? Number(/** @type {any} */ (event.target).value) : n)), activation: each });
      find(`activation-${k}`).onchange = (event) => this.change({ hidden, activation: each.map((name, i) => (i === k ? /** @type {any} */ (event.target).value : name)) });
      find(`norm-${k}`).onchange = (event) => this.change({ batch_norm: this.norms.map((/** @type {boolean} */ on, /** @type {number} */ i) => (i === k ? /** @type {any} */ (event.target).checked : on)) });
      find(`drop-${k}`).onchange = (event) => this.change({ dropout: this.drops.map((/** @type {number} */ rate, /** @type {number} */ i) => (i === k ? Number(/** @type {any} */ (event.target).value) : rate)) });
      const without = (/** @type {any[]} */ all) => all.filter((_, i) => i !== k);
      find(`less-${k}`).onclick = () => this.change({ hidden: without(hidden), activation: without(each), batch_norm: without(this.norms), dropout: without(this.drops) });
    });
    find("more").onclick = () => this.change({ hidden: [...hidden, 4], activation: [...each, each[each.length - 1] ?? "tanh"], batch_norm: [...this.norms, false], dropout: [...this.drops, 0] });
    const rate = find("rate"), lr = find("lr");
    rate.oninput = () => {
      this.sliding = true;
      lr.value = String(Number((10 ** Number(rate.value)).toPrecision(3)));
      this.change({ lr: Number(lr.value) });
    };
    rate.onchange = () => { this.sliding = false; };
    lr.onchange = () => this.change({ lr: Number(lr.value) });
    for (const name of ["optimizer", "schedule", "loss"]) find(name).onchange = () => this.change({ [name]: find(name).value });
    for (const name of ["batch_size", "weight_decay", "seed"]) find(name).onchange = () => this.change({ [name]: Number(find(name).value) });
    find("init").onchange = () => this.change({ init: find("init").value || null });
  }
}
