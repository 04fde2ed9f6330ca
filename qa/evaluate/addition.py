"""Adding a reviewed question to a set: the new rows are checked against the set and the articles before they go in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa.encode.language import detect
from qa.errors import EvalError
from qa.evaluate.dataset import Question, check_quotes, parse
from qa.types import Language, Source

OTHER: Mapping[str, Language] = {"zh": "en", "en": "zh"}


@dataclass(frozen=True, slots=True)
class Addition:
    """A need to add. ``gold``: (document name, quote) pairs, none for an unanswerable question."""

    text: str
    twin: str | None
    language: Language | None
    kinds: tuple[str, ...]
    gold: tuple[tuple[str, str], ...]
    answers: tuple[str, ...]
    history: tuple[str, ...] = ()


def add(addition: Addition, path: Path, texts: Mapping[str, Sequence[str]]) -> list[Question]:
    """Append the question, and its twin, to the file ``path``; returns them. Raises EvalError and changes nothing.

    ``texts``: source texts of the articles by name, which the quotes are checked against.
    """
    before = _existing(path)
    known = parse(before, path.name)
    lines = [json.dumps(row, ensure_ascii=False) for row in _rows(addition, _need(known))]
    separator = b"" if not before or before.endswith(b"\n") else b"\n"
    after = before + separator + "".join(f"{line}\n" for line in lines).encode()
    added = [question for question in parse(after, path.name) if question.id not in {one.id for one in known}]
    check_quotes(added, texts, path.name)
    _replace(path, after)
    return added


def texts_of(corpus: Path, max_bytes: int) -> dict[str, list[str]]:
    """Source texts by name of all articles of a file or folder. Raises EvalError where there are none."""
    from qa.ingest.read import read_path

    texts: dict[str, list[str]] = {}
    for item in read_path(corpus, max_bytes=max_bytes):
        if isinstance(item, Source):
            texts.setdefault(item.name, []).append(item.text)
    if not texts:
        raise EvalError(f"There are no articles at {corpus}.", "Name them with --corpus.")
    return texts


def _rows(addition: Addition, need: str) -> Iterator[dict[str, Any]]:
    language = addition.language or _language(addition.text)
    yield _row(addition, need, language, addition.text)
    if addition.twin:
        yield _row(addition, need, OTHER[language], addition.twin)


def _row(addition: Addition, need: str, language: Language, text: str) -> dict[str, Any]:
    answerable = bool(addition.gold)
    row: dict[str, Any] = {
        "id": f"{need}.{language}",
        "need": need,
        "lang": language,
        "text": text,
        "kinds": list(addition.kinds or (("fact",) if answerable else ("unanswerable", "near"))),
        "answerable": answerable,
        "gold": [{"document": document, "quote": quote} for document, quote in addition.gold],
        "answers": list(addition.answers),
    }
    return row | ({"history": list(addition.history)} if addition.history else {})


def _language(text: str) -> Language:
    found = detect(text)
    if found not in OTHER:
        raise EvalError("The question is neither Chinese nor English.", "Name its language with --lang.")
    return found


def _need(known: Sequence[Question]) -> str:
    """An id that no need of the set has."""
    taken = {question.need for question in known}
    return next(need for number in range(1, len(taken) + 2) if (need := f"a{number:03d}") not in taken)


def _existing(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise EvalError(f"{path} cannot be read: {error.strerror}.", "Choose another file with --file.") from error


def _replace(path: Path, content: bytes) -> None:
    """Written aside and moved into place: a reader sees the old file or the new one."""
    aside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(content)
        aside.replace(path)
    except OSError as error:
        raise EvalError(f"{path} cannot be written: {error.strerror}.", "Choose another file with --file.") from error
