"""MNIST from its four gzipped files, in the few lines that every loop without a library for it needs."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from clearprop.arrays import Array
from clearprop.data.built_in import mnist_folder


def read_mnist(folder: Path | None = None) -> tuple[Array, Array, Array, Array]:
    """Training images (60000, 784) and labels, then those of the test; float32 from 0 to 1, int64."""
    folder = folder or mnist_folder(None)
    arrays = []
    for part in ("train", "t10k"):
        images = np.frombuffer(gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
        labels = np.frombuffer(gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
        arrays += [images.reshape(-1, 784).astype(np.float32) / np.float32(255), labels.astype(np.int64)]
    return arrays[0], arrays[1], arrays[2], arrays[3]
