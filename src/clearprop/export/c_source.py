"""C: a model as one file of C99 without allocation, with a header, and a `main` that reads a table under a flag."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clearprop.arrays import Array
from clearprop.data.columns import Column
from clearprop.data.kept_rows import as_csv
from clearprop.data.written_numbers import MISSING, PLACEHOLDERS
from clearprop.export.blueprint import Blueprint, LayerStep, Page, Writer
from clearprop.export.export_format import ExportFormat, Rows
from clearprop.export.folding import folds
from clearprop.export.source_pages import render, written
from clearprop.export.spelling import identifier
from clearprop.export.trying import read_answers, run_program
from clearprop.nn import BatchNorm, Layer, Linear, ReLU, Sigmoid, Softmax, Tanh

HELPERS = {
    "linear": """/* y = x W + b: y_j = b_j + sum_i x_i W_ij, where W_ij is W[i * n_y + j]. */
static void linear(const double *x, int n_x, const weight *W, const weight *b, double *y, int n_y)
{
    for (int j = 0; j < n_y; j++) y[j] = b == NULL ? 0 : b[j];
    for (int i = 0; i < n_x; i++)
        for (int j = 0; j < n_y; j++) y[j] += x[i] * W[i * n_y + j];
}""",
    "softmax": """/* exp(z_i) / sum_j exp(z_j); the maximum is taken off, so that nothing overflows. */
static void softmax(const double *z, double *p, int n)
{
    double most = z[0], sum = 0;
    for (int i = 1; i < n; i++)
        if (z[i] > most) most = z[i];
    for (int i = 0; i < n; i++) sum += p[i] = exp(z[i] - most);
    for (int i = 0; i < n; i++) p[i] /= sum;
}""",
}
ELEMENTWISE: dict[type[Layer], str] = {
    Sigmoid: "0.5 * (1 + tanh(0.5 * {z}))",
    Tanh: "tanh({z})",
    ReLU: "{z} > 0 ? {z} : 0",
}
"""Functions of one number."""


def declared(step: LayerStep) -> str:
    """Declaration of the output of a layer, unless it is that of the whole net."""
    return "" if step.y == "y_hat" else f"double {step.y}[{step.n_y}]; "


def linear(step: LayerStep) -> str:
    """z = x W + b."""
    W = step.array("W", step.layer.W)
    b = step.array("b", step.layer.b) if step.layer.bias else "NULL"
    return f"{declared(step)}{step.page.call('linear')}({step.x}, {step.n_x}, {W}, {b}, {step.y}, {step.n_y});"


def elementwise(step: LayerStep) -> str:
    """A function of each number."""
    value = ELEMENTWISE[type(step.layer)].format(z=f"{step.x}[i]")
    return f"{declared(step)}for (int i = 0; i < {step.n_y}; i++) {step.y}[i] = {value};"


def softmax(step: LayerStep) -> str:
    """Softmax of the row."""
    return f"{declared(step)}{step.page.call('softmax')}({step.x}, {step.y}, {step.n_y});"


def batch_norm(step: LayerStep) -> str:
    """gamma (x - mean) / sqrt(var + eps) + beta."""
    layer = step.layer
    gamma, beta = step.array("gamma", layer.gamma), step.array("beta", layer.beta)
    mean, var = step.array("mean", layer.running_mean), step.array("var", layer.running_var)
    value = f"{gamma}[i] * ({step.x}[i] - {mean}[i]) / sqrt({var}[i] + {layer.eps!r}) + {beta}[i]"
    return f"{declared(step)}for (int i = 0; i < {step.n_y}; i++) {step.y}[i] = {value};"


WRITERS: dict[type[Layer], Writer] = {
    Linear: linear, BatchNorm: batch_norm, Softmax: softmax, **dict.fromkeys(ELEMENTWISE, elementwise)
}  # fmt: skip


@dataclass(frozen=True)
class RowField:
    """A column as a field of the struct of a row.

    Attributes
    ----------
    name : str
    column : Column
    fill : int
        Place of the category in place of a missing one; -1 for none.
    """

    name: str
    column: Column
    fill: int


def fields_of(columns: Sequence[Column]) -> list[RowField]:
    """A field for each column, each with a name of its own."""
    found: list[RowField] = []
    names: set[str] = set()
    for column in columns:
        name = identifier(column.name, names)
        names.add(name)
        fill = column.categories.index(str(column.fill)) if column.kind == "categorical" and column.fill is not None else -1
        found.append(RowField(name, column, fill))
    return found


class CSource(ExportFormat):
    """A file of C99 and its header."""

    endings = (".c",)

    def write(self, blueprint: Blueprint, path: Path) -> dict[str, str | bytes]:
        page, net, name = Page("C", WRITERS), blueprint.net, identifier(path.stem)
        lines = page.lines(net.layers, net.n_in or 0)
        if blueprint.head == "softmax":
            page.call("softmax")
        single = net.dtype == np.float32
        labels = [str(label) for label in blueprint.labels]
        more = {
            "name": name, "NAME": name.upper(), "single": single, "fields": fields_of(blueprint.columns),
            "arrays": written(page.arrays, ", ", suffix="f" if single else "", end=","),
            "helpers": [HELPERS[helper] for helper in page.helpers], "folds": folds(blueprint.categories),
            "longest": max((len(text.casefold().encode()) for text in blueprint.categories), default=0) + 16,
            "argument": f"const {name}_row *row" if blueprint.columns else f"const double raw[{name.upper()}_INPUTS]",
            "given": "row" if blueprint.columns else "raw", "wide": len(blueprint.scaling.shift) > 1,
            "class_names": labels, "longest_class": max((len(label.encode("utf-8", "replace")) for label in labels), default=0),
            "no_numbers": sorted(PLACEHOLDERS | {text.lower() for text in MISSING if text}),
        }  # fmt: skip
        return {
            path.name: render("c.c.j2", blueprint, path, lines, **more),
            f"{name}.h": render("c.h.j2", blueprint, path, lines, **more),
        }

    def lacking(self) -> str | None:
        return None if compiler() else "a C compiler (gcc or cc)"

    def run(self, blueprint: Blueprint, path: Path, rows: Rows) -> Array:
        program = path.with_suffix("")
        flag = f"-D{identifier(path.stem).upper()}_MAIN"
        run_program([compiler() or "cc", "-std=c99", "-O1", flag, path.name, "-lm", "-o", program], folder=path.parent)
        return read_answers(run_program([program], as_csv(rows)))


def compiler() -> str | None:
    """Path of a C compiler."""
    return shutil.which("gcc") or shutil.which("cc")
