"""Where text goes: figures to stdout, complaints to stderr, and no colours or half lines in a pipe."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.text import Text

FAILED, INTERRUPTED = 1, 130  # exit status after a non-finite loss; after Ctrl-C, as shells have it


def screen(error: bool = False) -> Console:
    """A console on the present stdout (or stderr), which does not colour numbers as it likes."""
    return Console(file=sys.stderr if error else sys.stdout, highlight=False, soft_wrap=True)


def fail(message: str) -> None:
    """Say on stderr what was wrong."""
    screen(error=True).print(Text.assemble(("Error:", "bold red"), " ", message))


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object on stdout, in strict JSON: what is not finite must have been turned into text before."""
    import json

    print(json.dumps(value, allow_nan=False))


def percent(share: float) -> str:
    """A share as people read it.

    Examples
    --------
    >>> percent(0.9756)
    '97.56 %'
    """
    return f"{100 * share:.2f} %"


def plain(value: Any) -> Any:
    """`value` in terms of strict JSON: NumPy scalars become Python's, NaN and infinities the texts of `json_row`.

    Examples
    --------
    >>> plain({"r2": float("nan"), "shape": (2, 3)})
    {'r2': 'nan', 'shape': [2, 3]}
    """
    if isinstance(value, dict):
        from clearprop.training.history import json_row

        return json_row({str(key): plain(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
