"""`clearprop descend`: minimise a function of two variables by gradient descent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from clearprop.cli import options as o
from clearprop.cli.console import empty_table, plain, print_json, screen
from clearprop.cli.folder import check_file
from clearprop.cli.parsing import parse_count, parse_number, parse_pairs
from clearprop.errors import OptionError
from clearprop.optim import SCHEDULES

if TYPE_CHECKING:
    from rich.table import Table

    from clearprop.descent import Path as DescentPath
    from clearprop.descent import Surface

FUNCTIONS = "Function: published, bowl, rosenbrock, beale, himmelblau or saddle."


def descend(
    function: Annotated[str, typer.Argument(help=FUNCTIONS, metavar="FUNCTION")] = "published",
    start: Annotated[
        str | None, typer.Option(help="Starting point; the function has one by default.", show_default=False, metavar="X,Y")
    ] = None,
    step: Annotated[str, typer.Option(help="Learning rate.", metavar="LR,...")] = "0.1",
    steps: Annotated[str, typer.Option(help="Number of steps.", metavar="N,...")] = "10",
    decay: Annotated[
        str, typer.Option(help="Factor that multiplies the learning rate after each step.", metavar="FACTOR,...")
    ] = "1",
    optimizer: Annotated[str, typer.Option(help="Optimizer: sgd, adagrad, rmsprop or adam.", metavar="NAME,...")] = "sgd",
    momentum: Annotated[str, typer.Option(help="Momentum of sgd.", metavar="M,...")] = "0",
    schedule: Annotated[
        str | None,
        typer.Option(help=f"Learning rate schedule, instead of --decay: {o.listed(*SCHEDULES)}.", show_default=False),
    ] = None,
    schedule_args: Annotated[
        list[str] | None,
        typer.Option(
            "--schedule-arg", help="Argument of the schedule; may be repeated.", metavar="NAME=NUMBER", show_default=False
        ),
    ] = None,
    answers: Annotated[
        bool, o.option(o.OUTPUT, "Answer the published questions about step sizes, with figures.", "--answers")
    ] = False,
    plot: Annotated[
        Path | None, o.option(o.OUTPUT, "Plot contours, paths and values to this .png or .svg file.", metavar="FILE")
    ] = None,
    basins: Annotated[
        Path | None,
        o.option(o.OUTPUT, "Plot the basins of attraction of each descent to this .png or .svg file.", metavar="FILE"),
    ] = None,
    json: o.Json = False,
) -> None:
    """Minimise a function of two variables by gradient descent, with one or several optimizers.

    Several values, separated by commas, give as many descents side by side.

    Example, the three published descents: clearprop descend --step 0.1,0.305,0.2 --steps 10,13,10 --decay 1,1,0.8
    """
    from clearprop.descent import SURFACES, answer_questions, descend

    for path, option in ((plot, "--plot"), (basins, "--basins")):
        check_file(path, option, ".png", ".svg")
    surface = SURFACES.make(function)
    begin = surface.start if start is None else parse_point(start)
    with np.errstate(all="ignore"):
        f = float(surface(*np.array(begin, dtype=np.float64)))  # NumPy's numbers overflow to infinity
    lists = {"step": step, "steps": steps, "decay": decay, "optimizer": optimizer, "momentum": momentum}
    wanted = line_up({name: [item.strip() for item in text.split(",")] for name, text in lists.items()})
    extra = parse_pairs(schedule_args or [])
    made = [make_descent(given, schedule, extra) for given in wanted]
    names = [in_words(given, schedule) for given in wanted]
    paths = {name: descend(surface, begin, *descent) for name, descent in zip(names, made, strict=True)}
    if plot is not None:
        draw_paths(surface, paths, plot)
    if basins is not None:
        draw_basins(surface, paths, basins)
    found = answer_questions(begin) if answers else []
    if json:
        print_json(plain(as_json(surface, paths) | ({"answers": found} if answers else {})))
        return
    console = screen()
    console.print(f"{type(surface).__name__} from ({begin[0]:g}, {begin[1]:g}), where f = {f:.6g}\n")
    console.print(path_table(surface, paths))
    for note in [f"{name}: {path.stopped}." for name, path in paths.items() if path.stopped]:
        console.print(note, markup=False)
    for answer in found:
        console.print(f"\n[bold]{answer['question']}[/bold]\n{answer['answer']}")
    for file in (plot, basins):
        if file is not None:
            console.print(f"Plotted to {file}.", markup=False)


def parse_point(text: str) -> tuple[float, float]:
    """A point from the text "3,2".

    Examples
    --------
    >>> parse_point("3,2")
    (3.0, 2.0)
    """
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise OptionError(f"--start takes two numbers such as 3,2, not {text!r}.") from None
    return x, y


def line_up(lists: dict[str, list[str]]) -> list[dict[str, str]]:
    """The settings of each descent: lists of the same length are taken side by side, single values are shared.

    Examples
    --------
    >>> line_up({"step": ["0.1", "0.2"], "steps": ["10"]})
    [{'step': '0.1', 'steps': '10'}, {'step': '0.2', 'steps': '10'}]
    """
    longest = max(map(len, lists.values()))
    for name, values in lists.items():
        if len(values) not in (1, longest):
            raise OptionError(f"--{name} has {len(values)} values, but there are {longest} descents; give one, or {longest}.")
    return [{name: values[k % len(values)] for name, values in lists.items()} for k in range(longest)]


def make_descent(given: dict[str, str], schedule: str | None, extra: dict[str, float]) -> tuple[Any, int]:
    """The optimizer of one descent, and its number of steps."""
    from clearprop.training.settings import Settings
    from clearprop.training.setup import make_optimizer

    numbers = {name: parse_number(f"--{name}", given[name]) for name in ("step", "decay", "momentum")}
    steps = parse_count("--steps", given["steps"])
    if schedule is not None and numbers["decay"] != 1:
        raise OptionError(f"--schedule {schedule} and --decay {numbers['decay']:g} exclude each other; leave one out.")
    kind, arguments = (schedule, extra) if schedule is not None else ("exponential_decay", {"factor": numbers["decay"]})
    if numbers["decay"] == 1 and schedule is None:
        kind, arguments = "constant", extra
    momentum = numbers["momentum"] or None
    settings = Settings(
        optimizer=given["optimizer"], lr=numbers["step"], momentum=momentum, schedule=kind, schedule_args=dict(arguments)
    )
    return make_optimizer(settings, max(steps, 1)), steps


def in_words(given: dict[str, str], schedule: str | None) -> str:
    """A short name of a descent, for tables and legends.

    Examples
    --------
    >>> in_words({"optimizer": "sgd", "step": "0.2", "steps": "10", "decay": "0.8", "momentum": "0"}, None)
    'sgd 0.2 * 0.8^t, 10 steps'
    """
    rate = given["step"] + (f" * {given['decay']}^t" if float(given["decay"]) != 1 else "")
    rate += f" {schedule}" if schedule else ""
    push = f" momentum {given['momentum']}" if float(given["momentum"]) else ""
    return f"{given['optimizer']} {rate}{push}, {given['steps']} steps"


def path_table(surface: Surface, paths: dict[str, DescentPath]) -> Table:
    """A row for each descent."""
    found = empty_table("descent", right=("end", "final f", "lowest f", "minimum"))
    for column in found.columns:
        column.no_wrap = True
    for name, path in paths.items():
        end = f"({path.end[0]:.4f}, {path.end[1]:.4f})"
        place = "none" if path.minimum is None else f"{float(surface(*surface.minima[path.minimum])):.5f}"
        found.add_row(name, end, f"{path.final:.5f}", f"{path.lowest:.5f}", place)
    return found


def as_json(surface: Surface, paths: dict[str, DescentPath]) -> dict[str, Any]:
    """The function, its minima and the descents as JSON-able values."""
    minima = [{"x": x, "y": y, "f": float(surface(x, y))} for x, y in surface.minima]
    descents = [
        {"name": name, "optimizer": path.optimizer.config(), "f": path.final, "lowest": path.lowest, "end": path.end,
         "minimum": path.minimum, "stopped": path.stopped, "path": path.rows()}
        for name, path in paths.items()
    ]  # fmt: skip
    return {"function": surface.config(), "minima": minima, "descents": descents}


def draw_paths(surface: Surface, paths: dict[str, DescentPath], file: Path) -> None:
    """Plot contours with the paths, and f against the step."""
    from matplotlib.figure import Figure

    from clearprop.plots import descent_figure, save

    figure = Figure(figsize=(10.0, 4.9), layout="constrained")
    points = {name: path.points for name, path in paths.items()}
    save(descent_figure(surface, surface.box, points, surface.minima, figure), file)


def draw_basins(surface: Surface, paths: dict[str, DescentPath], file: Path) -> None:
    """Plot, for each descent, the minimum that its optimizer reaches from each starting point."""
    from matplotlib.figure import Figure

    from clearprop.descent import map_basins
    from clearprop.plots import save
    from clearprop.plots.basin_map import basin_grid, grid_size

    maps = {name.rpartition(",")[0]: map_basins(surface, path.optimizer) for name, path in paths.items()}
    figure = Figure(figsize=grid_size(len(maps)), layout="constrained")
    heights = [float(surface(x, y)) for x, y in surface.minima]
    save(basin_grid({name: (m.x, m.y, m.reached) for name, m in maps.items()}, surface.minima, heights, figure), file)
