"""Files of golden behaviours are read strictly."""

from __future__ import annotations

import pytest

from expressive_motion.evaluation.behaviours import load_behaviours
from sac_son_nav.errors import ConfigError

GOOD = "nod: {instruction: Nod., scene: standing, norms: [says_yes]}\n"


def test_a_file_is_read_in_its_order(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("wave: {instruction: Wave., scene: alone, norms: [shows_life, stays]}\n" + GOOD)
    behaviours = load_behaviours(path)
    assert list(behaviours) == ["wave", "nod"]
    assert behaviours["wave"].norms == ("shows_life", "stays")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected behaviours by name"),
        ("[", "can't be read"),
        (GOOD.replace("says_yes", "says_maybe"), "says_maybe"),
        (GOOD.replace("[says_yes]", "[]"), "got none"),
        (GOOD.replace("standing", "nowhere"), "nowhere"),
        (GOOD.replace("Nod.", '" "'), "expected a text"),
        (GOOD.replace("scene", "place"), "place"),
        (GOOD.replace("scene: standing, ", ""), "scene"),
        ("nod: Nod.", "expected instruction, scene and norms"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, text, says):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"mine\.yaml") as refused:
        load_behaviours(path)
    assert says in str(refused.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ConfigError, match="can't be read"):
        load_behaviours(tmp_path / "none.yaml")
