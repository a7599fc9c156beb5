"""Small recordings made by hand, and the real ones against what is known of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sac_son_nav.datasets.pedestrians import PedestrianRecording, read_groups, read_leave_one_out, read_recording
from sac_son_nav.errors import DatasetError
from test.datasets.annotations import MIRRORED, UPRIGHT, annotate

# Person 7 walks for three annotations, person 4 for two, from the second of 7's on.
WALK = [(60, 7, 1.0, 2.0), (66, 7, 1.5, 2.0), (66, 4, 0.1, 0.2), (72, 7, 1.5, 3.0), (72, 4, 0.3, 0.2)]


@pytest.fixture
def walk(tmp_path: Path) -> PedestrianRecording:
    return read_recording(annotate(tmp_path / "street", WALK))


def test_positions_are_exact_at_recorded_instants_and_linear_between(walk: PedestrianRecording) -> None:
    assert walk.ids.tolist() == [4, 7]
    # 6 frames are 0.4 s, so 15 frames are a second: 60 / 15 = 4.0, 66 / 15 = 4.4, 72 / 15 = 4.8
    assert walk.frame_rate == pytest.approx(15.0)
    positions, velocities = walk.at([4.0, 4.4, 4.8, 4.5])  # (4, 2, 2)
    assert positions[:3, 1].tolist() == [[1.0, 2.0], [1.5, 2.0], [1.5, 3.0]]
    assert positions[1:3, 0].tolist() == [[0.1, 0.2], [0.3, 0.2]]
    np.testing.assert_allclose(positions[3], [[0.15, 0.2], [1.5, 2.25]])  # a quarter of the way
    np.testing.assert_allclose(velocities[0, 1], [1.25, 0.0])  # 0.5 m in 0.4 s
    np.testing.assert_allclose(velocities[1:, 1], [[0.0, 2.5]] * 3)  # at the last instant the same as before it
    np.testing.assert_allclose(velocities[1:, 0], [[0.5, 0.0]] * 3)


def test_nobody_is_there_before_their_first_instant_or_after_their_last(walk: PedestrianRecording) -> None:
    assert walk.span == pytest.approx((4.0, 4.8))
    positions, velocities = walk.at([3.9, 4.39, 4.81])
    present = np.isfinite(positions).all(axis=-1)
    assert present.tolist() == [[False, False], [False, True], [False, False]]
    assert (np.isfinite(velocities).all(axis=-1) == present).all()
    # Rounding of the clock doesn't lose an instant: 88 steps of 50 ms are 4.4 s but for the last bits.
    assert walk.at(sum([0.05] * 88))[0].tolist() == [[0.1, 0.2], [1.5, 2.0]]


def test_each_person_is_interpolated_on_their_own_track_only(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for person in range(20):
        start, length = int(rng.integers(0, 50)), int(rng.integers(1, 30))
        rows += [(10 * (start + k), person, *rng.normal(size=2)) for k in range(length)]
    recording = read_recording(annotate(tmp_path / "crowd", rows))
    times = rng.uniform(-1.0, 35.0, 300)
    positions = recording.at(times)[0]
    for n, track in enumerate(recording.tracks):
        there = (times >= track.times[0]) & (times <= track.times[-1])
        for c in range(2):
            expected = np.where(there, np.interp(times, track.times, track.positions[:, c]), np.nan)
            np.testing.assert_allclose(positions[:, n, c], expected, atol=1e-12)


def test_a_missing_annotation_is_bridged_and_somebody_seen_once_stands(tmp_path: Path) -> None:
    rows = [(0, 1, 0.0, 0.0), (10, 1, 0.4, 0.0), (30, 1, 2.0, 0.0), (10, 2, 5.0, 5.0)]
    recording = read_recording(annotate(tmp_path / "street", rows))
    assert recording.frame_rate == pytest.approx(25.0)
    np.testing.assert_allclose(recording.at(0.8)[0][0], [1.2, 0.0])
    np.testing.assert_allclose(recording.at(0.8)[1][0], [2.0, 0.0])  # 1.6 m in 0.8 s
    assert recording.at(0.4)[0][1].tolist() == [5.0, 5.0]
    assert recording.at(0.4)[1][1].tolist() == [0.0, 0.0]
    assert np.isnan(recording.at([0.39, 0.41])[0][:, 1]).all()


def test_left_handed_axes_change_places(tmp_path: Path) -> None:
    goals = "0.5 6.0\n-0.5 8.0\n"
    upright = read_recording(annotate(tmp_path / "a", WALK, H=UPRIGHT, destinations=goals))
    mirrored = read_recording(annotate(tmp_path / "b", WALK, H=MIRRORED, destinations=goals))
    assert mirrored.tracks[1].positions.tolist() == [[2.0, 1.0], [2.0, 1.5], [3.0, 1.5]]
    assert mirrored.goals.tolist() == upright.goals[:, ::-1].tolist() == [[6.0, 0.5], [8.0, -0.5]]


def test_drawn_obstacles_become_walls_on_the_ground(tmp_path: Path) -> None:
    picture = np.zeros((60, 80), dtype=np.uint8)
    picture[20, 70] = 255
    for name, homography, wall in (("a", UPRIGHT, (0.0, 1.5)), ("b", MIRRORED, (1.5, 3.0))):
        folder = annotate(tmp_path / name, WALK, H=homography)
        cv2.imwrite(str(folder / "map.png"), picture)
        floor = read_recording(folder).floor
        assert floor is not None
        # Row 20, column 70: x = 0.05 * 20 - 1 = 0.0, y = 0.05 * 70 - 2 = 1.5, or x = -0.05 * 20 + 4 = 3.0 and then y
        # and x change places. A pixel of 0.05 m on the corner of four cells lies in all of them.
        np.testing.assert_allclose(
            sorted(floor.centre_of(np.argwhere(floor.occupied)).tolist()),
            [[wall[0] + dx, wall[1] + dy] for dx in (-0.05, 0.05) for dy in (-0.05, 0.05)],
        )
        assert floor.resolution <= 0.1
        assert floor.contains(np.array([[1.0, 2.0], [0.1, 0.2], [1.5, 3.0]])).all()


def test_groups_are_read_with_and_without_their_count(tmp_path: Path) -> None:
    file = tmp_path / "groups.txt"
    file.write_text("1 2\n\n 3 4 5 \n2 6 6\n")
    assert read_groups(file) == ((1, 2), (3, 4, 5), (2, 6))
    file.write_text("2\n1 2\n3 4 5")
    assert read_groups(file) == ((1, 2), (3, 4, 5))


def test_companions_are_those_of_any_common_group(tmp_path: Path) -> None:
    rows = [(f, i, float(f), float(i)) for i in (1, 2, 3, 5) for f in (0, 10)]
    recording = read_recording(annotate(tmp_path / "street", rows, groups="1 3\n3 5\n"))
    assert recording.companions.tolist() == [
        [False, False, True, False],
        [False, False, False, False],
        [True, False, False, True],
        [False, False, True, False],
    ]


def test_a_cut_keeps_whole_tracks_of_whom_it_meets(tmp_path: Path) -> None:
    rows = [
        (f, i, float(f), float(i)) for i, start in ((1, 0), (2, 20), (3, 40)) for f in range(start, start + 30, 10)
    ]
    recording = read_recording(annotate(tmp_path / "street", rows, groups="1 2 3\n"))
    # They are there from 0 to 0.8, from 0.8 to 1.6 and from 1.6 to 2.4 s.
    cut = recording.cut(1.0, 1.5)
    assert cut.ids.tolist() == [2]
    np.testing.assert_allclose(cut.tracks[0].times, [-0.2, 0.2, 0.6])
    assert cut.tracks[0].positions is recording.tracks[1].positions
    assert recording.cut(0.5, 2.0).groups == ((1, 2, 3),)
    assert recording.cut(0.5, 2.0, {1, 3}).groups == ((1, 3),)


def test_a_moved_recording_moves_with_its_floor(tmp_path: Path) -> None:
    folder = annotate(tmp_path / "street", WALK, H=UPRIGHT, destinations="1 2\n")
    cv2.imwrite(str(folder / "map.png"), np.full((1, 1), 255, dtype=np.uint8))
    recording = read_recording(folder)
    moved = recording.moved((-13.0, 0.5))
    np.testing.assert_allclose(moved.knots - recording.knots, [[-13.0, 0.5]] * 5)
    assert moved.goals.tolist() == [[-12.0, 2.5]]
    assert recording.floor is not None
    assert moved.floor is not None
    np.testing.assert_allclose(np.subtract(moved.floor.origin, recording.floor.origin), [-13.0, 0.5])


def test_the_benchmark_calls_two_thirds_of_a_second_two_fifths(tmp_path: Path) -> None:
    rows = "780.0\t1.0\t8.46\t3.59\n790.0\t1.0\t9.57\t3.79\n"
    for name, clock, step in (
        ("biwi_eth.txt", "video", 10 / 15),
        ("biwi_eth.txt", "benchmark", 0.4),
        ("biwi_hotel.txt", "video", 0.4),
        ("biwi_hotel.txt", "benchmark", 0.4),
    ):
        (tmp_path / name).write_text(rows)
        recording = read_leave_one_out(tmp_path / name, clock)  # type: ignore[arg-type]
        np.testing.assert_allclose(np.diff(recording.tracks[0].times), [step])
        assert recording.tracks[0].positions.tolist() == [[8.46, 3.59], [9.57, 3.79]]
    (tmp_path / "mine.txt").write_text(rows)
    np.testing.assert_allclose(np.diff(read_leave_one_out(tmp_path / "mine.txt", eth=True).tracks[0].times), [10 / 15])


@pytest.mark.parametrize(
    ("obsmat", "others", "says"),
    [
        ("", {}, "expected rows of 8 numbers, got none"),
        ("1 1 0 0 0 0 0\n", {}, r"obsmat.txt, line 1: expected 8 numbers, got 7"),
        ("1 1 0 0 0 0 0 0\n\n11 1 x 0 0 0 0 0\n", {}, r"line 3: expected numbers, got '11 1 x"),
        ("1 1 0 0 nan 0 0 0\n", {}, r"line 1: expected finite numbers"),
        ("1 1 0 0 0 0 0 0\n2 2 0 0 0 0 0 0\n", {}, "expected people who are seen more than once, got none"),
        ("1.5 1 0 0 0 0 0 0\n11 1 0 0 0 0 0 0\n", {}, r"whole numbers for frame and person, got \[1.5, 1.0\]"),
        ("1 1 0 0 0 0 0 0\n11 1 0 0 0 0 0 0\n1 1 1 0 0 0 0 0\n", {}, "got person 1 twice in frame 1"),
        (None, {"groups.txt": "3\n1 2\n"}, "expected 3 groups, as its first line says, got 1"),
        (None, {"groups.txt": "4 7\n1\n"}, "two or more people in a group, got only person 1"),
        (None, {"groups.txt": "4 7.5\n"}, r"groups.txt, line 1: expected whole numbers"),
        (None, {"groups.txt": "4 9\n"}, "expected groups of recorded people, got person 9"),
        (None, {"H.txt": "1 0 0\n0 1 0\n"}, r"H.txt: expected 3 rows that make an invertible matrix, got 2"),
        (None, {"map.png": "no picture"}, "expected H.txt beside map.png"),
        (None, {"H.txt": UPRIGHT, "map.png": "no picture"}, r"map.png: expected a picture"),
        (None, {"destinations.txt": "1 2 3\n"}, r"destinations.txt, line 1: expected 2 numbers, got 3"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(
    tmp_path: Path, obsmat: str | None, others: dict[str, str], says: str
) -> None:
    folder = annotate(tmp_path / "street", WALK)
    for name, text in {**others, **({} if obsmat is None else {"obsmat.txt": obsmat})}.items():
        (folder / name).write_text(text)
    with pytest.raises(DatasetError, match=says) as refusal:
        read_recording(folder)
    assert "\n" not in str(refusal.value)


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere: no such folder"):
        read_recording(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match=r"obsmat.txt: no such file"):
        read_recording(tmp_path)
    with pytest.raises(DatasetError, match=r"nowhere.txt: no such file"):
        read_leave_one_out(tmp_path / "nowhere.txt")


# -- the real ones ------------------------------------------------------------------------------------------------

SCENES = {"seq_eth": "biwi_eth", "seq_hotel": "biwi_hotel", "zara01": "crowds_zara01", "zara02": "crowds_zara02"}
COUNTS = {"seq_eth": (360, 61), "seq_hotel": (390, 41), "zara01": (148, 45), "zara02": (204, 58)}
COUNTS["students03"] = (428, 103)


@pytest.fixture(scope="session", params=COUNTS)
def real(request: pytest.FixtureRequest, shared_data: Path) -> tuple[PedestrianRecording, Path]:
    folder = shared_data / "eth-ucy-original" / request.param
    if not folder.is_dir():
        pytest.skip(f"no recording at {folder}")
    return read_recording(folder), shared_data


def test_real_recordings_have_the_known_numbers_of_people_and_groups(real: tuple[PedestrianRecording, Path]) -> None:
    recording, _ = real
    assert (len(recording), len(recording.groups)) == COUNTS[recording.name]


def test_real_positions_are_the_files_to_the_last_bit(real: tuple[PedestrianRecording, Path]) -> None:
    recording, data = real
    table = np.loadtxt(data / "eth-ucy-original" / recording.name / "obsmat.txt")
    frames, row = np.unique(table[:, 0], return_inverse=True)
    positions = recording.at(frames / (15.0 if recording.name == "seq_eth" else 25.0))[0]
    person = np.searchsorted(recording.ids, table[:, 1])
    columns = [4, 2] if recording.name.startswith("zara") else [2, 4]
    assert np.array_equal(positions[row, person], table[:, columns])


def test_nobody_walks_through_the_drawn_walls(real: tuple[PedestrianRecording, Path]) -> None:
    recording, _ = real
    if recording.name not in ("seq_eth", "seq_hotel"):
        assert recording.floor is None
        return
    floor = recording.floor
    assert floor is not None
    assert 0.5 < floor.occupied.sum() * floor.resolution**2 < 20.0
    rows, columns = floor.cell_at(recording.knots).T
    inside = floor.occupied[rows, columns]
    assert len(np.unique(np.searchsorted(recording.firsts, np.flatnonzero(inside), side="right"))) <= 2


def pairs(recording: PedestrianRecording, other: PedestrianRecording) -> tuple[np.ndarray, np.ndarray]:
    """Where both have the same person at the same time, (P, 2) [m] each."""
    ours, theirs = [], []
    for track in other.tracks:
        if track.id in recording.ids:
            n = int(np.searchsorted(recording.ids, track.id))
            positions = recording.at(track.times)[0][:, n]
            there = np.isfinite(positions).all(axis=-1)
            ours.append(positions[there])
            theirs.append(track.positions[there])
    return np.concatenate(ours), np.concatenate(theirs)


def test_leave_one_out_files_show_the_same_people_on_the_same_clock_and_side(
    real: tuple[PedestrianRecording, Path],
) -> None:
    recording, data = real
    file = data / "eth-ucy-loo" / "all_data" / f"{SCENES.get(recording.name, 'students003')}.txt"
    if not file.is_file():
        pytest.skip(f"no file {file}")
    ours, theirs = pairs(recording, read_leave_one_out(file))
    assert len(ours) > 0.5 * len(recording.knots)
    if recording.name.startswith("seq"):  # resampled, otherwise the same
        assert np.median(np.linalg.norm(ours - theirs, axis=-1)) < 0.02
    # UCY's people were put on the ground in other ways, but not turned over: their axes are those of the picture.
    known = np.concatenate([ours, np.ones((len(ours), 1))], axis=1)
    affine, *_ = np.linalg.lstsq(known, theirs, rcond=None)
    assert np.median(np.linalg.norm(known @ affine - theirs, axis=-1)) < (
        0.4 if recording.name == "students03" else 0.1
    )
    assert 0.8 < np.linalg.det(affine[:2]) < 1.1


def test_the_benchmarks_clock_makes_people_of_the_eth_scene_hurry(shared_data: Path) -> None:
    file = shared_data / "eth-ucy-loo" / "all_data" / "biwi_eth.txt"
    if not file.is_file():
        pytest.skip(f"no file {file}")
    paces = [np.linalg.norm(read_leave_one_out(file, clock).paces, axis=-1) for clock in ("video", "benchmark")]
    np.testing.assert_allclose(paces[1], paces[0] * 5 / 3)
    walking = paces[0][paces[0] > 0.4]
    assert 1.3 < np.median(walking) < 1.6  # [m/s] as people walk
