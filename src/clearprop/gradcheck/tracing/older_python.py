"""Programs in Python 2, read as Python 3: print without parentheses, xrange, `except Error, name`, and their kin.

Only what is written otherwise changes; each line stays where it is. That 1 / 2 is 0 in Python 2 stays unsaid here: a program
that relies on it trains in neither.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import Final

RENAMED: Final = {
    "xrange": "range", "raw_input": "input", "unicode": "str", "unichr": "chr", "long": "int", "basestring": "str",
    "iteritems": "items", "itervalues": "values", "iterkeys": "keys", "izip": "zip", "imap": "map",
    "maxint": "maxsize", "cPickle": "pickle", "cStringIO": "io", "StringIO": "StringIO", "urllib2": "urllib.request",
}  # fmt: skip
CAUGHT: Final = re.compile(r"^(\s*except\s+[\w.()\s,]*?[\w.)])\s*,\s*(\w+)\s*:", re.MULTILINE)
RAISED: Final = re.compile(r"^(\s*raise\s+[\w.]+)\s*,\s*([^\n#]+)", re.MULTILINE)
BEGINS: Final = {tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT, tokenize.ENCODING}

Token = tokenize.TokenInfo


def as_python_3(text: str) -> str:
    """The text in Python 3; as it is, if it is that already, or cannot be read either way."""
    if _parses(text):
        return text
    new = text.expandtabs(8) if "\t" in text else text
    new = CAUGHT.sub(r"\1 as \2:", RAISED.sub(r"\1(\2)", new.replace("<>", "!=")))
    try:
        new = _listed(_renamed(_printed(new)))
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return text
    return new if _parses(new) else text


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def _printed(text: str) -> str:
    """The text with print and exec as functions."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    lines = text.splitlines(keepends=True)
    for k in reversed(range(len(tokens))):
        if tokens[k].type == tokenize.NAME and tokens[k].string in ("print", "exec") and _begins(tokens, k):
            last = _last(tokens, k)
            if _is_call(tokens, k, last):
                continue
            row, column = tokens[last].end
            lines[row - 1] = f"{lines[row - 1][:column]}){lines[row - 1][column:]}"
            row, column = tokens[k].end
            rest = lines[row - 1][column:]
            after = re.sub(r"^\s*>>\s*[\w.]+\s*,?", "", rest)
            lines[row - 1] = f"{lines[row - 1][:column]}({after.lstrip() if rest.strip() else rest}"
    return "".join(lines)


def _begins(tokens: list[Token], k: int) -> bool:
    """Whether a statement begins at a token."""
    before = tokens[k - 1] if k else None
    return before is None or before.type in BEGINS or before.string in (";", ":")


def _last(tokens: list[Token], k: int) -> int:
    """The last token of the statement that begins at one."""
    end, depth = k, 0
    for j in range(k + 1, len(tokens)):
        token = tokens[j]
        if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.COMMENT) or (token.string == ";" and not depth):
            break
        depth += (token.string in "([{" and len(token.string) == 1) - (token.string in ")]}" and len(token.string) == 1)
        end = j if token.type != tokenize.NL else end
    return end


def _is_call(tokens: list[Token], k: int, last: int) -> bool:
    """Whether all that follows stands in one pair of parentheses, or nothing of it is a value."""
    if last == k:
        return False
    if tokens[k + 1].string != "(":
        return tokens[k + 1].string in (".", "=", ",", ")")
    depth = 0
    for j in range(k + 1, last + 1):
        depth += (tokens[j].string == "(") - (tokens[j].string == ")")
        if not depth:
            return j == last
    return False


def _renamed(text: str) -> str:
    """The text with the names that things have now; each name as a whole word, outside of strings."""
    lines = text.splitlines(keepends=True)
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(text).readline))):
        if token.type == tokenize.NAME and RENAMED.get(token.string, token.string) != token.string:
            row, (start, end) = token.start[0] - 1, (token.start[1], token.end[1])
            lines[row] = f"{lines[row][:start]}{RENAMED[token.string]}{lines[row][end:]}"
    lines = [re.sub(r"(?<![\w.])reduce\(", "__import__('functools').reduce(", line) for line in lines]
    lines = [re.sub(r"\bitertools\.(?=(zip|map)\()", "", line) for line in lines]
    return re.sub(r"([\w.\])]+)\.has_key\(([^()]*)\)", r"(\2 in \1)", "".join(lines))


def _listed(text: str) -> str:
    """The text with lists made of map, filter and zip, which were lists."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    lines = text.splitlines(keepends=True)
    for k in reversed(range(len(tokens) - 1)):
        called = tokens[k].string in ("map", "filter", "zip") and tokens[k + 1].string == "("
        if called and not (k and tokens[k - 1].string in (".", "def")):
            row, column = tokens[_last_of_call(tokens, k + 1)].end
            lines[row - 1] = f"{lines[row - 1][:column]}){lines[row - 1][column:]}"
            row, column = tokens[k].start
            lines[row - 1] = f"{lines[row - 1][:column]}list({lines[row - 1][column:]}"
            tokens = list(tokenize.generate_tokens(io.StringIO("".join(lines)).readline))
    return "".join(lines)


def _last_of_call(tokens: list[Token], k: int) -> int:
    """The token that closes the parenthesis that opens at one."""
    depth = 0
    for j in range(k, len(tokens)):
        depth += (tokens[j].string == "(") - (tokens[j].string == ")")
        if not depth:
            return j
    return k
