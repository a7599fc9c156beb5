"""How soon a hostile program is gone once it is cancelled: each of the table, checks left out, under time limits so
long that only the cancelling ends it.

    python -m test.expressive_motion.cancelling
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from expressive_motion.errors import ProgramError
from expressive_motion.programs.sandbox import Limits, Sandbox
from expressive_motion.programs.session import Session
from expressive_motion.robot import describe
from test.expressive_motion.hostile import ALL

RUNS_S = 0.05  # for which a program is left alone


def cancelled(session: Session) -> float | None:
    """Seconds from the cancelling of a program that runs in another thread to the end of its process; None where it
    was over before."""
    pid = session.worker_pid
    thread = threading.Thread(target=_run, args=(session,))
    thread.start()
    thread.join(RUNS_S)
    if not thread.is_alive():
        return None
    began = time.monotonic()
    session.drop()
    thread.join(10.0)  # whoever drives it hears of the end; one that has ended by itself meanwhile is gone, too
    assert not thread.is_alive(), "it survives"
    while session.lost and _alive(pid):  # and its process
        time.sleep(0.0005)
    return time.monotonic() - began


def _run(session: Session) -> None:
    """Answer every call, and every question with yes, as long as it asks."""
    answer: bool | None = None
    try:
        while (call := session.next(answer)) is not None:
            answer = True if call.skill in ("person_is_here", "find_person") else None
            time.sleep(0.002)  # which a skill takes
    except ProgramError:
        pass


def _alive(pid: int | None) -> bool:
    try:
        return pid is not None and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def main() -> int:
    """Print the figures."""
    description, took = describe("simulated"), []
    programs = [hostile for hostile in ALL if hostile.alone]  # the others can't even be read
    with Sandbox(limits=Limits(turn_s=60.0, grace_s=30.0, reply_s=90.0)) as sandbox:
        for hostile in programs:
            seconds = cancelled(sandbox.start(hostile.code, description, hostile.learned, unchecked=True))
            if seconds is not None:
                took.append((seconds, hostile.name))
    worst, name = max(took)
    middle = sorted(took)[len(took) // 2][0]
    print(f"{len(programs)} hostile programs, {len(took)} still under way after {1e3 * RUNS_S:g} ms")
    print(f"cancelled to gone: median {1e3 * middle:.1f} ms, worst {1e3 * worst:.1f} ms ({name})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
