"""The Radboud recipes: identical to the printed digits; and the explanations name what the runs show."""

import numpy as np
import pytest

from clearprop.recipes import RECIPES, Conditions
from clearprop.recipes.radboud_components import CHECK_GRAD, check, linear_points
from clearprop.recipes.radboud_digits import COLUMNS, TABLES
from clearprop.recipes.radboud_digits_evidence import bias_alone, steps_until_dead
from clearprop.recipes.radboud_digits_runs import RUNS, digits_split, make_net, printed_rows, train_run


@pytest.fixture(scope="module")
def digits():
    return RECIPES.make("radboud-digits").run()


def test_the_paths_are_computed_and_judged_by_the_printed_bound_alone():
    result = RECIPES.make("radboud-descent").run()
    assert [c.obtained for c in result.comparisons[:4]] == ["1.29676", "0.10066", "-2.16415", "-2.16415"]
    assert [c.published for c in result.comparisons] == ["", "", "", "below -2", "", "", ""]
    assert [c.holds for c in result.comparisons] == [None, None, None, True, None, None, None]
    assert [c.obtained for c in result.comparisons[4:]] == [
        "f = -2.28071 at (-1.0882, 0.5441)", "f = -0.24934 at (-2.8537, 1.4269)", "f = 1.24273 at (0.6059, -0.3030)",
    ]  # fmt: skip


def test_components_are_identical_and_so_are_the_errors_of_check_grad():
    result = RECIPES.make("radboud-components").run()
    assert result.holds
    assert all(comparison.claim == "identical" for comparison in result.comparisons)
    assert len(result.comparisons) == 18


def test_the_points_of_check_grad_come_in_one_order_only():
    """Drawn in another order the errors are others, so that five equal ones are no accident."""
    layer, x, point = linear_points()["W"]
    assert repr(check(layer, x, "W", point)) == CHECK_GRAD["Linear(5, 7), dW"]
    assert repr(check(layer, x[::-1].copy(), "W", point)) != CHECK_GRAD["Linear(5, 7), dW"]


def test_digits_are_identical(digits):
    assert digits.holds
    assert [c.obtained for c in digits.comparisons] == ["60 of 60 figures equal"] * 8
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


def test_the_loss_of_dead_units_is_the_entropy_and_two_terms_more():
    train = digits_split()[0]
    _, net = steps_until_dead(RUNS["minibatch-40"], train)
    _, entropy, mean_loss, jitter, lag = bias_alone(net, train, RUNS["minibatch-40"])
    assert f"{mean_loss:.4f}" == "0.6953"
    assert mean_loss == pytest.approx(entropy + jitter + lag, abs=5e-5)
    assert min(jitter, lag) > 5e-4  # either is more than the rounding


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
