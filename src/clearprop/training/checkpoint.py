"""Checkpoints: a run on disk, from which it goes on to the very same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clearprop.arguments import as_path
from clearprop.errors import ModelFileError
from clearprop.files import load_arrays, save_arrays
from clearprop.registry import count
from clearprop.training.history import json_row, parse_row
from clearprop.training.run import Callback, Run
from clearprop.training.snapshot import Snapshot


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
    arrays, header = load_arrays(path, "checkpoint")
    for name, now in settings(run).items():
        if header["settings"][name] != now:
            raise ModelFileError(
                f"The checkpoint {str(path)!r} was made with {name} = {header['settings'][name]},"
                f" but this run has {name} = {now}; resume with the same settings."
            )
    names, known = [type(c).__name__ for c in others(run)], [state["type"] for state in header["callbacks"]]
    if names != known:
        raise ModelFileError(f"The checkpoint {str(path)!r} has the callbacks {known}, but this run {names}; give the same.")
    Snapshot(arrays, header["generators"], header["t"]).restore(run)
    run.history.rows = [parse_row(row) for row in header["rows"]]
    run.history.stopped = header["stopped"]
    for i, (callback, state) in enumerate(zip(others(run), header["callbacks"], strict=True)):
        prefix = f"callback{i}."
        own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        callback.set_state(state["values"], own)
