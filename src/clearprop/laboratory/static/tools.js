/** The tools below: slow motion, output in detail, break it, doctor, compare, take away, lessons. */

import { short, tex, typeset } from "./formulas.js";
import { escape } from "./map.js";

const PACE = 550; // milliseconds between two values of slow motion

export class Tools {
  /**
   * @param {HTMLElement} tablist @param {HTMLElement} panel @param {import("./types.js").Options} options
   * @param {(type: string, values?: object) => void} send @param {{address: (form: string) => string}} links
   */
  constructor(tablist, panel, options, send, links) {
    this.panel = panel;
    this.options = options;
    this.send = send;
    this.links = links;
    /** @type {{[name: string]: {title: string, open: () => void}}} */
    this.tabs = {
      slow: { title: "Slow motion", open: () => this.send("slow") },
      insights: { title: "Confusion and activations", open: () => this.send("insights") },
      break: { title: "Break it", open: () => this.send("faults") },
      doctor: { title: "Doctor", open: () => this.askDoctor() },
      compare: { title: "Compare", open: () => this.showCompare() },
      take: { title: "Take away", open: () => this.showForms() },
      lessons: { title: "Lessons", open: () => this.showLessons() },
    };
    tablist.innerHTML = Object.entries(this.tabs).map(([name, tab], k) =>
      `<button role="tab" id="tab-${name}" aria-controls="tabpanel" aria-selected="${k === 6}" tabindex="${k === 6 ? 0 : -1}" data-control="${name}">${tab.title}</button>`).join("");
    this.buttons = /** @type {HTMLElement[]} */ ([...tablist.children]);
    this.buttons.forEach((button, k) => {
      button.onclick = () => this.open(Object.keys(this.tabs)[k]);
      button.onkeydown = (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
        if (step) this.buttons[(k + step + this.buttons.length) % this.buttons.length].focus();
      };
    });
    this.pinned = false;
    /** @type {string[]} */
    this.classes = [];
    this.lesson = 0;
    this.place = 0;
    this.now = "";
  }

  /** @param {string} name */
  open(name) {
    this.now = name;
    clearInterval(this.clock);
    this.buttons.forEach((button) => {
      const chosen = button.id === `tab-${name}`;
      button.setAttribute("aria-selected", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    });
    this.panel.setAttribute("aria-labelledby", `tab-${name}`);
    this.panel.innerHTML = `<p class="hint">One moment ...</p>`;
    this.tabs[name].open();
  }

  /** @param {any} answer */
  receive(answer) {
    if (answer.type === "slow" && this.now === "slow") this.showSlow(answer);
    else if (answer.type === "insights" && this.now === "insights") this.showInsights(answer);
    else if (answer.type === "faults" && this.now === "break") this.showFaults(answer);
    else if (answer.type === "check") this.showVerdict(answer);
    else if (answer.type === "doctor" && this.now === "doctor") this.showDoctor(answer);
    else if (answer.type === "pinned") this.pinned = answer.curve !== null;
  }

  // ------------------------------------------------------------ slow motion

  /** @param {any} answer */
  showSlow(answer) {
    const value = (/** @type {any} */ line) => {
      if (!line.shape.length) return escape(short(line.value, 6));
      const rows = line.shape.length > 1 ? line.value : [line.value];
      const texts = rows.slice(0, 8).map((/** @type {any[]} */ row) => row.slice(0, 8).map((one) => short(one)));
      const wide = Math.max(...texts.flat().map((/** @type {string} */ text) => text.length));
      const shown = rows.slice(0, 8).map((/** @type {any[]} */ row, /** @type {number} */ k) => texts[k].map((/** @type {string} */ text) => text.padStart(wide)).join("  ") + (row.length > 8 ? "  ..." : ""));
      return [...shown, ...(rows.length > 8 ? ["..."] : [])].map((/** @type {string} */ row) => `<span class="row">${escape(row)}</span>`).join("");
    };
    this.panel.innerHTML = `<div class="actions"><button type="button" id="again">Play again</button><button type="button" id="next-value">Next value</button>
      <button type="button" id="all-values">All at once</button><button type="button" id="take-step">Take this step</button>
      <span class="hint">${answer.examples} of the ${answer.batch} examples of the next batch; the step itself uses them all.</span></div>`
      + answer.stages.map((/** @type {any} */ stage) => `<section class="stage"><h2>${escape(stage.title)}</h2>` + stage.lines.map((/** @type {any} */ line) =>
        `<div class="line later"><b>${typeset(tex(line.symbol))}</b><code>${escape(line.formula ? `${line.sign} ${line.formula}` : "given")}${line.note ? `\n${escape(line.note)}` : ""}</code><span class="values">${value(line)}</span></div>`).join("") + `</section>`).join("");
    const lines = /** @type {HTMLElement[]} */ ([...this.panel.querySelectorAll(".line")]);
    let next = 0;
    const show = () => {
      lines.forEach((line, k) => line.classList.toggle("now", k === next));
      lines[next]?.classList.remove("later");
      next++;
      if (next >= lines.length) clearInterval(this.clock);
    };
    const play = () => {
      clearInterval(this.clock);
      lines.forEach((line) => line.classList.add("later"));
      next = 0;
      this.clock = setInterval(show, PACE);
      show();
    };
    this.find("#again").onclick = play;
    this.find("#next-value").onclick = () => { clearInterval(this.clock); show(); };
    this.find("#all-values").onclick = () => { clearInterval(this.clock); lines.forEach((line) => line.classList.remove("later", "now")); };
    this.find("#take-step").onclick = () => { this.send("step", { n: 1 }); this.send("slow"); };
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.find("#all-values").click();
    else play();
  }

  // ------------------------------------------------------------ output in detail

  /** @param {any} answer */
  showInsights(answer) {
    const names = this.classes;
    let html = `<div class="actions"><button type="button" id="renew">Renew</button><span class="hint">On the validation examples, at this step.</span></div><div class="small-charts">`;
    if (answer.confusion) {
      html += `<div class="scroll"><table><caption>Confusion: truth down, prediction across</caption><tr><th></th>${names.map((name) => `<th scope="col">${escape(name)}</th>`).join("")}</tr>`
        + answer.confusion.map((/** @type {number[]} */ row, /** @type {number} */ k) => `<tr><th scope="row">${escape(names[k] ?? String(k))}</th>${row.map((n) => `<td>${n}</td>`).join("")}</tr>`).join("") + `</table></div>`;
    }
    for (const { symbol, low, high, counts } of answer.histograms) {
      const most = Math.max(...counts, 1), width = 190 / counts.length;
      html += `<figure style="margin:0"><figcaption>${typeset(tex(symbol))}: activations</figcaption><svg class="bars" viewBox="0 0 190 70" role="img" aria-label="Histogram of ${escape(symbol)} from ${short(low)} to ${short(high)}">`
        + counts.map((/** @type {number} */ n, /** @type {number} */ k) => `<rect x="${(k * width).toFixed(1)}" y="${(54 - 52 * n / most).toFixed(1)}" width="${(width - 1).toFixed(1)}" height="${(52 * n / most).toFixed(1)}"/>`).join("")
        + `<text x="0" y="68">${short(low, 3)}</text><text x="190" y="68" text-anchor="end">${short(high, 3)}</text></svg></figure>`;
    }
    this.panel.innerHTML = html + `</div>`;
    this.find("#renew").onclick = () => this.send("insights");
  }

  // ------------------------------------------------------------ break it

  /** @param {any} answer */
  showFaults(answer) {
    if (answer.reason || !answer.faults.length) {
      this.panel.innerHTML = `<p>${escape(answer.reason || "No fault of the dictionary changes the gradient of this net.")}</p>`;
      return;
    }
    const groups = new Map();
    for (const fault of answer.faults) groups.set(fault.title, [...(groups.get(fault.title) ?? []), fault]);
    this.faults = answer.faults;
    const list = [...groups].map(([title, faults]) => `<optgroup label="${escape(title)}">` + faults.map((/** @type {any} */ fault) =>
      `<option value="${answer.faults.indexOf(fault)}">${escape(title)}: ${escape(fault.site.join(", "))}</option>`).join("") + `</optgroup>`).join("");
    this.panel.innerHTML = `<p class="hint">Choose one of the mistakes that people make, and train with its gradient. The check beside it is told nothing.</p>
      <div class="actions"><select id="fault" aria-label="Fault">${list}</select><button type="button" id="plant">Plant it</button>
      <button type="button" id="heal">Take it out</button><button type="button" id="check">Check</button></div><div id="verdict"></div>`;
    this.find("#plant").onclick = () => {
      const { slug, site } = answer.faults[Number(/** @type {HTMLSelectElement} */ (this.find("#fault")).value)];
      this.send("plant", { slug, site });
    };
    this.find("#heal").onclick = () => this.send("heal");
    this.find("#check").onclick = () => this.send("check");
    this.send("check");
  }

  /** @param {any} answer */
  showVerdict(answer) {
    const box = this.panel.querySelector("#verdict");
    if (!box) return;
    const suspects = answer.suspects.map((/** @type {any} */ one, /** @type {number} */ k) =>
      `<p>${k ? "Also possible: " : ""}<b>${escape(one.title)}.</b> ${escape(one.sentence)} Right: <code>${escape(one.remedy)}</code></p>`).join("");
    box.innerHTML = `<div class="verdict ${answer.right === null ? "" : answer.right ? "right" : "wrong"}"><p>clearprop check: ${escape(answer.text)}</p>${suspects}</div>`;
  }

  // ------------------------------------------------------------ doctor, compare, take away, lessons

  askDoctor() {
    this.panel.innerHTML = `<p class="hint">The doctor trains copies of this run from its start, and tries remedies on them ...</p>`;
    this.send("doctor");
  }

  /** @param {any} answer */
  showDoctor(answer) {
    let html = `<div class="actions"><button type="button" id="ask">Ask again</button></div>`;
    if (answer.healthy) html += `<div class="verdict right"><p>Nothing is wrong with this run.</p></div>`;
    if (answer.unknown) html += `<div class="verdict"><p>${escape(answer.unknown)}</p></div>`;
    answer.findings.forEach((/** @type {any} */ one, /** @type {number} */ k) => {
      const rows = ["since", "why", "remedy", "tried"].filter((name) => one[name]).map((name) => `<dt>${name}</dt><dd>${escape(one[name])}</dd>`);
      html += `<div class="verdict wrong"><p><b>${escape(one.slug.replace(/-/g, " "))}.</b> ${escape(one.title)}</p><dl class="pairs">${rows.join("")}</dl>`
        + (one.applicable ? `<button type="button" data-remedy="${k}">Apply the remedy, and keep this curve</button>` : "") + `</div>`;
    });
    this.panel.innerHTML = html;
    this.find("#ask").onclick = () => this.askDoctor();
    for (const button of this.panel.querySelectorAll("[data-remedy]")) {
      button.addEventListener("click", () => this.send("remedy", { number: Number(/** @type {HTMLElement} */ (button).dataset.remedy) }));
    }
  }

  showCompare() {
    this.panel.innerHTML = `<p>Pin this run; whatever is trained next is drawn over its curve.</p>
      <div class="actions"><button type="button" id="pin">Pin this run</button><button type="button" id="unpin">Let it go</button></div>`;
    this.find("#pin").onclick = () => this.send("pin");
    this.find("#unpin").onclick = () => this.send("unpin");
  }

  showForms() {
    const names = { run: "Run folder", report: "Report", clearprop: "clearprop model", numpy: "NumPy source", torch: "PyTorch module", c: "C source", js: "JavaScript module", onnx: "ONNX" };
    this.panel.innerHTML = `<p>The address of this page holds the data and all settings: copy it to share, reload it to begin again.</p><div class="actions">`
      + this.options.forms.map((form) => `<a class="button" href="${this.links.address(form)}" download>${names[/** @type {keyof typeof names} */ (form)] ?? form}</a>`).join("")
      + `<button type="button" id="copy">Copy the address</button></div>`;
    this.find("#copy").onclick = () => navigator.clipboard?.writeText(location.href);
  }

  showLessons() {
    const lesson = this.options.lessons[this.lesson];
    if (!lesson) {
      this.panel.innerHTML = `<p class="hint">There are no lessons here.</p>`;
      return;
    }
    const step = lesson.steps[this.place];
    this.panel.innerHTML = `<div class="actions"><label>Lesson <select id="lesson">${this.options.lessons.map((one, k) => `<option value="${k}"${k === this.lesson ? " selected" : ""}>${escape(one.title)}</option>`).join("")}</select></label>
      <label>or open one <input type="file" id="lesson-file" accept=".json" aria-label="A lesson of your own"></label></div>
      <article><h2>${this.place + 1} of ${lesson.steps.length}: ${escape(step.title)}</h2><p>${escape(step.text)}</p></article>
      <div class="actions"><button type="button" id="before"${this.place ? "" : " disabled"}>Before</button>
      <button type="button" id="show-state"${step.state ? "" : " disabled"}>Set it up</button>
      <button type="button" id="after"${this.place + 1 < lesson.steps.length ? "" : " disabled"}>Next</button></div>`;
    const go = (/** @type {number} */ to) => { this.place = to; this.showLessons(); };
    this.find("#before").onclick = () => go(this.place - 1);
    this.find("#after").onclick = () => go(this.place + 1);
    this.find("#show-state").onclick = () => {
      this.send("change", { state: step.state });
      for (const message of step.do ?? []) this.send(message.type, Object.fromEntries(Object.entries(message).filter(([key]) => key !== "type")));
    };
    /** @type {HTMLSelectElement} */ (this.find("#lesson")).onchange = (event) => { this.lesson = Number(/** @type {any} */ (event.target).value); go(0); };
    /** @type {HTMLInputElement} */ (this.find("#lesson-file")).onchange = async (event) => {
      const file = /** @type {any} */ (event.target).files[0];
      try {
        const own = JSON.parse(await file.text());
        if (typeof own.title !== "string" || !Array.isArray(own.steps) || !own.steps.length) throw new Error();
        this.options.lessons.push(own);
        this.lesson = this.options.lessons.length - 1;
        go(0);
      } catch {
        this.panel.insertAdjacentHTML("beforeend", `<p class="verdict wrong">A lesson is a JSON file with a title and steps, each with a title, a text and a state.</p>`);
      }
    };
  }

  /** @param {string} selector @returns {HTMLElement} */
  find(selector) {
    return /** @type {HTMLElement} */ (this.panel.querySelector(selector));
  }
}
