"""The console: results on stdout, errors on stderr, plain text without colours or wrapped lines in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

FAILED = 1  # exit status after a non-finite loss, a finding of the doctor, or a claim that does not hold
USAGE = 2  # exit status of a mistake that the user can mend
INTERRUPTED = 130  # exit status after Ctrl-C, as shells have it


def screen(error: bool = False) -> Console:
    """A rich console on the current stdout (or stderr), which neither highlights numbers nor wraps lines."""
    return plain_console()(file=sys.stderr if error else sys.stdout, highlight=False, soft_wrap=True)


def plain_console() -> type[Console]:
    """A class of consoles that send no control character of what they are given: names and classes come from files."""
    from rich.console import Console
    from rich.segment import Segment

    from clearprop.errors import printable

    class PlainConsole(Console):
        def render(self, renderable: Any, options: Any = None) -> Iterator[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else segment._replace(text=printable(segment.text))

    return PlainConsole


def fail(message: str) -> None:
    """Print an error message on stderr."""
    from rich.text import Text

    screen(error=True).print(Text.assemble(("Error:", "bold red"), " ", message))


def show_notes(notes: Sequence[str]) -> None:
    """Print on stderr what was found out or assumed, a line for each note."""
    if not notes:
        return
    from rich.text import Text

    console = screen(error=True)
    for note in notes:
        console.print(Text.assemble(("Note:", "bold"), " ", " ".join(note.split())))


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object on stdout, in strict JSON; `plain` turns NaN and infinities into strings."""
    import json

    print(json.dumps(value, allow_nan=False))


def empty_table(*columns: str, right: Sequence[str] = (), overflow: Any = "ellipsis") -> Table:
    """A table without rows: left-aligned columns, then right-aligned ones."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in columns:
        table.add_column(name, overflow=overflow)
    for name in right:
        table.add_column(name, justify="right", overflow=overflow)
    return table


def percent(share: float) -> str:
    """A fraction as a percentage.

    Examples
    --------
    >>> percent(0.9756)
    '97.56 %'
    """
    return f"{100 * share:.2f} %"


def counted(n: int, noun: str) -> str:
    """A number with its noun, in the singular or the plural.

    Examples
    --------
    >>> counted(1, "epoch"), counted(1400, "step")
    ('1 epoch', '1,400 steps')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def duration(seconds: float) -> str:
    """A time in seconds, or in minutes and seconds.

    Examples
    --------
    >>> duration(0.5), duration(75)
    ('0.5 s', '1 min 15 s')
    """
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60} min {int(seconds) % 60} s"


def plain(value: Any) -> Any:
    """`value` in terms of strict JSON: NumPy scalars become Python's, NaN and infinities the strings of `json_row`.

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
