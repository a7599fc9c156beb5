import numpy as np

from sac_son_nav.maps import FREE, OCCUPIED, OccupancyMap
from sac_son_nav.prediction.steering import turned


def corner() -> OccupancyMap:
    """A corridor 2 m wide that comes down at x 4 to 6 m and turns to the left, to x 0, below y 2 m."""
    cells = np.full((80, 60), OCCUPIED, np.int8)
    cells[:, 40:60] = FREE
    cells[:20, :] = FREE
    cells[0], cells[:, -1] = OCCUPIED, OCCUPIED
    return OccupancyMap(cells, 0.1)


def once(position, wanted):
    return turned(np.array([position], np.float32), np.array([wanted], np.float32), 1.6, corner())[0]


def test_with_the_way_free_nobody_turns():
    np.testing.assert_allclose(once([5.0, 6.0], [0.0, -1.2]), [0.0, -1.2])
    np.testing.assert_allclose(once([3.0, 1.0], [-1.2, 0.0]), [-1.2, 0.0])


def test_at_the_end_of_a_corridor_people_turn_where_it_turns():
    after = once([5.0, 1.2], [0.0, -1.2])
    assert after[0] < -0.8
    assert abs(np.hypot(*after) - 1.2) < 1e-5


def test_along_a_wall_one_may_walk():
    np.testing.assert_allclose(once([4.2, 6.0], [0.0, -1.2]), [0.0, -1.2])
