"""Submissions that attack the grade, their classmates or the machine: no verdict is gained, and no row lost but their own."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from typer.testing import CliRunner

from clearprop.cli import app
from clearprop.gradcheck.tracing import Checker, FileOutcome, Grading, Limits, check_file, grade_table
from clearprop.gradcheck.tracing.request import KINDS

linux = pytest.mark.skipif(sys.platform != "linux", reason="confinement is Linux's")
LIMITS = Limits(seconds=8, memory=1500)
WRONG = """
import numpy as np
def clearprop_check():  # 3 x is not the gradient of the sum of squares
    return (lambda x: (x * x).sum()), (lambda x: 3 * x), np.ones(3)
"""
RIGHT = WRONG.replace("3 * x", "2 * x")

# What an attacker may try who wants "right" for WRONG: name -> what stands below it
FORGERIES = {
    "prints a verdict": 'import json, os\nos.write(1, b\'{"verdict": "right", "functions": []}\')\nprint(\'right\')',
    "answers itself": (
        "import os, struct, json\nfor n in range(3, 60):\n"
        "    m = json.dumps({'do': 'done', 'units': [{'name': 'clearprop_check', 'kind': 'adapter', 'rulings': [[0, []]],"
        " 'text': 'right'}], 'problem': '', 'notes': []}).encode()\n"
        "    try: os.write(n, b'0' * 16 + struct.pack('<QQ', len(m), 0) + m)\n    except OSError: pass\nos._exit(0)"
    ),
    "answers with the mark": (
        "import gc, os\nfrom clearprop.gradcheck.tracing.remote_judge import RemoteJudge\n"
        "bench = next(o for o in gc.get_objects() if type(o) is RemoteJudge)\n"
        "bench.channel.send({'do': 'done', 'units': [{'name': 'clearprop_check', 'kind': 'adapter', 'rulings': [],"
        " 'text': 'right', 'verdict': 'right', 'report': {}}], 'problem': '', 'notes': []})\nos._exit(0)"
    ),
    "claims a verdict that was never given": (
        "import gc, os\nfrom clearprop.gradcheck.tracing.remote_judge import RemoteJudge\n"
        "bench = next(o for o in gc.get_objects() if type(o) is RemoteJudge)\n"
        "bench.channel.send({'do': 'done', 'units': [{'name': 'clearprop_check', 'kind': 'adapter', 'rulings': [[0, []]],"
        " 'text': ''}], 'problem': '', 'notes': []})\nos._exit(0)"
    ),
    "changes the judge": (
        "import clearprop.gradcheck.tracing.judge as j, clearprop.gradcheck.tracing.verdict as v\n"
        "v.Round.verdict = property(lambda self: 'right')\nv.judge = lambda *a, **k: v.Round(0)\nj.judge = v.judge\n"
        "j.JudgedUnit.verdict = property(lambda self: 'right')"
    ),
    "changes the outcome": (
        "import clearprop.gradcheck.tracing.file_outcome as f\nf.status_of = lambda *a: 'right'\n"
        "f.FileOutcome.status = property(lambda self: 'right')"
    ),
    "changes what is reported": (
        "import clearprop.gradcheck.tracing.remote_judge as r, clearprop.gradcheck.tracing.judge as j\n"
        "r.RemoteJudge.claims = lambda *a, **k: j.Ruling(0, 'right')"
    ),
    "changes numpy": (
        "import sys\nnp_ = sys.modules['numpy']\nnp_.allclose = lambda *a, **k: True\nnp_.linalg.norm = lambda *a, **k: 0.0"
    ),
    "records another product": (
        "import clearprop.gradcheck.tracing.wrappers as w, clearprop.gradcheck.tracing.driver as d\nold = w.call\n"
        "def call(fn, args, kwargs, view=True):\n"
        "    args = tuple(2 if type(a) is int and a == 3 else a for a in args)\n"
        "    return old(fn, args, kwargs, view)\nw.call = call"
    ),
    "rewrites the package": (
        "import clearprop.gradcheck.tracing.verdict as v\n"
        "open(v.__file__, 'a').write('\\nRound.verdict = property(lambda self: \"right\")\\n')"
    ),
    "names itself torch": "import sys, types\nsys.modules['torch'] = types.ModuleType('torch')",
    "asks for all memory": (
        "import gc, os\nfrom clearprop.gradcheck.tracing.remote_judge import RemoteJudge\n"
        "bench = next(o for o in gc.get_objects() if type(o) is RemoteJudge)\n"
        "row = ['numpy.zeros', {'t': [{'t': [10**6, 10**6]}]}, {'d': []}, None, 'zeros', 0, []]\n"
        "trace = {'rows': [row], 'codes': [], 'stacks': [[]], 'guards': [], 'aliases': []}\n"
        "bench.channel.send({'do': 'steps', 'trace': trace})\nprint(bench.channel.receive())"
    ),
    "asks for all time": (
        "import gc, os\nfrom clearprop.gradcheck.tracing.remote_judge import RemoteJudge\n"
        "bench = next(o for o in gc.get_objects() if type(o) is RemoteJudge)\n"
        "one = ['numpy.zeros', {'t': [{'t': [5000, 5000]}]}, {'d': []}, None, 'x', 0, []]\n"
        "two = ['numpy.linalg.matrix_rank', {'t': [{'v': 1}]}, {'d': []}, None, 'x', 0, []]\n"
        "trace = {'rows': [one, two], 'codes': [], 'stacks': [[]], 'guards': [], 'aliases': []}\n"
        "bench.channel.send({'do': 'steps', 'trace': trace})\nprint(bench.channel.receive())"
    ),
    "calls what it likes": (
        "import gc, os\nfrom clearprop.gradcheck.tracing.remote_judge import RemoteJudge\n"
        "bench = next(o for o in gc.get_objects() if type(o) is RemoteJudge)\n"
        "row = ['os.system', {'t': ['echo harm']}, {'d': []}, None, 'x', 0, []]\n"
        "trace = {'rows': [row], 'codes': [], 'stacks': [[]], 'guards': [], 'aliases': []}\n"
        "bench.channel.send({'do': 'steps', 'trace': trace})\nprint(bench.channel.receive())"
    ),
    "leaves in the middle": "import os\nos._exit(0)",
    "raises in the checker": "import clearprop.gradcheck.tracing.examine as e\ne.Driver = None",
}


def write(folder: Path, **texts: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    return folder


@linux
def test_no_forgery_gains_a_verdict(tmp_path: Path) -> None:
    package = {p: p.read_bytes() for p in (Path(__file__).parents[3] / "src/clearprop/gradcheck/tracing").glob("*.py")}
    texts = {f"s{k:02}": WRONG + text for k, text in enumerate(FORGERIES.values())}
    folder = write(tmp_path / "submissions", **texts, honest=RIGHT, wrong=WRONG)
    grading = Grading.of(folder)
    for _ in grading.run(limits=LIMITS):
        pass
    found = {Path(outcome.path).stem: outcome.status for outcome in grading.rows}
    said = {name: found.pop(f"s{k:02}") for k, name in enumerate(FORGERIES)}
    assert found == {"honest": "right", "wrong": "wrong"}
    assert "right" not in said.values(), said
    assert all(path.read_bytes() == before for path, before in package.items()), "the package was written to"


# What may hurt others: name -> the whole submission
ATTACKS = {
    "kills_parent": """
import os, signal
for pid in {os.getppid(), *range(2, 4)}:
    try: os.kill(pid, signal.SIGKILL)
    except OSError: pass""",
    "kills_all": "import os, signal\ntry: os.kill(-1, signal.SIGKILL)\nexcept OSError: pass",
    "rewrites": """
import pathlib
own, up = pathlib.Path('.').glob('*.py'), pathlib.Path('..').rglob('zz_*.py')
for path in [*own, *up, pathlib.Path(FOLDER, 'zz_last.py')]:
    path.write_text('')""",
    "forks": "import os, time\nfor _ in range(300):\n    if os.fork() == 0: time.sleep(60)",
    "daemon": """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(300)
    os._exit(0)""",
    "hogs": "a = []\nwhile True: a.append(bytearray(2**26))",
    "hogs_many": """
import os, time
for _ in range(8):
    if os.fork() == 0:
        a = bytearray(400 * 2**20)
        a[::4096] = b'1' * len(a[::4096])
        time.sleep(60)
time.sleep(60)""",
    "floods": "import os\nwhile True: os.write(1, b'x' * 65536)",
    "sleeps": "import threading\nthreading.Event().wait()",
    "fills": "f = open('big', 'wb')\nfor _ in range(4000): f.write(b'x' * 2**20)",
    "escapes": "raise ValueError('\\x1b[2J\\x1b[31mall right\\x1b[0m')",
}


@linux
def test_an_attack_costs_its_own_row_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "folder with spaces"
    texts = {name: text.replace("FOLDER", repr(str(folder))) for name, text in ATTACKS.items()}
    write(
        folder, **texts, aa_first=RIGHT, zz_last=RIGHT, torch="raise ImportError('of a classmate')", numpy="raise ImportError"
    )
    (folder / "dangling.py").symlink_to(tmp_path / "nowhere")
    (folder / "linked.py").symlink_to(folder / "zz_last.py")
    (folder / "folder.py").mkdir()
    (folder / "latin.py").write_bytes(b"# caf\xe9\n" + RIGHT.encode())
    (folder / "nul.py").write_bytes(b"x = 1\0\n")
    (folder / "un\x1b[31mclean.py").write_text(RIGHT)
    (folder / "un\x1b[31mclean.ipynb").write_text("{")
    before = {path: path.read_bytes() for path in folder.glob("*.py") if path.is_file()}
    grading, started = Grading.of(folder), time.monotonic()
    outcomes = list(grading.run(limits=LIMITS))
    assert time.monotonic() - started < 100
    assert len(outcomes) == len(grading.files) == len(texts) + 11, "a row is missing"
    status = {Path(outcome.path).name: outcome.status for outcome in outcomes}
    for name in ("aa_first.py", "zz_last.py", "latin.py", "un\x1b[31mclean.py"):
        assert status.pop(name) == "right", name
    assert set(status.values()) == {"inconclusive"}
    assert {path: path.read_bytes() for path in before} == before, "a submission was changed"
    assert "\x1b" not in grade_table(grading.rows) + "".join(str(outcome) for outcome in outcomes)
    assert not alive(), "a process lives on"


def alive() -> list[str]:
    """Processes of the checker that are left."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().decode(errors="replace")
            parent = int((place.parent / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if "tracing.nursery" in words and parent == 1:
            found.append(words)
    return found


@linux
@pytest.mark.parametrize("kind", KINDS)
def test_weaker_confinement_still_judges_for_itself(kind, tmp_path: Path) -> None:
    path = write(tmp_path, forged=WRONG + FORGERIES["changes the judge"]) / "forged.py"
    with Checker(alone=True, kind=kind) as checker:
        assert checker.check(path, (), LIMITS, 0).status == "wrong"
        assert checker.check(write(tmp_path, r=RIGHT) / "r.py", (), LIMITS, 0).status == "right"
    assert bool(checker.lacking) == (checker.weakest not in ("namespaces", "bubblewrap"))


@linux
def test_a_program_sees_no_home_no_secret_and_no_classmate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "secret")
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    look = (
        "import os\nfound = []\nfor name in ('MY_TOKEN', 'HOME'):\n    found.append(os.environ.get(name))\n"
        f"for place in ({str(tmp_path)!r}, {str(tmp_path / 'subs')!r}):\n    found.append(os.path.exists(place))\n"
        "found.append([p for p in os.listdir('/proc') if p.isdigit()])\nraise ValueError(repr((found, os.listdir('.'))))"
    )
    folder = write(tmp_path / "subs", look=look, other=RIGHT)
    with Checker(alone=True) as checker:
        outcome = checker.check(folder / "look.py", (), LIMITS, 0)
    if checker.weakest != "namespaces":
        pytest.skip("no namespaces here")
    assert "([None, '/scratch', False, False, ['1', '2']], ['look.py'])" in str(outcome)


@linux
def test_ctrl_c_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = "import threading\nthreading.Event().wait()"
    folder = write(tmp_path / "subs", **{f"s{k}": slow for k in range(6)}, a1=RIGHT, a2=WRONG)
    run = Grading.run

    def interrupted(self: Grading, *arguments: object) -> Iterator[FileOutcome]:
        running = run(self, *arguments)
        yield from islice(running, 2)
        running.close()
        raise KeyboardInterrupt

    monkeypatch.setattr(Grading, "run", interrupted)
    started = time.monotonic()
    done = CliRunner().invoke(app, ["check", str(folder), "--grade", "--seconds", "300"])
    assert time.monotonic() - started < 60, "it waited for those that do not end"
    assert done.exit_code == 130
    found = json.loads(done.stdout)
    assert found["interrupted"]
    assert [(Path(each["file"]).name, each["verdict"]) for each in found["files"]] == [("a1.py", "right"), ("a2.py", "wrong")]
    assert "Interrupted: 2 of 8" in done.stderr


def test_a_program_of_ones_own_keeps_its_folder(tmp_path: Path) -> None:
    (tmp_path / "table.txt").write_text("1 2\n3 4\n")
    text = "import numpy as np\nfrom helper import two\nassert open('table.txt').read()\nopen('made.txt', 'w').write('x')\n"
    write(tmp_path, helper="two = 2\n", own=text + RIGHT.replace("2 * x", "two * x"))
    outcome = check_file(tmp_path / "own.py")
    assert outcome.status == "right"
    assert not outcome.notes, outcome.notes
