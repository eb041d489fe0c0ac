"""Commands in a page, run at build: what a reader sees is what the command printed.

    ```{file} student.py          a file of the page's own folder, shown with its name
    ```
    ```{command} clearprop check student.py
    :status: 1
    :lines: 12
    ```

All commands of a page run in one folder, in order. A command that ends with another status than `:status:` says (0 if it says
nothing) fails the build. `:lines: N` shows the first N lines alone; a body is given to the command as its input.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

SECONDS = 200


def setup(app: Any) -> dict[str, bool]:
    """Sphinx's entry: the two directives; a page's folder goes when the page has been read."""
    app.add_directive("file", File)
    app.add_directive("command", Command)
    app.connect("doctree-read", _leave)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _leave(app: Any, doctree: nodes.document) -> None:
    # The folder of a page that has been read is of no more use.
    if folder := app.env.temp_data.pop("terminal_folder", None):
        shutil.rmtree(folder, ignore_errors=True)


class InFolder(SphinxDirective):
    """A directive that works in the folder of its page."""

    def folder(self) -> Path:
        """The folder of the page, which is made when it is first asked for."""
        kept = self.env.temp_data.setdefault("terminal_folder", tempfile.mkdtemp(prefix="handbook-"))
        return Path(kept)


class File(InFolder):
    """A file that the commands after it find; `:hidden:` writes it and shows nothing."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {"hidden": directives.flag, "language": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Write the file, and show it."""
        text = "\n".join(self.content)
        path = self.folder() / self.arguments[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", encoding="utf-8")
        if "hidden" in self.options:
            return []
        endings = {".py": "python", ".json": "json", ".csv": "text", ".mjs": "javascript", ".toml": "toml"}
        shown = nodes.literal_block(text, text, language=self.options.get("language", endings.get(path.suffix, "text")))
        caption = nodes.caption("", "", nodes.literal("", self.arguments[0]))
        return [nodes.container("", caption, shown, classes=["literal-block-wrapper"], literal_block=True)]


class Command(InFolder):
    """A command of the shell, and what it printed."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        "status": directives.nonnegative_int,
        "lines": directives.positive_int,
        "quiet": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        """Run it, and show it with its output."""
        line, wanted = self.arguments[0], self.options.get("status", 0)
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder(),
            env=os.environ,
            input="\n".join(self.content),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        if done.returncode != wanted:
            raise self.error(f"{line!r} ended with status {done.returncode}, not {wanted}:\n{done.stdout[-2000:]}")
        printed = [] if "quiet" in self.options else self.shown(done.stdout)
        text = "\n".join([f"$ {line}", *printed])
        return [nodes.literal_block(text, text, language="console")]

    def shown(self, output: str) -> list[str]:
        """The lines to show: not those about compiling, which only the first run prints."""
        lines = [line.rstrip() for line in output.rstrip().splitlines() if not line.startswith("Compiling the kernel")]
        most = self.options.get("lines", len(lines))
        return lines if len(lines) <= most else [*lines[:most], "..."]
