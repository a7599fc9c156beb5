"""The layers by hand, and the same on NumPy and torch."""

from __future__ import annotations

import numpy as np
import pytest

from sac_son_nav.prediction import layers

P = {
    "a.weight": np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 0.0]], np.float32),
    "a.bias": np.array([0.5, 0.0, -1.0], np.float32),
}


@pytest.mark.parametrize("shape", [(2,), (4, 2), (3, 4, 2), (0, 2)])
def test_a_linear_layer_is_its_matrix_and_its_bias(shape: tuple[int, ...]) -> None:
    x = np.broadcast_to(np.array([2.0, -1.0], np.float32), shape)
    made = layers.linear(P, "a", x)
    # 2 - 2 + 0.5, 1, 6 - 1
    np.testing.assert_array_equal(made, np.broadcast_to([0.5, 1.0, 5.0], (*shape[:-1], 3)))
    assert made.dtype == np.float32


def test_layer_norm_brings_to_mean_zero_and_variance_one() -> None:
    p = {"n.weight": np.array([1.0, 1.0, 2.0, 1.0]), "n.bias": np.array([0.0, 0.0, 0.0, 5.0])}
    made = layers.layer_norm(p, "n", np.array([[1.0, 1.0, 3.0, 3.0]]), floor=0.0)
    np.testing.assert_allclose(made, [[-1.0, -1.0, 2.0, 6.0]])


def test_an_mlp_takes_the_positive_part_between_its_layers_only() -> None:
    p = {"m.0.weight": np.array([[1.0], [-1.0]]), "m.0.bias": np.zeros(2)}
    p |= {"m.1.weight": np.array([[-1.0, -1.0]]), "m.1.bias": np.zeros(1)}
    np.testing.assert_array_equal(layers.mlp(p, "m", np.array([[3.0], [-2.0]])), [[-3.0], [-2.0]])
    with pytest.raises(KeyError, match=r"none\.0\.weight"):
        layers.mlp(p, "none", np.zeros((1, 1)))


def test_softmax_leaves_out_who_is_masked_and_gives_nothing_to_nobody() -> None:
    scores = np.array([[0.0, np.log(3.0), 50.0], [1.0, 1.0, 1.0]])
    mask = np.array([[True, True, False], [False, False, False]])
    np.testing.assert_allclose(layers.softmax(scores, mask), [[0.25, 0.75, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(np.exp(layers.log_softmax(scores[1:])), [[1 / 3, 1 / 3, 1 / 3]])


def test_attention_with_equal_scores_is_the_mean_of_who_is_seen() -> None:
    random = np.random.default_rng(0)
    p = layers.make_attention(random, "t", 4, 3, 4)
    p["t.query.weight"] *= 0.0
    p["t.out.weight"], p["t.value.bias"] = np.eye(4, dtype=np.float32), np.ones(4, np.float32)
    values = random.normal(size=(5, 6, 3)).astype(np.float32)
    mask = np.array([True, True, False, True, False, False])
    made = layers.attention(p, "t", np.zeros((5, 1, 4), np.float32), values, 2, np.broadcast_to(mask, (5, 1, 6)))
    by_hand = values[:, [0, 1, 3]].mean(axis=1) @ p["t.value.weight"].T + 1.0
    np.testing.assert_allclose(made[:, 0], by_hand, rtol=1e-5, atol=1e-6)
    nobody = layers.attention(p, "t", np.zeros((5, 1, 4), np.float32), values, 2, np.zeros((5, 1, 6), bool))
    np.testing.assert_array_equal(nobody, np.zeros((5, 1, 4)))


def test_torch_computes_the_same_and_gradients_reach_every_parameter() -> None:
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(1)
    p = layers.make_attention(random, "t", 8, 6, 16) | layers.make_layer_norm("n", 8)
    p |= layers.make_mlp(random, "m", (8, 12, 3))
    query, values = random.normal(size=(4, 2, 8)).astype(np.float32), random.normal(size=(4, 5, 6)).astype(np.float32)
    mask = random.random((4, 2, 5)) < 0.6

    def both(p, query, values, mask):  # type: ignore[no-untyped-def]
        seen = query + layers.attention(p, "t", query, values, 4, mask)
        return layers.log_softmax(layers.mlp(p, "m", layers.layer_norm(p, "n", seen)))

    leaves = {name: torch.from_numpy(array).requires_grad_() for name, array in p.items()}
    made = both(leaves, torch.from_numpy(query), torch.from_numpy(values), torch.from_numpy(mask))
    np.testing.assert_allclose(made.detach().numpy(), both(p, query, values, mask), rtol=1e-5, atol=1e-5)
    made[..., 0].sum().backward()
    assert [n for n, leaf in leaves.items() if leaf.grad is None or not torch.isfinite(leaf.grad).all()] == []
    # adding the same to every score changes no weight, so the keys' bias alone has no gradient
    assert [n for n, leaf in leaves.items() if not leaf.grad.abs().max() > 1e-7] == ["t.key.bias"]
