"""What the demonstration prints of a run."""

from __future__ import annotations

import numpy as np

from sac_son_nav.evaluation.runs import Run
from sac_son_nav.nodes.demo import Outcome, table
from sac_son_nav.simulation.counterfactual import Perturbation
from sac_son_nav.simulation.history import History


def outcome(**changes: object) -> Outcome:
    """Ten seconds in which two people were displaced by 0.1 and 0.3 m on average, and by 0.05 and 0.5 m at most."""
    moments = 11
    empty = np.zeros((moments, 2, 2))
    history = History(np.arange(moments, dtype=float), np.zeros((moments, 3)), np.zeros((moments, 2)), empty, empty)
    moved = Perturbation(np.array([0.1, 0.3]), np.array([0.05, 0.5]), np.zeros(2))
    told: dict[str, object] = {"contacts": [], "success": True, "closest_approach": 0.7, "reproducible": True}
    return Outcome(history, history, moved, **(told | changes))  # type: ignore[arg-type]


def test_the_table_is_of_the_run() -> None:
    lines = [line.split(maxsplit=1) for line in table(outcome(), "none", None)]
    assert ["success", "yes"] in lines
    assert ["time", "10.0 s"] in lines
    assert any("0.200 m" in line[1] for line in lines if line[0] == "perturbation")
    assert any("1 of 2" in line[1] for line in lines if line[0] == "people")


def test_a_baseline_stands_beside_it() -> None:
    other = Run(0, False, 12.0, 0.4, 2, 2, 0.456, 1.25)
    lines = list(table(outcome(success=False, contacts=["person 1"]), "orca", other))
    head, success = lines[0], lines[1]
    assert head.split() == ["this", "robot", "orca"]
    assert success.split() == ["success", "no", "no", "touched", "person", "1"]
    perturbation = next(line for line in lines if line.startswith("perturbation"))
    assert perturbation.index("0.456 m") == head.index("orca")
    assert perturbation.index("0.200 m") == head.index("this robot")


def test_a_world_that_can_not_be_made_again_is_told() -> None:
    assert "DIFFERENT" in list(table(outcome(reproducible=False), "none", None))[-1]
