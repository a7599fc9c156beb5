"""The picture of a rehearsal."""

from __future__ import annotations

import struct

import pytest

from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.rehearsals.imagined import SCENES
from expressive_motion.rehearsals.rehearsal import rehearse
from expressive_motion.rehearsals.timeline import draw, figure, main, png
from expressive_motion.robot import describe
from sac_son_nav.errors import ConfigError

CODE = "light('orange', pattern='blink')\nsay('Excuse me.', wait=False)\ntone('soft')\nrock()\nwait(0.5)"


@pytest.fixture(scope="module")
def rehearsed():
    with Sandbox() as sandbox:
        yield {robot: rehearse(CODE, describe(robot), sandbox) for robot in ("simulated", "turtlebot4")}


def words(picture) -> set[str]:
    texts = [*picture.texts, *(text for axes in picture.axes for text in axes.texts)]
    return {text.get_text() for text in texts}


def test_it_is_a_png_of_twelve_hundred_pixels_and_always_the_same(rehearsed, tmp_path):
    for name in ("a.png", "b.png"):
        draw(rehearsed["simulated"], describe("simulated"), tmp_path / name, ["standing", "crowded"], "Excuse me")
    data = (tmp_path / "a.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">I", data[16:20])[0] == 1200
    assert len(data) < 150_000
    assert data == (tmp_path / "b.png").read_bytes()


def test_it_names_what_was_done_said_and_shown(rehearsed):
    told = words(figure([rehearsed["simulated"].run("standing")], describe("simulated"), "Excuse me"))
    assert {"Excuse me", "rock", "say", "tone", "soft", "\u201cExcuse me.\u201d", "orange, blink", "head"} <= told
    assert any(text.startswith("standing, fit: ") for text in told)


def test_words_are_words_and_no_mathematics():
    with Sandbox() as sandbox:
        asks = r"say('It costs $\\frac{1 and $2.')"
        run = rehearse(asks, describe("simulated"), sandbox).runs[0]
    picture = figure([run], describe("simulated"), r"Say that it costs $\frac{1 and $2, " + "please " * 40)
    assert png(picture)  # which lays the words out
    assert r"“It costs \$\frac{1 and \$2.”".replace(r"“", "\u201c").replace(r"”", "\u201d") in words(picture)
    assert picture.texts[0].get_window_extent().x1 < picture.bbox.x1


@pytest.mark.filterwarnings("error")
def test_a_letter_that_the_font_lacks_is_no_matter(rehearsed):
    assert png(figure([rehearsed["simulated"].runs[0]], describe("simulated"), "\u4f60\u597d"))


def test_a_part_that_the_robot_lacks_has_no_row(rehearsed):
    assert "head" not in words(figure([rehearsed["turtlebot4"].runs[0]], describe("turtlebot4")))


def test_the_scenes_that_tell_most_are_chosen(rehearsed):
    assert rehearsed["simulated"].telling() == ["standing"]  # it goes alike in all
    with Sandbox() as sandbox:
        looks = rehearse("look_at_person()\nface_person()", describe("simulated"), sandbox)
        drives = rehearse("move(2)", describe("simulated"), sandbox)
    first, second = looks.telling()
    assert first == "standing"
    assert abs(looks.run(second).trace.yaw[-1]) > 0.4  # somebody is beside the robot there
    assert drives.verdict == "unfit"
    assert {drives.run(name).verdict for name in drives.telling()} == {"unfit"}


def test_labels_do_not_meet():
    """Many short calls and sentences: a label has its place, or is left out."""
    code = "for i in range(12):\n    if distance_to_person() < 9:\n        light('red')\n    say('Good morning')"
    with Sandbox() as sandbox:
        run = rehearse(code, describe("simulated"), sandbox, scenes=SCENES[:1]).runs[0]
    picture = figure([run], describe("simulated"))
    png(picture)  # which lays the words out
    assert "distance_to_person" not in words(picture)
    for row in picture.axes[-2:]:  # sound and skills
        boxes = [text.get_window_extent() for text in row.texts if text.get_text()]
        assert len(boxes) > 1
        for k, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:k])


def test_nobody_walls_crowds_and_who_vanishes_can_be_drawn(rehearsed):
    runs = [rehearsed["simulated"].run(name) for name in ("alone", "blocked_behind", "crowded", "vanishing")]
    assert png(figure(runs, describe("simulated")))


def test_an_unknown_scene_is_refused(rehearsed, tmp_path):
    with pytest.raises(ConfigError, match="expected one of standing"):
        draw(rehearsed["simulated"], describe("simulated"), tmp_path / "a.png", ["nowhere"])
    assert not list(tmp_path.iterdir())


def test_the_command_draws_tells_and_judges(tmp_path, capsys):
    program, picture = tmp_path / "gesture.py", tmp_path / "out.png"
    program.write_text("turn(30)")
    assert main([str(program), str(picture), "--scene", "alone"]) == 0
    assert "alone: " in capsys.readouterr().out
    assert picture.stat().st_size > 10_000
    program.write_text("move(2)")
    assert main([str(program), str(picture)]) == 1
    assert "drives at a person" in capsys.readouterr().out
    program.write_text("fly(2)")
    assert main([str(program), str(picture)]) == 2
    assert "fly" in capsys.readouterr().err
