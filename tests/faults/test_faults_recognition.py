"""Every fault of the catalogue is named, wherever it is planted. A new fault in the catalogue is tested here by itself."""

from __future__ import annotations

import functools
import inspect
from pathlib import Path

import numpy as np
import pytest

from clearprop.gradcheck.faults import Fault, catalogue, name_faults
from clearprop.gradcheck.faults.matching import Claim
from clearprop.gradcheck.faults.pairs import ordered
from support.faults_specimens import Specimen, random_step, right_gradients, slugs

NETS = 6
by_slug = pytest.mark.parametrize("kind", catalogue(), ids=lambda kind: kind.slug)


@functools.cache
def specimens(seed: int) -> Specimen:
    return Specimen(seed)


def plantings(kind: type[Fault], count: int):
    """Specimens with the fault at a site where it changes the gradient."""
    found = 0
    for seed in range(4000):
        specimen = specimens(seed)
        fault = specimen.draw(kind)
        if fault is not None and specimen.changes(fault):
            found += 1
            yield specimen, fault
        if found == count:
            return
    pytest.fail(f"{kind.slug} changes the gradient of only {found} of 4000 random nets")


@by_slug
def test_a_planted_fault_is_named(kind: type[Fault]) -> None:
    named = [any(slugs(answer) == {kind.slug} for answer in s.answers(fault)) for s, fault in plantings(kind, NETS)]
    assert np.mean(named) >= 0.95


@by_slug
def test_a_fault_can_be_told_in_words(kind: type[Fault]) -> None:
    specimen, fault = next(plantings(kind, 1))
    suspects = name_faults(specimen.step, specimen.gradients(fault), specimen.previous)
    suspect = next(s for s in suspects if s.fault == kind.slug)
    assert suspect.sentence.endswith(".")
    assert "what you get if " in suspect.sentence
    assert not set("{}") & set(suspect.sentence)
    assert "if  " not in suspect.sentence
    assert suspect.remedy not in suspect.hint  # the hint does not give the answer away
    assert suspect.title not in suspect.hint
    assert suspect.error < 1e-4


@by_slug
def test_a_fault_is_small_and_stands_with_its_family(kind: type[Fault]) -> None:
    path = Path(inspect.getfile(kind))
    assert path.parent.name == "catalogue"
    assert len(path.read_text().splitlines()) < 300
    assert len(inspect.getsource(kind).splitlines()) < 50
    assert [other for other in catalogue() if other.slug == kind.slug] == [kind]
    assert kind.__doc__
    assert kind.title
    assert kind.remedy
    assert kind.hint


def test_pairs_of_faults_are_named() -> None:
    kinds = catalogue()
    named = []
    for seed in range(1_000_000, 1_004_000):
        specimen = Specimen(seed)
        f, g = (specimen.draw(kinds[i]) for i in specimen.rng.choice(len(kinds), 2, replace=False))
        if f is None or g is None or not specimen.changes(f) or not specimen.changes(g):
            continue
        f, g = ordered(f, g)
        if specimen.is_pair(f, g):
            named.append(any(slugs(answer) == slugs((f, g)) for answer in specimen.answers(f, g)))
        if len(named) == 60:
            break
    assert np.mean(named) >= 0.8


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_right_gradient_is_not_accused(dtype: str) -> None:
    for seed in range(200):
        seen, gradients = right_gradients(random_step(np.random.default_rng(seed)), dtype)
        assert name_faults(seen, gradients) == [], seed


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_an_error_of_half_a_permille_is_no_known_fault_and_spoils_a_match(dtype: str) -> None:
    """The tolerance is proved by a mutant: a fault's gradient that is 0.05 % off at its largest number is not that fault's.

    Nets are left out in which rounding in that dtype can do as much as half of that.
    """
    checked = 0
    kind = next(kind for kind in catalogue() if kind.slug == "derivative-omitted")
    for specimen, fault in plantings(kind, 20):
        specimen = Specimen(specimen.seed)
        specimen.dtype = dtype
        made = specimen.gradients(fault)
        largest = np.unravel_index(np.abs(made["W1"]).argmax(), made["W1"].shape)
        claim = specimen.claim(fault).claim
        if claim.floors["W1"] > 2.5e-4 * np.abs(made["W1"]).max():
            continue
        made["W1"][largest] *= np.dtype(dtype).type(1.0005)
        tape = specimen.search.planted(fault)
        assert claim.agrees(tape)
        assert not Claim(made, specimen.search.right).agrees(tape)
        checked += 1
        if checked < 4:
            assert name_faults(specimen.step, made, specimen.previous) == []
    assert checked >= 15


def test_lists_that_were_computed_in_float32_are_recognised_as_such() -> None:
    kind = next(kind for kind in catalogue() if kind.slug == "sign-reversed")
    specimen, fault = next(plantings(kind, 1))
    made = {name: g.astype(np.float32).astype(np.float64) for name, g in specimen.gradients(fault).items()}
    assert any(suspect.fault == "sign-reversed" for suspect in name_faults(specimen.step, made, specimen.previous))


def test_the_amount_of_an_update_made_too_early_is_found() -> None:
    kind = next(kind for kind in catalogue() if kind.slug == "updated-weights")
    specimen, _ = next(plantings(kind, 1))
    fault = kind(kind.sites(specimen.search.right)[0], amount=0.25)
    suspects = name_faults(specimen.step, specimen.gradients(fault), specimen.previous)
    assert any("lr = 0.25" in suspect.sentence for suspect in suspects)
