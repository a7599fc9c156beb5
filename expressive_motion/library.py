"""Saved behaviours on disk: one folder each, a file for each version, written whole or not at all.

    greet/0001.yaml  greet/0002.yaml  greet/current

A version never changes once it is there; `current` names the one in force. Whoever edits or damages a file harms that
behaviour alone, and those that call it. Several processes may use a library at once: who writes holds the lock of the
folder, which the operating system takes back from whoever dies; who reads needs none.
"""

from __future__ import annotations

import ast
import fcntl
import keyword
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from expressive_motion.behaviour import Behaviour
from expressive_motion.errors import LibraryError
from expressive_motion.programs.calls import called
from expressive_motion.programs.grammar import BUILTINS
from expressive_motion.robot import Description, catalogue
from sac_son_nav.config import write_atomically

CURRENT = "current"
DELETED = ".deleted"
LOCK = ".lock"
LONGEST_NAME = 40
_NUMBER = re.compile("[0-9]{1,9}")


class Library:
    """The behaviours in a folder, which need not exist before something is saved."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    # -- reading ------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Of all behaviours, sorted."""
        try:
            found = list(self.folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise LibraryError(f"library {self.folder}: expected a folder to read, got: {error.strerror}") from None
        return sorted(p.name for p in found if p.name.isidentifier() and os.path.isfile(p / CURRENT))

    def versions(self, name: str) -> list[int]:
        """Of a behaviour, oldest first. LibraryError where there is no such behaviour."""
        found = self._numbers(_name(name))
        if not found or not os.path.isfile(self.folder / name / CURRENT):
            raise LibraryError(f"behaviour {name!r}: not saved; there are {', '.join(self.names()) or 'none'}")
        return found

    def current(self, name: str) -> int:
        """The version in force."""
        versions = self.versions(name)
        text = _read(self.folder / name / CURRENT).strip()
        version = int(text) if _NUMBER.fullmatch(text) else 0
        if version not in versions:
            raise LibraryError(f"{self.folder / name / CURRENT}: expected one of {versions}, got {text[:20]!r}")
        return version

    def get(self, name: str, version: int | None = None) -> Behaviour:
        """A behaviour, as it is in force or as it once was."""
        chosen = self.current(name) if version is None else version
        if chosen not in self.versions(name):
            raise LibraryError(f"behaviour {name!r}: expected one of the versions {self.versions(name)}, got {chosen}")
        path = self._file(name, chosen)
        try:
            record = yaml.safe_load(_read(path))
        except Exception as error:  # the parser lets through whatever int(), date() and the like raise
            raise LibraryError(f"{path}: expected YAML, got {' '.join(str(error).split())[:200]}") from None
        made = Behaviour.of(record, str(path))
        if made.verdict != "fit":
            raise LibraryError(f"{path}: expected a behaviour that is fit, got one that is {made.verdict}")
        return replace(made, name=name)

    def all(self) -> dict[str, Behaviour]:
        """Those that can be read, by name; a damaged one does not keep the others away (see `complaints`)."""
        return {name: made for name in self.names() if isinstance(made := self._try(name), Behaviour)}

    def complaints(self) -> list[str]:
        """What is wrong with those that can't be read."""
        return [told for name in self.names() if isinstance(told := self._try(name), str)]

    def learned(self, description: Description | None = None) -> dict[str, str]:
        """The code of each by name; for a robot, only what it has the skills for, and what comes to an end."""
        saved = {name: made.code for name, made in self.all().items()}
        if description is None:
            return saved
        asked = {name: calls(code) for name, code in saved.items()}
        able = {name for name in saved if name not in description.skills and name not in reached(asked[name], saved)}
        while lacking := {n for n in able if not asked[n] <= description.skills.keys() | able}:
            able -= lacking
        return {name: code for name, code in saved.items() if name in able}

    def summaries(self) -> dict[str, str]:
        """What each shows, by name."""
        return {name: made.summary for name, made in self.all().items()}

    def find(self, instruction: str, robot: str, forbidden: frozenset[str] = frozenset()) -> Behaviour | None:
        """The behaviour that was once made for these words on this robot, so that no model need be asked again."""
        wanted = (_words(instruction), robot)
        if not wanted[0]:  # nothing but punctuation
            return None
        for made in self.all().values():
            if (_words(made.instruction), made.robot) == wanted and forbidden <= set(made.forbidden):
                return made
        return None

    # -- writing ------------------------------------------------------------------------------------------------

    def open_for_writing(self) -> None:
        """Make the folder if need be; LibraryError where nothing could be saved in it."""
        with self._writing():
            pass

    def save(self, behaviour: Behaviour, name: str | None = None) -> int:
        """A new version, which is in force from now on; its number. Only what is fit is saved, under a name that is
        no skill of any robot."""
        name = new_name(name or behaviour.name)
        if behaviour.verdict != "fit":
            raise LibraryError(f"behaviour {name!r}: expected one that is fit, got one that is {behaviour.verdict}")
        text = yaml.dump(replace(behaviour, name=name).record(), Dumper=_Dumper, sort_keys=False, allow_unicode=True)
        with self._writing():
            self._refuse_circle(name, behaviour.code)
            number = max(self._numbers(name), default=0) + 1
            write_atomically(self._file(name, number), text)
            write_atomically(self.folder / name / CURRENT, f"{number}\n")
        return number

    def roll_back(self, name: str, version: int | None = None) -> int:
        """Put an earlier version in force, the one before the present unless said; its number."""
        self.versions(name)  # nothing is written where there is none
        with self._writing():
            if version is None:
                present = self.current(name)
                earlier = [v for v in self.versions(name) if v < present]
                if not earlier:
                    raise LibraryError(f"behaviour {name!r}: expected a version before {present}, got none")
                version = earlier[-1]
            self._refuse_circle(name, self.get(name, version).code)  # a damaged one does not come into force, either
            write_atomically(self.folder / name / CURRENT, f"{version}\n")
        return version

    def delete(self, name: str) -> Path:
        """Take a behaviour out; its versions stay in a folder of their own, whose place is returned. Refused while
        others call it."""
        self.versions(name)
        with self._writing():
            self._refuse_while_called(name)
            graves = (self.folder / DELETED / f"{name}-{number}" for number in count(1))
            grave = next(g for g in graves if not g.exists())
            grave.parent.mkdir(exist_ok=True)
            os.rename(self.folder / name, grave)
        return grave

    def rename(self, name: str, new: str) -> None:
        """Give a behaviour another name. Refused while others call it by the old one."""
        self.versions(name)
        new_name(new)
        with self._writing():
            if (self.folder / new).exists():
                raise LibraryError(f"behaviour {new!r}: there is one of that name already")
            self._refuse_while_called(name)
            self._refuse_circle(new, self.get(name).code)
            os.rename(self.folder / name, self.folder / new)

    # -- the parts ----------------------------------------------------------------------------------------------

    def _try(self, name: str) -> Behaviour | str:
        try:
            return self.get(name)
        except LibraryError as error:
            return str(error)

    def _file(self, name: str, version: int) -> Path:
        return self.folder / name / f"{version:04d}.yaml"

    def _numbers(self, name: str) -> list[int]:
        """Of a behaviour's files, in order."""
        return sorted(int(p.stem) for p in (self.folder / name).glob("[0-9]*.yaml") if _NUMBER.fullmatch(p.stem))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Alone, until the block ends; what the system refuses in it is a LibraryError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with open(self.folder / LOCK, "ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
                yield
        except OSError as error:
            raise LibraryError(
                f"library {self.folder}: expected a folder to write to, got: {error.strerror}"
            ) from None

    def _refuse_circle(self, name: str, code: str) -> None:
        if name in reached(calls(code), self.learned()):
            raise LibraryError(f"behaviour {name!r}: it would call itself")

    def _refuse_while_called(self, name: str) -> None:
        callers = sorted(other for other, code in self.learned().items() if other != name and name in calls(code))
        if callers:
            raise LibraryError(f"behaviour {name!r}: is called by {', '.join(callers)}; change or delete these first")


def default_folder() -> Path:
    """Where behaviours are kept unless told otherwise: below $XDG_DATA_HOME, or ~/.local/share."""
    given = os.environ.get("XDG_DATA_HOME", "")
    return (Path(given) if given else Path.home() / ".local/share") / "sac_son/behaviours"


def _name(name: str) -> str:
    if not (name.isidentifier() and name.isascii() and len(name) <= LONGEST_NAME):
        raise LibraryError(
            f"behaviour {name[:60]!r}: expected a Python identifier of at most {LONGEST_NAME} characters"
        )
    return name


def new_name(name: str) -> str:
    """The name, if a behaviour can be saved under it; LibraryError if not."""
    if keyword.iskeyword(_name(name)) or name in catalogue() or name in BUILTINS:
        raise LibraryError(f"behaviour {name!r}: expected a name that is no skill and no word of Python")
    return name


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def calls(code: str) -> set[str]:
    """Names that a program calls and does not define; none of one that can't be read."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return called(tree) - set(BUILTINS)


def reached(names: set[str], saved: Mapping[str, str]) -> set[str]:
    """These, and all that the saved programs among them call, directly or through one another."""
    found: set[str] = set()
    ahead = set(names)
    while ahead:
        found |= ahead
        ahead = {other for name in ahead if name in saved for other in calls(saved[name])} - found
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LibraryError(f"{path}: can't be read: {error}") from None


class _Dumper(yaml.SafeDumper):
    """YAML for people: texts of several lines as such."""


def _text(dumper: yaml.SafeDumper, value: str) -> Any:
    style: str | None
    # YAML takes some characters for the end of a line that Python does not; what holds one of them is quoted
    if not value.replace("\n", "").isprintable():
        style = '"'
    else:
        style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
