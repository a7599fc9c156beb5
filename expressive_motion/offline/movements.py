"""Plain movements, lights and tones as they are ordered: turn, drive, look up, blink, count, dance."""

from __future__ import annotations

import re
from collections.abc import Callable

from expressive_motion.offline.cues import Stage
from expressive_motion.offline.grammar import Wish
from expressive_motion.offline.script import Gesture, Plan, Repeat


def _tremble(stage: Stage) -> Plan:
    shake = stage.call("wiggle", amplitude_deg=4.0, times=4, speed=1.6)
    return ((Gesture("tremble", shake),) if shake else ()) + stage.call("back_away", distance_m=0.1, speed=0.8)


def _tilt(stage: Stage) -> Plan:
    if stage.can("move_head"):
        up = stage.call("move_head", pan_deg=12.0, tilt_deg=10.0, hold_s=0.6)
        side = stage.call("move_head", pan_deg=-12.0, tilt_deg=10.0, hold_s=0.6)
        return (Gesture("peer about", up + side + stage.home()),)
    lean = stage.call("rock", amplitude_m=0.05, times=1, speed=0.6, hold_s=0.6)
    return (Gesture("lean forward", lean),) if lean else ()


def _start(stage: Stage) -> Plan:
    return stage.call("back_away", distance_m=0.08, speed=1.4) + stage.lift()


def _doubt(stage: Stage) -> Plan:
    if stage.can("move_head"):
        left = stage.call("move_head", pan_deg=20.0, tilt_deg=8.0, speed=0.8, hold_s=0.5)
        right = stage.call("move_head", pan_deg=-20.0, tilt_deg=8.0, speed=0.8, hold_s=0.5)
        return (Gesture("look from side to side", left + right + stage.home()),)
    return stage.wiggle(2, "sway in doubt")


def _ponder(stage: Stage) -> Plan:
    if stage.can("move_head"):
        up = stage.call("move_head", pan_deg=25.0, tilt_deg=18.0, speed=0.7, hold_s=1.5)
        return (Gesture("look up in thought", up + stage.home()),)
    sway = stage.call("wiggle", amplitude_deg=6.0, times=2, speed=0.5)
    return (Gesture("sway in thought", sway),) if sway else ()


MOVEMENTS: dict[str, Callable[[Stage], Plan]] = {
    "wiggle": lambda stage: stage.wiggle(3) or stage.nod(2),
    "lift": lambda stage: stage.lift() or stage.nod(1),
    "droop": lambda stage: stage.droop(1.5) + stage.home(),
    "tremble": _tremble,
    "shake": lambda stage: stage.shake(2),
    "aside": lambda stage: stage.aside(),
    "tilt": _tilt,
    "start": _start,
    "nod": lambda stage: stage.nod(2),
    "nod_once": lambda stage: stage.nod(1),
    "doubt": _doubt,
    "ponder": _ponder,
    "bow": lambda stage: stage.bow(0.8),
}


def _turn(stage: Stage, wish: Wish) -> Plan:
    degrees = wish.measure.degrees or (180.0 if wish.side == "back" or "around" in wish.clause else 90.0)
    signed = -degrees if wish.side == "right" else degrees
    return _times(stage.call("turn", "angle_deg", angle_deg=signed, speed=stage.pace()), wish)


def _move(stage: Stage, wish: Wish) -> Plan:
    metres = wish.measure.metres or stage.size(0.5 if wish.side != "back" else 0.2)
    if wish.side == "back":
        return _back(stage, wish)
    if wish.side in ("left", "right"):
        turn = stage.call("turn", angle_deg=90.0 if wish.side == "left" else -90.0, speed=stage.pace())
        return turn + stage.call("move", "distance_m", distance_m=metres, speed=stage.pace())
    return _times(stage.call("move", "distance_m", distance_m=metres, speed=stage.pace()), wish)


def _back(stage: Stage, wish: Wish) -> Plan:
    metres = wish.measure.metres or 0.2
    told = "distance_m" if wish.measure.metres else ""
    return stage.call("back_away", told, distance_m=metres, speed=stage.pace(0.8))


def _head(stage: Stage, wish: Wish) -> Plan:
    """The head to one side, up or down, and back."""
    hold = wish.measure.seconds if wish.measure.seconds is not None else 0.8
    degrees = wish.measure.degrees
    if stage.can("move_head"):
        pan = {"left": degrees or 40.0, "right": -(degrees or 40.0)}.get(wish.side, 0.0)
        tilt = {"up": degrees or 18.0, "down": -(degrees or 25.0)}.get(wish.side, 0.0)
        if wish.side == "back":
            stage.leave_out("I can't look behind me with the head alone.")
        told = "" if degrees is None else ("pan_deg" if pan else "tilt_deg")
        call = stage.call("move_head", told, pan_deg=pan, tilt_deg=tilt, speed=stage.pace(), hold_s=hold)
        return _times((Gesture(f"look {wish.side or 'ahead'}", call + stage.home()),), wish)
    if stage.can("turn") and wish.side in ("left", "right", "back"):
        angle = (180.0 if wish.side == "back" else degrees or 40.0) * (-1.0 if wish.side == "right" else 1.0)
        there = stage.call("turn", angle_deg=angle, speed=stage.pace())
        back = stage.call("turn", angle_deg=-angle, speed=stage.pace())
        stage.leave_out("I have no head that turns, so I turn my body.")
        return (Gesture(f"look {wish.side}", there + stage.call("wait", seconds=hold) + back),)
    stage.leave_out(f"I can't look {wish.side or 'there'} without a head that moves.")
    return ()


def _look_around(stage: Stage, wish: Wish) -> Plan:
    if stage.can("move_head"):
        left = stage.call("move_head", pan_deg=60.0, tilt_deg=0.0, speed=stage.pace(0.8), hold_s=0.5)
        right = stage.call("move_head", pan_deg=-60.0, tilt_deg=0.0, speed=stage.pace(0.8), hold_s=0.5)
        return (Gesture("look around", left + right + stage.home()),)
    if stage.can("turn"):
        left = stage.call("turn", angle_deg=60.0, speed=stage.pace(0.8))
        right = stage.call("turn", angle_deg=-120.0, speed=stage.pace(0.8))
        return (Gesture("look around", left + right + left),)
    return ()


def _look_person(stage: Stage, wish: Wish) -> Plan:
    if wish.clause.startswith("face") or "turn" in wish.clause:
        faced = stage.call("face_person", speed=stage.pace())
        return faced + stage.look(wish.measure.seconds or 1.0)
    return stage.look(wish.measure.seconds or stage.size(1.5))


def _light(stage: Stage, wish: Wish) -> Plan:
    colour, pattern = wish.colour or "white", wish.pattern or "steady"
    plan = stage.light(colour, pattern, 1.0 / max(stage.manner.pace, 0.4), told=bool(wish.colour or wish.pattern))
    if not plan and "light" not in stage.forbidden:
        stage.leave_out("I have no light to set, so I leave it out.")
    times = wish.measure.times
    seconds = wish.measure.seconds or (times * 1.0 if times and pattern == "blink" else None)
    return plan + (stage.call("wait", seconds=seconds) if plan and seconds else ())


def _tone(stage: Stage, wish: Wish) -> Plan:
    plan = stage.tone(wish.tone or "chime", min(0.5 * stage.manner.size, 0.8))
    if plan and re.search(r"\b(?:sing|song|music|melod|whistl|hum|anthem|jingle)", wish.clause):
        stage.leave_out("I can't make music, so I play a tone instead.")
    if not plan and "sound" not in stage.forbidden:
        stage.leave_out("I have no buzzer, so I leave out the sound.")
    if not plan or not wish.measure.times or wish.measure.times < 2:
        return plan
    return (Repeat(min(wish.measure.times, 6), plan + stage.call("wait", seconds=0.5)),)


def _count(stage: Stage, wish: Wish) -> Plan:
    words = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    wanted = round(wish.measure.number or wish.measure.times or 3)
    most = min(max(wanted, 1), len(words) if stage.can("say") else 6)
    if most < wanted:
        stage.leave_out(f"I count to {most} at most.")
    if stage.can("say"):
        return stage.say(", ".join(words[:most]) + ".")
    beat = stage.tone("soft") + stage.call("wait", seconds=0.6) if stage.can("tone") else stage.nod(1)
    return (Repeat(most, beat),) if beat else ()


def _dance(stage: Stage, wish: Wish) -> Plan:
    turn = stage.call("turn", angle_deg=60.0, speed=1.2), stage.call("turn", angle_deg=-60.0, speed=1.2)
    body = stage.wiggle(2) + turn[0] + stage.nod(2) + turn[1]
    plan = stage.light("purple", "pulse", 0.8) + stage.tone("rising")
    return plan + ((Repeat(2, (Gesture("dance a figure", body),)),) if body else ())


def _square(stage: Stage, wish: Wish) -> Plan:
    if "circle" in wish.clause or "figure" in wish.clause:
        stage.leave_out("I turn on the spot instead of driving a curve.")
        return stage.call("turn", angle_deg=360.0, speed=stage.pace())
    corners = 3 if "triangle" in wish.clause else 4
    edge = stage.call("move", distance_m=wish.measure.metres or 0.5, speed=stage.pace())
    edge += stage.call("turn", angle_deg=360.0 / corners, speed=stage.pace())
    return (Repeat(corners, edge),) if edge else ()


def _sleep(stage: Stage, wish: Wish) -> Plan:
    return stage.light("blue", "pulse", 4.0) + stage.tone("falling", 0.3) + stage.droop(2.0)


def _wait(stage: Stage, wish: Wish) -> Plan:
    return stage.call("wait", "seconds", seconds=wish.measure.seconds or 2.0)


def _light_off(stage: Stage, wish: Wish) -> Plan:
    return stage.call("light_off")


def _times(plan: Plan, wish: Wish) -> Plan:
    times = wish.measure.times or 1
    return (Repeat(min(times, 6), plan),) if plan and times > 1 else plan


def _often(wish: Wish, usual: int = 2) -> int:
    return min(max(wish.measure.times or usual, 1), 6)


PLAIN: dict[str, Callable[[Stage, Wish], Plan]] = {
    "nod": lambda stage, wish: stage.nod(_often(wish)),
    "shake": lambda stage, wish: stage.shake(_often(wish)),
    "bow": lambda stage, wish: _times(stage.bow(wish.measure.seconds or 1.0), wish),
    "wiggle": lambda stage, wish: stage.wiggle(_often(wish, 3)),
    "rock": lambda stage, wish: stage.call("rock", amplitude_m=stage.size(0.04), times=_often(wish)),
    "turn": _turn,
    "move": _move,
    "back": _back,
    "head": _head,
    "look": _head,
    "look_around": _look_around,
    "look_away": lambda stage, wish: stage.aside(wish.side != "right"),
    "look_person": _look_person,
    "light": _light,
    "light_off": _light_off,
    "tone": _tone,
    "count": _count,
    "dance": _dance,
    "square": _square,
    "sleep": _sleep,
    "wait": _wait,
    "stop": _wait,
}
