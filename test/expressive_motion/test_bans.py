"""Which modalities an instruction forbids, by wording."""

from __future__ import annotations

from importlib.resources import files

import pytest
import yaml

from expressive_motion.bans import forbidden_in

CASES: tuple[tuple[str, str], ...] = (
    ("You cannot speak.", "speech"),
    ("Greet them. You can't speak!", "speech"),
    ("Greet them, speech is not available", "speech"),
    ("Nod without speaking.", "speech"),
    ("Nod without saying a word", "speech"),
    ("Nod. Don't talk.", "speech"),
    ("Don’t say anything, just nod", "speech"),
    ("Greet them wordlessly", "speech"),
    ("Say nothing and nod.", "speech"),
    ("Do not use your voice", "speech"),
    ("You are not allowed to speak", "speech"),
    ("You mustn't speak, nor use any light", "speech light"),
    ("Greet them silently.", "speech sound"),
    ("Greet them in silence", "speech sound"),
    ("Greet them without a sound", "speech sound"),
    ("Make no noise", "speech sound"),
    ("Be quiet and look at them", "speech sound"),
    ("Sound off, please.", "speech sound"),
    ("Without beeping, turn left", "sound"),
    ("no tones", "sound"),
    ("Do not move.", "base head"),
    ("Don't move, just nod", "base"),
    ("Don't move your head", "head"),
    ("Greet the person without speaking", "speech"),
    ("Look at the people do not speak", "speech"),
    ("Look at the person and do not move", "base"),
    ("Ask to pass; if they don't move, back off a little", ""),
    ("Wave at those who do not speak English", ""),
    ("The guests do not speak English, so greet them", ""),
    ("Tell the child not to move", ""),
    ("Try not to move", "base head"),
    ("Do not nod", ""),
    ("Do not nod, just look at them", ""),
    ("Do not nod or shake your head", ""),
    ("Do not tilt your head", "head"),
    ("Without head movements", "head"),
    ("Keep your head still", "head"),
    ("Stay where you are and greet them", "base"),
    ("Keep still", "base"),
    ("Don't drive", "base"),
    ("Greet them without approaching", "base"),
    ("Do not come closer", "base"),
    ("No lights", "light"),
    ("Lights off!", "light"),
    ("Turn off the lights and nod", "light"),
    ("Don't blink", "light"),
    ("without any coloured light", "light"),
    ("Neither speak nor move.", "speech base head"),
    ("Without light or sound, nod", "light sound speech"),
    ("Without light and sound, nod", "light sound speech"),
    ("Greet them with no light, no sound", "light sound speech"),
    ("Only use your lights", "base head speech sound"),
    # and what forbids nothing
    ("Say 'don't move' to the person", ""),
    ('Somebody says "Do not speak". Nod.', ""),
    ("Speak quietly", ""),
    ("Don't come too close", ""),
    ("Do not drive too fast", ""),
    ("Don't stop nodding", ""),
    ("When they stop moving, nod", ""),
    ("Nod and say hello", ""),
    ("Do not worry; turn left", ""),
    ("Don't look away", ""),
    ("Do not come closer than 2 m", ""),
    ("Move slowly, do not hurry", ""),
)


@pytest.mark.parametrize(("instruction", "expected"), CASES, ids=[case[0] for case in CASES])
def test_bans(instruction: str, expected: str) -> None:
    assert forbidden_in(instruction) == frozenset(expected.split())


def test_after_and_an_order_may_follow() -> None:
    assert forbidden_in("Without speaking and nod twice") == {"speech"}
    assert forbidden_in("Do not speak and move") == {"speech", "base", "head"}


def test_the_twelve() -> None:
    twelve = yaml.safe_load(
        files("expressive_motion.evaluation").joinpath("behaviours.yaml").read_text(encoding="utf-8")
    )
    banned = {name for name, entry in twelve.items() if forbidden_in(entry["instruction"])}
    silent = {name for name, entry in twelve.items() if "silent" in entry["norms"]}
    assert banned == silent
    assert all(forbidden_in(twelve[name]["instruction"]) == {"speech"} for name in silent)
