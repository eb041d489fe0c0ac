"""The doctor: what is wrong with a training run, and proof.

`diagnose` trains a copy of the run and measures it (quantities); rules read the measurements and make findings; the table of
causes puts them in order; the remedy of each is applied to another copy. The verdict tells the root cause first, what
follows from it below, or "healthy". `explanation` has a page on each finding.
"""

from clearprop.doctor.callback import Doctor
from clearprop.doctor.case import Case
from clearprop.doctor.curves import diagnose_curves, read_curves
from clearprop.doctor.diagnosis import Diagnosis, diagnose, examine
from clearprop.doctor.explanations import explanation
from clearprop.doctor.finding import Finding, Remedy, Treatment
from clearprop.doctor.torch_diagnosis import diagnose_torch

__all__ = [
    "Case", "Diagnosis", "Doctor", "Finding", "Remedy", "Treatment", "diagnose", "diagnose_curves", "diagnose_torch", "examine",
    "explanation", "read_curves",
]  # fmt: skip
