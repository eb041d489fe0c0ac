"""Bubblewrap: the program that makes namespaces for users who may not make them themselves, where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from clearprop.gradcheck.tracing.cell import SCRATCH, Cell, needed

PATIENCE = 10.0  # seconds for a first try


def bubblewrap_command(cell: Cell) -> list[str] | None:
    """The beginning of a command that runs in a cell; None where there is no bubblewrap, or it may not do that."""
    program = shutil.which("bwrap")
    if program is None:
        return None
    command = [program, "--unshare-all", "--die-with-parent", "--new-session", "--proc", "/proc", "--dev", "/dev"]
    command += ["--tmpfs", "/tmp", "--tmpfs", SCRATCH]
    for path in sorted(needed(), key=len):
        kind = "--symlink" if os.path.islink(path) else "--ro-bind"
        command += [kind, os.readlink(path) if kind == "--symlink" else path, path]
    command += ["--ro-bind", cell.source, cell.folder, "--chdir", cell.start]
    for name in ("HOME", "TMPDIR", "MPLCONFIGDIR"):
        command += ["--setenv", name, SCRATCH]
    try:
        tried = subprocess.run(
            [*command, sys.executable, "-S", "-c", "0"],
            capture_output=True,
            timeout=PATIENCE,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return command if tried.returncode == 0 else None
