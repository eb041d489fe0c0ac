"""Limits on the resources of a program, and which of them this system has."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

from clearprop.errors import OptionError

PROCESSES: Final = 64
FILE_SIZE: Final = 256 * 2**20
OPEN_FILES: Final = 256
LARGEST: Final = 1e9
SPARE: Final = 2**30  # bytes that the judge may need beyond what a program may have


@dataclass(frozen=True)
class Limits:
    """Limits on the resources of a script.

    Attributes
    ----------
    seconds : float
        Time from its start to the end of all checks.
    memory : int
        Memory in megabytes, of the script and all that it starts.
    """

    seconds: float = 60.0
    memory: int = 4096

    def __post_init__(self) -> None:
        for name, least, said in (("seconds", 0.0, "a positive number"), ("memory", 63.9, "a number of megabytes from 64 on")):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not least < value < LARGEST:
                raise OptionError(f"{name} must be {said}, not {value!r:.80}.")


def apply_limits(limits: Limits, processes: bool = True) -> None:
    """Limit this process, and all that it starts, as far as the system can."""
    size, seconds = int(limits.memory) * 2**20, int(limits.seconds) + 5
    wanted = {"AS": size, "CPU": seconds, "CORE": 0, "FSIZE": FILE_SIZE, "NOFILE": OPEN_FILES}
    _limit(wanted | ({"NPROC": PROCESSES} if processes else {}))


def limit_judge(limits: Limits) -> None:
    """Limit this process, which judges: a made-up recording may ask for any amount of memory and time."""
    _limit({"AS": int(limits.memory) * 2**20 + SPARE, "CPU": int(limits.seconds) + 30, "CORE": 0})


def _limit(wanted: dict[str, int]) -> None:
    try:
        import resource
    except ImportError:
        return
    for name, value in wanted.items():
        which = vars(resource).get(f"RLIMIT_{name}")
        if which is None:
            continue
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(which, (value, value))
        except (ValueError, OSError):  # macOS has no limit of the address space
            continue


def missing_limits() -> list[str]:
    """Limits that this system cannot set."""
    try:
        import resource  # noqa: F401
    except ImportError:
        return ["memory", "processor time", "size of files", "number of processes"]
    return ["memory"] if sys.platform == "darwin" else []
