"""Rules: what the measurements mean. They are grouped by the kind of cause, a file for each kind.

A new rule is a class in one of these files, an entry in `RULES`, a row in `clearprop.doctor.causes`, and a section in
`explanations.md`.
"""

from clearprop.doctor.rules.data_rules import (
    FeaturesShuffled,
    InputsConstant,
    InputsNaN,
    InputsUnscaled,
    LabelEncoding,
    ScalerLeak,
    SortedRows,
    SplitOverlap,
)
from clearprop.doctor.rules.layer_rules import DropoutAtEvaluation, FrozenParameter, NoNonlinearity
from clearprop.doctor.rules.outcome_rules import (
    ConstantPredictor,
    Imbalance,
    Overfitting,
    StrongRegularisation,
    Underfitting,
)
from clearprop.doctor.rules.output_rules import BroadcastOutputs, DoubleSoftmax, OneUnitSoftmax, OutputMismatch, WrongMetric
from clearprop.doctor.rules.rule import Rule
from clearprop.doctor.rules.signal_rules import DeadReLUs, ExplodingGradients, SaturatedUnits, VanishingGradients
from clearprop.doctor.rules.step_rules import (
    Diverging,
    NonFiniteLoss,
    Oscillating,
    RateTooLow,
    SummedGradient,
    TooFewEpochs,
)
from clearprop.doctor.rules.weight_rules import ConstantInitialisation, InitialLoss, InitialScale

RULES: tuple[Rule, ...] = (
    InputsNaN(), InputsConstant(), InputsUnscaled(), LabelEncoding(), FeaturesShuffled(), SplitOverlap(), ScalerLeak(),
    SortedRows(),
    BroadcastOutputs(), OneUnitSoftmax(), DoubleSoftmax(), OutputMismatch(), WrongMetric(),
    NoNonlinearity(), FrozenParameter(), DropoutAtEvaluation(),
    ConstantInitialisation(), InitialScale(), InitialLoss(),
    SaturatedUnits(), ExplodingGradients(), VanishingGradients(), DeadReLUs(),
    SummedGradient(), NonFiniteLoss(), Diverging(), Oscillating(), RateTooLow(), TooFewEpochs(),
    ConstantPredictor(), StrongRegularisation(), Underfitting(), Overfitting(), Imbalance(),
)  # fmt: skip

__all__ = ["RULES", "Rule"]
