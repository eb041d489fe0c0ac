"""JavaScript: a model as one ES module without dependencies, for browsers and node."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from clearprop.arrays import Array
from clearprop.export.blueprint import FLAT, Blueprint, LayerStep, Page, Writer, residual
from clearprop.export.export_format import ExportFormat, Rows
from clearprop.export.folding import folds
from clearprop.export.source_pages import WrittenArray, helper_sources, render, written
from clearprop.export.trying import run_program
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
    Sigmoid: "(z) => 0.5 * (1 + Math.tanh(0.5 * z))",
    Tanh: "Math.tanh",
    ReLU: "(z) => Math.max(z, 0)",
    LeakyReLU: "(z) => (z > 0 ? z : {layer.negative_slope!r} * z)",
    ELU: "(z) => (z > 0 ? z : {layer.alpha!r} * Math.expm1(z))",
    SELU: f"(z) => {SELU_SCALE} * (z > 0 ? z : {SELU_ALPHA} * Math.expm1(z))",
    Softplus: "(z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)))",
    SiLU: "(z) => z * 0.5 * (1 + Math.tanh(0.5 * z))",
    GELU: "(z) => z * normalCdf(z)",
    GELUTanh: f"(z) => 0.5 * z * (1 + Math.tanh({TANH_SCALE} * (z + {TANH_CUBIC} * z ** 3)))",
}
"""Functions of one number."""
RUNNER = """import { readFileSync } from "node:fs";
import { predict } from %s;
const rows = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(rows.map(predict).map((answer) => answer.probabilities ?? answer)));
"""


def linear(step: LayerStep) -> str:
    """z = x W + b."""
    W = step.array("W", step.layer.W)
    b = step.array("b", step.layer.b) if step.layer.bias else "null"
    return f"const {step.y} = {step.page.call('linear')}({step.x}, {W}, {b}); // {step.n_x} -> {step.n_y}"


def elementwise(step: LayerStep) -> str:
    """A function of each number."""
    value = ELEMENTWISE[type(step.layer)].format(layer=step.layer)
    if "normalCdf(" in value:
        step.page.call("normalCdf")
    return f"const {step.y} = {step.x}.map({value});"


def softmax(step: LayerStep) -> str:
    """Softmax of the row."""
    return f"const {step.y} = {step.page.call('softmax')}({step.x});"


def batch_norm(step: LayerStep) -> str:
    """gamma (x - mean) / sqrt(var + eps) + beta."""
    layer = step.layer
    gamma, beta = step.array("gamma", layer.gamma), step.array("beta", layer.beta)
    mean, var = step.array("mean", layer.running_mean), step.array("var", layer.running_var)
    value = f"({gamma}[i] * (v - {mean}[i])) / Math.sqrt({var}[i] + {layer.eps!r}) + {beta}[i]"
    return f"const {step.y} = {step.x}.map((v, i) => {value});"


def layer_norm(step: LayerStep) -> str:
    """gamma (x - mean) / sqrt(var + eps) + beta, over the units of the row."""
    layer = step.layer
    gamma, beta = step.array("gamma", layer.gamma), step.array("beta", layer.beta)
    return f"const {step.y} = {step.page.call('layerNorm')}({step.x}, {gamma}, {beta}, {layer.eps!r});"


def residual_block(step: LayerStep) -> str:
    """x + f(x)."""
    return residual(step, "const {y} = {x}.map((value, i) => value + {f}[i]);")


def embedding(step: LayerStep) -> str:
    """Columns of numbers, then the row of W for each category."""
    W = step.array("W", step.layer.W)
    return f"const {step.y} = {step.page.call('embedding')}({step.x}, {W}, {list(step.layer.sizes)});"


def conv2d(step: LayerStep) -> str:
    """The same weights for every patch."""
    layer, W, b = step.layer, step.array("W", step.layer.W), step.array("b", step.layer.b)
    sizes = ", ".join(map(str, (*step.shape_x, layer.kernel, layer.stride, layer.padding)))
    return f"const {step.y} = {step.page.call('conv2d')}({step.x}, {W}, {b}, {sizes}); // {step.shape_y}"


def max_pool(step: LayerStep) -> str:
    """The largest number of each square."""
    sizes = ", ".join(map(str, (*step.shape_x, step.layer.kernel)))
    return f"const {step.y} = {step.page.call('maxPool')}({step.x}, {sizes}); // {step.shape_y}"


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


def nested(arrays: dict[str, Array]) -> list[WrittenArray]:
    """Arrays as lines of JavaScript, a matrix as an array of rows."""
    found = []
    for array in written(arrays, ", ", end="\0"):
        rows = "\n".join(array.lines).split("\0\n")
        matrix = array.values.ndim > 1
        lines = [line for row in rows for line in (f"[{row}]," if matrix else row).splitlines()]
        found.append(WrittenArray(array.name, array.values, lines))
    return found


class JsSource(ExportFormat):
    """An ES module."""

    endings = (".mjs", ".js")

    def write(self, blueprint: Blueprint, path: Path) -> dict[str, str | bytes]:
        page, net = Page("JavaScript", WRITERS, FLAT), blueprint.net
        lines = page.lines(net.layers, (net.n_in or 0,))
        if blueprint.head == "softmax":
            page.call("softmax")
        fills = [column.categories.index(str(column.fill)) if column.kind == "categorical" and column.fill is not None else -1
                 for column in blueprint.columns]  # fmt: skip
        small = {letter: text for letter, text in folds(blueprint.categories).items() if letter.lower() != text}
        source = render(
            "js.mjs.j2", blueprint, path, lines, arrays=nested(page.arrays), fills=fills, folds=small,
            helpers=helper_sources("layers.mjs.j2", page.helpers), wide=len(blueprint.scaling.shift) > 1,
        )  # fmt: skip
        return {path.name: source}

    def lacking(self) -> str | None:
        return None if shutil.which("node") else "node"

    def run(self, blueprint: Blueprint, path: Path, rows: Rows) -> Array:
        cells = [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
        given = cells if blueprint.columns else [[float(cell) for cell in row.values()] for row in cells]
        module = path.with_suffix(".mjs")  # under which node takes it for a module, whatever the ending
        if module != path:
            shutil.copyfile(path, module)
        source = RUNNER % json.dumps(module.as_uri())
        found = run_program(["node", "--input-type=module", "--eval", source], json.dumps(given))
        return np.array(json.loads(found), np.float64).reshape(len(given), -1)
