"""What a verb that trains needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sac_son_nav.errors import ConfigError


@contextmanager
def torch_needed() -> Iterator[None]:
    """Import the training inside: where torch is not installed, that is one sentence, a ConfigError."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ConfigError("training: expected torch, got none installed (pip install 'sac_son[train]')") from None
