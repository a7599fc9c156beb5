"""`sac-son measure faults`: every fault on the real graph, while the robot drives; a table and JSON.

For each: whether the robot stood in time (or went on, where there was no reason to stand), what it said, how long
after the fault it was on its way again, and whether anything was lost: a process that nobody killed, or the goal.
How soon a robot stands is a statement about the robot only where the machine let its processes run, so a fault that
went wrong while any process was kept waiting for a processor is tried again, up to ATTEMPTS times, and that is told.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sac_son_nav.config import make_folder, write_atomically
from sac_son_nav.errors import ConfigError, GraphError
from sac_son_nav.nodes.fault_list import GOES_ON, NEVER_LATE, NOT_TOWARDS, STOPS, WITHIN, Fault
from sac_son_nav.nodes.fault_rig import MOVING, RELAYED, STILL, Motion, Rig
from sac_son_nav.nodes.fault_table import FAULTS, NAV
from sac_son_nav.nodes.netspaces import HERE, THERE, Cable
from sac_son_nav.nodes.small_disk import SmallDisk
from sac_son_nav.nodes.supervisor import private_graph

ATTEMPTS = 3
KEPT_WAITING = 0.1  # [s] that a process had work and no processor, from which on its lateness is the machine's
STANDSTILL = 0.5  # [s] that the robot may stand at a fault that is no reason to
INSIDE = "SAC_SON_FAULTS_FAR_SIDE"  # words before navigation's command, where we run beside a cable that can be cut
CUT = "navigation on another computer, cable cut"


@dataclass
class Row:
    """What came of one fault."""

    group: str
    name: str
    expected: str
    within_s: float
    seen_s: float  # to rest; at faults that are no reason to stand, the longest standstill
    in_time: bool
    said: str
    said_it: bool
    recovery_s: float | None  # None: never
    lost: str  # what was lost; empty: nothing
    attempts: int = 1
    waited_s: float = 0.0  # the longest a process was kept waiting for a processor

    @property
    def good(self) -> bool:
        """Whether all of it is as it has to be."""
        return self.in_time and self.said_it and self.recovery_s is not None and not self.lost


def try_fault(rig: Rig, fault: Fault) -> Row:
    """One fault, once."""
    rig.set_out()
    if fault.before is not None:
        fault.before(rig)
    waits, pids = rig.waits(), rig.nodes.pids()
    world, began = rig.notes.motions[-1].world, time.monotonic()
    fault.begin(rig)
    done = time.monotonic()
    while time.monotonic() - done < max(fault.lasts, fault.within if fault.expected == STOPS else 0.0):
        time.sleep(0.02)
        if fault.within > 5.0 and rig.notes.motions[-1].still:
            break
    seen = _seen(rig, fault, world, began)
    if fault.reason:  # a node that is busy, or starts anew, says it a little later
        _patiently(lambda: bool(_said(rig, fault, began)), 10.0)
    said = _said(rig, fault, began)
    after = rig.waits()
    waited = max((after[k] - waits.get(k, 0.0) for k in after), default=0.0)
    died = [n for n in pids if rig.nodes.pids().get(n) != pids[n] and n not in fault.name and not _killed(fault, n)]
    fault.end(rig)
    ended = time.monotonic()
    recovery: float | None = None
    if _patiently(lambda: rig.moving(ended + 0.05), 40.0):
        recovery = next(m.at for m in rig.notes.motions if m.at > ended + 0.05 and abs(m.speed) > MOVING) - ended
    lost = [f"{name} ended" for name in died] + ([] if recovery is not None else ["the goal"])
    return Row(
        fault.group,
        fault.name,
        fault.expected,
        fault.within if fault.expected != GOES_ON else STANDSTILL,
        seen,
        seen <= (fault.within if fault.expected != GOES_ON else STANDSTILL),
        said,
        bool(said) or not fault.reason,
        recovery,
        ", ".join(lost),
        waited_s=waited,
    )


def _killed(fault: Fault, name: str) -> bool:
    return name == "simulation" and fault.name.startswith("drivers")


def _seen(rig: Rig, fault: Fault, world: float, began: float) -> float:
    """How long it took to rest [s], or the longest standstill [s] where it was to go on."""
    if fault.by_commands:
        moved = [at for at, v, w in rig.notes.commands if at > began and (v != 0.0 or w != 0.0)]
        return max((at - began for at in moved), default=0.0)
    motions = [m for m in rig.notes.motions if m.at > began]
    if fault.expected == NOT_TOWARDS:
        return max((m.world - world for m in motions if m.speed * fault.side > STILL), default=0.0)
    if fault.expected == NEVER_LATE:
        heard = [at for at, _, _ in rig.notes.commands] if fault.late == "commands" else rig.notes.passed[fault.late]
        return longest_without(motions, heard)
    if fault.expected == STOPS:
        if fault.within > 5.0:  # a node that is busy: to the first rest
            return next((m.world - world for m in motions if m.still), float("inf"))
        return max((m.world - world for m in motions if not m.still), default=0.0)
    return longest_standstill(motions)


def longest_without(motions: Sequence[Motion], heard: Sequence[float]) -> float:
    """How long [s] after the last thing that was heard the base still moved, at most."""
    before = np.searchsorted(heard, [m.at for m in motions]) - 1
    ages = [m.at - heard[k] for m, k in zip(motions, before, strict=True) if k >= 0 and not m.still]
    return max(ages, default=0.0)


def longest_standstill(motions: Sequence[Motion]) -> float:
    """How long [s] of the world the base rested without a break, at most."""
    longest, since = 0.0, None
    for motion in motions:
        if not motion.still:
            since = None
        else:
            since = motion.world if since is None else since
            longest = max(longest, motion.world - since)
    return longest


def _said(rig: Rig, fault: Fault, began: float) -> str:
    """The first sentence that tells it, with the node's name."""
    for at, node, text in rig.notes.said:
        if at > began and any(node == who and words in text for who, words in fault.reason):
            return f"{node}: {text}"
    return ""


def _patiently(happened: object, within: float) -> bool:
    assert callable(happened)
    end = time.monotonic() + within
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def _rigs(out: Path) -> Iterator[_Bench]:
    bench = _Bench(out)
    try:
        yield bench
    finally:
        bench.close()


class _Bench:
    """A rig that is put up anew where a fault has left it unfit."""

    def __init__(self, out: Path) -> None:
        self._out, self._rig = out, None  # type: tuple[Path, Rig | None]

    def rig(self) -> Rig:
        if self._rig is None:
            self._rig = Rig(self._out, before_navigation=os.environ.get(INSIDE, "").split())
            self._rig.__enter__()
        return self._rig

    def close(self) -> None:
        if self._rig is not None:
            self._rig.__exit__()
            self._rig = None
        shutil.rmtree(self._out / "disk", ignore_errors=True)


def measure_faults(out: Path, names: Sequence[str] = ()) -> int:
    """Try them all (or those whose group or name begins with one of `names`), print the table, leave faults.json and
    faults.md; 1 if any went wrong."""
    chosen = [f for f in _all() if not names or any(f.group == n or f.name.startswith(n) for n in names)]
    if not chosen:
        raise ConfigError(f"faults: expected a group or a name, got {', '.join(names)}; see docs/robots.md")
    out = out.resolve()
    make_folder(out, "faults.json", "faults.md", "log.txt")
    if INSIDE not in os.environ and any(f.name == CUT for f in chosen):
        if Cable.possible():
            return _beside_a_cable(out, names)
        print(f"{CUT}: left out, for only root may make network namespaces", flush=True)
    chosen = [f for f in chosen if f.name != CUT or INSIDE in os.environ]
    if any(f.group == "transforms" for f in chosen) and "/tf" not in RELAYED:
        print("transforms: left out, for tf2_msgs is not installed", flush=True)
        chosen = [f for f in chosen if f.group != "transforms"]
    if any(f.group == "full disk" for f in chosen) and not SmallDisk.possible():
        print("full disk: left out, for only root may mount a small one", flush=True)
        chosen = [f for f in chosen if f.group != "full disk"]
    private_graph()
    rows: list[Row] = []
    with _rigs(out) as bench:
        for fault in chosen:
            rows.append(_fairly(bench, fault))
            row = rows[-1]
            mark = "ok  " if row.good else "FAIL"
            back = "never" if row.recovery_s is None else f"{row.recovery_s:.1f} s"
            print(f"{mark} {row.group}: {row.name}: {row.seen_s:.2f} s, back in {back}; {row.said}", flush=True)
            _write(out, rows)
    bad = [row for row in rows if not row.good]
    print(f"\n{len(rows) - len(bad)} of {len(rows)} faults survived as they have to be; {out}/faults.md")
    return int(bool(bad))


def _fairly(bench: _Bench, fault: Fault) -> Row:
    """The fault, tried again where the machine was in the way or the graph is unfit."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            row = try_fault(bench.rig(), fault)
        except GraphError as error:
            bench.close()
            row = Row(fault.group, fault.name, fault.expected, fault.within, float("inf"), False, str(error), False,
                      None, "the graph")  # fmt: skip
        row.attempts = attempt
        if row.good or (row.waited_s < KEPT_WAITING and row.lost != "the graph"):
            break
        bench.rig().rest()
        bench.rig().broken.clear()
    if row.recovery_s is None:
        bench.close()
    return row


def _all() -> tuple[Fault, ...]:
    far = os.environ.get(INSIDE, "").split()
    cable = Cable()
    if far:
        cable._names = {THERE: far[3], HERE: ""}
    cut = Fault(
        "network",
        CUT,
        lambda rig: cable.cut(),
        lambda rig: cable.mend(),
        reason=(("simulation", "no command, so the base has stopped by itself"),),
        lasts=3.0,
    )
    return (*FAULTS, cut)


def _beside_a_cable(out: Path, names: Sequence[str]) -> int:
    """The same command in a network namespace, navigation's process to be in another at the end of a cable."""
    with Cable() as cable:
        words = [*cable.prefix(HERE), sys.executable, "-m", "sac_son_nav.cli", "measure", "faults", "--out", str(out)]
        words += [w for name in names for w in ("--only", name)]
        around = {**os.environ, "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET", INSIDE: " ".join(cable.prefix(THERE))}
        return subprocess.run(words, env=around, check=False).returncode


def _write(out: Path, rows: Sequence[Row]) -> None:
    about = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "load": os.getloadavg()[0],
        "standing_within_s": WITHIN,
    }
    content = {**about, "faults": [{**asdict(row), "good": row.good} for row in rows]}
    write_atomically(out / "faults.json", json.dumps(content, indent=1).replace("Infinity", "null") + "\n")
    write_atomically(out / "faults.md", table(rows))


def table(rows: Sequence[Row]) -> str:
    """As Markdown."""
    lines = [
        "| | fault | the robot | seen | bound | it says | back on its way | lost | tries |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    group = ""
    for row in rows:
        shown, group = (row.group if row.group != group else ""), row.group
        seen = f"{row.seen_s:.2f} s" + ("" if row.in_time else " **late**")
        back = "**never**" if row.recovery_s is None else f"{row.recovery_s:.1f} s"
        said = row.said.replace("|", "/") if row.said_it else "**nothing of it**"
        lines.append(
            f"| {shown} | {row.name} | {row.expected} | {seen} | {row.within_s:g} s | {said or '–'} | {back} | "
            f"{row.lost or 'nothing'} | {row.attempts} |"
        )
    return "\n".join(lines) + "\n"


__all__ = ["NAV", "measure_faults", "table"]
