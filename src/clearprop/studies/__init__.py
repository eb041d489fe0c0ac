"""Studies: the questions of the practicals, each answered by a sweep and a paragraph computed from its rows.

>>> import clearprop as cp
>>> from clearprop.studies import learning_rates
>>> study = learning_rates(cp.data.load("circles"), rates=(0.01, 0.3), seeds=2, fixed={"epochs": 3})
>>> [line["lr"] for line in study.lines]
[0.01, 0.3]
"""

from clearprop.studies.amounts import epochs, examples, train_against_validation
from clearprop.studies.depth import depth_and_activation, two_linear_layers
from clearprop.studies.rates import batch_and_rate, learning_rates
from clearprop.studies.starts import initialisations, zero_starts
from clearprop.studies.study import Study

STUDIES = {
    study.__name__: study
    for study in (
        batch_and_rate,
        initialisations,
        learning_rates,
        train_against_validation,
        examples,
        epochs,
        depth_and_activation,
        zero_starts,
        two_linear_layers,
    )
}
"""All studies, by name; each takes a `Dataset` and returns a `Study`."""

__all__ = [
    "STUDIES",
    "Study",
    "batch_and_rate",
    "depth_and_activation",
    "epochs",
    "examples",
    "initialisations",
    "learning_rates",
    "train_against_validation",
    "two_linear_layers",
    "zero_starts",
]
