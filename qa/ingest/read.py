"""Reading: files, folders and given texts to sources, each file that cannot be read named with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath

from qa.errors import ReadError
from qa.ingest.annotations import readable
from qa.ingest.content import Content, check_length
from qa.ingest.decode import decode
from qa.ingest.formats import READABLE, Format, format_of
from qa.ingest.markdown import front_matter
from qa.ingest.metadata import Found, from_text, tidy_title
from qa.ingest.paragraphs import Paragraph
from qa.ingest.script import is_blank, measure
from qa.ingest.structure import paragraphs_of
from qa.ingest.worker import parse
from qa.types import Metadata, Skipped, Source

MAX_BYTES = 32_000_000
MAX_DEPTH = 64
LONGEST_TITLE = 300

_SENTENCE = re.compile(r".{1,60}?(?:[。！？!?]|\. |$)", re.DOTALL)
_HASH = re.compile(r"(?<![0-9a-z])[0-9a-f]{8,}(?![0-9a-z])")
_NUMBER = re.compile(r"[\d_.-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BINARY = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_FEW_CONTROLS = 0.001


def read_bytes(
    name: str, data: bytes, *, max_bytes: int = MAX_BYTES, charset: str | None = None, address: str | None = None
) -> Source:
    """Read one file. ``charset`` and ``address`` are known of what was fetched.

    Raises ReadError, its ``code`` naming the reason: ``too_large``, ``empty``, ``encoding``, ``binary`` and so on.
    """
    if len(data) > max_bytes:
        raise _too_large(len(data), max_bytes)
    format = format_of(name, data, fetched=address is not None)
    content = _content(format, data, charset, address)
    if is_blank(content.text):
        raise ReadError("There is no text in it.", "Check that it was saved completely.", code="empty")
    source = Source(
        name=name,
        format=format,
        text=content.text,
        raw_sha256=sha256(data).hexdigest(),
        metadata=content.metadata,
        pages=content.pages,
        headings=content.headings,
        main=content.main,
        encoding=content.encoding,
        locator=address or "",
    )
    return _described(source)


def read_text(
    title: str,
    text: str,
    *,
    publisher: str | None = None,
    author: str | None = None,
    published: str | None = None,
    url: str | None = None,
) -> Source:
    """A text that was handed over; what is not given of its metadata is looked for in its own lines.

    Raises ReadError: ``empty``, ``too_long``, ``encoding`` (half a surrogate pair), ``date`` (not YYYY-MM-DD).
    """
    check_length(len(text))
    if is_blank(text):
        raise ReadError("The text is empty.", "Send the text of the article.", code="empty")
    given = Metadata(_shown(title), publisher, author, _checked_date(published), url)
    try:
        digest = sha256(text.encode("utf-8")).hexdigest()
    except UnicodeEncodeError as error:
        raise ReadError("The text holds half a surrogate pair.", "Send valid Unicode.", code="encoding") from error
    return _described(Source(title, "text", text, digest, given, locator=url or ""))


def read_path(path: Path, *, max_bytes: int = MAX_BYTES) -> Iterator[Source | Skipped]:
    """Read a file, or all files of a folder in order of their names, one at a time.

    A file that is not read comes as Skipped. Raises ReadError (``not_found``) where there is nothing at ``path``.
    """
    if not path.exists():
        raise ReadError(f"There is no file or folder at {path}.", "Check the path.", code="not_found")
    root = path.resolve()
    if root.is_dir():
        yield from _folder(root, root, max_bytes, 0)
    else:
        yield _file(path.name, root, max_bytes)


def _folder(root: Path, folder: Path, max_bytes: int, depth: int) -> Iterator[Source | Skipped]:
    name = folder.relative_to(root).as_posix()
    if depth > MAX_DEPTH:
        yield Skipped(name, "too_deep", f"Folders are read to a depth of {MAX_DEPTH}.")
        return
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        yield Skipped(name, "unreadable", f"The folder cannot be opened: {error.strerror}.")
        return
    for entry in entries:
        yield from _entry(root, entry, max_bytes, depth)


def _entry(root: Path, entry: Path, max_bytes: int, depth: int) -> Iterator[Source | Skipped]:
    name = entry.relative_to(root).as_posix()
    if entry.name.startswith("."):
        yield Skipped(name, "hidden", "Hidden files and folders are not read.")
    elif entry.is_symlink() and (entry.is_dir() or not entry.resolve().is_relative_to(root)):
        yield Skipped(name, "symlink", "The link leads to a folder or out of the folder that is read.")
    elif entry.is_dir():
        yield from _folder(root, entry, max_bytes, depth + 1)
    else:
        yield _file(name, entry, max_bytes)


def _file(name: str, path: Path, max_bytes: int) -> Source | Skipped:
    try:
        if not path.is_file():
            return Skipped(name, "special", "It is no regular file.")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise _too_large(path.stat().st_size, max_bytes)
        return replace(read_bytes(name, data, max_bytes=max_bytes), locator=str(path.resolve()))
    except ReadError as error:
        return Skipped(name, error.code, f"{error.message} {error.hint}".strip())
    except OSError as error:
        return Skipped(name, "unreadable", f"The file cannot be opened: {error.strerror}.")


def _too_large(size: int, max_bytes: int) -> ReadError:
    return ReadError(
        f"The file has {size / 1e6:.1f} MB; the limit is {max_bytes / 1e6:.1f} MB.",
        "Split it, or raise QA_MAX_FILE_MB.",
        code="too_large",
    )


def _content(format: Format, data: bytes, charset: str | None, address: str | None) -> Content:
    if format in ("pdf", "docx", "html"):
        return parse(format, data, charset, address)
    return _plain(format, data, charset)


def _plain(format: Format, data: bytes, charset: str | None) -> Content:
    text, encoding = decode(data, charset)
    check_length(len(text))
    if "\x00" in text or len(_BINARY.findall(text)) > _FEW_CONTROLS * len(text):
        raise ReadError("The file is not a text.", READABLE, code="binary")
    metadata = _front_matter(text) if format == "markdown" else Metadata("")
    return Content(text, metadata, encoding=encoding)


def _front_matter(text: str) -> Metadata:
    fields = front_matter(text)[0]
    digest_of = str(fields.get("source_sha256") or "").lower()
    return Metadata(
        title=_shown(str(fields.get("title") or "")),
        publisher=_field(fields.get("publisher")),
        author=_field(fields.get("author")),
        published=_date(fields.get("published")),
        url=_field(fields.get("url")),
        kind="digest" if fields.get("kind") == "digest" else "article",
        digest_of=digest_of if _SHA256.fullmatch(digest_of) else None,
    )


def _field(value: object) -> str | None:
    if isinstance(value, list):
        return "、".join(str(each) for each in value) or None
    return " ".join(str(value).split()) or None if value is not None else None


def _date(value: object) -> str | None:
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else _iso(str(value)) if value is not None else None


def _iso(text: str) -> str | None:
    try:
        return date.fromisoformat(text.strip()[:10]).isoformat()
    except ValueError:
        return None


def _checked_date(published: str | None) -> str | None:
    if published is None:
        return None
    found = _iso(published)
    if found is None:
        raise ReadError(f"The date {published[:40]!r} is not one.", "Write it as YYYY-MM-DD.", code="date")
    return found


def _described(source: Source) -> Source:
    """The source with what its own lines say where nothing else says it, and with a title in any case."""
    paragraphs = [p for p in paragraphs_of(source) if p.rule not in ("front matter", "comment", "markup")]
    stated = source.metadata
    found = Found() if stated.digest_of or stated.kind == "digest" else from_text(paragraphs, stated.title or None)
    marked = next((p.plain for p in paragraphs if p.level == 1), None)
    written = stated.title or marked or found.title
    title = tidy_title(written) if written else _fallback_title(source.name, paragraphs)
    return replace(
        source,
        metadata=replace(
            stated,
            title=_shown(title),
            publisher=stated.publisher or found.publisher,
            author=stated.author or found.author,
            published=stated.published or found.published,
            url=stated.url or found.url,
        ),
    )


def _fallback_title(name: str, paragraphs: list[Paragraph]) -> str:
    """The file's name where it has words, else the first sentence."""
    stem = PurePosixPath(name).stem
    if measure(_NUMBER.sub(" ", _HASH.sub(" ", stem))) >= 2:
        return stem
    opening = _SENTENCE.match(paragraphs[0].plain) if paragraphs else None
    return opening.group().strip() if opening else name


def _shown(title: str) -> str:
    return " ".join(readable(title).split())[:LONGEST_TITLE]
