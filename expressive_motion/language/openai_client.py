"""A language model behind an OpenAI-compatible server: Ollama, vLLM, llama.cpp, or a hosted one.

A question is one streamed POST to `<base_url>/chat/completions`. It ends in an answer or in a ModelError, by the
deadline at the latest, and 0.1 s after `cancelled`, whatever the server does: the line is read by a thread of its own
whose task is cancelled, which closes the connection. Nothing is sent but the messages and the settings of `_body`.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import random
import re
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from expressive_motion.chain import schema
from expressive_motion.errors import ModelError, Unreachable
from expressive_motion.language.chat_stream import (
    TEXT_BYTES,
    Completion,
    EventReader,
    error_text,
    one_line,
    parse_object,
)
from expressive_motion.language.language_model import Answer, Message, Question, never
from expressive_motion.language.patience import Cancelled, run_patiently
from expressive_motion.language.replies import read_reply
from expressive_motion.language.server_config import Key, ServerConfig

if TYPE_CHECKING:
    import httpx

OPTIONAL = {
    "response_format": r"\b(response_format|json_schema|schema|structured)\b",
    "stream_options": r"\bstream_options\b",
    "seed": r"\bseed\b",
    "temperature": r"\btemperature\b",
    "max_tokens": r"\bmax_tokens\b",
}
"""What a server may refuse, and the words by which its refusal is told; then it is asked without."""


@dataclass(frozen=True)
class _Wanted:
    """What is asked of a server. `form`: a name and a JSON schema, None for plain text."""

    messages: Sequence[Message]
    seed: int
    max_tokens: int
    form: tuple[str, dict[str, Any]] | None = None


@dataclass(frozen=True)
class _Failure:
    """Why an attempt came to nothing, and whether another may help. Not an exception: those carry the request along,
    and with it the key."""

    what: str
    again: bool = False
    wait_s: float = 0.0
    refuses: str = ""  # the optional part of the request that the server did not take
    kind: type[ModelError] = Unreachable


class OpenAIModel:
    """A model behind a server. Safe to use from several threads; each question has a connection of its own.

    `jitter`: uniform in [0, 1), scatters the waits before retries, so that many robots do not come back at once.
    """

    def __init__(self, config: ServerConfig, jitter: Callable[[], float] = random.random) -> None:
        self.config = config
        self.name = config.model
        self._jitter = jitter
        self._authorities: ssl.SSLContext | None = None
        self._refused: frozenset[str] = frozenset()  # learned from the server's complaints

    def __repr__(self) -> str:
        return f"OpenAIModel({self._where})"

    @property
    def _where(self) -> str:
        return f"{self.config.model} at {self.config.base_url}"

    def ask(self, question: Question, seed: int = 0, cancelled: Callable[[], bool] = never) -> Answer:
        """The answer, checked against the module's result; a reply that does not fit is put back to the model once."""
        ends = time.monotonic() + self.config.deadline_s
        form = dict(question.schema) or schema(question.module)
        messages = list(question.messages)
        if not messages:
            raise ModelError(f"{question.module}: expected a prompt for {self.name}, got a question without messages")
        spent: list[Completion] = []
        for last in (False, True):
            wanted = _Wanted(messages, seed, self.config.max_tokens, (question.module, form))
            done = self._talk(wanted, cancelled, ends)
            spent.append(done)
            try:
                content = read_reply(done.text, question.module)
            except ModelError as error:
                if last:
                    raise ModelError(f"{self._where}: unusable reply, even after a repair: {error}") from None
                complaint = str(error)
            else:
                return Answer(content, done.text, _sum(s.tokens_in for s in spent), _sum(s.tokens_out for s in spent))
            messages += [Message("assistant", done.text[:8000] or "(nothing)"), Message("user", _repair(complaint))]
        raise AssertionError("unreachable")

    def complete(
        self,
        messages: Sequence[Message],
        max_tokens: int | None = None,
        seed: int = 0,
        cancelled: Callable[[], bool] = never,
    ) -> str:
        """The plain text with which the model goes on, cut off after `max_tokens`. ModelError where there is none in
        time, Refused where the model declines."""
        ends = time.monotonic() + self.config.deadline_s
        return self._talk(_Wanted(messages, seed, max_tokens or self.config.max_tokens), cancelled, ends).text

    def _talk(self, wanted: _Wanted, cancelled: Callable[[], bool], ends: float) -> Completion:
        """One completion, with retries, and without whatever the server does not take."""
        key = self.config.key()
        try:
            got = run_patiently(lambda: self._tries(wanted, ends, key), ends, cancelled)
        except Cancelled:
            got = _Failure("cancelled", kind=ModelError)
        except TimeoutError:
            got = _Failure(f"no answer within {self.config.deadline_s:g} s", kind=ModelError)
        except RuntimeError as error:
            got = _Failure(f"the client failed: {error}")
        if isinstance(got, _Failure):
            raise got.kind(f"{self._where}: {got.what}")
        if got.cut and wanted.form:
            raise ModelError(f"{self._where}: the reply was cut off: it is longer than max_tokens")
        return got

    async def _tries(self, wanted: _Wanted, ends: float, key: Key) -> Completion | _Failure:
        refused = self._refused
        count = 0
        while True:
            got = await self._attempt(self._body(wanted, refused), key)
            if isinstance(got, Completion):
                self._refused |= refused  # only now is it sure that this was what the server minded
                got.text = key.scrub(got.text)
                return got
            got = replace(got, what=key.scrub(got.what))
            if got.refuses:
                refused |= {got.refuses}
                continue
            if not got.again or count == self.config.retries:
                return replace(got, what=f"{got.what}{f', {count + 1} times' if count else ''}")
            wait = max(got.wait_s, self.config.backoff_s * 2**count * (0.5 + self._jitter()))
            if time.monotonic() + wait >= ends:
                return replace(got, what=f"{got.what}; the next try, in {wait:.1f} s, would be past the deadline")
            count += 1
            await asyncio.sleep(wait)

    def _body(self, wanted: _Wanted, refused: frozenset[str]) -> dict[str, Any]:
        """All that is sent."""
        said = [{"role": m.role, "content": m.content} for m in wanted.messages]
        body: dict[str, Any] = {"model": self.config.model, "messages": said, "stream": True}
        body["temperature"] = self.config.temperature
        body["seed"] = wanted.seed
        body["max_tokens"] = wanted.max_tokens
        body["stream_options"] = {"include_usage": True}
        if wanted.form:
            name, form = wanted.form
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": name, "strict": True, "schema": form},
            }
            if "response_format" in refused:
                asked = f"Answer with one JSON object of this schema and nothing else:\n{json.dumps(form)}"
                said[-1]["content"] += f"\n\n{asked}"
        for name in refused & set(body):
            value = body.pop(name)
            if name == "max_tokens":
                body["max_completion_tokens"] = value  # its name where models reason
        return body

    async def _attempt(self, body: dict[str, Any], key: Key) -> Completion | _Failure:
        try:
            import httpx
        except ImportError:
            return _Failure("needs httpx: pip install 'sac_son[expression]'")
        limits = httpx.Timeout(self.config.idle_s, connect=self.config.connect_s)
        # plain, since a few compressed bytes can swell without bound; no settings from the environment, since they
        # may bring along passwords (.netrc) or lead elsewhere (proxies)
        headers = {"Accept-Encoding": "identity", "Accept": "text/event-stream, application/json"}
        if key.value:
            headers["Authorization"] = f"Bearer {key.value}"
        url = f"{self.config.base_url.rstrip('/')}/chat/completions"
        try:
            async with (
                httpx.AsyncClient(verify=self._tls(), timeout=limits, trust_env=False) as client,  # no redirects
                client.stream("POST", url, json=body, headers=headers) as response,
            ):
                return await self._read(response, body, key)
        except ModelError as error:
            return _Failure(str(error), kind=type(error))
        except httpx.ConnectTimeout:
            return _Failure(f"no connection within {self.config.connect_s:g} s", again=True)
        except httpx.TimeoutException:
            return _Failure(f"silent for {self.config.idle_s:g} s", again=True)
        except httpx.ConnectError as error:
            return _Failure(f"can't connect: {one_line(str(error)) or 'refused'}", again=True)
        except httpx.TransportError as error:
            return _Failure(f"the connection broke: {one_line(str(error)) or type(error).__name__}", again=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return _Failure(f"HTTP went wrong: {one_line(str(error))}")

    def _tls(self) -> ssl.SSLContext | bool:
        """The authorities that vouch for an https server; none for plain http, as reading them takes time."""
        import httpx

        if self.config.base_url.startswith("http://"):
            return False
        if self._authorities is None:
            self._authorities = httpx.create_ssl_context(trust_env=False)
        return self._authorities

    async def _read(self, response: httpx.Response, body: dict[str, Any], key: Key) -> Completion | _Failure:
        status = response.status_code
        if 300 <= status < 400:
            target = urlsplit(response.headers.get("location", "")).netloc
            return _Failure(f"the server redirects{f' to {one_line(target)}' if target else ''}; that is not followed")
        encoding = response.headers.get("content-encoding", "identity")
        if encoding != "identity":
            return _Failure(f"expected a plain reply, got one encoded with {one_line(encoding)}")
        if status != 200:
            return await self._refusal(response, body, key)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        done = Completion()
        if kind == "text/event-stream":
            reader = EventReader()
            async for chunk in response.aiter_raw():
                for data in reader.feed(chunk):
                    done.add(data)
                    if data.strip() == "[DONE]":
                        done.close()
                        return done
            for data in reader.end():
                done.add(data)
        elif kind == "application/json":  # a server that does not stream
            done.add_object(parse_object(_decoded(await _body_of(response, 4 * TEXT_BYTES))))
            done.finished = True
        else:
            return _Failure(f"expected text/event-stream from the server, got {one_line(kind) or 'no content type'}")
        if not done.finished:
            return _Failure("the stream broke off before the reply was whole", again=True)
        done.close()
        return done

    async def _refusal(self, response: httpx.Response, body: dict[str, Any], key: Key) -> _Failure:
        status = response.status_code
        raw = await _body_of(response, 16 * 1024, cut=True)
        try:
            said = error_text(parse_object(raw.decode(errors="replace")))
        except ModelError:
            said = one_line(raw.decode(errors="replace"))
        what = _refused_sentence(status, said, key.held_back)
        if status in (400, 422, 501):
            named = [name for name, words in OPTIONAL.items() if name in body and re.search(words, said)]
            if named or "response_format" in body:
                return _Failure(what, refuses=(named or ["response_format"])[0])
        again = status == 429 or status >= 500
        return _Failure(what, again, _retry_after(response.headers.get("retry-after", "")) if again else 0.0)


def _refused_sentence(status: int, said: str, held_back: bool) -> str:
    what = f"the server answers {status}{f': {said}' if said else ''}"
    if held_back and status in (401, 403):
        what += "; the key was not sent, as the address is plain http to another machine"
    return what


async def _body_of(response: httpx.Response, most: int, cut: bool = False) -> bytes:
    """The body, at most so many bytes; a longer one is cut or refused."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > most:
            if cut:
                break
            raise ModelError(f"expected a reply of at most {most} bytes, got a longer one")
    return bytes(body[:most])


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ModelError("expected UTF-8, got other bytes") from None


def _retry_after(value: str) -> float:
    """Seconds to wait by a Retry-After header, a number or a date; 0 where it says nothing."""
    try:
        return min(max(float(value), 0.0), 1e6) if value else 0.0
    except ValueError:
        pass
    try:
        return max(email.utils.parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _repair(complaint: str) -> str:
    return (
        f"That reply can't be used. {complaint}\nAnswer again, with one JSON object that is right, and nothing else."
    )


def _sum(counts: Any) -> int | None:
    known = [c for c in counts if c is not None]
    return sum(known) if known else None
