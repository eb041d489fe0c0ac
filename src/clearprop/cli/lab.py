"""`clearprop lab`: open the lab in the browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearprop.cli import folder as folders
from clearprop.cli import options as o
from clearprop.cli.console import screen
from clearprop.errors import OptionError

if TYPE_CHECKING:
    from clearprop.data.dataset import Dataset
    from clearprop.nn import Net
    from clearprop.registry import Registry

OPTIONS = ("hidden", "activation", "batch_norm", "dropout", "init", "loss", "optimizer", "lr", "momentum", "schedule",
           "batch_size", "weight_decay", "seed")  # fmt: skip
"""Options that are settings of the run."""
POINTS = {"points": "n", "noise": "noise", "val": "val"}
"""Options about points that are drawn, and their names in a state."""


def lab(
    ctx: typer.Context,
    source: Annotated[
        str | None,
        o.argument("A toy (circles, xor, spirals, ...), digits, a table, or the folder of a training run.", "[SOURCE | RUN]"),
    ] = None,
    target: Annotated[str | None, o.option(o.DATA, "Column of a table to predict.", metavar="COLUMN")] = None,
    points: Annotated[int | None, o.option(o.DATA, "Number of points of a toy.", metavar="N")] = None,
    noise: Annotated[float | None, o.option(o.DATA, "Noise of a toy, such as 0.15.")] = None,
    val: Annotated[float | None, o.option(o.DATA, "Fraction held out for validation, such as 0.25.")] = None,
    hidden: o.Hidden = None,
    activation: o.ActivationName = None,
    batch_norm: Annotated[
        bool, o.option(o.NETWORK, "Batch normalisation before every hidden activation.", "--batch-norm")
    ] = False,
    dropout: o.Dropout = None,
    init: o.Init = None,
    loss: o.LossName = None,
    optimizer: o.OptimizerName = None,
    lr: o.Rate = None,
    momentum: o.Momentum = None,
    schedule: o.ScheduleName = None,
    batch_size: Annotated[int | None, o.option(o.TRAINING, "Examples per step.", metavar="N")] = None,
    weight_decay: o.WeightDecay = None,
    seed: o.Seed = None,
    state: Annotated[
        str | None,
        typer.Option(
            help="Data, settings and plane to begin with; other options override it.", metavar="FILE|JSON", show_default=False
        ),
    ] = None,
    lesson: Annotated[int | None, typer.Option(help="Lesson to open, from 1.", metavar="N", show_default=False)] = None,
    hide: Annotated[
        str | None,
        typer.Option(help="Panels and controls to hide, such as settings,rate.", metavar="NAMES", show_default=False),
    ] = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 for one that is free.", metavar="N")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
) -> None:
    """Open the lab in the browser: a network that one can touch, while it trains. Ctrl-C ends it.

    Example: clearprop lab spirals --hidden 8,8 --optimizer adam --lr 0.03
    """
    from clearprop.laboratory import lab as open_lab

    net, data, begun = opened(source, target)
    begun = merged(merged(begun, stated(state)), chosen(dict(ctx.params), data))
    console = screen(error=True)

    def say(address: str) -> None:
        console.print(f"The lab is open at {address}  (Ctrl-C ends it)", markup=False, highlight=False, soft_wrap=True)

    hidden_names = () if hide is None else tuple(name.strip() for name in hide.split(",") if name.strip())
    open_lab(net, data, state=begun, lesson=lesson, hide=hidden_names, port=port, browser=not no_browser, say=say)


def merged(state: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A state with some values replaced; those of `data` and `settings` one by one.

    Examples
    --------
    >>> merged({"settings": {"lr": 0.1, "seed": 1}}, {"settings": {"lr": 0.3}, "plane": [0, 1]})
    {'settings': {'lr': 0.3, 'seed': 1}, 'plane': [0, 1]}
    """
    parts = {
        name: {**state[name], **changes[name]}
        for name in ("data", "settings")
        if isinstance(state.get(name), dict) and isinstance(changes.get(name), dict)
    }
    return {**state, **changes, **parts}


def stated(text: str | None) -> dict[str, Any]:
    """The state that --state gives, as JSON or as a file that holds it.

    Raises
    ------
    OptionError
        If it is neither.
    """
    if text is None:
        return {}
    written = text.lstrip().startswith("{")
    try:
        found = json.loads(text if written else Path(text).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise OptionError(
            f'--state takes a JSON file, or JSON such as \'{{"settings": {{"lr": 0.3}}}}\', not {text[:60]!r}.'
        ) from None
    if not isinstance(found, dict):
        raise OptionError(f"--state must hold an object with data, settings and plane, not {type(found).__name__}.")
    return found


def chosen(given: dict[str, Any], data: Dataset | None) -> dict[str, Any]:
    """The state that the options for data and settings give.

    Raises
    ------
    OptionError
        If points or noise are given for data that are not drawn.
    """
    from clearprop.cli.configuration import parse_options

    drawn = {POINTS[name]: given[name] for name in POINTS if given[name] is not None}
    if data is not None and drawn:
        raise OptionError(
            "--points, --noise and --val are for toys, whose points are drawn; leave them out for data of your own."
        )
    asked = {name: given[name] for name in OPTIONS} | {"batch_norm": given["batch_norm"] or None}
    settings = {name: spelt(name, value) for name, value in parse_options(asked).items()}
    return {**({"data": drawn} if drawn else {}), **({"settings": settings} if settings else {})}


def spelt(name: str, value: Any) -> Any:
    """A value as the page lists it: names in the spelling of their registry.

    Examples
    --------
    >>> spelt("loss", "mse"), spelt("activation", ("linear", "leaky-relu")), spelt("lr", 0.1)
    ('mean_squared_error', ['identity', 'leaky_relu'], 0.1)
    """
    from clearprop.nn import ACTIVATIONS, INITIALISERS, LOSSES
    from clearprop.optim import OPTIMIZERS, SCHEDULES

    registries: dict[str, Registry[Any]] = {
        "activation": ACTIVATIONS, "init": INITIALISERS, "loss": LOSSES, "optimizer": OPTIMIZERS, "schedule": SCHEDULES
    }  # fmt: skip
    if isinstance(value, tuple):
        return [spelt(name, one) for one in value]
    if name not in registries or not isinstance(value, str):
        return value
    found = registries[name].find("identity" if value == "linear" else value)
    return next(known for known, entry in registries[name].entries.items() if entry is found)


def opened(source: str | None, target: str | None) -> tuple[Net | None, Dataset | None, dict[str, Any]]:
    """Net, data and state that a source stands for."""
    from clearprop.data import load
    from clearprop.data.toys import TOYS

    if source is None or source in TOYS or source == "digits":
        if target is not None:
            raise OptionError(f"--target names a column of a table, but {source or 'circles'} is none.")
        return (
            None,
            None,
            {} if source is None else {"data": {"source": source}, **({"plane": [-1, -1]} if source == "digits" else {})},
        )
    folder = Path(source)
    if folder.is_dir() and folders.is_training_run(folder):
        return of_run(folder)
    return None, load(source, target=target, test=0), {}


def of_run(folder: Path) -> tuple[Net, Dataset, dict[str, Any]]:
    """The net and the data of a training run, and its settings as far as a lab has them.

    Raises
    ------
    OptionError
        If the run does not say which data it learned from.
    """
    from clearprop.data import load
    from clearprop.export import Model
    from clearprop.laboratory.extras import described
    from clearprop.laboratory.state import ADJUSTABLE

    model = Model.load(folder)
    try:
        config = json.loads((folder / folders.CONFIG).read_text(encoding="utf-8"))
        options = {name: value for name, value in config["data"].items() if value is not None}
        source, settings = options.pop("source"), dict(config["settings"])
        seed = settings.get("seed", 0)
    except (OSError, ValueError, KeyError, TypeError):
        raise OptionError(f"{folder} holds no configuration that says which data it learned from; give a source.") from None
    if (folder / source).is_file():
        source = folder / source  # a run that was taken away from a lab brings its table
    kept = {name: settings[name] for name in ADJUSTABLE if settings.get(name) is not None}
    if not isinstance(kept.get("init", ""), str):
        del kept["init"]
    return model.net, load(source, **{**options, "seed": seed}), {"settings": {**kept, **described(model.net)}}
