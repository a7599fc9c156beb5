"""Each term against arithmetic done by hand."""

import numpy as np
import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.navigation import objective


def test_goal_distance_counts_the_last_step_as_much_as_all():
    # mean(4, 2) = 3, last = 2: (3 + 2) / 2 = 2.5
    np.testing.assert_allclose(objective.goal_distance(np.array([[4.0, 2.0]])), [2.5])


def test_obstacle_is_the_mean_squared_shortfall():
    # margin 0.25: shortfalls 0, 0.05, 0.15 -> (0 + 0.0025 + 0.0225) / 3
    np.testing.assert_allclose(objective.obstacle(np.array([[0.5, 0.2, 0.1]]), 0.25), [0.025 / 3])


def test_from_a_contact_on_its_depth_counts_to_the_end():
    # shortfalls 0, 0.35 (0.1 inside the wall), then free again: 0.35 stays -> (0 + 0.1225 + 0.1225) / 3
    np.testing.assert_allclose(objective.obstacle(np.array([[0.5, -0.1, 0.5]]), 0.25), [0.245 / 3])


def test_personal_space_sums_over_people_and_averages_over_time():
    robot = np.zeros((1, 2, 2))
    people = np.array([[[[0.5, 0.0], [2.0, 0.0]], [[0.0, 0.4], [0.0, 0.4]]]])  # (1, 2, 2, 2)
    # R 0.7: the first intrudes 0.2 as they set out, and so in both steps -> 0.04; the second 0.3 twice -> 0.09.
    np.testing.assert_allclose(objective.personal_space(objective.distances(robot, people), 0.7), [0.13], atol=1e-6)


def test_pushing_somebody_away_does_not_make_room():
    robot = np.zeros((1, 1, 2))
    where_they_would_be, pushed = np.array([[[[0.5, 0.0]]]]), np.array([[[[0.9, 0.0]]]])
    config, apart = objective.ObjectiveConfig(personal_distance=0.5), objective.distances(robot, where_they_would_be)
    found = objective.of_people(robot, pushed, where_they_would_be, apart, 0.4, 0.2, config)
    assert found["personal_space"][0] == pytest.approx(0.04, abs=1e-6)


def test_between_two_steps_somebody_passes():
    # From (-1, 0.3) to (1, 0.3) past the origin: 0.3 m away half way.
    passing = np.array([[-1.0, 0.3], [1.0, 0.3]])
    np.testing.assert_allclose(objective.nearest(passing), [np.hypot(1.0, 0.3), 0.3], atol=1e-6)


def test_contact_by_hand():
    robot, count = np.zeros((1, 2, 2)), np.array([1.0, 0.5])
    people = np.array([[[[0.5, 0.0], [0.5, 0.0]], [[9.0, 0.0], [9.0, 0.0]]]])
    # At the reach itself the chance is 1/2, then 1/2 of that: greatest 0.5, mean 0.375, together 0.4375; nobody else.
    spread, reach = np.full((2, 2), 0.1), np.full((2, 1), 0.5)
    apart = objective.distances(robot, people)
    np.testing.assert_allclose(objective.contact(apart, reach, spread, count), [0.4375], atol=1e-6)
    # Where they would be without the robot counts as well: stepping aside is no excuse.
    config, aside = objective.ObjectiveConfig(), people + np.array([0.0, 2.0])
    there, stepped = (objective.of_people(robot, w, people, apart, 0.4, 0.2, config) for w in (people, aside))
    assert stepped["contact"][0] == there["contact"][0] > 0.0


def test_the_pose_of_a_goal_by_hand():
    # 0.5 m off: 4 * 0.25 / 9; turned by a right angle: cos and sin differ by 1 each, twice -> 4 / 9.
    poses, goal = np.array([[1.5, 0.0, 0.0], [1.0, 0.0, np.pi / 2]]), np.array([1.0, 0.0, 0.0])
    np.testing.assert_allclose(objective.goal_pose(poses, goal), [1.0 / 9.0, 4.0 / 9.0])


def test_returns_under_the_robot_count_by_their_area():
    robot, points = np.zeros((1, 1, 2)), np.array([[0.1, 0.0], [0.0, 0.2], [3.0, 0.0]])
    # Radius 0.3: depths 0.2 and 0.1, areas 0.01 and 0.02: 2000 (0.01 * 0.04 + 0.02 * 0.01) / 2 = 0.6
    np.testing.assert_allclose(objective.geometric(robot, points, np.array([0.01, 0.02, 0.01]), 0.3), [0.6])
    assert objective.geometric(robot, points[:0], np.zeros(0), 0.3)[0] == 0.0


def test_risk_and_compass_by_hand():
    poses = np.zeros((1, 1, 3))
    people = np.array([[[[1.5, 0.1]], [[3.0, 0.2]], [[-3.0, -0.1]]]])  # two ahead to the left, one behind to the right
    apart = np.hypot([1.5, 3.0], [0.1, 0.1])
    np.testing.assert_allclose(objective.risk(poses[..., :2], people), [1.0 - apart[0] / 3.0], atol=1e-6)
    expected = ((1.0 - apart[0] / 6.0) + (1.0 - apart[1] / 6.0)) / 8.0
    np.testing.assert_allclose(objective.compass(poses, people), [expected], atol=1e-6)


def test_who_walks_and_who_stands():
    people = np.array([[[[1.0, 0.0], [2.0, 0.0]], [[5.0, 5.0], [5.0, 5.0]], [[0.0, 0.0], [0.1, 0.0]]]])
    # 1 m/s, standing, and 0.1 m/s, a quarter of what counts as walking.
    np.testing.assert_allclose(objective.walking(people, np.array([1.0, 2.0]))[0], [[1.0], [0.0], [0.25]], atol=1e-6)


def test_perturbation_is_the_squared_displacement():
    with_robot = np.array([[[[1.0, 0.3], [2.0, 0.4]]]])
    without = np.array([[[[1.0, 0.0], [2.0, 0.0]]]])
    # (0.09 + 0.16) / 2 = 0.125
    np.testing.assert_allclose(objective.counterfactual_perturbation(with_robot, without), [0.125])
    assert objective.counterfactual_perturbation(without, without)[0] == 0.0


def test_smoothness_does_not_depend_on_the_step_for_the_same_acceleration():
    slow = np.stack([np.linspace(0.0, 0.5, 6), np.zeros(6)], axis=-1)[None]  # 0.1 m/s a step of 0.25 s
    fast = np.stack([np.linspace(0.0, 0.5, 11), np.zeros(11)], axis=-1)[None]  # 0.05 m/s a step of 0.125 s
    # at 4 Hz: change 0.1 -> 0.01
    np.testing.assert_allclose(objective.smoothness(slow, 0.25), [0.01])
    np.testing.assert_allclose(objective.smoothness(fast, 0.125), [0.01])


def test_nobody_near_costs_nothing():
    empty = np.zeros((3, 0, 4, 2))
    robot = np.zeros((3, 4, 2))
    np.testing.assert_array_equal(objective.personal_space(objective.distances(robot, empty), 0.7), np.zeros(3))
    np.testing.assert_array_equal(objective.counterfactual_perturbation(empty, empty[:1]), np.zeros(3))


def test_total_is_the_weighted_sum():
    weights = objective.Weights(2.0, 3.0, 5.0, 7.0, 11.0, 13.0)
    terms = {
        "goal_distance": np.array([1.0]),
        "obstacle": np.array([1.0]),
        "personal_space": np.array([1.0]),
        "counterfactual_perturbation": np.array([1.0]),
        "smoothness": np.array([1.0]),
        "contact": np.array([1.0]),
    }
    np.testing.assert_allclose(objective.total(terms, weights), [41.0])


def test_a_negative_weight_is_refused_by_name():
    with pytest.raises(ConfigError, match="personal_space"):
        objective.Weights(personal_space=-1.0)


def test_intrusion_by_hand():
    """Somebody walks 1 m a step from (1, 0) along x. With two steps ahead, theirs is the line as far as (3, 0), then
    from (2, 0), then only (3, 0): the robot at (2.5, 0.4) is 0.4 m off twice, and then (0.5, 0.4) off; reach 0.4,
    spread 0.1. The moments count 1, 0.5 and 0.25: (0.5 + 0.25 + 0.25 / (1 + e^((0.6403 - 0.4) / 0.1))) / 3."""
    people = np.array([[[[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]]])
    robot = np.full((1, 3, 2), [2.5, 0.4])
    reach, spread, count = np.full((1, 1, 1), 0.4), np.full((1, 1, 3), 0.1), np.array([1.0, 0.5, 0.25])
    last = 0.25 / (1.0 + np.exp((0.41**0.5 - 0.4) / 0.1))
    found = objective.intrusion(robot, people, reach, spread, count, 2)
    np.testing.assert_allclose(found, [(0.5 + 0.25 + last) / 3.0], rtol=1e-6)
    # Of two the surer counts, and nobody is no intrusion.
    twice = np.concatenate([people + 90.0, people], axis=1)
    np.testing.assert_allclose(objective.intrusion(robot, twice, reach, spread, count, 2), found)
    assert objective.intrusion(robot, people[:, :0], reach[:, :0], spread[:, :0], count, 2) == [0.0]


def test_an_intrusion_without_a_weight_is_not_worked_out():
    robot, people = np.zeros((1, 2, 2)), np.array([[[[0.2, 0.0], [0.2, 0.0]]]])
    for weight, least in ((0.0, 0.0), (1.0, 0.4)):
        config = objective.ObjectiveConfig(weights=objective.Weights(intrusion=weight))
        apart = objective.distances(robot, people)
        found = objective.of_people(robot, people, people, apart, 0.25, 0.3, config)["intrusion"]
        assert found[0] == pytest.approx(0.0, abs=1e-12) if weight == 0.0 else found[0] > least


def test_terms_have_gradients_in_torch():
    torch = pytest.importorskip("torch")
    robot = torch.tensor([[[0.0, 0.0], [0.4, 0.0]]], requires_grad=True)
    people = torch.tensor([[[[0.6, 0.1], [0.6, 0.1]]]])
    reach, spread, count = torch.full((1, 1), 0.5), torch.full((1, 2), 0.1), torch.ones(2)
    apart = objective.distances(robot, people)
    cost = objective.personal_space(apart, 0.7) + objective.obstacle(robot[..., 0], 0.25)
    cost = cost + objective.contact(apart, reach, spread, count) + objective.risk(robot, people)
    poses = torch.cat([robot, 0.0 * robot[..., :1]], dim=-1)
    cost = cost + objective.compass(poses, people) + objective.goal_pose(poses, torch.zeros(3)).mean(-1)
    cost = cost + objective.geometric(robot, torch.tensor([[0.5, 0.0]]), torch.tensor([0.01]), 0.3)
    cost.sum().backward()
    assert torch.isfinite(robot.grad).all()
    assert robot.grad[0, 1, 0] > 0.0  # closer to the person costs more
