"""What a step of the task brings, against the worlds it stands for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sac_son_nav.config import load_robot
from sac_son_nav.datasets.pedestrians import PedestrianRecording, Track
from sac_son_nav.errors import ConfigError, MessageError
from sac_son_nav.simulation.counterfactual import twin
from sac_son_nav.simulation.person_groups import PersonGroup, Stop
from sac_son_nav.simulation.recorded import Recording
from sac_son_nav.simulation.rewards import RewardConfig
from sac_son_nav.simulation.scenarios import Scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.simulation.task import PERIOD, NavigationTask, TaskConfig
from sac_son_nav.states import Command
from test.simulation.worlds import room, world

TERM_NAMES = ("progress", "success", "collision", "wall", "time", "personal_space", "perturbation")
ROBOT = load_robot("simulated")
STOP = np.array([[-1.0, 0.0]])  # the base has no reverse, so its lowest speed is none
FORWARD = np.array([[1.0, 0.0]])


def meeting() -> Scenario:
    """Two who come towards the robot, one who crosses its way."""
    return world(
        room(10.0, 6.0),
        PersonGroup(start=(6.0, 2.6, 8.0, 3.4), errand=(Stop((1.0, 3.0)),), count=2),
        PersonGroup(start=(4.0, 0.5, 5.0, 1.0), errand=(Stop((4.5, 5.5)),)),
        start=(1.5, 3.0, 0.0),
        goal=(9.0, 3.0, 0.0),
    )


def statue(x: float) -> Scenario:
    """Somebody who stands at (x, 3) and minds no robot, in the way of one at (1, 3) whose goal is 3 m ahead."""
    who = PersonGroup(start=(x, 3.0), robot_weight=0.0)
    return world(room(10.0, 6.0), who, start=(1.0, 3.0, 0.0), goal=(4.0, 3.0, 0.0))


def task(scenario: Scenario, seeds: tuple[int, ...] = (1,), **settings: Any) -> NavigationTask:
    return NavigationTask(scenario, ROBOT, TaskConfig(**settings), seeds)


def test_it_is_the_world_of_the_seed_and_its_twin_to_the_last_bit() -> None:
    seed, scenario = 7, meeting()
    learner, simulator = task(scenario, (3, seed)), Simulator(scenario, ROBOT, seed)
    displaced, random = [], np.random.default_rng(5)
    for _ in range(50):
        actions = np.stack([np.ones(2), random.uniform(-0.3, 0.3, 2)], axis=-1)
        learner.step(actions)
        v, w = learner.velocities_for(actions)[1]
        simulator.step(Command(v, w))
        simulator.step()
        displaced.append(learner.measure()["displacement"][1])
    history, without = simulator.history, twin(scenario, ROBOT, seed, simulator.steps)
    np.testing.assert_array_equal(learner.world.poses[1], simulator.pose)
    np.testing.assert_array_equal(learner.world.crowd.positions[1], simulator.crowd.positions)
    exact = np.linalg.norm(history.people - without.people, axis=-1)[2::2]  # after every second step of the world
    np.testing.assert_array_equal(displaced, exact)
    assert exact.max() > 0.2
    assert learner.measure()["perturbation"][1] == pytest.approx(exact.mean())


def test_terms_add_up_to_what_the_run_was() -> None:
    learner = task(meeting(), (1, 2, 3), reward=RewardConfig(perturbation=-2.0))
    start, sums, rewards, displaced = learner.measure()["way"], dict.fromkeys(TERM_NAMES, 0.0), 0.0, 0.0
    for _ in range(40):
        done = learner.step(np.repeat(FORWARD, 3, axis=0))
        sums = {name: sums[name] + value for name, value in done.terms.items()}
        rewards = rewards + done.reward
        displaced = displaced + learner.displacement.sum(axis=-1)
        for name, value in learner.measure()["terms"].items():
            np.testing.assert_array_equal(value, done.terms[name])
    np.testing.assert_allclose(sums["progress"], start - learner.measure()["way"])
    np.testing.assert_allclose(sums["time"], 4.0)
    np.testing.assert_allclose(sums["perturbation"], PERIOD * displaced)
    assert (displaced > 0.0).all()
    worth = {**{name: getattr(RewardConfig(), name) for name in TERM_NAMES}, "perturbation": -2.0}
    np.testing.assert_allclose(rewards, sum(worth[name] * sums[name] for name in TERM_NAMES))


def test_personal_space_is_charged_by_the_square_of_the_intrusion() -> None:
    learner = task(statue(1.6))
    done = learner.step(STOP)
    # Centres 0.6 m apart; the space reaches 0.5 m from the robot's side, 0.22 m from its centre.
    np.testing.assert_allclose(done.terms["personal_space"], [0.1 * 0.12**2])
    np.testing.assert_array_equal(task(statue(1.8)).step(STOP).terms["personal_space"], [0.0])


def test_a_run_ends_at_the_goal_and_success_counts_once() -> None:
    learner, ends, successes = task(statue(9.0)), [], 0.0
    for _ in range(60):
        done = learner.step(FORWARD)
        successes += done.terms["success"][0]
        ends.append(bool(done.terminated[0]))
        assert not done.truncated[0]
    # 0.3 m before the goal, 2.7 m: after 0.75 s of speeding up to 0.6 m/s, 0.24 m behind, 4.9 s.
    assert ends.index(True) + 1 == pytest.approx(49, abs=1)
    assert (successes, sum(ends)) == (1.0, 1)
    assert learner.measure()["success"].tolist() == [True]


@pytest.mark.parametrize("ends", [True, False])
def test_touching_a_person_may_end_a_run(ends: bool) -> None:
    learner, touched = task(statue(2.0), ends_on_contact=ends), []
    for _ in range(30):
        done = learner.step(FORWARD)
        touched.append(float(done.terms["collision"][0]))
        assert done.terminated[0] == (ends and any(touched))
    assert sum(touched) == 1.0
    assert learner.measure()["collision"].tolist() == [True]


def test_touching_a_wall_is_counted_and_ends_nothing() -> None:
    learner = task(world(room(6.0, 6.0), start=(5.0, 3.0, 0.0), goal=(1.0, 3.0, 0.0)))
    runs = [learner.step(FORWARD) for _ in range(30)]
    assert sum(float(done.terms["wall"][0]) for done in runs) == 1.0
    assert not any(done.terminated[0] for done in runs)


def test_time_runs_out() -> None:
    learner = task(replace(meeting(), time_limit=0.5))
    truncated = [bool(learner.step(STOP).truncated[0]) for _ in range(6)]
    assert truncated == [False, False, False, False, True, True]
    assert learner.measure()["time"][0] == pytest.approx(0.6)


def test_actions_span_what_the_base_can_do() -> None:
    learner = task(meeting())
    velocities = learner.velocities_for(np.array([[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0], [7.0, -7.0]]))
    np.testing.assert_allclose(velocities, [[0.0, -1.5], [0.3, 0.0], [0.6, 1.5], [0.6, -1.5]])
    np.testing.assert_allclose(learner.actions_for(velocities[:3]), [[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]])
    np.testing.assert_allclose(learner.actions_for(np.array([[-1.0, 2.0]])), [[-1.0, 1.0]])
    with pytest.raises(MessageError, match="finite"):
        learner.step(np.array([[np.nan, 0.0]]))


def test_worlds_that_begin_anew_are_new_and_the_others_do_not_notice() -> None:
    learner, alone = task(meeting(), (1, 2, 3)), task(meeting(), (1,))
    for _ in range(15):
        learner.step(np.repeat(FORWARD, 3, axis=0))
        alone.step(FORWARD)
    learner.begin(np.array([2, 1]), (30, 20))
    begun = learner.measure()
    assert begun["seed"].tolist() == [1, 20, 30]
    np.testing.assert_allclose(begun["time"], [1.5, 0.0, 0.0])
    assert not begun["perturbation"][1:].any()
    assert not any(values[1:].any() for values in begun["terms"].values())
    fresh = task(meeting(), (20, 30))
    for _ in range(30):
        learner.step(np.repeat(FORWARD, 3, axis=0))
        fresh.step(np.repeat(FORWARD, 2, axis=0))
        alone.step(FORWARD)
    same(learner.observe(), [1, 2], fresh.observe(), [0, 1])
    same(learner.measure(), [1, 2], fresh.measure(), [0, 1])
    same(learner.observe(), [0], alone.observe(), [0])
    same(learner.measure(), [0], alone.measure(), [0])
    learner.begin(np.array([2, 0, 1]), (7, 5, 6))  # all of them
    assert learner.seeds.tolist() == [5, 6, 7]


def same(one: dict[str, Any], which: list[int], other: dict[str, Any], theirs: list[int]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        if isinstance(value, dict):
            same(value, which, other[name], theirs)
        else:
            np.testing.assert_array_equal(value[which], other[name][theirs], err_msg=name)


def test_a_twin_can_be_made_again_from_the_world_as_it_is() -> None:
    """Then displacement is what the robot did lately, and not what became of something it did long ago."""
    learner, once = task(meeting(), (4,), twin_renewed=2.0), task(meeting(), (4,))
    for step in range(1, 41):
        learner.step(FORWARD)
        once.step(FORWARD)
        if step <= 20:
            np.testing.assert_array_equal(learner.displacement, once.displacement)
        if step == 20:
            now = learner.world.take([0], present=False)
            now_there = learner.world.crowd.positions[0].copy()
            np.testing.assert_array_equal(learner.world.crowd.positions[1], now_there)
        elif 20 < step < 40:
            now.step()
            now.step()
            without = learner.world.crowd.positions[1]
            np.testing.assert_array_equal(without, now.crowd.positions[0])
            apart = np.linalg.norm(learner.world.crowd.positions[0] - without, axis=-1)
            np.testing.assert_array_equal(learner.displacement[0], apart)
    assert once.displacement.max() > learner.displacement.max() > 0.0


def test_without_twins_nothing_is_known_of_displacement() -> None:
    learner, reference = task(meeting(), (4,), twin=False), task(meeting(), (4,))
    for _ in range(30):
        learner.step(FORWARD)
        reference.step(FORWARD)
    same(learner.observe(), [0], reference.observe(), [0])
    assert not {"displacement", "perturbation"} & set(learner.measure())


def test_risk_and_compass_are_measured_on_request() -> None:
    learner = task(statue(2.5), proximity=True)
    found = learner.measure()
    np.testing.assert_allclose(found["risk"], [0.5])
    np.testing.assert_allclose(found["compass"], [[0.75, *[0.0] * 7]])
    assert "risk" not in task(statue(2.5)).measure()


def test_recorded_people_have_a_displacement_of_none() -> None:
    track = Track(1, np.array([0.0, 0.8]), np.array([[5.0, 3.0], [5.0, 4.0]]))
    scenario = replace(meeting(), people=(), recorded=Recording(PedestrianRecording("street", 25.0, (track,))))
    learner = task(scenario, (1, 2), observation="both", beams=8)
    for _ in range(4):
        done = learner.step(np.repeat(FORWARD, 2, axis=0))
    np.testing.assert_array_equal(learner.measure()["displacement"], np.zeros((2, 1)))
    assert learner.observe()["people_mask"].sum() == 2
    for _ in range(10):
        done = learner.step(np.repeat(FORWARD, 2, axis=0))
    assert np.isfinite(done.reward).all()
    assert np.isnan(learner.measure()["displacement"]).all()  # they have gone
    assert not learner.observe()["people_mask"].any()
    with pytest.raises(ConfigError, match="share a clock"):
        learner.begin(np.array([1]), (5,))
    learner.begin(np.array([0, 1]), (5, 6))
    assert learner.seeds.tolist() == [5, 6]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"observation": "camera"}, r"observation: expected one of tracks, laser, both, got 'camera'"),
        ({"humans": "zombies"}, r"humans: expected one of .*, got 'zombies'"),
        ({"people": 0}, r"people: expected one or more, got 0"),
        ({"beams": 0}, r"beams: expected one or more, got 0"),
        ({"reach": 0.0}, r"reach: expected metres above zero, got 0.0"),
        ({"twin_renewed": -1.0}, r"twin_renewed: expected seconds of zero or more, got -1.0"),
        ({"twin": False, "twin_renewed": 2.0}, r"twin: expected true"),
        ({"twin": False, "reward": RewardConfig(perturbation=-1.0)}, r"twin: expected true"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        TaskConfig(**settings)


def test_a_robot_that_is_too_wide_for_the_way_is_refused() -> None:
    scenario = world(room(8.0, 6.0, (3.9, 0.0, 4.1, 5.5)), start=(2.0, 2.0, 0.0), goal=(6.0, 2.0, 0.0))
    task(scenario)
    with pytest.raises(ConfigError, match=r"scenario test: no way to the goal is wide enough for robot simulated"):
        NavigationTask(scenario, replace(ROBOT, radius=0.35), TaskConfig(), (1,))
