import numpy as np

from sac_son_nav.evaluation.labels import place_labels

BOX = (0.0, 0.0, 400.0, 300.0)


def rectangles(points: np.ndarray, widths: list[float], busy: np.ndarray | None = None) -> np.ndarray:
    spots = place_labels(points, widths, 10.0, 8.0, BOX, busy)
    return np.stack([spots[:, 0], spots[:, 1] - 5.0, spots[:, 0] + widths, spots[:, 1] + 5.0], axis=-1)


def overlap(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((np.minimum(a[2:], b[2:]) > np.maximum(a[:2], b[:2]) + 1e-9).all())


def test_a_lonely_label_stands_right_of_its_point() -> None:
    found = rectangles(np.array([[100.0, 100.0]]), [60.0])
    assert found[0].tolist() == [108.0, 95.0, 168.0, 105.0]


def test_a_label_at_the_right_edge_stands_left() -> None:
    found = rectangles(np.array([[390.0, 100.0]]), [60.0])
    assert found[0, 2] == 382.0


def test_crowded_labels_cover_neither_each_other_nor_points_nor_the_outside() -> None:
    points = np.array([[200.0, 150.0], [212.0, 150.0], [206.0, 162.0], [200.0, 170.0], [395.0, 295.0], [2.0, 2.0]])
    found = rectangles(points, [70.0] * 6)
    for k in range(6):
        assert not any(overlap(found[k], found[j]) for j in range(6) if j != k)
        assert not any(overlap(found[k], np.array([*(p - 1.0), *(p + 1.0)])) for p in points)
    assert (found[:, :2] >= 0.0).all()
    assert (found[:, 2:] <= BOX[2:]).all()


def test_a_line_is_avoided() -> None:
    line = np.stack([np.linspace(100.0, 200.0, 50), np.full(50, 100.0)], axis=-1)
    found = rectangles(np.array([[100.0, 100.0]]), [60.0], line)
    assert not any(overlap(found[0], np.array([*(p - 0.5), *(p + 0.5)])) for p in line)


def test_no_points_no_labels() -> None:
    assert place_labels(np.zeros((0, 2)), [], 10.0, 8.0, BOX).shape == (0, 2)
