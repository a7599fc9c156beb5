from __future__ import annotations

import numpy as np
import pytest

from sac_son_nav.baselines.oracle import Oracle, OracleConfig, Plans, steer
from sac_son_nav.config import load_robot
from sac_son_nav.errors import ConfigError
from sac_son_nav.navigation.route import Route
from sac_son_nav.simulation.counterfactual import twins
from sac_son_nav.simulation.scenarios import PersonGroup, Scenario, Stop
from sac_son_nav.simulation.world import World
from test.simulation.worlds import room, world

ROBOT = load_robot("simulated")


def drive(scenario: Scenario, seeds: list[int], weight: float, steps: int) -> tuple[np.ndarray, World]:
    """Everybody's largest displacement (W, N) [m] and the world at the end."""
    oracle = Oracle.begin(OracleConfig(weight=weight), scenario, ROBOT, seeds, "social_force")
    batch, without = World(scenario, ROBOT, seeds, gait=False), twins(scenario, ROBOT, seeds, steps)
    peaks = np.zeros(batch.crowd.positions.shape[:2])
    for t in range(steps):
        going = np.arange(len(seeds))
        batch.step(oracle.commands(batch, going) if t % 2 == 0 else None)
        would = np.stack([history.people[t + 1] for history in without])
        peaks = np.maximum(peaks, np.linalg.norm(batch.crowd.positions - would, axis=-1))
        if batch.reached.all():
            break
    return peaks, batch


def crossing() -> Scenario:
    """Somebody crosses the robot's way where a robot at full speed would meet them."""
    walker = PersonGroup(start=(4.4, 0.4, 4.6, 0.6), errand=(Stop((4.5, 7.0)),), speed=0.9, speed_spread=0.1)
    return world(room(10.0, 8.0), walker, start=(1.0, 4.0, 0.0), goal=(6.0, 4.0, 0.0))


def test_alone_it_goes_straight_at_full_speed() -> None:
    _, batch = drive(world(room(10.0, 4.0), start=(1.0, 2.0, 0.0), goal=(7.0, 2.0, 0.0)), [0], 20.0, 400)
    # 6 m less the tolerance of 0.3 m at 0.6 m/s, and the 0.6 / 0.8 s of speeding up at half the speed.
    assert batch.time_s == pytest.approx(5.7 / 0.6 + 0.5 * 0.75, abs=0.15)
    assert batch.poses[0, 1] == pytest.approx(2.0, abs=1e-6)


def test_what_it_weighs_more_it_does_less() -> None:
    scenario, seeds = crossing(), [0, 1, 2, 3]
    careless, quick = drive(scenario, seeds, 0.0, 600)
    careful, slow = drive(scenario, seeds, 100.0, 600)
    assert careless.mean() > 0.15  # else the test would say nothing
    assert careful.mean() < 0.5 * careless.mean()
    assert quick.reached.all()
    assert slow.reached.all()
    assert quick.time_s <= slow.time_s + 1e-9
    assert not any(quick.contacts)
    assert not any(slow.contacts)


def test_what_it_does_in_a_world_does_not_depend_on_the_batch() -> None:
    scenario = crossing()
    together, batch = drive(scenario, [5, 6], 20.0, 80)
    alone, single = drive(scenario, [6], 20.0, 80)
    np.testing.assert_array_equal(together[1], alone[0])
    np.testing.assert_array_equal(batch.poses[1], single.poses[0])


def test_steering_is_to_the_side_that_is_asked_for_and_ends_on_the_way() -> None:
    route = Route.along(np.array([[0.0, 0.0], [10.0, 0.0]]), 0.3)
    plans = Plans(np.array([1.0, -1.0, 0.0, 1.0]), np.array([0.6, 0.6, 0.0, 0.6]), np.array([5.0, 5.0, 5.0, 0.0]))
    poses = np.zeros((4, 3))
    told = steer(poses, plans, 1.0, route, ROBOT.limits, 0.8)
    assert told[0, 1] > 0.0 > told[1, 1]
    np.testing.assert_array_equal(told[2], [0.0, 0.0])  # waits, and faces the way already
    np.testing.assert_allclose(told[3], [ROBOT.limits.vx_max, 0.0], atol=1e-12)  # the plan's time is over


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"oracle: expected a weight of zero or more, got -1"):
        OracleConfig(weight=-1.0)
    with pytest.raises(ConfigError, match=r"oracle: expected 0 < renew <= horizon"):
        OracleConfig(renew=6.0)
