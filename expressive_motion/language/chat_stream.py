"""What comes back from an OpenAI-compatible chat server, byte by byte: server-sent events, and the answer in them.

Both readers are fed chunks as the line delivers them, cut anywhere, and hold no more than their caps allow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from expressive_motion.errors import ModelError, Refused, Unreachable

TEXT_BYTES = 256 * 1024
"""The most a model may say, and the longest single line of its stream."""
STREAM_BYTES = 32 * TEXT_BYTES
"""The most a whole stream may hold; each word comes wrapped in some hundred bytes of its own."""


@dataclass
class EventReader:
    """Server-sent events: lines end in LF, CR or CRLF, comments are skipped, a blank line ends an event."""

    _rest: bytearray = field(default_factory=bytearray)
    _data: list[str] = field(default_factory=list)
    _ended_in_cr: bool = False
    _begun: bool = False
    _seen: int = 0

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The data of every event that this chunk completes."""
        self._seen += len(chunk)
        if self._seen > STREAM_BYTES:
            raise ModelError(f"expected at most {STREAM_BYTES} bytes of stream, got more")
        if self._ended_in_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._ended_in_cr = False
        if chunk:
            self._ended_in_cr = chunk.endswith(b"\r")
        first, *others = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest += first
        if len(self._rest) > TEXT_BYTES:
            raise ModelError(f"expected lines of at most {TEXT_BYTES} bytes, got a longer one")
        if others:
            lines = [bytes(self._rest), *others[:-1]]
            self._rest = bytearray(others[-1])
            for line in lines:
                yield from self._line(line)

    def end(self) -> Iterator[str]:
        """The data of an event that the end of the stream completes, though its blank line is missing."""
        if self._rest:
            yield from self._line(bytes(self._rest))
            self._rest.clear()
        yield from self._line(b"")

    def _line(self, line: bytes) -> Iterator[str]:
        if not self._begun:
            line, self._begun = line.removeprefix(b"\xef\xbb\xbf"), True
        if not line:
            if self._data:
                yield "\n".join(self._data)
                self._data.clear()
            return
        try:
            name, _, value = line.decode().partition(":")
        except UnicodeDecodeError:
            raise ModelError("expected UTF-8, got other bytes") from None
        if name == "data":
            self._data.append(value.removeprefix(" "))


@dataclass
class Completion:
    """One answer as it grows. `finished` once the server has said that no more comes, `cut` where that was only
    because max_tokens were reached."""

    text: str = ""
    finished: bool = False
    cut: bool = False
    tokens_in: int | None = None
    tokens_out: int | None = None
    _parts: list[str] = field(default_factory=list)
    _bytes: int = 0

    def add(self, data: str) -> None:
        """One event's data. Raises ModelError where it is no chat completion, an error, a refusal, a tool call."""
        if data.strip() == "[DONE]":
            self.finished = True
            return
        self.add_object(parse_object(data))

    def add_object(self, event: dict[str, Any]) -> None:
        """A chunk of a stream, or a whole completion."""
        if event.get("error"):
            raise Unreachable(f"the server reports: {error_text(event)}")
        usage = event.get("usage")
        if isinstance(usage, dict):
            self.tokens_in = _count(usage.get("prompt_tokens"))
            self.tokens_out = _count(usage.get("completion_tokens"))
        choices = event.get("choices")
        if not isinstance(choices, list):
            raise ModelError(f"expected 'choices', got {', '.join(map(str, list(event)[:8])) or 'an empty object'}")
        if choices:
            self._choice(choices[0])

    def close(self) -> None:
        """The end of it; the text stands ready."""
        self.text = "".join(self._parts)

    def _choice(self, choice: Any) -> None:
        message = choice.get("delta") or choice.get("message") or {} if isinstance(choice, dict) else None
        if not isinstance(message, dict):
            raise ModelError("expected a message in 'choices', got something else")
        for name in ("refusal", "content", "reasoning", "reasoning_content"):
            value = message.get(name)
            if value is None or value == "":
                continue
            if not isinstance(value, str):
                raise ModelError(f"expected text as the message's {name}, got {type(value).__name__}")
            if name == "refusal":
                raise Refused(f"the model refuses: {one_line(value)}")
            self._bytes += len(value.encode(errors="replace"))  # thoughts count, though nobody reads them
            if self._bytes > TEXT_BYTES:
                raise ModelError(f"expected a reply of at most {TEXT_BYTES} bytes, got a longer one")
            if name == "content":
                self._parts.append(value)
        if message.get("tool_calls") or message.get("function_call"):
            raise ModelError("expected an answer, got a tool call")
        reason = choice.get("finish_reason")
        self.cut = self.cut or reason == "length"
        if reason == "content_filter":
            raise Refused("the server's content filter withheld the reply")
        self.finished = self.finished or reason is not None


def parse_object(data: str) -> dict[str, Any]:
    """A JSON object out of a stream or a body."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise ModelError(f"expected JSON from the server, got {one_line(data)!r}") from None
    if not isinstance(value, dict):
        raise ModelError(f"expected a JSON object from the server, got {one_line(data)!r}")
    return value


def error_text(body: dict[str, Any]) -> str:
    """What a server's error object says, in one line."""
    error = body.get("error", body)
    said = error.get("message") or error.get("detail") or error if isinstance(error, dict) else error
    return one_line(said if isinstance(said, str) else json.dumps(said, default=str))


def one_line(text: str, most: int = 200) -> str:
    """Foreign text in a message of ours: one line, no control characters, never long."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * most]).split())
    return plain if len(plain) <= most else f"{plain[: most - 3]}..."


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
