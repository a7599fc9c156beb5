from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from sac_son_nav.config import load_map
from sac_son_nav.errors import MapError
from sac_son_nav.maps import FREE, OCCUPIED, UNKNOWN, OccupancyMap


def walled(rows: int, columns: int, resolution: float, origin: tuple[float, float] = (0.0, 0.0)) -> OccupancyMap:
    """Open floor with one row or column of wall around it."""
    cells = np.full((rows, columns), OCCUPIED, dtype=np.int8)
    cells[1:-1, 1:-1] = FREE
    return OccupancyMap(cells, resolution, origin)


def test_cells_and_places_by_hand() -> None:
    floor = OccupancyMap(np.zeros((4, 6), dtype=np.int8), 0.5, (-1.0, 2.0))
    assert floor.extent == (-1.0, 2.0, 2.0, 4.0)
    # x = 0.6 is 1.6 m from the left edge: column 3; y = 2.4 is 0.4 m above the lower edge: row 0.
    np.testing.assert_array_equal(floor.cell_at(np.array([0.6, 2.4])), [0, 3])
    np.testing.assert_allclose(floor.centre_of(np.array([0, 3])), [0.75, 2.25])
    np.testing.assert_array_equal(
        floor.contains(np.array([[0.0, 3.0], [-1.1, 3.0], [1.9, 4.1], [-1.0, 2.0]])), [True, False, False, True]
    )


@settings(max_examples=50)
@given(st.integers(0, 8), st.integers(0, 12), st.floats(0.01, 2.0), st.floats(-9.0, 9.0))
def test_a_cell_s_centre_lies_in_the_cell(row: int, column: int, resolution: float, x: float) -> None:
    floor = OccupancyMap(np.zeros((9, 13), dtype=np.int8), resolution, (x, -x))
    np.testing.assert_array_equal(floor.cell_at(floor.centre_of(np.array([row, column]))), [row, column])


def test_distances_to_walls_by_hand() -> None:
    # 10 m x 6 m of cells of 0.1 m; the inner faces are at x = 0.1 and 9.9, y = 0.1 and 5.9.
    floor = walled(60, 100, 0.1)
    places = np.array([[2.05, 3.05], [9.55, 3.05], [5.05, 5.45], [0.15, 0.15]])
    np.testing.assert_allclose(floor.distance_at(places), [1.95, 0.35, 0.45, 0.05], atol=1e-9)
    # Between cell centres it is linear.
    assert float(floor.distance_at(np.array([2.0, 3.0]))) == pytest.approx(1.90)
    # In the wall it is negative: its cells' centres are half a cell behind the face.
    assert float(floor.distance_at(np.array([0.05, 3.05]))) == pytest.approx(-0.05)


def test_directions_away_from_walls() -> None:
    floor = walled(60, 100, 0.1)
    near = np.array([[0.55, 3.05], [9.45, 3.05], [5.05, 0.55], [5.05, 5.45]])
    np.testing.assert_allclose(
        floor.distance_and_direction_at(near)[1], [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], atol=1e-9
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 0.4))
def test_distances_are_never_off_by_more_than_a_cell(seed: int, density: float) -> None:
    """Against the nearest of all walls' squares, found one by one."""
    random = np.random.default_rng(seed)
    cells = np.where(random.random((15, 20)) < density, OCCUPIED, FREE).astype(np.int8)
    cells[0, 0] = OCCUPIED
    floor = OccupancyMap(cells, 0.1)
    places = random.uniform((0.05, 0.05), (1.95, 1.45), (30, 2))
    centres = floor.centre_of(np.argwhere(cells == OCCUPIED))
    beside = np.maximum(np.abs(places[:, None] - centres) - 0.05, 0.0)
    nearest = np.linalg.norm(beside, axis=-1).min(axis=1)
    free = nearest > 0.0
    assert np.abs(floor.distance_at(places) - nearest)[free].max(initial=0.0) < 0.1


def test_a_plan_without_walls_is_far_from_any() -> None:
    floor = OccupancyMap(np.zeros((30, 40), dtype=np.int8), 0.1)
    assert float(floor.distance_at(np.array([2.0, 1.5]))) == pytest.approx(5.0)  # hypot(3 m, 4 m)
    np.testing.assert_array_equal(floor.distance_and_direction_at(np.array([2.0, 1.5]))[1], [0.0, 0.0])


def test_distance_and_direction_come_as_they_do_apart() -> None:
    floor = walled(60, 100, 0.1)
    places = np.random.default_rng(1).uniform((-1.0, -1.0), (11.0, 7.0), (50, 2))
    np.testing.assert_array_equal(floor.distance_and_direction_at(places)[0], floor.distance_at(places))


def test_large_plans_are_asked_as_exactly_in_single_precision() -> None:
    """Past 2**24 cells a single-precision number can't count them any more."""
    floor = OccupancyMap(np.zeros((4200, 4200), dtype=np.int8), 0.05)
    # To save half a minute's walk through so many cells, the distances are given: half a metre more in each column.
    floor.__dict__["wall_distance"] = np.broadcast_to(0.5 * np.arange(4200), (4200, 4200))
    place = floor.centre_of(np.array([[4190, 4101]]))
    assert float(floor.distance_at(place)[0]) == pytest.approx(0.5 * 4101)
    assert float(floor.distance_at(place.astype(np.float32))[0]) == pytest.approx(0.5 * 4101, abs=0.01)


def test_beyond_the_plan_its_edge_counts() -> None:
    floor = walled(60, 100, 0.1)
    assert float(floor.distance_at(np.array([50.0, 3.05]))) == pytest.approx(-0.05)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
def test_plans_a_cell_wide_can_be_asked(shape: tuple[int, int]) -> None:
    floor = OccupancyMap(np.zeros(shape, dtype=np.int8), 1.0)
    assert np.isfinite(floor.distance_at(np.array([[0.5, 0.5], [3.0, 3.0]]))).all()
    assert np.isfinite(floor.distance_and_direction_at(np.array([0.5, 0.5]))[1]).all()


def test_plans_that_make_no_sense_are_refused() -> None:
    with pytest.raises(MapError, match=r"expected a grid of rows and columns, got shape \(3,\)"):
        OccupancyMap(np.zeros(3, dtype=np.int8), 0.1)
    with pytest.raises(MapError, match=r"got shape \(0, 4\)"):
        OccupancyMap(np.zeros((0, 4), dtype=np.int8), 0.1)
    with pytest.raises(MapError, match=r"expected metres per cell above zero, got -0.1"):
        OccupancyMap(np.zeros((3, 3), dtype=np.int8), -0.1)


def test_torch_says_the_same_and_has_gradients() -> None:
    torch = pytest.importorskip("torch")
    floor = walled(60, 100, 0.1)
    places = np.random.default_rng(0).uniform((0.2, 0.2), (9.8, 5.8), (7, 3, 2))
    tensor = torch.tensor(places, requires_grad=True)
    distance, away = floor.distance_and_direction_at(tensor)
    np.testing.assert_allclose(distance.detach().numpy(), floor.distance_at(places), atol=1e-12)
    np.testing.assert_allclose(away.detach().numpy(), floor.distance_and_direction_at(places)[1], atol=1e-12)
    (distance.sum() + away.square().sum()).backward()
    assert torch.isfinite(tensor.grad).all()
    # Two metres into the room, one centimetre more to the right is one centimetre more from the left wall.
    inside = torch.tensor([[2.07, 3.02]], requires_grad=True)
    floor.distance_at(inside).sum().backward()
    np.testing.assert_allclose(inside.grad.numpy(), [[1.0, 0.0]], atol=1e-5)


# -- map_server files --------------------------------------------------------------------------------------------

HEADER = "image: plan.pgm\nresolution: 0.5\norigin: [-1.0, 2.0, 0.0]\n"


def write(folder: Path, header: str, grey: list[list[int]]) -> Path:
    pixels = np.array(grey, dtype=np.uint8)
    (folder / "plan.pgm").write_bytes(f"P5\n{pixels.shape[1]} {pixels.shape[0]}\n255\n".encode() + pixels.tobytes())
    (folder / "plan.yaml").write_text(header)
    return folder / "plan.yaml"


def test_a_picture_s_top_row_is_the_map_s_last(tmp_path: Path) -> None:
    floor = load_map(write(tmp_path, HEADER, [[0, 254, 254], [254, 205, 254]]))
    np.testing.assert_array_equal(floor.cells, [[FREE, FREE, FREE], [OCCUPIED, FREE, FREE]])
    assert floor.resolution == 0.5
    assert floor.origin == (-1.0, 2.0)


def test_thresholds_and_negation_follow_map_server(tmp_path: Path) -> None:
    # Grey 205 is p = 50 / 255 = 0.196: unknown when free begins below 0.19, grey 89 p = 0.651: occupied.
    strict = HEADER + "occupied_thresh: 0.65\nfree_thresh: 0.19\nnegate: 0\n"
    assert load_map(write(tmp_path, strict, [[205, 89, 254]])).cells.tolist() == [[UNKNOWN, OCCUPIED, FREE]]
    negated = HEADER + "negate: 1\n"
    assert load_map(write(tmp_path, negated, [[254, 0, 128]])).cells.tolist() == [[OCCUPIED, FREE, UNKNOWN]]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("- a\n- b\n", "expected a map_server YAML file"),
        ("image: plan.pgm\norigin: [0, 0, 0]\n", "expected the key 'resolution', got image, origin"),
        (HEADER.replace("plan.pgm", "lost.pgm"), "expected a pgm or png image at"),
        (HEADER.replace("0.5", "wide"), "expected numbers for resolution"),
        (HEADER.replace("[-1.0, 2.0, 0.0]", "[1, 2]"), "expected numbers for resolution, origin"),
        (HEADER.replace("2.0, 0.0]", "2.0, 0.3]"), "expected an origin without rotation, got yaw 0.3"),
        (HEADER.replace("0.5", "-0.5"), "map resolution: expected metres per cell above zero, got -0.5"),
        (HEADER.replace("0.5", ".nan"), "map resolution"),
        (HEADER.replace("[-1.0, 2.0, 0.0]", "[.inf, 2.0, 0.0]"), "origin"),
        ("image: [unclosed\n", "expected YAML"),
    ],
)
def test_wrong_map_files_get_one_sentence(tmp_path: Path, header: str, says: str) -> None:
    path = write(tmp_path, header, [[254]])
    with pytest.raises(MapError) as caught:
        load_map(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_map_and_a_broken_picture_are_named(tmp_path: Path) -> None:
    with pytest.raises(MapError, match=r"nowhere.yaml: no such file"):
        load_map(tmp_path / "nowhere.yaml")
    path = write(tmp_path, HEADER, [[254]])
    (tmp_path / "plan.pgm").write_bytes(b"not a picture")
    with pytest.raises(MapError, match=r"expected a pgm or png image at .*plan.pgm, found none that can be read"):
        load_map(path)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 1.0])
def test_wall_distance_is_that_of_the_whole_transform_be_walls_thin_or_thick(share: float) -> None:
    walls = np.random.default_rng(0).random((24, 31)) < share
    found = OccupancyMap(np.where(walls, OCCUPIED, FREE).astype(np.int8), 0.1).wall_distance
    outside, inside = ndimage.distance_transform_edt(~walls), ndimage.distance_transform_edt(walls)
    np.testing.assert_array_equal(found, np.where(walls, 0.5 - inside, outside - 0.5) * 0.1)


def test_places_are_sampled_alike_however_they_lie_in_memory() -> None:
    plan = walled(30, 40, 0.1, (-1.0, -1.0))
    rows = np.random.default_rng(0).uniform(-2.0, 4.0, (5, 7, 2))
    apart = np.moveaxis(np.ascontiguousarray(np.moveaxis(rows, -1, 0)), 0, -1)
    for a, b in zip(plan.distance_and_direction_at(rows), plan.distance_and_direction_at(apart), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.shape(plan.distance_at(rows[:0])) == (0, 7)
