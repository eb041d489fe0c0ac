"""`clearprop descend`: gradient descent on functions of two variables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearprop.cli.console import plain, print_json, screen
from clearprop.errors import OptionError

if TYPE_CHECKING:
    from clearprop.descent import Path as DescentPath
    from clearprop.descent import Surface

FUNCTIONS = "published, bowl, rosenbrock, beale, himmelblau or saddle."
MANY = "Several, with commas, are compared."


def descend(
    function: Annotated[str, typer.Argument(help=FUNCTIONS, metavar="FUNCTION")] = "published",
    start: Annotated[str | None, typer.Option(help="x,y of the start.", show_default=False, metavar="X,Y")] = None,
    step: Annotated[str, typer.Option(help=f"Step size: the learning rate. {MANY}", metavar="LR")] = "0.1",
    steps: Annotated[str, typer.Option(help=f"Number of steps. {MANY}", metavar="N")] = "10",
    decay: Annotated[str, typer.Option(help=f"d: step t, from 0, is step * d^t long. {MANY}", metavar="D")] = "1",
    optimizer: Annotated[str, typer.Option(help=f"sgd, adagrad, rmsprop or adam. {MANY}", metavar="NAME")] = "sgd",
    momentum: Annotated[str, typer.Option(help=f"For sgd. {MANY}", metavar="M")] = "0",
    schedule: Annotated[str | None, typer.Option(help="In place of --decay.", show_default=False)] = None,
    schedule_arg: Annotated[list[str] | None, typer.Option(help="As for clearprop train.", metavar="NAME=NUMBER")] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw contours, paths and values to this .png or .svg file.", show_default=False)
    ] = None,
    basins: Annotated[
        Path | None, typer.Option(help="Draw which starts end at which minimum, for each descent.", show_default=False)
    ] = None,
    answers: Annotated[
        bool, typer.Option("--answers", help="Answer the published questions about step sizes, with figures.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Follow optimizers down a function of two variables.

    The three published descents: clearprop descend --step 0.1,0.305,0.2 --steps 10,13,10 --decay 1,1,0.8 --plot descent.png
    """
    from clearprop.cli.options import parse_pairs
    from clearprop.descent import SURFACES, answer_questions, descend

    surface = SURFACES.make(function)
    begin = surface.start if start is None else parse_point(start)
    lists = {"step": step, "steps": steps, "decay": decay, "optimizer": optimizer, "momentum": momentum}
    wanted = line_up({name: [item.strip() for item in text.split(",")] for name, text in lists.items()})
    extra = parse_pairs(schedule_arg or [])
    paths = {in_words(given, schedule): descend(surface, begin, *make_descent(given, schedule, extra)) for given in wanted}
    if plot is not None:
        draw_paths(surface, paths, plot)
    if basins is not None:
        draw_basins(surface, paths, basins)
    found = answer_questions(begin) if answers else []
    if json:
        print_json(plain(as_json(surface, paths) | ({"answers": found} if answers else {})))
        return
    console = screen()
    console.print(f"{type(surface).__name__}, from ({begin[0]:g}, {begin[1]:g}), where f = {float(surface(*begin)):.6g}\n")
    console.print(table(surface, paths))
    for note in [f"{name}: {path.stopped}." for name, path in paths.items() if path.stopped]:
        console.print(note, markup=False)
    for answer in found:
        console.print(f"\n[bold]{answer['question']}[/bold]\n{answer['answer']}")
    for file in (plot, basins):
        if file is not None:
            console.print(f"Drawn in {file}.", markup=False)


def parse_point(text: str) -> tuple[float, float]:
    """A point from the text "3,2".

    Examples
    --------
    >>> parse_point("3,2")
    (3.0, 2.0)
    """
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError as error:
        raise OptionError(f"--start takes two numbers such as 3,2, not {text!r}.") from error
    return x, y


def line_up(lists: dict[str, list[str]]) -> list[dict[str, str]]:
    """The settings of each descent: lists of one length side by side, single values in all.

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

    numbers = {name: parse_number(name, given[name]) for name in ("step", "decay", "momentum")}
    steps = int(parse_number("steps", given["steps"], whole=True))
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


def parse_number(name: str, text: str, whole: bool = False) -> float:
    """A number from the text of an option."""
    try:
        return int(text) if whole else float(text)
    except ValueError as error:
        example = "whole numbers such as 10 or 10,13" if whole else "numbers such as 0.1 or 0.1,0.3"
        raise OptionError(f"--{name} takes {example}, not {text!r}.") from error


def in_words(given: dict[str, str], schedule: str | None) -> str:
    """A descent in a few words, for tables and legends.

    Examples
    --------
    >>> in_words({"optimizer": "sgd", "step": "0.2", "steps": "10", "decay": "0.8", "momentum": "0"}, None)
    'sgd 0.2 * 0.8^t, 10 steps'
    """
    rate = given["step"] + (f" * {given['decay']}^t" if float(given["decay"]) != 1 else "")
    rate += f" {schedule}" if schedule else ""
    push = f" momentum {given['momentum']}" if float(given["momentum"]) else ""
    return f"{given['optimizer']} {rate}{push}, {given['steps']} steps"


def table(surface: Surface, paths: dict[str, DescentPath]) -> Any:
    """A row for each descent."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    found = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    found.add_column("descent", no_wrap=True)
    for name in ("end", "f at the end", "lowest f", "near"):
        found.add_column(name, justify="right", no_wrap=True)
    for name, path in paths.items():
        end = f"({path.end[0]:.4f}, {path.end[1]:.4f})"
        place = "none" if path.minimum is None else f"{float(surface(*surface.minima[path.minimum])):.5f}"
        found.add_row(name, end, f"{path.final:.5f}", f"{path.lowest:.5f}", place)
    return found


def as_json(surface: Surface, paths: dict[str, DescentPath]) -> dict[str, Any]:
    """Everything as JSON-able values."""
    minima = [{"x": x, "y": y, "f": float(surface(x, y))} for x, y in surface.minima]
    descents = [
        {"name": name, "optimizer": path.optimizer.config(), "f": path.final, "lowest": path.lowest, "end": path.end,
         "minimum": path.minimum, "stopped": path.stopped, "path": path.rows()}
        for name, path in paths.items()
    ]  # fmt: skip
    return {"function": surface.config(), "minima": minima, "descents": descents}


def draw_paths(surface: Surface, paths: dict[str, DescentPath], file: Path) -> None:
    """Contours with the paths, and f against the step."""
    from matplotlib.figure import Figure

    from clearprop.plots import descent_figure, save

    figure = Figure(figsize=(10.0, 4.9), layout="constrained")
    points = {name: path.points for name, path in paths.items()}
    save(descent_figure(surface, surface.box, points, surface.minima, figure), file)


def draw_basins(surface: Surface, paths: dict[str, DescentPath], file: Path) -> None:
    """For each descent, from which starts its optimizer comes to rest where."""
    from matplotlib.figure import Figure

    from clearprop.descent import map_basins
    from clearprop.plots import save
    from clearprop.plots.basin_map import basin_grid, grid_size

    maps = {name.rpartition(",")[0]: map_basins(surface, path.optimizer) for name, path in paths.items()}
    figure = Figure(figsize=grid_size(len(maps)), layout="constrained")
    heights = [float(surface(x, y)) for x, y in surface.minima]
    save(basin_grid({name: (m.x, m.y, m.reached) for name, m in maps.items()}, surface.minima, heights, figure), file)
