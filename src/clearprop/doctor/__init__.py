"""The doctor: what is wrong with a training run, and proof.

`diagnose` trains a copy of the run, watches it, reads what it sees with one rule for each fault, applies the remedy of each
finding to another copy, and tells what that did: the root cause first, what follows from it below, or "healthy".
"""

from clearprop.doctor.callback import Doctor
from clearprop.doctor.diagnosis import Diagnosis, diagnose, examine
from clearprop.doctor.finding import Finding, Remedy, Trial
from clearprop.doctor.problem import Problem
from clearprop.doctor.torch_diagnosis import diagnose_torch

__all__ = ["Diagnosis", "Doctor", "Finding", "Problem", "Remedy", "Trial", "diagnose", "diagnose_torch", "examine"]
