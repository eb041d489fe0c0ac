"""Each library in a process of its own, asked in turn: two thread pools in one process would fight."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

CONTEXT = multiprocessing.get_context("spawn")


class Servant:
    """An object that lives in another process.

    Parameters
    ----------
    factory : class
    *args
        For its constructor.
    """

    def __init__(self, factory: Callable[..., Any], *args: Any) -> None:
        self.pipe, theirs = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=serve, args=(theirs, factory, args))
        self.process.start()
        theirs.close()

    def ask(self, method: str, *args: Any) -> Any:
        """The result of one of the object's methods; what goes wrong there is raised here."""
        self.pipe.send((method, args))
        try:
            result, error = self.pipe.recv()
        except EOFError:
            self.process.join()
            raise RuntimeError(f"the process ended by itself, with exit code {self.process.exitcode}") from None
        if error is not None:
            raise RuntimeError(error)
        return result

    def close(self) -> None:
        """End the process, and wait for it."""
        self.pipe.close()
        self.process.join()


def serve(pipe: Connection, factory: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Answer until the other end closes the pipe."""
    there = None
    while True:
        try:
            method, given = pipe.recv()
        except EOFError:
            return
        try:
            there = there or factory(*args)
            pipe.send((getattr(there, method)(*given), None))
        except NotImplementedError as error:  # what a library cannot do is no failure
            pipe.send((None, str(error)))
        except Exception as error:
            traceback.print_exc()
            pipe.send((None, f"{type(error).__name__}: {error}".strip().splitlines()[0]))


class Caller:
    """An object that calls a function, for `apart`."""

    def call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        return function(*args)


def apart(function: Callable[..., Any], *args: Any) -> Any:
    """The result of a function, called in a fresh process."""
    servant = Servant(Caller)
    try:
        return servant.ask("call", function, args)
    finally:
        servant.close()
