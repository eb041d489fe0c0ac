"""A function of the compiled engine, or one written for a test, compiled on its own and called through its address."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from ctypes import CFUNCTYPE, c_double, c_int64
from itertools import count
from typing import Any

import numpy as np
from llvmlite import binding

from clearprop.engines.compiled.compiler.processor import new_module, object_code
from clearprop.engines.compiled.lanes import lanes_of, load, store
from clearprop.engines.compiled.library import execution_engine
from clearprop.engines.compiled.linkage import export
from clearprop.engines.compiled.memory import Floats, address_of

NUMBER = count()


def compiled(function: Callable[..., None], dtype: str) -> Callable[..., None]:
    """The function in machine code; its annotations say what `linkage.export` is to make of each argument."""
    name = f"test_{next(NUMBER)}"
    module = new_module(f"{dtype} {name}")
    export(module, function, name, dtype)
    engine = execution_engine()
    engine.add_object_file(binding.ObjectFileRef.from_data(object_code(module)))
    engine.finalize_object()
    annotations = [str(parameter.annotation) for parameter in inspect.signature(function).parameters.values()]
    kinds = [c_double if annotation == "float" else c_int64 for annotation in annotations]
    entry = CFUNCTYPE(None, *kinds)(engine.get_function_address(name))

    def call(*given: Any) -> None:
        entry(*(address_of(part) if isinstance(part, np.ndarray) else part for part in given))

    return call


def on_registers(function: Callable[..., Any], x: np.ndarray) -> np.ndarray:
    """An element-wise function, compiled for registers, of every number of x, whose length is a multiple of 16."""

    def run(x: Floats, y: Floats, n: int) -> None:
        for i in range(0, n, lanes_of(x)):
            store(y, i, function(load(x, i)))

    assert len(x) % 16 == 0
    y = np.full_like(x, np.nan)
    compiled(run, str(x.dtype))(x, y, len(x))
    return y
