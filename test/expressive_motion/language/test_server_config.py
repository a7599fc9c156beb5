"""Where a server may stand, and that the key goes there and nowhere else."""

from __future__ import annotations

import json
import logging
import traceback
from pathlib import Path

import pytest

pytest.importorskip("httpx")

from expressive_motion.errors import ModelError
from expressive_motion.language.server_config import ServerConfig
from sac_son_nav.config import build
from sac_son_nav.errors import ConfigError
from test.expressive_motion.chat_server import refuses, says, serve, stalls

from .test_openai_client import GOOD, QUESTION, TEXT, model

KEY = "sk-very-secret-0123456789"


def test_the_key_goes_to_the_server_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SAC_SON_LLM_KEY", f" {KEY}\n")
    echoes = refuses("401 No", {"error": {"message": f"Incorrect key: {KEY}"}})
    with serve(says(TEXT.replace("nods", KEY)), echoes, stalls()) as served:
        asked = model(served.url, idle_s=0.1, retries=0)
        answer = asked.ask(QUESTION)
        assert served.headers[0]["authorization"] == f"Bearer {KEY}"
        shown = [repr(answer), repr(asked), repr(asked.config), repr(vars(asked)), json.dumps(served.requests)]
        for _ in range(2):
            with pytest.raises(ModelError) as caught:
                asked.ask(QUESTION)
            error: BaseException | None = caught.value
            while error is not None:
                assert error.__traceback__ is not None
                inner = error.__traceback__.tb_next  # this test holds the key, of course
                frames = traceback.TracebackException(type(error), error, inner, capture_locals=True)
                shown += [repr(error), "".join(frames.format())]
                error = error.__cause__ or error.__context__
        shown.append(caplog.text)
    assert "(the key)" in answer.text
    assert not [text for text in shown if KEY in text]
    assert any("got = _Failure(" in text for text in shown)  # so variables were looked at


@pytest.mark.parametrize("key", ["a\nb", "clé", "a b"])
def test_a_key_that_no_header_takes_is_not_quoted(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("SAC_SON_LLM_KEY", key)
    with pytest.raises(ModelError, match="SAC_SON_LLM_KEY: expected a key of printable ASCII") as caught:
        model("http://127.0.0.1:9/v1").ask(QUESTION)
    assert key not in str(caught.value)


def test_a_key_travels_over_tls_or_on_loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAC_SON_LLM_KEY", KEY)
    for url in ("https://llm.example/v1", "http://localhost:1/v1", "http://[::1]:1/v1", "http://127.9.9.9/v1"):
        assert ServerConfig(url, "m").key().value == KEY
    for url in ("http://192.168.0.7/v1", "http://llm.example/v1", "http://127.0.0.1.example/v1"):
        key = ServerConfig(url, "m").key()
        assert (key.value, key.held_back) == ("", True)
    assert ServerConfig("https://llm.example/v1", "m", key_variable="").key().value == ""


def test_proxies_and_passwords_of_the_environment_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hidden\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("SAC_SON_LLM_KEY", raising=False)
    with serve(says(TEXT)) as served:
        assert model(served.url).ask(QUESTION).content == GOOD
        assert "authorization" not in served.headers[0]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:11434/v1",
        "ftp://127.0.0.1/v1",
        "http:///v1",
        "http://127.0.0.1:x/v1",
        "http://127.0.0.1:99999/v1",
        "http://127.0.0.1:0/v1",
        "http://127.0.0.1/v 1",
        "http://127.0.0.1/v1\r\nHost: x",
        "http://127.0.0.1/v1?key=1",
        "http://127.0.0.1/v1#m",
        "http://[::1/v1",
    ],
)
def test_what_is_no_address_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(ConfigError, match="base_url: expected an address") as caught:
        ServerConfig(url, "m")
    assert "\n" not in str(caught.value)


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match="without user or password") as caught:
        ServerConfig("https://me:hidden@llm.example/v1", "m")
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"deadline_s": 0.0},
        {"idle_s": -1.0},
        {"connect_s": 0.0},
        {"backoff_s": 0.0},
        {"retries": 11},
        {"max_tokens": 0},
        {"temperature": 2.1},
        {"model": " "},
        {"model": "a\nb"},
        {"key": "sk-1"},
    ],
)
def test_settings_out_of_bounds_are_refused(values: dict[str, object]) -> None:
    given = {"base_url": "http://127.0.0.1/v1", "model": "m", **values}
    with pytest.raises(ConfigError, match=next(iter(values))):
        build(ServerConfig, given, "servers")


def test_a_key_held_back_is_told_where_it_is_missed() -> None:
    from expressive_motion.language.openai_client import _refused_sentence

    assert "key was not sent" in _refused_sentence(401, "no", held_back=True)
    assert "key was not sent" not in _refused_sentence(401, "no", held_back=False)
    assert "key was not sent" not in _refused_sentence(404, "no", held_back=True)
