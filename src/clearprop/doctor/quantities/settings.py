"""Settings: what the run was configured with."""

from __future__ import annotations

from clearprop.doctor.problem import Problem
from clearprop.doctor.quantities.quantity import OfProblem
from clearprop.nn import Dropout, ElementwiseLoss
from clearprop.training.history import Row


class SettingsOfRun(OfProblem):
    """One row: loss, optimizer, rates, batches, epochs."""

    name = "settings"

    def measure(self, problem: Problem) -> list[Row]:
        optimizer, loss = problem.optimizer, problem.loss
        config = loss.config()
        return [
            {
                "loss": config["type"],
                "reduction": config.get("reduction", "mean"),
                "raw": bool(config.get("raw", False)),
                "broadcast": isinstance(loss, ElementwiseLoss) and loss.broadcast,
                "optimizer": type(optimizer).__name__,
                "lr": max(optimizer.rate(t) for t in (0, self.steps(problem) // 3, self.steps(problem) // 10)),
                "momentum": float(optimizer.config().get("momentum", 0.0)),
                "weight_decay": optimizer.weight_decay,
                "clip_norm": optimizer.clip_norm,
                "dropout": max((layer.rate for layer in problem.net.layers if isinstance(layer, Dropout)), default=0.0),
                "batch_size": problem.size,
                "examples": len(problem.train),
                "epochs": problem.epochs,
                "steps": self.steps(problem),
                "order": problem.order,
                "metric": problem.metric,
                "patience": problem.patience,
                "classes": problem.classes,
                "dtype": problem.net.dtype.name,
            }
        ]

    @staticmethod
    def steps(problem: Problem) -> int:
        """Updates in the whole run."""
        return problem.epochs * max(1, -(-len(problem.train) // problem.size))
