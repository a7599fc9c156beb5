"""Every verb and option of `sac-son` says what it is for."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest

from sac_son_nav.cli import parser


def verbs(of: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                yield verb
                yield from verbs(verb)


@pytest.mark.parametrize("verb", list(verbs(parser())), ids=lambda verb: verb.prog)
def test_a_verb_says_what_it_does_and_what_its_options_are(verb: argparse.ArgumentParser) -> None:
    assert verb.description
    said = verb.format_help()
    assert verb.description.split()[0] in said
    for action in verb._actions:
        if isinstance(action, argparse._SubParsersAction):
            continue
        assert action.help, f"{verb.prog}: {action.option_strings or action.dest}"
        if action.option_strings and action.default is not None and not isinstance(action.default, bool | list):
            assert "default" in action.help or action.default == argparse.SUPPRESS, (verb.prog, action.option_strings)
