"""Which format bytes are in: by what they hold first, by what the file is called last."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal

from qa.errors import ReadError
from qa.ingest.docx import is_docx

Format = Literal["text", "markdown", "html", "pdf", "docx"]

SUFFIXES: dict[str, Format] = {
    ".txt": "text", ".text": "text", ".md": "markdown", ".markdown": "markdown",
    ".html": "html", ".htm": "html", ".xhtml": "html", ".pdf": "pdf", ".docx": "docx",
}  # fmt: skip
READABLE = "Text, Markdown, HTML, PDF and Word (.docx) files can be read."

_MAGIC = (
    (b"\x89PNG", "PNG picture"), (b"\xff\xd8\xff", "JPEG picture"), (b"GIF8", "GIF picture"), (b"RIFF", "media file"),
    (b"\x1f\x8b", "gzip archive"), (b"7z\xbc\xaf", "7-Zip archive"), (b"Rar!", "RAR archive"),
    (b"\x7fELF", "program"), (b"MZ\x90", "program"), (b"SQLite format 3", "database"), (b"{\\rtf", "RTF document"),
)  # fmt: skip
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}>\s*)?(?><!--.{0,2000}?-->\s*)*+<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(rb"<[a-zA-Z!/][^<>]{0,500}>")
_START = 4096


def format_of(name: str, data: bytes, *, fetched: bool = False) -> Format:
    """The format of ``data``. For what was fetched, the name says nothing unless it is one of the known suffixes.

    Raises ReadError: ``empty``, ``encrypted``, ``old_office``, ``not_docx``, ``not_pdf``, ``binary``, ``unsupported``.
    """
    named = SUFFIXES.get(PurePosixPath(name).suffix.lower())
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        raise ReadError("The file is empty.", "Check that it was saved completely.", code="empty")
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(_OLE):
        raise _ole(data)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(named, data)
    if kind := next((kind for magic, kind in _MAGIC if data.startswith(magic)), None):
        raise ReadError(f"The file is a {kind}, not a text.", READABLE, code="binary")
    return _textual(name, named, data, fetched=fetched)


def _textual(name: str, named: Format | None, data: bytes, *, fetched: bool) -> Format:
    if named in ("pdf", "docx"):
        raise ReadError(f"The file is called .{named} but is none.", "Export it again.", code=f"not_{named}")
    if _HTML.match(_without_nulls(data[:_START])):
        return "html"
    if named == "html":
        return "html" if _TAG.search(_without_nulls(data)) else "text"
    suffix = PurePosixPath(name).suffix
    if named is None and suffix and not fetched and re.fullmatch(r"\.[a-zA-Z][a-zA-Z0-9]{0,7}", suffix):
        raise ReadError(f"Files of the type {suffix} cannot be read.", READABLE, code="unsupported")
    return named or "text"


def _without_nulls(data: bytes) -> bytes:
    """Also the tags of a page in UTF-16 are to be seen."""
    return data.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff").replace(b"\x00", b"")


def _archive(named: Format | None, data: bytes) -> Format:
    if is_docx(data):
        return "docx"
    if named == "docx":
        raise ReadError(
            "The file is called .docx but is no Word document.", "Save it as .docx in Word.", code="not_docx"
        )
    raise ReadError("The file is a ZIP archive.", f"Unpack it. {READABLE}", code="binary")


def _ole(data: bytes) -> ReadError:
    if _ENCRYPTED in data:
        return ReadError("The Office document is encrypted.", "Save it without a password.", code="encrypted")
    return ReadError("The file is in an old Office format.", "Save it as .docx and try again.", code="old_office")
