"""`clearprop info`: describe a model file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clearprop.cli import options as o
from clearprop.cli.console import plain, print_json, screen

if TYPE_CHECKING:
    from clearprop.export.model import Model

SHOWN = 12  # names of classes or features that are printed; of more, only the number


def info(model: o.Model, json: o.Json = False) -> None:
    """Describe a trained network: layers, parameters, classes, inputs, loss and scaling.

    Example: clearprop info runs/circles
    """
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
    """The model without its parameters, as JSON-able values."""
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
    """The facts as pairs of a label and a text."""
    lines = [("trained on", model.name), ("task", model.task), ("target", ", ".join(model.targets))]
    if model.classes:
        lines.append(("classes", some([str(label) for label in model.classes])))
    shape = f" (images of {model.image_shape[0]} x {model.image_shape[1]})" if model.image_shape else ""
    names = "" if shape else f": {some(list(model.features))}"
    lines.append(("inputs", f"{len(model.features)}{shape}{names}"))
    lines.append(("scaling", "unknown" if model.encoder is None else model.encoder.scaling_in_words()))
    lines.append(("loss", repr(model.loss)))
    return lines


def some(names: list[str]) -> str:
    """A list of names, cut off after the first 12.

    Examples
    --------
    >>> some(["a", "b"]), some([str(i) for i in range(100)])[-20:]
    ('a, b', ' 10, 11 (88 more)...')
    """
    more = f" ({len(names) - SHOWN} more)..." if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
