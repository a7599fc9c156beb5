"""Which language model a spelling means: the offline one, a server, a recording, or a name in config/models.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expressive_motion.errors import ModelError
from expressive_motion.language.language_model import LanguageModel
from expressive_motion.robot import Description
from sac_son_nav.config import build, read_yaml, resource
from sac_son_nav.errors import ConfigError

if TYPE_CHECKING:
    from expressive_motion.language.openai_client import OpenAIModel
    from expressive_motion.language.server_config import ServerConfig
    from expressive_motion.library import Library

SPELLINGS = "offline, a name in config/models.yaml, recorded:FILE, or ADDRESS#MODEL"


def make_model(text: str, description: Description, library: Library | None = None) -> LanguageModel:
    """The model that `text` means: `offline`; `http://127.0.0.1:11434/v1#llama3.2`, a server and its model;
    `recorded:FILE`; or a name in config/models.yaml. Nothing is sent yet. ConfigError or ModelError where it means
    nothing."""
    if text == "offline":
        from expressive_motion.offline.model import OfflineModel

        return OfflineModel(description, library)
    if text.startswith("recorded:"):
        from expressive_motion.language.recorded_model import RecordedModel

        return RecordedModel(Path(text.partition(":")[2]))
    return make_server_model(text)


def make_server_model(text: str) -> OpenAIModel:
    """The same where only a server will do."""
    from expressive_motion.language.openai_client import OpenAIModel

    return OpenAIModel(server_config(text))


def server_config(text: str) -> ServerConfig:
    """The settings of the server that `text` means; one in config/models.yaml may set more than the two."""
    from expressive_motion.language.server_config import ServerConfig

    if "://" in text:
        address, _, model = text.partition("#")
        if not model:
            raise ConfigError(f"model {_hidden(address)}: expected ADDRESS#MODEL, such as http://127.0.0.1:11434/v1#x")
        return ServerConfig(base_url=address, model=model)
    servers = _servers()
    if text not in servers:
        raise ModelError(f"model {text!r}: expected {SPELLINGS}; its names are {', '.join(servers)}")
    return build(ServerConfig, servers[text], f"models.yaml: {text}")


def _servers() -> Mapping[str, Any]:
    path = resource("config", "models.yaml", what="list of models")
    document = read_yaml(path)
    if not isinstance(document, Mapping):
        raise ConfigError(f"{path}: expected names of models and their servers, got {document!r}")
    return document


def _hidden(address: str) -> str:
    """An address in a message, without what might be a password in it."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
