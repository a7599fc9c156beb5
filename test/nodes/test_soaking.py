"""The account of a soak: what is counted, what grows, and where it goes on."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("rclpy")

from sac_son_nav.errors import ConfigError
from sac_son_nav.nodes.soaking import Account, Stretch, places, read, summary, write
from sac_son_nav.simulation.scenarios import load_scenario


def test_memory_is_compared_after_the_start_and_by_fifths():
    # Two minutes of warming up, then ten: 100 MB in the first two, 104 MB in the last two.
    held = [50.0, 90.0, 99.0, 101.0, *[102.0] * 6, 103.0, 105.0]
    stretch = Stretch(memory_mb=[{"navigation": mb} for mb in held])
    assert stretch.growth() == {"navigation": pytest.approx(0.04)}
    assert Stretch(memory_mb=[{"navigation": 1.0}] * 3).growth() == {}  # too short to say


def test_every_goal_is_accounted_for_or_it_shows():
    account = Account(goals={"sent": 10, "arrived": 7, "refused": 1, "given_up": 1})
    assert account.open_goals == 1
    assert summary(account)["goals_not_accounted_for"] == 1


def test_a_soak_goes_on_where_it_was(tmp_path):
    account = Account(plans=100, late=2, latest_ms=140.0, stretches=[Stretch(1800.0, 600.0), Stretch(1800.0, 600.0)])
    write(account, tmp_path)
    again = read(tmp_path / "soak.json")
    assert again == account
    figures = json.loads((tmp_path / "soak.json").read_text())["summary"]
    assert (figures["world_hours"], figures["times_real_time"], figures["stretches"]) == (1.0, 3.0, 2)
    assert figures["plans_later_than_100_ms"] == 0.02
    assert read(tmp_path / "none.json") == Account()


@pytest.mark.parametrize("text", ["", "{}", '{"account": {"speed": 3}}'])
def test_an_account_that_makes_no_sense_is_refused(tmp_path, text):
    (tmp_path / "soak.json").write_text(text)
    with pytest.raises(ConfigError, match="expected the account of a soak"):
        read(tmp_path / "soak.json")


def test_the_robot_is_sent_to_open_places_far_from_the_last_one():
    scenario = load_scenario("robots/rounds")
    found = places(scenario, 0.6, 50, seed=3)
    assert found.shape == (50, 2)
    assert (np.asarray(scenario.floor.distance_at(found)) >= 0.6).all()
    way = np.linalg.norm(np.diff(np.vstack([scenario.robot_start[:2], found]), axis=0), axis=1)
    assert way.min() >= 3.0
    np.testing.assert_array_equal(found, places(scenario, 0.6, 50, seed=3))
