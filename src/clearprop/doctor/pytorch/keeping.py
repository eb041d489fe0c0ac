"""Keeping: whatever random state is drawn from while the doctor works is put back as it was."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from clearprop.nn.pytorch import torch


@contextmanager
def kept(*loaders: Any) -> Iterator[None]:
    """Restore the states of PyTorch's, NumPy's and Python's generators, and those of the loaders, at the end."""
    own = [generator for loader in loaders for generator in generators(loader)]
    states = [generator.get_state() for generator in own]
    torchs, pythons = torch.random.get_rng_state(), random.getstate()
    numpys = np.random.get_state()  # noqa: NPY002 (whoever uses the old generator is to find it as it was)
    try:
        yield
    finally:
        torch.random.set_rng_state(torchs)
        np.random.set_state(numpys)  # noqa: NPY002
        random.setstate(pythons)
        for generator, state in zip(own, states, strict=True):
            generator.set_state(state)


def generators(loader: Any) -> list[Any]:
    """Generators of a loader and of its samplers."""
    places = [loader, getattr(loader, "sampler", None), getattr(loader, "batch_sampler", None)]
    places.append(getattr(places[-1], "sampler", None))
    found = [getattr(place, "generator", None) for place in places]
    return list({id(g): g for g in found if isinstance(g, torch.Generator)}.values())
