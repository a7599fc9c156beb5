"""The chat client against a real server on loopback that does everything servers do, and worse."""

from __future__ import annotations

import gzip
import json
import threading
import time

import pytest

pytest.importorskip("httpx")

from expressive_motion.chain import schema
from expressive_motion.errors import ModelError, Refused, Unreachable
from expressive_motion.language.language_model import Answer, Message, Question
from expressive_motion.language.openai_client import OpenAIModel
from expressive_motion.language.server_config import ServerConfig
from test.expressive_motion.chat_server import (
    Act,
    delta,
    drips,
    event,
    head,
    refuses,
    says,
    sends,
    serve,
    stalls,
    stop,
    streamed,
)

GOOD = {"reasoning": "People nod – ça va.", "human_motion": "A person nods. 🙂", "left_out": "", "refusal": ""}
TEXT = json.dumps(GOOD, ensure_ascii=False)
QUESTION = Question("social_reasoning", {"instruction": "Nod."}, (Message("system", "s"), Message("user", "Nod.")))
LONG = 20.0  # [s] that no test should need


def model(url: str, **changes: object) -> OpenAIModel:
    quick = {"deadline_s": LONG, "connect_s": 2.0, "idle_s": 5.0, "retries": 2, "backoff_s": 0.01, **changes}
    return OpenAIModel(ServerConfig(url, "m", **quick), jitter=lambda: 0.5)  # type: ignore[arg-type]


def ask(*script: Act, **changes: object) -> tuple[Answer, list[dict]]:
    with serve(*script) as served:
        return model(served.url, **changes).ask(QUESTION, seed=3), served.requests


def fail(*script: Act, **changes: object) -> tuple[str, list[dict]]:
    with serve(*script) as served:
        with pytest.raises(ModelError) as caught:
            model(served.url, **changes).ask(QUESTION)
        said = str(caught.value)
        assert said.startswith(f"m at {served.url}: ")
        assert "\n" not in said
        return said, served.requests


def test_a_good_answer_and_what_was_asked() -> None:
    answer, requests = ask(says(TEXT))
    assert answer == Answer(GOOD, TEXT, 11, 7)
    (body,) = requests
    assert body["model"] == "m"
    assert body["stream"] is True
    assert body["temperature"] == 0
    assert body["seed"] == 3
    assert body["messages"] == [{"role": "system", "content": "s"}, {"role": "user", "content": "Nod."}]
    wanted = body["response_format"]
    assert wanted["type"] == "json_schema"
    assert wanted["json_schema"]["schema"] == schema("social_reasoning")


def odd(raw: bytes, size: int) -> list[bytes]:
    return [raw[at : at + size] for at in range(0, len(raw), size)]


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_chunks_may_be_cut_anywhere(ends: bytes, size: int) -> None:
    noise = b": keep-alive\n\nevent: x\nid: 4\nretry: 9\n\n"
    raw = b"\xef\xbb\xbf" + noise + streamed(TEXT).replace(b"\n\ndata", b"\n\n" + noise + b"data")
    answer, _ = ask(sends(head(), *odd(raw.replace(b"\n", ends), size)))
    assert answer.content == GOOD


def test_a_server_that_counts_nothing_and_ends_without_a_last_blank_line() -> None:
    answer, _ = ask(sends(head() + delta(content=TEXT) + stop().rstrip()))
    assert (answer.tokens_in, answer.tokens_out) == (None, None)
    assert answer.content == GOOD


def test_a_server_that_does_not_stream() -> None:
    whole = {"choices": [{"message": {"content": TEXT}}], "usage": {"prompt_tokens": 5, "completion_tokens": 6}}
    answer, _ = ask(refuses("200 OK", whole))
    assert (answer.content, answer.tokens_in, answer.tokens_out) == (GOOD, 5, 6)


@pytest.mark.parametrize(
    "text",
    [
        f"Sure! Here it is:\n```json\n{TEXT}\n```\nAnything else?",
        f"```\n{TEXT}\n```",
        f"I think this fits: {TEXT} Good?",
        f"<think>Perhaps {{}}?</think>\n{TEXT}",
    ],
)
def test_json_in_prose_is_found(text: str) -> None:
    answer, requests = ask(says(text))
    assert (answer.content, answer.text, len(requests)) == (GOOD, text, 1)


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (TEXT[:-9], "expected JSON"),
        ("I would rather not say.", "got prose"),
        ("[1, 2]", "expected a JSON object"),
        (json.dumps({**GOOD, "speed": 9}), "unknown field 'speed'"),
        (json.dumps({"reasoning": "x"}), "expected the field 'human_motion'"),
        (json.dumps({**GOOD, "refusal": None}), "expected str, got None"),
        (json.dumps({**GOOD, "refusal": "no\u0007"}), "U+0007"),
        (json.dumps({**GOOD, "refusal": "a\nb"}), "U+000A"),
        (json.dumps({**GOOD, "reasoning": "x" * 5000}), "at most 4000 characters, got 5000"),
        (TEXT[:-1] + ', "refusal": "x"}', "stands there twice"),
        ('{"a":' * 5000, "nested too deeply"),
        ("", "empty reply"),
    ],
)
def test_a_reply_that_does_not_fit_is_put_back_once(bad: str, complaint: str) -> None:
    answer, requests = ask(says(bad), says(TEXT))
    assert answer.content == GOOD
    assert (answer.tokens_in, answer.tokens_out) == (22, 14)
    assert [m["role"] for m in requests[1]["messages"]] == ["system", "user", "assistant", "user"]
    assert complaint in requests[1]["messages"][3]["content"]

    said, requests = fail(says(bad))
    assert complaint in said
    assert len(requests) == 2


def test_a_server_that_takes_no_schema_is_asked_in_words_and_remembered() -> None:
    no = refuses("400 Bad Request", {"error": {"message": "response_format is not supported"}})
    with serve(no, says(TEXT)) as served:
        asked = model(served.url)
        assert asked.ask(QUESTION).content == GOOD
        assert asked.ask(QUESTION).content == GOOD
        first, second, third = served.requests
        assert "response_format" in first
        for body in (second, third):
            assert "response_format" not in body
            assert '"human_motion"' in body["messages"][-1]["content"]
    assert QUESTION.messages[-1].content == "Nod."


def test_a_server_that_names_other_settings_is_asked_without_them() -> None:
    def no(name: str) -> Act:
        return refuses("400 Bad Request", {"error": {"message": f"Unsupported parameter: '{name}'."}})

    answer, requests = ask(no("max_tokens"), no("temperature"), no("stream_options"), no("seed"), says(TEXT))
    assert answer.content == GOOD
    last = requests[-1]
    assert {"max_tokens", "temperature", "stream_options", "seed"}.isdisjoint(last)
    assert last["max_completion_tokens"] == 2048
    assert "response_format" in last


def test_a_refusal_that_has_another_cause_is_not_held_against_the_server() -> None:
    no = refuses("400 Bad Request", {"error": {"message": "the prompt is too long"}})
    with serve(no, no, says(TEXT)) as served:
        asked = model(served.url)
        with pytest.raises(ModelError, match="too long"):
            asked.ask(QUESTION)
        assert len(served.requests) == 2
        asked.ask(QUESTION)
        assert "response_format" in served.requests[2]


@pytest.mark.parametrize("status", ["429 Too Many Requests", "500 Oh", "502 Bad Gateway", "503 Busy"])
def test_busy_servers_are_asked_again(status: str) -> None:
    answer, requests = ask(refuses(status, {"error": "busy"}), refuses(status), says(TEXT))
    assert answer.content == GOOD
    assert len(requests) == 3
    said, requests = fail(refuses(status, {"error": {"message": "out of cards"}}))
    assert f"answers {status[:3]}: out of cards, 3 times" in said
    assert len(requests) == 3


@pytest.mark.parametrize("status", ["401 No", "403 No", "404 No", "408 Slow", "413 Big"])
def test_other_refusals_are_final(status: str) -> None:
    said, requests = fail(refuses(status, {"error": {"message": "model 'm'\nnot found"}}))
    assert f"answers {status[:3]}: model 'm' not found" in said
    assert len(requests) == 1


def test_retry_after_is_waited_for() -> None:
    began = time.monotonic()
    answer, _ = ask(refuses("429 Slow down", Retry_After="0.3"), says(TEXT))
    assert answer.content == GOOD
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("value", ["3600", "Fri, 31 Dec 2100 23:59:59 GMT"])
def test_a_wait_beyond_the_deadline_is_not_begun(value: str) -> None:
    began = time.monotonic()
    said, requests = fail(refuses("429 Slow down", Retry_After=value))
    assert "past the deadline" in said
    assert len(requests) == 1
    assert time.monotonic() - began < LONG / 2


def test_waits_double_and_are_scattered() -> None:
    with serve(refuses("503 Busy")) as served:
        drawn = iter([0.0, 0.9])
        asked = OpenAIModel(ServerConfig(served.url, "m", retries=2, backoff_s=0.2), jitter=lambda: next(drawn))
        began = time.monotonic()
        with pytest.raises(ModelError):
            asked.ask(QUESTION)
        assert time.monotonic() - began >= 0.2 * 0.5 + 0.4 * 1.4
        assert next(drawn, None) is None


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (sends(b""), "connection broke"),
        (sends(head()), "broke off before the reply was whole"),
        (sends(head() + delta(content=TEXT[:9])), "broke off before the reply was whole"),
        (sends(head(Content_Length="9999") + delta(content=TEXT)), "connection broke"),
        (sends(b"HELLO\r\n\r\n"), "connection broke"),
        (stalls(), "silent for 0.1 s"),
        (stalls(head() + delta(content="{")), "silent for 0.1 s"),
    ],
)
def test_broken_lines_are_tried_again_and_told(act: Act, told: str) -> None:
    answer, requests = ask(act, says(TEXT), idle_s=0.1)
    assert (answer.content, len(requests)) == (GOOD, 2)
    said, requests = fail(act, idle_s=0.1, retries=1)
    assert told in said
    assert len(requests) == 2


def test_nobody_listens() -> None:
    with serve(says(TEXT)) as served:
        url = served.url
    with pytest.raises(ModelError, match="can't connect"):
        model(url, retries=1).ask(QUESTION)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (head() + event(b"{nonsense"), "expected JSON from the server"),
        (head() + event(b"3"), "expected a JSON object from the server"),
        (head() + event({"object": "x"}), "expected 'choices', got object"),
        (head() + event({"choices": 3}), "expected 'choices'"),
        (head() + event({"choices": [3]}), "expected a message"),
        (head() + delta(content=3), "got int"),
        (head() + delta(content=TEXT[:5]) + event({"error": {"message": "out of\nmemory"}}), "reports: out of memory"),
        (head() + delta(refusal="I can't help with that."), "refuses: I can't help with that."),
        (head() + delta(tool_calls=[{"function": {"name": "rm"}}]), "tool call"),
        (head() + delta(content=TEXT[:9]) + stop("length"), "longer than max_tokens"),
        (head() + stop("content_filter"), "content filter"),
        (head() + b"data: \xff\xfe\n\n", "expected UTF-8"),
        (head(kind="application/json") + b'{"a": "\xff"}', "expected UTF-8"),
        (head(kind="text/html") + b"<html>", "expected text/event-stream from the server, got text/html"),
        (head(Content_Encoding="gzip") + gzip.compress(bytes(10_000_000)), "encoded with gzip"),
        (head("307 Elsewhere", Location="http://evil.example/v1"), "redirects to evil.example; that is not followed"),
        (head("302 Elsewhere", Location="/v2"), "redirects; that is not followed"),
    ],
)
def test_what_is_no_answer_is_told_at_once(raw: bytes, told: str) -> None:
    said, requests = fail(sends(raw))
    assert told in said
    assert len(requests) == 1


def test_an_answer_without_choices_is_an_empty_reply() -> None:
    said, requests = fail(sends(head() + event({"choices": []}) + event(b"[DONE]")))
    assert "empty reply" in said
    assert len(requests) == 2


@pytest.mark.parametrize(
    "drop", [delta(content="x" * 50_000), delta(reasoning_content="x" * 50_000), b"x" * 50_000, b": hm\n" * 10_000]
)
def test_reading_stops_at_the_cap(drop: bytes) -> None:
    sent = 0

    def pours(send: object, over: threading.Event) -> None:
        nonlocal sent
        send(head())  # type: ignore[operator]
        while not over.is_set():
            send(drop)  # type: ignore[operator]
            sent += len(drop)

    with serve(pours) as served:
        with pytest.raises(ModelError, match=r"at most .* bytes"):
            model(served.url).ask(QUESTION)
        assert served.hung_up.wait(LONG)
    assert sent < 40_000_000  # the cap and what the sockets hold


def test_a_body_of_five_megabytes_is_not_read() -> None:
    said, _ = fail(sends(head(kind="application/json") + b" " * 5_000_000))
    assert "at most 1048576 bytes" in said
    said, _ = fail(sends(head("404 No", "text/plain") + b"x" * 5_000_000))
    assert len(said) < 400


@pytest.mark.parametrize("act", [stalls(), stalls(head()), drips(head(), b": hm\n\n", 0.02)])
def test_the_deadline_holds_whatever_the_server_does(act: Act) -> None:
    began = time.monotonic()
    said, _ = fail(act, deadline_s=0.3)
    assert "no answer within 0.3 s" in said
    assert time.monotonic() - began < LONG / 2


def test_a_slow_reply_below_the_idle_limit_ends_at_the_deadline() -> None:
    said, _ = fail(drips(head(), delta(content="x"), 0.02), idle_s=0.2, deadline_s=0.5)
    assert "no answer within 0.5 s" in said


@pytest.mark.parametrize(
    "act", [stalls(), stalls(head() + delta(content="{")), drips(head(), delta(content="x"), 0.01)]
)
def test_cancelling_returns_at_once_and_hangs_up(act: Act) -> None:
    asked = threading.Event()

    def marked(send: object, over: threading.Event) -> None:
        asked.set()
        act(send, over)  # type: ignore[arg-type]

    with serve(marked) as served:
        waited: list[float] = []

        def cancelled() -> bool:
            if asked.is_set():
                waited.append(time.monotonic())
            return bool(waited)

        with pytest.raises(ModelError, match="cancelled"):
            model(served.url).ask(QUESTION, cancelled=cancelled)
        assert time.monotonic() - waited[0] < 1.0  # of a busy machine; 0.1 s are promised
        assert len(waited) == 1


def test_nothing_is_sent_once_cancelled() -> None:
    with serve(says(TEXT)) as served:
        with pytest.raises(ModelError, match="cancelled"):
            model(served.url).ask(QUESTION, cancelled=lambda: True)
        assert served.requests == []


def test_waiting_for_a_retry_is_cancelled_too() -> None:
    with serve(refuses("503 Busy", Retry_After="10")) as served, pytest.raises(ModelError, match="cancelled"):
        model(served.url).ask(QUESTION, cancelled=lambda: bool(served.requests))


def test_within_an_event_loop_of_the_caller() -> None:
    import asyncio

    async def main() -> Answer:
        return model(served.url).ask(QUESTION)

    with serve(says(TEXT)) as served:
        assert asyncio.run(main()).content == GOOD


def test_several_threads_ask_at_once() -> None:
    with serve(says(TEXT)) as served:
        asked, got = model(served.url), []
        threads = [threading.Thread(target=lambda: got.append(asked.ask(QUESTION).content)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
        assert got == [GOOD] * 6


def test_complete_gives_plain_text() -> None:
    with serve(sends(head() + delta(content="4, beca") + stop("length"))) as served:
        assert model(served.url).complete([Message("user", "2 + 2?")], max_tokens=5) == "4, beca"
        assert served.requests[0]["max_tokens"] == 5
        assert "response_format" not in served.requests[0]


@pytest.mark.parametrize("raw", [delta(refusal="No."), stop("content_filter")])
def test_a_model_that_declines_is_told_from_a_server_that_fails(raw: bytes) -> None:
    with serve(sends(head() + raw)) as served, pytest.raises(Refused):
        model(served.url).complete([Message("user", "2 + 2?")])


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (refuses("401 No"), Unreachable),
        (sends(head() + event({"error": "out of memory"})), Unreachable),
        (sends(head() + delta(content="{")), Unreachable),
        (says("no JSON"), ModelError),
        (sends(head() + delta(tool_calls=[{}])), ModelError),
        (stalls(), ModelError),
    ],
)
def test_the_servers_doing_is_told_from_the_models(act: Act, kind: type) -> None:
    with serve(act) as served, pytest.raises(ModelError) as caught:
        model(served.url, deadline_s=0.5).ask(QUESTION)
    assert type(caught.value) is kind


def test_a_question_without_a_prompt_is_refused() -> None:
    with pytest.raises(ModelError, match="without messages"):
        model("http://127.0.0.1:9/v1").ask(Question("program", {}))
