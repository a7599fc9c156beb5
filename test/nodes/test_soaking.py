"""The account of a soak: what is counted, what grows, and where it goes on."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

pytest.importorskip("rclpy")

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from nav_msgs.msg import Path
from rclpy.serialization import serialize_message
from std_msgs.msg import Header

from sac_son_nav.errors import ConfigError
from sac_son_nav.nodes.simulation import Answers
from sac_son_nav.nodes.soaking import Account, Stretch, places, read, shortcomings, summary, write
from sac_son_nav.simulation.scenarios import load_scenario


def test_memory_is_compared_after_the_start_and_by_fifths():
    # Two minutes of warming up, then ten: 100 MB in the first two, 104 MB in the last two.
    held = [50.0, 90.0, 99.0, 101.0, *[102.0] * 6, 103.0, 105.0]
    stretch = Stretch(memory_mb=[{"navigation": mb} for mb in held])
    assert stretch.growth() == {"navigation": pytest.approx(0.04)}
    assert Stretch(memory_mb=[{"navigation": 1.0}] * 3).growth() == {}  # too short to say


def test_every_goal_is_accounted_for_or_it_shows():
    account = Account(goals={"sent": 10, "arrived": 7, "refused": 1, "given_up": 1})
    assert account.open_goals == 1
    assert summary(account)["goals_not_accounted_for"] == 1
    account.goals["cut_off"] = 1
    assert account.open_goals == 0


def test_what_is_not_as_it_has_to_be_is_told():
    held = [{"navigation": mb} for mb in (100.0, 100.0, 100.0, 106.0)]
    account = Account(plans=100, late=2, stretches=[Stretch(memory_mb=held, restarts=1)])
    account.goals["sent"] = 1
    assert shortcomings(summary(account)) == [
        "navigation grew by 6.0%",
        "2.0% of the plans were late, 1% may be",
        "1 goals are not accounted for",
        "1 times a node died",
    ]
    assert shortcomings(summary(Account())) == ["too short to say how memory grew"]
    assert not shortcomings(summary(Account(plans=100, late=1, stretches=[Stretch(memory_mb=held[:1] * 4)])))


class _Topics:
    """A node's subscriptions: what the world hears is said to it directly."""

    def __init__(self):
        self.heard = {}

    def create_subscription(self, kind, topic, callback, quality, raw=False):
        self.heard[topic] = callback


def _stamped(seconds):
    return serialize_message(Path(header=Header(stamp=Time(sec=seconds))))


def _of_navigation(sentence):
    return DiagnosticArray(status=[DiagnosticStatus(name="/navigation", message=sentence)])


def test_the_world_waits_for_those_who_answer():
    node, went_on = _Topics(), []
    answers = Answers(node, 10.0, 0.1, lambda: went_on.append(True))
    say, plan = node.heard, lambda k: node.heard["local_plan"](_stamped(k))
    answers.ask(10**9)
    assert not answers.wanting()  # nobody has answered yet
    say["people"](_stamped(1))
    answers.ask(2 * 10**9)
    assert answers.wanting()
    say["people"](_stamped(1))  # of the scan before
    assert answers.wanting()
    assert not went_on
    say["people"](_stamped(2))
    assert not answers.wanting()
    assert went_on == [True]
    plan(2)
    answers.ask(3 * 10**9)
    say["people"](_stamped(3))
    assert answers.wanting()  # for the plan
    plan(3)
    assert not answers.wanting()
    answers.ask(4 * 10**9)
    say["people"](_stamped(4))
    say["diagnostics"](_of_navigation("yielding"))
    assert answers.wanting()
    say["diagnostics"](_of_navigation("arrived"))  # so no plan will come
    assert not answers.wanting()
    assert len(went_on) == 3
    assert (answers.plans, answers.late, answers.missed) == (2, 0, 0)


def test_who_is_late_once_is_waited_for_again():
    """The world ran on at full speed then, and nobody ever came up with it: no goal was reached."""
    node = _Topics()
    answers = Answers(node, 0.01, 0.05, lambda: None)
    answers.ask(10**9)
    node.heard["people"](_stamped(1))
    answers.ask(2 * 10**9)
    assert answers.wanting()
    time.sleep(0.02)
    assert answers.wanting()  # the patience is over, and the world goes on in real time
    time.sleep(0.05)
    assert not answers.wanting()
    assert answers.missed == 1
    answers.ask(3 * 10**9)
    assert answers.wanting()  # until a sweep's time is over
    node.heard["people"](_stamped(2))  # it is there again
    assert answers.wanting()
    node.heard["people"](_stamped(3))
    assert not answers.wanting()
    assert answers.missed == 1


def test_a_soak_goes_on_where_it_was(tmp_path):
    account = Account(plans=100, late=2, latest_ms=140.0, stretches=[Stretch(1800.0, 600.0), Stretch(1800.0, 600.0)])
    write(account, tmp_path)
    again = read(tmp_path / "soak.json")
    assert again == account
    figures = json.loads((tmp_path / "soak.json").read_text())["summary"]
    assert (figures["world_hours"], figures["times_real_time"], figures["stretches"]) == (1.0, 3.0, 2)
    assert figures["plans_later_than_100_ms"] == 0.02
    assert read(tmp_path / "none.json") == Account()


@pytest.mark.parametrize("text", ["", "{}", '{"account": {"speed": 3}}'])
def test_an_account_that_makes_no_sense_is_refused(tmp_path, text):
    (tmp_path / "soak.json").write_text(text)
    with pytest.raises(ConfigError, match="expected the account of a soak"):
        read(tmp_path / "soak.json")


def test_the_robot_is_sent_to_open_places_far_from_the_last_one():
    scenario = load_scenario("robots/rounds")
    found = places(scenario, 0.6, 50, seed=3)
    assert found.shape == (50, 2)
    assert (np.asarray(scenario.floor.distance_at(found)) >= 0.6).all()
    way = np.linalg.norm(np.diff(np.vstack([scenario.robot_start[:2], found]), axis=0), axis=1)
    assert way.min() >= 3.0
    np.testing.assert_array_equal(found, places(scenario, 0.6, 50, seed=3))
