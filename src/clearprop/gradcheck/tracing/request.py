"""A request to check a program, as it goes from the caller to the process that attends to the program."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from clearprop.gradcheck.tracing.limits import Limits

Kind = Literal["namespaces", "bubblewrap", "landlock", "none"]
KINDS: Final[tuple[Kind, ...]] = ("namespaces", "bubblewrap", "landlock", "none")
SAID: Final[dict[Kind, str]] = {
    "namespaces": "",
    "bubblewrap": "",
    "landlock": "This system has no namespaces for unprivileged users: each program is confined by Landlock, "
    "and cannot write outside its own folder, but it sees the other processes.",
    "none": "This system has neither namespaces nor Landlock: a program is only stopped by its limits, "
    "so check no work of people whom you do not trust.",
}


@dataclass(frozen=True)
class Request:
    """A program to check.

    Attributes
    ----------
    path : str
    place : str
        An empty folder for what the check needs.
    names : list of str
    seed : int
    limits : Limits
    alone : str
        The file or folder that is copied, so that the program sees nothing beside it; "" if it sees its own folder.
    kind : {"namespaces", "bubblewrap", "landlock", "none"}
        The strongest confinement that is tried.
    changes : list of (int, str)
        Lines of the program that are to be read otherwise, with their text.
    """

    path: str
    place: str
    names: list[str] = field(default_factory=list)
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    alone: str = ""
    kind: Kind = "namespaces"
    changes: list[tuple[int, str]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The request as JSON-able values."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Request:
        """The request that was written as JSON."""
        return cls(**{**found, "limits": Limits(**found["limits"])})


def forks() -> bool:
    """Whether processes are made by fork here; elsewhere each starts Python anew."""
    return sys.platform == "linux" and "fork" in vars(os)


def lacking(kind: Kind, missing: Sequence[str]) -> str:
    """The shortcomings of a system in confining a program, in one line.

    Examples
    --------
    >>> lacking("namespaces", [])
    ''
    """
    limits = f"It cannot limit the {', the '.join(missing)} of a program." if missing else ""
    return " ".join(filter(None, [SAID[kind], limits]))
