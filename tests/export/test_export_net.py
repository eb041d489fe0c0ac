"""A net on its own: what it predicts, and its file."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import ModelFileError, OptionError

X = np.random.default_rng(0).normal(size=(50, 2))


@pytest.fixture(scope="module")
def data() -> cp.data.Dataset:
    return cp.data.load("circles", seed=0)


# --- predict --------------------------------------------------------------------------------------------------------------


def test_labels_are_those_of_the_largest_output() -> None:
    net = cp.mlp([2, 5, 3], hidden="tanh", seed=1)
    labels = net.predict(X)
    assert labels.shape == (50,)
    assert labels.dtype.kind == "i"
    assert labels.tolist() == [int(np.argmax(row)) for row in net(X)]
    assert set(labels) == {0, 1, 2}
    assert net.predict(X.tolist()).tolist() == labels.tolist()
    assert cp.mlp([2, 5, 3], hidden="tanh", output="softmax", seed=1).predict(X, "nll").tolist() == labels.tolist()


@pytest.mark.parametrize(("loss", "output", "half"), [("bce", "sigmoid", 0.5), ("bce_with_logits", "linear", 0.0)])
def test_one_output_of_a_binary_loss_gives_labels(loss: str, output: str, half: float) -> None:
    net = cp.mlp([2, 5, 1], output=output, seed=1)
    assert net.predict(X, loss).tolist() == (net(X)[:, 0] > half).astype(int).tolist()
    assert 0 < net.predict(X, loss).mean() < 1


def test_values_for_a_loss_without_classes() -> None:
    for n_out in (1, 3):
        net = cp.mlp([2, 5, n_out])
        assert np.array_equal(net.predict(X, loss=cp.MeanSquaredError()), net(X))
    several = cp.mlp([2, 5, 3], output="sigmoid")
    assert np.array_equal(several.predict(X, "binary_cross_entropy"), several(X))


def test_one_output_says_nothing_about_several_classes() -> None:
    with pytest.raises(OptionError) as caught:
        cp.mlp([2, 1]).predict(X)
    for part in ("CrossEntropy", "one output for each class", 'loss="mean_squared_error"', "binary_cross_entropy_with_logits"):
        assert part in str(caught.value)


def test_many_examples_and_none() -> None:
    net = cp.mlp([2, 3, 2], dtype="float64")
    many = np.random.default_rng(1).normal(size=(10_001, 2))
    np.testing.assert_allclose(net.outputs(many), net(many), rtol=1e-12)
    assert net.predict(many).shape == (10_001,)
    assert net.predict(many[:0]).shape == (0,)
    assert cp.Model(net, cp.CrossEntropy(), classes=["a", "b"]).predict(many[:0]).shape == (0,)


def test_predictions_are_those_that_accuracy_counts(data: cp.data.Dataset) -> None:
    net = cp.mlp([2, 10, 2], hidden="tanh")
    cp.fit(net, data, epochs=2, engine="batch")
    right = (net.predict(data.test.X) == data.test.y).mean()
    assert right == pytest.approx(cp.evaluate(net, data)["accuracy"])


# --- save and load ----------------------------------------------------------------------------------------------------------


def bias_and_norm() -> cp.Net:
    shared = cp.Linear(3, 3)
    return cp.Net(cp.Linear(2, 3), cp.BatchNorm(3), shared, cp.Tanh(), shared, cp.Dropout(0.2), seed=3, dtype="float64")


@pytest.mark.parametrize("make", [bias_and_norm, lambda: cp.mlp([2, 4, 2], init="he"), lambda: cp.Net(cp.Tanh())])
def test_a_net_comes_back_bit_for_bit(tmp_path: Path, make) -> None:
    net = make()
    net.forward(X, training=True)  # moves the running means
    net.save(tmp_path / "deep" / "net.safetensors")
    again = cp.Net.load(tmp_path / "deep" / "net.safetensors")
    assert repr(again) == repr(net)
    assert np.array_equal(again.theta, net.theta)
    assert np.array_equal(again(X), net(X))
    assert len(again.unique_layers()) == len(net.unique_layers())
    json.dumps(net.config(), allow_nan=False)


def test_a_net_is_read_from_a_model_and_from_the_folder_of_a_run(tmp_path: Path, data: cp.data.Dataset) -> None:
    net = cp.mlp([2, 4, 2], seed=2)
    cp.Model.of(net, cp.CrossEntropy(), data).save(tmp_path / "run" / "model.safetensors")
    for path in (tmp_path / "run", str(tmp_path / "run"), tmp_path / "run" / "model.safetensors"):
        assert np.array_equal(cp.Net.load(path).theta, net.theta)
        model = cp.Model.load(path)
        assert np.array_equal(model.net.theta, net.theta)
        assert model.name == "circles"


def test_files_that_are_no_net(tmp_path: Path) -> None:
    cp.mlp([2, 3, 2]).save(tmp_path / "net")
    with pytest.raises(ModelFileError, match=r"not a clearprop model \(it is a net\)"):
        cp.Model.load(tmp_path / "net")
    with pytest.raises(ModelFileError, match=r"There is no net or model file .*nowhere"):
        cp.Net.load(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelFileError, match=r"There is no model file .*empty.model\.safetensors"):
        cp.Model.load(tmp_path / "empty")
    whole = (tmp_path / "net").read_bytes()
    (tmp_path / "net").write_bytes(whole[:-4])
    with pytest.raises(ModelFileError, match="damaged"):
        cp.Net.load(tmp_path / "net")


def test_to_json_gives_a_dictionary_everywhere() -> None:
    package = Path(cp.__file__).parent
    found = {}
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name == "to_json":
                found[str(path.relative_to(package))] = ast.unparse(node.returns or ast.Constant(None))
    assert len(found) > 8
    assert {where: what for where, what in found.items() if not what.startswith(("dict[str, ", "Row"))} == {}
