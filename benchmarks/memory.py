"""Memory of this process, as Linux counts it."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType

STATUS = Path("/proc/self/status")


def status(key: str) -> float:
    """A line of /proc/self/status in MiB: VmHWM (peak resident), VmRSS, RssAnon, RssFile; NaN where there is none."""
    if not STATUS.exists():
        return float("nan")
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return float(lines[key].split()[0]) / 1024 if key in lines else float("nan")


class Watch:
    """The most anonymous memory, and the most of files, between two moments; sampled every few milliseconds."""

    def __init__(self, every: float = 0.005) -> None:
        self.every, self.anonymous, self.file = every, 0.0, 0.0
        self.done, self.thread = threading.Event(), threading.Thread(target=self.look)

    def look(self) -> None:
        while not self.done.wait(self.every):
            self.anonymous, self.file = max(self.anonymous, status("RssAnon")), max(self.file, status("RssFile"))

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.done.set()
        self.thread.join()
