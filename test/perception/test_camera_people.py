"""Known points seen by a known camera come back as the places they are, with honest covariances."""

from __future__ import annotations

import numpy as np
import pytest

from sac_son_nav.errors import ConfigError
from sac_son_nav.perception.camera_people import Boxes, Camera, ProjectionConfig, project

LEVEL = Camera((500.0, 500.0), (320.0, 240.0), (0.0, 0.0, 1.0))
TILTED = Camera((500.0, 480.0), (320.0, 240.0), (0.2, -0.1, 1.2), pitch=0.3, yaw=-0.4)


def box(camera: Camera, x: float, y: float, height: float = 1.7, width: float = 0.5) -> list[float]:
    """Around a person who stands at (x, y) on the ground."""
    feet, head = camera.pixels(np.array([[x, y, 0.0], [x, y, height]]))
    half = 0.5 * width * camera.focal[0] / np.hypot(x - camera.place[0], y - camera.place[1])
    return [feet[0] - half, head[1], feet[0] + half, feet[1]]


def test_level_camera_by_hand() -> None:
    """1 m up, 4 m ahead and 1 m to the left: 500 * -1/4 px from the middle column, 500 * 1/4 px below the horizon."""
    np.testing.assert_allclose(LEVEL.pixels(np.array([4.0, 1.0, 0.0])), [195.0, 365.0])
    np.testing.assert_allclose(LEVEL.on_ground(np.array([195.0, 365.0])), [4.0, 1.0])


def test_looking_down_and_to_the_left_by_hand() -> None:
    """Pitched down by 45 degrees from 1 m the optical axis meets the ground 1 m ahead; turned, 1 m to the left."""
    down = Camera((500.0, 500.0), (320.0, 240.0), (0.0, 0.0, 1.0), pitch=np.pi / 4)
    left = Camera((500.0, 500.0), (320.0, 240.0), (0.0, 0.0, 1.0), pitch=np.pi / 4, yaw=np.pi / 2)
    np.testing.assert_allclose(down.on_ground(np.array([320.0, 240.0])), [1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(left.on_ground(np.array([320.0, 240.0])), [0.0, 1.0], atol=1e-12)


@pytest.mark.parametrize("camera", [LEVEL, TILTED])
def test_there_and_back(camera: Camera) -> None:
    random = np.random.default_rng(0)
    ground = np.array([2.0, -1.0]) + random.uniform(0.0, 2.0, (50, 2))
    pixels = camera.pixels(np.concatenate([ground, np.zeros((50, 1))], axis=1))
    np.testing.assert_allclose(camera.on_ground(pixels), ground, atol=1e-9)


def test_above_the_horizon_and_behind_is_nowhere() -> None:
    assert np.isnan(LEVEL.on_ground(np.array([320.0, 200.0]))).all()
    assert np.isnan(LEVEL.pixels(np.array([-2.0, 0.0, 0.0]))).all()
    nobody = project(Boxes(np.array([[300.0, 10.0, 340.0, 200.0]]), np.ones(1)), LEVEL, 0.0, "b", ProjectionConfig())
    assert len(nobody) == 0


@pytest.mark.parametrize("camera", [LEVEL, TILTED])
def test_people_stand_where_their_feet_are(camera: Camera) -> None:
    places = np.array([[2.5, -0.5], [4.0, -1.0]])
    boxes = Boxes(np.array([box(camera, *place) for place in places]), np.array([0.9, 0.6]))
    found = project(boxes, camera, 3.0, "base_link", ProjectionConfig())
    np.testing.assert_allclose(found.positions, places, atol=1e-6)
    assert (found.stamp_s, found.frame, found.confidences.tolist()) == (3.0, "base_link", [0.9, 0.6])


def test_covariance_is_the_spread_of_noisy_feet() -> None:
    """2000 boxes whose feet are off by the settings' pixels scatter as the covariance says, along and across."""
    random, config = np.random.default_rng(1), ProjectionConfig(body_deviation=1e-9)
    edges = np.tile(box(LEVEL, 3.0, 0.5), (2000, 1))
    edges[:, [0, 2]] += random.normal(0.0, config.side_deviation, (2000, 1))
    edges[:, 3] += random.normal(0.0, config.feet_deviation, 2000)
    found = project(Boxes(edges, np.ones(2000)), LEVEL, 0.0, "b", config)
    one = project(Boxes(np.array([box(LEVEL, 3.0, 0.5)]), np.ones(1)), LEVEL, 0.0, "b", config)
    np.testing.assert_allclose(np.cov(found.positions.T), one.covariances[0], rtol=0.15, atol=2e-4)


def test_depth_tells_where_feet_are_hidden() -> None:
    """The lower half is behind a table, so the box's bottom says 8 m; the depth image, 2.88 m to the chest and 0.12 m
    to the middle behind it, says 3 m. The camera is level and the person straight ahead."""
    depth = np.full((480, 640), np.nan)
    edges = np.array([[280.0, 100.0, 360.0, 302.5]])
    depth[100:300, 280:360] = 2.88
    config = ProjectionConfig()
    found = project(Boxes(edges, np.ones(1)), LEVEL, 0.0, "b", config, depth)
    np.testing.assert_allclose(found.positions, [[3.0, 0.0]], atol=1e-6)
    # along: (0.02 * 2.88)^2 + 0.1^2; across: (4/500 * 2.88)^2 + 0.1^2
    np.testing.assert_allclose(np.diag(found.covariances[0]), [0.0133178, 0.0105308], rtol=1e-4)
    without = project(Boxes(edges, np.ones(1)), LEVEL, 0.0, "b", config, np.zeros((480, 640)))
    assert len(without) == 0 or without.positions[0, 0] > 7.0


def test_cameras_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="camera"):
        Camera((500.0, 0.0), (320.0, 240.0), (0.0, 0.0, 1.0))
