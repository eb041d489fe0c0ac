"""Names: which parameter a gradient belongs to, by how both are called."""

from __future__ import annotations

import re

PREFIX = r"^(?:self\.)?(?:.*\['?|.*\[\"?)?(?:dl_d|dl/d|grad_|nabla_|delta_|g_|d_|grad|nabla|d|g)(.+?)(?:'\]|\"\])?$"
SUFFIX = r"^(?:self\.)?(.+?)_?(?:grad|gradient|gradients|derivative)$"


def stem(name: str) -> str:
    """The last part of a name: "w1" for "self.params['W1']"."""
    found = re.findall(r"\w+", name)
    return found[-1].lower().replace("_", "") if found else name.lower()


def stems_of_gradient(name: str) -> list[str]:
    """Parameters that a gradient of that name may belong to, by their stems."""
    own = re.findall(r"\w+", name)
    last = own[-1] if own else name
    found = [last.lower().replace("_", "")]
    for pattern in (PREFIX, SUFFIX):
        match = re.match(pattern, last, re.IGNORECASE)
        if match:
            found.append(match.group(1).lower().replace("_", ""))
    return found
