"""Scripts that crash, loop, flood, exit or meddle: one clear line each, and no harm."""

import time

import pytest

from clearprop.gradcheck.scripts import Limits, check_file

GOOD = """
import numpy as np
def clearprop_check():
    return (lambda x: (x * x).sum()), (lambda x: 2 * x), np.ones(3)
"""
EXITING = "import sys\ndef clearprop_check():\n    sys.exit('bye')"
CRASHING = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"
LIMITS = Limits(seconds=10, memory=3000)

# name: (script, what the line says, whether the part that is right was still checked)
HOSTILE = {
    "raises": (GOOD + "raise RuntimeError('no data')", "It fails when it is run: RuntimeError: no data (line 5)", True),
    "syntax": ("def f(:", "It fails when it is run: SyntaxError", False),
    "import": ("import nonexistent_module_xyz", "ModuleNotFoundError", False),
    "exits": (GOOD + "import sys\nsys.exit(3)", "It calls sys.exit(3) when it is run", True),
    "exits when called": (
        "import sys\ndef clearprop_check():\n    sys.exit('bye')",
        "It calls sys.exit('bye') when it is called",
        False,
    ),
    "leaves": ("print('so long')\nimport os\nos._exit(0)", "ended the process with status 0 while it was loaded; ", False),
    "kills itself": (
        "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
        "was killed by SIGSEGV while it was loaded",
        False,
    ),
    "hog": ("a = bytearray(8 * 2**30)", "It ran out of memory when it was run; raise --memory", False),
    "floods": (GOOD + "for _ in range(50):\n    print('x' * 2**20)", "", True),
    "closes stdout": (GOOD + "import os, sys\ndel sys.stdout\nos.close(1)\nos.close(2)", "", True),
    "replaces stdout": (GOOD + "import sys\nsys.stdout = sys.stderr = None", "", True),
    "reads": ("input('name? ')", "EOFError", False),
    "interrupts": ("raise KeyboardInterrupt", "It fails when it is run: KeyboardInterrupt", False),
    "deep": ("def f():\n    return f()\nf()", "RecursionError", False),
    "empty": ("", "No function or class that follows a known convention was found", False),
    "shadows": ("numpy = None\nimport json, sys\njson.dumps = None\n" + GOOD, "", True),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_scripts_become_one_line(name, tmp_path):
    script, line, checked = HOSTILE[name]
    path = tmp_path / "script.py"
    path.write_text(script)
    outcome = check_file(path, limits=LIMITS)
    text = str(outcome)
    assert line in text
    if name == "shadows":
        assert outcome.status == 2 or outcome.status == 0
        return
    right = [function.name for function in outcome.functions if function.verdict == "right"]
    assert right == (["clearprop_check"] if checked else [])
    assert outcome.status == (0 if checked and not line else 2), text
    assert len(outcome.output) <= 2000
    assert len(outcome.problem.splitlines()) <= 1 or name == "empty"
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("script", "stage"),
    [
        ("while True: pass", "it was loaded"),
        ("import time\ntry:\n    time.sleep(99)\nexcept BaseException:\n    time.sleep(99)", "it was loaded"),
        ("import os, time\nif os.fork() == 0:\n    time.sleep(99)\ntime.sleep(99)", "it was loaded"),
        ("def clearprop_check():\n    while True: pass", "clearprop_check was checked"),
    ],
)
def test_endless_scripts_are_ended(script, stage, tmp_path):
    path = tmp_path / "script.py"
    path.write_text(script)
    started = time.monotonic()
    outcome = check_file(path, limits=Limits(seconds=2))
    assert time.monotonic() - started < 4
    assert outcome.status == 2
    assert outcome.problem == f"It did not end within 2 s, while {stage}; raise --seconds, or look for an endless loop."


def test_a_module_beside_the_script_does_not_shadow_the_checkers_own(tmp_path):
    for name in ("clearprop", "numpy", "json"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong one')")
    path = tmp_path / "script.py"
    path.write_text(GOOD)
    assert check_file(path).status == 0


def test_an_answer_that_the_script_made_up_is_not_executed(tmp_path):
    path = tmp_path / "script.py"
    forged = '{"stage": "done", "functions": [{"evil": 1}]}'
    path.write_text(f"import sys, os\nopen(sys.orig_argv[-2], 'w').write({forged!r})\nos._exit(0)")
    outcome = check_file(path)
    assert outcome.status == 2
    assert outcome.problem == "The script overwrote the answer of the check."
