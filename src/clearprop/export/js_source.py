"""JavaScript: a model as one ES module without dependencies, for browsers and node."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from clearprop.arrays import Array
from clearprop.export.blueprint import Blueprint, LayerStep, Page, Writer
from clearprop.export.export_format import ExportFormat, Rows
from clearprop.export.folding import folds
from clearprop.export.source_pages import WrittenArray, render, written
from clearprop.export.trying import run_program
from clearprop.nn import BatchNorm, Layer, Linear, ReLU, Sigmoid, Softmax, Tanh

HELPERS = {
    "linear": """/* x W + b: y_j = b_j + sum_i x_i W_ij. */
function linear(x, W, b) {
  const y = b === null ? W[0].map(() => 0) : b.slice();
  x.forEach((xi, i) => W[i].forEach((w, j) => { y[j] += xi * w; }));
  return y;
}""",
    "softmax": """/* exp(z_i) / sum_j exp(z_j); the maximum is taken off, so that nothing overflows. */
function softmax(z) {
  const most = Math.max(...z), e = z.map((value) => Math.exp(value - most)), sum = e.reduce((total, value) => total + value, 0);
  return e.map((value) => value / sum);
}""",
}
ELEMENTWISE: dict[type[Layer], str] = {
    Sigmoid: "(z) => 0.5 * (1 + Math.tanh(0.5 * z))",
    Tanh: "Math.tanh",
    ReLU: "(z) => Math.max(z, 0)",
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
    return f"const {step.y} = {step.x}.map({ELEMENTWISE[type(step.layer)]});"


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


WRITERS: dict[type[Layer], Writer] = {
    Linear: linear, BatchNorm: batch_norm, Softmax: softmax, **dict.fromkeys(ELEMENTWISE, elementwise)
}  # fmt: skip


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
        page, net = Page("JavaScript", WRITERS), blueprint.net
        lines = page.lines(net.layers, net.n_in or 0)
        if blueprint.head == "softmax":
            page.call("softmax")
        fills = [column.categories.index(str(column.fill)) if column.kind == "categorical" and column.fill is not None else -1
                 for column in blueprint.columns]  # fmt: skip
        small = {letter: text for letter, text in folds(blueprint.categories).items() if letter.lower() != text}
        source = render(
            "js.mjs.j2", blueprint, path, lines, arrays=nested(page.arrays), fills=fills, folds=small,
            helpers=[HELPERS[name] for name in page.helpers], wide=len(blueprint.scaling.shift) > 1,
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
