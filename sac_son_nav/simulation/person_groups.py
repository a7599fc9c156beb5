"""What a scenario file can say about people: groups that share an errand, and how they stand, walk and react.

A place is either a point ``[x, y]`` or a region ``[x_min, y_min, x_max, y_max]`` [m, frame map]; within a region the
seed decides. The dice are cast in :mod:`.casting`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sac_son_nav.errors import ConfigError
from sac_son_nav.simulation.company import ROOM

Place = tuple[float, ...]  # (x, y) or (x_min, y_min, x_max, y_max) [m]

# How people take the robot: (robot_weight, curiosity).
REACTIONS = {"none": (0.0, 0.0), "usual": (1.0, 0.0), "wary": (2.0, 0.0), "curious": (1.0, 1.0)}
SLOWEST, FASTEST = 0.2, 2.0  # [m/s] between which walking speeds are clipped
SMALLEST, LARGEST = 0.15, 0.6  # [m] between which radii of bodies are clipped
FIDGET = 0.1  # share of the space between two neighbours by which people in a circle stand off even spacing


@dataclass(frozen=True)
class Stop:
    """One stop of an errand: where, and how long the person stays [s]."""

    to: tuple[float, ...]
    wait: float = 0.0

    def __post_init__(self) -> None:
        _check_place(self.to, "to")
        if self.wait < 0.0:
            raise ConfigError(f"wait: expected seconds of zero or more, got {self.wait}")


@dataclass(frozen=True)
class Formation:
    """A standing conversation: people on a circle who face its middle and keep it free (A. Kendon, "Conducting
    Interaction", 1990: an F-formation and its o-space)."""

    radius: float  # [m] from the middle to each of them

    def __post_init__(self) -> None:
        _check_above_zero(self, "radius")


@dataclass(frozen=True)
class Queue:
    """People in line, one behind the other, who move up as the first is served and leaves on the errand."""

    facing: float  # [rad] where they look; the line grows the other way
    spacing: float = 1.05  # [m] from one to the next; nearer, the social force pushes people out of line
    service: float = 6.0  # [s] mean of the time each spends at the head
    service_spread: float = 0.0  # [s] its standard deviation

    def __post_init__(self) -> None:
        _check_above_zero(self, "spacing", "service")
        _check_not_below_zero(self, "service_spread")


@dataclass(frozen=True)
class Circle:
    """People who start on a circle and walk to the opposite point of it: the circle crossing of the literature on
    crowd navigation."""

    radius: float  # [m]
    noise: float = 0.0  # [m] by which a start strays from the circle, in x and in y each, at most
    change_every: float = 0.0  # [s] after which people may change their minds, again and again; 0: they never do
    change_chance: float = 0.5  # with which they then set out for another point of the circle

    def __post_init__(self) -> None:
        _check_above_zero(self, "radius")
        _check_not_below_zero(self, "noise", "change_every")
        if not 0.0 <= self.change_chance <= 1.0:
            raise ConfigError(f"change_chance: expected a number from 0 to 1, got {self.change_chance}")


@dataclass(frozen=True)
class PersonGroup:
    """People who share an errand; each draws their own places, pace and body."""

    start: tuple[float, ...]  # where they stand; the middle of a formation or circle, the head of a queue
    errand: tuple[Stop, ...] = ()  # nothing: they stand at the start
    count: int = 1
    delay: float = 0.0  # [s] that they stand at the start before they set out; a queue's first is served from then on
    delay_range: tuple[float, ...] = ()  # [s] least and most, instead of `delay`
    repeat: bool = False  # begin the errand again at its end, instead of staying there
    speed: float = 1.25  # [m/s] mean of the preferred speed
    speed_spread: float = 0.2  # [m/s] its standard deviation
    speed_range: tuple[float, ...] = ()  # [m/s] lowest and highest, all as likely, instead of mean and spread
    radius: float = 0.25  # [m] of the body, shoulders a little drawn in
    radius_spread: float = 0.0  # [m] standard deviation between people
    radius_range: tuple[float, ...] = ()  # [m] lowest and highest, all as likely, instead of mean and spread
    reaction: str = ""  # how they take the robot, one of REACTIONS, instead of the two numbers below
    robot_weight: float = 1.0  # how strongly they mind the robot: 0 not at all, 1 as they mind a person
    curiosity: float = 0.0  # how strongly it draws them: 0 not at all, 1 they come and look
    stride: float = 1.0  # length of their steps, relative to the usual one at their speed
    together: bool = False  # they start, walk and stop side by side, and wait for each other
    formation: Formation | None = None
    queue: Queue | None = None
    circle: Circle | None = None

    def __post_init__(self) -> None:
        _check_place(self.start, "start")
        _check_above_zero(self, "speed", "radius", "stride")
        _check_not_below_zero(self, "speed_spread", "radius_spread", "delay", "robot_weight", "curiosity")
        if self.count < 1:
            raise ConfigError(f"count: expected one person or more, got {self.count}")
        _check_range(self.speed_range, "speed_range", SLOWEST, FASTEST)
        _check_range(self.radius_range, "radius_range", SMALLEST, LARGEST)
        _check_range(self.delay_range, "delay_range", 0.0, np.inf)
        if self.delay_range and self.delay:
            raise ConfigError("delay_range: expected it instead of delay, got both")
        if self.reaction:
            if self.reaction not in REACTIONS:
                raise ConfigError(f"reaction: expected one of {', '.join(REACTIONS)}, got {self.reaction!r}")
            if (self.robot_weight, self.curiosity) != (1.0, 0.0):
                raise ConfigError("reaction: expected it instead of robot_weight and curiosity, got both")
        self._check_layout()

    def _check_layout(self) -> None:
        layouts = [name for name in ("formation", "queue", "circle") if getattr(self, name) is not None]
        if len(layouts) > 1:
            raise ConfigError(f"{layouts[0]}: expected one layout at most, got {' and '.join(layouts)}")
        if self.together and self.count < 2:
            raise ConfigError("together: expected a count of two or more, got one person")
        if self.together and (self.queue or self.circle):
            raise ConfigError(f"together: expected people who walk side by side, got a {layouts[0]}")
        if self.formation:
            self._check_formation(self.formation)
        if self.queue:
            least = 2.0 * self.largest_radius + 0.1
            if self.queue.spacing < least:
                raise ConfigError(
                    f"queue.spacing: expected at least {least:.2f} m for such bodies, got {self.queue.spacing:g}"
                )
            if not self.errand or self.repeat:
                raise ConfigError("queue: expected an errand, not repeated, for those who have been served")
        if self.circle and self.errand:
            raise ConfigError("circle: expected no errand, for the opposite point is one, got both")
        if self.circle and len(self.start) != 2:
            raise ConfigError(f"start: expected the circle's middle [x, y], got {list(self.start)}")

    def _check_formation(self, formation: Formation) -> None:
        if self.count < 2:
            raise ConfigError("formation: expected a count of two or more, got one person")
        body = self.largest_radius
        nearest = (1.0 - 2.0 * FIDGET) * np.pi / self.count  # half the angle between two neighbours at the least
        least = max(body / np.sin(nearest), body + 0.1)
        if formation.radius < least:
            raise ConfigError(
                f"formation.radius: expected at least {least:.2f} m for {self.count} such people, "
                f"got {formation.radius:g}"
            )
        most = ROOM * (self.count - 1)  # beyond it company is drawn closer together
        if self.together and formation.radius > most:
            raise ConfigError(
                f"formation.radius: expected at most {most:g} m where {self.count} people keep together, "
                f"got {formation.radius:g}"
            )

    @property
    def largest_radius(self) -> float:
        """[m] that no body of the group exceeds, or three standard deviations above the mean."""
        if self.radius_range:
            return self.radius_range[1]
        return min(self.radius + 3.0 * self.radius_spread, max(self.radius, LARGEST))

    @property
    def reacts(self) -> tuple[float, float]:
        """(robot_weight, curiosity), from the reaction where it is named."""
        return REACTIONS[self.reaction] if self.reaction else (self.robot_weight, self.curiosity)


def _check_place(place: Place, name: str) -> None:
    if len(place) not in (2, 4):
        raise ConfigError(f"{name}: expected [x, y] or [x_min, y_min, x_max, y_max], got {list(place)}")
    if len(place) == 4 and not (place[0] < place[2] and place[1] < place[3]):
        raise ConfigError(f"{name}: expected x_min < x_max and y_min < y_max, got {list(place)}")


def _check_range(values: tuple[float, ...], name: str, low: float, high: float) -> None:
    if values and not (len(values) == 2 and low <= values[0] <= values[1] <= high):
        limits = f"from {low:g} on" if np.isinf(high) else f"within {low:g} to {high:g}"
        raise ConfigError(f"{name}: expected [lowest, highest] {limits}, got {list(values)}")


def _check_above_zero(settings: object, *names: str) -> None:
    for name in names:
        if not getattr(settings, name) > 0.0:
            raise ConfigError(f"{name}: expected a number above zero, got {getattr(settings, name)}")


def _check_not_below_zero(settings: object, *names: str) -> None:
    for name in names:
        if getattr(settings, name) < 0.0:
            raise ConfigError(f"{name}: expected zero or more, got {getattr(settings, name)}")
