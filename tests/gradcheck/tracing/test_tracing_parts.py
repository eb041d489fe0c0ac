"""Tests of the derivatives of parts of arrays, which are read and written at plain indices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clearprop.gradcheck.tracing.derivative_rules import pulled
from clearprop.gradcheck.tracing.trace import Vertex, get, put, value_of


def leaf(value: Any) -> Vertex:
    """A value that nothing went into."""
    return Vertex(None, (), {}, np.asarray(value, dtype=np.float64), "made")


@pytest.mark.parametrize("index", [1, -1, slice(0, 2), (slice(None), 2), (1, slice(1, None)), (None, 1)])
def test_the_derivative_of_what_is_read_goes_back_to_its_place(index: Any) -> None:
    array = leaf(np.arange(12.0).reshape(3, 4))
    out = array.value[index]
    found = dict(pulled(Vertex(get, (array, index), {}, out, ""), np.ones(out.shape), value_of, out))
    wanted = np.zeros((3, 4))
    wanted[index] = 1.0
    assert np.array_equal(found[array], wanted)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (1, 4), (1, 1)])
def test_the_derivative_of_what_is_written_is_summed_where_it_was_repeated(shape: tuple[int, ...]) -> None:
    array, written = leaf(np.zeros((3, 4))), leaf(np.ones(shape))
    g = np.arange(12.0).reshape(3, 4)
    out = put(array.value, (1, written.value))
    found = dict(pulled(Vertex(put, (array, (1, written)), {}, out, ""), g, value_of, out))
    assert found[written].shape == shape
    assert found[written].sum() == g[1].sum()
    assert not found[array][1].any()
    assert np.array_equal(found[array][[0, 2]], g[[0, 2]])
