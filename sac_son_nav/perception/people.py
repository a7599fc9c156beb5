"""From a scan to the people around: detect, move to the fixed frame, ask the past, track."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sac_son_nav.geometry import rotate, transform_points
from sac_son_nav.perception.appearance import LEARNED, Appearance
from sac_son_nav.perception.background import Background, BackgroundConfig
from sac_son_nav.perception.scan_people import Detections, DetectorConfig, detect_people
from sac_son_nav.perception.static_map import StaticMap
from sac_son_nav.perception.tracking import Tracker, TrackerConfig
from sac_son_nav.states import Floats, Scan, Tracks

MAP_FITS = 0.4  # share of what the laser sees that must be on the map; people and moved things are not


@dataclass(frozen=True)
class PeopleConfig:
    """Everything that may be set about finding and following people."""

    detector: DetectorConfig = DetectorConfig()
    tracker: TrackerConfig = TrackerConfig()
    background: BackgroundConfig = BackgroundConfig()


class PeopleTracker:
    """The one call that turns scans into people; keeps what it must remember between scans. `static_map` may be set
    anew before each step, and to None while the place in it is not well known; without one all else decides."""

    def __init__(
        self,
        config: PeopleConfig | None = None,
        appearance: Appearance = LEARNED,
        static_map: StaticMap | None = None,
    ) -> None:
        self.config, self.appearance, self.static_map = config or PeopleConfig(), appearance, static_map
        self._tracker = Tracker(self.config.tracker)
        self._background = Background(self.config.background)
        self._stamp_s, self._frame = float("-inf"), ""
        self._fit: float | None = None  # running share of the returns that are on the map

    def step(self, scan: Scan, fixed_from_laser: Floats, fixed_frame: str) -> Tracks:
        """Everybody at the scan's stamp, in `fixed_frame`; `fixed_from_laser` (3,) [m, m, rad] is where the laser was
        then. Stamps that repeat, fall back or leap are treated as :meth:`Tracker.update` says."""
        elapsed = scan.stamp_s - self._stamp_s
        limits, background = self.config.tracker, self.config.background
        if fixed_frame != self._frame or elapsed < -limits.reset_after or elapsed > limits.longest_gap:
            self._background.clear()
            self._fit = None
        fresh = elapsed > 0.0 or len(self._background) == 0
        detections = in_frame(
            detect_people(scan, self.config.detector, self.appearance), fixed_from_laser, fixed_frame
        )
        walked_in, furniture = self._background.look_up(detections.positions)
        agreement = self._background.agreement(scan, fixed_from_laser, elapsed if fresh else 0.0)
        needed = background.fixed_laser if fixed_frame == scan.frame else background.fixed_odometry
        if fresh:
            self._background.add(scan, fixed_from_laser)
            self._stamp_s, self._frame = scan.stamp_s, fixed_frame
        # Where odometry fails, what it carries of the place in the map is no good either.
        fixed, ground = agreement >= needed, None
        if self.static_map is not None and fixed and self._map_fits(self.static_map, scan, fixed_from_laser, elapsed):
            ground = self.static_map.ground(detections.positions)
        known = replace(detections, walked_in=walked_in, furniture=furniture, ground=ground, frame_fixed=fixed)
        return self._tracker.update(known, lambda places: self._background.empty_now(places, scan, fixed_from_laser))

    def _map_fits(self, static_map: StaticMap, scan: Scan, fixed_from_laser: Floats, elapsed: float) -> bool:
        """Whether enough of what the laser sees is on the map, averaged over time."""
        points = np.asarray(transform_points(fixed_from_laser, scan.points()))
        fit = static_map.fit(points) if len(points) else None
        if fit is not None:
            share = 1.0 - float(np.exp(-max(elapsed, 0.0) / self.config.background.memory))
            self._fit = fit if self._fit is None else self._fit + share * (fit - self._fit)
        return self._fit is not None and self._fit >= MAP_FITS

    def hear(self, detections: Detections, fixed_from_base: Floats, fixed_frame: str) -> Tracks:
        """What a camera saw (:func:`.camera_people.project`), where the base was at (3,) [m, m, rad] then; see
        :meth:`Tracker.hear`."""
        return self._tracker.hear(in_frame(detections, fixed_from_base, fixed_frame))


def in_frame(detections: Detections, fixed_from_laser: Floats, fixed_frame: str) -> Detections:
    """The same detections in `fixed_frame`, where the laser's pose is `fixed_from_laser` (3,)."""
    pose = np.asarray(fixed_from_laser, dtype=np.float64)
    turn = np.asarray(rotate(np.eye(2), pose[2])).T  # columns are the laser's axes in the fixed frame
    return replace(
        detections,
        frame=fixed_frame,
        positions=np.asarray(transform_points(pose, detections.positions)),
        covariances=turn @ detections.covariances @ turn.T,
    )
