"""PedNet as published: sizes, units, cap, order of what it reads."""

from __future__ import annotations

import numpy as np
import pytest

from sac_son_nav.prediction import pednet

RANDOM = np.random.default_rng(0)
PERSON, ROBOT, FUTURE = (RANDOM.normal(0.0, 2.0, (16, 8, 2)).astype(np.float32) for _ in range(3))


def made() -> dict[str, np.ndarray]:
    return dict(pednet.with_moments(pednet.initial(np.random.default_rng(1)), PERSON, ROBOT, FUTURE))


def test_it_has_14608_parameters() -> None:
    assert sum(array.size for array in pednet.initial(np.random.default_rng(0)).values()) == 14608


def test_by_hand_with_one_path_through_the_network() -> None:
    p = {name: array * 0.0 for name, array in made().items()}
    for name in p:
        if name.endswith((".scale", ".variance")):
            p[name] += 1.0
    # the newest x of the person (input 0) goes through to the first step's x; the robot's newest x to its y
    for name, rows in (("trunk.0", 32), ("trunk.1", 64), ("trunk.2", 64), ("head.0", 48), ("head.1", 64)):
        p[f"{name}.weight"][0, 0] = 1.0
        p[f"{name}.weight"][1, 16 if name == "trunk.0" else 1] = 1.0
        assert p[f"{name}.weight"].shape[1] == rows
    p["head.2.weight"][0, 0] = p["head.2.weight"][1, 1] = 10.0
    person, robot = np.zeros((1, 8, 2), np.float32), np.zeros((1, 8, 2), np.float32)
    person[0, -1, 0], robot[0, -1, 0], robot[0, 0, 0] = 1.0, 0.5, 99.0  # the oldest goes nowhere
    told = pednet.respond(p, pednet.encode(p, person, robot), person[:, -1], np.zeros((1, 8, 2), np.float32))
    # a tenth each, five normalisations that divide by the root of 1.00001, tanh, 0.4995 m
    first = np.tanh(10.0 * np.array([0.1, 0.05])) * 0.4995
    np.testing.assert_allclose(told[0, 0], [1.0 + first[0], first[1]], rtol=1e-4)
    np.testing.assert_allclose(told[0, 7], told[0, 0], rtol=1e-6)  # then it stands


def test_steps_are_capped_and_far_people_are_taken_to_ten_metres() -> None:
    p = made()
    p["head.2.weight"] *= 1e4
    far = PERSON * 100.0
    told = pednet.respond(p, pednet.encode(p, far, ROBOT), far[:, -1], FUTURE)
    assert np.abs(np.diff(told, axis=1)).max() == pytest.approx(0.4995, rel=1e-4)
    assert np.abs(told[:, 0]).max() <= 10.0 + 0.4996


def test_the_robot_s_future_enters_after_the_trunk_and_changes_the_answer() -> None:
    p = made()
    code = pednet.encode(p, PERSON, ROBOT)
    assert code.shape == (16, 32)
    one, other = (pednet.respond(p, code, PERSON[:, -1], future) for future in (FUTURE, FUTURE * 0.0))
    assert np.abs(one - other).max() > 0.01


def test_with_its_moments_a_network_says_of_the_examples_what_it_said_in_training() -> None:
    p = made()
    trained = pednet.respond(
        p, pednet.encode(p, PERSON, ROBOT, pednet.by_batch), PERSON[:, -1], FUTURE, pednet.by_batch
    )
    used = pednet.respond(p, pednet.encode(p, PERSON, ROBOT), PERSON[:, -1], FUTURE)
    np.testing.assert_allclose(used, trained, atol=1e-5)


def test_torch_says_the_same() -> None:
    torch = pytest.importorskip("torch")
    p = made()
    tensors = {name: torch.from_numpy(array) for name, array in p.items()}
    person, robot, future = (torch.from_numpy(a) for a in (PERSON, ROBOT, FUTURE))
    told = pednet.respond(tensors, pednet.encode(tensors, person, robot), person[:, -1], future)
    expected = pednet.respond(p, pednet.encode(p, PERSON, ROBOT), PERSON[:, -1], FUTURE)
    np.testing.assert_allclose(told.numpy(), expected, atol=1e-5)
