"""A folder in bench shape: articles, questions and judgements of which article answers which question.

    corpus.jsonl    {"id", "title", "text", "lang"}
    queries.jsonl   {"id", "text", "lang", "answers"?, "answerable"?, "candidate_ids"?, "need"? (or "qid")}
    qrels*.tsv      query-id, doc-id, relevance

``qrels.A-B.tsv`` judges questions of language A against articles of language B, ``qrels.tsv`` against all.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from qa.encode.language import detect
from qa.errors import EvalError
from qa.evaluate.dataset import complain, json_lines, read_bytes, sample
from qa.evaluate.measure import Judgements
from qa.types import Language

Row = TypeVar("Row", "Article", "Query")

_QRELS = re.compile(r"qrels(?:\.(?P<question>[a-z]+)-(?P<passage>[a-z]+))?\.tsv")
_HEADER = "query-id"


@dataclass(frozen=True, slots=True)
class Article:
    """A row of corpus.jsonl; ``title`` is empty where it would give an article of one language a title of another."""

    id: str
    title: str
    text: str
    language: Language


@dataclass(frozen=True, slots=True)
class Query:
    """A row of queries.jsonl. ``candidates``: the articles this question is put to; empty means all."""

    id: str
    need: str
    text: str
    language: Language
    answerable: bool | None
    answers: tuple[str, ...]
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Direction:
    """One file of judgements. ``passage`` is the language of the articles searched, ``None`` for all."""

    question: Language | None
    passage: Language | None
    judgements: Judgements


@dataclass(frozen=True, slots=True)
class Bench:
    """``sha256`` is over the bytes of all its files."""

    name: str
    articles: tuple[Article, ...]
    queries: tuple[Query, ...]
    directions: tuple[Direction, ...]
    sha256: str


def load(folder: Path) -> Bench:
    """Read and check a folder. Raises EvalError that names file and line."""
    qrels = sorted(path for path in folder.glob("qrels*.tsv") if _QRELS.fullmatch(path.name))
    articles = tuple(untitled(_rows(folder / "corpus.jsonl", _article)))
    queries = tuple(_rows(folder / "queries.jsonl", _query))
    known = {article.id for article in articles}
    _check_candidates(queries, known)
    directions = tuple(_direction(path, queries, known) for path in qrels)
    _check_purpose(folder, queries, directions)
    return Bench(folder.resolve().name, articles, queries, directions, _sha256(folder, qrels))


def untitled(articles: Sequence[Article]) -> list[Article]:
    """The articles without titles that are in another language than their text.

    Where that is so for most titles of one language, no article keeps its title: else the languages of a parallel
    collection would not be treated alike (XQuAD has English titles in both languages).
    """
    foreign = Counter(article.language for article in articles if _has_foreign_title(article))
    titled = Counter(article.language for article in articles if article.title)
    none = any(2 * foreign[language] > titled[language] for language in titled)
    return [_without_title(a) if none or _has_foreign_title(a) else a for a in articles]


def only_sample(queries: Sequence[Query], size: int) -> list[Query]:
    """About ``size`` questions: whole needs, the same ones every time."""
    needs = [query.need for query in queries]
    kept = sample(needs, max(1, round(size * len(set(needs)) / max(1, len(needs)))))
    return [query for query in queries if query.need in kept]


def language_of(code: str) -> Language:
    """``zh-Hant`` is ``zh``, ``en-GB`` is ``en``."""
    primary = code.lower().replace("_", "-").split("-")[0]
    return "zh" if primary == "zh" else "en" if primary == "en" else "other"


def _has_foreign_title(article: Article) -> bool:
    found = detect(article.title) if article.title else "other"
    return found != "other" and found != article.language


def _without_title(article: Article) -> Article:
    return Article(article.id, "", article.text, article.language)


def _rows(path: Path, read: Callable[[Mapping[str, Any]], Row]) -> list[Row]:
    problems: list[str] = []
    rows: list[Row] = []
    seen: dict[str, int] = {}
    for line, row in json_lines(read_bytes(path), path.name):
        try:
            one = read(row)
        except ValueError as error:
            problems.append(f"line {line}: {error}")
            continue
        if seen.setdefault(one.id, line) != line:
            problems.append(f"line {line}: id {one.id!r} stands in line {seen[one.id]} already")
        rows.append(one)
    complain(path.name, problems)
    if not rows:
        raise EvalError(f"{path} is empty.", "A bench folder needs articles and questions.")
    return rows


def _article(row: Mapping[str, Any]) -> Article:
    title, language = str(row.get("title") or ""), language_of(_string(row, "lang"))
    return Article(_string(row, "id"), title, _string(row, "text"), language)


def _query(row: Mapping[str, Any]) -> Query:
    identity = _string(row, "id")
    answerable = row.get("answerable")
    if answerable is not None and not isinstance(answerable, bool):
        raise ValueError("`answerable` has to be true or false")
    return Query(
        id=identity,
        need=str(row.get("need") or row.get("qid") or identity),
        text=_string(row, "text"),
        language=language_of(_string(row, "lang")),
        answerable=answerable,
        answers=_strings(row, "answers"),
        candidates=_strings(row, "candidate_ids"),
    )


def _string(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"`{name}` has to be a string that is not empty")
    return value


def _strings(row: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = row.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"`{name}` has to be a list of strings")
    return tuple(value)


def _check_candidates(queries: Sequence[Query], known: Set[str]) -> None:
    wrong = [(query.id, c) for query in queries for c in query.candidates if c not in known]
    complain("queries.jsonl", [f"question {query!r}: no article {candidate!r}" for query, candidate in wrong])


def _check_purpose(folder: Path, queries: Sequence[Query], directions: Sequence[Direction]) -> None:
    if directions or any(query.answerable is not None for query in queries):
        return
    raise EvalError(
        f"{folder} has no qrels*.tsv, and its questions do not say whether they are answerable.",
        "Add qrels.tsv (question id, article id, relevance) or `answerable` to queries.jsonl.",
    )


def _direction(path: Path, queries: Sequence[Query], known: Set[str]) -> Direction:
    match = _QRELS.fullmatch(path.name)
    assert match is not None, path
    asked, searched = match["question"], match["passage"]
    judgements = _judgements(path, {query.id: query for query in queries}, known, language_of(asked) if asked else None)
    return Direction(language_of(asked) if asked else None, language_of(searched) if searched else None, judgements)


def _judgements(path: Path, queries: Mapping[str, Query], known: Set[str], language: Language | None) -> Judgements:
    problems: list[str] = []
    judged: dict[str, dict[str, int]] = {}
    for line, text in enumerate(read_bytes(path).decode("utf-8-sig", "replace").splitlines(), 1):
        if not text.strip() or (line == 1 and text.startswith(_HEADER)):
            continue
        try:
            query, article, relevance = _judgement(text, queries, known, language)
        except ValueError as error:
            problems.append(f"line {line}: {error}")
        else:
            judged.setdefault(query, {})[article] = relevance
    complain(path.name, problems)
    return judged


def _judgement(
    text: str, queries: Mapping[str, Query], known: Set[str], language: Language | None
) -> tuple[str, str, int]:
    cells = text.split("\t")
    if len(cells) != 3 or not re.fullmatch(r"-?\d+", cells[2].strip()):
        raise ValueError("not `question id, article id, whole number`, separated by tabs")
    if cells[0] not in queries:
        raise ValueError(f"no question {cells[0]!r}")
    if cells[1] not in known:
        raise ValueError(f"no article {cells[1]!r}")
    if language is not None and queries[cells[0]].language != language:
        raise ValueError(f"question {cells[0]!r} is in another language than the file name says")
    return cells[0], cells[1], int(cells[2])


def _sha256(folder: Path, qrels: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in (folder / "corpus.jsonl", folder / "queries.jsonl", *qrels):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def content(bench: Bench) -> str:
    """A name for the articles as they are indexed: other questions need no other index."""
    digest = hashlib.sha256()
    for article in bench.articles:
        digest.update(repr((article.id, article.title, article.text)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
