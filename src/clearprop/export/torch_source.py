"""PyTorch: a model as a module in a file of Python, with its parameters in a file of safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import UnsupportedError
from clearprop.export.blueprint import Blueprint
from clearprop.export.export_format import ExportFormat, Rows
from clearprop.export.source_pages import render
from clearprop.export.spelling import comment
from clearprop.export.trying import run_python

if TYPE_CHECKING:
    from torch import nn


BLOCKS = ("ResidualBlock", "ColumnEmbedding")
"""Modules that the page defines where it needs them."""


def module_source(module: nn.Module) -> str:
    """The expression that makes a module of PyTorch, which prints itself in the form of its constructor.

    Raises
    ------
    UnsupportedError
        If it is neither one of PyTorch's own without others in it, nor one of the blocks that the page defines.
    """
    from clearprop.nn.torch_bridge import ColumnEmbedding, ResidualBlock

    if isinstance(module, ResidualBlock):
        return f"ResidualBlock({', '.join(module_source(part) for part in module)})"
    if isinstance(module, ColumnEmbedding):
        return f"ColumnEmbedding({list(module.sizes)}, {module.table.embedding_dim})"
    if not type(module).__module__.startswith("torch.nn.") or any(True for _ in module.children()):
        raise UnsupportedError(
            f"{type(module).__name__} is no module of torch.nn by itself, so it cannot be written as source."
        )
    return f"nn.{module!r}"


def sequence_source(modules: list[nn.Module]) -> tuple[list[str], list[str]]:
    """Lines that make the modules that appear more than once, and an expression for each place."""
    several = {id(module): f"layer_{i}" for i, module in enumerate(modules) if modules.index(module) < i}
    first = {id(module): module for module in modules if id(module) in several}
    shared = [f"{several[key]} = {module_source(module)}" for key, module in first.items()]
    return shared, [several.get(id(module)) or module_source(module) for module in modules]


class TorchSource(ExportFormat):
    """A file of Python with an `nn.Module`, and a file of safetensors with its `state_dict`."""

    endings = (".py",)

    def write(self, blueprint: Blueprint, path: Path) -> dict[str, str | bytes]:
        net = blueprint.net
        sequential = net.to_torch()
        from safetensors.torch import save

        shared, lines = sequence_source(list(sequential))
        state = path.with_suffix(".safetensors").name
        tensors = {f"layers.{name}": tensor.clone().contiguous() for name, tensor in sequential.state_dict().items()}
        blocks = [name for name in BLOCKS if any(f"{name}(" in line for line in [*lines, *shared])]
        source = render(
            "torch.py.j2", blueprint, path, lines, shared=shared, state=comment(state),
            single=net.dtype == np.float32, blocks=blocks,
        )  # fmt: skip
        return {path.name: source, state: save(tensors)}

    def lacking(self) -> str | None:
        return None

    def run(self, blueprint: Blueprint, path: Path, rows: Rows) -> Array:
        return run_python(path, rows)
