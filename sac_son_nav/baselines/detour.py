"""A way that leads round people who stand in it, as Nav2's planner, asked anew every second, would lay it.

Searching the grid again with people in it would cost more than the controller itself. So the way is bent: where it
passes nearer to somebody than the robot needs, it is moved aside over a stretch before and behind them, to the side
with less to go, or to the other one where a wall is in the way.
"""

from __future__ import annotations

import numpy as np

from sac_son_nav.baselines.costmap import Costmap
from sac_son_nav.baselines.following import PERSON_RADIUS, Follower
from sac_son_nav.navigation.route import Route
from sac_son_nav.states import Floats, Observation

RENEWED = 1.0  # [s] after which the way is bent anew
AHEAD = 5.0  # [m] of the way that is looked at
ROOM = 0.15  # [m] between the robot and a person, at least
BESIDE = 0.4  # [m] before and behind a person, where the way keeps its distance
STRETCH = 1.2  # [m] over which it then comes back
SPACING = 0.15  # [m] between the points of a bent way


def bent(route: Route, people: Floats, place: float, costs: Costmap) -> Route:
    """The route as it is up to arc length `place` [m], bent round the `people` (N, 2) [m] from there on."""
    if len(people) == 0:
        return route
    arcs = np.linspace(0.0, route.length, max(2, round(route.length / SPACING) + 1))
    points, along = route.at(arcs)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=-1)
    offsets, need = np.zeros(len(arcs)), costs.radius + PERSON_RADIUS + ROOM
    where, _ = route.project(people)
    for k in np.argsort(where, kind="stable"):
        i = int(np.argmin(np.abs(arcs - where[k])))
        aside = float((people[k] - points[i]) @ normal[i])
        if not (place < where[k] < place + AHEAD) or abs(aside - offsets[i]) >= need:
            continue
        bump = np.clip((BESIDE + STRETCH - np.abs(arcs - arcs[i])) / STRETCH, 0.0, 1.0)
        bump = np.sin(0.5 * np.pi * bump) ** 2 * (arcs > place)
        for side in sorted((aside - need, aside + need), key=lambda to: abs(to - offsets[i])):
            tried = offsets + (side - offsets[i]) * bump
            moved = points + tried[:, None] * normal
            room = costs.room(moved[:, 0].astype(np.float32), moved[:, 1].astype(np.float32), people[:0])
            if room[bump > 0.0].min(initial=np.inf) >= costs.radius:
                offsets = tried
                break
    if not offsets.any():
        return route
    return Route.along(points + offsets[:, None] * normal, SPACING)


class Bending(Follower):
    """A follower whose way is bent round people once a second."""

    costs: Costmap
    _straight: Route | None = None
    _bent: Route | None = None
    _bent_at = -np.inf

    def set_goal(self, pose: Floats | None) -> None:
        """As the follower's; the way is bent at the next step."""
        super().set_goal(pose)
        self._straight, self._bent_at = None, -np.inf

    def way_round(self, observation: Observation, route: Route) -> Route:
        """The way in force, bent."""
        if self._bent is None or route is not self._straight or observation.stamp_s >= self._bent_at + RENEWED - 1e-9:
            place = float(route.project(observation.robot.pose[:2])[0])
            self._bent = bent(route, observation.tracks.positions, place, self.costs)
            self._straight, self._bent_at = route, observation.stamp_s
        return self._bent
