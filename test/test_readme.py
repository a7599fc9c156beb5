"""What the README tells a reader to type exists, and what it links to is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sac_son_nav.cli import parser
from sac_son_nav.nodes.bringup import LAUNCHES, arguments

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "README.md"
README = FILE.read_text(encoding="utf-8") if FILE.is_file() else ""  # then the first test fails
MAKE_TARGETS = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
EXECUTABLES = set(re.findall(r'"([\w-]+) = [\w.]+:main"', (ROOT / "setup.py").read_text()))


def commands() -> list[list[str]]:
    """Every command line of the README: those in fenced blocks, without prompt, and those in `inline code`."""
    blocks = re.findall(r"^```(?:bash|sh|console|shell)?\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", README, flags=re.MULTILINE | re.DOTALL))
    found = []
    for line in lines:
        for part in re.split(r"&&|;", re.sub(r"\s#.*", "", line.strip().removeprefix("$ "))):
            try:
                words = shlex.split(part)
            except ValueError:  # an apostrophe in prose
                continue
            while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                words.pop(0)
            if words and Path(words[0]).name in ("make", "sac-son", "ros2"):
                found.append([Path(words[0]).name, *words[1:]])
    return found


def of(program: str) -> list[list[str]]:
    return [words[1:] for words in commands() if words[0] == program]


def test_the_two_commands_are_there() -> None:
    assert ["demo"] in of("make")
    assert ["test"] in of("make")


def test_every_make_target_exists() -> None:
    assert {word for words in of("make") for word in words if not word.startswith("-")} <= MAKE_TARGETS


@pytest.mark.parametrize("words", [w for w in of("sac-son") if w], ids=" ".join)
def test_every_sac_son_command_is_understood(words: list[str]) -> None:
    verbs = next(action.choices for action in parser()._actions if isinstance(action.choices, dict))
    assert words[0] in verbs or words[0] in ("--help", "--version")
    if len(words) > 1 and not any(mark in word for word in words for mark in ("<", "…", "...", "[")):
        parser().parse_args(words)


def test_every_launch_file_and_argument_exists() -> None:
    for words in of("ros2"):
        if words[:2] == ["launch", "sac_son"]:
            launch = words[2].removesuffix(".launch.py")
            assert launch in LAUNCHES
            assert {w.partition(":=")[0] for w in words[3:] if ":=" in w} <= {a.name for a in arguments(launch)}
        if words[:2] == ["run", "sac_son"]:
            assert words[2] in EXECUTABLES


def test_every_relative_link_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", README) + re.findall(r'(?:src|href)="([^"#]+)"', README)
    missing = [t for t in targets if "://" not in t and not t.startswith("mailto:") and not (ROOT / t).exists()]
    assert missing == []
