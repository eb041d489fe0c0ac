"""The losses that the kernel knows: their codes, and the functions of `nn`, compiled for registers."""

from __future__ import annotations

from clearprop.engines.compiled.lane_math import compile_elementwise
from clearprop.engines.compiled.verified import original
from clearprop.nn import (
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    CrossEntropy,
    Loss,
    MeanSquaredError,
    NegativeLogLikelihood,
)

CROSS_ENTROPY, LIKELIHOOD, SQUARED, BINARY, RAW_BINARY, BINARY_LOGITS = range(6)

bce, d_bce = compile_elementwise(original(BinaryCrossEntropy, "f")), compile_elementwise(original(BinaryCrossEntropy, "df"))
bce_logits = compile_elementwise(original(BinaryCrossEntropyWithLogits, "f"))
d_bce_logits = compile_elementwise(original(BinaryCrossEntropyWithLogits, "df"))
squared, d_squared = compile_elementwise(original(MeanSquaredError, "f")), compile_elementwise(original(MeanSquaredError, "df"))


LOSS_CODES: dict[type[Loss], int] = {
    CrossEntropy: CROSS_ENTROPY,
    NegativeLogLikelihood: LIKELIHOOD,
    MeanSquaredError: SQUARED,
    BinaryCrossEntropy: BINARY,
    BinaryCrossEntropyWithLogits: BINARY_LOGITS,
}


def loss_code(loss: Loss) -> int | None:
    """The code of a loss; None if the kernel does not know it."""
    code = LOSS_CODES.get(type(loss))
    return RAW_BINARY if isinstance(loss, BinaryCrossEntropy) and code == BINARY and loss.raw else code
