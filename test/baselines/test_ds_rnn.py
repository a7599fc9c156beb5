"""The published network from a file: equal to one made of torch's own layers, and refused in a sentence."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from sac_son_nav.baselines.ds_rnn import NOBODY, PEOPLE, SHAPES, DsRnn, Network, load_network
from sac_son_nav.baselines.planners import make_planner
from sac_son_nav.config import load_robot
from sac_son_nav.errors import ConfigError
from sac_son_nav.states import Observation, RobotState, Tracks

torch = pytest.importorskip("torch")
ROBOT = load_robot("simulated")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    generator = torch.Generator().manual_seed(3)
    state = {name: 0.2 * torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
    path = tmp_path / "weights.pt"
    torch.save({**state, "base.critic_linear.weight": torch.zeros(1, 256)}, path)  # what is not used does no harm
    return path


def by_torch(path: Path, robot: object, velocity: object, people: object, steps: int) -> list[np.ndarray]:
    """The paper's graph out of torch's layers, for inputs (steps, ...)."""
    weights = {k: v.double() for k, v in torch.load(path, weights_only=True).items()}

    def layer(name: str, x: object) -> object:
        return torch.nn.functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def unit(name: str, inputs: int, size: int) -> object:
        gru = torch.nn.GRU(inputs, size).double()
        gru.load_state_dict({k: weights[f"{name}.{k}"] for k in gru.state_dict()})
        return gru

    edge = {kind: unit(f"base.humanhumanEdgeRNN_{kind}.gru", 64, 256) for kind in ("temporal", "spatial")}
    embedded = {
        kind: torch.relu(layer(f"base.humanhumanEdgeRNN_{kind}.encoder_linear", torch.as_tensor(x)))
        for kind, x in (("temporal", velocity[:, None]), ("spatial", people))
    }
    moving, others = (edge[kind](embedded[kind])[0] for kind in ("temporal", "spatial"))  # (steps, 1 or PEOPLE, 256)
    asked, offered = layer("base.attn.temporal_edge_layer.0", moving), layer("base.attn.spatial_edge_layer.0", others)
    share = torch.softmax((asked * offered).sum(-1) * PEOPLE / 8.0, dim=-1)
    heard = (share[..., None] * others).sum(1, keepdim=True)
    place = torch.relu(
        layer("base.humanNodeRNN.encoder_linear", layer("base.robot_linear", torch.as_tensor(robot)[:, None]))
    )
    edges = torch.relu(layer("base.humanNodeRNN.edge_attention_embed", torch.cat([moving, heard], -1)))
    out = unit("base.humanNodeRNN.gru", 128, 128)(torch.cat([place, edges], -1))[0]
    out = layer("base.humanNodeRNN.output_linear", out)
    for name in ("base.actor.0", "base.actor.2"):
        out = torch.tanh(layer(name, out))
    return list(layer("dist.fc_mean", out)[:, 0].detach().numpy())


def test_the_network_is_that_of_torchs_layers(checkpoint: Path) -> None:
    random = np.random.default_rng(0)
    robot, velocity, people = (random.normal(size=(12, *shape)) for shape in ((7,), (2,), (PEOPLE, 2)))
    ours = load_network(checkpoint)
    with torch.no_grad():
        expected = by_torch(checkpoint, robot, velocity, people, 12)
    for t in range(12):
        np.testing.assert_allclose(ours.act(robot[t], velocity[t], people[t]), expected[t], atol=1e-12)


def test_it_forgets_between_errands(checkpoint: Path) -> None:
    first, again = ([] for _ in range(2))
    planner = make_planner(f"ds_rnn:{checkpoint}", ROBOT, None, np.array([9.0, 0.0, 0.0]), 0)
    for commands in (first, again):
        planner.set_goal(np.array([9.0, 0.0, 0.0]))
        for _ in range(5):
            commands.append(planner.step(among([(2.0, 1.0)], [4])).command)
    assert first == again


def test_commands_keep_to_what_training_allowed(checkpoint: Path) -> None:
    planner = make_planner(f"ds_rnn:{checkpoint}", ROBOT, None, np.array([9.0, 0.0, 0.0]), 0)
    speed = 0.0
    for _ in range(30):
        command = planner.step(among([(2.0, 1.0), (-1.0, 3.0)], [4, 7])).command
        assert abs(command.linear - speed) <= 0.1 + 1e-9
        assert 0.0 <= command.linear <= ROBOT.limits.vx_max
        assert abs(command.angular) <= 1.0 + 1e-9
        speed = command.linear


class Noting(Network):
    """Writes down whom it is told of."""

    def __init__(self) -> None:
        super().__init__({})
        self.told: list[np.ndarray] = []

    def act(self, robot: np.ndarray, velocity: np.ndarray, people: np.ndarray) -> np.ndarray:
        self.told.append(people)
        self._people += 1.0
        return np.zeros(2)


def test_a_person_keeps_the_place_and_what_is_remembered_of_them() -> None:
    network = Noting()
    planner = DsRnn(ROBOT.radius, ROBOT.limits, network)
    planner.set_goal(np.array([10.0, 0.0, 0.0]))
    planner.step(among([(1.0, 0.0), (2.0, 0.0)], [8, 3]))
    planner.step(among([(1.5, 0.0), (0.5, 0.0)], [3, 8]))  # the other is nearer now
    planner.step(among([(1.5, 0.0), (4.0, 0.0)], [3, 6]))  # 8 has gone, 6 has come
    nowhere = NOBODY + np.array([5.0, 0.0])  # the origin lies halfway to the goal
    assert [told[:2].tolist() for told in network.told] == [
        [[1.0, 0.0], [2.0, 0.0]],
        [[0.5, 0.0], [1.5, 0.0]],
        [[4.0, 0.0], [1.5, 0.0]],
    ]
    assert all(np.array_equal(told[2:], np.tile(nowhere, (3, 1))) for told in network.told)
    assert network._people[:, 0].tolist() == [1.0, 3.0, 3.0, 3.0, 3.0]  # of 6 it knows one step alone


def among(places: list[tuple[float, float]], ids: list[int]) -> Observation:
    n = len(ids)
    people = Tracks(0.0, "map", np.array(ids), np.array(places), np.zeros((n, 2)), np.zeros((n, 4, 4)), np.ones(n))
    return Observation(0.0, RobotState(0.0, np.zeros(3), np.zeros(2)), people)


class Trap:
    """What runs code when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('ran')",))


@pytest.mark.parametrize("kind", ["missing", "text", "trap", "list", "short", "shape", "nan"])
def test_a_file_that_will_not_do_is_refused(checkpoint: Path, tmp_path: Path, kind: str) -> None:
    path, state = tmp_path / "other.pt", torch.load(checkpoint, weights_only=True)
    name = "base.robot_linear.weight"
    if kind == "text":
        path.write_text("not a checkpoint")
    elif kind == "trap":
        path.write_bytes(pickle.dumps(Trap()))
    elif kind == "list":
        torch.save([1, 2], path)
    elif kind != "missing":
        changed = {"short": None, "shape": torch.zeros(3, 6), "nan": torch.full((3, 7), torch.nan)}[kind]
        torch.save({k: v for k, v in {**state, name: changed}.items() if v is not None}, path)
    with pytest.raises(ConfigError, match=r"other\.pt: expected") as refused:
        load_network(path)
    assert "\n" not in str(refused.value)


def test_the_name_needs_a_path() -> None:
    with pytest.raises(ConfigError, match="expected ds_rnn:PATH"):
        make_planner("ds_rnn", ROBOT, None, np.zeros(3), 0)
