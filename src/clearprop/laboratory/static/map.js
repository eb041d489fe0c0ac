/** The map: what the network says of every point of the plane, with the points themselves; points are painted on it. */

import { PALETTE, bytes, diverging, paper, rgb } from "./colours.js";

const COLOURS = PALETTE.map(rgb);

export class MapView {
  /** @param {HTMLCanvasElement} canvas @param {HTMLElement} legend @param {(point: number[]) => void} paint */
  constructor(canvas, legend, paint) {
    this.canvas = canvas;
    this.legend = legend;
    /** @type {import("./types.js").Scene | null} */
    this.scene = null;
    this.points = document.createElement("canvas"); // above the map, and drawn once
    this.points.className = "points";
    this.points.setAttribute("aria-hidden", "true"); // the label of the map speaks of both
    canvas.after(this.points);
    this.class = 0;
    this.painting = false;
    let down = false;
    const at = (/** @type {PointerEvent} */ event) => {
      if (!this.scene || !this.painting) return;
      const box = canvas.getBoundingClientRect(), { low, high } = this.scene.plane;
      const u = (event.clientX - box.left) / box.width, v = 1 - (event.clientY - box.top) / box.height;
      paint([low[0] + u * (high[0] - low[0]), low[1] + v * (high[1] - low[1]), this.class]);
    };
    canvas.addEventListener("pointerdown", (event) => { down = true; at(event); });
    canvas.addEventListener("pointermove", (event) => { if (down && event.movementX ** 2 + event.movementY ** 2 > 12) at(event); });
    addEventListener("pointerup", () => { down = false; });
  }

  /** @param {import("./types.js").Scene} scene */
  stage(scene) {
    this.scene = scene;
    const side = 2 * Math.round(this.canvas.clientWidth || 380);
    this.points.width = this.points.height = side;
    this.drawPoints(side);
    this.describe();
  }

  /** @param {number} side */
  drawPoints(side) {
    const scene = this.scene, ink = this.points.getContext("2d");
    if (!scene || !ink) return;
    ink.clearRect(0, 0, side, side);
    const { low, high } = scene.plane, targets = Object.values(scene.points).flat().map((point) => point[2]);
    const least = Math.min(...targets), most = Math.max(...targets);
    for (const [split, points] of Object.entries(scene.points)) {
      for (const [u, v, target] of points) {
        const x = (u - low[0]) / (high[0] - low[0]) * side, y = (1 - (v - low[1]) / (high[1] - low[1])) * side;
        const value = most > least ? 2 * (target - least) / (most - least) - 1 : 0;
        const colour = scene.task === "regression" ? `rgb(${diverging(value, paper()).join(",")})` : PALETTE[target % PALETTE.length];
        ink.beginPath();
        ink.arc(x, y, split === "train" ? 6 : 5, 0, 7);
        ink.lineWidth = split === "train" ? 1.5 : 3;
        ink.strokeStyle = split === "train" ? "#fff" : colour;
        ink.fillStyle = split === "train" ? colour : "#fff";
        ink.fill();
        ink.stroke();
      }
    }
  }

  /** @param {import("./types.js").DecisionMap} map */
  draw(map) {
    const ink = this.canvas.getContext("2d");
    if (!this.scene || !ink) return;
    const side = map.side;
    if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side; // which the browser scales, and smoothly
    const image = ink.createImageData(side, side), ground = paper();
    if (map.kind === "class") {
      const classes = bytes(map.classes ?? ""), sure = bytes(map.sure ?? ""), colours = COLOURS;
      for (let i = 0; i < classes.length; i++) {
        const colour = colours[classes[i] % colours.length], share = 0.12 + 0.48 * sure[i] / 255;
        for (let k = 0; k < 3; k++) image.data[4 * i + k] = ground[k] + (colour[k] - ground[k]) * share;
        image.data[4 * i + 3] = 255;
      }
    } else {
      const values = bytes(map.values ?? ""), low = map.low ?? 0, high = map.high ?? 1, size = Math.max(Math.abs(low), Math.abs(high), 1e-9);
      for (let i = 0; i < values.length; i++) {
        const colour = diverging(0.8 * (low + (high - low) * values[i] / 255) / size, ground);
        for (let k = 0; k < 3; k++) image.data[4 * i + k] = colour[k];
        image.data[4 * i + 3] = 255;
      }
    }
    ink.putImageData(image, 0, 0);
  }

  describe() {
    const scene = this.scene;
    if (!scene) return;
    const classes = scene.task === "regression" ? [] : scene.classes.slice(0, 10);
    const keys = classes.map((name, k) => `<span><i style="background:${PALETTE[k % 10]}"></i>${escape(name)}</span>`);
    keys.push(`<span><i style="background:currentColor"></i>training (${scene.n.train})</span>`);
    if (scene.n.val) keys.push(`<span><i class="open"></i>validation (${scene.n.val})</span>`);
    keys.push(`<span>${escape(scene.plane.names[0])} across, ${escape(scene.plane.names[1])} up</span>`);
    this.legend.innerHTML = keys.join("");
    this.canvas.setAttribute("aria-label", `Map of the predictions over ${scene.plane.names.join(" and ")}, with ${scene.n.train} training points`);
  }
}

/** @param {string} text */
export function escape(text) {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
