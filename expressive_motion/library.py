"""Saved behaviours on disk: one folder each, a file for each version, written whole or not at all.

    greet/0001.yaml  greet/0002.yaml  greet/current

A version never changes once it is there; `current` names the one in force. Whoever edits or damages a file harms that
behaviour alone. Several processes may use a library at once.
"""

from __future__ import annotations

import ast
import keyword
import os
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from expressive_motion.behaviour import Behaviour
from expressive_motion.errors import LibraryError
from expressive_motion.program_grammar import BUILTINS
from expressive_motion.robot import Description, catalogue
from sac_son_nav.config import write_atomically

CURRENT = "current"
DELETED = ".deleted"
LONGEST_NAME = 40


class Library:
    """The behaviours in a folder, which need not exist before something is saved."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    # -- reading ------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Of all behaviours, sorted."""
        if not self.folder.is_dir():
            return []
        return sorted(p.name for p in self.folder.iterdir() if p.name.isidentifier() and (p / CURRENT).is_file())

    def versions(self, name: str) -> list[int]:
        """Of a behaviour, oldest first. LibraryError where there is no such behaviour."""
        found = sorted(int(p.stem) for p in (self.folder / _name(name)).glob("[0-9]*.yaml") if p.stem.isdigit())
        if not found or not (self.folder / name / CURRENT).is_file():
            raise LibraryError(f"behaviour {name!r}: not saved; there are {', '.join(self.names()) or 'none'}")
        return found

    def current(self, name: str) -> int:
        """The version in force."""
        versions = self.versions(name)
        text = _read(self.folder / name / CURRENT).strip()
        if not text.isdigit() or int(text) not in versions:
            raise LibraryError(f"{self.folder / name / CURRENT}: expected one of {versions}, got {text[:20]!r}")
        return int(text)

    def get(self, name: str, version: int | None = None) -> Behaviour:
        """A behaviour, as it is in force or as it once was."""
        chosen = self.current(name) if version is None else version
        if chosen not in self.versions(name):
            raise LibraryError(f"behaviour {name!r}: expected one of the versions {self.versions(name)}, got {chosen}")
        path = self._file(name, chosen)
        try:
            record = yaml.safe_load(_read(path))
        except (yaml.YAMLError, RecursionError) as error:
            raise LibraryError(f"{path}: expected YAML, got {' '.join(str(error).split())[:200]}") from None
        return replace(Behaviour.of(record, str(path)), name=name)

    def all(self) -> dict[str, Behaviour]:
        """Those that can be read, by name; a damaged one does not keep the others away (see `complaints`)."""
        return {name: made for name in self.names() if isinstance(made := self._try(name), Behaviour)}

    def complaints(self) -> list[str]:
        """What is wrong with those that can't be read."""
        return [told for name in self.names() if isinstance(told := self._try(name), str)]

    def learned(self, description: Description | None = None) -> dict[str, str]:
        """The code of each by name; for a robot, only what it has the skills for."""
        saved = {name: made.code for name, made in self.all().items()}
        if description is None:
            return saved
        able = {name for name in saved if name not in description.skills}
        while lacking := {n for n in able if not _calls(saved[n]) <= description.skills.keys() | able}:
            able -= lacking
        return {name: code for name, code in saved.items() if name in able}

    def summaries(self) -> dict[str, str]:
        """What each shows, by name."""
        return {name: made.summary for name, made in self.all().items()}

    def find(self, instruction: str, robot: str, forbidden: frozenset[str] = frozenset()) -> Behaviour | None:
        """The behaviour that was once made for these words on this robot, so that no model need be asked again."""
        wanted = (_words(instruction), robot)
        for made in self.all().values():
            if (_words(made.instruction), made.robot) == wanted and forbidden <= set(made.forbidden):
                return made
        return None

    # -- writing ------------------------------------------------------------------------------------------------

    def save(self, behaviour: Behaviour, name: str | None = None) -> int:
        """A new version, which is in force from now on; its number. Only what is fit is saved, under a name that is
        no skill of any robot."""
        name = _new_name(name or behaviour.name)
        if behaviour.verdict != "fit":
            raise LibraryError(f"behaviour {name!r}: expected one that is fit, got one that is {behaviour.verdict}")
        if name in self._reached(_calls(behaviour.code)):
            raise LibraryError(f"behaviour {name!r}: it would call itself")
        text = yaml.dump(replace(behaviour, name=name).record(), Dumper=_Dumper, sort_keys=False, allow_unicode=True)
        number = max(self._numbers(name), default=0) + 1
        try:
            while not _create(self._file(name, number), text):  # somebody else was quicker
                number += 1
            write_atomically(self.folder / name / CURRENT, f"{number}\n")
        except OSError as error:
            raise LibraryError(
                f"library {self.folder}: expected a folder to write to, got: {error.strerror}"
            ) from None
        return number

    def roll_back(self, name: str, version: int | None = None) -> int:
        """Put an earlier version in force, the one before the present unless said; its number."""
        earlier = [v for v in self.versions(name) if v < self.current(name)]
        if version is None:
            if not earlier:
                raise LibraryError(f"behaviour {name!r}: expected a version before {self.current(name)}, got none")
            version = earlier[-1]
        self.get(name, version)  # a damaged one does not come into force
        self._write(self.folder / name / CURRENT, f"{version}\n")
        return version

    def delete(self, name: str) -> Path:
        """Take a behaviour out; its versions stay in a folder of their own, whose place is returned. Refused while
        others call it."""
        self.versions(name)
        self._refuse_while_called(name)
        for number in range(1, 10_000):
            grave = self.folder / DELETED / f"{name}-{number}"
            if not grave.exists():
                break
        try:
            grave.parent.mkdir(exist_ok=True)
            os.rename(self.folder / name, grave)
        except OSError as error:
            raise LibraryError(f"behaviour {name!r}: can't be deleted: {error.strerror}") from None
        return grave

    def rename(self, name: str, new: str) -> None:
        """Give a behaviour another name. Refused while others call it by the old one."""
        self.versions(name)
        if (self.folder / _new_name(new)).exists():
            raise LibraryError(f"behaviour {new!r}: there is one of that name already")
        self._refuse_while_called(name)
        try:
            os.rename(self.folder / name, self.folder / new)
        except OSError as error:
            raise LibraryError(f"behaviour {name!r}: can't be renamed: {error.strerror}") from None

    # -- the parts ----------------------------------------------------------------------------------------------

    def _try(self, name: str) -> Behaviour | str:
        try:
            return self.get(name)
        except LibraryError as error:
            return str(error)

    def _file(self, name: str, version: int) -> Path:
        return self.folder / name / f"{version:04d}.yaml"

    def _numbers(self, name: str) -> list[int]:
        return [int(p.stem) for p in (self.folder / name).glob("[0-9]*.yaml") if p.stem.isdigit()]

    def _write(self, path: Path, text: str) -> None:
        try:
            write_atomically(path, text)
        except OSError as error:
            raise LibraryError(f"{path}: can't be written: {error.strerror}") from None

    def _reached(self, names: set[str]) -> set[str]:
        """All behaviours that these call, directly or not."""
        saved, found, ahead = self.learned(), set(), set(names)
        while ahead:
            found |= ahead
            ahead = set().union(*(_calls(saved[n]) for n in ahead if n in saved)) - found
        return found

    def _refuse_while_called(self, name: str) -> None:
        callers = sorted(other for other, code in self.learned().items() if other != name and name in _calls(code))
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


def _new_name(name: str) -> str:
    if keyword.iskeyword(_name(name)) or name in catalogue() or name in BUILTINS:
        raise LibraryError(f"behaviour {name!r}: expected a name that is no skill and no word of Python")
    return name


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _calls(code: str) -> set[str]:
    """Names that a program calls and does not define; none of one that can't be read."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    return called - {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)} - set(BUILTINS)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LibraryError(f"{path}: can't be read: {error}") from None


def _create(path: Path, text: str) -> bool:
    """Write a new file, whole or not at all; False where there is one of that name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        return True
    finally:
        Path(temporary).unlink(missing_ok=True)


class _Dumper(yaml.SafeDumper):
    """YAML for people: texts of several lines as such."""


def _text(dumper: yaml.SafeDumper, value: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
