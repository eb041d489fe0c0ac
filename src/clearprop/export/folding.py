"""Folding: the letters in which other spellings of a category may differ, for languages that cannot fold case themselves.

`Column.places` compares categories by `str.casefold`, which knows 1,500 letters. Of these, only those matter to a model whose
small form occurs among its categories.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

BLANKS = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a" + (
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Letters at which `str.split` splits."""
LAST = 0x1F000  # no letter beyond this has a small form


@cache
def _letters() -> tuple[tuple[str, str], ...]:
    return tuple((chr(i), chr(i).casefold()) for i in range(128, LAST) if chr(i).casefold() != chr(i))


def folds(categories: Iterable[str]) -> dict[str, str]:
    """Letters beyond ASCII with their small form, as far as it occurs in the categories.

    Examples
    --------
    >>> folds(["GRÜN"])
    {'Ü': 'ü'}
    """
    texts = {category.casefold() for category in categories}
    here = set("".join(texts))
    return {
        letter: small
        for letter, small in _letters()
        if small[0] in here and any(small in text for text in texts) and not _curious(letter, small)
    }


def _curious(letter: str, small: str) -> bool:
    """Whether a letter beyond ASCII stands for plain ones and is hardly ever written (the sign for kelvin, ligatures)."""
    return small.isascii() and letter not in "\xdf\u1e9e"


def folded(text: str) -> str:
    """A text as `Column.places` compares it."""
    return " ".join(text.casefold().split())


def known_as(categories: Iterable[str]) -> list[tuple[str, str | None]]:
    """Each category with the text by which other spellings of it are found; None where several share it.

    Examples
    --------
    >>> known_as(["Red", "red", "Dark  Blue"])
    [('Red', None), ('red', None), ('Dark  Blue', 'dark blue')]
    """
    listed = list(categories)
    texts = [folded(category) for category in listed]
    return [(category, text if texts.count(text) == 1 else None) for category, text in zip(listed, texts, strict=True)]
