"""Every kind of source loads, and every kind of bad one is refused in a sentence that says what to do."""

from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from clearprop import data
from clearprop.data import built_in
from clearprop.errors import ClearpropError, DataError, MissingExtraError, OptionError, UnknownNameError

SHARED = os.environ.get("CLEARPROP_DATA")
needs_files = pytest.mark.skipif(SHARED is None, reason="CLEARPROP_DATA names no folder with the course's files")


def write_idx(folder, images=(6, 4), zipped=True, labels=None):
    """Four small IDX files, (2, 3) pixels an image."""
    folder.mkdir(exist_ok=True)
    for name, n in zip(("train", "t10k"), images, strict=True):
        m = labels if labels is not None else n
        files = {
            f"{name}-images-idx3-ubyte": struct.pack(">BBBBIII", 0, 0, 8, 3, n, 2, 3) + bytes(range(n * 6)),
            f"{name}-labels-idx1-ubyte": struct.pack(">BBBBI", 0, 0, 8, 1, m) + bytes(i % 2 for i in range(m)),
        }
        for file, content in files.items():
            (folder / (file + ".gz" * zipped)).write_bytes(gzip.compress(content) if zipped else content)
    return folder


def test_import_is_light():
    code = (
        "import sys; from clearprop.data import load; import clearprop.data.table;"
        "print([m for m in ('scipy', 'sklearn', 'pandas', 'pyarrow', 'pooch') if m in sys.modules])"
    )
    # A stand-in for the package's front door, which imports more than data does.
    where = list(sys.modules["clearprop"].__path__)
    bare = f"import types, sys; p = types.ModuleType('clearprop'); p.__path__ = {where!r};"
    code = bare + "sys.modules['clearprop'] = p;" + code
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "sizes", "n_in", "n_out"),
    [
        ("circles", (1400, 300, 300), 2, 2),
        ("synth", (60000, 10000), 2, 2),
        ("digits", (1257, 270, 270), 64, 10),
    ],
)
def test_built_in(name, sizes, n_in, n_out):
    loaded = data.load(name)
    assert tuple(len(split) for split in loaded.splits.values()) == sizes
    assert (loaded.n_in, loaded.n_out, loaded.task) == (n_in, n_out, "classification")
    assert all(split.X.dtype == np.float32 and split.y.dtype == np.int64 for split in loaded.splits.values())
    assert set(data.BUILT_IN) == {"circles", "synth", "digits", "mnist"}


def test_synth_is_the_practical_bit_for_bit():
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    loaded = data.load("synth", scale="none", dtype="float64")
    assert (np.random.get_state()[1] == state).all(), "global randomness was touched"  # noqa: NPY002
    assert loaded.train.X[0].round(8).tolist() == [1.76405235, 0.40015721]
    assert [int(split.y.sum()) for split in loaded.splits.values()] == [33494, 5622]
    X = data.load("synth", dtype="float64").train.X
    assert np.allclose(X.mean(axis=0), 0, atol=1e-12)
    assert np.allclose(X.std(axis=0), 1, atol=1e-12)
    assert "val" not in data.load("synth", val=0).splits


def test_digits_are_images_from_zero_to_one():
    loaded = data.load("digits")
    assert loaded.image_shape == (8, 8)
    assert (loaded.train.X.min(), loaded.train.X.max()) == (0, 1)


def test_circles_are_two_rings():
    X, y = data.make_circles(20000, seed=1)
    radius = np.hypot(*X.T)
    for label, mean, spread in ((0, 1.03, 0.22), (1, 0.39, 0.16)):
        assert radius[y == label].mean() == pytest.approx(mean, abs=0.01)
        assert radius[y == label].std() == pytest.approx(spread, abs=0.01)
        assert np.abs(X[y == label].mean(axis=0)).max() < 0.03
    again, _ = data.make_circles(20000, seed=1)
    assert (again == X).all()
    assert (data.make_circles(20000, seed=2)[0] != X).any()


def test_circles_are_distributed_as_in_the_course():
    if SHARED is None:
        pytest.skip("CLEARPROP_DATA names no folder with the course's files")
    from scipy.stats import ks_2samp

    course = data.load(Path(SHARED) / "circles" / "circles.npz", val=0)
    X, y = data.make_circles(4000, seed=0)
    theirs, labels = np.concatenate([course.train.X, course.test.X]), np.concatenate([course.train.y, course.test.y])
    for label in (0, 1):
        ours, other = np.hypot(*X[y == label].T), np.hypot(*theirs[labels == label].T)
        assert ks_2samp(ours, other).pvalue > 0.01


@needs_files
@pytest.mark.parametrize("ending", ["npz", "mat"])
def test_course_circles_are_loaded_as_they_are(ending):
    folder = Path(SHARED) / "circles"
    raw = np.load(folder / "circles.npz")
    loaded = data.load(folder / f"circles.{ending}", val=0, dtype="float64")
    assert "val" not in loaded.splits
    for split, part in ((loaded.train, "train"), (loaded.test, "test")):
        assert (raw["X" + part] == split.X).all()
        assert (split.y == raw["Y" + part].argmax(axis=1)).all()
    assert len(data.load(folder / f"circles.{ending}").test) == 200


@needs_files
def test_mnist():
    loaded = data.load("mnist", data_dir=SHARED)
    assert [len(split) for split in loaded.splits.values()] == [55000, 5000, 10000]
    assert loaded.image_shape == (28, 28)
    assert loaded.train.X.dtype == np.float32
    assert (loaded.train.X.min(), loaded.train.X.max()) == (0, 1)
    assert loaded.test.y[:5].tolist() == [7, 2, 1, 0, 4]
    share = np.bincount(loaded.train.y) / 55000 - np.bincount(loaded.val.y) / 5000
    assert np.abs(share).max() < 3e-4


@needs_files
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from Linux's counter")
def test_mnist_needs_less_than_three_times_its_own_memory():
    code = (
        "from clearprop.data import load; load('mnist');"
        # Unlike getrusage's figure, this one does not start from the parent's.
        "print([line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')][0])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(shown) / 1024 < 500  # 3 x 219 MB, less what training itself needs


@pytest.mark.parametrize("kind", ["folder", "subfolder", "plain"])
def test_mnist_is_found_in_a_folder(tmp_path, monkeypatch, kind):
    folder = write_idx(tmp_path / "mnist", images=(40, 4), zipped=kind != "plain")
    monkeypatch.setenv("CLEARPROP_DATA", str(tmp_path if kind == "subfolder" else folder))
    loaded = data.load("mnist", val=10)
    assert [len(split) for split in loaded.splits.values()] == [30, 10, 4]
    assert loaded.name == "mnist"
    direct = data.load(folder, val=0)
    assert direct.image_shape == (2, 3)
    assert direct.train.X[1].tolist() == [np.float32(value / 255) for value in range(6, 12)]


def test_mnist_without_files_or_network_says_where_to_put_them(tmp_path, monkeypatch):
    monkeypatch.setattr(built_in, "BASE_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CLEARPROP_DATA", raising=False)
    with pytest.raises(DataError, match=r"not on this machine \(looked in .*train-images-idx3-ubyte.gz, .*--data-dir"):
        data.load("mnist", data_dir=tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()], "a half-written file was left"


def npz(path, **arrays):
    np.savez(path, **arrays)
    return path


X4, Y4 = np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("arrays", "task", "classes", "image_shape"),
    [
        ({"X": X4, "y": Y4}, "classification", [0, 1], None),
        ({"X": X4, "y": np.array(["b", "a", "b", "a"])}, "classification", ["a", "b"], None),
        ({"X": X4, "y": np.array([True, False, True, False])}, "classification", [False, True], None),
        ({"X": X4, "y": np.array([3.0, 5.0, 3.0, 5.0])}, "classification", [3, 5], None),
        ({"X": X4, "Y": np.eye(2)[Y4]}, "classification", [0, 1], None),
        ({"X": X4, "y": Y4[:, None]}, "classification", [0, 1], None),
        ({"X": X4, "y": X4[:, 0] / 3}, "regression", [], None),
        ({"X": X4, "y": X4 / 3}, "regression", [], None),
        ({"x_train": X4, "y_train": Y4, "x_test": X4, "y_test": Y4}, "classification", [0, 1], None),
        ({"X": np.zeros((4, 3, 5), np.uint8), "y": Y4}, "classification", [0, 1], (3, 5)),
    ],
)
def test_npz(tmp_path, arrays, task, classes, image_shape):
    loaded = data.load(npz(tmp_path / "a.npz", **arrays), val=0)
    assert (loaded.task, loaded.classes, loaded.image_shape) == (task, classes, image_shape)
    if task == "regression":
        assert loaded.train.y.ndim == 2
        assert loaded.train.y.dtype == np.float32


def test_pair_of_arrays_and_many_integer_classes():
    loaded = data.load((np.random.default_rng(0).normal(size=(300, 3)), np.arange(300) % 100))
    assert loaded.n_out == 100


def bad_source(tmp_path, case):
    """A source that cannot be loaded."""
    path = tmp_path / "bad.npz"
    match case:
        case "typo":
            return "circls"
        case "missing file":
            npz(tmp_path / "good.npz", X=X4, y=Y4)
            return tmp_path / "goood.npz"
        case "unsupported":
            (tmp_path / "a.docx").write_bytes(b"x")
            return tmp_path / "a.docx"
        case "empty":
            path.touch()
            return path
        case "no zip":
            path.write_bytes(b"PK nonsense")
            return path
        case "one array":
            with path.open("wb") as stream:
                np.save(stream, X4)
            return path
        case "long name":
            return "x" * 5000
        case "beyond float32":
            return npz(path, X=X4 * 1e300, y=Y4)
        case "keys":
            return npz(path, images=X4, labels=Y4)
        case "no y":
            return npz(path, Xtrain=X4)
        case "X alone":
            return npz(path, X=X4)
        case "objects":
            return npz(path, X=np.array([{}, 1], dtype=object), y=Y4)
        case "lengths":
            return npz(path, X=X4, y=Y4[:3])
        case "nan":
            return npz(path, X=np.where(X4 == 3, np.nan, X4), y=Y4)
        case "one class":
            return npz(path, X=X4, y=Y4 * 0)
        case "vector":
            return npz(path, X=X4[:, 0], y=Y4)
        case "widths":
            return npz(path, Xtrain=X4, Ytrain=Y4, Xtest=X4[:, :1], Ytest=Y4)
        case "mat":
            (tmp_path / "a.mat").write_bytes(b"MATLAB 5.0 nonsense" * 20)
            return tmp_path / "a.mat"
        case "object":
            return 3
        case _:
            return bad_idx(tmp_path, case)


def bad_idx(tmp_path, case):
    folder = write_idx(tmp_path / "idx", labels=3 if case == "idx counts" else None)
    images = folder / "train-images-idx3-ubyte.gz"
    content = images.read_bytes()
    match case:
        case "idx folder":
            images.unlink()
        case "idx magic":
            images.write_bytes(gzip.compress(b"\0\0\x0d\x03" + bytes(12)))
        case "idx truncated":
            images.write_bytes(gzip.compress(gzip.decompress(content)[:-5]))
        case "idx too long":
            images.write_bytes(gzip.compress(gzip.decompress(content) + b"\0"))
        case "gzip cut":
            images.write_bytes(content[:-12])
        case "gzip damaged":
            images.write_bytes(content[:-8] + bytes([content[-8] ^ 255]) + content[-7:])
        case "idx huge":
            images.write_bytes(gzip.compress(struct.pack(">BBBBIII", 0, 0, 8, 3, *[2**31] * 3)))
    return folder


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("typo", r"'circls' is neither a file nor a built-in data set; did you mean 'circles'\? .*digits, mnist"),
        ("missing file", r"goood.npz' is neither a file nor a built-in .* did you mean 'good.npz'"),
        ("unsupported", r"a.docx ends in '.docx'; .*\.npz, \.mat, \.csv, \.tsv, .*\.parquet"),
        ("empty", r"bad.npz is empty; give a file"),
        ("no zip", r"bad.npz .*(no|not a readable) .npz file"),
        ("one array", r"holds one unnamed array"),
        ("long name", r"neither a file"),
        ("beyond float32", r"too large for float32; use scale='standard'"),
        ("keys", r"holds the arrays images, labels, but clearprop looks for X and y"),
        ("no y", r"holds X but no y for train \(it has Xtrain\)"),
        ("X alone", r"holds 4 examples but no targets"),
        ("objects", r"holds pickled objects"),
        ("lengths", r"4 rows of X in train but 3 of y"),
        ("nan", r"X \(train\) holds 1 NaN or infinite values in a float64 array of shape \(4, 2\)"),
        ("one class", r"one class only \(0\) in 4 examples"),
        ("vector", r"X \(train\) as a float64 array of shape \(4,\); it must be a matrix"),
        ("widths", r"different widths, {'train': 2, 'test': 1}"),
        ("mat", r"no readable .mat file"),
        ("object", r"not 3 \(int\)"),
        ("idx folder", r"does not hold the four IDX files \(train-images-idx3-ubyte, .*name the folder"),
        ("idx magic", r"starts with the bytes 00 00 0d 03, not 00 00 08 03"),
        ("idx truncated", r"announces shape \(6, 2, 3\), that is 36 bytes, but holds only 31"),
        ("idx too long", r"holds more"),
        ("idx counts", r"holds 6 images, but .* 3 labels"),
        ("idx huge", r"announces shape .*, more than a file of its size can hold"),
        ("gzip cut", r"is a damaged gzip file"),
        ("gzip damaged", r"is a damaged gzip file"),
    ],
)
def test_bad_source(tmp_path, case, message):
    with pytest.raises(UnknownNameError if case in ("typo", "long name") else DataError, match=message) as caught:
        data.load(bad_source(tmp_path, case))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed must be a whole number"),
        ({"val": 1.0}, "val must be a fraction below 1"),
        ({"val": -0.1}, "val must be a fraction below 1"),
        ({"val": True}, "val must be a fraction below 1"),
        ({"test": float("nan")}, "test must be a fraction below 1"),
        ({"val": 0.5, "test": 0.5}, "would leave none for training"),
        ({"val": 5000}, "2000 examples to split"),
        ({"scale": "standart"}, "did you mean 'standard'"),
        ({"task": "regresion"}, "did you mean 'regression'"),
        ({"dtype": "int8"}, "float32 or float64"),
        ({"target": "y"}, "are for tables, but circles is none"),
    ],
)
def test_bad_option(options, message):
    with pytest.raises(ClearpropError, match=message):
        data.load("circles", **options)


def test_a_part_that_the_source_brings_keeps_its_size():
    message = "comes with 10000 examples for val, not val=0.5: the validation set is fixed; omit val, or pass val=0 to drop it."
    with pytest.raises(OptionError, match=message):
        data.load("synth", val=0.5)
    assert len(data.load("synth", val=10000).val) == 10000


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'clearprop\[parquet\]'"):
        data.load(path)
