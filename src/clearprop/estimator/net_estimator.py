"""Base of the estimators: a network that is set up, trained and continued as scikit-learn expects it."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.data.encoder import Encoder
from clearprop.data.table_files import is_frame
from clearprop.errors import OptionError
from clearprop.estimator.inputs import encoded, fit_inputs
from clearprop.estimator.sklearn_callbacks import CallbackSupportMixin, EpochTasks, in_context
from clearprop.export import Model
from clearprop.nn import Loss, Net, mlp
from clearprop.registry import count, require
from clearprop.training import Callback, EarlyStopping, History, fit_many
from clearprop.training.averaging import average
from clearprop.training.loop import begin_run, carry_out, fit
from clearprop.training.settings import RATES, Settings, default_rate
from clearprop.training.setup import make_optimizer, output_activation

STEPS = 5000  # updates that epochs="auto" amounts to
AUTO = "auto"


class NetEstimator(CallbackSupportMixin, BaseEstimator, ABC):
    """Base of `NetClassifier` and `NetRegressor`, which describe the parameters."""

    nets_: list[Net]
    histories_: list[History]
    _parameter_constraints: dict[str, Any] = {}  # noqa: RUF012  # scikit-learn's name; clearprop checks the values itself

    @abstractmethod
    def _encode_y(self, y: Array, weights: Array | None, first: bool) -> Array:
        """The targets as the loss takes them; the first time, what they are is found out."""

    @abstractmethod
    def _make_loss(self) -> tuple[Loss, int]:
        """The loss, and the number of outputs that it needs for these targets."""

    @abstractmethod
    def _model(self, net: Net) -> Model:
        """A net with the meaning of its inputs and outputs."""

    def _weights(self, y: Array, weights: Array | None) -> Array | None:
        """The weights of the training examples, those of their classes included."""
        return weights

    # --- fit

    @in_context
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:
        """Train the network.

        Parameters
        ----------
        X : array (N, n_x) or frame
            A frame of pandas or Polars may hold words, dates and holes.
        y : array (N,) or (N, n_y)
            Targets.
        sample_weight : array (N,), optional
            Weight of each example in the loss, zero or more.
        X_val, y_val, sample_weight_val : optional
            Examples on which early stopping looks, in place of a share of X.

        Returns
        -------
        object
            The estimator itself.
        """
        more = bool(self.warm_start) and "net_" in vars(self)
        seed = self._seed()
        X, y = self._checked(X, y, first=True)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        in_loss = self._weights(y, weights)
        rows, held_out = self._split(y, seed)
        self._begin(taken(X, rows), y[rows], None if weights is None else weights[rows], first=not more)
        train = self._as_split(taken(X, rows), y[rows], None if in_loss is None else in_loss[rows])
        val = None
        if X_val is not None:
            val = self._given(X_val, y_val, sample_weight_val)
        elif held_out is not None:
            w = None if in_loss is None or not in_loss[held_out].any() else in_loss[held_out]
            val = self._as_split(taken(X, held_out), y[held_out], w)
        settings = self._settings(len(train), seed)
        nets = self.nets_ if more else self._nets(train.X.shape[1], seed)
        self._train(nets, train, val, settings, {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}})
        return self

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any) -> Any:
        """Go on for one epoch; the first call finds out how inputs and targets are encoded."""
        first = "net_" not in vars(self)
        X, y = self._checked(X, y, first)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        if first:
            self._begin(X, y, weights, first)
        train = self._as_split(X, y, self._weights(y, weights))
        # The order of each call is drawn from a seed of its own, so that batches are not always made up alike.
        seed = self._seed() + (0 if first else len(self.histories_[0]))
        settings = replace(self._settings(len(train), seed), schedule="constant")
        settings = replace(settings, fit=replace(settings.fit, epochs=1))
        if first:
            self.nets_ = self._nets(train.X.shape[1], seed)
            self.histories_ = [History() for _ in self.nets_]
            self._states: list[tuple[dict[str, Array], int]] = [({}, 0) for _ in self.nets_]
        for k, net in enumerate(self.nets_):
            run = begin_run(
                net, train, loss=self.loss_, optimizer=make_optimizer(settings, 1), engine=self.engine,
                callbacks=copy.deepcopy(self._own_callbacks()), **settings.fit.keywords(),
            )  # fmt: skip
            run.optimizer.state, run.optimizer.t = self._states[k]
            carry_out(run)
            self._states[k] = run.optimizer.state, run.optimizer.t
            done = len(self.histories_[k])
            self.histories_[k].rows.extend({**row, "epoch": done + row["epoch"]} for row in run.history.rows)
        self._keep(self.nets_, self.histories_)
        return self

    # --- its parts

    def _seed(self) -> int:
        """Seed of first parameters, orders and splits."""
        given = self.random_state
        if isinstance(given, (int, np.integer)):
            return count("random_state", given, 0)
        return int(check_random_state(given).randint(2**31 - 1))

    def _checked(self, X: Any, y: Any, first: bool) -> tuple[Any, Array]:
        """X and y, checked by scikit-learn; a frame stays one, for the encoder."""
        if is_frame(X):
            validate_data(self, X, y, reset=first, skip_check_array=True)
            if y is None:
                raise OptionError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
            y = self._checked_y(y)
            if len(y) != len(X):
                raise OptionError(f"X has {len(X)} rows, but y has {len(y)}; each example needs one target.")
            return X, y
        X, y = validate_data(
            self, X, y, reset=first, dtype=[np.float64, np.float32], multi_output=True, y_numeric=False, order="C"
        )
        return X, self._checked_y(y)

    @abstractmethod
    def _checked_y(self, y: Any) -> Array:
        """The targets, checked by scikit-learn: (N,) or (N, n_y)."""

    def _begin(self, X: Any, y: Array, weights: Array | None, first: bool) -> None:
        """Find out how inputs and targets are encoded, from the training examples alone."""
        if first:
            self.notes_: list[str] = []
            self.encoder_: Encoder = fit_inputs(X, self.scale, weights, self.notes_)
            self._encode_y(y, weights, True)

    def _split(self, y: Array, seed: int) -> tuple[Array, Array | None]:
        """Row numbers of the examples to learn from, and of those held out."""
        rows = np.arange(len(y))
        if not self.early_stopping:
            return rows, None
        share = self.validation_fraction
        require(0 < share < 1, "validation_fraction", share, "a share between 0 and 1")
        if len(y) < 2:
            raise OptionError(
                f"early_stopping holds out examples, but n_samples = {len(y)}; give more, or early_stopping=False."
            )
        from sklearn.model_selection import train_test_split

        n_held_out = max(1, round(self.validation_fraction * len(y)))
        train, held_out = train_test_split(
            rows, test_size=n_held_out, random_state=seed % 2**32, stratify=self._strata(y, n_held_out)
        )
        return np.sort(train), np.sort(held_out)

    def _strata(self, y: Array, n_held_out: int) -> Array | None:
        """Classes whose shares a split keeps; None for targets without any, or with too few examples."""
        return None

    def _given(self, X: Any, y: Any, sample_weight: Any) -> Split:
        """Examples that were given for early stopping."""
        X, y = self._checked(X, y, first=False)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        return self._as_split(X, y, self._weights(y, weights))

    def _as_split(self, X: Any, y: Array, weights: Array | None) -> Split:
        """Examples as the network and the loss take them."""
        return Split(encoded(X, self.encoder_, self.dtype), self._encode_y(y, weights, False), weights)

    def _settings(self, n: int, seed: int) -> Settings:
        """The parameters as settings of a run on n examples."""
        size = self.batch_size
        if size == AUTO:
            size = min(128, max(32, 2 ** round(np.log2(max(n, 2) / 50))))
        epochs = self.epochs
        if epochs == AUTO:
            epochs = min(100, max(10, round(STEPS * min(n, size or n) / n)))
        name = self.optimizer
        lr = default_rate(name, 0.0, False) if self.lr == AUTO and name in RATES else 0.01 if self.lr == AUTO else self.lr
        hidden, activation = (
            tuple(given) if isinstance(given, (list, tuple, np.ndarray)) else (given,)
            for given in (self.hidden, self.activation)
        )
        return Settings.of(
            hidden=hidden, activation=activation, init=self.init, dropout=self.dropout, dtype=self.dtype, optimizer=name, lr=lr,
            weight_decay=self.weight_decay, schedule=self.schedule, engine=self.engine,
            batch_size=size, epochs=epochs, seed=seed,
        )  # fmt: skip

    def _nets(self, n_in: int, seed: int) -> list[Net]:
        """New networks, each with first parameters of its own."""
        self.loss_, n_out = self._make_loss()
        settings = self._settings(2, seed)
        names = settings.activation
        return [
            mlp(
                [n_in, *settings.hidden, n_out], hidden=names[0] if len(names) == 1 else names, dropout=settings.dropout,
                output=output_activation(self.loss_), init=settings.init, seed=seed + k, dtype=settings.dtype,
            )
            for k in range(count("ensemble", self.ensemble))
        ]  # fmt: skip

    def _train(self, nets: list[Net], train: Split, val: Split | None, settings: Settings, given: dict[str, Any]) -> None:
        """Train one network, or several in one call, and keep them."""
        epochs, context = settings.fit.epochs, None
        if vars(self).get("_skl_callbacks"):
            context = self._init_callback_context(max_subtasks=epochs if len(nets) == 1 else 0)
            context.call_on_fit_task_begin(estimator=self, **given)
        optimizers = [make_optimizer(settings, epochs * settings.fit.steps(len(train))) for _ in nets]
        arguments = {
            "loss": self.loss_,
            "optimizer": optimizers[0],
            "engine": settings.engine,
            "validation": val,
            "callbacks": [*self._own_callbacks(), *([EarlyStopping(self._patience(epochs))] if val is not None else [])],
            **settings.fit.keywords(),
        }
        if len(nets) == 1:
            if context is not None:
                arguments["callbacks"].append(EpochTasks(self, context, given, self._as_fitted))
            histories = [fit(nets[0], train, **arguments)]
        else:
            arguments["optimizer"] = optimizers
            arguments["callbacks"] = [copy.deepcopy(arguments["callbacks"]) for _ in nets]
            arguments["seed"] = [settings.seed + k for k in range(len(nets))]
            histories = fit_many(nets, train, **arguments)
        self._states = [(optimizer.state, optimizer.t) for optimizer in optimizers]
        self._keep(nets, histories)
        if context is not None:
            context.call_on_fit_task_end(estimator=self, **given)

    def _patience(self, epochs: int) -> int:
        """Epochs without improvement after which training stops: long enough for a one-cycle rate to come down."""
        return max(10, -(-3 * epochs // 10)) if self.patience == AUTO else self.patience

    def _own_callbacks(self) -> list[Callback]:
        """The callbacks of clearprop that were given."""
        given: Callback | Sequence[Callback] | None = self.callbacks
        return [] if given is None else [given] if isinstance(given, Callback) else list(given)

    def _keep(self, nets: list[Net], histories: list[History]) -> None:
        """Set the attributes of a fitted estimator."""
        self.nets_, self.histories_ = nets, histories
        self.history_ = histories[0]
        self.loss_curve_ = self.history_["train_loss"] if len(self.history_) else []
        self.n_iter_ = len(self.history_)
        for name, value in self._as_fitted(nets[0] if len(nets) == 1 else average(nets)).items():
            setattr(self, name, value)

    def _as_fitted(self, net: Net) -> dict[str, Any]:
        """The attributes on which predictions depend.

        They are computed in float64: in float32, the last digits would depend on which rows are predicted together.
        """
        return {"net_": net, "model_": self._model(net), "_exact_net": net.astype("float64")}

    def _outputs(self, X: Any) -> Array:
        """Outputs of the network for new rows."""
        check_is_fitted(self, "net_")
        if is_frame(X):
            validate_data(self, X, reset=False, skip_check_array=True)
        else:
            X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32], order="C")
        return self._exact_net.outputs(encoded(X, self.encoder_, "float64"))

    def __sklearn_is_fitted__(self) -> bool:
        return "net_" in vars(self)


def taken(X: Any, rows: Array) -> Any:
    """Some rows of an array or of a frame."""
    if len(rows) == len(X):
        return X
    from sklearn.utils import _safe_indexing

    return _safe_indexing(X, rows)
