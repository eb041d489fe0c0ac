"""The package's exceptions.

Every message says what was wrong, the value and the shape that were received, and what to do about it. All of them are
`ClearpropError`, so that the command line can turn any of them into one sentence and exit status 2; each is also the built-in
exception that a caller would expect (`ValueError` for a bad value, `ImportError` for a missing extra).
"""


class ClearpropError(Exception):
    """Any mistake that a user of clearprop can make and mend."""


class OptionError(ClearpropError, ValueError):
    """A parameter has a value that it cannot have: `lr=-1`, `reduction="avg"`."""


class UnknownNameError(OptionError):
    """A name that no registry entry bears, such as `"tahn"` for an activation."""


class ShapeError(ClearpropError, ValueError):
    """Arrays whose shapes do not fit, among them those that NumPy would silently broadcast."""


class DataError(ClearpropError, ValueError):
    """A data source that is missing, damaged, or holds what cannot be learned from."""


class ModelFileError(ClearpropError, ValueError):
    """A model or checkpoint file that is truncated, inconsistent, or not clearprop's."""


class UnsupportedError(ClearpropError, ValueError):
    """An engine was asked for a network, loss or optimizer that it cannot run."""


class MissingExtraError(ClearpropError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""


class NonFiniteWarning(RuntimeWarning):
    """Training stopped, because a loss or a parameter became NaN or infinite."""


class DoubleSoftmaxWarning(UserWarning):
    """A net that ends in Softmax is trained with a loss that applies softmax itself."""
