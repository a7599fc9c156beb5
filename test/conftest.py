"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings, beside the checkout or named by SAC_SON_DATA; skips where it is absent."""
    default = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    folder = Path(os.environ.get("SAC_SON_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder}; set SAC_SON_DATA to the folder that holds them")
    return folder
