"""The walkthrough itself, and its three forms: text, a rich table, HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.registry import unknown_name
from clearprop.walkthrough.lines import Line, Stage
from clearprop.walkthrough.numbers import SHORT, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions, Group

PAGE = 128  # columns of a line of text
FORMULA = 46  # columns for a formula in a rich table; longer ones are wrapped
STYLE = "text-align: left; vertical-align: top; padding: 2px 12px 2px 0"


class Walkthrough:
    """One training step, value by value; made by `explain`.

    `str(step)` is plain text, rich prints it as a table, and a notebook shows it as HTML.

    Parameters
    ----------
    title : str
    stages : list of Stage
    """

    def __init__(self, title: str, stages: list[Stage]) -> None:
        self.title, self.stages = title, stages

    @property
    def lines(self) -> list[Line]:
        """All lines, in order."""
        return [line for stage in self.stages for line in stage.lines]

    def __getitem__(self, symbol: str) -> Array | float:
        """The value that was first called `symbol`: "dW1" is the gradient, and "W1" the weights before the update."""
        for line in self.lines:
            if line.symbol == symbol:
                return line.value
        raise OptionError(unknown_name("symbol", symbol, list(dict.fromkeys(line.symbol for line in self.lines))))

    @checked
    def text(self, digits: int | None = None) -> str:
        """Plain text: a statement with its shape, and the numbers below it.

        Parameters
        ----------
        digits : int, optional
            Significant digits; by default all that there are in small arrays, and six in large ones.
        """
        width = max(len(line.statement) for line in self.lines)
        shapes = max(len(shape(line)) for line in self.lines)
        parts = [self.title]
        for stage in self.stages:
            heading = f"\n{stage.title}\n{'-' * len(stage.title)}"
            parts += [heading, *(_text_block(line, width, shapes, digits) for line in stage.lines)]
        return "\n".join(parts)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Walkthrough: {self.title}; {len(self.lines)} values>"

    @checked
    def table(self, digits: int | None = None, width: int = PAGE) -> Group:
        """A rich table for each stage, for a terminal of so many columns; without `digits`, as many as it has room for."""
        from rich.box import SIMPLE_HEAD
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        symbols = max(len(line.symbol) for line in self.lines)
        shapes = max(len(shape(line)) for line in self.lines)
        room = width - symbols - shapes - 12
        if digits is None and self._numbers_width(None) > room - FORMULA:
            digits = SHORT
        formulas = max(16, min(FORMULA, room - self._numbers_width(digits)))
        parts: list[Any] = [Text(self.title, style="bold")]
        for stage in self.stages:
            table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
            table.add_column("", style="bold", min_width=symbols, no_wrap=True)
            table.add_column("", width=formulas)
            table.add_column("shape", style="dim", min_width=shapes, no_wrap=True)
            table.add_column("numbers", style="green", overflow="fold")
            for line in stage.lines:
                formula = Text(f"{line.sign} {line.formula}" if line.formula else "")
                if line.note:
                    formula.append(("\n" if line.formula else "") + line.note, style="italic dim")
                table.add_row(line.symbol, formula, shape(line), Text(write(line.value, digits)))
            parts += ["", Text(stage.title, style="bold cyan"), table]
        return Group(*parts)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Group]:
        yield self.table(width=options.max_width)

    def _numbers_width(self, digits: int | None) -> int:
        return max(len(row) for line in self.lines for row in write(line.value, digits).split("\n"))

    @checked
    def html(self, digits: int | None = None) -> str:
        """One HTML table, with a headed part for each stage."""
        rows = []
        for stage in self.stages:
            rows.append(f'<tr><th colspan="4" style="{STYLE}; padding-top: 12px">{escape(stage.title)}</th></tr>')
            rows += [_html_row(line, digits) for line in stage.lines]
        return f"<p>{escape(self.title)}</p><table>{''.join(rows)}</table>"

    def _repr_html_(self) -> str:
        return self.html()

    def to_json(self) -> dict[str, Any]:
        """Title and stages as JSON-able values, numbers in full."""
        return {
            "title": self.title,
            "stages": [{"title": stage.title, "lines": [_json_line(line) for line in stage.lines]} for stage in self.stages],
        }


def shape(line: Line) -> str:
    """The shape of a value as text; nothing for a single number."""
    return str(line.shape) if line.shape else ""


def _text_block(line: Line, width: int, shapes: int, digits: int | None) -> str:
    """Statement, shape and numbers side by side; the numbers below, if there is no room beside."""
    head = f"{line.statement.ljust(width)}  {shape(line).ljust(shapes)}  "
    rows = write(line.value, digits).split("\n")
    below = len(head) + max(map(len, rows)) > PAGE
    margin = "    " if below else " " * len(head)
    body = ("\n" if below else "") + "\n".join(margin + row for row in rows) if below else f"\n{margin}".join(rows)
    note = f"\n    {line.note}" if line.note else ""
    return "\n".join(row.rstrip() for row in f"{head}{body}{note}".split("\n"))


def _html_row(line: Line, digits: int | None) -> str:
    formula = (
        escape(f"{line.sign} {line.formula}" if line.formula else "")
        .replace("^T", "<sup>T</sup>")
        .replace("^2", "<sup>2</sup>")
    )
    note = f"<br><small>{escape(line.note)}</small>" if line.note else ""
    numbers = f'<pre style="margin: 0">{escape(write(line.value, digits))}</pre>'
    cells = (f"<b>{escape(line.symbol)}</b>", formula + note, shape(line), numbers)
    return "<tr>" + "".join(f'<td style="{STYLE}">{cell}</td>' for cell in cells) + "</tr>"


def _json_line(line: Line) -> dict[str, Any]:
    value = line.value if isinstance(line.value, float) else line.value.tolist()
    return {"symbol": line.symbol, "formula": line.formula, "shape": list(line.shape), "value": value, "note": line.note}
