"""Rules about the steps: how long they are, how many there are, and where they lead."""

from __future__ import annotations

import math

import numpy as np

from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy, counted
from clearprop.doctor.rules.rule import Rule, area, born_in_loss, dead_rows, edges, improved, moment_words, stuck, val_improved


class SummedGradient(Rule):
    """A gradient that is summed over the batch, under a learning rate meant for a mean."""

    slug = "summed-gradient"

    def find(self, chart: Chart) -> Finding | None:
        settings = chart.one("settings")
        if settings.get("reduction") != "sum" or settings["batch_size"] < 4:
            return None
        wild = bool(chart.rows("nonfinite")) and not born_in_loss(chart)
        if not (wild or stuck(chart)):
            return None
        size, lr = settings["batch_size"], settings["lr"]
        told = ""
        for row in dead_rows(chart)[:1]:
            onset = next(r for r in chart.rows("activations", layer=row["layer"]) if r["dead"] >= row["dead"])
            some = "all" if onset["dead"] == onset["units"] else f"{onset['dead']} of"
            told = f"; {some} {onset['units']} ReLUs of layer {row['layer']} are dead after {moment_words(onset)}"
        return self.finding(
            f"The gradient is summed over batches of {size}, which makes the learning rate {size} x {lr:.6g} ="
            f" {size * lr:.6g}{told}.",
            "sum_b g_b = B mean_b g_b: a rate chosen for one example is B times as large for a batch.",
            Remedy("average the gradient over the batch", ({"loss": {"reduction": "mean"}},)),
            where="loss",
            evidence={"batch_size": size, "lr": lr, "effective": size * lr},
        )


class NonFiniteLoss(Rule):
    """A loss that becomes NaN or infinite."""

    slug, certain = "nonfinite-loss", True

    def find(self, chart: Chart) -> Finding | None:
        row = chart.one("nonfinite")
        if not row:
            return None
        at, place = moment_words(row), str(row["place"])
        text, when = f"The loss is not finite in {at}; the first such number is {place}.", ""
        why = "exp, a product or a square overflows."
        remedy = Remedy("take smaller steps, or clip the gradient", ({"rate": 0.1}, {"optimizer": {"clip_norm": 1.0}}))
        if born_in_loss(chart):
            raw = chart.one("settings").get("raw", False)
            when = "raw formula" if raw else "finite predictions"
            if raw:
                low, high = edges(place)
                text = f"The loss is not finite in {at}: the sigmoid's output reached {high if high == '1' else low}, and the"
                text += f" raw formula takes its logarithm (predictions between {low} and {high})."
            why = "At y_hat = 1, log(1 - y_hat) is -inf (0 x inf = NaN where y = 1); (y_hat - y) / (y_hat - y_hat^2) is 0 / 0."
            remedy = Remedy(
                "compute the loss from the logits (BinaryCrossEntropyWithLogits), or keep y_hat away from 0 and 1 (raw=False)",
                ({"loss": {"raw": False}}, {"output": "suited"}) if raw else ({"output": "suited"}, {"rate": 0.1}),
            )
        return self.finding(text, why, remedy, when=when, where=place, since=at, evidence=dict(row))


class Diverging(Rule):
    """Steps so long that the loss grows, or that the weights end where nothing is learned."""

    slug = "diverging"

    def find(self, chart: Chart) -> Finding | None:
        scores = chart.column("scores", "train")
        settings = chart.one("settings")
        if not scores:
            return None
        blown = bool(chart.rows("nonfinite")) and not born_in_loss(chart)
        late = [score for score in scores[1:] if np.isfinite(score)][-max(4, len(scores) // 3) :]
        lost = stuck(chart) and bool(late) and float(np.median(late)) > 0.93 * chart.base  # and not just in its last epoch
        far = self.thrown(chart)
        if not (blown or (lost and (chart.final > 1.15 * max(scores[0], chart.base) or far > 1.5))):
            return None
        worst = max((s for s in scores if np.isfinite(s)), default=math.nan)
        further = (1e-3, 1e-4) if blown and len(scores) < 3 else (0.3,)  # a loss that blows up at once needs more than a tenth
        return self.finding(
            f"The learning rate {settings['lr']:.6g} is too high: {self.course(chart, scores, worst, far, blown)}.",
            "A step along the gradient lowers the loss only while lr < 2 / curvature; beyond that every step overshoots by more"
            " than the last.",
            Remedy("lower the learning rate", ({"rate": 0.1}, {"rate": 0.01}, *({"rate": f} for f in further))),
            where="learning rate",
            since="the first epoch",
            evidence={"lr": settings["lr"], "first": scores[0], "worst": worst, "moved": far},
        )

    @staticmethod
    def course(chart: Chart, scores: list[float], worst: float, far: float, blown: bool) -> str:
        """How the loss went, in words: only what was measured."""
        row = chart.one("nonfinite")
        if blown and len(scores) == 1:  # not even the first epoch was over
            steps = [r["loss"] for r in chart.rows("steps", epoch=1) if np.isfinite(r["loss"])]
            on_way = f" and is up to {max(steps):.3g} on the way" if steps and max(steps) > scores[0] else ""
            return f"the loss starts at {scores[0]:.3g}{on_way}, and stops being finite in {moment_words(row)}"
        moved = f"; in the first epoch the weights move by {far:.3g} times their own size" if far else ""
        if blown:
            return f"the loss starts at {scores[0]:.3g}, goes up to {worst:.3g} and stops being finite{moved}"
        lasting = f"ends at {chart.final:.3g}, no better than the best constant's {chart.base:.3g}"
        return f"the loss starts at {scores[0]:.3g}, goes up to {worst:.3g} and {lasting}{moved}"

    @staticmethod
    def thrown(chart: Chart) -> float:
        """Largest movement of a weight matrix in the first epoch, beside its own size."""
        size = {row["layer"]: row["spread"] for row in chart.rows("structure") if row.get("spread")}
        rows = [row for row in chart.rows("movement", epoch=1, parameter="W") if size.get(row["layer"])]
        return max((row["change"] / size[row["layer"]] for row in rows), default=0.0)

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether it learns now."""
        return improved(before, after, 0.8)


class Oscillating(Rule):
    """A loss that jumps around a level from which smaller steps would bring it down."""

    slug = "oscillating"

    def find(self, chart: Chart) -> Finding | None:
        # At the ends of the epochs, and as means over their steps, where jumps within an epoch show too.
        found = [swings(chart.column("scores", "train")[1:]), swings(chart.column("losses", "train_loss"))]
        wild = [s for s in found if s is not None and s[0] >= 0.2 and s[1] >= 0.08 and s[2] >= 0.06 * chart.base]
        if not wild:
            return None
        rises, swing, level = max(wild, key=lambda s: s[1] * s[2])
        lr = chart.one("settings")["lr"]
        return self.finding(
            f"The learning rate {lr:.6g} is too high: the loss jumps by {100 * swing:.0f} % from epoch to epoch, up in"
            f" {100 * rises:.0f} % of them, around {level:.3g}.",
            "Along a direction of curvature h, a step multiplies the distance to the minimum by 1 - lr h: between 1 / h"
            " and 2 / h it changes sides, and noise of size lr never dies down.",
            Remedy("lower the learning rate, or let it decay", ({"rate": 0.1}, {"rate": 0.3}, {"rate": 0.03})),
            where="learning rate",
            evidence={"lr": lr, "rises": rises, "swing": swing, "level": level},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether it ends clearly lower, or is far lower on the way and no higher in the end."""
        calmer = area(after) < 0.3 * area(before) and after.final < 1.05 * before.final
        late = float(np.mean(before.column("scores", "train")[-4:]))
        return calmer or (improved(before, after, 0.6) and after.final < 0.6 * late)


def swings(curve: list[float]) -> tuple[float, float, float] | None:
    """Of the last two thirds of a curve: the share of rises, the mean jump as a share of the level, and the level."""
    values = np.array([value for value in curve if np.isfinite(value)])
    values = values[len(values) // 3 :]
    if len(values) < 4:
        return None
    jumps, level = np.diff(values), float(values.mean())
    return float((jumps > 0).mean()), float(np.abs(jumps).mean()) / max(level, 1e-30), level


class RateTooLow(Rule):
    """Steps that hardly move the weights."""

    slug = "rate-too-low"

    def find(self, chart: Chart) -> Finding | None:
        scores = chart.column("scores", "train")
        per_step = step_ratio(chart)
        if len(scores) < 2 or chart.final < 0.3 * chart.base or per_step is None or per_step > 1e-3:
            return None
        settings = chart.one("settings")
        return self.finding(
            f"The learning rate {settings['lr']:.6g} is too low: a step moves the weights by {100 * per_step:.2g} % of their"
            f" size, and {settings['steps']} steps bring the loss from {scores[0]:.3g} to {scores[-1]:.3g}.",
            "theta_t - theta_0 = - sum of lr g: where lr |g| / |theta| is 1e-4, it takes ten thousand steps to change much.",
            Remedy("raise the learning rate", tuple({"rate": factor} for factor in self.factors(per_step))),
            where="learning rate",
            evidence={"lr": settings["lr"], "per_step": per_step},
        )

    @staticmethod
    def factors(per_step: float) -> list[float]:
        """Factors of the rate that are tried: ten to a thousand, or more where a step is far below 0.1 % of the weights."""
        usual = [10.0, 100.0, 1000.0]
        far = 10.0 ** round(math.log10(3e-3 / per_step)) if per_step > 0 else 1.0
        return usual if far <= 1000 else [1000.0, *(far * k for k in (0.1, 1.0, 10.0) if far * k > 1000)]

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether it learns in the same time now."""
        return improved(before, after, 0.6)


class TooFewEpochs(Rule):
    """A loss that still falls fast when training ends."""

    slug = "too-few-epochs"

    def find(self, chart: Chart) -> Finding | None:
        scores, settings = chart.column("scores", "train"), chart.one("settings")
        if len(scores) < 2 or not np.isfinite(chart.final) or not chart.final >= 0.45 * chart.base:
            return None
        late = max(len(scores) // 5, 1)  # an epoch may be a single step
        fall = (scores[-1 - late] - scores[-1]) / max(scores[-1 - late], 1e-30)
        per_step = step_ratio(chart)
        if settings["steps"] > 250 or fall < 0.01 or per_step is None or per_step < 1e-4 or settings.get("default_epochs"):
            return None
        n = settings["epochs"]
        return self.finding(
            f"Training ends too soon: after {counted(n, 'epoch')} ({settings['steps']} steps) the loss is {scores[-1]:.3g}, and"
            f" it fell by {100 * fall:.0f} % in the last {'epoch' if late == 1 else counted(late, 'epoch')}.",
            "Each step of gradient descent closes a fixed share of the distance: what counts is the number of steps,"
            " epochs x N / B.",
            Remedy("train longer", tuple({"epochs": k * n} for k in self.factors(settings["steps"]))),
            where="epochs",
            since=f"epoch {n}",
            evidence={"epochs": n, "steps": settings["steps"], "fall": fall},
        )

    @staticmethod
    def factors(steps: int) -> tuple[int, ...]:
        """Factors of the epochs that are tried; a handful of examples makes so few steps that more of them are tried too."""
        return (4, 12, 48) if steps <= 60 else (4, 12)

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the longer run ends clearly lower, on held-out examples too."""
        return improved(before, after, 0.6) and after.final < 0.6 * before.final and val_improved(before, after, 0.9)


def step_ratio(chart: Chart) -> float | None:
    """Movement of the fastest weight matrix in a step of the first epoch, as a share of its size."""
    rows = [row for row in chart.rows("movement", epoch=1, parameter="W") if row["size"] > 0]
    settings = chart.one("settings")
    if not rows or not settings:
        return None
    steps = max(settings["steps"] / settings["epochs"], 1)
    return float(max(row["change"] / row["size"] for row in rows) / steps)
