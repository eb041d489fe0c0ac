"""Checking a program: a file, or a function, as it is."""

from __future__ import annotations

import inspect
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clearprop.arguments import checked
from clearprop.errors import OptionError
from clearprop.gradcheck.tracing.file_outcome import FileOutcome
from clearprop.gradcheck.tracing.limits import Limits
from clearprop.gradcheck.tracing.supervisor import check_file


@checked
def check_program(
    program: str | Path | Callable[[], Any], seconds: float = 60.0, memory: int = 4096, seed: int = 0
) -> FileOutcome:
    """Check the gradients in a program by watching it run.

    The program runs in a process of its own, where every number and array records how it was made. What it takes for
    the gradient of each parameter, seen from how it moves it, is compared with the true derivative of its own loss.

    Parameters
    ----------
    program : path or callable
        A Python file, a notebook, or a function without arguments that trains something.
    seconds : float
        Time limit.
    memory : int
        Limit of the address space in megabytes.
    seed : int
        Seed of the random parameters at which gradients are compared.

    Returns
    -------
    FileOutcome
        With `status` ("right", "wrong" or "inconclusive") and `findings`, each with `line`, `message` and `correction`; prints
        as a report.

    Raises
    ------
    DataError
        If there is no such file.
    OptionError
        If the source of a function cannot be read.

    Examples
    --------
    >>> check_program("student.py")  # doctest: +SKIP
    """
    if not callable(program):
        return check_file(program, (), Limits(seconds, memory), seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{getattr(program, '__name__', 'program')}.py"
        path.write_text(source_with_call(program))
        return check_file(path, (), Limits(seconds, memory), seed)


def source_with_call(function: Callable[[], Any]) -> str:
    """The source of the module that a function stands in, with a call of it; the lines are where they were.

    Raises
    ------
    OptionError
        If it cannot be read, or the function takes arguments.
    """
    name = getattr(function, "__name__", "function")
    if any(p.default is p.empty for p in inspect.signature(function).parameters.values()):
        raise OptionError(f"{name} takes arguments; give check_program a function without, which makes its data and trains.")
    try:
        module = inspect.getmodule(function)
        whole = (
            inspect.getsource(module)
            if module is not None and name in vars(module)
            else textwrap.dedent(inspect.getsource(function))
        )
    except (OSError, TypeError) as error:
        raise OptionError(f"The source of {name} cannot be read; write it to a file, and give its path.") from error
    return f"{whole}\n{name}()\n"
