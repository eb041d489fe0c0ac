// Formulas, rendered by the KaTeX of the package: nothing is asked of the network, and a page opened from disk has them too.
document.addEventListener("DOMContentLoaded", () => {
  for (const place of document.querySelectorAll(".math")) {
    const displayed = place.tagName === "DIV";
    for (const number of place.querySelectorAll(".eqno")) number.remove();
    const source = place.textContent.trim().replace(/^\\[([]|\\[)\]]$/g, "").trim();
    katex.render(source, place, { displayMode: displayed, throwOnError: false });
  }
});
