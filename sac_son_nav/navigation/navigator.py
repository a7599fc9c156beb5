"""One control step, from what the robot sees to what it does. Start reading here.

`Navigator.step` is the whole story: route, candidates, prediction with and without the robot, objective, shield.
The `Plan` it returns carries everything it looked at, so that whoever asks can see why the robot did what it did.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sac_son_nav.errors import ConfigError, RouteError
from sac_son_nav.geometry import wrap_angle
from sac_son_nav.kinematics import BaseLimits, rollout
from sac_son_nav.maps import OccupancyMap, points_as_map
from sac_son_nav.navigation import objective, planner
from sac_son_nav.navigation.objective import ObjectiveConfig
from sac_son_nav.navigation.patience import Patience
from sac_son_nav.navigation.plan import Plan
from sac_son_nav.navigation.planner import PlannerConfig
from sac_son_nav.navigation.policy import LearnedPolicy
from sac_son_nav.navigation.ranking import Choice, Ranking
from sac_son_nav.navigation.route import Route, RouteConfig, RoutePlanner, WayLeft
from sac_son_nav.navigation.shield import ShieldConfig, Verdict, passing, shield
from sac_son_nav.navigation.surroundings import Seen, areas_of, with_returns
from sac_son_nav.navigation.wedged import Wedged, free
from sac_son_nav.prediction.history import History, long_enough
from sac_son_nav.prediction.learned import LEAST_KNOWN, PREDICTORS, named_predictor
from sac_son_nav.prediction.predictor import (
    Foresight,
    Predictor,
    RobotFutures,
    SocialForce,
    SocialForceConfig,
    foresee,
)
from sac_son_nav.states import STOP, Command, Floats, Observation, Tracks


@dataclass(frozen=True)
class NavigationConfig:
    """Everything that can be set about navigation; config/navigation.yaml overrides it."""

    control_period: float = 0.1  # [s] between commands
    mode: str = "planner"  # who makes plans: the planner, the policy (its favourite), or both (the objective ranks)
    reference: str = "absent"  # what "without the robot" means: absent or parked
    predictor: str = "social_force"  # where people go: learned, social_force or constant_velocity
    position_tolerance: float = 0.2  # [m] from the goal at which the robot has arrived
    yaw_tolerance: float = 0.25  # [rad]; the robot turns to the goal's yaw on the spot
    people_considered: int = 10  # the nearest; a forecast's cost grows with their square
    attention_range: float = 8.0  # [m] beyond which a person is left out of the plan
    sub_goal: float = 2.0  # [m] along the route to the pose that the goal_pose terms want
    replan_aside: float = 1.5  # [m] off the route at which a new one is made
    blocked_after: float = 3.0  # [s] without a way on, after which the route is made anew round what is seen
    patience: float = 3.0  # [s] of not getting on, after which it asks those who stand to step aside; 0: never
    reverse: bool = True  # plan to drive backward too, as far as the base can, where the laser sees what is there
    person_radius: float = 0.45  # [m] round a track within which laser returns are the person's, not an obstacle's
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    planner: PlannerConfig = field(default_factory=PlannerConfig)
    route: RouteConfig = field(default_factory=RouteConfig)
    shield: ShieldConfig = field(default_factory=ShieldConfig)
    human_model: SocialForceConfig = field(default_factory=SocialForceConfig)

    def __post_init__(self) -> None:
        if self.mode not in ("planner", "policy", "both"):
            raise ConfigError(f"mode: expected planner, policy or both, got {self.mode!r}")
        if self.reference not in ("absent", "parked"):
            raise ConfigError(f"reference: expected absent or parked, got {self.reference!r}")
        if self.predictor not in PREDICTORS:
            raise ConfigError(f"predictor: expected one of {', '.join(PREDICTORS)}, got {self.predictor!r}")
        if not self.control_period > 0.0:
            raise ConfigError(f"control_period: expected seconds above zero, got {self.control_period}")
        if self.people_considered < 1:
            raise ConfigError(f"people_considered: expected at least 1, got {self.people_considered}")


class Navigator:
    """Drives one robot to one goal at a time.

    Give it a map (`set_map`) or a route (`set_route`), a goal (`set_goal`), then call `step` once per control
    period. Deterministic: the same observations and seed give the same plans.
    """

    needs_scan = True  # the shield believes what the laser returns and nothing else

    def __init__(
        self,
        config: NavigationConfig,
        radius: float,
        limits: BaseLimits,
        predictor: Predictor | None = None,
        seed: int = 0,
        policy: LearnedPolicy | None = None,
    ) -> None:
        """Without a `policy` the planner drives alone, whatever the config's mode."""
        self.config, self.radius, self.base = config, radius, limits
        self.predictor: Predictor = predictor or named_predictor(config.predictor, config.human_model)
        self.history = History()
        self.policy = policy if config.mode != "planner" else None
        self.random = np.random.default_rng(seed)
        self.floor: OccupancyMap | None = None
        self.goal: Floats | None = None
        self.route: Route | None = None
        self._routes: RoutePlanner | None = None
        self._given_route = False
        self._left: WayLeft | None = None
        self._plan: Floats | None = None
        self._plan_stamp = 0.0
        self._command = np.zeros(2)
        self._arriving = self._arrived = False
        self._blocked_since: float | None = None
        self._patience, self._wedged = Patience(), Wedged()

    def set_map(self, floor: OccupancyMap) -> None:
        """Use this floor plan; the route is made anew."""
        self.floor, self._routes = floor, RoutePlanner(floor, self.radius, self.config.route)
        if isinstance(self.predictor, SocialForce):
            self.predictor.prepare(floor)
        if not self._given_route:
            self.route, self._left = None, None

    def set_goal(self, pose: Floats | None) -> None:
        """Go to pose (3,) [m, m, rad] in frame `map`; None: nowhere, stand still."""
        self.goal, self.route, self._given_route, self._left = pose, None, False, None
        self._forget()

    def set_route(self, points: Floats, final_yaw: float | None = None) -> None:
        """Follow a line (M, 2) [m] that somebody else planned; its end is the goal. It may be renewed at any time:
        the last plan stays in mind, so a path that hardly changed changes little."""
        self.route = Route.along(points, self.config.route.spacing)
        if final_yaw is None:
            last = self.route.points[-1] - self.route.points[-2]
            final_yaw = float(np.arctan2(last[1], last[0]))
        self.goal, self._given_route, self._left = np.array([*self.route.points[-1], final_yaw]), True, None
        self._arriving = self._arrived = False

    def step(self, observation: Observation, sees_behind: bool = True) -> Plan:
        """The plan for the next control period; backward only if the laser sees what is there. Raises RouteError when
        no way leads to the goal."""
        self.watch(observation)
        if self.goal is None:
            return Plan(observation.stamp_s, STOP, "idle")
        robot = observation.robot
        if self._at_goal(robot.pose):
            return self._finish(observation)
        route = self._current_route(observation)
        people = observation.tracks.nearest(robot.pose[:2], self.config.people_considered, self.config.attention_range)
        people = self.history.of(people) if getattr(self.predictor, "needs_past", 0) else people
        seen = Seen.of(observation, self.config.person_radius)

        start = self._moving(robot.velocity)
        limits = self.base if self.config.reverse and sees_behind else self.base.forward_only()
        options = self._options(observation, seen, people, route, start, limits)
        room = self._clearance(options.poses[..., :2], seen, robot.pose)
        room = room - self._wedged.keeps(observation.stamp_s, self.config.shield.margin)
        if self._wedged.frees(observation.stamp_s):
            options, room = self._freeing(options, room, start, seen)
        choice = self._ranking(seen, route, people.radii).choose(
            options,
            start,
            self._way_left(route, options.poses, self.config.objective.turn),
            room,
            self._foresight(people, robot.pose),
            np.tile(robot.pose, (self.config.planner.steps, 1)) if self.config.reference == "parked" else None,
        )
        wanted = options.velocities[choice.best]
        verdict = self._shield(wanted[0], start, seen)
        beside = seen.room(self.radius + self.config.shield.margin)
        self._wedged.held(observation.stamp_s, float(wanted[0, 0]), verdict.command.linear, beside)
        self._remember(observation.stamp_s, wanted, verdict.command)
        return Plan(
            observation.stamp_s,
            verdict.command,
            self._status(options, choice, route, observation),
            verdict.reason,
            self.config.planner.step,
            wanted,
            options.poses[choice.best],
            people.ids,
            choice.people_with,
            choice.people_without,
            choice.terms,
            options.poses,
            self._short_tracks(people),
        )

    def watch(self, observation: Observation) -> None:
        """Remember where everybody is; `step` does, and whoever is not driving now may, so that a human model knows
        people's pasts when it is asked."""
        self.history.add(observation.tracks, observation.robot.pose)

    def guard(self, command: Command, observation: Observation, period: float, sees_behind: bool = True) -> Verdict:
        """Somebody else's command for the same base, through the same shield; `period` [s] since the last command. It
        may be backward where the laser sees what is there. The next plan goes on from it."""
        start = self._moving(observation.robot.velocity)
        limits = self.base if sees_behind else self.base.forward_only()
        seen = Seen.of(observation, self.config.person_radius)
        verdict = self._shield(command.as_array(), start, seen, limits, period)
        self._command = verdict.command.as_array()
        return verdict

    # -- the parts of a step ------------------------------------------------------------------------------------

    def _at_goal(self, pose: Floats) -> bool:
        """Arrived, with some play so that arriving is not undone by a centimetre of drift."""
        assert self.goal is not None
        distance = float(np.linalg.norm(self.goal[:2] - pose[:2]))
        self._arriving = distance < self.config.position_tolerance * (1.5 if self._arriving else 1.0)
        return self._arriving

    def _finish(self, observation: Observation) -> Plan:
        """Stop at the goal, then turn on the spot to its yaw."""
        assert self.goal is not None
        turn = float(wrap_angle(np.asarray(self.goal[2] - observation.robot.pose[2])))
        done = abs(turn) < self.config.yaw_tolerance * (1.5 if self._arrived else 1.0)
        still = abs(observation.robot.velocity[0]) < 0.05
        self._arrived = done and still
        wanted = np.array([0.0, 0.0 if done or not still else np.clip(1.5 * turn, -0.8, 0.8)])
        seen = Seen.of(observation, self.config.person_radius)
        verdict = self._shield(wanted, self._moving(observation.robot.velocity), seen)
        self._remember(observation.stamp_s, None, verdict.command)
        return Plan(observation.stamp_s, verdict.command, "arrived" if self._arrived else "turning", verdict.reason)

    def _current_route(self, observation: Observation) -> Route:
        """The stretch ahead of the route in force; a new one where there is none, the robot strayed or is blocked."""
        pose = observation.robot.pose
        blocked_for = observation.stamp_s - (self._blocked_since or observation.stamp_s)
        if self.route is not None and not self._given_route and blocked_for > self.config.blocked_after:
            self._blocked_since = observation.stamp_s
            self.route = self._detour(observation) or self.route
        strayed = self.route is not None and self.route.project(pose[:2])[1] > self.config.replan_aside
        if self.route is None or (strayed and not self._given_route):
            assert self.goal is not None
            if self._routes is None:
                self.route = Route.along(np.stack([pose[:2], self.goal[:2]]), self.config.route.spacing)
            else:
                self.route = self._routes.plan(pose[:2], self.goal[:2])
                self._left = self._left or self._routes.way_left(self.goal[:2])
        here, _ = self.route.project(pose[:2])
        return self.route.stretch(float(here), 1.0, self._reach() + 1.5)

    def _way_left(self, route: Route, poses: Floats, turn: float) -> Floats:
        """What is still to go (...) [m] from poses (..., 3): along the route, or round walls where that is more; with
        `turn` [m/rad] for turning to it."""
        along = np.asarray(route.to_go(poses, turn))
        return along if self._left is None else np.maximum(along, self._left.at(poses[..., :2]))

    def _detour(self, observation: Observation) -> Route | None:
        """A route round what the laser sees now, or None if there is none."""
        if self.floor is None or self.goal is None:
            return None
        try:
            seen = Seen.of(observation, self.config.person_radius)
            routes = RoutePlanner(with_returns(self.floor, seen.unexplained), self.radius, self.config.route)
            return routes.plan(observation.robot.pose[:2], self.goal[:2])
        except RouteError:
            return None

    def _options(
        self, observation: Observation, seen: Seen, people: Tracks, route: Route, start: Floats, limits: BaseLimits
    ) -> planner.Candidates:
        """Ways to go on, as the mode says: the planner's, the policy's favourite alone, or the planner's and all that
        the policy proposes."""
        pose, config, proposals = observation.robot.pose, self.config.planner, None
        if self.policy is not None:
            points, forward = seen.unexplained, limits.forward_only()
            found = self.policy(pose, start, route, self.radius, forward, points, people, config.steps, config.step)
            if self.config.mode == "policy":
                favourite = found.velocities[[int(np.argmax(found.scores))]]
                return planner.Candidates(favourite, rollout(pose[None], favourite, config.step))
            proposals = found.velocities
        last = self._last_plan(observation.stamp_s)
        slow = np.linalg.norm(people.velocities, axis=-1) < self.config.human_model.standing_below
        standing = people.positions[slow]
        return planner.candidates(pose, start, route, last, limits, config, self.random, proposals, standing)

    def _foresight(self, people: Tracks, pose: Floats) -> Foresight:
        """Where people go, for whatever the robot might do."""
        no_futures, past = np.zeros((0, self.config.planner.steps, 3)), self.history.robot(people.stamp_s, pose)
        robot = RobotFutures(pose, no_futures, np.zeros(0, dtype=bool), self.radius, past)
        return foresee(self.predictor, people, robot, self.config.planner.step, self.floor)

    def _short_tracks(self, people: Tracks) -> NDArray[np.int64]:
        """Of whom the predictor would need to know more; nobody where it reads no pasts."""
        if not getattr(self.predictor, "needs_past", 0):
            return np.zeros(0, np.int64)
        return people.ids[~long_enough(people, LEAST_KNOWN)]

    def _ranking(self, seen: Seen, route: Route, bodies: Floats | None) -> Ranking:
        """What candidates are ranked by, among people of radii `bodies` (N,) [m], where they are known."""
        assert self.goal is not None
        pose, stamp_s = seen.observation.robot.pose, seen.observation.stamp_s
        sub_goal, points = route.ahead(pose[:2], self.config.sub_goal, self.goal), seen.unexplained
        points = points[np.hypot(*(points - pose[:2]).T) < self._reach()]
        published = objective.Published(sub_goal, points, areas_of(points))
        to_go = float(self._way_left(route, pose[None], 0.0)[0])
        urgency = self._patience.urgency(stamp_s, to_go, self.config.patience)
        eagerness = self._patience.eagerness(self.config.patience)
        return Ranking(
            self.config.objective,
            self.config.planner.step,
            self.radius,
            published,
            urgency,
            bodies,
            eagerness=eagerness,
        )

    def _clearance(self, places: Floats, seen: Seen, pose: Floats) -> Floats:
        """Room (K, T) [m] between the robot's side and walls, mapped or seen, at places (K, T, 2)."""
        room = np.asarray(points_as_map(seen.unexplained, pose[:2], self._reach()).distance_at(places))
        if self.floor is not None:
            room = np.minimum(room, np.asarray(self.floor.distance_at(places)))
        return room - self.radius

    def _reach(self) -> float:
        return self.base.vx_max * self.config.planner.horizon + self.radius + 0.5

    def _shield(
        self,
        wanted: Floats,
        current: Floats,
        seen: Seen,
        limits: BaseLimits | None = None,
        period: float | None = None,
    ) -> Verdict:
        """Check the command against the returns ahead of the map: what is really there counts, not the plan."""
        points, velocities = seen.from_robot(3.0, self.config.shield.body)
        return shield(
            Command(float(wanted[0]), float(wanted[1])),
            current,
            points,
            velocities,
            self.radius,
            limits or self.base,
            self.config.control_period if period is None else period,
            self.config.shield,
        )

    def _freeing(
        self, options: planner.Candidates, room: Floats, start: Floats, seen: Seen
    ) -> tuple[planner.Candidates, Floats]:
        """Those of the options, with their room (K, T) [m], that get a wedged robot away from what holds it."""
        pose = seen.observation.robot.pose
        now = float(self._clearance(pose[None, None, :2], seen, pose)[0, 0])
        config = self.config
        points, paces = seen.from_robot(3.0, config.shield.body)

        def passes(wanted: Floats) -> NDArray[np.bool_]:
            period = config.control_period
            return passing(wanted, start, points, paces, self.radius, self.base, period, config.shield)

        left = free(options, room, now, config.planner.step, passes)
        return planner.Candidates(options.velocities[left], options.poses[left]), room[left]

    def _status(self, options: planner.Candidates, choice: Choice, route: Route, observation: Observation) -> str:
        """What is going on, by comparison with the plan that would be best if people did not count."""
        alone = choice.alone
        gain = route.remaining(observation.robot.pose[:2]) - route.remaining(options.poses[alone, -1, :2])
        if gain < 0.15:
            self._blocked_since = self._blocked_since or observation.stamp_s
            return "blocked"
        self._blocked_since = None
        soon = max(1, round(2.0 / self.config.planner.step))
        chosen, free = (float(np.mean(options.velocities[k, :soon, 0])) for k in (choice.best, alone))
        return "yielding" if chosen < 0.6 * free else "driving"

    # -- memory between steps -----------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._plan, self._plan_stamp, self._command = None, 0.0, np.zeros(2)
        self._arriving = self._arrived = False
        self._blocked_since = None
        self._patience, self._wedged = Patience(), Wedged()

    def _remember(self, stamp_s: float, plan: Floats | None, command: Command) -> None:
        self._plan, self._plan_stamp, self._command = plan, stamp_s, command.as_array()

    def _last_plan(self, stamp_s: float) -> Floats | None:
        elapsed = stamp_s - self._plan_stamp
        if self._plan is None or not 0.0 <= elapsed <= 1.0:
            return None
        return planner.shift(self._plan, elapsed, self.config.planner.step)

    def _moving(self, measured: Floats) -> Floats:
        """The velocity (2,) to plan from: the last command where the base follows it (odometry is noisy and late),
        else what odometry says."""
        follows = abs(measured[0] - self._command[0]) < 0.2 and abs(measured[1] - self._command[1]) < 0.6
        return self._command if follows else np.asarray(measured, dtype=np.float64)
