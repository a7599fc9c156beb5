"""Events with known answers: a robot at the origin that looks along x, and people put where they matter."""

import numpy as np
import pytest

from sac_son_nav.config import build, read_parameters, resource
from sac_son_nav.errors import ConfigError
from sac_son_nav.navigation.events import EventsConfig, SocialEvents
from sac_son_nav.navigation.mux import MuxConfig
from sac_son_nav.navigation.plan import Plan
from sac_son_nav.navigation.route import Route
from sac_son_nav.states import EVENT_KINDS, STOP, Command, Observation, RobotState, Tracks

RADIUS, DT = 0.22, 0.1
ROUTE = Route.along(np.array([[0.0, 0.0], [8.0, 0.0]]), 0.3)


def seen(now, people=(), points=(), speed=0.0, pose=(0.0, 0.0, 0.0)):
    """An observation; people as (id, x, y, vx, vy)."""
    rows = np.array(people, dtype=float).reshape(-1, 5)
    count = len(rows)
    tracks = Tracks(
        now,
        "map",
        rows[:, 0].astype(np.int64),
        rows[:, 1:3],
        rows[:, 3:5],
        np.zeros((count, 4, 4)),
        np.ones(count),
    )
    robot = RobotState(now, np.array(pose, dtype=float), np.array([speed, 0.0]))
    return Observation(now, robot, tracks, np.array(points, dtype=float).reshape(-1, 2))


def plan(status="driving", speed=0.4):
    return Plan(0.0, Command(speed, 0.0) if status == "driving" else STOP, status)


class Teller:
    """Steps the events through time and keeps all that is told."""

    def __init__(self, **settings):
        self.events, self.now, self.told = SocialEvents(EventsConfig(**settings), RADIUS), 0.0, []

    def go(self, seconds, people=lambda t: (), status="driving", **more):
        """`people` is a function of the time since this call."""
        began = self.now
        for _ in range(round(seconds / DT)):
            observation = seen(self.now, people(self.now - began), **more)
            self.told += self.events.step(plan(status), observation, ROUTE)
            self.now += DT
        return self.kinds()

    def kinds(self):
        return [(event.kind, event.person) for event in self.told]


@pytest.fixture
def teller():
    return Teller()


def standing(x, y, person=7):
    return lambda t: [(person, x, y, 0.0, 0.0)]


@pytest.mark.parametrize("status", ["blocked", "yielding"])
def test_a_person_who_stands_in_the_way_of_a_robot_that_stands_blocks_it_once(teller, status):
    assert teller.go(0.9, standing(1.0, 0.1), status) == []
    assert teller.go(9.0, standing(1.0, 0.1), status) == [("blocked", 7)]
    event = teller.told[0]
    np.testing.assert_allclose(event.position, [1.0, 0.1])
    assert event.stamp_s == pytest.approx(1.0, abs=0.11)
    assert (event.frame, event.detail) == ("map", "person 7 stands in the way")


@pytest.mark.parametrize(
    ("people", "status"),
    [
        (standing(1.0, 1.0), "blocked"),  # beside the way
        (standing(3.0, 0.0), "blocked"),  # far ahead
        (standing(-1.0, 0.0), "blocked"),  # behind
        (standing(1.0, 0.0), "driving"),  # the robot drives
        (standing(1.0, 0.0), "idle"),  # it has no goal
        (lambda t: [(7, 1.5, -2.0 + t, 0.0, 1.0)], "blocked"),  # walks across
    ],
)
def test_who_does_not_stand_in_the_way_does_not_block(teller, people, status):
    assert ("blocked", 7) not in teller.go(4.0, people, status)


def test_a_robot_that_tries_and_stops_is_still_blocked(teller):
    teller.go(0.6, standing(1.0, 0.1), "yielding")
    teller.go(0.3, standing(1.0, 0.1), "driving")  # it has another look
    assert teller.go(0.5, standing(1.0, 0.1), "yielding") == [("blocked", 7)]


def test_a_robot_that_gets_under_way_begins_anew(teller):
    teller.go(0.8, standing(1.0, 0.1), "yielding")
    teller.go(0.9, standing(1.0, 0.1), "driving")
    assert teller.go(0.8, standing(1.0, 0.1), "yielding") == []


def test_who_steps_aside_has_made_way(teller):
    teller.go(2.0, standing(1.0, 0.0), "blocked")
    teller.go(1.5, lambda t: [(7, 1.0, 0.8 * t, 0.0, 0.8)], "yielding")
    teller.go(2.0, standing(1.0, 1.2), "driving")
    assert [kind for kind, _ in teller.kinds() if kind != "yielding"] == ["blocked", "made_way"]
    assert teller.told[-1].person == 7


def test_the_blocker_under_another_number_is_the_same_person(teller):
    teller.go(2.0, standing(1.0, 0.0), "blocked")
    teller.go(0.5, standing(1.05, 0.05, person=9), "blocked")
    teller.go(1.0, standing(1.0, 1.0, person=9), "driving")
    assert teller.kinds() == [("blocked", 7), ("made_way", 9)]


def test_nobody_is_thanked_who_did_not_move(teller):
    """The robot found another way, and the person is beside it now."""
    teller.go(2.0, standing(1.0, 0.0), "blocked")
    teller.go(1.0, standing(1.0, 0.0), "driving", pose=(0.5, 1.0, 0.0))
    assert teller.kinds() == [("blocked", 7)]


def test_a_blocker_who_is_lost_from_sight_is_forgotten(teller):
    teller.go(2.0, standing(1.0, 0.0), "blocked")
    teller.go(3.0, status="blocked")
    teller.go(2.0, standing(1.0, 1.2), "driving")
    assert teller.kinds() == [("blocked", 7)]


def test_blocked_again_by_the_same_person_is_told_after_the_pause():
    teller = Teller(pause=5.0)
    for _ in range(2):
        teller.go(2.0, standing(1.0, 0.0), "blocked")
        teller.go(1.0, standing(1.0, 1.2), "driving")
        teller.now += 5.0
    assert teller.kinds() == [("blocked", 7), ("made_way", 7)] * 2


def test_a_walker_who_comes_past_closely_is_passing_once(teller):
    """From 4 m ahead at 1 m/s, 0.6 m aside: the closest moment is at 4 s, told 1.5 s before."""
    teller.go(8.0, lambda t: [(3, 4.0 - t, 0.6, -1.0, 0.0)], "idle")
    assert teller.kinds() == [("passing", 3)]
    assert teller.told[0].stamp_s == pytest.approx(2.6, abs=0.15)


def test_the_robots_own_speed_counts(teller):
    """Walking ahead at the robot's speed, nobody passes anybody."""
    assert teller.go(4.0, lambda t: [(3, 1.5, 0.5, 0.4, 0.0)], speed=0.4) == []


@pytest.mark.parametrize(
    "people",
    [
        lambda t: [(3, 4.0 - t, 1.3, -1.0, 0.0)],  # too far aside
        lambda t: [(3, 0.5 + t, 0.5, 1.0, 0.0)],  # walks away
        standing(0.6, 0.6),  # stands
    ],
)
def test_who_does_not_come_close_is_not_passing(teller, people):
    assert teller.go(5.0, people, "idle") == []


def test_who_comes_back_after_a_while_passes_again(teller):
    there_and_back = lambda t: [(3, 4.0 - t, 0.6, -1.0, 0.0)]  # noqa: E731
    teller.go(8.0, there_and_back, "idle")
    teller.now += 8.0
    teller.go(8.0, there_and_back, "idle")
    assert teller.kinds() == [("passing", 3)] * 2


def test_slowing_for_a_walker_ahead_is_yielding(teller):
    walker = lambda t: [(4, 2.0, 2.0 - t, 0.0, -1.0)]  # noqa: E731
    teller.go(0.4, walker, "yielding")
    assert ("yielding", 4) not in teller.kinds()
    teller.go(1.0, walker, "yielding")
    assert teller.kinds().count(("yielding", 4)) == 1


def test_arriving_is_told_once(teller):
    teller.go(1.0)
    teller.go(2.0, status="arrived")
    teller.go(1.0, status="idle")
    assert teller.kinds() == [("arrived", None)]
    teller.go(1.0)
    teller.go(1.0, status="arrived")
    assert len(teller.told) == 2


def ring(distance):
    return distance * np.array([[1.0, 0.0], [0.999, 0.04], [0.999, -0.04]])


def test_touching_something_while_moving_is_a_bump(teller):
    teller.go(1.0, points=ring(0.5), speed=0.3)
    teller.go(1.0, standing(0.4, 0.0), points=ring(0.235), speed=0.3)
    assert [kind for kind, _ in teller.kinds()].count("bumped") == 1
    event = next(event for event in teller.told if event.kind == "bumped")
    assert (event.person, event.detail) == (7, "person 7 and the robot touched")


def test_a_wall_touched_is_nobody(teller):
    teller.go(1.0, points=ring(0.5), speed=0.3)
    teller.go(1.0, points=ring(0.2), speed=0.3)
    assert teller.kinds() == [("bumped", None)]
    np.testing.assert_allclose(teller.told[0].position, [0.2, 0.0], atol=0.02)


@pytest.mark.parametrize(
    ("first", "then", "speed"),
    [
        (0.5, 0.27, 0.3),  # near, not touching
        (0.5, 0.2, 0.0),  # somebody leans on a robot that stands
        (0.2, 0.2, 0.3),  # a post of its own, there from the beginning
    ],
)
def test_what_is_no_bump(teller, first, then, speed):
    teller.go(1.0, points=ring(first), speed=speed)
    assert teller.go(1.0, points=ring(then), speed=speed) == []


def test_one_lone_return_is_noise(teller):
    teller.go(1.0, points=ring(0.5), speed=0.3)
    assert teller.go(1.0, points=[[0.2, 0.0], [0.6, 0.0]], speed=0.3) == []


def test_lost_until_the_localiser_is_sure_again():
    events = SocialEvents(EventsConfig(lost_deviation=0.6), RADIUS)
    told = [events.localised(float(t), deviation) for t, deviation in enumerate((0.1, 0.7, 0.9, 0.5, 0.2, 0.8))]
    assert [[event.kind for event in found] for found in told] == [[], ["lost"], [], [], [], ["lost"]]
    assert told[1][0].detail == "the position is known to 0.7 m only"


def test_every_kind_is_a_known_one(teller):
    teller.go(2.0, standing(1.0, 0.0), "blocked")
    assert {kind for kind, _ in teller.kinds()} <= set(EVENT_KINDS)


def test_a_threshold_of_zero_is_refused():
    with pytest.raises(ConfigError, match=r"events: pause: expected a number above zero, got 0.0"):
        EventsConfig(pause=0.0)


def test_the_shipped_file_says_the_defaults():
    shipped = read_parameters(resource("config", "navigation.yaml"), "navigation")
    assert build(EventsConfig, shipped["events"], "events") == EventsConfig()
    assert build(MuxConfig, shipped["mux"], "mux") == MuxConfig()
    assert set(shipped["events"]) == set(EventsConfig.__dataclass_fields__)
