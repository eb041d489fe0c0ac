"""A network that predicts classes, with scikit-learn's interface."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_array, column_or_1d

from clearprop.arrays import Array, Dtype
from clearprop.data.scaling import Scale
from clearprop.errors import OptionError
from clearprop.estimator.net_estimator import NetEstimator
from clearprop.estimator.sklearn_callbacks import in_context
from clearprop.export import Model
from clearprop.nn import LOSSES, BinaryCrossEntropy, BinaryCrossEntropyWithLogits, Loss, Net
from clearprop.nn.registries import NUMBER_LOSSES
from clearprop.training import Callback

SEVERAL = "multilabel-indicator"
BINARY = (BinaryCrossEntropy, BinaryCrossEntropyWithLogits)


class NetClassifier(ClassifierMixin, NetEstimator):
    """A network for one class out of several, or for several labels at once, trained by clearprop's compiled engine.

    Parameters
    ----------
    hidden : tuple of int
        Units of each hidden layer.
    activation : str or tuple of str
        One for all hidden layers, or one for each.
    loss : str, Loss or None
        None is cross-entropy; for several labels at once, binary cross-entropy of each.
    optimizer, schedule : str
        Names in clearprop's registries; the schedule is laid out for the whole run.
    lr : float or "auto"
        Learning rate, or the highest one of the schedule; "auto" is one that goes well with the optimizer.
    batch_size : int, None or "auto"
        Examples per step; None for all at once; "auto" is about N / 50, from 32 to 128.
    epochs : int or "auto"
        Passes over the data; "auto" is as many as make 5,000 steps, from 10 to 100.
    weight_decay, dropout : float
    init : str or None
        Initialiser; None is the one that suits the activation.
    scale : {"standard", "unit", "none"}
        Scaling of the inputs, with figures of the training examples (and their weights).
    class_weight : dict, "balanced" or None
        Weight of each class in the loss.
    early_stopping : bool
        Whether to hold out `validation_fraction` of the examples, stop when the loss on them has not improved for `patience`
        epochs, and keep the best parameters. Examples given to `fit` as X_val and y_val are used in any case.
    validation_fraction : float
    patience : int or "auto"
    ensemble : int
        Number of networks, which are trained in one call and averaged.
    warm_start : bool
        Whether `fit` goes on from the parameters that there are.
    callbacks : Callback or sequence of Callback, optional
        Callbacks of clearprop; those of scikit-learn are set by `set_callbacks`.
    engine : str or None
        None is the compiled engine, where it can train the network.
    dtype : {"float32", "float64"}
    random_state : int, RandomState or None
        Seed for first parameters, the order of the examples, and the examples held out.

    Attributes
    ----------
    classes_ : array
        Labels, in the order of the columns of `predict_proba`.
    net_ : Net
        The network; of an ensemble, the average as one network.
    nets_, histories_ : list
        All networks, and their histories.
    model_ : Model
        The network with its encoder, to be saved or exported.
    history_ : History
    loss_curve_ : list of float
        Training loss of each epoch.
    n_iter_ : int
        Epochs done.
    notes_ : list of str
        Findings and assumptions about the columns of a table, a sentence each.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = NetClassifier(random_state=0).fit(X, y)
    >>> bool(classifier.score(X, y) > 0.95)
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
        class_weight: dict[Any, float] | str | None = None,
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
        self.class_weight = class_weight
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
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> NetClassifier:
        """Go on training for one epoch on these examples, at a constant learning rate, with the optimizer's state kept.

        Parameters
        ----------
        X : array (N, n_x) or frame
        y : array (N,) or (N, n_y)
        classes : array, optional
            All classes; needed in the first call, unless y holds all of them.
        sample_weight : array (N,), optional

        Returns
        -------
        NetClassifier
            The estimator itself.
        """
        if self.class_weight == "balanced":
            raise OptionError(
                "partial_fit does not see all examples, so class_weight='balanced' is unknown; give a dictionary."
            )
        if "net_" not in vars(self):
            self._announced = None if classes is None else np.unique(classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise OptionError(
                f"classes={classes!r} is not the same as on last call to partial_fit, was: {self.classes_!r}; omit classes."
            )
        self._partial_fit(X, y, sample_weight)
        self._announced = None
        return self

    def predict(self, X: Any) -> Array:
        """The likeliest class of each row (N,); for several labels, 0 or 1 for each (N, n_labels)."""
        p = self.predict_proba(X)
        if self.several_:
            return (p > 0.5).astype(np.int64)
        return self.classes_[p.argmax(axis=1)]

    def predict_proba(self, X: Any) -> Array:
        """Probability of each class (N, n_classes); for several labels, of each label (N, n_labels)."""
        outputs = self._outputs(X)
        if self.several_:
            return outputs if isinstance(self.loss_, BinaryCrossEntropy) else 0.5 * (1 + np.tanh(0.5 * outputs))
        p = self.loss_.probabilities(outputs)
        assert p is not None
        return p

    def predict_log_proba(self, X: Any) -> Array:
        """Logarithms of the probabilities."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    # --- its parts

    def _checked_y(self, y: Any) -> Array:
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind == SEVERAL:
            return check_array(y, accept_sparse=False, dtype=None, input_name="y")
        if kind.endswith("-multioutput"):
            raise OptionError(
                f"y is {kind}: several columns of classes; give columns of 0 and 1, or wrap the estimator in"
                " sklearn.multioutput.MultiOutputClassifier."
            )
        return column_or_1d(y, warn=True)

    def _encode_y(self, y: Array, weights: Array | None, first: bool) -> Array:
        if first:
            announced = vars(self).get("_announced")
            self.several_ = y.ndim == 2
            self.classes_ = np.arange(y.shape[1]) if self.several_ else np.unique(y) if announced is None else announced
            if len(self.classes_) < 2 and not self.several_:
                raise OptionError(f"y holds the one class {self.classes_[0]!r}; a classifier needs at least two classes.")
        if self.several_ != (y.ndim == 2) or (self.several_ and y.shape[1] != len(self.classes_)):
            raise OptionError(f"y has the shape {y.shape}, but the estimator was fitted with {len(self.classes_)} classes.")
        if self.several_:
            return y.astype(self.dtype)
        numbers = np.searchsorted(self.classes_, y).clip(0, len(self.classes_) - 1)
        strange = self.classes_[numbers] != y
        if strange.any():
            raise OptionError(f"y holds the class {y[strange][0]!r}, which is not among the known ones: {self.classes_!r}.")
        one = len(self.classes_) == 2 and isinstance(self._loss_object(), BINARY)
        return numbers[:, np.newaxis].astype(self.dtype) if one else numbers

    def _loss_object(self) -> Loss:
        default = "binary_cross_entropy_with_logits" if self.several_ else "cross_entropy"
        return LOSSES.make(default if self.loss is None else self.loss)

    def _make_loss(self) -> tuple[Loss, int]:
        loss, n = self._loss_object(), len(self.classes_)
        if isinstance(loss, NUMBER_LOSSES):
            raise OptionError(f"{loss!r} is a loss for numbers, but the classifier learns {n} classes; use cross_entropy.")
        if self.several_ and not isinstance(loss, BINARY):
            raise OptionError(f"{loss!r} is a loss of one class, but y has {n} labels; use binary_cross_entropy_with_logits.")
        if n > 2 and not self.several_ and isinstance(loss, BINARY):
            raise OptionError(f"{loss!r} needs two classes, but y has {n}; use cross_entropy.")
        return loss, 1 if n == 2 and not self.several_ and isinstance(loss, BINARY) else n

    def _weights(self, y: Array, weights: Array | None) -> Array | None:
        if self.class_weight is None:
            return weights
        of_class = compute_sample_weight(self.class_weight, y)
        return of_class if weights is None else of_class * weights

    def _strata(self, y: Array, n_held_out: int) -> Array | None:
        counts = np.unique(y, return_counts=True)[1] if y.ndim == 1 else np.zeros(1)
        return y if counts.min() > 1 and n_held_out >= len(counts) and len(y) - n_held_out >= len(counts) else None

    def _model(self, net: Net) -> Model:
        labels = [label.item() if isinstance(label, np.generic) else label for label in self.classes_]
        return Model(
            net, self.loss_, type(self).__name__, "classification", labels, self.encoder_.features, self.encoder_.targets,
            None if self.several_ else replace(self.encoder_, classes=tuple(labels)),
        )  # fmt: skip
