"""A published learned policy: the decentralised structural recurrent network, from weights that the user has.

S. Liu et al., "Decentralized Structural-RNN for Robot Crowd Navigation with Deep Reinforcement Learning", ICRA 2021.
The authors' repository holds weights of the unicycle (MIT licence); none of them is shipped here. The network was
trained in an open square among five people who walk by ORCA and do not see the robot, which is 0.3 m in radius and as
fast as 1 m/s; it knows nothing of walls. So here it steers to a point ahead on the way, has its origin halfway to the
goal, as its training had, and is told of the five nearest people.

Three gated recurrent units (Cho et al. 2014): one over the robot's velocity, one over the place of each person
relative to it, whose states are weighed by attention, and one over both and the robot's own state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sac_son_nav.baselines.following import Follower
from sac_son_nav.errors import ConfigError
from sac_son_nav.kinematics import BaseLimits
from sac_son_nav.navigation.route import Route
from sac_son_nav.states import Command, Floats, Observation

PEOPLE = 5  # the network was trained with
NOBODY = np.array([15.0, 15.0])  # [m] where those stood in training who were not in sight
PERIOD = 0.1  # [s] between two commands
CHANGE = 0.1  # [m/s, rad] by which speed and heading may change in a period, as in training
FASTEST = 1.0  # [m/s] in training
AHEAD = 6.0  # [m] along the way to its point; in training goals were at least as far apart

SHAPES = {  # of the weights that are used
    **{
        f"base.humanNodeRNN.gru.{kind}_l0": shape
        for kind, shape in (("weight_ih", (384, 128)), ("weight_hh", (384, 128)))
    },
    **{f"base.humanNodeRNN.gru.{kind}_l0": (384,) for kind in ("bias_ih", "bias_hh")},
    **{
        f"base.humanhumanEdgeRNN_{edge}.{name}": shape
        for edge in ("temporal", "spatial")
        for name, shape in (
            ("gru.weight_ih_l0", (768, 64)),
            ("gru.weight_hh_l0", (768, 256)),
            ("gru.bias_ih_l0", (768,)),
            ("gru.bias_hh_l0", (768,)),
            ("encoder_linear.weight", (64, 2)),
            ("encoder_linear.bias", (64,)),
        )
    },
    **{
        f"{layer}.{kind}": (shape if kind == "weight" else shape[:1])
        for layer, shape in (
            ("base.humanNodeRNN.encoder_linear", (64, 3)),
            ("base.humanNodeRNN.edge_attention_embed", (64, 512)),
            ("base.humanNodeRNN.output_linear", (256, 128)),
            ("base.attn.temporal_edge_layer.0", (64, 256)),
            ("base.attn.spatial_edge_layer.0", (64, 256)),
            ("base.robot_linear", (3, 7)),
            ("base.actor.0", (256, 256)),
            ("base.actor.2", (256, 256)),
            ("dist.fc_mean", (2, 256)),
        )
        for kind in ("weight", "bias")
    },
}


class Network:
    """The policy's network, one robot at a time; its memory starts empty."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        """`weights` by their names in the authors' checkpoints, see SHAPES."""
        self._weights = weights
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._robot, self._moving = np.zeros(128), np.zeros((1, 256))
        self._people = np.zeros((PEOPLE, 256))

    def take_places(self, kept: Floats) -> None:
        """What is remembered of each person: `kept` (PEOPLE,) is the place they had before, -1 for somebody new."""
        new = np.zeros_like(self._people)
        new[kept >= 0] = self._people[kept[kept >= 0]]
        self._people = new

    def act(self, robot: Floats, velocity: Floats, people: Floats) -> Floats:
        """Wanted changes (2,) of speed [m/s] and heading [rad] in a period. `robot` (7,): x, y, radius, goal's x, y,
        fastest speed, yaw; `velocity` (2,) [m/s]; `people` (PEOPLE, 2) [m] relative to the robot; one fixed frame."""
        self._moving = self._edges("temporal", velocity[None], self._moving)
        self._people = self._edges("spatial", people, self._people)
        asked = self._linear("base.attn.temporal_edge_layer.0", self._moving)
        offered = self._linear("base.attn.spatial_edge_layer.0", self._people)
        score = (asked * offered).sum(axis=-1) * (PEOPLE / np.sqrt(64.0))
        share = np.exp(score - score.max())
        heard = (share[:, None] * self._people).sum(axis=0) / share.sum()
        place = _rectified(self._linear("base.humanNodeRNN.encoder_linear", self._linear("base.robot_linear", robot)))
        edges = np.concatenate([self._moving[0], heard])
        edges = _rectified(self._linear("base.humanNodeRNN.edge_attention_embed", edges))
        self._robot = self._recur("base.humanNodeRNN.gru", np.concatenate([place, edges]), self._robot)
        out = self._linear("base.humanNodeRNN.output_linear", self._robot)
        for layer in ("base.actor.0", "base.actor.2"):
            out = np.tanh(self._linear(layer, out))
        return self._linear("dist.fc_mean", out)

    def _edges(self, kind: str, inputs: Floats, memory: Floats) -> Floats:
        name = f"base.humanhumanEdgeRNN_{kind}"
        return self._recur(f"{name}.gru", _rectified(self._linear(f"{name}.encoder_linear", inputs)), memory)

    def _linear(self, name: str, inputs: Floats) -> Floats:
        return np.asarray(inputs @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"])

    def _recur(self, name: str, inputs: Floats, memory: Floats) -> Floats:
        """A gated recurrent unit's next state (..., H) from inputs (..., I) and its state (..., H)."""
        w = self._weights
        new = inputs @ w[f"{name}.weight_ih_l0"].T + w[f"{name}.bias_ih_l0"]
        old = memory @ w[f"{name}.weight_hh_l0"].T + w[f"{name}.bias_hh_l0"]
        (new_r, new_z, new_n), (old_r, old_z, old_n) = (np.split(a, 3, axis=-1) for a in (new, old))
        reset, keep = _logistic(new_r + old_r), _logistic(new_z + old_z)
        return np.asarray((1.0 - keep) * np.tanh(new_n + reset * old_n) + keep * memory)


class DsRnn(Follower):
    """Steers by the network to a point ahead on the way."""

    def __init__(self, radius: float, limits: BaseLimits, network: Network) -> None:
        super().__init__(radius, limits)
        self.network = network
        self._begin()

    def set_goal(self, pose: Floats | None) -> None:
        """As the follower's; the network forgets."""
        super().set_goal(pose)
        self._begin()

    def _begin(self) -> None:
        self.network.forget()
        self._middle: Floats | None = None
        self._ids = np.full(PEOPLE, -1)
        self._speed = 0.0

    def _velocity(self, observation: Observation, route: Route) -> tuple[Command, str]:
        pose, people = observation.robot.pose, observation.tracks
        assert self.goal is not None
        if self._middle is None:
            self._middle = 0.5 * (pose[:2] + self.goal[:2])
        place, _ = route.project(pose[:2])
        point, _ = route.at(np.minimum(np.asarray(place) + AHEAD, route.length))
        apart = people.positions - pose[:2]
        relative = self._attend(people.ids, apart, NOBODY - (pose[:2] - self._middle))
        at, goal = pose[:2] - self._middle, point - self._middle
        velocity = observation.robot.velocity[0] * np.array([np.cos(pose[2]), np.sin(pose[2])])
        robot = np.array([*at, self.radius, *goal, FASTEST, pose[2] % (2.0 * np.pi)])
        change = np.clip(self.network.act(robot, velocity, relative), -CHANGE, CHANGE)
        fastest = min(FASTEST, self.limits.vx_max)
        self._speed = float(np.clip(self._speed + change[0], self.limits.vx_min, fastest))
        turn = float(np.clip(change[1] / PERIOD, -self.limits.wz_max, self.limits.wz_max))
        return Command(self._speed, turn), "driving"

    def _attend(self, ids: Any, apart: Floats, nowhere: Floats) -> Floats:
        """Where the nearest are (PEOPLE, 2) [m], each in the place they had before; `nowhere` for those missing."""
        nearest = np.argsort((apart**2).sum(axis=-1), kind="stable")[:PEOPLE]
        # somebody known keeps their place; the new take those that are free
        places = np.full(PEOPLE, -1)
        known = {int(i): k for k, i in enumerate(self._ids) if i >= 0}
        for row in nearest:
            if int(ids[row]) in known:
                places[known[int(ids[row])]] = row
        free = iter(np.flatnonzero(places < 0))
        for row in nearest:
            if int(ids[row]) not in known:
                places[next(free)] = row
        chosen = np.where(places >= 0, ids[np.maximum(places, 0)] if len(ids) else -1, -1)
        kept = np.where((chosen >= 0) & (chosen == self._ids), np.arange(PEOPLE), -1)
        kept = np.where((chosen < 0) & (self._ids < 0), np.arange(PEOPLE), kept)  # nobody stays nobody
        self.network.take_places(kept)
        self._ids = chosen
        relative = np.tile(nowhere, (PEOPLE, 1))
        relative[places >= 0] = apart[places[places >= 0]]
        return relative


def named_weights(planner: str) -> Path | None:
    """The file of the planner called ``ds_rnn:PATH``; None for any other name. Raises ConfigError without a path."""
    name, _, path = planner.partition(":")
    if name != "ds_rnn":
        return None
    if not path:
        raise ConfigError(f"planner: expected ds_rnn:PATH with the file of its weights, got {planner!r}")
    return Path(path)


def load_network(path: Path) -> Network:
    """The network from a checkpoint of the authors' (`.pt`, a mapping of tensors). Raises ConfigError, in a sentence,
    where there is none, where it holds anything but tensors, or where they do not fit."""
    return Network(_weights(path))


def weights_hash(path: Path) -> str:
    """SHA-256 of the file; ConfigError where it can't be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"weights {path}: expected a file, got: {error.strerror}") from None


@lru_cache(maxsize=4)
def _weights(path: Path) -> Mapping[str, Floats]:
    try:
        import torch
    except ImportError:
        raise ConfigError(f"weights {path}: expected torch to read them with, which is not installed") from None
    weights_hash(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)  # nothing in the file is run
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        raise ConfigError(f"weights {path}: expected a checkpoint of tensors, got: {reason}") from None
    weights: dict[str, Floats] = {}
    for name, shape in SHAPES.items():
        found = state.get(name) if isinstance(state, Mapping) else None
        if found is None or tuple(getattr(found, "shape", ())) != shape:
            got = "none" if found is None else f"{tuple(getattr(found, 'shape', ()))}"
            raise ConfigError(f"weights {path}: expected {name} of shape {shape}, got {got}")
        weights[name] = found.to(torch.float64).numpy()
        if not np.isfinite(weights[name]).all():
            raise ConfigError(f"weights {path}: expected finite numbers in {name}")
    return weights


def _rectified(a: Floats) -> Floats:
    return np.maximum(a, 0.0)


def _logistic(a: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * a)))
