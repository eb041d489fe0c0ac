"""The lab: how soon it stands, what Chromium draws while circles trains at full pace, and how soon a click is answered.

python -m benchmarks.lab        needs the extra `lab`, Playwright and Chromium; about half a minute
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np

SECONDS, CLICKS, STARTS = 10, 60, 5
WARM_UP = 2  # seconds before anything is counted

STATES = """milliseconds => new Promise(done => {
  const drawn = [], painted = [];
  let ends = performance.now() + milliseconds;
  const watch = new MutationObserver(() => drawn.push(performance.now()));
  watch.observe(document.getElementById("where"), { childList: true, characterData: true, subtree: true });
  const paint = now => {
    painted.push(now);
    if (performance.now() < ends) requestAnimationFrame(paint);
    else { watch.disconnect(); done({ drawn, painted }); }
  };
  requestAnimationFrame(paint);
})"""
"""Moments at which a newer state stood on the page, and at which the browser painted."""

CLICK = """([button, watched, attribute]) => new Promise(done => {
  const began = performance.now(), target = document.getElementById(watched);
  const watch = new MutationObserver(() => requestAnimationFrame(() => {
    watch.disconnect();
    done(performance.now() - began);
  }));
  watch.observe(target, attribute ? { attributeFilter: [attribute] } : { childList: true, characterData: true, subtree: true });
  document.getElementById(button).click();
})"""
"""Milliseconds from a click until its effect is about to be painted."""

CARD = """k => new Promise(done => {
  const began = performance.now(), card = document.getElementById("card");
  const title = () => card.querySelector("h2 annotation")?.textContent;
  const before = title();
  const watch = new MutationObserver(() => {
    if (title() !== before) requestAnimationFrame(() => { watch.disconnect(); done(performance.now() - began); });
  });
  watch.observe(card, { childList: true, subtree: true });
  document.querySelectorAll("#network .touch")[k].dispatchEvent(new MouseEvent("click"));
})"""
"""Milliseconds from a click on weight k until its card is about to be painted."""


def start(cache: str) -> float:
    """Seconds from the start of the command to its address, less those of starting Python and importing clearprop.

    Parameters
    ----------
    cache : str
        Folder for Python's compiled files, which are there in any installed package.
    """
    env = {**os.environ, "PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
    plain = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import clearprop"], check=True, env=env)
    plain = time.perf_counter() - plain
    began = time.perf_counter()
    command = [sys.executable, "-m", "clearprop", "lab", "circles", "--no-browser"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stderr is not None
        process.stderr.readline()
        taken = time.perf_counter() - began
        process.send_signal(signal.SIGINT)
    return taken - plain


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as cache:
        starts = [start(cache) for _ in range(STARTS + 1)][1:]  # the first compiles
    print(f"start after import: median {np.median(starts):.2f} s, longest {max(starts):.2f} s")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.exit("This needs Chromium: apt-get install chromium, or its path in $CHROMIUM.")
    command = [sys.executable, "-m", "clearprop", "lab", "circles", "--no-browser"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"http://\S+", process.stderr.readline())
        assert found is not None, "the lab has not said its address"
        try:
            report(measure(chromium, found[0]))
        finally:
            process.send_signal(signal.SIGINT)


def measure(chromium: str, address: str) -> dict[str, Any]:
    """Steps a second, moments of states and of paints, and milliseconds of clicks, in a headless page of 1440 by 900."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as manager:
        browser = manager.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(address)
        page.wait_for_selector("#network .link", state="attached")
        page.click("#run")
        page.wait_for_timeout(1000 * WARM_UP)

        def steps() -> int:
            found = re.search(r"step ([\d,]+)", page.inner_text("#where"))
            return int(found[1].replace(",", "")) if found else 0

        before = steps()
        moments = page.evaluate(STATES, 1000 * SECONDS)
        rate = (steps() - before) / ((moments["painted"][-1] - moments["painted"][0]) / 1000)
        cards = [page.evaluate(CARD, k % 8) for k in range(CLICKS)]
        clicks = [page.evaluate(CLICK, ["run", "run", "aria-pressed"]) for _ in range(CLICKS)]
        browser.close()
    return {"rate": rate, **moments, "clicks": clicks, "cards": cards}


def report(found: dict[str, Any]) -> None:
    """One line for each figure."""
    print(f"training: {found['rate']:,.0f} steps a second")
    for name, what in {"drawn": "states drawn", "painted": "paints"}.items():
        gaps = np.diff(found[name])
        print(
            f"{what}: {1000 / gaps.mean():.1f} a second; {np.mean(gaps < 50):.1%} of them within 50 ms of the one before, "
            f"median {np.median(gaps):.1f} ms, 95th percentile {np.percentile(gaps, 95):.1f} ms"
        )
    for name, what in {"clicks": "clicks on Run and Stop", "cards": "clicks on weights, for their cards"}.items():
        print(f"{what}: median {np.median(found[name]):.1f} ms, 95th percentile {np.percentile(found[name], 95):.1f} ms")


if __name__ == "__main__":
    main()
