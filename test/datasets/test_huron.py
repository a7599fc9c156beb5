"""Bags of HuRoN's format, written by this test: what was simulated comes back, and every way a bag can be bad."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sac_son_nav.cli import main
from sac_son_nav.datasets.bags import Bag
from sac_son_nav.datasets.huron import HuronConfig, find_bags, read_bag, read_folder
from sac_son_nav.datasets.steps import STEP, StepRecording, WindowConfig, robot_windows, step_folds
from sac_son_nav.errors import BagError, ConfigError, DatasetError
from sac_son_nav.evaluation.huron_check import coincidence
from test.datasets import huron_bags as bags

SESSION = "Dec-09-2022-bww8"


@pytest.fixture(scope="module")
def truth() -> bags.Truth:
    """A robot in a corridor; one person is lost for two steps, another comes late."""
    (found,) = bags.simulate("corridor", 1, 40, seed=3)
    found.people[10:12, 0] = np.nan
    found.people[:20, 1] = np.nan
    return found


@pytest.fixture(scope="module")
def brief(truth: bags.Truth) -> bags.Truth:
    """Its first steps, enough for a window."""
    return bags.Truth(truth.poses[:20], truth.people[:20], truth.ranges[:20])


@pytest.fixture(scope="module")
def bag(truth: bags.Truth, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bags.write(tmp_path_factory.mktemp("huron") / SESSION / "00000010.bag", bags.messages(truth))


def test_what_was_simulated_comes_back(truth: bags.Truth, bag: Path) -> None:
    read = read_bag(bag, config=HuronConfig(laser=bags.LASER), scans=True)
    assert (read.name, read.session, read.floor, read.seeking) == (f"{SESSION}/00000010", SESSION, "bww8", False)
    np.testing.assert_allclose(read.poses, truth.poses, atol=1e-6)
    table, ids = read.table()
    np.testing.assert_allclose(table, truth.people, atol=1e-6)
    assert ids.tolist() == list(range(7, 7 + truth.people.shape[1]))
    np.testing.assert_allclose([s.ranges for s in read.scans], truth.ranges.astype(np.float32))
    assert read.notes == ()


def test_stamps_are_told_and_not_believed(truth: bags.Truth, bag: Path) -> None:
    read = read_bag(bag)
    assert read.recorded_dt == pytest.approx(STEP / 3.5, abs=1e-6)
    assert read.header_dt == pytest.approx(STEP / 3.2, abs=1e-6)
    moved = np.linalg.norm(np.diff(truth.poses[:, :2], axis=0), axis=-1) * 3.0
    speeds = read.velocities
    np.testing.assert_allclose(np.linalg.norm(speeds[:, :2], axis=-1), moved, atol=1e-6)
    assert np.abs(speeds[:, 0]).max() < 1.1  # and not the 4.3 m/s of the odometry's own


@pytest.mark.parametrize("frame", ["laser", "robot", "odometry", "camera"])
def test_each_frame_of_the_people_leads_to_the_same_places(brief: bags.Truth, tmp_path: Path, frame: str) -> None:
    path = bags.write(tmp_path / "a" / "00000001.bag", bags.messages(brief, frame, pictures=False))
    read = read_bag(path, config=HuronConfig(people_frame=frame, laser=bags.LASER))
    seen = np.isfinite(brief.people[..., 0]).any(axis=0)
    np.testing.assert_allclose(read.table()[0], brief.people[:, seen], atol=1e-6)


def test_the_laser_tells_the_right_frame(bag: Path) -> None:
    raw = read_bag(bag, config=HuronConfig(people_frame="odometry"), scans=True)
    found = {frame: coincidence([raw], frame, bags.LASER) for frame in ("laser", "robot", "odometry", "camera")}
    best = found["laser"]
    assert best.places > 50
    assert best.met > 0.75  # who stands behind somebody else is not met
    assert max(found[f].met for f in ("robot", "odometry", "camera")) < best.met - 0.2
    assert best.chance < best.met - 0.2
    assert best.turn == 0.0
    # where the laser is believed to look straight ahead, its frame and the base's are a hand's breadth apart
    assert coincidence([raw], "robot", (0.1, 0.0, 0.0)).met > 0.75


def test_windows_are_the_truth_in_the_robot_s_frame(truth: bags.Truth, bag: Path) -> None:
    read = read_bag(bag, config=HuronConfig(laser=bags.LASER))
    made = robot_windows([read], WindowConfig(smoothing=0, nearest=False, gap=2))
    assert np.abs(made.robot[:, -1]).max() < 1e-9
    for k in range(0, len(made), 7):
        t, n = made.step[k], made.id[k] - 7
        x, y, yaw = truth.poses[t]
        turn = np.array([[np.cos(yaw), np.sin(yaw)], [-np.sin(yaw), np.cos(yaw)]])
        np.testing.assert_allclose(made.robot_future[k], (truth.poses[t + 1 : t + 9, :2] - (x, y)) @ turn.T, atol=1e-6)
        future = (truth.people[t + 1 : t + 9, n] - (x, y)) @ turn.T
        np.testing.assert_allclose(made.person_future[k], future, atol=1e-6)
        past = (truth.people[t - 7 : t + 1, n] - (x, y)) @ turn.T
        seen = np.isfinite(past[:, 0])
        np.testing.assert_allclose(made.person[k][seen], past[seen], atol=1e-6)
    assert np.isfinite(made.person).all()  # the two lost steps lie between
    without = robot_windows([read], WindowConfig(gap=1, nearest=False))
    assert len(without) < len(made)
    assert without.too_short > made.too_short
    nearest = robot_windows([read])
    assert len(np.unique(nearest.step)) == len(nearest) < len(made)
    for k in range(len(nearest)):
        away = np.linalg.norm(truth.people[nearest.step[k]] - truth.poses[nearest.step[k], :2], axis=-1)
        assert nearest.id[k] - 7 == np.nanargmin(away)


def recording(poses: np.ndarray, person: np.ndarray, session: str = "a") -> StepRecording:
    steps = np.flatnonzero(np.isfinite(person[:, 0]))
    return StepRecording(session, "b", poses, steps, np.zeros(len(steps), np.int64), person[steps])


def test_a_past_is_cleaned_with_what_was_known_by_then() -> None:
    poses, person = np.zeros((20, 3)), np.stack([np.arange(20.0), np.zeros(20)], axis=-1) / 3.0
    person[:, 1] = 0.3 * (-1.0) ** np.arange(20)
    config = WindowConfig(smoothing=1)
    made = robot_windows([recording(poses, person)], config)
    assert np.abs(made.person[:, 1:-1, 1]).max() == pytest.approx(0.1)  # of 0.3, -0.3, 0.3
    np.testing.assert_allclose(made.person[0, -1], person[7])
    np.testing.assert_allclose(made.person_future[0], person[8:16])  # as it was seen
    person[8:] += 5.0
    again = robot_windows([recording(poses, person)], config)
    np.testing.assert_array_equal(again.person[0], made.person[0])


def test_no_window_reaches_across_a_leap_of_the_odometry() -> None:
    poses, person = np.zeros((40, 3)), np.ones((40, 2))
    assert len(robot_windows([recording(poses, person)])) == 25
    poses[20:, 0] = 3.0
    made = robot_windows([recording(poses, person)])
    assert sorted({*range(7, 12), *range(27, 32)}) == made.step.tolist()


def test_sessions_are_never_parted() -> None:
    names = [f"Dec-{day:02d}-2022-{floor}" for day in range(1, 8) for floor in ("bww8", "cory1", "soda3-intloss")]
    none = np.zeros(0, np.int64)
    made = [StepRecording(n, b, np.zeros((2, 3)), none, none, np.zeros((0, 2))) for n in names for b in "ab"]
    folds = step_folds(made)
    assert list(folds) == ["bww8", "cory1", "soda3", "all"]
    for name, fold in folds.items():
        parts = [{r.session for r in part} for part in (fold.learn, fold.choose, fold.test)]
        assert len(parts[0] | parts[1] | parts[2]) == sum(map(len, parts))
        assert len(fold.learn) + len(fold.choose) + len(fold.test) == len(made)
        assert len(parts[1]) == (2 if name != "all" else 4)
    assert {r.floor for r in folds["soda3"].test} == {"soda3"}
    one_floor = step_folds([r for r in made if r.floor == "bww8"])
    assert list(one_floor) == [*(f"Dec-{day:02d}-2022-bww8" for day in range(1, 8)), "all"]


def spoil(told: dict[str, list[Any]], how: str) -> None:
    """Make one thing wrong."""
    if how == "no people":
        del told["/pedestrians_pose"]
    elif how == "unequal":
        del told["/laserscan"][-3:]
    elif how == "nan":
        told["/odometry"][5].pose.pose.position.x = float("nan")
    elif how == "no quaternion":
        told["/odometry"][6].pose.pose.orientation.w = 4.0
    elif how == "wrong type":
        told["/pedestrians_pose"] = told["/bumper"]
    elif how == "dead":
        told["/odometry"] = [bags.odometry(k, (1.0, 2.0, 0.5)) for k in range(20)]
    elif how == "nowhere":
        for message in told["/pedestrians_pose"]:
            for marker in message.markers:
                marker.pose.position.y = float("nan")
    elif how == "short":
        for sent in told.values():
            del sent[10:]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("no people", r"expected the topic /pedestrians_pose, got /boundary_boxes, /bumper, .*, /odometry"),
        ("unequal", r"expected as many messages on each topic, one set a step, got 20 on /odometry, 17 on /laserscan"),
        ("nan", r"message 5 of /odometry: expected a finite pose, got nan, "),
        ("no quaternion", r"message 6 of /odometry: expected a quaternion of length 1, got 4"),
        ("wrong type", r"/pedestrians_pose: expected visualization_msgs/msg/MarkerArray, got create_msgs/msg/Bumper"),
        ("dead", r"expected a robot that moves by 0.05 m or more, got 0.000 m in 20 steps: its odometry is dead"),
        ("nowhere", r"/pedestrians_pose: expected finite places, got none among \d+"),
        ("short", r"expected at least 16 steps, got 10"),
        ("cut", r"expected a whole recording, got a broken one"),
    ],
)
def test_what_is_wrong_with_a_bag_is_one_sentence(brief: bags.Truth, tmp_path: Path, how: str, words: str) -> None:
    """It is left out, and the sentence names it; where nothing is left, the sentence is the error."""
    told = bags.messages(brief, pictures=False)
    spoil(told, how)
    path = bags.write(tmp_path / SESSION / "00000003.bag", told)
    if how == "cut":
        path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DatasetError, match=words) as caught:
        read_folder(tmp_path)
    assert "got none of 1" in str(caught.value)
    assert "\n" not in str(caught.value)
    bags.write(tmp_path / SESSION / "00000004.bag", bags.messages(brief, pictures=False))
    found = read_folder(tmp_path)
    assert [r.bag for r in found.recordings] == ["00000004"]
    (sentence,) = found.left_out
    assert sentence.startswith(f"bag {path}")


def test_what_is_passed_over_is_told(brief: bags.Truth, tmp_path: Path) -> None:
    told = bags.messages(brief, pictures=False)
    told["/bumper"] = told["/bumper"][:15]
    people = told["/pedestrians_pose"]
    people[3].markers[0].pose.position.x = float("inf")
    people[4].markers.append(bags.marker(4, people[4].markers[0].id, np.array([9.0, 9.0])))
    people[5].markers.append(bags.marker(5, 99, np.array([0.0, 0.0]), action=3))
    read = read_bag(bags.write(tmp_path / "s" / "00000001.bag", told))
    assert read.notes == (
        "1 places of people are no finite numbers and left out",
        "1 markers have the id of another one of their step and are left out",
        "20 steps, but 15 on /bumper, which are not read",
    )
    assert 99 not in read.ids


def test_a_type_that_nobody_understands_stands_in_nobody_s_way(brief: bags.Truth, tmp_path: Path) -> None:
    path = bags.write(tmp_path / "s" / "00000001.bag", bags.messages(brief, pictures=False))
    data = path.read_bytes()
    broken = data.replace(b"bool is_left_pressed", b"b00l |s_left_pressed")
    assert broken != data
    path.write_bytes(broken)
    assert len(read_bag(path)) == 20
    with Bag(path) as opened, pytest.raises(BagError, match="expected a whole recording"):
        list(opened.messages(["/bumper"]))


@pytest.mark.parametrize("missing", ["no folder", "empty"])
def test_a_folder_without_bags_is_one_line(
    tmp_path: Path, missing: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    if missing == "empty":
        folder.mkdir()
    with pytest.raises(DatasetError, match=r"expected .*<session>/<8 digits>.bag, got (no such|an empty) folder"):
        find_bags(folder)
    judge = ["evaluate", "predictor", "--huron", str(folder), "--model", "constant_velocity"]
    for words in (["evaluate", "huron", str(folder)], judge):
        assert main(words) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"sac-son: HuRoN {folder}: expected")
        assert said.count("\n") == 1
    with pytest.raises(ConfigError, match="expected one of laser, robot, odometry, camera, got 'map'"):
        HuronConfig(people_frame="map")


def test_the_command_tells_what_a_folder_holds(bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "huron", str(bag.parent.parent), "--out", str(tmp_path), "--laser", "0.1", "0"]
    assert main([*words, str(np.degrees(0.4))]) == 0
    said = capsys.readouterr().out
    assert "1 bags of 1 sessions, 40 steps" in said
    assert "a step is taken for 0.333 s; record stamps say 0.095 s, header stamps 0.104 s" in said
    assert "most places are met in the frame laser" in said
