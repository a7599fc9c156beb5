"""One spelling for NumPy and torch: NumPy answers for itself, and vectors come apart and together again."""

import numpy as np
import pytest

from sac_son_nav.arrays import components_first, device, namespace, pair


def test_numpy_speaks_for_itself_scalars_too() -> None:
    assert namespace(2.0, np.zeros(3)) is np
    assert namespace(np.float32(1.0)) is np
    assert (device(np.zeros(3)), device(np.float32(1.0))) == ("cpu", "cpu")
    with pytest.raises(TypeError, match="expected at least one array, got"):
        namespace(1.0)


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
