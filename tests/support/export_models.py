"""Small models of every kind that can be exported, each with a table or an array of raw rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

import clearprop as cp
from clearprop.training.averaging import average


def frame(n: int = 160) -> pd.DataFrame:
    """Numbers with holes, categories with other spellings and holes, many categories, dates in four forms."""
    rng = np.random.default_rng(0)
    day = pd.Series(pd.Timestamp("2019-01-05") + pd.to_timedelta(rng.integers(0, 900 * 24 * 60, n), "min"))
    table = pd.DataFrame(
        {
            "size (mm)": rng.normal(40, 8, n),
            "far": 1e7 + rng.normal(size=n),  # a large offset, which single precision would lose
            "island": rng.choice(["Biscoe", "Grüne  Düne", "Straße", "Torgersen", "3"], n),
            "sex": rng.choice(["m", "f"], n),
            "count": rng.integers(0, 9, n),
            "many": rng.choice([f"kind {i}" for i in range(90)], n),
            "day": day.dt.strftime("%d.%m.%Y"),
            "time": day.dt.strftime("%m/%d/%Y %I:%M %p"),
            "iso": day.dt.strftime("%Y-%m-%dT%H:%M:00"),
        }
    )
    table.loc[::17, "size (mm)"] = np.nan
    table.loc[::13, "sex"] = None
    table.loc[::11, "day"] = None
    return table


def score(table: pd.DataFrame) -> pd.Series:
    """A number that depends on several columns."""
    return (table["size (mm)"].fillna(40) - 40) / 8 + 2 * (table["island"] == "Biscoe") + (table["sex"] == "f")


def trained(data: cp.data.Dataset, net: cp.Net, loss: cp.nn.Loss, name: str = "batch") -> cp.Model:
    """The model of a net after a few steps, which are enough to leave its first parameters."""
    cp.fit(net, data, loss=loss, optimizer=cp.SGD(0.05), epochs=2, batch_size=20, engine=name)
    return cp.Model.of(net, loss, data)


def mixed() -> cp.Model:
    table = frame()
    table["kind"] = pd.cut(score(table), [-9, 0.5, 2, 9], labels=['Adelie "A"', "Chin, strap", "Gentoo"]).astype(str)
    data = cp.data.load(table, target="kind")
    return trained(data, cp.mlp([data.n_in, 8, data.n_out], hidden="relu"), cp.CrossEntropy())


def regression() -> cp.Model:
    table = frame().assign(price=lambda t: 1000 + 300 * score(t))
    data = cp.data.load(table, target="price")
    return trained(data, cp.mlp([data.n_in, 8, 1], hidden="tanh"), cp.MeanSquaredError())


def two_targets() -> cp.Model:
    table = frame()[["size (mm)", "sex"]].assign(a=lambda t: t["size (mm)"].fillna(0) * 3e4, b=np.linspace(0, 1e-3, 160))
    data = cp.data.load(table, target=["a", "b"])
    return trained(data, cp.mlp([data.n_in, 5, 2], hidden="sigmoid", dtype="float64"), cp.MeanSquaredError())


def binary(loss: cp.nn.Loss, output: str) -> cp.Model:
    table = frame()[["size (mm)", "island", "count"]].assign(yes=lambda t: (t["count"] > 4).astype(int))
    data = cp.data.load(table, target="yes").as_column()
    return trained(data, cp.mlp([data.n_in, 6, 1], hidden="tanh", output=output), loss)


def image() -> cp.Model:
    data = cp.data.load("digits")
    return trained(data, cp.mlp([64, 20, 10], hidden="relu"), cp.CrossEntropy())


def plane() -> cp.Model:
    data = cp.data.load("circles")
    return trained(data, cp.mlp([2, 10, 2], hidden="tanh", output="softmax"), cp.NegativeLogLikelihood())


def standardised() -> cp.Model:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(90, 3)) * [1, 1e3, 1e-4] + [5, 2e6, 0]
    data = cp.data.load((X, np.repeat(["a", "b", "c"], 30)), scale="standard")
    shared = cp.Linear(4, 4)
    layers = cp.Linear(3, 4, bias=False), cp.BatchNorm(4), cp.ReLU(), cp.Dropout(0.2), shared, cp.Tanh(), shared, cp.Sigmoid()
    return trained(data, cp.Net(*layers, cp.Linear(4, 3)), cp.CrossEntropy("sum"))


def averaged() -> cp.Model:
    table = frame()[["size (mm)", "count", "island"]].assign(big=lambda t: t["count"] > 4)
    data = cp.data.load(table, target="big")
    nets = [cp.mlp([data.n_in, 4, 3, 2], hidden="relu", seed=seed) for seed in range(3)]
    return cp.Model.of(average([trained(data, net, cp.CrossEntropy()).net for net in nets]), cp.CrossEntropy(), data)


def bare() -> cp.Model:
    return cp.Model(cp.mlp([4, 3, 2], hidden="tanh", seed=3), cp.CrossEntropy())


def times() -> cp.Model:
    """Dates in further forms, among them whole numbers."""
    rng, n = np.random.default_rng(0), 150
    time = pd.Series(pd.Timestamp("2019-01-05") + pd.to_timedelta(rng.integers(0, 900 * 24, n), "h"))
    forms = "%b-%y", "%B %Y", "%m/%Y", "%Y-%m", "%H:%M", "%d %B %Y", "%d-%b-%Y"
    table = pd.DataFrame({"time": time, **{form: time.dt.strftime(form) for form in forms}})
    table = table.assign(day=time.dt.strftime("%Y%m%d").astype(int), hour=time.dt.strftime("%Y%m%d%H").astype(int))
    data = cp.data.load(table.assign(late=rng.choice(["yes", "no"], n)), target="late")
    assert {column.kind for column in data.encoder.columns} == {"date"}
    return trained(data, cp.mlp([data.n_in, 4, 2]), cp.CrossEntropy())


def residual() -> cp.Model:
    """Residual blocks, also within each other and of layers that do nothing after training."""
    nn = cp.nn
    inner = nn.Residual(nn.LayerNorm(4), nn.Residual(cp.Tanh()), cp.BatchNorm(4))
    first = nn.Residual(cp.Linear(4, 6), cp.ReLU(), cp.Dropout(0.1), cp.Linear(6, 4))
    net = cp.Net(cp.Linear(3, 4), first, inner, nn.Residual(cp.Dropout(0.2)), cp.Linear(4, 3), seed=2)
    rng = np.random.default_rng(0)
    return trained(cp.data.load((rng.normal(size=(60, 3)), np.arange(60) % 3)), net, cp.CrossEntropy())


def embedding() -> cp.Model:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=60), rng.integers(0, 5, 60), rng.normal(size=60), rng.integers(0, 3, 60)])
    net = cp.Net(cp.nn.Embedding([0, 5, 0, 3], dim=2), cp.nn.Softplus(), cp.Linear(6, 3), seed=2)
    return trained(cp.data.load((X, np.arange(60) % 3), scale="none"), net, cp.CrossEntropy())


def convolution() -> cp.Model:
    nn = cp.nn
    images = (
        nn.Unflatten(1, 8, 8),
        nn.Conv2d(1, 3, kernel=3, stride=2, padding=1),
        cp.ReLU(),
        nn.Conv2d(3, 4, 2),
        nn.MaxPool2d(2),
    )
    return trained(cp.data.load("digits"), cp.Net(*images, nn.Flatten(), cp.Linear(4, 10), seed=2), cp.CrossEntropy())


MODELS: dict[str, Callable[[], cp.Model]] = {
    "numbers, categories, holes, dates": mixed,
    "dates in every form": times,
    "regression": regression,
    "two targets in float64": two_targets,
    "binary cross-entropy": lambda: binary(cp.BinaryCrossEntropy(), "sigmoid"),
    "binary cross-entropy with logits": lambda: binary(cp.BinaryCrossEntropyWithLogits(), "linear"),
    "image": image,
    "softmax and negative log-likelihood": plane,
    "batch norm, dropout, a shared layer": standardised,
    "average of three": averaged,
    "without encoder": bare,
    "residual blocks, layer norm": residual,
    "embedding": embedding,
    "convolution": convolution,
}
