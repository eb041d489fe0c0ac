"""A network that predicts numbers, with scikit-learn's interface."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_array, column_or_1d

from clearprop.arrays import Array, Dtype
from clearprop.data.scaling import Scale, Scaling
from clearprop.errors import OptionError
from clearprop.estimator.inputs import weighted_scaling
from clearprop.estimator.net_estimator import NetEstimator
from clearprop.estimator.sklearn_callbacks import in_context
from clearprop.export import Model
from clearprop.nn import LOSSES, Loss, Net
from clearprop.training import Callback


class NetRegressor(RegressorMixin, NetEstimator):
    """A network for one number or for several, trained by clearprop's compiled engine.

    Parameters
    ----------
    hidden, activation, optimizer, schedule, lr, batch_size, epochs, weight_decay, dropout, init, early_stopping, \
    validation_fraction, patience, ensemble, warm_start, callbacks, engine, dtype, random_state
        As for `NetClassifier`.
    loss : str, Loss or None
        None is the mean squared error.
    scale : {"standard", "unit", "none"}
        Scaling of the inputs; the targets are standardised too, unless it is "none".

    Attributes
    ----------
    net_, nets_, histories_, model_, history_, loss_curve_, n_iter_, notes_
        As of `NetClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(200, 5, noise=1.0, random_state=0)
    >>> regressor = NetRegressor(random_state=0).fit(X, y)
    >>> bool(regressor.score(X, y) > 0.99)
    True
    """

    def __init__(
        self,
        hidden: tuple[int, ...] = (64,),
        activation: str | tuple[str, ...] = "relu",
        *,
        loss: str | Loss | None = None,
        optimizer: str = "adam",
        schedule: str = "one_cycle",
        lr: float | str = "auto",
        batch_size: int | str | None = "auto",
        epochs: int | str = "auto",
        weight_decay: float = 0.0,
        dropout: float = 0.0,
        init: str | None = None,
        scale: Scale = "standard",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int | str = "auto",
        ensemble: int = 1,
        warm_start: bool = False,
        callbacks: Callback | list[Callback] | None = None,
        engine: str | None = None,
        dtype: Dtype = "float32",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.loss = loss
        self.optimizer = optimizer
        self.schedule = schedule
        self.lr = lr
        self.batch_size = batch_size
        self.epochs = epochs
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.init = init
        self.scale = scale
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.ensemble = ensemble
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.engine = engine
        self.dtype = dtype
        self.random_state = random_state

    @in_context
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> NetRegressor:
        """Go on training for one epoch on these examples, at a constant learning rate, with the optimizer's state kept.

        The first call fixes the encoding of inputs and targets.

        Parameters
        ----------
        X : array (N, n_x) or frame
        y : array (N,) or (N, n_y)
        sample_weight : array (N,), optional

        Returns
        -------
        NetRegressor
            The estimator itself.
        """
        self._partial_fit(X, y, sample_weight)
        return self

    def predict(self, X: Any) -> Array:
        """Predicted numbers, in the units of y: (N,), or (N, n_y) where y had several columns."""
        y_hat = self._outputs(X)
        found = self.target_scaling_.undo(y_hat)
        return found if self.several_ else found[:, 0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags

    # --- its parts

    def _checked_y(self, y: Any) -> Array:
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        return column_or_1d(y, warn=True) if y.ndim == 1 or y.shape[1] == 1 else y

    def _encode_y(self, y: Array, weights: Array | None, first: bool) -> Array:
        columns = y.reshape(len(y), -1)
        if first:
            self.several_ = y.ndim == 2
            self.target_scaling_ = Scaling() if self.scale == "none" else weighted_scaling("standard", columns, weights)
            self.n_outputs_ = columns.shape[1]
        if columns.shape[1] != self.n_outputs_:
            raise OptionError(f"y has {columns.shape[1]} columns, but the estimator was fitted with {self.n_outputs_}.")
        return self.target_scaling_.apply(columns, np.dtype(self.dtype))

    def _make_loss(self) -> tuple[Loss, int]:
        loss = LOSSES.make("mean_squared_error" if self.loss is None else self.loss)
        of_one, of_two = (loss.probabilities(np.full((1, n), 0.5)) for n in (1, 2))
        if of_one is not None or of_two is not None:
            raise OptionError(f"{loss!r} is a loss for classes, but the regressor learns numbers; use mean_squared_error.")
        return loss, self.n_outputs_

    def _model(self, net: Net) -> Model:
        base = self.encoder_.targets[0]
        names = (base,) if self.n_outputs_ == 1 else tuple(f"{base}{i + 1}" for i in range(self.n_outputs_))
        encoder = replace(self.encoder_, targets=names, target_scaling=self.target_scaling_)
        return Model(net, self.loss_, type(self).__name__, "regression", (), encoder.features, names, encoder)
