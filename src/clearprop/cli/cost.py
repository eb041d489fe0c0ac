"""`clearprop cost`: time a gradient by finite differences and by back-propagation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearprop.cli import options as o
from clearprop.cli.console import empty_table, plain, print_json, screen
from clearprop.cli.folder import check_file
from clearprop.errors import OptionError

if TYPE_CHECKING:
    from rich.table import Table


def cost(
    depths: Annotated[
        str, typer.Option(help="Numbers of hidden layers, one network for each.", metavar="N,N,...")
    ] = "1,2,4,8,16",
    engine: Annotated[
        str, typer.Option(help="Engine; in scalar, time is proportional to the number of multiplications.")
    ] = "scalar",
    seed: Annotated[int, typer.Option(help="Seed of the initial weights and the examples.")] = 0,
    plot: Annotated[Path | None, o.option(o.OUTPUT, "Plot the times to this .png or .svg file.", metavar="FILE")] = None,
    json: o.Json = False,
) -> None:
    """Time one gradient by forward differences, central differences and back-propagation, on growing networks.

    Example: clearprop cost --plot cost.png
    """
    from clearprop.studies.derivative_cost import fit_exponents, measure_costs

    check_file(plot, "--plot", ".png", ".svg")
    try:
        numbers = [int(depth) for depth in depths.split(",")]
    except ValueError:
        raise OptionError(f"--depths takes whole numbers such as 1,2,4, not {depths!r}.") from None
    rows = measure_costs(numbers, engine, seed)
    exponents = fit_exponents(rows)
    if plot is not None:
        draw(rows, exponents, plot)
    if json:
        print_json(plain({"engine": engine, "rows": rows, "exponents": exponents}))
        return
    console = screen()
    console.print(cost_table(rows))
    for method, k in exponents.items():
        console.print(f"{method}: time grows as P^{k:.2f}", markup=False)
    largest = {row["method"]: row for row in rows[-3:]}
    ratio = largest["central differences"]["seconds"] / largest["back-propagation"]["seconds"]
    P = rows[-1]["parameters"]
    console.print(f"With P = {P:,} parameters, central differences take {ratio:,.0f} times as long as back-propagation.")
    console.print("Error: largest difference from back-propagation, relative to the largest derivative.")
    if plot is not None:
        console.print(f"Plotted to {plot}.", markup=False)


def cost_table(rows: list[dict[str, Any]]) -> Table:
    """A row for each network and method."""
    found = empty_table("parameters P", "method", right=("evaluations", "milliseconds", "error"))
    found.columns[0].justify = "right"
    for place, row in enumerate(rows):
        error = f"{row['error']:.0e}" if row["error"] else "0"
        number = f"{row['parameters']:,}" if place % 3 == 0 else ""
        found.add_row(
            number, row["method"], f"{row['evaluations']:,}", f"{1000 * row['seconds']:,.3g}", error, end_section=place % 3 == 2
        )
    return found


def draw(rows: list[dict[str, Any]], exponents: dict[str, float], path: Path) -> None:
    """Plot the times against P, on logarithmic scales."""
    from matplotlib.figure import Figure

    from clearprop.plots import gradient_costs, save

    save(gradient_costs(rows, exponents, Figure(figsize=(5.6, 4.2), layout="constrained").subplots()), path)
