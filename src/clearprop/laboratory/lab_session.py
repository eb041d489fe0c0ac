"""The session: a run with its trainer thread, the orders that it carries out between steps, and what it publishes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from clearprop.data.dataset import Dataset
from clearprop.errors import ClearpropError, OptionError
from clearprop.laboratory.state import LabState, dataset_of
from clearprop.laboratory.trainer import Trainer, same_kind
from clearprop.laboratory.views import Plane
from clearprop.nn import LOSSES, NUMBER_LOSSES, Net
from clearprop.training.settings import Settings

if TYPE_CHECKING:
    from clearprop.doctor.finding import Finding

SLICE = 0.012  # seconds that are trained before orders are looked at
SLOWEST = 0.03  # seconds of a slice at a slow pace: about thirty pictures a second
LEAST, MOST = 1, 2_000_000  # steps of a slice
MEASURED = 0.12  # seconds between two points of the curve
UNDONE = 50  # states that can be gone back to


class Upload(NamedTuple):
    """A table that was dropped on the page.

    Attributes
    ----------
    name : str
    body : bytes
    target : str or None
        The column to predict, if one was named.
    """

    name: str
    body: bytes
    target: str | None = None


@dataclass(frozen=True, eq=False)
class Glimpse:
    """Copies that pages may look at while the trainer goes on, and what does not change.

    Attributes
    ----------
    version : int
        Grows with every change.
    scene : int
        Grows when the data, the net or the plane change.
    step, epoch : int
    running : bool
    net : Net
    trainer : Trainer
        Source of data, loss and settings.
    plane : Plane
    state : LabState
    row : dict
        Last point of the curve.
    speed : float
        Steps a second.
    """

    version: int
    scene: int
    step: int
    epoch: int
    running: bool
    net: Net
    trainer: Trainer
    plane: Plane
    state: LabState
    row: dict[str, Any]
    speed: float


class LabSession:
    """One network that is touched; pages may come and go.

    Parameters
    ----------
    state : LabState
    given : Dataset, optional
        Data that were given from outside, for the source "given".
    net : Net, optional
        A net to begin with.

    Attributes
    ----------
    published : Glimpse
        The newest; read it once, and use what was read.
    pinned : list of dict or None
        The curve of a run that was pinned.
    upload : Upload or None
        The table that was dropped on the page last.
    pace : int
        Most steps a second; 0 for as many as the machine can.
    """

    def __init__(self, state: LabState, given: Dataset | None = None, net: Net | None = None) -> None:
        self.state, self.given = state, given
        self.undoable: list[LabState] = []
        self.pinned: list[dict[str, Any]] | None = None
        self.findings: list[Finding] = []
        self.listeners: list[Callable[[], None]] = []
        self.running, self.speed, self.version, self.scene = False, 0.0, 0, 0
        self.pace = 0
        self.orders: queue.Queue[tuple[Callable[[], Any], Future[Any]] | None] = queue.Queue()
        self.upload: Upload | None = None
        data = self.data()
        settings = suited_settings(state.run_settings(), data)
        self.state = with_loss(state, settings)
        self.trainer = Trainer(data, settings, net, state.extras())
        self.plane = Plane(self.trainer, state.plane)
        self.published: Glimpse
        self.publish()
        self.thread = threading.Thread(target=self.live, name="clearprop-lab", daemon=True)
        self.thread.start()

    # ---------------------------------------------------------------- the thread

    def live(self) -> None:
        """Train in slices while the run is on; carry out orders between them."""
        steps, measured = 16, 0.0
        while True:
            order = self.next_order()
            if order is None:
                return
            if order is not NOTHING:
                self.carry_out(*order)
                continue
            began = time.perf_counter()
            taken = steps if not self.pace else min(steps, max(round(self.pace * SLOWEST), 1))
            loss = self.trainer.advance(taken)
            if self.pace:
                self.wait(taken / self.pace - (time.perf_counter() - began))
            spent = max(time.perf_counter() - began, 1e-9)
            self.speed = 0.8 * self.speed + 0.2 * taken / spent if self.speed else taken / spent
            if not self.pace:
                steps = min(max(int(steps * min(SLICE / spent, 2.0)), LEAST), MOST)
            if time.perf_counter() - measured > MEASURED:
                self.trainer.measure(loss)
                self.trainer.remember()
                measured = time.perf_counter()
            self.publish()

    def wait(self, seconds: float) -> None:
        """Wait for a slow pace, but not longer than until an order comes."""
        end = time.perf_counter() + seconds
        while self.orders.empty() and time.perf_counter() < end:
            time.sleep(min(0.01, max(end - time.perf_counter(), 0.0)))

    def next_order(self) -> Any:
        """The next order; `NOTHING` if the run goes on and there is none, None at the end."""
        try:
            return self.orders.get(block=not self.running)
        except queue.Empty:
            return NOTHING

    def carry_out(self, order: Callable[[], Any], future: Future[Any]) -> None:
        """Carry out an order, let pages see the step that it led to, and hand over its result or its error."""
        if not future.set_running_or_notify_cancel():
            return  # its page has gone
        try:
            result = order()
        except Exception as error:
            self.publish()
            future.set_exception(error)
        else:
            self.publish()  # before the answer: who takes the net away then gets this one
            future.set_result(result)

    def ask(self, order: Callable[[], Any]) -> Future[Any]:
        """Let the thread carry out an order between two steps."""
        future: Future[Any] = Future()
        self.orders.put((order, future))
        return future

    def close(self) -> None:
        """End the thread."""
        self.running = False
        self.orders.put(None)
        self.thread.join(5)

    def publish(self) -> None:
        """Let pages see the present step."""
        self.version += 1
        trainer = self.trainer
        self.published = Glimpse(
            self.version, self.scene, trainer.step, trainer.epoch, self.running, trainer.net.copy(), trainer, self.plane,
            self.state, trainer.curve[-1], self.speed if self.running else 0.0,
        )  # fmt: skip
        for listener in list(self.listeners):
            listener()

    # ---------------------------------------------------------------- orders

    def run(self, on: bool) -> None:
        """Start or stop training."""
        self.running = on
        if not on:
            self.settle()

    def take(self, n: int) -> None:
        """Take n steps."""
        if not 1 <= n <= 100_000:
            raise OptionError(f"n must be a number of steps from 1 to 100,000, not {n}.")
        loss = self.trainer.advance(n)
        self.trainer.measure(loss)
        self.trainer.remember()

    def settle(self) -> None:
        """A point of the curve, and a moment to go back to, at the present step."""
        self.trainer.measure(float("nan"))
        self.trainer.remember()

    def back(self, to: int) -> None:
        """Stop, and return to an earlier step."""
        self.running = False
        self.trainer.back_to(to)
        self.settle()

    def reset(self) -> None:
        """A new net with the same settings."""
        self.build(self.state)

    def change(self, changes: dict[str, Any]) -> None:
        """Change the state: what a run can take up goes on, anything else begins anew."""
        self.adopt(self.state.but(changes))

    def adopt(self, state: LabState) -> None:
        """Take over a state, and keep the one before for `undo`."""
        if state == self.state:
            return
        before, was = self.state, self.trainer.settings
        settings = suited_settings(state.run_settings(), self.trainer.data)
        if state.data == before.data and same_kind(settings, was):
            if settings != was or state.extras() != self.trainer.extras:
                self.trainer.tune(settings, state.extras())
            self.state = with_loss(state, settings)
            self.look_at(state.plane)
        else:
            self.build(state)
        self.undoable = [*self.undoable, before][-UNDONE:]

    def undo(self) -> None:
        """Back to the state before the last change."""
        if not self.undoable:
            raise OptionError("There is nothing to undo.")
        before = self.undoable.pop()
        kept = self.undoable
        self.adopt(before)
        self.undoable = kept

    def look_at(self, plane: tuple[int, int]) -> None:
        """Show another plane."""
        self.plane = Plane(self.trainer, plane)
        self.scene += 1

    def build(self, state: LabState, given: Dataset | None = None) -> None:
        """A new run; the old one stays if the state does not allow one."""
        data = self.data(state, given)
        settings = suited_settings(state.run_settings(), data)
        trainer = Trainer(data, settings, extras=state.extras())
        self.trainer, self.state = trainer, with_loss(state, settings)
        self.given = given if given is not None else self.given
        self.look_at(state.plane)

    def data(self, state: LabState | None = None, given: Dataset | None = None) -> Dataset:
        """The data of a state."""
        state = state if state is not None else self.state
        if state.data.source in ("given", "table"):
            found = given if given is not None else self.given
            if found is None:
                raise OptionError("The table is not here any more; drop its file on the page again.")
            return found
        return dataset_of(state.data, int(state.settings.get("seed", 0)))

    def take_table(self, data: Dataset, upload: Upload) -> None:
        """Learn from a table that was dropped on the page."""
        self.running = False
        state = self.state.but({"data": {"source": "table"}})
        before = self.state
        self.build(state, data)
        self.upload = upload
        self.undoable = [*self.undoable, before][-UNDONE:]

    def pin(self, on: bool) -> None:
        """Keep the present curve for comparison, or let it go."""
        self.pinned = [dict(row) for row in self.trainer.curve] if on else None


NOTHING: Any = object()


def suited_settings(settings: Settings, data: Dataset) -> Settings:
    """The settings with a loss for numbers where the target is one, and with a loss for classes where it is a class."""
    numeric = issubclass(LOSSES.find(settings.loss), NUMBER_LOSSES)
    if numeric == (data.task == "regression"):
        return settings
    return replace(settings, loss="cross_entropy" if numeric else "mean_squared_error")


def answer_of(error: BaseException) -> str:
    """The sentence for the page."""
    if isinstance(error, ClearpropError):
        return str(error)
    return f"The lab made a mistake of its own ({type(error).__name__}); the run goes on."


def with_loss(state: LabState, settings: Settings) -> LabState:
    """The state with the loss that the run has."""
    return state if state.settings.get("loss") == settings.loss else state.but({"settings": {"loss": settings.loss}})
