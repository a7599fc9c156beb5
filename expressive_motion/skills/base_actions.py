"""Skills that move the base by itself: move, back_away, turn, rock, wiggle. All go by the pose that is measured, so
they end where they should."""

from __future__ import annotations

import math
from abc import abstractmethod

from expressive_motion.robot import Call
from expressive_motion.skills.action import Action, Moment, Wish, speed_to, turn_between

CLOSE_M, CLOSE_RAD = 0.004, math.radians(0.25)  # where a motion has got there
AT_REST, AT_REST_TURN = 0.03, 0.06  # [m/s], [rad/s] below which the base stands
HEADING_GAIN, ASTRAY_GAIN = 2.0, 1.5  # [1/s], [rad/m]: keeps a straight line straight
STRAIGHTENS = 0.4  # [rad/s] at most for that
GIVES_UP_S = 1.5  # of being blocked
SKIPS_S = 0.4  # of being blocked, in the middle of rocking
SWUNG = 0.12  # share of the amplitude near which one swing passes into the next
RETURNS_S = 3.0  # kept of a skill's time for getting back to where it began


class Straight(Action):
    """Progress along the line on which the skill began."""

    def __init__(self, call: Call, moment: Moment) -> None:
        super().__init__(call, moment)
        self._start = moment.pose.tolist()
        self._fastest = moment.description.body.base.calm_speed * self.number("speed")

    def place(self, moment: Moment) -> tuple[float, float]:
        """Metres along the line, and to the left of it."""
        (x0, y0, yaw), (x, y, _) = self._start, moment.pose.tolist()
        x, y = x - x0, y - y0
        c, s = math.cos(yaw), math.sin(yaw)
        return c * x + s * y, c * y - s * x

    def go(self, target_m: float, moment: Moment) -> Wish:
        """On towards a point of the line."""
        along, astray = self.place(moment)
        v = speed_to(target_m - along, self._fastest, moment.drive.deceleration)
        back = min(max(ASTRAY_GAIN * astray, -0.3), 0.3) * (1.0 if v >= 0.0 else -1.0)
        w = HEADING_GAIN * turn_between(moment.pose[2], self._start[2] - back)
        return Wish(v, min(max(w, -STRAIGHTENS), STRAIGHTENS))

    def there(self, target_m: float, moment: Moment) -> bool:
        """Whether it stands at a point of the line."""
        return abs(target_m - self.place(moment)[0]) < CLOSE_M and abs(moment.drive.last.linear) < AT_REST


class Move(Straight):
    """move and back_away."""

    def __init__(self, call: Call, moment: Moment) -> None:
        super().__init__(call, moment)
        self._target_m = self.number("distance_m") * (-1.0 if call.skill == "back_away" else 1.0)

    def control(self, moment: Moment) -> Wish:
        """Drive until it is there, or blocked for good."""
        if self.there(self._target_m, moment) or moment.drive.blocked_s > GIVES_UP_S:
            return self.end()
        return self.go(self._target_m, moment)


class Turn(Action):
    """turn, by as many turns as it says."""

    def __init__(self, call: Call, moment: Moment) -> None:
        super().__init__(call, moment)
        self._left = math.radians(self.number("angle_deg"))
        self._yaw = float(moment.pose[2])
        self._fastest = moment.description.body.base.calm_turn * self.number("speed")

    def control(self, moment: Moment) -> Wish:
        """Turn until nothing is left of the angle."""
        self._left -= turn_between(self._yaw, moment.pose[2])
        self._yaw = float(moment.pose[2])
        if abs(self._left) < CLOSE_RAD and abs(moment.drive.last.angular) < AT_REST_TURN:
            return self.end()
        return Wish(0.0, speed_to(self._left, self._fastest, moment.drive.turning))


class Swings(Action):
    """Between two ends and back to where it began: what rock and wiggle share. The unit is that of the amplitude."""

    amplitude: float

    def begin_swings(self, holds_both: bool) -> None:
        """`holds_both`: it holds at either end, else only at the first."""
        times, a = round(self.number("times")), self.amplitude
        self._ends = [sign * a for _ in range(times) for sign in (1.0, -1.0)]
        if not holds_both:
            self._ends.pop()  # a bow is one swing forward, and back to where it began
        self._holds_both, self._held_s, self._home = holds_both, 0.0, False

    @abstractmethod
    def offset(self, moment: Moment) -> float:
        """How far from where it began."""

    @abstractmethod
    def towards(self, target: float, moment: Moment) -> Wish:
        """The wish that brings it to an offset."""

    @abstractmethod
    def rests(self, moment: Moment) -> bool:
        """Whether it has come to rest where it began."""

    def control(self, moment: Moment) -> Wish:
        """The next end, a hold, or back."""
        if self.elapsed_s > self.at_most_s - RETURNS_S:
            self._ends = []
        if not self._ends:
            if not self._home:
                self._home = True
            elif self.rests(moment) or moment.drive.blocked_s > GIVES_UP_S:
                return self.end()
            return self.towards(0.0, moment)
        end = self._ends[0]
        held_s = self.number("hold_s") if self._holds_both or end > 0.0 else 0.0
        reached = abs(end - self.offset(moment)) < SWUNG * self.amplitude
        if reached or self._held_s > 0.0 or moment.drive.blocked_s > SKIPS_S:
            self._held_s += moment.dt
            if self._held_s > held_s:
                self._ends, self._held_s = self._ends[1:], 0.0
        return self.towards(end, moment)


class Rock(Swings, Straight):
    """rock: forward and back about where it stands."""

    def __init__(self, call: Call, moment: Moment) -> None:
        super().__init__(call, moment)
        self.amplitude = self.number("amplitude_m")
        self.begin_swings(holds_both=False)

    def offset(self, moment: Moment) -> float:
        """[m] ahead."""
        return self.place(moment)[0]

    def towards(self, target: float, moment: Moment) -> Wish:
        """Along its line."""
        return self.go(target, moment)

    def rests(self, moment: Moment) -> bool:
        """Back in its place."""
        return self.there(0.0, moment)


class Wiggle(Swings):
    """wiggle: to the left and to the right about its heading."""

    def __init__(self, call: Call, moment: Moment) -> None:
        super().__init__(call, moment)
        self.amplitude = math.radians(self.number("amplitude_deg"))
        self._yaw = float(moment.pose[2])
        self._fastest = moment.description.body.base.calm_turn * self.number("speed")
        self.begin_swings(holds_both=True)

    def offset(self, moment: Moment) -> float:
        """[rad] to the left."""
        return turn_between(self._yaw, moment.pose[2])

    def towards(self, target: float, moment: Moment) -> Wish:
        """On the spot."""
        return Wish(0.0, speed_to(target - self.offset(moment), self._fastest, moment.drive.turning))

    def rests(self, moment: Moment) -> bool:
        """Back at its heading."""
        return abs(self.offset(moment)) < CLOSE_RAD and abs(moment.drive.last.angular) < AT_REST_TURN
