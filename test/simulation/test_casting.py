"""What comes out of a group's dice: its bodies and paces, who stands beside whom, and what nobody may look at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sac_son_nav.config import resource
from sac_son_nav.errors import ConfigError
from sac_son_nav.simulation.people import People
from sac_son_nav.simulation.person_groups import REACTIONS
from sac_son_nav.simulation.scenarios import (
    Circle,
    Formation,
    Person,
    PersonGroup,
    Queue,
    RobotErrand,
    Scenario,
    Stop,
    cast_people,
    load_scenario,
    standing_groups,
    streams,
)
from test.simulation.worlds import room, world

CARDS = resource("config", "scenarios")
SHIPPED = sorted(str(card.relative_to(CARDS).with_suffix("")) for card in CARDS.rglob("*.yaml"))


def cast(scenario: Scenario, seed: int = 0) -> list[Person]:
    return cast_people(scenario, streams(scenario, seed))


def distance(first: Person, second: Person) -> float:
    return float(np.linalg.norm(first.start - second.start))


# -- whose luck is whose --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_everybody_draws_the_same_amount_whatever_comes_out(name: str) -> None:
    scenario = load_scenario(name)
    (x, y, _), (u, v, _) = scenario.robot.start, scenario.robot.goal
    elsewhere = replace(scenario, robot=RobotErrand((x + 0.2, y - 0.2, 0.0), (u - 0.4, v + 0.3, 0.0)))
    for seed in range(3):
        here, there = streams(scenario, seed), streams(scenario, seed)
        cast_people(scenario, here)
        cast_people(elsewhere, there)
        assert [random.random() for random in here] == [random.random() for random in there]


@pytest.mark.parametrize("name", SHIPPED)
def test_nobody_s_dice_depend_on_who_comes_after(name: str) -> None:
    scenario = load_scenario(name)
    more = replace(scenario, people=(*scenario.people, PersonGroup(start=tuple(scenario.robot.goal[:2]))))
    for person, same in zip(cast(scenario, 4), cast(more, 4), strict=False):
        np.testing.assert_array_equal(person.start, same.start)
        np.testing.assert_array_equal(person.stops, same.stops)
        np.testing.assert_array_equal(person.waits, same.waits)
        assert (person.speed, person.radius) == (same.speed, same.radius)


def test_there_is_randomness_for_everybody() -> None:
    scenario = world(room(8.0, 6.0), PersonGroup(start=(4.0, 3.0), count=1))
    with pytest.raises(ConfigError, match="scenario test: expected randomness for 1 people, got 2"):
        cast_people(scenario, [np.random.default_rng(k) for k in range(2)])


# -- bodies, paces, reactions ---------------------------------------------------------------------------------------


def test_ranges_are_filled_evenly() -> None:
    group = PersonGroup(
        start=(1.0, 1.0, 9.0, 9.0),
        count=4,
        errand=(Stop((1.0, 1.0, 9.0, 9.0)),),
        speed_range=(0.5, 1.5),
        radius_range=(0.3, 0.5),
        delay_range=(2.0, 6.0),
    )
    scenario = world(room(10.0, 10.0), group)
    people = [person for seed in range(100) for person in cast(scenario, seed)]
    drawn = {
        (0.5, 1.5): [p.speed for p in people],
        (0.3, 0.5): [p.radius for p in people],
        (2.0, 6.0): [p.waits[0] for p in people],
    }
    for (low, high), values in drawn.items():
        shares = (np.array(values) - low) / (high - low)
        assert shares.min() >= 0.0
        assert shares.max() <= 1.0
        # 400 draws, evenly from 0 to 1: mean 1/2 and variance 1/12, within four standard errors.
        assert np.mean(shares) == pytest.approx(0.5, abs=4.0 * np.sqrt(1.0 / 12.0 / 400.0))
        assert np.mean(shares < 0.25) == pytest.approx(0.25, abs=4.0 * np.sqrt(0.25 * 0.75 / 400.0))


def test_spreads_are_those_of_a_normal_distribution_with_its_ends_cut_off() -> None:
    group = PersonGroup(start=(1.0, 1.0, 9.0, 9.0), count=4, radius=0.3, radius_spread=0.04, speed_spread=0.3)
    people = [person for seed in range(100) for person in cast(world(room(10.0, 10.0), group), seed)]
    radii, speeds = np.array([p.radius for p in people]), np.array([p.speed for p in people])
    assert radii.mean() == pytest.approx(0.3, abs=4.0 * 0.04 / 20.0)
    assert radii.std() == pytest.approx(0.04, rel=0.15)
    assert radii.min() >= 0.15
    assert radii.max() <= 0.6
    assert speeds.std() == pytest.approx(0.3, rel=0.15)
    assert speeds.min() >= 0.2
    assert speeds.max() <= 2.0


@pytest.mark.parametrize(
    ("reaction", "numbers"),
    [("none", (0.0, 0.0)), ("usual", (1.0, 0.0)), ("wary", (2.0, 0.0)), ("curious", (1.0, 1.0))],
)
def test_a_reaction_stands_for_two_numbers(reaction: str, numbers: tuple[float, float]) -> None:
    (person,) = cast(world(room(8.0, 6.0), PersonGroup(start=(4.0, 3.0), reaction=reaction)))
    assert (person.robot_weight, person.curiosity) == numbers
    assert set(REACTIONS) == {"none", "usual", "wary", "curious"}


def test_without_a_reaction_the_numbers_count() -> None:
    (person,) = cast(world(room(8.0, 6.0), PersonGroup(start=(4.0, 3.0), robot_weight=0.3, curiosity=0.7)))
    assert (person.robot_weight, person.curiosity) == (0.3, 0.7)
    (usual,) = cast(world(room(8.0, 6.0), PersonGroup(start=(4.0, 3.0))))
    assert (usual.robot_weight, usual.curiosity, usual.company, usual.facing) == (1.0, 0.0, -1, None)


# -- company --------------------------------------------------------------------------------------------------------


def test_who_is_together_is_side_by_side_at_the_start_and_at_every_stop() -> None:
    stops = (Stop((16.0, 9.0, 18.0, 11.0)), Stop((10.0, 2.0)))
    alone = PersonGroup(start=(2.0, 2.0))
    group = PersonGroup(start=(2.0, 9.0, 4.0, 11.0), errand=stops, count=3, together=True, delay_range=(0.0, 5.0))
    scenario = world(room(20.0, 20.0), alone, group, group)
    for seed in range(10):
        first, *rest = cast(scenario, seed)
        assert first.company == -1
        for mates, number in ((rest[:3], 1), (rest[3:], 2)):
            assert [p.company for p in mates] == [number] * 3
            assert len({p.speed for p in mates}) == 1
            assert len({p.waits[0] for p in mates}) == 1  # they set out at the same time
            for k in range(3):  # the start, where they stand first, and the stops
                apart = [float(np.linalg.norm(p.stops[k] - mates[0].stops[k])) for p in mates[1:]]
                assert all(0.5 <= d <= 3.0 for d in apart)
        assert rest[0].speed != rest[3].speed


def test_with_room_enough_two_walk_abreast() -> None:
    group = PersonGroup(start=(3.0, 5.0), errand=(Stop((15.0, 5.0)),), count=3, together=True)
    first, right, left = cast(world(room(20.0, 10.0), group))
    # Along the x axis, 0.75 m to the one side and to the other, give or take the 5 cm of the first attempt.
    np.testing.assert_allclose(right.start - first.start, [0.0, 0.75], atol=0.1)
    np.testing.assert_allclose(left.start - first.start, [0.0, -0.75], atol=0.1)
    np.testing.assert_allclose(right.stops[-1] - first.stops[-1], [0.0, 0.75], atol=0.1)


def test_nobody_waits_for_the_others_behind_a_wall() -> None:
    # The first one's stop is 0.4 m below a wall 0.2 m thick, whose ends leave a way round.
    floor = room(12.0, 8.0, (1.0, 4.0, 11.0, 4.2))
    group = PersonGroup(start=(3.0, 1.0), errand=(Stop((3.0, 3.6)), Stop((9.0, 3.6))), count=3, together=True)
    for seed in range(20):
        for person in cast(world(floor, group), seed):
            assert (person.stops[:, 1] < 4.0).all()


def test_company_keeps_together_all_the_way() -> None:
    pair = PersonGroup((2.0, 4.0), (Stop((18.0, 4.0)),), count=2, together=True)
    people, apart = People(world(room(20.0, 8.0), pair), seed=3), []
    for _ in range(320):
        people.step(0.05)
        apart.append(float(np.linalg.norm(people.positions[0] - people.positions[1])))
    assert np.linalg.norm(people.positions - [18.0, 4.0], axis=-1).max() < 1.5
    assert max(apart) < 1.6


# -- conversations --------------------------------------------------------------------------------------------------


def test_a_conversation_is_a_circle_whose_members_look_at_its_middle() -> None:
    group = PersonGroup(start=(4.0, 4.0, 6.0, 6.0), count=4, formation=Formation(0.9), radius_range=(0.2, 0.3))
    scenario = world(room(10.0, 10.0), group, PersonGroup(start=(3.0, 3.0, 7.0, 7.0), count=6))
    for seed in range(20):
        people = cast(scenario, seed)
        (found,) = standing_groups(scenario, people)
        centre, members = np.array(found.centre), people[:4]
        assert found.members == (0, 1, 2, 3)
        assert (centre >= 4.0).all()
        assert (centre <= 6.0).all()
        angles = []
        for person in members:
            offset = centre - person.start
            assert np.linalg.norm(offset) == pytest.approx(0.9)
            assert person.facing == pytest.approx(np.arctan2(offset[1], offset[0]))
            assert person.company == -1
            angles.append(person.facing)
        # Even spacing is a quarter turn; each stands off it by a tenth of that at most.
        gaps = np.diff(np.sort(angles))
        assert (gaps >= 0.8 * np.pi / 2.0 - 1e-9).all()
        assert (gaps <= 1.2 * np.pi / 2.0 + 1e-9).all()
        assert found.radius == pytest.approx(0.9 - max(p.radius for p in members))
        assert found.until_s == np.inf
        for other in people[4:]:  # nobody else starts between those who talk
            assert np.linalg.norm(other.start - centre) >= 0.9 + other.radius - 1e-9


def test_a_conversation_lasts_until_the_first_of_them_leaves() -> None:
    group = PersonGroup(
        start=(5.0, 5.0),
        errand=(Stop((1.0, 1.0, 9.0, 2.0)), Stop((1.0, 8.0, 9.0, 9.0), wait=3.0)),
        count=2,
        formation=Formation(0.6),
        delay_range=(4.0, 9.0),
    )
    scenario = world(room(10.0, 10.0), group)
    people = cast(scenario, 1)
    (found,) = standing_groups(scenario, people)
    assert 4.0 <= found.until_s <= 9.0
    assert found.until_s == min(p.waits[0] for p in people)
    assert found.radius == pytest.approx(0.6 - 0.25)  # face to face: the middle is as far from both
    at_once = world(room(10.0, 10.0), replace(group, delay_range=()))
    assert standing_groups(at_once, cast(at_once)) == ()


def test_who_talks_stands_still_and_who_has_an_errand_together_leaves_together() -> None:
    stand = PersonGroup(start=(3.0, 5.0), count=4, formation=Formation(0.9))
    leave = PersonGroup((12.0, 5.0), (Stop((16.0, 8.0)),), 2, delay=3.0, together=True, formation=Formation(0.5))
    people = People(world(room(18.0, 10.0), stand, leave), seed=2)
    before = people.positions.copy()
    for _ in range(50):
        people.step(0.05)
    assert np.linalg.norm(people.positions - before, axis=-1).max() < 0.1
    for _ in range(150):
        people.step(0.05)
    assert np.linalg.norm(people.positions - before, axis=-1)[:4].max() < 0.1
    assert np.linalg.norm(people.positions[4:] - [16.0, 8.0], axis=-1).max() < 1.5


# -- queues ---------------------------------------------------------------------------------------------------------


def queue(count: int = 3) -> Scenario:
    """People before a counter at (5, 8), looking up; each is served for 6 s, the first from the 2nd second on."""
    line = Queue(facing=0.5 * np.pi, spacing=1.05, service=6.0)
    group = PersonGroup((5.0, 8.0), (Stop((9.0, 1.0)),), count, delay=2.0, speed_spread=0.0, queue=line)
    return world(room(10.0, 9.0), group)


def test_a_queue_stands_in_line_and_each_waits_for_those_before() -> None:
    people = cast(queue())
    for k, person in enumerate(people):
        assert person.facing == pytest.approx(0.5 * np.pi)
        # Their own place, then every one further up, the head, and the errand; off the line by 12 cm at most.
        line = np.array([[5.0, 8.0 - 1.05 * place] for place in range(k, -1, -1)] + [[9.0, 1.0]])
        assert person.stops.shape == line.shape
        assert np.abs(person.stops - line)[:-1].max() <= 0.12
        np.testing.assert_array_equal(person.stops[0], person.start)
    # The first is served from 2 s to 8 s; each follows the one before 0.6 s later, and then moves up every 6 s.
    for person, waits in zip(people, ([8.0, 0.0], [8.6, 6.0, 0.0], [9.2, 6.0, 6.0, 0.0]), strict=True):
        np.testing.assert_allclose(person.waits, waits)


def test_people_are_served_in_their_turn_and_leave() -> None:
    people, left = People(queue(), seed=1), dict[int, float]()
    for k in range(900):
        people.step(0.05)
        for i in np.flatnonzero(np.linalg.norm(people.positions - [9.0, 1.0], axis=-1) < 1.2):
            left.setdefault(int(i), 0.05 * (k + 1))
    assert list(left) == [0, 1, 2]
    # The first sets out after 8 s and has 8 m to go at 1.25 m/s: 14.5 s. Each of the others is 6 s of service and a
    # second or so of moving up later.
    assert left[0] == pytest.approx(14.5, abs=1.5)
    assert 6.0 < left[1] - left[0] < 9.0
    assert 6.0 < left[2] - left[1] < 9.0


def test_service_times_spread() -> None:
    scenario = queue(2)
    line = replace(scenario.people[0].queue, service_spread=2.0)  # type: ignore[type-var]
    spread = replace(scenario, people=(replace(scenario.people[0], queue=line),))
    times = np.array([cast(spread, seed)[1].waits[1] for seed in range(100)])
    assert times.mean() == pytest.approx(6.0, abs=4.0 * 2.0 / 10.0)
    assert times.std() == pytest.approx(2.0, rel=0.35)
    assert times.min() >= 1.0
    # Who is third waits for as long as the second is served, and moves up with them.
    third = replace(spread, people=(replace(spread.people[0], count=3),))
    for seed in range(5):
        first, before, last = cast(third, seed)
        assert before.waits[1] != pytest.approx(first.waits[0] - 2.0)  # the first one's service began after 2 s
        assert last.waits[0] == pytest.approx(before.waits[0] + 0.6)
        assert last.waits[1] == before.waits[1] != last.waits[2]


# -- circles --------------------------------------------------------------------------------------------------------


def circle(count: int = 8, **settings: float) -> Scenario:
    """People round (20, 20) who walk at 1 m/s."""
    group = PersonGroup((20.0, 20.0), count=count, circle=Circle(6.0, **settings), speed=1.0, speed_spread=0.0)
    return world(room(40.0, 40.0), group, start=(2.0, 2.0, 0.0), goal=(38.0, 2.0, 0.0))


def test_a_circle_is_crossed_to_the_opposite_point() -> None:
    scenario = circle(count=16, noise=0.5)
    for seed in range(10):
        people = cast(scenario, seed)
        for person in people:
            offset = person.start - 20.0
            assert abs(np.linalg.norm(offset) - 6.0) <= 0.5 * np.sqrt(2.0)
            np.testing.assert_allclose(person.stops, [20.0 - offset])
        assert min(distance(a, b) for i, a in enumerate(people) for b in people[:i]) >= 0.25 + 2 * 0.25
    back = replace(scenario, people=(replace(scenario.people[0], repeat=True),))
    for person in cast(back):
        np.testing.assert_allclose(person.stops, [40.0 - person.start, person.start])
        assert person.repeat


def test_who_always_changes_their_mind_turns_every_five_seconds() -> None:
    scenario = circle(change_every=5.0, change_chance=1.0)
    for person in cast(scenario):
        legs = np.linalg.norm(np.diff([person.start, *person.stops[:-1]], axis=0), axis=-1)
        # At 1 m/s a leg takes as many seconds as it has metres: up to the next multiple of five, or to the circle.
        clock = np.concatenate([[0.0], np.cumsum(legs)])
        assert clock[1] == pytest.approx(5.0)  # the opposite point is 12 m away
        for k in range(1, len(legs)):
            due = 5.0 * (np.floor(clock[k] / 5.0 + 1e-6) + 1.0)
            arrived = abs(np.linalg.norm(person.stops[k] - 20.0) - 6.0) < 1e-6
            assert clock[k + 1] == pytest.approx(due) or (arrived and clock[k + 1] < due)
        assert len(person.stops) == 25  # as often as they may, and on to the last
        assert len(np.unique(person.stops, axis=0)) == 25


def test_who_never_changes_their_mind_goes_on_once_there() -> None:
    for person in cast(circle(change_every=5.0, change_chance=0.0)):
        np.testing.assert_allclose(person.stops[0], 40.0 - person.start)
        np.testing.assert_allclose(np.linalg.norm(person.stops - 20.0, axis=-1), 6.0)
        assert len(np.unique(person.stops, axis=0)) == len(person.stops)
        assert len(person.stops) >= 60.0 / 12.0  # legs of 12 m at most: enough for a minute at 1 m/s


def test_half_of_them_change_their_mind_at_the_first_occasion() -> None:
    scenario = circle(change_every=5.0, change_chance=0.5)
    first = [np.linalg.norm(p.stops[0] - p.start) for seed in range(50) for p in cast(scenario, seed)]
    assert np.mean(np.abs(np.array(first) - 5.0) < 1e-6) == pytest.approx(0.5, abs=4.0 * 0.5 / np.sqrt(400.0))


# -- a floor in parts -----------------------------------------------------------------------------------------------


def test_people_start_and_stop_where_a_way_leads() -> None:
    # A wall divides the floor at x = 4; the start lies on both sides of it, and so does the second stop.
    divided = room(8.0, 6.0, (3.9, 0.0, 4.1, 6.0))
    stops = (Stop((5.0, 1.0, 7.0, 5.0)), Stop((1.0, 1.0, 7.0, 5.0)))
    scenario = world(divided, PersonGroup(start=(1.0, 1.0, 7.0, 5.0), errand=stops), start=(4.5, 5.5, 0.0))
    for seed in range(30):
        (person,) = cast(scenario, seed)
        assert person.start[0] > 4.0
        assert (person.stops[:, 0] > 4.0).all()


def test_no_conversation_is_held_across_a_wall() -> None:
    divided = room(8.0, 6.0, (3.95, 0.0, 4.05, 6.0))
    scenario = world(divided, PersonGroup(start=(3.0, 2.0, 5.0, 4.0), count=3, formation=Formation(0.7)))
    for seed in range(30):
        assert len({bool(p.start[0] > 4.0) for p in cast(scenario, seed)}) == 1


@pytest.mark.parametrize(
    ("group", "says"),
    [
        (
            PersonGroup(start=(4.0, 3.0, 4.4, 3.4), count=6, formation=Formation(3.4)),
            "no free place for 6 people in a circle of 3.4 m in [4.0, 3.0, 4.4, 3.4]",
        ),
        (
            PersonGroup((4.0, 3.0), (Stop((1.0, 3.0)),), count=5, queue=Queue(0.0, spacing=1.0)),
            "no free place for a queue of 5, 1 m apart, in [4.0, 3.0]",
        ),
        (
            PersonGroup(start=(4.0, 3.0), count=30, circle=Circle(2.0)),
            "start on the circle of 2 m round [4.0, 3.0]",
        ),
    ],
)
def test_a_layout_without_room_is_refused(group: PersonGroup, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        cast(world(room(8.0, 6.0), group))
    assert says in str(caught.value)
