"""One description of what a robot can express: its skills, their arguments, units and limits.

It is made from the catalogue `skills.yaml` and the section `expression` of the robot's profile. The prose a language
model reads (`capabilities`), the typed stubs a program is checked against (`stubs`) and the limits its calls are held
to (`check`) all come from here, so they can't drift apart.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from expressive_motion.errors import ProgramError
from sac_son_nav.config import RobotProfile, build, load_robot, load_robot_section
from sac_son_nav.errors import ConfigError

KINDS = {"number": "float", "text": "str", "flag": "bool", "choice": "str"}
RETURNS = {"nothing": "None", "flag": "bool", "number": "float"}
EFFECTS = ("moves_base", "moves_head", "lights", "sounds", "speaks", "waits")
MODALITIES = {"base": "moves_base", "head": "moves_head", "light": "lights", "sound": "sounds", "speech": "speaks"}
"""What an instruction can forbid, and the effect that goes with it."""

Value = float | str | bool


@dataclass(frozen=True)
class Base:
    """How the base moves when it expresses something; its hard limits stand in the profile."""

    calm_speed: float = 0.25  # [m/s]
    calm_turn: float = 1.0  # [rad/s]
    move_m: tuple[float, float] = (-0.3, 2.0)
    back_m: tuple[float, float] = (0.05, 0.5)
    reach_m: float = 3.0  # [m] from where it began, the furthest a behaviour may take the robot


@dataclass(frozen=True)
class Head:
    """A head that turns; pan to the left, tilt upward."""

    pan_deg: tuple[float, float] = (-80.0, 80.0)
    tilt_deg: tuple[float, float] = (-35.0, 25.0)
    calm_speed: float = 1.2  # [rad/s]
    topic: str = "head_command"  # sensor_msgs/JointState
    joints: tuple[str, str] = ("head_pan_joint", "head_tilt_joint")


@dataclass(frozen=True)
class Light:
    """A light that shows one colour at a time."""

    kind: str = "ring"  # ring, led or strip: for people who read of it
    colours: tuple[str, ...] = ("white", "red", "green", "blue", "orange", "yellow", "purple")
    patterns: tuple[str, ...] = ("steady", "blink", "pulse")


@dataclass(frozen=True)
class Sound:
    """A buzzer or speaker for short tones."""

    tones: tuple[str, ...] = ("rising", "falling", "chime", "soft", "alert")


@dataclass(frozen=True)
class Voice:
    """Speech."""

    words_per_minute: float = 150.0


@dataclass(frozen=True)
class Body:
    """What a robot has to express itself with; a part it lacks is None. The section `expression` of a profile."""

    about: str = "a small round robot on wheels, as high as a knee"
    base: Base = field(default_factory=Base)
    head: Head | None = None
    light: Light | None = None
    sound: Sound | None = None
    voice: Voice | None = None

    def has(self, part: str) -> bool:
        """Whether a part is there; eyes and clock always are."""
        return part in ("eyes", "clock") or getattr(self, part) is not None


@dataclass(frozen=True)
class Parameter:
    """One argument of a skill. `low` and `high` bound a number, `length` a text, `choices` a choice."""

    name: str
    kind: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    length: int = 0
    choices: tuple[str, ...] = ()
    default: Value | None = None

    def take(self, value: Any, where: str) -> Value:
        """The value as it may be used; one that may not raises ProgramError, saying what was expected."""
        if self.kind == "number":
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ProgramError(f"{where}: expected a number, got {_shown(value)}")
            # a huge int can't become a float, so it is compared before
            if not (self.low <= value <= self.high):
                expected = f"{self.low:g} to {self.high:g}{f' [{self.unit}]' if self.unit else ''}"
                raise ProgramError(f"{where}: expected {expected}, got {_shown(value)}")
            return float(value)
        if self.kind == "flag":
            if not isinstance(value, bool):
                raise ProgramError(f"{where}: expected True or False, got {_shown(value)}")
            return value
        if not isinstance(value, str):
            raise ProgramError(f"{where}: expected a text, got {_shown(value)}")
        if self.kind == "choice":
            if value not in self.choices:
                raise ProgramError(f"{where}: expected one of {', '.join(self.choices)}, got {_shown(value)}")
            return value
        if not value.strip() or len(value) > self.length:
            raise ProgramError(f"{where}: expected 1 to {self.length} characters, got {len(value)}")
        if any(unicodedata.category(c).startswith("C") for c in value):
            raise ProgramError(f"{where}: expected plain text, got control characters")
        return value

    @property
    def stub(self) -> str:
        """As it stands in a signature."""
        kind = KINDS[self.kind]
        if self.kind == "choice":
            kind = f"Literal[{', '.join(map(repr, self.choices))}]"
        return f"{self.name}: {kind}" + ("" if self.default is None else f" = {self.default!r}")

    @property
    def prose(self) -> str:
        """As a language model reads it."""
        if self.kind == "choice":
            said = "one of " + ", ".join(self.choices)
        elif self.kind == "number":
            said = f"{self.low:g} to {self.high:g} {self.unit}".rstrip()
        else:
            said = f"at most {self.length} characters" if self.kind == "text" else "True or False"
        return f"{self.name} ({said}{'' if self.default is None else f'; {self.default} unless said otherwise'})"


@dataclass(frozen=True)
class Skill:
    """Something the robot can do, or be asked, by one call."""

    name: str
    part: str
    summary: str
    parameters: tuple[Parameter, ...] = ()
    returns: str = "nothing"
    effects: frozenset[str] = frozenset()
    at_most_s: float = 10.0

    @property
    def stub(self) -> str:
        """Its signature and docstring, Python."""
        arguments = ", ".join(p.stub for p in self.parameters)
        return f'def {self.name}({arguments}) -> {RETURNS[self.returns]}:\n    """{self._told}"""\n    ...\n'

    @property
    def prose(self) -> str:
        """Its paragraph in the capabilities."""
        return f"- {self.name}: {self._told}"

    @property
    def _told(self) -> str:
        """The summary, and the arguments with their limits, which authors of steps and of programs both need."""
        arguments = "; ".join(p.prose for p in self.parameters)
        return self.summary + (f" Arguments: {arguments}." if arguments else "")


@dataclass(frozen=True)
class Call:
    """A call that may be carried out: every argument of its skill, each within its limits."""

    skill: str
    arguments: Mapping[str, Value]

    def __str__(self) -> str:
        return f"{self.skill}({', '.join(f'{k}={v!r}' for k, v in self.arguments.items())})"


@dataclass(frozen=True)
class Description:
    """A robot and its skills, in the catalogue's order. Make one with :func:`describe`."""

    profile: RobotProfile
    body: Body
    skills: Mapping[str, Skill]

    def capabilities(self, learned: Sequence[tuple[str, str]] = ()) -> str:
        """What the robot can do, as prose; `learned` adds saved behaviours as (name, summary)."""
        lines = [f"The robot is {self.body.about}.", "It can do the following, one thing after another:"]
        lines += [skill.prose for skill in self.skills.values()]
        lacking = [part for part in ("head", "light", "sound", "voice") if not self.body.has(part)]
        if lacking:
            lines.append(f"It has no {', no '.join(lacking)}.")
        if learned:
            lines.append("It has learned these behaviours, which can be called by their names without arguments:")
            lines += [f"- {name}: {summary}" for name, summary in learned]
        return "\n".join(lines)

    def stubs(self, learned: Sequence[tuple[str, str]] = ()) -> str:
        """The same as Python stubs, which a program is type-checked against."""
        parts = ["from typing import Literal\n", *(skill.stub for skill in self.skills.values())]
        parts += [f"def {name}() -> None:\n    {summary!r}\n    ...\n" for name, summary in learned]
        return "\n".join(parts)

    def check(
        self, name: str, arguments: Sequence[Any] = (), keywords: Mapping[str, Any] | None = None, where: str = ""
    ) -> Call:
        """The call, completed with defaults; anything unknown, missing, not finite or out of range raises
        ProgramError."""
        skill = self.skills.get(name)
        if skill is None:
            raise ProgramError(f"{where or name}: no such skill; this robot has {', '.join(self.skills)}")
        where = where or name
        if len(arguments) > len(skill.parameters):
            raise ProgramError(f"{where}: expected at most {len(skill.parameters)} arguments, got {len(arguments)}")
        given: dict[str, Any] = {p.name: v for p, v in zip(skill.parameters, arguments, strict=False)}
        known = {p.name for p in skill.parameters}
        for key, value in (keywords or {}).items():
            if key not in known:
                raise ProgramError(f"{where}: unknown argument {_shown(key)}; known are {', '.join(sorted(known))}")
            if key in given:
                raise ProgramError(f"{where}: the argument {key!r} is given twice")
            given[key] = value
        complete: dict[str, Value] = {}
        for parameter in skill.parameters:
            value = given.get(parameter.name, parameter.default)
            if value is None:
                raise ProgramError(f"{where}: expected the argument {parameter.name!r}")
            complete[parameter.name] = parameter.take(value, f"{where}({parameter.name})")
        return Call(name, complete)


def describe(robot: str = "simulated") -> Description:
    """The description of a robot by its profile's name or path; ConfigError where profile or catalogue is wrong."""
    return make_description(load_robot(robot), load_robot_section(robot, "expression"), robot)


def make_description(profile: RobotProfile, section: Mapping[str, Any] | None, where: str) -> Description:
    """The description from a profile and its section `expression`; without one only the base is there."""
    body = build(Body, section or {}, f"{where}.expression")
    if profile.limits.vx_min >= 0.0 > body.base.move_m[0]:  # a base that can't reverse isn't asked to
        body = replace(body, base=replace(body.base, move_m=(0.0, body.base.move_m[1])))
    skills = {name: _skill(name, entry, body) for name, entry in catalogue().items() if _can(entry, profile, body)}
    return Description(profile, body, skills)


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Mapping[str, Any]]:
    """Every skill there is, by name, as skills.yaml has it."""
    loaded: dict[str, Any] = yaml.safe_load(
        files("expressive_motion").joinpath("skills.yaml").read_text(encoding="utf-8")
    )
    return loaded


def _can(entry: Mapping[str, Any], profile: RobotProfile, body: Body) -> bool:
    """Whether a robot has what a skill of the catalogue takes."""
    reverses = profile.limits.vx_min < 0.0
    return body.has(entry["part"]) and (reverses or entry.get("needs") != "reverse")


def _skill(name: str, entry: Mapping[str, Any], body: Body) -> Skill:
    effects = set(entry["effects"])
    if name in ("look_at_person", "look_at_place") and body.head is None:
        effects = {"moves_base"}  # a robot without a neck turns as a whole
    unknown = effects - set(EFFECTS)
    if unknown:
        raise ConfigError(f"skills.yaml: {name}: unknown effect {sorted(unknown)[0]!r}")
    return Skill(
        name,
        entry["part"],
        " ".join(entry["summary"].split()),
        tuple(_parameter(key, given, body) for key, given in entry["parameters"].items()),
        entry.get("returns", "nothing"),
        frozenset(effects),
        float(entry["at_most_s"]),
    )


def _parameter(name: str, entry: Mapping[str, Any], body: Body) -> Parameter:
    def looked_up(given: Any) -> Any:
        if not isinstance(given, str):
            return given
        part, key = given.split(".")
        return getattr(getattr(body, part), key)

    low, high = looked_up(entry.get("range", (-math.inf, math.inf)))
    default = entry.get("default")
    return Parameter(
        name,
        entry["type"],
        entry.get("unit", ""),
        float(low),
        float(high),
        int(entry.get("length", 0)),
        tuple(looked_up(entry.get("choices", ()))),
        float(default) if entry["type"] == "number" and default is not None else default,
    )


def _shown(value: Any) -> str:
    """A value in a message, never longer than a line."""
    try:
        text = repr(value)
    except Exception:  # an int of too many digits has no repr
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."
