"""Ctrl-C and SIGTERM: the first ends what is going on, and what was learned by then is saved, however often more come."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = ("SIGINT", "SIGTERM")
PATIENCE = 3  # signals after which a person is taken at their word, before anything is being written


def interrupt(number: int, frame: FrameType | None) -> None:
    """Do what Ctrl-C does, for other signals too."""
    raise KeyboardInterrupt


def end_like_ctrl_c() -> None:
    """Let SIGTERM, with which systems end a process, do what Ctrl-C does."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, interrupt)


@contextmanager
def starting() -> Iterator[None]:
    """End without a traceback if Ctrl-C comes before there is anything that could answer it."""
    end_like_ctrl_c()
    try:
        yield
    except KeyboardInterrupt:
        print("Interrupted; nothing was done yet.", file=sys.stderr)
        sys.exit(130)


class Interrupts:
    """Signals that arrive from the first epoch until the run is saved; in a `with` statement."""

    def __init__(self) -> None:
        self.seen = 0
        self.saving = False
        self.before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for name in SIGNALS:
                number = getattr(signal, name)
                if signal.getsignal(number) not in (signal.SIG_IGN, None):  # what is ignored stays so: nohup, a job in a script
                    self.before[number] = signal.signal(number, self.arrived)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def arrived(self, number: int, frame: FrameType | None) -> None:
        """The first ends the training; later ones are answered, and waited out while the run is saved."""
        self.seen += 1
        if not self.saving and (self.seen == 1 or self.seen >= PATIENCE):
            raise KeyboardInterrupt
        print("Interrupted already; the run is being saved.", file=sys.stderr)

    @contextmanager
    def waited_out(self) -> Iterator[None]:
        """Let no signal end the saving."""
        self.saving = True
        try:
            yield
        finally:
            self.saving = False
