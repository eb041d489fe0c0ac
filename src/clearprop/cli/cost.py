"""`clearprop cost`: what a gradient costs by differences, and by back-propagation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from clearprop.cli.console import plain, print_json, screen
from clearprop.errors import OptionError


def cost(
    depths: Annotated[str, typer.Option(help="Hidden layers of each network.")] = "1,2,4,8,16",
    engine: Annotated[str, typer.Option(help="What does the computing; in scalar, the laws show at once.")] = "scalar",
    seed: Annotated[int, typer.Option(help="For the first weights and the examples.")] = 0,
    plot: Annotated[Path | None, typer.Option(help="Draw the times to this .png or .svg file.", show_default=False)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Time one gradient by forward differences, central differences and back-propagation, on growing networks."""
    from clearprop.studies.derivative_cost import fit_exponents, measure_costs

    try:
        numbers = [int(depth) for depth in depths.split(",")]
    except ValueError as error:
        raise OptionError(f"--depths takes whole numbers such as 1,2,4, not {depths!r}.") from error
    rows = measure_costs(numbers, engine, seed)
    exponents = fit_exponents(rows)
    if plot is not None:
        draw(rows, exponents, plot)
    if json:
        print_json(plain({"engine": engine, "rows": rows, "exponents": exponents}))
        return
    console = screen()
    console.print(table(rows))
    for method, k in exponents.items():
        console.print(f"{method}: time grows as P^{k:.2f}", markup=False)
    largest = {row["method"]: row for row in rows[-3:]}
    ratio = largest["central differences"]["seconds"] / largest["back-propagation"]["seconds"]
    P = rows[-1]["parameters"]
    console.print(f"At P = {P:,} parameters, central differences take {ratio:,.0f} times as long as back-propagation.")
    console.print("Error: the largest difference from back-propagation, in units of the largest derivative.")
    if plot is not None:
        console.print(f"Drawn in {plot}.", markup=False)


def table(rows: list[dict[str, Any]]) -> Any:
    """A row for each network and method."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    found = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    found.add_column("parameters P", justify="right")
    found.add_column("method")
    for name in ("evaluations", "milliseconds", "error"):
        found.add_column(name, justify="right")
    for place, row in enumerate(rows):
        error = f"{row['error']:.0e}" if row["error"] else "0"
        number = f"{row['parameters']:,}" if place % 3 == 0 else ""
        found.add_row(
            number, row["method"], f"{row['evaluations']:,}", f"{1000 * row['seconds']:,.3g}", error, end_section=place % 3 == 2
        )
    return found


def draw(rows: list[dict[str, Any]], exponents: dict[str, float], path: Path) -> None:
    """The times against P, on logarithmic scales."""
    from matplotlib.figure import Figure

    from clearprop.plots import gradient_costs, save

    save(gradient_costs(rows, exponents, Figure(figsize=(5.6, 4.2), layout="constrained").subplots()), path)
