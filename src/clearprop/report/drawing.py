"""Figures inside a page: SVG without fonts or files of its own, and a PNG where there would be too many points."""

from __future__ import annotations

import base64
import io
import re
from typing import TYPE_CHECKING

from clearprop.recipes.exhibits import Picture

if TYPE_CHECKING:
    from markupsafe import Markup

LARGEST = 600_000  # characters of SVG, beyond which a picture is smaller as a PNG
DPI = 110


def inline_svg(picture: Picture) -> Markup:
    """The picture as an element that can stand in the page: it grows with its column, and has a title for screen readers."""
    import matplotlib
    from markupsafe import Markup, escape

    figure = picture.figure()
    stream = io.StringIO()
    # The text stays text, which can be searched and is set in the reader's own sans-serif font.
    with matplotlib.rc_context({"svg.hashsalt": picture.name, "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(stream, format="svg", bbox_inches="tight", facecolor="none", metadata={"Date": None, "Creator": None})
    svg = stream.getvalue()
    label = escape(picture.title)
    if len(svg) > LARGEST:
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=DPI, bbox_inches="tight", facecolor="white")
        code = base64.b64encode(image.getvalue()).decode()
        return Markup('<img alt="{}" src="data:image/png;base64,{}">').format(label, code)
    return Markup(clean(svg, str(label), picture.name))


def clean(svg: str, label: str, name: str) -> str:
    """Matplotlib's file without its head, links and fixed size; names of clip paths made unique to the picture."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', rf'<svg role="img" aria-label="{label}" viewBox="\1">', svg, count=1)
    svg = svg.replace("xlink:href=", "href=")
    prefix = re.sub(r"\W", "-", name)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}-\1"', svg)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", svg)
