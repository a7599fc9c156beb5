"""Recorded people in worlds, episodes made by hand, and the real ones."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sac_son_nav.config import load_robot
from sac_son_nav.datasets.pedestrians import PedestrianRecording, Track
from sac_son_nav.errors import ConfigError, DatasetError
from sac_son_nav.simulation.recorded import Recording, load_recorded, recorded_scenarios
from sac_son_nav.simulation.scenarios import Scenario
from sac_son_nav.simulation.simulator import Simulator
from sac_son_nav.simulation.world import World
from sac_son_nav.states import Command
from test.datasets.annotations import MIRRORED, UPRIGHT, annotate

ROBOT = load_robot("simulated")
STEPS = 8  # of 50 ms in the 0.4 s from one annotation to the next


def recording(*tracks: tuple[float, list[tuple[float, float]]]) -> Recording:
    """People numbered from 1 with their first instant [s] and their positions every 0.4 s."""
    people = [
        Track(i, start + 0.4 * np.arange(len(places)), np.array(places, dtype=np.float64))
        for i, (start, places) in enumerate(tracks, start=1)
    ]
    return Recording(PedestrianRecording("street", 25.0, tuple(people)))


# One walks on at 1.25 m/s from before the start, then a corner, then stands; another comes after 0.8 s and is gone
# after 1.6 s.
WALKERS = recording(
    (-0.4, [(0.0, -0.5), (0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 0.5), (0.5, 0.5)]),
    (0.8, [(3.0, 0.1), (2.7, 0.1), (2.3, 0.1)]),
)


def test_people_are_where_they_were_recorded_to_the_last_bit() -> None:
    crowd = WALKERS.crowd()
    assert len(crowd) == 2
    expected = [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 0.5), (0.5, 0.5)]
    for instant, place in enumerate(expected):
        assert crowd.positions[0].tolist() == list(place)
        assert np.isfinite(crowd.positions[1]).all() == (2 <= instant <= 4)
        for _ in range(STEPS):
            crowd.step(0.05)
    assert np.isnan(crowd.positions).all()
    assert np.isnan(crowd.velocities).all()


def test_they_are_on_the_line_between_and_as_fast_as_it_is_long() -> None:
    crowd = WALKERS.crowd()
    for _ in range(2):
        crowd.step(0.05)
    np.testing.assert_allclose(crowd.positions[0], [0.0, 0.125])
    np.testing.assert_allclose(crowd.velocities[0], [0.0, 1.25])
    for _ in range(STEPS * 3):
        crowd.step(0.05)
    np.testing.assert_allclose(crowd.positions, [[0.5, 0.5], [2.6, 0.1]])
    np.testing.assert_allclose(crowd.velocities, [[0.0, 0.0], [-1.0, 0.0]], atol=1e-12)


def test_they_look_where_they_go_turn_at_corners_and_stand_as_they_came() -> None:
    crowd, headings = WALKERS.crowd(), []
    for _ in range(5):
        headings.append(crowd.headings[0])
        for _ in range(STEPS):
            crowd.step(0.05)
    # Along y; halfway round at the corner; along x, then standing.
    np.testing.assert_allclose(headings, [np.pi / 2, np.pi / 4, 0.0, 0.0, 0.0], atol=1e-12)
    assert recording((0.0, [(0.0, 0.0), (0.0, 0.0), (0.0, -0.5)])).crowd().headings[0] == pytest.approx(-np.pi / 2)
    assert recording((0.0, [(1.0, 1.0)])).crowd().headings[0] == 0.0


def test_legs_stand_astride_and_swing_two_steps_to_a_turn_of_the_phase() -> None:
    crowd = recording((0.0, [(0.0, 0.5 * k) for k in range(40)])).crowd()
    before = crowd.phases[0]
    for _ in range(20):
        crowd.step(0.05)
    # At 1.25 m/s a step is sqrt(0.39 * (1.25 - 0.1)) = 0.6697 m: 1.8665 of them in a second, half a turn each.
    assert crowd.phases[0] - before == pytest.approx(1.8665 * np.pi, rel=1e-4)
    swings = []
    for _ in range(200):
        crowd.step(0.05)
        left, right = crowd.legs()[0]
        np.testing.assert_allclose((left + right) / 2, crowd.positions[0], atol=1e-12)
        assert left[0] - right[0] == pytest.approx(-0.2)  # towards +y, so left is at lower x
        swings.append(left[1] - right[1])
    assert 0.9 < max(swings) / (0.8 * 0.6697) <= 1.0 + 1e-4
    assert -1.0 - 1e-4 <= min(swings) / (0.8 * 0.6697) < -0.9


def test_a_robot_is_touched_and_moves_nobody() -> None:
    crowd = WALKERS.crowd((2,))
    for _ in range(STEPS * 2):
        crowd.step(0.05)
    before = crowd.positions.copy()
    # Radii of 0.22 and 0.25 m: at 0.46 m they overlap, at 0.48 m they don't.
    robots = np.array([[0.5, 0.96], [2.52, 0.1]])
    assert crowd.make_way(robots, 0.22).tolist() == [[True, False], [False, False]]
    robots[1, 0] = 2.54
    assert crowd.make_way(robots, 0.22).tolist() == [[True, False], [False, True]]
    present = np.array([False, True])
    assert crowd.make_way(robots, 0.22, present).tolist() == [[False, False], [False, True]]
    assert np.array_equal(crowd.positions, before)
    assert crowd.robot_weights.tolist() == [[0.0, 0.0]] * 2


def test_taken_worlds_go_their_own_way_in_time() -> None:
    crowd = WALKERS.crowd((3,))
    for _ in range(STEPS):
        crowd.step(0.05)
    copies = crowd.take([2, 0, 0, 1])
    assert copies.positions.shape == (4, 2, 2)
    assert copies.radii.shape == copies.headings.shape == (4, 2)
    assert copies.legs().shape == (4, 2, 2, 2)
    for _ in range(STEPS):
        copies.step(0.05)
    assert crowd.positions[0, 0].tolist() == [0.0, 0.5]
    assert copies.positions[3, 0].tolist() == [0.5, 0.5]


def test_they_are_computed_with_the_library_asked_for() -> None:
    torch = pytest.importorskip("torch")
    crowd = WALKERS.crowd((2,), torch.zeros(0))
    crowd.step(0.1)
    assert crowd.positions.dtype == torch.float32
    np.testing.assert_allclose(crowd.positions[1, 0].numpy(), [0.0, 0.125])
    assert crowd.legs().shape == (2, 2, 2, 2)
    assert crowd.make_way(torch.tensor([[0.0, 0.1], [9.0, 9.0]]), 0.2)[:, 0].tolist() == [True, False]


# -- episodes made by hand ----------------------------------------------------------------------------------------

PLAIN = """
[episodes_params]
tests=['t_street']

[t_street] ; a comment
map_name=ETH
pedestrian_datasets=["{set}"] ; another
datasets_start_t = [0]
ped_ranges=[({after}, -1)]
## and one more
agents_start=[]
agents_end=[]
robot_start_goal=[{robot}]
max_time=2
write_episode_log=True
"""
STANDS = [(66 + 6 * k, 7, 4.0, 3.0) for k in range(20)]
PASSES = [(60 + 6 * k, 5, -0.5 * k, 0.0) for k in range(8)]
LATE = [(66 + 6 * k, 9, 0.0, 5.0) for k in range(6, 9)]


def folder(data: Path, scene: str, episode: str, **files: str) -> Path:
    (data / "socnavbench-episodes").mkdir(parents=True)
    (data / "socnavbench-episodes" / "episode_params_val.ini").write_text(episode)
    (data / "eth-ucy-original").mkdir()
    annotate(data / "eth-ucy-original" / scene, PASSES + STANDS + LATE, **files)
    return data


def test_an_episode_starts_with_its_first_person(tmp_path: Path) -> None:
    episode = PLAIN.format(set="eth", after=5, robot="[2.4, 14.4, 0], [4.4, 14.4, 1.5707963267948966]")
    data = folder(tmp_path, "seq_eth", episode)
    assert recorded_scenarios(data) == ["socnavbench_t_street"]
    scenario = load_recorded("socnavbench_t_street", data)
    assert (scenario.name, scenario.time_limit) == ("socnavbench_t_street", 2.0)
    assert isinstance(scenario.recorded, Recording)
    people = scenario.recorded.people
    # Number 5 has no part in it, and number 9 comes when it is over: 36 frames or 2.4 s after number 7.
    assert people.ids.tolist() == [7]
    assert people.tracks[0].times[0] == 0.0
    assert scenario.recorded.crowd().positions.tolist() == [[4.0, 3.0]]
    assert load_recorded("t_street", data).recorded.people.ids.tolist() == [7]
    assert scenario.floor.contains(np.array([[4.0, 3.0], [0.0, 1.0], [0.0, 3.0]])).all()
    assert not scenario.floor.occupied.any()


@pytest.mark.parametrize(
    ("scene", "name", "episodes", "here"),
    [
        # x = y' + 1.4 and y = 14.4 - x': a quarter of a turn
        ("seq_eth", "eth", "[4.4, 10.4, 0]", (4.0, 3.0, np.pi / 2)),
        ("seq_eth", "eth", "[4.4, 10.4, 1]", (4.0, 3.0, np.pi / 2 + 1.0)),
        # x = y' + 12 and y = x' + 4.5: a mirror
        ("seq_hotel", "hotel", "[14.0, 5.5, 0]", (1.0, 2.0, np.pi / 2)),
        ("seq_hotel", "hotel", "[14.0, 5.5, 1]", (1.0, 2.0, np.pi / 2 - 1.0)),
        # Row 300, column 400 of the picture. The annotation takes it to
        #   -0.025956517 * 300 + 7.838868 = 0.051913 and -0.0010953874 * 300 + 0.02166433 * 400 + 5.566046 = 13.903162
        # with its axes the wrong way round, the episodes' table to
        #   -0.025956517 * 400 + 7.838868 = -2.543739 and -0.0010953874 * 400 + 0.02166433 * 300 - 10.03227 = -3.97113
        # and half a turn that to (9.5, 3) plus (2.543739, 3.971128).
        ("zara01", "zara01", "[12.043739, 6.971128, 0]", (13.903162, 0.051913, None)),
        # The annotation counts rows from 50 and columns from -720: row 350, column -320 give (-1.245913, -1.749925).
        ("zara02", "zara02", "[12.043739, 5.821128, 0]", (-1.749925, -1.245913, None)),
        # Row 323, column 430: (0.0325297 * 323 - 0.0007306 * 430 - 7.969749) / 1.354530 = 1.641 and
        # (0.0008836 * 323 + 0.0265893 * 430 - 8.754695) / 1.354530 = 2.188; in the table
        # -0.0230028 * 430 + 0.0005374 * 323 + 8.665726 = -1.05188 and -0.0005275 * 430 + 0.0195652 * 323 - 6.088919 =
        # 0.00378, and half a turn to (10, 6) minus them.
        ("students03", "univ", "[11.05188, 5.99622, 0]", (1.6413, 2.1883, None)),
    ],
)
def test_the_robots_errand_is_carried_to_the_same_spot_of_the_video(
    tmp_path: Path, scene: str, name: str, episodes: str, here: tuple[float, float, float | None]
) -> None:
    data = folder(tmp_path, scene, PLAIN.format(set=name, after=0, robot=f"{episodes}, [3, 3, 0]"))
    x, y, yaw = load_recorded("t_street", data).robot.start
    np.testing.assert_allclose((x, y), here[:2], atol=2e-4)
    if here[2] is not None:
        assert np.cos(yaw - here[2]) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(("along", "metres"), [((6.0, 0.0), 5.0), ((0.0, 5.0), 6.0)])
def test_the_episodes_stretch_the_zara_street_and_squeeze_it(
    tmp_path: Path, along: tuple[float, float], metres: float
) -> None:
    """The homography's scales, 0.02596 and 0.02166 m to a pixel, are meant for rows and columns, not the other way
    round: 6 m along the street are 5 m, and 5 m across are 6 m."""
    robot = f"[12, 4, 0], [{12 + along[0]}, {4 + along[1]}, 0]"
    errand = load_recorded(
        "t_street", folder(tmp_path, "zara01", PLAIN.format(set="zara01", after=0, robot=robot))
    ).robot
    assert np.hypot(*np.subtract(errand.goal, errand.start)[:2]) == pytest.approx(metres, rel=0.005)


def test_walls_stand_where_they_were_drawn(tmp_path: Path) -> None:
    episode = PLAIN.format(set="eth", after=0, robot="[2.4, 14.4, 0], [4.4, 14.4, 0]")
    data = folder(tmp_path, "seq_eth", episode, H=UPRIGHT)
    picture = np.zeros((200, 200), dtype=np.uint8)
    picture[100:104, 100] = 255  # x from 4 to 4.15, y 3
    cv2.imwrite(str(data / "eth-ucy-original" / "seq_eth" / "map.png"), picture)
    floor = load_recorded("t_street", data).floor
    x, y = floor.centre_of(np.argwhere(floor.occupied)).T
    assert (x.min(), x.max()) == (pytest.approx(3.95), pytest.approx(4.15))
    assert (y.min(), y.max()) == (pytest.approx(2.95), pytest.approx(3.05))


def test_two_hotels_stand_side_by_side(tmp_path: Path) -> None:
    episode = PLAIN.format(set="dhotel-top", after=0, robot="[14, 5.5, 0], [15, 5.5, 0]")
    episode = episode.replace('["dhotel-top"]', '["dhotel-top", "dhotel-bot"]').replace("[0]\n", "[0, 0.5]\n")
    episode = episode.replace("[(0, -1)]", "[(5, -1), (0, 5)]")
    data = folder(tmp_path, "seq_hotel", episode, H=UPRIGHT, groups="7 9\n")
    cv2.imwrite(str(data / "eth-ucy-original" / "seq_hotel" / "map.png"), np.full((1, 1), 255, dtype=np.uint8))
    scenario = load_recorded("t_street", data)
    people = scenario.recorded.people
    # Of the first, numbers 7 and 9, the latter too late; of the second number 5, as 7 + 5, moved by 4.5 - 17.5 m.
    assert people.ids.tolist() == [7, 12]
    assert [track.times[0] for track in people.tracks] == pytest.approx([0.0, 0.5])
    np.testing.assert_allclose(people.tracks[1].positions[:2], [[-13.0, 0.0], [-13.5, 0.0]])
    assert people.groups == ()
    x = scenario.floor.centre_of(np.argwhere(scenario.floor.occupied))[:, 0]
    np.testing.assert_allclose(np.unique(np.round(x, 2)), [-14.05, -13.95, -1.05, -0.95])


def test_a_world_of_recorded_people_is_one_like_any_other(tmp_path: Path) -> None:
    # The robot stands at (3, 3) and drives at number 7, who stands at (4, 3): 0.22 + 0.25 m of bodies stop it.
    episode = PLAIN.format(set="eth", after=0, robot="[4.4, 11.4, -1.5707963267948966], [4.4, 8.4, 0]")
    scenario = load_recorded("t_street", folder(tmp_path, "seq_eth", episode))
    np.testing.assert_allclose(scenario.robot.start, [3.0, 3.0, 0.0], atol=1e-9)
    run = Simulator(scenario, ROBOT, seed=3)
    for step in range(80):
        run.step(Command(0.5, 0.0))
        tracks = run.people()
        assert np.isfinite(tracks.positions).all()
        assert len(tracks.ids) == np.isfinite(run.crowd.positions[:, 0]).sum()
        if step % 10 == 0:
            assert not np.isnan(run.scan().ranges).any()
    assert [contact.what for contact in run.contacts] == ["person 1"]
    # It halts within a step of 0.025 m before it would touch.
    assert 4.0 - 0.47 - 0.025 <= run.pose[0] <= 4.0 - 0.47
    assert run.crowd.positions[1].tolist() == [4.0, 3.0]

    worlds = World(scenario, ROBOT, [3, 9], present=[True, False])
    for _ in range(80):
        worlds.step(np.array([[0.5, 0.0], [0.0, 0.0]]))
    assert np.array_equal(worlds.crowd.positions[0], worlds.crowd.positions[1], equal_nan=True)
    assert np.array_equal(worlds.poses[0], run.pose)
    ahead = worlds.take([0, 0])
    ahead.step(np.zeros((2, 2)))
    assert ahead.crowd.positions.shape == (2, 2, 2)


def test_a_user_without_the_data_is_told_what_to_get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAC_SON_DATA", raising=False)
    with pytest.raises(ConfigError, match=r"SAC_SON_DATA names no folder; docs/recorded_people.md says where"):
        load_recorded("socnavbench_t_ETH1")
    with pytest.raises(ConfigError, match=rf"episode_params_val.ini .* found none under {tmp_path}"):
        recorded_scenarios(tmp_path)
    episode = PLAIN.format(set="eth", after=0, robot="[1, 1, 0], [2, 2, 0]")
    monkeypatch.setenv("SAC_SON_DATA", str(folder(tmp_path, "seq_eth", episode)))
    assert recorded_scenarios() == ["socnavbench_t_street"]
    with pytest.raises(ConfigError, match=r"'socnavbench_t_lane': expected an episode of .*, t_street$"):
        load_recorded("socnavbench_t_lane")
    (tmp_path / "eth-ucy-original" / "seq_eth" / "obsmat.txt").unlink()
    with pytest.raises(DatasetError, match=r"seq_eth/obsmat.txt: no such file"):
        load_recorded("t_street")


@pytest.mark.parametrize(
    ("stated", "wrong", "says"),
    [
        ('["eth"]', '["moon"]', "expected data sets of one recording out of eth, hotel, .*, got moon"),
        ('["eth"]', '["eth", "hotel"]', "expected data sets of one recording"),
        ('["eth"]', "[]", "got none"),
        ("[0]", "[0, 0]", "a start and a range of people for each data set"),
        ("max_time=2", "max_time=-2", "a time above zero"),
        ("max_time=2", "max_time=two", "expected a value for max_time, got 'two'"),
        ("max_time=2", "", "expected a value for max_time, got ''"),
        ("[1, 1, 0], [2, 2, 0]", "[1, 1, 0]", "expected numbers for times, people and the robot's poses"),
        ("[2, 2, 0]", "[2, 2]", "expected numbers for times, people and the robot's poses"),
        ("agents_start=[]", "agents_start=[[1, 1, 0]]", "expected recorded people only"),
        ("(0, -1)", "(99, -1)", "expected people after number 99 in seq_eth, got none"),
        ("[t_street]", "[t_street", "can't be read"),
    ],
)
def test_a_bad_episode_is_refused_in_one_sentence(tmp_path: Path, stated: str, wrong: str, says: str) -> None:
    episode = PLAIN.format(set="eth", after=0, robot="[1, 1, 0], [2, 2, 0]")
    assert stated in episode
    data = folder(tmp_path, "seq_eth", episode.replace(stated, wrong))
    with pytest.raises((ConfigError, DatasetError), match=says) as refusal:
        load_recorded("t_street", data)
    assert "\n" not in str(refusal.value)


# -- the real ones ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def episodes(shared_data: Path) -> dict[str, Scenario]:
    if not (shared_data / "socnavbench-episodes").is_dir():
        pytest.skip(f"no episodes under {shared_data}")
    return {name: load_recorded(name, shared_data) for name in recorded_scenarios(shared_data)}


def test_every_real_episode_can_be_run(episodes: dict[str, Scenario]) -> None:
    assert len(episodes) == 33
    for name, scenario in episodes.items():
        for place in (scenario.robot_start[:2], scenario.robot_goal[:2]):
            assert scenario.floor.distance_at(place) > 0.4, name
        people = scenario.recorded.people
        assert scenario.floor.contains(people.knots).all(), name
        crowd = scenario.recorded.crowd()
        there = np.isfinite(crowd.positions).all(axis=-1)
        assert there.any(), name  # its first person comes at time 0
        assert (people.knot_times[people.firsts[:-1]] <= scenario.time_limit).all(), name
        # The robot starts clear of people, and in sight of somebody.
        distance = np.linalg.norm(crowd.positions[there] - scenario.robot_start[:2], axis=-1)
        assert 0.5 < distance.min() < 20.0, name


def test_people_of_real_episodes_are_the_recorded_ones(episodes: dict[str, Scenario], shared_data: Path) -> None:
    for name in ("t_eth_follow", "t_hotel_cross", "t_zara1_wrap", "t_zara2_wrap", "t_univ_trapTR"):
        scenario = episodes[f"socnavbench_{name}"]
        people, scene = scenario.recorded.people, scenario.map_file.name
        table = np.loadtxt(shared_data / "eth-ucy-original" / scene / "obsmat.txt")
        table = table[np.isin(table[:, 1], people.ids)]
        start = table[table[:, 1] == people.ids[0], 0].min()
        table = table[table[:, 0] >= start]
        rate = 15.0 if scene == "seq_eth" else 25.0
        crowd, columns = scenario.recorded.crowd(), [4, 2] if scene.startswith("zara") else [2, 4]
        for step in range(0, round(scenario.time_limit / 0.05), STEPS):
            now = table[table[:, 0] == start + round(step * 0.05 * rate)]
            rows = np.searchsorted(people.ids, now[:, 1])
            assert np.array_equal(crowd.positions[rows], now[:, columns])
            assert np.isfinite(crowd.positions[:, 0]).sum() >= len(now)
            for _ in range(STEPS):
                crowd.step(0.05)


def test_mirrored_annotation_is_not_mistaken(tmp_path: Path) -> None:
    """Walkers along +x of a left-handed annotation walk along +y, and what was on their left is there still."""
    rows = [(10 * k, i, 1.0 * k, side) for i, side in ((1, 0.0), (2, -1.0)) for k in range(3)]
    data = folder(tmp_path, "zara01", PLAIN.format(set="zara01", after=0, robot="[1, 1, 0], [2, 2, 0]"))
    annotate(data / "eth-ucy-original" / "zara01", rows, H=MIRRORED)
    crowd = load_recorded("t_street", data).recorded.crowd()
    offset = crowd.positions[1] - crowd.positions[0]
    forward = crowd.velocities[0]
    assert forward[0] * offset[1] - forward[1] * offset[0] > 0.0  # on the left; in the annotation on the right
