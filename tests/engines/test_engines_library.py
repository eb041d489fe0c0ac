"""The library of compiled units: found by what is in them, thrown away if damaged, done without if there is no room."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines.compiled import units
from clearprop.engines.compiled.compiler.processor import X86_LEVELS, processor
from clearprop.engines.compiled.library import file_name

PACKAGE = Path(cp.__file__).parent
TRAIN = """
import sys
import numpy as np
import clearprop as cp
X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 3
net = cp.mlp([3, 4, 3], hidden="tanh", dtype="float64")
history = cp.fit(net, (X, y), optimizer="adam", batch_size=10, epochs=3, engine="compiled")
print(net.theta.tolist())
print([name for name in ("numba", "torch") if name in sys.modules], file=sys.stderr)
"""
NOTHING_ELSE = "[]"  # what the script says of the packages that it must not import


def run(script: str, **environment: str) -> tuple[str, list[str]]:
    """What a script prints, and the lines that it writes to stderr."""
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment}, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr.splitlines()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: Any) -> tuple[Path, str, list[str]]:
    """A folder with all the units of the script, what it printed, and what it said while it compiled them."""
    folder = tmp_path_factory.mktemp("cache")
    printed, said = run(TRAIN, XDG_CACHE_HOME=str(folder))
    return folder, printed, said


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("clearprop/kernels/*.o"))


def test_the_first_process_compiles_and_the_second_does_not(cache: Any) -> None:
    folder, printed, said = cache
    *compiling, imported = said
    assert imported == NOTHING_ELSE
    assert re.fullmatch(r"Compiling the kernel, once for this machine \.\.\. done in \d+\.\d s\.", compiling[0])
    assert len(compiling) == 1
    assert len(kept(folder)) > 2
    before = {path: path.stat().st_mtime_ns for path in kept(folder)}
    assert run(TRAIN, XDG_CACHE_HOME=str(folder)) == (printed, [NOTHING_ELSE])
    assert {path: path.stat().st_mtime_ns for path in kept(folder)} == before


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda content: content[: len(content) // 2],
    "one bit of the code": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
    "one bit of the checksum": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "empty": lambda content: b"",
    "something else": lambda content: b"not a kernel at all",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_noticed_and_made_again(damage: Callable[[bytes], bytes], cache: Any, tmp_path: Path) -> None:
    shutil.copytree(cache[0], tmp_path / "cache")
    path = next(path for path in kept(tmp_path / "cache") if "optimizer-Adam" in path.name)
    content = path.read_bytes()
    path.write_bytes(damage(content))
    printed, said = run(TRAIN, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert printed == cache[1]
    told, compiling, _ = said
    assert told == f"{path} is damaged; it is made again."
    assert compiling.startswith("Compiling the kernel, once for this machine ... done in ")
    assert path.read_bytes() == content, "the same code, to the last bit"


@pytest.mark.parametrize("kind", ["a file in its place", "no such device"])
def test_without_a_folder_each_process_compiles_for_itself(kind: str, cache: Any, tmp_path: Path) -> None:
    place = Path("/proc/nowhere") if kind == "no such device" else tmp_path
    if kind == "a file in its place":
        (tmp_path / "clearprop").write_text("")
    printed, said = run(TRAIN, XDG_CACHE_HOME=str(place))
    assert printed == cache[1]
    reason = f"for this process only, since {place / 'clearprop' / 'kernels'} cannot be written"
    assert said[0].startswith(f"Compiling the kernel, {reason} ... done in ")
    assert len(said) == 2


NAMES = """
import clearprop as cp
from clearprop.engines.compiled import units
from clearprop.engines.compiled.library import file_name
from clearprop.engines.compiled.losses import kernel_loss
found = [*units.loss_units(kernel_loss(cp.CrossEntropy())), units.optimizer_unit(cp.Adam), units.activation_unit(cp.Tanh())]
print(*[file_name(unit, dtype) for unit in (units.DRIVER, *found) for dtype in ("float32", "float64")])
print(cp.__file__)
"""


def names_from(folder: Path) -> list[str]:
    printed, _ = run(f"import sys; sys.path.insert(0, {str(folder)!r})\n{NAMES}")
    names, file = printed.splitlines()
    assert Path(file).is_relative_to(folder)
    return names.split()


def test_checkouts_with_the_same_sources_share_their_units(tmp_path: Path) -> None:
    """In another folder, with other ends of lines, the names are the same; with another kernel or formula, they are not."""
    for name in ("one", "two"):
        shutil.copytree(PACKAGE, tmp_path / name / "clearprop", ignore=shutil.ignore_patterns("__pycache__"))
    here, there = names_from(PACKAGE.parent), names_from(tmp_path / "one")
    assert here == there
    assert len(set(here)) == len(here) == 10
    assert here[0] == file_name(units.DRIVER, "float32")
    path = tmp_path / "two/clearprop/engines/compiled/epochs.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert names_from(tmp_path / "two") == here
    path = tmp_path / "two/clearprop/nn/activations.py"
    path.write_text(path.read_text().replace("return 1.0 - a * a", "return 1.0 - a * a * 1.0"))
    assert [a == b for a, b in zip(names_from(tmp_path / "two"), here, strict=True)] == [True] * 8 + [False] * 2
    path = tmp_path / "one/clearprop/engines/compiled/compiler/values.py"
    path.write_text(path.read_text() + "\n\nANYTHING = 1\n")
    assert not set(names_from(tmp_path / "one")) & set(here)


@pytest.mark.skipif(processor().name not in ("x86-64-v3", "x86-64-v4"), reason="there is no other level to compare with")
def test_code_for_older_processors_agrees(cache: Any, agree: Any) -> None:
    older = {"XDG_CACHE_HOME": str(cache[0]), "CLEARPROP_PROCESSOR": "x86-64-v2"}
    printed, said = run(TRAIN, **older)
    assert len(said) == len(cache[2]), "no unit of another level is used"
    here, there = (np.array([float(x) for x in line.strip("[]\n").split(",")]) for line in (printed, cache[1]))
    agree(here, there, 1e-12)
    assert not np.array_equal(here, there), "without fused multiplication the last bits differ"
    assert X86_LEVELS["x86-64-v2"][0].register_bytes == 16
    assert run(TRAIN, **older) == (printed, [NOTHING_ELSE])


WIDE = """
import numpy as np
import clearprop as cp
rng = np.random.default_rng(0)
X, y = rng.normal(size=(64, 33)), rng.integers(5, size=64)
thetas = []
for engine in ("compiled", "batch"):
    net = cp.mlp([33, 40, 19, 5], hidden="tanh", dtype="float64")
    cp.fit(net, (X, y), batch_size=32, epochs=2, engine=engine)
    thetas.append(net.theta)
print(np.abs(thetas[0] - thetas[1]).max() / np.abs(thetas[1]).max())
"""


@pytest.mark.skipif(processor().name < "x86-64-v2", reason="this processor is another one")
def test_tiles_for_older_processors_agree_with_the_reference() -> None:
    printed, _ = run(WIDE, CLEARPROP_PROCESSOR="x86-64-v2")
    assert float(printed) < 1e-12
