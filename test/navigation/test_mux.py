import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.navigation.mux import CommandMux, MuxConfig
from sac_son_nav.states import STOP, Command

DRIVE, NOD = Command(0.5, 0.1), Command(-0.1, 0.0)


@pytest.fixture
def mux():
    return CommandMux(MuxConfig())


def test_nobody_heard_means_standing(mux):
    assert mux.owner(0.0) is None
    assert mux.command(0.0) == STOP
    assert mux.free_for("expression", 0.0)


def test_navigation_that_drives_has_the_base(mux):
    mux.hear("expression", NOD, 1.0)
    mux.hear("navigation", DRIVE, 1.0)
    assert mux.owner(1.05) == "navigation"
    assert mux.command(1.05) == DRIVE
    assert not mux.free_for("expression", 1.05)


def test_navigation_that_stands_lets_go_after_a_moment_and_takes_back_at_once(mux):
    mux.hear("navigation", DRIVE, 1.0)
    owners = []
    for tick in range(1, 9):
        now = 1.02 + 0.1 * tick
        mux.hear("navigation", STOP, now)
        mux.hear("expression", NOD, now)
        owners.append(mux.owner(now))
    # standing counts from the last motion, at 1.0 s
    assert owners == ["navigation"] * 2 + ["expression"] * 6
    assert mux.command(1.85) == NOD
    mux.hear("navigation", DRIVE, 1.9)
    assert mux.command(1.9) == DRIVE


def test_while_navigation_waits_to_let_go_the_base_stands(mux):
    mux.hear("navigation", DRIVE, 1.0)
    mux.hear("navigation", STOP, 1.1)
    mux.hear("expression", NOD, 1.1)
    assert mux.command(1.15) == STOP


def test_navigation_without_a_goal_lets_go_at_once(mux):
    mux.hear("navigation", DRIVE, 1.0)
    mux.release("navigation")
    mux.hear("expression", NOD, 1.01)
    assert mux.command(1.01) == NOD


def test_a_silent_source_stops(mux):
    mux.hear("expression", NOD, 1.0)
    assert mux.command(1.2) == NOD
    assert mux.command(1.26) == STOP
    assert mux.owner(1.31) is None


def test_a_source_that_asks_for_nothing_does_not_keep_the_base_from_those_below(mux):
    for tick in range(8):
        mux.hear("navigation", STOP, 0.1 * tick)
    assert mux.free_for("expression", 0.7)


def test_the_order_can_be_the_other_way_round():
    mux = CommandMux(MuxConfig(order=("expression", "navigation")))
    mux.hear("navigation", DRIVE, 1.0)
    assert mux.command(1.0) == DRIVE
    mux.hear("expression", NOD, 1.0)
    assert mux.command(1.0) == NOD
    assert mux.free_for("expression", 1.0)
    assert not mux.free_for("navigation", 1.0)


def test_four_sources_in_their_order(mux):
    for name in ("navigation", "expression", "recovery"):
        mux.hear(name, DRIVE, 1.0)
    assert mux.owner(1.1) == "recovery"
    assert mux.free_for("recovery", 1.1)
    assert not mux.free_for("navigation", 1.1)
    mux.hear("navigation", DRIVE, 1.35)
    assert mux.owner(1.35) == "navigation"
    mux.hear("teleoperation", DRIVE, 1.4)
    assert mux.owner(1.4) == "teleoperation"


def test_a_person_keeps_the_base_for_two_seconds_after_the_last_motion_and_it_stands_meanwhile(mux):
    mux.hear("teleoperation", DRIVE, 1.0)
    assert mux.command(1.45) == DRIVE  # a keyboard that repeats slowly
    owners, commands = [], []
    for tick in range(1, 5):
        now = 1.0 + 0.75 * tick
        mux.hear("navigation", DRIVE, now)
        owners.append(mux.owner(now))
        commands.append(mux.command(now))
    assert owners == ["teleoperation"] * 2 + ["navigation"] * 2  # at 1.75, 2.5; 3.25, 4.0
    assert commands == [STOP] * 2 + [DRIVE] * 2


@pytest.mark.parametrize(
    "settings",
    [
        {"order": ()},
        {"order": ("a", "a")},
        {"source_timeout": 0.0},
        {"stands_after": -1.0},
        {"teleoperation_timeout": 0.0},
    ],
)
def test_settings_without_sense_are_refused(settings):
    with pytest.raises(ConfigError, match="expected"):
        MuxConfig(**settings)


def test_an_unknown_source_is_refused(mux):
    with pytest.raises(ConfigError, match="joystick: expected a source of velocity, one of teleoperation, recovery"):
        mux.hear("joystick", DRIVE, 0.0)
