from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from sac_son_nav.config import RobotProfile, load_map, load_robot, resource
from sac_son_nav.errors import ConfigError, MapError
from sac_son_nav.simulation.floor_plans import PLANS, write
from sac_son_nav.simulation.people import People
from sac_son_nav.simulation.scenarios import Formation, PersonGroup, Stop, cast_people, load_scenario, streams
from sac_son_nav.simulation.simulator import Simulator
from test.simulation.worlds import room, world

SHIPPED = {
    "being_overtaken": 2,
    "blind_corner": 3,
    "circular_crossing": 6,
    "corridor": 8,
    "corridor_counter_flow": 10,
    "crossing": 5,
    "crowd_20": 20,
    "doorway": 4,
    "empty": 0,
    "following_a_person": 2,
    "frontal_approach": 1,
    "leaving_elevator": 5,
    "narrow_doorway": 2,
    "overtaking": 1,
    "pedestrian_obstruction": 2,
    "perpendicular_crossing": 3,
    "queue": 6,
    "standing_group": 8,
}


def test_these_are_the_shipped_scenarios() -> None:
    assert {path.stem for path in resource("config", "scenarios").glob("*.yaml")} == set(SHIPPED)


@pytest.mark.parametrize(("name", "people"), SHIPPED.items())
def test_shipped_scenarios_can_be_run_from_many_seeds(name: str, people: int) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    assert scenario.description
    start, goal = scenario.robot_start[:2], scenario.robot_goal[:2]
    assert 6.0 <= np.linalg.norm(goal - start) <= 16.0
    assert 30.0 <= scenario.time_limit <= 75.0
    for seed in range(20):
        crowd = cast_people(scenario, streams(scenario, seed))
        assert len(crowd) == people
        for i, person in enumerate(crowd):
            places = np.concatenate([[person.start], person.stops])
            assert scenario.floor.contains(places).all()
            assert (np.asarray(scenario.floor.distance_at(places)) >= person.radius - 1e-9).all()
            assert np.linalg.norm(person.start - start) >= 1.0
            assert all(np.linalg.norm(person.start - p.start) >= person.radius + p.radius for p in crowd[:i])


@pytest.mark.parametrize("name", [name for name, people in SHIPPED.items() if people])
def test_every_seed_of_a_shipped_scenario_is_another_encounter(name: str) -> None:
    scenario = load_scenario(name)
    starts = [cast_people(scenario, streams(scenario, seed))[0].start for seed in range(50)]
    assert len(np.unique(np.round(starts, 3), axis=0)) == 50


def test_shipped_floor_plans_are_what_the_script_draws(tmp_path: Path) -> None:
    write(tmp_path)
    for name in PLANS:
        for suffix in ("pgm", "yaml"):
            drawn, kept = tmp_path / f"{name}.{suffix}", resource("config", f"maps/{name}.{suffix}")
            assert drawn.read_bytes() == kept.read_bytes()


def test_the_corridor_is_as_wide_and_long_as_drawn() -> None:
    floor = load_map(resource("config", "maps/corridor.yaml"))
    # Free along the middle for 18 m; 4 m across at x = 1, where there is neither door nor niche.
    along, up = np.arange(-0.3, 18.3, 0.05) + 0.01, np.arange(-0.4, 4.4, 0.05) + 0.01
    middle = np.stack([along, np.full_like(along, 2.01)], axis=-1)
    across = np.stack([np.full_like(up, 1.01), up], axis=-1)
    for points, metres in ((middle, 18.0), (across, 4.0)):
        rows, columns = np.moveaxis(floor.cell_at(points), -1, 0)
        assert np.count_nonzero(floor.cells[rows, columns] == 0) * 0.05 == pytest.approx(metres)
    # 0.51 m above the floor of the corridor's lower wall.
    assert float(floor.distance_at(np.array([1.01, 0.51]))) == pytest.approx(0.51, abs=0.01)


def test_the_demo_takes_a_robot_of_60_cm_per_second_under_half_a_minute_when_nobody_is_there() -> None:
    errand = load_scenario("corridor").robot
    way = np.hypot(errand.goal[0] - errand.start[0], errand.goal[1] - errand.start[1])
    assert 25.0 <= way / 0.6 <= 30.0


def test_seeds_differ_and_repeat() -> None:
    scenario = load_scenario("corridor")
    one, again, other = (People(scenario, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.positions, again.positions)
    np.testing.assert_array_equal(one.speeds, again.speeds)
    assert not np.allclose(one.positions, other.positions)
    assert not np.allclose(one.speeds, other.speeds)


def test_places_and_paces_are_drawn_from_the_stated_ranges() -> None:
    group = PersonGroup(start=(1.0, 2.0, 3.0, 4.0), errand=(Stop((5.0, 1.0, 7.0, 2.0)),), count=2)
    scenario = world(room(8.0, 6.0), group)
    crowds = [People(scenario, seed) for seed in range(150)]
    starts, speeds = np.concatenate([c.positions for c in crowds]), np.concatenate([c.speeds for c in crowds])
    assert (starts >= [1.0, 2.0]).all()
    assert (starts <= [3.0, 4.0]).all()
    assert np.mean(speeds) == pytest.approx(1.25, abs=4 * 0.2 / np.sqrt(300))
    assert np.std(speeds) == pytest.approx(0.2, rel=0.15)


def base() -> dict[str, object]:
    """A scenario file that is right."""
    return {
        "name": "mine",
        "map": "doorway.yaml",
        "robot": {"start": [1.0, 3.0, 0.0], "goal": [11.0, 3.0, 0.0]},
        "people": [{"start": [3.0, 3.0], "errand": [{"to": [9.0, 3.0], "wait": 1.0}]}],
    }


def test_a_right_file_is_taken(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(base()))
    scenario = load_scenario(tmp_path / "mine.yaml")
    assert scenario.people[0].errand[0] == Stop((9.0, 3.0), 1.0)
    assert scenario.time_limit == 60.0


def test_a_map_of_one_s_own_may_lie_beside_the_scenario(tmp_path: Path) -> None:
    write(tmp_path)
    own = tmp_path / "own.yaml"
    (tmp_path / "doorway.yaml").rename(own)
    for name in ("own.yaml", str(own)):
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(base() | {"map": name}))
        assert load_scenario(tmp_path / "mine.yaml").map_file == own


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"weather": "rain"}, "unknown setting 'weather'"),
        ({"map": "palace.yaml"}, "map 'palace': not found; known are corner, corridor, doorway"),
        ({"time_limit": 0}, "time_limit: expected seconds above zero, got 0.0"),
        ({"robot": {"start": [6.1, 1.0, 0.0], "goal": [11.0, 3.0, 0.0]}}, "robot.start: expected open floor"),
        ({"robot": {"start": [1.0, 3.0, 0.0], "goal": [40.0, 3.0, 0.0]}}, "robot.goal: expected a place on the map"),
        ({"robot": {"start": [1.0, 3.0], "goal": [11.0, 3.0, 0.0]}}, "robot.start: expected 3 values, got 2"),
        ({"people": [{"start": [6.1, 1.0]}]}, "people[0].start: expected open floor at [6.1, 1.0]"),
        ({"people": [{"start": [6.0, 0.0, 6.1, 1.0]}]}, "people[0].start: expected open floor"),
        ({"people": [{"start": [3.0, 3.0, 2.0, 4.0]}]}, "start: expected x_min < x_max"),
        ({"people": [{"start": [3.0]}]}, "start: expected [x, y] or"),
        ({"people": [{"start": [3, 3], "errand": [{"to": [6.1, 1]}]}]}, "people[0].errand[0].to: expected open floor"),
        ({"people": [{"start": [3, 3], "errand": [{"to": [3, 1], "wait": -1}]}]}, "wait: expected seconds of zero"),
        ({"people": [{"start": [3, 3], "count": 0}]}, "count: expected one person or more, got 0"),
        ({"people": [{"start": [3, 3], "speed": -1}]}, "speed: expected a number above zero, got -1.0"),
        ({"people": [{"start": [3, 3], "robot_weight": -1}]}, "robot_weight: expected zero or more"),
        ({"people": [{"start": [3, 3], "speed": "fast"}]}, "speed: expected float, got 'fast'"),
    ],
)
def test_wrong_files_get_one_sentence(tmp_path: Path, change: dict[str, object], says: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(base() | change))
    with pytest.raises((ConfigError, MapError)) as caught:
        load_scenario(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def one(**group: object) -> dict[str, object]:
    """People of one group, who stand at (3, 3) unless it says otherwise."""
    return {"people": [{"start": [3, 3], **group}]}


AWAY = [{"to": [9.0, 3.0]}]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (one(colour="red"), "people[0]: unknown setting 'colour'"),
        (one(together="yes please"), "people[0].together: expected bool, got 'yes please'"),
        (one(together=True), "together: expected a count of two or more, got one person"),
        (one(reaction="rude"), "reaction: expected one of none, usual, wary, curious, got 'rude'"),
        (one(reaction="wary", robot_weight=3.0), "reaction: expected it instead of robot_weight and curiosity"),
        (one(curiosity=-1), "curiosity: expected zero or more, got -1.0"),
        (one(speed_range=[1.0]), "speed_range: expected [lowest, highest] within 0.2 to 2, got [1.0]"),
        (one(speed_range=[1.0, 3.0]), "speed_range: expected [lowest, highest] within 0.2 to 2, got [1.0, 3.0]"),
        (one(radius_range=[0.4, 0.3]), "radius_range: expected [lowest, highest] within 0.15 to 0.6, got [0.4, 0.3]"),
        (one(radius_spread=-0.1), "radius_spread: expected zero or more, got -0.1"),
        (one(delay_range=[-1, 2]), "delay_range: expected [lowest, highest] from 0 on, got [-1.0, 2.0]"),
        (one(delay_range=[1, 2], delay=3), "delay_range: expected it instead of delay, got both"),
        (one(formation={"radius": 0.9}), "formation: expected a count of two or more, got one person"),
        (one(formation=0.9), "people[0].formation: expected a mapping of settings, got 0.9"),
        (one(count=2, formation={}), "people[0].formation: expected the setting 'radius', got none"),
        (one(count=2, formation={"radius": 0}), "radius: expected a number above zero, got 0.0"),
        # Six people of 0.25 m who stand off even spacing by a tenth each: 0.25 / sin(0.8 * 30 deg) = 0.61 m.
        (one(count=6, formation={"radius": 0.6}), "formation.radius: expected at least 0.61 m for 6 such people"),
        (
            one(count=3, together=True, formation={"radius": 1.2}),
            "formation.radius: expected at most 1 m where 3 people keep together, got 1.2",
        ),
        (
            one(count=2, formation={"radius": 1}, queue={"facing": 0}),
            "formation: expected one layout at most, got formation and queue",
        ),
        (one(count=3, queue={"facing": 0}), "queue: expected an errand, not repeated, for those who have been served"),
        (
            one(count=3, queue={"facing": 0, "spacing": 0.5}, errand=AWAY),
            "queue.spacing: expected at least 0.60 m for such bodies, got 0.5",
        ),
        (one(count=3, queue={"spacing": 1.0}, errand=AWAY), "people[0].queue: expected the setting 'facing'"),
        (one(count=3, queue={"facing": 0, "service": 0}, errand=AWAY), "service: expected a number above zero"),
        (
            one(count=9, queue={"facing": 0}, errand=AWAY),
            "found no free place for a queue of 9, 1.05 m apart, in [3.0",
        ),
        (
            one(count=2, together=True, queue={"facing": 0}, errand=AWAY),
            "together: expected people who walk side by side, got a queue",
        ),
        (one(circle={"radius": 2.0}, errand=AWAY), "circle: expected no errand, for the opposite point is one"),
        (one(circle={"radius": 2.0, "change_chance": 2}), "change_chance: expected a number from 0 to 1, got 2.0"),
        (one(circle={"radius": 2.0, "noise": -1}), "noise: expected zero or more, got -1.0"),
        (
            one(circle={"radius": 5.0}),
            "people[0].start: expected open floor all along the circle of 5 m round [3.0, 3",
        ),
        (
            one(start=[2, 2, 4, 4], circle={"radius": 1.0}),
            "start: expected the circle's middle [x, y], got [2.0, 2.0,",
        ),
        (one(start=[3, 3, 3.4, 3.4], count=9), "found no free place for person 1's start in [3.0, 3.0, 3.4, 3.4]"),
        ({"people": 3}, "people: expected a list, got 3"),
        ({"robot": {"start": [1, 3, 0], "goal": [11, 3, "north"]}}, "robot.goal[2]: expected float, got 'north'"),
        ({"robot": {"start": [1, 3, 0]}}, "robot: expected the setting 'goal', got start"),
    ],
)
def test_wrong_groups_get_one_sentence(tmp_path: Path, change: dict[str, object], says: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(base() | change))
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_full_card_is_taken(tmp_path: Path) -> None:
    full = {
        "start": [2, 2, 4, 4],
        "count": 3,
        "together": True,
        "formation": {"radius": 0.8},
        "delay_range": [1, 3],
        "errand": [{"to": [8, 2, 10, 4], "wait": 2}, {"to": [2, 2, 4, 4]}],
        "repeat": True,
        "speed_range": [0.8, 1.2],
        "radius_range": [0.2, 0.3],
        "reaction": "wary",
        "stride": 0.9,
        "queue": None,
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(base() | {"people": [full]}))
    (group,) = load_scenario(tmp_path / "mine.yaml").people
    assert (group.formation, group.queue, group.circle) == (Formation(0.8), None, None)
    assert group.reacts == (2.0, 0.0)
    assert group.largest_radius == 0.3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"robot": {"start": [1, 3, 0], "goal": [11, 3, 0]}}, "robot.goal: expected a way there from [1.0, 3.0]"),
        (
            {"robot": {"start": [1, 3, 0], "goal": [5, 3, 0]}},
            "people[0].errand[0].to: expected a way there from [3.0, 3.0], got a wall in between",
        ),
    ],
)
def test_errands_that_no_way_leads_to_are_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], says: str
) -> None:
    doorway = PLANS["doorway"]
    monkeypatch.setitem(PLANS, "walled", replace(doorway, floors=doorway.floors[:2]))  # without the door
    write(tmp_path)
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(base() | {"map": "walled.yaml"} | change))
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    assert says in str(caught.value)


def test_an_unknown_scenario_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=f"scenario 'moon': not found; known are {', '.join(SHIPPED)}"):
        load_scenario("moon")


def test_a_stop_that_no_way_leads_to_is_refused() -> None:
    divided = room(8.0, 6.0, (3.9, 0.0, 4.1, 6.0))
    scenario = world(divided, PersonGroup(start=(2.0, 3.0), errand=(Stop((6.0, 3.0)),)))
    with pytest.raises(ConfigError, match=r"no way leads from \(2.00, 3.00\) to \(6.00, 3.00\)"):
        People(scenario, seed=0)


def test_a_region_too_full_for_another_person_is_refused() -> None:
    scenario = world(room(8.0, 6.0), PersonGroup(start=(4.0, 3.0, 4.6, 3.6), count=6))
    with pytest.raises(ConfigError, match=r"no free place for person \d's start in \[4.0, 3.0, 4.6, 3.6\]"):
        People(scenario, seed=0)


def test_a_robot_too_big_for_its_start_and_a_negative_seed_are_refused() -> None:
    scenario = load_scenario("doorway")
    with pytest.raises(ConfigError, match=r"expected 2 m of room for the robot at its start \(1.2, 3\), got 1.2"):
        Simulator(scenario, RobotProfile(radius=2.0), seed=0)
    with pytest.raises(ConfigError, match="seed: expected zero or more, got -1"):
        Simulator(scenario, load_robot("simulated"), seed=-1)
    through_the_wall = replace(scenario, robot=replace(scenario.robot, goal=(6.0, 2.4, 0.0)))
    with pytest.raises(ConfigError, match="at its goal"):
        Simulator(through_the_wall, load_robot("simulated"), seed=0)
