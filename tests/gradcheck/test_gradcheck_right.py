"""No false alarm: 2,000 right gradients, of every layer, loss, dtype and layout, kinks included."""

import numpy as np
import pytest

import clearprop as cp
from clearprop.gradcheck import check, check_gradient, check_layer
from clearprop.nn import ACTIVATIONS, LAYERS, LOSSES

HIDDEN = [*ACTIVATIONS, "batchnorm", "dropout"]
OF_CLASSES = ("cross_entropy", "negative_log_likelihood", "focal")


def random_net(rng, loss_name):
    """A net of one to four random layers for the loss, a batch for it, and the loss."""
    n_out = int(rng.integers(2, 5)) if loss_name in OF_CLASSES else int(rng.integers(1, 4))
    widths = [int(n) for n in rng.integers(1, 6, size=rng.integers(1, 4))]
    layers = []
    for before, after in zip(widths, [*widths[1:], n_out], strict=True):
        layers.append(cp.Linear(before, after, bias_init=cp.Normal(0.1)))
        if len(layers) < 2 * len(widths):
            name = str(rng.choice(HIDDEN))
            if after > 1 or name != "softmax":
                layers.append(cp.BatchNorm(after) if name == "batchnorm" else LAYERS.make(name))
    while layers and not isinstance(layers[-1], cp.Linear):
        layers.pop()
    layers += {"negative_log_likelihood": [cp.Softmax()], "binary_cross_entropy": [cp.Sigmoid()]}.get(loss_name, [])
    B = int(rng.integers(2, 7))
    X = rng.normal(size=(B, widths[0]))
    if loss_name in OF_CLASSES:
        y = rng.integers(n_out, size=B)
        y = np.eye(n_out)[y] if rng.random() < 0.5 else y
    else:
        y = rng.normal(size=(B, n_out)) if "mean" in loss_name else rng.integers(2, size=(B, n_out)).astype(float)
    dtype = str(rng.choice(["float32", "float64"]))
    loss = LOSSES.make({"type": loss_name, "reduction": str(rng.choice(["mean", "sum"]))})
    return cp.Net(*layers, seed=rng, dtype=dtype), (X.astype(dtype), y), loss


@pytest.mark.parametrize("loss_name", list(LOSSES))
def test_random_nets_are_not_called_wrong(loss_name):
    rng = np.random.default_rng(len(loss_name))
    verdicts = []
    for _ in range(NETS):
        net, data, loss = random_net(rng, loss_name)
        report = check(net, data, loss, weight_decay=float(rng.choice([0.0, 0.1])), seed=int(rng.integers(99)))
        assert report.verdict != "wrong", f"{net!r}\n{report}"
        verdicts.append(report.verdict)
    assert verdicts.count("right") >= 0.98 * NETS


NETS = 300


LAYERS_OF_ROWS = {
    "linear": lambda n: cp.Linear(n, 3),
    "batchnorm": cp.BatchNorm,
    "layernorm": cp.LayerNorm,
    "residual": lambda n: cp.Residual(cp.Linear(n, 3), cp.Tanh(), cp.Linear(3, n)),
    "embedding": lambda n: cp.Embedding([0, *range(2, n + 1)], dim=2),
}
LAYERS_OF_IMAGES = {
    "unflatten": lambda n: [],
    "conv2d": lambda n: [cp.Conv2d(2, n, kernel=2 + n % 2, stride=1 + n % 2, padding=n // 4, bias_init=cp.Normal(0.1))],
    "max_pool2d": lambda n: [cp.MaxPool2d(2 + n % 2)],
    "flatten": lambda n: [],
}


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in LAYERS_OF_IMAGES])
def test_random_layers_are_right(name):
    rng = np.random.default_rng(7)
    for _ in range(20):
        n = int(rng.integers(2, 6))
        layer = LAYERS_OF_ROWS[name](n) if name in LAYERS_OF_ROWS else LAYERS.make(name)
        report = check_layer(layer, (int(rng.integers(2, 6)), n), seed=int(rng.integers(999)))
        assert report.verdict == "right", report
        assert {tensor.name for tensor in report.tensors} == {*layer.names} | ({"x"} if name != "embedding" else set())


@pytest.mark.parametrize("name", list(LAYERS_OF_IMAGES))
def test_random_layers_of_images_are_right(name):
    rng = np.random.default_rng(7)
    for _ in range(20):
        n, height, width, B = (int(size) for size in (rng.integers(2, 6), *rng.integers(3, 6, size=2), rng.integers(1, 4)))
        net = cp.Net(cp.Unflatten(2, height, width), *LAYERS_OF_IMAGES[name](n), cp.Flatten(), seed=rng, dtype="float64")
        X = rng.normal(size=(B, 2 * height * width))
        report = check(net, (X, rng.normal(size=net(X).shape)), "mean_squared_error", seed=int(rng.integers(999)))
        assert report.verdict == "right", report
        assert len(report.tensors) == (3 if name == "conv2d" else 1)


@pytest.mark.parametrize("bias", [0.0, 1e-9, 1e-7, 1e-5])
def test_relus_at_or_next_to_their_kink_are_never_wrong(bias):
    for seed in range(45):
        rng = np.random.default_rng(seed)
        net = cp.Net(cp.Linear(3, 5), cp.ReLU(), cp.Linear(5, 4), cp.ReLU(), cp.Linear(4, 2), seed=seed)
        X = rng.normal(size=(4, 3))
        X[0] = 0  # every unit of the first layer stands at its bias
        net[0].b[:] = bias * rng.choice([-1, 1], 5)
        net[2].W[:, 0] = 0  # and this one of the second layer at exactly 0, for all examples
        report = check(net, (X, rng.integers(2, size=4)), "cross_entropy")
        assert report.ok, report


FUNCTIONS = {
    "abs": (lambda x: np.abs(x).sum(), np.sign),
    "max": (lambda x: x.max(), lambda x: (x == x.max()) / (x == x.max()).sum()),
    "hinge": (lambda x: np.maximum(0, 1 - x).sum(), lambda x: -(x < 1).astype(float)),
    "both sides of a kink": (lambda x: (np.maximum(x, 0) - np.maximum(-x, 0)).sum(), lambda x: (x != 0).astype(float)),
}


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_functions_with_kinks_are_never_wrong(name):
    f, grad = FUNCTIONS[name]
    rng = np.random.default_rng(0)
    for _ in range(40):
        x = rng.choice([-1.0, 0.0, 1.0, 1e-8, 0.3], size=4)
        report = check_gradient(f, grad, x, seed=int(rng.integers(99)))
        assert report.ok, f"{x}\n{report}"
        if name not in ("both sides of a kink", "max"):  # from arrays alone, a kink can be seen, not stepped off
            assert check_gradient(f, grad(x), x).verdict != "wrong"
