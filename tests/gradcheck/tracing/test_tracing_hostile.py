"""Scripts that crash, loop, flood, exit or meddle: one clear line each, and no harm."""

import time

import pytest

from clearprop.gradcheck.tracing import Limits, check_file

GOOD = """
import numpy as np
def clearprop_check():
    return (lambda x: (x * x).sum()), (lambda x: 2 * x), np.ones(3)
"""
EXITING = "import sys\ndef clearprop_check():\n    sys.exit('bye')"
CRASHING = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"
LIMITS = Limits(seconds=10, memory=3000)

# name: (script, what is said, exit status; 0 where the part that is right was checked)
HOSTILE = {
    "raises": (GOOD + "raise RuntimeError('no data')", "Line 5 was skipped: RuntimeError: no data (line 5)", 0),
    "syntax": ("def f(:", "It fails when it is run: SyntaxError", 2),
    "python 2": ("print 'hello'", "It is written in Python 2, and was run as Python 3", 2),
    "import": ("import nonexistent_module_xyz", "replaced by something that does nothing: nonexistent_module_xyz", 2),
    "exits": (GOOD + "import sys\nsys.exit(3)", "It calls sys.exit(3) when it is run", 0),
    "exits when called": (EXITING, "It calls sys.exit('bye') when it is called", 2),
    "leaves": ("print('so long')\nimport os\nos._exit(0)", "ended the process with status 0 while it was loaded; ", 2),
    "kills itself": (CRASHING, "was killed by SIGSEGV while it was loaded", 2),
    "hog": ("a = bytearray(8 * 2**30)", "it ran out of memory; raise --memory", 2),
    "floods": (GOOD + "for _ in range(50):\n    print('x' * 2**20)", "", 0),
    "closes stdout": (GOOD + "import os, sys\ndel sys.stdout\nos.close(1)\nos.close(2)", "", 0),
    "replaces stdout": (GOOD + "import sys\nsys.stdout = sys.stderr = None", "", 0),
    "reads": ("input('name? ')", "It asks for input; it was answered with 3.", 2),
    "interrupts": ("raise KeyboardInterrupt", "It fails when it is run: KeyboardInterrupt", 2),
    "deep": ("def f():\n    return f()\nf()", "RecursionError", 2),
    "empty": ("", "No step of a parameter, and no function or class", 2),
    "waits": (GOOD + "import time\nfor _ in range(10**9):\n    time.sleep(1)", "", 0),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_scripts_are_taken_in(name, tmp_path):
    script, line, status = HOSTILE[name]
    path = tmp_path / "script.py"
    path.write_text(script)
    outcome = check_file(path, limits=LIMITS)
    text = str(outcome)
    assert line in text
    assert outcome.exit_status == status, text
    assert [f.name for f in outcome.functions if f.verdict == "right"] == (["clearprop_check"] if status == 0 else [])
    assert len(outcome.output) <= 2000
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("script", "stage"),
    [
        ("import threading\nthreading.Event().wait()", "it was loaded"),
        ("def clearprop_check():\n    import threading\n    threading.Event().wait()", "clearprop_check was checked"),
    ],
)
def test_endless_scripts_are_ended(script, stage, tmp_path):
    path = tmp_path / "script.py"
    path.write_text(script)
    started = time.monotonic()
    outcome = check_file(path, limits=Limits(seconds=5))
    assert time.monotonic() - started < 9
    assert outcome.exit_status == 2
    assert outcome.problem == f"It did not end within 5 s, while {stage}; raise --seconds, or look for an endless loop."


def test_a_module_beside_the_script_does_not_shadow_the_checkers_own(tmp_path):
    for name in ("clearprop", "numpy", "json"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong one')")
    path = tmp_path / "script.py"
    path.write_text(GOOD)
    assert check_file(path).exit_status == 0
