"""Tables with something odd about them: ragged rows, several headers, remarks, odd numbers and dates, and the notes on them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from clearprop import data
from clearprop.errors import DataError

N = 60
ROW = np.arange(N)
RNG = np.random.default_rng(0)
A, B = RNG.normal(10, 3, N).round(2), RNG.normal(1500, 400, N).round(1)
LABEL = np.where(A > 10, "high", "low")
ROWS = [f"{a},{b},{label}" for a, b, label in zip(A, B, LABEL, strict=True)]


def text_of(rows: list[str], header: str = "a,b,label") -> str:
    return "\n".join([header, *rows]) + "\n"


def read(tmp_path, text: str, name: str = "t.csv", **options: Any) -> data.Dataset:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return data.load(tmp_path / name, val=0, test=0, dtype="float64", scale="none", **options)


def said(loaded: data.Dataset, *parts: str) -> None:
    """Each part stands in some note."""
    for part in parts:
        assert any(part in note for note in loaded.notes), (part, loaded.notes)


def holds(loaded: data.Dataset, a: np.ndarray = A, b: np.ndarray = B) -> None:
    """The columns a and b hold those numbers."""
    np.testing.assert_allclose(loaded.train.X[:, loaded.features.index("a")], a, rtol=1e-12)
    np.testing.assert_allclose(loaded.train.X[:, loaded.features.index("b")], b, rtol=1e-12)


# ---------------------------------------------------------------- ragged rows


def test_a_few_rows_that_are_too_long_are_left_out_with_their_lines(tmp_path) -> None:
    rows = [*ROWS[:3], "1,2,3,high", *ROWS[3:], "7,8,low,x,y"]
    loaded = read(tmp_path, text_of(rows))
    holds(loaded)
    said(loaded, "2 rows (lines 5, 63) have another number of cells")


def test_a_comment_does_not_shift_the_lines(tmp_path) -> None:
    loaded = read(tmp_path, "# made in spring\n" + text_of([*ROWS[:3], "# checked", "1,2,3,high", *ROWS[3:]]))
    holds(loaded)
    said(loaded, "1 row (line 7) has another number of cells")


def test_rows_that_lack_their_last_cells_are_filled_up(tmp_path) -> None:
    rows = [f"{label},{a},{b}" if i % 4 else f"{label},{a}" for i, (a, b, label) in enumerate(zip(A, B, LABEL, strict=True))]
    loaded = read(tmp_path, text_of(rows, "label,a,b"), target="label")
    assert len(loaded.train) == N
    said(loaded, "15 rows (lines 2, 6, 10", "have fewer cells", "b: 15")
    whole = ROW % 4 != 0
    np.testing.assert_allclose(loaded.train.X[whole, loaded.features.index("b")], B[whole])


def test_empty_cells_beyond_the_last_column_are_cut(tmp_path) -> None:
    loaded = read(tmp_path, text_of([row + ",,," if i % 10 == 0 else row for i, row in enumerate(ROWS)]))
    holds(loaded)
    said(loaded, "empty cells beyond the last column")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [row + ",x" if i % 3 == 0 else row for i, row in enumerate(ROWS)],
            r"line 2 has 4 cells.*20 of 60 rows.*lines 2, 5, 8",
        ),
        ([row.split(",")[2] if i % 3 == 0 else row for i, row in enumerate(ROWS)], r"line 2 has 1 cell, but the first has 3"),
        (["1,2,high", "3,4"], "line 3 has 2 cells, but the first has 3"),
    ],
)
def test_many_ragged_rows_are_refused_with_their_lines(tmp_path, rows, message) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, text_of(rows))
    assert len(str(caught.value)) < 300


def test_a_torn_row_that_does_not_fit_its_columns_is_left_out(tmp_path) -> None:
    loaded = read(tmp_path, text_of([*ROWS, "Sum of all"]))
    holds(loaded)
    said(loaded, "left out")


def test_ragged_blanks(tmp_path) -> None:
    rows = [row.replace(",", "  ") for row in ROWS]
    loaded = read(tmp_path, text_of([*rows[:9], "1 2 high 5", *rows[9:]], "a b label"), name="t.dat")
    holds(loaded)
    said(loaded, "1 row (line 11) has another number")


# ---------------------------------------------------------------- headers, titles, remarks


def test_several_titles_and_rows_of_delimiters(tmp_path) -> None:
    loaded = read(tmp_path, "Emissions,,\nthousand tonnes,,\n,,\n" + text_of([*ROWS[:20], ",,", *ROWS[20:]]))
    holds(loaded)
    said(loaded, "The first 2 lines are taken as a title")


def test_many_remarks_below_the_rows(tmp_path) -> None:
    rest = "\n__________\nNotes\n1.;Until 1992 the west alone\n\nSources:\nour own; 2nd ed.; 2011; Bonn\n"
    loaded = read(tmp_path, text_of(ROWS).replace(",", ";") + rest)
    holds(loaded)
    said(loaded, "Below the rows, 5 lines from line 63 on are left out")


def test_a_header_that_occurs_again(tmp_path) -> None:
    loaded = read(tmp_path, text_of([*ROWS[:20], "a,b,label", *ROWS[20:40], "a,b,label", *ROWS[40:]]))
    holds(loaded)
    said(loaded, "The header occurs again in 2 rows")


def test_names_of_which_some_stand_a_row_higher(tmp_path) -> None:
    loaded = read(tmp_path, "Town,Size,,\n,a,b,label\n" + "\n".join(f"town{i % 9},{row}" for i, row in enumerate(ROWS)))
    holds(loaded)
    assert loaded.features[0].startswith("Town=")
    said(loaded, "Of two rows of names the second is taken")


def test_numbers_of_columns_as_a_header(tmp_path) -> None:
    rows = [f"{i % 9},{i % 7},{i % 5},{i % 2}" for i in range(N)]
    loaded = read(tmp_path, text_of(rows, "1,2,3,4"))
    assert (loaded.features, len(loaded.train)) == (["1", "2", "3"], N)
    said(loaded, "The numbers 1 to 4 in the first row")


def test_a_year_above_texts_is_a_name(tmp_path) -> None:
    rows = [f"{i % 9},{'R' if i % 2 else 'D'}+{i % 3}" for i in range(N)]
    assert read(tmp_path, text_of(rows, "state,2018")).targets == ["2018"]


def test_the_last_column_that_holds_something_is_the_target(tmp_path) -> None:
    loaded = read(tmp_path, text_of([row + ",," for row in ROWS], "a,b,kind,rest,more"))
    holds(loaded)
    assert loaded.targets == ["kind"]
    said(loaded, "The last column, more, holds nothing; kind is taken as the target")


def test_a_list_of_lists_in_json(tmp_path) -> None:
    lists = [["a", "b", "label"], *([a, b, label] for a, b, label in zip(A, B, LABEL, strict=True))]
    holds(read(tmp_path, json.dumps(lists), name="t.json"))


def test_nested_records_in_json(tmp_path) -> None:
    records = [{"a": a, "size": {"b": b}, "tags": [1, 2], "label": label} for a, b, label in zip(A, B, LABEL, strict=True)]
    loaded = read(tmp_path, json.dumps(records), name="t.json", target="label")
    assert loaded.features == ["a", "size.b"]
    said(loaded, "Left out: the column tags, which holds lists")


# ---------------------------------------------------------------- numbers, dates and names


@pytest.mark.parametrize(
    ("cells", "values", "note"),
    [
        ([f"{b}-" if i % 5 == 0 else str(b) for i, b in enumerate(B)], np.where(ROW % 5, B, -B), "behind"),
        ([f"<{b}" if i % 8 == 0 else str(b) for i, b in enumerate(B)], B, "bounds such as '<'"),
        ([f"${b / 1000:.4f}M" if i % 2 else f"${b:.1f}K" for i, b in enumerate(B)], B * 1000, "K, M or B"),
        ([f"{i + 1:,}+" for i in range(1000, 1000 + N)], np.arange(1001.0, 1001 + N), "thousands separators"),
        ([f'"{i % 9 + 1},{i + 10},000"' for i in range(N)], 100_000 * (ROW % 9 + 1) + 1000 * (ROW + 10), "thousands"),
        ([f"Rs. {b}" for b in B], B, "currency signs"),
        (["****" if i == 7 else str(b) for i, b in enumerate(B)], None, "'****' taken as missing in 1 row"),
    ],
)  # fmt: skip
def test_odd_numbers(tmp_path, cells, values, note) -> None:
    rows = [f"{a},{cell if cell[0] == chr(34) or ',' not in cell else chr(34) + cell + chr(34)},{label}"
            for a, cell, label in zip(A, cells, LABEL, strict=True)]  # fmt: skip
    loaded = read(tmp_path, text_of(rows))
    said(loaded, note)
    if values is not None:
        holds(loaded, b=values)


@pytest.mark.parametrize(
    ("write", "parts"),
    [
        (lambda i: f"2020{i % 12 + 1:02d}{i % 28 + 1:02d}", ["month", "day", "weekday"]),
        (lambda i: f"202001{i % 28 + 1:02d}{i % 24:02d}", ["day", "weekday", "hour"]),
        (lambda i: f"{['January', 'March', 'May'][i % 3]}-{2000 + i % 7}", ["year", "month", "weekday"]),
        (lambda i: f"{['January', 'April', 'August'][i % 3]} {2000 + i % 7}", ["year", "month", "weekday"]),
        (lambda i: f"{['Jan', 'Mar', 'May'][i % 3]} {2000 + i % 7}", ["year", "month", "weekday"]),
        (
            lambda i: f"{i % 28 + 1}. {['Januar', 'März', 'Mai', 'Dezember'][i % 4]} {2000 + i % 7}",
            ["year", "month", "day", "weekday"],
        ),
        (lambda i: f"{i % 28 + 1} {['janv.', 'août', 'févr.'][i % 3]} {2000 + i % 7}", ["year", "month", "day", "weekday"]),
        (lambda i: f"{['Okt', 'Mär', 'Dez'][i % 3]}-{10 + i % 7}", ["year", "month", "weekday"]),
        (lambda i: f"{i % 12 + 1:02d}/{2000 + i % 7}", ["year", "month", "weekday"]),
    ],
)
def test_odd_dates(tmp_path, write, parts) -> None:
    loaded = read(tmp_path, text_of([f"{write(i)},{row}" for i, row in enumerate(ROWS)], "when,a,b,label"))
    assert loaded.features == [f"when.{part}" for part in parts] + ["a", "b"]
    (tmp_path / "new.csv").write_text(f"when,a,b\n{write(4)},1,2\n")
    found = data.read_rows(tmp_path / "new.csv", loaded.encoder)
    np.testing.assert_allclose(found.X[0, : len(parts)], loaded.train.X[4, : len(parts)])


def test_numbers_of_eight_digits_that_are_no_dates_stay_numbers(tmp_path) -> None:
    loaded = read(tmp_path, text_of([f"{20_000_000 + 7919 * i},{row}" for i, row in enumerate(ROWS)], "n,a,b,label"))
    assert loaded.features == ["n", "a", "b"]


@pytest.mark.parametrize("name", ["CustomerId", "RespondentID", "order_id", "id"])
def test_an_id_is_found_wherever_it_stands(tmp_path, name) -> None:
    rows = [f"{a},{3000 - 7 * i},{b},{label}" for i, a, b, label in zip(ROW, A, B, LABEL, strict=True)]
    loaded = read(tmp_path, text_of(rows, f"a,{name},b,label"))
    holds(loaded)
    said(loaded, f"Left out: the column {name}, which only tells the rows apart")


@pytest.mark.parametrize("name", ["Paid", "humid", "acid", "grid"])
def test_a_word_that_ends_in_id_is_none(tmp_path, name) -> None:
    rows = [f"{a},{3000 - 7 * i},{label}" for i, a, label in zip(ROW, A, LABEL, strict=True)]
    loaded = read(tmp_path, text_of(rows, f"a,{name},label"))
    assert loaded.features == ["a", name]


def test_whole_numbers_as_classes_are_said_unless_asked_for(tmp_path) -> None:
    text = text_of([f"{a},{b},{i % 6}" for i, (a, b) in enumerate(zip(A, B, strict=True))], "a,b,quality")
    said(read(tmp_path, text), "The 6 different whole numbers of the target quality are taken as classes")
    assert not any("taken as classes" in note for note in read(tmp_path, text, task="classification").notes)
    assert read(tmp_path, text, task="regression").task == "regression"


def test_files_of_other_programs_are_named(tmp_path) -> None:
    for name, program in (("t.ods", "LibreOffice"), ("t.xls", "Excel's old format"), ("t.sav", "SPSS")):
        (tmp_path / name).write_bytes(b"PK")
        with pytest.raises(DataError, match=f"{program}; save it as .xlsx or .csv"):
            data.load(tmp_path / name)
