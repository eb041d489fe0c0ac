"""Layouts: the ways in which given arrays can be a network, its input and its targets.

X may hold one example per row or per column, W be (n_in, n_out) or (n_out, n_in), targets be classes, one-hot rows or one-hot
columns. Shapes exclude most combinations; the values decide among the rest.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.numeric.trees import flatten
from clearprop.nn import ElementwiseLoss, Layer, Linear, Loss, Net
from clearprop.nn.multilayer import make_activation

MIXED = 4  # up to so many weights, some may be (n_out, n_in) and others not
LAYERS_PERMUTED = 3  # up to so many layers, weights may come in any order


@dataclass(frozen=True, eq=False)
class Layout:
    """One way to read the arrays as a network.

    Attributes
    ----------
    net : Net
        In float64, with y = x W + b.
    X : array (B, n_x)
        One example per row.
    rows : bool
        Whether X was given like that.
    names : dict of str to str
        "W1", "b1", ... -> the name under which the array was given.
    flipped : frozenset of str
        Names of the weights that were given as (n_out, n_in).
    activation, output : str
        Names of the hidden layers' activation and of the output's; "linear" for none.
    """

    net: Net
    X: Array
    rows: bool
    names: dict[str, str]
    flipped: frozenset[str]
    activation: str
    output: str

    def canonical(self, given: dict[str, Array]) -> dict[str, Array]:
        """The given arrays as "W1", "b1", ..., in the orientation y = x W + b; others are left out."""
        found = {}
        for name, theirs in self.names.items():
            if theirs in given:
                array = given[theirs]
                turned = name[0] == "W" and theirs in self.flipped and array.ndim == 2
                row = name[0] == "b" and array.ndim == 2 and min(array.shape) == 1  # (1, n) and (n, 1) are as good as (n,)
                found[name] = np.ascontiguousarray(array.T) if turned else array.reshape(-1) if row else array
        if "X" in given and given["X"].ndim == 2:
            found["X"] = given["X"] if self.rows else np.ascontiguousarray(given["X"].T)
        return found

    def describe(self) -> str:
        """The layout in words."""
        sizes = "-".join(str(n) for n in _sizes(self.net))
        weights = [theirs for ours, theirs in self.names.items() if ours[0] == "W"]
        orders = {True: "(n_out, n_in)", False: "(n_in, n_out)"}
        order = f"W is {orders[weights[0] in self.flipped]}"
        if len({w in self.flipped for w in weights}) > 1:
            order = ", ".join(f"{w} is {orders[w in self.flipped]}" for w in weights)
        x = "one example per row" if self.rows else "one example per column"
        net = f"Read as a network {sizes}, {self.activation}, output {self.output}; X holds {x}; {order}"
        renamed = ", ".join(f"{ours} = {theirs}" for ours, theirs in self.names.items() if ours != theirs)
        return f"{net}: {renamed or 'as named'}."


def layouts(X: Array, parameters: object, activations: Sequence[str], outputs: Sequence[str]) -> Iterator[Layout]:
    """All layouts of inputs and parameters whose shapes fit, the likelier ones first.

    Parameters
    ----------
    X : array
    parameters : dict or list of arrays
    activations, outputs : sequences of str
        Candidates, "linear" for none.
    """
    leaves = {name: array.astype(np.float64) for name, array in flatten(parameters).items()}
    weights, biases = split_parameters(leaves)
    if X.ndim == 1:  # one example, if it is as long as a weight matrix is on one side; else one number per example
        X = X[None] if any(len(X) in leaves[name].shape for name in weights) else X[:, None]
    uniform, mixed = _orientations(weights)
    for orientations in (uniform, mixed):
        found = False
        for rows, flipped in itertools.product((True, False), orientations):
            x = X if rows else X.T
            for chain in _chains(weights, biases, leaves, x.shape[1], flipped):
                found = True
                names = {f"W{k}": w for k, (w, _) in enumerate(chain, 1)}
                names |= {f"b{k}": b for k, (_, b) in enumerate(chain, 1) if b}
                for activation, output in itertools.product(activations if len(chain) > 1 else activations[:1], outputs):
                    net = _build(chain, leaves, flipped, activation, output)
                    given = np.array(x, dtype=np.float64, order="C")
                    yield Layout(net, given, rows, names, flipped, activation, output)
        if found:
            return


def _orientations(weights: list[str]) -> tuple[list[frozenset[str]], list[frozenset[str]]]:
    """The weights that may be (n_out, n_in): none or all of them; and, where that fits nothing, some of them."""
    uniform = [frozenset[str](), frozenset(weights)]
    if not 1 < len(weights) <= MIXED:
        return uniform, []
    some = [frozenset(chosen) for k in range(1, len(weights)) for chosen in itertools.combinations(weights, k)]
    return uniform, some


def split_parameters(leaves: dict[str, Array]) -> tuple[list[str], list[str]]:
    """The names of weights and of biases, each in order; told by their number of axes, and else by their names."""
    weights: list[str] = []
    biases: list[str] = []
    for name, array in leaves.items():
        last = name.replace("]", "").replace("[", ".").split(".")[-1].lower()
        vector = array.ndim < 2 or min(array.shape) == 1
        named = last.startswith(("b", "intercept")) or last == "c"
        weighty = last.startswith(("w", "v", "u", "theta", "coef"))
        is_bias = array.ndim < 2 or (vector and not weighty and (named or len(weights) > len(biases)))
        (biases if is_bias else weights).append(name)
    return weights, biases


def _chains(
    weights: list[str], biases: list[str], leaves: dict[str, Array], n_in: int, flipped: frozenset[str]
) -> Iterator[list[tuple[str, str | None]]]:
    """Orders of the weights in which each has as many inputs as the one before has outputs, with a bias that fits, or none."""
    orders = itertools.permutations(weights) if len(weights) <= LAYERS_PERMUTED else iter([tuple(weights)])
    for order in orders:
        width, fits = n_in, bool(order)
        widths = []
        for name in order:
            enter, leave = leaves[name].shape[::-1] if name in flipped else leaves[name].shape
            fits &= enter == width
            width = leave
            widths.append(leave)
        if not fits:
            continue
        ranks = [weights.index(name) for name in order]
        chosen: list[str | None] = [biases[r] if r < len(biases) else None for r in ranks]
        if len(biases) not in (0, len(weights)) or any(b and leaves[b].size != n for b, n in zip(chosen, widths, strict=True)):
            free = list(biases)
            chosen = []
            for n in widths:
                chosen.append(next((b for b in free if leaves[b].size == n), None))
                if chosen[-1]:
                    free.remove(chosen[-1])
        yield list(zip(order, chosen, strict=True))


def _build(
    chain: list[tuple[str, str | None]], leaves: dict[str, Array], flipped: frozenset[str], activation: str, output: str
) -> Net:
    """The net with these values."""
    layers: list[Layer] = []
    for k, (w, b) in enumerate(chain):
        W = leaves[w].T if w in flipped else leaves[w]
        linear = Linear(*W.shape)
        linear.W[:] = W
        if b is not None:
            linear.b[:] = leaves[b].reshape(-1)
        layers.append(linear)
        own = activation.split("/")
        function = make_activation(own[min(k, len(own) - 1)] if k < len(chain) - 1 else output)
        if function is not None:
            layers.append(function)
    return Net(*layers, seed=None, dtype="float64")


def _sizes(net: Net) -> list[int]:
    linears = [layer for layer in net.layers if isinstance(layer, Linear)]
    return [linears[0].n_in, *(layer.n_out for layer in linears)]


def target_forms(y: Array, n_out: int, size: int, loss: Loss) -> Iterator[tuple[Array, str]]:
    """The ways to read targets for `size` examples and a net of `n_out` outputs, with a name for each."""
    flat = y.reshape(-1)
    whole = bool(np.array_equal(flat, np.round(flat)))
    if y.ndim == 2 and y.shape == (size, n_out):
        yield y.astype(np.float64), "one row of targets per example"
    if y.ndim == 2 and y.shape == (n_out, size) and (size != n_out or not _rows_sum_to_one(y)):
        yield np.ascontiguousarray(y.T, dtype=np.float64), "one column of targets per example"
    if flat.size != size:
        return
    if isinstance(loss, ElementwiseLoss) and n_out == 1:
        yield flat.astype(np.float64)[:, None], "one number per example"
    elif n_out > 1 and whole and 0 <= flat.min() <= flat.max() < n_out:
        classes = flat.astype(np.int64)
        if isinstance(loss, ElementwiseLoss):
            yield np.eye(n_out)[classes], "integer classes, as one-hot rows"
        else:
            yield classes, "integer classes"


def _rows_sum_to_one(y: Array) -> bool:
    return bool(np.allclose(y.sum(axis=1), 1))
