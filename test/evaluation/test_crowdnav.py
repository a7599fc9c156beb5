import json
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sac_son_nav.cli import main, parser
from sac_son_nav.crowds.orca import OrcaConfig, step
from sac_son_nav.errors import ConfigError, ResultsError
from sac_son_nav.evaluation.crowdnav import (
    COLLISION,
    GOING,
    SUCCESS,
    TIMEOUT,
    Trial,
    agreement,
    circular_force_robot,
    judge,
    measure,
    published_cases,
    read_log,
    run,
    trial_of,
)
from sac_son_nav.evaluation.crowdnav_parts import PART, in_parts
from sac_son_nav.evaluation.crowdnav_world import Bodies, Setting, Worlds, reciprocal_velocity
from sac_son_nav.states import Floats

RANDOM = Setting()
ALIKE = Setting(randomised=False, changing=False)
EMPTY = Setting(people=1, randomised=False, changing=False, ring=60.0)  # one body, far away from everything


def options(*words: str) -> Namespace:
    return parser().parse_args(["evaluate", "crowdnav", *words])


# -- worlds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", [RANDOM, ALIKE])
def test_worlds_start_as_published(setting: Setting) -> None:
    worlds = Worlds(setting, range(30))
    assert np.abs(worlds.robot_position).max() <= 6.0
    assert np.abs(worlds.robot_goal).max() <= 6.0
    assert np.linalg.norm(worlds.robot_goal - worlds.robot_position, axis=-1).min() >= 8.0
    np.testing.assert_array_equal(worlds.goals, -worlds.positions)
    # A start is a point of the circle moved by up to 2 m along x and along y: the circle meets the square before it.
    low = worlds.positions - 2.0
    nearest = np.linalg.norm(np.clip(0.0, low, worlds.positions), axis=-1)
    farthest = np.linalg.norm(np.maximum(np.abs(low), np.abs(worlds.positions)), axis=-1)
    assert (nearest <= setting.ring).all()
    assert (farthest >= setting.ring).all()
    assert worlds.gap.min() >= setting.room
    i, j = np.triu_indices(setting.people, 1)
    apart = np.linalg.norm(worlds.positions[:, i] - worlds.positions[:, j], axis=-1)
    assert (apart - worlds.radii[:, i] - worlds.radii[:, j]).min() >= setting.room
    if setting.randomised:
        assert worlds.radii.min() >= 0.3
        assert worlds.radii.max() <= 0.5
        assert worlds.radii.std() == pytest.approx(0.2 / 12**0.5, rel=0.05)
        assert worlds.speeds.mean() == pytest.approx(1.0, abs=0.03)
        assert (worlds.sights == worlds.sights[:, :1]).all()  # whoever looks first looks as far as the last one drawn
    else:
        assert (worlds.radii == 0.3).all()
        assert (worlds.sights == 10.0).all()


def test_the_robot_sees_five_metres_and_guesses_on() -> None:
    worlds = Worlds(ALIKE, range(20))
    apart = np.linalg.norm(worlds.positions - worlds.robot_position[:, None], axis=-1) - 0.6
    np.testing.assert_array_equal(worlds.visible, apart <= 5.0)
    assert 0 < worlds.visible.sum() < worlds.visible.size
    assert (worlds.believed_positions[~worlds.visible] == 15.0).all()
    still = np.zeros_like(worlds.robot_position)
    for _ in range(40):
        guess = worlds.believed_positions + 0.25 * worlds.believed_velocities
        people = worlds.people_choose()
        moved = worlds.positions + 0.25 * people
        worlds.advance(still, people)
        np.testing.assert_allclose(worlds.believed_positions, np.where(worlds.visible[..., None], moved, guess))
    lost = ~worlds.visible & (worlds.believed_positions != 15.0).any(axis=-1)
    assert lost.any()


def test_who_arrives_makes_room_for_somebody_new() -> None:
    worlds = Worlds(RANDOM, range(10))
    still, replaced = np.zeros((10, 2)), 0
    for _ in range(80):
        people = worlds.people_choose()
        after = worlds.positions + 0.25 * people
        goals, radii = worlds.goals.copy(), worlds.radii.copy()
        worlds.advance(still, people)
        new = np.linalg.norm(worlds.positions - after, axis=-1) > 1e-9
        if worlds.steps % 20:  # at the others minds change, too
            np.testing.assert_array_equal(new, np.linalg.norm(goals - after, axis=-1) < radii)
            np.testing.assert_array_equal(worlds.goals[new], -worlds.positions[new])
        assert (worlds.velocities[new] == 0.0).all()
        replaced += int(new.sum())
    assert replaced > 20


def test_minds_change_every_five_seconds_and_only_then() -> None:
    worlds = Worlds(RANDOM, range(12))
    for k in range(1, 21):
        goals = worlds.goals.copy()
        worlds.advance(np.zeros((12, 2)), np.zeros((12, 20, 2)))  # nobody moves, so nobody arrives
        changed = (worlds.goals != goals).any(axis=-1)
        assert changed.mean() == pytest.approx(0.5, abs=0.1) if k == 20 else not changed.any()
        off_circle = np.abs(np.linalg.norm(worlds.goals[changed], axis=-1) - worlds.setting.ring)
        assert (off_circle <= 0.5 * 2**0.5 * 1.5 + 1e-9).all()


def test_people_choose_as_by_the_law_of_orca() -> None:
    """Alike and all in sight of each other, they do what the crowd's own step does with the same settings."""
    setting = replace(ALIKE, plain_sight=100.0)
    worlds = Worlds(setting, range(3))
    law = OrcaConfig(horizon=5.0, margin=0.32, speed_tolerance=1.0)
    still = np.zeros((3, 2))
    for _ in range(30):
        offset = worlds.goals - worlds.positions
        wish = offset / np.maximum(np.linalg.norm(offset, axis=-1, keepdims=True), 1.0)
        _, expected = step(worlds.positions, worlds.velocities, wish, np.full(20, 0.3), 0.25, law)
        people = worlds.people_choose()
        np.testing.assert_allclose(people, expected, atol=2e-4)
        worlds.advance(still, people)


def test_one_who_evades_alone_by_hand() -> None:
    """As in the test of the law: bodies of 0.6 m in all, margin included, 4 m apart, horizon 4 s, 0.45 m/s each: the
    evasion is 0.05 m/s, of which a half or all is made. A body beyond sight is none."""
    setting = replace(ALIKE, horizon=4.0)
    other = Bodies(np.array([[[4.0, 0.0]]]), np.array([[[-0.45, 0.0]]]), np.array([[0.3 - 0.16]]))
    own, pace, goal, one = np.zeros((1, 2)), np.array([[0.45, 0.0]]), np.array([[0.45, 0.0]]), np.ones(1)
    for share, sight, expected in ((0.5, 10.0, 0.425), (1.0, 10.0, 0.4), (1.0, 4.0, 0.45)):
        velocity = reciprocal_velocity(own, pace, goal, one, other, 0.14 * one, sight * one, setting, share)
        np.testing.assert_allclose(velocity, [[expected, 0.0]], atol=1e-5)


# -- robots and episodes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("robot", ["orca", "social_force", "moussaid"])
def test_alone_everybody_arrives_in_the_time_it_takes(robot: str) -> None:
    """Worked out along the line to the goal, from rest: ORCA wants, and has at once, the distance left per second
    in the last metre; the others gain on 1 m/s at rates of 1 and 1 / 0.54 per second."""
    worlds, episodes = Worlds(EMPTY, range(8)), run(Trial(robot, setting=EMPTY), range(8))
    assert (episodes.outcomes == SUCCESS).all()
    for k, left in enumerate(np.linalg.norm(worlds.robot_goal - worlds.robot_position, axis=-1)):
        steps, speed = 0, 0.0
        while left >= 0.3:
            gain = {"orca": min(left, 1.0) - speed, "social_force": 0.25 * (1.0 - speed)}
            speed += gain.get(robot, 0.25 / 0.54 * (1.0 - speed))
            left, steps = left - 0.25 * speed, steps + 1
        assert episodes.times[k] == 0.25 * steps
    assert (episodes.gaps > 30.0).all()


def test_the_circular_force_by_hand() -> None:
    """The robot stands at the origin, its goal along x: 1 m/s^2 to it. Somebody of 0.4 m stands 1.7 m to the left, so
    1 m between them: 2 exp(-1) = 0.7358 m/s^2 to the right. After 0.25 s (0.25, -0.18394) m/s."""
    worlds = Worlds(replace(EMPTY), [0])
    worlds.robot_position[:], worlds.robot_velocity[:], worlds.robot_goal[:] = 0.0, 0.0, [5.0, 0.0]
    seen = Bodies(np.array([[[0.0, 1.7]]]), np.zeros((1, 1, 2)), np.array([[0.4]]))
    np.testing.assert_allclose(circular_force_robot()(worlds, seen), [[0.25, -0.25 * 2.0 * np.exp(-1.0)]])
    near = replace(seen, positions=np.array([[[-0.1, 0.0]]]))  # 2 exp(0.6) m/s^2 more: faster than 1 m/s it never is
    worlds.robot_velocity[:] = [0.9, 0.0]
    np.testing.assert_allclose(circular_force_robot()(worlds, near), [[1.0, 0.0]])


def test_time_goes_before_a_collision_and_that_before_arriving() -> None:
    worlds = Worlds(ALIKE, range(4))
    worlds.robot_goal[1:3] = worlds.robot_position[1:3]
    worlds.positions[2:, 0] = worlds.robot_position[2:] + np.array([0.59, 0.0])
    assert judge(worlds).tolist() == [GOING, SUCCESS, COLLISION, COLLISION]
    worlds.steps = 195
    assert judge(worlds).tolist() == [GOING, SUCCESS, COLLISION, COLLISION]
    worlds.steps = 196  # 49 s
    assert judge(worlds).tolist() == [TIMEOUT] * 4


def test_a_case_is_the_same_world_in_any_batch() -> None:
    """Only what an ORCA robot knows of bodies, and how far it looks, comes from the first case."""
    trial = Trial("social_force", setting=RANDOM)
    together, again = run(trial, [4, 0, 7]), run(trial, [4, 0, 7])
    np.testing.assert_array_equal(again.gaps, together.gaps)
    for k, case in enumerate([4, 0, 7]):
        alone = run(trial, [case])
        assert alone.outcomes[0] == together.outcomes[k]
        assert alone.times[0] == together.times[k]
        assert alone.gaps[0] == pytest.approx(together.gaps[k], abs=1e-6)
    assert run(trial, [4], seed=1).gaps[0] != together.gaps[0]


def test_the_published_shares_come_out() -> None:
    """Thirty of the published cases; the bounds are three standard errors about the logs' 0.69 and 0.34."""
    for trial, success in ((Trial(), 0.69), (Trial("social_force", setting=ALIKE), 0.34)):
        found, rows = measure(trial, published_cases(30), 425)
        assert found["success"] == pytest.approx(success, abs=3.0 * (success * (1.0 - success) / 30) ** 0.5)
        assert found["collision"] > 0.1
        assert sum(found[name] for name in ("success", "collision", "timeout")) == pytest.approx(1.0)
        assert len(rows) == found["distinct_cases"] == 30
        for row in rows:
            assert (row["outcome"] == "collision") == (row["least_gap_m"] < 0.0)
            assert row["way_m"] <= row["time_s"] + 1e-6  # nobody is faster than 1 m/s


def test_a_robot_that_people_see_touches_nobody() -> None:
    found, _ = measure(Trial(setting=replace(RANDOM, robot_seen=True)), np.arange(12), 425)
    assert found["success"] == 1.0


def test_foresight_shows_the_robot_where_people_truly_go() -> None:
    worlds = Worlds(ALIKE, [0, 1])
    people = worlds.people_choose()
    positions, velocities = worlds.foreseen(3, people)
    visible = worlds.visible.copy()
    for n in range(4):
        part = slice(20 * n, 20 * (n + 1))
        np.testing.assert_allclose(positions[:, part][visible], worlds.positions[visible])
        np.testing.assert_allclose(velocities[:, part][visible], worlds.velocities[visible])
        assert (positions[:, part][~visible] == 15.0).all()
        worlds.advance(np.zeros((2, 2)), worlds.people_choose())
    found, _ = measure(Trial(foresight=2), np.arange(4), 425)
    assert found["episodes"] == 4


def test_our_planner_alone_goes_straight_to_its_goal_either_way_of_driving() -> None:
    worlds = Worlds(EMPTY, range(3))
    way = np.linalg.norm(worlds.robot_goal - worlds.robot_position, axis=-1)
    for robot, more in (("sac_son", 0.5), ("sac_son_turning", 1.0)):
        episodes = run(Trial(robot, setting=EMPTY), range(3))
        assert (episodes.outcomes == SUCCESS).all()
        assert (episodes.times <= way - 0.3 + more).all()


def test_our_planner_keeps_off_people_s_way_in_a_crowd() -> None:
    """Some of the worlds that were looked at: without a price on intrusions it is more often where people will be."""
    kept, free = (
        run(Trial("sac_son", intrusions=True, changes=("holonomic.rounds=0", *changes)), range(4), 5000)
        for changes in ((), ("objective.weights.intrusion=0.0",))
    )
    assert (kept.outcomes == SUCCESS).sum() >= 3
    assert kept.intrusions.mean() < 0.6 * free.intrusions.mean()


def test_parts_are_kept_and_taken_up_again(tmp_path: Path) -> None:
    asked: list[list[int]] = []

    def runs(trial: str, cases: Sequence[int], seed: int) -> dict[str, Floats]:
        asked.append(list(cases))
        return {"cases": np.asarray(cases, dtype=float), "times": seed + 0.1 * np.asarray(cases)}

    cases = list(range(2 * PART + 1))
    whole = in_parts(runs, "a", "trial", cases, 3, tmp_path)
    assert asked == [cases[:PART], cases[PART : 2 * PART], cases[2 * PART :]]
    np.testing.assert_allclose(whole["times"], 3 + 0.1 * np.arange(2 * PART + 1))
    files = sorted(tmp_path.iterdir())
    files[0].unlink()
    asked.clear()
    again = in_parts(runs, "a", "trial", cases, 3, tmp_path)
    assert len(asked) == 1
    np.testing.assert_array_equal(again["times"], whole["times"])
    asked.clear()
    in_parts(runs, "b", "trial", cases, 3, tmp_path)  # other settings: nothing of it is taken
    assert len(asked) == 3
    files[1].write_text("[]")
    with pytest.raises(ResultsError, match="expected a part of this test's results"):
        in_parts(runs, "a", "trial", cases, 3, tmp_path)


def test_the_command_goes_on_where_it_was_broken_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--robot", "sac_son", "--cases", "distinct", "--episodes", "1", "--seed", "5000", "--out", str(tmp_path)]
    changed = [*words, "--set", "planner.horizon=1.0", "--set", "holonomic.rounds=0"]
    assert main(["evaluate", "crowdnav", *changed]) == 0
    assert "1 of 1 cases" in capsys.readouterr().out
    before = (tmp_path / "crowdnav.json").read_text()
    assert main(["evaluate", "crowdnav", *changed]) == 0
    assert "1 of 1 cases" not in capsys.readouterr().out
    assert (tmp_path / "crowdnav.json").read_text() == before


# -- logs and the command ---------------------------------------------------------------------------------------


def test_published_episodes_are_every_second_case_twice() -> None:
    cases = published_cases(500)
    assert cases[:3].tolist() == [0, 2, 4]
    np.testing.assert_array_equal(cases[:250], cases[250:])
    assert len(np.unique(cases)) == 250


def test_a_log_is_read_and_compared(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("12:00, INFO: Collision cases: 1 3\n12:00, INFO: Timeout cases: \n")
    theirs = read_log(log, 4)
    assert theirs.tolist() == [SUCCESS, COLLISION, SUCCESS, COLLISION]
    # 3 of 4 the same; by chance 1/2 * 3/4 + 1/2 * 1/4 = 1/2: kappa (3/4 - 1/2) / (1/2).
    assert agreement(np.array([SUCCESS, COLLISION, SUCCESS, SUCCESS]), theirs) == pytest.approx((0.75, 0.5))
    assert agreement(theirs, theirs) == pytest.approx((1.0, 1.0))
    with pytest.raises(ResultsError, match="expected at most 3 episodes, got number 3"):
        read_log(log, 3)
    log.write_text("nothing")
    with pytest.raises(ResultsError, match="expected a line 'Collision cases"):
        read_log(log, 4)
    with pytest.raises(ResultsError, match="expected a readable text"):
        read_log(tmp_path / "none", 4)


def test_people_are_those_of_the_robot_s_log_unless_told() -> None:
    assert trial_of(options()).setting == RANDOM
    assert trial_of(options("--robot", "social_force")).setting == ALIKE
    assert trial_of(options("--robot", "social_force", "--foresight", "5")).setting == RANDOM
    assert trial_of(options("--people", "alike", "--robot-seen")).setting == replace(ALIKE, robot_seen=True)
    for wrong in (("--share", "1.5"), ("--foresight", "-1"), ("--episodes", "0")):
        with pytest.raises(ConfigError, match="crowdnav: expected"):
            trial_of(options(*wrong))
    with pytest.raises(ConfigError, match="expected people and a time step"):
        Setting(people=0)
    with pytest.raises(ConfigError, match="expected a robot of orca"):
        Trial("none")


def test_the_command_tells_and_leaves_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log"
    log.write_text("Collision cases: \nTimeout cases: \n")
    words = ["--episodes", "3", "--log", str(log), "--out", str(tmp_path / "out")]
    assert main(["evaluate", "crowdnav", *words]) == 0
    told = capsys.readouterr().out
    assert "robot: orca" in told
    assert "published       0.690      0.290" in told
    values = json.loads((tmp_path / "out" / "crowdnav.json").read_text())
    assert values["found"]["episodes"] == 3
    assert [row["case"] for row in values["cases"]] == [0, 2, 4]
    assert f"in {values['found']['same_outcome']:.3f}, kappa" in told
