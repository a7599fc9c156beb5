"""Poses and points in the plane: SE(2), right-handed, metres and radians (REP-103).

A pose is an array (..., 3) of x [m], y [m], yaw [rad, counter-clockwise]. `a_from_b` names the pose of frame b
in frame a; it takes coordinates in b to coordinates in a, so ``compose(a_from_b, b_from_c)`` is ``a_from_c``.
Every function takes NumPy or torch arrays and broadcasts over leading dimensions.
"""

from __future__ import annotations

from sac_son_nav.arrays import Array, namespace, pair


def wrap_angle(angle: Array) -> Array:
    """The same angle [rad] in (-pi, pi]; any shape."""
    xp = namespace(angle)
    return xp.atan2(xp.sin(angle), xp.cos(angle))


def rotate(vectors: Array, yaw: Array) -> Array:
    """Vectors (..., 2) turned counter-clockwise by yaw (...) [rad]."""
    xp = namespace(vectors, yaw)
    c, s = xp.cos(yaw), xp.sin(yaw)
    x, y = vectors[..., 0], vectors[..., 1]
    return pair(c * x - s * y, s * x + c * y)


def transform_points(a_from_b: Array, points_in_b: Array) -> Array:
    """Points (..., 2) [m] given in b, expressed in a; `a_from_b` (..., 3) broadcasts against the points."""
    return rotate(points_in_b, a_from_b[..., 2]) + a_from_b[..., :2]


def compose(a_from_b: Array, b_from_c: Array) -> Array:
    """The pose (..., 3) of c in a."""
    xp = namespace(a_from_b, b_from_c)
    position = transform_points(a_from_b, b_from_c[..., :2])
    yaw = wrap_angle(a_from_b[..., 2] + b_from_c[..., 2])
    return xp.concat([position, yaw[..., None]], axis=-1)


def inverse(a_from_b: Array) -> Array:
    """The pose (..., 3) of a in b."""
    xp = namespace(a_from_b)
    yaw = -a_from_b[..., 2]
    return xp.concat([rotate(-a_from_b[..., :2], yaw), yaw[..., None]], axis=-1)


def unwrap_towards(reference: Array, pose: Array) -> Array:
    """The same pose (..., 3), its yaw shifted by full turns to lie within half a turn of `reference`'s, so that
    the two can be interpolated."""
    xp = namespace(reference, pose)
    yaw = reference[..., 2] + wrap_angle(pose[..., 2] - reference[..., 2])
    return xp.concat([pose[..., :2], yaw[..., None]], axis=-1)
