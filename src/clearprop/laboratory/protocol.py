"""The protocol: every message of the page as a row of one table, checked at the door."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from clearprop.errors import OptionError

LARGEST = 1_000_000  # bytes of a message
DEEPEST = 6  # levels of nesting

Check = Callable[[Any], bool]


class Part(NamedTuple):
    """One value of a message.

    Attributes
    ----------
    fits : callable
        Whether a value is of the kind.
    words : str
        The kind, for an error.
    optional : bool
    """

    fits: Check
    words: str
    optional: bool = False


def whole(value: Any) -> bool:
    """Whether it is an integer from 0 to a billion."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**9


def real(value: Any) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))


INDEX = Part(
    lambda value: isinstance(value, list) and 1 <= len(value) <= 2 and all(map(whole, value)), "one or two numbers from 0"
)
NUMBER = Part(whole, "a number from 0")
REAL = Part(real, "a number")
FLAG = Part(lambda value: isinstance(value, bool), "true or false")
TEXT = Part(lambda value: isinstance(value, str) and len(value) <= 200, "a text of at most 200 characters")
OBJECT = Part(lambda value: isinstance(value, dict), "an object")
TEXTS = Part(lambda value: isinstance(value, list) and len(value) <= 10 and all(isinstance(one, str) for one in value), "texts")
PARAMETER = Part(lambda value: value in ("W", "b"), '"W" or "b"')

MESSAGES: dict[str, dict[str, Part]] = {
    "ack": {"frame": NUMBER},
    "run": {"on": FLAG},
    "pace": {"steps": NUMBER},
    "step": {"n": NUMBER},
    "epoch": {},
    "back": {"to": NUMBER},
    "reset": {},
    "change": {"state": OBJECT},
    "undo": {},
    "weight": {"layer": NUMBER, "name": PARAMETER, "index": INDEX, "value": REAL},
    "freeze": {"layer": NUMBER, "name": PARAMETER, "index": INDEX, "on": FLAG},
    "hold": {"layer": NUMBER, "unit": NUMBER, "on": FLAG},
    "silence": {"layer": NUMBER, "unit": NUMBER},
    "card": {"layer": NUMBER, "name": PARAMETER, "index": INDEX},
    "unit": {"column": NUMBER, "unit": NUMBER},
    "slow": {},
    "insights": {},
    "faults": {},
    "plant": {"slug": TEXT, "site": TEXTS},
    "heal": {},
    "check": {},
    "doctor": {},
    "remedy": {"number": NUMBER},
    "pin": {},
    "unpin": {},
}
"""Every message that a page may send, with its values."""


class Message(NamedTuple):
    """A message that was read.

    Attributes
    ----------
    kind : str
        A key of `MESSAGES`.
    values : dict
    """

    kind: str
    values: dict[str, Any]


def read_message(text: str | bytes) -> Message:
    """A message from its JSON.

    Raises
    ------
    OptionError
        If it is too large, no JSON, of no known kind, or a value is missing, of another kind, or not asked for.

    Examples
    --------
    >>> read_message('{"type": "step", "n": 10}')
    Message(kind='step', values={'n': 10})
    >>> read_message('{"type": "step", "n": "ten"}')
    Traceback (most recent call last):
    clearprop.errors.OptionError: n of a message 'step' must be a number from 0, not 'ten'.
    """
    if len(text) > LARGEST:
        raise OptionError(f"A message holds at most {LARGEST:,} bytes, not {len(text):,}.")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise OptionError("A message must be JSON.") from None
    if not isinstance(found, dict) or not isinstance(found.get("type"), str) or depth(found) > DEEPEST:
        raise OptionError("A message must be an object with a type.")
    kind = found.pop("type")
    if kind not in MESSAGES:
        raise OptionError(f"There is no message {kind[:40]!r}; there are {', '.join(MESSAGES)}.")
    parts = MESSAGES[kind]
    for name in found:
        if name not in parts:
            raise OptionError(f"A message {kind!r} has no {name[:40]!r}.")
    for name, part in parts.items():
        if name not in found:
            raise OptionError(f"A message {kind!r} needs {name}: {part.words}.")
        if not part.fits(found[name]):
            raise OptionError(f"{name} of a message {kind!r} must be {part.words}, not {str(found[name])[:40]!r}.")
    return Message(kind, found)


def depth(value: Any) -> int:
    """Levels of nesting; counted without recursion, so that no message can exhaust the stack."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        one, level = waiting.pop()
        deepest = max(deepest, level)
        if level > DEEPEST:
            return deepest
        inside = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        waiting += [(part, level + 1) for part in inside if isinstance(part, (dict, list))]
    return deepest
