"""Robots that drive about while their policy is trained, what they see, and what a plan of theirs would do.

A *fleet* is a batch of worlds of one scene in which robots drive by the policy as it is now, so that it learns in the
states that it gets itself into. At each visit every robot is asked for its proposals, and each proposal is tried in
one of two ways: in a copy of the world itself, beside a copy without the robot, so that what it does to people is what
it would really do (`world`); or by a forecast from what the robot sees (`forecast`), as SACSoN does. Both are
differentiable, from the velocities of the plan to where people end.

Shapes: W worlds, M proposals, T steps, N people. Torch, float32. Frame map, SI units.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray

from sac_son_nav.crowds import social_force
from sac_son_nav.crowds.bodies import RobotBody, advance
from sac_son_nav.errors import ConfigError
from sac_son_nav.kinematics import BaseLimits, unicycle_step
from sac_son_nav.navigation.policy_inputs import SIGHT, WAY_POINTS, WAY_SPACING, PolicyInputs, inputs
from sac_son_nav.prediction.predictor import STEERING, SocialForceConfig
from sac_son_nav.prediction.steering import turned
from sac_son_nav.simulation.laws import Law
from sac_son_nav.simulation.rays import RayCaster
from sac_son_nav.simulation.world import DT, World
from sac_son_nav.states import Floats
from sac_son_nav.training.policy_scenes import FIRST_SEED, Scene

FAR_OFF = 1000.0  # [m] where a beam ends that meets nothing
BEAMS = 180  # with which robots see walls while training
SUBSTEPS = 2  # of the world for each step of a plan that is tried
STRAYED = 1.5  # [m] from the way at which a run is given up, as the navigator makes a new one there
ATTEMPTS = 20
LIKE = torch.zeros(0, dtype=torch.float32)


@dataclass(frozen=True)
class Futures:
    """What K = W * M plans came to, every `step` [s]: robot poses (K, T, 3), people with the robot and without it
    (K, N, T, 2) [m]."""

    poses: torch.Tensor
    people_with: torch.Tensor
    people_without: torch.Tensor
    step: float


@dataclass(frozen=True)
class Moment:
    """A batch of robots at one moment, kept to learn from: their worlds, what they are told, where people are tracked
    (W, N, 2) [m, m/s], and the chance (W,) with which each is taken to learn from."""

    scene: Scene
    world: World
    told: PolicyInputs
    people: Floats
    paces: Floats
    chances: Floats

    @property
    def limits(self) -> BaseLimits:
        """Of the robots, going forward."""
        return self.scene.robot.limits.forward_only()

    def take(self, worlds: NDArray[np.intp]) -> Moment:
        """Of some of them."""
        told = PolicyInputs(*(getattr(self.told, f.name)[torch.from_numpy(worlds)] for f in fields(self.told)))
        rows = self.people[worlds], self.paces[worlds], self.chances[worlds]
        return Moment(self.scene, self.world.take(worlds.tolist()), told, *rows)


class Fleet:
    """W robots on the errand of one scene, each in a world of its own, which begins anew at the goal, when its time is
    over, or when it went astray."""

    def __init__(self, scene: Scene, count: int, random: np.random.Generator, tracking_noise: float) -> None:
        """Raises ConfigError when people of the scene find no place."""
        self.scene, self.random, self.tracking_noise = scene, random, tracking_noise
        self.limits: BaseLimits = scene.robot.limits.forward_only()
        self._caster, self._angles = RayCaster(scene.scenario.floor), np.linspace(-np.pi, np.pi, BEAMS, endpoint=False)
        self.world = self._fresh(count)

    def _fresh(self, count: int) -> World:
        scene = self.scene
        for attempt in range(ATTEMPTS):
            seeds = self.random.integers(FIRST_SEED, 2**31, count).tolist()
            try:
                world = World(scene.scenario, scene.robot, seeds, humans=scene.humans, like=LIKE, gait=False)
            except ConfigError:
                if attempt == ATTEMPTS - 1:
                    raise
                continue
            if scene.scenario.recorded is None:
                world.crowd.law = scene.law  # type: ignore[attr-defined]
            self._place(world, np.ones(count, dtype=np.bool_))
            return world
        raise AssertionError

    def _place(self, world: World, these: NDArray[np.bool_]) -> None:
        """Set these of the robots (W,) down anywhere along the way, that they meet people from the first moment on;
        where there is no room, they stay where they are."""
        scene, random, count = self.scene, self.random, int(world.batch[0])
        line, along = scene.route.at(random.uniform(0.0, 0.9 * scene.route.length, count))
        aside = random.uniform(-0.5, 0.5, count)[:, None] * np.stack([-along[:, 1], along[:, 0]], axis=-1)
        yaws = np.arctan2(along[:, 1], along[:, 0]) + 0.4 * random.standard_normal(count)
        places, people = line + aside, np.asarray(world.crowd.positions, dtype=np.float64)
        apart = np.fmin.reduce(np.linalg.norm(people - places[:, None], axis=-1), axis=-1, initial=np.inf)
        room = np.asarray(scene.scenario.floor.distance_at(places)) - scene.robot.radius
        fits = torch.from_numpy(these & (room > 0.05) & (apart > scene.robot.radius + 0.6))
        poses = torch.from_numpy(np.concatenate([places, yaws[:, None]], axis=-1)).to(world.poses.dtype)
        speeds = torch.from_numpy(random.uniform(0.0, self.limits.vx_max, count)).to(world.poses.dtype)
        moving = torch.stack([speeds, torch.zeros_like(speeds)], dim=-1)
        world.poses = torch.where(fits[:, None], poses, world.poses)
        world.velocities = torch.where(fits[:, None], moving, world.velocities)

    def __len__(self) -> int:
        return int(self.world.batch[0])

    def look(self) -> Moment:
        """What the robots are told now; the moment is kept as it is while the fleet drives on."""
        kept = self.world.take(range(len(self)))
        poses, velocity = (np.asarray(a, dtype=np.float64) for a in (kept.poses, kept.velocities))
        people, paces = (np.asarray(a, dtype=np.float64) for a in (kept.crowd.positions, kept.crowd.velocities))
        if self.scene.scenario.recorded is not None:  # one clock for all: the same people are there in all worlds
            there = np.isfinite(people[0, :, 0])
            people, paces = people[:, there], paces[:, there]
        people = people + self.tracking_noise * self.random.standard_normal(people.shape)
        paces = paces + 2.0 * self.tracking_noise * self.random.standard_normal(paces.shape)
        angles = poses[:, 2:] + self._angles
        ranges = np.minimum(self._caster.cast(poses[:, :2], angles, SIGHT + 2.0), FAR_OFF)[..., None]
        points = poses[:, None, :2] + ranges * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        robot = self.scene.robot
        told = inputs(poses, velocity, self.scene.route, robot.radius, self.limits, points, people, paces)
        return Moment(self.scene, kept, as_torch(told), people, paces, _chances(told, robot.limits.vx_max))

    def advance(self, plans: torch.Tensor, steps: int, step: float) -> None:
        """Drive by the first `steps` of the plans (W, T, 2), each held for `step` [s]; then begin anew what has
        ended."""
        held = round(step / DT)
        with torch.no_grad():
            for t in range(steps):
                for _ in range(held):
                    self.world.step(plans[:, t].detach())
        self._begin_anew()

    def _begin_anew(self) -> None:
        places = np.asarray(self.world.poses[:, :2], dtype=np.float64)
        _, aside = self.scene.route.project(places)
        late = self.world.ages_s > self.scene.scenario.time_limit
        ended = np.flatnonzero(np.asarray(self.world.reached) | (np.asarray(aside) > STRAYED) | late)
        if len(ended) and self.scene.scenario.recorded is not None:
            these = np.isin(np.arange(len(self)), ended)
            self.world.poses = self.world.poses.clone()
            self.world.poses[ended] = torch.as_tensor(self.scene.scenario.robot_start, dtype=self.world.poses.dtype)
            self.world.reached = self.world.reached & ~torch.from_numpy(these)
            self._place(self.world, these)
        elif len(ended):
            self.world.put(ended.tolist(), self._fresh(len(ended)))


def _chances(told: PolicyInputs, speed: float) -> Floats:
    """Chances (W,) with which robots are learned from: more where somebody would come near if all went straight on,
    for there is little to learn in an empty hall."""
    nearest = np.full(len(told.body), np.inf)
    arc = np.minimum(speed * 0.5 * np.arange(11) / WAY_SPACING, WAY_POINTS - 1.001)
    low = arc.astype(int)
    share = (arc - low)[:, None]
    robot = told.way[:, low] * (1.0 - share) + told.way[:, low + 1] * share  # (W, 11, 2), every 0.5 s
    for t in range(11):
        people = told.people[..., :2] + 0.5 * t * told.people[..., 2:]
        apart = np.linalg.norm(people - robot[:, None, t], axis=-1)
        apart = np.where(told.present > 0.5, apart, np.inf)
        nearest = np.minimum(nearest, apart.min(axis=-1, initial=np.inf))
    chances = np.exp(-nearest / 0.7) + 0.03
    return np.asarray(chances / chances.sum(), dtype=np.float64)


def as_torch(told: PolicyInputs) -> PolicyInputs:
    """The same in torch."""
    return PolicyInputs(*(torch.from_numpy(np.ascontiguousarray(getattr(told, f.name))) for f in fields(told)))


# -- what a plan would do -------------------------------------------------------------------------------------------


def try_in_world(world: World, velocities: torch.Tensor, step: float) -> Futures:
    """What comes of each of the proposals (W, M, T, 2) in a copy of its world, and without the robot in another.
    Robots that drive into somebody push them aside, which is what the plan is charged with."""
    count, proposals, steps = velocities.shape[:3]
    numbers = [*np.repeat(np.arange(count), proposals).tolist(), *range(count)]
    branch, dt = world.take(numbers), step / SUBSTEPS
    there = torch.arange(len(numbers)) < count * proposals
    branch.present, branch.dt = there, dt
    branch._everywhere = False
    branch.crowd.law = _softer(branch.crowd.law)  # type: ignore[attr-defined]
    plans = velocities.reshape(-1, steps, 2)
    plans = torch.cat([plans, plans.new_zeros((count, steps, 2))])
    pose, poses, people = branch.poses, [], []
    for t in range(steps):
        for _ in range(SUBSTEPS):
            pose = unicycle_step(pose, plans[:, t], dt)
            branch.follow(pose, plans[:, t])
        poses.append(pose)
        people.append(branch.crowd.positions)
    places = torch.stack(people, dim=2)  # (W M + W, N, T, 2)
    without = places[count * proposals :].repeat_interleave(proposals, dim=0)
    return Futures(torch.stack(poses, dim=1)[: count * proposals], places[: count * proposals], without, step)


def _softer(law: Law) -> Law:
    """Bodies that steps as long as those of a plan don't throw about: as soft as in a forecast."""
    if not hasattr(law.config, "contact_stiffness"):
        return law
    soft = min(law.config.contact_stiffness, social_force.SocialForceConfig.contact_stiffness)
    return replace(law, config=replace(law.config, contact_stiffness=soft))


def foretell(moment: Moment, velocities: torch.Tensor, step: float, config: SocialForceConfig) -> Futures:
    """The same as it is foretold from tracks (W, N, 2): by the social force law, people walking on as they walk, as
    :class:`sac_son_nav.prediction.predictor.SocialForce` has it."""
    count, proposals, steps = velocities.shape[:3]
    world = moment.world
    now, onward = (torch.as_tensor(a, dtype=torch.float32) for a in (moment.people, moment.paces))
    floor = world.scenario.floor if world.scenario.floor.walled else None
    stays = torch.linalg.vector_norm(onward, dim=-1, keepdim=True) < config.standing_below
    radii = torch.full((now.shape[1],), config.person_radius)
    plans, pose = velocities.reshape(-1, steps, 2), world.poses.repeat_interleave(proposals, dim=0)
    # The first W rows are the worlds without the robot, on which the others draw.
    there = torch.cat([torch.zeros(count), torch.full((count * proposals,), config.robot_weight)])[:, None]
    home, going, standing = (_rows(a, proposals) for a in (now, onward, stays))
    places, moving = home, going
    poses, found, every = [], [], max(1, round(STEERING / step))
    for t in range(steps):
        following = unicycle_step(pose, plans[:, t], step)
        if floor is not None and config.turn_ahead > 0.0 and t % every == 0:
            here, wanted = (a.detach().reshape(-1, 2).numpy() for a in (places[:count], onward))
            onward = torch.from_numpy(turned(here, wanted, config.turn_ahead, floor)).reshape(onward.shape)
            going = _rows(onward, proposals)
        desired = torch.where(standing, (home - places) / config.return_time, going)
        body = _body(pose, following, step, count, world.profile.radius, there)
        pushes = torch.zeros_like(now)
        if now.shape[1] > 1:
            pushes = social_force.between(places[:count], moving[:count], radii, config.law)
        push = social_force.acceleration(places, moving, desired, radii, config.law, floor, body, False)
        push = push + _rows(pushes, proposals)
        places, moving = advance(places, moving, push, desired, step, config.law.speed_tolerance)
        pose = following
        poses.append(pose)
        found.append(places)
    future = torch.stack(found, dim=2)
    without = future[:count].repeat_interleave(proposals, dim=0)
    return Futures(torch.stack(poses, dim=1), future[count:], without, step)


def _rows(values: torch.Tensor, proposals: int) -> torch.Tensor:
    """Of each world (W, ...) once, then once for each of its proposals."""
    return torch.cat([values, values.repeat_interleave(proposals, dim=0)])


def _body(
    pose: torch.Tensor, following: torch.Tensor, step: float, absent: int, radius: float, there: torch.Tensor
) -> RobotBody:
    """As many robots who are not there, then the robots as people meet them at the start of a step."""
    places = torch.cat([pose.new_zeros((absent, 2)), pose[:, :2]])
    speeds = torch.cat([pose.new_zeros((absent, 2)), (following - pose)[:, :2] / step])
    return RobotBody(places, speeds, radius, there)
