"""A stand-in for gym and gymnasium: environments that answer with invented observations, for policies trained by hand."""

from __future__ import annotations

import re
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.nothing import Nothing
from clearprop.gradcheck.tracing.traced import TRACE
from clearprop.gradcheck.tracing.wrappers import leaf

LENGTH: Final = 6  # steps of an episode
SCREEN: Final = (210, 160, 3)
KINDS: Final = {
    r"pong|breakout|invaders|atari|ale/|noframeskip|-v4$": (SCREEN, 6),
    r"cartpole": ((4,), 2),
    r"mountaincar": ((2,), 3),
    r"acrobot": ((6,), 3),
    r"lunar": ((8,), 4),
    r"pendulum": ((3,), 0),
    r"frozen|taxi|cliff": ((), 4),
}
"""Shape of an observation and number of actions; no shape: a whole number, no actions: a real one."""
STATES: Final = 16
NEW_STEP: Final = re.compile(r"^[ \t]*(?:[^=,\n]+,){4}[^=,\n]+=[^=\n]*\.step\(", re.MULTILINE)
OLD_STEP: Final = re.compile(r"^[ \t]*(?:[^=,\n]+,){3}[^=,\n]+=[^=\n]*\.step\(", re.MULTILINE)
NEW_RESET: Final = re.compile(r",[^=,\n]+=[^=\n]*\.reset\(|\.reset\([^()\n]*\)\[0\]")


class Environment:
    """An environment of either interface.

    Parameters
    ----------
    name : str
    pairs : bool
        Whether reset returns remarks besides the observation.
    five : bool
        Whether step tells the end of an episode from its being cut.
    """

    def __init__(self, name: str, pairs: bool, five: bool) -> None:
        shape, actions = next((kind for pattern, kind in KINDS.items() if re.search(pattern, name.lower())), ((4,), 2))
        self.pairs, self.five, self.count, self.shape = pairs, five, 0, shape
        self.random = np.random.RandomState(0)
        self.unwrapped, self.spec, self._max_episode_steps = self, SimpleNamespace(id=name, max_episode_steps=LENGTH), LENGTH
        self.observation_space = SimpleNamespace(shape=shape, n=STATES, low=-np.ones(shape), high=np.ones(shape))
        self.action_space = SimpleNamespace(n=actions, shape=() if actions else (1,), sample=lambda: self._action(actions))
        self.action_space.low, self.action_space.high, self.action_space.seed = -np.ones(1), np.ones(1), lambda *a: None
        TRACE.note(f"The environment {name} is not there; its observations were invented.")

    def _action(self, actions: int) -> Any:
        return int(self.random.randint(actions)) if actions else self.random.normal(size=1)

    def _observation(self) -> Any:
        if not self.shape:
            return int(self.random.randint(STATES))
        if len(self.shape) == 3:
            return leaf(self.random.randint(0, 256, self.shape).astype(np.uint8), "data")
        return leaf(self.random.normal(size=self.shape), "data")

    def reset(self, *args: Any, **kwargs: Any) -> Any:
        """The first observation of an episode."""
        self.count = 0
        return (self._observation(), {}) if self.pairs else self._observation()

    def step(self, action: Any) -> tuple[Any, ...]:
        """The next observation, a reward, and whether the episode is over."""
        self.count += 1
        over = self.count >= LENGTH
        reward = float(self.random.choice((-1.0, 1.0)))
        return (self._observation(), reward, over, *([False] if self.five else []), {})

    def seed(self, *args: Any) -> None:
        """Take no notice."""

    render = close = seed


def gym_standin(name: str, text: str) -> ModuleType:
    """The module gym or gymnasium, with the interface that a program's text asks for."""
    new = name == "gymnasium"
    five = bool(NEW_STEP.search(text)) or (new and not OLD_STEP.search(text))
    pairs = bool(NEW_RESET.search(text)) or (new and five)
    module: Any = ModuleType(name)
    module.make = lambda kind, *args, **kwargs: Environment(str(getattr(kind, "id", kind)), pairs, five)
    for each in ("wrappers", "spaces", "envs", "logger", "utils", "Env", "Wrapper", "ObservationWrapper"):
        setattr(module, each, Nothing(name=f"{name}.{each}"))
    return module
