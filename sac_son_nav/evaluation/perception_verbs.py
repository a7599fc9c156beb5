"""The verbs of `sac-son` about people found and followed; what they call is imported when they run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

Verbs = Any  # argparse's class of subparsers has no public name


def add_evaluating(what: Verbs) -> None:
    """`sac-son evaluate people`, `groups` and `standing`."""
    _people(what)
    _groups(what)
    _standing(what)


def _people(what: Verbs) -> None:
    verb = what.add_parser("people", help="detection and tracking against hand-made positions")
    verb.add_argument("bag", type=Path, help="recording with a laser, of any kind that `sac-son replay` takes")
    verb.add_argument("people", type=Path, help="CSV: bag_time_ns, frame_id, person_id, x_m, y_m")
    verb.add_argument("--topic", help="the bag's laser topic (default: its only one)")
    verb.add_argument("--sector", nargs=2, type=float, metavar=("MIN", "MAX"), help="[deg] where everybody was marked")

    def run(options: argparse.Namespace) -> int:
        from sac_son_nav.evaluation.tracking import score_people

        return score_people(options.bag, options.people, options.topic, options.sector)

    verb.set_defaults(run=run)


def _groups(what: Verbs) -> None:
    verb = what.add_parser("groups", help="walking groups against those annotated in ETH and UCY")
    verb.add_argument("--data", type=Path, required=True, help="folder of the original annotations, a folder each")
    verb.add_argument("--places", nargs="+", metavar="NAME", help="folders in it (default: the five of ETH and UCY)")
    verb.add_argument("--fit", action="store_true", help="fit the rule anew, each place by the others, then to all")

    def run(options: argparse.Namespace) -> int:
        from sac_son_nav.evaluation.groups import PLACES, score_groups

        return score_groups(options.data, options.places or PLACES, options.fit)

    verb.set_defaults(run=run)


def _standing(what: Verbs) -> None:
    verb = what.add_parser("standing", help="people told in the embedded world without its map and with it")
    verb.add_argument("scenarios", nargs="+", metavar="SCENARIO", help="names in config/scenarios, or files")
    verb.add_argument("--seed", type=int, default=0, help="of the people and the sensors' noise (default: 0)")
    verb.add_argument("--parked", action="store_true", help="leave the robot at its start")
    off = "[m] by which the map is out of its place along each axis (default: 0)"
    verb.add_argument("--off", type=float, default=0.0, help=off)

    def run(options: argparse.Namespace) -> int:
        from sac_son_nav.evaluation.standing import count_standing

        return count_standing(options.scenarios, options.seed, options.parked, options.off)

    verb.set_defaults(run=run)
