"""The Radboud recipes: identical to the printed digits; and the explanations name what the runs show."""

import numpy as np
import pytest

from clearprop.recipes import RECIPES, Conditions
from clearprop.recipes.radboud_digits import COLUMNS, TABLES
from clearprop.recipes.radboud_digits_evidence import steps_until_dead
from clearprop.recipes.radboud_digits_runs import RUNS, digits_split, make_net, printed_rows, train_run


@pytest.fixture(scope="module")
def digits():
    return RECIPES.make("radboud-digits").run()


@pytest.mark.parametrize("name", ["radboud-descent", "radboud-components"])
def test_every_claim_holds(name):
    result = RECIPES.make(name).run()
    assert result.holds
    assert sum(comparison.claim == "identical" for comparison in result.comparisons) >= 9


def test_digits_are_identical(digits):
    assert digits.holds
    assert [c.obtained for c in digits.comparisons if c.claim == "identical" and "figures" in c.obtained] == [
        "80 of 80 figures equal"
    ] * 3
    assert digits.seconds < 60


def test_all_eight_tables_are_in_the_json(digits):
    tables = digits.to_json()["tables"]
    for name, run in RUNS.items():
        assert tables[name]["columns"] == COLUMNS
        assert len(tables[name]["rows"]) == run.epochs
        assert all(len(text.split(".")[-1]) == 4 or text == "nan" for row in tables[name]["rows"] for text in row[1:])
    assert tables["minibatch-40"]["rows"][-1] == ["199", "0.6953", "0.5034", "0.6974"]


def test_the_compiled_engine_gives_the_same_to_six_digits():
    train, test = digits_split()
    for name in ("two-layer", "one-layer"):
        found = [train_run(RUNS[name], train, test, engine) for engine in ("batch", "compiled")]
        for column in ("train_loss", "train_accuracy"):
            np.testing.assert_allclose(found[1][0][column], found[0][0][column], atol=1e-6 * 32)
        np.testing.assert_allclose(found[1][1], found[0][1], atol=1e-6)


def test_a_wrong_table_is_noticed(monkeypatch):
    """A comparison that cannot fail proves nothing: the averaged gradient gives other digits."""
    train, test = digits_split()
    history, losses, _ = train_run(RUNS["two-layer"].but(reduction="mean"), train, test, "batch")
    assert printed_rows(history, losses, 1, "mean") != TABLES["two-layer"]


def test_the_relus_die_in_step_13_of_epoch_0():
    alive, _ = steps_until_dead(RUNS["minibatch-40"], digits_split()[0])
    assert alive[0] == 32
    assert alive[-2] > 0
    assert alive[-1] == 0
    assert len(alive) - 2 == 13  # steps are counted from 0, and the first entry is before any


def test_the_explanations_hold_numbers_from_the_run(digits):
    answers = {e.question.split(":")[0]: e.answer for e in digits.exhibits.explanations}
    assert "0 of 32 ReLUs are alive after step 13" in answers["minibatch-40"]
    assert "epoch 14" in answers["lr-0.05"]
    assert "exactly 1" in answers["lr-0.05"]
    assert "32 separate classifiers" in answers["one-layer"]
    assert len(answers) >= 8


def test_weights_are_drawn_from_a_fresh_generator_layer_after_layer():
    net, rng = make_net("two-layer"), np.random.default_rng(12345)
    for layer, (n_in, n_out) in zip((net.layers[0], net.layers[2]), ((64, 32), (32, 1)), strict=True):
        limit = np.sqrt(6 / (n_in * n_out))
        np.testing.assert_array_equal(layer.W, rng.uniform(-limit, limit, (n_in, n_out)))
        assert not layer.b.any()


def test_quick_changes_nothing_here():
    assert RECIPES.make("radboud-descent").run(Conditions(quick=True)).holds
