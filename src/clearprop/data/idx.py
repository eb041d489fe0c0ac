"""IDX files, the format of MNIST: a magic number, the sizes, then one byte a pixel; gzipped or not."""

from __future__ import annotations

import gzip
import struct
import zlib
from math import prod
from pathlib import Path
from typing import IO, cast

import numpy as np

from clearprop.arrays import Array
from clearprop.data.raw import Raw, raw_arrays
from clearprop.errors import DataError

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
UNSIGNED_BYTES = 0x08
MOST_GZIPPED = 1100
"""No gzip file grows by more than this factor (RFC 1951 allows 1032)."""


def find_idx(folder: Path) -> dict[str, tuple[Path, Path]] | None:
    """The four files in `folder`, by part; None if any is not there."""
    found = {}
    for part, names in FILES.items():
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
        wanted = ", ".join(name for pair in FILES.values() for name in pair)
        raise DataError(f"{folder} does not hold the four IDX files ({wanted}; .gz or not); name the folder that does.")
    pairs = {}
    for part, (image_file, label_file) in files.items():
        images, labels = read_idx(image_file, 3), read_idx(label_file, 1)
        if len(images) != len(labels):
            raise DataError(f"{image_file} holds {len(images)} images, but {label_file} {len(labels)} labels; get both again.")
        pairs[part] = (images, labels)
    return raw_arrays(name or folder.resolve().name, pairs)


def read_idx(path: Path, ndim: int) -> Array:
    """One IDX file as an array of bytes with `ndim` axes.

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
                    f"IDX file of bytes with {ndim} axes; get it again."
                )
            shape = struct.unpack(f">{ndim}I", head[4:])
            if prod(shape) > MOST_GZIPPED * path.stat().st_size:  # before that much memory is asked for
                raise DataError(f"{path} announces shape {shape}, more than a file of its size can hold; get it again.")
            body = stream.read(prod(shape) + 1)  # one more, so that what is too long is seen as well
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is a damaged gzip file ({error}); get it again.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error}).") from error
    if len(body) != prod(shape):
        held = "more" if len(body) > prod(shape) else f"only {len(body)}"
        raise DataError(f"{path} announces shape {shape}, that is {prod(shape)} bytes, but holds {held}; get it again.")
    return np.frombuffer(body, np.uint8).reshape(shape)


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as stream:
        zipped = stream.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if zipped else path.open("rb")
