/** The card of a weight, a bias or a unit: its numbers, the formula with the numbers of this step, and what can be done to it. */

import katex from "./vendor/katex.mjs";
import { escape } from "./map.js";

const GREEK = new Set("alpha beta gamma delta epsilon eta theta lambda mu sigma rho phi omega".split(" "));
const NARROW = 780; // pixels: below, each term of a sum has a line of its own

/** @param {any} value @param {number} digits */
export function short(value, digits = 4) {
  if (value === null || value === undefined) return "not finite";
  return value === 0 ? "0" : Number(value.toPrecision(digits)).toString();
}

/** A number in TeX, in brackets where it is negative and stands among others. @param {any} value @param {boolean} among */
function number(value, among = true) {
  if (value === null) return "\\infty";
  const text = short(value).replace(/e([+-]?)0*(\d+)$/, (_, sign, power) => `{\\times}10^{${sign === "-" ? "-" : ""}${power}}`);
  return among && value < 0 ? `(${text})` : text;
}

/** A symbol such as dW1[2,3] in TeX. @param {string} name */
export function tex(name) {
  const found = /^(d?)([a-zA-Z]+?)(\d*)(?:\[(.+)\])?$/.exec(name);
  if (!found) return `\\text{${name}}`;
  const [, d, letter, number, index] = found, letters = letter.length === 1 ? letter : GREEK.has(letter) ? `\\${letter}` : `\\mathrm{${letter}}`;
  return `${d ? "\\mathrm{d}" : ""}${letters}${number ? `^{${number}}` : ""}${index ? `_{${index}}` : ""}`;
}

/** @param {string} formula @param {boolean} display */
export function typeset(formula, display = false) {
  return katex.renderToString(formula, { displayMode: display, throwOnError: false, output: "htmlAndMathml" });
}

/** @param {any} formula @param {boolean} narrow */
function sumInTex(formula, narrow) {
  const terms = formula.terms.map((/** @type {any[]} */ [a, b]) => (formula.left ? `${number(a)} \\cdot ${number(b)}` : number(b)));
  const between = narrow ? " \\\\ &\\quad + " : " + ";
  const rest = formula.rest === null ? "" : ` \\\\ &\\quad + \\underbrace{${number(formula.rest)}}_{${formula.batch - formula.terms.length}\\ \\text{more}}`;
  return `\\begin{aligned}${tex(formula.symbol)} &= \\sum_{b=1}^{${formula.batch}} ${formula.left ? `${tex(formula.left)}\\, ` : ""}${tex(formula.right)}`
    + ` \\\\ &= ${terms.join(between)}${rest} \\\\ &= ${number(formula.sum, false)} \\end{aligned}`;
}

/** A path through earlier values. @param {number[][]} history */
function spark(history) {
  const values = history.map((pair) => pair[1]).filter((value) => value !== null);
  if (values.length < 2) return "";
  const low = Math.min(...values), high = Math.max(...values), span = high - low || 1;
  const points = values.map((value, k) => `${(148 * k / (values.length - 1) + 1).toFixed(1)} ${(32 - 30 * (value - low) / span).toFixed(1)}`);
  return `<svg class="spark" viewBox="0 0 150 34" role="img" aria-label="Earlier values, from ${short(values[0])} to ${short(values[values.length - 1])}">`
    + `<path d="M${points.join("L")}"/></svg>`;
}

export class CardView {
  /** @param {HTMLElement} root @param {(type: string, values?: object) => void} send @param {(place: any) => void} goTo */
  constructor(root, send, goTo) {
    this.root = root;
    this.send = send;
    this.goTo = goTo;
    this.editing = false;
  }

  /** @param {any} card */
  show(card) {
    const focus = this.root.contains(document.activeElement) ? document.activeElement?.id : "";
    if (card.kind === "unit") this.showUnit(card);
    else this.showParameter(card);
    if (focus) document.getElementById(focus)?.focus();
  }

  /** @param {any} card */
  showParameter(card) {
    const wrong = card.planted === null ? "" : `<dt>gradient used (a fault is planted)</dt><dd>${short(card.planted)}</dd>`;
    this.root.innerHTML = `<h2>${typeset(tex(card.title))}: a ${card.name === "W" ? "weight" : "bias"} at step ${card.step.toLocaleString("en")}</h2>
      <dl class="numbers"><div><dt>value</dt><dd>${short(card.value, 6)}</dd></div><div><dt>gradient</dt><dd>${short(card.gradient)}</dd></div>
      ${wrong ? `<div>${wrong}</div>` : ""}<div><dt>next update</dt><dd>${short(card.update)}</dd></div>
      <div><dt>so far</dt><dd>${spark(card.history)}</dd></div></dl>
      <div class="formula" data-sum="${card.formula.sum}">${typeset(sumInTex(card.formula, this.root.clientWidth < NARROW), true)}</div>
      <p class="hint">${typeset(tex(card.formula.right))} comes from <button type="button" class="link" id="to-right">the unit on the right</button>`
      + (card.from.left ? `, ${typeset(tex(card.formula.left))} from <button type="button" class="link" id="to-left">the unit on the left</button>` : "") + `.</p>
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
    this.find("#to-right").onclick = () => this.goTo(card.from.right);
    if (card.from.left) this.find("#to-left").onclick = () => this.goTo(card.from.left);
  }

  /** @param {any} card */
  showUnit(card) {
    const lines = card.lines.map((/** @type {string} */ line) => `<code>${escape(line)}</code>`).join("<br>");
    const hidden = card.column > 0 && card.hidden !== false;
    this.root.innerHTML = `<h2>${typeset(tex(card.title))}: a unit at step ${card.step.toLocaleString("en")}, for the first example of the next batch</h2>
      <dl class="numbers"><div><dt>value</dt><dd>${short(card.value, 5)}</dd></div>`
      + (card.gradient === undefined ? "" : `<div><dt>gradient of the loss by it</dt><dd>${short(card.gradient)}</dd></div>`) + `</dl>
      <div class="formula">${lines}</div>`
      + (hidden ? `<div class="actions"><button type="button" id="silence">Set this unit to zero</button></div>` : "");
    const button = this.root.querySelector("#silence");
    if (button) button.addEventListener("click", () => this.send("silence", { layer: card.linear ?? 0, unit: card.unit }));
  }

  /** @param {string} selector @returns {HTMLElement} */
  find(selector) {
    return /** @type {HTMLElement} */ (this.root.querySelector(selector));
  }
}
