import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from sac_son_nav.config import load_robot
from sac_son_nav.evaluation.report import PALETTE, draw_run, write_summary
from sac_son_nav.simulation.counterfactual import twin
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.states import Command


def colour_count(picture: np.ndarray, colour: str) -> int:
    """How many pixels of an OpenCV picture have the colour #rrggbb."""
    blue_green_red = [int(colour[i : i + 2], 16) for i in (5, 3, 1)]
    return int(np.count_nonzero((picture == blue_green_red).all(axis=-1)))


def test_a_run_is_drawn_with_everybody_in_it(tmp_path: Path) -> None:
    scenario, robot = load_scenario("corridor"), load_robot("simulated")
    simulator = Simulator(scenario, robot, seed=1)
    for _ in range(300):
        simulator.step(Command(0.6, 0.0))
    reference = twin(scenario, robot, 1, 300)
    path = tmp_path / "pictures" / "run.png"
    draw_run(path, scenario.floor, simulator.history, reference, goal=scenario.robot_goal, title="a run")
    picture = cv2.imread(str(path))
    assert picture.shape[1] == 1650
    for i in range(8):
        assert colour_count(picture, PALETTE[i]) > 100
    assert colour_count(picture, "#22262B") > 1000  # the robot's path
    # Without the twin there are no dashed lines and no displaced stretches, so less ink.
    draw_run(tmp_path / "alone.png", scenario.floor, simulator.history)
    alone = cv2.imread(str(tmp_path / "alone.png"))
    assert np.count_nonzero(alone.min(axis=-1) < 250) < np.count_nonzero(picture.min(axis=-1) < 250)


@pytest.mark.parametrize("reference", ["absent", "parked", "walker"])
def test_references_and_nobody_can_be_drawn(tmp_path: Path, reference: str) -> None:
    scenario, robot = load_scenario("empty"), load_robot("simulated")
    history = twin(scenario, robot, 1, 20, reference)  # type: ignore[arg-type]
    draw_run(tmp_path / "run.svg", scenario.floor, history, history, reference=reference)
    assert "<svg" in (tmp_path / "run.svg").read_text()


def test_a_run_of_no_steps_can_be_drawn(tmp_path: Path) -> None:
    simulator = Simulator(load_scenario("crossing"), load_robot("simulated"), seed=1)
    draw_run(tmp_path / "run.png", simulator.scenario.floor, simulator.history, simulator.history)
    assert (tmp_path / "run.png").stat().st_size > 5000


def test_a_summary_is_plain_sorted_json(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    values = {
        "b": np.float64(0.5),
        "a": {"y": np.array([1, 2]), "x": (np.bool_(True), None)},
        "c": [float("nan"), float("inf"), 1],
    }
    write_summary(path, values)
    text = path.read_text()
    assert json.loads(text) == {"a": {"x": [True, None], "y": [1, 2]}, "b": 0.5, "c": [None, None, 1]}
    assert text.index('"a"') < text.index('"b"') < text.index('"c"')
    write_summary(path, dict(reversed(list(values.items()))))
    assert path.read_text() == text


def test_importing_the_report_costs_no_matplotlib() -> None:
    import subprocess
    import sys

    code = "import sys, sac_son_nav.evaluation.report; sys.exit('matplotlib' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, timeout=60).returncode == 0


def test_what_was_said_stands_beside_the_way(tmp_path: Path) -> None:
    scenario = load_scenario("empty")
    simulator = Simulator(scenario, load_robot("simulated"), seed=0)
    for _ in range(20):
        simulator.step(Command(0.3, 0.0))
    draw_run(tmp_path / "run.svg", scenario.floor, simulator.history)
    draw_run(tmp_path / "told.svg", scenario.floor, simulator.history, notes=[(0.5, "Excuse me"), (0.8, "Thank you")])
    without, told = ((tmp_path / name).read_text() for name in ("run.svg", "told.svg"))
    assert "Excuse me" not in without
    assert "Excuse me" in told
    assert "Thank you" in told
