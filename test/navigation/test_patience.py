"""Who waits for ever helps nobody; who asks at once is rude."""

import numpy as np
import pytest

from sac_son_nav.navigation.objective import ObjectiveConfig, distances, of_people
from sac_son_nav.navigation.patience import ASKS_FOR, JOINS_AFTER, JOINS_FOR, Patience


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


def test_who_is_late_for_long_joins_and_less_so_as_it_gets_on():
    patience, found = Patience(), []
    ways = [9.0 + 0.5 * (t % 2) for t in range(30)] + [9.0 - 0.5 * t for t in range(12)]  # to and fro, then on
    for t, way in enumerate(ways):
        patience.urgency(float(t), way, 3.0)
        found.append(patience.eagerness(3.0))
    assert found[: round(JOINS_AFTER * 3.0) + 1] == [0.0] * 7
    assert found[12] == pytest.approx(6.0 / JOINS_FOR)
    assert found[29] == 1.0
    assert 0.0 < found[-1] < 0.8
    assert patience.eagerness(0.0) == 0.0


def test_who_joins_minds_less_whom_it_disturbs_and_touches_those_who_walk_no_sooner():
    ahead = 0.4 * np.arange(1, 13)
    robot = np.stack([0.5 * ahead, 0.0 * ahead], axis=-1)[None]
    without = np.stack([np.stack([3.0 - ahead, 0.5 + 0.0 * ahead], axis=-1), np.broadcast_to([1.5, -0.4], (12, 2))])[
        None
    ]
    for who, touched_less in ((slice(0, 1), False), (slice(1, 2), True)):
        alone = without[:, who]
        terms = [
            of_people(
                robot,
                alone + np.array([0.0, 0.1]),
                alone,
                distances(robot, alone),
                0.4,
                0.2,
                ObjectiveConfig(),
                **more,
            )
            for more in ({}, {"eagerness": 1.0})
        ]
        now, joining = ({name: float(value[0]) for name, value in each.items()} for each in terms)
        for name in ("personal_space", "counterfactual_perturbation"):
            assert 0.0 < joining[name] < 0.3 * now[name]
        assert now["contact"] > 0.0
        assert (joining["contact"] < 0.5 * now["contact"]) == touched_less
        assert touched_less or joining["contact"] == pytest.approx(now["contact"])


def test_who_is_asked_stands_where_they_stand_for_now_and_may_have_stepped_aside_later():
    person, where = np.array([2.0, 0.0]), np.array([2.0, -0.45])  # where the robot would just touch them
    alone = np.broadcast_to(person, (1, 1, 12, 2))
    away = np.broadcast_to([2.0, -2.0], (1, 12, 2))

    def touching(moment: int, urgency: float) -> float:
        robot = away.copy()
        robot[0, moment:] = where
        terms = of_people(
            robot, alone, alone, distances(robot, alone), 0.4, 0.2, ObjectiveConfig(), urgency, eagerness=urgency
        )
        return float(terms["contact"][0])

    at_once, soon = (touching(moment, 1.0) / touching(moment, 0.0) for moment in (0, 3))
    assert soon < 0.1  # they are expected to be a step further by then
    assert 2.0 * soon < at_once < 1.0
