"""The loss landscape: the loss on a slice through the parameters, with the path that training took on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.errors import ShapeError
from clearprop.nn import LOSSES, Loss, Net
from clearprop.registry import count
from clearprop.training.run import Callback, Run

MARGIN = 0.25  # of the path's extent, on each side of the slice


class Trajectory(Callback):
    """The parameters at the start and after every epoch; a callback of `fit`.

    Attributes
    ----------
    thetas : list of array (P,)

    Examples
    --------
    >>> import clearprop as cp
    >>> data, net, path = cp.data.load("circles"), cp.mlp([2, 4, 2]), Trajectory()
    >>> _ = cp.fit(net, data, epochs=3, callbacks=[path])
    >>> len(path.thetas)
    4
    """

    def __init__(self) -> None:
        self.thetas: list[Array] = []

    def on_fit_start(self, run: Run) -> None:
        """Keep the first parameters."""
        self.thetas = [run.net.theta.copy()]

    def on_epoch_end(self, run: Run) -> None:
        """Keep those after the epoch."""
        self.thetas.append(run.net.theta.copy())


@dataclass(frozen=True, eq=False)
class Landscape:
    """A slice through the space of the parameters, theta = centre + u * first + v * second.

    Attributes
    ----------
    u, v : array (K,)
        Coordinates along the two directions.
    loss : array (K, K)
        Loss at (u_j, v_i), in row i and column j.
    path : array (T, 2)
        Coordinates of the path, projected on the slice.
    shares : tuple of float
        Share of the path's squared extent that lies along each direction; what is missing to 1 lies outside of the slice.
    """

    u: Array
    v: Array
    loss: Array
    path: Array
    shares: tuple[float, float]


@checked
def loss_landscape(
    net: Net, data: Split, path: Sequence[Array], loss: Loss | str = "cross_entropy", points: int = 41
) -> Landscape:
    """The loss on the plane that best holds the path of training.

    The path's differences from its end, as the rows of a matrix, are decomposed into singular values; the first two singular
    vectors span the plane. Along random directions the path of a net would hardly be seen: they are almost at right angles to
    it (Li et al., "Visualizing the loss landscape of neural nets", NeurIPS 2018, section 7).

    Parameters
    ----------
    net : Net
        Its parameters do not change.
    data : Split
    path : sequence of array (P,)
        At least three vectors of parameters, in the order of training; the slice runs through the last.
    loss : Loss or str
    points : int
        Points along each side.

    Returns
    -------
    Landscape

    Raises
    ------
    ShapeError
        If the path has fewer than three points, or they do not fit the net.

    Examples
    --------
    >>> import clearprop as cp
    >>> data, net, path = cp.data.load("circles"), cp.mlp([2, 4, 2]), Trajectory()
    >>> _ = cp.fit(net, data, epochs=3, callbacks=[path])
    >>> loss_landscape(net, data.train, path.thetas, points=5).loss.shape
    (5, 5)
    """
    thetas = np.array([np.asarray(theta, dtype=np.float64) for theta in path])
    if len(thetas) < 3 or thetas.shape[1:] != net.theta.shape:
        raise ShapeError(
            f"path must hold at least three vectors of {net.theta.size} parameters, as a Trajectory does, not {thetas.shape}."
        )
    points, loss, centre = count("points", points, 2), LOSSES.make(loss), thetas[-1]
    _, sizes, directions = np.linalg.svd(thetas - centre, full_matrices=False)
    projected = (thetas - centre) @ directions[:2].T
    u, v = (_axis(column, points) for column in projected.T)
    trial, values = net.copy(), np.empty((points, points))
    with np.errstate(all="ignore"):  # far from the path a loss may overflow
        for i in range(points):
            for j in range(points):
                trial.theta[:] = centre + u[j] * directions[0] + v[i] * directions[1]
                values[i, j] = loss(trial(data.X), data.y)
    total = float((sizes**2).sum()) or 1.0
    return Landscape(u, v, values, projected, (float(sizes[0] ** 2 / total), float(sizes[1] ** 2 / total)))


def _axis(column: Array, points: int) -> Array:
    """Coordinates that cover the path with a margin."""
    low, high = float(column.min()), float(column.max())
    extent = (high - low) or 1.0
    return np.linspace(low - MARGIN * extent, high + MARGIN * extent, points)
