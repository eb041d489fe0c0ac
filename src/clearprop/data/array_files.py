"""Files of arrays: NumPy's `.npz`, MATLAB's `.mat`, and IDX, the format of MNIST."""

from __future__ import annotations

import gzip
import struct
import zlib
from math import prod
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from clearprop.arrays import Array
from clearprop.data.raw import Raw, raw_arrays
from clearprop.errors import DataError, ShortOfMemoryError
from clearprop.headroom import require_memory

EXPECTED = "X and y, or Xtrain, Ytrain, Xtest, Ytest (or x_train, ...), and Xval, Yval if any"
IDX_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
UNSIGNED_BYTES = 0x08
MOST_GZIPPED = 1100
"""No gzip file expands by more than this factor (RFC 1951 allows 1032)."""


def read_npz(path: Path) -> Raw:
    """The arrays of an `.npz` file; pickled objects are refused.

    Raises
    ------
    DataError
        If the file is damaged, holds objects, or lacks the arrays.
    """
    from zipfile import BadZipFile

    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise DataError(f"{path} holds one unnamed array; save X and y with numpy.savez(path, X=X, y=y).")
        with loaded as archive:
            require_plausible(path, archive)
            return arrays_by_name(path.name, {key: archive[key] for key in archive.files if _role(key)}, archive.files)
    except DataError:
        raise
    except ValueError as error:
        raise DataError(
            f"{path} holds pickled objects or is no .npz file ({error}); save plain arrays of numbers or texts."
        ) from None
    except (OSError, EOFError, KeyError, BadZipFile, zlib.error, NotImplementedError, RuntimeError, struct.error) as error:
        raise DataError(f"{path} is not a readable .npz file ({error}); save it again with numpy.savez.") from None


def require_plausible(path: Path, archive: Any) -> None:
    """Refuse a zip file whose arrays claim other sizes than their entries have, or more than there is memory for."""
    total = 0
    for entry in archive.zip.infolist():
        with archive.zip.open(entry) as stream:
            if stream.read(len(np.lib.format.MAGIC_PREFIX)) != np.lib.format.MAGIC_PREFIX:
                continue
        with archive.zip.open(entry) as stream:
            version = np.lib.format.read_magic(stream)
            read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read_header(stream)
        claimed = prod(shape) * dtype.itemsize
        if claimed > entry.file_size:
            raise DataError(f"{path} announces {entry.filename} of shape {shape}, but holds {entry.file_size:,} bytes of it.")
        total += claimed
    require_memory(f"{path}, unpacked", 2 * total, "take a part of it")


def read_mat(path: Path) -> Raw:
    """The arrays of a MATLAB file of version 4 to 7.2.

    Raises
    ------
    DataError
        If the file is damaged, newer, or lacks the arrays.
    """
    from scipy.io import loadmat, whosmat

    try:
        claimed = sum(prod(shape) * 8 for _, shape, _ in whosmat(path))
        if claimed > 8 * MOST_GZIPPED * path.stat().st_size:
            raise ValueError("it announces arrays that a file of its size cannot hold")
        require_memory(f"{path}, unpacked", 2 * claimed, "take a part of it")
        found = loadmat(path)
    except ShortOfMemoryError:
        raise
    except NotImplementedError:
        raise DataError(f"{path} is a MATLAB 7.3 file, too new for SciPy; save it with save(..., '-v7').") from None
    except Exception as error:  # damaged files make loadmat raise nearly anything
        raise DataError(f"{path} is no readable .mat file ({error}); save it again with save(..., '-v7').") from None
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
    missing = [part for part in parts if "y" + part not in roles]
    if missing:
        raise DataError(f"{name} holds X but no y for {', '.join(missing)} (it has {', '.join(keys)}); give {EXPECTED}.")
    return raw_arrays(name, {part: (roles["x" + part], roles["y" + part]) for part in parts})


def _role(key: str) -> str:
    """The part that an array's name means: "xtrain" for x_train and Xtrain alike; an empty text for any other name."""
    role = key.lower().replace("_", "")
    return role if role in ("x", "y") or (role[:1] in "xy" and role[1:] in ("train", "val", "test")) else ""


def find_idx(folder: Path) -> dict[str, tuple[Path, Path]] | None:
    """The four IDX files in `folder`, by part; None if any is missing."""
    found = {}
    for part, names in IDX_FILES.items():
        pair = [_variant(folder, name) for name in names]
        if pair[0] is None or pair[1] is None:
            return None
        found[part] = (pair[0], pair[1])
    return found


def _variant(folder: Path, name: str) -> Path | None:
    spellings = (name, name.replace("-idx", ".idx"))
    candidates = [folder / (spelling + suffix) for spelling in spellings for suffix in (".gz", "")]
    return next((path for path in candidates if path.is_file()), None)


def read_idx_folder(folder: Path, name: str | None = None) -> Raw:
    """Four IDX files: images and labels, for training and for test; the pixels stay bytes.

    Raises
    ------
    DataError
        If a file is missing or damaged, or images and labels differ in number.
    """
    files = find_idx(folder)
    if files is None:
        wanted = ", ".join(name for pair in IDX_FILES.values() for name in pair)
        raise DataError(f"{folder} does not hold the four IDX files ({wanted}; .gz or not); name the folder that does.")
    pairs = {}
    for part, (image_file, label_file) in files.items():
        images, labels = read_idx(image_file, 3), read_idx(label_file, 1)
        if len(images) != len(labels):
            raise DataError(
                f"{image_file} holds {len(images)} images, but {label_file} {len(labels)} labels; download both again."
            )
        pairs[part] = (images, labels)
    return raw_arrays(name or folder.resolve().name, pairs)


def read_idx(path: Path, ndim: int) -> Array:
    """One IDX file (a magic number, the sizes, then one byte a pixel; gzipped or not) as an array with `ndim` axes.

    Raises
    ------
    DataError
        If it is not such a file, is cut short, or its gzip stream is broken.
    """
    try:
        with _open(path) as stream:
            head = stream.read(4 + 4 * ndim)
            magic = bytes([0, 0, UNSIGNED_BYTES, ndim])
            if head[:4] != magic or len(head) < 4 + 4 * ndim:
                raise DataError(
                    f"{path} starts with the bytes {head[:4].hex(' ') or '(none)'}, not {magic.hex(' ')}: it is not an "
                    f"IDX file of bytes with {ndim} axes; download it again."
                )
            shape = struct.unpack(f">{ndim}I", head[4:])
            if prod(shape) > MOST_GZIPPED * path.stat().st_size:  # checked before that much memory is allocated
                raise DataError(f"{path} announces shape {shape}, more than a file of its size can hold; download it again.")
            require_memory(f"{path}, which announces shape {shape}", 2 * prod(shape), "take a part of it")
            body = stream.read(prod(shape) + 1)  # one byte more, to notice a file that is too long
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is a damaged gzip file ({error}); download it again.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error}).") from None
    if len(body) != prod(shape):
        held = "more" if len(body) > prod(shape) else f"only {len(body)}"
        raise DataError(f"{path} announces shape {shape}, that is {prod(shape)} bytes, but holds {held}; download it again.")
    return np.frombuffer(body, np.uint8).reshape(shape)


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as stream:
        zipped = stream.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if zipped else path.open("rb")
