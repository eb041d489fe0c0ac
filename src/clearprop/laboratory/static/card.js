/** The card of a weight, a bias or a unit: its numbers, the formula with the numbers of this step, and what can be done to it. */

import { gradientInTex, lineInTex, short, spark, tex, typeset } from "./formulas.js";

const NARROW = 690; // pixels: below, each term of a sum has a line of its own

/** A number with its name, and the course of the same number so far. @param {string} name @param {string} text @param {number[][]} [history] */
function entry(name, text, history) {
  return `<div><dt>${name}</dt><dd>${text.replace(/-/g, "\u2212")}</dd>${history ? `<dd>${spark(history, name)}</dd>` : ""}</div>`;
}

/** The place that a linked symbol names: u.column.unit, w.layer.i.j or b.layer.j. @param {string} text */
export function placeOf(text) {
  const [kind, ...rest] = text.split("."), numbers = rest.map(Number);
  if (kind === "u") return { type: "unit", column: numbers[0], unit: numbers[1] };
  return { type: "card", layer: numbers[0], name: kind === "w" ? "W" : "b", index: numbers.slice(1) };
}

export class CardView {
  /** @param {HTMLElement} root @param {(type: string, values?: object) => void} send @param {(place: any) => void} goTo */
  constructor(root, send, goTo) {
    this.root = root;
    this.send = send;
    this.goTo = goTo;
    this.editing = false;
    root.tabIndex = -1;
    root.addEventListener("click", (event) => {
      const to = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-go]"))?.dataset.go;
      if (to) goTo(placeOf(to));
    });
  }

  /** @param {any} card */
  show(card) {
    const focus = this.root.contains(document.activeElement) ? document.activeElement?.id : "";
    if (card.kind === "unit") this.showUnit(card);
    else this.showParameter(card);
    // A card that comes late must not throw the keyboard back to the top of the page.
    if (focus) /** @type {HTMLElement} */ (document.getElementById(focus) ?? this.root.querySelector("button, input") ?? this.root).focus();
  }

  narrow() {
    return this.root.clientWidth < NARROW;
  }

  /** @param {any} card */
  showParameter(card) {
    const { left, right } = card.from, { history } = card, link = (/** @type {string} */ id, /** @type {any} */ to, /** @type {string} */ text) =>
      `<button type="button" class="link" id="${id}" data-go="u.${to.column}.${to.unit}">${text}</button>`;
    this.root.innerHTML = `<h2>${typeset(tex(card.title))}: a ${card.name === "W" ? "weight" : "bias"} at step ${card.step.toLocaleString("en")}</h2><dl class="numbers">`
      + entry("value", short(card.value, 6), history.value) + entry("gradient", short(card.gradient), history.gradient)
      + (card.planted === null ? "" : entry("gradient used (a fault is planted)", short(card.planted))) + entry("next update", short(card.update), history.update)
      + `</dl><div class="formula" data-sum="${card.formula.sum}">${typeset(gradientInTex(card, this.narrow()), true)}</div>
      <p class="hint">${typeset(tex(card.formula.right))} comes from ${link("to-right", right, "the unit on the right")}`
      + (left ? `, ${typeset(tex(card.formula.left))} from ${link("to-left", left, "the unit on the left")}` : "") + `.</p>
      <div class="actions"><label>Value <input type="number" step="0.1" id="value" value="${short(card.value, 6)}"></label>
      <button type="button" id="set">Set</button>
      <button type="button" id="freeze" aria-pressed="${card.frozen}">${card.frozen ? "Frozen" : "Freeze"}</button></div>`;
    const place = { layer: card.layer, name: card.name, index: card.index };
    const field = /** @type {HTMLInputElement} */ (this.find("#value"));
    const set = () => {
      this.editing = false;
      if (Number.isFinite(field.valueAsNumber)) this.send("weight", { ...place, value: field.valueAsNumber });
    };
    field.oninput = () => { this.editing = true; };
    field.onblur = () => { this.editing = false; };
    this.find("#set").onclick = set;
    field.onkeydown = (event) => { if (event.key === "Enter") set(); };
    this.find("#freeze").onclick = () => this.send("freeze", { ...place, on: !card.frozen });
  }

  /** @param {any} card */
  showUnit(card) {
    const narrow = this.narrow(), made = card.lines.map((/** @type {any} */ line) => `<div>${typeset(lineInTex(line, narrow), true)}</div>`).join("");
    const back = card.back ? `<div>${typeset(lineInTex(card.back, narrow, true), true)}</div>` : "";
    const place = { layer: card.linear, unit: card.unit };
    this.root.innerHTML = `<h2>${typeset(tex(card.title))}: ${card.column ? "a unit" : "an input"} at step ${card.step.toLocaleString("en")}</h2>
      <p class="hint">For the first example of the next batch. A number that is underlined leads to the unit or the weight that it comes from.</p><dl class="numbers">`
      + entry("value", short(card.value, 5), card.history) + (card.gradient === undefined ? "" : entry("gradient of the loss", short(card.gradient)))
      + (card.update === undefined ? "" : entry("change by the next step", short(card.update))) + `</dl>`
      + (made ? `<div class="formula"><div class="made"><h3>Value</h3>${made}</div>${back ? `<div class="made"><h3>Gradient</h3>${back}</div>` : ""}</div>` : "")
      + (card.column ? `<div class="actions">${card.hidden ? `<button type="button" id="silence">Set this unit to zero</button>` : ""}
      <button type="button" id="hold" aria-pressed="${card.frozen}">${card.frozen ? "Its weights are frozen" : "Freeze its weights"}</button>
      <button type="button" class="link" id="to-bias" data-go="b.${card.linear}.${card.unit}">its bias</button></div>` : "");
    if (!card.column) return;
    this.find("#silence")?.addEventListener("click", () => this.send("silence", place));
    this.find("#hold").onclick = () => this.send("hold", { ...place, on: !card.frozen });
  }

  /** @param {string} selector @returns {HTMLElement} */
  find(selector) {
    return /** @type {HTMLElement} */ (this.root.querySelector(selector));
  }
}
