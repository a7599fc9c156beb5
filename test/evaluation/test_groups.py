"""Group scores by hand, and what the rule reaches in a recording it was not fitted to."""

from __future__ import annotations

from pathlib import Path

import pytest

from sac_son_nav.cli import main
from sac_son_nav.evaluation.groups import Played, group_f1, learn, pair_f1
from sac_son_nav.perception.groups import GroupConfig, PairHistory

NEAR = PairHistory(20, 10.0, 1.0, 0.0, 8.0, 0.0, 20.0, 20)  # 0.5 m, 0.05 m/s, the same way
FAR = PairHistory(20, 80.0, 20.0, 0.0, 8.0, 0.0, -10.0, 20)  # 4 m, 1 m/s


def test_scores_by_hand() -> None:
    """Told 1-2 and 4-5; annotated 1-2-3 and 4-5. Pairs: 2 right, 2 told, 4 annotated: 4/6. Groups: {1, 2} shares 2 of
    3 with {1, 2, 3}, just enough, {4, 5} all: 2 of 2."""
    histories = {(1, 2): NEAR, (2, 3): FAR, (1, 3): FAR, (4, 5): NEAR}
    pairs = frozenset({(1, 2), (1, 3), (2, 3), (4, 5)})
    played = Played("made", histories, pairs, (frozenset({1, 2, 3}), frozenset({4, 5})), (0, 0, 0))
    assert pair_f1(played, GroupConfig()) == pytest.approx(4 / 6)
    assert group_f1(played, GroupConfig()) == 1.0


def test_learning_tells_near_from_far() -> None:
    histories = {(k, k + 100): NEAR if k % 3 == 0 else FAR for k in range(30)}
    pairs = frozenset(pair for pair, history in histories.items() if history is NEAR)
    played = Played("made", histories, pairs, tuple(map(frozenset, pairs)), (0, 0, 0))
    config = learn(played)
    assert config.distance < 0.0 < config.alignment
    assert pair_f1(played, config) == 1.0
    twice = learn(played, played)  # the same place again says nothing new, but for what the penalty weighs
    assert twice.distance == pytest.approx(config.distance, rel=0.5)


def test_groups_of_a_place_by_a_rule_fitted_to_another(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = shared_data / "eth-ucy-original"
    assert main(["evaluate", "groups", "--data", str(data), "--places", "zara01", "zara02", "--fit"]) == 0
    printed = capsys.readouterr().out.splitlines()
    figures = {words[0]: [float(w) for w in words[1:]] for words in map(str.split, printed[2:4])}
    assert figures["zara01"][0] > 0.84
    assert figures["zara01"][1] > 0.9
    assert printed[-1].startswith("fitted to all: GroupConfig(")
    assert main(["evaluate", "groups", "--data", str(data), "--places", "zara01"]) == 0
    assert "the shipped rule, fitted to these places" in capsys.readouterr().out


def test_one_place_can_not_be_left_out(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["evaluate", "groups", "--data", str(shared_data / "eth-ucy-original"), "--places", "zara01", "--fit"])
        == 2
    )
    assert "expected two or more" in capsys.readouterr().err


def test_missing_data_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "groups", "--data", str(tmp_path), "--places", "nowhere"]) == 2
    assert "no such folder" in capsys.readouterr().err
