"""What the tests of the command line share: a runner, and small tables."""

import warnings

import numpy as np
import pytest
from typer.testing import CliRunner

from clearprop.cli import app


def clearprop(*words):
    """Run a command; the result has `exit_code`, `stdout` and `stderr`. What is no message of ours is raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="session", name="clearprop")
def clearprop_fixture():
    return clearprop


@pytest.fixture
def pets(tmp_path):
    """A table with a number, a category, and two classes."""
    rng = np.random.default_rng(0)
    weight, colour = rng.normal(size=120), rng.integers(0, 3, 120)
    rows = [
        f"{w:.4f},{['red', 'blue', 'green'][c]},{'cat' if w + c > 1 else 'dog'}" for w, c in zip(weight, colour, strict=True)
    ]
    path = tmp_path / "pets.csv"
    path.write_text("weight,colour,species\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def houses(tmp_path):
    """A table with a number, a category, and a target of order a thousand."""
    rng = np.random.default_rng(0)
    size, kind = rng.normal(size=120), rng.integers(0, 3, 120)
    price = 1000 + 200 * size + 50 * kind + 5 * rng.normal(size=120)
    path = tmp_path / "houses.csv"
    rows = [f"{s:.4f},{'abc'[k]},{p:.2f}" for s, k, p in zip(size, kind, price, strict=True)]
    path.write_text("size,kind,price\n" + "\n".join(rows) + "\n")
    return path
