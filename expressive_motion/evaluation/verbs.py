"""`sac-son evaluate expression` and `sac-son evaluate intuition`: their options. The work is imported when called."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_verbs(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Both, below `evaluate`."""
    _expression(what)
    _intuition(what)


def _expression(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = what.add_parser("expression", help="behaviours that a language model writes, by checks and norms")
    models = "offline, a name in config/models.yaml, ADDRESS#MODEL, or recorded:FILE (default: offline)"
    verb.add_argument("--model", default="offline", help=models)
    verb.add_argument("--samples", type=int, default=5, help="of each behaviour (default: 5)")
    verb.add_argument("--robot", default="simulated", help="name in config/robots, or a file (default: simulated)")
    verb.add_argument("--set-aside", type=Path, metavar="FILE", help="instructions with what is expected of them")
    verb.add_argument("--out", type=Path, default=Path("out/expression"), help="folder; an earlier run there goes on")

    def run(options: argparse.Namespace) -> int:
        if options.set_aside:
            from expressive_motion.evaluation.set_aside import evaluate_set_aside

            return evaluate_set_aside(options.set_aside, options.model, options.robot, options.out)
        from expressive_motion.evaluation.samples import evaluate_expression

        return evaluate_expression(options.model, options.samples, options.robot, options.out)

    verb.set_defaults(run=run)


def _intuition(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = what.add_parser("intuition", help="whether a language model judges robots as people do")
    data = "a copy of the repository lwachowiak/LLMs-for-Social-Robotics"
    verb.add_argument("--data", type=Path, required=True, metavar="DIR", help=data)
    which = verb.add_mutually_exclusive_group(required=True)
    which.add_argument("--model", help="a name in config/models.yaml, or ADDRESS#MODEL")
    which.add_argument("--stored", action="store_true", help="score the completions that the copy holds instead")
    verb.add_argument("--out", type=Path, default=Path("out/intuition"), help="folder; an earlier run there goes on")

    def run(options: argparse.Namespace) -> int:
        from expressive_motion.evaluation.intuition_study import evaluate_intuition, show_stored

        if options.stored:
            return show_stored(options.data)
        return evaluate_intuition(options.data, options.model, options.out)

    verb.set_defaults(run=run)
