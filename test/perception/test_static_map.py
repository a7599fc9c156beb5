"""What a map adds to perception: known answers on a hall with walls all round and a mapped pillar."""

from __future__ import annotations

import numpy as np
import pytest

from sac_son_nav.cli import main
from sac_son_nav.errors import ConfigError
from sac_son_nav.evaluation.standing import look_on
from sac_son_nav.geometry import compose, inverse, transform_points
from sac_son_nav.maps import FREE, OCCUPIED, UNKNOWN, OccupancyMap
from sac_son_nav.perception.people import PeopleTracker
from sac_son_nav.perception.static_map import StaticMap
from sac_son_nav.perception.tracking import TrackerConfig
from sac_son_nav.states import Tracks
from test.perception.rays import cast, legs

ROUND = "720 beams all round"
SIDE = 8.0  # [m] from the middle to the hall's walls
WALLS = [
    (-SIDE, -SIDE, SIDE, -SIDE),
    (SIDE, -SIDE, SIDE, SIDE),
    (SIDE, SIDE, -SIDE, SIDE),
    (-SIDE, SIDE, -SIDE, -SIDE),
]


def hall(*mapped: tuple[float, float]) -> OccupancyMap:
    """The walls' inner faces at `SIDE`, and things of 0.2 m at the places that are mapped."""
    cells = np.full((400, 400), UNKNOWN, dtype=np.int8)
    cells[38:362, 38:362] = OCCUPIED
    cells[40:360, 40:360] = FREE
    for x, y in mapped:
        column, row = round((x + 10.0) / 0.05), round((y + 10.0) / 0.05)
        cells[row - 2 : row + 2, column - 2 : column + 2] = OCCUPIED
    return OccupancyMap(cells, 0.05, (-10.0, -10.0))


def stand(static_map: StaticMap | None, place: tuple[float, float], scans: int = 15) -> Tracks:
    """Somebody stands at a place from the first of these scans on; what is told at the last of them."""
    tracker = PeopleTracker(static_map=static_map)
    for k in range(scans):
        tracks = tracker.step(cast(ROUND, legs(*place, 0.2, 0.4), WALLS, seed=k, stamp_s=0.1 * k), np.zeros(3), "odom")
    return tracks


def test_ground_by_hand() -> None:
    """Wall faces at 8 m: open from 0.4 m on, a wall up to 0.1 m, in between half way; nothing where the map is silent.
    A deviation of 0.1 m takes 0.2 m more, one of 0.1 rad at 7 m 1.4 m; what is at the wall stays there."""
    places = np.array([[0.0, 0.0], [7.65, 0.0], [7.75, 0.0], [7.85, 0.0], [7.95, 0.0], [9.5, 0.0], [30.0, 0.0]])
    told = StaticMap(hall()).ground(places)
    np.testing.assert_allclose(told, [1.0, 0.5, 0.0, -0.5, -1.0, 0.0, 0.0], atol=1e-9)
    worse = StaticMap(hall(), deviation=0.1)
    np.testing.assert_allclose(worse.ground(np.array([[7.45, 0.0], [7.65, 0.0], [7.95, 0.0]])), [0.5, 0.0, -1.0])
    turned = StaticMap(hall(), turn_deviation=0.1)
    np.testing.assert_allclose(turned.ground(np.array([[7.0, 0.0], [6.0, 0.0]])), [0.0, 1.0])
    assert StaticMap(OccupancyMap(np.zeros((9, 9), np.int8), 1.0)).ground(np.array([[4.0, 4.0]])) == 0.0


def test_ground_is_asked_in_the_fixed_frame() -> None:
    pose = np.array([2.0, -3.0, 0.7])
    places = np.random.default_rng(0).uniform(-9.0, 9.0, (50, 2))
    local = np.asarray(transform_points(inverse(pose), places))
    np.testing.assert_allclose(StaticMap(hall(), pose).ground(local), StaticMap(hall()).ground(places), atol=1e-9)


def test_who_stands_in_mid_floor_is_told_with_the_map_and_doubted_without() -> None:
    place = (6.2, 1.0)
    assert len(stand(None, place)) == 0
    tracks = stand(StaticMap(hall()), place)
    np.testing.assert_allclose(tracks.positions, [place], atol=0.1)
    assert len(stand(StaticMap(hall()), place, scans=5)) == 1  # half a second after they came into view


def test_what_stands_on_the_map_is_not_told() -> None:
    """The same two legs as mapped furniture, near enough to look like a person without a map."""
    place = (3.0, 1.0)
    assert len(stand(None, place)) == 1
    assert len(stand(StaticMap(hall(place)), place)) == 0


def test_what_stands_at_a_wall_is_doubted_more_and_a_lost_pose_makes_no_people() -> None:
    """Half-way along a wall, whose face is 0.05 m behind it; with a bad pose that wall seems to be in the open, and
    margins that grow with the stated deviation keep it from being told."""
    place = (4.0, 2.0)
    behind = hall((4.1, 2.1), (4.1, 1.9))
    assert len(stand(StaticMap(behind), place)) == 0
    off = compose(np.array([0.0, -0.5, 0.0]), np.zeros(3))
    assert StaticMap(behind, off).ground(np.array([place]))[0] > 0.0
    assert StaticMap(behind, off, deviation=0.25).ground(np.array([place]))[0] <= 0.0


def test_a_map_of_another_place_is_not_asked() -> None:
    """Walls that are nowhere on the map: identical to no map at all."""
    far = StaticMap(hall(), np.array([3.0, 3.0, 0.8]))
    for place in ((6.2, 1.0), (3.0, 1.0)):
        with_map, without = stand(far, place), stand(None, place)
        assert np.array_equal(with_map.confidences, without.confidences)
        assert np.array_equal(with_map.covariances, without.covariances)


def test_the_map_taken_away_is_forgotten_at_once() -> None:
    """As when the localiser jumps: from the next scan on they are doubted as if there had never been a map."""
    tracker, never = PeopleTracker(static_map=StaticMap(hall())), PeopleTracker()
    counts = []
    for k in range(20):
        scan = cast(ROUND, legs(6.2, 1.0, 0.2, 0.4), WALLS, seed=k, stamp_s=0.1 * k)
        if k == 15:
            tracker.static_map = None
        counts.append(len(tracker.step(scan, np.zeros(3), "odom")))
        never.step(scan, np.zeros(3), "odom")
    assert counts[14] == 1
    assert counts[15:] == [0] * 5


def test_a_map_that_says_nothing_changes_nothing() -> None:
    """To the last bit, in a world where people stand and walk."""
    blank = StaticMap(OccupancyMap(np.full((9, 9), UNKNOWN, np.int8), 5.0, (-20.0, -20.0)))
    one, other = PeopleTracker(), PeopleTracker(static_map=blank)
    for k in range(40):
        people = [*legs(-2.0 + 0.1 * k, 2.0), *legs(3.0, 1.0), *legs(5.0, -3.0)]
        scan = cast(ROUND, people, WALLS, seed=k, stamp_s=0.1 * k)
        first, second = (t.step(scan, np.zeros(3), "odom") for t in (one, other))
        for name in ("ids", "positions", "velocities", "covariances", "confidences"):
            assert np.array_equal(getattr(first, name), getattr(second, name))
    assert len(first) >= 2


def test_the_standing_of_the_embedded_world_are_told() -> None:
    """A robot before the queue: most of it is told with the floor plan, hardly anybody without, nobody else either."""
    without, with_map = look_on("queue", parked=True, seconds=6.0)
    assert without.standing == with_map.standing > 50
    assert without.standing_told < 0.1 * without.standing
    assert with_map.standing_told > 0.5 * with_map.standing
    assert with_map.false <= 0.02 * with_map.scans


@pytest.mark.parametrize(("name", "value"), [("deviation", -0.1), ("deviation", np.nan), ("turn_deviation", np.inf)])
def test_deviations_that_make_no_sense_are_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        StaticMap(hall(), **{name: value})
    with pytest.raises(ConfigError, match="map pose"):
        StaticMap(hall(), np.array([np.nan, 0.0, 0.0]))


@pytest.mark.parametrize(("name", "value"), [("floor_odds", 0.5), ("floor_odds", np.inf), ("wall_doubt", 1.1)])
def test_settings_that_make_no_sense_are_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        TrackerConfig(**{name: value})


def test_a_scenario_that_nobody_knows_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "standing", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err
