"""`rdfia-svm`: support-vector machines on the circles, beside the network."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from clearprop.arrays import Array
from clearprop.data import make_circles
from clearprop.data.dataset import Split
from clearprop.nn import CrossEntropy, Net
from clearprop.optim import SGD
from clearprop.recipes.course_data import CIRCLES, course_circles
from clearprop.recipes.drawings import eight_bits, from_eight_bits
from clearprop.recipes.exhibits import Picture, Table
from clearprop.recipes.published import measured, shown
from clearprop.recipes.rdfia_circles_runs import EPOCHS, make_circles_net
from clearprop.recipes.recipe import Recipe, Result, quiet_fit
from clearprop.training import evaluate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KERNELS: dict[str, dict[str, Any]] = {
    "linear": {"kernel": "linear"},
    "polynomial, degree 2": {"kernel": "poly", "degree": 2},
    "polynomial, degree 3": {"kernel": "poly", "degree": 3},
    "RBF": {"kernel": "rbf"},
}
SHORT = dict(zip(KERNELS, ("linear", "degree 2", "degree 3", "RBF"), strict=True))  # for the titles of panels
GRID = 32  # points along each side of the map of a machine
COSTS = [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]


class RdfiaSvm(Recipe):
    """scikit-learn's SVC with four kernels and six C."""

    name = "rdfia-svm"
    title = "Circles: support-vector machines beside the network"
    source = "Sorbonne University, RDFIA practical 1-b (2023, 2024)"
    configuration: ClassVar[dict[str, Any]] = {
        "data": "the course's circles.npz: 200 + 200 points, 2 classes",
        "kernels": list(KERNELS),
        "C": COSTS,
        "network": f"2-10-2, tanh, batch 10, lr 0.1, {EPOCHS} epochs, seed 0",
    }
    needs = (CIRCLES,)
    duration = "2 seconds"

    def perform(self, result: Result) -> None:
        """Fit them all; accuracies, support vectors, boundaries."""
        result.engine = result.conditions.fast_engine()
        train, test = course_circles(result.conditions.data_dir)
        machines = {(kernel, C): fit_machine(train, kernel, C) for kernel in KERNELS for C in COSTS}
        rows = [
            [kernel, C, 100 * model.score(*train), 100 * model.score(*test), int(model.n_support_.sum())]
            for (kernel, C), model in machines.items()
        ]
        net = train_net(train, result.engine)
        ours = [100 * evaluate(net, split, CrossEntropy())["accuracy"] for split in (train, test)]
        rows.append(["network 2-10-2", None, *ours, None])
        columns = ["kernel", "C", "train acc., %", "test acc., %", "support vectors"]
        result.exhibits.tables.append(Table("Accuracies", columns, rows, name="accuracies"))
        chosen = {kernel: choose_cost(train, kernel) for kernel in KERNELS}
        best = {kernel: next(row for row in rows if row[:2] == [kernel, C]) for kernel, C in chosen.items()}
        compare(result, best, ours)

        result.exhibits.pictures.append(
            Picture("boundaries", "Decision boundaries, on the test points", partial(draw_margins, points=test), (13, 10),
                    rows=margin_rows(machines, net, test))
        )  # fmt: skip


def fit_machine(train: Split, kernel: str, C: float) -> Any:
    """A fitted SVC."""
    from sklearn.svm import SVC

    return SVC(C=C, **KERNELS[kernel]).fit(train.X, train.y)


def choose_cost(train: Split, kernel: str) -> float:
    """The C of the highest mean accuracy in five-fold cross-validation on the training points alone."""
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.svm import SVC

    folds = StratifiedKFold(5, shuffle=True, random_state=0)  # the points are sorted by class
    scores = [cross_val_score(SVC(C=C, **KERNELS[kernel]), *train, cv=folds).mean() for C in COSTS]
    return COSTS[int(np.argmax(scores))]


def train_net(train: Split, engine: str) -> Net:
    """The network of `rdfia-circles`, with one of its published settings."""
    rng = np.random.default_rng(0)
    net = make_circles_net("code", rng)
    quiet_fit(net, train, loss=CrossEntropy(), optimizer=SGD(0.1), batch_size=10, epochs=EPOCHS, seed=rng, engine=engine)
    return net


def compare(result: Result, best: dict[str, list[Any]], ours: list[float]) -> None:
    """Compare the kernels, as the practical asks, and explain kernel and C."""
    linear, curved = best["linear"][3], max(best["RBF"][3], best["polynomial, degree 2"][3])
    for kernel, row in best.items():
        result.comparisons.append(
            measured(f"{kernel}: test accuracy", "", f"{row[3]:.1f} % (C = {row[1]:g}, by cross-validation)")
        )
    result.comparisons.append(measured("network: test accuracy", "", f"{ours[1]:.1f} %"))
    result.comparisons += [
        shown("a linear kernel fails", "", f"{linear:.1f} %", linear < 75, "no line separates a ring from its middle"),
        shown("RBF or degree 2 succeeds", "", f"{curved:.1f} % against {ours[1]:.1f} %", curved > ours[1] - 3,
              "within 3 points of the network or better"),
    ]  # fmt: skip
    cubic, square = best["polynomial, degree 3"][3], best["polynomial, degree 2"][3]
    result.exhibits.explain(
        "What do the kernel and C do?",
        f"The two classes differ in their distance from the origin. A line cannot express it ({linear:.1f} %); a polynomial "
        f"of degree 2 contains x1^2 + x2^2, and reaches {square:.1f} %; one of degree 3 without lower terms is odd, takes "
        f"opposite points for opposite classes, and gets no further than {cubic:.1f} %; an RBF kernel can draw any closed "
        f"curve ({best['RBF'][3]:.1f} %). C is the penalty of a point on the wrong side: where it is small the boundary is "
        "smooth and most points are support vectors, where it is large the boundary bends around single points of the "
        "training set. It is chosen here by cross-validation on the training points: choosing it by the test accuracy, as the "
        "write-up does, turns the test set into a validation set, against its own answer to the first question. The network "
        f"with 52 parameters reaches {ours[1]:.1f} %.",
    )


def margin_rows(machines: dict[tuple[str, float], Any], net: Net, test: Split) -> dict[str, Any]:
    """Titles, and how far the second class leads at every point of a grid: a row for each kernel, the network last."""
    extent = 1.1 * float(np.abs(test.X).max())
    side = np.linspace(-extent, extent, GRID)
    mesh = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    leads = {
        f"{SHORT[kernel]}, C {C:g}: {100 * model.score(*test):.1f} %": model.decision_function(mesh)
        for (kernel, C), model in machines.items()
    }
    scores = net(mesh)
    leads[f"network: {100 * evaluate(net, test, CrossEntropy())['accuracy']:.1f} %"] = scores[:, 1] - scores[:, 0]
    # Fine steps near the boundary, coarse ones where it is far: 8 bits are enough to find it.
    squashed = np.tanh(np.stack([lead / np.median(np.abs(lead)) for lead in leads.values()], axis=-1))
    return {"titles": list(leads), "extent": extent, "leads": eight_bits(squashed)}


def draw_margins(figure: Figure, rows: dict[str, Any], points: Split | None = None) -> None:
    """A panel for each machine.

    The points on top are those of the built-in set, which have the same distribution, where the course's own are not given.
    """
    from clearprop.plots import boundary_grid

    points = points if points is not None else Split(*make_circles(200, seed=0))
    leads = from_eight_bits(rows["leads"], (-1, len(rows["titles"])))
    panels: list[Any] = [
        (title, between(lead.reshape(GRID, GRID), rows["extent"])) for title, lead in zip(rows["titles"], leads.T, strict=True)
    ]
    boundary_grid(panels, points, figure, columns=len(COSTS))


def between(leads: Array, extent: float) -> Any:
    """The leads of a grid as a function X (N, 2) -> scores (N, 2), linear between its points and constant outside."""
    from scipy.interpolate import RegularGridInterpolator

    side = np.linspace(-extent, extent, GRID)
    value = RegularGridInterpolator((side, side), leads)

    def scores(X: Array) -> Array:
        lead = value(np.clip(X, -extent, extent))
        return np.column_stack([np.zeros_like(lead), lead])

    return scores
