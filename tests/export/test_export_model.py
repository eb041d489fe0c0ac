"""Model files: what is saved comes back, and what is damaged is refused."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import ModelFileError, OptionError
from clearprop.files import save_arrays, write_atomically

NETS = {
    "mlp": lambda: cp.mlp([2, 5, 2], hidden="tanh", init=cp.Normal(0.3), seed=1),
    "float64": lambda: cp.mlp([2, 5, 2], seed=1, dtype="float64"),
    "norm and dropout": lambda: cp.Net(cp.Linear(2, 4), cp.BatchNorm(4), cp.ReLU(), cp.Dropout(0.2), cp.Linear(4, 2), seed=1),
    "softmax": lambda: cp.Net(cp.Linear(2, 2), cp.Softmax(), seed=1),
}


def shared_net() -> cp.Net:
    shared = cp.Linear(2, 2)
    return cp.Net(shared, cp.Tanh(), shared, seed=1)


@pytest.fixture(scope="module")
def data() -> cp.data.Dataset:
    return cp.data.load("circles", seed=0)


@pytest.mark.parametrize("make", [*NETS.values(), shared_net], ids=[*NETS, "a layer used twice"])
def test_a_model_comes_back_bit_for_bit(tmp_path: Path, data: cp.data.Dataset, make) -> None:
    net = make()
    loss = cp.NegativeLogLikelihood() if isinstance(net[-1], cp.Softmax) else cp.CrossEntropy("sum")
    cp.fit(net, data, loss=loss, epochs=1, engine="batch")
    cp.Model.of(net, loss, data).save(tmp_path / "m.safetensors")
    model = cp.Model.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(model.net.theta, net.theta)
    np.testing.assert_array_equal(model.net(data.test.X), net(data.test.X))
    assert repr(model.net) == repr(net)
    assert model.loss.same_config(loss)
    assert list(model.classes) == list(data.classes)
    assert list(model.features) == list(data.features)
    assert len({id(layer) for layer in model.net.layers}) == len({id(layer) for layer in net.layers})


def test_the_file_is_safetensors_with_json_and_nothing_executable(tmp_path: Path, data: cp.data.Dataset) -> None:
    path = tmp_path / "m.safetensors"
    cp.Model.of(NETS["mlp"](), cp.CrossEntropy(), data).save(path)
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    assert set(header) == {"__metadata__", "theta"}
    assert json.loads(header["__metadata__"]["header"])["layers"][0]["type"] == "Linear"


@pytest.fixture
def saved(tmp_path: Path, data: cp.data.Dataset) -> Path:
    path = tmp_path / "m.safetensors"
    cp.Model.of(NETS["mlp"](), cp.CrossEntropy(), data).save(path)
    return path


def header_of(path: Path) -> dict:
    from clearprop.files import load_arrays

    return load_arrays(path, "model")[1]


@pytest.mark.parametrize("keep", [0, 4, 100, -1, -40])
def test_a_truncated_file_is_refused(saved: Path, keep: int) -> None:
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(ModelFileError, match=r"m\.safetensors.*damaged"):
        cp.Model.load(saved)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"no model file .*nowhere"):
        cp.Model.load(tmp_path / "nowhere")


def test_wrong_shapes_are_refused(saved: Path) -> None:
    save_arrays(saved, {"theta": np.zeros(3, np.float32)}, "model", header_of(saved))
    with pytest.raises(ModelFileError, match=r"expected \{'theta': \(27,\)\}, found \{'theta': \(3,\)\}"):
        cp.Model.load(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"layers": [{"type": "Lineer", "n_in": 2, "n_out": 2}], "order": [0]},
            "no layer called 'Lineer'; did you mean 'linear'",
        ),
        ({"layers": [{"type": "Linear", "n_in": 2}], "order": [0]}, "n_out"),
        (
            {"layers": [{"type": "Linear", "n_in": -2, "n_out": 1}], "order": [0]},
            "n_in must be a whole number, 1 or more, not -2",
        ),
        ({"order": [0, 1, 9]}, "header"),
        ({"loss": {"type": "Nonsense"}}, "no loss called"),
        ({"dtype": "int8"}, "float32 or float64"),
        ({"classes": None, "encoder": 3}, "header|encoder"),
    ],
    ids=str,
)
def test_a_header_that_makes_no_sense_is_refused(saved: Path, change: dict, message: str) -> None:
    save_arrays(saved, {"theta": np.zeros(27, np.float32)}, "model", {**header_of(saved), **change})
    with pytest.raises(ModelFileError, match=message):
        cp.Model.load(saved)


def test_another_safetensors_file_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"w": np.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelFileError, match="not a clearprop model"):
        cp.Model.load(tmp_path / "other.safetensors")


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("loss", "n_out", "output"),
    [("cross_entropy", 2, "linear"), ("nll", 2, "softmax"), ("bce", 1, "sigmoid"), ("bce_with_logits", 1, "linear")],
)
def test_predictions_agree_with_the_accuracy_of_training(data: cp.data.Dataset, loss: str, n_out: int, output: str) -> None:
    data = data.as_column() if n_out == 1 else data
    net = cp.mlp([2, 10, n_out], hidden="tanh", output=output)
    history = cp.fit(net, data, loss=loss, optimizer=cp.SGD(0.5), epochs=5)
    model = cp.Model.of(net, cp.nn.LOSSES.make(loss), data)
    p = model.probabilities(data.val.X)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    right = model.predict(data.val.X) == data.val.y.reshape(len(p), -1)[:, 0]
    assert right.mean() == pytest.approx(history[-1]["val_accuracy"])
    assert right.mean() > 0.8


def test_a_regression_has_no_probabilities() -> None:
    model = cp.Model(cp.mlp([2, 1]), cp.MeanSquaredError(), task="regression")
    assert model.predict(np.zeros((3, 2))).shape == (3, 1)
    with pytest.raises(OptionError, match="no class probabilities"):
        model.probabilities(np.zeros((3, 2)))
