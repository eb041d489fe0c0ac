"""Instances: objects made of a person's class, with guessed arguments."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

from clearprop.gradcheck.tracing.conventions.layer_layouts import made_with
from clearprop.gradcheck.tracing.guesses import N_IN, N_OUT, Pool, required

MOST = 6  # objects of one class that are tried


def constructor_names(kind: Any) -> list[str]:
    """Names of the arguments that a class must be given."""
    return [n for n in required(kind.__init__) if n != "self"] if kind.__init__ is not object.__init__ else []


def method_names(kind: Any) -> set[str]:
    """Names of its methods, inherited ones too."""
    return {m for base in kind.__mro__[:-1] for m in vars(base) if callable(getattr(kind, m, None))}


def instances(kind: Any, functions: dict[str, Any], pool: Pool, layer: bool) -> Iterator[Any]:
    """The objects that can be made of a class.

    Parameters
    ----------
    functions : dict
        The program's functions: an argument may be one of them.
    layer : bool
        Whether it is a layer, which takes (n_in, n_out), and not a network.
    """
    names = required(kind.__init__)[1:] if kind.__init__ is not object.__init__ else []
    if not names:
        yield kind()
        return
    options = []
    for name in names:
        own = own_function(name, functions)
        given = made_with(name, kind, pool) if layer and own is None else []
        options.append(([own] if own is not None else given or pool.candidates(name, prefer_sizes=True)[:2]) or [N_IN, N_OUT])
    tried: list[tuple[Any, ...]] = []
    if layer and len(names) == 2 and not any(made_with(name, kind, pool) for name in names):
        tried.append((N_IN, N_OUT))
    if not layer and len(names) == 3:
        tried.append(tuple(option[0] for option in options))
    tried += itertools.islice(itertools.product(*options), 8)
    if len(names) == 1:
        tried += [([4, 5, 3],), (N_IN,)]
    make: Callable[..., Any] = kind
    for arguments in tried:
        try:
            yield make(*arguments)
        except Exception:
            continue


def own_function(name: str, functions: dict[str, Any]) -> Any:
    """A function of the program that an argument may stand for: an activation."""
    if re.search(r"activation|act_?f|nonlin", name.lower()):
        return next((f for n, f in functions.items() if re.match(r"^(sigmoid|relu|tanh|ReLU)$", n)), "relu")
    return None
