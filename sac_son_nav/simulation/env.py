"""Gymnasium environments: a robot on its errand among people who would rather not be disturbed.

    import gymnasium
    env = gymnasium.make("sac_son_nav.simulation.env:SacSon/SocialNav-v0", scenario="corridor")
    envs = gymnasium.make_vec("sac_son_nav.simulation.env:SacSon/SocialNav-v0", num_envs=64)

The part before the colon makes Gymnasium import this module, which registers the environments; after ``import
sac_son_nav.simulation.env`` the id alone will do. docs/environments.md describes spaces, reward and info.

Everything that happens is in :mod:`.task`; here are the two forms in which Gymnasium wants it: one world, and many in
one batch. World number i of a batch is to the last bit the single environment with its seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from sac_son_nav.config import RobotProfile, build, load_robot
from sac_son_nav.errors import ConfigError
from sac_son_nav.simulation.drawing import Drawing
from sac_son_nav.simulation.rewards import RewardConfig
from sac_son_nav.simulation.scenarios import Scenario, load_scenario
from sac_son_nav.simulation.task import PERIOD, NavigationTask, TaskConfig

Told = dict[str, NDArray[Any]]
Info = dict[str, Any]

_FIRST_SEED = 0  # of the worlds that stand there until the first reset


class SocialNavEnv(gymnasium.Env[Any, Any]):
    """One robot in one world."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": round(1.0 / PERIOD)}  # noqa: RUF012 (Gymnasium's type)

    def __init__(
        self,
        scenario: str | Scenario = "crossing",
        robot: str | RobotProfile = "simulated",
        render_mode: str | None = None,
        **settings: Any,
    ) -> None:
        """`scenario`, `robot`: by name, by file, or themselves. `settings`: those of :class:`.task.TaskConfig`.

        Raises ConfigError or MapError with one sentence for what is missing, unknown or out of range.
        """
        self.task = _task(scenario, robot, settings, [_FIRST_SEED])
        self.observation_space, self.action_space = _spaces(self.task)
        self.render_mode = _known(render_mode)
        self._drawing: Drawing | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Told, Info]:
        """The world of the seed at its first moment; without a seed, of one drawn from that of the last reset."""
        super().reset(seed=seed)
        self.task.restart([_draw(self.np_random) if seed is None else seed])
        return _only(self.task.observe()), _only(self.task.measure())

    def step(self, action: NDArray[Any]) -> tuple[Told, float, bool, bool, Info]:
        """A tenth of a second. Raises MessageError for an action that is no number."""
        done = self.task.step(np.asarray(action, dtype=np.float64)[None])
        ends = bool(done.terminated[0]), bool(done.truncated[0])
        return _only(self.task.observe()), float(done.reward[0]), *ends, _only(self.task.measure())

    def render(self) -> NDArray[np.uint8] | None:
        """The world from above, (height, width, 3); None without a render mode."""
        if self.render_mode is None:
            return None
        self._drawing = self._drawing or Drawing(self.task.scenario.floor)
        return _draw_world(self.task, self._drawing, 0)


class SocialNavVectorEnv(VectorEnv[Any, Any, Any]):
    """Many robots, each in a world of its own, all computed together.

    A world whose run has ended begins anew with a seed drawn from its own last one, as :class:`SocialNavEnv` would,
    and as the autoreset mode says.
    """

    metadata = {**SocialNavEnv.metadata, "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int = 1,
        scenario: str | Scenario = "crossing",
        robot: str | RobotProfile = "simulated",
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        **settings: Any,
    ) -> None:
        """As :class:`SocialNavEnv`. Raises ConfigError for recorded people too, whose worlds begin all at once."""
        if num_envs < 1:
            raise ConfigError(f"num_envs: expected one or more, got {num_envs}")
        self.num_envs, self.autoreset_mode = num_envs, AutoresetMode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
        self.task = _task(scenario, robot, settings, range(_FIRST_SEED, _FIRST_SEED + num_envs))
        if self.task.scenario.recorded is not None:
            name = self.task.scenario.name
            raise ConfigError(f"scenario {name}: expected people who can begin anew one by one, got recorded ones")
        self.single_observation_space, self.single_action_space = _spaces(self.task)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.render_mode = _known(render_mode)
        self._drawing: Drawing | None = None
        self._random: list[np.random.Generator] = []  # of each world's next seeds
        self._ended = np.zeros(num_envs, dtype=bool)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Told, Info]:
        """All worlds at their first moment, or those of ``options["reset_mask"]`` (num_envs,). `seed`: of the first,
        with the next numbers for the others, or one for each; as in :meth:`SocialNavEnv.reset`."""
        which = np.arange(self.num_envs)
        mask = None if options is None else options.get("reset_mask")
        if mask is not None:
            if np.shape(mask) != (self.num_envs,) or np.asarray(mask).dtype != np.bool_ or not np.any(mask):
                raise ConfigError(f"reset_mask: expected {self.num_envs} booleans, one of them true, got {mask!r}")
            which = np.flatnonzero(mask)
        seeds = _one_each(seed, self.num_envs)
        if not self._random:
            self._random = [seeding.np_random()[0] for _ in range(self.num_envs)]
        for k in which:
            if seeds[k] is not None:
                self._random[k] = seeding.np_random(seeds[k])[0]
        self._begin(which, seeds)
        return self.task.observe(), _masked(self.task.measure(), np.isin(np.arange(self.num_envs), which))

    def step(self, actions: NDArray[Any]) -> tuple[Told, NDArray[Any], NDArray[np.bool_], NDArray[np.bool_], Info]:
        """A tenth of a second in every world. Raises ConfigError in the mode without autoreset, when a world whose run
        had ended was not reset."""
        if self.autoreset_mode is AutoresetMode.DISABLED and self._ended.any():
            raise ConfigError(
                f"step: expected a reset of worlds {np.flatnonzero(self._ended).tolist()}, that had ended"
            )
        done, before = self.task.step(np.asarray(actions, dtype=np.float64)), self._ended
        reward, terminated, truncated = done.reward, done.terminated, done.truncated
        if self.autoreset_mode is AutoresetMode.NEXT_STEP and before.any():
            self._begin(np.flatnonzero(before))
            reward, terminated, truncated = np.where(before, 0.0, reward), terminated & ~before, truncated & ~before
        self._ended = terminated | truncated
        last: Info = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP and self._ended.any():
            last = _last(self.task, self._ended)
            self._begin(np.flatnonzero(self._ended))
        everywhere = np.ones(self.num_envs, dtype=bool)
        info = {**_masked(self.task.measure(), everywhere), **last}
        return self.task.observe(), reward, terminated, truncated, info

    def _begin(self, worlds: NDArray[np.intp], seeds: Sequence[int | None] | None = None) -> None:
        """Worlds anew, with seeds of their own where none is given."""
        given = [None if seeds is None else seeds[k] for k in worlds]
        drawn = [_draw(self._random[k]) if seed is None else seed for k, seed in zip(worlds, given, strict=True)]
        self.task.begin(worlds, drawn)
        self._ended = self._ended & ~np.isin(np.arange(self.num_envs), worlds)

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Every world from above; None without a render mode."""
        if self.render_mode is None:
            return None
        drawing = self._drawing = self._drawing or Drawing(self.task.scenario.floor)
        return tuple(_draw_world(self.task, drawing, k) for k in range(self.num_envs))


# -- what both share ------------------------------------------------------------------------------------------------


def _task(
    scenario: str | Scenario, robot: str | RobotProfile, settings: Mapping[str, Any], seeds: Sequence[int]
) -> NavigationTask:
    reward = settings.get("reward")
    plain = {**settings, "reward": asdict(reward)} if isinstance(reward, RewardConfig) else settings
    config = build(TaskConfig, plain, "environment")
    return NavigationTask(
        scenario if isinstance(scenario, Scenario) else load_scenario(scenario),
        robot if isinstance(robot, RobotProfile) else load_robot(robot),
        config,
        seeds,
    )


def _spaces(task: NavigationTask) -> tuple[spaces.Dict, spaces.Box]:
    told: dict[str, spaces.Space[Any]] = {
        name: spaces.Box(low, high, dtype=np.float32) for name, (low, high) in task.bounds.items()
    }
    if "people" in told:
        told["people_mask"] = spaces.MultiBinary(task.config.people)
    return spaces.Dict(told), spaces.Box(-1.0, 1.0, (2,), np.float32)


def _known(render_mode: str | None) -> str | None:
    if render_mode not in (None, *SocialNavEnv.metadata["render_modes"]):
        raise ConfigError(f"render_mode: expected rgb_array or None, got {render_mode!r}")
    return render_mode


def _draw(random: np.random.Generator) -> int:
    """The seed of a world."""
    return int(random.integers(2**31))


def _only(batch: Info) -> Info:
    """Of a batch of one world, that world."""
    return {name: _only(value) if isinstance(value, dict) else value[0] for name, value in batch.items()}


def _one_each(seed: int | Sequence[int | None] | None, count: int) -> list[int | None]:
    if seed is None:
        return [None] * count
    if isinstance(seed, int | np.integer):
        return [int(seed) + k for k in range(count)]
    if len(seed) != count:
        raise ConfigError(f"seed: expected {count} of them, got {len(seed)}")
    return list(seed)


def _masked(info: Info, mask: NDArray[np.bool_]) -> Info:
    """With a mask ``_<name>`` of whom it is true beside each value, as Gymnasium's vector environments have it."""
    found: Info = {}
    for name, value in info.items():
        found[name] = _masked(value, mask) if isinstance(value, dict) else value
        found[f"_{name}"] = mask.copy()
    return found


def _last(task: NavigationTask, ended: NDArray[np.bool_]) -> Info:
    """The last observation and info of the runs that ended, as Gymnasium's vector environments have them."""
    told, observations = task.observe(), np.full(len(ended), None, dtype=object)
    for k in np.flatnonzero(ended):
        observations[k] = {name: value[k] for name, value in told.items()}
    return _masked({"final_obs": observations, "final_info": task.measure()}, ended)


def _draw_world(task: NavigationTask, drawing: Drawing, number: int) -> NDArray[np.uint8]:
    scenario, poses, crowd, true = task.scenario, task.world.poses, task.world.crowd, task.measure()
    caption = f"{true['time'][number]:.1f} s"
    if task.config.twin:
        caption += f", perturbation {true['perturbation'][number]:.3f} m"
    return drawing.draw(
        (poses[number], task.robot.radius),
        (scenario.robot_goal[:2], scenario.robot.tolerance),
        (crowd.positions[number], crowd.velocities[number], crowd.radii[number]),
        crowd.positions[len(task) + number] if task.config.twin else None,
        caption,
    )


_SETTINGS: dict[str, dict[str, Any]] = {
    "SacSon/SocialNav-v0": {},
    "SacSon/SocialNavCorridor-v0": {"scenario": "corridor"},
    "SacSon/SocialNavCrowd-v0": {"scenario": "crowd_20", "people": 20},
}
for _id, _settings in _SETTINGS.items():
    gymnasium.register(
        _id,
        entry_point=f"{__name__}:SocialNavEnv",
        vector_entry_point=f"{__name__}:SocialNavVectorEnv",
        kwargs=_settings,
    )
