"""Faults of training: signals, steps, regularisation and capacity, planted in sound cases."""

from __future__ import annotations

import numpy as np

from clearprop.data.dataset import Split
from clearprop.doctor.case import Case
from clearprop.doctor.changes import fresh, last_linear, layers_of, optimizer, rate, with_layers
from clearprop.doctor.scoring import base_score, score
from clearprop.nn import LOSSES, BinaryCrossEntropy, Layer, Linear, Normal, ReLU, Sigmoid, Uniform
from clearprop.optim import OPTIMIZERS
from support.doctor_specimens import last_losses, outcome, planted, sound, trained

QUICK = ("adam", "momentum", "sgd")


def saturated_units(rng: np.random.Generator) -> Case:
    def make(case: Case, k: int) -> Case:
        layers = layers_of(case)
        for i in range(last_linear(layers)):
            layer = layers[i]
            if isinstance(layer, Linear):
                layers[i] = Linear(
                    layer.n_in, layer.n_out, init=Normal(float(rng.uniform(8, 30)) * (1 + k % 6) / layer.n_in**0.5)
                )
        return with_layers(case, layers, case.seed)

    kinds = ("teacher", "waves", "regression", "rings")
    return planted(rng, make, lambda good, bad, base: bad > 2 * good + 0.1 * base, kinds=kinds, activations=("tanh", "sigmoid"))


def exploding_gradients(rng: np.random.Generator) -> Case:
    for k in range(100):
        case = sound(rng, activations=("relu",), depth=(5, 8), kinds=("blobs", "teacher", "waves"))
        layers = layers_of(case)
        gain = float(rng.uniform(1.8, 3.2))
        for i in range(last_linear(layers) + 1):
            layer = layers[i]
            if isinstance(layer, Linear):
                layers[i] = Linear(layer.n_in, layer.n_out, init=Normal(gain * (2 / layer.n_in) ** 0.5))
        faulty = with_layers(case, layers, case.seed)
        good = outcome(case)
        if (good < 0.4 and outcome(faulty) > 2 * good + 0.1) or k == 99:
            return faulty
    return case


def vanishing_gradients(rng: np.random.Generator) -> Case:
    for k in range(100):
        case = sound(rng, activations=("tanh",), depth=(1, 3), kinds=("blobs", "waves", "rings", "teacher"))
        layers = layers_of(case)
        first = layers[0]
        assert isinstance(first, Linear)
        width = first.n_out
        deep: list[Layer] = [fresh(first.n_in, width, None)]
        for _ in range(int(rng.integers(3, 7))):
            deep += [Sigmoid(), fresh(width, width, None)]
        last = next(layer for layer in reversed(layers) if isinstance(layer, Linear))
        tail = layers[max(i for i, layer in enumerate(layers) if layer is last) + 1 :]
        deep += [Sigmoid(), Linear(width, last.n_out), *tail]
        faulty = with_layers(case, deep, case.seed)
        good = outcome(case)
        if (good < 0.35 and outcome(faulty) > 2 * good + 0.2) or k == 99:
            return faulty
    return faulty


def dead_relus(rng: np.random.Generator) -> Case:
    def make(case: Case, k: int) -> Case:
        layers = layers_of(case)
        for i in range(last_linear(layers)):
            layer = layers[i]
            if isinstance(layer, Linear) and isinstance(layers[i + 1], ReLU):
                layers[i] = Linear(layer.n_in, layer.n_out, init=layer.init, bias_init=Uniform(-9.0 - k % 6, -4.0 - k % 6))
        return with_layers(case, layers, case.seed)

    return planted(rng, make, lambda good, bad, base: bad > 2 * good + 0.2 * base, activations=("relu",))


def summed_gradient(rng: np.random.Generator) -> Case:
    def make(case: Case, k: int) -> Case:
        loss = LOSSES.make(case.loss.config() | {"reduction": "sum"})
        return case.but(loss=loss, batch_size=int(rng.choice([32, 50, 64, 100])) * (1 + k % 3))

    return planted(rng, make, lambda good, bad, base: bad > 0.95 * base, optimizers=("sgd", "momentum"), n=450)


def nonfinite_loss(rng: np.random.Generator) -> Case:
    for _k in range(40):
        case = sound(rng, kinds=("rings", "blobs", "waves"), losses=("bce",), optimizers=("adam", "momentum", "sgd"))
        if not isinstance(case.loss, BinaryCrossEntropy):
            continue
        config = case.optimizer.config()
        config["lr"] *= 3.0
        faulty = case.but(loss=BinaryCrossEntropy(raw=True), optimizer=OPTIMIZERS.make(config), epochs=case.settings.epochs * 3)
        tame = faulty.but(loss=BinaryCrossEntropy())
        if not np.isfinite(outcome(faulty)) and outcome(tame) < 0.3:
            return faulty
    return faulty


def diverging(rng: np.random.Generator) -> Case:
    def make(case: Case, k: int) -> Case:
        for _ in range(20):  # a run that is above the constant only now and then oscillates
            faulty = rate(case, float(10 ** rng.uniform(1.2, 1.7)) * 2.0 ** (k % 6))
            if np.median(last_losses(faulty)) > 1.2 * base_score(case):
                break
        return faulty

    return planted(rng, make, lambda good, bad, base: bad > 1.2 * base)


def oscillating(rng: np.random.Generator) -> Case:
    for k in range(160):
        if k % 8 == 0:
            case = sound(rng, optimizers=("sgd", "adam", "momentum", "rmsprop"))
            good = outcome(case)
        faulty = rate(case, float(10 ** rng.uniform(0.7, 1.9)))
        ends = last_losses(faulty)
        if not np.isfinite(ends).all():
            continue
        mean, swing = float(np.mean(ends)), float(np.abs(np.diff(ends)).mean())
        if good < 0.25 and mean > 3 * good + 0.1 and mean < 0.6 and swing > 0.15 * mean:
            return faulty
    return faulty


def rate_too_low(rng: np.random.Generator) -> Case:
    def make(case: Case, k: int) -> Case:
        return rate(case, float(10 ** rng.uniform(-3.5, -2)))

    return planted(rng, make, lambda good, bad, base: good < 0.4 * base and bad > 0.7 * base)


def too_few_epochs(rng: np.random.Generator) -> Case:
    def make(case: Case, k: int) -> Case:
        return case.but(epochs=int(rng.integers(1, 4)))

    return planted(rng, make, lambda good, bad, base: good < 0.3 * base and bad > 0.5 * base and bad < 0.97 * base)


def strong_regularisation(rng: np.random.Generator) -> Case:
    def make(case: Case, k: int) -> Case:
        return optimizer(case, {"weight_decay": float(10 ** rng.uniform(-1.2, 0))})

    return planted(rng, make, lambda good, bad, base: good < 0.35 * base and 0.75 * base < bad < 1.05 * base)


def underfitting(rng: np.random.Generator) -> Case:
    for k in range(100):
        case = sound(rng, kinds=("rings", "checks"), activations=("relu", "tanh"), optimizers=QUICK)
        layers = layers_of(case)
        end = last_linear(layers)
        last = layers[end]
        assert isinstance(last, Linear)
        n_in = case.train.X.shape[1]
        width = int(rng.integers(0, 3))
        body = [Linear(n_in, width), layers[1]] if width else []
        tail = [Linear(width or n_in, last.n_out), *layers[end + 1 :]]
        faulty = with_layers(case, [*body, *tail], case.seed)
        good = outcome(case)
        bad, longer = outcome(faulty), outcome(faulty.but(epochs=3 * case.settings.epochs))
        if (good < 0.25 and longer > 2 * good + 0.25 and bad < 1.3 * longer) or k == 99:
            return faulty
    return faulty


def overfitting(rng: np.random.Generator) -> Case:
    for k in range(100):
        case = sound(rng, kinds=("blobs", "teacher"), activations=("relu", "tanh"), optimizers=("adam", "rmsprop"), n=60)
        y = case.train.y.copy()
        wrong = rng.random(len(y)) < 0.25
        y[wrong] = y[rng.permutation(len(y))][wrong]
        assert case.val is not None
        faulty = case.but(train=Split(case.train.X, y), epochs=60, batch_size=8)
        soon, late = (score(faulty, trained(faulty.but(epochs=epochs))[0], case.val)[0] for epochs in (6, 60))
        if (late > 1.8 * soon + 0.2 and outcome(faulty) < 0.3) or k == 99:
            return faulty
    return faulty
