"""Encounters: when they begin and end, of which class they are, and what they are worth."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sac_son_nav.config import load_robot
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.encounters import Encounter, EncounterConfig, find_encounters, score
from sac_son_nav.evaluation.log import RunLog, from_simulator
from sac_son_nav.simulation.history import Contact
from sac_son_nav.simulation.scenarios import PersonGroup, Stop
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Command
from test.evaluation.logs import line, made, mirrored, moved, wandering
from test.simulation.worlds import room, world

TIMES = 0.1 * np.arange(121)


def meeting(person_start, person_velocity, robot_velocity=0.5, **rest: object) -> RunLog:
    """Twelve seconds of a robot that drives along x from -4 m on, and of one person."""
    robot = line(TIMES, (-4.0, 0.0), (robot_velocity, 0.0))
    return made(TIMES, robot, [line(TIMES, person_start, person_velocity)], **rest)


def kinds(log: RunLog, config: EncounterConfig | None = None) -> list[str]:
    return [encounter.kind for encounter in find_encounters(log, config)]


def test_frontal_approach_by_hand() -> None:
    """They close in at 1.5 m/s from 8 m, 0.8 m aside: nearer than 3 m while |8 - 1.5 t| < sqrt(9 - 0.64) = 2.891, from
    3.41 to 7.26 s: steps 3.5 to 7.2 s, 38 of them, over at 7.3 s. At 4.2 s, the eighth step, the person is at atan(0.8
    / 1.7) = 25 degrees."""
    (found,) = find_encounters(meeting((4.0, 0.8), (-1.0, 0.0)))
    assert (found.kind, found.person, found.steps, found.collided, found.cut_short) == ("frontal", 0, 38, False, False)
    assert (found.start_s, found.end_s) == pytest.approx((3.5, 7.3))
    assert found.mean_linear_velocity == pytest.approx(0.5)
    apart = [math.hypot(8.0 - 0.15 * k, 0.8) for k in range(35, 73)]
    assert found.mean_distance == pytest.approx(sum(apart) / 38)


def test_classes_of_headings() -> None:
    """The robot passes the origin at 8 s. Who comes along y from 3 m off at 0.4 m/s passes it at 7.5 s."""
    assert kinds(meeting((4.0, 0.8), (-1.0, 0.2))) == ["frontal"]  # 11 degrees off opposite
    assert kinds(meeting((0.0, -3.0), (0.0, 0.4))) == ["intersection"]
    assert kinds(meeting((0.0, 3.0), (0.0, -0.4))) == ["intersection"]
    assert kinds(meeting((-2.0, 0.0), (0.3, 0.0))) == ["following"]
    assert kinds(meeting((0.0, -2.0), (0.0, -0.05))) == ["other"]  # perpendicular, but away from the robot's line
    assert kinds(meeting((1.0, 1.0), (-0.3, -0.3))) == ["other"]  # 135 degrees: neither opposite nor perpendicular
    assert kinds(meeting((0.0, 0.8), (0.0, 0.0))) == ["other"]  # somebody who stands heads nowhere


def test_robot_that_waits_has_the_heading_of_its_body() -> None:
    """It stands at -4 m and looks along x while somebody passes."""
    assert kinds(meeting((3.0, 0.7), (-1.0, 0.0), 0.0)) == ["frontal"]
    (found,) = find_encounters(meeting((3.0, 0.7), (-1.0, 0.0), 0.0))
    assert found.mean_linear_velocity == 0.0


def stay(steps: int, aside_from: int | None = None) -> RunLog:
    """Somebody 2 m before a robot that stands, for so many steps, then 6 m off; behind it from `aside_from` on."""
    person = np.tile([2.0, 0.0], (60, 1))
    if aside_from is not None:
        person[aside_from:] = [-2.0, 0.0]
    person[steps:] = [6.0, 0.0]
    return made(0.1 * np.arange(60), np.zeros((60, 2)), [person])


def test_encounters_count_when_they_are_longer_than_twenty_steps() -> None:
    assert find_encounters(stay(20)) == []
    (found,) = find_encounters(stay(21))
    assert found.steps == 21
    assert [e.steps for e in find_encounters(stay(20), EncounterConfig(least_steps=19))] == [20]


def test_person_must_stay_ahead_for_the_first_eight_steps() -> None:
    assert find_encounters(stay(40, aside_from=7)) == []
    assert [e.steps for e in find_encounters(stay(40, aside_from=8))] == [40]


def test_person_must_be_within_sixty_degrees_at_the_start() -> None:
    for degrees, count in ((59.0, 1), (61.0, 0), (-59.0, 1), (-61.0, 0)):
        place = 2.0 * np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])
        person = np.tile(place, (60, 1))
        person[40:] = [6.0, 0.0]
        assert len(find_encounters(made(0.1 * np.arange(60), np.zeros((60, 2)), [person]))) == count


def test_steps_are_those_of_the_protocol_not_of_the_log() -> None:
    """The meeting by hand, sampled at 20 Hz, is the same 38 steps of 0.1 s; in steps of a second, those of the paper,
    it has 4 (at 4, 5, 6, 7 s) and does not count, unless 3 steps suffice."""
    often = 0.05 * np.arange(241)
    person = line(often, (4.0, 0.8), (-1.0, 0.0))
    log = made(often, line(often, (-4.0, 0.0), (0.5, 0.0)), [person])
    assert [e.steps for e in find_encounters(log)] == [38]
    assert find_encounters(log, EncounterConfig(step_s=1.0)) == []
    coarse = EncounterConfig(step_s=1.0, facing_steps=1, blind_steps=1, least_steps=3)
    assert [(e.steps, e.kind) for e in find_encounters(log, coarse)] == [(4, "frontal")]


def test_ends_of_the_log_and_of_sight_cut_encounters_short() -> None:
    log = stay(60)
    (found,) = find_encounters(log)
    assert (found.steps, found.cut_short) == (60, True)
    assert found.end_s == pytest.approx(5.9)
    people = log.people.copy()
    people[30:40] = np.nan  # longer than what is drawn across
    found, *rest = find_encounters(replace(log, people=people))
    assert (found.steps, found.cut_short) == (30, True)
    assert [e.steps for e in rest] == []  # the 20 steps after it are too few
    people = log.people.copy()
    people[30:33] = np.nan  # short enough
    assert [e.steps for e in find_encounters(replace(log, people=people))] == [60]


def round_a_corner(wall_to: float) -> RunLog:
    """A wall, 0.2 m thick, stands from y = 1.5 m up to `wall_to` between the robot at (2.4, 2.2) and a person at (3.8,
    2.2). After a second both walk down past its end, where they see each other; then the person leaves."""
    stages = [0.0, 1.0, 2.5, 7.0]
    times = 0.1 * np.arange(71)

    def way(points):
        return np.stack([np.interp(times, stages, [p[i] for p in points]) for i in (0, 1)], axis=-1)

    robot = way([(2.4, 2.2), (2.4, 2.2), (2.4, 0.8), (2.4, 0.8)])
    person = way([(3.8, 2.2), (3.8, 2.2), (3.8, 0.8), (7.5, 0.8)])
    return made(times, robot, [person], floor=room(8.0, 6.0, (3.0, 1.5, 3.2, wall_to)))


def test_blind_corner() -> None:
    """The way round the wall's end is about 2.6 m, less than 3 m and 1.2 m more than the straight 1.4 m. Were the wall
    a stub of 0.5 m, they would see each other over it."""
    (found,) = find_encounters(round_a_corner(6.0))
    assert (found.kind, found.start_s) == ("blind_corner", 0.0)
    assert kinds(mirrored(round_a_corner(6.0))) == ["blind_corner"]
    assert kinds(round_a_corner(2.0)) == ["other"]
    assert kinds(round_a_corner(6.0), EncounterConfig(detour=1.7)) == ["other"]
    # They come past the wall's end after 1.75 s, so 17 steps are blind and 20 are not.
    assert kinds(round_a_corner(6.0), EncounterConfig(blind_steps=17)) == ["blind_corner"]
    assert kinds(round_a_corner(6.0), EncounterConfig(blind_steps=20)) == ["other"]
    assert kinds(replace(round_a_corner(6.0), floor=None)) == ["other"]


def test_behind_a_wall_without_a_way_the_straight_line_counts() -> None:
    """Neighbours in two closed rooms, 1.4 m apart, never see each other: no blind corner, and not frontal either."""
    log = round_a_corner(6.0)
    closed = replace(log, floor=room(8.0, 6.0, (3.0, 0.0, 3.2, 6.0)))
    assert kinds(closed) == ["other"]


def test_far_round_a_wall_is_no_encounter() -> None:
    """1 m apart with a wall between them whose end is 4 m off: the way is longer than 3 m."""
    places = [np.tile([2.5, 5.0], (40, 1)), np.tile([3.7, 5.0], (40, 1))]
    log = made(0.1 * np.arange(40), places[0], [places[1]], floor=room(8.0, 6.0, (3.0, 1.0, 3.2, 6.0)))
    assert find_encounters(log) == []
    assert len(find_encounters(replace(log, floor=None))) == 1


def test_only_touching_the_person_of_the_encounter_counts() -> None:
    log = meeting((4.0, 0.8), (-1.0, 0.0), ids=np.array([5]))
    assert not find_encounters(replace(log, contacts=()))[0].collided
    during, later = Contact(5.0, "person 5", (0.0, 0.0), 0.5), Contact(9.0, "person 5", (0.0, 0.0), 0.5)
    assert find_encounters(replace(log, contacts=(during,)))[0].collided
    assert not find_encounters(replace(log, contacts=(later,)))[0].collided
    assert not find_encounters(replace(log, contacts=(replace(during, what="wall"),)))[0].collided
    assert find_encounters(meeting((4.0, 0.3), (-1.0, 0.0)))[0].collided  # 0.3 m aside is less than both radii


def test_scores_are_means_over_encounters() -> None:
    def one(kind, collided: bool, velocity: float, distance: float) -> Encounter:
        return Encounter(0, kind, 0.0, 3.0, 30, collided, velocity, distance, False)

    found = score([one("frontal", True, 0.2, 1.0), one("frontal", False, 0.4, 2.0), one("other", False, 0.5, 1.0)])
    assert (found["frontal"].count, found["frontal"].esr) == (2, 0.5)
    assert (found["frontal"].alv_mps, found["frontal"].ad_m) == pytest.approx((0.3, 1.5))
    assert (found["other"].count, found["other"].esr) == (1, 1.0)
    assert found["blind_corner"].count == 0
    assert math.isnan(found["blind_corner"].esr)
    assert set(found) == {"frontal", "intersection", "blind_corner", "following", "other"}


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="step_s: expected a number above zero"):
        EncounterConfig(step_s=0.0)
    with pytest.raises(ConfigError, match="got 30, 4 and 20"):
        EncounterConfig(facing_steps=30)


@pytest.mark.parametrize("seed", range(6))
def test_the_frame_the_mirror_and_the_clock_do_not_matter(seed: int) -> None:
    log, config = wandering(seed, people=6, moments=300), EncounterConfig(least_steps=8)
    found = find_encounters(log, config)
    assert found
    for other, shift in ((moved(log, (3.0, -2.0, 2.2)), 0.0), (mirrored(log), 0.0)):
        again = find_encounters(other, config)
        assert [(e.person, e.kind, e.steps, e.collided) for e in again] == [
            (e.person, e.kind, e.steps, e.collided) for e in found
        ]
        assert [e.mean_distance for e in again] == pytest.approx([e.mean_distance for e in found])
        assert [e.start_s for e in again] == pytest.approx([e.start_s + shift for e in found])
    late = find_encounters(replace(log, times=log.times + 100.0), config)
    assert [e.start_s for e in late] == pytest.approx([e.start_s + 100.0 for e in found])


def test_nobody_and_one_moment() -> None:
    assert find_encounters(made(TIMES, line(TIMES, (0, 0), (0.5, 0)))) == []
    assert find_encounters(made([0.0], np.zeros((1, 2)), [np.ones((1, 2))])) == []


def test_a_meeting_in_the_simulator() -> None:
    """In a hall, one walks towards the robot and past it."""
    comer = PersonGroup((12.0, 3.6), (Stop((1.0, 3.6)),))
    simulator = Simulator(world(room(14.0, 6.0), comer, start=(2.0, 3.0, 0.0)), load_robot("simulated"), seed=1)
    for _ in range(160):
        simulator.step(Command(0.4, 0.0))
    (found,) = find_encounters(from_simulator(simulator))
    assert found.kind == "frontal"
    assert not found.collided
    assert found.mean_linear_velocity == pytest.approx(0.4, abs=0.01)
    assert 1.0 < found.mean_distance < 3.0
