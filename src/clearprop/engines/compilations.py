"""Compilations of this process: the time that they take, and who is told of them.

All parts that are compiled in one go are announced once, and their time is no part of the training.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class CompilationListener(Protocol):
    """Something that shows that the kernel is being compiled; called by the thread that compiles."""

    def compilation_began(self, text: str) -> None:
        """A compilation begins, which this sentence announces; it ends in "..."."""

    def compilation_ended(self, seconds: float, whole: bool) -> None:
        """It is over, after so many seconds; not `whole` if an error or Ctrl-C has ended it."""


class CompilationLine:
    """One line on stderr, which is there from the beginning and completed at the end."""

    def compilation_began(self, text: str) -> None:
        """Print the sentence."""
        print(text, end=" ", file=sys.stderr, flush=True)

    def compilation_ended(self, seconds: float, whole: bool) -> None:
        """Complete the line."""
        print(f"{'done in' if whole else 'broken off after'} {seconds:.1f} s.", file=sys.stderr, flush=True)


class Compilations:
    """Record of what this process has compiled.

    Attributes
    ----------
    seconds : float
        Time spent on it so far.
    listener : CompilationListener
        By default, a line on stderr.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.listener: CompilationListener = CompilationLine()
        self._lock, self._of_thread = threading.RLock(), threading.local()
        self._depth, self._before, self._whole = 0, -1.0, True

    @property
    def seconds_of_thread(self) -> float:
        """Time that the present thread has spent on loading and compiling, or on waiting for another thread that did so."""
        found: float = getattr(self._of_thread, "seconds", 0.0)
        return found

    @contextmanager
    def told_to(self, listener: CompilationListener) -> Iterator[None]:
        """Context in which another listener is told."""
        before, self.listener = self.listener, listener
        try:
            yield
        finally:
            self.listener = before

    @contextmanager
    def together(self) -> Iterator[None]:
        """Context in which everything that is compiled is announced as one compilation."""
        with self._lock:
            self._depth += 1
        try:
            yield
        finally:
            with self._lock:
                self._depth -= 1
                if self._depth == 0 and self._before >= 0:
                    seconds, self._before = self.seconds - self._before, -1.0
                    self.listener.compilation_ended(seconds, self._whole)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Context in which one thread at a time loads or compiles."""
        before, began = self.seconds_of_thread, time.perf_counter()
        try:
            with self._lock:
                yield
        finally:
            self._of_thread.seconds = before + time.perf_counter() - began

    @contextmanager
    def one(self, text: str) -> Iterator[None]:
        """Context of the compilation of one part; the sentence is told if it is the first."""
        with self.together(), self.alone():
            if self._before < 0:
                self._before, self._whole = self.seconds, True
                self.listener.compilation_began(text)
            began = time.perf_counter()
            try:
                yield
            except BaseException:
                self._whole = False
                raise
            finally:
                self.seconds += time.perf_counter() - began


COMPILATIONS = Compilations()


class Stopwatch:
    """Seconds since it was made, without those that its thread has spent on compiling."""

    def __init__(self) -> None:
        self.began, self.before = time.perf_counter(), COMPILATIONS.seconds_of_thread

    def seconds(self) -> float:
        """The seconds so far."""
        compiling = COMPILATIONS.seconds_of_thread - self.before
        return time.perf_counter() - self.began - compiling
