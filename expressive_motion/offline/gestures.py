"""From intents to plans: how this project has the robot mean each of them, on the body it has.

These are the model's worked examples. Each takes the stage (body, bans, manner) and the wish with its amounts and
returns a plan, empty where this body can't express it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from expressive_motion.offline.cues import Stage
from expressive_motion.offline.grammar import Wish
from expressive_motion.offline.movements import MOVEMENTS
from expressive_motion.offline.script import Gesture, If, Plan, WhileHere


@dataclass(frozen=True)
class Feeling:
    """How a feeling is shown: light, tone, movement, a sentence where there is a voice, and the factors of manner."""

    light: tuple[str, str, float]  # colour, pattern, period [s]
    tone: str
    movement: str  # a cue
    words: str = ""
    look: bool = True


FEELINGS: dict[str, Feeling] = {
    "joy": Feeling(("yellow", "pulse", 1.0), "rising", "wiggle"),
    "excited": Feeling(("yellow", "blink", 0.8), "rising", "wiggle"),
    "proud": Feeling(("blue", "steady", 1.0), "chime", "lift"),
    "sad": Feeling(("blue", "pulse", 3.0), "falling", "droop", look=False),
    "afraid": Feeling(("purple", "pulse", 1.0), "falling", "tremble"),
    "angry": Feeling(("orange", "pulse", 1.0), "falling", "shake"),
    "bored": Feeling(("white", "pulse", 4.0), "falling", "aside", look=False),
    "tired": Feeling(("orange", "pulse", 4.0), "falling", "droop", look=False),
    "curious": Feeling(("blue", "pulse", 1.5), "rising", "tilt"),
    "surprised": Feeling(("white", "blink", 1.0), "rising", "start"),
    "shy": Feeling(("purple", "pulse", 2.0), "soft", "aside", look=False),
    "calm": Feeling(("blue", "pulse", 4.0), "soft", "nod_once"),
    "love": Feeling(("purple", "pulse", 2.0), "soft", "nod"),
    "confused": Feeling(("orange", "pulse", 1.5), "rising", "doubt", "I am not sure I understand."),
    "think": Feeling(("purple", "pulse", 2.0), "soft", "ponder", look=False),
    "celebrate": Feeling(("green", "blink", 0.8), "rising", "wiggle", "We did it!"),
    "congratulate": Feeling(("green", "pulse", 1.0), "chime", "nod", "Well done!"),
    "thank": Feeling(("green", "steady", 1.0), "chime", "bow", "Thank you very much."),
    "thank_back": Feeling(("green", "steady", 1.0), "chime", "nod", "You are welcome."),
    "agree": Feeling(("green", "steady", 1.0), "rising", "nod", "Yes."),
    "understand": Feeling(("green", "steady", 1.0), "rising", "nod", "I understand, thank you."),
    "refuse": Feeling(("orange", "steady", 1.0), "falling", "shake", "I am sorry, I can't do that."),
    "hope": Feeling(("green", "steady", 1.0), "rising", "lift", "I will do better."),
    "comfort": Feeling(("blue", "pulse", 3.0), "soft", "bow", "I am sorry. I am here if you need me."),
    "help": Feeling(("white", "pulse", 1.5), "chime", "nod_once", "May I help you?"),
    "ask_help": Feeling(("orange", "pulse", 1.5), "chime", "wiggle", "Excuse me, could you help me, please?"),
    "busy": Feeling(("orange", "pulse", 2.0), "soft", "shake", "I am busy right now, sorry."),
    "lost": Feeling(("orange", "pulse", 1.5), "falling", "doubt", "I don't know where I am."),
    "stuck": Feeling(("orange", "blink", 1.5), "falling", "wiggle", "I am stuck. Could you help me, please?"),
    "low_battery": Feeling(("red", "pulse", 3.0), "falling", "droop", "My battery is low.", look=False),
    "ready": Feeling(("green", "pulse", 1.5), "rising", "lift", "I am ready."),
    "attract": Feeling(("white", "blink", 1.5), "chime", "wiggle", "Excuse me, please."),
}


def feel(stage: Stage, name: str, voiced: bool = True) -> Plan:
    """Shows a feeling."""
    feeling = FEELINGS[name]
    colour, pattern, period = feeling.light
    plan = stage.light(colour, pattern, period)
    plan += stage.look(0.8) if feeling.look else ()
    plan += stage.tone(feeling.tone)
    plan += MOVEMENTS[feeling.movement](stage)
    return plan + (stage.say(feeling.words) if voiced and feeling.words else ())


def greet(stage: Stage, wish: Wish) -> Plan:
    """Looks at the person and bids them welcome."""
    plan = stage.light("green", "pulse") + stage.look(1.0) + stage.nod(2)
    return plan + (stage.say("Hello!") or stage.tone("rising"))


def goodbye(stage: Stage, wish: Wish) -> Plan:
    """Looks after somebody who goes."""
    plan = stage.light("blue", "pulse", 2.0) + stage.look(1.0) + stage.nod(1)
    return plan + (stage.say("Goodbye!") or stage.tone("falling")) + stage.look(1.5)


def wave(stage: Stage, wish: Wish) -> Plan:
    """There is no arm: a swing of the body is the nearest."""
    instead = stage.wiggle(2, "swing in greeting") or stage.nod(2) or stage.light("green", "blink")
    if instead:
        by = "swing my body" if stage.can("wiggle") else "nod" if stage.can("move_head") else "blink my light"
        stage.leave_out(f"I have no arms, so I leave out the waving and {by} instead.")
    return stage.look(0.8) + instead


def acknowledge(stage: Stage, wish: Wish) -> Plan:
    """Shows somebody that they were seen, without stopping them."""
    return stage.light("green", "pulse") + stage.look(1.2) + (stage.nod(2) or stage.tone("soft")) + stage.look(1.0)


def attention(stage: Stage, wish: Wish) -> Plan:
    """Watches, and nods now and then, as a listener does; neither tones nor words, as they would interrupt."""
    seconds = wish.measure.seconds
    if seconds is not None and not wish.loop:
        return stage.light("blue", "steady") + stage.look(seconds)
    body = stage.look(3.0) + stage.nod(1)
    body = body or stage.call("wait", seconds=2.0)
    return (*stage.light("blue", "steady"), WhileHere(body, 4.0, min(max(seconds or 15.0, 1.0), 40.0)))


def wake(stage: Stage, wish: Wish) -> Plan:
    """Comes alive within a moment, and turns to whoever called."""
    return stage.light("white", "pulse") + stage.tone("rising") + stage.lift() + stage.look(1.5) + stage.nod(1)


def listen(stage: Stage, wish: Wish) -> Plan:
    """A short look that says: I am listening."""
    return stage.light("blue", "steady") + stage.look(wish.measure.seconds or 2.0) + stage.nod(1)


def excuse(stage: Stage, wish: Wish) -> Plan:
    """Asks to pass and gives time; asks once more if the person is still there, and thanks them otherwise."""
    ask = stage.light("white", "pulse") + stage.look(0.8) + stage.tone("chime")
    ask += stage.say("Excuse me, may I pass, please?") or stage.nod(2)
    more = stage.call("back_away", distance_m=0.1, speed=0.6) + stage.tone("soft")
    more += stage.say("Sorry, I would like to get through, please.") or stage.nod(2)
    thanks = stage.say("Thank you.") or stage.nod(1)
    again: Plan = (If("near", 2.0, more + stage.call("wait", seconds=2.0), thanks),) if more else ()
    return ask + stage.call("wait", seconds=3.0) + again


def let_pass(stage: Stage, wish: Wish) -> Plan:
    """Makes room and shows that the other goes first."""
    plan = stage.light("green", "pulse") + stage.look(0.8) + stage.call("back_away", distance_m=0.25, speed=0.7)
    return plan + (stage.say("After you.") or stage.nod(1)) + stage.call("wait", seconds=3.0)


def space(stage: Stage, wish: Wish) -> Plan:
    """Gives somebody room."""
    return stage.look(0.5) + stage.call("back_away", distance_m=wish.measure.metres or 0.3, speed=0.7)


def apologise(stage: Stage, wish: Wish) -> Plan:
    """Regret: lowered, dim and brief in words."""
    plan = stage.light("red", "pulse", 3.0) + stage.look(0.6) + stage.tone("falling", 0.3) + stage.droop(1.0)
    return plan + stage.say("I am sorry.") + stage.home()


def mistake_small(stage: Stage, wish: Wish) -> Plan:
    """Regret first, then hope."""
    plan = stage.light("red", "pulse", 2.0) + stage.tone("falling", 0.3) + stage.droop(0.8)
    plan += stage.say("Sorry, my mistake.") + stage.light("green", "steady") + stage.lift() + stage.tone("rising", 0.3)
    return plan + (stage.say("I will do better now.") or stage.nod(1))


def mistake_bad(stage: Stage, wish: Wish) -> Plan:
    """Regret that doesn't hurry on."""
    plan = stage.light("red", "pulse", 4.0) + stage.look(0.8) + stage.tone("falling", 0.3) + stage.droop(1.5)
    plan += stage.say("I am very sorry.")
    if not stage.can("move_head"):
        return plan
    return (*plan, Gesture("shake slowly", _slowly_shaken(stage)), *stage.droop(1.5), *stage.home())


def _slowly_shaken(stage: Stage) -> Plan:
    left = stage.call("move_head", pan_deg=15.0, tilt_deg=-20.0, speed=0.5)
    return left + stage.call("move_head", pan_deg=-15.0, tilt_deg=-20.0, speed=0.5)


def approach(stage: Stage, wish: Wish) -> Plan:
    """Shows that the call was understood, comes, and stops at a friendly distance."""
    metres = wish.measure.metres
    side = (
        wish.side
        if wish.side in ("left", "right") and re.search(r"\b(?:from|at|on|to|by) their\b", wish.clause)
        else ""
    )
    told = "distance_m" if metres is not None else ""
    speed = stage.pace()
    if side:
        drive = stage.call("approach_person", told, distance_m=metres or 1.3, side=side, speed=speed)
    else:
        drive = stage.call("approach_person", told, distance_m=metres or 1.3, speed=speed)
    if not drive:
        stage.leave_out("I may not move, so I do not come; I only show that I noticed.")
        return acknowledge(stage, wish)
    return stage.light("green", "steady") + stage.look(0.5) + stage.nod(1) + drive + stage.look(0.8)


def follow(stage: Stage, wish: Wish) -> Plan:
    """Follows for a while, and asks to slow down when the person is too far ahead."""
    metres, seconds = wish.measure.metres or 1.3, wish.measure.seconds or 30.0
    chase = stage.call("follow_person", distance_m=metres, at_most_s=min(4.0, seconds), lost_m=6.0)
    if not chase:
        stage.leave_out("I may not move, so I do not follow; I only show that I noticed.")
        return acknowledge(stage, wish)
    slow = () if "ask_slow" in stage.without else ask_slow(stage, wish)
    body = chase + ((If("far", 2.2, slow, stage.light("green", "steady")),) if slow else ())
    begin = stage.light("green", "steady") + stage.look(0.5) + stage.yes() + stage.say("I follow you.", False)
    return (*begin, WhileHere(body, 6.0, min(seconds, 30.0)))


def ask_slow(stage: Stage, wish: Wish) -> Plan:
    """Asks somebody ahead to wait."""
    told = stage.say("Please slow down a little.", False) or stage.tone("chime")
    return stage.light("orange", "pulse") + told or stage.nod(2)


def teach(stage: Stage, wish: Wish) -> Plan:
    """Comes, watches, and shows that it was understood."""
    come = stage.call("approach_person", distance_m=1.4)
    if not come:
        stage.leave_out("I may not move, so I watch from here.")
    plan = stage.light("green", "steady") + stage.look(0.5) + stage.yes() + come
    watch = stage.look(2.5) + (stage.nod(1) if stage.can("move_head") else ())
    plan += stage.light("blue", "steady") + ((WhileHere(watch, 4.0, 9.0),) if watch else ())
    return plan + stage.light("green", "steady") + stage.nod(2) + stage.speak_or("I understand, thank you.", "rising")


def invite(stage: Stage, wish: Wish) -> Plan:
    """Looks at the person and beckons with the body."""
    plan = stage.light("green", "pulse") + stage.look(0.8) + stage.speak_or("Come with me, please.", "rising")
    away = stage.call("turn", angle_deg=30.0) + stage.call("turn", angle_deg=-30.0)
    return plan + ((Gesture("beckon", away),) if away else stage.nod(2))


def say(stage: Stage, wish: Wish) -> Plan:
    """Says what was given in quotation marks."""
    if not wish.quote:
        return ()
    low = wish.clause.startswith("whisper")
    if low:
        stage.leave_out("I have one volume for speech, so I can't whisper.")
    longest = 160
    if len(wish.quote) > longest:
        stage.leave_out("The sentence is too long, so I leave it out.")
        return stage.tone("chime")
    plan = stage.say(wish.quote)
    if not plan and "say" not in stage.without:
        why = "may not speak" if "speech" in stage.forbidden else "have no voice"
        instead = stage.tone("chime")
        rest = " and play a tone instead" if instead else ""
        stage.leave_out(f"I {why}, so I leave out the sentence{rest}.")
        return instead
    return plan


def point(stage: Stage, wish: Wish) -> Plan:
    """Without an arm the robot looks to where it means, and back at the person."""
    left = {"right": -1.5, "left": 1.5}.get(wish.side, 0.0)
    ahead = {"back": -1.5, "left": 0.8, "right": 0.8}.get(wish.side, 1.5)
    glance = stage.call("look_at_place", ahead_m=ahead, left_m=left, hold_s=1.2)
    if not glance:
        return ()
    stage.leave_out("I have no arm to point with, so I look that way.")
    return stage.light("white", "steady") + stage.look(0.6) + glance + stage.look(0.6)


_Maker = Callable[[Stage, Wish], Plan]
SOCIAL: dict[str, _Maker] = {
    "greet": greet, "goodbye": goodbye, "wave": wave, "acknowledge": acknowledge, "attention": attention, "wake": wake,
    "listen": listen, "excuse": excuse, "let_pass": let_pass, "space": space, "apologise": apologise,
    "mistake_small": mistake_small, "mistake_bad": mistake_bad, "approach": approach, "follow": follow,
    "ask_slow": ask_slow, "teach": teach, "invite": invite, "say": say, "point": point,
}  # fmt: skip
