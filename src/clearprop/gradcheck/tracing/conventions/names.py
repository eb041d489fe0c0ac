"""Names that people give to the parts of back-propagation, as patterns."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable
from typing import Any, Final

from clearprop.gradcheck.tracing.rewriting import moved_names

# ruff: noqa: E501  (names that people use, a line for each meaning)
FORWARD: Final = r"^(forward|feed_?forward|forward_?(pass|prop(agation)?)|propagate|model_?forward|__call__|predict|compute|activate|fwd|model)$"
BACKWARD: Final = r"^(backward|back_?w[oa]rds?|backward_?delta|back_?prop(agat(e|ion))?|backward_?(pass|prop(agation)?)|model_?backward|backprop|bwd|back_?pass|compute_?gradients?|gradients?|grads?|get_gradients|gradient)$"
TRAINS: Final = (
    r"^(train|fit|train_?step|learn|train_?on_?batch|training|optimi[sz]e|train_?network|gradient_descent|sgd|SGD|step"
    r"|(train|fit)_\w+|\w+_(train|fit))$"
)
UPDATE: Final = r"^(update.*|step|apply_?grad.*|optimi[sz]er?_?step|sgd|gradient_?descent(_step)?|adjust.*)$"
ACCUMULATES: Final = r"^(backward_?)?(update|accumulate|compute)_?grad(ient)?s?$"
LOSS: Final = r"^(?!.*(deriv|prime|grad|delta|back))(loss.*|compute_?(loss|cost)|cost.*|criterion|cross_?entropy.*|mse|objective|calc.*loss|.*_loss|.*_cost|J)$"
INIT: Final = r"^(init.*|initiali[sz]e.*|create_?(params|parameters|weights|network|model)|make_?(params|weights)|.*_?init)$"
UPSTREAM: Final = r"^(d|grad|up|g$|top_diff|accum|delta|error|out.*grad|next)"
LOOKS_BACKWARD: Final = r"(back_?p|backw|bwd|grad|deriv|prime|delta|bptt)"
NO_BACKWARD: Final = (
    r"(numeric|check|approx|test|plot|clip|zero|descent|background|feedback|callback|print|show|draw|save|load)"
)
FLAGS: Final = r"^(is_?)?(train(ing|_?mode|_?flg|_?flag)?|mode|test(ing)?|verbose|debug)$"
LOOKS_FORWARD: Final = r"forward|fwd|propag"
TARGET: Final = r"^(y|t|ys|targets?|y_?real|y_?train|y_?batch|ground_?truth|gt|labels?|y_?true|truth|expected|actual)$"
PREDICTION: Final = r"^(y_?hat|y_?pred|pred.*|probs?|outputs?|logits|p|o|out|a|yp)$"

BASIC: Final = (
    r"^(forward.*|backward.*|feed_?forward|back_?prop.*|__call__|(get_|compute_)?(loss|grad|gradient|cost)s?|calculate)$"
)
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


def is_flag(name: str) -> bool:
    """Whether a parameter of that name says in which mode a layer runs."""
    return re.match(FLAGS, name, re.IGNORECASE) is not None


def is_left_open(function: Any) -> bool:
    """Whether a method says that a class derived from this one has to define it."""
    code = getattr(function, "__code__", None)
    return code is not None and "NotImplementedError" in code.co_names


def is_base(kind: Any) -> bool:
    """Whether a class only says what those derived from it have to define."""
    return inspect.isabstract(kind) or any(is_left_open(getattr(kind, m, None)) for m in vars(kind) if re.match(BASIC, m))


def looks_backward(name: str, function: Any) -> bool:
    """Whether a function seems to compute gradients, by its name; one that trains, by a step that it takes."""
    if name.startswith("__") or is_left_open(function) or re.search(NO_BACKWARD, name, re.IGNORECASE):
        return False
    if re.search(LOOKS_BACKWARD, name, re.IGNORECASE):
        return True
    return re.match(TRAINS, name) is not None and _takes_steps(function)


def _takes_steps(function: Any) -> bool:
    """Whether a function moves something by a product, as a step does."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, IndentationError):
        return False
    return bool(moved_names(tree))
