"""`clearprop info`: what is in a model file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearprop.cli.console import plain, print_json, screen
from clearprop.cli.predict import MODEL

if TYPE_CHECKING:
    from clearprop.export.model import Model

SHOWN = 12  # names of classes and features that are printed before "and so many more"


def info(
    model: Annotated[Path, typer.Argument(help=MODEL, metavar="MODEL", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Describe a trained network: layers, parameters, classes, inputs, loss and scaling."""
    from clearprop.export.model import Model

    found = Model.load(model)
    if json:
        print_json(plain(facts(found)))
        return
    console = screen()
    for label, value in described(found):
        console.print(f"{label:<11} {value}", markup=False)
    console.print()
    console.print(found.net.summary(), markup=False)


def facts(model: Model) -> dict[str, Any]:
    """The model without its numbers, as JSON-able values."""
    return {
        "name": model.name,
        "task": model.task,
        "classes": list(model.classes),
        "targets": list(model.targets),
        "features": list(model.features),
        "image_shape": list(model.image_shape) if model.image_shape else None,
        "layers": [layer.config() for layer in model.net.layers],
        "loss": model.loss.config(),
        "dtype": model.net.dtype.name,
        "parameters": int(model.net.theta.size),
        "encoder": None if model.encoder is None else model.encoder.to_json(),
    }


def described(model: Model) -> list[tuple[str, str]]:
    """The facts, line by line, as people read them."""
    lines = [("trained on", model.name), ("task", model.task), ("predicts", ", ".join(model.targets))]
    if model.classes:
        lines.append(("classes", some([str(label) for label in model.classes])))
    shape = f" (images of {model.image_shape[0]} x {model.image_shape[1]})" if model.image_shape else ""
    names = "" if shape else f": {some(list(model.features))}"
    lines.append(("inputs", f"{len(model.features)}{shape}{names}"))
    lines.append(("scaling", scaling(model)))
    lines.append(("loss", repr(model.loss)))
    return lines


def some(names: list[str]) -> str:
    """A list of names that may be long.

    Examples
    --------
    >>> some(["a", "b"]), some([str(i) for i in range(100)])[-20:]
    ('a, b', ' 10, 11 (88 more)...')
    """
    more = f" ({len(names) - SHOWN} more)..." if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def scaling(model: Model) -> str:
    """What is done to raw values before they enter the net."""
    if model.encoder is None:
        return "unknown"
    columns = model.encoder.columns
    if columns:
        texts = sum(column.scaling is None for column in columns)
        return f"numeric columns scaled: {len(columns) - texts}; categorical columns as one-hot: {texts}"
    from clearprop.data.scaling import Scaling

    inputs = model.encoder.inputs
    if inputs == Scaling() or not isinstance(inputs, Scaling):
        return "none"
    if len(inputs.shift) == 1:
        return f"(x - {inputs.shift[0]:g}) / {inputs.spread[0]:g}"
    return "each input shifted and divided by figures of the training examples"
