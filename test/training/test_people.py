"""What a person looks like to a laser: the fit on answers known by hand, and on a recording it has not seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sac_son_nav.errors import BagError, ConfigError
from sac_son_nav.evaluation.clear_mot import Sector
from sac_son_nav.perception.appearance import FEATURES, LEARNED, Appearance, in_line
from sac_son_nav.training.people import Samples, as_source, fit, made_samples, main, read_samples, separation


def column(values: np.ndarray) -> np.ndarray:
    """Features of which only the first says something."""
    features = np.zeros((len(values), len(FEATURES)))
    features[:, 0] = values
    return features


def test_fit_finds_the_odds_it_was_given() -> None:
    """90 of 100 people and 10 of 100 others show a sign: the odds of those with it are 9, of those without 1/9."""
    sign = np.repeat([1.0, 0.0, 1.0, 0.0], [90, 10, 10, 90])
    is_person = np.repeat([True, False], 100)
    appearance = fit([Samples(column(sign), is_person)], ridge=1e-9)
    np.testing.assert_allclose(appearance.probabilities(column(np.array([1.0, 0.0]))), [0.9, 0.1], atol=1e-4)


def test_rare_people_weigh_as_much_as_many_others() -> None:
    """The same with 10 times as many others: the prior is even all the same."""
    sign = np.repeat([1.0, 0.0, 1.0, 0.0], [90, 10, 100, 900])
    is_person = np.repeat([True, False], [100, 1000])
    appearance = fit([Samples(column(sign), is_person)], ridge=1e-9)
    np.testing.assert_allclose(appearance.probabilities(column(np.array([1.0, 0.0]))), [0.9, 0.1], atol=1e-4)


def test_separation_by_hand() -> None:
    """Looks 3 and 1 for people, 2 and 0 for others: of four pairs three are right."""
    weights = (1.0, *(0.0,) * (len(FEATURES) - 1))
    appearance = Appearance((0.0,) * len(FEATURES), (1.0,) * len(FEATURES), weights, 0.0)
    samples = Samples(column(np.array([3.0, 1.0, 2.0, 0.0])), np.array([True, True, False, False]))
    assert separation(appearance, samples) == 0.75


def test_samples_of_one_kind_are_refused() -> None:
    with pytest.raises(BagError, match="people and others"):
        Samples(column(np.zeros(3)), np.ones(3, dtype=bool))


def test_appearance_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(ConfigError, match=f"expected {len(FEATURES)} numbers, got 2"):
        Appearance((0.0, 0.0), (1.0,), (0.0,), 0.0)


def test_in_line_by_hand() -> None:
    """Returns every 0.2 m along x = 2 from y = -1 to 1. In their line, between 0.3 m and 1.2 m off, 0.4 .. 1.0 on both
    sides are 8, each worth 2 m * 0.01 rad = 0.02 m. A place 0.5 m before the wall has at most the few of it that one
    direction meets."""
    wall = np.stack([np.full(11, 2.0), np.linspace(-1.0, 1.0, 11)], axis=-1)
    surface = in_line(np.array([[2.0, 0.0], [1.5, 0.0], [-3.0, 0.0]]), wall, 0.01)
    assert surface[0] == pytest.approx(0.16)
    assert surface[1] < 0.06
    assert surface[2] == 0.0


def test_made_rooms_are_the_same_for_the_same_luck() -> None:
    one, other = (made_samples(20, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one.features, other.features)
    assert separation(LEARNED, made_samples(60, np.random.default_rng(9))) > 0.75


def test_fit_to_rooms_and_one_recording_knows_people_of_another(
    shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fitted to the people of a university's corridor and held to those marked there; the same text comes out."""
    bag = shared_data / "leg-tracker-bags" / "general_tracking_moving_1"
    samples = read_samples(bag, f"{bag}_people.csv", Sector.degrees(-80.0, 12.0))
    assert int(samples.is_person.sum()) == 151
    assert separation(fit([samples]), samples) > 0.9
    assert separation(LEARNED, samples) > 0.85
    given = [str(bag), f"{bag}_people.csv", "-80", "12"]
    assert main(["--rooms", "0", "--recording", *given]) == 0
    assert as_source(fit([samples])) in capsys.readouterr().out
