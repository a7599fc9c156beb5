"""What the kernel says of processes, and patience with them; no ROS."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def eventually(happened: Callable[[], bool], within: float = 60.0) -> bool:
    """Whether something happens in time; what must happen gets far longer than it takes on a busy machine."""
    end = time.monotonic() + within
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid: int) -> list[int]:
    """The processes that any of its threads has started."""
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in listed for child in file.read_text().split()]
