"""The fault dictionary: known mistakes, each of which can be planted, and therefore recognised.

A gradient check says that a gradient is wrong. This package says why: it plants every fault of its `catalogue` in a right
training step of the same network, alone and in pairs, and names those that give exactly the gradient found.
"""

from clearprop.gradcheck.faults.catalogue import catalogue
from clearprop.gradcheck.faults.dictionary import name_faults
from clearprop.gradcheck.faults.fault import Fault, Site
from clearprop.gradcheck.faults.patterns import name_patterns
from clearprop.gradcheck.faults.recording import record
from clearprop.gradcheck.faults.tape import Tape

__all__ = ["Fault", "Site", "Tape", "catalogue", "name_faults", "name_patterns", "record"]
