"""The package's exceptions.

Every message says what was wrong, the value and the shape received, and what to do about it. All derive from
`ClearpropError`, so that the command line can turn any of them into one sentence and exit status 2; each is also the built-in
exception that a caller would expect (`ValueError` for a bad value, `ImportError` for a missing extra).
"""


class ClearpropError(Exception):
    """Base of all errors that a caller can cause and correct."""


class OptionError(ClearpropError, ValueError):
    """An invalid value of a parameter: `lr=-1`, `reduction="avg"`."""


class UnknownNameError(OptionError):
    """A name that is not in the registry, such as `"tahn"` for an activation."""


class ShapeError(ClearpropError, ValueError):
    """Arrays whose shapes do not fit, among them those that NumPy would silently broadcast."""


class DataError(ClearpropError, ValueError):
    """A data source that is missing, damaged, or unsuitable for training."""


class ModelFileError(ClearpropError, ValueError):
    """A model or checkpoint file that is truncated, inconsistent, or not clearprop's."""


class UnsupportedError(ClearpropError, ValueError):
    """A network, loss or optimizer that an engine cannot run."""


class MissingExtraError(ClearpropError, ImportError):
    """A missing optional dependency; the message names the extra that installs it."""


class NonFiniteWarning(RuntimeWarning):
    """Training stopped because a loss or a parameter became NaN or infinite."""


class DoubleSoftmaxWarning(UserWarning):
    """A net that ends in Softmax is trained with a loss that applies softmax itself."""
