"""Systems without fork, namespaces and limits: programs are checked in processes of their own, and what is missing is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HIDING = """
import importlib.abc, os, signal, sys
HIDDEN = {"resource", "fcntl", "pwd", "grp", "termios", "tty", "pty"}

class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hide())
for name in HIDDEN:
    sys.modules.pop(name, None)
for name in ("fork", "sched_getaffinity", "killpg", "getuid", "geteuid", "setsid", "memfd_create", "setresuid"):
    if name in vars(os):
        delattr(os, name)
"""
RIGHT = """
import numpy as np
def clearprop_check():
    return (lambda x: (x * x).sum()), (lambda x: 2 * x), np.ones(3)
"""
HOSTILE = {
    "endless": "import threading\nthreading.Event().wait()",
    "leaves": "import os\nos._exit(0)",
    "floods": RIGHT + "print('x' * 10**6)",
    "forges": RIGHT.replace("2 * x", "3 * x") + "import clearprop.gradcheck.tracing.verdict as v\nv.Round.verdict = 'right'",
}


@pytest.fixture(name="hidden")
def hidden_fixture(tmp_path: Path):
    """Runs the command in a Python, and with Pythons below it, that have no Unix-only module."""
    (tmp_path / "hiding").mkdir()
    (tmp_path / "hiding" / "sitecustomize.py").write_text(HIDING)

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        code = "import sys, clearprop.gradcheck.tracing.supervisor as s\n"
        code += "kept = s.environment; s.environment = lambda alone: kept(False)\n"
        code += "from clearprop.cli import main; sys.argv = ['clearprop', *sys.argv[1:]]; main()"
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, words)],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(tmp_path / "hiding")},
            timeout=120,
            check=False,
        )

    return run


def test_a_program_is_checked_without_unix_only_modules(hidden, tmp_path: Path) -> None:
    (tmp_path / "meine Prüfung.py").write_text(RIGHT, encoding="utf-8")
    done = hidden("check", tmp_path / "meine Prüfung.py")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_folder_is_graded_and_what_cannot_be_limited_is_said(hidden, tmp_path: Path) -> None:
    folder = tmp_path / "subs"
    folder.mkdir()
    for name, text in {"right": RIGHT, **HOSTILE}.items():
        (folder / f"{name}.py").write_text(text)
    done = hidden("check", folder, "--grade", "--seconds", 6)
    found = {Path(each["file"]).stem: each["verdict"] for each in json.loads(done.stdout)["files"]}
    unchecked = dict.fromkeys(("endless", "leaves"), "could not check")
    assert found == {"right": "right", "floods": "right", "forges": "wrong", **unchecked}
    assert "It cannot limit the memory, the processor time, the size of files, the number of processes" in done.stderr
    assert "check no work of people whom you do not trust" in done.stderr
