"""Guesses: what to call a person's functions with, by the names of their parameters.

All sizes differ, so that a shape tells what it belongs to. Data come in every layout in which programs expect them.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.random_standins import generator
from clearprop.gradcheck.tracing.wrappers import Arr, leaf

N_IN, N_HIDDEN, N_OUT, ROWS = 4, 5, 3, 6
MOST: Final = 48

# ruff: noqa: E501  (names that people use, a line for each meaning)
SIZES: Final = (
    (r"^(n_?in|n_?inputs?|in|inputs?|input_?(size|dim|nodes|units|neurons|layer)s?.*|d_?in|n_?x|nx|n_?features|in_?(features|dim|size|channels)|num_inputs?|inputnodes|fan_in|dim|d|n_?visible|n_?i|ni)$", N_IN),
    (r"^(.*hid(den)?.*|n_?h|nh|h|d_?h|units|n_?units|width)$", N_HIDDEN),
    (r"^(n_?out|n_?outputs?|out|outputs?|output_?(size|dim|nodes|units|neurons|layer)s?.*|d_?out|n_?y|ny|n_?classes|num_classes|classes|num_labels|out_?(features|dim|size|channels)|num_outputs?|outputnodes|fan_out|n_?neurons|neurons|n_?o|no|k|c)$", N_OUT),
)  # fmt: skip
NUMBERS: Final = (
    (r"^(lr|eta|alpha|learning_?rate|step_?size|rate|l_?rate|learningrate)$", 0.1),
    (r"^(n_?)?(epochs?|n_?iter.*|iterations?|num_?iter.*|iters?|steps?|max_?iter|num_epochs|n_epochs)$", 3),
    (r"^(mini_?)?batch_?size$", ROWS),
    (r"^(reg|lam|lambd|lambda_?|l2|weight_?decay|decay|lmbda|regularization.*|wd)$", 0.3),
    (r"^(seed|random_?(state|seed)|verbose|print_.*|debug)$", 0),
    (r"^(m|n|num_?(examples|samples)|n_?samples)$", ROWS),
    (r"^(momentum|beta1?|mu|gamma_)$", 0.9),
    (r"^(eps|epsilon)$", 1e-8),
    (r"^(std|scale|weight_?scale|sigma)$", 0.5),
)  # fmt: skip
DATA: Final = {
    "X": r"^(x|xs|inputs?|input_?(data|array|s)?|data|x_?batch|batch|features|images?|x_?train|xb|a0|a_?prev|training_?(data|inputs?)|x_i|sample|inp|input_list|inputs_list)$",
    "Y": r"^(y|t|ys|targets?|labels?|label|y_?true|y_?batch|truth|y_?train|yb|expected|y_?real|training_?outputs?|target_?outputs?|desired|one_?hot.*|y_i|targets_list|actual|gt|ground_truth)$",
    "Yhat": r"^(y_?hat|y_?pred|pred|preds|predictions?|probs?|outputs?|logits|a_?l|scores|yh|o|out|a2|a3|output_activations|yp|probabilities)$",
    "dout": r"^(d_?out|dy|dz|da|d_?l?_?dy|grad|grad_?out(put)?s?|g|upstream.*|dvalues|delta|error|d_?values|dl_?d.*|output_?(grad|gradient|error)s?|top_diff|next_grad|douts|dnext|accum_grad|up_?grad|gradient|prev_grad|eta_?)$",
}  # fmt: skip


class Pool:
    """Values by name, for one layout of the data.

    Parameters
    ----------
    X, Y : Any
    dims : tuple of int
        Numbers of inputs and outputs.
    """

    def __init__(self, X: Any, Y: Any, name: str) -> None:
        self.X, self.Y, self.layout = X, Y, name
        self.known: dict[str, Any] = {}

    def add(self, name: str, value: Any) -> None:
        """Remember a value by its name."""
        self.known[key_of(name)] = value

    def candidates(self, name: str, prefer_sizes: bool = False) -> list[Any]:
        """Values for a parameter of that name, the likeliest first."""
        key = key_of(name)
        if key in self.known:
            return [self.known[key]]
        low = name.lower()
        found: list[Any] = []
        sizes = [value for pattern, value in SIZES if re.match(pattern, low)]
        if prefer_sizes:
            if re.match(r"^(sizes|layers?|layer_?(dims?|sizes?)|dims?|architecture|topology|structure|shape|nodes)$", low):
                found.append([N_IN, N_HIDDEN, N_OUT])
            found += sizes
        if re.match(r"^(rng|generator|random_generator)$", low):
            found.append(generator(np.random.default_rng(0)))
        found += [value for pattern, value in NUMBERS if re.match(pattern, low)]
        found += [getattr(self, role) for role in ("X", "Y") if re.match(DATA[role], low)]
        for role in ("Yhat", "dout"):
            if re.match(DATA[role], low) and key_of(role) in self.known:
                found.append(self.known[key_of(role)])
        return found or sizes


def key_of(name: str) -> str:
    """A name without case and underscores."""
    return name.lower().replace("_", "").removeprefix("self.")


def pools(n_in: int = N_IN, n_out: int = N_OUT, seed: int = 0, lists: bool = False) -> list[Callable[[], Pool]]:
    """Makers of the data in every layout, the likelier ones first."""
    rng = np.random.default_rng(seed)
    rows = max(ROWS, n_out + 2)
    x = rng.normal(size=(rows, n_in))
    classes = np.arange(rows) % max(n_out, 2)
    one_hot = np.eye(max(n_out, 2))[classes] if n_out > 1 else (classes % 2)[:, None] * 1.0
    forms = [
        ("rows, one-hot", x, one_hot), ("rows, classes", x, classes), ("columns, one-hot", x.T, one_hot.T),
        ("columns, classes", x.T, classes), ("one column", x[:1].T, one_hot[:1].T), ("one row", x[0], one_hot[0]),
        ("one example, its class", x[0], int(classes[1])), ("rows, one number", x, rng.normal(size=(rows, 1))),
        ("rows, numbers", x, rng.normal(size=rows)), ("columns, one row", x.T, (classes[None] % 2) * 1.0),
    ]  # fmt: skip
    return [lambda form=form: _pool(*form, lists) for form in forms]  # type: ignore[misc, call-arg]


def _pool(name: str, X: Any, Y: Any, lists: bool) -> Pool:
    if lists:
        return Pool(
            _numbers(X) if X.ndim < 2 else [_numbers(row) for row in X], Y.tolist() if isinstance(Y, np.ndarray) else Y, name
        )
    return Pool(leaf(X.copy(), "data"), leaf(Y.copy(), "data") if isinstance(Y, np.ndarray) else Y, name)


def _numbers(row: Any) -> list[Any]:
    return [leaf(float(x), "data") for x in row]


def required(function: Callable[..., Any]) -> list[str]:
    """Names of the parameters to give by position: those without a default, and targets and penalties that have one."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    given = [p for p in parameters if p.kind in positional]
    wanted = 0
    for k, p in enumerate(given):
        target = p.default is None and re.match(DATA["Y"], p.name.lower())
        penalty = isinstance(p.default, (int, float)) and re.match(NUMBERS[3][0], p.name.lower())
        if p.default is p.empty or ((target or penalty) and wanted == k):
            wanted = k + 1
    return [p.name for p in given[:wanted]]


def calls(
    function: Callable[..., Any], pool: Pool, sizes: bool = False, extra: dict[str, list[Any]] | None = None
) -> Iterator[tuple[Any, ...]]:
    """Arguments to try."""
    names = required(function)
    options = []
    for name in names:
        given = (extra or {}).get(name) or pool.candidates(name, sizes)
        if not given and sizes:
            given = [N_IN, N_OUT] if len(names) < 3 else [N_HIDDEN]
        options.append(given[:3] or [pool.X, pool.Y])
    if sizes and len(names) == 2 and not any((extra or {}).values()):  # (n_in, n_out), whatever they are called
        yield (N_IN, N_OUT)
    if sizes and len(names) == 3:
        yield from itertools.islice(itertools.product(*options), 4)
        yield (N_IN, N_HIDDEN, N_OUT)
    yield from itertools.islice(itertools.product(*options), MOST)
    if sizes and len(names) == 1:
        yield from (([N_IN, N_HIDDEN, N_OUT],), (N_IN,))


def arrays_in(tree: Any, name: str = "", depth: int = 0) -> dict[str, Any]:
    """Arrays and numbers with a trace inside dicts, lists and tuples, by name."""
    from clearprop.gradcheck.tracing.wrappers import Int, Num

    if isinstance(tree, (Arr, Num)) and not isinstance(tree, Int):
        return {name: tree}
    found: dict[str, Any] = {}
    if depth < 4 and isinstance(tree, dict):
        for key, item in list(tree.items())[:64]:
            found |= arrays_in(item, f"{name}[{key!r}]" if name else str(key), depth + 1)
    elif depth < 4 and isinstance(tree, (list, tuple)):
        for k, item in enumerate(list(tree)[:200]):
            found |= arrays_in(item, f"{name}[{k}]", depth + 1)
    return found
