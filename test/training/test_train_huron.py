"""PedNet with the robot in sight, from bags of HuRoN's format: the command end to end, and on exact twins the robot's
future is worth something."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sac_son_nav.checkpoint import load_model  # noqa: E402
from sac_son_nav.cli import main  # noqa: E402
from sac_son_nav.config import resource  # noqa: E402
from sac_son_nav.datasets.huron import HuronConfig, read_folder  # noqa: E402
from sac_son_nav.datasets.steps import FUTURE, RobotWindows, WindowConfig, robot_windows  # noqa: E402
from sac_son_nav.evaluation.huron_forecasts import (  # noqa: E402
    KIND,
    by_constant_velocity,
    by_pednet_with_robot,
    conditioning,
    errors,
)
from sac_son_nav.geometry import inverse, transform_points  # noqa: E402
from sac_son_nav.simulation.branches import FUTURES, collect  # noqa: E402
from sac_son_nav.simulation.scenarios import load_scenario  # noqa: E402
from sac_son_nav.simulation.world import World  # noqa: E402
from sac_son_nav.training.pednet_robot_task import PedNetRobotTask  # noqa: E402
from sac_son_nav.training.run import RunConfig, train  # noqa: E402
from test.datasets import huron_bags as bags  # noqa: E402

SESSIONS = ("Nov-17-2022-bww8", "Dec-06-2022-bww8", "Feb-16-2023-cory1-intloss", "Feb-27-2023-soda3")
EXACT = WindowConfig(smoothing=0)
MEETING = """
name: meeting
description: Somebody crosses a square and is drawn to the robot.
map: {map}
time_limit: 60.0
robot:
  start: [2.0, 2.0, 0.0]
  goal: [5.0, 5.0, 0.0]
people:
  - start: [0.5, 0.5, 4.5, 4.5]
    errand: [{{to: [-8.0, -8.0, 8.0, 8.0]}}]
    reaction: curious
"""


@pytest.fixture(scope="module")
def meeting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("scenario") / "meeting.yaml"
    file.write_text(MEETING.format(map=resource("config", "maps/square.yaml")))
    return file


@pytest.fixture(scope="module")
def folder(meeting: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 bags of six seconds each."""
    folder = tmp_path_factory.mktemp("huron")
    for k, truth in enumerate(bags.simulate(meeting, 120, 18, seed=1, beams=8)):
        told = bags.messages(truth, pictures=False)
        del told["/boundary_boxes"], told["/bumper"]
        bags.write(folder / SESSIONS[k % 4] / f"{k // 4:08d}.bag", told)
    return folder


def twins(meeting: Path) -> RobotWindows:
    """Windows of one moment and nine futures of its robot each, of people nobody has learned from."""
    world = World(load_scenario(meeting), bags.fast_robot(), [5000 + k for k in range(16)], dt=1.0 / 24.0, gait=False)
    made = collect(world, None, np.random.default_rng(5), moments=1, most=16)
    robot_from_map = np.asarray(inverse(made.robot_poses.astype(np.float64)))[:, None]
    person, robot = (transform_points(robot_from_map, a) for a in (made.pasts[:, 0], made.robot_pasts))
    futures = transform_points(robot_from_map[:, None], made.futures[:, :, :FUTURE, :2])
    went = transform_points(robot_from_map[:, None], (made.absent[:, None, 0] + made.shifts[:, :, 0])[:, :, :FUTURE])
    count = len(FUTURES)
    rows = np.repeat(np.arange(len(made)), count)
    return RobotWindows(
        np.asarray(person)[rows],
        np.asarray(robot)[rows],
        np.asarray(futures).reshape(-1, FUTURE, 2),
        np.asarray(went).reshape(-1, FUTURE, 2),
        ("twins",),
        rows * 0,
        rows * 0,
        rows * 0,
    )


def test_the_robot_s_future_is_worth_something_on_exact_twins(folder: Path, meeting: Path, tmp_path: Path) -> None:
    data = read_folder(folder, HuronConfig(laser=bags.LASER, least_way=0.0))  # some robots stood for all of it
    assert (len(data.recordings), data.left_out) == (120, ())
    learn, exact = robot_windows(data.recordings, EXACT), twins(meeting)
    config = RunConfig(steps=200, batch=128, rate=8e-3, validate_every=200, warmup=10, average=0.9)
    told, tasks = {}, {}
    for shown in (True, False):
        tasks[shown] = PedNetRobotTask(learn, None, shown, 1024)
        weights, _ = train(tasks[shown], config, tmp_path / str(shown))
        told[shown] = by_pednet_with_robot(tasks[shown].finished(weights), exact, shown)
        if shown:
            worth = conditioning(tasks[shown].finished(weights), exact)
    with_robot, without = errors(told[True], exact), errors(told[False], exact)
    print(f"with the robot {with_robot}, without {without}, {worth}")  # stands in docs/huron.md
    assert with_robot["ade_m"] < 0.75 * without["ade_m"]
    assert with_robot["fde_m"] < 0.7 * without["fde_m"]
    assert with_robot["fde_m"] < errors(by_constant_velocity(exact), exact)["fde_m"]
    assert worth["ade_m"] == pytest.approx(with_robot["ade_m"])
    assert worth["ade_swapped_m"] > 1.4 * worth["ade_m"]
    assert worth["worse_when_swapped"] > 0.6
    # what the nine futures of one moment change, against what the network says they do
    apart = [a.reshape(-1, len(FUTURES), FUTURE, 2) for a in (told[True], exact.person_future)]
    said, did = (a - a.mean(axis=1, keepdims=True) for a in apart)
    assert np.corrcoef(said.ravel(), did.ravel())[0, 1] > 0.75
    assert np.ptp(told[False].reshape(-1, len(FUTURES), FUTURE, 2), axis=1).max() < 1e-5  # who can't see it can't know


def test_examples_are_mirrored_whole_and_a_network_without_the_robot_sees_none(folder: Path) -> None:
    learn = robot_windows(read_folder(folder, HuronConfig(laser=bags.LASER)).recordings[:2], EXACT)
    drawn = PedNetRobotTask(learn, None).batch(np.random.default_rng(0), 200, 0)
    mirrored = 0
    for k in range(200):
        (row,) = np.flatnonzero(np.abs(learn.person[:, 0, 0] - drawn["person"][k, 0, 0]) < 1e-6)[:1]
        side = np.sign(drawn["person"][k, 0, 1] * learn.person[row, 0, 1])
        mirrored += int(side < 0)
        for name, array in (("robot", learn.robot), ("robot_future", learn.robot_future)):
            np.testing.assert_allclose(drawn[name][k], array[row] * (1.0, side), atol=1e-5)
    assert 60 < mirrored < 140
    blind = PedNetRobotTask(learn, None, conditioned=False).batch(np.random.default_rng(0), 200, 0)
    assert not blind["robot"].any()
    assert not blind["robot_future"].any()
    np.testing.assert_array_equal(blind["person"], drawn["person"])


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    (out / "tiny.yaml").write_text(
        "kind: pednet\nrun: {steps: 2, batch: 8, validate_every: 2}\npednet: {moments: 64}\n"
        "huron: {reading: {laser: [0.1, 0.0, 0.4]}, windows: {smoothing: 0}}\n"
    )
    words = ["train", "predictor", "--config", str(out / "tiny.yaml"), "--huron", str(folder), "--out", str(out)]
    assert main(words) == 0
    return out


def test_the_command_trains_with_each_floor_left_out(trained: Path) -> None:
    floors = sorted(p.name for p in (trained / "model/folds").iterdir())
    assert floors == ["bww8", "cory1", "soda3"]
    for floor in floors:
        model = load_model(trained / "model/folds" / floor, KIND)
        assert model.settings["reading"]["laser"] == [0.1, 0.0, 0.4]
        assert all(floor in name for name in model.made["left_out"])
        assert not any(floor in name for name in (*model.made["learned_from"], *model.made["chosen_by"]))
        sessions = [{name.split("/")[0] for name in model.made[part]} for part in ("learned_from", "chosen_by")]
        assert not sessions[0] & sessions[1]
        assert len(model.made["git"]["commit"]) == 40
    assert load_model(trained / "model", KIND).made["left_out"] == []


def test_the_command_judges_what_it_never_saw(
    trained: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "predictor", "--huron", str(folder), "--out", str(tmp_path / "out")]
    assert main([*words, "--weights", str(trained / "model")]) == 0
    said = capsys.readouterr().out
    assert "ADE/FDE [m], 2.67 s" in said
    for row in ("bww8, all", "bww8, standard", "cory1, intloss", "soda3, 0 to 1.5 m", "cory1: with the robot's own"):
        assert row in said
    assert (tmp_path / "out/huron.json").is_file()
    assert main([*words, "--model", "constant_velocity"]) == 0
    capsys.readouterr()
    shutil.copytree(trained / "model", tmp_path / "leak")
    shutil.copytree(trained / "model/folds/bww8", tmp_path / "leak/folds/cory1", dirs_exist_ok=True)
    for wrong, sentence in (
        (
            ["--weights", str(tmp_path / "leak")],
            "expected weights that never saw cory1, but they saw Feb",
        ),
        (["--weights", str(resource("models", "pednet"))], "expected a pednet_robot, got a pednet"),
        ([], "expected --weights DIR, the model of"),
        (["--model", "sac_son"], "expected constant_velocity or pednet with --huron"),
    ):
        assert main([*words, *wrong]) == 2
        error = capsys.readouterr().err
        assert sentence in error
        assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("config", "more", "words"),
    [
        ("kind: forecaster", [], "expected kind pednet for recordings of a robot, got forecaster"),
        ("kind: pednet", ["--fold", "mars"], "fold 'mars': expected some of bww8, cory1, soda3, all"),
        ("kind: pednet\nhuron: {reading: {people_frame: map}}", [], "expected one of laser, robot, odometry, camera"),
        ("kind: pednet\nhuron: {windows: {reach: -1.0}}", [], "expected a reach above 0"),
    ],
)
def test_what_can_not_be_trained_is_one_sentence(
    folder: Path, tmp_path: Path, config: str, more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.yaml").write_text(config)
    told = ["--config", str(tmp_path / "c.yaml"), "--huron", str(folder), "--out", str(tmp_path / "out")]
    assert main(["train", "predictor", *told, *more]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
