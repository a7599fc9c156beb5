"""The verbs of `sac-son` about people found and followed; what they call is imported when they run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

Verbs = Any  # argparse's class of subparsers has no public name


def add_evaluating(what: Verbs) -> None:
    """`sac-son evaluate people` and `sac-son evaluate groups`."""
    verb = what.add_parser("people", help="detection and tracking against hand-made positions")
    verb.add_argument("bag", type=Path, help="recording with a laser, of any kind that `sac-son replay` takes")
    verb.add_argument("people", type=Path, help="CSV: bag_time_ns, frame_id, person_id, x_m, y_m")
    verb.add_argument("--topic", help="the bag's laser topic (default: its only one)")
    verb.add_argument("--sector", nargs=2, type=float, metavar=("MIN", "MAX"), help="[deg] where everybody was marked")

    def people(options: argparse.Namespace) -> int:
        from sac_son_nav.evaluation.tracking import main

        topic = ["--topic", options.topic] if options.topic else []
        sector = ["--sector", *map(str, options.sector)] if options.sector else []
        return main([str(options.bag), str(options.people), *topic, *sector])

    verb.set_defaults(run=people)

    verb = what.add_parser("groups", help="walking groups against those annotated in ETH and UCY")
    verb.add_argument("--data", type=Path, required=True, help="folder of the original annotations")
    verb.add_argument("--fit", action="store_true", help="fit the rule anew, each place by the others, then to all")

    def groups(options: argparse.Namespace) -> int:
        from sac_son_nav.evaluation.groups import main

        return main(["--data", str(options.data), *(["--fit"] if options.fit else [])])

    verb.set_defaults(run=groups)
