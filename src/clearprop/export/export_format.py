"""The export format: a language, or a file format, that a model is written in and can be tried in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from clearprop.arrays import Array
from clearprop.export.blueprint import Blueprint
from clearprop.lazy_registry import LazyRegistry
from clearprop.registry import Configured

Rows = dict[str, list[str]]
"""Raw cells by column."""


class ExportFormat(Configured, ABC):
    """A way to write a model, and to run what was written.

    Attributes
    ----------
    endings : tuple of str
        Endings that its file may have.
    """

    endings: tuple[str, ...] = ()

    @abstractmethod
    def write(self, blueprint: Blueprint, path: Path) -> dict[str, str | bytes]:
        """Content of each file, by name; the first is called as `path` is.

        Raises
        ------
        UnsupportedError
            If a layer is not known in this format.
        """

    @abstractmethod
    def lacking(self) -> str | None:
        """Name of what is not installed that running the files needs, or None."""

    @abstractmethod
    def run(self, blueprint: Blueprint, path: Path, rows: Rows) -> Array:
        """Probabilities (N, C), or values (N, n_y), that the files at `path` give for raw rows."""


FORMATS: LazyRegistry[ExportFormat] = LazyRegistry(
    "export format",
    ExportFormat,
    {
        "onnx": "clearprop.export.onnx_file:OnnxFile",
        "numpy": "clearprop.export.numpy_source:NumpySource",
        "c": "clearprop.export.c_source:CSource",
        "js": "clearprop.export.js_source:JsSource",
        "torch": "clearprop.export.torch_source:TorchSource",
    },
)
