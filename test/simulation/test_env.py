"""The environments as Gymnasium sees them."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env  # noqa: E402
from gymnasium.vector import AutoresetMode, SyncVectorEnv  # noqa: E402

from sac_son_nav.config import load_robot  # noqa: E402
from sac_son_nav.datasets.pedestrians import PedestrianRecording, Track  # noqa: E402
from sac_son_nav.errors import ConfigError, MessageError  # noqa: E402
from sac_son_nav.simulation.env import SocialNavEnv, SocialNavVectorEnv  # noqa: E402
from sac_son_nav.simulation.person_groups import PersonGroup, Stop  # noqa: E402
from sac_son_nav.simulation.recorded import Recording  # noqa: E402
from sac_son_nav.simulation.rewards import TERMS, RewardConfig  # noqa: E402
from sac_son_nav.simulation.scenarios import Scenario  # noqa: E402
from sac_son_nav.simulation.world import World  # noqa: E402
from test.simulation.worlds import room, world  # noqa: E402

ID = "sac_son_nav.simulation.env:SacSon/SocialNav-v0"
SEED = 11


@cache
def short() -> Scenario:
    """Runs of 2 s at most among two people: at full speed the goal is as far, and somebody may be in between."""
    people = (
        PersonGroup(start=(2.0, 1.6, 4.0, 4.4), errand=(Stop((1.0, 3.0)),), robot_weight=0.0),
        PersonGroup(start=(1.5, 1.0, 2.5, 1.5), errand=(Stop((2.0, 5.0)),)),
    )
    scenario = world(room(6.0, 6.0), *people, start=(1.0, 3.0, 0.0), goal=(2.3, 3.0, 0.0))
    return replace(scenario, time_limit=2.0)


def actions(step: int, count: int) -> np.ndarray:
    """Every robot drives in its own way."""
    turns = 0.4 * np.sin(0.3 * step + np.arange(count))
    return np.stack([np.ones(count), turns], axis=-1).astype(np.float32)


def test_what_the_page_shows_works() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/environments.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["info"]["displacement"].shape == (4,)  # the people of the scenario named there
    assert isinstance(names["envs"], SocialNavVectorEnv)
    told = set(re.findall(r"^\| `(\w+)` \| \(", page, re.MULTILINE))
    assert told == set(SocialNavEnv(short(), observation="both").observation_space)
    weights = dict(re.findall(r"^\| `(\w+)` \|[^|]*\|[^|]*\| (-?[\d.]+) \|$", page, re.MULTILINE))
    assert {name: float(weight) for name, weight in weights.items()} == {
        name: getattr(RewardConfig(), name) for name in TERMS
    }


@pytest.mark.parametrize("observation", ["tracks", "laser", "both"])
def test_gymnasium_s_own_check_finds_nothing_to_say(observation: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make(ID, observation=observation, beams=36, proximity=True)
        check_env(env.unwrapped)


def test_everything_registered_can_be_made_alone_and_in_a_batch() -> None:
    ids = [name for name in gymnasium.registry if name.startswith("SacSon/")]
    assert set(ids) == {"SacSon/SocialNav-v0", "SacSon/SocialNavCorridor-v0", "SacSon/SocialNavCrowd-v0"}
    for name in ids:
        env = gymnasium.make(name)
        observation, _ = env.reset(seed=1)
        assert observation in env.observation_space
        envs = gymnasium.make_vec(name, num_envs=2)
        assert isinstance(envs, SocialNavVectorEnv)
        batch, _ = envs.reset(seed=1)
        assert batch in envs.observation_space
        for part, value in batch.items():
            np.testing.assert_array_equal(value[0], observation[part])
    assert gymnasium.make("SacSon/SocialNavCrowd-v0").observation_space["people"].shape == (20, 5)


def test_the_world_is_that_of_the_seed() -> None:
    env = SocialNavEnv(scenario=short(), robot=load_robot("simulated"))
    runs = []
    for _ in range(2):
        observation, info = env.reset(seed=SEED)
        assert info["seed"] == SEED
        trace = [observation]
        for step in range(8):
            observation, reward, _, _, info = env.step(actions(step, 1)[0])
            trace += [observation, {"reward": reward}, info["terms"]]
        runs.append(trace)
    for one, other in zip(*runs, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])
    alone = World(short(), load_robot("simulated"), SEED)
    for step in range(8):
        alone.step(env.task.velocities_for(actions(step, 1)[0]))
        alone.step()
    np.testing.assert_array_equal(env.task.world.crowd.positions[0], alone.crowd.positions)
    np.testing.assert_array_equal(env.task.world.poses[0], alone.poses)


def test_without_a_seed_the_next_run_is_another_and_follows_from_the_last_seed() -> None:
    env, seeds = SocialNavEnv(scenario=short()), []
    for _ in range(2):
        first = env.reset(seed=SEED)[1]["seed"]
        seeds.append((first, env.reset()[1]["seed"], env.reset()[1]["seed"]))
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == 3


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_a_batch_is_the_single_environments_to_the_last_bit(mode: AutoresetMode) -> None:
    settings: dict[str, Any] = {"scenario": short(), "observation": "both", "beams": 12, "proximity": True}
    settings["reward"] = {"perturbation": -1}
    count = 4
    together = SocialNavVectorEnv(count, autoreset_mode=mode, **settings)
    apart = SyncVectorEnv([lambda: SocialNavEnv(**settings)] * count, autoreset_mode=mode)
    assert together.metadata["autoreset_mode"] is mode
    assert together.observation_space == apart.observation_space
    assert together.action_space == apart.action_space
    same_tree(together.reset(seed=SEED), apart.reset(seed=SEED))
    ends = np.zeros((2, count), dtype=int)
    for step in range(70):
        told = actions(step, count)
        found, expected = together.step(told), apart.step(told)
        same_tree(found, expected)
        assert found[0] in together.observation_space
        ends += np.stack(found[2:4])
    assert (ends.sum(axis=0) >= 2).all()  # every world began anew twice,
    assert (ends.sum(axis=1) > 0).all()  # and runs ended in both ways


def same_tree(found: Any, expected: Any, where: str = "", whom: Any = ...) -> None:
    """Nested tuples and dictionaries hold the same arrays, whatever their type, for `whom` they are meant: a mask
    stands beside them, as ``_name`` beside ``name``."""
    if isinstance(expected, tuple):
        assert len(found) == len(expected)
        for k, (one, other) in enumerate(zip(found, expected, strict=True)):
            same_tree(one, other, f"{where}[{k}]")
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for name in expected:
            same_tree(found[name], expected[name], f"{where}.{name}", expected.get(f"_{name}", whom))
    elif where.endswith(".final_obs"):
        for one, other in zip(found, expected, strict=True):
            assert (one is None) == (other is None)
            if other is not None:
                same_tree(one, other, "the final observation")
    else:
        assert np.shape(found) == np.shape(expected), where
        np.testing.assert_array_equal(found[whom], expected[whom].astype(found.dtype), err_msg=where)


def test_without_autoreset_the_mask_says_who_begins_anew() -> None:
    envs = SocialNavVectorEnv(3, short(), autoreset_mode="Disabled")
    envs.reset(seed=[5, 6, 7])
    for step in range(25):
        _, _, terminated, truncated, _ = envs.step(actions(step, 3))
        if (terminated | truncated).any():
            break
    ended = np.flatnonzero(terminated | truncated)
    with pytest.raises(ConfigError, match=r"step: expected a reset of worlds \[.*\], that had ended"):
        envs.step(actions(0, 3))
    _, info = envs.reset(options={"reset_mask": terminated | truncated})
    assert info["_time"].tolist() == (terminated | truncated).tolist()
    assert (info["time"] == 0.0).tolist() == (terminated | truncated).tolist()
    kept = np.setdiff1d(np.arange(3), ended)
    assert info["seed"][kept].tolist() == [[5, 6, 7][k] for k in kept]
    envs.step(actions(0, 3))
    envs.reset(seed=[8, None, 9], options={"reset_mask": np.array([True, False, False])})
    assert envs.task.seeds[0] == 8
    with pytest.raises(ConfigError, match=r"reset_mask: expected 3 booleans, one of them true"):
        envs.reset(options={"reset_mask": np.zeros(3, dtype=bool)})


def test_the_reward_s_weights_can_be_set_in_two_ways() -> None:
    settings = SocialNavEnv(scenario=short(), reward={"perturbation": -3, "time": 0.0}).task.config.reward
    assert settings == RewardConfig(perturbation=-3.0, time=0.0)
    assert SocialNavEnv(scenario=short(), reward=settings).task.config.reward == settings


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: SocialNavEnv("nowhere"), r"scenario 'nowhere': not found; known are"),
        (lambda: SocialNavEnv(short(), robot="pioneer"), r"robot profile 'pioneer': not found; known are"),
        (lambda: SocialNavEnv(short(), colour="red"), r"environment: unknown setting 'colour'; known are"),
        (lambda: SocialNavEnv(short(), reward={"fun": 1.0}), r"environment.reward: unknown setting 'fun'; known are"),
        (lambda: SocialNavEnv(short(), render_mode="human"), r"render_mode: expected rgb_array or None, got 'human'"),
        (lambda: SocialNavVectorEnv(0, short()), r"num_envs: expected one or more, got 0"),
        (lambda: SocialNavVectorEnv(2, short()).reset(seed=[1]), r"seed: expected 2 of them, got 1"),
    ],
)
def test_what_can_t_be_is_refused_in_one_sentence(make: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        make()


def test_recorded_people_walk_alone_but_not_in_a_batch() -> None:
    track = Track(1, np.array([0.0, 4.0]), np.array([[5.0, 3.0], [5.0, 4.0]]))
    people = Recording(PedestrianRecording("street", 25.0, (track,)))
    scenario = replace(short(), people=(), recorded=people)
    env = SocialNavEnv(scenario)
    env.reset(seed=1)
    assert env.step(actions(0, 1)[0])[4]["displacement"].tolist() == [0.0]
    with pytest.raises(ConfigError, match="begin anew one by one, got recorded ones"):
        SocialNavVectorEnv(2, scenario)


def test_an_action_that_is_no_number_is_refused() -> None:
    env = SocialNavEnv(short())
    env.reset(seed=1)
    with pytest.raises(MessageError, match="finite"):
        env.step(np.array([np.nan, 0.0]))


def test_pictures_show_what_happens() -> None:
    env = SocialNavEnv(short(), render_mode="rgb_array")
    env.reset(seed=SEED)
    first = env.render()
    for step in range(10):
        env.step(actions(step, 1)[0])
    second = env.render()
    assert first.shape == second.shape
    assert first.dtype == np.uint8
    assert (first != second).any()
    # As many pixels are as dark as the robot is large: 0.22 m in radius, less the line that shows where it looks.
    scale = first.shape[1] / (6.0 - 0.05 + 2 * 0.25)
    dark = (first[:-40] == (34, 38, 43)).all(axis=-1).sum() / scale**2
    assert np.pi * 0.22**2 * 0.85 < dark < np.pi * 0.22**2
    frames = SocialNavVectorEnv(2, short(), render_mode="rgb_array").render()
    assert len(frames) == 2
    assert frames[0].shape == first.shape
    assert SocialNavEnv(short()).render() is None
    assert SocialNavVectorEnv(2, short()).render() is None
