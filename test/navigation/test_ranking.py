"""Looking at a few plans must choose what looking at all of them chooses."""

import numpy as np
import pytest

from sac_son_nav.config import load_robot
from sac_son_nav.maps import FREE, OCCUPIED, OccupancyMap
from sac_son_nav.navigation.objective import ObjectiveConfig, Published, Weights
from sac_son_nav.navigation.planner import PlannerConfig, candidates
from sac_son_nav.navigation.ranking import Ranking
from sac_son_nav.navigation.route import Route
from sac_son_nav.prediction.predictor import ConstantVelocity, RobotFutures, SocialForce, foresee
from sac_son_nav.states import Tracks

ROBOT, PLANNER = load_robot("simulated"), PlannerConfig()
POSE, START = np.array([3.0, 3.0, 0.1]), np.array([0.4, 0.1])


def floor() -> OccupancyMap:
    cells = np.full((120, 240), FREE, np.int8)  # 6 m by 12 m
    cells[[0, -1]] = OCCUPIED
    return OccupancyMap(cells, 0.05)


def crowd(random: np.random.Generator, count: int) -> Tracks:
    places, paces = POSE[:2] + random.uniform(-3.0, 3.0, (count, 2)), random.normal(0.0, 0.8, (count, 2))
    return Tracks(0.0, "map", np.arange(count), places, paces, np.zeros((count, 4, 4)), np.ones(count))


def chosen(seed, first, weights, count=6, model=None, parked=False, urgency=0.0, eagerness=0.0):
    random = np.random.default_rng(seed)
    people, route = crowd(random, count), Route.along(np.array([[2.0, 3.0], [11.0, 3.0]]), 0.3)
    options = candidates(POSE, START, route, None, ROBOT.limits, PLANNER, random)
    none = RobotFutures(POSE, np.zeros((0, PLANNER.steps, 3)), np.zeros(0, dtype=bool), ROBOT.radius)
    foresight = foresee(model or SocialForce(), people, none, PLANNER.step, floor())
    published = Published(np.array([5.0, 3.0, 0.0]), np.zeros((0, 2)), np.zeros(0))
    asks = {"urgency": urgency, "eagerness": eagerness}
    ranking = Ranking(ObjectiveConfig(weights=weights), PLANNER.step, ROBOT.radius, published, first=first, **asks)
    clearance = floor().distance_at(options.poses[..., :2]) - ROBOT.radius
    reference = np.tile(POSE, (PLANNER.steps, 1)) if parked else None
    remaining = route.to_go(options.poses, 0.3)
    return len(options.poses), ranking.choose(options, START, remaining, clearance, foresight, reference)


@pytest.mark.parametrize("weights", [Weights(), Weights(risk=3.0, compass=5.0, goal_pose_final=0.5)])
def test_few_and_all_choose_the_same(weights):
    spared = 0
    for seed in range(6):
        for parked, *asks in ((False, 0.0, 0.0), (True, 0.0, 0.0), (False, 0.7, 0.4)):
            how = {"parked": parked, "urgency": asks[0], "eagerness": asks[1]}
            count, every = chosen(seed, 10_000, weights, **how)
            few = chosen(seed, 8, weights, **how)[1]
            assert (few.best, few.alone) == (every.best, every.alone)
            assert few.terms == pytest.approx(every.terms)
            np.testing.assert_array_equal(few.people_with, every.people_with)
            assert every.foreseen == count
            spared += count - few.foreseen
    assert spared > 0


def test_a_model_without_foresight_of_its_own_is_asked():
    every, few = (chosen(1, first, Weights(), model=ConstantVelocity())[1] for first in (10_000, 4))
    assert few.best == every.best
    np.testing.assert_array_equal(few.people_with, few.people_without)


def test_with_nobody_about_the_best_is_the_best_alone():
    _, choice = chosen(0, 24, Weights(), count=0)
    assert choice.best == choice.alone
    assert choice.people_with.shape == (0, PLANNER.steps, 2)
