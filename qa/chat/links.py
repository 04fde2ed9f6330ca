"""Addresses that lead from a chat to the words that were quoted."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlsplit

from qa.types import Citation

MAX_ADDRESS: Final = 1500
"""Characters of an address; vendors cut or refuse longer ones."""
SHORT_QUOTE: Final = 60
"""Characters up to which a quote goes into a link whole; of a longer one the beginning and the end do."""
END_WORDS: Final = 6
END_CHARS: Final = 20

_STOPS: Final = re.compile(r"[。！？；，、：,;:!?.](?=\s|[^\x00-\x7f]|$)")
_WORD: Final = re.compile(r"\S+")
_LATIN: Final = re.compile(r"[A-Za-z]{2}")


def address(citation: Citation, words: str, base: str, collection: str) -> str:
    """Where the quoted ``words`` can be read: the article's own page, at the words where the browser finds them, or
    its source in this service. Empty where there is neither.

    ``base``: public address of this service, may be empty.
    """
    own = _own(citation, words)
    if own:
        return own
    return source_view(citation, base, collection) if base else ""


def source_view(citation: Citation, base: str, collection: str) -> str:
    """The page of this service that shows the source with the passage marked."""
    asked = "" if collection == "default" else f"?collection={quote(collection, safe='')}"
    document, passage = quote(citation.document_id, safe=""), quote(citation.passage_id, safe="")
    return f"{base.rstrip('/')}/documents/{document}{asked}#passage={passage}"


def _own(citation: Citation, words: str) -> str:
    url = _safe(citation.url or "")
    if not url or citation.kind == "digest" or "#" in url:
        return url
    if urlsplit(url).path.lower().endswith(".pdf"):
        return f"{url}#page={citation.page}" if citation.page else url
    pointed = url + text_fragment(words)
    return pointed if len(pointed) <= MAX_ADDRESS else url


def _safe(url: str) -> str:
    """An http(s) address with everything encoded that could end it early where it is shown; else nothing."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    encoded = quote(parts.geturl().encode("utf-8", "replace"), safe="%/:?#@!$&+,;=~-._")
    return encoded if len(encoded) <= MAX_ADDRESS else ""


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
