"""The report of `clearprop train`: one HTML file."""

from __future__ import annotations

import shlex
from typing import Any

from clearprop.report import training_report
from clearprop.training.outcome import Outcome

OWN = ("source", "report", "json", "quiet", "force", "resume", "doctor")
"""Options that do not change what is trained, or are written otherwise."""


def write_report(outcome: Outcome, config: dict[str, Any], given: dict[str, Any]) -> None:
    """Write the report to where `--report` says."""
    training_report(outcome, config, command(given)).save(given["report"])


def command(given: dict[str, Any]) -> str:
    """The command line that has these options.

    Examples
    --------
    >>> command({"source": "my data.csv", "lr": 0.1, "nesterov": False, "header": True, "schedule_args": ["rise=0.1"]})
    "clearprop train 'my data.csv' --lr 0.1 --no-nesterov --header --schedule-arg rise=0.1"
    """
    words = ["clearprop", "train", *([str(given["source"])] if given.get("source") else [])]
    for name, value in given.items():
        flag = name.replace("_", "-")
        if value is None or name in OWN:
            continue
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        elif isinstance(value, (list, tuple)):
            words += [word for item in value for word in ("--" + flag.removesuffix("s"), str(item))]
        else:
            words += [f"--{flag}", str(value)]
    return shlex.join(words)
