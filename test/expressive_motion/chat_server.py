"""A chat server of the test's own: real sockets on loopback, each request answered by the next line of a script."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Send = Callable[[bytes], None]
Act = Callable[["Send", threading.Event], None]


@dataclass
class Served:
    """What a test sees of its server."""

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)
    """Set when the other side closed a connection that was still being answered."""


@contextmanager
def serve(*script: Act) -> Iterator[Served]:
    """Answers the first request with script[0], and so on; the last one over and over."""
    served, over = Served(), threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            headers = {}
            if not self.rfile.readline():
                return
            while (line := self.rfile.readline().strip()) != b"":
                name, _, value = line.decode().partition(":")
                headers[name.lower()] = value.strip()
            body = self.rfile.read(int(headers.get("content-length", 0)))
            served.headers.append(headers)
            served.requests.append(json.loads(body))
            act = script[min(len(served.requests), len(script)) - 1]
            try:
                act(self.wfile.write, over)
            except OSError:
                served.hung_up.set()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        served.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
        thread.start()
        try:
            yield served
        finally:
            over.set()
            server.shutdown()


def head(status: str = "200 OK", kind: str = "text/event-stream", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def event(data: Any) -> bytes:
    return b"data: " + (data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False).encode()) + b"\n\n"


def delta(**fields: Any) -> bytes:
    return event({"choices": [{"index": 0, "delta": fields, "finish_reason": None}]})


def stop(reason: str = "stop") -> bytes:
    return event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})


def streamed(text: str, usage: tuple[int, int] | None = (11, 7)) -> bytes:
    """A whole good stream, the text in pieces of five characters."""
    parts = [delta(content=text[at : at + 5]) for at in range(0, len(text), 5)]
    parts.append(stop())
    if usage:
        counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
        parts.append(event({"choices": [], "usage": counts}))
    return b"".join([*parts, event(b"[DONE]")])


def says(text: str, usage: tuple[int, int] | None = (11, 7)) -> Act:
    return sends(head() + streamed(text, usage))


def sends(raw: bytes, *more: bytes) -> Act:
    def act(send: Send, over: threading.Event) -> None:
        for chunk in (raw, *more):
            send(chunk)

    return act


def refuses(status: str, body: Any = None, **headers: str) -> Act:
    said = b"" if body is None else json.dumps(body).encode()
    return sends(head(status, "application/json", **headers) + said)


def stalls(first: bytes = b"") -> Act:
    """Says `first`, then nothing for ever."""

    def act(send: Send, over: threading.Event) -> None:
        send(first)
        over.wait(30.0)

    return act


def drips(first: bytes, drop: bytes, every: float) -> Act:
    """Says `first`, then a drop now and then until the other side hangs up."""

    def act(send: Send, over: threading.Event) -> None:
        send(first)
        while not over.wait(every):
            send(drop)

    return act
