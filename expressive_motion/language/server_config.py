"""Where a language model's server is, how long it may take, and whether a key may travel there."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from expressive_motion.errors import ModelError
from sac_son_nav.errors import ConfigError


@dataclass(frozen=True)
class ServerConfig:
    """Where a model is and how long it may take. `base_url` ends before /chat/completions, as in OPENAI_BASE_URL."""

    base_url: str
    model: str
    key_variable: str = "SAC_SON_LLM_KEY"  # the environment variable that holds the key, if the server wants one
    deadline_s: float = 60.0  # for one question, with its retries and its repair
    connect_s: float = 5.0
    idle_s: float = 30.0  # without a byte; a model that is loaded first is silent for long
    retries: int = 3  # after 429, 5xx and broken connections
    backoff_s: float = 0.5  # before the first retry; doubled each time, and scattered by half
    max_tokens: int = 2048
    temperature: float = 0.0

    def __post_init__(self) -> None:
        for name in ("deadline_s", "connect_s", "idle_s", "backoff_s"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"{name}: expected seconds above zero, got {getattr(self, name)}")
        if not 0 <= self.retries <= 10:
            raise ConfigError(f"retries: expected 0 to 10, got {self.retries}")
        if not 1 <= self.max_tokens <= 100_000:
            raise ConfigError(f"max_tokens: expected 1 to 100000, got {self.max_tokens}")
        if not 0.0 <= self.temperature <= 2.0:
            raise ConfigError(f"temperature: expected 0 to 2, got {self.temperature}")
        if not self.model.strip() or not self.model.isprintable():
            raise ConfigError(f"model: expected a name, got {self.model!r}")
        _check_url(self.base_url)

    @property
    def private(self) -> bool:
        """Whether a key may travel: over TLS, or no further than this machine."""
        parts = urlsplit(self.base_url)
        return parts.scheme == "https" or _is_loopback(parts.hostname or "")

    def key(self) -> Key:
        """The key from the environment as it stands now; an empty one where there is none or it may not travel."""
        value = os.environ.get(self.key_variable, "").strip() if self.key_variable else ""
        if not all("!" <= c <= "~" for c in value):  # or the HTTP library quotes it when it complains
            raise ModelError(
                f"the environment variable {self.key_variable}: expected a key of printable ASCII without blanks"
            )
        return Key(value if self.private else "", held_back=bool(value) and not self.private)


@dataclass(frozen=True)
class Key:
    """A secret that shows itself nowhere: not in a repr, so not in a traceback's variables either."""

    value: str = field(repr=False)
    held_back: bool = False  # there is one, but it may not travel

    def scrub(self, text: str) -> str:
        """The text without the secret, should a server send it back."""
        return text.replace(self.value, "(the key)") if self.value else text


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port  # raises where it is no number
    except ValueError as error:
        raise ConfigError(f"base_url: expected an address such as http://127.0.0.1:11434/v1, got {error}") from None
    if "@" in parts.netloc:  # and the address is not shown, since it holds a secret
        raise ConfigError("base_url: expected an address without user or password; a key goes into the environment")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not url.isprintable() or " " in url:
        raise ConfigError(f"base_url: expected an address such as http://127.0.0.1:11434/v1, got {url!r}")
    if parts.query or parts.fragment:
        raise ConfigError(f"base_url: expected an address without ? and #, got {url!r}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
