"""The suggested adapter has the program's own functions in it, and runs when it is pasted below them."""

import pytest

from clearprop.gradcheck.tracing import check_file

PLAIN = """
import numpy as np

def how_bad(w, b, inputs, targets):
    guess = inputs @ w + b
    return ((guess - targets) ** 2).mean()

def slopes_of(w, b, inputs, targets):
    guess = inputs @ w + b
    error = 2 * (guess - targets) / len(targets)
    return inputs.T @ error, error.sum()
"""
DICTIONARY = """
import numpy as np

def squash(z):
    return np.tanh(z)

def misfit(v, samples, labels):
    return 0.5 * ((squash(samples @ v) - labels) ** 2).sum()

def sensitivity(v, samples, labels):
    a = squash(samples @ v)
    return {"v": samples.T @ ((a - labels) * (1 - a**2))}
"""


def suggestion(path):
    problem = check_file(path).problem
    assert "def clearprop_check():" in problem, problem
    lines = problem.splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith(("import numpy", "def clearprop_check")))
    return "\n".join(lines[first:])


@pytest.mark.parametrize(
    ("text", "old", "new", "names"),
    [
        (PLAIN, "error.sum()", "error.mean()", ("how_bad(", "slopes_of(", '"w"', '"b"')),
        (DICTIONARY, "(1 - a**2)", "(1 - a)", ("misfit(", "sensitivity(", '"v"')),
    ],
    ids=["tuple", "dict"],
)
def test_the_suggested_adapter_runs_when_it_is_pasted(tmp_path, text, old, new, names):
    path = tmp_path / "program.py"
    path.write_text(text)
    adapter = suggestion(path)
    assert all(name in adapter for name in names), adapter
    path.write_text(f"{text}\n{adapter}\n")
    assert check_file(path).status == "right", check_file(path)
    path.write_text(f"{text.replace(old, new)}\n{adapter}\n")
    assert check_file(path).status == "wrong", check_file(path)


def test_an_adapter_with_names_alone_is_python(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        "def judge(net, table):\n    return net.judge(table)\n\n"
        "def backtrack_slopes(net, table):\n    return net.slopes(table)\n"
    )
    adapter = suggestion(path)
    compile(adapter, "adapter", "exec")
    assert "judge(" in adapter
    assert "backtrack_slopes(" in adapter
