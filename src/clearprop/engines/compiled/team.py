"""A team of threads that call the kernel together.

The threads are Python's, started once, and wait between calls. The thread that asks (the main one, most often) only waits: a
signal that arrives there, such as Ctrl-C, can neither start half of a team nor free memory in which the others still work.
The arrays that they work on are theirs until they are done.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from functools import cache
from queue import SimpleQueue
from typing import Any

Call = Callable[[], Any]


def processors() -> int:
    """Number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if "sched_getaffinity" in vars(os) else os.cpu_count() or 1


class TeamRound:
    """One call of each thread of a team: what they do, and whether they are done."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self.calls = calls
        self.left, self.lock, self.done = len(calls), threading.Lock(), threading.Event()
        self.error: BaseException | None = None

    def do(self, k: int) -> None:
        """The part of thread k; the last that ends wakes the one that waits."""
        try:
            self.calls[k]()
        except BaseException as error:  # handed to the thread that waits
            self.error = error
        with self.lock:
            self.left -= 1
            if self.left == 0:
                self.done.set()


class Team:
    """So many threads, which wait for rounds. The first hands each round to the others, so that all begin or none."""

    def __init__(self, size: int) -> None:
        self.queues: list[SimpleQueue[TeamRound]] = [SimpleQueue() for _ in range(size)]
        for k in range(size):
            threading.Thread(target=self.work, args=(k,), name=f"clearprop-{k}", daemon=True).start()

    def work(self, k: int) -> None:
        """The life of a thread: one round after the other."""
        while True:
            a_round = self.queues[k].get()
            if k == 0:
                for queue in self.queues[1 : len(a_round.calls)]:
                    queue.put(a_round)
            a_round.do(k)

    def run(self, calls: Sequence[Call], interrupt: Call) -> None:
        """Make each call in a thread of its own, and wait for all, also after Ctrl-C.

        Then `interrupt` is called, which should make them end soon, and a KeyboardInterrupt raised once they have: their arrays
        must not be touched before.
        """
        a_round, interrupted = TeamRound(calls), False
        try:
            self.queues[0].put(a_round)
            a_round.done.wait()
        except KeyboardInterrupt:
            interrupted = True
        while True:
            try:
                if interrupted:
                    interrupt()
                a_round.done.wait()
                break
            except KeyboardInterrupt:
                interrupted = True
        if a_round.error is not None:
            raise a_round.error
        if interrupted:
            raise KeyboardInterrupt


def team(size: int) -> Team:
    """The team of so many threads, of this process."""
    return _team(size, os.getpid(), threading.get_ident())


@cache
def _team(size: int, process: int, thread: int) -> Team:
    return Team(size)
