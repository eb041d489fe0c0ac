"""scipy.optimize and scipy.io: a program that hands its loss and its gradient to an optimizer takes no step itself.

The optimizer is replaced by two steps of gradient descent. Nobody learns anything by them; but in them the gradient that the
program computes meets the parameters and the loss, as in a program that trains by itself.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.data_readers import Archive, copied
from clearprop.gradcheck.tracing.invented_data import InventedData
from clearprop.gradcheck.tracing.traced import Traced, call, plain
from clearprop.gradcheck.tracing.wrappers import Arr, leaf

STEPS: Final = 2
RATE: Final = 0.01


def descended(fun: Any, x0: Any, jac: Any, args: Any) -> tuple[Any, Any, Any]:
    """Parameters after some steps, with the last loss and gradient; as they were, where no gradient is given.

    Parameters
    ----------
    fun : callable
        (x, *args) -> the loss; or the loss and the gradient, if `jac` is True.
    x0 : array, shape (n,)
    jac : callable, bool or None
        (x, *args) -> the gradient.
    args : tuple, or a single argument
    """
    args = args if isinstance(args, tuple) else (args,)
    x = x0 if isinstance(x0, Traced) else leaf(np.array(x0, dtype=np.float64), "made")
    x = x if np.ndim(plain(x)) == 1 else call(np.ravel, (x,), {})
    loss: Any = 0.0
    gradient: Any = np.zeros(np.shape(plain(x)))
    for _ in range(STEPS):
        if jac is True:
            loss, gradient = fun(x, *args)
        else:
            loss = fun(x, *args)
            gradient = jac(x, *args) if callable(jac) else None
        if gradient is None:
            break
        flat = gradient if np.shape(plain(gradient)) == np.shape(plain(x)) else call(np.ravel, (gradient,), {})
        direction: Any = Arr(flat.vertex) if isinstance(flat, Arr) else flat  # of a matrix, the numbers
        x = x - direction * RATE
    return x, loss, gradient


def optimize_standin() -> ModuleType:
    """The module scipy.optimize.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    module: Any = copied(true := importlib.import_module("scipy.optimize"))

    def minimize(fun: Any, x0: Any, args: Any = (), method: Any = None, jac: Any = None, *rest: Any, **options: Any) -> Any:
        x, loss, gradient = descended(fun, x0, jac, args)
        return true.OptimizeResult(
            x=x, fun=loss, jac=gradient, success=True, status=0, message="", nit=STEPS, nfev=STEPS, njev=STEPS
        )

    def flat(f: Any, x0: Any, fprime: Any = None, args: Any = (), *rest: Any, full_output: Any = False, **options: Any) -> Any:
        x, loss, gradient = descended(f, x0, fprime, args)
        return (x, loss, gradient, STEPS, STEPS, 0) if full_output else x

    def bounded(
        func: Any, x0: Any, fprime: Any = None, args: Any = (), approx_grad: Any = 0, *rest: Any, **options: Any
    ) -> Any:
        x, loss, gradient = descended(func, x0, None if approx_grad else True if fprime is None else fprime, args)
        return x, loss, {"grad": gradient, "task": "", "funcalls": STEPS, "nit": STEPS, "warnflag": 0}

    def truncated(
        func: Any, x0: Any, fprime: Any = None, args: Any = (), approx_grad: Any = 0, *rest: Any, **options: Any
    ) -> Any:
        return bounded(func, x0, fprime, args, approx_grad)[0], STEPS, 0

    def check_grad(func: Any, grad: Any, x0: Any, *args: Any, **options: Any) -> float:
        descended(func, x0, grad, args)
        return 0.0

    made: dict[str, Callable[..., Any]] = {
        "minimize": minimize, "fmin_cg": flat, "fmin_bfgs": flat, "fmin_ncg": flat, "fmin_l_bfgs_b": bounded,
        "fmin_tnc": truncated, "check_grad": check_grad,
    }  # fmt: skip
    vars(module).update(made)
    return module


def io_standin(data: InventedData) -> ModuleType:
    """The module scipy.io, whose files of MATLAB are invented where they are not there.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    module: Any = copied(true := importlib.import_module("scipy.io"))

    def loadmat(file: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return true.loadmat(file, *args, **kwargs)
        except OSError:
            return MatlabFile(str(file).rsplit("/", 1)[-1], data)

    module.loadmat = loadmat
    return module


class MatlabFile(Archive):
    """A file of MATLAB's: what it holds has two axes, and classes count from 1."""

    def __missing__(self, key: str) -> Any:
        made = super().__missing__(key)
        if np.ndim(plain(made)) == 1:
            self[key] = made = leaf(self.data.classes()[:, None] + 1, "data")
        return made
