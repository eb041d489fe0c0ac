"""The package's exceptions.

Every message says what was wrong, the value and the shape received, and what to do about it. All derive from
`ClearpropError`, so that the command line can turn any of them into one sentence and exit status 2; each is also the built-in
exception that a caller would expect (`ValueError` for a bad value, `ImportError` for a missing extra).
"""

import re


class ClearpropError(Exception):
    r"""Base of all errors that a caller can cause and correct.

    Control characters in the message are shown, not sent: a name may come from a file, and the message goes to a terminal.

    Examples
    --------
    >>> str(ClearpropError("There is no class \x1b[2J."))
    'There is no class \\x1b[2J.'
    """

    def __init__(self, *parts: object) -> None:
        super().__init__(*(printable(part) if isinstance(part, str) else part for part in parts))


def printable(text: str) -> str:
    r"""`text` with its control characters, but for line ends and tabs, as Python writes them: a terminal obeys none of them.

    Examples
    --------
    >>> printable("red \x1b[31m, \x9b31m, \u202e")
    'red \\x1b[31m, \\x9b31m, \\u202e'
    """
    text = re.sub(r"\S{300,}", lambda found: f"{found[0][:100]}...", text)  # a path or a name of thousands of letters
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t " else repr(c)[1:-1] for c in text)


class OptionError(ClearpropError, ValueError):
    """An invalid value of a parameter: `lr=-1`, `reduction="avg"`."""


class ArgumentsError(ClearpropError, TypeError):
    """A call that lacks an argument, or has one too many: `fit(net, data, epoch=3)`."""


class UnknownNameError(OptionError):
    """A name that is not in the registry, such as `"tahn"` for an activation."""


class HistoryIndexError(OptionError, LookupError, TypeError):
    """A history that is read by an epoch that it has not, or by what is neither an epoch nor a column."""


class ShapeError(ClearpropError, ValueError):
    """Arrays whose shapes do not fit, among them those that NumPy would silently broadcast."""


class DataError(ClearpropError, ValueError):
    """A data source that is missing, damaged, or unsuitable for training."""


class FileAccessError(ClearpropError, OSError):
    """A file that cannot be read or written: no such folder, no permission, a full disk."""


class ShortOfMemoryError(ClearpropError, MemoryError):
    """Work that needs more memory than there is."""


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


def cannot_access(error: OSError) -> FileAccessError:
    """The error of the system, in one sentence of ours."""
    if isinstance(error, FileAccessError):
        return error
    place = f" {str(error.filename)!r}" if error.filename is not None else ""
    return FileAccessError(f"Cannot read or write{place}: {error.strerror or error}.")
