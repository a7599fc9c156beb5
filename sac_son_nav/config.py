"""Settings and resources: frozen dataclasses read from YAML, maps from map_server files, shares found on disk.

A settings file is a ROS parameter file (``<node or /**>: ros__parameters: ...``), so that one file serves
``--params-file``, launch and plain Python. Unknown keys fail, so a misspelt weight is never a default.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_type_hints

import cv2
import numpy as np
import yaml

from sac_son_nav.errors import ConfigError, MapError
from sac_son_nav.kinematics import BaseLimits
from sac_son_nav.maps import FREE, OCCUPIED, UNKNOWN, OccupancyMap

PACKAGE = "sac_son"
PROFILE_SECTIONS = ("expression",)
"""Parts of a robot's profile that navigation does not read; who does checks them."""
DISTRIBUTIONS = "distributions"
"""Part of a robot's profile that says what differs under which ROS 2 distribution."""
HARDWARE = ("standard", "create3", "kobuki", "turtlebot3")
"""Whose own messages tell of bumpers and cliffs, and take lights and tones; standard: nobody's."""
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class LaserConfig:
    """A planar laser and where it sits on the base."""

    topic: str = "scan"
    frame: str = "base_scan"
    x: float = 0.0  # [m] in base_link
    y: float = 0.0  # [m]
    yaw: float = 0.0  # [rad]
    height: float = 0.2  # [m] above the floor; decides whether it sees legs or trunks
    angle_min: float = -3.141592653589793  # [rad]
    angle_max: float = 3.141592653589793  # [rad]
    beams: int = 720
    range_min: float = 0.12  # [m]
    range_max: float = 12.0  # [m]
    rate: float = 10.0  # [Hz]
    noise: float = 0.01  # [m], standard deviation of a range


@dataclasses.dataclass(frozen=True)
class RobotProfile:
    """One robot: body, limits and sensors. A file in config/robots fills it in."""

    name: str = "simulated"
    radius: float = 0.22  # [m] of the circle that covers the base
    limits: BaseLimits = BaseLimits()
    laser: LaserConfig = LaserConfig()
    command_timeout: float = 0.25  # [s] after which the base stops by itself
    enable_stamped_cmd_vel: bool = False  # TwistStamped instead of Twist
    base_frame: str = "base_link"
    odom_frame: str = "odom"
    hardware: str = "standard"  # one of HARDWARE

    def __post_init__(self) -> None:
        if self.hardware not in HARDWARE:
            raise ConfigError(f"robot hardware: expected one of {', '.join(HARDWARE)}, got {self.hardware!r}")
        if not self.radius > 0.0:
            raise ConfigError(f"robot radius: expected metres above zero, got {self.radius}")
        if not self.command_timeout > 0.0:
            raise ConfigError(f"robot command_timeout: expected seconds above zero, got {self.command_timeout}")


def build(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """A settings dataclass from nested plain values; unknown keys, wrong types and bad values raise ConfigError.

    `where` names the source in messages. An int is taken for a float, nothing else is converted.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where}: expected a mapping of settings, got {values!r}")
    hints = get_type_hints(cls)
    fields = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - fields)
    if unknown:
        raise ConfigError(f"{where}: unknown setting {unknown[0]!r}; known are {', '.join(sorted(fields))}")
    needed = [
        f.name
        for f in dataclasses.fields(cls)  # type: ignore[arg-type]
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING and f.name not in values
    ]
    if needed:
        raise ConfigError(f"{where}: expected the setting {needed[0]!r}, got {', '.join(map(str, values)) or 'none'}")
    made: dict[str, Any] = {}
    for name, value in values.items():
        made[name] = _convert(hints[name], value, f"{where}.{name}")
    try:
        return cls(**made)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _convert(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return build(kind, value, where)  # type: ignore[arg-type]
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in (float, int, str, bool):
        if type(value) is not kind or (kind is float and not np.isfinite(value)):
            raise ConfigError(f"{where}: expected {kind.__name__}, got {value!r}")
        return value
    origin = getattr(kind, "__origin__", None)
    if origin in (tuple, list):
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f"{where}: expected a list, got {value!r}")
        item = kind.__args__[0]
        if origin is tuple and Ellipsis not in kind.__args__ and len(value) != len(kind.__args__):
            raise ConfigError(f"{where}: expected {len(kind.__args__)} values, got {len(value)}")
        return origin(_convert(item, v, f"{where}[{i}]") for i, v in enumerate(value))
    if isinstance(kind, UnionType) and kind.__args__[1:] == (NoneType,):  # a setting that may be left out
        return None if value is None else _convert(kind.__args__[0], value, where)
    raise ConfigError(f"{where}: settings of type {kind!r} are not supported")


def flatten(settings: Any, prefix: str = "") -> dict[str, Any]:
    """A settings dataclass as dotted names and plain values, the way ROS names parameters."""
    flat: dict[str, Any] = {}
    for f in dataclasses.fields(settings):
        value = getattr(settings, f.name)
        if dataclasses.is_dataclass(value):
            flat.update(flatten(value, f"{prefix}{f.name}."))
        else:
            flat[prefix + f.name] = list(value) if isinstance(value, tuple) else value
    return flat


def unflatten(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of :func:`flatten`: nested mappings from dotted names."""
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        level = nested
        for part in path:
            level = level.setdefault(part, {})
        level[last] = value
    return nested


def read_yaml(path: Path | str) -> Any:
    """What a YAML file says; a file that is missing or no YAML raises ConfigError."""
    path = Path(path)
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: expected YAML, got {' '.join(str(error).split())}") from None


def read_parameters(path: Path | str, node: str) -> dict[str, Any]:
    """The nested parameters that a ROS parameter file gives to `node` (its own section over ``/**``)."""
    document = read_yaml(path)
    if not isinstance(document, Mapping):
        raise ConfigError(f"{path}: expected a ROS parameter file, got {document!r}")
    values: dict[str, Any] = {}
    for section in ("/**", node, f"/{node}"):
        if section in document:
            body = document[section]
            if not isinstance(body, Mapping) or "ros__parameters" not in body:
                raise ConfigError(f"{path}: expected 'ros__parameters' under {section!r}")
            values.update(body["ros__parameters"] or {})
    return values


def load_robot(name_or_path: str, distribution: str | None = None) -> RobotProfile:
    """A robot profile by name (``config/robots/<name>.yaml``) or by path.

    Makers changed their robots' topics from one ROS 2 distribution to the next. What the profile says of
    `distribution` (None: the one in ROS_DISTRO, if that is set) goes over what it says of the newest.
    """
    path = _robot_file(name_or_path)
    document = read_yaml(path)
    if isinstance(document, Mapping):
        document = {key: value for key, value in document.items() if key not in PROFILE_SECTIONS}
        differing = document.pop(DISTRIBUTIONS, None) or {}
        if not isinstance(differing, Mapping) or not all(isinstance(v, Mapping) for v in differing.values()):
            raise ConfigError(f"{path}.{DISTRIBUTIONS}: expected settings by distribution, got {differing!r}")
        distribution = os.environ.get("ROS_DISTRO", "") if distribution is None else distribution
        document.update(differing.get(distribution, {}))
    return build(RobotProfile, document, str(path))


def load_robot_section(name_or_path: str, section: str) -> Mapping[str, Any] | None:
    """One of the PROFILE_SECTIONS of a profile, as it stands there; None where the profile has none."""
    path = _robot_file(name_or_path)
    values = read_yaml(path).get(section)
    if values is not None and not isinstance(values, Mapping):
        raise ConfigError(f"{path}: {section}: expected a mapping of settings, got {values!r}")
    return values


def _robot_file(name_or_path: str) -> Path:
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = resource("config", f"robots/{name_or_path}.yaml", what="robot profile")
    return path


def load_map(path: Path | str) -> OccupancyMap:
    """A floor plan in ROS map_server form: a YAML file that names a pgm or png image.

    Follows map_server's trinary mode: occupancy p = (255 - grey) / 255 (grey / 255 when `negate`), occupied
    above `occupied_thresh`, free below `free_thresh`, unknown between.
    """
    path = Path(path)
    try:
        document = read_yaml(path)
    except ConfigError as error:
        raise MapError(f"map {error}") from None
    if not isinstance(document, Mapping):
        raise MapError(f"map {path}: expected a map_server YAML file, got {document!r}")
    missing = [key for key in ("image", "resolution", "origin") if key not in document]
    if missing:
        raise MapError(f"map {path}: expected the key {missing[0]!r}, got {', '.join(map(str, document))}")
    image_path = path.parent / str(document["image"])
    image = cv2.imread(str(image_path), cv2.IMREAD_GRAYSCALE) if image_path.is_file() else None
    if image is None:
        raise MapError(f"map {path}: expected a pgm or png image at {image_path}, found none that can be read")
    try:
        resolution = float(document["resolution"])
        x, y, yaw = (float(v) for v in document["origin"])
        occupied_above = float(document.get("occupied_thresh", 0.65))
        free_below = float(document.get("free_thresh", 0.25))
        negate = bool(int(document.get("negate", 0)))
    except (TypeError, ValueError) as error:
        raise MapError(f"map {path}: expected numbers for resolution, origin and thresholds, got {error}") from None
    if abs(yaw) > 1e-6:
        raise MapError(f"map {path}: expected an origin without rotation, got yaw {yaw}")
    grey = image.astype(np.float64) / 255.0
    occupancy = grey if negate else 1.0 - grey
    cells = np.full(image.shape, UNKNOWN, dtype=np.int8)
    cells[occupancy > occupied_above] = OCCUPIED
    cells[occupancy < free_below] = FREE
    return OccupancyMap(np.ascontiguousarray(cells[::-1]), resolution, (x, y))


def resource(kind: str, name: str = "", what: str = "resource") -> Path:
    """Where a shipped file stands: `kind` is ``config``, ``launch`` or ``models``.

    An existing path is taken as it is; else the ament index's share folder, else the installation prefix's
    share folder, else the repository root (editable install), in that order.
    """
    given = Path(name)
    if name and given.is_absolute():
        if given.exists():
            return given
        raise ConfigError(f"{what} {name}: no such file")
    here = Path(__file__).resolve()
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    # the last is where this very file was installed: <prefix>/lib/python3.x/site-packages/sac_son_nav
    prefixes += [sys.prefix, *map(str, here.parents[4:5])]
    roots = [*(Path(p) / "share" / PACKAGE for p in prefixes), here.parent.parent]
    for root in roots:
        candidate = root / kind / name
        if candidate.exists():
            return candidate
    known = sorted({p.stem for root in roots for p in (root / kind / given.parent).glob(f"*{given.suffix}")})
    raise ConfigError(f"{what} {given.stem!r}: not found; known are {', '.join(known) or 'none'}")


def make_folder(out: Path, *earlier: str) -> Path:
    """A folder for results, made if it is missing; the `earlier` results in it are removed, anything else is left
    alone. Raises ConfigError where nothing can be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in earlier:
            (out / name).unlink(missing_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise ConfigError(f"results in {out}: expected a folder to write to, got: {error.strerror}") from None
    return out


def write_atomically(path: Path | str, data: bytes | str) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new, never a part."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = data.encode() if isinstance(data, str) else data
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
