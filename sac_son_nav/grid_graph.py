"""Ways over a grid as a graph, for whoever searches one: the robot for its route, people for their errands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from sac_son_nav.states import Floats


def grid_graph(is_open: NDArray[np.bool_], price: Floats, size: float) -> sparse.csr_matrix:
    """Symmetric graph of cells (rows, columns), numbered row by row: each open one leads to the open ones among the
    eight around it. An edge costs its length, cells being `size` [m] wide, times the mean price of its two ends."""
    rows, columns = is_open.shape
    number = np.arange(rows * columns).reshape(rows, columns)
    tails, heads, costs = [], [], []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = (slice(0, rows - down), slice(max(0, -right), columns - max(0, right)))
        there = (slice(down, rows), slice(max(0, right), columns + min(0, right)))
        both = is_open[here] & is_open[there]
        tails.append(number[here][both])
        heads.append(number[there][both])
        costs.append((0.5 * size * np.hypot(down, right) * (price[here] + price[there]))[both])
    tail, head, cost = np.concatenate(tails), np.concatenate(heads), np.concatenate(costs)
    half = sparse.coo_matrix((cost, (tail, head)), shape=(rows * columns, rows * columns))
    return (half + half.T).tocsr()


def further(predecessors: NDArray[np.intp], steps: int) -> NDArray[np.intp]:
    """Where one comes from each cell by so many steps of the way to a source, (..., cells), by SciPy's `predecessors`
    (..., cells) of a search from there; who is there, or can't get there, stays."""
    number = np.arange(predecessors.shape[-1])
    towards = np.where(predecessors < 0, number, predecessors)
    ahead = np.broadcast_to(number, towards.shape)
    for _ in range(steps):
        ahead = np.take_along_axis(towards, ahead, axis=-1)
    return ahead


def nearest_open(is_open: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The number of the open cell that is nearest to each, (rows, columns): for who is pressed against a wall."""
    row, column = ndimage.distance_transform_edt(~is_open, return_distances=False, return_indices=True)
    numbers: NDArray[np.intp] = row * is_open.shape[1] + column
    return numbers
