"""The page of the lab in a real browser, used as people use it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium, or its path in $CHROMIUM")


def until(page, condition, seconds=20.0):
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


def widths(page):
    """What is drawn of the weights, to the last digit that is drawn."""
    look = "lines => lines.map(line => line.getAttribute('stroke-width') + line.getAttribute('stroke'))"
    return page.eval_on_selector_all("#network .link", look)


def wrong(message):
    """Whether a line of the console is an error; the browser itself reports a table that was refused, status 422."""
    return message.type == "error" and "422" not in message.text


@pytest.fixture(scope="module")
def address():
    command = [sys.executable, "-m", "clearprop", "lab", "--no-browser"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        line = process.stderr.readline()
        yield re.search(r"http://\S+", line)[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
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
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if wrong(message) else None)
    page.goto(f"{address}&session=own")
    page.wait_for_selector("#network .link")
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
            page.mouse.click(box["x"] + box["width"] * (u + 0.03 * k), box["y"] + box["height"] * v)
            page.wait_for_timeout(150)
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
    for _ in range(3):
        page.click("#step")
    wait_for_step(page, 3)
    page.wait_for_timeout(300)
    there = widths(page)
    page.click("#epoch")
    wait_for_step(page, 30)
    page.locator("#back").fill("3")
    page.locator("#back").dispatch_event("change")
    until(page, lambda: steps(page) == 3)
    page.wait_for_timeout(300)
    assert widths(page) == there


def test_a_weight_is_edited_and_its_formula_read(page):
    page.locator("#network .touch").first.dispatch_event("click")
    page.wait_for_selector("#card #value")
    page.fill("#card #value", "1.25")
    page.press("#card #value", "Enter")
    page.evaluate("document.activeElement.blur()")
    until(page, lambda: page.locator("#card dd").first.text_content() == "1.25")
    formula = page.locator("#card .formula annotation").text_content()
    formula = re.sub(r"\{\\times\}10\^\{(-?\d+)\}", r"e\1", formula)
    formula = formula.replace(r"\\ &\quad ", "")  # lines that were broken
    product = r"(\S+) \\cdot (\S+)"
    numbers = re.search(rf"= {product} \+ {product} \+ {product} \+ \\underbrace\{{(\S+)\}}_\{{7", formula)
    a, b, c, d, e, f, rest = (float(part.strip("()")) for part in numbers.groups())
    total = float(re.search(r"= \(?([^\s()]+)\)? \\end", formula)[1])
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
    page.wait_for_timeout(300)
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
    page.wait_for_selector("#network .link")
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
    names = page.eval_on_selector_all("button, select, input, canvas, [role=button]", look)
    assert names == 0  # every control has a name for those who cannot see it


@pytest.mark.parametrize("width", [1440, 1024, 360])
def test_nothing_overflows_at_any_width(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.wait_for_timeout(300)
    for tab in ("lessons", "break", "slow", "insights", "take"):
        page.click(f"#tab-{tab}")
        page.wait_for_timeout(250)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
