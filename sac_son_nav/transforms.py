"""Frames and how they lie to each other over time: what `/tf` says, kept and asked, without ROS.

A transform is a 4 x 4 matrix that takes points of one frame to another, spelled `target_from_source`. Each frame has
one parent. Between two stamps positions are interpolated along a line, orientations along the great arc (Shoemake,
"Animating rotation with quaternion curves", SIGGRAPH 1985).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np
from transforms3d.quaternions import quat2mat

from sac_son_nav.errors import MessageError
from sac_son_nav.states import Floats, Scan

LEVEL = math.radians(10.0)
"""Up to which tilt a planar laser counts as level: at 10 degrees its beams are 1.7 m off their height after 10 m."""


@dataclass
class _Edge:
    """How a child frame lies in its parent: stamps [s], positions (3,), unit quaternions (4,) wxyz."""

    parent: str
    fixed: bool
    stamps: list[float] = field(default_factory=list)
    positions: list[Floats] = field(default_factory=list)
    turns: list[Floats] = field(default_factory=list)


class TransformBuffer:
    """The last `keep` [s] of a tree of frames.

    Up to `tolerance` [s] beyond the newest transform that one is taken; further it is not known. A stamp that falls
    back by more than `reset_after` [s] means the clock was set back: what moved before is forgotten.
    """

    def __init__(self, keep: float = 10.0, tolerance: float = 0.2, reset_after: float = 1.0) -> None:
        self.keep, self.tolerance, self.reset_after = keep, tolerance, reset_after
        self._edges: dict[str, _Edge] = {}

    def add(
        self, parent: str, child: str, stamp_s: float, position: Floats, turn: Floats, fixed: bool = False
    ) -> None:
        """Frame `child` lies at position (3,) [m], turn (4,) wxyz in `parent`. What is no number, no unit quaternion,
        or its own parent raises MessageError."""
        where = f"transform from {parent} to {child}"
        parent, child = parent.lstrip("/"), child.lstrip("/")
        if not parent or not child or parent == child:
            raise MessageError(f"{where}: expected two frames")
        position, turn = np.asarray(position, dtype=np.float64), np.asarray(turn, dtype=np.float64)
        length = float(np.linalg.norm(turn))
        if not (np.isfinite(position).all() and abs(length - 1.0) < 1e-2 and math.isfinite(stamp_s)):
            raise MessageError(f"{where}: expected finite numbers and a unit quaternion, got length {length:.3g}")
        edge = self._edges.get(child)
        back = edge is not None and edge.stamps and stamp_s < edge.stamps[-1] - self.reset_after
        if edge is None or edge.parent != parent or edge.fixed != fixed or fixed or back:
            if back and not fixed:
                self._forget_motion()
            edge = self._edges[child] = _Edge(parent, fixed)
        if edge.stamps and stamp_s <= edge.stamps[-1]:
            return
        edge.stamps.append(stamp_s)
        edge.positions.append(position)
        edge.turns.append(turn / length)
        while len(edge.stamps) > 2 and edge.stamps[1] < stamp_s - self.keep:
            del edge.stamps[0], edge.positions[0], edge.turns[0]

    def lookup(self, target: str, source: str, stamp_s: float | None = None) -> Floats | None:
        """target_from_source (4, 4) at a moment [s] (None: the newest of each step); None where it is not known."""
        up, down = self._chain(source), self._chain(target)
        if up is None or down is None:
            return None
        common = next((frame for frame, _ in up if any(frame == other for other, _ in down)), None)
        if common is None:
            return None
        to_common = self._upward(source, common, stamp_s)
        back = self._upward(target, common, stamp_s)
        if to_common is None or back is None:
            return None
        found: Floats = np.linalg.inv(back) @ to_common
        return found

    def newest_s(self, parent: str, child: str) -> float | None:
        """The stamp [s] of the newest transform of a child in its very parent, infinite for one that holds for ever;
        None where there is none."""
        edge = self._edges.get(child)
        if edge is None or edge.parent != parent:
            return None
        return math.inf if edge.fixed else edge.stamps[-1]

    def frames(self) -> dict[str, str]:
        """The parent of each frame."""
        return {child: edge.parent for child, edge in self._edges.items()}

    def _forget_motion(self) -> None:
        self._edges = {child: edge for child, edge in self._edges.items() if edge.fixed}

    def _chain(self, frame: str) -> list[tuple[str, _Edge | None]] | None:
        """The frame and those above it; None for a circle."""
        chain: list[tuple[str, _Edge | None]] = []
        while frame not in (name for name, _ in chain):
            edge = self._edges.get(frame)
            chain.append((frame, edge))
            if edge is None:
                return chain
            frame = edge.parent
        return None

    def _upward(self, frame: str, above: str, stamp_s: float | None) -> Floats | None:
        """above_from_frame (4, 4)."""
        matrix: Floats = np.eye(4)
        while frame != above:
            edge = self._edges[frame]
            step = self._at(edge, stamp_s)
            if step is None:
                return None
            matrix, frame = step @ matrix, edge.parent
        return matrix

    def _at(self, edge: _Edge, stamp_s: float | None) -> Floats | None:
        if edge.fixed or stamp_s is None:
            return _matrix(edge.positions[-1], edge.turns[-1])
        if not edge.stamps[0] <= stamp_s <= edge.stamps[-1] + self.tolerance:
            return None
        after = min(bisect_left(edge.stamps, stamp_s), len(edge.stamps) - 1)
        if after == 0 or stamp_s >= edge.stamps[-1]:
            return _matrix(edge.positions[after], edge.turns[after])
        share = (stamp_s - edge.stamps[after - 1]) / (edge.stamps[after] - edge.stamps[after - 1])
        position = (1.0 - share) * edge.positions[after - 1] + share * edge.positions[after]
        return _matrix(position, slerp(edge.turns[after - 1], edge.turns[after], share))


def slerp(first: Floats, second: Floats, share: float) -> Floats:
    """The unit quaternion (4,) that lies `share` of the shorter arc from first to second."""
    cosine = float(np.dot(first, second))
    if cosine < 0.0:
        second, cosine = -second, -cosine
    if cosine > 0.9995:  # so close that the line is the arc
        mixed = first + share * (second - first)
        return np.asarray(mixed / np.linalg.norm(mixed))
    angle = math.acos(min(cosine, 1.0))
    weights = np.sin([(1.0 - share) * angle, share * angle]) / math.sin(angle)
    return np.asarray(weights[0] * first + weights[1] * second)


def planar(matrix: Floats) -> Floats:
    """Position and yaw (3,) [m, m, rad] of a transform (4, 4), whatever it does beside that."""
    return np.array([matrix[0, 3], matrix[1, 3], math.atan2(matrix[1, 0], matrix[0, 0])])


def laser_place(base_from_laser: Floats, what: str) -> tuple[Floats, bool]:
    """Where a planar laser sits (3,) [m, m, rad], and whether it hangs upside down, from its transform (4, 4).

    One that is tilted by more than LEVEL raises MessageError that begins with `what`.
    """
    up = float(base_from_laser[2, 2])
    tilt = math.acos(min(abs(up), 1.0))
    if tilt > LEVEL:
        raise MessageError(
            f"{what}: expected a level laser, got one tilted by {math.degrees(tilt):.0f} degrees in the transforms"
        )
    return planar(base_from_laser), up < 0.0


def upright(scan: Scan) -> Scan:
    """The scan of a laser that hangs upside down, as one that stands upright in its place would have taken it."""
    first = -(scan.angle_min + scan.angle_increment * (len(scan.ranges) - 1))
    return Scan(
        scan.stamp_s,
        scan.ranges[::-1].copy(),
        first,
        scan.angle_increment,
        scan.range_min,
        scan.range_max,
        scan.frame,
    )


def _matrix(position: Floats, turn: Floats) -> Floats:
    matrix = np.eye(4)
    matrix[:3, :3] = quat2mat(turn)
    matrix[:3, 3] = position
    return matrix
