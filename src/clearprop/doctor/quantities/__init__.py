"""What is measured, one small file each. A new file here is a new quantity: it is found and measured by itself."""

from __future__ import annotations

import functools

from clearprop.doctor.plugins import instances
from clearprop.doctor.quantities.quantity import Moment, OfMoment, OfProblem, Quantity


@functools.cache
def quantities() -> tuple[Quantity, ...]:
    """All quantities, in the alphabetical order of their files."""
    return tuple(instances(__name__, __path__, Quantity))


__all__ = ["Moment", "OfMoment", "OfProblem", "Quantity", "quantities"]
