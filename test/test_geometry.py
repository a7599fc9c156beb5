import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sac_son_nav.arrays import norm
from sac_son_nav.geometry import compose, inverse, rotate, transform_points, unwrap_towards, wrap_angle

metres, radians = st.floats(-50.0, 50.0), st.floats(-20.0, 20.0)
poses = st.tuples(metres, metres, radians).map(np.array)
points = st.tuples(metres, metres).map(np.array)


def same_pose(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal up to full turns."""
    turn = a[..., 2] - b[..., 2]
    return bool(np.allclose(a[..., :2], b[..., :2], atol=1e-9) and np.allclose(np.sin(turn / 2), 0.0, atol=1e-9))


def test_transforms_by_hand() -> None:
    # b stands at (1, 2) in a and looks up the y axis: one metre ahead of it is (1, 3), one to its left (0, 2).
    a_from_b = np.array([1.0, 2.0, np.pi / 2])
    np.testing.assert_allclose(
        transform_points(a_from_b, np.array([[1.0, 0.0], [0.0, 1.0]])), [[1.0, 3.0], [0.0, 2.0]], atol=1e-12
    )
    np.testing.assert_allclose(rotate(np.array([1.0, 0.0]), np.array(np.pi)), [-1.0, 0.0], atol=1e-12)
    # c is two metres ahead of b and turned by another quarter.
    b_from_c = np.array([2.0, 0.0, np.pi / 2])
    np.testing.assert_allclose(compose(a_from_b, b_from_c), [1.0, 4.0, np.pi], atol=1e-12)
    # a's origin seen from b: 2 m behind it and 1 m to its left.
    np.testing.assert_allclose(inverse(a_from_b), [-2.0, 1.0, -np.pi / 2], atol=1e-12)


@pytest.mark.parametrize(("angle", "wrapped"), [(0.0, 0.0), (3.5 * np.pi, -0.5 * np.pi), (-7.0, 2 * np.pi - 7.0)])
def test_angles_wrap(angle: float, wrapped: float) -> None:
    assert wrap_angle(np.array(angle)) == pytest.approx(wrapped)


@given(radians)
def test_a_wrapped_angle_is_the_same_direction(angle: float) -> None:
    wrapped = float(wrap_angle(np.array(angle)))
    assert -np.pi <= wrapped <= np.pi
    assert np.cos(wrapped) == pytest.approx(np.cos(angle), abs=1e-9)
    assert np.sin(wrapped) == pytest.approx(np.sin(angle), abs=1e-9)


@given(poses)
def test_there_and_back_is_nowhere(pose: np.ndarray) -> None:
    assert same_pose(compose(pose, inverse(pose)), np.zeros(3))
    assert same_pose(compose(inverse(pose), pose), np.zeros(3))


@given(poses, poses, poses)
def test_composition_is_associative(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    assert same_pose(compose(compose(a, b), c), compose(a, compose(b, c)))


@given(poses, poses, points)
def test_composed_transforms_act_one_after_the_other(a: np.ndarray, b: np.ndarray, point: np.ndarray) -> None:
    both = transform_points(compose(a, b), point)
    np.testing.assert_allclose(both, transform_points(a, transform_points(b, point)), atol=1e-9)


@given(poses, poses)
def test_unwrapping_keeps_the_pose_and_comes_within_half_a_turn(reference: np.ndarray, pose: np.ndarray) -> None:
    unwrapped = unwrap_towards(reference, pose)
    assert same_pose(unwrapped, pose)
    assert abs(unwrapped[2] - reference[2]) <= np.pi + 1e-9


@given(points, radians)
def test_turning_keeps_lengths(vector: np.ndarray, yaw: float) -> None:
    assert np.linalg.norm(rotate(vector, np.array(yaw))) == pytest.approx(np.linalg.norm(vector), abs=1e-9)


def test_many_at_once_are_each_of_them() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 4, 5, 3))
    together = compose(a, b)
    for k in np.ndindex(4, 5):
        np.testing.assert_allclose(together[k], compose(a[k], b[k]), atol=1e-12)


def test_a_length_is_never_zero() -> None:
    assert norm(np.array([[3.0, 4.0]]))[0] == pytest.approx(5.0)
    assert 0.0 < norm(np.zeros((1, 2)))[0] < 1e-8


def test_torch_says_the_same_and_has_gradients() -> None:
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(1)
    a, b, places = random.normal(size=(6, 3)), random.normal(size=(6, 3)), random.normal(size=(6, 2))
    ours = [compose(a, inverse(b)), transform_points(a, places)]
    ta, tb, tp = (torch.tensor(x, requires_grad=True) for x in (a, b, places))
    theirs = [compose(ta, inverse(tb)), transform_points(ta, tp)]
    for expected, found in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-12)
    zero = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    (theirs[0].sum() + theirs[1].square().sum() + norm(zero).sum()).backward()
    for tensor in (ta, tb, tp, zero):
        assert torch.isfinite(tensor.grad).all()
