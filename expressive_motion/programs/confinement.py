"""What the operating system still forbids a worker, should its interpreter ever be talked into asking."""

from __future__ import annotations

import contextlib
import resource


def confine(pid: int | None) -> None:
    """Leave a worker its three pipes and no more: no further file or socket can be opened, no byte written to a file,
    no core dumped. For good, as the hard limits go down, too.

    Linux's; elsewhere, and where the process has just died, nothing happens, and the layers above stand alone.
    """
    if pid is None or not hasattr(resource, "prlimit"):
        return
    for kind, most in ((resource.RLIMIT_NOFILE, 3), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(OSError):
            resource.prlimit(pid, kind, (most, most))
