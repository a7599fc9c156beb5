"""Scenarios with recorded people, who walk as they did and answer nobody: the SocNavBench episodes.

An episode (Biswas et al., SocNavBench, ACM T-HRI 2022) names recordings of the ETH and UCY sets, the first person of
each who takes part and with whom its clock starts, the robot's start and goal, and a time limit. The recordings and
the episodes' file are the user's own; :func:`load_recorded` says what goes where.

People stay in their recording's metres and on their video's clock. It is the robot's errand that is carried over to
the same spots of the video: the episodes' own axes stretch the ``zara`` street and show ``hotel`` in a mirror (and
there its people walk at three fifths of their pace, 25 frames per second being played as 15).

Frame map is the recording's world frame, right-handed. Shapes: batch dimensions (none for one world, or W worlds), N
people; a person not (yet, any more) in the recording has NaN for position and velocity.
"""

from __future__ import annotations

import ast
import configparser
import os
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from sac_son_nav.arrays import Array, namespace, norm
from sac_son_nav.arrays import device as device_of
from sac_son_nav.crowds.bodies import RobotBody
from sac_son_nav.datasets.pedestrians import PedestrianRecording, plan, project, read_recording
from sac_son_nav.errors import ConfigError, DatasetError
from sac_son_nav.simulation.people import NUMPY, PeopleConfig, shins, step_length
from sac_son_nav.simulation.scenario import RobotErrand, Scenario
from sac_son_nav.states import Floats

PREFIX = "socnavbench_"  # of the scenarios' names
DATA = "SAC_SON_DATA"  # environment variable that names the folder of recordings
BODY_RADIUS = 0.25  # [m], as people of other scenarios have it
_EPISODES = Path("socnavbench-episodes", "episode_params_val.ini")
_RECORDINGS = "eth-ucy-original"
_MARGIN = 3.0  # [m] of floor around everybody and the robot's errand


@dataclass(frozen=True)
class Recording:
    """What a scenario holds of recorded people: their tracks, on a clock that starts with the run, and how wide they
    are [m]."""

    people: PedestrianRecording
    radius: float = BODY_RADIUS

    def crowd(self, batch: tuple[int, ...] = (), like: Array = NUMPY) -> RecordedPeople:
        """Everybody at time 0, in worlds of these batch dimensions, as arrays like `like`."""
        return RecordedPeople(self, batch, like)

    @cached_property
    def gait(self) -> Floats:
        """Heading and phase of the steps [rad] at every knot of the tracks, (M, 2), neither wrapped to a turn. Both
        follow from the tracks, so they are the same in every world."""
        config, firsts, paces = PeopleConfig(), self.people.firsts, self.people.paces
        speed = np.linalg.norm(paces, axis=-1)
        turned = np.pi * speed / np.maximum(step_length(speed, config), 0.2)  # [rad/s]: two steps are one turn
        gait = np.zeros((len(paces), 2))
        for person, (first, end) in enumerate(pairwise(firsts)):
            gait[first:end, 0] = _headings(paces[first : end - 1], 2.0 * config.still)
            steps = turned[first : end - 1] * np.diff(self.people.knot_times[first:end])
            gait[first:end, 1] = 2.4 * person + np.concatenate([[0.0], np.cumsum(steps)])  # not all in step
        return gait


class RecordedPeople:
    """Recorded people at a moment: `positions`, `velocities` (..., N, 2) [m], [m/s]; `radii` [m], `headings`, `phases`
    [rad] and `robot_weights` (..., N), which are 0: no robot is minded."""

    def __init__(self, recording: Recording, batch: tuple[int, ...] = (), like: Array = NUMPY) -> None:
        self.recording, self.config = recording, PeopleConfig()
        self._batch, self._like, self.time_s = batch, like, 0.0
        self._fill()

    def __len__(self) -> int:
        return len(self.recording.people)

    def step(self, dt: float, robot: RobotBody | None = None) -> None:
        """Everybody is where they were dt [s] later."""
        self.time_s += dt
        self._show()

    def make_way(self, position: Array, radius: float, present: Array | bool = True) -> Array:
        """Who overlaps a body of `radius` [m] at position (..., 2) [m], (..., N); nobody moves. `present` (...): where
        there is such a body at all."""
        touching = norm(self.positions - position[..., None, :]) < self.radii + radius
        return touching if present is True else touching & present[..., None]  # type: ignore[index]

    def legs(self) -> Array:
        """Where the shins are, (..., N, 2, 2) [m], as :meth:`.people.People.legs` has them."""
        steps = step_length(norm(self.velocities, 0.0), self.config)
        return shins(self.positions, self.headings, self.phases, steps, self.config)

    def take(self, worlds: Sequence[int]) -> RecordedPeople:
        """The same people in as many worlds as are named, with which time goes on from now."""
        other = copy(self)
        other._batch = (len(worlds),)
        other._fill()
        return other

    def _fill(self) -> None:
        self.radii = self._everywhere(np.full(len(self), self.recording.radius))
        self.robot_weights = self._everywhere(np.zeros(len(self)))
        self._show()

    def _show(self) -> None:
        """Everything as it is now; the same in all worlds."""
        people = self.recording.people
        moment = people.moment(self.time_s)
        gait = moment.between(self.recording.gait)
        self.positions = self._everywhere(moment.between(people.knots))
        self.velocities = self._everywhere(moment.held(people.paces))
        self.headings, self.phases = self._everywhere(gait[:, 0]), self._everywhere(gait[:, 1])

    def _everywhere(self, values: Floats) -> Array:
        xp = namespace(self._like)
        ours = xp.asarray(np.ascontiguousarray(values), dtype=self._like.dtype, device=device_of(self._like))
        return xp.broadcast_to(ours, (*self._batch, *ours.shape))


def _headings(paces: Floats, walking: float) -> Floats:
    """Heading (K + 1,) [rad] at the ends of K stretches walked at velocities (K, 2) [m/s]: halfway between those of
    the stretches it joins. Who is slower than `walking` [m/s] looks where they last went, else where they will go."""
    walks = np.flatnonzero(np.linalg.norm(paces, axis=-1) > walking)
    if len(walks) == 0:
        return np.zeros(len(paces) + 1)
    latest = walks[np.maximum(np.searchsorted(walks, np.arange(len(paces)), side="right") - 1, 0)]
    along = np.unwrap(np.arctan2(paces[latest, 1], paces[latest, 0]))
    return np.concatenate([along[:1], 0.5 * (along[:-1] + along[1:]), along[-1:]])


# -- the episodes' axes -------------------------------------------------------------------------------------------
#
# A homography (3, 3) for each of the episodes' data sets takes a place in its recording, right-handed as the reader
# gives it, to the episodes' axes. Sources: params/dataset_params.ini of SocNavBench (exchange of axes, signs,
# offsets); H.txt of each recording; for `univ` the homography its annotation was made with (OpenTraj,
# students03/H-old.txt); for `zara` and `univ` the homographies of Yamaguchi et al. (CVPR 2011), with which
# SocNavBench's own tables were made. The recordings' homographies take (row, column) of the picture to the ground,
# Yamaguchi's (column, row).

_EXCHANGE = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
_ZARA_GROUND = np.array([[-2.5956517e-2, 0.0, 7.838868], [-1.0953874e-3, 2.166433e-2, 5.566046], [0.0, 0.0, 1.0]])
_ZARA_TABLE = np.array([[-2.5956517e-2, 0.0, 7.8388681], [-1.0953874e-3, 2.166433e-2, -10.032272], [0.0, 0.0, 1.0]])
_UNIV_GROUND = np.array(
    [
        [0.032529736503653, -0.000730604859308, -7.969749046103707],
        [0.000883577230612, 0.026589331317173, -8.754694531864281],
        [0.001039809003515, 0.000025010101498, 1.007920696981254],
    ]
)
_UNIV_TABLE = np.array(
    [[-2.3002776e-2, 5.3741914e-4, 8.6657256], [-5.2753792e-4, 1.9565153e-2, -6.0889188], [0.0, 0.0, 1.0]]
)


def _turned(x: float, y: float) -> Floats:
    """From a table to the episodes' axes: half a turn, then moved by x, y [m]."""
    return np.array([[-1.0, 0.0, x], [0.0, -1.0, y], [0.0, 0.0, 1.0]])


def _hotel(y: float) -> Floats:
    return np.array([[0.0, 1.0, 12.0], [1.0, 0.0, y], [0.0, 0.0, 1.0]])


def _zara(y: float, rows: float = 0.0, columns: float = 0.0) -> Floats:
    """`rows`, `columns`: by how much the annotation's picture was cut short, and its axes are left-handed."""
    whole_picture = np.array([[1.0, 0.0, rows], [0.0, 1.0, columns], [0.0, 0.0, 1.0]])
    return _turned(9.5, y) @ _ZARA_TABLE @ _EXCHANGE @ whole_picture @ np.linalg.inv(_EXCHANGE @ _ZARA_GROUND)


_SETS: dict[str, tuple[str, Floats]] = {
    "eth": ("seq_eth", np.array([[0.0, 1.0, 1.4], [-1.0, 0.0, 14.4], [0.0, 0.0, 1.0]])),
    "hotel": ("seq_hotel", _hotel(4.5)),
    "dhotel-bot": ("seq_hotel", _hotel(4.5)),
    "dhotel-top": ("seq_hotel", _hotel(17.5)),
    "zara01": ("zara01", _zara(3.0)),
    "zara02": ("zara02", _zara(1.85, -50.0, 720.0)),
    "univ": ("students03", _turned(10.0, 6.0) @ _UNIV_TABLE @ _EXCHANGE @ np.linalg.inv(_UNIV_GROUND)),
}


def _carried(pose: Sequence[float], homography: Floats) -> tuple[float, float, float]:
    """A pose (x [m], y [m], yaw [rad]) taken through a homography."""
    x, y, yaw = pose
    ahead = 1e-4 * np.array([np.cos(yaw), np.sin(yaw)])
    here, there = project(homography, np.array([[x, y], [x + ahead[0], y + ahead[1]]]))
    return float(here[0]), float(here[1]), float(np.arctan2(*(there - here)[::-1]))


# -- the episodes -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Episode:
    """One section of the episodes' file, in the episodes' axes."""

    sets: tuple[str, ...]
    starts: tuple[float, ...]  # [s]
    people: tuple[tuple[int, int], ...]  # ids after the first number, up to the second; -1: all of them
    robot: tuple[tuple[float, float, float], tuple[float, float, float]]
    time_limit: float  # [s]


def recorded_scenarios(data: Path | None = None) -> list[str]:
    """The names of all episodes in the `data` folder, in the order of their file."""
    return [PREFIX + section for section in _sections(_data_folder(data))]


def load_recorded(name: str, data: Path | None = None) -> Scenario:
    """The scenario of an episode, by its name with or without the prefix.

    `data` (None: the folder that SAC_SON_DATA names) holds ``socnavbench-episodes/episode_params_val.ini`` and, in
    ``eth-ucy-original``, the recordings. Raises ConfigError or DatasetError with one sentence when one is missing or
    wrong.
    """
    folder = _data_folder(data)
    sections, section = _sections(folder), name.removeprefix(PREFIX)
    if section not in sections:
        raise ConfigError(f"scenario {name!r}: expected an episode of {folder / _EPISODES}, {', '.join(sections)}")
    where = f"{folder / _EPISODES} [{section}]"
    episode = _episode(sections[section], where)
    recordings, homography = folder / _RECORDINGS, _SETS[episode.sets[0]][1]
    parts = _parts(episode, recordings, where)
    people = _together(parts)
    there: Floats = np.asarray(np.linalg.inv(homography), dtype=np.float64)
    start_pose, goal_pose = (_carried(pose, there) for pose in episode.robot)
    places = np.concatenate([people.knots, np.array([start_pose[:2], goal_pose[:2]])])
    walls = [part.floor.centre_of(np.argwhere(part.floor.occupied)) for part in parts if part.floor is not None]
    floor = plan(places, np.concatenate([np.zeros((0, 2)), *walls]), _MARGIN)
    return Scenario(
        name=PREFIX + section,
        description=f"SocNavBench episode {section}: {len(people)} people of {people.name}, as recorded",
        map_file=recordings / _SETS[episode.sets[0]][0],
        floor=floor,
        robot=RobotErrand(start_pose, goal_pose),
        time_limit=episode.time_limit,
        people=(),
        recorded=Recording(people),
    )


def _parts(episode: _Episode, recordings: Path, where: str) -> list[PedestrianRecording]:
    """The people of each data set of the episode, in the frame of the first."""
    parts: list[PedestrianRecording] = []
    for chosen, start, (after, last) in zip(episode.sets, episode.starts, episode.people, strict=True):
        folder, homography = _SETS[chosen]
        recording = read_recording(recordings / folder)
        wanted = [track for track in recording.tracks if track.id > after and (last == -1 or track.id <= last)]
        if not wanted:
            raise DatasetError(f"{where}: expected people after number {after} in {recording.name}, got none")
        zero = float(wanted[0].times[0]) - start
        part = recording.cut(zero, zero + episode.time_limit, {track.id for track in wanted})
        if parts:  # sets of one recording differ by no more than a shift
            shift = (np.linalg.inv(_SETS[episode.sets[0]][1]) @ homography)[:2, 2]
            part = part.moved((float(shift[0]), float(shift[1])))
        parts.append(part)
    return parts


def _together(parts: Sequence[PedestrianRecording]) -> PedestrianRecording:
    """Several recordings as one; of the second and the next, ids go on after those before."""
    tracks, groups, after = [], [], 0
    for part in parts:
        tracks += [type(track)(track.id + after, track.times, track.positions) for track in part.tracks]
        groups += [tuple(member + after for member in group) for group in part.groups]
        after = tracks[-1].id
    name = " and ".join(part.name for part in parts)
    return PedestrianRecording(name, parts[0].frame_rate, tuple(tracks), tuple(groups))


def _data_folder(data: Path | None) -> Path:
    named = data or (Path(os.environ[DATA]) if os.environ.get(DATA) else None)
    if named is None or not (named / _EPISODES).is_file():
        looked = f"found none under {named}" if named else f"{DATA} names no folder"
        raise ConfigError(
            f"recorded scenarios: expected {_EPISODES} and the recordings {_RECORDINGS}/seq_eth, ... in a data folder,"
            f" but {looked}; docs/recorded_people.md says where to get them"
        )
    return named


def _sections(folder: Path) -> dict[str, configparser.SectionProxy]:
    parser = configparser.ConfigParser(inline_comment_prefixes=(";",), interpolation=None)
    try:
        parser.read_string((folder / _EPISODES).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise ConfigError(f"{folder / _EPISODES}: can't be read: {' '.join(str(error).split())}") from None
    return {name: parser[name] for name in parser.sections() if "robot_start_goal" in parser[name]}


def _episode(section: configparser.SectionProxy, where: str) -> _Episode:
    def value(key: str) -> Any:
        try:
            return ast.literal_eval(section.get(key, ""))
        except (ValueError, SyntaxError):
            raise ConfigError(f"{where}: expected a value for {key}, got {section.get(key, '')!r}") from None

    try:
        start, goal = (tuple(float(v) for v in pose) for pose in value("robot_start_goal"))
        episode = _Episode(
            tuple(str(name) for name in value("pedestrian_datasets")),
            tuple(float(v) for v in value("datasets_start_t")),
            tuple((int(first), int(last)) for first, last in value("ped_ranges")),
            ((start[0], start[1], start[2]), (goal[0], goal[1], goal[2])),
            float(value("max_time")),
        )
    except (TypeError, ValueError, IndexError) as error:
        raise ConfigError(f"{where}: expected numbers for times, people and the robot's poses: {error}") from None
    unknown = [name for name in episode.sets if name not in _SETS]
    if unknown or len({_SETS[name][0] for name in episode.sets}) != 1:
        got = ", ".join(episode.sets) or "none"
        raise ConfigError(f"{where}: expected data sets of one recording out of {', '.join(_SETS)}, got {got}")
    if not len(episode.sets) == len(episode.starts) == len(episode.people) or not episode.time_limit > 0.0:
        raise ConfigError(f"{where}: expected a start and a range of people for each data set, and a time above zero")
    if value("agents_start"):
        raise ConfigError(f"{where}: expected recorded people only, got agents_start")
    return episode
