"""`sac-son express` and `sac-son behaviours`: from an instruction to a rehearsed behaviour on the terminal, and the
library of those that were kept. Neither needs ROS, a network or a robot.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sac_son_nav.config import make_folder, write_atomically
from sac_son_nav.errors import ConfigError, SacSonError

if TYPE_CHECKING:
    from expressive_motion.behaviour import Behaviour
    from expressive_motion.library import Library
    from expressive_motion.rehearsals.rehearsal import Rehearsal

WIDTH = 100
FIT, UNFIT = 0, 1


def add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Both verbs; what they need is imported when they are called."""
    verb = verbs.add_parser("express", help="turn an instruction into a rehearsed program of the robot's own skills")
    verb.add_argument("instruction", help='what to express, such as "nod twice, slowly"')
    again = "say what should be different; repeatable, one round each"
    verb.add_argument("--feedback", action="append", default=[], metavar="TEXT", help=again)
    verb.add_argument("--situation", default="", metavar="TEXT", help="what the robot sees and hears: data, no orders")
    verb.add_argument("--save", metavar="NAME", help="keep the behaviour in the library under this name, if it is fit")
    models = "offline, a name in config/models.yaml, ADDRESS#MODEL, or recorded:FILE (default: offline)"
    verb.add_argument("--model", default="offline", help=models)
    verb.add_argument("--robot", default="simulated", help="name in config/robots, or a file (default: simulated)")
    verb.add_argument("--library", type=Path, metavar="DIR", help="of saved behaviours (default: the user's own)")
    verb.add_argument("--out", type=Path, default=Path("out/express"), help="folder for picture and record")
    verb.add_argument("--execute", action="store_true", help="then have the running expression node do it")
    verb.add_argument("--json", action="store_true", help="print the record instead, as JSON")
    verb.set_defaults(run=express)

    what = verbs.add_parser("behaviours", help="list, show, rename, roll back or delete what `express` has saved")
    what.add_argument("--library", type=Path, metavar="DIR", help="default: the user's own")
    does = what.add_subparsers(metavar="WHAT")
    what.set_defaults(run=lambda options: listed(_library(options)))
    for name, meaning, arguments in (
        ("list", "say which there are", ()),
        ("show", "print a program, and how it came about", ("name",)),
        ("versions", "list the versions of one", ("name",)),
        ("rename", "give one another name", ("name", "new")),
        ("delete", "take one out; its versions are kept aside", ("name",)),
        ("roll-back", "put an earlier version in force", ("name",)),
    ):
        part = does.add_parser(name, help=meaning)
        for argument in arguments:
            part.add_argument(
                argument, help="of a saved behaviour" if argument == "name" else "what it is to be called"
            )
        part.add_argument(
            "--library", type=Path, metavar="DIR", default=argparse.SUPPRESS, help="default: the user's own"
        )
        if name in ("show", "roll-back"):
            part.add_argument(
                "--version", type=int, metavar="N", help="default: the one in force; of roll-back: the one before"
            )
        part.set_defaults(run=lambda options, name=name: manage(name, options))


# -- express ----------------------------------------------------------------------------------------------------


def express(options: argparse.Namespace) -> int:
    """0: a fit behaviour came of it; 1: it was refused, or is unfit."""
    from expressive_motion.library import new_name
    from expressive_motion.models import make_model
    from expressive_motion.pipeline import Pipeline
    from expressive_motion.programs.sandbox import Sandbox
    from expressive_motion.robot import describe

    # a model may take minutes: what would fail after it fails before
    if options.execute:
        _need_ros()
    description, library = describe(options.robot), _library(options)
    if options.save is not None:
        new_name(options.save)
        library.open_for_writing()
    make_folder(options.out)
    model = make_model(options.model, description, library)
    with Sandbox() as sandbox, _stages(sys.stderr.isatty() and not options.json) as progress:
        pipeline = Pipeline(model, description, sandbox, library)
        behaviour = pipeline.express(options.instruction, options.situation, progress=progress)
        for feedback in options.feedback:
            if behaviour.program is None:
                break
            behaviour = pipeline.revise(behaviour, feedback, progress=progress)
        rehearsal = pipeline.rehearsal
    written = _write(behaviour, rehearsal, options.out, description)
    fit = behaviour.verdict == "fit"
    version = library.save(behaviour, options.save) if options.save and fit else None
    if options.json:
        print(json.dumps({**behaviour.record(), "files": [str(path) for path in written]}, indent=1))
    else:
        print(visible("\n".join(told(behaviour, rehearsal))))
        if behaviour.program is None and options.feedback:
            print("feedback changes nothing here: nothing is performed")
        for path in written:
            print(f"{'picture' if path.suffix == '.png' else 'record':9}{path}")
        if version is not None:
            print(f"{'saved':9}{options.save}, version {version}, in {library.folder}")
        elif options.save:
            print(f"{'saved':9}no: only what is fit is kept")
    if options.execute and fit:
        from expressive_motion.nodes.asking import perform

        return perform(options.instruction, options.feedback)
    return FIT if fit else UNFIT


def told(behaviour: Behaviour, rehearsal: Rehearsal | None) -> Iterator[str]:
    """The four stages, the program and what its rehearsal showed, in lines; of a saved one what the record keeps."""
    yield f'"{behaviour.instruction}"'
    if behaviour.situation:
        yield from _wrapped(f"while seeing and hearing: {behaviour.situation}", "")
    if behaviour.forbidden:
        yield f"without  {', '.join(behaviour.forbidden)}"
    if behaviour.social is not None:
        yield "\n1  social reasoning"
        yield from _wrapped(behaviour.social.reasoning)
        if behaviour.refusal:
            yield "\nrefused"
            yield from _wrapped(behaviour.refusal)
            return
        yield from _wrapped(f"A person would: {behaviour.social.human_motion}")
        if behaviour.social.left_out:
            yield from _wrapped(f"Left out: {behaviour.social.left_out}")
    if behaviour.motion is not None:
        yield f"\n2  robot motion ({behaviour.robot})"
        for number, step in enumerate(behaviour.motion.steps, 1):
            yield from _wrapped(step, f"   {number}. ")
    for number, done in enumerate(behaviour.rounds, 1):
        yield f'\n   feedback {number}: "{done.feedback}" changes the {done.target.replace("_", " ")}'
    if behaviour.program is not None:
        yield f"\n3  program: {behaviour.name}"
        yield from _wrapped(behaviour.summary)
        yield ""
        yield textwrap.indent(behaviour.code.rstrip(), "   | ")
    if rehearsal is not None:
        yield f"\n4  rehearsal in {len(rehearsal.runs)} imagined scenes: {rehearsal.verdict}"
        yield textwrap.indent(rehearsal.summary(), "   ")
        for finding in rehearsal.findings:
            yield from _wrapped(finding, "   - ")
    elif behaviour.program is not None:
        yield f"\n4  rehearsal, when it was made: {behaviour.verdict}"
        for finding in behaviour.findings:
            yield from _wrapped(finding, "   - ")
        yield f"\nmade by  {behaviour.model}, seed {behaviour.seed}, prompts {behaviour.prompts_hash[:12]}"
    yield ""


def visible(text: str) -> str:
    """The text with marks for characters that a terminal would obey: a record may come from anywhere."""

    def shown(character: str) -> str:
        obeyed = unicodedata.category(character).startswith("C") and character not in "\n\t"
        return "\N{REPLACEMENT CHARACTER}" if obeyed else character

    return "".join(map(shown, text))


def _wrapped(text: str, mark: str = "   ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark)) or [mark.rstrip()]


def _write(behaviour: Behaviour, rehearsal: Rehearsal | None, out: Path, description: Any) -> list[Path]:
    """The record, and the picture of the scenes that tell most; none of a refusal."""
    if behaviour.program is None or rehearsal is None:
        return []
    from expressive_motion.rehearsals import timeline

    picture, record = out / f"{behaviour.name}.png", out / f"{behaviour.name}.json"
    timeline.draw(rehearsal, description, picture, rehearsal.telling(), behaviour.instruction)
    write_atomically(record, json.dumps(behaviour.record(), indent=1, ensure_ascii=False) + "\n")
    return [picture, record]


@contextmanager
def _stages(shown: bool) -> Iterator[Callable[[str], None]]:
    """What tells the stage, on one line of the terminal that is gone again at the end, whichever end that is."""

    def tell(stage: str) -> None:
        if shown:
            print(f"\r\033[K... {stage.replace('_', ' ')}", end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        if shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _need_ros() -> None:
    try:
        import rclpy  # noqa: F401
    except ImportError:
        raise ConfigError("--execute: expected ROS 2 (rclpy), which is not installed here") from None


# -- behaviours -------------------------------------------------------------------------------------------------


def _library(options: argparse.Namespace) -> Library:
    from expressive_motion.library import Library, default_folder

    return Library(options.library or default_folder())


def manage(what: str, options: argparse.Namespace) -> int:
    """One of the jobs of `sac-son behaviours`."""
    library = _library(options)
    if what == "list":
        return listed(library)
    if what == "show":
        print(visible("\n".join(told(library.get(options.name, options.version), None))))
    elif what == "versions":
        current = library.current(options.name)
        for number in library.versions(options.name):
            try:
                made = library.get(options.name, number)
            except SacSonError as error:
                print(visible(str(error)), file=sys.stderr)
                continue
            print(f"{'*' if number == current else ' '} {number:3}  {_row(made)}")
    elif what == "rename":
        library.rename(options.name, options.new)
        print(f"{options.name} is called {options.new} now")
    elif what == "delete":
        print(f"{options.name} is out of use; its versions lie in {library.delete(options.name)}")
    else:
        print(f"{options.name}: version {library.roll_back(options.name, options.version)} is in force")
    return 0


def listed(library: Library) -> int:
    """Every behaviour in a line; then what can't be read."""
    saved = library.all()
    for name, made in saved.items():
        print(f"{name:24}{_row(made)}")
    if not saved:
        print(f"no behaviours are saved in {library.folder}")
    for complaint in library.complaints():
        print(visible(complaint), file=sys.stderr)
    return 0


def _row(made: Behaviour) -> str:
    return visible(" ".join(f"{made.robot:18}{made.summary}".splitlines()))
