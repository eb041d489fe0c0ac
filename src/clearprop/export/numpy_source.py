"""NumPy: a model as one readable file of Python that needs NumPy alone."""

from __future__ import annotations

from pathlib import Path

from clearprop.arrays import Array
from clearprop.export.blueprint import Blueprint, LayerStep, Page, Writer
from clearprop.export.export_format import ExportFormat, Rows
from clearprop.export.source_pages import render, written
from clearprop.export.trying import run_python
from clearprop.nn import BatchNorm, Layer, Linear, ReLU, Sigmoid, Softmax, Tanh

HELPERS = {
    "softmax": '''def softmax(z):
    """exp(z_i) / sum_j exp(z_j) for each row; the row's maximum is taken off, so that nothing overflows."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)''',
    "sigmoid": '''def sigmoid(z):
    """1 / (1 + exp(-z)), in a form in which nothing overflows."""
    return 0.5 * (1 + np.tanh(0.5 * z))''',
}


def linear(step: LayerStep) -> str:
    """z = x W + b."""
    product = f"{step.x} @ {step.array('W', step.layer.W)}"
    bias = f" + {step.array('b', step.layer.b)}" if step.layer.bias else ""
    return f"{step.y} = {product}{bias}  # (N, {step.n_x}) @ ({step.n_x}, {step.n_y})"


def batch_norm(step: LayerStep) -> str:
    """gamma (x - mean) / sqrt(var + eps) + beta."""
    layer = step.layer
    gamma, beta = step.array("gamma", layer.gamma), step.array("beta", layer.beta)
    mean, var = step.array("mean", layer.running_mean), step.array("var", layer.running_var)
    return f"{step.y} = {gamma} * ({step.x} - {mean}) / np.sqrt({var} + {layer.eps!r}) + {beta}"


def softmax(step: LayerStep) -> str:
    """Softmax of each row."""
    return f"{step.y} = {step.page.call('softmax')}({step.x})"


def sigmoid(step: LayerStep) -> str:
    """The logistic function."""
    return f"{step.y} = {step.page.call('sigmoid')}({step.x})"


def tanh(step: LayerStep) -> str:
    """The hyperbolic tangent."""
    return f"{step.y} = np.tanh({step.x})"


def relu(step: LayerStep) -> str:
    """max(z, 0)."""
    return f"{step.y} = np.maximum({step.x}, 0)"


WRITERS: dict[type[Layer], Writer] = {
    Linear: linear, BatchNorm: batch_norm, Softmax: softmax, Sigmoid: sigmoid, Tanh: tanh, ReLU: relu,
}  # fmt: skip


class NumpySource(ExportFormat):
    """A file of Python; run as a program, it predicts the rows of a table."""

    endings = (".py",)

    def write(self, blueprint: Blueprint, path: Path) -> dict[str, str | bytes]:
        page, net = Page("NumPy", WRITERS), blueprint.net
        lines = page.lines(net.layers, net.n_in or 0)
        if blueprint.head == "softmax":
            page.call("softmax")
        helpers = [HELPERS[name] for name in page.helpers]
        arrays = written(page.arrays, " ", end=";")
        return {path.name: render("numpy.py.j2", blueprint, path, lines, helpers=helpers, arrays=arrays)}

    def lacking(self) -> str | None:
        return None

    def run(self, blueprint: Blueprint, path: Path, rows: Rows) -> Array:
        return run_python(path, rows)
