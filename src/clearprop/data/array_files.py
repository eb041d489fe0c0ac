"""Files of named arrays: NumPy's `.npz` and MATLAB's `.mat`."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.data.raw import Raw, raw_arrays
from clearprop.errors import DataError

EXPECTED = "X and y, or Xtrain, Ytrain, Xtest, Ytest (or x_train, ...), and Xval, Yval if any"


def read_npz(path: Path) -> Raw:
    """The arrays of an `.npz` file; pickled objects are refused.

    Raises
    ------
    DataError
        If the file is damaged, holds objects, or lacks the arrays.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise DataError(f"{path} holds one unnamed array; save X and y with numpy.savez(path, X=X, y=y).")
        with loaded as archive:
            return arrays_by_name(path.name, {key: archive[key] for key in archive.files if _role(key)}, archive.files)
    except DataError:
        raise
    except ValueError as error:
        raise DataError(
            f"{path} holds pickled objects or is no .npz file ({error}); save plain arrays of numbers or texts."
        ) from error
    except (OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} is not a readable .npz file ({error}); save it again with numpy.savez.") from error


def read_mat(path: Path) -> Raw:
    """The arrays of a MATLAB file of version 4 to 7.2.

    Raises
    ------
    DataError
        If the file is damaged, newer, or lacks the arrays.
    """
    from scipy.io import loadmat

    try:
        found = loadmat(path)
    except NotImplementedError as error:
        raise DataError(f"{path} is a MATLAB 7.3 file, too new for SciPy; save it with save(..., '-v7').") from error
    except Exception as error:  # damaged files make loadmat raise nearly anything
        raise DataError(f"{path} is no readable .mat file ({error}); save it again with save(..., '-v7').") from error
    keys = [key for key in found if not key.startswith("__")]
    return arrays_by_name(path.name, {key: found[key] for key in keys if _role(key)}, keys)


def arrays_by_name(name: str, arrays: dict[str, Any], keys: list[str]) -> Raw:
    """A `Raw` from arrays whose names say which part they are; y may be missing, for files to predict from."""
    roles = {_role(key): np.asarray(value) for key, value in arrays.items()}
    if "x" in roles:
        return raw_arrays(name, {"train": (roles["x"], roles.get("y"))})
    if "xtrain" not in roles:
        raise DataError(f"{name} holds the arrays {', '.join(keys) or '(none)'}, but clearprop looks for {EXPECTED}.")
    parts = [part for part in ("train", "val", "test") if "x" + part in roles]
    lost = [part for part in parts if "y" + part not in roles]
    if lost:
        raise DataError(f"{name} holds X but no y for {', '.join(lost)} (it has {', '.join(keys)}); give {EXPECTED}.")
    return raw_arrays(name, {part: (roles["x" + part], roles["y" + part]) for part in parts})


def _role(key: str) -> str:
    """Which array a name means: x_train and Xtrain are both "xtrain"; an empty text for any other."""
    role = key.lower().replace("_", "")
    return role if role in ("x", "y") or (role[:1] in "xy" and role[1:] in ("train", "val", "test")) else ""
