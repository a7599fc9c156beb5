"""One performance after another: who comes first, and that nothing jumps."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy")  # of the package of nodes

from expressive_motion.events import Steps
from expressive_motion.nodes.stage import HEAD_RATE, Stage, given_back, shade
from expressive_motion.robot import describe
from expressive_motion.skills.embodiment import LIGHT_OFF, TICK, LightState, Outputs, View
from sac_son_nav.states import STOP, RobotState, Tracks

ROBOT = describe("simulated")


class Played:
    """A stage, stepped on a clock of its own with nobody around."""

    def __init__(self) -> None:
        self.stage, self.now = Stage(ROBOT), 0.0
        self.outputs: list[Outputs | None] = []

    def begin(self, name: str, *calls: tuple[str, tuple[object, ...]], rank: int = 0) -> None:
        steps = Steps([ROBOT.check(skill, arguments) for skill, arguments in calls])
        self.stage.perform(steps, name, "event", rank)

    def go(self, seconds: float) -> list[Outputs]:
        for _ in range(round(seconds / TICK)):
            robot = RobotState(self.now, np.zeros(3), np.zeros(2))
            self.outputs.append(self.stage.step(View(self.now, robot, Tracks.empty(self.now, "map"))))
            self.now += TICK
        return [outputs for outputs in self.outputs if outputs is not None]


@pytest.fixture
def played() -> Played:
    return Played()


def test_an_empty_stage_asks_for_nothing(played: Played) -> None:
    assert played.go(0.2) == []
    assert played.stage.rank is None


def test_a_performance_ends_settles_and_is_told_of_once(played: Played) -> None:
    played.begin("look", ("move_head", (40.0, 0.0)), rank=7)
    assert played.stage.rank == 7
    assert max(outputs.head[0] for outputs in played.go(2.0) if outputs.head is not None) == pytest.approx(
        np.radians(40.0), abs=0.02
    )
    played.go(3.0)
    assert played.outputs[-1] is None  # back in the middle
    assert played.stage.ended is not None
    assert played.stage.ended.performance.state == "finished"


def test_the_next_performance_takes_the_head_over_where_it_is(played: Played) -> None:
    played.begin("left", ("move_head", (70.0, 0.0, 3.0, 5.0)))
    played.go(1.5)
    played.begin("right", ("move_head", (-70.0, 0.0, 3.0, 5.0)))
    heads = np.array([outputs.head for outputs in played.go(2.0)])
    rates = np.abs(np.diff(heads, axis=0)) / TICK
    assert rates.max() <= HEAD_RATE + 1e-9
    assert heads[-1, 0] == pytest.approx(np.radians(-70.0), abs=0.02)


def test_what_is_interrupted_is_cancelled_and_its_light_given_back(played: Played) -> None:
    played.begin("shine", ("light", ("red",)), ("wait", (5.0,)))
    shown = played.go(0.5)[-1].light
    assert (shown.colour, shown.brightness) == ("red", 0.8)
    first = played.stage.piece
    played.begin("dark", ("wait", (1.0,)))
    assert played.go(0.2)[-1].light == LIGHT_OFF
    assert first is not None
    assert (first.performance.state, first.performance.reason) == ("cancelled", "dark comes first")


def test_after_a_cancel_the_base_stands_at_the_next_step(played: Played) -> None:
    played.begin("drive", ("turn", (360.0,)))
    assert played.go(0.5)[-1].command != STOP
    played.stage.cancel("stopped on request")
    assert played.go(TICK)[-1].command == STOP
    assert played.stage.rank is None


@pytest.mark.parametrize(
    ("pattern", "times", "shades"),
    [
        ("steady", (0.0, 0.6), (0.8, 0.8)),
        ("blink", (0.1, 0.6, 1.1), (0.8, 0.0, 0.8)),
        ("pulse", (0.0, 0.5, 1.0), (0.08, 0.8, 0.08)),
    ],
)
def test_patterns_of_light(pattern: str, times: tuple[float, ...], shades: tuple[float, ...]) -> None:
    light = LightState("green", pattern, 1.0, 0.8)
    assert [shade(light, t) for t in times] == pytest.approx(list(shades))


def test_a_light_without_brightness_is_given_back() -> None:
    assert given_back(LIGHT_OFF)
    assert not given_back(LightState("red", "steady", 1.0, 0.1))
