"""Mistakes: each raises an error that says what was wrong, shows what was received, and what to do."""

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import ClearpropError, OptionError, ShapeError, UnknownNameError
from clearprop.nn import LAYERS
from clearprop.optim import OPTIMIZERS, SCHEDULES


def zeros(*shape):
    return np.zeros(shape)


SHAPES = {
    "column against row": (
        lambda: cp.MeanSquaredError()(zeros(5, 1), zeros(5)),
        ["(5, 1)", "(5,)", "y[:, None]"],
    ),
    "bce, column against row": (
        lambda: cp.BinaryCrossEntropy()(zeros(5, 1), np.zeros(5, int)),
        ["(5, 1)", "(5,)", "int64", "y[:, None]"],
    ),
    "32 against 1": (
        lambda: cp.BinaryCrossEntropy()(zeros(5, 32), zeros(5, 1)),
        ["(5, 32)", "(5, 1)", "as many outputs as y has columns"],
    ),
    "1 against 32, even with broadcast": (
        lambda: cp.BinaryCrossEntropy(broadcast=True)(zeros(5, 1), zeros(5, 32)),
        ["(5, 1)", "(5, 32)"],
    ),
    "row against column, even with broadcast": (
        lambda: cp.BinaryCrossEntropyWithLogits(broadcast=True)(zeros(5, 1), zeros(5)),
        ["(5, 1)", "(5,)", "y[:, None]"],
    ),
    "one target for all": (
        lambda: cp.MeanSquaredError(broadcast=True)(zeros(5, 2), zeros(1, 1)),
        ["(5, 2)", "(1, 1)", "one row for each example"],
    ),
    "labels where rows are needed": (
        lambda: cp.BinaryCrossEntropy()(zeros(5, 3), zeros(5)),
        ["(5, 3)", "(5,)", "one-hot", "CrossEntropy"],
    ),
    "fewer targets": (
        lambda: cp.MeanSquaredError()(zeros(5, 2), zeros(4, 2)),
        ["(5, 2)", "(4, 2)", "one row for each example"],
    ),
    "label too large": (
        lambda: cp.CrossEntropy()(zeros(2, 3), np.array([0, 3])),
        ["label 3", "0 ... 2", "3 outputs", "number the classes from 0"],
    ),
    "label negative": (
        lambda: cp.NegativeLogLikelihood()(zeros(2, 3), np.array([-1, 2])),
        ["label -1", "0 ... 2", "number the classes from 0"],
    ),
    "labels in a column": (
        lambda: cp.CrossEntropy()(zeros(2, 3), np.array([[0], [2]])),
        ["(2, 3)", "(2, 1)", "y[:, 0]"],
    ),
    "labels as floats": (
        lambda: cp.CrossEntropy()(zeros(2, 3), np.array([0.0, 2.0])),
        ["float64", "(2,)", "y.astype(int)"],
    ),
    "fewer labels": (
        lambda: cp.CrossEntropy()(zeros(3, 2), np.array([0, 1])),
        ["(3, 2)", "(2,)", "one row for each example"],
    ),
    "one-hot rows too long": (
        lambda: cp.CrossEntropy()(zeros(2, 3), zeros(2, 4)),
        ["(2, 3)", "(2, 4)"],
    ),
    "widths": (
        lambda: cp.Net(cp.Linear(2, 3), cp.Tanh(), cp.Linear(4, 1)),
        ["Linear(4, 1)", "takes 4 inputs", "3 outputs"],
    ),
    "batchnorm width": (lambda: cp.Net(cp.Linear(2, 3), cp.BatchNorm(4)), ["BatchNorm(4)", "takes 4 inputs", "3 outputs"]),
    "one example": (lambda: cp.Net(cp.Linear(2, 3))(zeros(2)), ["(B, n)", "(2,)", "X[None, :]"]),
    "images": (lambda: cp.Net(cp.Linear(4, 3))(zeros(5, 2, 2)), ["(5, 2, 2)", "X.reshape(len(X), -1)"]),
    "a number": (lambda: cp.Net(cp.Linear(4, 3))(np.array(3.0)), ["()"]),
    "too few columns": (lambda: cp.Net(cp.Linear(3, 1))(zeros(5, 2)), ["Linear(3, 1)", "(B, 3)", "(5, 2)", "3 long"]),
    "linear alone, one example": (lambda: cp.Linear(3, 1).initialise(0)(zeros(3)), ["(B, 3)", "(3,)", "x[None, :]"]),
    "batchnorm, too few columns": (lambda: cp.BatchNorm(3)(zeros(5, 2)), ["(B, 3)", "(5, 2)"]),
    "softmax, one example": (lambda: cp.Softmax()(zeros(2)), ["(B, n)", "(2,)", "z[None, :]"]),
    "softmax, images": (lambda: cp.Softmax()(zeros(5, 2, 2)), ["(B, n)", "(5, 2, 2)", "flatten each example"]),
    "cross-entropy of one output": (
        lambda: cp.CrossEntropy()(np.array([[3.0], [4.0]]), np.array([[1], [0]])),
        ["(2, 1)", "C >= 2 classes", "BinaryCrossEntropyWithLogits"],
    ),
    "nll of one output": (
        lambda: cp.NegativeLogLikelihood()(zeros(2, 1), np.array([0, 0])),
        ["(2, 1)", "C >= 2 classes", "BinaryCrossEntropyWithLogits"],
    ),
    "one slope for all parameters": (
        lambda: cp.SGD().step(np.ones(3), np.ones(1)),
        ["theta", "(3,)", "grad", "(1,)", "one gradient"],
    ),
    "batchnorm, one example": (
        lambda: cp.BatchNorm(3).forward(zeros(1, 3), training=True),
        ["batch of 1", "variance is 0", "larger batch_size"],
    ),
}


@pytest.mark.parametrize(("act", "parts"), SHAPES.values(), ids=SHAPES)
def test_shapes_that_do_not_fit(act, parts):
    with pytest.raises(ShapeError) as caught:
        act()
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
@pytest.mark.parametrize("size", [1, 4])
def test_an_optimizer_used_for_another_net(name, size):
    optimizer, other = OPTIMIZERS.make(name), np.ones(size)
    optimizer.step(np.ones(3), np.ones(3))
    with pytest.raises(ShapeError) as caught:
        optimizer.step(other, np.ones(size))
    for part in ("(3,)", f"({size},)", "call reset() first"):
        assert part in str(caught.value)
    assert np.array_equal(other, np.ones(size))
    assert optimizer.t == 1  # it did not count
    optimizer.reset()
    optimizer.step(other, np.ones(size))
    assert (other < 1).all()


def test_what_must_not_be_an_error():
    assert cp.Linear(2.0, np.int64(3)).same_config(cp.Linear(2, 3))
    assert cp.MeanSquaredError(broadcast=True)(zeros(5, 32), zeros(5, 1)) == 0
    assert cp.MeanSquaredError(broadcast=True)(zeros(5, 32), zeros(5, 32)) == 0
    assert cp.CrossEntropy()(zeros(2, 3), np.array([0, 2], dtype=np.uint8)) > 0


VALUES = {
    "no units": (lambda: cp.Linear(0, 3), "n_in must be a whole number, 1 or more, not 0."),
    "no outputs": (lambda: cp.Linear(3, -2), "n_out must be a whole number, 1 or more, not -2."),
    "half a unit": (lambda: cp.Linear(2.5, 3), "n_in must be a whole number, 1 or more, not 2.5."),
    "units in words": (lambda: cp.Linear(2, "3"), "n_out must be a whole number, 1 or more, not '3'."),
    "units NaN": (lambda: cp.Linear(2, np.nan), "n_out must be a whole number, 1 or more, not nan."),
    "endless units": (lambda: cp.Linear(2, np.inf), "n_out must be a whole number, 1 or more, not inf."),
    "units True": (lambda: cp.Linear(2, True), "n_out must be a whole number, 1 or more, not True."),
    "half a unit in mlp": (lambda: cp.mlp([2, 2.5, 1]), "sizes[1] must be a whole number, 1 or more, not 2.5."),
    "dropout": (lambda: cp.Dropout(1.0), "rate must be at least 0 and below 1, not 1.0."),
    "dropout below": (lambda: cp.Dropout(-0.1), "rate must be at least 0 and below 1, not -0.1."),
    "dropout NaN": (lambda: cp.Dropout(np.nan), "rate must be a finite number, at least 0 and below 1, not nan."),
    "dropout None": (lambda: cp.Dropout(None), "rate must be a finite number, at least 0 and below 1, not None."),
    "dropout True": (lambda: cp.Dropout(True), "rate must be a finite number, at least 0 and below 1, not True."),
    "dropout complex": (lambda: cp.Dropout(0.5j), "rate must be a finite number, at least 0 and below 1, not 0.5j."),
    "batchnorm": (lambda: cp.BatchNorm(0), "n must be a whole number, 1 or more, not 0."),
    "batchnorm momentum": (lambda: cp.BatchNorm(2, momentum=0), "momentum must be above 0 and at most 1, not 0."),
    "batchnorm eps": (lambda: cp.BatchNorm(2, eps=-1), "eps must be zero or more, not -1."),
    "normal": (lambda: cp.Normal(-1), "std must be zero or more, not -1."),
    "uniform": (lambda: cp.Uniform(2, 1), "low must be at most high = 1, not 2."),
    "uniform inf": (lambda: cp.Uniform(0, np.inf), "high must be a finite number, not inf."),
    "lr": (lambda: cp.SGD(lr=-1), "lr must be zero or more, or a Schedule, not -1."),
    "lr NaN": (lambda: cp.Adam(lr=np.nan), "lr must be a finite number, zero or more, or a Schedule, not nan."),
    "lr None": (lambda: cp.Adam(lr=None), "lr must be a finite number, zero or more, or a Schedule, not None."),
    "lr, a name": (lambda: cp.SGD(lr="warm"), "lr must be a finite number, zero or more, or a Schedule, not 'warm'."),
    "momentum": (lambda: cp.SGD(momentum=1.0), "momentum must be at least 0 and below 1, not 1.0."),
    "nesterov": (lambda: cp.SGD(nesterov=True), "nesterov=True needs a momentum above 0, such as momentum=0.9."),
    "weight decay": (lambda: cp.SGD(weight_decay=-0.1), "weight_decay must be zero or more, not -0.1."),
    "clip norm": (lambda: cp.SGD(clip_norm=0), "clip_norm must be positive, or None, not 0."),
    "rho": (lambda: cp.RMSProp(rho=1), "rho must be at least 0 and below 1, not 1."),
    "eps": (lambda: cp.AdaGrad(eps=0), "eps must be positive, not 0."),
    "beta1": (lambda: cp.Adam(beta1=1), "beta1 must be at least 0 and below 1, not 1."),
    "beta2": (lambda: cp.Adam(beta2=-0.1), "beta2 must be at least 0 and below 1, not -0.1."),
    "schedule": (lambda: cp.StepDecay(every=0), "every must be a whole number, 1 or more, not 0."),
    "schedule lr": (lambda: cp.ExponentialDecay(lr=np.inf), "lr must be a finite number, zero or more, not inf."),
    "warm-up": (lambda: cp.WarmUp("step"), "then must be a finite number, zero or more, or a Schedule, not 'step'."),
    "cool-down": (lambda: cp.CoolDown(steps=10, total=5), "total must be at least steps = 10, not 5."),
    "one cycle": (lambda: cp.OneCycle(rise=1.5), "rise must be between 0 and 1, not 1.5."),
    "reduction": (lambda: cp.CrossEntropy("avg"), "There is no reduction called 'avg'. Known: mean, sum."),
    "reduction, nearly": (
        lambda: cp.CrossEntropy("maen"),
        "There is no reduction called 'maen'; did you mean 'mean'? Known: mean, sum.",
    ),
    "distribution": (
        lambda: cp.He("gauss"),
        "There is no distribution called 'gauss'. Known: uniform, normal.",
    ),
    "dtype": (lambda: cp.Net(cp.Linear(2, 1), dtype="float16"), "dtype must be float32 or float64, not 'float16'."),
    "dtype, misspelt": (lambda: cp.Net(cp.Linear(2, 1), dtype="flaot"), "dtype must be float32 or float64, not 'flaot'."),
    "no layers": (lambda: cp.Net(), "A Net needs at least one layer, such as Net(Linear(2, 1))."),
    "sizes": (lambda: cp.mlp([3]), "mlp needs at least the numbers of inputs and outputs, such as [2, 1], not [3]."),
    "activations": (
        lambda: cp.mlp([3, 4, 2], hidden=["tanh", "relu"]),
        "hidden must be one name, or one for each of the 1 hidden layers, not 2 names: ['tanh', 'relu'].",
    ),
}


@pytest.mark.parametrize(("act", "message"), VALUES.values(), ids=VALUES)
def test_values_that_cannot_be(act, message):
    with pytest.raises(OptionError) as caught:
        act()
    assert str(caught.value) == message
    assert isinstance(caught.value, (ClearpropError, ValueError))


def test_a_class_where_an_object_is_meant():
    with pytest.raises(OptionError, match=r"activations are objects, as in Tanh\(\)"):
        cp.Net(cp.Linear(2, 3), cp.Tanh)


NAMES = {
    "activation": (lambda: cp.mlp([2, 3, 2], hidden="tahn"), ["'tahn'", "did you mean 'tanh'?", "sigmoid, tanh, relu"]),
    "initialiser": (lambda: cp.Linear(2, 3, init="kaming"), ["'kaming'", "did you mean 'kaiming'?", "xavier, he, lecun"]),
    "optimizer": (lambda: OPTIMIZERS.make("adm"), ["'adm'", "did you mean 'adam'?", "sgd, adagrad, rmsprop, adam"]),
    "schedule": (lambda: cp.SGD(lr={"type": "warm"}), ["'warm'", "did you mean 'warmup'?", "one_cycle"]),
    "far off": (lambda: LAYERS.make("qqqq"), ["'qqqq'. Known: linear, sigmoid"]),
}


@pytest.mark.parametrize(("act", "parts"), NAMES.values(), ids=NAMES)
def test_names_that_nothing_bears(act, parts):
    with pytest.raises(UnknownNameError) as caught:
        act()
    for part in parts:
        assert part in str(caught.value)


CONFIGURATIONS = {
    "argument missing": (lambda: LAYERS.make({"type": "linear", "n_in": 2}), ["layer Linear", "{'n_in': 2}", "n_out"]),
    "argument too many": (lambda: OPTIMIZERS.make({"type": "sgd", "rho": 2}), ["optimizer SGD", "{'rho': 2}", "rho"]),
    "not a schedule": (lambda: SCHEDULES.make(3), ["constant, inverse_time_decay, step", "schedule: 3; give"]),
    "another kind": (lambda: cp.Linear(2, 3, init=cp.Tanh()), ["xavier, he", "initialiser: Tanh(); give"]),
    "and another": (lambda: OPTIMIZERS.make(cp.He()), ["sgd, adagrad", "optimizer: He(); give"]),
}


@pytest.mark.parametrize(("act", "parts"), CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_configurations_that_make_nothing(act, parts):
    with pytest.raises(OptionError) as caught:
        act()
    for part in parts:
        assert part in str(caught.value)
