"""What the spellings of --model mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from expressive_motion.errors import ModelError
from expressive_motion.models import make_model, server_config
from expressive_motion.robot import describe
from sac_son_nav.config import read_yaml, resource
from sac_son_nav.errors import ConfigError, SacSonError


def test_an_address_and_a_model() -> None:
    pytest.importorskip("httpx")
    model = make_model("http://127.0.0.1:11434/v1#llama3.2", describe())
    assert model.name == "llama3.2"
    assert server_config("https://llm.example/v1#org/model:8b").base_url == "https://llm.example/v1"
    assert server_config("https://llm.example/v1#org/model:8b").model == "org/model:8b"


def test_every_name_in_the_list_is_a_server() -> None:
    names = list(read_yaml(resource("config", "models.yaml")))
    assert "ollama" in names
    for name in names:
        server_config(name)


@pytest.mark.parametrize("text", ["", "nobody", "offline2", "http://127.0.0.1/v1", "http://127.0.0.1/v1#", "x://y#z"])
def test_what_means_nothing_is_told_with_what_does(text: str) -> None:
    with pytest.raises(SacSonError, match="expected") as caught:
        make_model(text, describe())
    assert isinstance(caught.value, (ModelError, ConfigError))


def test_a_password_in_an_address_is_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        make_model("https://me:hidden@llm.example/v1", describe())
    assert "hidden" not in str(caught.value)


def test_a_recording(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        make_model(f"recorded:{tmp_path / 'none.json'}", describe())
    path = tmp_path / "a.json"
    path.write_text('{"version": 1, "model": "once", "answers": []}')
    assert make_model(f"recorded:{path}", describe()).name == "once"


def test_the_offline_model_answers_at_once() -> None:
    model = make_model("offline", describe())
    assert "offline" in model.name
