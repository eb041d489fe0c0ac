"""A user's table: header, target, task, encoding, and every way in which a table can be bad."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from clearprop import data
from clearprop.errors import DataError, MissingExtraError

ROWS = "\n".join(f"{i / 4},{'red' if i % 3 else 'blue'},{i % 7},{'yes' if i % 2 else 'no'}" for i in range(40))
HEADED = "size,colour,same,label\n" + ROWS + "\n"


def write(folder, text, name="t.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def regression_table(folder, n=60):
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    frame = pd.DataFrame({"x": x, "price": 3e5 + 1e5 * x + rng.normal(size=n)})
    frame.to_csv(folder / "houses.csv", index=False)
    return folder / "houses.csv", frame


@pytest.mark.parametrize(
    ("text", "name", "options", "features"),
    [
        (HEADED, "t.csv", {}, ["size", "colour=blue", "colour=red", "same"]),
        (HEADED, "t.csv", {"target": "label"}, ["size", "colour=blue", "colour=red", "same"]),
        (HEADED.replace(",", "\t"), "t.tsv", {}, ["size", "colour=blue", "colour=red", "same"]),
        (HEADED.replace(",", ";"), "t.csv", {}, ["size", "colour=blue", "colour=red", "same"]),
        ("\ufeff" + HEADED, "t.csv", {}, ["size", "colour=blue", "colour=red", "same"]),
        (HEADED, "t.csv", {"target": "colour"}, ["size", "same", "label=no", "label=yes"]),
        (HEADED, "t.csv", {"target": 1}, ["size", "same", "label=no", "label=yes"]),
        (HEADED, "t.csv", {"target": "-3"}, ["size", "same", "label=no", "label=yes"]),
        (ROWS, "t.csv", {}, ["column_0", "column_1=blue", "column_1=red", "column_2"]),
        (ROWS, "t.csv", {"header": False}, ["column_0", "column_1=blue", "column_1=red", "column_2"]),
    ],
)
def test_classification_table(tmp_path, text, name, options, features):
    loaded = data.load(write(tmp_path, text, name), **options)
    assert loaded.features == features
    assert loaded.task == "classification"
    assert loaded.classes == (["blue", "red"] if loaded.targets == ["colour"] else ["no", "yes"])
    assert [len(split) for split in loaded.splits.values()] == [28, 6, 6]
    assert np.isfinite(loaded.train.X).all()


def test_the_header_is_found_in_a_table_of_texts():
    from clearprop.data.sniffing import looks_like_header

    assert looks_like_header([["class", "odour"], ["p", "n"], ["e", "n"]]) == (True, "")
    assert looks_like_header([["p", "n"], ["e", "n"], ["p", "f"]]) == (False, "")
    assert looks_like_header([["1", "2"], ["3", "4"]]) == (False, "")


def test_header_can_be_overridden(tmp_path):
    path = write(tmp_path, "1,2\n" + "\n".join(f"{i},{i % 2}" for i in range(20)))
    assert data.load(path, header=True).features == ["1"]
    assert len(data.load(path, header=False, val=0, test=0).train) == 21


def test_the_column_called_target_is_the_target(tmp_path):
    path = write(tmp_path, "Class,a\n" + "\n".join(f"{i % 2},{i}" for i in range(20)))
    assert data.load(path).targets == ["Class"]


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"] * 10, "classification"),
        (["True", "False"] * 10, "classification"),
        ([1, 2, 3, 4] * 5, "classification"),
        ([1.0, 2.0] * 10, "classification"),
        (list(range(20)), "regression"),
        (list(range(21)) * 4, "regression"),
        ([i / 7 for i in range(20)], "regression"),
    ],
)
def test_task_is_told_from_the_target(tmp_path, values, task):
    path = write(tmp_path, "a,b\n" + "\n".join(f"{i},{value}" for i, value in enumerate(values)))
    assert data.load(path).task == task


def test_regression_targets_are_scaled_and_come_back(tmp_path):
    path, frame = regression_table(tmp_path)
    loaded = data.load(path, dtype="float64", val=0, test=0)
    assert loaded.task == "regression"
    assert loaded.train.y.shape == (60, 1)
    assert loaded.train.y.mean() == pytest.approx(0, abs=1e-12)
    assert loaded.train.y.std() == pytest.approx(1)
    np.testing.assert_allclose(loaded.encoder.decode_target(loaded.train.y)[:, 0], frame["price"], rtol=1e-14)
    assert data.load(path, scale="none").train.y.mean() > 1e5
    assert data.load(path, scale="unit").train.X.max() == 1


def test_parquet_equals_csv(tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    csv = write(tmp_path, HEADED)
    pd.read_csv(csv).to_parquet(tmp_path / "t.parquet")
    one, other = data.load(csv), data.load(tmp_path / "t.parquet")
    assert one.features == other.features
    assert (one.train.X == other.train.X).all()
    assert one.encoder == other.encoder


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "is empty"),
        ("\n\n", {}, "is empty"),
        ("a,b\n", {"header": True}, "holds no rows"),
        ("a\n1\n2\n", {}, "has 1 column; a target and at least one feature"),
        ("a,b\n1,2\n1,2,3\n", {}, "ragged: line 3 has 3 cells, but the first has 2"),
        ("a,b\n1,2\n3\n", {}, "ragged: line 3 has 1 cell, "),
        ("a,b,c\n1,,x\n?,,y\n3,4,x\n", {"missing": "refuse"}, r"missing values in 2 of 2 columns \(a: 1, b: 2\)"),
        ("a,b\n1,0\ninf,1\n2,0\n", {"missing": "refuse"}, "1 infinite values in column 'a'"),
        ('a,b\n1,0\n2,"1\n', {}, "cannot be read as a table .*EOF inside string"),
        ("a,b\n1,x\n2,x\n", {}, r"one class only \(x\)"),
        ("a,b\n1,x\n2,y\n", {"task": "regression"}, "target 'b' with values such as 'x', but regression needs numbers"),
        (HEADED, {"target": "lable"}, "no column called 'lable'; did you mean 'label'"),
        (HEADED, {"target": 9}, "no column number 9; its 4 columns"),
        ("a,a,b\n1,2,0\n3,4,1\n", {"header": True}, "."),
        ("a,b\n" + "\n".join(f"{i % 5},name{i}" for i in range(2000)), {}, "2000 labels in 2000 rows, nearly all different"),
    ],
)
def test_bad_table(tmp_path, text, options, message):
    if message == ".":  # pandas tells equal names apart by itself
        assert data.load(write(tmp_path, text), **options, val=0, test=0).features == ["a", "a.1"]
        return
    with pytest.raises(DataError, match=message) as caught:
        data.load(write(tmp_path, text), **options)
    assert "\n" not in str(caught.value)


def test_bad_encodings_and_types(tmp_path):
    (tmp_path / "latin.csv").write_bytes("a,b\n1,\xe9\n2,x\n".encode("latin-1"))
    with pytest.raises(DataError, match="not a text table in utf-8"):
        data.load(tmp_path / "latin.csv", encoding="utf-8")
    with pytest.raises(DataError, match="zero bytes"):
        data.load(write(tmp_path, "a,b\n1,\0\n"), encoding="utf-8")
    frame = pd.DataFrame({"where": [{"x": 1}, {"x": 2}] * 4, "b": [0, 1] * 4})
    with pytest.raises(DataError, match=r"'where' holds .*turn it into numbers"):
        data.load(frame)
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtraError):
            data.load(tmp_path / "bad.parquet")
        return
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        data.load(tmp_path / "bad.parquet")


@pytest.fixture
def trained(tmp_path):
    """The encoder of a model trained on HEADED, as it comes back from a file."""
    encoder = data.load(write(tmp_path, HEADED), val=0, test=0).encoder
    return data.Encoder.from_json(json.loads(json.dumps(encoder.to_json())))


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("size,colour,same,label\n1.5,red,7,yes\n0.25,blue,7,no\n", ["yes", "no"]),
        ("label,extra,colour,same,size\nyes,0,red,7,1.5\nno,0,blue,7,0.25\n", ["yes", "no"]),
        ("same,size,colour\n7,1.5,red\n7,0.25,blue\n", None),
        ("1.5,red,7\n0.25,blue,7\n", None),
        ("1.5,red,7,yes\n0.25,blue,7,no\n", ["yes", "no"]),
    ],
)
def test_new_tables_are_matched_by_name(tmp_path, trained, text, labels):
    X, y = data.read_examples(write(tmp_path, text, "new.csv"), trained, dtype="float64")
    sizes = np.arange(40) / 4
    same = (7 - (np.arange(40) % 7).mean()) / (np.arange(40) % 7).std()
    expected = [[(1.5 - sizes.mean()) / sizes.std(), 0, 1, same], [(0.25 - sizes.mean()) / sizes.std(), 1, 0, same]]
    np.testing.assert_allclose(X, expected, rtol=1e-14)
    assert (None if y is None else y.tolist()) == labels


def test_unseen_category_is_zeros_and_digits_stay_text(tmp_path, trained):
    X, _ = data.read_examples(write(tmp_path, "size,colour,same\n1,17,7\n", "new.csv"), trained)
    assert X[0, 1:3].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size\n1\n", r"lacks 2 columns \(colour, same\) of the 3 that the model takes \(it has size\)"),
        ("size,colour,same\nbig,red,7\n", "'size' was numeric in training, but now holds 'big'"),
        ("size,colour,same\n1,,7\n", r"missing values in 1 of 3 columns \(colour: 1\)"),
    ],
)
def test_bad_new_table(tmp_path, trained, text, message):
    with pytest.raises(DataError, match=message):
        data.read_examples(write(tmp_path, text, "new.csv"), trained, missing="refuse")


def test_new_arrays_and_points(tmp_path):
    encoder = data.load("circles").encoder
    X, y = data.read_examples(write(tmp_path, "x1,x2\n0.5,1\n2,3\n"), encoder)
    assert (X.tolist(), y) == ([[0.5, 1], [2, 3]], None)
    with pytest.raises(DataError, match="shape \\(1, 3\\), but the model takes 2 features"):
        data.read_examples(np.ones((1, 3)), encoder)
    X, y = data.read_examples("circles", encoder)
    assert X.shape == (2000, 2)
    assert set(y.tolist()) == {0, 1}
    with pytest.raises(DataError, match=r"lacks 2 columns \(x1, x2\)"):
        data.read_examples(write(tmp_path, "a,b,c,d\n1,2,3,4\n"), encoder)
    with pytest.raises(DataError, match="takes a table with the columns size"):
        data.read_examples("circles", data.load(write(tmp_path, HEADED)).encoder)


def test_a_headerless_table_whose_target_is_first(tmp_path):
    rows = "\n".join(f"{'ab'[i % 2]},{i / 3},{i * i % 11}" for i in range(40))
    encoder = data.load(write(tmp_path, rows), target=0, val=0, test=0).encoder
    alone, none = data.read_examples(write(tmp_path, "0.5,3\n", "new.csv"), encoder)
    both, y = data.read_examples(write(tmp_path, "b,0.5,3\n", "new.csv"), encoder)
    assert (alone == both).all()
    assert none is None
    assert y.tolist() == ["b"]
