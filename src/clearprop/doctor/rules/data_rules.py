"""Rules about the data: inputs, targets, their order, and the splits."""

from __future__ import annotations

from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.rules.rule import Rule, improved, val_improved
from clearprop.training.history import Row

LARGE, SMALL = 8.0, 0.03  # sizes of inputs that need scaling
APART, FAR = 50.0, 20.0  # ratio of the columns' spreads, and offset in spreads, likewise


class InputsNaN(Rule):
    """NaN or infinite numbers among the inputs."""

    slug, certain = "inputs-nan", True

    def find(self, chart: Chart) -> Finding | None:
        row = chart.one("inputs")
        if not row.get("bad"):
            return None
        return self.finding(
            f"{row['bad']} of the training inputs are NaN or infinite, in {row['bad_columns']} of {row['columns']} columns"
            f" and {row['bad_rows']} rows.",
            "NaN + x = NaN: one missing number reaches every unit, the loss, and with the first step every parameter.",
            Remedy("replace missing numbers by the column's mean, or drop their rows", ({"inputs": "fill"},)),
            where="inputs",
            evidence=row,
        )


class InputsConstant(Rule):
    """Mostly constant columns."""

    slug, certain = "inputs-constant", True

    def find(self, chart: Chart) -> Finding | None:
        row = chart.one("inputs")
        if not row or row["constant"] <= 0.5 * row["columns"]:
            return None
        return self.finding(
            f"{row['constant']} of {row['columns']} input columns have the same value in every training example.",
            "A constant column c adds c W_i to every pre-activation: it is a second bias, and cannot tell two examples apart.",
            Remedy("look at how the columns are read; drop those that are constant", ({"inputs": "drop"},)),
            where="inputs",
            evidence=row,
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the run is no worse without those columns."""
        return not after.rows("failure") and after.final <= 1.1 * before.final + 0.02


class InputsUnscaled(Rule):
    """Inputs much larger or smaller than 1, or columns of very different size."""

    slug = "inputs-unscaled"

    def find(self, chart: Chart) -> Finding | None:
        row = chart.one("inputs")
        if not row or row["bad"] or row["rms"] == 0:
            return None
        apart = row["largest_spread"] / max(row["middle_spread"], 1e-30)
        if not (row["rms"] > LARGE or row["rms"] < SMALL or apart > APART or row["middle_offset"] > FAR):
            return None
        saturated = [r for r in chart.rows("activations", epoch=0) if r.get("saturated", 0) > 0.5]
        also = f"; {100 * saturated[0]['saturated']:.1f} % of layer {saturated[0]['layer']} is saturated" if saturated else ""
        return self.finding(
            f"The inputs are not scaled: they run from {row['low']:.3g} to {row['high']:.3g} (root mean square"
            f" {row['rms']:.3g}), and the columns' standard deviations from {row['smallest_spread']:.3g} to"
            f" {row['largest_spread']:.3g}{also}.",
            "z = x W + b and dW = x^T dy both grow with x, so the size of a safe step falls with x^2, and one rate cannot suit"
            " columns of different size.",
            Remedy("scale every column to mean 0 and standard deviation 1 of the training rows", ({"scale": "standard"},)),
            where="inputs",
            evidence=row,
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether it learns clearly better, or sooner."""
        return improved(before, after, 0.85)


class LabelEncoding(Rule):
    """Targets with values that the loss does not take, or of a size that the net hardly reaches."""

    slug, certain = "label-encoding", True

    def find(self, chart: Chart) -> Finding | None:
        row = chart.one("targets")
        low, high = row.get("low", 0.0), row.get("high", 0.0)
        if degenerate(row):
            return self.alike(row)
        if row.get("dtype") and chart.rows("failure") and "dtype" in misread(row):
            return self.kinds(row, misread(row)["dtype"])
        if row.get("wanted") == "zeros and ones":
            if low < 0 or high > 1 or (row["labels"] and (low, high) != (0.0, 1.0)):
                return self.wrong(row, f"{low:.3g} and {high:.3g}", "0 and 1")
        elif row.get("wanted") == "classes":
            outputs = row.get("outputs") or 0
            if row["dims"] == 1 and (low < 0 or high >= outputs) and outputs > 1:
                return self.wrong(row, f"{low:.3g} ... {high:.3g}", f"0 ... {outputs - 1}, one for each output")
        elif row.get("wanted") == "numbers" and not row["labels"] and row.get("spread", 1.0) > 0:
            spread, mean = row["spread"], abs(row["mean"])
            if spread > 25 or spread < 0.01 or mean > 15 * spread:
                return self.sizes(row)
        return None

    def alike(self, row: Row) -> Finding:
        """The finding for targets that are all the same."""
        n = row["examples"]
        one = f"{row['low']:.4g}" if row["low"] == row["high"] else "the same row"
        what = f"All {n} targets are {one}" if n > 1 else "There is one training example"
        return self.finding(
            f"{what}: the best constant is right already, and nothing can be learned.",
            "If y is the same for every x, then p(y | x) = p(y), and the variance and the entropy of y are 0.",
            Remedy("look at how the targets are read, and at the split: each class must be among the training rows"),
            where="targets",
            evidence={**row, "degenerate": True},
        )

    def kinds(self, row: Row, wanted: str) -> Finding:
        """The finding for targets of a type that a loss of PyTorch refuses."""
        return self.finding(
            f"The targets are {row['dtype']}, but the loss takes {wanted}.",
            "A class is a number that picks an output, an integer; a number that is compared is of the outputs' own type.",
            Remedy("convert the targets: y.long()" if wanted == "int64" else "convert the targets: y.float()",
                   ({"dtype": wanted},)),
            where="targets",
            evidence=row,
        )  # fmt: skip

    def wrong(self, row: Row, are: str, wanted: str) -> Finding:
        """The finding for classes that are numbered otherwise than the loss takes them."""
        return self.finding(
            f"The labels are {are}, but the loss takes {wanted}.",
            "-(y log p + (1 - y) log(1 - p)) is a cross-entropy only for y in {0, 1}; with y = -1 or 2 it has no lower bound,"
            " and a class index picks one of the outputs, which are counted from 0.",
            Remedy("number the labels from 0", ({"labels": "renumber"},)),
            where="targets",
            evidence=row,
        )

    def sizes(self, row: Row) -> Finding:
        """The finding for numbers that are far from the size of the net's predictions."""
        return self.finding(
            f"The targets have mean {row['mean']:.3g} and standard deviation {row['spread']:.3g};"
            " an untrained net predicts numbers of size 1 around 0.",
            "The gradient of (y_hat - y)^2 is 2 (y_hat - y): it scales with y, and so does the right learning rate.",
            Remedy("standardise the targets with the mean and standard deviation of training", ({"labels": "standard"},)),
            where="targets",
            evidence=row,
        )


def degenerate(row: Row) -> bool:
    """Whether the targets are all the same, in every column."""
    return "examples" in row and "low" in row and row["spread"] <= 1e-12 * max(abs(row["low"]), abs(row["high"]))


def misread(row: Row) -> dict[str, str]:
    """The type of targets that the loss takes, where theirs is another kind."""
    if row.get("wanted") == "classes" and row["dims"] == 1:
        return {} if row["dtype"] in ("int64", "uint8") else {"dtype": "int64"}
    return {} if row["dtype"].startswith("float") else {"dtype": "float32"}


class FeaturesShuffled(Rule):
    """Rows of X in another order than those of y."""

    slug, certain = "features-shuffled", True

    def find(self, chart: Chart) -> Finding | None:
        found = {row["split"]: row for row in chart.rows("association")}
        train, val = found.get("train"), found.get("val")
        if train is None or val is None or train["link"] > train["chance"] or train["chance"] > 0.3:
            return None
        if val["link"] < 1.3 * val["chance"] or val["link"] < train["link"] + 0.2:
            return None
        return self.finding(
            "In the training rows an example's neighbours do not predict its target (correlation"
            f" {train['link']:.2f}, within the {train['chance']:.2f} of chance); in the validation rows they do"
            f" ({val['link']:.2f}): X and y of the training rows are not in the same order.",
            "After a permutation of X alone, p(y | x) = p(y): nothing better than a constant can be learned, only memorised.",
            Remedy(
                "permute X and y with the same index; until then, only the validation rows can be learned from",
                ({"train_on": "val"},),
            ),
            where="training rows",
            evidence={"train": train, "val": val},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether what was learned holds on held-out examples."""
        return val_improved(before, after, 0.9, without=False)


class SplitOverlap(Rule):
    """Validation or test rows that are training rows too."""

    slug, certain = "split-overlap", True

    def find(self, chart: Chart) -> Finding | None:
        rows = chart.rows("splits")
        bad = [row for row in rows if row["share"] > 0.03 and row["share"] > 2 * row["own"] and row["shared"] > 2]
        if not bad:
            return None
        row = max(bad, key=lambda row: float(row["share"]))
        return self.finding(
            f"{row['shared']} of the {row['examples']} {row['split']} examples ({100 * row['share']:.0f} %) are training"
            " examples too, number for number.",
            "E[loss on training examples] < E[loss on new ones]: the larger the share, the more the figure measures memory.",
            Remedy(f"drop those rows from {row['split']}", ({"split": "disjoint"},)),
            where=str(row["split"]),
            evidence=row,
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether no row is shared any more."""
        return self.find(after) is None


class ScalerLeak(Rule):
    """A scaler that was fitted on training and held-out rows together."""

    slug, certain = "scaler-leak", True

    def find(self, chart: Chart) -> Finding | None:
        row = chart.one("splits")
        if not row or not row.get("all_off", 1.0) < 2e-4 or row["train_off"] < 20 * row["all_off"]:
            return None
        return self.finding(
            "Training and held-out rows together have mean 0 and standard deviation 1 in every column to"
            f" {row['all_off']:.3g}, the training rows alone only to {row['train_off']:.3g}: the scaler was fitted on all of"
            " them.",
            "x' = (x - m) / s with m and s of all rows: every training input depends on the examples held out to judge it.",
            Remedy("fit the scaler on the training rows, and apply it to the others", ({"scale": "standard"},)),
            where="inputs",
            evidence=row,
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the training rows alone are scaled now."""
        return self.find(after) is None


class SortedRows(Rule):
    """Rows sorted by their targets, and never shuffled."""

    slug, certain = "sorted-rows", True

    def find(self, chart: Chart) -> Finding | None:
        row, settings = chart.one("batches"), chart.one("settings")
        if settings.get("order") != "sequential" or row.get("batches", 0) < 3:
            return None
        if "neighbours" in row:
            if row["neighbours"] < 0.97:
                return None
            words = f"neighbouring targets are correlated by {row['neighbours']:.3f}"
        else:
            if row["run"] < 4 * row["expected_run"] or row["single_share"] < 0.3 or row["single_by_chance"] > 0.2:
                return None
            words = f"{row['single']} of {row['batches']} batches hold one class only (runs of {row['run']:.0f} equal labels)"
        return self.finding(
            f"The rows are sorted by their targets and never shuffled: {words}.",
            "The gradient of a batch estimates that of the whole only if the batch is a random draw; one class at a time pulls"
            " the net to that class and back again.",
            Remedy("shuffle the rows in every epoch", ({"order": "shuffle"},)),
            where="order of the rows",
            evidence=row,
        )
