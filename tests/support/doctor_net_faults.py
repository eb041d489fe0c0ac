"""Faults of the net, its initial weights, its loss and its metric, planted in sound cases."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.doctor.case import Case
from clearprop.doctor.changes import last_linear, layers_of, with_layers
from clearprop.doctor.rules.output_rules import OF_CLASSES, OF_NUMBERS
from clearprop.doctor.scoring import score
from clearprop.nn import (
    LOSSES,
    BinaryCrossEntropy,
    Dropout,
    Layer,
    Linear,
    NegativeLogLikelihood,
    Normal,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from clearprop.nn.activations import Activation
from support.doctor_specimens import outcome, planted, sound

SLOW = ("sgd", "momentum")  # the others divide by the size of the gradient, and step over such a start


def broadcast_outputs(rng: np.random.Generator) -> Case:
    case = sound(rng, kinds=("rings", "waves", "teacher", "regression"), losses=("bce", "logits"))
    layers = layers_of(case)
    at = last_linear(layers)
    last = layers[at]
    assert isinstance(last, Linear)
    layers[at] = Linear(last.n_in, int(rng.integers(2, 33))).initialise(rng)
    loss = LOSSES.make(case.loss.config() | {"broadcast": True})
    return with_layers(case.but(loss=loss), layers)


def one_unit_softmax(rng: np.random.Generator) -> Case:
    case = sound(rng, kinds=("rings", "waves", "teacher"), losses=("bce", "logits"))
    layers = layers_of(case)
    layers = [*layers[: last_linear(layers) + 1], Softmax()]
    return with_layers(case.but(loss=BinaryCrossEntropy()), layers)


def double_softmax(rng: np.random.Generator) -> Case:
    case = sound(rng, kinds=("blobs", "rings", "waves", "teacher"), losses=("cross_entropy",))
    return with_layers(case, [*layers_of(case), Softmax()])


def output_mismatch(rng: np.random.Generator) -> Case:
    way = rng.integers(4)
    if way == 0:
        case = sound(rng, kinds=("regression",))
        layer: Layer = Sigmoid() if rng.random() < 0.5 else ReLU()
        return with_layers(case, [*layers_of(case), layer])
    if way == 1:
        case = sound(rng, kinds=("rings", "waves", "teacher"), losses=("logits",))
        return with_layers(case, [*layers_of(case), Sigmoid()])
    if way == 2:
        case = sound(rng, kinds=("rings", "waves", "teacher"), losses=("logits",))
        return case.but(loss=BinaryCrossEntropy())
    case = sound(rng, kinds=("blobs", "waves"), losses=("cross_entropy",))
    if rng.random() < 0.5:
        layers = layers_of(case)
        return with_layers(case.but(loss=NegativeLogLikelihood()), layers[: last_linear(layers) + 1])
    return with_layers(case, [*layers_of(case), Tanh() if rng.random() < 0.5 else ReLU()])


def wrong_metric(rng: np.random.Generator) -> Case:
    if rng.random() < 0.5:
        return sound(rng, kinds=("regression",)).but(metric=str(rng.choice(OF_CLASSES)))
    return sound(rng, kinds=("blobs", "rings", "waves", "teacher")).but(metric=str(rng.choice(OF_NUMBERS)))


def no_nonlinearity(rng: np.random.Generator) -> Case:
    case = sound(rng)
    layers = layers_of(case)
    end = last_linear(layers)
    kept = [layer for i, layer in enumerate(layers) if i > end or not isinstance(layer, Activation)]
    return with_layers(case, kept)


def frozen_parameter(rng: np.random.Generator) -> Case:
    case = sound(rng)
    layers = layers_of(case)
    places = [i for i, layer in enumerate(layers) if isinstance(layer, Linear)]
    at = int(rng.choice(places))
    old = layers[at]
    assert isinstance(old, Linear)
    kind = WithoutWeights if rng.random() < 0.6 else WithoutBias
    new = kind(old.n_in, old.n_out)
    new.W[:], new.b[:] = old.W, old.b
    layers[at] = new
    return with_layers(case, layers)


class WithoutWeights(Linear):
    """A Linear whose backward forgets dW, as a user's own might."""

    def backward(self, saved: Array, dy: Array) -> Array:
        """db and dx, but no dW."""
        self.db += dy.sum(axis=0)
        return dy @ self.W.T


class WithoutBias(Linear):
    """A Linear whose backward forgets db, as a user's own might."""

    def backward(self, saved: Array, dy: Array) -> Array:
        """dW and dx, but no db."""
        self.dW += saved.T @ dy
        return dy @ self.W.T


def dropout_at_evaluation(rng: np.random.Generator) -> Case:
    case = sound(rng)
    layers: list[Layer] = []
    for layer in layers_of(case)[:-1]:
        layers.append(layer)
        if isinstance(layer, Activation):
            layers.append(AlwaysOn(float(rng.uniform(0.1, 0.5))).initialise(rng))
    layers.append(layers_of(case)[-1])
    return with_layers(case, layers)


class AlwaysOn(Dropout):
    """A Dropout that does not ask whether it is training, as a user's own might."""

    def forward(self, x: Array, training: bool = False) -> tuple[Array, Array | None]:
        """m * x, always."""
        return super().forward(x, training=True)


def constant_predictor(rng: np.random.Generator) -> Case:
    case = sound(rng)
    layers: list[Layer] = []
    places = [i for i, layer in enumerate(case.net.layers[:-1]) if isinstance(layer, Activation)]
    at = int(rng.choice(places))
    for i, layer in enumerate(layers_of(case)):
        layers.append(layer)
        if i == at:
            layers.append(MeanOverBatch())
    return with_layers(case, layers)


class MeanOverBatch(Layer):
    """A layer that averages over the wrong axis: the examples, where the units were meant."""

    def forward(self, x: Array, training: bool = False) -> tuple[Array, Array]:
        """The mean over the batch, for every example."""
        return np.broadcast_to(x.mean(axis=0), x.shape).copy(), x

    def backward(self, saved: Array, dy: Array) -> Array:
        """Its derivative."""
        return np.broadcast_to(dy.mean(axis=0), dy.shape).copy()


def constant_initialisation(rng: np.random.Generator) -> Case:
    case = sound(rng)
    layers = layers_of(case)
    for i in range(last_linear(layers) + 1):
        layer = layers[i]
        if isinstance(layer, Linear):
            value = float(rng.choice([0.0, 0.1, 1 / layer.n_in]))
            layers[i] = Linear(layer.n_in, layer.n_out, init=Normal(0.0, value))
    return with_layers(case, layers, seed=0)


def initial_scale(rng: np.random.Generator) -> Case:
    for k in range(100):
        case = sound(
            rng, activations=("relu", "tanh"), depth=(2, 4), kinds=("blobs", "waves", "rings", "teacher"), optimizers=SLOW
        )
        small = rng.random() < 0.7
        faulty = case
        layers = layers_of(case)
        for i in range(last_linear(layers) + 1):
            layer = layers[i]
            if isinstance(layer, Linear):
                gain = float(rng.uniform(0.03, 0.2)) if small else float(rng.uniform(5, 9))
                layers[i] = Linear(layer.n_in, layer.n_out, init=Normal(gain / layer.n_in**0.5))
        if not small and any(type(layer).__name__ == "Tanh" for layer in layers):
            continue
        faulty = with_layers(case, layers, case.seed)
        good, bad = outcome(case), outcome(faulty)
        if (good < 0.4 and bad > 2 * good + 0.1) or k == 99:
            return faulty
    return faulty


def initial_loss(rng: np.random.Generator) -> Case:
    def make(case: Case, k: int) -> Case:
        layers = layers_of(case)
        at = last_linear(layers)
        last = layers[at]
        assert isinstance(last, Linear)
        size = float(rng.uniform(10, 30)) * (1 + k % 6)
        init, bias = (Normal(size / last.n_in**0.5), "zeros") if rng.random() < 0.5 else (last.init, Normal(size))
        for _ in range(20):
            layers[at] = Linear(last.n_in, last.n_out, init=init, bias_init=bias).initialise(rng)
            faulty = with_layers(case, layers)
            if score(faulty, faulty.net, faulty.train)[0] > 12:
                break
        return faulty

    kinds = ("blobs", "rings", "waves", "teacher", "regression")
    return planted(
        rng, make, lambda good, bad, base: bad > 1.5 * good + 0.1 * base, kinds=kinds, losses=("cross_entropy", "logits")
    )
