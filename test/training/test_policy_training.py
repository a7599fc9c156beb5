"""Training of the policy: what it tries is what would happen, gradients are of use, and a run that was stopped goes
on."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sac_son_nav.config import load_robot  # noqa: E402
from sac_son_nav.datasets.pedestrians import PedestrianRecording, Track  # noqa: E402
from sac_son_nav.errors import ConfigError  # noqa: E402
from sac_son_nav.navigation import objective, policy  # noqa: E402
from sac_son_nav.navigation.policy import PolicyConfig  # noqa: E402
from sac_son_nav.navigation.route import RoutePlanner  # noqa: E402
from sac_son_nav.prediction.predictor import RobotFutures, SocialForce, SocialForceConfig  # noqa: E402
from sac_son_nav.simulation.laws import law_named  # noqa: E402
from sac_son_nav.simulation.scenarios import load_scenario  # noqa: E402
from sac_son_nav.states import Tracks  # noqa: E402
from sac_son_nav.training.policy_loss import proximity  # noqa: E402
from sac_son_nav.training.policy_recorded import RecordedPlaces  # noqa: E402
from sac_son_nav.training.policy_scenes import FIRST_SEED, Scene, draw  # noqa: E402
from sac_son_nav.training.policy_task import LearnPolicy, PolicyTask  # noqa: E402
from sac_son_nav.training.policy_worlds import Fleet, Moment, foretell, try_in_world  # noqa: E402
from sac_son_nav.training.run import RunConfig, train  # noqa: E402

ROBOT = load_robot("simulated")
CONFIG = PolicyConfig()
SMALL = PolicyTask(
    humans=("social_force",), fleets=1, worlds=6, moments=2, uses=1, validation_fleets=1, validation_worlds=3
)


def fresh() -> np.random.Generator:
    return np.random.default_rng(0)


def scene(name: str, humans: str = "social_force") -> Scene:
    scenario = load_scenario(name)
    route = RoutePlanner(scenario.floor, ROBOT.radius).plan(scenario.robot_start[:2], scenario.robot_goal[:2])
    return Scene(scenario, ROBOT, route, humans, law_named(humans))


def moment(name: str = "corridor", humans: str = "social_force", count: int = 4, seed: int = 0) -> Moment:
    return Fleet(scene(name, humans), count, np.random.default_rng(seed), 0.0).look()


def plans(count: int, seed: int = 1) -> Any:
    speeds = np.random.default_rng(seed).uniform((0.0, -0.3), (0.6, 0.3), (count, 3, CONFIG.steps, 2))
    return torch.tensor(speeds, dtype=torch.float32)


def test_a_forecast_is_that_of_the_navigators_human_model() -> None:
    here, tried = moment(), plans(4)
    found = foretell(here, tried, CONFIG.step, SocialForceConfig())
    people = here.people.shape[1]
    for w in range(4):
        own = np.asarray(found.poses.reshape(4, 3, -1, 3)[w], dtype=np.float64)
        futures = RobotFutures(
            np.asarray(here.world.poses[w], dtype=np.float64),
            np.concatenate([own, own[:1]]),
            np.array([True, True, True, False]),
            ROBOT.radius,
        )
        tracks = Tracks(
            0.0, "map", np.arange(people), here.people[w], here.paces[w], np.zeros((people, 4, 4)), np.ones(people)
        )
        expected = SocialForce().predict(tracks, futures, CONFIG.step, here.scene.scenario.floor)
        shape = (4, 3, people, CONFIG.steps, 2)
        np.testing.assert_allclose(found.people_with.reshape(shape)[w], expected[:3], atol=1e-4)
        np.testing.assert_allclose(found.people_without.reshape(shape)[w, 0], expected[3], atol=1e-4)


@pytest.mark.parametrize("humans", ["social_force", "orca"])
def test_a_trial_leaves_the_world_as_it_was_and_who_minds_no_robot_walks_as_without(humans: str) -> None:
    here = moment("circular_crossing", humans)
    before = here.world.crowd.positions.clone()
    here.world.crowd.robot_weights = torch.zeros_like(here.world.crowd.robot_weights)
    here.world.poses = here.world.poses + 100.0  # nobody can be pushed aside there
    found = try_in_world(here.world, plans(4), CONFIG.step)
    if humans == "social_force":  # whoever walks by ORCA sees a robot, whatever they feel about it
        assert torch.equal(found.people_with, found.people_without)
    assert torch.equal(here.world.crowd.positions, before)
    moved = torch.linalg.vector_norm(found.people_with[:, :, -1] - found.people_with[:, :, 0], dim=-1)
    assert moved.max() > 1.0


@pytest.mark.parametrize("answer", ["world", "forecast"])
def test_gradients_lead_from_what_it_does_to_people_to_the_plan(answer: str, tmp_path: Path) -> None:
    """A robot that drives at people can do less to them; a step against the gradient shows it."""
    here, learning = moment("frontal_approach"), LearnPolicy(SMALL, tmp_path, 0)
    person = here.world.crowd.positions[:, 0]
    here.world.poses = torch.cat([person - torch.tensor([1.5, 0.1]), torch.zeros(4, 1)], dim=-1)
    law = here.world.crowd.law
    straight = torch.zeros(4, 1, CONFIG.steps, 2)
    straight[..., 0] = 0.5
    straight.requires_grad_()
    cost = learning.cost(here, straight, answer)["counterfactual_perturbation"]
    (slope,) = torch.autograd.grad(cost.sum(), straight)
    assert torch.isfinite(slope).all()
    assert (slope.flatten(1).norm(dim=-1) > 1e-3).all()
    better = straight - 0.01 * slope / slope.flatten(1).norm(dim=-1)[:, None, None, None]
    assert (learning.cost(here, better, answer)["counterfactual_perturbation"] < cost).float().mean() >= 0.75
    assert here.world.crowd.law == law  # the human model is not what is trained


def test_training_on_one_moment_makes_its_proposals_cheaper(tmp_path: Path) -> None:
    learning = LearnPolicy(SMALL, tmp_path, 0)
    learning._moments, learning._round = {0: [moment("circular_crossing", count=6)] * 2}, 0
    first = learning.initial(np.random.default_rng(0))
    parameters = {k: torch.from_numpy(v.copy()).requires_grad_() for k, v in first.items()}
    optimiser, costs = torch.optim.Adam(parameters.values(), lr=3e-3), []
    batch = {name: torch.zeros(6, dtype=torch.int64) for name in ("fleet", "moment")} | {
        "luck": torch.arange(6) / 6.0 + 0.05
    }
    for _ in range(8):
        loss, count = learning.loss(parameters, batch, 0)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        costs.append(float(loss.detach()) / count)
    assert np.mean(costs[-2:]) < np.mean(costs[:2])


def test_shares_of_a_batch_have_the_gradient_of_the_whole(tmp_path: Path) -> None:
    learning = LearnPolicy(SMALL, tmp_path, 0)
    learning._moments, learning._round = {0: [moment("frontal_approach", count=6)] * 2}, 0
    first = learning.initial(np.random.default_rng(0))
    batch = {name: torch.zeros(4, dtype=torch.int64) for name in ("fleet", "moment")} | {
        "luck": torch.tensor([0.1, 0.4, 0.6, 0.9])
    }

    def gradient(rows: slice) -> Any:
        parameters = {k: torch.from_numpy(v.copy()).requires_grad_() for k, v in first.items()}
        loss, _ = learning.loss(parameters, {k: v[rows] for k, v in batch.items()}, 0)
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(parameters.values()))])

    whole, parts = gradient(slice(None)), gradient(slice(0, None, 2)) + gradient(slice(1, None, 2))
    assert whole.norm() > 0.1
    assert torch.allclose(whole, parts, atol=1e-3 * float(whole.norm()))


class InOneScene(LearnPolicy):
    """Learns in a scene that is quickly made, and may be broken off in the middle of a round."""

    how: type[BaseException] | None = None

    def _fleet(self, random: np.random.Generator) -> Fleet:
        return Fleet(scene("frontal_approach"), self.config.worlds, random, self.config.tracking_noise)

    def loss(self, parameters: Any, batch: Any, step: int) -> Any:
        if step == 3 and self.how is not None:
            raise self.how
        return super().loss(parameters, batch, step)


@pytest.mark.parametrize("how", [KeyboardInterrupt, SystemError], ids=["stopped", "killed"])
def test_a_run_that_was_broken_off_goes_on_to_the_same_weights(how: type[BaseException], tmp_path: Path) -> None:
    """Stopped, the state of step 3 is kept, amid a round; killed, that of step 2, where it began."""
    settings = RunConfig(steps=4, batch=3, warmup=2, validate_every=2, average=0.5)
    whole, _ = train(InOneScene(SMALL, tmp_path / "whole", 0), settings, tmp_path / "whole")
    broken = InOneScene(SMALL, tmp_path / "broken", 0)
    broken.how = how
    with pytest.raises(how):
        train(broken, settings, tmp_path / "broken")
    gone_on, _ = train(InOneScene(SMALL, tmp_path / "broken", 0), settings, tmp_path / "broken")
    for name, values in whole.items():
        np.testing.assert_array_equal(values, gone_on[name], err_msg=name)


def test_scenes_follow_from_the_generator_and_keep_off_what_is_tested_with() -> None:
    one, other = (draw(np.random.default_rng(8), ("crossing",), ("social_force",), 8) for _ in range(2))
    assert one.scenario.robot == other.scenario.robot
    np.testing.assert_array_equal(one.scenario.floor.cells, other.scenario.floor.cells)
    assert (one.robot, one.law) == (other.robot, other.law)
    assert FIRST_SEED >= 1_000_000
    with pytest.raises(ConfigError, match="power_law, which is kept to test with"):
        PolicyTask(humans=("orca", "power_law"))
    with pytest.raises(ConfigError, match="expected world or forecast, got 'oracle'"):
        PolicyTask(answer="oracle")


def test_a_moment_is_kept_as_it_was_while_the_fleet_drives_on() -> None:
    fleet = Fleet(scene("crossing"), 3, np.random.default_rng(0), 0.03)
    kept = fleet.look()
    poses = kept.world.poses.clone()
    parameters = {k: torch.from_numpy(v) for k, v in policy.initial(CONFIG, np.random.default_rng(0)).items()}
    chosen = policy.propose(parameters, kept.told, kept.limits, CONFIG).velocities[:, 0]
    fleet.advance(chosen, 2, CONFIG.step)
    assert torch.equal(kept.world.poses, poses)
    assert not torch.equal(fleet.world.poses, poses)
    assert kept.chances.sum() == pytest.approx(1.0)
    some = kept.take(np.array([2, 2]))
    assert all(len(getattr(some.told, f.name)) == 2 for f in fields(some.told))


def test_what_is_to_be_foreseen_is_what_the_objective_calls_risk_and_compass() -> None:
    random = np.random.default_rng(0)
    poses, people = random.uniform(-3, 3, (5, 12, 3)), random.uniform(-3, 3, (5, 4, 12, 2))
    came = proximity(torch.from_numpy(poses), torch.from_numpy(people)).numpy()
    np.testing.assert_allclose(came[..., 0].mean(axis=-1), objective.risk(poses[..., :2], people))
    np.testing.assert_allclose(came[..., 1:].mean(axis=(1, 2)), objective.compass(poses, people))
    assert proximity(torch.zeros(2, 3, 3), torch.zeros(2, 0, 3, 2)).shape == (2, 3, 9)


def test_risk_is_learned_from_what_comes_and_scores_do_not_bend_plans(tmp_path: Path) -> None:
    """Only the bending of plans reaches what they are made with; the critic has its scores and what it foresees."""
    task = replace(SMALL, answer="forecast", policy=PolicyConfig(critic=16, foresees=True))
    learning, here = LearnPolicy(task, tmp_path, 0), moment("circular_crossing", count=6)
    parameters = {k: torch.from_numpy(v.copy()).requires_grad_() for k, v in learning.initial(fresh()).items()}
    proposals = policy.propose(parameters, here.told, here.limits, task.policy)
    (scored,) = torch.autograd.grad(proposals.scores.sum(), [parameters["plan.weight"]], allow_unused=True)
    assert scored is None
    optimiser, errors = torch.optim.Adam(parameters.values(), lr=3e-2), []
    for _ in range(8):
        found = policy.propose(parameters, here.told, here.limits, task.policy)
        futures = learning.futures(here, found.velocities.detach(), "forecast")
        came = proximity(futures.poses, futures.people_with).reshape(found.foreseen.shape)
        errors.append(float((found.foreseen - came).abs().mean().detach()))
        optimiser.zero_grad()
        learning._loss_of(parameters, here).backward()
        optimiser.step()
    assert errors[-1] < 0.7 * errors[0]


class FleetsOfItsOwn(InOneScene):
    """Notes who drives."""

    drove: list[int]

    def _driven(self, fleet: int) -> list[Moment]:
        if fleet not in self._moments:
            self.drove.append(fleet)
        return super()._driven(fleet)


def test_processes_share_the_driving_and_have_the_gradient_of_one(tmp_path: Path) -> None:
    """Shares of a batch as two processes have them, of steps with two fleets: neither drives what the other does."""
    task = replace(SMALL, fleets=2, together=2, worlds=4)

    def gradient(learning: FleetsOfItsOwn, rows: slice) -> Any:
        learning.drove = []
        parameters = {k: torch.from_numpy(v.copy()).requires_grad_() for k, v in learning.initial(fresh()).items()}
        batch = {k: torch.from_numpy(v[rows]) for k, v in learning.batch(fresh(), 4, 0).items()}
        loss, _ = learning.loss(parameters, batch, 0)
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(parameters.values()))])

    one, first, second = (FleetsOfItsOwn(task, tmp_path, 0) for _ in range(3))
    whole = gradient(one, slice(None))
    parts = gradient(first, slice(0, None, 2)) + gradient(second, slice(1, None, 2))
    assert (one.drove, first.drove, second.drove) == ([0, 1], [0], [1])
    assert torch.allclose(whole, parts, atol=1e-3 * float(whole.norm()))
    with pytest.raises(ConfigError, match="expected a multiple of together, 2, got 3"):
        replace(task, fleets=3)


def made_recording() -> PedestrianRecording:
    """Three people who walk along x one after the other, and never at the same time as the last."""
    times = np.arange(20) * 0.4
    tracks = [
        Track(k, times + begins, np.stack([0.5 * times, np.full(20, 0.8 * k)], axis=-1))
        for k, begins in ((1, 0.0), (2, 2.0), (3, 12.0))
    ]
    return PedestrianRecording("made", 25.0, tuple(tracks))


def test_a_fleet_among_recorded_people_sees_who_is_there_and_begins_anew_on_their_clock(tmp_path: Path) -> None:
    drawn = RecordedPlaces((made_recording(),)).draw(np.random.default_rng(3))
    fleet = Fleet(drawn, 5, np.random.default_rng(0), 0.0)
    kept = fleet.look()
    there = np.isfinite(drawn.scenario.recorded.people.at(0.0)[0][:, 0])
    assert 1 <= there.sum() == kept.people.shape[1] == kept.told.people.shape[1]
    assert len(drawn.scenario.recorded.people) >= there.sum()
    futures = foretell(kept, plans(5), CONFIG.step, SocialForceConfig())
    assert torch.isfinite(futures.people_with).all()
    fleet.world.reached[2] = True
    before = fleet.world.poses.clone()
    fleet._begin_anew()
    assert not fleet.world.reached.any()
    assert torch.equal(fleet.world.poses[[0, 1, 3, 4]], before[[0, 1, 3, 4]])
    assert not torch.equal(fleet.world.poses[2], before[2])


def test_recordings_are_asked_for_by_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected places out of eth, hotel, univ, zara1, zara2, got 'mars'"):
        RecordedPlaces.read(tmp_path, ("mars",))
    with pytest.raises(ConfigError, match="expected --data DIR"):
        RecordedPlaces.read(None, ("eth",))
    with pytest.raises(ConfigError, match="expected answer forecast, for recorded people answer nobody"):
        replace(SMALL, recorded=("eth",))
