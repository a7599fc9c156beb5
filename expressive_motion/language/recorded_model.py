"""A language model's answers on file: replayed where there is no server, written down where there is one.

The file is JSON: `{"version": 1, "model": name, "answers": [{"module", "fields", "content", ...}]}`. An answer belongs
to its module and to the question's fields, and to nothing else: rewording a prompt keeps a recording valid, while a
question that asks for something else is noticed and refused. Fields that are empty count as absent, and the seed takes
no part; where a question was asked twice, the later answer stands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from expressive_motion.chain import MODULES
from expressive_motion.errors import ModelError
from expressive_motion.language.language_model import Answer, LanguageModel, Question, never
from expressive_motion.language.replies import take
from sac_son_nav.config import write_atomically

VERSION = 1


def key_of(module: str, fields: Mapping[str, Any]) -> str:
    """What an answer is found by: the module and the SHA-256 of its fields."""
    said = json.dumps(_plain(fields), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return f"{module}:{hashlib.sha256(said.encode()).hexdigest()}"


class RecordedModel:
    """Answers from a file, at once and always the same. ModelError where a question was not recorded."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.name, self._entries = _read(self.path)

    def ask(self, question: Question, seed: int = 0, cancelled: Callable[[], bool] = never) -> Answer:
        """The recorded answer."""
        if cancelled():
            raise ModelError(f"recording {self.path}: cancelled")
        entry = self._entries.get(key_of(question.module, question.fields))
        if entry is None:
            fields = question.fields
            about = str(fields.get("feedback") or fields.get("complaint") or fields.get("instruction", ""))
            raise ModelError(
                f"recording {self.path}: no answer to this {question.module} question, about {about[:80]!r};"
                f" it holds {len(self._entries)} answers"
            )
        content = entry["content"]
        text = entry.get("text") or json.dumps(content, ensure_ascii=False)
        return Answer(content, text, entry.get("tokens_in"), entry.get("tokens_out"))


class Recorder:
    """Any model, whose answers are added to a file as they come; what the file holds already stays."""

    def __init__(self, model: LanguageModel, path: Path | str) -> None:
        self.path = Path(path)
        self.name = model.name
        self._model = model
        self._entries = _read(self.path)[1] if self.path.exists() else {}

    def ask(self, question: Question, seed: int = 0, cancelled: Callable[[], bool] = never) -> Answer:
        """The model's answer, written down before it is handed on."""
        answer = self._model.ask(question, seed, cancelled)
        self._entries[key_of(question.module, question.fields)] = {
            "module": question.module,
            "fields": _plain(question.fields),
            "content": dict(answer.content),
            "text": answer.text,
            "tokens_in": answer.tokens_in,
            "tokens_out": answer.tokens_out,
        }
        document = {"version": VERSION, "model": self.name, "answers": list(self._entries.values())}
        try:
            write_atomically(self.path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        except OSError as error:
            raise ModelError(f"recording {self.path}: can't be written: {error.strerror}") from None
        return answer


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields in JSON's types, in one spelling: sets sorted, what is empty left out."""
    plain: dict[str, Any] = {}
    for name, value in sorted(fields.items()):
        if isinstance(value, (set, frozenset)):
            value = sorted(value)
        elif isinstance(value, (list, tuple)):
            value = list(value)
        if value not in (None, "", []):
            plain[name] = value
    return plain


def _read(path: Path) -> tuple[str, dict[str, dict[str, Any]]]:
    """A recording's model and its answers by key."""
    where = f"recording {path}"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{where}: no such file") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{where}: expected JSON, got: {error}") from None
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise ModelError(f"{where}: expected a recording of version {VERSION}")
    answers = document.get("answers")
    if not isinstance(answers, list):
        raise ModelError(f"{where}: expected a list of answers, got {type(answers).__name__}")
    entries: dict[str, dict[str, Any]] = {}
    for number, entry in enumerate(answers):
        at = f"{where}: answers[{number}]"
        if not isinstance(entry, dict) or entry.get("module") not in MODULES:
            raise ModelError(f"{at}: expected a module, one of {', '.join(MODULES)}")
        if not isinstance(entry.get("fields"), dict):
            raise ModelError(f"{at}: expected the question's fields")
        try:
            content = take(entry.get("content"), entry["module"])
        except ModelError as error:
            raise ModelError(f"{at}: {error}") from None
        entries[key_of(entry["module"], entry["fields"])] = {**entry, "content": content}
    return str(document.get("model", path.stem)), entries
