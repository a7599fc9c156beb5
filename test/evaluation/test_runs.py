import dataclasses
import json
from pathlib import Path

import pytest

from sac_son_nav.baselines.planners import changed_settings, shipped_settings
from sac_son_nav.config import load_robot
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation import episodes
from sac_son_nav.evaluation.runs import Run, run, run_baseline, simulate
from sac_son_nav.navigation.navigator import NavigationConfig
from sac_son_nav.simulation.scenarios import load_scenario


def test_the_shipped_file_says_the_defaults():
    """config/navigation.yaml shows every default; when one changes, the other must."""
    assert shipped_settings() == NavigationConfig()


def test_a_setting_is_changed_by_its_parameters_name():
    settings = changed_settings(["objective.weights.obstacle=80", "reference=parked", "planner.offsets=[0.0, 0.5]"])
    assert settings.objective.weights.obstacle == 80.0
    assert settings.reference == "parked"
    assert settings.planner.offsets == (0.0, 0.5)
    assert settings.objective.weights.smoothness == NavigationConfig().objective.weights.smoothness


@pytest.mark.parametrize("change", ["objective.weights.obstacles=80", "reference", "reference=elsewhere"])
def test_a_change_that_fits_nothing_is_refused(change):
    with pytest.raises(ConfigError, match="expected"):
        changed_settings([change])


def test_a_run_is_the_same_again_people_perceived():
    """Perception, navigation and world in one process: not a bit of difference."""
    first, second = run("frontal_approach", 3), run("frontal_approach", 3)
    assert first == second
    assert first.success
    assert 20.0 < first.time_s < 40.0  # 13 m at 0.6 m/s at best


def test_rows_are_left_as_json(tmp_path: Path, capsys):
    assert simulate("empty", range(2), "simulated", True, tmp_path, ["reference=parked"]) == 0
    left = json.loads((tmp_path / "runs.json").read_text())
    assert [row["seed"] for row in left["runs"]] == [0, 1]
    assert left["navigation"]["reference"] == "parked"
    assert set(left["runs"][0]) == {f.name for f in dataclasses.fields(Run)}
    assert "mean" in capsys.readouterr().out


def test_a_baseline_is_judged_as_the_benchmark_judges_it() -> None:
    found = run_baseline(load_scenario("frontal_approach"), load_robot("simulated"), 3, "straight")
    (episode,) = episodes.run("straight", "frontal_approach", "social_force", [3])
    assert found.perturbation_absent_m > 0.01
    assert found.perturbation_absent_m == pytest.approx(episode.values["perturbation_absent_m"], abs=2e-3)
    assert found.success == episode.values["success"]
