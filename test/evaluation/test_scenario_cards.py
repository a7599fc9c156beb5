"""The scenarios' pictures, and that a robot which goes straight on meets people in them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from sac_son_nav.cli import main
from sac_son_nav.config import RobotProfile, load_robot
from sac_son_nav.evaluation.scenario_cards import draw_card, meetings, shipped_names, straight_way
from sac_son_nav.simulation.scenarios import PersonGroup, Stop, load_scenario
from test.simulation.worlds import room, world

ROBOT = load_robot("simulated")
DOCS = Path(__file__).resolve().parents[2] / "docs"
SEEDS = range(100, 106)  # not those that the scenarios were tuned on


@pytest.mark.parametrize("name", [name for name in shipped_names() if name != "empty"])
def test_a_robot_that_goes_straight_on_meets_somebody_in_most_seeds(name: str) -> None:
    found = meetings(load_scenario(name), ROBOT, SEEDS)
    assert np.count_nonzero(found.closest < 1.0) >= 5  # of six
    assert (found.met >= 1.0).sum() >= 5
    assert len(np.unique(np.round(found.closest, 3))) >= 5  # nor is it the same encounter each time


def test_the_straight_way_takes_as_long_as_it_is() -> None:
    # 14 m less the 0.3 m at which the goal counts as reached, in steps of 0.6 m/s * 50 ms: 456.7 of them.
    way = straight_way(load_scenario("frontal_approach"), ROBOT)
    assert len(way) == 1 + 457
    np.testing.assert_allclose(way[:, 1], 1.2)
    np.testing.assert_allclose(np.diff(way[:, 0]), 0.03)


def test_the_straight_way_leads_round_corners_and_ends_with_the_time() -> None:
    scenario = load_scenario("blind_corner")
    way = straight_way(scenario, ROBOT)
    assert (np.asarray(scenario.floor.distance_at(way)) >= ROBOT.radius).all()
    np.testing.assert_allclose(np.linalg.norm(np.diff(way, axis=0), axis=-1), 0.03)
    assert np.linalg.norm(way[-1] - scenario.robot_goal[:2]) < 0.3
    assert len(straight_way(replace(scenario, time_limit=2.0), ROBOT)) == 1 + 40


def test_meetings_are_where_the_two_ways_cross() -> None:
    # The robot goes from x = 2 m at 0.6 m/s, somebody stands beside its way at x = 8 m: met after 10 s, at 0.7 m.
    stands, far = PersonGroup(start=(8.0, 3.7)), PersonGroup(start=(8.0, 9.0))
    scenario = world(room(16.0, 10.0), stands, far, start=(2.0, 3.0, 0.0), goal=(14.0, 3.0, 0.0))
    found = meetings(scenario, RobotProfile(), [0, 1])
    np.testing.assert_allclose(found.closest, 0.7, atol=0.01)
    np.testing.assert_allclose(found.when, 10.0, atol=0.1)
    np.testing.assert_array_equal(found.met, [1.0, 1.0])


def test_a_card_shows_the_floor_to_scale_and_stays_small(tmp_path: Path) -> None:
    for name in ("crowd_20", "standing_group"):
        draw_card(tmp_path / "card.png", load_scenario(name), ROBOT, 1)
        picture = cv2.imread(str(tmp_path / "card.png"))
        assert picture is not None
        assert max(picture.shape) <= 880
        assert (tmp_path / "card.png").stat().st_size < 40_000
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 8


def test_a_card_without_people_or_with_somebody_who_walks_off_can_be_drawn(tmp_path: Path) -> None:
    nobody = world(room(6.0, 4.0), start=(1.0, 2.0, 0.0), goal=(5.0, 2.0, 0.0))
    walker = PersonGroup((3.0, 3.0), (Stop((5.5, 3.0)),))
    for k, scenario in enumerate((nobody, replace(nobody, people=(walker,)))):
        draw_card(tmp_path / f"{k}.png", scenario, ROBOT, 0)
    first, second = ((tmp_path / f"{k}.png").read_bytes() for k in range(2))
    assert first != second


def test_every_scenario_is_drawn_and_told_of_in_the_documents() -> None:
    text = (DOCS / "scenarios.md").read_text(encoding="utf-8")
    drawn = {path.stem for path in (DOCS / "scenarios").glob("*.png")}
    assert drawn == set(shipped_names())
    for name in shipped_names():
        assert f"### {name}\n" in text
        assert f"](scenarios/{name}.png)" in text
        assert (DOCS / "scenarios" / f"{name}.png").stat().st_size < 40_000


def test_the_example_in_the_documents_is_a_scenario(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", (DOCS / "scenarios.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "my_own.yaml").write_text(example)
    scenario = load_scenario(tmp_path / "my_own.yaml")
    assert (scenario.name, len(scenario.people)) == ("my_own", 2)


def test_the_command_lists_draws_and_measures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == shipped_names()
    assert all(len(line.split()) > 5 for line in lines)
    assert main(["scenarios", "overtaking", "--draw", str(tmp_path / "new"), "--seed", "2"]) == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["overtaking.png"]
    capsys.readouterr()
    assert main(["scenarios", "overtaking", "--meet", "4"]) == 0
    name, people, *figures = capsys.readouterr().out.splitlines()[-1].split()
    assert (name, people) == ("overtaking", "1")
    low, middle, high, met, _ = map(float, figures)
    assert low <= middle <= high < 1.0
    assert met == 1.0
    assert main(["scenarios", "overtaking", "--meet", "-1"]) == 2
    assert "--meet: expected a number of seeds, got -1" in capsys.readouterr().err
    assert main(["scenarios", "moon"]) == 2
