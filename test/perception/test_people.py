"""The whole of perception on the embedded world's scans, whose people are known, and its cost."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from sac_son_nav.config import load_robot
from sac_son_nav.geometry import compose, inverse, rotate, transform_points
from sac_son_nav.perception.people import PeopleTracker, in_frame
from sac_son_nav.perception.scan_people import Detections
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Command
from test.perception.rays import broken, cast, legs

ROUND = "720 beams all round"
DRIVES = {
    "standing": lambda t: Command(0.0, 0.0),
    "driving": lambda t: Command(0.5, 0.3 * np.sin(t / 3.0)),
    "turning": lambda t: Command(0.2, 0.7),
}


@pytest.mark.parametrize("drive", DRIVES)
def test_people_of_the_open_hall(drive: str) -> None:
    """Everybody within 6 m who is in plain sight (no wall or person within 0.2 m of the line of sight for 0.5 s) and
    walks: nine in ten are within 0.35 m, their velocities right to 0.25 m/s (root mean square)."""
    scenario = load_scenario("crossing")
    world, tracker = Simulator(scenario, load_robot("simulated"), 3), PeopleTracker()
    in_sight_for = np.zeros(len(world.crowd), dtype=int)
    wanted, found, errors = 0, 0, []
    for k in range(600):
        world.step(DRIVES[drive](world.time_s))
        if k % 2:
            continue
        tracks = tracker.step(world.scan(), world.odometry.pose, "odom")
        map_from_odom = compose(world.pose, inverse(world.odometry.pose))
        places = np.asarray(transform_points(map_from_odom, tracks.positions))
        velocities = np.asarray(rotate(tracks.velocities, map_from_odom[2]))
        sight = _in_sight(world)
        in_sight_for = np.where(sight, in_sight_for + 1, 0)
        apart = np.linalg.norm(world.crowd.positions[:, None] - places[None], axis=-1)
        mine = {int(i): int(j) for i, j in zip(*linear_sum_assignment(np.minimum(apart, 1.0)), strict=True)}
        walking = np.linalg.norm(world.crowd.velocities, axis=-1) > 0.3
        for i in np.flatnonzero((in_sight_for > 5) & walking):
            wanted += 1
            if i in mine and apart[i, mine[i]] < 0.35:
                found += 1
                errors.append(np.linalg.norm(velocities[mine[i]] - world.crowd.velocities[i]))
    assert wanted > 200
    assert found / wanted > 0.95
    assert np.sqrt(np.mean(np.square(errors))) < 0.25


def _in_sight(world: Simulator) -> np.ndarray:
    """Who is within 6 m with free sight to the robot, by the floor plan's walls and the other people."""
    here, people = world.pose[:2], world.crowd.positions
    offset = people - here
    distance = np.linalg.norm(offset, axis=-1)
    seen = distance < 6.0
    for i in range(len(people)):
        on_the_way = here + np.linspace(0.0, 1.0, 60)[:, None] * offset[i]
        seen[i] &= bool(np.min(world.scenario.floor.distance_at(on_the_way[:-1])) > 0.2)
        along = people @ offset[i] / distance[i] - here @ offset[i] / distance[i]
        aside = np.abs((people - here) @ [-offset[i, 1], offset[i, 0]]) / distance[i]
        seen[i] &= not np.any((along > 0.0) & (along < distance[i] - 0.1) & (aside < 0.2))
    return seen


@pytest.mark.parametrize("drive", DRIVES)
def test_nobody_walks_in_an_empty_corridor(drive: str) -> None:
    world, tracker = Simulator(load_scenario("empty"), load_robot("simulated"), 1), PeopleTracker()
    for k in range(900):
        world.step(DRIVES[drive](world.time_s))
        if k % 2 == 0:
            tracks = tracker.step(world.scan(), world.odometry.pose, "odom")
            assert not np.any(np.linalg.norm(tracks.velocities, axis=-1) > 0.3), world.time_s


def test_fixed_frame_is_where_people_walk() -> None:
    """The laser drives at 0.5 m/s towards somebody who stands 5 m ahead: they stay where they are."""
    tracker = PeopleTracker()
    for k in range(40):
        x = 0.05 * k
        tracks = tracker.step(cast(ROUND, legs(5.0 - x, 0.5, 0.3, 1.57), seed=k, stamp_s=0.1 * k), _at(x), "odom")
    assert tracks.frame == "odom"
    np.testing.assert_allclose(tracks.positions, [[5.0, 0.5]], atol=0.06)
    np.testing.assert_allclose(tracks.velocities, [[0.0, 0.0]], atol=0.12)


def test_walker_behind_crosses_the_seam() -> None:
    """Straight behind, across the first and last beam, at 1 m/s: one id, no jump."""
    tracker, ids = PeopleTracker(), set()
    for k in range(40):
        y = -2.0 + 0.1 * k
        tracks = tracker.step(cast(ROUND, legs(-2.5, y, 0.24, 0.0), seed=k, stamp_s=0.1 * k), _at(0.0), "odom")
        if k >= 5:
            ids |= set(tracks.ids.tolist())
            np.testing.assert_allclose(tracks.positions, [[-2.5, y]], atol=0.15)
    assert len(ids) == 1


def test_walker_who_leads_the_way_is_believed() -> None:
    """Straight away from the robot the floor ahead of a walker is always hidden; what they leave is seen empty."""
    tracker = PeopleTracker()
    for k in range(30):
        scan = cast(ROUND, legs(1.5 + 0.1 * k, 0.0, 0.24, 1.57), [(9.0, -4.0, 9.0, 4.0)], seed=k, stamp_s=0.1 * k)
        tracks = tracker.step(scan, _at(0.0), "odom")
    assert tracks.confidences.max() > 0.7


def test_broken_scans_in_between_do_no_harm() -> None:
    tracker = PeopleTracker()
    for k in range(60):
        scan = cast(ROUND, legs(2.0, -3.0 + 0.1 * k, 0.24, 0.0), seed=k, stamp_s=0.1 * k)
        if k % 7 == 3:
            scan = broken(scan, np.full(720, [np.nan, np.inf, 0.0][k % 3]))
        if k == 30:
            scan = broken(scan, np.zeros(0))
        tracks = tracker.step(scan, _at(0.0), "odom")
    np.testing.assert_allclose(tracks.positions, [[2.0, 2.9]], atol=0.15)


def test_clock_set_back_starts_anew() -> None:
    tracker = PeopleTracker()
    for start in (50.0, 0.0):
        for k in range(20):
            scan = cast(ROUND, legs(2.0, -1.0 + 0.1 * k, 0.24, 0.0), seed=k, stamp_s=start + 0.1 * k)
            tracks = tracker.step(scan, _at(0.0), "odom")
        np.testing.assert_allclose(tracks.positions, [[2.0, 0.9]], atol=0.15)
        assert tracks.stamp_s == pytest.approx(start + 1.9)


def test_covariances_turn_with_the_frame() -> None:
    """A quarter turn swaps the variances along x and y."""
    local = Detections(
        0.0, "laser", np.array([[1.0, 0.0]]), np.array([np.diag([0.04, 0.01])]), np.ones(1), np.zeros(1), np.zeros(1)
    )
    fixed = in_frame(local, np.array([3.0, 2.0, 0.5 * np.pi]), "odom")
    np.testing.assert_allclose(fixed.positions, [[3.0, 3.0]], atol=1e-12)
    np.testing.assert_allclose(fixed.covariances, [np.diag([0.01, 0.04])], atol=1e-12)


def test_eight_people_going_round_in_a_room_are_all_followed() -> None:
    tracker = PeopleTracker()
    walls = [(-6.0, -5.0, 6.0, -5.0), (6.0, -5.0, 6.0, 5.0), (6.0, 5.0, -6.0, 5.0), (-6.0, 5.0, -6.0, -5.0)]
    for k in range(300):
        turns = 2.0 * np.pi * np.arange(8) / 8 + 0.02 * k
        people = [
            leg for i, a in enumerate(turns) for leg in legs((2.0 + 0.3 * i) * np.cos(a), (2.0 + 0.3 * i) * np.sin(a))
        ]
        scan = cast(ROUND, people, walls, seed=k, stamp_s=0.1 * k)
        tracks = tracker.step(scan, _at(0.0), "odom")
    assert len(tracks) >= 7


def _at(x: float) -> np.ndarray:
    return np.array([x, 0.0, 0.0])
