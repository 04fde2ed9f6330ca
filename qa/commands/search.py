"""`qa search`."""

from __future__ import annotations

from dataclasses import dataclass

from qa.commands.output import json, opened, out, typed
from qa.errors import QuestionError
from qa.messages import say
from qa.service import shape
from qa.types import Citation, Filters, Hit, SearchResult


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for, as it was typed."""

    question: str
    top_k: int
    collection: str
    publisher: str | None
    published_from: str | None
    published_to: str | None
    language: str | None


def search(asked: Asked, as_json: bool) -> None:
    filters = _filters(asked)
    with opened() as index:
        result = index.search(
            typed(asked.question), top_k=asked.top_k, collection=typed(asked.collection), filters=filters
        )
    if as_json:
        json(shape.search(result))
    else:
        _print(result)


def _filters(asked: Asked) -> Filters | None:
    """Checked by the same rules as over HTTP."""
    from pydantic import ValidationError

    from qa.service.models import FilterRequest

    given = {
        "publisher": asked.publisher,
        "language": asked.language,
        "published_from": asked.published_from,
        "published_to": asked.published_to,
    }
    wanted = {name: value for name, value in given.items() if value is not None}
    try:
        return FilterRequest.model_validate(wanted).filters() if wanted else None
    except ValidationError as error:
        problem = error.errors()[0]
        reason = str(problem["msg"]).removeprefix("Value error, ")
        raise QuestionError(f"{problem['loc'][0]}: {reason}", "See `qa search --help`.") from error


def _print(result: SearchResult) -> None:
    if not result.hits:
        out(say("search.none"))
        return
    if not result.answerable:
        out(say("search.unanswerable") + "\n")
    for found in result.hits:
        _print_hit(found)
    out(say("search.took", count=len(result.hits), total=result.took_ms.total, confidence=result.confidence))


def _print_hit(found: Hit) -> None:
    cited = found.citation
    out(f"{cited.marker} {cited.title}  ({found.score:.2f})")
    out("    " + " · ".join(_facts(cited)))
    out("\n".join(f"    {line}" for line in found.text.splitlines()))
    if cited.also_in:
        out("    " + say("also_in", titles="; ".join(other.title for other in cited.also_in)))
    out()


def _facts(cited: Citation) -> list[str]:
    known = [cited.publisher, cited.author, cited.published, cited.url, cited.source, cited.heading]
    facts = [fact for fact in known if fact]
    facts += [say("digest")] if cited.kind == "digest" else []
    facts += [say("page", page=cited.page)] if cited.page else []
    return [*facts, say("characters", start=cited.start, end=cited.end)]
