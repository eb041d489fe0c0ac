"""MNIST: found in the user's data folder, or downloaded once, with checksums, into the cache."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from clearprop.data.idx import find_idx, read_idx_folder
from clearprop.data.raw import Raw
from clearprop.errors import DataError

BASE_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
TIMEOUT = 10.0
"""Seconds to wait for the server."""


def read_mnist(data_dir: str | Path | None = None) -> Raw:
    """60 000 training and 10 000 test images (28, 28) of digits, as bytes.

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
    """Where the four files are; downloads them if need be."""
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
            f"({type(error).__name__}); put "
            f"{', '.join(SHA256)} into a folder, and name it with data_dir (--data-dir) or $CLEARPROP_DATA."
        ) from error
    return cache
