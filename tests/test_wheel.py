"""The wheel holds the kernel's machine code: installed into an empty place, with an empty cache, it compiles nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llvmlite")

ROOT = Path(__file__).parents[1]
PROGRAM = """
import json, sys, time
import clearprop as cp
data = cp.data.load("circles", seed=0)
net = cp.mlp([2, 10, 2], hidden="tanh", seed=0)
history = cp.fit(net, data, optimizer=cp.Adam(0.01), batch_size=10, epochs=30)
from clearprop.engines.compiled.library import COMPILATIONS
print(json.dumps({
    "where": cp.__file__,
    "theta": net.theta.tolist(),
    "compiling": COMPILATIONS.seconds,
    "seconds": time.process_time(),
    "numba": "numba" in sys.modules,
}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the wheel is installed, with the machine code for float32 on this processor."""
    folder = tmp_path_factory.mktemp("wheel")
    ship = (
        "import sys; from pathlib import Path; from clearprop.engines.compiled import shipping; shipping.DTYPES = ('float32',);"
    )
    subprocess.run([sys.executable, "-c", f"{ship} shipping.ship(Path(sys.argv[1]))", str(folder / "code")], check=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    made = subprocess.run(
        [*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)],
        env=os.environ | {"CLEARPROP_MACHINE_CODE": str(folder / "code")},
        capture_output=True,
        text=True,
    )
    if made.returncode and "hatchling" in made.stderr:
        pytest.skip("hatchling, which builds the wheel, cannot be fetched from the package index")
    assert made.returncode == 0, made.stderr
    (wheel,) = folder.glob("*.whl")
    assert "none-any" not in wheel.name
    subprocess.run([*pip, "install", "--no-deps", "--target", str(folder / "site"), str(wheel)], check=True)
    return folder / "site"


def trained(path: Path, cache: Path) -> dict[str, object]:
    """The program's figures, run with the package at `path` and an empty cache."""
    libraries = sysconfig.get_path("purelib")
    environment = os.environ | {"PYTHONPATH": f"{path}{os.pathsep}{libraries}", "XDG_CACHE_HOME": str(cache)}
    result = subprocess.run([sys.executable, "-S", "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_it_trains_at_once_to_the_same_bits(installed: Path, tmp_path: Path) -> None:
    from_wheel = trained(installed, tmp_path / "empty")
    assert str(from_wheel["where"]).startswith(str(installed))
    assert from_wheel["compiling"] == 0
    assert not from_wheel["numba"]
    assert float(str(from_wheel["seconds"])) < 2  # of processor time, imports included
    compiled_here = trained(ROOT / "src", tmp_path / "other")
    assert float(str(compiled_here["compiling"])) > 0
    np.testing.assert_array_equal(from_wheel["theta"], compiled_here["theta"])
