"""What these tests share: a robot, and a sandbox that lives as long as a file of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.robot import Description, describe


@pytest.fixture(scope="module")
def description() -> Description:
    return describe("simulated")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox
