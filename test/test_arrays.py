"""One spelling for NumPy and torch: NumPy answers for itself, and vectors come apart and together again."""

import subprocess
import sys

import numpy as np
import pytest

from sac_son_nav.arrays import components_first, device, namespace, pair


def test_numpy_speaks_for_itself_scalars_too() -> None:
    assert namespace(2.0, np.zeros(3)) is np
    assert namespace(np.float32(1.0)) is np
    assert (device(np.zeros(3)), device(np.float32(1.0))) == ("cpu", "cpu")
    with pytest.raises(TypeError, match="expected at least one array, got"):
        namespace(1.0)


OLD = """
import sys
import array_api_compat.numpy, scipy.ndimage, scipy.sparse.csgraph
import numpy as np
if "old" in sys.argv:
    for name in ("astype", "concat", "pow", "permute_dims", "unstack", "acos", "atan2", "vecdot", "isdtype"):
        if hasattr(np, name):
            delattr(np, name)
from sac_son_nav.arrays import namespace
from sac_son_nav.baselines.planners import shipped_settings
from sac_son_nav.config import load_robot
from sac_son_nav.navigation.navigator import Navigator
from sac_son_nav.simulation.scenarios import load_scenario
from sac_son_nav.states import Observation, RobotState, Tracks
assert (namespace(np.zeros(2)) is np) == hasattr(np, "astype")
robot, place = load_robot("simulated"), load_scenario("blind_corner")
made = Navigator(shipped_settings(), robot.radius, robot.limits)
made.set_map(place.floor)
made.set_goal(place.robot_goal)
people = Tracks(0.0, "map", np.arange(2), np.array([[4.0, 1.4], [7.5, 3.0]]), np.array([[-1.0, 0.0], [0.0, -1.0]]),
                np.zeros((2, 4, 4)), np.ones(2))
plan = made.step(Observation(0.0, RobotState(0.0, place.robot_start, np.zeros(2)), people, np.array([[3.0, 2.4]])))
print(plan.velocities.tolist(), plan.people_with.tolist())
"""


def test_the_older_numpy_of_robots_plans_the_same() -> None:
    """apt's NumPy for Humble and Jazzy is 1.x, which lacks names of the standard."""
    told = [
        subprocess.run(
            [sys.executable, "-c", OLD, age], capture_output=True, text=True, check=True, timeout=120
        ).stdout
        for age in ("old", "new")
    ]
    assert told[0] == told[1] != ""


@pytest.mark.parametrize("count", [2, 3])
def test_components_come_together_and_apart_again(count: int) -> None:
    given = np.random.default_rng(0).random((count, 4, 5)).astype(np.float32)
    vectors = pair(*given)
    assert vectors.shape == (4, 5, count)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, np.moveaxis(given, 0, -1))
    assert components_first(vectors).flags.c_contiguous
    np.testing.assert_array_equal(components_first(vectors), given)
    np.testing.assert_array_equal(components_first(np.ascontiguousarray(vectors)), given)


def test_torch_says_the_same() -> None:
    torch = pytest.importorskip("torch")
    given = np.random.default_rng(0).random((3, 4))
    vectors = pair(*torch.from_numpy(given))
    np.testing.assert_array_equal(vectors.numpy(), pair(*given))
    np.testing.assert_array_equal(components_first(vectors).numpy(), given)
