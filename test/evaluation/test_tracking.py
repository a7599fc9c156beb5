"""The scores by hand arithmetic, and what detector and tracker reach on marked recordings."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from sac_son_nav.cli import main
from sac_son_nav.errors import BagError
from sac_son_nav.evaluation.tracking import Score, evaluate_bag, match, read_marks

HEADER = "bag_time_ns,frame_id,person_id,x_m,y_m\n"


def test_match_takes_most_pairs_then_least_distance() -> None:
    """Marks at 0 and 0.4; found at 0.35 and 0.8. The nearest pair alone (0.4 with 0.35) would leave the others 0.8
    apart; two pairs within 0.5 m are better: 0 with 0.35, 0.4 with 0.8."""
    marked, found = np.array([[0.0, 0.0], [0.4, 0.0]]), np.array([[0.35, 0.0], [0.8, 0.0]])
    pairs = match(marked, found, 0.5)
    assert [(r, c) for r, c, _ in pairs] == [(0, 0), (1, 1)]
    assert [d for _, _, d in pairs] == pytest.approx([0.35, 0.4])


def test_match_of_nobody_and_beyond_the_gate() -> None:
    nobody, one = np.zeros((0, 2)), np.array([[1.0, 1.0]])
    assert match(nobody, one, 0.5) == match(one, nobody, 0.5) == []
    assert match(one, one + 0.4, 0.5) == []  # 0.57 m


def test_scores_by_hand() -> None:
    """Three scans of persons a and b. 1: both found by ids 1 and 2. 2: a found by 1, b missed, something at (9, 9).
    3: both found, a now by id 5 (a switch), b by 2 again (none). Marks 6, matches 5, found 6:
    recall 5/6, precision 5/6, MOTA 1 - (1 miss + 1 false + 1 switch)/6 = 0.5; errors 0, 0.1, 0.1, 0.2, 0.3:
    median 0.1.
    """
    score, marks = Score(), np.array([[0.0, 0.0], [5.0, 0.0]])
    score.add(["a", "b"], marks, np.array([[5.0, 0.2], [0.1, 0.0]]), [2, 1], 0.5)
    score.add(["a", "b"], marks, np.array([[0.1, 0.0], [9.0, 9.0]]), [1, 8], 0.5)
    score.add(["a", "b"], marks, np.array([[0.3, 0.0], [5.0, 0.0]]), [5, 2], 0.5)
    assert (score.scans, score.marks, score.found, score.switches) == (3, 6, 6, 1)
    assert score.recall == pytest.approx(5 / 6)
    assert score.precision == pytest.approx(5 / 6)
    assert score.median_error == pytest.approx(0.1)
    assert score.mota == pytest.approx(0.5)
    assert score.recalls == {"a": 1.0, "b": pytest.approx(2 / 3)}


def test_score_of_nothing_is_not_a_number() -> None:
    score = Score()
    assert all(math.isnan(v) for v in (score.recall, score.precision, score.median_error, score.mota))


def test_detections_have_no_switches() -> None:
    score = Score()
    for _ in range(3):
        score.add(["a"], np.zeros((1, 2)), np.zeros((1, 2)), None, 0.5)
    assert (score.switches, score.mota) == (0, 1.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected the columns"),
        ("time,x\n1,2\n", "expected the columns"),
        (HEADER, "at least one mark"),
        (HEADER + "1,laser,2,abc,0\n", "line 2: expected a whole number and two numbers, got .*abc"),
        (HEADER + "1.5,laser,2,0,0\n", "line 2: .*1.5"),
        (HEADER + "1,laser,2,0\n", "line 2"),
    ],
)
def test_bad_marks_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "marks.csv").write_text(text)
    with pytest.raises(BagError, match=message):
        read_marks(tmp_path / "marks.csv")


def test_missing_marks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="expected a CSV file"):
        read_marks(tmp_path / "marks.csv")


def test_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "people", str(tmp_path / "bag"), str(tmp_path / "marks.csv")]) == 2
    assert "no such file or folder" in capsys.readouterr().err


def test_marks_of_another_recording_are_refused(shared_data: Path) -> None:
    bags = shared_data / "leg-tracker-bags"
    with pytest.raises(BagError, match="expected marks within the recording"):
        evaluate_bag(bags / "general_tracking_moving_1", bags / "person_following_outdoor_1_people.csv", first=50)


def test_people_before_a_moving_wheelchair(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the command prints. Only some people are marked, so only recall, error and switches say something. Ids from
    1000 up hardly move."""
    bag = shared_data / "leg-tracker-bags" / "general_tracking_moving_1"
    assert main(["evaluate", "people", str(bag), f"{bag}_people.csv", "--topic", "/scan"]) == 0
    printed = capsys.readouterr().out
    assert "153 marks in 123 scans, matched within 0.5 m; followed in 'odom'" in printed
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines()[1:3]}
    assert float(rows["detections"][0]) > 0.95
    recall, _, error, unit, _, switches, _ = rows["tracks"]
    assert float(recall) > 0.70
    assert float(error) < 0.15
    assert unit == "m"
    assert int(switches) <= 6


def test_one_person_followed_outdoors_without_odometry(shared_data: Path) -> None:
    """The one person near is marked in nearly every scan; other people and plants are not."""
    bag = shared_data / "leg-tracker-bags" / "person_following_outdoor_1"
    result = evaluate_bag(bag, f"{bag}_people.csv", first=1200)
    assert result.frame == "base_laser_link"
    assert result.tracks.recall > 0.97
    assert result.tracks.precision > 0.8
    assert result.tracks.median_error < 0.1
    assert result.tracks.switches < 8
    assert result.published.motp < 0.09
