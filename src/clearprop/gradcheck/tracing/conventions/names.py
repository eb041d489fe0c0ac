"""Names that people give to the parts of back-propagation, as patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

# ruff: noqa: E501  (names that people use, a line for each meaning)
FORWARD: Final = r"^(forward|feed_?forward|forward_?(pass|prop(agation)?)|propagate|model_?forward|__call__|predict|compute|activate|fwd|model)$"
BACKWARD: Final = r"^(backward|back_?prop(agat(e|ion))?|backward_?(pass|prop(agation)?)|model_?backward|backprop|bwd|back_?pass|compute_?gradients?|gradients?|grads?|get_gradients|gradient)$"
TRAINS: Final = (
    r"^(train|fit|train_?step|learn|train_?on_?batch|training|optimi[sz]e|train_?network|gradient_descent|sgd|SGD|step)$"
)
UPDATE: Final = r"^(update.*|step|apply_?grad.*|optimi[sz]er?_?step|sgd|gradient_?descent(_step)?|adjust.*)$"
LOSS: Final = r"^(loss.*|compute_?(loss|cost)|cost.*|criterion|cross_?entropy.*|mse|objective|calc.*loss|.*_loss|.*_cost|J)$"
INIT: Final = r"^(init.*|initiali[sz]e.*|create_?(params|parameters|weights|network|model)|make_?(params|weights)|.*_?init)$"
UPSTREAM: Final = r"^(d|grad|up|g$|top_diff|accum|delta|error|out.*grad|next)"
LOOKS_BACKWARD: Final = r"(back|grad|deriv|prime|delta|bptt)"
LOOKS_FORWARD: Final = r"forward|fwd|propag"
TARGET: Final = r"^(y|t|targets?|labels?|y_?true|truth|expected|actual)$"
PREDICTION: Final = r"^(y_?hat|y_?pred|pred.*|probs?|outputs?|logits|p|o|out|a|yp)$"

FIRST_CHOICES: Final = ["forward", "feedforward", "backward", "backprop", "train"]


def first_of(names: Iterable[str], pattern: str) -> str:
    """The likeliest of the names that a pattern fits; "" if it fits none.

    Examples
    --------
    >>> first_of({"forward_pass", "forward"}, FORWARD)
    'forward'
    """
    fitting = [n for n in names if re.match(pattern, n)]
    fitting.sort(key=lambda n: (FIRST_CHOICES.index(n) if n in FIRST_CHOICES else 9, len(n), n))
    return fitting[0] if fitting else ""


def is_upstream(name: str) -> bool:
    """Whether a parameter of that name takes the gradient of the value."""
    return re.match(UPSTREAM, name, re.IGNORECASE) is not None


def is_target(name: str) -> bool:
    """Whether a parameter of that name takes the targets."""
    return re.match(TARGET, name, re.IGNORECASE) is not None


def is_prediction(name: str) -> bool:
    """Whether a parameter of that name takes the predictions."""
    return re.match(PREDICTION, name, re.IGNORECASE) is not None
