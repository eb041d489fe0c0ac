/** Colours: one for each class, and a scale for numbers from minus one to one. Okabe and Ito's, then Paul Tol's. */

export const PALETTE = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#999933", "#332288", "#7f7f7f"];

/** @param {string} code @returns {number[]} */
export function rgb(code) {
  return [1, 3, 5].map((i) => parseInt(code.slice(i, i + 2), 16));
}

const LOW = rgb("#d55e00"), HIGH = rgb("#0072b2");

/**
 * A number from -1 (orange) through 0 (the paper) to 1 (blue).
 * @param {number} value @param {number[]} paper @returns {number[]}
 */
export function diverging(value, paper) {
  const end = value < 0 ? LOW : HIGH, share = Math.min(Math.abs(value), 1);
  return paper.map((part, k) => Math.round(part + (end[k] - part) * share));
}

/** The colour of the page, for what is mixed with it. @returns {number[]} */
export function paper() {
  return matchMedia("(prefers-color-scheme: dark)").matches ? [27, 31, 39] : [255, 255, 255];
}

/** Bytes from base64. @param {string} text @returns {Uint8Array} */
export function bytes(text) {
  const raw = atob(text), found = new Uint8Array(raw.length);
  for (let k = 0; k < raw.length; k++) found[k] = raw.charCodeAt(k);
  return found;
}

/** Colours of the bytes 0 to 255, for numbers from -1 to 1: three entries each. @param {number[]} paper @returns {Uint8Array} */
export function divergingTable(paper) {
  const found = new Uint8Array(3 * 256);
  for (let k = 0; k < 256; k++) found.set(diverging((k - 127.5) / 127.5, paper), 3 * k);
  return found;
}
