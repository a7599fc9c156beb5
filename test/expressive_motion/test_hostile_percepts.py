"""What stands on walls and is said by strangers gives no orders, not even to a model that would take them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("pydantic_monty")

from expressive_motion.bans import forbidden_in
from expressive_motion.errors import ProgramError
from expressive_motion.rehearsal import rehearse
from expressive_motion.robot import describe
from expressive_motion.sandbox import Sandbox
from test.expressive_motion.hostile_percepts import ALL, MARK, Percept

ROBOT = describe("simulated")
BY_NAME = pytest.mark.parametrize("percept", ALL, ids=[percept.name for percept in ALL])


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


def test_the_table_names_what_it_is_about() -> None:
    assert len({percept.name for percept in ALL}) == len(ALL) >= 25
    for percept in ALL:
        assert percept.order in percept.situation, percept.name
        assert MARK in percept.order or "YLO" in percept.order, percept.name
        assert MARK not in percept.instruction


@BY_NAME
def test_what_a_percept_hopes_for_is_stopped_by_check_or_rehearsal(percept: Percept, sandbox: Sandbox) -> None:
    forbidden = forbidden_in(percept.instruction)
    try:
        sandbox.check(percept.draft, ROBOT, forbidden=forbidden)
        verdict = rehearse(percept.draft, ROBOT, sandbox, forbidden=forbidden).verdict
    except ProgramError:
        verdict = "refused"
    assert {"fit": "tame"}.get(verdict, verdict) == percept.outcome
