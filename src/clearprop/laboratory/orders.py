"""Orders: what each message of a page makes the session do, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from clearprop.errors import OptionError
from clearprop.laboratory.cards import parameter_card
from clearprop.laboratory.lab_session import LabSession
from clearprop.laboratory.protocol import Message
from clearprop.laboratory.state import LabState
from clearprop.laboratory.unit_cards import unit_card
from clearprop.laboratory.views import insights, rounded
from clearprop.walkthrough import explain

if TYPE_CHECKING:
    from clearprop.doctor.finding import Finding

Answer = dict[str, Any] | None
SLOW = 4  # examples of the batch that is shown in slow motion
DOCTOR_EPOCHS = 30


def answer(session: LabSession, message: Message) -> Answer:
    """Carry out one message in the session's thread; returns what the page is told beside the next frame."""
    return TABLE[message.kind](session, **message.values)


def run(session: LabSession, on: bool) -> Answer:
    """Start or stop training."""
    session.run(on)
    return None


def pace(session: LabSession, steps: int) -> Answer:
    """Train at most so many steps a second; 0 for as many as the machine can."""
    session.pace, session.speed = steps, 0.0
    return None


def step(session: LabSession, n: int) -> Answer:
    """Take steps."""
    session.take(n)
    return None


def epoch(session: LabSession) -> Answer:
    """Go on to the end of the epoch."""
    trainer = session.trainer
    session.take(trainer.per_epoch - trainer.step % trainer.per_epoch)
    return None


def back(session: LabSession, to: int) -> Answer:
    """Return to an earlier step."""
    session.back(to)
    return None


def reset(session: LabSession) -> Answer:
    """A new net."""
    session.reset()
    return None


def change(session: LabSession, state: dict[str, Any]) -> Answer:
    """Change the state."""
    session.change(state)
    return None


def undo(session: LabSession) -> Answer:
    """Take back the last change."""
    session.undo()
    return None


def weight(session: LabSession, layer: int, name: str, index: list[int], value: float) -> Answer:
    """Give a parameter a value."""
    session.trainer.set_parameter(layer, name, index, value)
    session.settle()
    return card(session, layer, name, index)


def freeze(session: LabSession, layer: int, name: str, index: list[int], on: bool) -> Answer:
    """Freeze a parameter, or let it go."""
    session.trainer.freeze(layer, name, index, on)
    return card(session, layer, name, index)


def hold(session: LabSession, layer: int, unit: int, on: bool) -> Answer:
    """Freeze what makes a unit, or let it go."""
    session.trainer.hold(layer, unit, on)
    return None


def silence(session: LabSession, layer: int, unit: int) -> Answer:
    """Set a hidden unit to zero."""
    session.trainer.silence(layer, unit)
    session.settle()
    return None


def card(session: LabSession, layer: int, name: str, index: list[int]) -> Answer:
    """The card of a parameter."""
    return {"type": "card", **parameter_card(session.trainer, layer, name, index)}


def unit(session: LabSession, column: int, unit: int) -> Answer:
    """The card of a unit."""
    return {"type": "card", **unit_card(session.trainer, column, unit)}


def slow(session: LabSession) -> Answer:
    """The next step in full, for the first examples of its batch, as `cp.explain` has it."""
    trainer = session.trainer
    X, y = trainer.batch()
    found = explain(trainer.net, X[:SLOW], y[:SLOW], trainer.loss, trainer.optimizer)
    stages = [
        {"title": stage.title, "lines": [
            {"symbol": line.symbol, "sign": line.sign, "formula": line.formula, "note": line.note, "shape": list(line.shape),
             "value": rounded(line.value) if line.shape else float(f"{float(line.value):.6g}")}  # type: ignore[arg-type]
            for line in stage.lines]}
        for stage in found.stages
    ]  # fmt: skip
    return {"type": "slow", "examples": min(SLOW, len(X)), "batch": len(X), "stages": stages}


def looked_into(session: LabSession) -> Answer:
    """Confusion and histograms."""
    return {"type": "insights", **insights(session.trainer, session.trainer.net)}


def faults(session: LabSession) -> Answer:
    """The faults that can be planted."""
    from clearprop.laboratory.breaking import plantable, recordable  # not before it is needed: a lab should stand at once

    return {"type": "faults", "faults": plantable(session.trainer), "reason": recordable(session.trainer)}


def plant(session: LabSession, slug: str, site: list[str]) -> Answer:
    """Plant a fault, and check."""
    from clearprop.laboratory.breaking import FaultyGradient, fault_of

    session.trainer.gradient = FaultyGradient(fault_of(session.trainer, slug, site))
    session.trainer.remember(fixed=True)
    return checked(session)


def heal(session: LabSession) -> Answer:
    """Take the fault out, and check."""
    session.trainer.gradient = None
    return checked(session)


def checked(session: LabSession) -> Answer:
    """The verdict of the check."""
    from clearprop.laboratory.breaking import verdict

    return {"type": "check", **verdict(session.trainer)}


def doctor(session: LabSession) -> Answer:
    """The doctor's findings on the run from its start, with remedies that a click can apply."""
    from clearprop.doctor import diagnose

    trainer, settings = session.trainer, session.trainer.settings
    fresh = mlp_like(session)
    found = diagnose(
        fresh, trainer.train, validation=trainer.val, loss=trainer.loss, optimizer=trainer.new_optimizer(settings),
        batch_size=trainer.batch_size, epochs=DOCTOR_EPOCHS, seed=settings.seed,
    )  # fmt: skip
    session.findings = list(found.findings)
    findings = [
        {"title": one.sentence, "since": one.since, "why": one.why, "remedy": one.remedy.words, "slug": one.slug,
         "tried": one.trial.words if one.trial is not None else "", "applicable": bool(changes_of(one))}
        for one in found.findings[:4]
    ]  # fmt: skip
    return {"type": "doctor", "healthy": found.healthy, "unknown": found.unknown, "findings": findings}


def mlp_like(session: LabSession) -> Any:
    """The net of the run as it was at its start."""
    net = session.trainer.net.copy()
    net.restore(session.trainer.moments[0].arrays)
    return net


def changes_of(finding: Finding) -> dict[str, Any]:
    """Changes that the remedy of a finding makes among the settings of a lab; empty if it is something else."""
    trial = finding.trial
    changes = dict(trial.changes) if trial is not None else {}
    known = {"rate": "factor", "activation": "activation", "init": "init", "optimizer": "optimizer", "dropout": "dropout"}
    return changes if changes and set(changes) <= set(known) else {}


def remedy(session: LabSession, number: int) -> Answer:
    """Apply the remedy of a finding; the old curve is kept."""
    if number >= len(session.findings):
        raise OptionError("The doctor has no such finding any more; ask again.")
    settings = dict(session.state.settings)
    for name, value in changes_of(session.findings[number]).items():
        if name == "rate":
            settings["lr"] = float(settings.get("lr", 0.1)) * float(value)
        elif name == "activation":
            settings["activation"] = [value] * len(settings.get("hidden", []))
        elif name == "optimizer" and isinstance(value, dict):
            settings |= {"optimizer": str(value.get("type", "sgd")).lower(), "lr": value.get("lr", settings.get("lr"))}
        elif name in ("init", "dropout"):
            settings[name] = value
    session.pin(True)
    session.adopt(LabState(session.state.data, settings, session.state.plane))
    session.reset()
    return None


def pin(session: LabSession) -> Answer:
    """Keep the present curve."""
    session.pin(True)
    return {"type": "pinned", "curve": session.pinned}


def unpin(session: LabSession) -> Answer:
    """Let the kept curve go."""
    session.pin(False)
    return {"type": "pinned", "curve": None}


TABLE: dict[str, Callable[..., Answer]] = {
    "run": run, "pace": pace, "step": step, "epoch": epoch, "back": back, "reset": reset, "change": change, "undo": undo,
    "weight": weight, "freeze": freeze, "hold": hold, "silence": silence, "card": card, "unit": unit, "slow": slow,
    "insights": looked_into, "faults": faults, "plant": plant, "heal": heal, "check": checked,
    "doctor": doctor, "remedy": remedy, "pin": pin, "unpin": unpin,
}  # fmt: skip
"""What each message does; "ack" concerns the connection alone."""
