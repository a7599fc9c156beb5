"""Skills that are about a person: facing, approaching, following, looking, finding again."""

import math
from dataclasses import replace

import numpy as np
import pytest

from expressive_motion.robot import Description, describe
from expressive_motion.skills.attention import Attention
from sac_son_nav.states import Floats
from test.expressive_motion.stage import ROBOT, Stage, changed, standing, walking, wall

FAR_REACHING = replace(ROBOT, body=replace(ROBOT.body, base=replace(ROBOT.body.base, reach_m=30.0)))


def gaze_error(stage: Stage, head: bool = True) -> Floats:
    """How far (T,) [deg] the first person is from where the robot looks, at the moment of each view."""
    poses = np.concatenate([np.zeros((1, 3)), stage.path[:-1]])
    people = np.array([stage.positions(t)[0] for t in [0.0, *stage.times[:-1]]])
    to = people - poses[:, :2]
    gaze = poses[:, 2] + (stage.heads[:, 0] if head else 0.0)
    off = np.arctan2(to[:, 1], to[:, 0]) - gaze
    error: Floats = np.degrees(np.abs(np.arctan2(np.sin(off), np.cos(off))))
    return error


@pytest.mark.parametrize("place", [(2.0, 1.0), (-2.0, 0.3), (0.5, -1.5)])
def test_face_person(place: tuple[float, float]) -> None:
    stage = Stage(people=[standing(*place)])
    performance = stage.perform(("face_person", {}))
    assert performance.log[0].value is True
    assert math.degrees(abs(math.atan2(place[1], place[0]) - stage.pose[2])) < 3.5


@pytest.mark.parametrize("distance", [0.9, 1.2, 2.0])
def test_approach_ends_at_its_distance_facing_them(distance: float) -> None:
    stage = Stage(people=[standing(2.6, -1.0)])
    performance = stage.perform(("approach_person", {"distance_m": distance}))
    assert performance.log[0].value is True
    assert stage.nearest_person()[-1] == pytest.approx(distance, abs=0.05)
    assert stage.nearest_person().min() >= distance - 0.02
    assert math.degrees(abs(math.atan2(-1.0 - stage.pose[1], 2.6 - stage.pose[0]) - stage.pose[2])) < 4.0


@pytest.mark.parametrize(("side", "sign"), [("left", -1.0), ("right", 1.0)])
def test_approach_beside_goes_round_them(side: str, sign: float) -> None:
    stage = Stage(people=[standing(1.7, 0.0)])  # they face the robot, so that their left is its right
    performance = stage.perform(("approach_person", {"distance_m": 1.0, "side": side}))
    assert performance.log[0].value is True
    assert stage.pose[0] == pytest.approx(1.7, abs=0.2)
    assert stage.pose[1] == pytest.approx(sign * 1.0, abs=0.06)
    assert stage.nearest_person().min() > 0.95


def test_approach_of_walkers_stays_clear_of_them() -> None:
    for walk in (walking(4.0, 0.5, -0.4, 0.0), walking(2.5, -3.0, 0.0, 0.5), walking(1.5, 0.5, 0.3, 0.1)):
        stage = Stage(FAR_REACHING, people=[walk])
        performance = stage.perform(("approach_person", {}), settle=False)
        assert performance.log[0].value is True
        assert stage.nearest_person().min() > 0.9
    assert np.abs(stage.commands[:, 0]).max() > 0.4, "the last goes away, so calm speed is too slow"
    assert np.abs(stage.commands[:, 0]).max() <= ROBOT.profile.limits.vx_max


def test_approach_gives_up_where_a_wall_is_between() -> None:
    stage = Stage(people=[standing(2.8, 0.2)], walls=wall(1.2, -2.0, 1.2, 2.0))
    performance = stage.perform(("approach_person", {}))
    assert performance.log[0].value is False
    assert stage.nearest_wall() > 0.29


@pytest.mark.parametrize(
    "walk", [walking(1.3, 0.0, 0.5, 0.0), lambda t: (1.3 + 2 * math.sin(t / 4), 2 - 2 * math.cos(t / 4))]
)
def test_follow_keeps_its_distance(walk: object) -> None:
    stage = Stage(FAR_REACHING, people=[walk])  # type: ignore[list-item]
    performance = stage.perform(("follow_person", {"at_most_s": 15.0}), settle=False)
    assert performance.log[0].value is True
    assert performance.log[0].ended_s == pytest.approx(15.0, abs=0.1)
    apart = stage.nearest_person()
    assert apart.min() > 1.0
    assert apart[100:].max() < 1.6


def test_follow_comes_from_further_and_stops_with_them() -> None:
    stage = Stage(FAR_REACHING, people=[lambda t: (2.5 + 0.4 * min(t, 6.0), 0.5)])
    stage.perform(("follow_person", {"at_most_s": 15.0}), settle=False)
    assert stage.nearest_person()[-1] == pytest.approx(1.3, abs=0.15)
    assert stage.nearest_person().min() > 1.1


def test_follow_ends_when_they_are_lost_or_too_far() -> None:
    stage = Stage(people=[lambda t: (1.5, 0.0) if t < 3.0 else (math.nan, math.nan)])
    performance = stage.perform(("follow_person", {}))
    assert performance.log[0].value is False
    assert 3.9 < performance.log[0].ended_s < 4.3  # a second of remembering
    stage = Stage(FAR_REACHING, people=[walking(1.5, 0.0, 1.5, 0.0)])
    performance = stage.perform(("follow_person", {"lost_m": 3.0}))
    assert performance.log[0].value is False
    assert performance.log[0].ended_s < 3.0


@pytest.mark.parametrize("robot", ["simulated", "turtlebot2"])
def test_a_walker_is_kept_in_view(robot: str) -> None:
    stage = Stage(describe(robot), people=[walking(2.0, -2.5, 0.0, 1.0)])
    performance = stage.perform(("look_at_person", {"hold_s": 4.0}), settle=False)
    assert performance.log[0].value is True
    assert gaze_error(stage, head=robot == "simulated")[30:-1].max() < 5.0
    assert (robot == "turtlebot2") == bool(np.any(stage.commands))


def test_the_base_helps_a_head_that_cannot_reach_unless_it_may_not() -> None:
    stage = Stage(people=[standing(-2.0, 0.5)])
    assert stage.perform(("look_at_person", {"hold_s": 1.0}), settle=False).state == "finished"
    assert gaze_error(stage)[-2] < 3.0
    stage = Stage(people=[standing(-2.0, 0.5)])
    stage.perform(("look_at_person", {"hold_s": 1.0}), forbidden=frozenset({"base"}))
    assert not np.any(stage.commands)
    assert math.degrees(stage.heads[:, 0].max()) == pytest.approx(80.0, abs=0.5)


def test_a_place_stays_where_it_is() -> None:
    stage = Stage(describe("turtlebot2"))
    stage.perform(("look_at_place", {"ahead_m": 1.0, "left_m": 1.0}))
    assert math.degrees(stage.pose[2]) == pytest.approx(45.0, abs=3.5)


def test_find_person_chooses_and_later_skills_mean_them() -> None:
    people = [standing(2.0, 0.0), standing(0.2, 1.6), walking(4.0, -1.0, 0.0, 0.3), standing(-3.0, 0.0)]
    for which, track in (("nearest", 8), ("ahead", 7), ("left", 8), ("behind", 10), ("fastest", 9)):
        performance = Stage(people=people).perform(("find_person", {"which": which}), ("distance_to_person", {}))
        assert performance.log[0].value is True
        assert performance.person == track
    performance = Stage(people=people[:1]).perform(("find_person", {"which": "right", "timeout_s": 1.5}))
    assert performance.log[0].value is False
    assert performance.log[0].ended_s == pytest.approx(1.5, abs=0.06)


def test_a_new_id_at_the_same_place_is_the_same_person() -> None:
    def renamed(description: Description, other: float) -> Stage:
        return Stage(
            description,
            people=[walking(2.0, -1.0, 0.0, 0.5), standing(1.0, other)],
            alter=lambda view, k: changed(view, ids=np.array([7 if k < 30 else 99, 8])),
        )

    stage = renamed(ROBOT, 3.0)
    performance = stage.perform(("look_at_person", {"hold_s": 3.0}), person=7)
    assert performance.log[0].value is True
    assert performance.person == 99


def test_someone_else_is_not_taken_for_them() -> None:
    stage = Stage(people=[standing(2.0, 0.0), standing(2.0, 1.5)])
    stage.alter = lambda view, k: (
        view
        if k < 20
        else changed(
            view, ids=view.tracks.ids[1:], positions=view.tracks.positions[1:], velocities=view.tracks.velocities[1:]
        )
    )
    performance = stage.perform(("wait", {"seconds": 3.0}), ("distance_to_person", {}), person=7)
    assert performance.log[1].value == 99.0
    assert performance.person == 7


def test_tracks_without_numbers() -> None:
    stage = Stage(people=[standing(2.0, 0.0), standing(1.0, 1.0)])
    view = stage.view()
    broken = changed(view, positions=np.array([[math.nan, 0.0], [1.0, 1.0]]), velocities=np.full((2, 2), math.inf))
    attention = Attention()
    attention.update(broken)
    assert attention.choose("nearest", broken)
    assert attention.person is not None
    assert attention.person.id == 8
    assert attention.person.speed == 0.0


def test_person_is_here_ends_a_loop_and_begins_anew_after_a_no() -> None:
    counts: list[int] = []

    def program():  # type: ignore[no-untyped-def]
        for _ in range(2):
            count = 0
            while (yield ("person_is_here", {"at_most_s": 2.0})):
                count += 1
                yield ("wait", {"seconds": 0.5})
            counts.append(count)

    performance = Stage(people=[standing(2.0, 0.0)]).perform(program=program())
    assert performance.state == "finished"
    assert counts == [4, 4]
    assert performance.log[-1].ended_s == pytest.approx(4.4, abs=0.5)


def test_another_question_in_the_loop_does_not_make_it_young_again() -> None:
    counts = [0]

    def program():  # type: ignore[no-untyped-def]
        while (yield ("person_is_here", {"at_most_s": 2.0})):
            counts[0] += 1
            yield ("person_is_here", {"within_m": 1.0})  # no: the person stands further away
            yield ("wait", {"seconds": 0.5})

    performance = Stage(people=[standing(2.0, 0.0)]).perform(program=program())
    assert performance.state == "finished"
    assert counts == [4]
