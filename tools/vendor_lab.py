"""Fetches the two libraries of the lab's page from npm, pinned, into the package, with their licences.

python tools/vendor_lab.py        needs npm; run it again after changing a version
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).parents[1] / "src" / "clearprop" / "laboratory" / "static" / "vendor"
PINNED = {
    "uplot@1.6.32": {"dist/uPlot.esm.js": "uPlot.esm.js", "dist/uPlot.min.css": "uPlot.min.css", "LICENSE": "uPlot.LICENSE"},
    "katex@0.16.22": {
        "dist/katex.mjs": "katex.mjs",
        "dist/katex.min.css": "katex.min.css",
        "LICENSE": "katex.LICENSE",
        "dist/fonts": "fonts",
    },
}


def main() -> None:
    """Write the package's vendor folder anew."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    for package, files in PINNED.items():
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            (archive,) = Path(folder).glob("*.tgz")
            with tarfile.open(archive) as packed:
                packed.extractall(folder, filter="data")
            for source, name in files.items():
                copy(Path(folder) / "package" / source, VENDOR / name)
        print(package)


def copy(source: Path, target: Path) -> None:
    """A file, or of a folder of fonts the woff2 alone, which every browser reads."""
    if source.is_dir():
        target.mkdir()
        for font in source.glob("*.woff2"):
            shutil.copyfile(font, target / font.name)
    else:
        shutil.copyfile(source, target)


if __name__ == "__main__":
    main()
