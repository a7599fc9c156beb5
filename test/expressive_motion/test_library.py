"""Saved behaviours: versions, names, several at once, kill -9, damage; and what each robot is offered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from expressive_motion.behaviour import Behaviour, Reply, Round
from expressive_motion.chain import ProgramDraft, RobotMotion, SocialReasoning
from expressive_motion.errors import LibraryError
from expressive_motion.library import Library, default_folder
from expressive_motion.robot import describe

GREET = Behaviour(
    name="greet",
    summary="The robot nods: «hello».",
    instruction="Say hello, politely!",
    robot="simulated",
    verdict="fit",
    forbidden=("speech",),
    social=SocialReasoning("One greets.", "A person nods."),
    motion=RobotMotion("By the head.", ("Nod.", "Look ahead.")),
    program=ProgramDraft("Plain.", "greet", "Nods.", "move_head(tilt_deg=-18)\nlook_ahead()\n"),
    findings=("standing: nothing",),
    rounds=(Round("slower", "Nod more slowly.", "program"),),
    model="offline",
    prompts_hash="0" * 64,
    replies=(Reply("program", '{"code": "…"}\n'),),
)


TEXT = yaml.safe_dump(GREET.record())


def calling(name: str, *others: str) -> Behaviour:
    code = "".join(f"{other}()\n" for other in others) or "wait(1)\n"
    return replace(GREET, name=name, program=ProgramDraft("", name, "Calls.", code))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "behaviours")


def test_what_was_saved_comes_back(library: Library) -> None:
    assert library.names() == []
    assert library.save(GREET) == 1
    assert library.get("greet") == GREET
    assert library.learned() == {"greet": GREET.code}
    assert library.summaries() == {"greet": GREET.summary}


@pytest.mark.parametrize(
    "text",
    ["a\x85b", "a\u2028b\nc", "\r\n", "\ta\n  b \n", "'\"#: {}\n- x", "🤖\n\ufeff", "\x1b[31m", "null", "\ud800"],
)
def test_texts_of_every_kind_come_back(library: Library, text: str) -> None:
    made = replace(GREET, replies=(Reply("program", text),))
    library.save(made)
    assert library.get("greet") == made


def test_people_can_read_the_file(library: Library) -> None:
    library.save(GREET)
    text = (library.folder / "greet/0001.yaml").read_text(encoding="utf-8")
    assert "    move_head(tilt_deg=-18)\n    look_ahead()\n" in text
    assert "«hello»" in text


def test_versions_and_the_way_back(library: Library) -> None:
    for number in (1, 2, 3):
        assert library.save(replace(GREET, summary=f"number {number}")) == number
    assert (library.versions("greet"), library.current("greet")) == ([1, 2, 3], 3)
    assert library.roll_back("greet") == 2
    assert library.get("greet").summary == "number 2"
    assert library.get("greet", 3).summary == "number 3"
    assert library.roll_back("greet", 1) == 1
    with pytest.raises(LibraryError, match="expected a version before 1"):
        library.roll_back("greet")
    with pytest.raises(LibraryError, match=r"expected one of the versions \[1, 2, 3\], got 9"):
        library.roll_back("greet", 9)
    assert library.save(GREET) == 4  # a new version does not take an old one's number
    assert library.current("greet") == 4


def test_rename_and_delete(library: Library) -> None:
    library.save(GREET)
    library.rename("greet", "say_hello")
    assert library.names() == ["say_hello"]
    assert library.get("say_hello").name == "say_hello"
    grave = library.delete("say_hello")
    assert library.names() == []
    assert (grave / "0001.yaml").is_file()
    library.save(GREET, "say_hello")
    assert library.delete("say_hello") != grave
    with pytest.raises(LibraryError, match="'say_hello': not saved"):
        library.get("say_hello")


def test_one_that_others_call_stays(library: Library) -> None:
    library.save(GREET)
    library.save(calling("welcome", "greet"))
    for job in (library.delete, lambda name: library.rename(name, "hello")):
        with pytest.raises(LibraryError, match="is called by welcome"):
            job("greet")


def test_nothing_calls_itself_by_way_of_others(library: Library) -> None:
    library.save(calling("first"))
    library.save(calling("second", "first"))
    library.save(calling("third", "second"))
    with pytest.raises(LibraryError, match="'first': it would call itself"):
        library.save(calling("first", "third"))
    with pytest.raises(LibraryError, match="would call itself"):
        library.save(calling("fourth", "fourth"))


def test_no_way_back_or_new_name_closes_a_circle(library: Library) -> None:
    library.save(calling("second"))
    library.save(calling("first", "second"))
    library.save(calling("first"))
    library.save(calling("second", "first"))
    with pytest.raises(LibraryError, match="'first': it would call itself"):
        library.roll_back("first")
    assert library.current("first") == 2
    library.save(calling("lonely", "ghost"))
    with pytest.raises(LibraryError, match="'ghost': it would call itself"):
        library.rename("lonely", "ghost")
    (library.folder / "first/current").write_text("1\n")  # by hand
    assert library.complaints() == []
    library.save(calling("pause"))
    assert set(library.learned(describe("simulated"))) == {"pause"}


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a b", "1a", ".x", "é", "x" * 41, "if", "move", "range"])
def test_names_that_will_not_do(library: Library, name: str) -> None:
    with pytest.raises(LibraryError, match="expected a"):
        library.save(replace(GREET, name=name), name)
    assert library.names() == []


@pytest.mark.parametrize("verdict", ["unfit", "refused"])
def test_only_what_is_fit_is_kept(library: Library, verdict: str) -> None:
    with pytest.raises(LibraryError, match=f"expected one that is fit, got one that is {verdict}"):
        library.save(replace(GREET, verdict=verdict))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "expected the record"),
        ("{", "expected YAML"),
        ("- 1", "expected the record"),
        ("version: 7", "version 1, got 7"),
        ("version: 1\nname: x\nhat: 3", "unknown setting 'hat'"),
        ("!!python/object/apply:os.system ['touch /tmp/never']", "expected YAML"),
        ("\x00", "expected YAML"),
        ("a: 2001-99-99", "expected YAML"),
        ("!!timestamp x", "expected YAML"),
        ("!!bool x", "expected YAML"),
        (f"version: {'1' * 5000}", "expected YAML"),
        (TEXT.replace("verdict: fit", "verdict: unfit"), "expected a behaviour that is fit"),
        (TEXT.replace("verdict: fit", "verdict: fine"), "verdict: expected one of fit, unfit, refused, got 'fine'"),
        (TEXT.replace("- speech", "- legs"), "forbidden: expected some of base"),
        (TEXT.replace("verdict: fit", "verdict: refused"), "program: expected one unless"),
    ],
)
def test_a_damaged_one_harms_itself_alone(library: Library, text: str, why: str) -> None:
    library.save(GREET)
    library.save(calling("welcome", "greet"))
    (library.folder / "greet/0001.yaml").write_text(text)
    assert list(library.all()) == ["welcome"]
    assert len(library.complaints()) == 1
    assert why in library.complaints()[0]
    assert str(library.folder / "greet/0001.yaml") in library.complaints()[0]
    assert library.learned(describe("simulated")) == {}  # what it called is gone
    assert library.save(GREET) == 2
    assert library.complaints() == []


@pytest.mark.parametrize("text", ["12", "", "²", "-1", "9" * 5000])
def test_a_marker_that_names_nothing_is_told(library: Library, text: str) -> None:
    library.save(GREET)
    (library.folder / "greet/current").write_text(f"{text}\n", encoding="utf-8")
    (library.folder / "greet/1².yaml").write_text("")  # none of ours
    with pytest.raises(LibraryError, match=rf"expected one of \[1\], got '{text[:20]}'"):
        library.get("greet")
    assert len(library.complaints()) == 1


def test_a_robot_is_offered_what_it_has_the_skills_for(library: Library) -> None:
    library.save(GREET)  # moves a head
    library.save(calling("welcome", "greet"))
    library.save(calling("pause"))
    assert set(library.learned(describe("simulated"))) == {"greet", "welcome", "pause"}
    assert set(library.learned(describe("turtlebot4"))) == {"pause"}


def test_the_same_words_find_it_again(library: Library) -> None:
    library.save(GREET)
    assert library.find("say HELLO politely", "simulated") == GREET
    assert library.find("say hello politely", "turtlebot4") is None
    assert library.find("say hello politely", "simulated", frozenset({"light"})) is None
    assert library.find("say hello", "simulated") is None
    library.save(replace(GREET, instruction="!"), "shout")
    assert library.find("?", "simulated") is None


def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LibraryError, match="expected a folder to write to"):
        Library(tmp_path / "file").save(GREET)
    with pytest.raises(LibraryError, match="expected a folder to read"):
        Library(tmp_path / "file").names()


def test_a_full_disk_changes_nothing(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.save(GREET)
    library.save(GREET)

    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("expressive_motion.library.write_atomically", full)
    for job in (lambda: library.save(GREET), lambda: library.roll_back("greet")):
        with pytest.raises(LibraryError, match="No space left on device"):
            job()
    assert (library.versions("greet"), library.current("greet")) == ([1, 2], 2)


def test_where_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_folder() == Path("/data/sac_son/behaviours")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert default_folder() == Path("/home/somebody/.local/share/sac_son/behaviours")


SAVING = """
import sys
from test.expressive_motion.test_library import GREET
from expressive_motion.library import Library
library = Library(sys.argv[1])
print("ready", flush=True)
for _ in range(int(sys.argv[2])):
    library.save(GREET)
"""


def saving(library: Library, times: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SAVING, str(library.folder), str(times)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def test_two_that_save_at_once_lose_nothing(library: Library) -> None:
    both = [saving(library, 10) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    for process in both:
        assert process.stdout is not None
        process.stdout.close()
    assert library.versions("greet") == list(range(1, 21))
    assert library.current("greet") == 20  # who was slower does not put an older one in force
    assert all(library.get("greet", number) == GREET for number in library.versions("greet"))


def test_kill_9_leaves_whole_files(library: Library) -> None:
    process = saving(library, 100_000)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 30.0
    while not library.names() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    process.stdout.close()
    found = library.versions("greet")
    for number in found:
        assert (
            yaml.safe_load((library.folder / f"greet/{number:04d}.yaml").read_text(encoding="utf-8")) == GREET.record()
        )
    assert library.get("greet") == GREET
    assert library.save(GREET) == found[-1] + 1
