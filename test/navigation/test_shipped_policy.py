"""The shipped policy: what it answers, and what a navigator makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sac_son_nav.baselines.planners import make_planner
from sac_son_nav.config import load_robot
from sac_son_nav.errors import CheckpointError, ConfigError
from sac_son_nav.maps import FREE, OccupancyMap
from sac_son_nav.navigation import policy
from sac_son_nav.navigation.navigator import NavigationConfig, Navigator
from sac_son_nav.navigation.route import Route
from sac_son_nav.states import Observation, RobotState, Tracks

ROBOT = load_robot("simulated")


def two_people() -> Tracks:
    places, paces = np.array([[2.5, 0.1], [1.0, -1.5]]), np.array([[-1.0, 0.0], [0.3, 0.4]])
    return Tracks(0.0, "map", np.arange(2), places, paces, np.zeros((2, 4, 4)), np.ones(2))


def wall() -> np.ndarray:
    return np.stack([np.linspace(-1.0, 4.0, 26), np.full(26, 1.2)], axis=-1)


def observation() -> Observation:
    return Observation(0.0, RobotState(0.0, np.zeros(3), np.array([0.4, 0.0])), two_people(), wall())


def navigator(mode: str, learned: policy.LearnedPolicy | None) -> Navigator:
    made = Navigator(NavigationConfig(mode=mode), ROBOT.radius, ROBOT.limits, policy=learned)
    made.set_map(OccupancyMap(np.full((200, 400), FREE, np.int8), 0.05, (-10.0, -5.0)))
    made.set_goal(np.array([8.0, 0.0, 0.0]))
    return made


def test_golden_output() -> None:
    """Of the shipped weights, as they were when they were made: the first and the last velocity of each proposal."""
    route = Route.along(np.array([[0.0, 0.0], [8.0, 0.0]]), 0.3)
    asked = (np.zeros(3), np.array([0.4, 0.0]), route, ROBOT.radius, ROBOT.limits.forward_only(), wall(), two_people())
    found = policy.load()(*asked, 12, 0.4)
    np.testing.assert_allclose(found.scores, [-5.306, -4.4479, -1.2991, -2.241, -4.3058, -0.6196], atol=2e-3)
    first = [
        [0.5871, -0.1919],
        [0.5388, 0.4105],
        [0.0327, -1.0791],
        [0.4021, 0.7224],
        [0.5551, 0.3543],
        [0.0341, 1.1208],
    ]
    last = [
        [0.5996, 0.0022],
        [0.5969, 0.0892],
        [0.5965, -0.0463],
        [0.5987, 0.0563],
        [0.5993, 0.0338],
        [0.5978, -0.0148],
    ]
    np.testing.assert_allclose(found.velocities[:, 0], first, atol=2e-3)
    np.testing.assert_allclose(found.velocities[:, -1], last, atol=2e-3)


def test_the_policy_alone_drives_by_its_favourite() -> None:
    plan = navigator("policy", policy.load()).step(observation())
    assert plan.considered.shape == (1, 12, 3)
    assert plan.command.linear > 0.0
    assert plan.people_with.shape == (2, 12, 2)


def test_both_consider_what_the_planner_considers_and_more() -> None:
    learned = policy.load()
    alone, both = (navigator(mode, learned).step(observation()) for mode in ("planner", "both"))
    more = learned.config.proposals * (1 + NavigationConfig().planner.policy_variations)
    assert len(both.considered) == len(alone.considered) + more
    for pose in alone.considered:
        assert (np.abs(both.considered - pose).max(axis=(1, 2)) < 1e-12).any()


def test_without_weights_the_planner_drives_as_it_would_and_one_line_says_so(tmp_path: Path) -> None:
    learned, lack = policy.for_mode("both", str(tmp_path / "nothing"))
    assert learned is None
    assert lack.startswith("mode both: the planner drives alone, for there is no policy: model ")
    assert "\n" not in lack
    fallen_back, planner = (navigator(mode, learned).step(observation()) for mode in ("both", "planner"))
    assert fallen_back.command == planner.command
    np.testing.assert_array_equal(fallen_back.considered, planner.considered)
    assert policy.for_mode("planner") == (None, "")


def test_a_benchmark_does_not_measure_another_planner_than_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    from sac_son_nav.baselines import planners

    def nothing() -> policy.LearnedPolicy:
        raise CheckpointError("weights: no such file")

    monkeypatch.setattr(planners, "_shipped_policy", nothing)
    with pytest.raises(CheckpointError):
        make_planner("sac_son_policy", ROBOT, None, np.zeros(3), 0)
    assert make_planner("sac_son_planner", ROBOT, None, np.zeros(3), 0)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ConfigError, match="mode: expected planner, policy or both, got 'neither'"):
        NavigationConfig(mode="neither")
