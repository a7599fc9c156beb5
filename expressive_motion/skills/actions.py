"""The controller of every skill in skills.yaml."""

from __future__ import annotations

from collections.abc import Mapping

from expressive_motion.errors import ProgramError
from expressive_motion.robot import Call
from expressive_motion.skills.action import Action, Moment
from expressive_motion.skills.base_actions import Move, Rock, Turn, Wiggle
from expressive_motion.skills.head_actions import LookAtPerson, LookAtPlace, MoveHead
from expressive_motion.skills.outlet_actions import Say, ShowLight, Tone, Wait
from expressive_motion.skills.person_actions import ApproachPerson, FacePerson, FollowPerson
from expressive_motion.skills.sight_actions import Ask, FindPerson, PersonIsHere

ACTIONS: Mapping[str, type[Action]] = {
    "move": Move,
    "turn": Turn,
    "rock": Rock,
    "wiggle": Wiggle,
    "back_away": Move,
    "face_person": FacePerson,
    "approach_person": ApproachPerson,
    "follow_person": FollowPerson,
    "move_head": MoveHead,
    "look_at_person": LookAtPerson,
    "look_at_place": LookAtPlace,
    "look_ahead": MoveHead,
    "light": ShowLight,
    "light_off": ShowLight,
    "tone": Tone,
    "say": Say,
    "find_person": FindPerson,
    "person_is_here": PersonIsHere,
    "distance_to_person": Ask,
    "person_speed": Ask,
    "wait": Wait,
}


def begin(call: Call, moment: Moment) -> Action:
    """The controller of a call, at the moment it begins; ProgramError for a skill that has none."""
    if call.skill not in ACTIONS:
        raise ProgramError(f"{call.skill}: no controller for this skill; there are {', '.join(ACTIONS)}")
    return ACTIONS[call.skill](call, moment)
