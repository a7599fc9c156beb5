"""What the tests of programs share beside that."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from expressive_motion.programs.sandbox import Limits, Sandbox


@pytest.fixture(scope="module")
def patient() -> Iterator[Sandbox]:
    """For programs that something else must end than the clock, which on a busy machine would be quicker."""
    with Sandbox(limits=Limits(turn_s=10.0, grace_s=5.0, reply_s=30.0)) as sandbox:
        yield sandbox
