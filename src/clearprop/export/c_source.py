"""C: a model as one file of C99 without allocation, with a header, and a `main` that reads a table under a flag."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np

from clearprop.arrays import Array
from clearprop.data.columns import Column
from clearprop.data.kept_rows import as_csv
from clearprop.data.written_numbers import MISSING, PLACEHOLDERS
from clearprop.export.blueprint import FLAT, Blueprint, LayerStep, Page, Writer, residual
from clearprop.export.export_format import ExportFormat, Rows
from clearprop.export.folding import folds
from clearprop.export.source_pages import date_example, helper_sources, render, written
from clearprop.export.spelling import comment, identifier
from clearprop.export.trying import read_answers, run_program
from clearprop.nn import (
    ELU,
    GELU,
    SELU,
    BatchNorm,
    Conv2d,
    Embedding,
    GELUTanh,
    Layer,
    LayerNorm,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from clearprop.nn.gates import TANH_CUBIC, TANH_SCALE
from clearprop.nn.rectifiers import SELU_ALPHA, SELU_SCALE

ELEMENTWISE: dict[type[Layer], str] = {
    Sigmoid: "0.5 * (1 + tanh(0.5 * {z}))",
    Tanh: "tanh({z})",
    ReLU: "{z} > 0 ? {z} : 0",
    LeakyReLU: "{z} > 0 ? {z} : {layer.negative_slope!r} * {z}",
    ELU: "{z} > 0 ? {z} : {layer.alpha!r} * expm1({z})",
    SELU: f"{SELU_SCALE} * ({{z}} > 0 ? {{z}} : {SELU_ALPHA} * expm1({{z}}))",
    Softplus: "({z} > 0 ? {z} : 0) + log1p(exp(-fabs({z})))",
    SiLU: "{z} * 0.5 * (1 + tanh(0.5 * {z}))",
    GELU: f"0.5 * {{z}} * erfc(-{{z}} / {sqrt(2)})",
    GELUTanh: f"0.5 * {{z}} * (1 + tanh({TANH_SCALE} * ({{z}} + {TANH_CUBIC} * {{z}} * {{z}} * {{z}})))",
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
    value = ELEMENTWISE[type(step.layer)].format(z=f"{step.x}[i]", layer=step.layer)
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


def layer_norm(step: LayerStep) -> str:
    """gamma (x - mean) / sqrt(var + eps) + beta, over the units of the row."""
    layer = step.layer
    gamma, beta = step.array("gamma", layer.gamma), step.array("beta", layer.beta)
    return f"{declared(step)}{step.page.call('layer_norm')}({step.x}, {gamma}, {beta}, {layer.eps!r}, {step.y}, {step.n_y});"


def residual_block(step: LayerStep) -> str:
    """x + f(x)."""
    return residual(step, declared(step) + "for (int i = 0; i < {n}; i++) {y}[i] = {x}[i] + {f}[i];")


def embedding(step: LayerStep) -> str:
    """Columns of numbers, then the row of W for each category."""
    layer, W = step.layer, step.array("W", step.layer.W)
    sizes = ", ".join(map(str, layer.sizes))
    call = step.page.call("embedding")
    return f"{declared(step)}{call}({step.x}, {step.n_x}, (const int[]){{{sizes}}}, {W}, {layer.dim}, {step.y});"


def conv2d(step: LayerStep) -> str:
    """The same weights for every patch."""
    layer, W, b = step.layer, step.array("W", step.layer.W), step.array("b", step.layer.b)
    sizes = ", ".join(map(str, (*step.shape_x, step.shape_y[0], layer.kernel, layer.stride, layer.padding)))
    return f"{declared(step)}{step.page.call('conv2d')}({step.x}, {W}, {b}, {step.y}, {sizes});"


def max_pool(step: LayerStep) -> str:
    """The largest number of each square."""
    sizes = ", ".join(map(str, (*step.shape_x, step.layer.kernel)))
    return f"{declared(step)}{step.page.call('max_pool')}({step.x}, {step.y}, {sizes});"


WRITERS: dict[type[Layer], Writer] = {
    Linear: linear,
    BatchNorm: batch_norm,
    LayerNorm: layer_norm,
    Residual: residual_block,
    Embedding: embedding,
    Conv2d: conv2d,
    MaxPool2d: max_pool,
    Softmax: softmax,
    **dict.fromkeys(ELEMENTWISE, elementwise),
}


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

    @property
    def note(self) -> str:
        """Comment behind the field, if there is anything to say."""
        said = [comment(self.column.name)] if self.column.name != self.name else []
        said += [f"a date such as {comment(date_example(self.column))}"] if self.column.kind == "date" else []
        return f"  /* {', '.join(said)} */" if said else ""


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
        page, net, name = Page("C", WRITERS, FLAT), blueprint.net, identifier(path.stem)
        lines = page.lines(net.layers, (net.n_in or 0,))
        if blueprint.head == "softmax":
            page.call("softmax")
        single = net.dtype == np.float32
        labels = [str(label) for label in blueprint.labels]
        more = {
            "name": name, "NAME": name.upper(), "single": single, "fields": fields_of(blueprint.columns),
            "arrays": written(page.arrays, ", ", suffix="f" if single else "", end=","),
            "helpers": helper_sources("layers.c.j2", page.helpers), "folds": folds(blueprint.categories),
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
