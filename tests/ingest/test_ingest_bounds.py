"""Each bound on a file, met by a real file, with the error that names it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pytest
from ingest_files import docx, pdf

from qa.errors import ReadError
from qa.ingest.read import read_bytes, read_text
from qa.ingest.worker import Worker

SPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
PARAGRAPH = "<w:p><w:r><w:t>A paragraph of text.</w:t></w:r></w:p>"
PLAIN = b"<p>A plain page of text.</p>"
LONG = ("too_long", "The text is longer than 10,000,000 characters.", "Split it into several documents.")
MEMORY = ("too_much_memory", "The file needs too much memory to read.", "Split it, or take the pictures out.")
UNPACKED = ("too_large", "The Word document unpacks to more than 200 MB.", "Take the pictures out.")


def word(body: str) -> bytes:
    return with_parts(
        {"word/document.xml": f"<w:document xmlns:w='{SPACE}'><w:body>{body}</w:body></w:document>".encode()}
    )


def with_parts(parts: dict[str, bytes]) -> bytes:
    """A Word document with some of its parts exchanged, and others added."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(docx())) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for name in dict.fromkeys([*old.namelist(), *parts]):
            new.writestr(name, parts[name] if name in parts else old.read(name))
    return out.getvalue()


def told(error: ReadError) -> tuple[str, str, str]:
    return error.code, error.message, error.hint


def refused(name: str, data: bytes, **more: int) -> tuple[str, str, str]:
    with pytest.raises(ReadError) as caught:
        read_bytes(name, data, **more)
    return told(caught.value)


def test_size() -> None:
    assert refused("a.txt", b"x" * 1_500_000, max_bytes=1_000_000) == (
        "too_large",
        "The file has 1.5 MB; the limit is 1.0 MB.",
        "Split it, or raise QA_MAX_FILE_MB.",
    )
    assert read_bytes("a.txt", b"A plain text. " * 71_428, max_bytes=1_000_000).text


def test_pages_of_a_pdf() -> None:
    assert refused("a.pdf", pdf([["x"]] * 2001)) == (
        "too_many_pages",
        "The PDF has 2,001 pages; 2,000 are read.",
        "Split it.",
    )


def test_characters() -> None:
    with pytest.raises(ReadError) as caught:
        read_text("t", "长" * 10_000_001)
    assert told(caught.value) == LONG
    assert refused("a.txt", b"x" * 10_000_001) == LONG


def test_what_a_word_document_unpacks_to() -> None:
    assert refused("a.docx", with_parts({"word/document.xml": b" " * 200_000_001})) == UNPACKED
    assert refused("a.docx", with_parts({f"word/media/{n}.png": b"" for n in range(10_001)})) == UNPACKED


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.stop()


def parsed(worker: Worker, format: str, data: bytes) -> tuple[str, str, str]:
    with pytest.raises(ReadError) as caught:
        worker.parse(format, data, None, None)
    return told(caught.value)


def test_processor_time_of_one_file(worker: Worker) -> None:
    worker._seconds = 1
    assert parsed(worker, "docx", word(PARAGRAPH * 100_000)) == (
        "too_slow",
        "The file took longer than 1 s to read.",
        "Split it, or save it anew.",
    )
    assert "plain" in worker.parse("html", PLAIN, None, None).text


@pytest.mark.parametrize(
    ("format", "data"),
    [("docx", word("<w:p/>" * 3_000_000)), ("html", b"<p>" + b"<i>a</i> " * 2_000_000)],
    ids=["docx", "html"],
)
def test_memory_of_one_file(worker: Worker, format: str, data: bytes) -> None:
    """The XML library calls it an error in the file that there is no memory for it."""
    worker._memory = 500_000_000
    assert parsed(worker, format, data) == MEMORY
    assert "plain" in worker.parse("html", PLAIN, None, None).text
