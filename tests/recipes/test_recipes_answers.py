"""The answers of docs/experiments.md: each claim that a few lines can test."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines import ENGINES
from clearprop.recipes import RECIPES, Conditions
from clearprop.recipes.course_data import CIRCLES, course_circles
from clearprop.recipes.rdfia_circles import gradient_noise
from clearprop.recipes.recipe import Result

PAGE = (Path(__file__).parents[2] / "docs" / "experiments.md").read_text(encoding="utf-8")
DATA = Path(os.environ.get("CLEARPROP_DATA", "/nowhere"))


def gradients(net, X, y):
    _, grad = ENGINES.make("batch").loss_and_grad(net, cp.CrossEntropy(), X, y)
    return grad


def test_every_command_of_the_page_names_a_recipe_and_every_recipe_is_on_it():
    named = set(re.findall(r"clearprop run ([a-z]+-[a-z]+)", PAGE))
    assert named <= set(RECIPES)
    assert all(f"`{name}`" in PAGE for name in RECIPES)


def test_answer_12_naive_differentiation_costs_the_square_of_the_layers_and_back_propagation_does_not():
    n = 8
    sizes = {layers: cp.Net(*(cp.Linear(n, n, bias=False) for _ in range(layers)), seed=0).theta.size for layers in (3, 6)}
    forward = sizes  # a multiplication for each weight and example
    naive = {layers: sizes[layers] * forward[layers] for layers in sizes}
    assert naive[3] == 3**2 * n**4
    assert naive[6] == 4 * naive[3]
    assert 3 * forward[6] == 2 * (3 * forward[3])


def test_answers_16_and_17_the_gradient_of_a_batch_is_the_mean_of_its_examples():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5, 3)), np.array([0, 1, 1, 0, 1])
    net = cp.mlp([3, 4, 2], hidden="tanh", seed=0, dtype="float64")
    alone = [gradients(net, X[i : i + 1], y[i : i + 1]) for i in range(5)]
    np.testing.assert_allclose(gradients(net, X, y), np.mean(alone, axis=0), rtol=1e-12, atol=1e-15)
    a = net.layers[1](net.layers[0](X))
    z = net(X)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    dz = (p - np.eye(2)[y]) / 5
    np.testing.assert_allclose(net.layers[2].dW, a.T @ dz, rtol=1e-10)
    da = dz @ net.layers[2].W.T
    np.testing.assert_allclose(net.layers[0].dW, X.T @ (da * (1 - a**2)), rtol=1e-10)


def test_a_relu_halves_the_second_moment_and_takes_two_thirds_of_the_variance():
    z = np.random.default_rng(0).normal(size=1_000_000)
    a = np.maximum(z, 0)
    assert (a**2).mean() == pytest.approx(0.5, abs=0.005)
    assert a.var() == pytest.approx(0.5 - 1 / (2 * np.pi), abs=0.003)  # 0.34, not 0.5


@pytest.mark.skipif(not (DATA / CIRCLES).is_file(), reason="needs the course's circles.npz in CLEARPROP_DATA")
def test_answer_10_the_noise_of_a_batch_falls_with_the_root_of_its_size():
    result = Result(RECIPES.make("rdfia-circles"), Conditions(), engine="compiled")
    gradient_noise(result, course_circles(None)[0])
    start = {row[0]: row[1] for row in result.exhibits.tables[0].rows}
    N, one = 200, start[1]
    for batch_size, off in start.items():  # without replacement: sigma sqrt((N - B) / ((N - 1) B))
        assert off == pytest.approx(one * np.sqrt((N - batch_size) / ((N - 1) * batch_size)), rel=0.15)
    assert [f"{start[1]:.1f}", f"{start[10]:.0f}", f"{start[100]:.2f}"] == ["3.5", "1", "0.25"]  # as the page says
