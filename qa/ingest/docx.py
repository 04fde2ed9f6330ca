"""Word files: paragraphs, headings and tables in reading order, a line each."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from qa.errors import ReadError
from qa.ingest.content import Content, check_length, check_memory, storable
from qa.types import Metadata

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table, _Cell
    from docx.text.paragraph import Paragraph

MAX_UNPACKED = 200_000_000
MAX_PARTS = 10_000
MAX_DEPTH = 20

_HEADING = re.compile(r"(?:heading|标题) ?([1-9])", re.IGNORECASE)
_TITLE = re.compile(r"title|标题", re.IGNORECASE)
_MAIN_PART = "word/document.xml"
_Row = tuple[str, int]


def is_docx(data: bytes) -> bool:
    """Whether a ZIP archive is a Word document."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _MAIN_PART in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def read_docx(data: bytes) -> Content:
    """Read a Word document. Raises ReadError: ``broken_docx``, ``too_large`` (unpacked), ``no_text``, ``too_long``."""
    _check_size(data)
    try:
        from docx import Document as open_document

        document = open_document(io.BytesIO(data))
        rows = list(_rows(document))
        metadata = _metadata(document)
    except (ReadError, MemoryError):
        raise
    except Exception as error:  # a parser of untrusted files fails in more ways than its own errors
        check_memory(error)
        raise ReadError(
            f"The Word document is broken ({type(error).__name__}).",
            "Open and save it again in Word.",
            code="broken_docx",
        ) from error
    if not rows:
        raise ReadError("The Word document holds no text.", "Pictures of text need OCR first.", code="no_text")
    return _content(rows, metadata)


def _check_size(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ReadError(
            "The Word document is broken.", "Open and save it again in Word.", code="broken_docx"
        ) from error
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise ReadError(
            f"The Word document unpacks to more than {MAX_UNPACKED // 1_000_000} MB.",
            "Take the pictures out.",
            code="too_large",
        )


def _rows(document: Document) -> Iterator[_Row]:
    for block in document.iter_inner_content():
        yield from _block(block, 0)


def _block(block: Paragraph | Table, depth: int) -> Iterator[_Row]:
    from docx.table import Table

    if isinstance(block, Table):
        yield from _table(block, depth)
        return
    level = _level(block)
    for line in storable(block.text).splitlines():
        if text := " ".join(line.split()):
            yield text, level


def _table(table: Table, depth: int) -> Iterator[_Row]:
    """A row a line, cells parted by tabs; merged cells once. Tables inside cells follow their row."""
    if depth > MAX_DEPTH:
        return
    for row in table.rows:
        cells = list({id(cell._tc): cell for cell in row.cells}.values())
        texts = [_cell_text(cell) for cell in cells]
        if any(texts):
            yield "\t".join(texts), 0
        for cell in cells:
            for inner in cell.tables:
                yield from _table(inner, depth + 1)


def _cell_text(cell: _Cell) -> str:
    return " ".join(storable(" ".join(p.text for p in cell.paragraphs)).split())


def _level(paragraph: Paragraph) -> int:
    style = (paragraph.style.name if paragraph.style is not None else None) or ""
    if match := _HEADING.fullmatch(style):
        return min(int(match[1]), 6)
    return 1 if _TITLE.fullmatch(style) else 0


def _metadata(document: Document) -> Metadata:
    title = " ".join(storable(document.core_properties.title or "").split())
    return Metadata("" if title.lower() in ("word document", "python-docx") else title)


def _content(rows: list[_Row], metadata: Metadata) -> Content:
    starts, length = [], 0
    for text, _ in rows:
        starts.append(length)
        length += len(text) + 1
    check_length(length)
    headings = tuple((s, s + len(text), level) for s, (text, level) in zip(starts, rows, strict=True) if level)
    return Content("\n".join(text for text, _ in rows), metadata, headings=headings)
