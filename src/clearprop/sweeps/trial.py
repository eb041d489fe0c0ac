"""The trial: one combination of settings with one seed, and who it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clearprop.errors import OptionError
from clearprop.registry import Configured

Row = dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """One training run of a sweep.

    Attributes
    ----------
    settings : dict
        Those that the sweep varies.
    replicate : int
        0 for the first seed of these settings, 1 for the second, ...
    key : str
        Names the trial: a digest of what the sweep does (its data, fixed settings and seed), of the settings and of the
        replicate. The same key means the same numbers, in whatever order, on whatever machine.
    seed : int
        Drawn by `SeedSequence` from the sweep's seed and this trial's part of the key, so that it depends on nothing else.
    """

    settings: Row = field(hash=False)
    replicate: int
    key: str
    seed: int

    @classmethod
    def of(cls, settings: Mapping[str, Any], replicate: int, sweep_seed: int, identity: str = "") -> Trial:
        """The trial of a sweep of this seed that does what `identity` says.

        Examples
        --------
        >>> one, other = (Trial.of({"lr": 0.1}, replicate, sweep_seed=0) for replicate in (0, 1))
        >>> one.seed == Trial.of({"lr": 0.1}, 0, sweep_seed=0).seed, one.seed == other.seed
        (True, False)
        """
        own = digest({"settings": dict(settings), "replicate": replicate})
        words = [int(own[i : i + 8], 16) for i in range(0, 32, 8)]
        seed = int(np.random.SeedSequence([sweep_seed, *words]).generate_state(1)[0])
        return cls(dict(settings), replicate, digest([identity, sweep_seed, own])[:16], seed)

    def columns(self) -> Row:
        """What begins every row of the trial: its settings, `replicate`, `seed` and `trial`, which is its key."""
        shown = {name: plain_setting(value) for name, value in self.settings.items()}
        return {**shown, "replicate": self.replicate, "seed": self.seed, "trial": self.key}


def digest(value: Any) -> str:
    """SHA-256 of a value in terms of JSON, in hexadecimal.

    Raises
    ------
    OptionError
        If it holds what JSON cannot.
    """
    try:
        text = json.dumps(value, sort_keys=True, default=_for_json)
    except TypeError as error:
        raise OptionError(f"The settings of a sweep must be numbers, texts or lists of them: {error}.") from error
    return hashlib.sha256(text.encode()).hexdigest()


def _for_json(value: Any) -> Any:
    if isinstance(value, Configured):
        return value.config()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} is a {type(value).__name__}")


def plain_setting(value: Any) -> Any:
    """A setting as a cell of a table: several units or names as one text, an object as its `repr`.

    Examples
    --------
    >>> plain_setting((64, 32)), plain_setting(0.1), plain_setting(())
    ('64-32', 0.1, 'none')
    """
    if isinstance(value, (list, tuple)):
        return "-".join(map(str, value)) or "none"
    return repr(value) if isinstance(value, (Configured, dict)) else value
