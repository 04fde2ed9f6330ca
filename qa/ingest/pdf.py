"""PDF files: the text of their pages, with the offset at which each page begins."""

from __future__ import annotations

import io
import logging
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from qa.errors import ReadError
from qa.ingest.content import Content, check_length, storable
from qa.ingest.script import is_blank
from qa.types import Metadata

if TYPE_CHECKING:
    from pypdf import PdfReader

MAX_PAGES = 2000
MAX_SECONDS = 120.0

_CONTROL = re.compile("[\x01-\x08\x0e-\x1f\x7f]")
_UNREADABLE = re.compile("[\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")
_MOSTLY = 0.3
_WRITERS = re.compile(
    r"untitled|microsoft word|.*\.(?:docx?|pdf|indd|tex|wps|pptx?)$|(?:文档|document|presentation)\d*", re.IGNORECASE
)


def read_pdf(data: bytes) -> Content:
    """Read a PDF.

    Raises ReadError: ``broken_pdf``, ``encrypted``, ``no_text`` (scanned, or no usable text layer), ``too_many_pages``,
    ``too_long``, ``too_slow``.
    """
    logging.getLogger("pypdf").setLevel(logging.ERROR)
    reader = _open(data)
    texts, starts, length = [], [], 0
    for text in _pages(reader):
        starts.append(length)
        texts.append(text)
        length += len(text) + 1
        check_length(length)
    whole = "\n".join(texts)
    _check_readable(whole)
    return Content(whole, _metadata(reader), pages=tuple(starts))


def _open(data: bytes) -> PdfReader:
    import pypdf

    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not _opens_without_password(reader):
            raise _encrypted()
        count = len(reader.pages)
    except (ReadError, MemoryError):
        raise
    except Exception as error:  # a parser of untrusted files fails in more ways than its own errors
        raise _broken(error) from error
    if count > MAX_PAGES:
        raise ReadError(f"The PDF has {count:,} pages; {MAX_PAGES:,} are read.", "Split it.", code="too_many_pages")
    return reader


def _opens_without_password(reader: PdfReader) -> bool:
    from pypdf.errors import DependencyError

    try:
        return bool(reader.decrypt(""))
    except (DependencyError, NotImplementedError):
        return False


def _pages(reader: PdfReader) -> Iterator[str]:
    deadline = time.monotonic() + MAX_SECONDS
    for page in reader.pages:
        if time.monotonic() > deadline:
            raise ReadError(f"The PDF took longer than {MAX_SECONDS:.0f} s to read.", "Split it.", code="too_slow")
        try:
            yield storable(_CONTROL.sub("", page.extract_text() or "")).strip("\n")
        except MemoryError:
            raise
        except Exception as error:
            raise _broken(error) from error


def _check_readable(text: str) -> None:
    if is_blank(text):
        raise ReadError("The PDF holds no text, only pictures of it.", "Run it through OCR first.", code="no_text")
    if len(_UNREADABLE.findall(text)) > _MOSTLY * len("".join(text.split())):
        raise ReadError(
            "The PDF's fonts do not say which characters they show.", "Run it through OCR first.", code="no_text"
        )


def _metadata(reader: PdfReader) -> Metadata:
    """Title and author as far as somebody wrote them; the dates are the file's, not the text's."""
    try:
        info = reader.metadata
        title, author = (str(info.title or ""), str(info.author or "")) if info else ("", "")
    except Exception:  # damaged document information is no reason to refuse the text
        return Metadata("")
    title = " ".join(storable(title).split())
    return Metadata("" if _WRITERS.match(title) else title, author=" ".join(storable(author).split()) or None)


def _encrypted() -> ReadError:
    return ReadError("The PDF is encrypted.", "Save it without a password and try again.", code="encrypted")


def _broken(error: Exception) -> ReadError:
    return ReadError(
        f"The PDF is broken ({type(error).__name__}).", "Open and save it again, or export it anew.", code="broken_pdf"
    )
