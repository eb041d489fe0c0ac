"""Opening: the bytes of a file of any kind, unpacked, and its text in whatever encoding it is written."""

from __future__ import annotations

import gzip
import io
import re
import sys
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from clearprop.data.notes import some
from clearprop.errors import DataError

MOST_BYTES = 16 * 2**30
"""Bytes that a packed file may unpack to."""
GUESSES = ("cp1252", "latin-1")
MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


@dataclass(frozen=True, eq=False)
class Opened:
    """A file in memory.

    Attributes
    ----------
    name : str
        For messages.
    suffix : str
        Of the file itself, once unpacked, in small letters.
    content : bytes
    """

    name: str
    suffix: str
    content: bytes


def open_table(path: Path) -> Opened:
    """The content of a file, unpacked if it is a .gz or a .zip with one table in it; "-" is standard input.

    Raises
    ------
    DataError
        If it is damaged, or a .zip holds no table or several.
    """
    if str(path) == "-":
        return Opened("standard input", ".csv", sys.stdin.buffer.read())
    content = path.read_bytes()
    try:
        if content[:2] == b"\x1f\x8b":
            return Opened(path.name, _inner_suffix(path), _read_within(gzip.open(io.BytesIO(content)), path))
        if path.suffix.lower() == ".zip":
            return _unzip(path, content)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:
        raise DataError(f"{path} is a damaged or locked archive ({error}); unpack it and name the table in it.") from None
    return Opened(path.name, path.suffix.lower(), content)


def _inner_suffix(path: Path) -> str:
    stem = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return stem.suffix.lower() or ".csv"


def _read_within(stream: io.BufferedIOBase | gzip.GzipFile, path: Path) -> bytes:
    content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise DataError(f"{path} unpacks to more than {MOST_BYTES >> 30} GiB; unpack it and give a smaller table.")
    return content


def _unzip(path: Path, content: bytes) -> Opened:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [
            info.filename for info in archive.infolist()
            if not info.is_dir() and not info.filename.startswith("__MACOSX/")
            and not PurePosixPath(info.filename).name.startswith(".")
        ]  # fmt: skip
        tables = [name for name in names if PurePosixPath(name).suffix.lower() in (*TEXTS, *OTHERS)]
        chosen = tables or names
        if len(chosen) != 1:
            raise DataError(f"{path} holds {len(chosen)} files ({some(chosen)}); unpack it and name the one to read.")
        with archive.open(chosen[0]) as stream:
            inner = _read_within(stream, path)  # type: ignore[arg-type, unused-ignore]
    return Opened(path.name, PurePosixPath(chosen[0]).suffix.lower() or ".csv", inner)


TEXTS = (".csv", ".tsv", ".tab", ".txt", ".data", ".dat", ".test", ".train", ".trn", ".tst", ".asc", ".prn", ".log")
"""Endings of tables of delimited text."""
OTHERS = (".json", ".jsonl", ".ndjson", ".xlsx", ".arff", ".feather", ".parquet", ".pq")
"""Endings of other tables."""


def decode(opened: Opened, encoding: str | None = None) -> tuple[str, str | None]:
    """The text of a file with plain line ends, and a note if its encoding had to be found out.

    Raises
    ------
    DataError
        If it is no text, or not in the encoding that was asked for.
    """
    content = opened.content
    found = encoding or _encoding(content)
    try:
        text = content.decode(found)
    except (UnicodeDecodeError, LookupError) as error:
        raise DataError(f"{opened.name} is not a text table in {found} ({error}); choose another encoding.") from None
    if "\x00" in text[:4096]:
        raise DataError(f"{opened.name} is not a text table: it holds zero bytes; export it again as CSV.")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text[:200].lstrip("\ufeff \n\t").lower().startswith(("<!doctype", "<html", "<?xml")):
        raise DataError(f"{opened.name} is a web page or XML, not a table; download the table itself.")
    text = _plain_quotes(text.removeprefix("\ufeff"))
    if encoding is not None or found in ("utf-8", "utf-8-sig"):
        return text, None
    return text, f"The text is read as {found}" + (
        ", since it is no UTF-8; encoding (--encoding) names another." if found in GUESSES else "."
    )


def _plain_quotes(text: str) -> str:
    """Text whose cells stand in single quotation marks with double ones; a table in the style of Markdown without its frame."""
    head = text[:4000].split("\n")[:20]
    if (
        '"' not in text
        and all(re.search(r"(^|[,;\t|])\s*'[^']*'\s*($|[,;\t|])", line) for line in head[:-1] if line.strip())
        and len(head) > 2
    ):
        text = text.replace("'", '"')
    if len(head) > 2 and re.fullmatch(r"[\s|:+-]*-{3,}[\s|:+-]*", head[1]) and head[0].count("|"):
        rows = [line.strip() for line in text.split("\n")]
        text = "\n".join(line.strip("|") for i, line in enumerate(rows) if i != 1)
    return text


def _encoding(content: bytes) -> str:
    for mark, name in MARKS.items():
        if content.startswith(mark):
            return name
    head = content[:4096]
    if len(head) >= 4 and head.count(0) > 0.2 * len(head):  # every other byte of UTF-16 is zero in Western text
        odd, even = head[1::2].count(0), head[::2].count(0)
        if max(odd, even) > 4 * min(odd, even):
            return "utf-16-le" if odd > even else "utf-16-be"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        try:
            content.decode("cp1252")
        except UnicodeDecodeError:
            return "latin-1"
        return "cp1252"
    return "utf-8"
