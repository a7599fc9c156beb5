import numpy as np
import pytest

from sac_son_nav.config import load_robot
from sac_son_nav.errors import ConfigError
from sac_son_nav.simulation.counterfactual import displacements, perturbation, replay, twin
from sac_son_nav.simulation.history import History
from sac_son_nav.simulation.scenarios import PersonGroup, Stop, load_scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Command
from test.simulation.worlds import room, world

ROBOT = load_robot("simulated")


def history(people: list[list[list[float]]]) -> History:
    """A history of the positions (T, N, 2) given."""
    positions = np.array(people)
    moments = len(positions)
    return History(
        0.05 * np.arange(moments), np.zeros((moments, 3)), np.zeros((moments, 2)), positions, np.zeros_like(positions)
    )


def test_displacement_by_hand() -> None:
    with_robot = history([[[0.0, 0.0], [1.0, 1.0]], [[0.3, 0.4], [1.0, 1.05]], [[0.0, 0.1], [1.0, 1.0]]])
    without = history([[[0.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [1.0, 1.0]]])
    found = perturbation(with_robot, without)
    # Person 0 is 0, 0.5 and 0.1 m off; person 1 is 0, 0.05 and 0 m off, less than the 0.1 m that count.
    np.testing.assert_allclose(found.mean, [0.2, 0.05 / 3])
    np.testing.assert_allclose(found.largest, [0.5, 0.05])
    np.testing.assert_allclose(found.final, [0.1, 0.0])
    np.testing.assert_array_equal(found.affected, [True, False])


def test_only_the_common_time_counts() -> None:
    short, long = history([[[0.0, 0.0]]] * 2), history([[[0.0, 0.0]]] * 2 + [[[9.0, 9.0]]])
    assert perturbation(short, long).largest[0] == 0.0
    assert displacements(long, short).shape == (2, 1)


def test_histories_that_do_not_belong_together_are_refused() -> None:
    one = history([[[0.0, 0.0]]] * 3)
    with pytest.raises(ConfigError, match="expected the same people twice, got 1 and 2"):
        perturbation(one, history([[[0.0, 0.0], [1.0, 1.0]]] * 3))
    later = History(one.times + 1.0, one.robot_poses, one.robot_velocities, one.people, one.people_velocities)
    with pytest.raises(ConfigError, match="same time steps"):
        perturbation(one, later)


def test_an_absent_robot_changes_nothing_at_all() -> None:
    scenario = load_scenario("corridor")
    found = perturbation(twin(scenario, ROBOT, 3, 400, "absent"), twin(scenario, ROBOT, 3, 400, "absent"))
    assert not found.largest.any()


def test_a_run_among_people_replays_to_the_last_bit() -> None:
    scenario = load_scenario("corridor")
    simulator = Simulator(scenario, ROBOT, seed=9)
    for k in range(400):
        simulator.step(Command(0.6, 0.8 * np.sin(0.05 * k)) if k % 3 == 0 else None)
    recorded = simulator.history
    assert perturbation(recorded, twin(scenario, ROBOT, 9, 400)).affected.any()
    replayed = replay(scenario, ROBOT, 9, recorded)
    np.testing.assert_array_equal(replayed.people, recorded.people)
    np.testing.assert_array_equal(replayed.people_velocities, recorded.people_velocities)


def test_a_collision_replays_to_the_last_bit() -> None:
    heedless = PersonGroup(start=(6.0, 3.1), errand=(Stop((1.0, 3.0)),), robot_weight=0.0)
    scenario = world(room(8.0, 6.0), heedless, start=(2.0, 3.0, 0.0))
    simulator = Simulator(scenario, ROBOT, seed=2)
    for _ in range(150):
        simulator.step(Command(0.6, 0.0))
    assert simulator.contacts
    replayed = replay(scenario, ROBOT, 2, simulator.history)
    np.testing.assert_array_equal(replayed.people, simulator.history.people)


def test_a_robot_in_the_way_displaces_whom_it_meets_and_nobody_far_off() -> None:
    met = PersonGroup(start=(8.0, 3.0), errand=(Stop((1.0, 3.0)),))
    far = PersonGroup(start=(28.0, 3.0), errand=(Stop((28.0, 5.0)),))
    scenario = world(room(30.0, 6.0), met, far, start=(2.5, 3.0, 0.0))
    simulator = Simulator(scenario, ROBOT, seed=1)
    for _ in range(120):
        simulator.step(Command(0.3, 0.0))
    found = perturbation(simulator.history, twin(scenario, ROBOT, 1, 120, "absent"))
    np.testing.assert_array_equal(found.affected, [True, False])
    assert found.largest[1] < 1e-9
    # Against a parked robot, which stands in the way as well, the same run changes other amounts.
    parked = twin(scenario, ROBOT, 1, 120, "parked")
    assert np.ptp(parked.robot_poses, axis=0).max() == 0.0
    assert perturbation(simulator.history, parked).largest[0] != found.largest[0]
    assert perturbation(parked, parked).largest.max() == 0.0


def test_a_walker_goes_on_the_robot_s_errand_among_the_same_people() -> None:
    scenario = load_scenario("corridor")
    walked, absent = (twin(scenario, ROBOT, 1, 400, reference) for reference in ("walker", "absent"))  # type: ignore[arg-type]
    assert walked.people.shape == absent.people.shape
    np.testing.assert_array_equal(walked.people[0], absent.people[0])
    np.testing.assert_array_equal(walked.robot_poses[0, :2], scenario.robot_start[:2])
    # 15.6 m at 1.25 m/s take 12.5 s; after 20 s it is there.
    np.testing.assert_allclose(walked.robot_poses[-1, :2], scenario.robot_goal[:2], atol=0.5)
    assert perturbation(walked, absent).affected.any()


def test_an_unknown_reference_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected one of absent, parked, walker, got 'ghost'"):
        twin(load_scenario("empty"), ROBOT, 1, 10, "ghost")  # type: ignore[arg-type]


def test_nobody_is_displaced_where_nobody_is() -> None:
    empty = twin(load_scenario("empty"), ROBOT, 1, 10, "parked")
    found = perturbation(empty, empty)
    assert found.mean.shape == found.largest.shape == found.final.shape == (0,)
