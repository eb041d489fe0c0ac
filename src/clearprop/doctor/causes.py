"""Causes: the order in which findings are told, and which findings explain which. The doctor's causal graph, in one table.

The lower a tier, the nearer to the root: 0 the data, 1 parts that do not fit together, 2 mechanisms that fail, 3 settings,
4 outcomes. A finding is told below all of its causes that were found too; when the remedy of a cause makes it vanish, it
is said to follow from that cause. Two findings may explain each other (saturated units and a diverging run, say): then the
tier decides which is told first.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """A row of the table.

    Attributes
    ----------
    tier : float
        Place in the order of causes.
    slug : str
        Name of the finding.
    when : str
        Circumstance under which the row holds, for a finding with several rows; empty for its usual row.
    because : tuple of str
        Slugs of the findings that explain this one where they hold too.
    """

    tier: float
    slug: str
    when: str = ""
    because: tuple[str, ...] = ()


ROWS = (
    # tier, finding, when, explained by
    # The data, outputs that cannot be what the data asks for, and parameters none of which can move.
    (0.0, "inputs-nan", "", ""),
    (0.05, "one-unit-softmax", "", ""),
    (0.06, "frozen-parameter", "nothing learns", ""),
    (0.07, "output-mismatch", "out of reach", ""),
    (0.1, "label-encoding", "", ""),
    (0.2, "features-shuffled", "", ""),
    (0.3, "inputs-constant", "", ""),
    (0.4, "split-overlap", "", ""),
    (0.5, "scaler-leak", "", ""),
    # Parts that do not fit together.
    (1.0, "broadcast-outputs", "", ""),
    (1.2, "double-softmax", "", ""),
    (1.3, "output-mismatch", "", ""),
    (1.35, "frozen-parameter", "", ""),
    (1.4, "dropout-at-evaluation", "", ""),
    (1.5, "no-nonlinearity", "", ""),
    (1.6, "constant-initialisation", "", ""),
    (1.7, "sorted-rows", "", ""),
    (1.8, "wrong-metric", "", ""),
    (1.9, "constant-predictor", "behind one layer", ""),
    # Mechanisms that fail.
    (2.0, "saturated-units", "unscaled inputs, large weights", ""),
    (2.05, "saturated-units", "", "inputs-unscaled diverging"),
    (2.1, "inputs-unscaled", "", ""),
    (2.15, "saturated-units", "unscaled inputs", "inputs-unscaled diverging"),
    (2.15, "exploding-gradients", "", "inputs-unscaled"),
    (2.2, "initial-scale", "", "inputs-unscaled saturated-units exploding-gradients"),
    (2.3, "vanishing-gradients", "", "inputs-unscaled saturated-units initial-scale constant-initialisation dead-relus"),
    (2.5, "dead-relus", "", "label-encoding inputs-unscaled exploding-gradients initial-scale summed-gradient diverging"
     " oscillating"),
    (2.6, "initial-loss", "", "label-encoding output-mismatch saturated-units inputs-unscaled exploding-gradients"
     " initial-scale"),
    (2.7, "summed-gradient", "", "label-encoding inputs-unscaled exploding-gradients"),
    (2.8, "nonfinite-loss", "raw formula", ""),
    (2.8, "nonfinite-loss", "finite predictions", "inputs-nan label-encoding inputs-unscaled exploding-gradients initial-scale"
     " summed-gradient diverging"),
    # Settings.
    (3.0, "diverging", "", "inputs-nan label-encoding inputs-unscaled exploding-gradients initial-scale summed-gradient"),
    (3.05, "dead-relus", "after some steps", "label-encoding inputs-unscaled exploding-gradients initial-scale"
     " summed-gradient diverging oscillating"),
    (3.06, "saturated-units", "after some steps", "inputs-unscaled initial-loss diverging oscillating"),
    (3.1, "oscillating", "", "label-encoding sorted-rows inputs-unscaled exploding-gradients summed-gradient diverging"),
    (3.2, "strong-regularisation", "", "dropout-at-evaluation inputs-unscaled diverging"),
    (3.3, "rate-too-low", "", "saturated-units inputs-unscaled initial-scale vanishing-gradients dead-relus"),
    (3.4, "too-few-epochs", "", "saturated-units inputs-unscaled initial-scale vanishing-gradients strong-regularisation"
     " rate-too-low"),
    # Outcomes.
    (4.0, "nonfinite-loss", "", "inputs-nan label-encoding inputs-unscaled exploding-gradients initial-scale summed-gradient"
     " diverging"),
    (4.1, "constant-predictor", "", "features-shuffled inputs-constant one-unit-softmax constant-initialisation"
     " saturated-units inputs-unscaled initial-scale vanishing-gradients dead-relus summed-gradient diverging"
     " strong-regularisation"),
    (4.2, "underfitting", "", "output-mismatch no-nonlinearity saturated-units inputs-unscaled initial-scale"
     " vanishing-gradients dead-relus diverging oscillating strong-regularisation rate-too-low too-few-epochs"),
    (4.3, "overfitting", "", "label-encoding features-shuffled inputs-unscaled"),
    (4.4, "imbalance", "", "features-shuffled saturated-units inputs-unscaled dead-relus summed-gradient diverging"
     " strong-regularisation rate-too-low too-few-epochs constant-predictor underfitting"),
)  # fmt: skip

CAUSES = {(slug, when): Cause(tier, slug, when, tuple(because.split())) for tier, slug, when, because in ROWS}


def causes_of(slug: str) -> list[str]:
    """Slugs of the findings that may explain this one, in the order of the table."""
    causes = {cause for row in CAUSES.values() if row.slug == slug for cause in row.because}
    return [found for found in dict.fromkeys(row.slug for row in CAUSES.values()) if found in causes]


def effects_of(slug: str) -> list[str]:
    """Slugs of the findings that this one may explain, in the order of the table.

    Examples
    --------
    >>> effects_of("sorted-rows")
    ['oscillating']
    """
    return list(dict.fromkeys(row.slug for row in CAUSES.values() if slug in row.because))
