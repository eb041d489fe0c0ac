"""Checkpoints: a run on disk, from which it goes on to the very same bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from clearprop.arguments import as_path, shaped
from clearprop.arrays import Array
from clearprop.errors import ClearpropError, ModelFileError
from clearprop.files import load_arrays, save_arrays
from clearprop.registry import count, require
from clearprop.training.history import json_row, parse_row
from clearprop.training.run import Callback, Run
from clearprop.training.snapshot import Snapshot


class CallbackState(TypedDict):
    """Schema of the state of one callback in a checkpoint."""

    type: str
    values: dict[str, Any]


class CheckpointHeader(TypedDict):
    """Schema of the header of a checkpoint."""

    settings: dict[str, Any]
    generators: dict[str, dict[str, Any]]
    t: int
    rows: list[dict[str, Any]]
    stopped: str | None
    callbacks: list[CallbackState]


class Checkpoint(Callback):
    """Writes the whole state of a run to one safetensors file, every so many epochs and at the end.

    The file is replaced in one go, so that an interruption leaves the previous one. `fit(..., resume=path)` goes on from it.

    Parameters
    ----------
    path : path
        File to write.
    every : int
        Epochs between two writes.
    """

    def __init__(self, path: str | Path, every: int = 1) -> None:
        self.path, self.every = str(as_path("path", path)), count("every", every)

    def on_epoch_end(self, run: Run) -> None:
        """Write, if it is time."""
        if run.epoch % self.every == 0 or run.finished:
            self.write(run)

    def write(self, run: Run) -> None:
        """Write the present state of `run`, which must be at the end of an epoch."""
        snapshot = Snapshot.of(run)
        arrays = dict(snapshot.arrays)
        states = []
        for i, callback in enumerate(others(run)):
            values, kept = callback.state()
            arrays |= {f"callback{i}.{name}": array for name, array in kept.items()}
            states.append({"type": type(callback).__name__, "values": values})
        header = {
            "settings": settings(run),
            "generators": snapshot.generators,
            "t": snapshot.t,
            "rows": [json_row(row) for row in run.history],
            "stopped": run.history.stopped,
            "callbacks": states,
            **({"steps": [loss if np.isfinite(loss) else str(loss) for loss in run.history.steps]} if run.keep_steps else {}),
        }
        save_arrays(self.path, arrays, "checkpoint", header)


def others(run: Run) -> list[Callback]:
    """The callbacks whose state a checkpoint keeps."""
    return [callback for callback in run.callbacks if not isinstance(callback, Checkpoint)]


def settings(run: Run) -> dict[str, Any]:
    """Settings in which a run and its continuation must agree."""
    return {
        "layers": [repr(layer) for layer in run.net.layers],
        "dtype": run.net.dtype.name,
        "loss": run.loss.config(),
        "optimizer": run.optimizer.config(),
        "examples": len(run.train),
    }


def resume_run(run: Run, path: str | Path) -> None:
    """Put `run` and its callbacks into the state that a `Checkpoint` wrote.

    Raises
    ------
    ModelFileError
        If the file cannot be read, or belongs to a run with other settings (the first that differs is named).
    """
    arrays, found = load_arrays(path, "checkpoint")
    with trusting_nothing(path):
        header: Any = shaped(CheckpointHeader, found, "the header")
        check_settings(run, header["settings"], path)
        check_callbacks(run, header["callbacks"], path)
        check_arrays(run, arrays, header["t"])
        Snapshot(arrays, header["generators"], header["t"]).restore(run)
        run.history.rows = [parse_row(row) for row in header["rows"]]
        run.history.stopped = header["stopped"]
        run.history.steps = [float(loss) for loss in header.get("steps", ())]
        for i, (callback, state) in enumerate(zip(others(run), header["callbacks"], strict=True)):
            prefix = f"callback{i}."
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            callback.set_state(state["values"], own)


@contextmanager
def trusting_nothing(path: str | Path) -> Iterator[None]:
    """Raise a `ModelFileError` that names the file, whatever its contents make go wrong."""
    try:
        yield
    except (ClearpropError, KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, ModelFileError) and repr(str(path)) in str(error):
            raise
        reason = str(error) if isinstance(error, ClearpropError) else f"it lacks or misstates {error}."
        raise ModelFileError(f"The run in the checkpoint {str(path)!r} cannot go on: {reason}") from None


def check_settings(run: Run, saved: dict[str, Any], path: str | Path) -> None:
    """Raise a `ModelFileError` that names the first setting in which a run differs from its checkpoint."""
    for name, now in settings(run).items():
        if saved[name] != now:
            raise ModelFileError(
                f"The checkpoint {str(path)!r} was made with {name} = {saved[name]},"
                f" but this run has {name} = {now}; resume with the same settings."
            )


def check_callbacks(run: Run, states: list[dict[str, Any]], path: str | Path) -> None:
    """Raise a `ModelFileError` unless the run has the callbacks whose states were kept."""
    names, known = [type(c).__name__ for c in others(run)], [state["type"] for state in states]
    if names != known:
        raise ModelFileError(f"The checkpoint {str(path)!r} has the callbacks {known}, but this run {names}; give the same.")


def check_arrays(run: Run, arrays: dict[str, Array], t: int) -> None:
    """Raise a `ModelFileError` unless the arrays are those of the net and, after the first step, of the optimizer."""
    require(t >= 0, "t", t, "a number of steps, 0 or more")
    expected = {name: array.shape for name, array in run.net.arrays().items()}
    states = [f"state.{name}" for name in run.optimizer.state_names] if t else []
    expected |= dict.fromkeys(states, run.net.theta.shape)
    found = {name: array.shape for name, array in arrays.items() if not name.startswith("callback")}
    if found != expected:
        raise ModelFileError(f"it holds the arrays {found}, but the run needs {expected}.")
    if not all(np.isfinite(arrays[name]).all() for name in expected):
        raise ModelFileError("its arrays hold NaN or infinite values.")
