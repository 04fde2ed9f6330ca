"""`qa eval feedback`, and `qa eval add`: no question is added unless its quotes stand in an article."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from qa.commands.output import cell, json, out, typed
from qa.commands.output import show as show_table
from qa.commands.scores import both
from qa.config import Settings
from qa.errors import InputError

if TYPE_CHECKING:
    from qa.evaluate.addition import Addition
    from qa.evaluate.dataset import Question
    from qa.store.database import Database
    from qa.store.feedback import Verdict
    from qa.types import Language

LISTED = 1000
SHOWN_CHARS = 300
_LANGUAGES: dict[str, Language] = {"zh": "zh", "en": "en"}


@dataclass(frozen=True, slots=True)
class Said:
    """What was given on the command line; ``addition`` is without its gold."""

    addition: Addition
    gold: tuple[str, ...]
    quotes: tuple[str, ...]
    unanswerable: bool
    file: Path


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where the articles are: a folder or file, or else a collection of an index."""

    corpus: Path | None
    index: Path | None
    collection: str


def add(said: Said, number: int | None, shelf: Shelf, settings: Settings) -> list[Question]:
    """Append a question to its set, and note it where it comes of a verdict. Raises InputError, EvalError."""
    if number is not None:
        return _add_verdict(said, number, shelf, settings)
    if not said.addition.text:
        raise InputError("There is no question.", "Type one, or name a verdict with --feedback.")
    return _append(said, shelf, settings)


def _add_verdict(said: Said, number: int, shelf: Shelf, settings: Settings) -> list[Question]:
    from qa.store import feedback

    directory = shelf.index or settings.index_dir
    with _database(directory) as database:
        found = feedback.verdict(database, number)
        feedback.check_pending(found)
        completed = _completed(said, found, database)
    added = _append(completed, replace(shelf, index=directory, collection=found.collection), settings)
    with _database(directory) as database:
        feedback.settle(database, number, "taken", " ".join(question.id for question in added))
    return added


def _completed(said: Said, found: Verdict, database: Database) -> Said:
    """What the verdict says already: the question, its language, and the article that it was given on."""
    addition = said.addition
    language = addition.language or _LANGUAGES.get(found.language or "")
    said = replace(said, addition=replace(addition, text=addition.text or found.question, language=language))
    if said.gold or said.unanswerable or found.document_id is None:
        return said
    name, excerpt = _excerpt(database, found)
    if not said.quotes:
        raise InputError(
            f"Verdict {found.number} ({found.verdict}) needs a quote that answers {found.question!r}.",
            f"Give it word for word with --quote (the verdict was on {name}: {excerpt}), or say --unanswerable.",
        )
    return replace(said, gold=(name,))


def _excerpt(database: Database, found: Verdict) -> tuple[str, str]:
    """Name of the article that a verdict was given on, and how the passage begins."""
    from qa.store.export import cited

    name, passages = cited(database, found.collection, found.document_id or "")
    quote = next((passage.quote for passage in passages if passage.id == found.passage_id), "")
    return name, quote[:SHOWN_CHARS]


def _append(said: Said, shelf: Shelf, settings: Settings) -> list[Question]:
    from qa.evaluate import addition

    gold = _pairs(list(said.gold), list(said.quotes), said.unanswerable)
    texts = _texts({name for name, _ in gold}, shelf, settings) if gold else {}
    return addition.add(replace(said.addition, gold=gold), said.file, texts)


def _pairs(gold: list[str], quotes: list[str], unanswerable: bool) -> tuple[tuple[str, str], ...]:
    """(document, quote); one --gold goes with all quotes. Raises InputError."""
    if unanswerable and (gold or quotes):
        raise InputError("An unanswerable question has no --gold and no --quote.", "Leave them out.")
    if len(gold) == 1:
        gold = gold * len(quotes)
    if len(gold) != len(quotes) or (not quotes and not unanswerable):
        raise InputError(
            f"{len(gold)} --gold and {len(quotes)} --quote do not go together.",
            "Name the article and quote it word for word, once each; or say --unanswerable.",
        )
    return tuple((typed(document), typed(text)) for document, text in zip(gold, quotes, strict=True))


def _texts(names: set[str], shelf: Shelf, settings: Settings) -> dict[str, list[str]]:
    from qa.evaluate.addition import texts_of
    from qa.store.export import texts_named

    if shelf.corpus is not None or shelf.index is None:
        return texts_of(shelf.corpus or settings.corpus_dir, settings.max_file_mb * 1_000_000)
    with _database(shelf.index) as database:
        return texts_named(database, shelf.collection, names)


def show(directory: Path, every: bool, as_json: bool) -> None:
    """Print the verdicts that wait, or all of them."""
    from qa.store import feedback

    with _database(directory) as database:
        found, total = feedback.listed(database, state=None if every else "pending", limit=LISTED)
    if as_json:
        json({"feedback": [asdict(one) for one in found], "total": total})
    elif not found:
        out(both("No verdicts wait.", "没有等待处理的反馈。"))
    else:
        _print(found)


def _print(found: list[Verdict]) -> None:
    from qa.commands.output import table

    made = table()
    for column in both("number verdict question comment state", "编号 评价 问题 意见 状态").split():
        made.add_column(cell(column))
    for one in found:
        made.add_row(*map(cell, (one.number, one.verdict, one.question, one.comment, one.taken_as or one.state)))
    show_table(made)


def dismiss(directory: Path, number: int) -> None:
    """Set a verdict aside. Raises NotFoundError, ConflictError."""
    from qa.store import feedback

    with _database(directory) as database:
        feedback.settle(database, number, "dismissed")
    out(both(f"Set aside {number}.", f"已搁置 {number}。"))


def _database(directory: Path) -> closing[Database]:
    """The database of an index; no encoder is needed. Raises NoIndexError."""
    from qa.config import settings
    from qa.store.location import location
    from qa.store.opening import open_existing

    return closing(open_existing(location(settings(), directory)))
