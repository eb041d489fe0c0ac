"""Runs a program of the table for a few steps, and reads its parameters, its loss and its gradients as it passes.

Two calls are put into the program's syntax tree, one where a step begins, one where its gradients are complete. So the program
on disk stays as its author would write it, and one parameter array can be moved along a direction at the beginning of any step:
that is all that finite differences need. Run as a module, it reads programs as JSON lines and says what each of them did:

    python -m support.program_runs
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import signal
import sys
import warnings
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

from support.program_table import Program, line_of

SEED = re.compile(r"(seed\(|seed=|default_rng\(|RandomState\()\d+")


class Enough(BaseException):
    """Ends a program that has made as many steps as were asked for."""


@dataclass
class Watched:
    """Parameters at the beginning of each step, and loss and gradients at its end; arrays, by the parameter's expression."""

    parameters: list[dict[str, np.ndarray]] = field(default_factory=list)
    gradients: list[dict[str, np.ndarray]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Move:
    """A step h along a direction, for one parameter, at the beginning of one step (from 0)."""

    step: int
    parameter: str
    direction: np.ndarray
    h: float


def reseeded(source: str, seed: int) -> str:
    """The same program with every literal seed replaced."""
    return SEED.sub(lambda match: f"{match[1]}{seed}", source)


def numbers(value: Any) -> np.ndarray:
    """An array, a tensor or nested lists, copied as float64."""
    return np.array(value.tolist() if type(value).__module__ == "torch" else value, dtype=np.float64)


def shift(value: Any, by: np.ndarray) -> None:
    """Add to an array, a tensor or nested lists in place."""
    if isinstance(value, list):
        for k, row in enumerate(value):
            if isinstance(row, list):
                shift(row, by[k])
            else:
                value[k] = row + float(by[k])
    elif isinstance(value, np.ndarray):
        value += by
    else:
        value += value.new_tensor(by.tolist())


class Watch:
    """The two calls that are put into a program."""

    def __init__(self, program: Program, steps: int, move: Move | None = None) -> None:
        self.program, self.steps, self.move = program, steps, move
        self.seen = Watched()

    def start(self, names: dict[str, Any], local: dict[str, Any]) -> None:
        """Note the parameters, and move one of them if it is its turn."""
        scope = {**names, **local}
        # A program that has its first step behind it is asked for no gradients twice in one step.
        self.seen.parameters.append({p: numbers(eval(p, scope)) for p in self.program.gradients})
        if len(self.seen.parameters) > self.steps:
            raise Enough
        self.seen.gradients.append({})
        if self.move and self.move.step == len(self.seen.parameters) - 1:
            shift(eval(self.move.parameter, scope), self.move.h * self.move.direction)

    def stop(self, names: dict[str, Any], local: dict[str, Any]) -> None:
        """Note the loss and those gradients that this place knows."""
        if not self.seen.gradients:
            return
        scope = {**names, **local}
        if len(self.seen.losses) < len(self.seen.gradients):
            self.seen.losses.append(float(eval(self.program.loss, scope)))
        for parameter, gradient in self.program.gradients.items():
            if parameter not in self.seen.gradients[-1]:
                with contextlib.suppress(NameError):
                    self.seen.gradients[-1][parameter] = numbers(eval(gradient, scope))


class Planted(ast.NodeTransformer):
    """Puts a call before the statements of given lines."""

    def __init__(self, calls: dict[int, str]) -> None:
        self.calls = calls

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for block in ("body", "orelse", "finalbody"):
            body = getattr(node, block, None)
            if isinstance(body, list):
                setattr(node, block, [new for old in body for new in self.before(old)])
        return node

    def before(self, statement: ast.stmt) -> list[ast.stmt]:
        call = self.calls.get(statement.lineno)
        if call is None:
            return [statement]
        made = ast.parse(f"{call}(globals(), locals())").body
        return [*(ast.copy_location(new, statement) for new in made), statement]


@lru_cache(maxsize=8)
def planted(right: str, text: str, start: str, stops: tuple[str, ...]) -> CodeType:
    """A source in float64 with both calls in it, at the lines where these places are in the right one."""
    calls = {line_of(right, place): "__stop__" for place in stops} | {line_of(right, start): "__start__"}
    tree = Planted(calls).visit(ast.parse(text.replace("np.float32", "np.float64")))
    return compile(ast.fix_missing_locations(tree), "program", "exec")


def run(program: Program, source: str | None = None, steps: int = 3, move: Move | None = None) -> Watched:
    """Run a program (or an edited source of it, its lines where they were) in float64, and say what was seen.

    Raises
    ------
    Exception
        Whatever the program raises; LookupError if it ends before it has made a step.
    """
    text = program.source if source is None else source
    watch = Watch(program, steps, move)
    names = {"__name__": "__main__", "__start__": watch.start, "__stop__": watch.stop}
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), double_precision("import torch" in text):
        warnings.simplefilter("ignore")
        with contextlib.suppress(Enough):
            exec(planted(program.source + program.driver, text + program.driver, program.start, program.stops), names)
    if len(watch.seen.parameters) <= 1 or not watch.seen.losses:
        raise LookupError(f"{program.name} ended before it had made a step")
    return watch.seen


@contextlib.contextmanager
def double_precision(torch_too: bool) -> Any:
    """PyTorch's default type, float64 for the while."""
    if not torch_too:
        yield
        return
    import torch

    kept = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(kept)


# ---------------------------------------------------------------- against finite differences


def slope_along(program: Program, step: int, parameter: str, direction: np.ndarray, h: float) -> float:
    """Central difference of the loss of one step when one parameter is moved along a direction as the step begins."""
    above, below = (run(program, None, step + 1, Move(step, parameter, direction, sign * h)).losses[step] for sign in (1, -1))
    return (above - below) / (2 * h)


@np.errstate(invalid="ignore", over="ignore", divide="ignore")
def off(program: Program, later: int = 2, seed: int = 0) -> float:
    """Largest relative error of the gradients, at the first step and at a later one, each along two random directions.

    A gradient that is not finite, or of another shape than its parameter, is infinitely wrong.
    """
    rng, worst = np.random.default_rng(seed), 0.0
    seen = run(program, None, later + 1)
    for step in (0, later):
        assert seen.gradients[step].keys() == program.gradients.keys()
        for parameter, gradient in seen.gradients[step].items():
            if gradient.shape != seen.parameters[step][parameter].shape:
                return np.inf
            for _ in range(2):
                direction = rng.standard_normal(gradient.shape)
                slope = slope_along(program, step, parameter, direction, 1e-6)
                scale = np.linalg.norm(gradient) * np.linalg.norm(direction) / np.sqrt(gradient.size)
                error = abs(slope - np.sum(gradient * direction)) / (scale + 1e-6)
                worst = max(worst, error if np.isfinite(error) else np.inf)
    return float(worst)


# ---------------------------------------------------------------- many, in a process of their own


def limited(program: Program, source: str, steps: int, seconds: float) -> dict[str, Any]:
    """What a program did, as plain lists; {"error": ...} if it failed or took too long."""

    def late(*_: Any) -> None:
        raise TimeoutError(f"more than {seconds} s")

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        seen = run(program, source, steps)
    except (Exception, SystemExit) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    plain = [{name: [array.shape, array.ravel().tolist()] for name, array in step.items()} for step in seen.parameters]
    slopes = [{name: [array.shape, array.ravel().tolist()] for name, array in step.items()} for step in seen.gradients]
    return {"parameters": plain, "gradients": slopes}


def sent(program: Program) -> dict[str, Any]:
    """A program of the table as JSON."""
    return {**asdict(program), "folder": str(program.folder)}


def received(fields: dict[str, Any]) -> Program:
    """The program that `sent` has written."""
    return Program(**{**fields, "stops": tuple(fields["stops"]), "folder": Path(fields["folder"])})


def main() -> None:
    """Answer one JSON line for each JSON line {"program", "source", "steps", "seconds"}."""
    for line in sys.stdin:
        asked = json.loads(line)
        answer = limited(received(asked["program"]), asked["source"], asked["steps"], asked["seconds"])
        print(json.dumps(answer), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    main()
