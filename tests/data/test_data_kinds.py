"""Tables as people have them: publicly reported kinds, each with the reading that a person sees at once."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

import clearprop as cp
from clearprop import data
from clearprop.errors import ClearpropError, DataError, OptionError

N = 60
RNG = np.random.default_rng(0)
A, B = RNG.normal(10, 3, N).round(2), RNG.normal(1500, 400, N).round(1)
LABEL = np.where(A > 10, "high", "low")
COLOUR = RNG.choice(["red", "green", "blue"], N)


def lines(header: str | None, row: Callable[[int], str], end: str = "\n") -> str:
    """A header and a row for each example."""
    return end.join([*([] if header is None else [header]), *map(row, range(N))]) + end


def comma(x: float) -> str:
    return str(x).replace(".", ",")


def german(x: float) -> str:
    return f"{x:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")


PLAIN = lines("a,b,label", lambda i: f"{A[i]},{B[i]},{LABEL[i]}")
EUROPEAN = lines("a;b;label", lambda i: f"{comma(A[i])};{comma(B[i])};{LABEL[i]}")


@dataclass
class Kind:
    """A table, and how it should be read."""

    name: str
    text: str | bytes
    features: list[str] = field(default_factory=lambda: ["a", "b"])
    notes: list[str] = field(default_factory=list)
    file: str = "t.csv"
    options: dict[str, Any] = field(default_factory=dict)
    values: bool = True
    """Whether a and b hold A and B."""
    rows: int = N


KINDS = [
    Kind("plain", PLAIN),
    Kind("crlf", PLAIN.replace("\n", "\r\n")),
    Kind("old mac", PLAIN.replace("\n", "\r")),
    Kind("blank lines", PLAIN.replace("\n", "\n\n")),
    Kind("bom", b"\xef\xbb\xbf" + PLAIN.encode()),
    Kind("utf-16 of Excel", PLAIN.replace(",", "\t").encode("utf-16"), notes=["utf-16", "tabs"], file="t.txt"),
    Kind("utf-16 without a mark", PLAIN.encode("utf-16-le"), notes=["utf-16-le"]),
    Kind("latin-1", PLAIN.replace("high", "größer").encode("latin-1"), notes=["cp1252"]),
    Kind("latin-1, asked for", PLAIN.replace("high", "größer").encode("latin-1"), options={"encoding": "latin-1"}),
    Kind("semicolons and decimal commas", EUROPEAN, notes=["semicolons", "decimal comma"]),
    Kind("the same, asked for", EUROPEAN, options={"delimiter": ";", "decimal": ","}),
    Kind("the same without a header", EUROPEAN.split("\n", 1)[1], ["column_0", "column_1"], ["decimal comma", "no header"]),
    Kind("the same in tabs", EUROPEAN.replace(";", "\t"), file="t.tsv", notes=["decimal comma"]),
    Kind("semicolons and points", EUROPEAN.replace(",", "."), notes=["semicolons"]),
    Kind("Excel's sep line", "sep=;\n" + EUROPEAN, notes=["decimal comma"]),
    Kind(
        "German thousands",
        lines("a;b;label", lambda i: f"{comma(A[i])};{german(B[i])};{LABEL[i]}"),
        notes=["decimal comma", "thousands"],
    ),
    Kind(
        "French thousands",
        lines("a;b;label", lambda i: f"{comma(A[i])};{german(B[i]).replace('.', chr(0x202F))};{LABEL[i]}"),
        notes=["thousands"],
    ),
    Kind(
        "Swiss thousands",
        lines("a,b,label", lambda i: f"{A[i]},{B[i]:,.1f}".replace(",", "'").replace("'", ",", 1) + f",{LABEL[i]}"),
        notes=["thousands"],
    ),
    Kind("English thousands", lines("a,b,label", lambda i: f'{A[i]},"{B[i]:,.1f}",{LABEL[i]}'), notes=["thousands"]),
    Kind(
        "quoted decimal commas",
        lines("a,b,label", lambda i: f'"{comma(A[i])}","{comma(B[i])}",{LABEL[i]}'),
        notes=["decimal comma"],
    ),
    Kind("dollars", lines("a,b,label", lambda i: f'{A[i]},"${B[i]:,.2f}",{LABEL[i]}'), notes=["currency"]),
    Kind("euros behind", lines("a;b;label", lambda i: f"{comma(A[i])};{german(B[i])} €;{LABEL[i]}"), notes=["currency"]),
    Kind("percent", lines("a,b,label", lambda i: f"{A[i]}%,{B[i]},{LABEL[i]}"), notes=["percent"]),
    Kind("a unit in each cell", lines("a,b,label", lambda i: f"{A[i]} cm,{B[i]},{LABEL[i]}"), notes=["unit 'cm'"]),
    Kind("scientific", lines("a,b,label", lambda i: f"{A[i]:+.4e},{B[i]:E},{LABEL[i]}")),
    Kind("blanks", PLAIN.replace(",", " "), notes=["blanks"], file="t.data"),
    Kind(
        "aligned columns",
        lines("     a       b  label", lambda i: f"{A[i]:8} {B[i]:9}   {LABEL[i]}"),
        notes=["blanks"],
        file="t.dat",
    ),
    Kind(
        "R's row names",
        lines('"a" "b" "label"', lambda i: f'"r{i}" {A[i]} {B[i]} "{LABEL[i]}"'),
        notes=["blanks", "names each row"],
        file="t.txt",
    ),
    Kind("pipes", PLAIN.replace(",", "|"), notes=["vertical bars"]),
    Kind("tabs under .csv", PLAIN.replace(",", "\t"), notes=["tabs"]),
    Kind("commas under .tsv", PLAIN, notes=["commas"], file="t.tsv"),
    Kind("blanks behind commas", lines(" a , b , label", lambda i: f"{A[i]} , {B[i]} , {LABEL[i]}")),
    Kind("comments above", "# lab 3\n# in cm\n" + PLAIN, notes=["'#'"]),
    Kind("comments in between", PLAIN[:300] + PLAIN[300:].replace("\n", "\n# checked\n", 3), notes=[]),
    Kind(
        "names in a comment", "# a b label\n" + lines(None, lambda i: f"{A[i]} {B[i]} {i % 2}"), notes=["comment"], file="t.txt"
    ),
    Kind("a title", "Results of experiment 3\n" + PLAIN, notes=["title"]),
    Kind("a title with delimiters", "Results of experiment 3,,\n\n" + PLAIN, notes=["title"]),
    Kind("lines to skip", "x,y,z\n1,2,3\n" + PLAIN, options={"skip": 2}),
    Kind("units below the header", PLAIN.replace("\n", "\ncm,kg,\n", 1), notes=["units"]),
    Kind("a footer", PLAIN + "Source: our own measurements in spring,,\n", notes=["left out"]),
    Kind(
        "delimiters at the end of rows", lines("a,b,label", lambda i: f"{A[i]},{B[i]},{LABEL[i]},"), notes=["end of each row"]
    ),
    Kind("delimiters at the end of all", PLAIN.replace("\n", ",\n"), notes=["end of each row"]),
    Kind("equal names", lines("a,a,label", lambda i: f"{A[i]},{B[i]},{LABEL[i]}"), ["a", "a.1"], ["Several columns"]),
    Kind("quoted newlines", lines('"a\n(cm)",b,label', lambda i: f'{A[i]},{B[i]},"{LABEL[i]}\nagain"'), ["a (cm)", "b"]),
    Kind("no header", lines(None, lambda i: f"{A[i]},{B[i]},{LABEL[i]}"), ["column_0", "column_1"], ["no header"]),
    Kind(
        "years as a header",
        lines("2019,2020,label", lambda i: f"{A[i]},{B[i]},{LABEL[i]}"),
        ["2019", "2020"],
        ["names of columns"],
    ),
    Kind("numbers as a header", lines("0,1,y", lambda i: f"{A[i]},{B[i]},{i % 2}"), ["0", "1"]),
    Kind("one numeric name", lines("a,2020,label", lambda i: f"{A[i]},{B[i]},{LABEL[i]}"), ["a", "2020"]),
    Kind(
        "an index without a name",
        lines(",a,b,label", lambda i: f"{i},{A[i]},{B[i]},{LABEL[i]}"),
        notes=["only tells the rows apart"],
    ),
    Kind(
        "an index in another order",
        lines("id,a,b,label", lambda i: f"{977 * i % 1009},{A[i]},{B[i]},{LABEL[i]}"),
        notes=["only tells the rows apart"],
    ),
    Kind("names of the rows", lines("id,a,b,label", lambda i: f"P{i:04d},{A[i]},{B[i]},{LABEL[i]}"), notes=["names each row"]),
    Kind("a constant", lines("k,a,b,label", lambda i: f"1000,{A[i]},{B[i]},{LABEL[i]}"), notes=["constant"]),
    Kind("an empty column", lines("a,b,c,label", lambda i: f"{A[i]},{B[i]},,{LABEL[i]}"), notes=["holds nothing"]),
    Kind(
        "a copy of the target",
        lines("a,b,class,label", lambda i: f"{A[i]},{B[i]},{LABEL[i]},{LABEL[i]}"),
        options={"target": "label"},
        notes=["copy of the target"],
    ),
    Kind(
        "missing targets",
        lines("a,b,label", lambda i: f"{A[i]},{B[i]},{'' if i < 5 else LABEL[i]}"),
        notes=["5 rows"],
        rows=N - 5,
        values=False,
    ),
    Kind(
        "three dots of text",
        lines("a,b,label", lambda i: f"{'-' if i == 7 else A[i]},{B[i]},{LABEL[i]}"),
        ["a", "a is missing", "b"],
        ["'-' taken as missing in 1 row"],
        values=False,
    ),
    Kind(
        "none and unknown",
        lines("a,b,label", lambda i: f"{['None', 'unknown'][i // 7 % 2] if i % 20 == 3 else A[i]},{B[i]},{LABEL[i]}"),
        ["a", "a is missing", "b"],
        ["taken as missing"],
        values=False,
    ),
    Kind(
        "labels in capitals",
        lines("a,b,label", lambda i: f"{A[i]},{B[i]},{LABEL[i].upper() if i % 9 == 0 else LABEL[i]}"),
        notes=["differ only in capital letters"],
    ),
    Kind("columns asked for", lines("a,b,c,label", lambda i: f"{A[i]},{B[i]},{i % 4},{LABEL[i]}"), options={"drop": "c"}),
    Kind(
        "the only columns",
        lines("a,b,c,label", lambda i: f"{A[i]},{B[i]},{i % 4},{LABEL[i]}"),
        options={"only": ["a", "b"], "target": "label"},
    ),
    Kind(
        "numbers as names",
        lines("a,b,zip,label", lambda i: f"{A[i]},{B[i]},0{i % 2}1,{LABEL[i]}"),
        ["a", "b", "zip=001", "zip=011"],
        options={"categorical": "zip"},
    ),
    Kind("an id to keep", lines("k,a,b,label", lambda i: f"{i % 7},{A[i]},{B[i]},{LABEL[i]}"), options={"id": "k"}),
    Kind("gzip", gzip.compress(PLAIN.encode()), file="t.csv.gz"),
    Kind("JSON records", pd.DataFrame({"a": A, "b": B, "label": LABEL}).to_json(orient="records"), file="t.json"),
    Kind("JSON columns", json.dumps({"a": A.tolist(), "b": B.tolist(), "label": LABEL.tolist()}), file="t.json"),
    Kind(
        "JSON in a field",
        json.dumps({"data": [{"a": a, "b": b, "label": c} for a, b, c in zip(A, B, LABEL, strict=True)]}),
        file="t.json",
    ),
    Kind("JSON lines", pd.DataFrame({"a": A, "b": B, "label": LABEL}).to_json(orient="records", lines=True), file="t.jsonl"),
    Kind(
        "ARFF",
        "% comment\n@relation r\n@attribute a numeric\n@attribute 'b' REAL\n@attribute label {low,high}\n@data\n"
        + PLAIN.split("\n", 1)[1],
        file="t.arff",
    ),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_table_is_read_as_a_person_reads_it(tmp_path, kind: Kind) -> None:
    path = tmp_path / kind.file
    path.write_bytes(kind.text if isinstance(kind.text, bytes) else kind.text.encode())
    loaded = data.load(path, val=0, test=0, dtype="float64", scale="none", **kind.options)
    assert loaded.features == kind.features
    assert loaded.task == "classification"
    assert len(loaded.train) == kind.rows
    if kind.values:
        np.testing.assert_allclose(loaded.train.X[:, 0], A, rtol=1e-12)
        np.testing.assert_allclose(loaded.train.X[:, 1], B, rtol=1e-12)
    said = "\n".join(loaded.notes)
    assert [part for part in kind.notes if part not in said] == []
    if not kind.notes:
        assert loaded.notes == [] or "comments" in kind.name


def spreadsheet(rows: list[list[Any]], dates: bool = False) -> bytes:
    """A small .xlsx file: texts are shared, the first column may hold dates."""
    texts = sorted({cell for row in rows for cell in row if isinstance(cell, str)})
    cells = ""
    for r, row in enumerate(rows, 1):
        cells += f'<row r="{r}">'
        for c, cell in enumerate(row):
            place = f"{'ABCDEFG'[c]}{r}"
            if isinstance(cell, str):
                cells += f'<c r="{place}" t="s"><v>{texts.index(cell)}</v></c>'
            elif cell is not None:
                cells += f'<c r="{place}"{" s=" + chr(34) + "1" + chr(34) if dates and c == 0 else ""}><v>{cell}</v></c>'
        cells += "</row>"
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts = {
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{office}"><sheets>'
        '<sheet name="One" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"<worksheet {main}><sheetData>{cells}</sheetData></worksheet>",
        "xl/sharedStrings.xml": f"<sst {main}>{''.join(f'<si><t>{text}</t></si>' for text in texts)}</sst>",
        "xl/styles.xml": f'<styleSheet {main}><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
    }  # fmt: skip
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return stream.getvalue()


def test_a_spreadsheet(tmp_path) -> None:
    rows = [
        ["A title"],
        [],
        ["a", "b", "label"],
        *([a, b, c] for a, b, c in zip(A.tolist(), B.tolist(), LABEL.tolist(), strict=True)),
    ]
    (tmp_path / "t.xlsx").write_bytes(spreadsheet(rows))
    loaded = data.load(tmp_path / "t.xlsx", val=0, test=0, dtype="float64", scale="none")
    assert loaded.features == ["a", "b"]
    np.testing.assert_allclose(loaded.train.X, np.column_stack([A, B]))
    assert "title" in loaded.notes[0]
    days = [[43831 + i, a, c] for i, (a, c) in enumerate(zip(A.tolist(), LABEL.tolist(), strict=True))]
    (tmp_path / "d.xlsx").write_bytes(spreadsheet([["day", "a", "label"], *days], dates=True))
    dated = data.load(tmp_path / "d.xlsx", val=0, test=0, dtype="float64", scale="none")
    assert dated.features == ["day.month", "day.day", "day.weekday", "a"]
    assert dated.train.X[0, :3].tolist() == [1, 1, 2]  # 2020-01-01 was a Wednesday


def test_a_zip_with_one_table_and_one_with_two(tmp_path) -> None:
    for name, inside in (("one.zip", ["read.me", "t.csv"]), ("two.zip", ["t.csv", "u.csv"])):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for file in inside:
                archive.writestr(file, PLAIN)
    assert data.load(tmp_path / "one.zip").features == ["a", "b"]
    with pytest.raises(DataError, match=r"holds 2 files \(t.csv, u.csv\)"):
        data.load(tmp_path / "two.zip")


@pytest.mark.parametrize(
    ("form", "parts"),
    [
        ("%Y-%m-%d", ["year", "month", "day", "weekday"]),
        ("%d.%m.%Y", ["year", "month", "day", "weekday"]),
        ("%m/%d/%Y", ["year", "month", "day", "weekday"]),
        ("%d/%m/%Y %H:%M", ["year", "month", "day", "weekday", "hour"]),
        ("%Y-%m-%d %H:%M:%S", ["year", "month", "day", "weekday", "hour"]),
        ("%b %d, %Y", ["year", "month", "day", "weekday"]),
        ("%H:%M", ["hour"]),
    ],
)
def test_dates(tmp_path, form: str, parts: list[str]) -> None:
    times = pd.date_range("2019-03-01", periods=N, freq="187h")
    text = lines("when;a;label", lambda i: f"{times[i].strftime(form)};{A[i]};{LABEL[i]}")
    (tmp_path / "t.csv").write_text(text)
    loaded = data.load(tmp_path / "t.csv", val=0, test=0, scale="none", dtype="float64")
    assert loaded.features == [*(f"when.{part}" for part in parts), "a"]
    wanted = {
        "year": times.year,
        "month": times.month,
        "day": times.day,
        "weekday": times.day_of_week,
        "hour": times.hour + times.minute / 60,
    }
    for j, part in enumerate(parts):
        np.testing.assert_allclose(loaded.train.X[:, j], wanted[part] if "H" in form or part != "hour" else 0)
    assert any("dates in when" in note for note in loaded.notes)
    again, _ = data.read_examples(tmp_path / "t.csv", data.Encoder.from_json(json.loads(json.dumps(loaded.encoder.to_json()))))
    np.testing.assert_allclose(again, loaded.train.X, rtol=1e-6)


FRAME = pd.DataFrame({"a": A, "b": B, "colour": COLOUR, "label": LABEL})


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f,
        lambda f: f.astype({"colour": "category", "label": "category"}),
        lambda f: f.astype({"a": "Float64", "colour": "string"}),
        lambda f: f.astype({"a": "float32"}),
        lambda f: f.astype({"b": object}),
        lambda f: f.set_index(np.arange(N) + 1000),
    ],
)
def test_frames(change) -> None:
    loaded = data.load(change(FRAME), target="label", val=0, test=0, scale="none")
    assert loaded.features == ["a", "b", "colour=blue", "colour=green", "colour=red"]
    np.testing.assert_allclose(loaded.train.X[:, 1], B, rtol=1e-6)
    beside = data.load((change(FRAME).drop(columns="label"), LABEL), val=0, test=0, scale="none")
    assert beside.features == loaded.features
    assert beside.classes == ["high", "low"]


def test_a_frame_of_polars() -> None:
    polars = pytest.importorskip("polars", reason="polars is optional")
    pytest.importorskip("narwhals", reason="narwhals is an extra")
    loaded = data.load(polars.DataFrame(FRAME.to_dict("list")), target="label", val=0, test=0, scale="none")
    np.testing.assert_allclose(loaded.train.X[:, 0], A, rtol=1e-6)


# ---------------------------------------------------------------- missing cells


HOLES = lines(
    "a,b,colour,label", lambda i: f"{'' if i % 10 == 0 else A[i]},{B[i]},{'NA' if i % 7 == 0 else COLOUR[i]},{LABEL[i]}"
)


def test_missing_cells_are_filled_and_marked(tmp_path) -> None:
    (tmp_path / "t.csv").write_text(HOLES)
    loaded = data.load(tmp_path / "t.csv", val=0, test=0, scale="none", dtype="float64")
    kept, most = np.delete(A, np.arange(0, N, 10)), pd.Series(np.delete(COLOUR, np.arange(0, N, 7))).mode()[0]
    assert loaded.features == ["a", "a is missing", "b", "colour=blue", "colour=green", "colour=red", "colour is missing"]
    assert loaded.train.X[10, :2].tolist() == pytest.approx([np.median(kept), 1])
    assert loaded.train.X[7, loaded.features.index(f"colour={most}")] == 1
    assert loaded.train.X[:, 6].sum() == len(range(0, N, 7))
    again = data.Encoder.from_json(json.loads(json.dumps(loaded.encoder.to_json())))
    X, _ = data.read_examples(tmp_path / "t.csv", again, dtype="float64")
    assert (X == loaded.train.X).all()


def test_missing_cells_may_be_refused_or_dropped(tmp_path) -> None:
    (tmp_path / "t.csv").write_text(HOLES)
    with pytest.raises(DataError, match=r"missing values in 2 of 3 columns \(a: 6, colour: 9\)"):
        data.load(tmp_path / "t.csv", missing="refuse")
    dropped = data.load(tmp_path / "t.csv", missing="drop", val=0, test=0)
    assert len(dropped.train) == N - len({*range(0, N, 10), *range(0, N, 7)})
    with pytest.raises(OptionError, match="no treatment of missing cells called"):
        data.load(tmp_path / "t.csv", missing="maybe")


def test_a_code_for_missing_is_asked_about_and_can_be_named(tmp_path) -> None:
    (tmp_path / "t.csv").write_text(lines("a,b,label", lambda i: f"{-999 if i % 12 == 0 else A[i]},{B[i]},{LABEL[i]}"))
    assert any("-999 lies far outside" in note for note in data.load(tmp_path / "t.csv").notes)
    named = data.load(tmp_path / "t.csv", na="-999")
    assert named.features == ["a", "a is missing", "b"]
    assert not any("-999" in note for note in named.notes)


# ---------------------------------------------------------------- new rows


@pytest.fixture
def encoder():
    return data.load(FRAME, target="label", val=0, test=0, scale="none").encoder


@pytest.mark.parametrize(
    ("text", "expected", "note"),
    [
        ("a,b,colour\n10,100,purple\n", [10, 100, 0, 0, 0], "'purple' in 1 row"),
        ("a,b,colour\n10,100, RED \n", [10, 100, 0, 0, 1], "'RED' as 'red'"),
        ("A,B,Colour\n10,100,red\n", [10, 100, 0, 0, 1], "'A' as 'a'"),
        ("colour,z,b,a\nred,1,100,10\n", [10, 100, 0, 0, 1], "Ignored: the column z"),
        ("a;b;colour\n10,5;100;red\n", [10.5, 100, 0, 0, 1], "decimal comma"),
        ("a,b,colour\n10,n/a,red\n12,-,red\n", [10, None, 0, 0, 1], "b: 2"),
        ("a,b,colour\n10,oops,red\n12,3,red\n", [10, None, 0, 0, 1], "'oops' in 1 row"),
        ("a,colour\n10,red\n", [10, None, 0, 0, 1], "lacks the column b"),
        ("10,100,red\n", [10, 100, 0, 0, 1], "order of the training table"),
        ("10,100,red,low\n", [10, 100, 0, 0, 1], "order of the training table"),
    ],
)
def test_new_rows_are_understood_and_assumptions_said(tmp_path, encoder, text, expected, note) -> None:
    (tmp_path / "new.csv").write_text(text)
    found = data.read_rows(tmp_path / "new.csv", encoder)
    for value, wanted in zip(found.X[0].tolist(), expected, strict=True):
        assert wanted is None or value == pytest.approx(wanted)
    assert any(note in said for said in found.notes), found.notes
    assert np.isfinite(found.X).all()


def test_a_wide_table_has_short_errors(tmp_path) -> None:
    wide = pd.DataFrame(RNG.normal(size=(20, 3000)), columns=[f"gene{i}" for i in range(3000)]).assign(y=[0, 1] * 10)
    encoder = data.load(wide).encoder
    for broken, options in (
        ("gene1,gene2\n1,2\n", {}),
        (wide.to_csv(index=False).replace("gene7,", "other,", 1), {"missing": "refuse"}),
    ):
        (tmp_path / "new.csv").write_text(broken)
        with pytest.raises(ClearpropError) as caught:
            data.read_examples(tmp_path / "new.csv", encoder, **options)
        assert len(str(caught.value)) < 500
    with pytest.raises(DataError) as caught:
        data.load(wide, target="genius")
    assert len(str(caught.value)) < 500


# ---------------------------------------------------------------- splits and targets


def test_groups_and_times_are_split_without_leaks() -> None:
    frame = FRAME.assign(
        patient=[f"p{i // 5}" for i in range(N)], day=RNG.permutation(N), a=np.arange(N) + 0.5 * (np.arange(N) % 2)
    )
    grouped = data.load(frame, target="label", group="patient", id="patient", scale="none")
    assert "patient" not in " ".join(grouped.features)
    where = {part: {int(a) // 5 for a in s.X[:, 0]} for part, s in grouped.splits.items()}
    assert not where["train"] & where["test"]
    assert not where["train"] & where["val"]
    timed = data.load(frame, target="label", time="day", drop="patient", scale="none", dtype="float64")
    at = timed.features.index("day")
    assert timed.train.X[:, at].max() < timed.val.X[:, at].min() <= timed.val.X[:, at].max() < timed.test.X[:, at].min()


def test_a_second_file_is_the_test(tmp_path) -> None:
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    FRAME[:10].sample(frac=1, axis=1, random_state=0).to_csv(tmp_path / "u.csv", index=False, sep=";")
    loaded = data.load(tmp_path / "t.csv", target="label", test_file=tmp_path / "u.csv", scale="none")
    assert len(loaded.test) == 10
    np.testing.assert_allclose(loaded.test.X[:, 0], A[:10], rtol=1e-6)
    assert [len(s) for s in loaded.splits.values()] == [51, 9, 10]


def test_several_targets() -> None:
    frame = pd.DataFrame({"a": A, "b": B, "y1": A * 2 + 0.25, "y2": B - A})
    loaded = data.load(frame, target="y1,y2", val=0, test=0, dtype="float64")
    assert (loaded.features, loaded.targets, loaded.task) == (["a", "b"], ["y1", "y2"], "regression")
    np.testing.assert_allclose(loaded.encoder.decode_target(loaded.train.y), frame[["y1", "y2"]])
    assert any("determines the target" in note for note in loaded.notes)
    labels = data.load(FRAME.assign(u=np.arange(N) % 2, v=np.arange(N) % 3 % 2), target=["u", "v"], val=0, test=0)
    assert (labels.task, labels.classes, labels.targets) == ("classification", ["0,0", "0,1", "1,0", "1,1"], ["u,v"])


def test_rare_classes_are_said_and_can_be_weighed_up() -> None:
    frame = pd.DataFrame({"a": np.arange(400.0) % 37, "y": (np.arange(400) % 40 == 0).astype(int)})
    loaded = data.load(frame, target="y")
    assert any("recall of each class" in note for note in loaded.notes)
    balanced = data.load(frame, target="y", class_weight="balanced")
    for part in (balanced.train, balanced.val):
        assert len(np.unique(part.weights)) == 2
    of_class = np.bincount(balanced.train.y, balanced.train.weights)
    assert of_class[0] == pytest.approx(of_class[1])
    assert balanced.test.weights is None


def test_weights_of_a_column_enter_the_loss_and_rows_without_any_are_left_out() -> None:
    frame = pd.DataFrame({"a": np.arange(40.0) % 7, "w": np.arange(40) % 4, "y": np.arange(40) % 2})
    weighted = data.load(frame, target="y", weight="w", val=0.2, test=0.2)
    assert "w" not in weighted.features
    assert set(weighted.train.weights) | set(weighted.val.weights) == {1.0, 2.0, 3.0}
    assert weighted.test.weights is None
    both = data.load(frame, target="y", weight="w", class_weight="balanced", val=0, test=0).train
    of_class = np.bincount(both.y, both.weights)
    assert of_class[0] == pytest.approx(of_class[1])
    for wrong in ([-1.0], [np.nan], ["x"]):
        with pytest.raises(DataError, match="weights in 'w' must be numbers, zero or more"):
            data.load(frame.assign(w=wrong * 40), target="y", weight="w")
    with pytest.raises(DataError, match="have the weight 0"):
        data.load(frame.assign(w=0), target="y", weight="w", val=0, test=0)


def test_a_weight_does_what_a_repeated_row_does() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=30), "b": rng.normal(size=30), "w": rng.integers(1, 4, 30)})
    frame["y"] = np.where(frame["a"] + 0.5 * rng.normal(size=30) > 0, "yes", "no")
    again = frame.loc[np.repeat(frame.index, frame["w"])].drop(columns="w")
    settings: dict[str, Any] = {"val": 0, "test": 0, "scale": "none", "dtype": "float64", "target": "y"}
    thetas = []
    for loaded in (data.load(frame, weight="w", **settings), data.load(again, **settings)):
        net = cp.mlp([2, 3, 2], seed=0, dtype="float64")
        cp.fit(net, loaded, optimizer=cp.SGD(lr=0.5), batch_size=None, epochs=50, seed=0)
        thetas.append(net.theta.copy())
    np.testing.assert_allclose(thetas[0], thetas[1], rtol=1e-9)  # the same sums in another order, over 50 steps


def test_outliers_of_a_target_are_clipped_in_training_alone() -> None:
    y = RNG.normal(size=200)
    y[[3, 50]] = 1e6
    X = RNG.normal(size=(200, 2))
    loaded = data.load((X, y), val=0, test=0)
    assert np.abs(loaded.train.y).max() < 6
    assert any("lie far outside" in note for note in loaded.notes)
    kept = data.load((X, y), val=0, test=0, outliers="keep")
    assert np.abs(kept.train.y).max() > 9
    assert kept.notes == []


def test_many_categories_are_grouped() -> None:
    city = [f"city{i % 20 if i % 3 else i}" for i in range(600)]
    loaded = data.load(pd.DataFrame({"city": city, "a": RNG.normal(size=600), "y": np.arange(600) % 2}), target="y")
    assert "city=(other)" in loaded.features
    assert len(loaded.features) < 60
    assert any("count as one" in note for note in loaded.notes)
