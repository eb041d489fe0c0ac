"""The kernel for a wheel: every unit that the layers, losses and optimizers of clearprop need, as machine code.

    python -m clearprop.engines.compiled.shipping FOLDER

On x86-64, for each level of processors (`compiler.processor`), in a process each; elsewhere, for this machine. The files are
those that `library` would make, and are found by it in the same way.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from clearprop.engines.compiled import units
from clearprop.engines.compiled.compiler.processor import CHOICE, X86_LEVELS, processor
from clearprop.engines.compiled.library import code_of, file_name, write
from clearprop.engines.compiled.losses import ADJUSTED_CROSS_ENTROPY, RAW_BINARY, kernel_loss
from clearprop.engines.compiled.moves import OPTIMIZERS
from clearprop.engines.compiled.units import Unit
from clearprop.nn import ACTIVATIONS, LOSSES

DTYPES = ("float32", "float64")


def all_units() -> list[Unit]:
    """Every unit that does not depend on a person's own code."""
    activations = [units.activation_unit(ACTIVATIONS.make(name)) for name in ACTIVATIONS]
    losses = [*(found for name in LOSSES if (found := kernel_loss(LOSSES.make(name)))), RAW_BINARY, ADJUSTED_CROSS_ENTROPY]
    online = [units.online_unit({*given}, loss) for given in ([], *([a] for a in activations)) for loss in losses]
    return [
        *(units.DRIVER, units.NARROW, units.WHOLE_BATCH, units.OTHER),
        *(unit for loss in losses for unit in units.loss_units(loss)),
        *(units.optimizer_unit(kind) for kind in OPTIMIZERS),
        *activations,
        *dict.fromkeys(online),
    ]


def ship(folder: Path) -> None:
    """Write the units for this process's level of processors."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [(unit, dtype) for dtype in DTYPES for unit in all_units()]
    for unit, dtype in [(units.SHUFFLE, "float64"), *wanted]:  # the shuffle is of integers: one code for both
        path = folder / file_name(unit, dtype)
        if not path.exists():
            write(path, code_of(unit, dtype))


def main() -> None:
    """Write the units for every level, each in a process of its own, which takes its level from the environment."""
    folder = Path(sys.argv[1])
    if CHOICE in os.environ or processor().name not in X86_LEVELS:
        ship(folder)
        return
    command = [sys.executable, "-m", "clearprop.engines.compiled.shipping", str(folder)]
    made = [subprocess.Popen(command, env=os.environ | {CHOICE: level}) for level in X86_LEVELS]
    if any(process.wait() for process in made):
        sys.exit("The kernel could not be compiled for every level of processors; see above.")


if __name__ == "__main__":
    main()
