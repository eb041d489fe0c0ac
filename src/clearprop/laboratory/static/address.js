/** The address: the whole state, so that it can be shared and reloaded; and what is hidden for a class. */

/** @param {import("./types.js").State} state @returns {string} */
export function packed(state) {
  const text = new TextEncoder().encode(JSON.stringify(state));
  return btoa(String.fromCharCode(...text)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** @param {string} text @returns {import("./types.js").State | null} */
export function unpacked(text) {
  try {
    const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(raw, (letter) => letter.charCodeAt(0))));
  } catch {
    return null;
  }
}

/** What the address says: #state=...&hide=data,settings,tools&lesson=2 */
export function read() {
  const words = new URLSearchParams(location.hash.slice(1)), query = new URLSearchParams(location.search);
  return {
    token: query.get("token") ?? "",
    session: query.get("session") === "own" ? own() : "",
    state: words.has("state") ? unpacked(words.get("state") ?? "") : null,
    hide: (words.get("hide") ?? "").split(",").filter(Boolean),
    lesson: Number(words.get("lesson") ?? "0"),
  };
}

function own() {
  let name = sessionStorage.getItem("clearprop-session");
  if (!name) {
    name = [...crypto.getRandomValues(new Uint8Array(8))].map((part) => part.toString(16)).join("");
    sessionStorage.setItem("clearprop-session", name);
  }
  return name;
}

/** @param {import("./types.js").State} state */
export function write(state) {
  const words = new URLSearchParams(location.hash.slice(1));
  words.set("state", packed(state));
  history.replaceState(null, "", `${location.pathname}${location.search}#${words}`);
}

/** Hide what a teacher leaves out. @param {string[]} names */
export function hide(names) {
  for (const element of document.querySelectorAll("[data-control]")) {
    const name = /** @type {HTMLElement} */ (element).dataset.control ?? "";
    element.classList.toggle("hidden-control", names.includes(name));
  }
  for (const name of ["data", "settings", "tools", "card"]) {
    document.getElementById(name === "data" || name === "settings" ? `panel-${name}` : name)?.classList.toggle("hidden-control", names.includes(name));
  }
}
