"""What somebody is to be told, said to them; and never taken for an order to the robot."""

from __future__ import annotations

import pytest

from expressive_motion.offline.composing import compose
from expressive_motion.offline.indirect import direct
from expressive_motion.offline.script import calls
from expressive_motion.robot import describe

SAID = {
    "Tell the visitor the museum closes at five o'clock.": "The museum closes at five o'clock.",
    "Tell them that lunch is ready.": "Lunch is ready.",
    "Let everybody know that the lift is broken.": "The lift is broken.",
    "Say that you will be back soon.": "I will be back soon.",
    "Explain that you cannot open doors.": "I cannot open doors.",
    "Announce that the shop opens at nine.": "The shop opens at nine.",
    "Tell Anna the train leaves at five": "The train leaves at five.",
    "Tell the man that his taxi is here": "Your taxi is here.",
    "Tell her she looks great today.": "You look great today.",
    "Tell him he has to wait outside.": "You have to wait outside.",
    "Tell her that you like her hat.": "I like your hat.",
    "Tell me I look nice.": "You look nice.",
    "Tell the group that we leave at three.": "We leave at three.",
    "Inform everybody that they can leave now.": "You can leave now.",
    "Ask her if she needs a chair.": "Do you need a chair?",
    "Ask them whether the museum is open.": "Is the museum open?",
    "Ask them if they have seen the exit.": "Have you seen the exit?",
    "Ask them if they have a ticket.": "Do you have a ticket?",
    "Ask him what his name is.": "What is your name?",
    "Ask her what time it is.": "What time is it?",
    "Ask him how old he is.": "How old are you?",
    "Ask the boy where he wants to go.": "Where do you want to go?",
    "Ask them to wait here.": "Please wait here.",
    "Tell the child not to run.": "Please do not run.",
    "Remind me to take my pills.": "Please take your pills.",
    "Remind the patient to drink some water.": "Please drink some water.",
    "Wish her a nice day.": "I wish you a nice day.",
    "Say good night.": "Good night.",
}


@pytest.mark.parametrize(("instruction", "sentence"), SAID.items())
def test_it_is_said_to_them_and_nothing_moves(instruction: str, sentence: str) -> None:
    composition = compose(instruction, describe("simulated"))
    done = calls(composition.plan)
    assert [call.skill for call in done] == ["say"], composition.refusal
    assert done[0].get("text") == sentence
    assert composition.left_out == ""


def test_what_follows_is_an_order_again() -> None:
    done = calls(compose("Tell everyone that the tour starts in ten minutes and nod.", describe("simulated")).plan)
    assert done[0].get("text") == "The tour starts in ten minutes."
    assert {call.skill for call in done[1:]} == {"move_head", "look_ahead"}
    done = calls(compose("Turn left, and tell them the exit is over there.", describe("simulated")).plan)
    assert [call.skill for call in done] == ["turn", "say"]


@pytest.mark.parametrize(
    "instruction",
    [
        "Tell me a joke.",
        "Tell the story slowly.",
        "Tell the way to the exit",
        'Tell them "no" and turn',
        "Ask them to slow down",
        "Ask the person to let you pass",
        "Ask her if she needs help",
        "Let them know you need help.",
    ],
)
def test_what_is_no_sentence_or_has_a_gesture_of_its_own_stays(instruction: str) -> None:
    assert direct(instruction) == instruction


def test_who_speaks_of_themselves_is_not_spoken_for() -> None:
    assert direct("Tell her I will be late.") == "Tell her I will be late."
    moved = {"move", "turn", "approach_person", "follow_person", "back_away"}
    for instruction in ("Tell her I will run.", "Tell him I turn left here.", "Let them know I go back."):
        composition = compose(instruction, describe("simulated"))
        assert not moved & {call.skill for call in calls(composition.plan)}


def test_what_is_rude_is_not_said_indirectly_either() -> None:
    assert (
        compose("Tell him he is an idiot.", describe("simulated")).refusal == "I do not say things that hurt people."
    )
