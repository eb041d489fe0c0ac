"""What measurements mean, one rule a file. A new file here is a new rule: it is found, applied and tested by itself."""

from __future__ import annotations

import functools

from clearprop.doctor.plugins import instances
from clearprop.doctor.rules.rule import Rule


@functools.cache
def rules() -> tuple[Rule, ...]:
    """All rules, in the alphabetical order of their files."""
    return tuple(instances(__name__, __path__, Rule))


__all__ = ["Rule", "rules"]
