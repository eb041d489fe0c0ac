"""Every rule of differentiation against central differences of the recorded graph, run again."""

import numpy as np
import pytest

from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.standins import numpy_standin
from clearprop.gradcheck.tracing.traced import TRACE, plain, restart
from clearprop.gradcheck.tracing.wrappers import leaf

xp = numpy_standin()


def written(a, b):
    c = xp.zeros((3, 4))
    c[1:] += b[1:]
    c[0] = a[0] * 2
    c[:, 1] *= 3
    d = c.T
    d[0] = a[:, 2]
    xp.add.at(c, ([0, 0], [1, 1]), b[0, :2])
    return c * c


CASES = {
    "matmul": (lambda a, b: a @ b, (3, 4), (4, 2)),
    "matrix and vector": (lambda a, b: a.dot(b), (3, 4), (4,)),
    "vector and matrix": (lambda a, b: a @ b, (4,), (4, 3)),
    "inner": (lambda a, b: a @ b, (4,), (4,)),
    "outer": (lambda a, b: xp.outer(a, b), (3,), (2,)),
    "stacked matmul": (lambda a, b: a @ b, (2, 3, 4), (2, 4, 2)),
    "one matrix for all": (lambda a, b: a @ b, (2, 3, 4), (4, 2)),
    "tensordot": (lambda a, b: xp.tensordot(a, b, axes=([1, 2], [0, 1])), (2, 3, 4), (3, 4, 2)),
    "einsum": (lambda a, b: xp.einsum("bij,bj->bi", a, b), (2, 3, 4), (2, 4)),
    "max along": (lambda a: a.max(axis=1, keepdims=True), (3, 4)),
    "max": (lambda a: a.max(), (3, 4)),
    "pad": (lambda a: xp.pad(a, ((1, 1), (2, 0))), (3, 4)),
    "rows twice": (lambda a: a[[0, 1, 1]], (3, 4)),
    "pairs of indices": (lambda a: a[xp.arange(3), [0, 1, 1]], (3, 4)),
    "reshape": (lambda a: a.T.reshape(2, -1), (3, 4)),
    "concatenate": (lambda a: xp.concatenate([a, a * 2], axis=1), (3, 4)),
    "array of numbers": (lambda a: xp.array([a[0, 0], a[1, 1] * 2, 0.3]), (3, 4)),
    "var": (lambda a: a.var(axis=0), (3, 4)),
    "std": (lambda a: a.std(axis=1, ddof=1, keepdims=True), (3, 4)),
    "cumsum": (lambda a: a.cumsum(axis=0), (3, 4)),
    "prod": (lambda a: xp.prod(a, axis=0), (3, 4)),
    "maximum": (lambda a, b: xp.maximum(a, b), (3, 4), (4,)),
    "where": (lambda a: xp.where(a > 0, a, 0.1 * a), (3, 4)),
    "clip": (lambda a: xp.clip(a, -0.5, 0.5), (3, 4)),
    "quotient": (lambda a, b: a / b, (3, 4), (3, 1)),
    "convolve": (lambda a, b: xp.convolve(a, b), (5,), (3,)),
    "norm": (lambda a: xp.linalg.norm(a, axis=0), (3, 4)),
    "mean of a list": (lambda a: xp.mean([a[0], a[1]], axis=0), (3, 4)),
    "not in the table": (lambda a: xp.arctan(a), (3,)),
    "sort": (lambda a: xp.sort(a), (5,)),
    "inverse": (lambda a: xp.linalg.inv(a + 5 * xp.eye(3)), (3, 3)),
    "split": (lambda a: xp.split(a, 2, axis=1)[1], (3, 4)),
    "vectorize": (lambda a: xp.vectorize(lambda x: x * x if x > 0 else 0.0)(a), (3, 2)),
    "divide where": (lambda a: xp.divide(1, a, out=xp.zeros_like(a), where=a > 0), (4,)),
    "written into": (written, (3, 4), (3, 4)),
}


@pytest.mark.parametrize("name", list(CASES))
def test_rules_agree_with_differences(name):
    function, *shapes = CASES[name]
    restart()
    rng = np.random.default_rng(0)
    inputs = [leaf(rng.normal(size=shape), "random") for shape in shapes]
    out = function(*inputs)
    loss = xp.sum(out * np.random.default_rng(1).normal(size=np.shape(plain(out)))).vertex
    starts = [x.vertex for x in inputs]
    graph = Graph(TRACE)
    slopes = graph.adjoints(loss, starts, {})
    for start in starts:
        direction, h = rng.normal(size=start.shape), 1e-6
        above, below = (graph.values([loss], {start: start.value + s * h * direction})[graph.rep(loss)] for s in (1, -1))
        measured = (above - below) / (2 * h)
        assert np.sum(slopes[graph.rep(start)] * direction) == pytest.approx(measured, rel=1e-6, abs=1e-7)


def test_writing_into_a_view_writes_through_and_leaves_the_past_alone():
    restart()
    a = leaf(np.arange(6.0).reshape(2, 3), "data")
    before = a * 1.0
    a[0][1] = 9.0
    a.T[2] += 1.0
    assert np.array_equal(plain(a), [[0, 9, 3], [3, 4, 6]])
    assert np.array_equal(plain(before), [[0, 1, 2], [3, 4, 5]])
