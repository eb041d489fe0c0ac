"""The driver: makes the calls where a program only defines things.

Functions and classes are recognised by what they are called and by what they take: a function and its derivative; a forward
and a backward function with a cache; a layer, a loss or a network as a class; functions around parameters; one function
that returns the loss and its gradients. Each is called with guessed arguments, watched, and judged like a program that
makes these calls itself.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.claims import matched
from clearprop.gradcheck.tracing.function_classes import FIRST, OTHERS, TorchFunction
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.guesses import DATA, N_IN, N_OUT, ROWS, Pool, arrays_in, calls, key_of, pools, required
from clearprop.gradcheck.tracing.judge import Bench, NothingClaimedError, Ruling, Triple
from clearprop.gradcheck.tracing.steps import find_moves
from clearprop.gradcheck.tracing.torch_standin import Context, FunctionByHand, Tensor, tensor_of
from clearprop.gradcheck.tracing.watch import WATCHED, Enough
from clearprop.gradcheck.tracing.wrappers import TRACE, Arr, Int, Num, Traced, call, leaf, plain

# ruff: noqa: E501  (names that people use)
FORWARD: Final = r"^(forward|feed_?forward|forward_?(pass|prop(agation)?)|propagate|model_?forward|__call__|predict|compute|activate|fwd|model)$"
BACKWARD: Final = r"^(backward|back_?prop(agat(e|ion))?|backward_?(pass|prop(agation)?)|model_?backward|backprop|bwd|back_?pass|compute_?gradients?|gradients?|grads?|get_gradients|gradient)$"
TRAINS: Final = (
    r"^(train|fit|train_?step|learn|train_?on_?batch|training|optimi[sz]e|train_?network|gradient_descent|sgd|SGD|step)$"
)
UPDATE: Final = r"^(update.*|step|apply_?grad.*|optimi[sz]er?_?step|sgd|gradient_?descent(_step)?|adjust.*)$"
LOSS: Final = r"^(loss.*|compute_?(loss|cost)|cost.*|criterion|cross_?entropy.*|mse|objective|calc.*loss|.*_loss|.*_cost|J)$"
INIT: Final = r"^(init.*|initiali[sz]e.*|create_?(params|parameters|weights|network|model)|make_?(params|weights)|.*_?init)$"


@dataclass(eq=False)
class DrivenUnit:
    """Something that a program defines and that can be checked.

    Attributes
    ----------
    name : str
    kind : str
    work : callable
        Makes the calls, and returns the verdict.
    uses : set of str
        Names of the functions that it covers.
    """

    name: str
    kind: str
    work: Callable[[], Ruling]
    uses: set[str] = field(default_factory=set)


class MisfitError(Exception):
    """A layout of the data in which gradients do not have the shapes of their parameters."""


class NotCalledError(Exception):
    """None of the calls that were tried ran."""


def fresh() -> None:
    """Forget what was recorded, not which files are the program's."""
    files, notes = TRACE.files, TRACE.notes
    TRACE.__init__()  # type: ignore[misc]
    TRACE.files, TRACE.notes = files, notes
    WATCHED.started = __import__("time").perf_counter()


class Driver:
    """Finds and checks what a program defines.

    Parameters
    ----------
    namespace : dict
    sources : dict of str to str
    seed : int
    bench : Bench
        Where verdicts come from.
    asked : sequence of str
        Names that were asked for: a function without arguments among them is an adapter.
    """

    def __init__(
        self, namespace: dict[str, Any], sources: dict[str, str], seed: int, bench: Bench, asked: Sequence[str] = ()
    ) -> None:
        self.bench, self.asked = bench, asked
        self.namespace, self.sources, self.seed, self.strict = namespace, sources, seed, False
        own = {
            n: t for n, t in namespace.items() if (inspect.isfunction(t) or inspect.isclass(t)) and t.__module__ == "__main__"
        }
        self.functions = {n: t for n, t in own.items() if inspect.isfunction(t)}
        self.classes = {n: t for n, t in own.items() if inspect.isclass(t)}

    def units(self, simple: bool = False) -> list[DrivenUnit]:
        """All that is recognised; where the program takes steps itself, only functions with their derivatives."""
        found = [*self._adapters(), *self._derivatives(), *self._of_several()]
        if simple:
            return found
        found += [*self._pairs(), *self._layer_chains()]
        used = {name for unit in found for name in unit.uses}
        for each in (self._classes(used), self._pipelines(used), self._loss_and_gradients(used)):
            for unit in each:
                found.append(unit)
                used |= unit.uses
        return found

    def left_over(self, units: list[DrivenUnit]) -> list[str]:
        """Functions and classes that look like back-propagation and belong to no unit."""
        used = {name for unit in units for name in unit.uses}
        looks = r"(back|grad|deriv|prime|delta|bptt)"
        classes = [n for n, c in self.classes.items() if any(re.search(BACKWARD, m) for m in vars(c))]
        return [n for n in (*[f for f in self.functions if re.search(looks, f, re.IGNORECASE)], *classes) if n not in used]

    def judged(
        self,
        triples: Sequence[Triple] | None,
        loss: Any = None,
        layer: bool = False,
        exact: bool = False,
    ) -> Ruling:
        """The verdict on what was recorded: on claimed gradients, or, without any, on the steps that were taken."""
        given = loss.vertex if isinstance(loss, Traced) else None
        try:
            return self.bench.claims(TRACE, triples, given, layer, exact)
        except NothingClaimedError as error:
            raise NotCalledError(str(error)) from None

    def _fit(self, triples: list[tuple[str, Any, Any]]) -> None:
        """Refuse gradients of other shapes than their parameters, as long as there are other layouts to try.

        Raises
        ------
        MisfitError
        """
        if self.strict and any(np.shape(plain(p)) != np.shape(plain(g)) for _, p, g in triples):
            raise MisfitError

    # ---------------------------------------------------------------- adapters

    def _adapters(self) -> Iterator[DrivenUnit]:
        for name, function in self.functions.items():
            if name.startswith("clearprop_check") or (name in self.asked and not required(function)):
                yield DrivenUnit(name, "adapter", lambda function=function: self._adapter(function), {name})  # type: ignore[misc]

    def _adapter(self, function: Callable[..., Any]) -> Ruling:
        fresh()
        f, grad, x = function()
        tree = traced_tree(x)
        fresh_named(tree)
        result = f(tree)
        loss, gradients = result if grad is None else (result, grad(tree))
        named = arrays_in(tree, "" if isinstance(tree, dict) else "x")
        claimed = all_arrays(gradients, "" if isinstance(gradients, dict) else "x")
        return self.judged(matched(named, claimed), loss, exact=True)

    # ---------------------------------------------------------------- a function and its derivative

    def _derivatives(self) -> Iterator[DrivenUnit]:
        for name, base in derivative_pairs(self.functions):
            yield DrivenUnit(name, "derivative of a function", lambda n=name, b=base: self._derivative(b, n), {name})  # type: ignore[misc]

    def _derivative(self, base: str, name: str) -> Ruling:
        last: BaseException | None = None
        rounds: list[Ruling] = []
        for at_value in (False, True):
            for scalar in (False, True):
                fresh()
                try:
                    z = leaf(np.random.default_rng(self.seed).normal(size=(3, 4) if not scalar else 4), "data")
                    z.vertex.names.append("z")
                    made = self._apply(self.functions[base], z, scalar)
                    slope = self._apply(self.functions[name], made if at_value else z, scalar)
                    if np.shape(plain(slope)) != np.shape(plain(z)):
                        raise NotCalledError("its value has another shape than its argument")
                    loss = call(np.sum, (made,), {})
                    found = self.judged([("z", z, slope)], loss, exact=True)
                except (Exception, Enough) as error:
                    last = error
                    continue
                if found.verdict == "right":
                    if at_value:
                        found.notes.append(f"{name} is right as a function of the value a, not of z: call it with {base}(z).")
                    return found
                rounds.append(found)
                break
        if not rounds:
            raise NotCalledError(str(last))
        return rounds[0]

    def _apply(self, function: Callable[..., Any], z: Any, scalar: bool) -> Any:
        if not scalar:
            return function(z)
        return call(np.array, ([function(item) for item in z],), {})

    # ---------------------------------------------------------------- a loss of two arguments and its derivative

    def _of_several(self) -> Iterator[DrivenUnit]:
        several = {n: f for n, f in self.functions.items() if len(required(f)) > 1}
        lower = {key_of(n): n for n in several}
        for name in several:
            bases = [(m.group(1), "") for pattern in PATTERNS if (m := re.match(pattern, name, re.IGNORECASE))]
            bases += [
                (m.group(2), m.group(1)) for m in [re.match(r"^(?:d|grad|deriv|derivative)_([a-zA-Z]\w?)_(.+)$", name)] if m
            ]
            for base, by in bases:
                other = lower.get(key_of(base), "")
                if (
                    other
                    and other != name
                    and required(several[other]) == required(several[name])
                    and not re.search(FORWARD_NAME, other)
                ):
                    yield DrivenUnit(name, "derivative of a function", partial(self._several, other, name, by), {name})
                    break

    def _several(self, base: str, name: str, by: str) -> Ruling:
        names, last = required(self.functions[base]), NotCalledError("no arguments were tried")
        order = (
            [by]
            if by in names
            else sorted(
                names,
                key=lambda n: (re.match(DATA_P, n, re.IGNORECASE) is None, re.match(DATA_Y, n, re.IGNORECASE) is not None),
            )
        )
        for shape in ((ROWS, N_OUT), (ROWS, 1), (ROWS,), ()):
            for chosen in order:
                fresh()
                rng = np.random.default_rng(self.seed)
                values: dict[str, Any] = {}
                for n in names:
                    y = (rng.random(shape) > 0.5) * 1.0
                    values[n] = leaf(
                        np.asarray(y) if re.match(DATA_Y, n, re.IGNORECASE) else 0.1 + 0.8 * rng.random(shape), "data"
                    )
                    if shape == ():
                        values[n] = leaf(float(0.1 + 0.8 * rng.random()), "data")
                fresh_named(values)
                try:
                    made, slope = self.functions[base](*values.values()), self.functions[name](*values.values())
                    if np.shape(plain(slope)) != shape:
                        raise NotCalledError("its value has another shape than its argument")
                    loss = call(np.sum, (made,), {})
                    return self.judged([(chosen, values[chosen], slope)], loss)
                except (Exception, Enough) as error:
                    last = NotCalledError(str(error))
        raise last

    # ---------------------------------------------------------------- x_forward and x_backward

    def _pairs(self) -> Iterator[DrivenUnit]:
        for name, function in self.functions.items():
            base = re.sub(r"_?(backward|back|bwd|backprop)_?", "", name)
            for other, forward in self.functions.items():
                if (
                    (
                        base
                        and other != name
                        and re.search(r"forward|fwd", other)
                        and re.sub(r"_?(forward|fwd)_?", "", other) == base
                    )
                    and len(required(function)) <= 3
                    and base
                    not in (
                        "propagation",
                        "prop",
                        "pass",
                        "model",
                        "l_model",
                        "L_model",
                    )
                ):
                    yield DrivenUnit(name, "backward of a function", partial(self._pair, forward, function), {name, other})

    def _pair(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> Ruling:
        last: BaseException = NotCalledError("no arguments were tried")
        for make in pools(seed=self.seed):
            for inputs in self._inputs_of(forward, make()):
                fresh()
                try:
                    return self._pair_once(forward, backward, inputs)
                except (Exception, Enough) as error:
                    last = error
        raise NotCalledError(str(last))

    def _pair_once(self, forward: Callable[..., Any], backward: Callable[..., Any], inputs: dict[str, Any]) -> Ruling:
        inputs = {name: traced_tree(value) for name, value in inputs.items()}
        fresh_named(inputs)
        result = forward(*inputs.values())
        out, cache = result if isinstance(result, tuple) and len(result) == 2 else (result, None)
        dout = leaf(np.random.default_rng(self.seed + 1).normal(size=np.shape(plain(out))), "data")
        if isinstance(out, Traced) and not out.vertex.names:
            out.vertex.names.append("out")
        loss = call(np.sum, (call(np.multiply, (out, dout), {}),), {})
        names = required(backward)
        first = re.match(r"^(d|grad|up|g)", names[0], re.IGNORECASE) is not None
        arguments = (dout,) if len(names) == 1 else ((dout, cache) if first else (cache, dout))
        if cache is None and len(names) > 1:
            arguments = (dout, *inputs.values())[: len(names)] if first else (*inputs.values(), dout)[-len(names) :]
        found = backward(*arguments)
        claimed = all_arrays(found if isinstance(found, (tuple, list, dict)) else (found,), "")
        floats = {n: a for n, a in inputs.items() if isinstance(a, Arr) and a.dtype.kind == "f"}
        triples = matched(floats, claimed) if isinstance(found, dict) else in_order(floats, list(claimed.values()))
        return self.judged(triples, loss, layer=True, exact=True)

    def _inputs_of(self, forward: Callable[..., Any], pool: Pool) -> Iterator[dict[str, Any]]:
        """Arguments of a forward function: data, weights and biases by their names."""
        rng, names = np.random.default_rng(self.seed), required(forward)
        columns = pool.layout.startswith("column")
        for n_out in (N_OUT, N_IN):
            made: dict[str, Any] = {}
            for name in names:
                low = key_of(name)
                if low in ("gamma", "beta", "g"):
                    made[name] = rng.normal(size=N_IN)
                elif low.startswith(("w", "k", "theta", "filter")) and "params" not in low:
                    made[name] = rng.normal(size=(n_out, N_IN) if columns else (N_IN, n_out))
                elif low.startswith("b") and not low.startswith("batch"):
                    made[name] = rng.normal(size=(n_out, 1) if columns else n_out)
                else:
                    given = pool.candidates(name)
                    made[name] = plain(given[0]) if given else rng.normal(size=np.shape(plain(pool.X)))
            yield made

    # ---------------------------------------------------------------- classes

    def _classes(self, used: set[str]) -> Iterator[DrivenUnit]:
        for name, kind in self.classes.items():
            if name in used or inspect.isabstract(kind):
                continue
            methods = {m for base in kind.__mro__[:-1] for m in vars(base) if callable(getattr(kind, m, None))}
            forward = first_of(methods, FORWARD)
            backward, train = first_of(methods, BACKWARD), first_of(methods, TRAINS)
            if is_autograd(kind):
                yield DrivenUnit(name, "torch.autograd.Function", lambda k=kind, n=name: self._autograd(n, k), {name})  # type: ignore[misc]
            elif forward and backward and self._is_layer(kind, forward, backward):
                yield DrivenUnit(name, "layer class", lambda k=kind, f=forward, b=backward: self._layer(k, f, b), {name})  # type: ignore[misc]
            elif (forward or first_of(methods, LOSS)) and (backward or train or first_of(methods, LOSS)):
                yield DrivenUnit(name, "network class", lambda k=kind, m=methods: self._network(k, m), {name})  # type: ignore[misc]

    def _is_layer(self, kind: Any, forward: str, backward: str) -> bool:
        """Whether backward takes the gradient of the value: one argument of such a name, or the input as well."""
        names = [n for n in required(getattr(kind, backward)) if n != "self"]
        init = [n for n in required(kind.__init__) if n != "self"] if kind.__init__ is not object.__init__ else []
        if any(re.match(r"^(y|t|targets?|labels?|y_true|y_train)$", n, re.IGNORECASE) for n in names) or len(init) > 2:
            return False
        grads = [n for n in names if re.match(r"^(d|grad|up|g$|top_diff|accum|delta|error|out.*grad|next)", n, re.IGNORECASE)]
        return bool(grads) or (not names and len(required(getattr(kind, forward))) == 3)

    def _instance(self, kind: Any, pool: Pool, layer: bool, k: int) -> Any:
        """The k-th object that can be made of a class; None if there are no more."""
        for n, made in enumerate(self._instances(kind, pool, layer)):
            if n == k:
                return made
        return None

    def _instances(self, kind: Any, pool: Pool, layer: bool) -> Iterator[Any]:
        init = kind.__init__ if kind.__init__ is not object.__init__ else None
        names = required(init)[1:] if init else []
        if not names:
            yield kind()
            return
        bound: Callable[..., Any] = lambda *args: kind(*args)  # noqa: E731
        extra = {n: [self._helper(n)] for n in names if self._helper(n) is not None}
        options = []
        for name in names:
            found = extra.get(name) or pool.candidates(name, prefer_sizes=True)
            options.append(found[:2] or [N_IN, N_OUT])
        tried: list[tuple[Any, ...]] = []
        if layer and len(names) == 2:
            tried.append((N_IN, N_OUT))
        if not layer and len(names) == 3:
            tried.append(tuple(option[0] for option in options))
        tried += list(_some(options, 8))
        if len(names) == 1:
            tried += [([4, 5, 3],), (N_IN,)]
        for arguments in tried:
            try:
                yield bound(*arguments)
            except Exception:
                continue

    def _helper(self, name: str) -> Any:
        """A function or object of the program that an argument may stand for: an activation, a loss, a layer."""
        low = name.lower()
        if re.search(r"activation|act_?f|nonlin", low):
            return next((f for n, f in self.functions.items() if re.match(r"^(sigmoid|relu|tanh|ReLU)$", n)), "relu")
        return None

    def _layer(self, kind: Any, forward: str, backward: str) -> Ruling:
        last: BaseException = NotCalledError(f"{kind.__name__} could not be made with the usual arguments")
        for make in pools(seed=self.seed):
            for k in range(6):
                fresh()
                pool = make()
                made = self._instance(kind, pool, True, k)
                if made is None:
                    break
                try:
                    return self._layer_once(made, forward, backward, pool)
                except (Exception, Enough) as error:
                    last = error
        raise NotCalledError(f"{type(last).__name__}: {last}" if not isinstance(last, NotCalledError) else str(last))

    def _layer_once(self, made: Any, forward: str, backward: str, pool: Pool) -> Ruling:
        x = pool.X
        names = required(getattr(made, forward))
        is_loss = len(names) >= 2
        if is_loss:
            x = leaf(np.random.default_rng(self.seed).dirichlet(np.ones(N_OUT), size=ROWS), "data")
            x = x if not pool.layout.startswith("col") else x.T.copy()
        x.vertex.names.append(names[0] if names else "x")
        parameters = dict(arrays_of(made).items())
        arguments = (x, *([pool.Y] if is_loss else []))[: len(names)]
        if is_loss and re.match(DATA_Y, names[0], re.IGNORECASE):
            arguments = arguments[::-1]
        out = getattr(made, forward)(*arguments)
        cache = None
        if isinstance(out, tuple) and len(out) == 2:
            out, cache = out
        if out is None:
            out = next(
                (vars(made)[n] for n in ("output", "out", "outputs", "a", "y", "value", "loss") if n in vars(made)), None
            )
        if isinstance(out, Traced) and not out.vertex.names:
            out.vertex.names.append("out")
        if not isinstance(out, Traced):
            raise NotCalledError(f"{forward} returns nothing that depends on its input; is a return missing?")
        needed = required(getattr(made, backward))
        dout = leaf(
            np.random.default_rng(self.seed + 1).normal(size=np.shape(plain(out)))
            if np.size(plain(out)) > 1
            else np.float64(1.0),
            "data",
        )
        if np.size(plain(out)) == 1 and needed and is_loss and len(needed) == 2:
            values = {n: (x if re.match(DATA_P, n, re.IGNORECASE) else pool.Y) for n in needed}
            loss, result = out, getattr(made, backward)(*values.values())
        else:
            loss = call(np.sum, (call(np.multiply, (out, dout), {}),), {})
            grads = [
                n for n in needed if re.match(r"^(d|grad|up|g$|top_diff|accum|delta|error|out.*grad|next)", n, re.IGNORECASE)
            ]
            for name in grads[:1]:
                dout.vertex.names.append(name)
            given = {
                n: dout
                if n in grads[:1]
                else (cache if cache is not None else pool.candidates(n)[:1][0] if pool.candidates(n) else x)
                for n in needed
            }
            result = getattr(made, backward)(*given.values())
        claimed = all_arrays(result if isinstance(result, (dict, tuple, list)) else {"x": result}, "")
        left = {n: a for n, a in arrays_of(made).items() if n not in parameters or a.vertex is not parameters[n].vertex}
        named = {"x": x, **{n: a for n, a in parameters.items() if a.vertex.floating}}
        triples = []
        if isinstance(result, (tuple, list)):
            triples = in_order(named, list(claimed.values()))
        elif isinstance(result, dict):
            triples = matched(named, claimed)
        elif isinstance(result, Traced):
            triples = [("x", x, result)]
        done = {t[0] for t in triples}
        rest = {n: a for n, a in named.items() if n not in done}
        for n in ("dinputs", "dx", "grad_input", "dinput", "dX"):
            if "x" in rest and n in left:
                triples.append(("x", rest.pop("x"), left.pop(n)))
        by_name = list(matched_by_name(rest, left))
        triples += by_name
        if not triples:
            raise NotCalledError(f"{backward} returns nothing, and leaves no gradient such as dW behind; is a return missing?")
        return self.judged(triples, loss, layer=True, exact=True)

    def _network(self, kind: Any, methods: set[str]) -> Ruling:
        last: BaseException = NotCalledError(f"{kind.__name__} could not be made with the usual arguments")
        for strict, make in itertools.product((True, False), pools(seed=self.seed)):
            self.strict = strict
            for k in range(6):
                fresh()
                pool = make()
                made = self._instance(kind, pool, False, k)
                if made is None:
                    break
                try:
                    return self._network_once(made, methods, pool)
                except MisfitError:
                    continue
                except (Exception, Enough) as error:
                    first = isinstance(last, NotCalledError) and "usual arguments" in str(last)
                    last = error if first or isinstance(error, NotCalledError) else last
        raise NotCalledError(f"{type(last).__name__}: {last}" if not isinstance(last, NotCalledError) else str(last))

    def _network_once(self, made: Any, methods: set[str], pool: Pool) -> Ruling:
        parameters = arrays_of(made)
        before = {n: a.vertex for n, a in parameters.items()}
        result: Any = None
        loss: Any = None
        backward, train = first_of(methods, BACKWARD), first_of(methods, TRAINS)
        for _ in range(2):
            forward = first_of(methods, FORWARD)
            if forward:
                out = tried(getattr(made, forward), pool)
                pool.add("Yhat", out[-1] if isinstance(out, tuple) else out)
                if isinstance(out, tuple) and len(out) == 2:
                    pool.add("cache", out[1])
            method = first_of(methods, LOSS)
            if method and (required(getattr(made, method)) or not backward):
                value = tried(getattr(made, method), pool, quiet=bool(backward or train))
                if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], Traced):
                    loss, result = value
                elif isinstance(value, Traced):
                    loss = value
            if result is None and backward:
                result = tried(getattr(made, backward), pool)
                claimed = arrays_in(result, "") if result is not None else {}
                if not claimed and first_of(methods, UPDATE) and not TRACE.steps:
                    tried(getattr(made, first_of(methods, UPDATE)), pool, quiet=True)
            elif result is None and train:
                tried(getattr(made, train), pool)
                break
            if result is not None and arrays_in(result, ""):
                break
        if TRACE.steps and any(m.round == 0 for m in find_moves(Graph(TRACE))):
            return self.judged(None)
        now = {n: type(parameters[n])(v) if isinstance(parameters[n], Arr) else parameters[n] for n, v in before.items()}
        claimed = all_arrays(result, "")
        if isinstance(result, tuple) and backward:
            named = names_of_returned(result, getattr(made, backward), self.sources)
            claimed = named if len(named) == len(claimed) else claimed
        left = {n: a for n, a in arrays_of(made).items() if n not in before}
        triples = matched(now, claimed) if claimed else matched_by_name(now, left)
        self._fit(triples)
        if not triples:
            raise NotCalledError(
                "its backward pass returns nothing, moves nothing, and leaves no gradient behind; is a return missing?"
            )
        return self.judged(triples, loss)

    # ---------------------------------------------------------------- layers and a loss that belong together

    def _layer_chains(self) -> Iterator[DrivenUnit]:
        losses = [
            n
            for n, c in self.classes.items()
            if len(_own(c, "forward")) == 2 and len(_own(c, "backward")) == 0 and "backward" in _methods(c)
        ]
        dense = [
            n
            for n, c in self.classes.items()
            if len(_own(c, "forward")) == 1 and len(_own(c, "backward")) == 1 and len(required(c.__init__)) == 3
        ]
        if losses and dense:
            try:
                found = self._chain(self.classes[dense[0]], self.classes[losses[0]])
            except (Exception, Enough):
                return
            if found.verdict != "inconclusive":
                yield DrivenUnit(f"{dense[0]} and {losses[0]}", "layers with their loss", lambda: found, {dense[0], losses[0]})

    def _chain(self, dense: Any, loss_class: Any) -> Ruling:
        last: BaseException = NotCalledError("no layout of the data was tried")
        for make in pools(seed=self.seed):
            fresh()
            pool = make()
            try:
                layers, loss = [dense(N_IN, 5), dense(5, N_OUT)], loss_class()
                x, parameters = pool.X, [arrays_of(layer) for layer in layers]
                vertices = [{n: type(a)(a.vertex) if isinstance(a, Arr) else a for n, a in own.items()} for own in parameters]
                for layer in layers:
                    x = layer.forward(x)
                value = loss.forward(x, pool.Y)
                if not isinstance(value, Traced) or value.size != 1:
                    raise NotCalledError("its loss is no number")
                g = loss.backward()
                for layer in layers[::-1]:
                    g = layer.backward(g)
                triples = []
                for k, layer in enumerate(layers, 1):
                    floats = vertices[k - 1]
                    rest = {n: a for n, a in arrays_of(layer).items() if n not in floats}
                    triples += [(f"{n} of layer {k}", p, c) for n, p, c in matched_by_name(floats, rest)]
                return self.judged(triples, value)
            except (Exception, Enough) as error:
                last = error
        raise NotCalledError(str(last))

    # ---------------------------------------------------------------- functions around parameters

    def _pipelines(self, used: set[str]) -> Iterator[DrivenUnit]:
        free = {n: f for n, f in self.functions.items() if n not in used}
        parts = {
            part: first_of(set(free), pattern)
            for part, pattern in (("init", INIT), ("forward", FORWARD), ("backward", BACKWARD))
        }
        if parts["forward"] and parts["backward"]:
            uses = {n for n in (*parts.values(), first_of(set(free), LOSS), first_of(set(free), UPDATE)) if n}
            yield DrivenUnit(str(parts["backward"]), "functions around parameters", lambda: self._pipeline(parts, free), uses)

    def _pipeline(self, parts: dict[str, str], free: dict[str, Any]) -> Ruling:
        last: BaseException = NotCalledError("no layout of the data was tried")
        sizes = self._sizes_of(parts, free)
        for lists in (False, True):
            if lists and not (parts["init"] and self._in_lists(free[parts["init"]])):
                break
            for strict, make in itertools.product((True, False), pools(*sizes, seed=self.seed, lists=lists)):
                self.strict = strict
                fresh()
                pool = make()
                if "torch" in self.namespace:
                    pool.X, pool.Y = tensor_of(pool.X), tensor_of(pool.Y)
                try:
                    return self._pipeline_once(parts, free, pool)
                except MisfitError:
                    continue
                except (Exception, Enough) as error:
                    if (
                        not isinstance(last, NotCalledError)
                        or isinstance(error, NotCalledError)
                        or str(last).startswith("no layout")
                    ):
                        last = error
        raise NotCalledError(str(last))

    def _in_lists(self, init: Callable[..., Any]) -> bool:
        """Whether parameters are lists of numbers."""
        fresh()
        try:
            made = tried(init, pools()[0](), sizes=True)
        except (Exception, Enough):
            return False
        return any(isinstance(a, Num) for a in arrays_in(made, "").values())

    def _sizes_of(self, parts: dict[str, str], free: dict[str, Any]) -> tuple[int, int]:
        """Numbers of inputs and outputs, where the program fixes them."""
        if not parts["init"] or required(free[parts["init"]]):
            return N_IN, N_OUT
        fresh()
        try:
            shapes = [a.shape for a in arrays_in(free[parts["init"]](), "").values() if len(a.shape) == 2 and min(a.shape) > 1]
        except Exception:
            return N_IN, N_OUT
        if not shapes:
            return N_IN, N_OUT
        first, last = shapes[0], shapes[-1]
        chained = first[1] == last[0] if len(shapes) > 1 else True
        return (
            (first[0], last[1])
            if chained and first[0] != last[1] and first[1] != first[0] and first[0] != last[1]
            else (first[1], last[0])
        )

    def _pipeline_once(self, parts: dict[str, str], free: dict[str, Any], pool: Pool) -> Ruling:
        made: Any = None
        if parts["init"]:
            made = tried(free[parts["init"]], pool, sizes=True)
            remember(pool, made, free[parts["init"]], self.sources)
            wanted = [n for n in required(free[parts["forward"]]) if not re.match(DATA["X"], n.lower())]
            if isinstance(made, tuple) and len(made) == len(wanted):
                for n, value in zip(wanted, made, strict=True):
                    pool.add(n, value)
            for name in ("params", "parameters", "weights", "theta", "model", "net", "network", "p", "param", "wb"):
                if isinstance(made, (dict, list)):
                    pool.add(name, made)
        out = tried(free[parts["forward"]], pool)
        remember(pool, out, free[parts["forward"]], self.sources)
        prediction = out
        if isinstance(out, tuple):
            caches = [o for o in out if isinstance(o, dict)] or [o for o in out if isinstance(o, (list, tuple))][-1:]
            prediction = next(
                (o for o in out if isinstance(o, (Arr, Num))), next((o for o in out if not isinstance(o, dict)), out[0])
            )
            prediction = out[-1] if all(isinstance(o, Arr) for o in out) else prediction
            if caches:
                for name in ("cache", "caches", "outputs", "activations", "saved", "memory", "values", "cached", "state"):
                    pool.add(name, caches[0])
        elif isinstance(out, (dict, list)):
            for name in ("cache", "caches", "outputs", "activations", "out"):
                pool.add(name, out)
            flat = list(arrays_in(out, "").values())
            prediction = flat[-1] if flat else out
        pool.add("Yhat", prediction)
        loss: Any = None
        loss_name = first_of({n for n in free if not re.search(r"grad|deriv|prime|back", n)}, LOSS)
        if loss_name:
            loss = tried(free[loss_name], pool, quiet=True)
            loss = loss[0] if isinstance(loss, tuple) else loss
        result = tried(free[parts["backward"]], pool)
        if result is None:
            raise NotCalledError(f"{parts['backward']} returns nothing; is a return missing?")
        remember(pool, result, free[parts["backward"]], self.sources)
        if isinstance(result, dict):
            pool.add("grads", result)
            pool.add("gradients", result)
        parameters = (
            arrays_in(made, "") if not isinstance(made, tuple) else names_of_returned(made, free[parts["init"]], self.sources)
        )
        if isinstance(made, tuple) and len(made) == len(wanted):
            parameters = {n: a for n, value in zip(wanted, made, strict=True) for n, a in all_arrays(value, n).items()}
        gradients = (
            all_arrays(result, "")
            if not isinstance(result, tuple)
            else names_of_returned(result, free[parts["backward"]], self.sources)
        )
        triples = matched(parameters, gradients)
        update = first_of(set(free), UPDATE)
        moved = self._updated(free, update, pool, parameters) if update else None
        if moved is not None:
            return moved
        self._fit(triples)
        if not triples:
            raise NotCalledError(f"what {parts['backward']} returns could not be matched with the parameters")
        given = loss if isinstance(loss, Traced) and loss.size == 1 else None
        return self.judged(triples, given)

    def _updated(self, free: dict[str, Any], update: str, pool: Pool, parameters: dict[str, Any]) -> Ruling | None:
        """The verdict on the steps that the update function takes; None if it takes none."""
        seen = len(TRACE.steps)
        try:
            tried(free[update], pool)
        except (Exception, Enough):
            return None
        if len(TRACE.steps) == seen:
            return None
        moves = find_moves(Graph(TRACE))
        return self.judged(None) if len(moves) >= len(parameters) else None

    # ---------------------------------------------------------------- one function for the loss and its gradients

    def _loss_and_gradients(self, used: set[str]) -> Iterator[DrivenUnit]:
        for name, function in self.functions.items():
            if name not in used and re.search(r"loss|cost|grad|objective", name, re.IGNORECASE) and required(function):
                yield DrivenUnit(name, "loss and gradient", lambda f=function: self._loss_and_gradient(f), {name})  # type: ignore[misc]

    def _loss_and_gradient(self, function: Callable[..., Any]) -> Ruling:
        last: BaseException = NotCalledError("it did not return (loss, gradient) for any arguments that were tried")
        for strict, make in itertools.product((True, False), pools(seed=self.seed)):
            self.strict = strict
            for inputs in self._loss_inputs(function, make()):
                fresh()
                try:
                    inputs = {name: traced_tree(value) for name, value in inputs.items()}
                    fresh_named(inputs)
                    result = function(*inputs.values())
                    if not isinstance(result, (tuple, list)) or len(result) < 2:
                        continue
                    value, *rest = result
                    if not isinstance(value, Traced) or value.size != 1:
                        continue
                    tree = rest[0] if len(rest) == 1 and isinstance(rest[0], (dict, list, tuple)) else rest
                    claimed = all_arrays(tree, "")
                    floats = {n: a for n, a in inputs.items() if isinstance(a, Arr) and a.dtype.kind == "f"}
                    if isinstance(tree, dict):
                        triples = matched_by_name(floats, claimed)
                    else:
                        order = sorted(floats, key=lambda n: n.lower() in ("x", "y", "t", "yhat") and len(floats) > 1)
                        triples = in_order({n: floats[n] for n in order}, list(claimed.values()), by_shape=True)
                    if triples:
                        self._fit(triples)
                        return self.judged(triples, value, exact=True)
                except MisfitError:
                    continue
                except (Exception, Enough) as error:
                    last = error
        raise NotCalledError(str(last))

    def _loss_inputs(self, function: Callable[..., Any], pool: Pool) -> Iterator[dict[str, Any]]:
        rng = np.random.default_rng(self.seed)
        for shape in ((N_IN, N_OUT), (N_IN, 1), (N_IN,)):
            made: dict[str, Any] = {}
            for name in required(function):
                low = key_of(name)
                if low.startswith(("w", "theta")):
                    made[name] = rng.normal(size=shape)
                elif low.startswith("b") and not low.startswith("batch"):
                    made[name] = rng.normal(size=shape[1:])
                elif re.match(DATA_P, name, re.IGNORECASE) or low in ("x", "scores", "logits", "z"):
                    made[name] = rng.normal(size=(ROWS, N_OUT)) if len(required(function)) == 2 else plain(pool.X)
                else:
                    given = pool.candidates(name)
                    made[name] = plain(given[0]) if given else rng.normal(size=shape)
            yield made

    # ---------------------------------------------------------------- torch

    def _autograd(self, name: str, kind: Any) -> Ruling:
        if FunctionByHand in kind.__mro__:
            return self._by_hand(kind)
        line, file = backward_line(kind)
        return self.bench.function(TorchFunction(kind, np.random.default_rng(self.seed), file, line))

    def _by_hand(self, kind: Any) -> Ruling:
        """Its forward and backward, watched."""
        forward, backward = vars(kind)["forward"].__func__, vars(kind)["backward"].__func__
        names, last = required(forward)[1:], NotCalledError("it ran on no inputs that were tried")
        for shapes in itertools.product(FIRST, *[OTHERS] * (len(names) - 1)):
            fresh()
            rng = np.random.default_rng(self.seed)
            inputs = {
                n: Tensor(leaf(np.asarray(rng.normal(size=s)), "data").vertex) for n, s in zip(names, shapes, strict=True)
            }
            fresh_named(inputs)
            try:
                context = Context(len(inputs))
                out = forward(context, *inputs.values())
                dout = tensor_of(leaf(rng.normal(size=np.shape(plain(out))), "data"))
                dout.vertex.names.append(required(backward)[1])
                loss = call(np.sum, (call(np.multiply, (out, dout), {}),), {})
                result = backward(context, dout)
                gradients = list(result) if isinstance(result, tuple) else [result]
                triples = [(n, inputs[n], g) for n, g in zip(names, gradients, strict=False) if g is not None]
                if any(np.shape(plain(p)) != np.shape(plain(g)) for _, p, g in triples):
                    raise NotCalledError("its gradients have other shapes than its inputs")
                return self.judged(triples, loss, exact=True)
            except (Exception, Enough) as error:
                last = NotCalledError(str(error))
        raise last


def backward_line(kind: Any) -> tuple[int, str]:
    """The last line of the backward method of a class, where its gradients are returned, and its file."""
    code = kind.backward.__code__
    lines = [line for _, _, line in code.co_lines() if line]
    return max(lines, default=code.co_firstlineno), code.co_filename


FORWARD_NAME = r"forward|fwd|propag"
DATA_Y = r"^(y|t|targets?|labels?|y_?true|truth|expected|actual)$"
DATA_P = r"^(y_?hat|y_?pred|pred.*|probs?|outputs?|logits|p|o|out|a|yp)$"
PATTERNS = (
    r"^(.+?)_?(?:prime|derivative|derivate|deriv|der|grad|gradient|backward|dash|diff)$",
    r"^(?:d|grad|deriv|derivative|derivative_of|gradient|prime|der|grad_x|dx)_(.+)$",
    r"^d([a-zA-Z]{3,})$",
)


def derivative_pairs(functions: dict[str, Any]) -> list[tuple[str, str]]:
    """Pairs of a derivative and its function, both of one argument.

    Examples
    --------
    >>> derivative_pairs({"f": lambda z: z * z, "f_prime": lambda z: 2 * z})
    [('f_prime', 'f')]
    """
    simple = {n for n, f in functions.items() if len(required(f)) == 1}
    lower = {n.lower().replace("_", ""): n for n in simple}
    found = []
    for name in functions:
        bases = [m.group(1) for pattern in PATTERNS if (m := re.match(pattern, name, re.IGNORECASE))]
        base = next((lower[b.lower().replace("_", "")] for b in bases if b.lower().replace("_", "") in lower), None)
        if base and base != name and name in simple:
            found.append((name, base))
    return found


def first_of(names: Any, pattern: str) -> str:
    """The first name that the pattern fits, in the order of its alternatives; "" if none does."""
    fitting = [n for n in names if re.match(pattern, n)]
    order = ["forward", "feedforward", "backward", "backprop", "train"]
    fitting.sort(key=lambda n: (order.index(n) if n in order else 9, len(n), n))
    return fitting[0] if fitting else ""


def tried(function: Callable[..., Any], pool: Pool, sizes: bool = False, quiet: bool = False) -> Any:
    """The result of the first call that runs.

    Raises
    ------
    Exception
        That of the first call, if none runs and not `quiet`.
    """
    first: BaseException | None = None
    for arguments in calls(function, pool, sizes):
        try:
            return function(*arguments)
        except Exception as error:
            first = first or error
    if quiet:
        return None
    raise first if first is not None else NotCalledError("no arguments were found for it")


def _some(options: list[list[Any]], most: int) -> Iterator[tuple[Any, ...]]:
    return itertools.islice(itertools.product(*options), most)


def traced_tree(tree: Any) -> Any:
    """The same tree with traced leaves, floats in double precision."""
    if isinstance(tree, dict):
        return {key: traced_tree(item) for key, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(traced_tree(item) for item in tree)
    if isinstance(tree, Traced):
        value = tree.vertex.value
        return leaf(np.array(value) if isinstance(value, np.ndarray) else value, "data")
    if isinstance(tree, (np.ndarray, float)):
        return leaf(np.array(tree) if isinstance(tree, np.ndarray) else float(tree), "data")
    return tree


def fresh_named(tree: Any) -> None:
    """Give each leaf of a tree its name."""
    for name, array in arrays_in(tree, "" if isinstance(tree, dict) else "x").items():
        if name not in array.vertex.names:
            array.vertex.names.append(name)


def all_arrays(tree: Any, name: str) -> dict[str, Any]:
    """Arrays and numbers of a tree, traced or not."""
    if isinstance(tree, (Arr, Num, np.ndarray, np.floating)) or (isinstance(tree, float) and not isinstance(tree, Int)):
        return {name: tree}
    found: dict[str, Any] = {}
    if isinstance(tree, dict):
        for key, item in tree.items():
            found |= all_arrays(item, f"{name}[{key!r}]" if name else str(key))
    elif isinstance(tree, (list, tuple)):
        for k, item in enumerate(tree):
            found |= all_arrays(item, f"{name}[{k}]")
    return found


def arrays_of(made: Any) -> dict[str, Any]:
    """Float arrays among the attributes of an object, through dicts and lists of them."""
    found: dict[str, Any] = {}
    for name, value in vars(made).items():
        if isinstance(value, (Arr, dict, list, tuple, Num)):
            found |= {n: a for n, a in arrays_in(value, name).items() if a.vertex.floating and a.size}
    return found


def matched_by_name(parameters: dict[str, Any], gradients: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """The part of `matched` that goes by names."""
    from clearprop.gradcheck.tracing.claims import stem, stems_of_gradient

    found, left = [], dict(parameters)
    for name, gradient in gradients.items():
        stems = stems_of_gradient(name)
        for own in list(left):
            if stem(own) in stems[1:] or (stem(own) in stems and not stem(own).isdigit() and len(stems) == 1):
                found.append((own, left.pop(own), gradient))
                break
    return found


def in_order(parameters: dict[str, Any], gradients: list[Any], by_shape: bool = False) -> list[tuple[str, Any, Any]]:
    """Gradients for parameters in their order; by shape first, where asked."""
    if by_shape:
        found, left = [], dict(parameters)
        for gradient in gradients:
            same = [n for n, p in left.items() if np.shape(plain(p)) == np.shape(plain(gradient))] or list(left)[:1]
            if same:
                found.append((same[0], left.pop(same[0]), gradient))
        return found
    return [(n, p, g) for (n, p), g in zip(parameters.items(), gradients, strict=False)]


def remember(pool: Pool, made: Any, function: Callable[..., Any], sources: dict[str, str]) -> None:
    """Put what a function returned into the pool, under the names that it has there."""
    if isinstance(made, tuple):
        for name, value in zip(returned_names(function, sources, len(made)), made, strict=False):
            if name:
                pool.add(name, value)
    elif made is not None:
        for name in returned_names(function, sources, 1):
            pool.add(name, made)
    if isinstance(made, dict):
        for key, value in made.items():
            if isinstance(key, str):
                pool.add(key, value)


def names_of_returned(made: tuple[Any, ...], function: Callable[..., Any], sources: dict[str, str]) -> dict[str, Any]:
    """The arrays of a returned tuple by the names that they have in the return statement."""
    found: dict[str, Any] = {}
    for k, (name, value) in enumerate(zip(returned_names(function, sources, len(made)), made, strict=False)):
        found |= all_arrays(value, name or f"[{k}]")
    return found


def returned_names(function: Callable[..., Any], sources: dict[str, str], count: int) -> list[str]:
    """The names in the last return statement of a function; "" for what is no name."""
    import ast

    code = function.__code__
    try:
        tree = ast.parse(sources.get(code.co_filename, ""))
    except SyntaxError:
        return [""] * count
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.lineno <= code.co_firstlineno + 5 and node.name == code.co_name:
            returns = [r for r in ast.walk(node) if isinstance(r, ast.Return) and r.value is not None]
            if returns:
                value = returns[-1].value
                elements = value.elts if isinstance(value, ast.Tuple) else [value]
                if len(elements) == count:
                    return [ast.unparse(e) if isinstance(e, (ast.Name, ast.Attribute)) else "" for e in elements]
    return [""] * count


def _own(kind: Any, method: str) -> list[str]:
    return [n for n in required(getattr(kind, method, lambda: None)) if n != "self"]


def _methods(kind: Any) -> set[str]:
    return {m for base in kind.__mro__[:-1] for m in vars(base)}


def is_autograd(kind: Any) -> bool:
    """Whether it derives from torch.autograd.Function; torch is not imported to find out."""
    import sys

    if isinstance(kind, type) and FunctionByHand in kind.__mro__:
        return kind is not FunctionByHand
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(kind, type) and issubclass(kind, torch.autograd.Function)
