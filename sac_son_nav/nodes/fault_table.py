"""All faults that `sac-son measure faults` tries, one line each where that will do."""

from __future__ import annotations

import signal

from lifecycle_msgs.msg import Transition

from sac_son_nav.nodes import fault_list as f
from sac_son_nav.nodes import fault_messages as m
from sac_son_nav.nodes.fault_list import GOES_ON, NEVER_LATE, NOT_TOWARDS, Fault, breaking, mend, slowly, to
from sac_son_nav.nodes.fault_rig import Rig

NAV, SIM, SEE = "navigation", "simulation", "perception"
BASE_STOPS = ((SIM, "no command, so the base has stopped by itself"),)
STOPPED = ((NAV, "stopped on request"),)
KILL, STOP, CONT = signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT


def _scan(name: str, begin: f.Act, words: str) -> Fault:
    return Fault("laser", name, begin, mend("scan"), reason=((NAV, words), (SEE, words)))


def _odom(name: str, begin: f.Act, words: str) -> Fault:
    return Fault("odometry", name, begin, mend("odom"), reason=((NAV, words), (SEE, words)))


FAULTS: tuple[Fault, ...] = (
    Fault("processes", "perception killed", to(SEE, KILL), reason=((NAV, "no people for"),)),
    Fault("processes", "perception stopped", to(SEE, STOP), to(SEE, CONT), reason=((NAV, "no people for"),)),
    Fault(
        "processes",
        "perception slow (0.1 s of each 0.5 s)",
        slowly(SEE),
        Rig.rest,
        NEVER_LATE,
        reason=((NAV, "no people"),),
        lasts=2.5,
        late="people",
    ),
    Fault("processes", "navigation killed", to(NAV, KILL), reason=BASE_STOPS),
    Fault("processes", "navigation stopped", to(NAV, STOP), to(NAV, CONT), reason=BASE_STOPS),
    Fault(
        "processes",
        "navigation slow (0.1 s of each 0.5 s)",
        slowly(NAV),
        Rig.rest,
        NEVER_LATE,
        lasts=2.5,
        late="commands",
    ),
    Fault("processes", "expression killed", to("expression", KILL), expected=GOES_ON),
    Fault("processes", "expression stopped", to("expression", STOP), to("expression", CONT), expected=GOES_ON),
    Fault("processes", "drivers killed", to(SIM, KILL), by_commands=True, reason=((NAV, "no "),)),
    Fault("processes", "drivers stopped", to(SIM, STOP), to(SIM, CONT), by_commands=True, reason=((NAV, "no "),)),
    _scan("silent", breaking("scan", m.nothing), "no scan"),
    _scan("all NaN", breaking("scan", m.scan_of_nan), "got NaN in all"),
    _scan("no ranges", breaking("scan", m.empty_scan), "expected ranges, got none"),
    _scan("half the ranges", breaking("scan", m.half_a_scan), "ranges from angle_min"),
    _scan("frozen", breaking("scan", m.frozen, state=True), "no scan"),
    _scan("stamps 5 s old", breaking("scan", m.dated(-5.0)), "scan"),
    _scan("stamps 5 s ahead", breaking("scan", m.dated(5.0)), "scan"),
    # Each second scan is good, which is enough to drive by.
    Fault("laser", "each other stamp 30 s ahead", breaking("scan", m.jumping, state=True), mend("scan"), GOES_ON),
    Fault("laser", "pairs out of order", breaking("scan", m.out_of_order, state=True), mend("scan"), GOES_ON),
    _scan("no frame", breaking("scan", m.in_frame("")), "expected a frame in the header"),
    Fault("laser", "ten times as many", breaking("scan", m.ten_times), mend("scan"), GOES_ON),
    Fault("laser", "another type on its topic", f.wrong_type("scan", "std_msgs/msg/String"), expected=GOES_ON),
    _odom("silent", breaking("odom", m.nothing), "odom"),
    _odom("NaN", breaking("odom", m.odometry_of_nan), "odom"),
    _odom("frozen", breaking("odom", m.frozen, state=True), "odom"),
    _odom("stamps 5 s old", breaking("odom", m.dated(-5.0)), "odom"),
    _odom("another frame", breaking("odom", m.in_frame("elsewhere")), "expected frame 'odom' as before"),
    Fault("odometry", "pairs out of order", breaking("odom", m.out_of_order, state=True), mend("odom"), GOES_ON),
    Fault("odometry", "ten times as many", breaking("odom", m.ten_times), mend("odom"), GOES_ON),
    Fault(
        "localisation",
        "lost (2 m)",
        breaking("amcl_pose", m.very_uncertain),
        mend("amcl_pose"),
        within=0.8,
        reason=((NAV, "lost: the position is known to 2.0 m only"),),
    ),
    Fault("localisation", "NaN", breaking("amcl_pose", m.pose_of_nan), mend("amcl_pose"), GOES_ON),
    Fault("localisation", "another frame", breaking("amcl_pose", m.in_frame("odom")), mend("amcl_pose"), GOES_ON),
    Fault(
        "transforms",
        "map to odom lost",
        breaking("/tf", m.unlocalised),
        mend("/tf"),
        within=1.6,  # it is waited for a second, since localisers may renew it as seldom
        lasts=2.2,
        reason=((NAV, "no transform from map to odom for"),),
    ),
    Fault("people", "silent", breaking("people", m.nothing), mend("people"), reason=((NAV, "no people for"),)),
    Fault("people", "NaN", breaking("people", m.people_of_nan), mend("people"), reason=((NAV, "people refused"),)),
    Fault("people", "stamps 5 s old", breaking("people", m.dated(-5.0)), mend("people"), reason=((NAV, "no people"),)),
    Fault(
        "clock",
        "set ahead by 30 s",
        breaking("/clock", m.clock_off(30.0)),
        mend("/clock"),
        reason=((NAV, "old by their stamp"),),
    ),
    Fault("clock", "set back by 30 s", breaking("/clock", m.clock_off(-30.0)), mend("/clock"), GOES_ON),
    Fault("clock", "silent", breaking("/clock", m.nothing), mend("/clock"), GOES_ON),
    Fault(
        "contact",
        "bumper in front",
        f.touch((0.22, 0.0)),
        f.touch(),
        NOT_TOWARDS,
        reason=((NAV, "bumper pressed at the front"),),
    ),
    Fault(
        "contact",
        "bumper behind while a person backs up",
        f.touch((-0.22, 0.0)),
        f.released_and_off,
        NOT_TOWARDS,
        side=-1.0,
        before=f.backing_up,
    ),
    Fault("goals", "two ends of the corridor at once", f.two_goals, expected=GOES_ON),
    Fault("goals", "in a wall", f.wall_goal, f.again, reason=((NAV, "of room for the robot"),)),
    Fault("goals", "NaN", f.goal_of_nan, f.again, reason=((NAV, "expected finite numbers"),)),
    Fault("goals", "another frame", f.goal_elsewhere, f.again, reason=((NAV, "expected frame 'map'"),)),
    Fault("goals", "two hundred a second", f.goal_flood, expected=GOES_ON),
    Fault("operators", "software stop", f.stop(True), f.stop(False), reason=STOPPED),
    Fault(
        "operators",
        "software stop, then navigation killed",
        f.stop_then_kill,
        f.stop(False),
        lasts=6.0,
        reason=STOPPED,
    ),
    Fault(
        "operators",
        "deactivated",
        f.transition(Transition.TRANSITION_DEACTIVATE),
        f.activate_and_go,
        reason=((NAV, "not active"),),
    ),
    Fault(
        "operators",
        "a transition that its state lacks",
        f.transition(Transition.TRANSITION_CONFIGURE),
        expected=GOES_ON,
    ),
    Fault("operators", "a joystick that sends NaN", f.hand_of_nan, expected=GOES_ON),
    Fault("full disk", "the stop is asked for", f.stop_on_a_full_disk, f.room_and_release, reason=STOPPED),
    Fault("full disk", "a recorder fills it", f.record_to_a_full_disk, f.no_recorder, GOES_ON, lasts=6.0),
    Fault("maps", "sixteen million cells", f.huge_map, within=30.0, lasts=8.0, reason=((NAV, ""), (SIM, ""))),
    Fault("maps", "fewer cells than it says", f.nonsense_map, expected=GOES_ON),
)
