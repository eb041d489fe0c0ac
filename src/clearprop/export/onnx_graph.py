"""The graph of an ONNX file while it is put together: nodes, constants, inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import MissingExtraError

OPSET, IR_VERSION = 21, 10  # of ONNX 1.16: the first with RegexFullMatch and double precision throughout


def import_onnx() -> Any:
    """The package onnx.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        import onnx
    except ModuleNotFoundError:
        raise MissingExtraError("Writing ONNX needs the package onnx: pip install 'clearprop[onnx]'") from None
    return onnx


@dataclass(eq=False)
class OnnxGraph:
    """Nodes and constants in the order in which they are computed.

    Attributes
    ----------
    reserved : set of str
        Names of inputs and outputs, which no tensor in between may bear.
    """

    reserved: set[str]
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)

    def free(self, name: str) -> str:
        """`name`, with a number if it is taken."""
        found, k = name, 1
        while found in self.reserved:
            k += 1
            found = f"{name}_{k}"
        self.reserved.add(found)
        return found

    def node(self, op: str, *given: str, name: str = "", out: str | None = None, **attributes: Any) -> str:
        """Add a node with one output; the name of that."""
        out = self.free(name or op.lower()) if out is None else out
        self.nodes.append(import_onnx().helper.make_node(op, list(given), [out], name=f"{out} = {op}", **attributes))
        return out

    def constant(self, values: Any, name: str = "constant", dtype: Any = None) -> str:
        """Add a constant array; its name."""
        onnx = import_onnx()
        name = self.free(name)
        array = np.asarray(values, dtype)
        if array.dtype.kind == "U":
            texts = [str(text).encode("utf-8", errors="replace") for text in array.ravel()]
            tensor = onnx.helper.make_tensor(name, onnx.TensorProto.STRING, array.shape, texts)
        else:
            tensor = onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)
        self.constants[name] = tensor
        return name

    def cast(self, given: str, dtype: Any, out: str | None = None) -> str:
        """The tensor in another NumPy dtype."""
        return self.node("Cast", given, out=out, to=import_onnx().helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def declare(self, where: list[Any], name: str, dtype: Any, *shape: int | str) -> str:
        """Add an input or an output; dtype `str` is for texts."""
        onnx = import_onnx()
        kind = onnx.TensorProto.STRING if dtype is str else onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        where.append(onnx.helper.make_tensor_value_info(name, kind, list(shape)))
        return name

    def model(self, title: str, words: str, version: str) -> Any:
        """The whole as an ONNX model that its checker accepts."""
        onnx = import_onnx()
        graph = onnx.helper.make_graph(
            self.nodes, "clearprop", self.inputs, self.outputs, list(self.constants.values()), doc_string=words
        )
        model = onnx.helper.make_model(
            graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="clearprop",
            producer_version=version, doc_string=f"{title}: {words}",
        )  # fmt: skip
        onnx.checker.check_model(model)
        return model


def row_of(values: Any, dtype: Any = np.float64) -> Array:
    """Numbers as an array (1, n), which goes with every row of a batch."""
    return np.asarray(values, dtype).reshape(1, -1)
