"""How far something long has come, said where it can be seen: on a terminal or in a log."""

from __future__ import annotations

import shutil
import sys
import time


class Progress:
    """One line that rewrites itself on a terminal, or a line every `every` seconds elsewhere."""

    def __init__(self, every: float = 2.0) -> None:
        self._every, self._terminal = every, sys.stdout.isatty()
        self._last = float("-inf")

    def __call__(self, line: str) -> None:
        """Show how it goes now."""
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            sys.stdout.write("\r" + line[:width].ljust(width))
            sys.stdout.flush()
        elif time.monotonic() - self._last >= self._every:
            self._last = time.monotonic()
            print(line, flush=True)

    def end(self) -> None:
        """Leave the line as it is."""
        if self._terminal:
            print(flush=True)
