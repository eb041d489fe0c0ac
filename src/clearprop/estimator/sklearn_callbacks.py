"""The callbacks of scikit-learn (1.9 and later), told of every epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sklearn.base import _fit_context

from clearprop.training import Callback, Run

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # before 1.9 there are none

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands for the mixin where scikit-learn has no callbacks."""

        def _init_callback_context(self, **task: Any) -> None:
            """No context: nobody can have set a callback."""
            return


__all__ = ["CallbackSupportMixin", "EpochTasks", "in_context"]
F = TypeVar("F", bound=Callable[..., Any])


def in_context(method: F) -> F:
    """A `fit` or `partial_fit` within scikit-learn's context, which tears the callbacks down at the end."""
    wrapped: F = _fit_context(prefer_skip_nested_validation=True)(method)
    return wrapped


class EpochTasks(Callback):
    """Tells scikit-learn's callbacks of each epoch, and ends training when one of them asks for it.

    Parameters
    ----------
    estimator : NetClassifier or NetRegressor
        The estimator that is trained.
    context : sklearn.callback.CallbackContext
        That of the whole `fit`.
    given : dict
        X, y and metadata, as scikit-learn's hooks take them.
    fitted : callable
        (net) -> the attributes that make the estimator predict with the parameters of this epoch.
    """

    def __init__(self, estimator: Any, context: Any, given: dict[str, Any], fitted: Callable[[Any], dict[str, Any]]) -> None:
        self.estimator, self.context, self.given, self.fitted = estimator, context, given, fitted
        self.task: Any = None

    def on_fit_start(self, run: Run) -> None:
        """Begin the task of the first epoch."""
        self.begin(run)

    def on_epoch_end(self, run: Run) -> None:
        """End the task of this epoch, and begin the next."""
        if self.task.call_on_fit_task_end(**self.arguments(run)):
            run.stop("a callback of scikit-learn asked for it")
        self.task = None
        if not run.finished:
            self.begin(run)

    def on_fit_end(self, run: Run) -> None:
        """End the task of an epoch that was not finished."""
        if self.task is not None:
            self.task.call_on_fit_task_end(estimator=self.estimator)

    def begin(self, run: Run) -> None:
        """Begin the task of an epoch."""
        self.task = self.context.subcontext(task_name="epoch")
        self.task.call_on_fit_task_begin(**self.arguments(run))

    def arguments(self, run: Run) -> dict[str, Any]:
        """The arguments of a hook; the copy of the net is made only for a callback that wants to predict."""
        return {"estimator": self.estimator, **self.given, "reconstruction_attributes": lambda: self.fitted(run.net.copy())}
