"""The fault dictionary: known mistakes, each of which can be produced, and therefore recognised.

A gradient checker says that a gradient is wrong. This package says why: it plants every mistake of its `catalogue` in a right
pass through the same network, alone and in pairs, and names those that give just the gradient that was found.
"""

from clearprop.gradcheck.faults.catalogue import catalogue
from clearprop.gradcheck.faults.dictionary import name_faults
from clearprop.gradcheck.faults.fault import Fault, Site
from clearprop.gradcheck.faults.passes import Pass
from clearprop.gradcheck.faults.structure import name_structure
from clearprop.gradcheck.faults.suspect import Suspect

__all__ = ["Fault", "Pass", "Site", "Suspect", "catalogue", "name_faults", "name_structure"]
