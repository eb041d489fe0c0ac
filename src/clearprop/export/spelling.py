"""Spelling: texts, names and numbers as they stand in the source of another language.

Names of columns and classes come from files. Whatever they hold, they end neither a literal nor a comment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from clearprop.arrays import Array
from clearprop.export.folding import folded

WIDTH = 110  # of a line of numbers
C_WORDS = frozenset([
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern", "float",
    "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed", "sizeof",
    "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while", "bool", "true", "false",
    "errno", "stdin", "stdout", "stderr", "near", "far", "asm", "linux", "unix", "main",
])  # fmt: skip


def comment(value: object) -> str:
    r"""The value as text on one line that ends no comment and no docstring, in any of the languages.

    Examples
    --------
    >>> comment('size */ x"\n')
    "size *\xb7/ x'?"
    """
    text = "".join(letter if letter.isprintable() else "?" for letter in str(value)[:80])
    return (
        text.replace("\\", "\u2216").replace('"', "'").replace("*/", "*\xb7/").replace("/*", "/\xb7*").replace("??", "?\xb7?")
    )


def python_text(value: object) -> str:
    """A value as Python writes it."""
    return repr(value)


def c_text(text: str) -> str:
    r"""A string literal of C99, in UTF-8.

    Examples
    --------
    >>> print(c_text('a "b" ??/ \n'))
    "a \"b\" \?\?/ \012"
    """
    plain = {'"': '\\"', "\\": "\\\\", "?": "\\?"}
    return '"' + "".join(plain.get(c) or (c if c.isprintable() else _octal(c)) for c in text) + '"'


def _octal(letter: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in letter.encode("utf-8", errors="replace"))


def js_text(value: object) -> str:
    """A literal of JavaScript."""
    return json.dumps(value, ensure_ascii=not str(value).isprintable(), allow_nan=False)


def identifier(text: str, taken: Collection[str] = ()) -> str:
    """A name in small letters, digits and underscores that is none of those taken, nor a word of C.

    Examples
    --------
    >>> identifier("Bill length (mm)"), identifier("2nd", ["x2nd"]), identifier("int")
    ('bill_length_mm', 'x2nd_2', 'int_')
    """
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:40] or "x"
    name = f"x{name}" if name[0].isdigit() else name
    name = f"{name}_" if name in C_WORDS else name
    found, k = name, 1
    while found in taken:
        k += 1
        found = f"{name}_{k}"
    return found


def lines_of_numbers(values: Array, separator: str = ", ", suffix: str = "", end: str = "") -> Iterator[str]:
    """Lines with the numbers of an array, each row of a matrix beginning a line of its own; `end` closes each row."""
    for row in values.reshape(-1, values.shape[-1]) if values.size else ():
        words = [f"{value!s}{suffix}" for value in row]  # str: a float32 has fewer digits than format would give
        line = ""
        for i, word in enumerate(words):
            last = i == len(words) - 1
            piece = word + ("" if last else separator.rstrip() or " ")
            if line and len(line) + len(piece) > WIDTH:
                yield line.rstrip()
                line = ""
            line += piece + ("" if last or not separator.strip() else " ")
        yield line.rstrip() + end


def py_list(values: Any, at_a_line: int = 12) -> str:
    """A list of Python, over several lines where it is long."""
    return _list([python_text(value) for value in values], at_a_line, 4)


def js_list(values: Any, at_a_line: int = 12) -> str:
    """An array of JavaScript, over several lines where it is long."""
    return _list([js_text(value) for value in values], at_a_line, 2)


def js_object(values: Any) -> str:
    """An object of JavaScript whose keys are texts."""
    return "{ " + ", ".join(f"{js_text(key)}: {js_text(value)}" for key, value in values.items()) + " }" if values else "{}"


def _list(words: list[str], at_a_line: int, indent: int) -> str:
    if sum(map(len, words)) < 80:
        return f"[{', '.join(words)}]"
    rows = [", ".join(words[i : i + at_a_line]) for i in range(0, len(words), at_a_line)]
    return "[\n" + "".join(f"{' ' * indent}{row},\n" for row in rows) + "]"


def c_list(values: Any, at_a_line: int = 10) -> str:
    """The items of an array of texts in C."""
    return items([c_text(value) for value in values], at_a_line)


def c_labels(categories: Any) -> str:
    """The items of an array of categories in C, each with its folded form."""
    return items([f"{{{c_text(category)}, {c_text(folded(category))}}}" for category in categories], 4)


def c_numbers(values: Any) -> str:
    """The items of an array of numbers in C."""
    return items([repr(float(value)) for value in values], 6)


def items(words: list[str], at_a_line: int, indent: int = 4) -> str:
    """Words with commas between them, over several lines where there are many."""
    return f",\n{' ' * indent}".join(", ".join(words[i : i + at_a_line]) for i in range(0, len(words), at_a_line))
