/** The page: everything put together, and the keys. */

import * as address from "./address.js";
import { CardView } from "./card.js";
import { Controls } from "./controls.js";
import { CurvesView } from "./curves.js";
import { DataPanel } from "./data.js";
import { MapView } from "./map.js";
import { NetworkView } from "./network.js";
import { Tools } from "./tools.js";
import { Wire } from "./wire.js";

const find = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const AGAIN = 250; // milliseconds until the card of a running net is drawn anew
const asked = address.read();
const said = find("message");

/** @param {string} text @param {boolean} calm */
function say(text, calm = false) {
  said.textContent = text;
  said.hidden = !text;
  said.classList.toggle("calm", calm);
}

async function open() {
  const answer = await fetch(`/options?token=${encodeURIComponent(asked.token)}`);
  if (!answer.ok) {
    say(await answer.text());
    return;
  }
  new Page(await answer.json());
}

class Page {
  /** @param {import("./types.js").Options} options */
  constructor(options) {
    /** @type {import("./types.js").Frame | null} */
    this.frame = null;
    /** @type {import("./types.js").Scene | null} */
    this.scene = null;
    /** @type {any} */
    this.chosen = null;
    this.begun = false;
    this.wire = new Wire(asked.token, asked.session, (message) => this.receive(message), (open) => this.opened(open));
    const send = (/** @type {string} */ type, values = {}) => this.wire.send(type, values);
    const change = (/** @type {object} */ state) => send("change", { state });
    this.map = new MapView(/** @type {HTMLCanvasElement} */ (find("map")), find("map-legend"), (point) => this.paint(point));
    this.network = new NetworkView(/** @type {any} */ (find("network")), (layer, index) => this.choose({ type: "card", layer, name: "W", index }),
      (column, unit) => this.choose({ type: "unit", column, unit }));
    const touch = (/** @type {string} */ type, values = {}) => { send(type, values); this.ask(); };
    this.card = new CardView(find("card"), touch, (place) => this.choose(place));
    this.curves = new CurvesView(find("curves"));
    this.controls = new Controls(find("settings"), options, (settings) => change({ settings }));
    this.data = new DataPanel(find("data"), options, change, (file) => this.upload(file), (k) => { this.map.class = k; });
    const links = { address: (/** @type {string} */ form) => `/take/${form}?token=${encodeURIComponent(asked.token)}&session=${encodeURIComponent(asked.session)}` };
    this.tools = new Tools(find("tablist"), find("tabpanel"), options, send, links);
    this.tools.lesson = Math.min(Math.max(asked.lesson - 1, 0), options.lessons.length - 1);
    this.tools.open("lessons");
    this.listen(send);
    let wide = innerWidth;
    addEventListener("resize", () => {
      if (!this.scene || !this.frame || innerWidth === wide) return;
      wide = innerWidth;
      this.network.stage(this.scene);
      this.network.draw(this.frame);
      this.network.label(this.frame);
    });
  }

  /** @param {(type: string, values?: object) => void} send */
  listen(send) {
    const acts = {
      run: () => send("run", { on: !this.frame?.running }), step: () => send("step", { n: 1 }), epoch: () => send("epoch"),
      slow: () => { this.tools.open("slow"); find("tools").scrollIntoView({ block: "nearest" }); }, reset: () => send("reset"), undo: () => send("undo"),
    };
    for (const [id, act] of Object.entries(acts)) find(id).onclick = act;
    const keys = { " ": acts.run, s: acts.step, e: acts.epoch, m: acts.slow, r: acts.reset, u: acts.undo };
    document.addEventListener("keydown", (event) => {
      const inField = /** @type {HTMLElement} */ (event.target).closest("input, select, textarea, button, [role=tab]");
      const act = keys[/** @type {keyof typeof keys} */ (event.key)];
      if (!act || inField || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });
    const pace = /** @type {HTMLSelectElement} */ (find("pace"));
    pace.onchange = () => send("pace", { steps: Number(pace.value) });
    const back = /** @type {HTMLInputElement} */ (find("back"));
    back.onchange = () => send("back", { to: Number(back.value) });
  }

  /** @param {boolean} open */
  opened(open) {
    if (!open) say("The lab does not answer; trying again. Is clearprop lab still running?");
    else if (said.textContent?.startsWith("The lab does not")) say("");
  }

  /** @param {any} message */
  receive(message) {
    if (message.type === "frame") this.draw(message);
    else if (message.type === "error") say(message.text);
    else if (message.type === "card") this.showCard(message);
    else {
      if (message.type === "pinned") this.curves.start(this.curves.rows, message.curve);
      this.tools.receive(message);
    }
  }

  /** @param {import("./types.js").Frame} frame */
  draw(frame) {
    const before = this.frame;
    frame.state ??= /** @type {import("./types.js").State} */ (before?.state); // it is sent where it has changed
    this.frame = frame;
    if (frame.scene) {
      this.scene = frame.scene;
      this.tools.classes = frame.scene.classes;
      this.map.painting = frame.state.data.source === "painted";
      this.map.stage(frame.scene);
      this.network.stage(frame.scene);
      this.chosen = null;
      say("");
    }
    if (frame.curve) this.curves.start(frame.curve, frame.pinned ?? this.curves.pinned);
    else if (frame.row.step !== before?.row.step) this.curves.add(frame.row);
    this.map.draw(frame.map);
    this.network.draw(frame);
    this.tell(frame);
    if (this.scene) {
      this.controls.show(frame.state, this.scene);
      this.data.show(frame.state, this.scene);
      if (asked.hide.length) address.hide(asked.hide);
    }
    if (frame.state !== before?.state) address.write(frame.state);
    if (!frame.running) this.network.label(frame);
    if (this.chosen && frame.step !== before?.step && performance.now() - (this.asked ?? 0) > AGAIN) this.ask();
    requestAnimationFrame(() => this.wire.send("ack", { frame: frame.frame }));
    if (!this.begun) this.begin();
  }

  /** The state of the address, once. */
  begin() {
    this.begun = true;
    if (asked.state) this.wire.send("change", { state: asked.state });
  }

  /** @param {import("./types.js").Frame} frame */
  tell(frame) {
    const run = find("run"), back = /** @type {HTMLInputElement} */ (find("back"));
    run.textContent = frame.running ? "Stop" : "Run";
    const pace = /** @type {HTMLSelectElement} */ (find("pace"));
    if (document.activeElement !== pace) pace.value = String(frame.pace);
    run.setAttribute("aria-pressed", String(frame.running));
    /** @type {HTMLButtonElement} */ (find("undo")).disabled = !frame.undo;
    back.max = String(frame.step);
    back.min = String(frame.earliest);
    if (document.activeElement !== back) back.value = String(frame.step);
    const speed = frame.running && frame.speed ? `, ${frame.speed.toLocaleString("en")} steps a second` : "";
    const marks = (frame.planted ? ", a fault is planted" : "") + (frame.frozen ? `, ${frame.frozen} frozen` : "");
    find("where").textContent = `step ${frame.step.toLocaleString("en")}, epoch ${frame.epoch.toLocaleString("en")}${speed}${marks}`;
  }

  /** @param {any} place */
  choose(place) {
    this.chosen = place;
    this.ask();
  }

  /** The card of what is chosen, anew. */
  ask() {
    if (!this.chosen) return;
    this.asked = performance.now();
    const { type, ...values } = this.chosen;
    this.wire.send(type, values);
  }

  /** @param {any} message */
  showCard(message) {
    if (this.card.editing) return; // what is being typed is not written over
    if (message.kind === "unit") this.network.mark(message.drawn, message.unit);
    else this.network.markLink(message.name === "W" ? [message.layer, ...message.index].join() : "");
    this.card.show(message);
  }

  /** @param {number[]} point */
  paint(point) {
    const data = this.frame?.state.data;
    if (!data) return;
    this.wire.send("change", { state: { data: { points: [...data.points, [Number(point[0].toFixed(4)), Number(point[1].toFixed(4)), point[2]]] } } });
  }

  /** @param {File} file */
  async upload(file) {
    say(`Reading ${file.name} ...`, true);
    const query = new URLSearchParams({ token: asked.token, session: asked.session, name: file.name });
    try {
      const answer = await fetch(`/table?${query}`, { method: "POST", body: file }), found = await answer.json();
      say(found.error ?? "", !found.error);
    } catch {
      say(`${file.name} could not be read.`);
    }
  }
}

open();
