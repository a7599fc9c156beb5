"""Two network namespaces with a cable between them that can be cut: two computers on one. Needs root and iproute2."""

from __future__ import annotations

import os
import shutil
import subprocess

HERE, THERE = "here", "there"


class Cable:
    """Use as a context manager; `prefix(HERE)` and `prefix(THERE)` begin a command in one of the two."""

    def __init__(self) -> None:
        self._names = {HERE: f"sacson{os.getpid()}a", THERE: f"sacson{os.getpid()}b"}

    @staticmethod
    def possible() -> bool:
        """Whether this process may make namespaces."""
        if os.geteuid() != 0 or shutil.which("ip") is None:
            return False
        name = f"sacson{os.getpid()}t"
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
        if made:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        return made

    def prefix(self, side: str) -> tuple[str, ...]:
        """Words before a command that is to run on one side."""
        return ("ip", "netns", "exec", self._names[side])

    def cut(self) -> None:
        """Nothing passes any more. On the far side, for here local messages must still pass."""
        _run(*self.prefix(THERE), "ip", "link", "set", "cable", "down")

    def mend(self) -> None:
        """It passes again."""
        _run(*self.prefix(THERE), "ip", "link", "set", "cable", "up")
        self._route(THERE)

    def __enter__(self) -> Cable:
        for name in self._names.values():
            _run("ip", "netns", "add", name)
        here, there = self._names[HERE], self._names[THERE]
        _run("ip", "link", "add", "cable", "netns", here, "type", "veth", "peer", "name", "cable", "netns", there)
        for number, side in ((1, HERE), (2, THERE)):
            _run(*self.prefix(side), "ip", "link", "set", "lo", "up")
            _run(*self.prefix(side), "ip", "address", "add", f"10.213.0.{number}/24", "dev", "cable")
            _run(*self.prefix(side), "ip", "link", "set", "cable", "up")
            self._route(side)
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def _route(self, side: str) -> None:
        _run(*self.prefix(side), "ip", "route", "replace", "224.0.0.0/4", "dev", "cable")


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
