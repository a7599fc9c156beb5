"""OpenCV's detector on a drawn figure, and what is done with boxes that overlap."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.nodes.image_people import HogPeople, OnnxPeople, apart
from sac_son_nav.perception.camera_people import Boxes


def figure(height: int = 260, at: tuple[int, int] = (320, 420)) -> np.ndarray:
    """A dark figure, feet at `at`, on light ground: head, trunk, arms and two legs, `height` px tall."""
    picture = np.full((480, 640, 3), 200, dtype=np.uint8)
    x, y = at
    u = height / 8.0  # a head

    def limb(x1: float, y1: float, x2: float, y2: float, width: float) -> None:
        ends = [(round(x + u * a), round(y - u * b)) for a, b in ((x1, y1), (x2, y2))]
        cv2.line(picture, ends[0], ends[1], (40, 40, 40), round(u * width))

    cv2.ellipse(picture, (x, round(y - 7.4 * u)), (round(0.42 * u), round(0.58 * u)), 0, 0, 360, (60, 60, 60), -1)
    limb(0.0, 6.3, 0.0, 4.2, 1.5)
    limb(-0.95, 6.2, -1.1, 3.8, 0.45)
    limb(0.95, 6.2, 1.1, 3.8, 0.45)
    limb(-0.4, 4.2, -0.5, 0.2, 0.7)
    limb(0.4, 4.2, 0.5, 0.2, 0.7)
    return cv2.GaussianBlur(picture, (5, 5), 1.2)


def test_drawn_figure_is_found_where_it_stands() -> None:
    found = HogPeople(least_score=0.0).find(figure())
    assert len(found) >= 1
    best = found.edges[np.argmax(found.confidences)]
    assert 0.5 * (best[0] + best[2]) == pytest.approx(320, abs=25)
    assert best[3] == pytest.approx(420, abs=40)


def test_nobody_in_an_empty_or_a_tiny_picture() -> None:
    hog = HogPeople()
    assert len(hog.find(np.full((480, 640, 3), 200, dtype=np.uint8))) == 0
    assert len(hog.find(np.zeros((20, 20, 3), dtype=np.uint8))) == 0


def test_of_boxes_that_share_most_the_surest_stays() -> None:
    edges = np.array([[0.0, 0.0, 10.0, 20.0], [1.0, 0.0, 11.0, 20.0], [50.0, 0.0, 60.0, 20.0]])
    kept = apart(Boxes(edges, np.array([0.5, 0.9, 0.4])))
    assert kept.confidences.tolist() == [0.9, 0.4]


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="scale"):
        HogPeople(scale=0.0)
    (tmp_path / "net.onnx").write_bytes(b"no network")
    with pytest.raises(ConfigError, match="ONNX network"):
        OnnxPeople(tmp_path / "net.onnx")
