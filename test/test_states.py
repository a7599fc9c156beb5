import numpy as np

from sac_son_nav.states import Tracks


def test_the_nearest_come_first_with_all_that_is_known_of_them():
    places = np.array([[3.0, 0.0], [0.0, 1.0], [9.0, 0.0], [-2.0, 0.0]])
    people = Tracks(
        1.5,
        "map",
        np.array([7, 8, 9, 10]),
        places,
        -places,
        np.zeros((4, 4, 4)),
        np.linspace(0.1, 0.4, 4),
        pasts=np.stack([places, places], axis=1),
        radii=np.array([0.3, 0.4, 0.5, 0.6]),
    )
    near = people.nearest(np.zeros(2), most=2, reach=5.0)
    assert near.ids.tolist() == [8, 10]
    assert (near.stamp_s, near.frame, near.known) == (1.5, "map", None)
    np.testing.assert_array_equal(near.velocities, [[0.0, -1.0], [2.0, 0.0]])
    np.testing.assert_array_equal(near.confidences, [0.2, 0.4])
    np.testing.assert_array_equal(near.pasts[:, 1], near.positions)
    np.testing.assert_array_equal(near.radii, [0.4, 0.6])
    assert people.nearest(np.zeros(2), most=10, reach=5.0).ids.tolist() == [8, 10, 7]  # who is too far is nobody
    assert len(Tracks.empty(0.0, "map").nearest(np.zeros(2), 3, 5.0)) == 0
