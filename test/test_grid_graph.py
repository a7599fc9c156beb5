"""The graph of a grid's open cells."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csgraph

from sac_son_nav.grid_graph import further, grid_graph, nearest_open


def test_edges_cost_their_length_times_the_mean_price_of_their_ends() -> None:
    """Cells 0 1 2 over 3 4 5, half a metre wide, 3 closed; prices 1 3 1 over 1 1 5."""
    is_open = np.array([[True, True, True], [False, True, True]])
    graph = grid_graph(is_open, np.array([[1.0, 3.0, 1.0], [1.0, 1.0, 5.0]]), 0.5).toarray()
    across = 0.5 * np.sqrt(2.0)
    expected = np.zeros((6, 6))
    expected[0, 1] = expected[1, 2] = expected[1, 4] = 0.5 * 2.0
    expected[2, 5] = expected[4, 5] = 0.5 * 3.0
    expected[0, 4] = expected[2, 4] = across * 1.0
    expected[1, 5] = across * 4.0
    np.testing.assert_allclose(graph, expected + expected.T, rtol=1e-12)


def test_one_row_and_no_open_floor() -> None:
    row = grid_graph(np.ones((1, 2), dtype=bool), np.ones((1, 2)), 0.1)
    np.testing.assert_allclose(row.toarray(), [[0.0, 0.1], [0.1, 0.0]])
    assert grid_graph(np.zeros((2, 2), dtype=bool), np.ones((2, 2)), 0.1).nnz == 0


def test_so_many_steps_on_of_the_way_there_and_no_further() -> None:
    """A row of five cells, the last one cut off; the way to the first."""
    graph = grid_graph(np.array([[True, True, True, True, False]]), np.ones((1, 5)), 1.0)
    _, towards = csgraph.dijkstra(graph, indices=[0, 3], return_predecessors=True)
    assert further(towards, 2).tolist() == [[0, 0, 0, 1, 4], [2, 3, 3, 3, 4]]
    assert further(towards[0], 9).tolist() == [0, 0, 0, 0, 4]


def test_who_is_in_a_wall_is_told_the_nearest_open_cell() -> None:
    assert nearest_open(np.array([[True, False, False], [False, False, True]])).tolist() == [[0, 0, 5], [0, 5, 5]]
