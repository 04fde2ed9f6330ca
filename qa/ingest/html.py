"""HTML pages: their visible text, a line a block, with its headings and the spans that are main text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate

from qa.errors import ReadError
from qa.ingest.content import Content, check_length, storable
from qa.ingest.decode import decode
from qa.ingest.dom import Line, parse, visible_lines
from qa.ingest.maintext import main_lines
from qa.ingest.pagemeta import from_page
from qa.types import Metadata, Span

MAX_LINES = 200_000

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,30})", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]{0,100}\bencoding\s*=\s*[\"']([\w.:-]{2,30})")
_HEAD = 8192
_GRAM = 6
_COVERED = 0.7
_SIGNS = re.compile(r"[\W_]+")


def read_html(data: bytes, *, charset: str | None = None, address: str | None = None) -> Content:
    """Read a page. ``charset`` is what the server said, ``address`` where the page came from.

    Raises ReadError: ``encoding``; ``no_text`` where a page shows nothing; ``too_long``.
    """
    markup, encoding = decode(data, charset or declared_charset(data))
    check_length(len(markup) // 4)
    root = parse(markup)
    lines = visible_lines(root) if root is not None else []
    if root is None or not lines:
        raise ReadError(
            "The page shows no text.", "It may need a browser: save the rendered page and read that.", code="no_text"
        )
    if len(lines) > MAX_LINES:
        raise ReadError(f"The page has more than {MAX_LINES:,} lines.", "Split it into several pages.", code="too_long")
    kept = main_lines(lines, votes([line.text for line in lines], _extracted(markup)))
    found = from_page(root, address)
    metadata = Metadata(found.title or "", found.publisher, found.author, found.published, found.url)
    return _content(lines, kept, metadata, encoding)


def declared_charset(data: bytes) -> str | None:
    """The encoding that a page's head names."""
    head = data[:_HEAD]
    match = _XML_ENCODING.search(head) or _CHARSET.search(head)
    return match[1].decode("ascii") if match else None


def _content(lines: Sequence[Line], kept: Sequence[bool], metadata: Metadata, encoding: str) -> Content:
    texts = [storable(line.text) for line in lines]
    check_length(sum(map(len, texts)))
    starts = list(accumulate((len(text) + 1 for text in texts), initial=0))
    spans = [(start, start + len(text)) for start, text in zip(starts, texts, strict=False)]
    return Content(
        text="\n".join(texts),
        metadata=metadata,
        headings=tuple((*span, line.level) for span, line in zip(spans, lines, strict=True) if line.level),
        main=_merged(span for span, keep in zip(spans, kept, strict=True) if keep),
        encoding=encoding,
    )


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans of neighbouring lines as one."""
    merged: list[Span] = []
    for start, end in spans:
        if merged and merged[-1][1] + 1 == start:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return tuple(merged)


def _extracted(markup: str) -> str:
    """What trafilatura takes for the main text; nothing where it fails on a page."""
    import trafilatura

    try:
        return trafilatura.extract(markup) or ""
    except Exception:  # a judge that stumbles over hostile markup is no reason to refuse the page
        return ""


def votes(lines: Sequence[str], extracted: str) -> list[bool]:
    """Which lines an extraction holds: compared by their letters, short lines as a whole."""
    whole = {_letters(line) for line in extracted.splitlines()}
    text = _letters(extracted)
    grams = {text[i : i + _GRAM] for i in range(len(text) - _GRAM + 1)}
    return [_is_in(_letters(line), whole, grams) for line in lines]


def _is_in(letters: str, whole: set[str], grams: set[str]) -> bool:
    if len(letters) <= _GRAM + 4:
        return bool(letters) and letters in whole
    windows = range(len(letters) - _GRAM + 1)
    return sum(letters[i : i + _GRAM] in grams for i in windows) >= _COVERED * len(windows)


def _letters(text: str) -> str:
    return _SIGNS.sub("", text).casefold()
