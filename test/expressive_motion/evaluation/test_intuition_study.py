"""The study of social intuitions on tables and notebooks of the same form, made up here, with known correlations."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("httpx")

from expressive_motion.errors import ModelError
from expressive_motion.evaluation.intuition_data import ACTS, DIMENSIONS, load_people, load_studies
from expressive_motion.evaluation.intuition_study import (
    Score,
    evaluate_intuition,
    one_against_the_others,
    passed_gates,
    read_rating,
    score,
    show_stored,
    stored_scores,
)
from sac_son_nav.errors import ConfigError
from test.expressive_motion.chat_server import delta, head, refuses, says, sends, serve

LABELS = ["One_A", "Two_B", "Three_C", "Four_D"]
# people's mean for scenario i and act k is 1 + (i + k) % 4, and then there is one who did not read
SURVEY = {f"ResponsePref_{label}_{k + 1}": 1 + (i + k) % 4 for i, label in enumerate(LABELS) for k in range(6)}


def notebook(path: Path, *cells: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    found = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": ["# x"]}, *found]}))


def table(path: Path, rows: list[dict[str, Any]], delimiter: str = ";") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def judged(count: int = 4) -> list[dict[str, Any]]:
    rows = []
    for agent in ("Robot", "Human"):
        for i in range(count):
            ratings = {"Intentionality": i - 2, "Surprisingness": 1 + i, "Desirability": 2.5 - i}
            differences = {f"Dif {d}": "" for d in DIMENSIONS}
            row = {"Experiment": f"{agent} (sim)", "Stimulus": f"{agent} {i}.", **ratings, **differences}
            rows.append(row)
    for agent in ("Robot", "Human"):
        for i in range(3):
            differences = {f"Dif {d}": i - 1.5 if agent == "Robot" else "" for d in DIMENSIONS}
            ratings = dict.fromkeys(DIMENSIONS, "")
            rows.append({"Experiment": f"{agent} (dif)", "Stimulus": f"{agent} pair {i}.", **ratings, **differences})
    return rows


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    acts = "\n".join(f'{name} = "It may {name}."' for name in ("apology_item", "what_item", "next_action_item"))
    notebook(
        folder / "code/Experiment_1/generation_exp1.ipynb",
        "%cd somewhere\nimport os\nmodel_names = [os.name]\n",
        f"scenario_labels = {LABELS!r}\nscenarios = ['A.', 'B.', 'C.', 'D.']\nprompt_inst = 'How much: '\n{acts}\n",
        "why_items = ['W0', 'W1', 'W2', 'W3']\nask_for_help_item = 'Help?'\ncontinue_item = 'Go on?'\n",
        "system_message='You judge.'\nask(model, prompt_ending='', system_message=system_message)\n",
        "system_message='Later.'\nask(prompt_ending=' Think.')\n",
        "this is no Python",
    )
    notebook(
        folder / "code/Experiment_2/generation_exp2.ipynb",
        "intentionality_item = 'On purpose?'\nsurprisingness_item = 'New?'\ndesirability_item = 'Good?'\n",
        "system_message = 'You judge.'\nask(prompt_ending=' A number.', system_message=system_message)\n",
    )
    checks = {"AttentionCheckQ1": "Pear", "Attention Check 2": "1 (No)", "ResponsePref_Two_B_7": "5 (Yes)"}
    words = {1: "1 (No)", 4: "4", 5: "5 (Yes)"}
    attentive = {**checks, **{k: words.get(v, str(v)) for k, v in SURVEY.items()}}
    asleep = [{**attentive, **dict.fromkeys(SURVEY, "5 (Yes)"), **wrong} for wrong in ({"AttentionCheckQ1": "Nut"},)]
    asleep.append({**attentive, **dict.fromkeys(SURVEY, "5 (Yes)"), "ResponsePref_Two_B_7": "2"})
    headings = [dict.fromkeys(attentive, "words"), dict.fromkeys(attentive, "{id}")]
    table(folder / "data/wachowiak_et_al.csv", [*headings, attentive, attentive, *asleep, attentive])
    table(folder / "data/deGraaf_and_Malle.csv", judged())
    table(folder / "data/deGraaf_and_Malle_Rewritten.csv", judged()[:8])
    return folder


def test_questions_and_peoples_ratings_are_read(data: Path) -> None:
    communication, behaviour, reworded, difference = load_studies(data)
    assert [s.name for s in (communication, behaviour, reworded, difference)] == [
        "communication",
        "behaviour",
        "reworded",
        "difference",
    ]
    assert tuple(communication.groups) == ACTS
    for k, act in enumerate(ACTS):  # the two who did not read are left out
        assert [item.human for item in communication.groups[act]] == [1 + (i + k) % 4 for i in range(4)]
    term = communication.groups["Why-Explanation"][2].terms[0]
    assert (term.prompt, term.system, term.row, term.high) == ("C. How much: 'W2'", "You judge.", 2, 5.0)
    assert communication.groups["Apology"][0].terms[0].prompt == "A. How much: 'It may apology_item.'"

    human = behaviour.groups["Desirability Human"]
    assert [item.human for item in human] == [2.5, 1.5, 0.5, -0.5]
    assert human[1].terms[0].prompt == "Human 1. Good? A number."
    assert human[1].terms[0].row == 5
    assert len(behaviour.terms) == len(reworded.terms) == 24

    first, second = difference.groups["Surprisingness"][1].terms
    assert (first.prompt, first.sign) == ("Human pair 1. New? A number.", 1)
    assert (second.prompt, second.sign) == ("Robot pair 1. New? A number.", -1)
    assert [item.human for item in difference.groups["Surprisingness"]] == [-1.5, -0.5, 0.5]


def test_figures_of_known_ratings(data: Path) -> None:
    communication, behaviour, _, difference = load_studies(data)
    truth = {term: item.human for items in communication.groups.values() for item in items for term in item.terms}
    same = score(communication, lambda term: truth[term] + 0.5)
    assert same.mean_rank_correlation == pytest.approx(1.0)
    assert [g.bias for g in same.groups] == pytest.approx([0.5] * 6)
    assert [g.mean_absolute_error for g in same.groups] == pytest.approx([0.5] * 6)

    # the opposite for one act of six, always the same for another: (4 - 1 + 0) / 6
    def odd(term: Any) -> float:
        return {"Apology": 5 - truth[term], "Continue": 3.0}.get(term.column, truth[term])

    mixed = score(communication, odd)
    assert mixed.mean_rank_correlation == pytest.approx(0.5)
    assert [g.bias for g in mixed.groups][:2] == pytest.approx([0.0, 0.0])
    assert mixed.groups[0].mean_absolute_error == pytest.approx(2.0)

    # 2, 1, 3, 4 against 1, 2, 3, 4: 1 - 6 * 2 / (4 * 15)
    swapped = {0: 2.0, 1: 1.0, 2: 3.0, 3: 4.0}
    robots = score(behaviour, lambda term: swapped[term.row % 4]).groups[1]
    assert (robots.name, robots.rank_correlation) == ("Surprisingness Robot", pytest.approx(0.8))

    # rows 8 to 10 are the robots of the pairs, 11 to 13 their people: differences of -1, 0.5 and 2 rise as people's do
    apart = score(difference, lambda term: {8: 1.0, 9: 1.5, 10: 2.0, 11: 0.0, 12: 2.0, 13: 4.0}[term.row])
    assert apart.mean_rank_correlation == pytest.approx(1.0)
    assert [g.bias for g in apart.groups] == pytest.approx([(0.5 + 1.0 + 1.5) / 3] * 3)


def test_refusals_are_counted_and_left_out(data: Path) -> None:
    communication, _, _, difference = load_studies(data)
    truth = {term: item.human for items in communication.groups.values() for item in items for term in item.terms}
    shy = score(communication, lambda term: None if term.row == 3 else truth[term])
    assert shy.refused == pytest.approx(0.25)
    assert {(g.rated, g.refused) for g in shy.groups} == {(3, 1)}
    assert shy.mean_rank_correlation == pytest.approx(1.0)
    assert passed_gates(shy) == []  # though what it said was right
    mute = score(difference, lambda term: None if term.sign < 0 else 1.0)
    assert (mute.refused, mute.mean_rank_correlation) == (1.0, 0.0)


def test_one_person_against_the_others(data: Path) -> None:
    people = load_people(data)
    assert len(people) == 3
    assert people[0]["Apology"] == [1, 2, 3, 4]
    assert one_against_the_others(people) == pytest.approx([1.0] * 3)
    # the third says the opposite of the two others; each of those meets the other's and the opposite, which cancel
    mixed = [{"a": [1.0, 2.0, 3.0]}, {"a": [1.0, 2.0, 3.0]}, {"a": [3.0, 2.0, 1.0]}]
    assert one_against_the_others(mixed) == pytest.approx([0.0, 0.0, -1.0])


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("4", 4.0),
        (" 4.5.", 4.5),
        ("Rating: 3", 3.0),
        ("**2** of 5", 2.0),
        ("4 (Agree), as 5 would be too much", 4.0),
        ("-3", None),
        ("−1", None),
        ("7", None),
        ("0.5", None),
        ("I'd say 2, or perhaps 3.", None),
        ("From 1 to 5 I choose 4", None),
        ("As GPT4 I have no view.", None),
        ("", None),
    ],
)
def test_ratings_in_words(text: str, rating: float | None) -> None:
    assert read_rating(text, 1.0, 5.0) == rating
    assert read_rating("−4", -5.0, 5.0) == -4.0


@pytest.mark.parametrize(("mean", "passed"), [(0.649, 0), (0.65, 1), (0.799, 1), (0.8, 2)])
def test_gates(mean: float, passed: int) -> None:
    assert len(passed_gates(Score("communication", "", mean, ()))) == passed


def test_completions_that_lie_in_the_copy_are_scored(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right = [{act: 1 + (i + k) % 4 for k, act in enumerate(ACTS)} for i in range(4)]
    table(data / "code/Experiment_1/model_completions/m_1.csv", right, ",")
    table(data / "code/Experiment_1/model_completions/short.csv", right[:3], ",")
    judging = [{"Intentionality": i % 4, "Surprisingness": 99, "Desirability": -(i % 4)} for i in range(14)]
    table(data / "code/Experiment_2/model_completions/m_2.csv", judging, ",")
    table(data / "code/Experiment_2/model_completions/m_rewritten.csv", judging[:8], ",")
    found = stored_scores(data, load_studies(data))
    assert {name: [s.study for s in scores] for name, scores in found.items()} == {
        "m_1": ["communication"],
        "m_2": ["behaviour", "difference"],
        "m_rewritten": ["reworded"],
    }
    assert found["m_1"][0].mean_rank_correlation == pytest.approx(1.0)
    assert found["m_2"][0].mean_rank_correlation == pytest.approx(4 / 6)
    assert found["m_2"][0].refused == pytest.approx(1 / 3)
    assert show_stored(data) == 0
    table_shown = capsys.readouterr().out
    assert "| m_1 | communication | 1.000 | 0.0% |" in table_shown
    assert "3 people: mean 1.000" in table_shown


def test_a_run_ends_in_figures_and_asks_nothing_twice(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = [says("4"), says("I'd rather not."), sends(head() + delta(refusal="No.")), refuses("401 No"), says("3")]
    with serve(*script) as served:
        model = f"{served.url}#m"
        with pytest.raises(ModelError, match=r"401.*; the same command goes on from here"):
            evaluate_intuition(data, model, out)
        assert len(json.loads((out / "answers.json").read_text())["replies"]) == 3
        assert evaluate_intuition(data, model, out) == 1
        asked = 1 + 24 + 24 + 18  # again what was refused; the reworded set is no other here, so it was not asked
        assert len(served.requests) == asked
        first = served.requests[0]
        assert [m["content"] for m in first["messages"]] == ["You judge.", "A. How much: 'It may apology_item.'"]
        assert (first["max_tokens"], first["seed"], first["temperature"]) == (5, 42, 0)
        before = (out / "intuition.md").read_text()
        assert evaluate_intuition(data, model, out) == 1
        assert len(served.requests) == asked
        assert (out / "intuition.md").read_text() == before
        with pytest.raises(ConfigError, match="expected replies of other, got those of m"):
            evaluate_intuition(data, f"{served.url}#other", out)
    document = json.loads((out / "intuition.json").read_text())
    assert (document["model"], document["gates"]) == ("m", [])
    apology = document["studies"][0]["groups"][0]
    assert (apology["name"], apology["rated"], apology["refused"]) == ("Apology", 2, 2)
    # 4, refused, refused and 3, where people say 1, 2, 3 and 4
    assert "| Apology | -1.000 | 2.00 | +1.00 | 2 | 2 |" in before
    assert "How much" not in (out / "answers.json").read_text()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data/wachowiak_et_al.csv", "a;b\n1;2\n"),
        ("data/deGraaf_and_Malle.csv", None),
        ("data/deGraaf_and_Malle.csv", "Experiment;Stimulus\nRobot (sim);x\nRobot (sim);x\nRobot (sim);x\n"),
        ("code/Experiment_1/generation_exp1.ipynb", "{}"),
        ("code/Experiment_1/generation_exp1.ipynb", '{"cells": []}'),
        ("code/Experiment_2/generation_exp2.ipynb", "no notebook"),
    ],
)
def test_a_copy_of_another_form_is_refused_in_a_sentence(data: Path, name: str, content: str | None) -> None:
    (data / name).unlink()
    if content is not None:
        (data / name).write_text(content)
    with pytest.raises(ConfigError, match="expected") as caught:
        load_studies(data)
    assert Path(name).name in str(caught.value)
