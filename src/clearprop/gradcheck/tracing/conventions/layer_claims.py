"""Claims of a layer: which of the values that its backward pass returns, keeps or steps by belongs to which parameter."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.claims import matched
from clearprop.gradcheck.tracing.conventions.value_trees import (
    Triple,
    all_arrays,
    arrays_of,
    matched_by_name,
    matched_in_order,
)
from clearprop.gradcheck.tracing.gradient_in_step import stripped
from clearprop.gradcheck.tracing.gradient_names import stem, stems_of_gradient
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.trace import Vertex
from clearprop.gradcheck.tracing.traced import TRACE, Traced, call, plain, wrap

KEPT_SLOPES: Final = ("dinputs", "dx", "grad_input", "dinput", "dX")
"""Attributes in which a layer keeps the gradient of its input."""
SETTINGS: Final = (
    r"^(.*eps(ilon)?|.*momentum|lr|.*rate|.*decay|p|.*prob|keep.*|.*slope|scale|.*moving.*|.*running.*|.*mask.*|t|m|v)$"
)
"""Attributes that are no parameters."""
KEPT_GRADIENT: Final = r"^(gradients?|grads?|gradients?_\w+|grads?_\w+|\w+_gradients?|\w+_grads?)$"
"""Attributes that hold a gradient, whatever it is the gradient of."""
SHORT: Final = {"w": r"(weight|kernel|filter)s?", "b": r"bias(es)?"}
"""Patterns of the names for which gradients have a letter: dW for weights."""


def parameters_among(arrays: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a new layer that may be parameters: floats that are no settings, and no places for gradients."""
    found = {n: a for n, a in arrays.items() if a.vertex.floating and not re.match(SETTINGS, n.lower().strip("_"))}
    found = {n: a for n, a in found.items() if not _keeps_gradient(n)}
    return {n: a for n, a in found.items() if not any({stem(o)} & set(stems_of_gradient(n)[1:]) for o in found if o != n)}


def _keeps_gradient(name: str) -> bool:
    """Whether an attribute is called as one that holds a gradient."""
    return re.match(KEPT_GRADIENT, name.lower().strip("_")) is not None


def left_behind(made: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """Attributes that are new since the layer was made, or were given another value as the gradient of something else."""
    found = {}
    for name, array in arrays_of(made).items():
        before = parameters.get(name)
        of_another = {stem(own) for own in parameters if own != name} & set(stems_of_gradient(name)[1:])
        if before is None or (before.vertex is not array.vertex and (of_another or _keeps_gradient(name))):
            found[name] = array
    return found


def claims_of_layer(
    result: Any, named: dict[str, Any], left: dict[str, Any], moved: set[str], returned: Callable[[], dict[str, Any]]
) -> list[Triple]:
    """Gradients that backward returned, and those that it left behind.

    Parameters
    ----------
    named : dict
        The input, "x", and the parameters.
    left : dict
        Attributes that are new since.
    moved : set of str
        Parameters that backward moved itself.
    returned : callable
        () -> the returned arrays by their names in the return statement.
    """
    named = {n: a for n, a in named.items() if n not in moved}
    result, triples = _paired(result, named)
    claimed = all_arrays(result if isinstance(result, (dict, tuple, list)) else {"x": result}, "")
    free = {n: a for n, a in named.items() if n not in {t[0] for t in triples}}
    if isinstance(result, (tuple, list)):
        triples += _in_order(free, claimed) or _by_returned_names(free, claimed, returned)
    elif isinstance(result, dict):
        triples += matched(free, claimed)
    elif isinstance(result, Traced):
        triples.append(("x", named["x"], result))
    done = {t[0] for t in triples}
    rest = {n: a for n, a in named.items() if n not in done}
    for n in KEPT_SLOPES:
        if "x" in rest and n in left:
            triples.append(("x", rest.pop("x"), left.pop(n)))
    triples += matched_by_name(rest, left)
    triples += _abbreviated({n: a for n, a in rest.items() if n not in {t[0] for t in triples}}, left)
    return triples + _of_one_shape({n: a for n, a in rest.items() if n not in {t[0] for t in triples}}, left, triples)


def _of_one_shape(rest: dict[str, Any], left: dict[str, Any], known: list[Triple]) -> list[Triple]:
    """The gradients that bear no parameter's name, each for the one parameter of its shape."""
    taken = [slope for _, _, slope in known]
    found: list[Triple] = []
    for name, slope in left.items():
        own = [n for n, a in rest.items() if a.shape == slope.shape]
        if len(own) == 1 and _keeps_gradient(name) and not any(slope is other for other in taken):
            found.append((own[0], rest[own[0]], slope))
    return found if len({name for name, *_ in found}) == len(found) else []


def _paired(result: Any, named: dict[str, Any]) -> tuple[Any, list[Triple]]:
    """The result without its pairs (parameter, gradient), and the claims that these are."""
    owners = {array.vertex: name for name, array in named.items()}
    found: list[Triple] = []

    def without(tree: Any) -> Any:
        if not isinstance(tree, (tuple, list)):
            return tree
        first = tree[0].vertex if tree and isinstance(tree[0], Traced) else None
        if len(tree) == 2 and first in owners:
            found.append((owners[first], named[owners[first]], tree[1]))
            return None
        kept = [item for item in (without(item) for item in tree) if item is not None]
        return kept or None

    rest = without(result)
    if found and isinstance(rest, list) and len(rest) == 1:
        rest = rest[0]
    return (rest, found) if found else (result, [])


def _fits(triples: list[Triple]) -> bool:
    return all(np.shape(plain(p)) == np.shape(plain(g)) for _, p, g in triples)


def _in_order(named: dict[str, Any], claimed: dict[str, Any]) -> list[Triple]:
    """The claims in the order of the parameters, if the shapes agree."""
    triples = matched_in_order(named, list(claimed.values()))
    return triples if _fits(triples) else []


def _by_returned_names(named: dict[str, Any], claimed: dict[str, Any], returned: Callable[[], dict[str, Any]]) -> list[Triple]:
    """The claims by the names in the return statement; in their order where these say nothing."""
    names = returned()
    if len(names) == len(claimed):
        triples = matched_by_name(named, names)
        triples += _abbreviated({n: a for n, a in named.items() if n not in {t[0] for t in triples}}, names)
        taken = {id(t[2]) for t in triples}
        rest = [g for g in names.values() if id(g) not in taken]
        if "x" in named and "x" not in {t[0] for t in triples} and len(rest) == 1:
            triples.append(("x", named["x"], rest[0]))
        if len(triples) == len(names):
            return triples
    return matched_in_order(named, list(claimed.values()))


def _abbreviated(named: dict[str, Any], gradients: dict[str, Any]) -> list[Triple]:
    """Claims of which the name has a letter for the parameter: dW for weights, db for bias."""
    found = []
    for name, array in named.items():
        for letter, pattern in SHORT.items():
            if re.fullmatch(pattern, stem(name)):
                fitting = [g for n, g in gradients.items() if letter in stems_of_gradient(n)[1:]]
                found += [(name, array, g) for g in fitting[:1]]
    return found


def steps_as_claims(made: Any, parameters: dict[str, Any], rated: bool) -> list[Triple]:
    """The gradients by which backward itself moved the parameters; of a linear layer they need not depend on these.

    Constants belong to the step, unless the rate was given, as 1: then they belong to the gradient.
    """
    graph, found = Graph(TRACE, merge=False), []
    for name, array in arrays_of(made).items():
        before = parameters.get(name) if not _keeps_gradient(name) else None
        terms = _terms(array.vertex, before.vertex) if before is not None else []
        if len(terms) == 1 and before is not None:
            sign, term = terms[0]
            factor, gradient = (1.0, term) if rated else stripped(graph, term, before.vertex, set(), [])
            claim = wrap(gradient)
            found.append((name, before, claim if sign * factor < 0 else call(np.negative, (claim,), {})))
    return found


def _terms(new: Vertex, old: Vertex) -> list[tuple[float, Vertex]]:
    """The terms that were added to a value, each with its sign; none if it was made in another way."""
    found: list[tuple[float, Vertex]] = []
    while new is not old:
        if new.fn not in (np.add, np.subtract) or not all(isinstance(arg, Vertex) for arg in new.args[:2]):
            return []
        found.append((1.0 if new.fn is np.add else -1.0, new.args[1]))
        new = new.args[0]
    return found


def without_claim(named: dict[str, Any], triples: list[Triple], out: Any) -> list[str]:
    """The parameters on which the value of a layer depends, and of which no gradient was found."""
    done = {id(t[1].vertex) for t in triples}
    open_ones = {n: a.vertex for n, a in named.items() if n != "x" and id(a.vertex) not in done}
    return [n for n, vertex in open_ones.items() if vertex.size > 1 and out.vertex.bits & vertex.mark]
