"""What the robot changed for people: by hand, and against reruns whose answer is known beforehand."""

from dataclasses import replace

import numpy as np
import pytest

from sac_son_nav.config import load_robot
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.log import RunLog, from_simulator
from sac_son_nav.evaluation.metrics import measure
from sac_son_nav.evaluation.perturbation import direct_displacements, indirect_displacements, with_reference
from sac_son_nav.simulation.counterfactual import perturbation, replay, twin
from sac_son_nav.simulation.scenarios import PersonGroup, Scenario, Stop, load_scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Command
from test.evaluation.logs import made
from test.simulation.worlds import room, world

ROBOT = load_robot("simulated")
FAMILY = (
    "perturbation_mean_m",
    "perturbation_final_m",
    "perturbation_largest_m",
    "people_affected_share",
    "perturbation_direct_m",
    "perturbation_indirect_m",
    "people_affected_directly_share",
    "people_affected_indirectly_share",
)


def beside(*people: list[float], **rest: object) -> RunLog:
    """People who are aside (y) by these metres at 0, 0.5 and 1 s, and would not be; the robot is far off."""
    places = [np.stack([np.zeros(3), np.array(aside)], axis=-1) for aside in people]
    return made([0.0, 0.5, 1.0], np.full((3, 2), 9.0), places, without=np.zeros((3, len(people), 2)), **rest)


def test_displacements_by_hand() -> None:
    """One is aside by 0, 0.5, 0.1 m, the other by 0, 0.05, 0; the middle weighs half: means 0.275 and 0.025 m. Deaf,
    the first would be aside by 0, 0.3, 0.2 and the second just where it is."""
    deaf = np.zeros((3, 2, 2))
    deaf[:, 0, 1], deaf[:, 1, 1] = [0.0, 0.3, 0.2], [0.0, 0.05, 0.0]
    log = beside([0.0, 0.5, 0.1], [0.0, 0.05, 0.0], deaf=deaf)
    assert measure(log, FAMILY) == pytest.approx(
        {
            "perturbation_mean_m": 0.15,
            "perturbation_final_m": 0.05,
            "perturbation_largest_m": 0.5,
            "people_affected_share": 0.5,
            # direct 0, 0.2, 0.1 m and nothing: 0.125 / 2; indirect 0, 0.3, 0.2 m and 0, 0.05, 0: (0.2 + 0.025) / 2
            "perturbation_direct_m": 0.0625,
            "perturbation_indirect_m": 0.1125,
            "people_affected_directly_share": 0.5,
            "people_affected_indirectly_share": 0.5,
        }
    )


def test_without_a_reference_nothing_is_known() -> None:
    log = replace(beside([0.0, 0.5, 0.1]), without=None)
    names = (*FAMILY, "added_path_m", "added_time_s", "speed_lost_mps")
    assert all(np.isnan(value) for value in measure(log, names).values())


def test_who_is_not_seen_is_left_out() -> None:
    """The middle sample of the one person is missing: 0 and 0.1 m count, a quarter of a second each."""
    log = beside([0.0, np.nan, 0.1])
    found = measure(log, FAMILY[:4])
    assert found["perturbation_mean_m"] == pytest.approx(0.05)
    assert found["perturbation_largest_m"] == pytest.approx(0.1)
    assert found["people_affected_share"] == 0.0


def walk(ahead: np.ndarray, would: np.ndarray, aside: float = 0.0) -> RunLog:
    """Somebody who is `ahead` metres along x every 0.1 s, `aside` of it, and would be `would` metres along it."""
    times = 0.1 * np.arange(len(ahead))
    place = np.stack([ahead, np.full(len(ahead), aside)], axis=-1)
    without = np.stack([would, np.zeros(len(ahead))], axis=-1)[:, None]
    return made(times, np.full((len(ahead), 2), 9.0), [place], without=without)


def test_waiting_a_second() -> None:
    """At 1 m/s they would be at 4 m after 4 s. They wait a second at 1 m and end at 3 m, where they would have been a
    second before; a metre is missing, and 1 m/s of speed for one of the four seconds."""
    times = 0.1 * np.arange(41)
    log = walk(np.where(times < 1.0, times, np.maximum(1.0, times - 1.0)), times)
    found = measure(log, ["added_time_s", "added_path_m", "speed_lost_mps"])
    assert found == pytest.approx({"added_time_s": 1.0, "added_path_m": -1.0, "speed_lost_mps": 0.25})
    # Half a metre aside all the time changes nothing of that.
    aside = walk(np.where(times < 1.0, times, np.maximum(1.0, times - 1.0)), times, 0.5)
    assert measure(aside, ["added_time_s"])["added_time_s"] == pytest.approx(1.0)


def test_delay_of_somebody_who_arrives_in_both_worlds() -> None:
    """To 2 m at 1 m/s, there to stay; with the robot the first second is lost. Both end at the same place."""
    times = 0.1 * np.arange(41)
    log = walk(np.clip(times - 1.0, 0.0, 2.0), np.minimum(times, 2.0))
    found = measure(log, ["added_time_s", "added_path_m", "perturbation_final_m"])
    assert found == pytest.approx({"added_time_s": 1.0, "added_path_m": 0.0, "perturbation_final_m": 0.0}, abs=1e-9)


def test_delay_on_a_way_there_and_back() -> None:
    """2 m out and back at 1 m/s, half a second late after the first half metre: 0.5 s all the same, though the nearest
    place of the way is often one of the other half."""
    times = 0.1 * np.arange(41)
    late = np.where(times < 0.5, times, np.maximum(0.5, times - 0.5))
    log = walk(2.0 - np.abs(2.0 - late), 2.0 - np.abs(2.0 - times))
    assert measure(log, ["added_time_s"])["added_time_s"] == pytest.approx(0.5, abs=0.11)


def test_delay_where_the_way_back_is_nearer() -> None:
    """3 m out along y = 0 and back along y = 0.5; the robot makes them walk out along y = 0.4, which costs no time,
    though every place of that is nearer to the way back, and the first one to its end."""
    times = 0.1 * np.arange(61)
    there = 3.0 - np.abs(3.0 - times)
    log = walk(there, there)
    people, without = log.people.copy(), log.without.copy()
    without[:, 0, 1], people[:, 0, 1] = 0.5 * (times > 3.0), np.where(times > 3.0, 0.5, 0.4)
    found = measure(replace(log, people=people, without=without), ["added_time_s"])
    assert found["added_time_s"] == pytest.approx(0.0, abs=0.11)


def test_detour() -> None:
    """1 m aside and back on the way, faster for it: 2 * hypot(1, 1) instead of 2 m."""
    log = walk(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0]))
    people = log.people.copy()
    people[1, 0, 1] = 1.0
    found = measure(replace(log, people=people), ["added_path_m", "speed_lost_mps", "added_time_s"])
    assert found == pytest.approx(
        {"added_path_m": 2.0 * np.sqrt(2.0) - 2.0, "speed_lost_mps": 0.0, "added_time_s": 0.0}
    )


# -- reruns -----------------------------------------------------------------------------------------------------


def drive(scenario: Scenario, seed: int, steps: int, speed: float = 0.4) -> Simulator:
    simulator = Simulator(scenario, ROBOT, seed)
    for _ in range(steps):
        simulator.step(Command(speed, 0.0))
    return simulator


def test_the_absent_reference_is_that_of_the_simulator() -> None:
    scenario = load_scenario("corridor")
    simulator = drive(scenario, 3, 200)
    log = with_reference(from_simulator(simulator), scenario, ROBOT, 3, orders=False)
    known = perturbation(simulator.history, twin(scenario, ROBOT, 3, 200))
    found = measure(log, FAMILY)
    assert found["perturbation_largest_m"] == known.largest.max() > 0.1
    assert found["perturbation_final_m"] == pytest.approx(known.final.mean())
    assert found["people_affected_share"] == known.affected.mean()
    assert found["perturbation_mean_m"] == pytest.approx(known.mean.mean(), rel=0.01)  # ends weigh half here
    assert np.isnan(found["perturbation_direct_m"])
    parked = with_reference(from_simulator(simulator), scenario, ROBOT, 3, "parked")
    assert parked.reference == "parked"
    assert parked.deaf is None
    np.testing.assert_array_equal(parked.without, twin(scenario, ROBOT, 3, 200, "parked").people)


def test_of_one_person_alone_everything_is_direct() -> None:
    scenario = world(room(12.0, 6.0), PersonGroup((9.0, 3.0), (Stop((1.0, 3.0)),)), start=(2.0, 3.0, 0.0))
    log = with_reference(from_simulator(drive(scenario, 1, 140)), scenario, ROBOT, 1)
    np.testing.assert_array_equal(log.deaf, log.without)
    found = measure(log, FAMILY)
    assert found["perturbation_direct_m"] == found["perturbation_mean_m"] > 0.01
    assert found["perturbation_indirect_m"] == 0.0
    assert found["people_affected_directly_share"] == 1.0
    assert found["people_affected_indirectly_share"] == 0.0


def test_somebody_pushed_by_somebody_pushed() -> None:
    """One walks at the robot and round it; another, who does not mind robots at all, walks abreast of the first and
    never touches the robot. Whatever moves the second is second order; a third, far off, feels nothing."""
    first = PersonGroup((9.0, 3.0), (Stop((1.0, 3.0)),), speed_spread=0.0)
    second = PersonGroup((9.2, 3.7), (Stop((1.0, 3.7)),), speed_spread=0.0, robot_weight=0.0)
    far = PersonGroup((38.0, 3.0), (Stop((38.0, 4.0)),))
    scenario = world(room(40.0, 6.0), first, second, far, start=(2.5, 2.9, 0.0))
    simulator = drive(scenario, 4, 120, speed=0.2)
    assert {contact.what for contact in simulator.contacts} <= {"person 0"}
    log = with_reference(from_simulator(simulator), scenario, ROBOT, 4)
    direct, indirect = direct_displacements(log), indirect_displacements(log)
    assert direct is not None
    assert indirect is not None
    assert direct[:, 0].max() > 0.1
    assert direct[:, 1].max() == 0.0
    assert indirect[:, 1].max() > 0.05
    assert max(direct[:, 2].max(), indirect[:, 2].max()) < 1e-6
    found = measure(log, FAMILY)
    assert found["people_affected_directly_share"] == pytest.approx(1 / 3)
    # Each person's displacement is the sum of the two parts, so they bound it.
    total = np.linalg.norm(log.people - log.without, axis=-1)
    assert (total <= direct + indirect + 1e-12).all()


def test_the_deaf_one_is_deaf_also_to_the_robot_s_body() -> None:
    """Who does not mind the robot walks into it and is held up by it. Deaf to it they walk through: as if alone."""
    heedless = PersonGroup((7.0, 3.1), (Stop((1.0, 3.0)),), robot_weight=0.0)
    scenario = world(room(9.0, 6.0), heedless, start=(2.0, 3.0, 0.0))
    simulator = drive(scenario, 2, 150, speed=0.6)
    assert simulator.contacts
    log = with_reference(from_simulator(simulator), scenario, ROBOT, 2)
    np.testing.assert_array_equal(log.deaf, log.without)
    assert measure(log, ["people_affected_directly_share"])["people_affected_directly_share"] == 1.0


def test_deafness_is_a_weight_of_zero() -> None:
    """Where nobody touches the robot, person 1 deaf is person 1 of the same scenario with that weight, to the last
    bit; the robot drives as it did."""
    groups = [PersonGroup((9.0 + k, 2.4 + 0.6 * k), (Stop((1.0, 3.0 + 0.3 * k)),)) for k in range(3)]
    scenario = world(room(13.0, 6.0), *groups, start=(2.0, 1.9, 0.0))
    simulator = drive(scenario, 5, 100, speed=0.3)
    assert not simulator.contacts
    log = with_reference(from_simulator(simulator), scenario, ROBOT, 5)
    groups[1] = replace(groups[1], robot_weight=0.0)
    other = replay(replace(scenario, people=tuple(groups)), ROBOT, 5, simulator.history)
    assert log.deaf is not None
    np.testing.assert_array_equal(log.deaf[:, 1], other.people[:, 1])


def test_logs_that_are_no_whole_runs_are_refused() -> None:
    scenario = load_scenario("empty")
    log = from_simulator(drive(scenario, 1, 10))
    with pytest.raises(ConfigError, match=r"every step of 0\.05 s"):
        with_reference(log.resampled(0.1), scenario, ROBOT, 1)
    absent = Simulator(scenario, ROBOT, 1, robot_present=False)
    absent.step()
    with pytest.raises(ConfigError, match="a run with the robot in it"):
        with_reference(from_simulator(absent), scenario, ROBOT, 1)
