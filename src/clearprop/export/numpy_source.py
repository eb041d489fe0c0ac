"""NumPy: a model as one readable file of Python that needs NumPy alone."""

from __future__ import annotations

from pathlib import Path

from clearprop.arrays import Array
from clearprop.export.blueprint import Blueprint, LayerStep, Page, Writer, residual
from clearprop.export.export_format import ExportFormat, Rows
from clearprop.export.source_pages import helper_sources, render, written
from clearprop.export.trying import run_python
from clearprop.nn import (
    ELU,
    GELU,
    SELU,
    BatchNorm,
    Conv2d,
    Embedding,
    Flatten,
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
    Unflatten,
)
from clearprop.nn.gates import TANH_CUBIC, TANH_SCALE
from clearprop.nn.rectifiers import SELU_ALPHA, SELU_SCALE

ELEMENTWISE: dict[type[Layer], str] = {
    Sigmoid: "sigmoid({z})",
    Tanh: "np.tanh({z})",
    ReLU: "np.maximum({z}, 0)",
    LeakyReLU: "np.where({z} > 0, {z}, {layer.negative_slope!r} * {z})",
    ELU: "np.where({z} > 0, {z}, {layer.alpha!r} * np.expm1(np.minimum({z}, 0)))",
    SELU: f"{SELU_SCALE} * np.where({{z}} > 0, {{z}}, {SELU_ALPHA} * np.expm1(np.minimum({{z}}, 0)))",
    Softplus: "np.logaddexp(0, {z})",
    SiLU: "{z} * sigmoid({z})",
    GELU: "{z} * normal_cdf({z})",
    GELUTanh: f"0.5 * {{z}} * (1 + np.tanh({TANH_SCALE} * ({{z}} + {TANH_CUBIC} * {{z}} ** 3)))",
}
"""Functions of one number."""


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


def layer_norm(step: LayerStep) -> str:
    """gamma (x - mean) / sqrt(var + eps) + beta, over the units of each row."""
    gamma, beta = step.array("gamma", step.layer.gamma), step.array("beta", step.layer.beta)
    return f"{step.y} = {gamma} * {step.page.call('standardised')}({step.x}, {step.layer.eps!r}) + {beta}"


def residual_block(step: LayerStep) -> str:
    """x + f(x)."""
    return residual(step, "{y} = {x} + {f}")


def embedding(step: LayerStep) -> str:
    """Columns of numbers, then the row of W for each category."""
    W = step.array("W", step.layer.W)
    return f"{step.y} = {step.page.call('embedding')}({step.x}, {W}, {list(step.layer.sizes)})"


def unflatten(step: LayerStep) -> str:
    """Rows to images."""
    return f"{step.y} = {step.x}.reshape(-1, {', '.join(map(str, step.shape_y))})"


def flatten(step: LayerStep) -> str:
    """Images to rows."""
    return f"{step.y} = {step.x}.reshape(-1, {step.n_y})"


def conv2d(step: LayerStep) -> str:
    """The same weights for every patch."""
    W, b = step.array("W", step.layer.W), step.array("b", step.layer.b)
    call = step.page.call("conv2d")
    return f"{step.y} = {call}({step.x}, {W}, {b}, stride={step.layer.stride}, padding={step.layer.padding})  # {step.shape_y}"


def max_pool(step: LayerStep) -> str:
    """The largest number of each square."""
    return f"{step.y} = {step.page.call('max_pool')}({step.x}, {step.layer.kernel})  # {step.shape_y}"


def softmax(step: LayerStep) -> str:
    """Softmax of each row."""
    return f"{step.y} = {step.page.call('softmax')}({step.x})"


def elementwise(step: LayerStep) -> str:
    """A function of each number."""
    value = ELEMENTWISE[type(step.layer)].format(z=step.x, layer=step.layer)
    for helper in ("sigmoid", "normal_cdf"):
        if f"{helper}(" in value:
            step.page.call(helper)
    return f"{step.y} = {value}"


WRITERS: dict[type[Layer], Writer] = {
    Linear: linear,
    BatchNorm: batch_norm,
    LayerNorm: layer_norm,
    Residual: residual_block,
    Embedding: embedding,
    Unflatten: unflatten,
    Flatten: flatten,
    Conv2d: conv2d,
    MaxPool2d: max_pool,
    Softmax: softmax,
    **dict.fromkeys(ELEMENTWISE, elementwise),
}


class NumpySource(ExportFormat):
    """A file of Python; run as a program, it predicts the rows of a table."""

    endings = (".py",)

    def write(self, blueprint: Blueprint, path: Path) -> dict[str, str | bytes]:
        page, net = Page("NumPy", WRITERS), blueprint.net
        lines = page.lines(net.layers, (net.n_in or 0,))
        if blueprint.head == "softmax":
            page.call("softmax")
        helpers = helper_sources("layers.py.j2", page.helpers)
        arrays = written(page.arrays, " ", end=";")
        return {
            path.name: render(
                "numpy.py.j2", blueprint, path, lines, helpers=helpers, arrays=arrays, uses_math="normal_cdf" in page.helpers
            )
        }

    def lacking(self) -> str | None:
        return None

    def run(self, blueprint: Blueprint, path: Path, rows: Rows) -> Array:
        return run_python(path, rows)
