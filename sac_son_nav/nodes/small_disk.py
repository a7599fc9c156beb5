"""A disk of two megabytes that can be filled, to see what a full one does. Needs root."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SIZE = 2 << 20  # [bytes]
ROOM = 64 << 10  # [bytes] that are left at first


class SmallDisk:
    """A folder in memory. Where it can't be mounted it is a plain one, and `small` is false."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(exist_ok=True)
        words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(path)]
        self.small = os.geteuid() == 0 and subprocess.run(words, capture_output=True, check=False).returncode == 0

    @staticmethod
    def possible() -> bool:
        """Whether this process may mount."""
        return os.geteuid() == 0

    def fill(self, room: int = 0) -> None:
        """Until only `room` [bytes] are left."""
        state = os.statvfs(self.path)
        left = state.f_bavail * state.f_frsize - room
        if self.small and left > 0:
            (self.path / "filling").write_bytes(bytes(left))

    def empty(self) -> None:
        """Room again."""
        (self.path / "filling").unlink(missing_ok=True)

    def close(self) -> None:
        """Gone, with all that is on it."""
        if self.small:
            subprocess.run(["umount", "--lazy", str(self.path)], capture_output=True, check=False)
            self.small = False
