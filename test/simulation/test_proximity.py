from __future__ import annotations

import numpy as np
import pytest

from sac_son_nav.simulation.proximity import compass, risk

NOBODY = np.zeros((0, 2))


def test_risk_is_how_near_the_nearest_is() -> None:
    people = np.array([[[1.5, 0.0], [0.0, -2.9]], [[0.0, 0.3], [9.0, 9.0]], [[3.0, 0.1], [-4.0, 0.0]]])
    np.testing.assert_allclose(risk(people), [1.0 - 1.5 / 3.0, 1.0 - 0.3 / 3.0, 0.0])
    assert risk(NOBODY) == 0.0
    assert risk(np.array([[np.nan, np.nan]])) == 0.0


def test_the_compass_tells_it_by_direction() -> None:
    # Ahead 1.5 m, to the left 2 m and 4 m, at -135 degrees sqrt(18) m, and to the right somebody out of range.
    people = np.array([[1.5, 0.0], [0.0, 4.0], [0.0, 2.0], [-3.0, -3.0], [0.0, -6.5]])
    expected = [0.75, 0.0, 2.0 / 3.0, 0.0, 0.0, 1.0 - 18.0**0.5 / 6.0, 0.0, 0.0]
    np.testing.assert_allclose(compass(people), expected, atol=1e-12)
    np.testing.assert_array_equal(compass(NOBODY), np.zeros(8))
    np.testing.assert_array_equal(compass(np.full((3, 2), np.nan)), np.zeros(8))


@pytest.mark.parametrize(("degrees", "sector"), [(0, 0), (22, 0), (23, 1), (-22, 0), (-23, 7), (180, 4), (-179, 4)])
def test_sectors_are_centred_on_the_heading_and_go_counter_clockwise(degrees: float, sector: int) -> None:
    angle = np.radians(degrees)
    there = compass(3.0 * np.array([[np.cos(angle), np.sin(angle)]]))
    assert np.flatnonzero(there).tolist() == [sector]
    assert there[sector] == pytest.approx(0.5)


def test_both_are_the_same_in_a_batch_and_in_torch() -> None:
    people = np.random.default_rng(2).uniform(-5.0, 5.0, (4, 3, 6, 2))
    np.testing.assert_array_equal(risk(people)[2, 1], risk(people[2, 1]))
    np.testing.assert_array_equal(compass(people)[2, 1], compass(people[2, 1]))
    torch = pytest.importorskip("torch")
    np.testing.assert_allclose(risk(torch.asarray(people)).numpy(), risk(people))
    np.testing.assert_allclose(compass(torch.asarray(people)).numpy(), compass(people))
