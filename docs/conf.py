"""The handbook's build: `make docs`, into docs/_build."""

import os
import re
import sys
from functools import partialmethod
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "extensions"), str(HERE.parent / "tests")]
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # `clearprop` in the pages' commands
os.environ |= {"COLUMNS": "100", "NO_COLOR": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}

from nbclient import NotebookClient  # noqa: E402

import clearprop  # noqa: E402

project = "clearprop"
author = "The clearprop developers"
copyright = "the clearprop developers"
version = release = clearprop.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",  # writes the formulas; katex renders them, from the package (html_js_files)
    "sphinx.ext.viewcode",
    "sphinx_design",
    "experiments",
    "floors",
    "generated_pages",
    "reports",
    "terminal",
]
exclude_patterns = ["_build", "extensions", "findings/README.md"]
suppress_warnings = ["mystnb.unknown_mime_type"]

# Pages are executed, and what they printed is kept until their code changes.
myst_enable_extensions = ["amsmath", "attrs_block", "colon_fence", "deflist", "dollarmath", "substitution"]
myst_heading_anchors = 4
nb_execution_mode = os.environ.get("CLEARPROP_DOCS_EXECUTE", "cache")  # "off" for a look at the text alone
nb_execution_cache_path = str(HERE / "_build" / "executed")
nb_execution_timeout = 240
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_output_stderr = "remove"  # progress, and the line that the kernel is being compiled
# One block for all that a cell prints. (The default of a trait cannot be changed once its class is made.)
NotebookClient.__init__ = partialmethod(NotebookClient.__init__, coalesce_streams=True)
nb_execution_show_tb = True
nb_kernel_rgx_aliases = {".*": "python3"}

# The reference comes from the docstrings.
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False
add_module_names = False
default_role = "code"  # `x` in a docstring is code
toc_object_entries_show_parents = "hide"
viewcode_line_numbers = True

html_theme = "pydata_sphinx_theme"
html_title = "clearprop"
html_static_path = ["_static", "../src/clearprop/laboratory/static/vendor"]
html_css_files = ["katex.min.css", "handbook.css"]
mathjax_path = "formulas.js"
mathjax_options = {"defer": "defer"}
html_js_files = [("katex.min.js", {"defer": "defer"})]
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "clearprop"},
    "show_prev_next": True,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_context = {"default_mode": "auto"}


def setup(app):
    """Two habits of docstrings that Sphinx would stumble over."""
    app.connect("autodoc-process-docstring", _sizes_as_they_are)
    app.connect("autodoc-skip-member", _routing_left_out)


def _routing_left_out(app, what, name, found, skip, options):
    # scikit-learn adds these methods to every estimator, with references into its own documentation.
    return True if name.endswith("_request") or name == "get_metadata_routing" else None


def _sizes_as_they_are(app, what, name, found, options, lines):
    # |x| is a size; reStructuredText would look for a substitution of that name.
    example = False
    for k, line in enumerate(lines):
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        if not example:
            lines[k] = re.sub(r"(?<![\w`|])\|(?=\S)", r"\|", line)
