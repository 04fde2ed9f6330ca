"""Addresses that lead to the words that were quoted: for chats, and for every other program that shows links."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from qa.types import DEFAULT_COLLECTION, Citation, Span

MAX_ADDRESS: Final = 1500
"""Characters of an address; vendors cut or refuse longer ones."""
SHORT_QUOTE: Final = 60
"""Characters up to which a quote goes into a link whole; of a longer one the beginning and the end do."""
MAX_MARKS: Final = 20
"""Spans that an address names."""
END_WORDS: Final = 6
END_CHARS: Final = 20

_STOPS: Final = re.compile(r"[。！？；，、：,;:!?.](?=\s|[^\x00-\x7f]|$)")
_WORD: Final = re.compile(r"\S+")
_LATIN: Final = re.compile(r"[A-Za-z]{2}")


def address(
    citation: Citation, base: str, collection: str = DEFAULT_COLLECTION, spans: Sequence[Span] | None = None
) -> str:
    """Where a citation can be read: the article's own page, at the words where the browser finds them, or its source
    in the service at ``base``. Empty where there is neither.

    ``base``: address at which people reach the service, may be empty. ``spans`` of the source, inside the passage:
    the words that matter; None for all of it.
    """
    return _own(citation, spans) or (source_view(citation, base, collection, spans) if base else "")


def source_view(
    citation: Citation, base: str, collection: str = DEFAULT_COLLECTION, spans: Sequence[Span] | None = None
) -> str:
    """The page of the service that shows the source with the passage, and in it ``spans``, marked."""
    about: dict[str, int | str] = {"start": citation.start, "end": citation.end, "sha256": citation.sha256}
    if spans:
        about["marks"] = ",".join(f"{start}-{end}" for start, end in spans[:MAX_MARKS])
    return document_view(citation.document_id, base, collection, **about)


def document_view(document_id: str, base: str, collection: str = DEFAULT_COLLECTION, **passage: int | str) -> str:
    """The page of a document's source; ``passage`` as ``asked`` in ``qa/service/web/source.js`` reads it."""
    asked = passage if collection == DEFAULT_COLLECTION else passage | {"collection": collection}
    where = f"?{urlencode(asked)}" if asked else ""
    return f"{base.rstrip('/')}/documents/{quote(document_id, safe='')}{where}"


def website(url: str | None) -> str:
    """An article's own http(s) address, with everything encoded that could end it early where it is shown; else
    nothing."""
    try:
        parts = urlsplit((url or "").strip())
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    encoded = quote(parts.geturl().encode("utf-8", "replace"), safe="%/:?#@!$&+,;=~-._")
    return encoded if len(encoded) <= MAX_ADDRESS else ""


def words(citation: Citation, spans: Sequence[Span] | None = None) -> str:
    """The words at ``spans`` of the source; runs that do not touch are separate lines."""
    if spans is None:
        return citation.quote
    return "\n".join(citation.quote[start - citation.start : end - citation.start] for start, end in spans)


def _own(citation: Citation, spans: Sequence[Span] | None) -> str:
    url = website(citation.url)
    if not url or citation.kind == "digest" or "#" in url:
        return url
    if urlsplit(url).path.lower().endswith(".pdf"):
        return f"{url}#page={citation.page}" if citation.page else url
    pointed = url + text_fragment(words(citation, spans))
    return pointed if len(pointed) <= MAX_ADDRESS else url


def text_fragment(words: str) -> str:
    """`#:~:text=start,end` (WICG, "URL Fragment Text Directives"); empty for no words."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    if not lines:
        return ""
    if len(lines) == 1 and len(lines[0]) <= SHORT_QUOTE:
        return f"#:~:text={_encoded(lines[0])}"
    return f"#:~:text={_encoded(_first(lines[0]))},{_encoded(_last(lines[-1]))}"


def _encoded(words: str) -> str:
    return quote(words.encode("utf-8", "replace"), safe="").replace("-", "%2D")


def _first(line: str) -> str:
    """The first words, cut where a word certainly ends: browsers match whole words only."""
    if _LATIN.search(line):
        ends = [word.end() for word in _WORD.finditer(line)][:END_WORDS]
        return line[: ends[-1]]
    stop = _STOPS.search(line, END_CHARS // 4)
    return line[: stop.start()] if stop else line


def _last(line: str) -> str:
    if _LATIN.search(line):
        return line[[word.start() for word in _WORD.finditer(line)][-END_WORDS:][0] :]
    stops = [stop.end() for stop in _STOPS.finditer(line) if stop.end() <= len(line) - END_CHARS // 4]
    return line[stops[-1] :] if stops else line
