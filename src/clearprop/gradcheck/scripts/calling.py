"""Calling unknown functions by the names of their parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

from clearprop.errors import OptionError

ROLES: dict[str, tuple[str, ...]] = {
    "params": ("params", "parameters", "param", "weights", "theta", "model", "net", "network", "p", "wb"),
    "X": ("x", "inputs", "input", "data", "xbatch", "batch", "features", "images", "xtrain", "xb"),
    "Y": ("y", "t", "targets", "target", "labels", "label", "ytrue", "ybatch", "truth", "ytrain", "yb"),
    "cache": ("outputs", "cache", "caches", "activations", "saved", "memory", "forwardcache", "intermediates", "out"),
    "Yhat": ("yhat", "ypred", "pred", "preds", "predictions", "probs", "output", "logits", "a2", "al", "scores", "yh"),
    "grads": ("grads", "gradients", "grad", "gradient"),
    "lr": ("lr", "eta", "learningrate", "alpha", "stepsize", "rate"),
    "weight_decay": ("reg", "l2", "lam", "lambd", "weightdecay", "regularization", "lmbda"),
}


def role_of(parameter: str) -> str | None:
    """The role of a parameter of that name; None if its name does not tell.

    Examples
    --------
    >>> role_of("Y_hat"), role_of("learning_rate"), role_of("foo")
    ('Yhat', 'lr', None)
    """
    key = parameter.lower().replace("_", "")
    return next((role for role, names in ROLES.items() if key in names), None)


def required(f: Callable[..., Any]) -> list[str]:
    """The names of the parameters that have no default.

    Raises
    ------
    OptionError
        If the signature cannot be read, or has parameters that cannot be given by position.
    """
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError) as error:
        raise OptionError(f"The parameters of {f!r} cannot be read.") from error
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in positional and p.default is p.empty]


def orders(f: Callable[..., Any], values: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """The roles to pass to `f` by position: as its parameters' names say; where they do not, in every order that is left."""
    names = required(f)
    said = [role_of(name) for name in names]
    last = {role: place for place, role in enumerate(said)}  # of (y, t), the second is the target
    said = [role if role in values and last[role] == place else None for place, role in enumerate(said)]
    open_places = [k for k, role in enumerate(said) if role is None]
    left = [role for role in values if role not in said]
    for choice in permutations(left, len(open_places)):
        full = list(said)
        for place, role in zip(open_places, choice, strict=True):
            full[place] = role
        yield tuple(role for role in full if role is not None)


def working_order(f: Callable[..., Any], values: dict[str, Any], fits: Callable[[Any], bool]) -> tuple[str, ...] | None:
    """The first order in which `f` runs and its result `fits`; None if there is none."""
    for order in orders(f, values):
        try:
            if fits(f(*(values[role] for role in order))):
                return order
        except Exception:  # any failure means: not this order
            continue
    return None
