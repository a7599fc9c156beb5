import numpy as np
import pytest

pytest.importorskip("rclpy")

from sac_son_nav.nodes import conversions
from sac_son_nav.nodes.recorded_way import RecordedWay
from sac_son_nav.states import RobotState

from .graph import Graph

pytestmark = pytest.mark.graph


def recorded(graph: Graph, speed: float, seconds: int = 30) -> RecordedWay:
    return RecordedWay(
        graph.node,
        [
            conversions.to_odometry(
                RobotState(t, np.array([speed * t, 0.0, 0.0]), np.array([speed, 0.0]), "odom"),
                conversions.to_stamp(t),
                "base_link",
            )
            for t in np.arange(0.0, seconds, 0.1)
        ],
    )


def test_ten_seconds_ahead_thinned_to_the_spacing(graph):
    way = recorded(graph, 0.5).ahead(5.0)
    np.testing.assert_allclose(way[0], [2.5, 0.0, 0.0])
    # 10 s at 0.5 m/s, a point every 0.2 m at least (0.05 m between samples)
    assert way[-1, 0] == pytest.approx(7.5, abs=0.25)
    assert np.diff(way[:, 0]).min() >= 0.2 - 1e-9


def test_a_robot_that_stands_has_no_way(graph):
    assert recorded(graph, 0.01).ahead(5.0).shape == (0, 3)


def test_at_the_recordings_end_there_is_no_way_left(graph):
    assert recorded(graph, 0.5).ahead(29.8).shape == (0, 3)


def test_without_odometry_there_is_no_way(graph):
    assert RecordedWay(graph.node, []).ahead(1.0).shape == (0, 3)
