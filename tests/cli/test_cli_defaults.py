"""The defaults are good without thinking."""

import json
import os

import numpy as np
import pytest

import clearprop as cp
from clearprop.training.outcome import train
from clearprop.training.settings import Settings, settings_for
from clearprop.training.setup import set_up

MNIST = pytest.mark.skipif("CLEARPROP_DATA" not in os.environ, reason="CLEARPROP_DATA does not say where MNIST is")


def accuracy(source, seed):
    data = cp.data.load(source, seed=seed)
    return train(set_up(settings_for(data, seed=seed), data), thorough=False).metrics["test"]["accuracy"]


@pytest.mark.parametrize("seed", range(10))
def test_circles(seed):
    assert accuracy("circles", seed) >= 0.93


@pytest.mark.parametrize("seed", range(5))
def test_digits(seed):
    assert accuracy("digits", seed) >= 0.97


@MNIST
def test_mnist(clearprop):
    found = json.loads(clearprop("train", "mnist", "--epochs", 4, "--json").stdout)  # a third of the default, to save time
    assert found["metrics"]["test"]["accuracy"] >= 0.975


def test_what_is_given_stays_and_the_rest_goes_with_it():
    data = cp.data.load("circles")
    assert settings_for(data, optimizer="sgd").lr == 0.1
    assert settings_for(data, optimizer="sgd", momentum=0.9).lr == 0.01
    assert settings_for(data, optimizer="Adam", hidden=(3,)).hidden == (3,)
    assert settings_for(data, patience=None).patience is None
    assert settings_for(cp.data.load("circles", val=0)).patience is None


def test_settings_survive_json():
    settings = settings_for(cp.data.load("circles"), hidden=(4, 3), schedule_args={"rise": 0.1})
    assert Settings.of(**json.loads(json.dumps(settings.to_json()))) == settings


def test_a_saved_setting_that_is_not_known():
    with pytest.raises(cp.ClearpropError, match="did you mean 'epochs'"):
        Settings.of(epoch=3)


def test_steps_are_counted_as_fit_takes_them():
    data = cp.data.load("circles")
    for settings in (
        Settings.of(batch_size=32, epochs=3),
        Settings.of(batch_size=32, epochs=3, remainder="drop"),
        Settings.of(batch_size=None, epochs=2),
    ):
        setup = set_up(settings, data)
        train(setup, thorough=False)
        assert setup.optimizer.t == setup.optimizer.schedule.total
        assert np.isfinite(setup.net.theta).all()


def test_a_table_is_searched_by_default_and_one_network_is_trained_if_it_is_described(clearprop, pets, tmp_path):
    found = json.loads(clearprop("train", pets, "--json", "--out", tmp_path / "run").stdout)
    assert found["configuration"]["settings"]["effort"] == "default"
    assert found["search"]["networks"] == 5
    assert found["metrics"]["test"]["accuracy"] > 0.85
    again = json.loads(clearprop("train", "--config", tmp_path / "run" / "config.json", "--json").stdout)
    assert again["metrics"] == found["metrics"]
    for words in (["--hidden", "5"], ["--effort", "quick"]):
        one = json.loads(clearprop("train", pets, "--epochs", 2, *words, "--json").stdout)
        assert one["configuration"]["settings"]["effort"] == "quick"
        assert "search" not in one


def test_without_patience_the_best_epoch_is_kept(clearprop, pets):
    found = json.loads(clearprop("train", pets, "--patience", "none", "--epochs", 40, "--lr", 0.3, "--json").stdout)
    losses = [row["val_loss"] for row in found["history"]]
    assert len(losses) == 40
    assert found["best_epoch"] == 1 + losses.index(min(losses))
