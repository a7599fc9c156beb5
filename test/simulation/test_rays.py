"""How far one sees across a floor plan, against geometry worked out otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sac_son_nav.config import load_map
from sac_son_nav.maps import FREE, OCCUPIED, UNKNOWN, OccupancyMap
from sac_son_nav.simulation.rays import RayCaster
from test.simulation.worlds import room

MAPS = sorted((Path(__file__).resolve().parents[2] / "config" / "maps").glob("*.yaml"))


def cells_hit(floor: OccupancyMap, cells: np.ndarray, origin: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Distance (B,) to the nearest of the squares (K, 2) of row and column that each ray meets, inf for none: the slab
    method (Kay and Kajiya 1986) on each square."""
    direction = np.stack([np.cos(angles), np.sin(angles)], axis=-1)[:, None]
    low = np.asarray(floor.origin) + floor.resolution * cells[:, ::-1]
    one, other = (low - origin) / direction, (low + floor.resolution - origin) / direction  # (B, K, 2)
    enter, leave = np.minimum(one, other).max(axis=-1), np.maximum(one, other).min(axis=-1)
    return np.where((enter <= leave) & (leave >= 0.0), np.maximum(enter, 0.0), np.inf).min(axis=1, initial=np.inf)


def faces(floor: OccupancyMap) -> np.ndarray:
    """The wall cells (K, 2) that a ray from open floor can meet first: those with open floor at a side."""
    open_floor = np.pad(~floor.occupied, 1)
    beside = open_floor[:-2, 1:-1] | open_floor[2:, 1:-1] | open_floor[1:-1, :-2] | open_floor[1:-1, 2:]
    return np.argwhere(floor.occupied & beside)


def places(floor: OccupancyMap, count: int, seed: int = 0) -> np.ndarray:
    """Places (count, 2) on open floor."""
    random, (x0, x1, y0, y1) = np.random.default_rng(seed), floor.extent
    points = random.uniform((x0, y0), (x1, y1), (200 * count, 2))
    return points[np.asarray(floor.distance_at(points)) > 0.1][:count]


def test_ray_to_a_wall_three_metres_away() -> None:
    caster = RayCaster(room(8.0, 6.0))
    origin = np.array([5.0, 3.0])
    # Walls at x = 8, y = 6, x = 0, y = 0: 3 m ahead, 3 m to the left, 5 m behind, 3 m to the right.
    ranges = caster.cast(origin, np.array([0.0, np.pi / 2, np.pi, -np.pi / 2]), 20.0)
    np.testing.assert_allclose(ranges, [3.0, 3.0, 5.0, 3.0], atol=1e-6)


@pytest.mark.parametrize("degrees", [10.0, 30.0, 44.0, 61.0, 89.0, 135.5, 200.0, 359.0])
def test_slanting_rays_meet_the_walls_where_trigonometry_says(degrees: float) -> None:
    origin, angle = np.array([2.0, 1.0]), np.radians(degrees)
    c, s = np.cos(angle), np.sin(angle)
    expected = min((8.0 - 2.0 if c > 0 else -2.0) / c, (6.0 - 1.0 if s > 0 else -1.0) / s)
    assert RayCaster(room(8.0, 6.0)).cast(origin, np.array([angle]), 20.0)[0] == pytest.approx(expected, abs=1e-9)


def test_a_pillar_hides_what_is_behind_it_and_nothing_else() -> None:
    caster = RayCaster(room(8.0, 6.0, (4.0, 2.9, 4.2, 3.1)))
    # The pillar's near corners are at atan(0.1 / 2) = 2.86 degrees from (2, 3); its face is 2 m ahead.
    angles = np.radians([0.0, 2.8, 2.95, -2.8, -2.95])
    expected = [
        2.0,
        2.0 / np.cos(angles[1]),
        6.0 / np.cos(angles[2]),
        2.0 / np.cos(angles[3]),
        6.0 / np.cos(angles[4]),
    ]
    np.testing.assert_allclose(caster.cast(np.array([2.0, 3.0]), angles, 20.0), expected, atol=1e-9)


def test_rays_end_at_the_reach_inside_walls_and_beyond_the_plan() -> None:
    floor = room(8.0, 6.0)
    ahead = np.zeros(1)
    assert np.isinf(RayCaster(floor).cast(np.array([5.0, 3.0]), ahead, 2.9)[0])
    assert RayCaster(floor).cast(np.array([5.0, 3.0]), ahead, 3.1)[0] == pytest.approx(3.0)
    assert RayCaster(floor).cast(np.array([8.2, 3.0]), ahead, 9.0)[0] == 0.0
    for far in ([99.0, 3.0], [-99.0, 3.0], [5.0, 99.0], [5.0, -99.0]):
        assert np.isinf(RayCaster(floor).cast(np.array(far), np.arange(7.0), 200.0)).all()
    unwalled = OccupancyMap(np.full((20, 20), UNKNOWN, dtype=np.int8), 0.1)
    assert np.isinf(RayCaster(unwalled).cast(np.array([1.0, 1.0]), np.arange(7.0), 99.0)).all()


def test_who_stands_on_a_boundary_stands_in_the_cell_ahead() -> None:
    caster = RayCaster(room(8.0, 6.0))
    at_the_wall = np.array([0.0, 3.0])
    ranges = caster.cast(at_the_wall, np.array([0.0, np.pi - 0.1, 0.1]), 20.0)
    np.testing.assert_allclose(ranges, [8.0, 0.0, 8.0 / np.cos(0.1)], atol=1e-9)


def test_no_ray_slips_between_two_cells_that_touch_at_a_corner() -> None:
    """A thin wall that runs slantwise, and rays at right angles to it, many of them through its corners."""
    cells = np.full((60, 60), FREE, dtype=np.int8)
    step = np.arange(60)
    cells[step, 59 - step] = OCCUPIED
    for dtype in (np.float64, np.float32):
        x = np.linspace(0.1, 2.0, 500)  # along x + y = 2.1, and the wall's far side is x + y = 3.05, 0.67 m away
        origins = np.stack([x, 2.1 - x], axis=-1)
        angles = np.full((500, 3), 0.25 * np.pi) + np.array([-1e-7, 0.0, 1e-7])
        ranges = RayCaster(OccupancyMap(cells, 0.05)).cast(origins.astype(dtype), angles.astype(dtype), 9.0)
        assert (ranges < 0.68).all()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), density=st.floats(0.0, 0.2))
def test_rays_agree_with_asking_every_wall(seed: int, density: float) -> None:
    random = np.random.default_rng(seed)
    cells = np.where(random.random((20, 30)) < density, OCCUPIED, FREE).astype(np.int8)
    cells[3, 4] = OCCUPIED
    floor = OccupancyMap(cells, 0.1)
    start, angles = random.uniform((0.0, 0.0), (3.0, 2.0)), random.uniform(-7.0, 7.0, 40)
    expected = cells_hit(floor, np.argwhere(floor.occupied), start, angles)
    np.testing.assert_allclose(RayCaster(floor).cast(start, angles, 9.0), expected, atol=1e-9)


def test_rectangles_of_any_size_end_at_walls_and_at_the_plan_s_rim() -> None:
    """Plans of one cell, one row and one column, and one with more open floor than a rectangle may have."""
    for shape in ((1, 1), (1, 300), (300, 1), (300, 300)):
        floor = OccupancyMap(np.full(shape, FREE, dtype=np.int8), 0.1)
        middle = 0.05 * np.array(shape[::-1])
        assert np.isinf(RayCaster(floor).cast(middle, np.linspace(-3.0, 3.0, 50), 99.0)).all()
        floor.cells[-1, -1] = OCCUPIED
        to_corner = 0.1 * np.array(shape[::-1]) - 0.05 - middle
        if to_corner.any():
            (seen,) = RayCaster(floor).cast(middle, np.arctan2(to_corner[1], to_corner[0])[None], 99.0)
            assert seen == pytest.approx(np.linalg.norm(to_corner) - 0.05 / np.cos(np.pi / 4), abs=0.03)


def scenes() -> list[object]:
    shipped = [pytest.param(load_map(path), id=path.stem) for path in MAPS]
    hall = load_map(MAPS[[path.stem for path in MAPS].index("hall")])
    cluttered = hall.cells.copy()
    cluttered[np.random.default_rng(1).random(cluttered.shape) < 0.01] = OCCUPIED
    return [*shipped, pytest.param(OccupancyMap(cluttered, hall.resolution, hall.origin), id="hall full of clutter")]


@pytest.mark.parametrize("floor", scenes())
def test_all_shipped_plans_are_seen_exactly(floor: OccupancyMap) -> None:
    """To 1e-9 m in double precision; in single precision to 1 mm, save for rays that graze a corner: those which see
    another wall if turned by 1e-5 rad, a tenth of a millimetre at ten metres."""
    origins, turns = places(floor, 6), np.linspace(-np.pi, np.pi, 120, endpoint=False)
    angles = np.random.default_rng(2).uniform(-np.pi, np.pi, (6, 1)) + turns
    walls, caster = faces(floor), RayCaster(floor)
    nearby = [
        np.stack([cells_hit(floor, walls, *ray) for ray in zip(origins, angles + d, strict=True)])
        for d in (0.0, -1e-5, 1e-5)
    ]
    expected = np.where(nearby[0] <= 13.0, nearby[0], np.inf)
    np.testing.assert_allclose(caster.cast(origins, angles, 13.0), expected, atol=1e-9)
    single = caster.cast(origins.astype(np.float32), angles.astype(np.float32), 13.0)
    assert single.dtype == np.float32
    steady = (np.ptp(np.minimum(nearby, 1e3), axis=0) < 0.01) & (np.abs(nearby[0] - 13.0) > 0.01)
    assert steady.mean() > 0.97
    np.testing.assert_allclose(single[steady], expected[steady], atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_ray_is_the_same_to_the_bit_whatever_others_it_is_cast_with(dtype: type) -> None:
    floor = room(8.0, 6.0, (2.0, 2.0, 3.0, 3.0), (5.0, 4.0, 5.1, 5.0))
    origins, angles = places(floor, 40).astype(dtype), np.random.default_rng(3).uniform(-4, 4, (40, 91)).astype(dtype)
    caster = RayCaster(floor)
    together = caster.cast(origins, angles, 7.0)
    for some in ([3], [39, 0], list(range(10, 33))):
        np.testing.assert_array_equal(caster.cast(origins[some], angles[some], 7.0), together[some])
    np.testing.assert_array_equal(caster.cast(origins[5], angles[5], 7.0), together[5])
    np.testing.assert_array_equal(caster.cast(origins, angles[:, 7:8], 7.0), together[:, 7:8])
    assert caster.cast(origins[:0], angles[:0], 7.0).shape == (0, 91)


def test_torch_sees_what_numpy_sees() -> None:
    torch = pytest.importorskip("torch")
    floor = room(8.0, 6.0, (2.0, 2.0, 3.0, 3.0))
    origins, angles = places(floor, 9), np.random.default_rng(3).uniform(-4, 4, (9, 30))
    caster = RayCaster(floor)
    ranges = caster.cast(torch.asarray(origins), torch.asarray(angles), 7.0)
    assert ranges.dtype == torch.float64
    np.testing.assert_allclose(ranges.numpy(), caster.cast(origins, angles, 7.0), atol=1e-9)
