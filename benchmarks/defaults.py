"""The defaults against scikit-learn's: `python -m benchmarks.defaults [NAME ...] [--tables FOLDER] [--page FILE]`.

For each set, test accuracy or R2 in percent of `clearprop train FILE` with no option but the files, of scikit-learn's
MLPClassifier or MLPRegressor after a StandardScaler (with standardised targets), and of HistGradientBoosting, on the same test
rows: the mean over a few splits, more of them for smaller sets. The defaults were chosen on some of the sets, and are only
measured on the others.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.markdown import table as markdown
from benchmarks.table_sets import FILES, kept_aside, public_table, stand_ins, table_of, tuned_on

Parts = tuple[pd.DataFrame, pd.DataFrame]


@dataclass(frozen=True)
class Line:
    """The figures of one set, in percent.

    Attributes
    ----------
    name : str
    chosen_on : bool
        Whether the defaults were chosen on it.
    rows, inputs, splits : int
    own, network, boosting, seconds : float
        Means over the splits.
    """

    name: str
    chosen_on: bool
    rows: int
    inputs: int
    splits: int
    own: float
    network: float
    boosting: float
    seconds: float


def tables(folder: Path | None, wanted: list[str]) -> Iterator[tuple[str, bool, list[Parts]]]:
    """Each set by name: whether the defaults were chosen on it, and its splits into training and test rows."""
    makers = {name: (True, make) for name, make in tuned_on().items()} | {name: (False, m) for name, m in kept_aside().items()}
    for name, (chosen_on, make) in makers.items():
        if not wanted or name in wanted:
            yield name, chosen_on, splits(table_of(*make()))
    for name, files in FILES.items():
        paths = [] if folder is None else [folder / file for file in files]
        there = bool(paths) and all(path.exists() for path in paths)
        shown = name if there else f"like {name} (generated)"
        if not wanted or name in wanted:
            frame, test = public_table(paths) if there else (table_of(*stand_ins()[name]()), None)
            yield shown, False, [(frame, test)] if test is not None else splits(frame)


def splits(frame: pd.DataFrame) -> list[Parts]:
    """Splits into training and test rows, stratified by class; five of a small set, one of a large one."""
    from sklearn.model_selection import train_test_split

    n = len(frame)
    stratum = frame["y"] if frame["y"].dtype == object or str(frame["y"].dtype).startswith("str") else None
    share = 0.3 if n < 500 else 0.2
    return [
        tuple(train_test_split(frame, test_size=share, random_state=seed, stratify=stratum))
        for seed in range(5 if n < 500 else 3 if n <= 2000 else 1)
    ]


def clearprop_score(train: pd.DataFrame, test: pd.DataFrame) -> tuple[float, float]:
    """Test accuracy or R2 in percent of the command line's defaults, and the seconds that training took."""
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "train.csv"), Path(folder, "test.csv")
        train.to_csv(paths[0], index=False)
        test.to_csv(paths[1], index=False)
        command = [sys.executable, "-m", "clearprop", "train", str(paths[0]), "--test-file", str(paths[1]), "--json"]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    figures = found["metrics"]["test"]
    return 100 * figures.get("r2", figures.get("accuracy", np.nan)), found["seconds"]


def other_scores(train: pd.DataFrame, test: pd.DataFrame) -> list[float]:
    """Test accuracy or R2 in percent of scikit-learn's network and of its gradient boosting."""
    import warnings

    from sklearn.compose import TransformedTargetRegressor
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y, X_test, y_test = train.drop(columns="y"), train["y"], test.drop(columns="y"), test["y"]
    classes = not pd.api.types.is_numeric_dtype(y)
    regressor = TransformedTargetRegressor(MLPRegressor(random_state=0), transformer=StandardScaler())
    models = (
        make_pipeline(StandardScaler(), MLPClassifier(random_state=0) if classes else regressor),
        HistGradientBoostingClassifier(random_state=0) if classes else HistGradientBoostingRegressor(random_state=0),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's network says that it has not converged
        return [100 * float(model.fit(X, y).score(X_test, y_test)) for model in models]


def measure(name: str, chosen_on: bool, parts: list[Parts]) -> Line:
    """The figures of one set."""
    own = [clearprop_score(*pair) for pair in parts]
    others = [other_scores(*pair) for pair in parts]
    score, seconds = np.mean(own, axis=0)
    network, boosting = np.mean(others, axis=0)
    train, test = parts[0]
    return Line(name, chosen_on, len(train) + len(test), train.shape[1] - 1, len(parts), score, network, boosting, seconds)


def in_words(lines: list[Line]) -> str:
    """The differences of some sets, in a sentence."""
    to_network = np.array([line.own - line.network for line in lines])
    to_boosting = np.array([line.own - line.boosting for line in lines])
    worst = lines[int(to_network.argmin())]
    return (
        f"Against the network: mean {to_network.mean():+.1f}, worst {to_network.min():+.1f} ({worst.name}); against boosting:"
        f" mean {to_boosting.mean():+.1f}."
    )


def page(lines: list[Line]) -> str:
    """docs/defaults.md."""
    head = ["set", "rows", "inputs", "splits", "clearprop", "scikit-learn's network", "gradient boosting", "seconds"]
    parts = [
        "# Defaults\n\nWritten by `python -m benchmarks.defaults --page docs/defaults.md`; no figure here is typed by hand.",
        "Test accuracy, or R2 for numbers, in percent: `clearprop train FILE` with no option but the files; `MLPClassifier` or"
        " `MLPRegressor` after a `StandardScaler`, with standardised targets; and `HistGradientBoostingClassifier` or"
        " `-Regressor`; all on the same test rows, as means over the splits. The seconds are those of one training run.",
    ]
    for chosen_on, title in ((False, "Sets that the defaults have not seen"), (True, "Sets on which the defaults were chosen")):
        some = [line for line in lines if line.chosen_on == chosen_on]
        if not some:
            continue
        cells = [
            [line.name, f"{line.rows:,}", f"{line.inputs}", f"{line.splits}"]
            + [f"{value:.1f}" for value in (line.own, line.network, line.boosting, line.seconds)]
            for line in some
        ]
        parts += [f"## {title}", markdown(head, cells), in_words(some)]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Measure, print each line at once, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="sets to measure; by default all")
    parser.add_argument("--tables", type=Path, help="folder with letter.arff, sonar.arff, sat.trn and sat.tst")
    parser.add_argument("--page", type=Path, help="Markdown file to write")
    parser.add_argument("--rows", type=Path, help="JSON file of the figures; what it holds already is not measured again")
    given = parser.parse_args()
    kept = json.loads(given.rows.read_text()) if given.rows is not None and given.rows.exists() else []
    known = {row["name"]: Line(**row) for row in kept}
    lines = []
    print(f"{'':28}{'clearprop':>10}{'MLP':>8}{'boosting':>10}{'seconds':>9}")
    for name, chosen_on, parts in tables(given.tables, given.names):
        line = known.get(name) or measure(name, chosen_on, parts)
        lines.append(line)
        print(f"{name:28}{line.own:10.1f}{line.network:8.1f}{line.boosting:10.1f}{line.seconds:9.1f}", flush=True)
        if given.rows is not None:
            given.rows.write_text(json.dumps([vars(one) for one in lines], indent=1))
        if given.page is not None:
            given.page.write_text(page(lines))
    print(in_words(lines))


if __name__ == "__main__":
    main()
