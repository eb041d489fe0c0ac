"""Values as they are written on the command line, and what they mean: numbers, layer sizes, settings and grids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clearprop.errors import OptionError

if TYPE_CHECKING:
    from clearprop.sweeps import Between

RENAMED = {"batch": "batch-size"}
"""Earlier spellings of options, which are accepted but not shown."""
COUNTS = ("batch_size", "epochs", "patience", "examples")
NAMES = ("loss", "optimizer", "schedule", "init", "order", "remainder", "engine", "dtype")


def current_spelling(name: str) -> str:
    """An option's name as it is spelled today.

    Examples
    --------
    >>> current_spelling("batch"), current_spelling("epochs")
    ('batch-size', 'epochs')
    """
    return RENAMED.get(name, name)


def parse_number(what: str, text: str) -> float:
    """A number, kept whole if it is written so.

    Examples
    --------
    >>> parse_number("--lr", "0.1"), parse_number("--steps", "10")
    (0.1, 10)
    """
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise OptionError(f"{what} takes numbers such as 0.1, not {text!r}.")


def parse_size(what: str, text: str) -> int | float:
    """The size of a split: a number of examples if `text` is a whole number, otherwise a fraction of them.

    Examples
    --------
    >>> parse_size("--val", "500"), parse_size("--val", "0.2")
    (500, 0.2)
    """
    try:
        return parse_number(what, text)
    except OptionError:
        raise OptionError(f"{what} takes a fraction such as 0.15 or a number of examples such as 500, not {text!r}.") from None


def parse_count(what: str, text: str) -> int:
    """A whole number.

    Examples
    --------
    >>> parse_count("--steps", "10")
    10
    """
    try:
        return int(text)
    except ValueError:
        raise OptionError(f"{what} takes whole numbers such as 10, not {text!r}.") from None


def parse_count_or(word: str, what: str, text: str) -> int | None:
    """A whole number, or None for the given word.

    Examples
    --------
    >>> parse_count_or("all", "--batch-size", "64"), parse_count_or("all", "--batch-size", "all")
    (64, None)
    """
    if text.strip().lower() == word:
        return None
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise OptionError(f"{what} takes a whole number, 1 or more, or {word}, not {text!r}.")
    return number


def parse_hidden(text: str) -> tuple[int, ...]:
    """Numbers of units of the hidden layers.

    Examples
    --------
    >>> parse_hidden("300,100"), parse_hidden("none")
    ((300, 100), ())
    """
    if text.strip().lower() in ("", "none", "0"):
        return ()
    try:
        return tuple(int(units) for units in text.split(","))
    except ValueError:
        raise OptionError(f"--hidden takes whole numbers such as 300,100, or none, not {text!r}.") from None


def parse_activation(text: str) -> tuple[str, ...]:
    """Names of the activations of the hidden layers.

    Examples
    --------
    >>> parse_activation("tanh, relu")
    ('tanh', 'relu')
    """
    return tuple(name.strip() for name in text.split(","))


def parse_pairs(texts: Sequence[str]) -> dict[str, float]:
    """Numbers by name, as --schedule-arg takes them.

    Examples
    --------
    >>> parse_pairs(["rise=0.1", "total=500"])
    {'rise': 0.1, 'total': 500}
    """
    pairs = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            pairs[name.strip().replace("-", "_")] = parse_number("--schedule-arg", value)
        except OptionError:
            raise OptionError(f"--schedule-arg takes a name and a number such as rise=0.1, not {text!r}.") from None
    return pairs


def parse_grid(texts: Sequence[str]) -> dict[str, list[Any] | Between]:
    """The axes of a sweep, as --grid takes them: values ("lr=0.01,0.1") or a range ("lr=0.001:1:log").

    Examples
    --------
    >>> parse_grid(["batch_size=1,10,all", "hidden=64-32,none", "dropout=0:0.5"])
    {'batch_size': [1, 10, None], 'hidden': [(64, 32), ()], 'dropout': Between(low=0.0, high=0.5, log=False)}
    """
    from clearprop.sweeps import Between

    axes: dict[str, list[Any] | Between] = {}
    for text in texts:
        name, values = _named(text, "--grid lr=0.01,0.1")
        if name in axes:
            raise OptionError(f"--grid names {name} twice; give all its values at once.")
        parts = values.split(":")
        if len(parts) in (2, 3) and name not in (*NAMES, "activation"):
            if parts[2:] not in ([], ["log"]):
                raise OptionError(f"A range is written low:high or low:high:log, not {values!r}.")
            low, high = (parse_number(name, part) for part in parts[:2])
            whole = isinstance(low, int) and isinstance(high, int) and name in COUNTS
            axes[name] = Between(*((low, high) if whole else (float(low), float(high))), log=parts[2:] == ["log"])
        else:
            axes[name] = [parse_value(name, part) for part in values.split(",")]
    return axes


def parse_settings(texts: Sequence[str]) -> dict[str, Any]:
    """Settings by name, as --set takes them.

    Examples
    --------
    >>> parse_settings(["epochs=50", "optimizer=sgd", "patience=none"])
    {'epochs': 50, 'optimizer': 'sgd', 'patience': None}
    """
    pairs = (_named(text, "--set epochs=50") for text in texts)
    return {name: parse_value(name, value) for name, value in pairs}


def parse_value(name: str, text: str) -> Any:
    """One value of a setting in a grid; several units or names are joined by hyphens, as commas separate the values.

    Examples
    --------
    >>> parse_value("hidden", "64-32"), parse_value("lr", "1"), parse_value("nesterov", "yes")
    ((64, 32), 1.0, True)
    """
    text = text.strip()
    if name == "hidden":
        return parse_hidden(text.replace("-", ","))
    if name == "activation":
        return parse_activation(text.replace("-", ","))
    if name in NAMES:
        return None if name == "init" and text == "default" else text
    if name in COUNTS:
        return parse_count_or("all" if name == "batch_size" else "none", name, text)
    if name == "nesterov":
        return text.lower() in ("yes", "true", "1")
    return None if text == "none" else float(parse_number(name, text))


def _named(text: str, example: str) -> tuple[str, str]:
    """The name of a setting, in its current spelling, and its values."""
    name, equals, values = text.partition("=")
    name = current_spelling(name.strip().replace("_", "-")).replace("-", "_")
    if not equals or not name or not values.strip():
        raise OptionError(f"A setting is written as in {example}, not {text!r}.")
    return name, values
