"""`clearprop export`: write a trained network for somewhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from clearprop.cli import options as o
from clearprop.cli.folder import check_file


def export(
    model: o.Model,
    to: Annotated[
        str,
        o.option(
            o.OUTPUT, "Format: onnx, numpy (one file of Python), c (C99 and a header), js (an ES module) or torch.", "--to"
        ),
    ],
    out: Annotated[Path, o.option(o.OUTPUT, "Write to this file: .onnx, .py, .c, .mjs or .js.", metavar="FILE")],
    quiet: o.Quiet = False,
) -> None:
    """Write a trained network for somewhere else: raw values in, labels and probabilities (or values) out.

    The preprocessing goes with it: scaling, categories, missing values, dates.

    The file is run on the rows that the run has kept, and on made-up ones, and compared with clearprop predict.

    Example: clearprop export runs/penguins --to c --out penguins.c
    """
    from clearprop.cli.console import screen
    from clearprop.export import FORMATS, Model

    FORMATS.find(to)
    check_file(out, "--out")
    exported = Model.load(model).export(out, to, model if model.is_dir() else model.parent)
    if quiet:
        return
    console = screen()
    for file in exported.files:
        console.print(f"{file}: {file.stat().st_size:,} bytes", markup=False)
    console.print(exported.in_words(), markup=False)
