"""Plots: one pure function per figure, (rows or a callable, ax) -> ax.

Every function draws on the given axes and changes nothing else; without axes, it opens a pyplot figure, which a notebook
shows. Matplotlib is imported where it is used, so that importing this package is cheap.

>>> import clearprop as cp
>>> from matplotlib.figure import Figure
>>> rows = [{"epoch": 1, "train_loss": 0.7}, {"epoch": 2, "train_loss": 0.5}]
>>> cp.plots.learning_curves(rows, ax=Figure().subplots()).get_ylabel()
'loss'
"""

from clearprop.plots.basin_map import basins
from clearprop.plots.boundaries import boundary, boundary_grid
from clearprop.plots.contour import contours, descent_figure
from clearprop.plots.function_curves import activation, difference_errors, penalties
from clearprop.plots.heatmap import heat_map
from clearprop.plots.images import first_layer, most_wrong
from clearprop.plots.influence import dependence, importance
from clearprop.plots.intervals import bands, published_against_obtained
from clearprop.plots.landscapes import landscape, save_frames
from clearprop.plots.matrix import confusion
from clearprop.plots.network import network
from clearprop.plots.rate_curves import rate_curve
from clearprop.plots.reliability_curve import reliability
from clearprop.plots.scatter import regression_fit
from clearprop.plots.style import save
from clearprop.plots.timings import gradient_costs, step_times
from clearprop.plots.training_curves import learning_curves, many_curves, step_losses

__all__ = [
    "activation",
    "bands",
    "basins",
    "boundary",
    "boundary_grid",
    "confusion",
    "contours",
    "dependence",
    "descent_figure",
    "difference_errors",
    "first_layer",
    "gradient_costs",
    "heat_map",
    "importance",
    "landscape",
    "learning_curves",
    "many_curves",
    "most_wrong",
    "network",
    "penalties",
    "published_against_obtained",
    "rate_curve",
    "regression_fit",
    "reliability",
    "save",
    "save_frames",
    "step_losses",
    "step_times",
]
