"""check_gradient: sharpness at every scale, odd functions, and trees of every kind."""

import json

import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from clearprop.errors import OptionError, ShapeError
from clearprop.gradcheck import assert_gradients, check_gradient
from clearprop.gradcheck.numeric.trees import flatten, rebuild

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))
SCALES = (1.0, 1e-6, 1e-12)

# s -> function, gradient, point, with gradients near s (or, for the last two, with points near s)
FAMILIES = {
    "the whole function is small": lambda s: (lambda x: s * np.sin(x).sum(), lambda x: s * np.cos(x), X),
    "the function moves little": lambda s: (lambda x: 1 + np.sin(s * x).sum(), lambda x: s * np.cos(s * x), X),
    "the numbers are small": lambda s: (lambda x: np.sin(x / s).sum(), lambda x: np.cos(x / s) / s, s * X),
    "near a pole": lambda s: (lambda x: np.log(x).sum(), lambda x: 1 / x, s * abs(X)),
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("family", list(FAMILIES))
def test_half_a_tenth_of_a_percent_is_seen_at_every_scale(family, scale):
    f, grad, x = FAMILIES[family](scale)
    assert check_gradient(f, grad, x).verdict == "right"
    assert check_gradient(f, grad(x), x).verdict == "right"
    for factor in (1.0005, 0.9995, 3.0, 0.0, -1.0):
        assert check_gradient(f, lambda x, k=factor: k * grad(x), x).verdict == "wrong", factor
        assert check_gradient(f, factor * grad(x), x).verdict == "wrong", factor


@pytest.mark.parametrize("scale", SCALES)
def test_one_wrong_element_is_seen_and_shown(scale):
    wrong = scale * np.cos(X)
    wrong[1, 2] *= 1.0005
    report = check_gradient(lambda x: scale * np.sin(x).sum(), wrong, X)
    assert report["x"].verdict == "wrong"
    assert report["x"].index == (1, 2)
    assert report["x"].error == pytest.approx(5e-4, rel=0.01)
    assert report["x"].analytic == wrong[1, 2]
    assert report["x"].numeric == pytest.approx(scale * np.cos(X[1, 2]), rel=1e-6)


def test_what_noise_hides_is_inconclusive_and_not_passed():
    # a slope of 1e-13 under a value of 1, whose rounding noise is 1e-16; |f'''| is as large as f'
    f, grad = (lambda x: 1 + 1e-13 * np.sin(x).sum()), (lambda x: 1e-13 * np.cos(x))
    assert check_gradient(f, grad, X).verdict == "inconclusive"
    assert check_gradient(f, lambda x: 1.0005 * grad(x), X).verdict == "inconclusive"
    assert check_gradient(f, lambda x: 3 * grad(x), X).verdict == "wrong"


@hypothesis.given(
    st.integers(0, 10**6), st.sampled_from([1e-9, 1e-3, 1.0, 1e4]), st.sampled_from([1e-10, 1.0, 1e8]), st.integers(1, 8)
)
def test_polynomials_are_right_and_their_mutants_wrong(seed, size, height, n):
    rng = np.random.default_rng(seed)
    x, a, b = size * rng.uniform(0.5, 2, n), rng.normal(size=n), rng.uniform(0.5, 1, n)

    def f(x):
        return height * (b * (x / size) ** 2 + a * (x / size)).sum()

    def grad(x):
        return height * (2 * b * x / size + a) / size

    assert check_gradient(f, grad, x, seed=seed).verdict == "right"
    wrong = grad(x)
    k = int(np.argmax(np.abs(wrong)))
    wrong[k] *= 1 + rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 1)
    report = check_gradient(f, wrong, x, seed=seed)
    assert report.verdict == "wrong"
    assert report["x"].index == (k,)


TREES = {
    "array": np.array([1.0, 2.0]),
    "float": 3.0,
    "dict": {"W": np.ones((2, 3)), "b": np.ones(3)},
    "nested lists": [[[1.0, 2.0], [3.0, 4.0]], [np.ones(2), {"c": 0.5}]],
    "tuple": (np.ones(2), 2.0),
    "torch": {"W": torch.ones(2, 2), "b": [torch.zeros(2, dtype=torch.float64)]},
    "float32": np.ones(3, dtype=np.float32),
}


def total(tree):
    return sum((np.asarray(leaf, dtype=float) ** 2 + leaf).sum() for leaf in flatten(tree).values())


@pytest.mark.parametrize("name", list(TREES))
def test_trees_of_every_kind(name):
    tree = TREES[name]

    def grad(t, factor=2):
        return rebuild(t, {key: factor * a + 1.0 for key, a in flatten(t).items()})

    report = check_gradient(total, grad, tree)
    assert report.ok, report
    assert [tensor.name for tensor in report.tensors] == list(flatten(tree))
    assert check_gradient(total, grad(tree), tree).ok
    assert check_gradient(lambda t: (total(t), grad(t)), None, tree).ok
    assert check_gradient(total, lambda t: grad(t, 2.002), tree).verdict == "wrong"
    again = rebuild(tree, flatten(tree))
    assert type(again) is type(tree)


def test_odd_functions_are_said_to_be_so():
    counter = iter(range(10**6))
    report = check_gradient(lambda x: x.sum() + next(counter), lambda x: np.ones_like(x), X)
    assert report.verdict == "inconclusive"
    assert "not deterministic: two calls at the same point gave" in str(report)

    def meddling(x):
        x *= 2
        return x.sum()

    report = check_gradient(meddling, lambda x: 2 * np.ones_like(x), X)
    assert report.ok
    assert "The function changes its input (x)" in str(report)
    report = check_gradient(lambda x: np.sin(x).sum(dtype=np.float32), np.cos, X)
    assert report.verdict != "wrong"
    assert "returns float32" in str(report)
    assert check_gradient(lambda x: np.sin(x).astype(np.float32).sum(), lambda x: 2 * np.cos(x), X).verdict == "wrong"
    report = check_gradient(lambda x: (x**2).sum(), lambda x: 2 * x, np.array([1, 2]))
    assert report.ok
    assert "Integers have no derivative" in str(report)
    report = check_gradient(lambda x: np.nan, lambda x: x, X)
    assert report.verdict == "inconclusive"
    assert "The function is nan at the given point" in str(report)
    report = check_gradient(lambda x: (x**2).sum(), lambda x: np.where(x > 0, np.nan, 2 * x), X)
    assert report.verdict == "wrong"


def test_float32_gradients_are_right_within_their_own_rounding():
    x = RNG.normal(size=(30,))
    assert check_gradient(lambda x: np.sin(x).sum(), lambda x: np.cos(x.astype(np.float32)), x).ok
    assert check_gradient(lambda x: np.sin(x).sum(), lambda x: 1.0005 * np.cos(x.astype(np.float32)), x).verdict == "wrong"


def test_wrong_shapes_and_structures():
    x = np.ones((2, 3))
    report = check_gradient(lambda x: (x * np.arange(6).reshape(2, 3)).sum(), np.arange(6.0).reshape(2, 3).T, x)
    assert report.verdict == "wrong"
    assert "shape (3, 2); it must have the shape of the array itself, (2, 3)" in str(report)
    with pytest.raises(ShapeError, match=r"must return one real number, not a float64 array of shape \(2, 3\)"):
        check_gradient(lambda x: x, lambda x: x, x)
    with pytest.raises(ShapeError, match="structure of x, with W, b; it lacks b and has W"):
        check_gradient(total, {"W": x}, {"W": x, "b": x})
    with pytest.raises(OptionError, match="nothing to differentiate"):
        check_gradient(total, {}, {})
    with pytest.raises(OptionError, match="Expected real numbers"):
        check_gradient(total, 1.0, "three")
    with pytest.raises(OptionError, match=r"must return \(value, gradient\)"):
        check_gradient(lambda x: 1.0, None, x)
    with pytest.raises(OptionError, match="tolerance must be between 0 and 1"):
        check_gradient(total, x, x, tolerance=-1)
    with pytest.raises(OptionError, match="no method called 'ful'; did you mean 'full'"):
        check_gradient(total, x, x, method="ful")


def test_many_numbers_are_projected_then_sampled():
    calls = []
    x = RNG.normal(size=20_000)

    def f(x):
        calls.append(1)
        return np.sin(x).sum()

    assert check_gradient(f, np.cos, x, method="projection").ok
    assert len(calls) < 8
    calls.clear()
    assert check_gradient(f, np.cos, x).ok
    assert len(calls) < 500
    assert check_gradient(f, lambda x: 1.0005 * np.cos(x), x, method="projection").verdict == "wrong"
    assert check_gradient(f, lambda x: 1.0005 * np.cos(x), x).verdict == "wrong"
    assert check_gradient(f, lambda x: np.where(x > 1, 0.9, 1) * np.cos(x), x).verdict == "wrong"
    tree = {"large": x, "small": np.ones(3)}  # every array is sampled, and the small one is not drowned by the large
    report = check_gradient(
        lambda t: np.sin(t["large"]).sum() + 1e-6 * (t["small"] ** 2).sum(),
        lambda t: {"large": np.cos(t["large"]), "small": 1e-6 * t["small"]},
        tree,
    )
    assert [tensor.verdict for tensor in report.tensors] == ["right", "wrong"]


def test_reports_as_text_rich_html_and_json(capsys):
    from rich.console import Console

    report = check_gradient(lambda t: (t["<W>"] ** 2).sum(), lambda t: {"<W>": t["<W>"]}, {"<W>": X}, title="[squares]")
    assert not report
    assert not report.ok
    text = str(report)
    assert text.startswith("[squares]: wrong")
    for words in ("(3, 4)", "12 of 12", "wrong", "5.0e-01"):
        assert words in text
    Console(width=200).print(report)
    shown = capsys.readouterr().out
    assert "[squares]" in shown
    assert "wrong" in shown
    page = report._repr_html_()
    assert "&lt;W&gt;" in page
    assert "<W>" not in page
    found = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert found["verdict"] == "wrong"
    assert found["tensors"][0]["shape"] == [3, 4]
    assert found["suspects"][0]["fault"]
    with pytest.raises(AssertionError, match=r"\[squares\]: wrong"):
        assert_gradients(report)


def test_a_filter_the_wrong_way_round_is_named():
    rng = np.random.default_rng(0)
    P, c = {"x": rng.normal(size=(5, 5)), "w": rng.normal(size=(2, 2))}, rng.normal(size=(4, 4))
    places = [(i, j) for i in range(4) for j in range(4)]

    def f(p):
        return sum(c[i, j] * np.sum(p["x"][i : i + 2, j : j + 2] * p["w"]) for i, j in places)

    def gradient(p, turn):
        dx, dw = np.zeros((5, 5)), np.zeros((2, 2))
        for i, j in places:
            dx[i : i + 2, j : j + 2] += c[i, j] * turn(p["w"])
            dw += c[i, j] * p["x"][i : i + 2, j : j + 2]
        return {"x": dx, "w": dw}

    assert check_gradient(f, lambda p: gradient(p, np.array), P).ok
    flipped = check_gradient(f, lambda p: gradient(p, np.flip), P)
    assert [suspect.sentence for suspect in flipped.suspects] == [
        "dx is right once w is flipped: the line that computes it needs w[::-1, ::-1]."
    ]
    turned = check_gradient(f, lambda p: gradient(p, np.transpose), P)
    assert "w is transposed" in turned.suspects[0].sentence
    assert check_gradient(f, lambda p: gradient(p, np.zeros_like), P)["x"].verdict == "wrong"
