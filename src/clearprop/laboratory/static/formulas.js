/** Formulas in TeX, with numbers in them; a symbol or number that comes from a unit or a weight leads there. */

import katex from "./vendor/katex.mjs";

const GREEK = new Set("alpha beta gamma delta epsilon eta theta lambda mu sigma rho phi omega".split(" "));
const NAMES = /** @type {{[name: string]: string}} */ ({ Tanh: "\\tanh", Sigmoid: "\\sigma", ReLU: "\\mathrm{ReLU}" });

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

/** TeX that leads to a unit or a weight when it is clicked. @param {string} place @param {string} text */
function linked(place, text) {
  return place ? `\\htmlData{go=${place}}{${text}}` : text;
}

/** @param {string} formula @param {boolean} display */
export function typeset(formula, display = false) {
  return katex.renderToString(formula, {
    displayMode: display, throwOnError: false, output: "htmlAndMathml", strict: "ignore", trust: (context) => context.command === "\\htmlData",
  });
}

/** Terms of a sum, one below the other where the page is narrow. @param {string[]} terms @param {string} rest @param {boolean} narrow */
function listed(terms, rest, narrow) {
  return terms.join(narrow ? " \\\\ &\\quad + " : " + ") + (rest ? ` \\\\ &\\quad + ${rest}` : "");
}

/** @param {any} formula */
function restOf(formula) {
  return formula.rest === null ? "" : `\\underbrace{${number(formula.rest)}}_{${formula.n - formula.terms.length}\\ \\text{more}}`;
}

/** The gradient of a weight or a bias: a sum over the batch. @param {any} card @param {boolean} narrow */
export function gradientInTex(card, narrow) {
  const { formula, from } = card, left = from.left ? `u.${from.left.column}.${from.left.unit}` : "", right = `u.${from.right.column}.${from.right.unit}`;
  const terms = formula.terms.map((/** @type {any[]} */ [a, b]) => (formula.left ? `${linked(left, number(a))} \\cdot ` : "") + linked(right, number(b)));
  const product = (formula.left ? `${linked(left, tex(formula.left))}\\, ` : "") + linked(right, tex(formula.right));
  return `\\begin{aligned}${tex(formula.symbol)} &= \\sum_{b=1}^{${formula.n}} ${product} \\\\ &= ${listed(terms, restOf(formula), narrow)}`
    + ` \\\\ &= ${number(formula.sum, false)} \\end{aligned}`;
}

/** How a unit is made by one layer, or how its gradient is. @param {any} line @param {boolean} narrow @param {boolean} back */
export function lineInTex(line, narrow, back = false) {
  const head = `\\begin{aligned}${tex(line.symbol)} &= `, tail = ` \\\\ &= ${number(line.value, false)} \\end{aligned}`;
  if (line.kind === "sum") {
    const { column, linear, unit } = line.from;
    const weight = (/** @type {number} */ i) => `w.${linear}.${back ? unit : i}.${back ? i : unit}`;
    const terms = line.terms.map((/** @type {any[]} */ [a, b], /** @type {number} */ i) => `${linked(`u.${column}.${i}`, number(a))} \\cdot ${linked(weight(i), number(b))}`);
    const bias = line.b === undefined ? "" : ` + ${linked(`b.${linear}.${unit}`, tex(line.b))}`;
    const ends = [restOf(line), line.b === undefined ? "" : linked(`b.${linear}.${unit}`, number(line.bias))].filter(Boolean).join(" + ");
    return `${head}\\sum_{i=1}^{${line.n}} ${tex(line.left)}\\, ${tex(line.right)}${bias} \\\\ &= ${listed(terms, ends, narrow)}${tail}`;
  }
  const name = NAMES[line.name] ?? `\\mathrm{${line.name}}`;
  if (line.kind === "each") return `${head}${name}(${tex(line.x)})${narrow ? " \\\\ &" : ""} = ${name}(${number(line.inside, false)})${tail}`;
  const plain = `${head}${tex(line.dy)}\\ \\text{through}\\ ${name}`;
  if (!line.after || line.name === "BatchNorm" || line.value === null) return plain + tail;
  return `${head}${tex(line.dy)} \\cdot ${name}'${narrow ? " \\\\ &" : ""} = ${number(line.after)} \\cdot ${number(line.value / line.after)}${tail}`;
}

/** A path through earlier numbers. @param {number[][]} history @param {string} what */
export function spark(history, what) {
  const values = (history ?? []).map((pair) => pair[1]).filter((value) => value !== null);
  if (values.length < 2) return "";
  const low = Math.min(...values), high = Math.max(...values), span = high - low || 1;
  const points = values.map((value, k) => `${(116 * k / (values.length - 1) + 2).toFixed(1)} ${(26 - 22 * (value - low) / span).toFixed(1)}`);
  const [x, y] = points[points.length - 1].split(" ");
  return `<svg class="spark" viewBox="0 0 120 30" role="img" aria-label="Earlier ${what}, from ${short(values[0])} to ${short(values[values.length - 1])}, between ${short(low)} and ${short(high)}">`
    + `<path d="M${points.join("L")}"/><circle cx="${x}" cy="${y}" r="2"/></svg>`;
}
