"""How a report is shown: as text, as a rich table, as HTML. All three have the same rows."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from clearprop.errors import MissingExtraError

if TYPE_CHECKING:
    from rich.table import Table

    from clearprop.gradcheck.report import Report, TensorResult

HEAD = ("tensor", "shape", "error", "at", "analytic", "numeric", "checked", "verdict")
COLOURS = {"right": "green", "wrong": "red", "inconclusive": "yellow"}


def row_of(tensor: TensorResult) -> tuple[str, ...]:
    """The cells of one tensor, as text."""
    size = 1
    for n in tensor.shape:
        size *= n
    at = "" if tensor.index is None else f"[{', '.join(map(str, tensor.index))}]"
    known = tensor.index is not None
    return (
        tensor.name,
        str(tensor.shape),
        f"{tensor.error:.1e}" if known else "",
        at,
        f"{tensor.analytic:.6g}" if known else "",
        f"{tensor.numeric:.6g}" if known else "",
        f"{tensor.checked} of {size}",
        tensor.verdict,
    )


def remarks(report: Report) -> list[str]:
    """What is said below the table: notes, then the mistakes that explain what is wrong."""
    lines = [f"{tensor.name}: {tensor.note}" for tensor in report.tensors if tensor.note]
    lines += report.notes
    for suspect in report.suspects:
        lines.append(f"{suspect.title}: {suspect.sentence.rstrip('.')}. Right: {suspect.remedy}")
    return lines


def report_text(report: Report) -> str:
    """A title, a table with aligned columns, and remarks."""
    rows = [HEAD, *(row_of(tensor) for tensor in report.tensors)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(HEAD))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([f"{report.title}: {report.verdict}", *table, *remarks(report)])


def report_rich(report: Report) -> Table:
    """The same as a rich table, remarks as its caption.

    Raises
    ------
    MissingExtraError
        If rich is not installed.
    """
    try:
        from rich.markup import escape
        from rich.table import Table
    except ImportError as error:
        raise MissingExtraError("Coloured tables need rich: pip install rich.") from error
    colour = COLOURS[report.verdict]
    table = Table(
        *HEAD,
        title=f"{escape(report.title)}: [{colour}]{report.verdict}[/]",
        caption=escape("\n".join(remarks(report))) or None,
        caption_justify="left",
    )
    for tensor in report.tensors:
        table.add_row(*(escape(cell) for cell in row_of(tensor)[:-1]), f"[{COLOURS[tensor.verdict]}]{tensor.verdict}[/]")
    return table


def report_html(report: Report) -> str:
    """The same as an HTML table, for notebooks."""
    head = "".join(f"<th>{cell}</th>" for cell in HEAD)
    body = ""
    for tensor in report.tensors:
        cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in row_of(tensor)[:-1])
        body += f'<tr>{cells}<td style="color:{COLOURS[tensor.verdict]}">{tensor.verdict}</td></tr>'
    items = "".join(f"<li>{html.escape(line)}</li>" for line in remarks(report))
    title = f"<p><b>{html.escape(report.title)}</b>: {report.verdict}</p>"
    return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><ul>{items}</ul>"
