from __future__ import annotations

import pytest

from sac_son_nav.evaluation import throughput
from sac_son_nav.evaluation.throughput import CASES, Case, open_square, rate
from sac_son_nav.simulation.people import People


def test_as_many_people_as_are_asked_for_cross_the_square() -> None:
    people = People(open_square(20), seed=1)
    start = people.positions.copy()
    for _ in range(100):
        people.step(0.05)
    assert len(people) == 20
    assert (abs(people.positions - start).max(axis=-1) > 1.0).sum() >= 18  # 5 s of walking; few have come to a stop


@pytest.mark.parametrize("case", [Case(people=5), Case("orca", twin=True), Case(laser=True)], ids=lambda c: c.name)
def test_every_kind_of_case_can_be_timed(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("BATCH", 3), ("LASER_BATCH", 2), ("TIMED_S", 0.01), ("REPEATS", 1)):
        monkeypatch.setattr(throughput, name, value)
    assert rate(case) > 0.0


def test_no_two_cases_are_called_the_same() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
