"""`sac-son train people`; what it calls is imported when it runs."""

from __future__ import annotations

import argparse
from typing import Any

Verbs = Any  # argparse's class of subparsers has no public name


def add_learning(what: Verbs) -> None:
    """`sac-son train people`."""
    verb = what.add_parser("people", help="what a person looks like to a laser, from recordings with marked people")
    recording = (
        "BAG MARKS [MIN MAX]: a recording, the CSV of its marked people, and the sector [deg] in which everybody "
    )
    recording += "was marked; repeatable"
    verb.add_argument("--recording", nargs="+", action="append", required=True, metavar="PATH", help=recording)

    def train(options: argparse.Namespace) -> int:
        from sac_son_nav.training.people import main

        return main([word for recording in options.recording for word in ("--recording", *recording)])

    verb.set_defaults(run=train)
