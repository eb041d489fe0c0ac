"""Every rule by reflection: a new rule is planted, named, cured and documented on the day it is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from clearprop.doctor import examine
from clearprop.doctor.chart import Chart
from clearprop.doctor.diagnosis import json_safe
from clearprop.doctor.quantities import quantities
from clearprop.doctor.reasons import REASONS
from clearprop.doctor.rules import Rule, rules
from clearprop.doctor.specimens import sound

PAGES = Path(__file__).parents[2] / "docs" / "findings"


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.slug)
def test_a_planted_fault_is_named_first(rule: Rule) -> None:
    # Nine in ten are required (benchmarks/doctor_recognition.py measures it); of three, two must be named.
    said = []
    for seed in range(3):
        found = examine(rule.plant(np.random.default_rng([seed, 7])))
        said.append(found.findings[0].slug if found.findings else "healthy")
        if said.count(rule.slug) == 2:
            return
    pytest.fail(f"{rule.slug} was planted, but the doctor said {said}")


def test_sound_runs_are_healthy() -> None:
    # One false alarm in fifty is allowed (the benchmark measures it); late over-fitting of a small sample is none.
    for seed in range(8):
        found = examine(sound(np.random.default_rng([seed, 3])))
        assert {finding.slug for finding in found.findings} <= {"overfitting"}, seed


def test_slugs_are_unique_and_causes_exist() -> None:
    slugs = [rule.slug for rule in rules()]
    assert len(set(slugs)) == len(slugs) >= 34
    for rule in rules():
        assert set(rule.because) <= set(slugs), rule.slug


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.slug)
def test_every_rule_has_its_reason_and_its_page(rule: Rule) -> None:
    assert rule.slug in REASONS
    page = (PAGES / f"{rule.slug}.md").read_text()
    for part in ("## What it looks like", "## Why", "## What to do", f"{rule.slug}.png"):
        assert part in page
    assert (PAGES / f"{rule.slug}.png").stat().st_size > 1000


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.slug)
def test_a_rule_says_nothing_of_an_empty_chart(rule: Rule) -> None:
    assert rule.find(Chart()) is None


def test_measurements_are_plain_rows() -> None:
    chart = examine(sound(np.random.default_rng(1))).chart
    assert {quantity.name for quantity in quantities()} <= set(chart.measured)
    json.dumps(json_safe(chart.measured), allow_nan=False)


def test_a_diagnosis_can_be_written_as_strict_json() -> None:
    rule = next(rule for rule in rules() if rule.slug == "diverging")
    found = examine(rule.plant(np.random.default_rng(0)))
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["findings"][0]["slug"] == "diverging"
    assert found.status == 1
