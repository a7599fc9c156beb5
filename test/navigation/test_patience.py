"""Who waits for ever helps nobody; who asks at once is rude."""

import pytest

from sac_son_nav.navigation.patience import ASKS_FOR, Patience


def urgencies(ways: list[float], patience_s: float = 3.0) -> list[float]:
    """One every second."""
    patience = Patience()
    return [patience.urgency(float(t), way, patience_s) for t, way in enumerate(ways)]


def test_it_grows_only_after_the_patience_and_ends_at_one():
    found = urgencies([9.0] * 12)
    assert found[:4] == [0.0] * 4
    assert found[5] == pytest.approx(2.0 / ASKS_FOR)
    assert found[-1] == 1.0


def test_getting_on_takes_it_back_but_not_at_once():
    found = urgencies([9.0] * 8 + [8.8, 8.5, 8.2, 7.9])
    assert found[7] == 1.0
    assert 0.0 < found[8] < 1.0
    assert found[-1] < 0.2


def test_making_way_is_waiting_and_another_way_begins_anew():
    assert urgencies([9.0] + [9.8] * 9)[-1] == 1.0
    there = urgencies([9.0, 12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0])
    assert there == [0.0] * 10


def test_without_patience_nobody_is_asked():
    assert set(urgencies([9.0] * 20, patience_s=0.0)) == {0.0}
