"""Every link and every picture of the built handbook: `python docs/check_links.py docs/_build/html`.

A link within the site must lead to a page that is there, and to an anchor that is on it; whatever a page loads (scripts,
styles, pictures) must lie in the site, so that it can be read without a network.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The anchors of a page, what it links to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag names and where it leads."""
        of = dict(attrs)
        self.anchors |= {value for key in ("id", "name") if (value := of.get(key))}
        if tag == "a" and of.get("href"):
            self.links.append(of["href"] or "")
        elif of.get("src"):
            self.loads.append(of["src"] or "")
        elif tag == "link" and "stylesheet" in (of.get("rel") or ""):
            self.loads.append(of["href"] or "")


def broken(folder: Path) -> list[str]:
    """One line for each link or load that leads nowhere."""
    pages = {
        path.resolve(): Page(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.html"))
        if "_static" not in path.parts
    }
    found = []
    for path, page in pages.items():
        where = path.relative_to(folder.resolve())
        found += [f"{where} loads {load}" for load in page.loads if not _is_here(path, load)]
        found += [f"{where} links to {link}" for link in page.links if not _leads_somewhere(path, link, pages)]
    return found


def _is_here(path: Path, load: str) -> bool:
    """Whether a file that a page loads lies in the site (or in the page itself)."""
    parts = urlsplit(load)
    return parts.scheme == "data" or (not parts.scheme and not parts.netloc and (path.parent / unquote(parts.path)).exists())


def _leads_somewhere(path: Path, link: str, pages: dict[Path, Page]) -> bool:
    """Whether a link leads out of the site, or to an anchor that is there."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if target not in pages or "_modules" in path.parts:  # Sphinx's links from the source lead to a page, not to an anchor
        return target.exists()
    return not parts.fragment or unquote(parts.fragment) in pages[target].anchors


if __name__ == "__main__":
    lines = broken(Path(sys.argv[1]))
    print("\n".join(lines) or "Every link leads somewhere.")
    sys.exit(bool(lines))
