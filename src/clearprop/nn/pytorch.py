"""PyTorch, an extra: whoever needs it takes it from here, and learns how to install it where it is missing."""

from __future__ import annotations

from clearprop.errors import MissingExtraError

try:
    import torch as torch
except ModuleNotFoundError:
    raise MissingExtraError(
        "PyTorch is not installed; the torch engines, to_torch and from_torch need it: pip install 'clearprop[torch]'"
    ) from None
