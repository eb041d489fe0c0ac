"""Every optimizer against torch.optim over 20 steps, and wrong optimizers that the same tolerance must reject.

The tolerance is 1e-12 of the parameters, some hundred rounding errors; a learning rate wrong by 0.001 % exceeds it 10^6 times.
"""

import inspect

import numpy as np
import pytest
import torch

import clearprop as cp
from clearprop.optim import OPTIMIZERS, Optimizer

TOLERANCE, STEPS, P = 1e-12, 20, 6
RNG = np.random.default_rng(2)
CURVATURE = RNG.normal(size=(P, P)) / 2
PUSHES = RNG.normal(size=(STEPS, P))
START = RNG.normal(size=P)


def arguments(optimizer: Optimizer) -> dict:
    """Those of its constructor, to make a variant of it."""
    return {name: value for name, value in optimizer.config().items() if name != "type"}


def gradient(theta, step, size):
    """Depends on theta, so that an error in one step is felt in the next, and on the step, so that averages matter."""
    return size * (CURVATURE @ theta + PUSHES[step])


def path(optimizer: Optimizer, size: float = 1.0) -> np.ndarray:
    """theta after each of the steps."""
    theta, points = START.copy(), []
    for step in range(STEPS):
        optimizer.step(theta, gradient(theta, step, size))
        points.append(theta.copy())
    return np.array(points)


def torch_path(made, options, size=1.0, clip_norm=None, schedule=None) -> np.ndarray:
    parameter = torch.tensor(START.copy(), requires_grad=True)
    optimizer, points = made([parameter], **options), []
    for step in range(STEPS):
        if schedule is not None:
            optimizer.param_groups[0]["lr"] = schedule(step)
        parameter.grad = torch.tensor(gradient(parameter.detach().numpy(), step, size))
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_([parameter], clip_norm)
        optimizer.step()
        points.append(parameter.detach().numpy().copy())
    return np.array(points)


class TorchLion(torch.optim.Optimizer):
    """Algorithm 2 of Chen et al., in the order of its lines, since PyTorch has none: update, m, then decay and step at once."""

    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                beta1, beta2 = group["betas"]
                c = m.lerp(p.grad, 1 - beta1).sign()
                m.lerp_(p.grad, 1 - beta2)
                p -= group["lr"] * (c + group["weight_decay"] * p)


class ExactNAdam(torch.optim.NAdam):
    """PyTorch's, whose product of momenta would be kept in float32."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        for p in params:
            start = {"step": torch.tensor(0.0), "mu_product": torch.ones((), dtype=torch.float64)}
            self.state[p] = {**start, "exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}


O = torch.optim  # noqa: E741
CASES = {
    "sgd": (cp.SGD(0.1), O.SGD, {"lr": 0.1}),
    "momentum": (cp.SGD(0.1, momentum=0.9), O.SGD, {"lr": 0.1, "momentum": 0.9}),
    "nesterov": (cp.SGD(0.1, momentum=0.8, nesterov=True), O.SGD, {"lr": 0.1, "momentum": 0.8, "nesterov": True}),
    "sgd, decay": (cp.SGD(0.1, weight_decay=0.3), O.SGD, {"lr": 0.1, "weight_decay": 0.3}),
    "nesterov, decay": (
        cp.SGD(0.1, momentum=0.8, nesterov=True, weight_decay=0.3),
        O.SGD,
        {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.3},
    ),
    "adagrad": (cp.AdaGrad(0.1), O.Adagrad, {"lr": 0.1}),
    "adagrad, eps, decay": (
        cp.AdaGrad(0.1, eps=0.1, weight_decay=0.3),
        O.Adagrad,
        {"lr": 0.1, "eps": 0.1, "weight_decay": 0.3},
    ),
    "rmsprop": (cp.RMSProp(0.01), O.RMSprop, {"lr": 0.01}),
    "rmsprop, eps, decay": (
        cp.RMSProp(0.05, rho=0.7, eps=0.1, weight_decay=0.3),
        O.RMSprop,
        {"lr": 0.05, "alpha": 0.7, "eps": 0.1, "weight_decay": 0.3},
    ),
    "adam": (cp.Adam(0.1), O.Adam, {"lr": 0.1}),
    "adamw": (cp.AdamW(0.1), O.AdamW, {"lr": 0.1}),
    "adamw, betas, eps, decay": (
        cp.AdamW(0.1, beta1=0.7, beta2=0.9, eps=0.1, weight_decay=0.3),
        O.AdamW,
        {"lr": 0.1, "betas": (0.7, 0.9), "eps": 0.1, "weight_decay": 0.3},
    ),
    "nadam": (cp.Nadam(0.1), ExactNAdam, {"lr": 0.1}),
    "nadam, betas, eps, decay": (
        cp.Nadam(0.1, beta1=0.7, beta2=0.9, eps=0.1, weight_decay=0.3),
        ExactNAdam,
        {"lr": 0.1, "betas": (0.7, 0.9), "eps": 0.1, "weight_decay": 0.3},
    ),
    "lion": (cp.Lion(0.1), TorchLion, {"lr": 0.1}),
    "lion, betas, decay": (
        cp.Lion(0.1, beta1=0.7, beta2=0.8, weight_decay=0.3),
        TorchLion,
        {"lr": 0.1, "betas": (0.7, 0.8), "weight_decay": 0.3},
    ),
    "adam, betas, eps, decay": (
        cp.Adam(0.1, beta1=0.7, beta2=0.9, eps=0.1, weight_decay=0.3),
        O.Adam,
        {"lr": 0.1, "betas": (0.7, 0.9), "eps": 0.1, "weight_decay": 0.3},
    ),
}


@pytest.mark.parametrize(("ours", "theirs", "options"), CASES.values(), ids=CASES)
def test_twenty_steps(ours, theirs, options, agree):
    ours.reset()
    agree(path(ours), torch_path(theirs, options), TOLERANCE)


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "nadam"])
def test_defaults_are_those_of_torch(name):
    ours, theirs, _ = CASES[name]
    if name in ("adagrad", "rmsprop", "adam", "adamw", "nadam"):
        other = {"betas": ("beta1", "beta2"), "alpha": ("rho",), "eps": ("eps",), "lr": ("lr",)}
        for key, names in other.items():
            if key in inspect.signature(theirs).parameters:
                default = inspect.signature(theirs).parameters[key].default
                assert np.ravel(default).tolist() == [getattr(type(ours)(), n) for n in names]


@pytest.mark.parametrize("name", ["momentum", "nesterov", "adam", "rmsprop", "adamw, betas, eps, decay", "nadam", "lion"])
def test_with_a_schedule(name, agree):
    ours, theirs, options = CASES[name]
    schedule = cp.CoolDown(cp.ExponentialDecay(0.1, 0.8), steps=10, total=20)
    given = arguments(ours) | {"lr": schedule}
    agree(path(type(ours)(**given)), torch_path(theirs, options, schedule=schedule), TOLERANCE)


@pytest.mark.parametrize("name", ["sgd, decay", "momentum", "adam, betas, eps, decay"])
@pytest.mark.parametrize("clip_norm", [0.5, 1e12])
def test_with_clipping(name, clip_norm, agree):
    # torch divides by |g| + 1e-6, not by |g|: with gradients of size 10^9 that is below the tolerance
    ours, theirs, options = CASES[name]
    given = arguments(ours) | {"clip_norm": clip_norm}
    size = 1e9 if clip_norm == 0.5 else 1.0
    agree(path(type(ours)(**given), size), torch_path(theirs, options, size, clip_norm), TOLERANCE)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_registered_optimizer_is_in_the_table(name):
    assert OPTIMIZERS.find(name) in {type(ours) for ours, _, _ in CASES.values()}, f"add a case for {name} to CASES"


# --- planted faults -----------------------------------------------------------------------------------------------------


class Dampened(cp.SGD):
    @staticmethod
    def update(theta, g, v, lr, momentum, nesterov):
        v = momentum * v + (1 - momentum) * g
        return theta - lr * v, v


class StepBeforeVelocity(cp.SGD):
    @staticmethod
    def update(theta, g, v, lr, momentum, nesterov):
        return theta - lr * (v + g), momentum * v + g


class NesterovForgotten(cp.SGD):
    @staticmethod
    def update(theta, g, v, lr, momentum, nesterov):
        v = momentum * v + g
        return theta - lr * v, v


class NesterovWithoutGradient(cp.SGD):
    @staticmethod
    def update(theta, g, v, lr, momentum, nesterov):
        v = momentum * v + g
        return theta - lr * momentum * v, v


class DoubleDecay(cp.SGD):
    def regularised(self, theta, grad):
        return grad + 2 * self.weight_decay * theta


class DecayedApart(cp.Adam):
    """Weight decay as in AdamW."""

    def step(self, theta, grad):
        theta -= self.lr * self.weight_decay * theta
        super().step(theta, grad)

    def regularised(self, theta, grad):
        return grad


class NotAccumulated(cp.AdaGrad):
    @staticmethod
    def update(theta, g, s, lr, eps):
        return theta - lr * g / (np.sqrt(g * g) + eps), s


class EpsInside(cp.RMSProp):
    @staticmethod
    def update(theta, g, s, lr, rho, eps):
        s = rho * s + (1 - rho) * g * g
        return theta - lr * g / np.sqrt(s + eps), s


class WeightsSwapped(cp.RMSProp):
    @staticmethod
    def update(theta, g, s, lr, rho, eps):
        s = (1 - rho) * s + rho * g * g
        return theta - lr * g / (np.sqrt(s) + eps), s


class Uncorrected(cp.Adam):
    @staticmethod
    def update(theta, g, m, s, lr, beta1, beta2, eps, sum1, sum2):
        m, s = beta1 * m + (1 - beta1) * g, beta2 * s + (1 - beta2) * g * g
        return theta - lr * m / (np.sqrt(s) + eps), m, s


class CountedTwice(cp.Adam):
    """t once for W and once for b."""

    def constants(self, t):
        return super().constants(2 * t)


class CountedFromTwo(cp.Adam):
    def constants(self, t):
        return super().constants(t + 1)


class EpsCorrected(cp.Adam):
    """eps inside the correction: sqrt(s) + eps, over sqrt(1 - beta2^t)."""

    @staticmethod
    def update(theta, g, m, s, lr, beta1, beta2, eps, sum1, sum2):
        return cp.Adam.update(theta, g, m, s, lr, beta1, beta2, eps / np.sqrt(sum2), sum1, sum2)


class BetasSwapped(cp.Adam):
    def constants(self, t):
        return self.beta2, self.beta1, self.eps, 1 - self.beta2**t, 1 - self.beta1**t


class CorrectionsSwapped(cp.Adam):
    def constants(self, t):
        return self.beta1, self.beta2, self.eps, 1 - self.beta2**t, 1 - self.beta1**t


def slightly_wrong(parent, factor):
    class Slightly(parent):
        @staticmethod
        def update(theta, g, *rest):
            new, *state = parent.update(theta, g, *rest)
            return theta + factor * (new - theta), *state

    return Slightly


FAULTS = [
    (Dampened, "momentum"),
    (StepBeforeVelocity, "momentum"),
    (NesterovForgotten, "nesterov"),
    (NesterovWithoutGradient, "nesterov"),
    (DoubleDecay, "sgd, decay"),
    (DecayedApart, "adam, betas, eps, decay"),
    (NotAccumulated, "adagrad"),
    (EpsInside, "rmsprop"),
    (WeightsSwapped, "rmsprop, eps, decay"),
    (Uncorrected, "adam"),
    (CountedTwice, "adam"),
    (CountedFromTwo, "adam"),
    (EpsCorrected, "adam"),
    (BetasSwapped, "adam"),
    (CorrectionsSwapped, "adam"),
    *((slightly_wrong(parent, 1.0005), name) for parent, name in ((cp.SGD, "sgd"), (cp.AdaGrad, "adagrad"), (cp.Adam, "adam"))),
    *((slightly_wrong(parent, 1.00001), name) for parent, name in ((cp.SGD, "nesterov"), (cp.RMSProp, "rmsprop"))),
]


@pytest.mark.parametrize(("planted", "name"), FAULTS, ids=[f"{planted.__name__}-{name}" for planted, name in FAULTS])
def test_planted_faults_are_found(planted, name, agree):
    ours, theirs, options = CASES[name]
    given = arguments(ours)
    wanted = torch_path(theirs, options)
    agree(path(type(ours)(**given)), wanted, TOLERANCE)  # the right one passes, so it is the fault that is found
    with pytest.raises(AssertionError, match="off by"):
        agree(path(planted(**given)), wanted, TOLERANCE)


class DecayedBeforeClipping(cp.SGD):
    def step(self, theta, grad):
        decayed = grad + self.weight_decay * theta
        cp.SGD(self.lr, clip_norm=self.clip_norm).step(theta, decayed)


class ClippedByTheLargest(cp.SGD):
    def clipped(self, grad):
        return grad * min(1.0, self.clip_norm / np.abs(grad).max())


class ClippedElementwise(cp.SGD):
    def clipped(self, grad):
        return np.clip(grad, -self.clip_norm, self.clip_norm)


class AlwaysOfThatNorm(cp.SGD):
    def clipped(self, grad):
        return grad * self.clip_norm / np.linalg.norm(grad)


@pytest.mark.parametrize("planted", [DecayedBeforeClipping, ClippedByTheLargest, ClippedElementwise])
def test_planted_clipping_faults_are_found(planted, agree):
    given = {"lr": 0.1, "weight_decay": 0.3, "clip_norm": 0.5}
    wanted = torch_path(O.SGD, {"lr": 0.1, "weight_decay": 0.3}, 1e9, 0.5)
    agree(path(cp.SGD(**given), 1e9), wanted, TOLERANCE)
    with pytest.raises(AssertionError, match="off by"):
        agree(path(planted(**given), 1e9), wanted, TOLERANCE)


def test_a_short_gradient_is_not_lengthened(agree):
    wanted = torch_path(O.SGD, {"lr": 0.1}, clip_norm=1e12)
    agree(path(cp.SGD(0.1, clip_norm=1e12)), wanted, TOLERANCE)
    with pytest.raises(AssertionError, match="off by"):
        agree(path(AlwaysOfThatNorm(0.1, clip_norm=1e12)), wanted, TOLERANCE)
