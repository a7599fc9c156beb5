"""OpenCV's detector on a drawn figure, and what is done with boxes that overlap."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.nodes.drawn_camera import draw_figure, draw_people
from sac_son_nav.nodes.image_people import HogPeople, OnnxPeople, apart
from sac_son_nav.perception.camera_people import Boxes, Camera


def figure(height: int = 260, at: tuple[int, int] = (320, 420)) -> np.ndarray:
    """A dark figure of `height` px, feet at `at`, on light ground."""
    picture = np.full((480, 640, 3), 200, dtype=np.uint8)
    draw_figure(picture, height, at)
    return cv2.GaussianBlur(picture, (5, 5), 1.2)


def test_drawn_figure_is_found_where_it_stands() -> None:
    found = HogPeople(least_score=0.0).find(figure())
    assert len(found) >= 1
    best = found.edges[np.argmax(found.confidences)]
    assert 0.5 * (best[0] + best[2]) == pytest.approx(320, abs=25)
    assert best[3] == pytest.approx(420, abs=40)


def test_people_of_a_drawn_world_are_found_where_they_stand() -> None:
    camera = Camera((400.0, 400.0), (320.0, 240.0), (0.0, 0.0, 1.0))
    picture = draw_people(np.array([[3.0, 0.5], [-2.0, 0.0], [40.0, 0.0]]), camera, 640, 480)  # one is ahead and near
    found = HogPeople(0.6).find(picture)
    best = found.edges[np.argmax(found.confidences)]
    places = camera.on_ground(np.array([0.5 * (best[0] + best[2]), best[3]]))
    np.testing.assert_allclose(places, [3.0, 0.5], atol=0.5)


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
