"""The learned policy: a few good ways of going on at once, and which of them it would take.

A small network reads what :mod:`.policy_inputs` tells it and answers with proposals, each a lateral offset from the
way and a share of the full speed at a few moments of the next seconds. A pure pursuit turns these into velocities that
the base can really have, differentiably, so that training can ask the objective how to bend them. One network serves
all robots, for it is told their size and limits.

Half of the proposals are worked out from the world's mirror image and mirrored back: what it proposes in a mirrored
world is the mirror image of what it proposes in the world, exactly.

A *critic* may score the proposals: it looks at each plan, at the walls beside it and at how near people would be if
they walked straight on. It may also be asked to foresee, for each step of each plan, how near people will be: the risk
and the proximity compass of Cancelli et al. (ICCV 2023), conditioned on the robot's actions. Nothing on the robot uses
that; it is there to be learned.

Pure functions of a dict of parameters, in NumPy on the robot and in torch in training. Shapes: leading batch
dimensions B (none on the robot), M proposals, T steps, P points of the way, N people. Robot frame, SI units.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from sac_son_nav.arrays import Array, clip, components_first, device, fixed, namespace, norm, norm_of, pair
from sac_son_nav.checkpoint import Model, expect, load_model
from sac_son_nav.config import build
from sac_son_nav.errors import CheckpointError, ConfigError
from sac_son_nav.kinematics import BaseLimits, limit_velocity, unicycle_step
from sac_son_nav.navigation import policy_inputs
from sac_son_nav.navigation.policy_inputs import PolicyInputs, both_ways, inputs, persons, sector_points, surroundings
from sac_son_nav.navigation.route import Route
from sac_son_nav.prediction.layers import Initial, Parameters, linear, make_linear
from sac_son_nav.states import Floats, Tracks

# Where the proposals of an untrained network lie: offset [m] and share of the full speed.
_ANCHORS = ((0.0, 0.9), (0.6, 0.9), (0.0, 0.3), (1.0, 0.6), (0.3, 0.6), (0.0, 0.05))
_OF_A_STEP = 7  # what the critic is told of each step of a plan
FORESEEN = 9  # of each step: risk, and the eight sectors of the compass
SIGHTLESS = 9.0  # [m] of gap to who is not there


@dataclass(frozen=True)
class PolicyConfig:
    """How large the network is, and the plans it makes."""

    surroundings: int = 96  # features of all but the people
    person: int = 48  # features of each person
    heads: int = 4  # ways of attending to people
    hidden: int = 128
    proposals: int = 6  # M, an even number: half of them come from the mirror image
    knots: int = 7  # moments of the horizon at which offset and speed are said
    steps: int = 12  # T
    step: float = 0.4  # [s]
    largest_offset: float = 1.6  # [m] from the way
    lookahead: float = 0.9  # [m] of the pure pursuit
    critic: int = 0  # features of each plan by which it is scored; 0: scores come without a look at the plans
    foresees: bool = False  # whether the critic also foresees how near people will be; only training asks

    def __post_init__(self) -> None:
        if self.proposals < 2 or self.proposals % 2 or self.proposals // 2 > len(_ANCHORS):
            raise ConfigError(
                f"policy: expected an even number of proposals from 2 to {2 * len(_ANCHORS)}, got {self.proposals}"
            )
        if self.person % self.heads:
            raise ConfigError(f"policy: expected person to be a multiple of {self.heads} heads, got {self.person}")
        if self.knots < 2 or self.steps < 2 or not self.step > 0.0:
            raise ConfigError("policy: expected two knots and two steps at least, and a step above zero")
        if self.foresees and not self.critic:
            raise ConfigError("policy: expected a critic of more than 0 features where it foresees")


@dataclass(frozen=True)
class Proposals:
    """velocities (B, M, T, 2) [m/s, rad/s] that the base can have one after the other; scores (B, M): the logarithm of
    the share of cases in which each is the best, up to a constant. foreseen (B, M, T, 9), where asked for: of each
    step, risk and then eight sectors of the compass, counter-clockwise from the heading, from 0 to 1."""

    velocities: Array
    scores: Array
    foreseen: Array | None = None


@dataclass(frozen=True)
class LearnedPolicy:
    """A network with its parameters, as a robot uses it."""

    parameters: Parameters
    config: PolicyConfig = PolicyConfig()

    @staticmethod
    def of(model: Model) -> LearnedPolicy:
        """The policy of a model's folder. Raises CheckpointError unless its weights are those of such a network, and
        ConfigError for settings that nobody knows."""
        config = build(PolicyConfig, model.settings, "policy")
        expect(model.weights, initial(config, np.random.default_rng(0)), "policy")
        return LearnedPolicy(model.weights, config)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the parameters."""
        found = hashlib.sha256()
        for name in sorted(self.parameters):
            found.update(name.encode() + np.ascontiguousarray(self.parameters[name]).tobytes())
        return found.hexdigest()

    def __call__(
        self,
        pose: Floats,
        velocity: Floats,
        route: Route,
        radius: float,
        limits: BaseLimits,
        points: Floats,
        people: Tracks,
        steps: int,
        step: float,
    ) -> Proposals:
        """Proposals of `steps` steps of `step` [s] for a robot at pose (3,) with velocity (2,), among obstacles at
        points (M, 2) and people, all in frame `map`; float64."""
        told = inputs(pose, velocity, route, radius, limits, points, people.positions, people.velocities)
        found = propose(self.parameters, told, limits, self.config)
        velocities = np.asarray(found.velocities, dtype=np.float64)
        if (steps, step) != (self.config.steps, self.config.step):
            velocities = in_other_steps(velocities, velocity, self.config.step, steps, step, limits)
        return Proposals(velocities, np.asarray(found.scores, dtype=np.float64))


def load(name_or_folder: str = "policy") -> LearnedPolicy:
    """The shipped policy, or that of another model's folder. Raises CheckpointError when there is none."""
    return LearnedPolicy.of(load_model(name_or_folder, "policy"))


def for_mode(mode: str, name_or_folder: str = "policy") -> tuple[LearnedPolicy | None, str]:
    """The policy that a navigator in this mode wants, and a sentence if there is none: then the planner drives."""
    if mode == "planner":
        return None, ""
    try:
        return load(name_or_folder), ""
    except (CheckpointError, ConfigError) as error:
        return None, f"mode {mode}: the planner drives alone, for there is no policy: {error}"


def in_other_steps(
    plans: Floats, velocity: Floats, given: float, steps: int, step: float, limits: BaseLimits
) -> Floats:
    """Plans (M, T, 2), each velocity held for `given` [s], as `steps` velocities that are held for `step` [s] and that
    the base can have one after the other, from velocity (2,); beyond their end the last is held."""
    moments = np.minimum(((np.arange(steps) + 0.5) * step / given).astype(int), plans.shape[1] - 1)
    made, moving = [], np.broadcast_to(velocity, plans[:, 0].shape)
    for wanted in np.moveaxis(plans[:, moments], 1, 0):
        moving = limit_velocity(wanted, moving, limits, step)
        made.append(moving)
    return np.stack(made, axis=1)


def initial(config: PolicyConfig, random: np.random.Generator) -> Initial:
    """Parameters of an untrained network, whose proposals lie near a few anchors: going on, aside, slowly."""
    sizes = {
        "surroundings.0": (policy_inputs.SURROUNDINGS, config.surroundings),
        "surroundings.1": (config.surroundings, config.surroundings),
        "person.0": (policy_inputs.PERSON + config.surroundings, config.person),
        "person.1": (config.person, config.person),
        "query": (config.surroundings, config.person + config.heads),
        "key": (config.person, config.person),
        "value": (config.person, config.person),
        "hidden.0": (config.surroundings + config.person, config.hidden),
        "hidden.1": (config.hidden, config.hidden),
        "plan": (config.hidden, config.proposals // 2 * config.knots * 2),
        "score": (config.critic, 1) if config.critic else (config.hidden, config.proposals // 2),
    }
    if config.critic:
        sizes["critic.0"] = (config.hidden + _OF_A_STEP * config.steps, config.critic)
        sizes["critic.1"] = (config.critic, config.critic)
    if config.foresees:
        sizes["foreseen"] = (config.critic, config.steps * FORESEEN)
    found: Initial = {}
    for name, (wide, out) in sizes.items():
        found |= make_linear(random, name, wide, out, 0.1 if name in ("plan", "score") else 1.0)
    anchors = np.array(_ANCHORS[: config.proposals // 2])
    raw = np.stack([np.arctanh(anchors[:, 0] / config.largest_offset), np.log(anchors[:, 1] / (1 - anchors[:, 1]))])
    biases = np.broadcast_to(raw.T[:, None, :], (len(anchors), config.knots, 2)).reshape(-1)
    return {**found, "plan.bias": biases.astype(np.float32)}


def propose(parameters: Parameters, told: PolicyInputs, limits: BaseLimits, config: PolicyConfig) -> Proposals:
    """The proposals for robots that are told this, each at its velocity and with these limits."""
    xp, twice = namespace(told.body), both_ways(told)  # (2, B, ...): the world and its mirror image
    plans, hidden = _decide(parameters, twice, config)
    velocities, poses = drive(plans, twice, limits, config)
    across = xp.asarray((1.0, -1.0), dtype=plans.dtype)
    made = xp.concat([velocities[0], velocities[1] * across], axis=-3)
    if not config.critic:
        scores = linear(parameters, "score", hidden)
        return Proposals(made, xp.concat([scores[0], scores[1]], axis=-1))
    judged = _judge(parameters, hidden, twice, fixed(velocities), fixed(poses), config)
    scores = linear(parameters, "score", judged)[..., 0]
    foreseen = _foresee(parameters, judged, config) if config.foresees else None
    return Proposals(made, xp.concat([scores[0], scores[1]], axis=-1), foreseen)


def _decide(parameters: Parameters, told: PolicyInputs, config: PolicyConfig) -> tuple[Array, Array]:
    """Half of the proposals: offset [m] and share of the full speed at each step (B, M / 2, T, 2); and what is thought
    of the whole, (B, hidden)."""
    xp = namespace(told.body)
    around = xp.tanh(linear(parameters, "surroundings.0", surroundings(told)))
    around = xp.tanh(linear(parameters, "surroundings.1", around))
    heed = _attend(parameters, around, persons(told), told.present, config)
    hidden = xp.tanh(linear(parameters, "hidden.0", xp.concat([around, heed], axis=-1)))
    hidden = hidden + xp.tanh(linear(parameters, "hidden.1", hidden))
    shape = (*hidden.shape[:-1], config.proposals // 2, config.knots, 2)
    raw = xp.reshape(linear(parameters, "plan", hidden), shape)
    offsets, shares = config.largest_offset * xp.tanh(raw[..., 0]), 1.0 / (1.0 + xp.exp(-raw[..., 1]))
    between = xp.asarray(_between(config.knots, config.steps), dtype=raw.dtype, device=device(raw))
    steps = xp.matmul(xp.stack([offsets, shares], axis=-2), between)  # (B, M / 2, 2, T)
    return xp.stack([steps[..., 0, :], steps[..., 1, :]], axis=-1), hidden


def _judge(
    parameters: Parameters, hidden: Array, told: PolicyInputs, velocities: Array, poses: Array, config: PolicyConfig
) -> Array:
    """What is to be said of each plan, (B, M, critic): velocities (B, M, T, 2), poses (B, M, T, 3) in the robot's
    frame."""
    xp, lead = namespace(poses), poses.shape[:-2]
    radius, top = told.body[..., 2, None, None], told.body[..., 3, None, None]
    away = norm(sector_points(told)[..., None, None, :, :] - poses[..., None, :2])  # (B, M, T, S)
    wall = clip(1.0 - 2.0 * (xp.min(away, axis=-1) - radius), 0.0, 2.0)
    seen = [poses[..., 0] / 2.0, poses[..., 1] / 2.0, poses[..., 2], velocities[..., 0] / top, wall]
    if told.people.shape[-2]:
        ahead = xp.asarray(config.step * np.arange(1.0, config.steps + 1.0), dtype=poses.dtype, device=device(poses))
        then = told.people[..., None, :2] + ahead[:, None] * told.people[..., None, 2:]  # (B, N, T, 2)
        apart = norm(then[..., None, :, :, :] - poses[..., None, :, :2])  # (B, M, N, T)
        gap = xp.where(told.present[..., None, :, None] > 0.5, apart - radius[..., None], SIGHTLESS)
        seen += [xp.max(clip(1.0 - gap / 3.0, 0.0), axis=-2), xp.sum(clip(1.0 - gap, 0.0), axis=-2)]
    else:
        seen += [xp.zeros_like(wall), xp.zeros_like(wall)]
    thought = xp.broadcast_to(hidden[..., None, :], (*lead, hidden.shape[-1]))
    judged = xp.tanh(linear(parameters, "critic.0", xp.concat([thought, *seen], axis=-1)))
    return judged + xp.tanh(linear(parameters, "critic.1", judged))


def _foresee(parameters: Parameters, judged: Array, config: PolicyConfig) -> Array:
    """See :class:`Proposals`; of the world and its mirror image (2, B, M / 2, critic), where sectors run backward."""
    xp = namespace(judged)
    raw = xp.reshape(linear(parameters, "foreseen", judged), (*judged.shape[:-1], config.steps, FORESEEN))
    shares = 1.0 / (1.0 + xp.exp(-raw))
    other = xp.concat([shares[1][..., :1], xp.flip(shares[1][..., 1:], axis=-1)], axis=-1)
    return xp.concat([shares[0], other], axis=-3)


def _between(knots: int, steps: int) -> Floats:
    """Weights (knots, T) of linear interpolation between values at evenly spread moments, the first and the last step
    among them."""
    places = np.linspace(0.0, knots - 1.0, steps)
    return np.clip(1.0 - np.abs(places - np.arange(knots)[:, None]), 0.0, None)


def _attend(parameters: Parameters, around: Array, people: Array, present: Array, config: PolicyConfig) -> Array:
    """What of the people matters, (B, person): their features averaged with weights that depend on both, in whatever
    order they come. Nobody at all has a weight, too, so that one far person is not as much as one near."""
    xp, heads, lead = namespace(around), config.heads, around.shape[:-1]
    count, size = people.shape[-2], config.person // config.heads
    spread = xp.broadcast_to(around[..., None, :], (*lead, count, around.shape[-1]))
    each = xp.tanh(linear(parameters, "person.0", xp.concat([people, spread], axis=-1)))
    each = xp.tanh(linear(parameters, "person.1", each))
    keys = xp.reshape(linear(parameters, "key", each), (*lead, count, heads, size))
    values = xp.reshape(linear(parameters, "value", each), (*lead, count, heads, size))
    asked = linear(parameters, "query", around)
    nobody = asked[..., config.person :]  # (B, heads)
    queries = xp.reshape(asked[..., : config.person], (*lead, 1, heads, size))
    fits = xp.sum(queries * keys, axis=-1) / size**0.5  # (B, N, heads)
    fits = xp.where(present[..., None] > 0.5, fits, -1e9)
    fits = xp.concat([fits, nobody[..., None, :]], axis=-2)
    weights = xp.exp(fits - xp.max(fits, axis=-2, keepdims=True))
    weights = weights / xp.sum(weights, axis=-2, keepdims=True)
    heeded = xp.sum(weights[..., :-1, :, None] * values, axis=-3)
    return xp.reshape(heeded, (*lead, config.person))


# -- from offsets and speeds to velocities --------------------------------------------------------------------------


def follow(plans: Array, told: PolicyInputs, limits: BaseLimits, config: PolicyConfig) -> Array:
    """The velocities of :func:`drive` alone."""
    return drive(plans, told, limits, config)[0]


def drive(plans: Array, told: PolicyInputs, limits: BaseLimits, config: PolicyConfig) -> tuple[Array, Array]:
    """The velocities (B, M, T, 2) with which the base keeps at offsets [m] to the left of its way, at shares of its
    full speed, plans (B, M, T, 2), by pure pursuit (Coulter 1992); it slows down for the end of its way. And
    the poses (B, M, T, 3) in the robot's frame that it comes to."""
    xp, lead = namespace(plans), plans.shape[:-2]
    way = _Way(told.way)
    pose = xp.zeros((*lead, 3), dtype=plans.dtype, device=device(plans))
    moving = xp.broadcast_to(told.body[..., None, :2], (*lead, 2))
    to_go, made, poses = told.body[..., None, -1], [], []
    for t in range(config.steps):
        place = way.project(pose)
        left = clip(to_go - place, 0.0)
        x, y, along, across = way.at(place + config.lookahead)
        # Offsets fade out towards the goal: every plan ends on it.
        offset = plans[..., t, 0] * clip(left / (2.0 * config.lookahead), None, 1.0)
        arriving = xp.sqrt(limits.deceleration * clip(left - 0.05, 0.0) + 1e-6)
        speed = xp.minimum(limits.vx_max * plans[..., t, 1], arriving)
        wanted = _pursue(pose, x - offset * across, y + offset * along, speed, limits)
        moving = limit_velocity(wanted, moving, limits, config.step)
        pose = unicycle_step(pose, moving, config.step)
        made.append(moving)
        poses.append(pose)
    return xp.stack(made, axis=-2), xp.stack(poses, axis=-2)


def _pursue(pose: Array, target_x: Array, target_y: Array, speed: Array, limits: BaseLimits) -> Array:
    """Velocities (..., 2) to targets at x, y (...) [m] at speed (...): on the circle through it where it is ahead,
    turning on the spot the more it is aside; who hardly moves hardly turns."""
    xp = namespace(pose)
    c, s = xp.cos(pose[..., 2]), xp.sin(pose[..., 2])
    ox, oy = target_x - pose[..., 0], target_y - pose[..., 1]
    x, y = c * ox + s * oy, c * oy - s * ox
    distance = norm_of(ox, oy, 1e-3)
    ahead = clip(x / distance, 0.0) ** 2
    on_circle = 2.0 * (y / distance) / clip(distance, 0.3) * speed * ahead
    eager = clip(speed / (0.1 * limits.vx_max), None, 1.0)
    on_the_spot = clip(1.5 * xp.atan2(y, x + 1e-6), -limits.wz_max, limits.wz_max) * (1.0 - ahead) * eager
    return pair(speed * ahead, on_circle + on_the_spot)


class _Way:
    """A line of points (B, P, 2) [m], where several may coincide at its end; asked for M places each (B, M)."""

    def __init__(self, points: Array) -> None:
        xp = namespace(points)
        first, self.steps = points[..., :-1, :], points[..., 1:, :] - points[..., :-1, :]
        (self.x, self.y), (self.dx, self.dy) = (components_first(a[..., None, :, :]) for a in (first, self.steps))
        self.squared = clip(self.dx * self.dx + self.dy * self.dy, 1e-9)  # (B, 1, P - 1)
        self.lengths = xp.sqrt(self.squared)
        self.arc = xp.cumulative_sum(self.lengths, axis=-1) - self.lengths

    def project(self, points: Array) -> Array:
        """Arc length (B, M) [m] of the place on the line nearest to points (B, M, 2 or more)."""
        xp = namespace(points)
        x, y = points[..., 0, None] - self.x, points[..., 1, None] - self.y
        along = clip((x * self.dx + y * self.dy) / self.squared, 0.0, 1.0)
        x, y = x - along * self.dx, y - along * self.dy
        aside = x * x + y * y
        nearest = aside <= xp.min(aside, axis=-1)[..., None]
        return xp.min(xp.where(nearest, self.arc + along * self.lengths, xp.inf), axis=-1)

    def at(self, place: Array) -> tuple[Array, Array, Array, Array]:
        """The line at an arc length (B, M) [m], or its end beyond it: where it is, x and y, and its direction there, x
        and y, each (B, M)."""
        xp, from_start = namespace(place), place[..., None] - self.arc
        share = clip(from_start / self.lengths, 0.0, 1.0)
        behind = clip((from_start - 0.5) / self.lengths, 0.0, 1.0)
        way, chord = xp.matmul(share, self.steps), xp.matmul(share - behind, self.steps)
        length = norm(chord, 1e-3)
        x, y = self.x[..., 0] + way[..., 0], self.y[..., 0] + way[..., 1]
        return x, y, chord[..., 0] / length, chord[..., 1] / length
