"""A rubric: which tensors of a submission count how much, read from a file of TOML or JSON.

    points = 10
    [tensors]
    W1 = 2
    "b1 | bias1" = 1
    "affine_backward.w" = 3

A key is the name of a tensor as the program writes it, or its last part ("W1" for self.params['W1']); in front of a dot,
the function may be named. A `|` stands between names for the same thing, and `*` for any letters.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from clearprop.errors import DataError
from clearprop.gradcheck.tracing.file_outcome import FileOutcome

KEYS = ("points", "tensors", "functions")
LARGEST = 1_000_000  # bytes of a rubric


@dataclass(frozen=True)
class Item:
    """The points for one line of a rubric, or for one tensor without a rubric.

    Attributes
    ----------
    name : str
    verdict : str
        "right", "wrong", "inconclusive", or "missing" where the submission has no such tensor.
    score, most : float
    """

    name: str
    verdict: str
    score: float
    most: float


@dataclass(frozen=True)
class Rubric:
    """The weights of tensors.

    Attributes
    ----------
    tensors : dict of str to float
        Weights by the names of tensors; if there are none, every tensor of a submission counts the same.
    points : float
        The points for a submission in which all is right.
    functions : tuple of str
        Functions and classes that are checked; all that are recognised if there are none.
    """

    tensors: Mapping[str, float] = field(default_factory=dict)
    points: float = 100.0
    functions: tuple[str, ...] = ()

    def items(self, outcome: FileOutcome) -> list[Item]:
        """The points for each tensor of a submission."""
        found = tensors_of(outcome)
        if not self.tensors:
            weights = {name: 1.0 for name, _, _ in found} or {"gradients": 1.0}
            verdicts = {name: verdict for name, _, verdict in found}
        else:
            weights = dict(self.tensors)
            verdicts = {key: verdict_on(key, found) for key in weights}
        total = sum(weights.values())
        items = []
        for name, weight in weights.items():
            verdict, most = verdicts.get(name, "missing"), self.points * weight / total
            items.append(Item(name, verdict, most if verdict == "right" else 0.0, most))
        return items

    def score(self, outcome: FileOutcome) -> float:
        """The points of a submission, rounded to a hundredth."""
        return round(sum(item.score for item in self.items(outcome)), 2)


def tensors_of(outcome: FileOutcome) -> list[tuple[str, str, str]]:
    """Name with its function where there are several, the tensor's own name, and the verdict, of each tensor."""
    several = len(outcome.functions) > 1
    return [
        (f"{function.name}.{tensor['name']}" if several else str(tensor["name"]), str(tensor["name"]), str(tensor["verdict"]))
        for function in outcome.functions
        for tensor in function.report.get("tensors", ())
    ]


def verdict_on(key: str, found: list[tuple[str, str, str]]) -> str:
    """The verdict on the tensors that a key of a rubric means: right only if all are.

    Examples
    --------
    >>> found = [("step.self.params['W1']", "self.params['W1']", "right"), ("step.b1", "b1", "wrong")]
    >>> verdict_on("W1", found), verdict_on("step.b1", found), verdict_on("W2 | w2", found)
    ('right', 'wrong', 'missing')
    """
    patterns = [part.strip() for part in key.split("|")]
    verdicts = {
        verdict
        for whole, own, verdict in found
        if any(fnmatchcase(name, escaped(p)) for p in patterns for name in (whole, own, last_part(own)))
    }
    for verdict in ("wrong", "inconclusive", "right"):
        if verdict in verdicts:
            return verdict
    return "missing"


def escaped(pattern: str) -> str:
    """A pattern in which brackets mean themselves: they are part of names such as params['W1']."""
    return pattern.replace("[", "[[]")


def last_part(name: str) -> str:
    """The last name in an expression: W1 in self.params['W1']; not an index."""
    words = re.findall(r"[A-Za-z_]\w*", name)
    return words[-1] if words else name


def read_rubric(path: str | Path) -> Rubric:
    """The rubric in a file of TOML or JSON.

    Raises
    ------
    DataError
        If there is no such file, or it is no rubric.
    """
    place = Path(path)
    try:
        text = place.read_bytes()[:LARGEST].decode("utf-8")
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or "it is not in UTF-8"
        raise DataError(f"The rubric {str(path)!r} cannot be read ({said}); give a file of TOML or JSON.") from None
    try:
        found = json.loads(text) if place.suffix.lower() == ".json" else parsed_toml(text)
    except (ValueError, RecursionError) as error:
        kind = "JSON" if place.suffix.lower() == ".json" else "TOML"
        raise DataError(f"The rubric {str(path)!r} is no {kind}: {str(error) or 'it is nested too deep'}.") from None
    return rubric_of(found, str(path))


def parsed_toml(text: str) -> dict[str, Any]:
    """The tables of a text of TOML."""
    import tomllib

    return tomllib.loads(text)


def rubric_of(found: Any, path: str) -> Rubric:
    """The rubric that a file holds, checked.

    Raises
    ------
    DataError
        In one sentence.
    """
    if not isinstance(found, dict):
        raise DataError(f"The rubric {path!r} must hold a table with tensors, not {type(found).__name__}.")
    for key in found:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, 1)
            also = f"; did you mean {near[0]!r}?" if near else f"; a rubric has {', '.join(KEYS)}."
            raise DataError(f"The rubric {path!r} has an unknown entry {key!r}{also}")
    tensors, points, functions = found.get("tensors", {}), found.get("points", 100.0), found.get("functions", [])
    if not is_amount(points) or points <= 0:
        raise DataError(f"points in the rubric {path!r} must be a positive number, not {points!r:.80}.")
    if not isinstance(functions, list) or not all(isinstance(name, str) for name in functions):
        raise DataError(f"functions in the rubric {path!r} must be a list of names, not {functions!r:.80}.")
    if not isinstance(tensors, dict):
        raise DataError(f"tensors in the rubric {path!r} must be a table of names and weights, not {tensors!r:.80}.")
    for name, weight in tensors.items():
        if not is_amount(weight):
            raise DataError(f"The weight of {name!r} in the rubric {path!r} must be a number from 0 on, not {weight!r:.80}.")
    if tensors and not any(tensors.values()):
        raise DataError(f"All weights in the rubric {path!r} are 0; give at least one tensor a weight.")
    return Rubric({name: float(weight) for name, weight in tensors.items()}, float(points), tuple(functions))


def is_amount(thing: Any) -> bool:
    """Whether it is a finite number from 0 on."""
    return isinstance(thing, (int, float)) and not isinstance(thing, bool) and math.isfinite(thing) and thing >= 0
