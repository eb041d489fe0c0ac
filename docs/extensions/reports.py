"""A report that a page's command wrote, shown in the page.

    ```{command} clearprop train circles --report report.html
    ```
    ```{report} report.html
    :title: The report of a training run
    :height: 32
    ```

The file goes into the built site, into _reports/, and the page shows it in a frame, with a link to it alone. `:height:` is
that of the frame, in lines.
"""

from __future__ import annotations

import shutil
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from terminal import InFolder

FRAMES = "_reports"
LINES = 32  # of a frame


def setup(app: Any) -> dict[str, bool]:
    """Sphinx's entry: the directive."""
    app.add_directive("report", Report)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Report(InFolder):
    """An HTML file of the page's own folder, in a frame."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"title": directives.unchanged_required, "height": directives.positive_int}

    def run(self) -> list[nodes.Node]:
        """Copy the file into the site, and show it."""
        source = self.folder() / self.arguments[0]
        if not source.is_file():
            raise self.error(f"No command of this page has written {self.arguments[0]!r}.")
        name = f"{self.env.docname.replace('/', '-')}-{source.name}"
        target = Path(self.env.app.outdir) / FRAMES / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        address = f"{'../' * self.env.docname.count('/')}{FRAMES}/{name}"
        title = escape(self.options.get("title", source.name), quote=True)
        height = self.options.get("height", LINES)
        frame = (
            f'<iframe class="report" src="{address}" title="{title}" loading="lazy" style="height: {height}em"></iframe>\n'
            f'<p class="report"><a href="{address}">{title}</a>, in a page of its own.</p>\n'
        )
        return [nodes.raw("", frame, format="html")]
