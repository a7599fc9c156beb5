"""The policy network: symmetric, never beyond the base, the same in NumPy and torch."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from sac_son_nav.checkpoint import Model, save_model
from sac_son_nav.config import load_robot
from sac_son_nav.errors import CheckpointError, ConfigError
from sac_son_nav.kinematics import BaseLimits, limit_velocity, rollout
from sac_son_nav.navigation import policy
from sac_son_nav.navigation.policy import LearnedPolicy, PolicyConfig, follow, in_other_steps, initial, propose
from sac_son_nav.navigation.policy_inputs import PolicyInputs, inputs, mirrored
from sac_son_nav.navigation.route import Route
from sac_son_nav.states import Floats, Tracks

CONFIG = PolicyConfig()
CRITIC = PolicyConfig(critic=16, foresees=True)
ROBOT = load_robot("simulated")
LIMITS = ROBOT.limits.forward_only()
LINE = np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 3.0]])


def network(seed: int = 0, gain: float = 30.0, config: PolicyConfig = CONFIG) -> dict[str, Floats]:
    """Random parameters, with outputs as far from the anchors as they can be."""
    made = dict(initial(config, np.random.default_rng(seed)))
    for name in ("plan.weight", "score.weight"):
        made[name] = (gain * made[name]).astype(np.float32)
    return made


def told(seed: int = 0, people: int = 4, limits: BaseLimits = LIMITS, batch: tuple[int, ...] = ()) -> PolicyInputs:
    random = np.random.default_rng(seed)
    velocity = random.uniform((0.0, -limits.wz_max), (limits.vx_max, limits.wz_max), (*batch, 2))
    return inputs(
        random.uniform(-0.4, 0.4, (*batch, 3)),
        velocity,
        Route.along(LINE, 0.3),
        0.22,
        limits,
        random.uniform(-4, 4, (*batch, 80, 2)),
        random.uniform(-3, 3, (*batch, people, 2)),
        random.normal(size=(*batch, people, 2)),
    )


def rows(found: PolicyInputs, order: Floats) -> PolicyInputs:
    return replace(found, people=found.people[order], present=found.present[order])


def test_the_order_of_people_changes_nothing() -> None:
    here, order = told(people=7), np.random.default_rng(1).permutation(7)
    one, other = (propose(network(), x, LIMITS, CONFIG) for x in (here, rows(here, order)))
    np.testing.assert_allclose(one.velocities, other.velocities, atol=2e-5)
    np.testing.assert_allclose(one.scores, other.scores, atol=2e-5)


def test_people_count_and_rows_that_say_nothing_do_not() -> None:
    with_some, with_none = told(people=3), told(people=0)
    padded = replace(
        with_some,
        people=np.concatenate([with_some.people, np.ones((5, 4), np.float32)]),
        present=np.concatenate([with_some.present, np.zeros(5, np.float32)]),
    )
    answers = [propose(network(), x, LIMITS, CONFIG).scores for x in (with_some, padded, with_none)]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-6)
    assert np.abs(answers[0] - answers[2]).max() > 1e-3
    assert np.isfinite(propose(network(), told(people=60), LIMITS, CONFIG).velocities).all()


def test_in_the_mirrored_world_it_proposes_the_mirror_image() -> None:
    here, half = told(2), CONFIG.proposals // 2
    one, other = (propose(network(), x, LIMITS, CONFIG) for x in (here, mirrored(here)))
    swapped = [*range(half, 2 * half), *range(half)]
    np.testing.assert_allclose(other.velocities[swapped] * [1.0, -1.0], one.velocities, atol=1e-5)
    np.testing.assert_allclose(other.scores[swapped], one.scores, atol=1e-5)


@pytest.mark.parametrize("name", ["simulated", "turtlebot2", "turtlebot3_waffle", "turtlebot4"])
def test_every_base_can_do_what_is_proposed(name: str) -> None:
    """Each velocity is what `limit_velocity` makes of itself after the one before, for any network."""
    limits = load_robot(name).limits.forward_only()
    for seed in range(10):
        here = told(seed, limits=limits)
        plans = propose(network(seed), here, limits, CONFIG).velocities.astype(np.float64)
        before = np.concatenate([np.broadcast_to(here.body[:2], (len(plans), 1, 2)), plans[:, :-1]], axis=1)
        np.testing.assert_allclose(limit_velocity(plans, before, limits, CONFIG.step), plans, atol=1e-6)
        assert np.ptp(plans[..., 1]) > 0.1


@pytest.mark.parametrize("config", [CONFIG, CRITIC], ids=["plain", "critic"])
def test_a_batch_is_answered_row_by_row(config: PolicyConfig) -> None:
    batch, weights = told(3, batch=(4,)), network(config=config)
    answers = propose(weights, batch, LIMITS, config)
    for k in range(4):
        one = propose(weights, PolicyInputs(*(getattr(batch, f.name)[k] for f in fields(batch))), LIMITS, config)
        np.testing.assert_allclose(answers.velocities[k], one.velocities, atol=1e-5)
        np.testing.assert_allclose(answers.scores[k], one.scores, atol=1e-4)


def test_a_critic_has_the_mirrored_opinion_in_the_mirrored_world() -> None:
    here, half, weights = told(2), CRITIC.proposals // 2, network(config=CRITIC)
    one, other = (propose(weights, x, LIMITS, CRITIC) for x in (here, mirrored(here)))
    swapped = [*range(half, 2 * half), *range(half)]
    np.testing.assert_allclose(other.scores[swapped], one.scores, atol=1e-4)
    assert one.foreseen is not None
    assert other.foreseen is not None
    assert one.foreseen.shape == (CRITIC.proposals, CRITIC.steps, 9)
    np.testing.assert_allclose(other.foreseen[swapped][..., 0], one.foreseen[..., 0], atol=1e-4)
    np.testing.assert_allclose(other.foreseen[swapped][..., :0:-1], one.foreseen[..., 1:], atol=1e-4)
    assert np.ptp(one.scores) > 1e-3


def test_a_critic_minds_people_in_any_order_and_no_rows_that_say_nothing() -> None:
    some, weights = told(people=3), network(config=CRITIC)
    padded = replace(
        some,
        people=np.concatenate([np.ones((5, 4), np.float32), some.people[::-1]]),
        present=np.concatenate([np.zeros(5, np.float32), some.present]),
    )
    answers = [propose(weights, x, LIMITS, CRITIC).scores for x in (some, padded, told(people=0))]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-4)
    assert np.abs(answers[0] - answers[2]).max() > 1e-3


def test_a_plan_keeps_to_its_offset_and_stops_at_the_end() -> None:
    """Beside a straight way of 2 m, with an offset of 0.5 m that fades towards its end, in 12 s."""
    config = replace(CONFIG, steps=30)
    here = inputs(np.zeros(3), np.zeros(2), Route.along(np.array([[0.0, 0.0], [3.5, 0.0]]), 0.3), 0.22, LIMITS,
                  np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((0, 2)))  # fmt: skip
    plans = np.stack([np.full((1, 30), 0.5), np.ones((1, 30))], axis=-1).astype(np.float32)
    poses = rollout(np.zeros((1, 3)), follow(plans, here, LIMITS, config).astype(np.float64), config.step)[0]
    assert poses[:, 1].max() == pytest.approx(0.5, abs=0.1)
    assert np.linalg.norm(poses[-1, :2] - [3.5, 0.0]) < 0.25
    still = follow(plans * [1.0, 0.0], here, LIMITS, config)
    assert np.abs(still).max() < 1e-6


@pytest.mark.parametrize("config", [CONFIG, CRITIC], ids=["plain", "critic"])
def test_numpy_and_torch_agree(config: PolicyConfig) -> None:
    torch = pytest.importorskip("torch")
    here, parameters = told(5, batch=(3,)), network(1, config=config)
    tensors = PolicyInputs(*(torch.from_numpy(getattr(here, f.name)) for f in fields(here)))
    ours = propose(parameters, here, LIMITS, config)
    theirs = propose({k: torch.from_numpy(v) for k, v in parameters.items()}, tensors, LIMITS, config)
    assert ours.velocities.dtype == np.float32
    np.testing.assert_allclose(theirs.velocities.numpy(), ours.velocities, atol=5e-5)
    np.testing.assert_allclose(theirs.scores.numpy(), ours.scores, atol=1e-4)


def test_other_steps_keep_the_velocities_and_the_limits() -> None:
    """0.6 m/s then 0.2 m/s, held for 0.4 s each, in steps of 0.2 s: braking takes 0.5 m/s per step."""
    plan = np.array([[[0.6, 0.0], [0.2, 0.0]]])
    found = in_other_steps(plan, np.array([0.6, 0.0]), 0.4, 6, 0.2, LIMITS)
    np.testing.assert_allclose(found[0, :, 0], [0.6, 0.6, 0.2, 0.2, 0.2, 0.2])
    slow = in_other_steps(plan, np.zeros(2), 0.4, 2, 0.2, LIMITS)
    np.testing.assert_allclose(slow[0, :, 0], [0.16, 0.32])  # 0.8 m/s^2


def test_settings_are_checked() -> None:
    for wrong in ({"proposals": 3}, {"person": 50}, {"knots": 1}, {"proposals": 40}, {"foresees": True}):
        with pytest.raises(ConfigError, match="policy"):
            PolicyConfig(**wrong)


def test_a_model_is_read_strictly(tmp_path) -> None:
    weights = dict(initial(CONFIG, np.random.default_rng(0)))
    save_model(tmp_path, Model("policy", {}, weights), "card")
    nobody = Tracks.empty(0.0, "map")
    asked = (np.zeros(3), np.zeros(2), Route.along(LINE, 0.3), 0.22, LIMITS, np.zeros((0, 2)), nobody, 20, 0.25)
    found = policy.load(str(tmp_path))(*asked)
    assert found.velocities.shape == (CONFIG.proposals, 20, 2)
    assert found.velocities.dtype == np.float64
    del weights["score.bias"]
    with pytest.raises(CheckpointError, match=r"it lacks 'score.bias'"):
        LearnedPolicy.of(Model("policy", {}, weights))
