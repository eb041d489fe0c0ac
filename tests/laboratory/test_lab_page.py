"""The page of the lab in a real browser, used as people use it."""

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium, or its path in $CHROMIUM")


PATIENCE = 90.0  # seconds; a machine may be slow, and its cores busy


def until(page, condition, seconds=PATIENCE):
    """Wait until it is so; the page's own policy allows no evaluated strings, and so no waiting in it."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{page.inner_text('#where')}; {page.locator('#message').text_content()}"
        page.wait_for_timeout(40)


def steps(page):
    return int(re.search(r"step ([\d,]+)", page.inner_text("#where"))[1].replace(",", ""))


def wait_for_step(page, wanted):
    until(page, lambda: steps(page) >= wanted)


def wait_for_text(page, selector, text):
    until(page, lambda: text in (page.locator(selector).text_content() or ""))


def weights(page):
    """What the page tells of the weights, to the last digit."""
    return page.eval_on_selector_all("#network .touch", "all => all.map(one => one.getAttribute('aria-label'))")


def wrong(message):
    """Whether a line of the console is an error; the browser itself reports a table that was refused, status 422."""
    return message.type == "error" and "422" not in message.text


def drawn(page):
    """Wait until the network is drawn; a line that is level has no height, and counts as invisible."""
    page.wait_for_selector("#network .link", state="attached")


def state_of(page):
    """The state that the address holds."""
    words = re.search(r"state=([^&]+)", page.url)
    return json.loads(base64.urlsafe_b64decode(words[1] + "===")) if words else {}


def formula(page, selector):
    """The TeX of a formula, without the links in it."""
    text = page.locator(selector).first.text_content()
    text = re.sub(r"\\htmlData\{[^}]*\}", "", text)
    return re.sub(r"\{\\times\}10\^\{(-?\d+)\}", r"e\1", text).replace(r"\\ &\quad ", "")


@pytest.fixture(scope="module")
def address():
    command = [sys.executable, "-m", "clearprop", "lab", "--no-browser"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        line = process.stderr.readline()
        yield re.search(r"http://\S+", line)[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert process.stderr.read() == ""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as manager:
        browser = manager.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, address):
    """A page with a run of its own; nothing may be written to its console as an error, but that a table was refused."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(1000 * PATIENCE)
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if wrong(message) else None)
    page.goto(f"{address}&session=own")
    drawn(page)
    yield page
    context.close()
    assert errors == []


def test_it_trains_and_stops(page):
    page.click("#run")
    wait_for_step(page, 2000)
    page.click("#run")
    page.wait_for_selector("#run[aria-pressed=false]")
    assert page.locator("#curves .u-wrap").count() == 1


def test_points_are_painted_by_hand_and_learned(page):
    page.select_option("#source", "painted")
    page.wait_for_selector("#class-2")
    box = page.locator("#map").bounding_box()
    for number, (u, v) in {2: (0.5, 0.2), 1: (0.8, 0.8)}.items():
        page.click(f"#class-{number}")
        for k in range(3):
            before = len(state_of(page)["data"]["points"])
            page.mouse.click(box["x"] + box["width"] * (u + 0.03 * k), box["y"] + box["height"] * v)
            until(page, lambda before=before: len(state_of(page)["data"]["points"]) == before + 1)
    wait_for_text(page, "#how", "(10 points)")
    assert "2" in page.inner_text("#map-legend")
    page.click("#epoch")
    wait_for_step(page, 1)


def test_a_table_of_three_classes_is_dropped(page, tmp_path):
    rows = "\n".join(f"{k % 3 + (k % 7) / 10};{(k * 5) % 3 - (k % 4) / 9};{['red', 'green', 'blue'][k % 3]}" for k in range(90))
    (tmp_path / "mine.csv").write_text(f"width;height;colour\n{rows}\n")
    page.set_input_files("#file", tmp_path / "mine.csv")
    wait_for_text(page, "#map-legend", "blue")
    assert "semicolons" in page.inner_text("#data")
    page.click("#run")
    wait_for_step(page, 200)


def test_a_file_that_is_no_table_is_one_sentence(page, tmp_path):
    (tmp_path / "empty.csv").write_text("")
    page.set_input_files("#file", tmp_path / "empty.csv")
    wait_for_text(page, "#message", "empty.csv")
    assert page.locator("#network .link").count() > 0


def test_steps_back_and_forward_again_show_the_same(page):
    start = weights(page)
    for k in range(3):
        page.click("#step")
        until(page, lambda k=k: steps(page) == k + 1)
    until(page, lambda: weights(page) != start)
    there = weights(page)  # drawn from the same frame as the number of the step
    page.click("#epoch")
    wait_for_step(page, 30)
    assert weights(page) != there
    page.locator("#back").fill("3")
    page.locator("#back").dispatch_event("change")
    until(page, lambda: steps(page) == 3)
    assert weights(page) == there


def test_a_weight_is_edited_and_its_formula_read(page):
    page.locator("#network .touch").first.dispatch_event("click")
    page.wait_for_selector("#card #value")
    page.fill("#card #value", "1.25")
    page.press("#card #value", "Enter")
    page.evaluate("document.activeElement.blur()")
    until(page, lambda: page.locator("#card dd").first.text_content() == "1.25")
    written = formula(page, "#card .formula annotation")
    product = r"(\S+) \\cdot (\S+)"
    numbers = re.search(rf"= {product} \+ {product} \+ {product} \+ \\underbrace\{{(\S+)\}}_\{{7", written)
    a, b, c, d, e, f, rest = (float(part.strip("{}()")) for part in numbers.groups())
    total = float(re.search(r"= \(?([^\s()]+)\)? \\end", written)[1])
    assert a * b + c * d + e * f + rest == pytest.approx(total, rel=2e-3, abs=1e-5)
    page.click("#freeze")
    page.wait_for_selector("#freeze[aria-pressed=true]")


def test_a_planted_fault_is_named(page):
    page.click("#tab-break")
    page.wait_for_selector("#fault")
    label = page.locator("#fault option", has_text="bias gradient of one example only").first
    page.select_option("#fault", label.get_attribute("value"))
    page.click("#plant")
    page.wait_for_selector(".verdict.wrong")
    assert "of the last example alone" in page.inner_text("#verdict") or "one example" in page.inner_text("#verdict")
    wait_for_text(page, "#where", "a fault is planted")
    page.click("#heal")
    page.wait_for_selector(".verdict.right")


def test_slow_motion_shows_every_value_in_its_turn(page):
    page.click("#slow")
    page.wait_for_selector("#all-values")
    assert page.locator(".line.later").count() > 5
    page.click("#all-values")
    assert page.locator(".line.later").count() == 0
    assert "Backward" in page.inner_text("#tabpanel")


def test_the_address_holds_the_state_and_is_reloaded(page):
    page.select_option("#source", "spirals")
    until(page, lambda: page.input_value("#source") == "spirals")
    page.click("#more")
    page.wait_for_selector("#units-1")
    until(page, lambda: state_of(page)["settings"]["hidden"] == [8, 4])
    shared = page.url
    page.click("#less-1")
    page.wait_for_selector("#units-1", state="detached")
    page.goto("about:blank")
    page.goto(shared)
    page.wait_for_selector("#units-1")
    assert page.input_value("#source") == "spirals"


def test_what_a_teacher_hides_is_hidden(page):
    page.goto(page.url.split("#")[0] + "#hide=settings,rate")
    page.reload()
    drawn(page)
    assert not page.locator("#panel-settings").is_visible()


def test_the_keyboard_alone_will_do(page):
    page.locator("body").click(position={"x": 700, "y": 560})
    page.keyboard.press("s")
    wait_for_step(page, 1)
    page.focus("#network .touch")
    first = page.evaluate("document.activeElement.dataset.place")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.place") != first
    page.wait_for_selector("#card #value")
    named = "one.getAttribute('aria-label') || one.textContent.trim() || one.title || one.closest('label')?.textContent.trim()"
    look = f"all => all.filter(one => !({named})).length"
    names = page.eval_on_selector_all("button, select, input, canvas:not([aria-hidden]), [role=button]", look)
    assert names == 0  # every control has a name for those who cannot see it


@pytest.mark.parametrize("width", [1440, 1024, 360])
def test_nothing_overflows_at_any_width(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.locator("#network .unit").nth(4).dispatch_event("click")
    page.wait_for_selector("#hold")
    ready = {"lessons": "#lesson", "break": "#verdict .verdict", "slow": "#all-values", "insights": "#renew", "take": "#copy"}
    for tab, selector in ready.items():
        page.click(f"#tab-{tab}")
        page.wait_for_selector(selector)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
    page.click("#tab-slow")
    page.click("#all-values")
    if width < 760:  # long rows are broken, and none is cut off
        cut = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length"
        assert page.eval_on_selector_all(".line .row, .line code", cut) == 0


def test_batch_norm_and_dropout_are_changed_while_it_runs_and_undone(page):
    page.click("#run")
    wait_for_step(page, 500)
    page.check("#norm-0")
    until(page, lambda: state_of(page)["settings"].get("batch_norm") == [True])
    page.fill("#drop-0", "0.3")
    page.press("#drop-0", "Enter")
    until(page, lambda: state_of(page)["settings"].get("dropout") == [0.3])
    after = steps(page)
    assert after >= 500  # the run went on, with what it had learned
    wait_for_step(page, after + 100)
    page.click("#run")
    page.wait_for_selector("#run[aria-pressed=false]")
    page.click("#undo")
    page.click("#undo")
    until(page, lambda: not page.is_checked("#norm-0") and page.input_value("#drop-0") == "0")
    assert steps(page) > after


def test_a_unit_shows_how_it_is_made_and_leads_to_where_it_comes_from(page):
    for _ in range(3):
        page.click("#step")
    wait_for_step(page, 3)
    page.locator("#network .unit").nth(3).dispatch_event("click")
    page.wait_for_selector("#hold")
    assert page.locator("#card svg.spark").count() == 1
    written = formula(page, "#card .made annotation")
    product = r"(\S+) \\cdot (\S+)"
    a, b, c, d, bias = (
        float(part.strip("{}()")) for part in re.search(rf"= {product} \+ {product}.*? \+ (\S+)", written).groups()
    )
    total = float(re.search(r"= \(?([^\s()]+)\)? \\end", written)[1])
    assert a * b + c * d + bias == pytest.approx(total, rel=2e-3, abs=2e-4)
    page.click("#hold")
    page.wait_for_selector("#hold[aria-pressed=true]")
    wait_for_text(page, "#where", "3 frozen")
    page.locator("#card [data-go^='w.0.']").first.click()
    page.wait_for_selector("#card #freeze[aria-pressed=true]")
    assert page.locator("#card svg.spark").count() == 3  # value, gradient and update so far
    page.locator("#card [data-go^='u.']").first.click()
    wait_for_text(page, "#card h2", "at step 3")
    page.wait_for_selector("#network .unit.chosen")


def test_a_reload_comes_back_to_the_run_as_it_goes_on(page):
    page.click("#run")
    wait_for_step(page, 1000)
    page.reload()
    drawn(page)
    wait_for_step(page, 1000)
    page.wait_for_selector("#run[aria-pressed=true]")
    wait_for_step(page, steps(page) + 500)


class Cable:
    """A line between the page and the server, which can be cut."""

    def __init__(self, port):
        self.to, self.open, self.listener = port, [], socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):  # until it is closed
            while True:
                near, _ = self.listener.accept()
                self.open.append(near)
                far = socket.create_connection(("127.0.0.1", self.to))
                self.open.append(far)
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self.hand_on, args=(one, other), daemon=True).start()

    def hand_on(self, one, other):
        with contextlib.suppress(OSError):
            while part := one.recv(65536):
                other.sendall(part)
        self.end(one, other)

    def end(self, *sockets):
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def cut(self):
        """End every connection; new ones are taken."""
        ended, self.open = self.open, []
        self.end(*ended)

    def close(self):
        self.end(self.listener)
        self.cut()


@pytest.fixture
def cable(address):
    """A line to the server, which is taken down whatever happens."""
    made = Cable(int(re.search(r":(\d+)/", address)[1]))
    yield made
    made.close()


def test_a_lost_connection_is_made_again_and_the_page_goes_on(browser, address, cable):
    context = browser.new_context()
    context.set_default_timeout(1000 * PATIENCE)
    page = context.new_page()
    sockets = []
    page.on("websocket", lambda one: sockets.append(one))
    page.goto(address.replace(f":{cable.to}/", f":{cable.port}/") + "&session=own")
    drawn(page)
    page.click("#run")
    wait_for_step(page, 300)
    for again in (2, 3):
        before = steps(page)
        cable.cut()
        until(page, lambda again=again: len(sockets) >= again)
        wait_for_step(page, before + 1000)
        until(page, lambda: not page.is_visible("#message"))
    page.click("#run")
    page.wait_for_selector("#run[aria-pressed=false]")
    context.close()


def test_the_doctor_names_a_rate_that_is_too_high_and_cures_it_with_a_click(page):
    page.fill("#lr", "8")
    page.press("#lr", "Enter")
    until(page, lambda: state_of(page)["settings"]["lr"] == 8)
    for _ in range(3):
        page.click("#epoch")
    wait_for_step(page, 90)
    page.click("#tab-doctor")
    page.wait_for_selector("[data-remedy]")
    assert "The learning rate 8 is too high" in page.inner_text("#tabpanel")
    page.locator("[data-remedy]").first.click()
    until(page, lambda: state_of(page)["settings"]["lr"] < 8)
    wait_for_text(page, "#curves", "validation, pinned")  # the old curve is kept
    page.click("#run")
    wait_for_step(page, 600)
    page.click("#run")
    page.wait_for_selector("#run[aria-pressed=false]")
    last = page.locator("#curves .u-series", has_text="training").locator(".u-value")
    until(page, lambda: re.match(r"\d", last.text_content() or ""))
    assert float(last.text_content()) < 0.69
    assert page.locator("#curves .u-series", has_text="pinned").count() == 1


def test_a_run_folder_and_a_report_are_downloaded(page):
    page.click("#epoch")
    wait_for_step(page, 30)
    page.click("#tab-take")
    for label, name, beginning in (("Run folder", "run.zip", b"PK"), ("Report", "report.html", b"<!")):
        with page.expect_download() as waited:
            page.get_by_role("link", name=label, exact=True).click()
        assert waited.value.suggested_filename == name
        assert Path(waited.value.path()).read_bytes().lower().startswith(beginning.lower())


def test_the_focus_is_seen_on_every_control(page):
    """Going through the page with the tab key, each element in turn has an outline or a mark of its own."""
    page.click("#tab-lessons")
    page.locator("#run").focus()
    look = """() => {
      const one = document.activeElement, style = getComputedStyle(one), frame = one.querySelector?.("rect.frame");
      const outline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
      const width = frame ? parseFloat(getComputedStyle(frame).strokeWidth) : 0;
      const mark = width >= 3 || one.matches(".touch") && style.strokeOpacity !== "0";
      return [one.id || one.tagName, outline || mark];
    }"""
    seen = []
    while not seen or seen[-1][0] not in ("BODY", "tabpanel"):  # the last of the page
        assert len(seen) < 80, seen
        page.keyboard.press("Tab")
        seen.append(page.evaluate(look))
    assert {name for name, _ in seen} >= {"step", "source", "norm-0", "rate", "map"}
    assert [name for name, visible in seen if not visible and name != "BODY"] == []
