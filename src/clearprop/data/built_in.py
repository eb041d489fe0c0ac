"""The built-in data sets: circles, synth, digits and MNIST."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.data.array_files import find_idx, read_idx_folder
from clearprop.data.raw import Raw
from clearprop.errors import DataError
from clearprop.headroom import require_memory
from clearprop.registry import require

BUILT_IN = {
    "circles": "two overlapping rings in the plane; 2000 points, 2 classes, drawn from the seed",
    "synth": "points inside and outside an ellipse; 60,000 + 10,000 points, 2 classes, always the same",
    "digits": "scikit-learn's handwritten digits; 1,797 images (8, 8), 10 classes",
    "mnist": "handwritten digits; 60,000 + 10,000 images (28, 28), 10 classes; found in the data folder or downloaded",
}
"""The built-in data sets, with one line on each."""

RADII = ((1.03, 0.22), (0.39, 0.16))
"""Mean and standard deviation of the radius: class 0 is the outer ring, class 1 the inner disc."""

BASE_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
TIMEOUT = 10.0
"""Seconds to wait for the server."""


def read_built_in(name: str, rng: np.random.Generator, data_dir: str | Path | None = None) -> Raw:
    """Read one of the data sets in `BUILT_IN`."""
    if name == "circles":
        X, y = make_circles(seed=rng)
        return Raw(name, {"train": (X, y)}, ["x1", "x2"], task="classification", scale="none")
    if name == "synth":
        return _read_synth()
    if name == "digits":
        return _read_digits()
    return read_mnist(data_dir)


@checked
def make_circles(n: int = 2000, seed: int | np.random.Generator = 0) -> tuple[Array, Array]:
    """Draw `n` points from two overlapping rings, which no straight line separates; the rows are sorted by class.

    The distribution is that of the Sorbonne practical's `circles.npz`, measured from its points.

    Parameters
    ----------
    n : int
        Number of points; class 0 gets the odd one.
    seed : int or numpy.random.Generator

    Returns
    -------
    X : array (n, 2) of float64
    y : array (n,) of int64
        0 on the outer ring, 1 on the inner.

    Raises
    ------
    OptionError
        If n is below 2.

    Examples
    --------
    >>> X, y = make_circles(200, seed=0)
    >>> X.shape, int(y.sum())
    ((200, 2), 100)
    """
    require(n >= 2, "n", n, "at least 2 points, one for each class")
    require_memory(f"{n:,} points", 80 * n)
    rng = np.random.default_rng(seed)
    y = np.arange(n, dtype=np.int64) * 2 // n
    mean, spread = np.array(RADII)[y].T
    # A negative radius is the point on the opposite side, and the angle is uniform, so that no draw has to be rejected.
    radius = rng.normal(mean, spread)
    angle = rng.uniform(0.0, 2.0 * np.pi, n)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), y


def _read_synth() -> Raw:
    """Points of a standard normal distribution; class 1 lies outside x1^2 + 0.95 x1 x2 + 0.4 x2^2 = 0.6.

    The practical drew them with `numpy.random.seed(0)`; a legacy generator of its own draws the same numbers without
    touching global state.
    """
    X = np.random.RandomState(0).randn(70000, 2)
    y = (X[:, 0] ** 2 + 0.95 * X[:, 0] * X[:, 1] + 0.4 * X[:, 1] ** 2 > 0.6).astype(np.int64)
    parts = {"train": (X[:60000], y[:60000]), "val": (X[60000:], y[60000:])}
    return Raw("synth", dict(parts), ["x1", "x2"], task="classification", scale="standard", test=0)


def _read_digits() -> Raw:
    from sklearn.datasets import load_digits  # type: ignore[import-untyped, unused-ignore]

    X, y = load_digits(return_X_y=True)
    features = [f"x{i + 1}" for i in range(X.shape[1])]
    return Raw(
        "digits", {"train": (X, y.astype(np.int64))}, features, task="classification", scale="unit",
        image_shape=(8, 8), full_scale=16.0,
    )  # fmt: skip


def read_mnist(data_dir: str | Path | None = None) -> Raw:
    """60 000 training and 10 000 test images (28, 28) of digits, as bytes.

    They are read from the data folder, or downloaded once, with checksums, into the cache.

    Parameters
    ----------
    data_dir : path, optional
        A folder that holds the four files, or has a subfolder `mnist` that does; default: `$CLEARPROP_DATA`.

    Raises
    ------
    DataError
        If the files are in neither place and cannot be downloaded, or are damaged.
    """
    folder = mnist_folder(data_dir)
    return replace(read_idx_folder(folder, "mnist"), task="classification", val=5000)


def mnist_folder(data_dir: str | Path | None) -> Path:
    """The folder that holds the four files; downloads them if needed."""
    given = data_dir if data_dir is not None else os.environ.get("CLEARPROP_DATA")
    looked = [Path(given), Path(given) / "mnist"] if given else []
    for folder in looked:
        if find_idx(folder) is not None:
            return folder
    return _download(looked)


def _download(looked: list[Path]) -> Path:
    import pooch

    cache = Path(pooch.os_cache("clearprop")) / "mnist"
    if find_idx(cache) is not None and all(pooch.file_hash(str(cache / name)) == SHA256[name] for name in SHA256):
        return cache
    store = pooch.create(cache, BASE_URL, registry={name: f"sha256:{digest}" for name, digest in SHA256.items()})
    try:
        for name in SHA256:
            store.fetch(name, downloader=pooch.HTTPDownloader(timeout=TIMEOUT))
    except (OSError, ValueError) as error:  # no network, no such host, or a checksum that does not match
        places = f" (looked in {' and '.join(map(str, looked))})" if looked else ""
        raise DataError(
            f"MNIST is not on this machine{places} and could not be downloaded from {BASE_URL} "
            f"({type(error).__name__}); put {', '.join(SHA256)} into a folder, and name it with data_dir (--data-dir) or "
            "$CLEARPROP_DATA."
        ) from None
    return cache
