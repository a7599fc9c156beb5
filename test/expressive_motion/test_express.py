"""`sac-son express` and `sac-son behaviours`, as somebody types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from expressive_motion.behaviour import Behaviour
from expressive_motion.chain import ProgramDraft, RobotMotion, SocialReasoning
from expressive_motion.express import visible
from expressive_motion.language.language_model import Answer, Question, never
from expressive_motion.library import Library
from sac_son_nav.cli import main

NOD = "move_head(tilt_deg=-15)\nlook_ahead()\n"
GREET = Behaviour(
    "greet", "The robot nods.", "Greet me", "simulated", "fit",
    situation="a door",
    social=SocialReasoning("Nods are polite.", "A person nods."),
    motion=RobotMotion("", ("Nod.",)),
    program=ProgramDraft("", "greet", "The robot nods.", NOD),
    model="offline", prompts_hash="0123456789abcdef",
)  # fmt: skip


class Says:
    """A model with one answer for each module."""

    name = "says"

    def __init__(self, code: str) -> None:
        self._answers: dict[str, Mapping[str, Any]] = {
            "social_reasoning": {"reasoning": "r", "human_motion": "h", "left_out": "", "refusal": ""},
            "robot_motion": {"reasoning": "r", "steps": ["Do it."]},
            "program": {"reasoning": "r", "name": "do_it", "summary": "It does it.", "code": code},
        }

    def ask(self, question: Question, seed: int = 0, cancelled: Callable[[], bool] = never) -> Answer:
        content = self._answers[question.module]
        return Answer(content, json.dumps(content))


@pytest.fixture
def express(tmp_path: Path) -> Callable[..., int]:
    folders = ["--out", str(tmp_path / "out"), "--library", str(tmp_path / "lib")]
    return lambda *arguments: main(["express", *arguments, *folders])


@pytest.fixture
def behaviours(tmp_path: Path) -> Callable[..., int]:
    return lambda *arguments: main(["behaviours", "--library", str(tmp_path / "lib"), *arguments])


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "lib")


# -- express ----------------------------------------------------------------------------------------------------


def test_four_stages_program_picture_and_record(
    express: Callable[..., int], library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["Nod twice without speaking", "--situation", "somebody\nat the door", "--feedback", "slower"]
    assert express(*asked, "--save", "yes_sir") == 0
    told, progress = capsys.readouterr()
    places = [
        told.index(mark) for mark in ("1  social", "2  robot motion (simulated)", "3  program: ", "4  rehearsal")
    ]
    assert places == sorted(places)
    assert "without  speech\n" in told
    assert "while seeing and hearing: somebody at the door" in told
    assert 'feedback 1: "slower" changes the ' in told
    assert "imagined scenes: fit" in told
    assert "\x1b" not in told
    assert progress == ""
    saved = library.get("yes_sir")
    assert all(f"   | {line}" in told for line in saved.code.splitlines() if line)
    assert [done.feedback for done in saved.rounds] == ["slower"]
    picture, record = (
        Path(next(line for line in told.splitlines() if line.startswith(word)).split(maxsplit=1)[1])
        for word in ("picture", "record")
    )
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert replace(Behaviour.of(json.loads(record.read_text()), "record"), name="yes_sir") == saved
    assert f"yes_sir, version 1, in {tmp_path / 'lib'}" in told


def test_json_is_the_record_and_nothing_else(express: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert express("Nod", "--robot", "turtlebot4", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert all(Path(path).is_file() for path in record.pop("files"))
    made = Behaviour.of(record, "json")
    assert (made.robot, made.verdict) == ("turtlebot4", "fit")


def test_a_refusal_is_told_and_leaves_nothing(
    express: Callable[..., int], library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert express("Push him aside", "--feedback", "harder", "--save", "push") == 1
    told = capsys.readouterr().out
    assert "\nrefused\n" in told
    assert "3  program" not in told
    assert "feedback changes nothing here" in told
    assert "only what is fit is kept" in told
    assert library.names() == []
    assert not list((tmp_path / "out").iterdir())


def test_what_is_unfit_is_shown_and_not_kept(
    express: Callable[..., int],
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    drives_at_people = Says("for _ in range(4):\n    move(0.9, speed=2.0)\n")
    monkeypatch.setattr("expressive_motion.models.make_model", lambda *_: drives_at_people)
    assert express("Say hello to her", "--save", "hello") == 1
    told = capsys.readouterr().out
    assert "imagined scenes: unfit" in told
    assert "picture" in told
    assert "only what is fit is kept" in told
    assert library.names() == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((" ",), "instruction: expected 1 to 500 characters, got 0"),
        (("nod\x1b[2J",), "got the control character U+001B"),
        (("nod", "--feedback", ""), "feedback: expected 1 to 500"),
        (("nod", "--robot", "marvin"), "robot profile 'marvin': not found"),
        (("nod", "--model", "recorded:none.json"), "none.json"),
        (("nod", "--save", "wait"), "'wait': expected a name that is no skill"),
        (("nod", "--save", ""), "expected a Python identifier"),
        (("nod", "--out", "{file}/x"), "expected a folder to write to"),
        (("nod", "--save", "fine", "--library", "{file}/x"), "expected a folder"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: tuple[str, ...], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    given = [argument.format(file=tmp_path / "file") for argument in arguments]
    folders = ["--out", str(tmp_path / "out"), "--library", str(tmp_path / "lib")]
    assert main(["express", *folders, *given]) == 2
    told, complaint = capsys.readouterr()
    assert told == ""
    assert complaint.startswith("sac-son: ")
    assert complaint.count("\n") == 1
    assert why in complaint


@pytest.mark.parametrize("wrong", [("--save", "if"), ("--out", "{file}"), ("--save", "bow", "--library", "{file}")])
def test_what_would_fail_after_the_model_fails_before(
    wrong: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    asked: list[str] = []
    monkeypatch.setattr("expressive_motion.models.make_model", lambda *_: asked.append("model"))
    given = [word.format(file=tmp_path / "file") for word in wrong]
    assert main(["express", "nod", "--out", str(tmp_path), "--library", str(tmp_path / "lib"), *given]) == 2
    assert asked == []


def test_on_a_terminal_the_stage_is_shown_and_taken_away(
    express: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert express("Nod", "--feedback", "") == 2
    lines = capsys.readouterr().err.split("\r\x1b[K")
    assert lines[1:6] == ["... social reasoning", "... robot motion", "... program", "... check", "... rehearsal"]
    assert lines[6].startswith("sac-son: feedback:")


def test_a_terminal_without_letters_for_it_and_a_reader_who_goes(tmp_path: Path) -> None:
    run = "from sac_son_nav.cli import main; raise SystemExit(main())"
    command = [sys.executable, "-c", run, "express", "Nod \N{ROBOT FACE} $x$", "--out", str(tmp_path)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "XDG_DATA_HOME": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b'"Nod ? $x$"\n')


# -- behaviours -------------------------------------------------------------------------------------------------


def test_none_are_saved(behaviours: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert behaviours() == 0
    assert capsys.readouterr().out.startswith("no behaviours are saved in ")


def test_list_show_versions_and_the_way_back(
    behaviours: Callable[..., int], library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    library.save(GREET)
    library.save(replace(GREET, summary="The robot bows."))
    assert behaviours() == behaviours("list") == 0
    assert capsys.readouterr().out == "greet                   simulated         The robot bows.\n" * 2
    assert behaviours("roll-back", "greet") == 0
    assert "version 1 is in force" in capsys.readouterr().out
    assert behaviours("versions", "greet") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["*", "2"]
    assert behaviours("show", "greet", "--version", "2") == 0
    told = capsys.readouterr().out
    assert "The robot bows." in told
    assert "   | move_head(tilt_deg=-15)" in told
    assert "4  rehearsal, when it was made: fit" in told
    assert "made by  offline, seed 0, prompts 0123456789ab\n" in told
    assert behaviours("roll-back", "greet", "--version", "2") == 0
    assert library.current("greet") == 2


def test_rename_and_delete(
    behaviours: Callable[..., int], library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    library.save(GREET)
    assert behaviours("rename", "greet", "welcome") == 0
    assert library.names() == ["welcome"]
    assert behaviours("delete", "welcome") == 0
    assert library.names() == []
    kept = Path(capsys.readouterr().out.strip().rsplit(" lie in ", 1)[1])
    assert [path.name for path in sorted(kept.iterdir())] == ["0001.yaml", "current"]
    assert behaviours("show", "welcome") == behaviours("delete", "welcome") == 2


def test_damage_is_told_and_the_rest_is_served(
    behaviours: Callable[..., int], library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("greet", "bow", "bow"):
        library.save(GREET, name)
    (library.folder / "bow/0002.yaml").write_text("{")
    assert behaviours() == 0
    told, complaint = capsys.readouterr()
    assert told.startswith("greet")
    assert told.count("\n") == 1
    assert "bow/0002.yaml: expected YAML" in complaint
    assert complaint.count("\n") == 1
    assert behaviours("versions", "bow") == 0
    told, complaint = capsys.readouterr()
    assert told.split()[0] == "1"
    assert "bow/0002.yaml" in complaint
    assert behaviours("show", "bow") == 2


def test_the_library_may_be_named_before_or_after(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    library.save(GREET)
    for words in (["--library", str(library.folder), "list"], ["list", "--library", str(library.folder)]):
        assert main(["behaviours", *words]) == 0
        assert capsys.readouterr().out.startswith("greet ")


def test_a_saved_behaviour_can_be_asked_for_under_the_word_it_was_made_from(
    express: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its program has a function nod of its own."""
    assert express("Nod", "--save", "nod") == 0
    assert express("Nod twice") == 0
    assert "   | for _ in range(2):\n   |     nod()\n" in capsys.readouterr().out


def test_a_record_from_elsewhere_can_not_command_the_terminal(
    behaviours: Callable[..., int], library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    library.save(replace(GREET, summary="\x1b[2Jgone\n\x9b31m", instruction="\x07", situation="\u202e"))
    for what in (["list"], ["versions", "greet"], ["show", "greet"]):
        assert behaviours(*what) == 0
        told = capsys.readouterr().out
        assert not set(told) & set("\x1b\x07\x9b\u202e")
        assert "\N{REPLACEMENT CHARACTER}[2Jgone" in told
    assert visible("a\tb\n\N{DEGREE SIGN}") == "a\tb\n\N{DEGREE SIGN}"
