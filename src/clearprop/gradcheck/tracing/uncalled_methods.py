"""Uncalled methods: activations and derivatives of a class that was used, which the program has and did not need this time.

A net that runs with sigmoid says nothing of its tanh; so it is said that this one was not looked at.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from types import CodeType
from typing import Final

KINDS: Final = re.compile(r"sigm|tan_?h|relu|soft_?max|elu|swish|gelu|deriv|prime|backward|grad", re.IGNORECASE)
MOST: Final = 4


def uncalled_methods(sources: dict[str, str], run: Iterable[CodeType]) -> list[str]:
    """The remarks on methods that look as if they went into gradients, and in which nothing was computed.

    Parameters
    ----------
    sources : dict of str to str
        The text of each file of the program.
    run : iterable of code objects
        Those in which something was computed.
    """
    seen = {(code.co_filename, code.co_name) for code in run}
    found = []
    for file, text in sources.items():
        for kind in [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]:
            methods = [node for node in kind.body if isinstance(node, ast.FunctionDef)]
            if any((file, method.name) in seen for method in methods):
                found += [
                    f"Not checked, because it was not called: {method.name} of line {method.lineno}."
                    for method in methods
                    if (file, method.name) not in seen and KINDS.search(method.name)
                ]
    return found[:MOST]
