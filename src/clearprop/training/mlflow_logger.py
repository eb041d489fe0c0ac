"""MLflow: the settings of a run and the figures of each epoch, by MLflow's own client."""

from __future__ import annotations

from typing import Any

from clearprop.errors import MissingExtraError
from clearprop.training.run import Callback, Run


class MLflowLogger(Callback):
    """Logs settings and figures to the active run of MLflow, or to a new one.

    Where they go is MLflow's own affair: `mlflow.set_tracking_uri`, `mlflow.set_experiment`, or its environment variables.

    Parameters
    ----------
    run_name : str, optional
        Name of a new run.

    Raises
    ------
    MissingExtraError
        When training begins, if mlflow is not installed.
    """

    def __init__(self, run_name: str | None = None) -> None:
        self.run_name = run_name
        self.mlflow: Any = None
        self.own = False

    def on_fit_start(self, run: Run) -> None:
        """Log the net and everything that decides how it is trained."""
        try:
            import mlflow
        except ImportError:
            raise MissingExtraError(
                "MLflowLogger needs mlflow, which is not installed: pip install 'clearprop[mlflow]'."
            ) from None
        self.mlflow, self.own = mlflow, mlflow.active_run() is None
        if self.own:
            mlflow.start_run(run_name=self.run_name)
        parts = {"net": run.net, "loss": run.loss, "optimizer": run.optimizer, "engine": run.engine}
        settings = {name: str(value)[:500] for name, value in {**parts, **run.settings.keywords()}.items()}
        mlflow.log_params({**settings, "parameters": run.net.theta.size, "examples": len(run.train)})

    def on_epoch_end(self, run: Run) -> None:
        """Log the figures of the epoch."""
        row = run.history[-1]
        self.mlflow.log_metrics({name: value for name, value in row.items() if name != "epoch"}, step=row["epoch"])

    def on_fit_end(self, run: Run) -> None:
        """End the run, if it was begun here."""
        if self.own:
            self.mlflow.end_run()
