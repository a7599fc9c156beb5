"""The weights that are shipped: what they say, and that it makes sense."""

import numpy as np

from sac_son_nav.evaluation.predictor_twins import perturbed
from sac_son_nav.maps import FREE, OCCUPIED, OccupancyMap
from sac_son_nav.navigation.objective import counterfactual_perturbation
from sac_son_nav.prediction import response
from sac_son_nav.prediction.learned import MODEL, Learned
from sac_son_nav.prediction.predictor import RobotFutures
from sac_son_nav.states import Tracks

STEP, STEPS = 0.4, 12


def people(positions, velocities) -> Tracks:
    positions, velocities = np.asarray(positions, dtype=float), np.asarray(velocities, dtype=float)
    n = len(positions)
    return Tracks(0.0, "map", np.arange(n), positions, velocities, np.zeros((n, 4, 4)), np.ones(n))


def walker() -> Tracks:
    """Somebody 3 m ahead, a little to the left, who comes at 1.2 m/s."""
    return people([[3.0, 0.2]], [[-1.2, 0.0]])


def drives(velocities, x=0.0, y=0.0) -> RobotFutures:
    """From (x, y) at each of the velocities (K, 2), and at last no robot at all."""
    start, times = np.array([x, y, 0.0]), STEP * np.arange(1, STEPS + 1)
    poses = np.zeros((len(velocities) + 1, STEPS, 3))
    poses[..., :2] = start[:2]
    poses[:-1, :, :2] += np.asarray(velocities, dtype=float)[:, None] * times[:, None]
    return RobotFutures(start, poses, np.arange(len(poses)) < len(velocities), 0.22)


def learned() -> Learned:
    return Learned(response.load_response(MODEL))


def test_golden_output():
    """Perturbations [m] that the shipped weights gave when they were shipped: a robot that comes at 0.5 m/s, stands,
    swerves away, and backs off."""
    robot = drives([[0.5, 0.0], [0.0, 0.0], [0.5, 0.6], [-0.5, 0.0]])
    found = perturbed(learned(), walker(), robot, None)
    np.testing.assert_allclose(found[:, 0], [0.3336, 0.2216, 0.0080, 0.0408], atol=1e-3)


def test_people_go_round_on_their_own_side():
    for side in (0.6, -0.6):
        answer = learned().predict(people([[3.0, side]], [[-1.2, 0.0]]), drives([[0.5, 0.0]]), STEP, None)
        aside = (answer[0, 0, :, 1] - answer[1, 0, :, 1]) * np.sign(side)
        assert aside.min() > 0.0
        assert aside.max() > 0.1


def test_another_future_moves_those_near_it_and_nobody_else():
    """A robot that turns to one of two people instead of the other."""
    pair = people([[3.0, 2.5], [3.0, -2.5], [14.0, 0.0]], [[-0.8, -0.4], [-0.8, 0.4], [-0.5, 0.0]])
    left, right = perturbed(learned(), pair, drives([[0.4, 0.4], [0.4, -0.4]]), None)
    assert left[0] > left[1] + 0.05
    assert right[1] > right[0] + 0.05
    assert left[2] == right[2] == 0.0


def test_a_robot_8_m_away_disturbs_nobody():
    for pace in ([0.0, 0.0], [0.0, 1.2], [0.3, -0.9]):
        found = perturbed(learned(), people([[8.0, 0.0]], [pace]), drives([[0.0, 0.0], [-0.5, 0.0]]), None)
        assert found.max() < 0.02


def test_a_frozen_robot_in_a_doorway_is_charged_under_absent_and_free_under_parked():
    """A door 0.9 m wide at the origin, the robot stands in it, somebody wants through."""
    cells = np.full((60, 120), FREE, dtype=np.int8)
    cells[:, 59:61] = OCCUPIED
    cells[25:35, 59:61] = FREE
    floor = OccupancyMap(cells, 0.1, (-6.0, -3.0))
    wants_through = people([[3.0, 0.0]], [[-1.1, 0.0]])
    stays = learned().predict(wants_through, drives([[0.0, 0.0], [0.0, 0.0]]), STEP, floor)
    frozen, parked, absent = stays.astype(np.float64)[:, None]
    under_absent = counterfactual_perturbation(frozen, absent)[0]
    assert under_absent > 0.05  # [m^2]
    assert counterfactual_perturbation(frozen, parked)[0] == 0.0
