"""What the reader of one format hands back, before a name and a digest make a Source of it."""

from __future__ import annotations

from dataclasses import dataclass

from qa.errors import ReadError
from qa.types import Metadata, Span

MAX_CHARACTERS = 10_000_000


@dataclass(frozen=True, slots=True)
class Content:
    """Text and structure of a file; ``metadata.title`` is empty where the format names none."""

    text: str
    metadata: Metadata
    pages: tuple[int, ...] = ()
    headings: tuple[tuple[int, int, int], ...] = ()
    main: tuple[Span, ...] | None = None
    encoding: str = "utf-8"


def check_length(characters: int) -> None:
    """Raises ReadError (``too_long``) above MAX_CHARACTERS."""
    if characters > MAX_CHARACTERS:
        raise ReadError(
            f"The text is longer than {MAX_CHARACTERS:,} characters.",
            "Split it into several documents.",
            code="too_long",
        )


def check_memory(error: Exception) -> None:
    """Raises MemoryError where the XML library met its bound: it calls that an error in the file."""
    from lxml import etree

    if isinstance(error, etree.XMLSyntaxError) and error.code == etree.ErrorTypes.ERR_NO_MEMORY:
        raise MemoryError from error


def storable(text: str) -> str:
    """``text`` without what no text may hold: NUL, and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
