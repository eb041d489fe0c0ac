"""The live plot: learning curves in a notebook that move while the net is trained."""

from __future__ import annotations

import io
import sys
import time
from typing import Any

from clearprop.plots.training_curves import METRICS, learning_curves
from clearprop.registry import number
from clearprop.training.run import Callback, Run


class LivePlot(Callback):
    """Draws the learning curves below the cell of a notebook (Jupyter or marimo), in one place, while the net is trained.

    Outside a notebook it does nothing.

    Parameters
    ----------
    seconds : float
        Least time between two pictures; the last one is always drawn.

    Examples
    --------
    >>> import clearprop as cp
    >>> history = cp.fit(cp.mlp([2, 10, 2]), cp.data.load("circles"), epochs=2, callbacks=LivePlot())
    """

    def __init__(self, seconds: float = 0.5) -> None:
        self.seconds = number("seconds", seconds, lambda x: x >= 0, "zero or more")
        self.drawn = 0.0
        self.place: Jupyter | Marimo | None = None

    def on_fit_start(self, run: Run) -> None:
        """Find the notebook, if there is one."""
        self.drawn, self.place = 0.0, notebook()

    def on_epoch_end(self, run: Run) -> None:
        """Draw, if the last picture is old enough."""
        if self.place is not None and time.monotonic() - self.drawn >= self.seconds:
            self.draw(run)

    def on_fit_end(self, run: Run) -> None:
        """Draw the last picture."""
        if self.place is not None and run.history.rows:
            self.draw(run)

    def draw(self, run: Run) -> None:
        """Put the picture of all epochs so far in the place of the one before."""
        assert self.place is not None
        self.place.show(f"<div>{curves_svg(run)}</div>")
        self.drawn = time.monotonic()


def curves_svg(run: Run) -> str:
    """The learning curves as the text of an SVG picture."""
    from matplotlib.figure import Figure

    metrics = [name for name in METRICS if f"train_{name}" in run.history.columns()]
    figure = Figure(figsize=(5.2 * len(metrics), 3.4), layout="constrained")
    for metric, ax in zip(metrics, figure.subplots(1, len(metrics), squeeze=False)[0], strict=True):
        learning_curves(run.history.rows, ax, metric)
    figure.suptitle(f"epoch {run.epoch} of {run.settings.epochs}", fontsize=9)
    out = io.StringIO()
    figure.savefig(out, format="svg")
    return out.getvalue()[out.getvalue().index("<svg") :]


class Jupyter:
    """One display below the cell, which is replaced."""

    def __init__(self) -> None:
        self.handle: Any = None

    def show(self, html: str) -> None:
        """Show, in place of what was shown before."""
        from IPython import display

        shown: Any = display
        if self.handle is None:
            self.handle = shown.display(shown.HTML(html), display_id=True)
        else:
            self.handle.update(shown.HTML(html))


class Marimo:
    """The output of the cell, which is replaced."""

    def show(self, html: str) -> None:
        """Show, in place of what was shown before."""
        import marimo

        marimo.output.replace(marimo.Html(html))


def notebook() -> Jupyter | Marimo | None:
    """The notebook that this process runs for; whoever is in one has imported its package."""
    ipython, marimo = sys.modules.get("IPython"), sys.modules.get("marimo")
    if marimo is not None and marimo.running_in_notebook():
        return Marimo()
    if ipython is not None:
        shell = ipython.get_ipython()
        if shell is not None and type(shell).__name__ == "ZMQInteractiveShell":
            return Jupyter()
    return None
