"""Metrics of runs: numbers one can check on paper, and what must not change them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sac_son_nav.config import load_robot
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.log import OSpace, RunLog, from_simulator
from sac_son_nav.evaluation.metrics import METRICS, Collision, collisions, describe, measure
from sac_son_nav.simulation.history import Contact
from sac_son_nav.simulation.scenarios import PersonGroup, Stop
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Command
from test.evaluation.logs import line, made, mirrored, moved, wandering
from test.simulation.worlds import room, world

ROBOT = load_robot("simulated")
HALVES = 0.5 * np.arange(5)  # 0 to 2 s


def check(log: RunLog, **expected: float) -> None:
    """What was measured is what was expected; NaN equals NaN."""
    found = measure(log, expected)
    assert found == pytest.approx(expected, abs=1e-9, nan_ok=True)


# -- the table --------------------------------------------------------------------------------------------------


def test_every_metric_says_what_it_is() -> None:
    assert len(METRICS) > 50
    assert all(len(text) > 20 for text in describe().values())
    with pytest.raises(ConfigError, match=r"metric: expected one of reached_goal, .* got 'speed'"):
        measure(made([0.0], np.zeros((1, 2))), ["speed"])


def test_units_stand_in_the_names() -> None:
    units = ("_m", "_s", "_mps", "_mps2", "_mps3", "_rad", "_share")
    plain = {n for n in METRICS if not n.endswith(units)}
    counts = {n for n in METRICS if n.startswith(("collisions_", "failures_"))}
    assert plain == counts | {"reached_goal", "success", "timeout", "spl"}


# -- the errand -------------------------------------------------------------------------------------------------


def test_errand_round_a_corner() -> None:
    """3 m along x, then 4 m along y, at 1 m/s: 7 m and 7 s where 5 m would have done. Samples lie 0.5 m apart; the one
    at 0.5 m from the goal is not within 0.5 m, the last one is. SPL = (5 - 0.5) / 7. One right angle was turned."""
    times = 0.5 * np.arange(15)
    robot = np.stack([np.minimum(times, 3.0), np.maximum(times - 3.0, 0.0), 0.5 * np.pi * (times > 3.0)], axis=-1)
    log = made(times, robot, goal=np.array([3.0, 4.0]), goal_tolerance=0.5, time_limit=20.0)
    check(
        log,
        reached_goal=1.0,
        success=1.0,
        timeout=0.0,
        time_s=7.0,
        time_to_goal_s=7.0,
        path_length_m=7.0,
        shortest_path_m=5.0,
        spl=4.5 / 7.0,
        goal_distance_final_m=0.0,
        heading_change_rad=0.5 * np.pi,
        failures_to_progress=0.0,
    )
    check(replace(log, time_limit=6.0), reached_goal=1.0, success=0.0, timeout=1.0, spl=0.0)
    check(replace(log, goal=None), reached_goal=np.nan, success=np.nan, spl=np.nan, timeout=np.nan)


def test_way_to_a_goal_behind_a_wall_and_to_one_out_of_reach() -> None:
    """The wall of the log's test of ways, for a body of 0.22 m: by (2.78, 1.28) and (3.42, 1.28)."""
    shortest = math.hypot(0.78, 0.72) + 0.64 + math.hypot(0.58, 0.72)
    log = made([0.0], [[2.0, 2.0]], goal=np.array([4.0, 2.0]), floor=room(6.0, 4.0, (3.0, 1.5, 3.2, 4.0)))
    assert measure(log)["shortest_path_m"] == pytest.approx(shortest, abs=0.1)
    closed = replace(log, floor=room(6.0, 4.0, (3.0, 0.0, 3.2, 4.0)))
    check(closed, shortest_path_m=np.nan, spl=0.0, success=0.0)


def test_robot_that_stands_fails_to_progress_every_five_seconds() -> None:
    """12 s at one place: nothing gained at 5 s nor at 10 s. A robot at 0.05 m/s gains 0.1 m every 2 s: never."""
    times = 0.5 * np.arange(25)
    goal = np.array([9.0, 0.0])
    check(made(times, np.zeros((25, 2)), goal=goal), failures_to_progress=2.0, stalled_time_s=12.0)
    check(made(times, line(times, (0, 0), (0.05, 0)), goal=goal), failures_to_progress=0.0, stalled_time_s=0.0)
    arrived = made(times, line(times, (8.9, 0), (0, 0)), goal=goal)
    check(arrived, failures_to_progress=0.0, stalled_time_s=12.0)


def test_turning_on_the_spot_is_not_stalling() -> None:
    times = 0.1 * np.arange(11)
    robot = np.stack([0.0 * times, 0.0 * times, 0.8 * times], axis=-1)
    velocities = np.stack([0.0 * times, np.where(times < 0.45, 0.8, 0.0)], axis=-1)
    # It turns at the samples 0 to 0.4 s, which stand for 0.05 + 4 * 0.1 s of the second.
    check(made(times, robot, velocities=velocities), stalled_time_s=0.55, heading_change_rad=0.8)


def test_velocity_acceleration_and_jerk() -> None:
    """0, 0.1, 0.3, 0.3 m/s, 0.1 s apart: slopes 1, 2, 0; their slopes 10, -20. Of the speed the ends weigh half."""
    log = made(0.1 * np.arange(4), np.zeros((4, 2)), velocities=[[0.0, 0], [0.1, 0], [0.3, 0], [0.3, 0]])
    check(
        log,
        speed_min_mps=0.0,
        speed_mean_mps=(0.0 + 2 * 0.1 + 2 * 0.3 + 0.3) / 6,
        speed_max_mps=0.3,
        acceleration_min_mps2=0.0,
        acceleration_mean_mps2=1.0,
        acceleration_max_mps2=2.0,
        jerk_min_mps3=-20.0,
        jerk_mean_mps3=15.0,
        jerk_max_mps3=10.0,
    )
    # What happened in a gap of 3 s is unknown: one slope of 1 is left, and no jerk.
    gap = made([0.0, 0.1, 3.1], np.zeros((3, 2)), velocities=[[0.0, 0], [0.1, 0], [0.7, 0]])
    check(gap, acceleration_max_mps2=1.0, acceleration_min_mps2=1.0, jerk_max_mps3=np.nan)


def test_clearance() -> None:
    """Along the middle of a hall 2 m wide, 1 - 0.22 m from both walls; then 0.25 m nearer to one."""
    robot = [[2.0, 1.0], [2.5, 1.0], [3.0, 0.75]]
    log = made([0.0, 0.5, 1.0], robot, floor=room(8.0, 2.0))
    assert measure(log)["clearance_min_m"] == pytest.approx(0.53, abs=0.026)
    assert measure(log)["clearance_mean_m"] == pytest.approx(0.78 - 0.25 * 0.25, abs=0.026)
    check(replace(log, floor=None), clearance_min_m=np.nan, collisions_wall=np.nan)


# -- people -----------------------------------------------------------------------------------------------------


def test_distances_to_one_who_stands() -> None:
    """The robot drives 1 m in 2 s past somebody at (1, 0.8): centres sqrt(0.8^2 + (1 - x)^2) = 1.281, 1.097, 0.943,
    0.838, 0.8 m apart. The two first weigh 0.25 and 0.5 of the 2 s. Bodies are 0.47 m less: 0.811, 0.627, 0.473, ...
    From their centre to the robot's surface it is 0.22 m less: 1.06 to 0.58 m, all personal."""
    log = made(HALVES, line(HALVES, (0, 0), (0.5, 0)), [line(HALVES, (1.0, 0.8), (0, 0))])
    apart = np.array([math.hypot(0.8, 1.0 - 0.25 * k) for k in range(5)])
    check(
        log,
        closest_approach_m=0.8,
        closest_surface_m=0.33,
        mean_nearest_surface_m=float(apart @ [0.125, 0.25, 0.25, 0.25, 0.125]) - 0.47,
        space_compliance_0_5m_centre_share=1.0,
        space_compliance_1_0m_centre_share=0.375,
        space_compliance_0_5m_surface_share=0.375,
        space_compliance_1_0m_surface_share=0.0,
        intimate_time_share=0.0,
        personal_time_share=1.0,
        social_time_share=0.0,
        people_lost_s=0.0,
        people_lost_share=0.0,
        collisions_human=0.0,
        people_speed_mean_mps=0.0,
    )


def test_zones_have_their_lower_bound_inside() -> None:
    """Centre to surface: 0.44 (intimate), 0.46 and 1.1 (personal), 1.3 (social), 3.7 m (public)."""
    robot, person = np.zeros((5, 2)), np.zeros((5, 2))
    person[:, 0] = np.array([0.44, 0.46, 1.1, 1.3, 3.7]) + 0.22
    log = made(HALVES, robot, [person])
    check(log, intimate_time_share=0.125, personal_time_share=0.5, social_time_share=0.25)


def test_nearest_person_is_found_when_others_are_lost() -> None:
    """The far one is seen throughout, the near one only at 1.0 s; before, 3 m are the least."""
    near = np.full((5, 2), np.nan)
    near[2] = [0.9, 0.0]
    log = made(HALVES, np.zeros((5, 2)), [near, line(HALVES, (3.0, 0.0), (0, 0))])
    check(log, closest_approach_m=0.9, space_compliance_1_0m_centre_share=0.75)


def test_time_to_collision() -> None:
    """They come at 0.5 m/s each from 3 m; at 2 s their centres are 1 m and their bodies 0.53 m apart, at 1 m/s."""
    head_on = made(HALVES, line(HALVES, (0, 0), (0.5, 0)), [line(HALVES, (3, 0), (-0.5, 0))])
    check(head_on, min_time_to_collision_s=0.53)
    # 0.3 m aside bodies meet earlier along the line: sqrt(0.47^2 - 0.3^2) m before.
    aside = made(HALVES, line(HALVES, (0, 0), (0.5, 0)), [line(HALVES, (3, 0.3), (-0.5, 0))])
    check(aside, min_time_to_collision_s=1.0 - math.sqrt(0.47**2 - 0.3**2))
    wide = made(HALVES, line(HALVES, (0, 0), (0.5, 0)), [line(HALVES, (3, 0.5), (-0.5, 0))])
    check(wide, min_time_to_collision_s=np.inf)
    leaving = made(HALVES, line(HALVES, (0, 0), (0.5, 0)), [line(HALVES, (1, 0), (0.6, 0))])
    check(leaving, min_time_to_collision_s=np.inf)
    inside = made(HALVES, np.zeros((5, 2)), [line(HALVES, (0.4, 0), (0.5, 0))])
    check(inside, min_time_to_collision_s=0.0)


def test_who_ran_into_whom() -> None:
    """Gaps below 0.02 m, that is centres below 0.49 m; somebody who comes again after 0.05 m of gap counts again."""
    times = 0.1 * np.arange(31)
    there = np.where(times < 1.5, 1.2 - 0.5 * times, 0.45 + 0.5 * (times - 1.5))  # 0.45 m apart at 1.5 s
    back = np.stack([there, 0.0 * times], axis=-1)
    walked_in = made(times, np.zeros((31, 2)), [back])
    assert collisions(walked_in) == [Collision(pytest.approx(1.5), 0, "person")]
    drove_in = made(times, -back, [np.zeros((31, 2))])  # facing +x, driving from -1.2 m towards 0
    assert [c.by for c in collisions(drove_in)] == ["robot"]
    backwards = made(times, np.concatenate([back, 0 * back[:, :1]], axis=1), [np.zeros((31, 2))])
    assert [c.by for c in collisions(backwards)] == ["robot"]
    unknown = replace(walked_in, robot_velocities=np.full((31, 2), np.nan))
    assert [c.by for c in collisions(unknown)] == ["unknown"]
    check(walked_in, collisions_human=1, collisions_person_into_robot=1, collisions_robot_into_person=0)
    check(drove_in, collisions_human=1, collisions_person_into_robot=0, collisions_robot_into_person=1)
    twice = made(np.concatenate([times, 3.1 + times]), np.zeros((62, 2)), [np.concatenate([back, back])])
    check(twice, collisions_human=2, success=np.nan)


def test_known_contacts_are_taken_as_they_are() -> None:
    """They say what gaps can't: here nobody is near. At 1.0 s the person closes the gap at 0.3 m/s, the robot, by the
    contact, at 0.5 or at 0.1 m/s."""
    log = made(HALVES, np.zeros((5, 2)), [line(HALVES, (3, 0), (-0.3, 0))], ids=np.array([7]))
    fast, slow = Contact(1.0, "person 7", (0.0, 0.0), 0.5), Contact(1.0, "person 7", (0.0, 0.0), 0.1)
    wall = Contact(1.5, "wall", (0.0, 0.0), 0.2)
    both = replace(log, contacts=(fast, slow, wall), goal=np.zeros(2))
    assert [(c.person, c.by) for c in collisions(both)] == [(7, "robot"), (7, "person"), (None, "robot")]
    check(both, collisions_human=2, collisions_wall=1, reached_goal=1.0, success=0.0)
    check(replace(both, contacts=()), collisions_human=0, collisions_wall=0, success=1.0)
    with pytest.raises(ConfigError, match="a person with the id 9"):
        collisions(replace(log, contacts=(replace(fast, what="person 9"),)))


def test_walls_are_touched_where_there_is_a_plan() -> None:
    """The wall is at y = 0; a body of 0.22 m at y = 0.2 touches it, at 0.5 no more, and at 0.2 again. At 0.26 its gap
    of 0.04 m is not yet the end of a touch."""
    places = np.array([[2.0, 1.0], [2.0, 0.2], [2.0, 0.2], [2.0, 0.5], [2.0, 0.2]])
    check(made(HALVES, places, floor=room(4.0, 2.0)), collisions_wall=2.0)
    places[3, 1] = 0.26
    check(made(HALVES, places, floor=room(4.0, 2.0)), collisions_wall=1.0)


def test_o_space() -> None:
    """The o-space of 0.55 m round (0.8, 0) and a body of 0.22 m overlap at centres nearer than 0.77 m. The robot comes
    along y from 1.5 m at 0.5 m/s: 1.5, 1.25, 1.0, 0.75, 0.5 m; the last two stand for 0.5 + 0.25 s of the 2 s."""
    log = made(HALVES, line(HALVES, (0.8, 1.5), (0, -0.5)), groups=(OSpace((0.8, 0.0), 0.55),))
    check(log, o_space_intrusion_s=0.75, o_space_intrusion_share=0.375)
    left = replace(log, groups=(OSpace((0.8, 0.0), 0.55, to_s=1.7),))
    check(left, o_space_intrusion_s=0.5)
    check(replace(log, groups=()), o_space_intrusion_s=0.0)


def test_people_lost_between_two_sightings() -> None:
    """Seen at 0, 0.5 and 2.0 s: 0.5 s seen, 1.5 s lost. One who leaves for good, or comes later, is not lost."""
    person, leaves = np.ones((5, 2)), np.ones((5, 2))
    person[2:4], leaves[3:] = np.nan, np.nan
    check(made(HALVES, np.zeros((5, 2)), [person]), people_lost_s=1.5, people_lost_share=0.75)
    check(made(HALVES, np.zeros((5, 2)), [leaves]), people_lost_s=0.0, people_lost_share=0.0)
    check(made(HALVES, np.zeros((5, 2)), [leaves, person]), people_lost_s=1.5, people_lost_share=0.5)


def test_social_force_of_two_who_stand() -> None:
    """Moussaïd's law for two at rest with radii of 0.3 m, 1 m apart: D = 1, B = 0.35, theta = 0, so 4.5 exp(-1 / 0.35)
    = 0.2585 m/s^2 on the person, the same on the robot; both for 2 s are 1.034 m/s of work."""
    force = 4.5 * math.exp(-1.0 / 0.35)
    log = made(HALVES, np.zeros((5, 2)), [line(HALVES, (1, 0), (0, 0))], radii=np.array([0.3]), robot_radius=0.3)
    assert measure(log, ["social_force_on_people_mps2"])["social_force_on_people_mps2"] == pytest.approx(force)
    assert measure(log, ["social_force_on_robot_mps2"])["social_force_on_robot_mps2"] == pytest.approx(force)
    assert measure(log, ["social_work_mps"])["social_work_mps"] == pytest.approx(4.0 * force)
    # One more on the other side: people are pushed twice as much, the pushes on the robot cancel.
    both = made(
        HALVES,
        np.zeros((5, 2)),
        [line(HALVES, (1, 0), (0, 0)), line(HALVES, (-1, 0), (0, 0))],
        radii=np.full(2, 0.3),
        robot_radius=0.3,
    )
    found = measure(both)
    assert found["social_force_on_people_mps2"] == pytest.approx(2.0 * force)
    assert found["social_force_on_robot_mps2"] == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(found["obstacle_force_on_robot_mps2"])


def test_walls_force() -> None:
    """0.5 m from the one wall near, with a body of 0.22 m: 3 exp(-0.28 / 0.1) = 0.1824 m/s^2, for 2 s."""
    log = made(HALVES, line(HALVES, (4.0, 0.525), (0, 0)), floor=room(8.0, 6.0))
    found = measure(log)
    gap = float(log.floor.distance_at(np.array([4.0, 0.525]))) - 0.22
    assert gap == pytest.approx(0.3, abs=0.03)
    assert found["obstacle_force_on_robot_mps2"] == pytest.approx(3.0 * math.exp(-gap / 0.1), rel=1e-6)
    assert found["social_work_mps"] == pytest.approx(2.0 * found["obstacle_force_on_robot_mps2"])


# -- edges ------------------------------------------------------------------------------------------------------


def test_nobody_there() -> None:
    log = made(HALVES, line(HALVES, (0, 0), (0.5, 0)), without=np.zeros((5, 0, 2)), deaf=np.zeros((5, 0, 2)))
    found = measure(log)
    assert found["closest_approach_m"] == found["closest_surface_m"] == found["min_time_to_collision_s"] == np.inf
    assert all(found[name] == 1.0 for name in METRICS if name.startswith("space_compliance"))
    assert all(found[n] == 0.0 for n in METRICS if "perturbation" in n or "affected" in n or n.startswith("added"))
    nothing = ("speed_lost_mps", "social_work_mps", "collisions_human", "people_lost_s", "personal_time_share")
    assert [found[name] for name in nothing] == [0.0] * 5


def test_one_sample() -> None:
    log = made(
        [3.0], [[0.0, 0.0]], [np.array([[1.0, 0.0]])], without=np.array([[[1.0, 0.3]]]), goal=np.array([0.1, 0])
    )
    check(
        log,
        time_s=0.0,
        path_length_m=0.0,
        closest_approach_m=1.0,
        space_compliance_0_5m_centre_share=1.0,
        acceleration_mean_mps2=np.nan,
        jerk_mean_mps3=np.nan,
        stalled_time_s=np.nan,
        social_work_mps=np.nan,
        perturbation_mean_m=0.3,
        perturbation_final_m=0.3,
        added_path_m=0.0,
        added_time_s=0.0,
        speed_lost_mps=np.nan,
        reached_goal=1.0,
        spl=1.0,
        time_to_goal_s=0.0,
    )
    assert set(measure(log)) == set(METRICS)


def test_a_robot_that_is_not_there_has_no_metrics_of_its_own() -> None:
    log = made(HALVES, np.full((5, 3), np.nan), [line(HALVES, (3, 0), (-0.3, 0))], goal=np.zeros(2), floor=room(4, 4))
    found = measure(log)
    own = ("path_length_m", "speed_mean_mps", "closest_approach_m", "space_compliance_0_5m_centre_share", "success")
    assert all(
        np.isnan(found[name]) for name in (*own, "min_time_to_collision_s", "social_work_mps", "clearance_min_m")
    )
    assert found["people_speed_mean_mps"] == pytest.approx(0.3)


# -- what must not matter ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_frame_the_mirror_and_the_clock_do_not_matter(seed: int) -> None:
    log = wandering(seed)
    found = measure(log)
    assert sum(math.isfinite(v) and v != 0.0 for v in found.values()) > 35  # there is something to compare
    for other in (moved(log, (3.0, -2.0, 1.1)), mirrored(log), replace(log, times=log.times + 500.0)):
        assert measure(other) == pytest.approx(found, rel=1e-6, abs=1e-6, nan_ok=True)


def test_ids_and_order_of_people_do_not_matter() -> None:
    log, order = wandering(4), [2, 0, 3, 1]
    other = replace(
        log,
        ids=log.ids[order] + 100,
        people=log.people[:, order],
        people_velocities=log.people_velocities[:, order],
        without=log.without[:, order],
        deaf=log.deaf[:, order],
    )
    assert measure(other) == pytest.approx(measure(log), nan_ok=True)


# -- the simulator ----------------------------------------------------------------------------------------------


def test_a_run_in_the_simulator() -> None:
    """The robot drives straight at somebody who heeds nothing and walks straight at it: known contacts and gaps tell
    the same story, which is that the person, twice as fast, ran into it."""
    heedless = PersonGroup(start=(6.0, 3.02), errand=(Stop((1.0, 3.0)),), robot_weight=0.0, speed_spread=0.0)
    simulator = Simulator(world(room(8.0, 6.0), heedless, start=(2.0, 3.0, 0.0), goal=(7.0, 3.0, 0.0)), ROBOT, seed=2)
    for _ in range(100):
        simulator.step(Command(0.6, 0.0))
    assert simulator.contacts
    log = from_simulator(simulator)
    by_gaps = replace(log, contacts=None)
    for found in (log, by_gaps):
        assert collisions(found)[0].by == "person"
        assert collisions(found)[0].time_s == pytest.approx(simulator.contacts[0].time_s, abs=0.11)
    found = measure(log)
    assert found["closest_surface_m"] == pytest.approx(0.0, abs=0.02)
    assert found["intimate_time_share"] > 0.0
    assert found["success"] == 0.0
    assert found["speed_max_mps"] == pytest.approx(0.6, abs=1e-6)
    assert found["acceleration_max_mps2"] == pytest.approx(0.8, abs=1e-6)  # the base's limit
    mirror = measure(mirrored(log))
    walls = ("shortest_path_m", "clearance_min_m", "clearance_mean_m", "obstacle_force_on_robot_mps2")
    assert mirror == pytest.approx(found, rel=1e-6, abs=1e-6, nan_ok=True)
    assert all(math.isfinite(found[name]) for name in walls)
