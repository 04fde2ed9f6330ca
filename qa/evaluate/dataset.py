"""A set of questions over one's own articles: one JSON object a line, with the quotes that answer it.

    {"id": "n1.zh", "need": "n1", "lang": "zh", "text": "...", "kinds": ["fact"], "answerable": true,
     "gold": [{"document": "a.md", "quote": "exact substring of the document"}], "answers": ["substring of a quote"]}

A need is what someone wants to know; its twins ask for it in Chinese and in English. ``history`` (optional) holds the
user's earlier questions of the same conversation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from qa.errors import EvalError
from qa.types import Language

Part = Literal["dev", "test"]

ANSWERABLE_KINDS = ("fact", "figure", "name", "date", "list", "definition", "comparison", "paraphrase")
TYPED_KINDS = ("traditional", "typo", "keyword", "followup")
"""How an answerable question is typed or asked."""
UNANSWERABLE_KINDS = ("unanswerable", "far", "near", "premise")
KINDS = (*ANSWERABLE_KINDS, *TYPED_KINDS, *UNANSWERABLE_KINDS)
MAX_PROBLEMS = 20
"""Problems that one error message lists."""
MAX_LINE_CHARS = 100_000


@dataclass(frozen=True, slots=True)
class Gold:
    """A place that answers: ``quote`` is an exact substring of the document's source text."""

    document: str
    """File name, as ingest names the document."""
    quote: str


@dataclass(frozen=True, slots=True)
class Question:
    """One line of a question set; ``line`` is its number in the file, from 1."""

    id: str
    need: str
    language: Language
    text: str
    kinds: tuple[str, ...]
    answerable: bool
    gold: tuple[Gold, ...]
    answers: tuple[str, ...]
    history: tuple[str, ...]
    line: int

    @property
    def asked(self) -> str:
        """What is searched: a follow-up is only understood together with the question before it."""
        return " ".join((*self.history[-1:], self.text))


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions in file order. ``sha256`` is of the file's bytes."""

    name: str
    questions: tuple[Question, ...]
    sha256: str


def load(path: Path) -> QuestionSet:
    """Read and check a question set. Raises EvalError that names the lines at fault."""
    return read(read_bytes(path), path.stem, path.name)


def read(raw: bytes, name: str, called: str) -> QuestionSet:
    """The question set in a file's bytes; ``called`` is how errors name the file. Raises EvalError."""
    questions = parse(raw, called)
    if not questions:
        raise EvalError(f"{called} holds no questions.", "Add some with `qa eval add`.")
    return QuestionSet(name, questions, hashlib.sha256(raw).hexdigest())


def parse(raw: bytes, name: str) -> tuple[Question, ...]:
    """The questions of a file's bytes, checked one by one and against each other. Raises EvalError."""
    problems: list[str] = []
    questions = [q for line, row in json_lines(raw, name) if (q := _question(row, line, problems)) is not None]
    problems += _set_problems(questions)
    complain(name, problems)
    return tuple(questions)


def read_bytes(path: Path) -> bytes:
    """The bytes of a file of an eval set. Raises EvalError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or "not readable"
        raise EvalError(f"{path} cannot be read: {reason}.", "Name a questions.jsonl or a folder.") from error


def json_lines(raw: bytes, name: str) -> list[tuple[int, dict[str, Any]]]:
    """(line number from 1, object) of every line that is not blank. Raises EvalError naming the lines at fault."""
    rows, problems = [], []
    for number, line in enumerate(_text(raw, name).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = _json_object(line)
        except ValueError as error:
            problems.append(f"line {number}: {error}")
        else:
            rows.append((number, row))
    complain(name, problems)
    return rows


def complain(name: str, problems: Sequence[str]) -> None:
    """Raises EvalError with the first problems, if there are any."""
    if not problems:
        return
    shown = [f"  {problem}" for problem in problems[:MAX_PROBLEMS]]
    if len(problems) > MAX_PROBLEMS:
        shown.append(f"  and {len(problems) - MAX_PROBLEMS} more")
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    raise EvalError(f"{name} has {count}:\n" + "\n".join(shown), "Correct these lines; evals/README.md has the format.")


def check_quotes(questions: Sequence[Question], texts: Mapping[str, Sequence[str]], name: str) -> None:
    """Raises EvalError for every gold quote that is not in its document, and every answer that is in no quote.

    ``texts``: source texts by document name (several documents may share a name: one has to hold the quote).
    """
    problems: list[str] = []
    for question in questions:
        problems += [f"line {question.line}: {p}" for gold in question.gold for p in _gold_problems(gold, texts)]
        problems += [f"line {question.line}: {p}" for p in _answer_problems(question)]
    complain(name, problems)


def part(need: str) -> Part:
    """Which half a need belongs to, by SHA-256 of its id: parameters are fitted on ``dev`` and reported on ``test``."""
    return "dev" if hashlib.sha256(need.encode()).digest()[0] < 128 else "test"


def only_part(questions: Sequence[Question], wanted: Part) -> list[Question]:
    return [question for question in questions if part(question.need) == wanted]


def sample(needs: Sequence[str], size: int) -> set[str]:
    """``size`` different needs, drawn by hash: the same ones every time, and a larger sample holds the smaller."""
    distinct = sorted(set(needs), key=lambda need: hashlib.sha256(f"sample {need}".encode()).digest())
    return set(distinct[:size])


def only_sample(questions: Sequence[Question], size: int) -> list[Question]:
    """About ``size`` questions: whole needs, so that twins stay together."""
    needs = [question.need for question in questions]
    kept = sample(needs, max(1, round(size * len(set(needs)) / max(1, len(needs)))))
    return [question for question in questions if question.need in kept]


def narrowed(chosen: QuestionSet, wanted: Part | None, size: int | None) -> QuestionSet:
    """Only one half of the needs, and of those a sample of about ``size`` questions. Raises EvalError for none."""
    kept = only_part(chosen.questions, wanted) if wanted else list(chosen.questions)
    if size is not None:
        kept = only_sample(kept, size)
    if not kept:
        raise EvalError(f"The {wanted} half of {chosen.name} holds no questions.", "Ask for the whole set.")
    return replace(chosen, questions=tuple(kept))


def _text(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise EvalError(f"{name}, line {line}: not UTF-8.", "Save the file as UTF-8.") from error


def _json_object(line: str) -> dict[str, Any]:
    if len(line) > MAX_LINE_CHARS:
        raise ValueError(f"longer than {MAX_LINE_CHARS} characters")
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} (column {error.colno})") from error
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    return row


def _question(row: Mapping[str, Any], line: int, problems: list[str]) -> Question | None:
    wrong = [f"line {line}: {problem}" for check in _ROW_CHECKS for problem in check(row)]
    problems += wrong
    if wrong:
        return None
    return Question(
        id=row["id"],
        need=row["need"],
        language=row["lang"],
        text=row["text"],
        kinds=tuple(row["kinds"]),
        answerable=row["answerable"],
        gold=tuple(Gold(gold["document"], gold["quote"]) for gold in row["gold"]),
        answers=tuple(row["answers"]),
        history=tuple(row.get("history", ())),
        line=line,
    )


def _shape_problems(row: Mapping[str, Any]) -> Iterable[str]:
    for name in ("id", "need", "text"):
        if not isinstance(row.get(name), str) or not row[name].strip():
            yield f"`{name}` has to be a string that is not empty"
    if row.get("lang") not in ("zh", "en"):
        yield f"`lang` has to be zh or en, not {row.get('lang')!r}"
    if not isinstance(row.get("answerable"), bool):
        yield "`answerable` has to be true or false"
    for name in ("kinds", "answers", "history"):
        if not _is_strings(row.get(name, [] if name == "history" else None)):
            yield f"`{name}` has to be a list of strings"
    if not _is_gold(row.get("gold")):
        yield '`gold` has to be a list of {"document", "quote"}'


def _sense_problems(row: Mapping[str, Any]) -> Iterable[str]:
    kinds = row["kinds"] if _is_strings(row.get("kinds")) else []
    gold, answers = row.get("gold"), row.get("answers")
    yield from (f"unknown kind {kind!r}" for kind in kinds if kind not in KINDS)
    if row.get("answerable") is True and not gold:
        yield "an answerable question needs a gold quote"
    if row.get("answerable") is False and (gold or answers):
        yield "an unanswerable question has neither gold quotes nor answers"
    if "followup" in kinds and not row.get("history"):
        yield "a follow-up needs its `history`"


_ROW_CHECKS: tuple[Callable[[Mapping[str, Any]], Iterable[str]], ...] = (_shape_problems, _sense_problems)


def _is_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)


def _is_gold(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, dict) and _is_strings([item.get("document"), item.get("quote")]) for item in value
    )


def _set_problems(questions: Sequence[Question]) -> list[str]:
    problems = []
    first: dict[str, Question] = {}
    twins: dict[tuple[str, str], Question] = {}
    needs: dict[str, Question] = {}
    asked: dict[str, Question] = {}
    for question in questions:
        if (other := asked.setdefault(question.asked, question)) is not question:
            problems.append(f"line {question.line}: the same question stands in line {other.line} already")
        if (other := first.setdefault(question.id, question)) is not question:
            problems.append(f"line {question.line}: id {question.id!r} stands in line {other.line} already")
        if (other := twins.setdefault((question.need, question.language), question)) is not question:
            problems.append(
                f"line {question.line}: need {question.need!r} is asked in {question.language} in line {other.line} "
                "already"
            )
        if not _same_need(question, other := needs.setdefault(question.need, question)):
            problems.append(f"line {question.line}: not the same gold as its twin in line {other.line}")
    return problems


def _same_need(one: Question, other: Question) -> bool:
    return one.answerable == other.answerable and set(one.gold) == set(other.gold)


def _gold_problems(gold: Gold, texts: Mapping[str, Sequence[str]]) -> Iterable[str]:
    if gold.document not in texts:
        yield f"no document named {gold.document!r}"
    elif not any(gold.quote in text for text in texts[gold.document]):
        yield f"{gold.document!r} does not hold the quote {_short(gold.quote)!r}"


def _answer_problems(question: Question) -> Iterable[str]:
    for answer in question.answers:
        if not any(answer in gold.quote for gold in question.gold):
            yield f"no gold quote holds the answer {_short(answer)!r}"


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"
