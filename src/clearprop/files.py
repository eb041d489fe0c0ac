"""Files of arrays: safetensors with JSON beside the arrays, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe
from clearprop.errors import ClearpropError, DataError, FileAccessError, ModelFileError
from clearprop.ownership import own_prefix, remove_leftovers

MODEL_NAME = "model.safetensors"  # of the model in the folder of a run


def write_atomically(path: str | Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, and move it to `path` once it is complete."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=own_prefix(path.name))
    os.close(handle)
    try:
        write(Path(name))
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@checked
def save_arrays(path: str | Path, arrays: dict[str, Array], kind: str, header: dict[str, Any]) -> None:
    """Write arrays and a JSON-able header of the given kind ("model", "checkpoint")."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    def write(temporary: Path) -> None:
        try:
            save_file(contiguous, temporary, metadata)
        except SafetensorError as error:  # its word for a full disk
            raise FileAccessError(f"Cannot write {str(path)!r}: {str(error).rpartition(': ')[2]}.") from None

    metadata = {"clearprop": kind, "header": json.dumps(header, allow_nan=False)}
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_atomically(path, write)


@checked
def load_arrays(path: str | Path, *kinds: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read what `save_arrays` wrote, if it is of one of these kinds.

    Raises
    ------
    ModelFileError
        If the file is missing, truncated, no safetensors file, or of another kind.
    """
    from safetensors import SafetensorError, safe_open

    path, kind = Path(path), " or ".join(kinds)
    if not path.is_file():
        raise ModelFileError(f"There is no {kind} file {str(path)!r}.")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
    except Exception as error:  # a forged file makes the reader raise nearly anything: BF16 is a TypeError
        if not isinstance(error, (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError)):
            raise
        raise ModelFileError(
            f"{str(path)!r} ({path.stat().st_size} bytes) is damaged, or no safetensors file: {error}. Save it again."
        ) from None
    if metadata.get("clearprop") not in kinds:
        found = metadata.get("clearprop")
        raise ModelFileError(
            f"{str(path)!r} is a safetensors file, but not a clearprop {kind}{f' (it is a {found})' if found else ''}."
        )
    for name, array in arrays.items():
        if array.dtype.kind != "f":
            raise ModelFileError(f"The array {name} in {str(path)!r} is {describe(array)}, not one of real numbers.")
    return arrays, parse_json(metadata.get("header", ""), f"The header of {str(path)!r}", ModelFileError)


def parse_json(text: str, what: str, error: type[ClearpropError] = DataError) -> dict[str, Any]:
    """The dictionary that a text holds in JSON.

    Raises
    ------
    DataError, or another that is given
        If it is no JSON, or JSON of something else.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):  # a hundred thousand brackets are JSON, but nothing of ours
        raise error(f"{what} is not JSON; save it again.") from None
    if not isinstance(found, dict):
        raise error(f"{what} is JSON, but holds {describe(found)} in place of a dictionary.")
    return found


def read_text(path: Path, what: str) -> str:
    """The text of a file of ours, which is in UTF-8.

    Raises
    ------
    DataError
        If it cannot be read, or is in another encoding.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"Cannot read {what} {str(path)!r}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise DataError(f"{what[:1].upper()}{what[1:]} {str(path)!r} is not a text in UTF-8.") from None


def model_file(path: str | Path) -> Path:
    """The model in the folder of a run, as `clearprop train --out` writes it; any other path as it is."""
    path = Path(path)
    return path / MODEL_NAME if path.is_dir() else path


@contextmanager
def building_from(path: str | Path) -> Iterator[None]:
    """Raise a `ModelFileError` that names the file where its header turns out to make no sense."""
    try:
        yield
    except (ClearpropError, KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, ModelFileError) and repr(str(path)) in str(error):
            raise
        reason = str(error) if isinstance(error, ClearpropError) else f"its header lacks or misstates {error}."
        raise ModelFileError(f"The model in {str(path)!r} cannot be built: {reason}") from None
