"""Scenes whose people are recorded: what the paper's policy was trained on, from the user's own ETH and UCY files.

The five places go by the names they have in forecasting, so that what is held out there can be held out here. Recorded
people answer no robot; what one would change of their way is foretold by the human model.

Everything follows from the generator that is handed in. Frame map is the recording's, SI units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sac_son_nav.datasets.pedestrians import PedestrianRecording, plan, read_recording
from sac_son_nav.errors import ConfigError, RouteError
from sac_son_nav.navigation.route import RoutePlanner
from sac_son_nav.simulation.laws import law_named
from sac_son_nav.simulation.recorded import Recording
from sac_son_nav.simulation.scenarios import RobotErrand, Scenario
from sac_son_nav.training.policy_scenes import ATTEMPTS, Scene, drawn_errand, drawn_robot

PLACES = {"eth": "seq_eth", "hotel": "seq_hotel", "univ": "students03", "zara1": "zara01", "zara2": "zara02"}
LASTS = 14.0  # [s] of a scene: a fleet drives for less, and sees a horizon ahead
_MARGIN = 3.0  # [m] of floor around everybody


@dataclass(frozen=True)
class RecordedPlaces:
    """The recordings of some places, to draw scenes from."""

    recordings: tuple[PedestrianRecording, ...]

    @staticmethod
    def read(data: Path | None, places: tuple[str, ...]) -> RecordedPlaces:
        """From folders of original annotations in ``data/eth-ucy-original``. Raises ConfigError for a place that
        nobody knows or no folder, DatasetError for files that can't be read."""
        unknown = [place for place in places if place not in PLACES]
        if unknown:
            raise ConfigError(f"recorded: expected places out of {', '.join(PLACES)}, got {unknown[0]!r}")
        if data is None:
            raise ConfigError("recorded: expected --data DIR, the folder that holds eth-ucy-original, got none")
        folder = data / "eth-ucy-original"
        return RecordedPlaces(tuple(read_recording(folder / PLACES[place]) for place in places))

    def draw(self, random: np.random.Generator) -> Scene:
        """Some seconds of one of the places, in which somebody walks, and an errand of a robot among them."""
        for _ in range(ATTEMPTS):
            whole = self.recordings[int(random.integers(len(self.recordings)))]
            somebody = whole.tracks[int(random.integers(len(whole.tracks)))]
            begins = float(random.uniform(somebody.times[0], somebody.times[-1]))
            part = replace(whole.cut(begins, begins + LASTS), floor=None, groups=())
            walls = np.zeros((0, 2))
            if whole.floor is not None:
                walls = whole.floor.centre_of(np.argwhere(whole.floor.occupied))
            floor, robot = plan(part.knots, walls, _MARGIN), drawn_robot(random)
            try:
                start, goal = drawn_errand(floor, robot.radius, random)
                route = RoutePlanner(floor, robot.radius).plan(np.array(start[:2]), np.array(goal[:2]))
            except RouteError:
                continue
            scenario = Scenario(
                f"recorded {whole.name}", "", Path(), floor, RobotErrand(start, goal), 60.0, (), Recording(part)
            )
            return Scene(scenario, robot, route, "recorded", law_named("social_force"))
        raise RouteError(f"training: expected room for a robot among recorded people within {ATTEMPTS} attempts")
