"""Files made to take the program down: each ends as an error that names its reason, soon and in bounded memory."""

from __future__ import annotations

import io
import os
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_files import docx, pdf

from qa.errors import ReadError
from qa.ingest.clean import clean
from qa.ingest.read import read_bytes, read_path, read_text
from qa.ingest.split import sentences, split
from qa.ingest.worker import Worker
from qa.types import Skipped

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
BILLION = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{LAUGHS}]>'


def with_part(name: str, content: bytes) -> bytes:
    """A Word document with one of its parts exchanged."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx())) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            new.writestr(member, content if member == name else old.read(member))
    return out.getvalue()


def refused(name: str, data: bytes) -> str:
    with pytest.raises(ReadError) as caught:
        read_bytes(name, data)
    assert caught.value.message
    return caught.value.code


def test_a_word_document_that_unpacks_to_gigabytes() -> None:
    assert refused("bomb.docx", with_part("word/document.xml", b" " * 250_000_000)) == "too_large"


def test_a_word_document_that_lies_about_its_size() -> None:
    """The directory of the archive says 10 bytes; what comes out is checked against that."""
    data = bytearray(with_part("word/document.xml", b"<x>" + b" " * 50_000_000 + b"</x>"))
    size = (50_000_007).to_bytes(4, "little")
    lied = bytes(data).replace(size, (10).to_bytes(4, "little"))
    assert lied != bytes(data)
    assert refused("bomb.docx", lied) == "broken_docx"


def test_xml_that_grows_when_it_is_read() -> None:
    word = BILLION.encode() + b"<x>&l11;</x>"
    assert refused("laughs.docx", with_part("word/document.xml", word)) == "broken_docx"
    page = read_bytes("laughs.html", (BILLION + "<html><body><p>Some text of a page. &l11;</p></body></html>").encode())
    assert len(page.text) < 1000


def test_xml_that_names_files_and_addresses(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("TOP SECRET")
    head = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    text = "<w:p><w:r><w:t>open &e; text</w:t></w:r></w:p>"
    body = f"<w:document xmlns:w='{space}'><w:body>{text}</w:body></w:document>"
    try:
        found = read_bytes("xxe.docx", with_part("word/document.xml", (head + body).encode())).text
    except ReadError:
        found = ""
    found += read_bytes("xxe.html", (head + "<html><body><p>Some text &e; of a page.</p></body></html>").encode()).text
    assert "SECRET" not in found


@pytest.mark.parametrize("tag", ["div", "b", "table"])
def test_deeply_nested_pages(tag: str) -> None:
    depth = 50_000
    data = (f"<{tag}>" * depth + "text of the page" + f"</{tag}>" * depth).encode()
    assert refused("deep.html", data) == "no_text"


def test_deeply_nested_xml_in_word() -> None:
    depth = 100_000
    assert refused("deep.docx", with_part("word/document.xml", b"<x>" * depth + b"</x>" * depth)) in (
        "broken_docx",
        "crashed",
    )


@pytest.mark.parametrize(
    "lines",
    [
        "a0: &a0 [lol]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))
        + "title: *a19",
        "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n}\n  <<: [*a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 30)),
        "title: " + "[" * 3000 + "]" * 3000,
        "title: " + "9" * 5000,
    ],
)
def test_front_matter_that_grows(lines: str) -> None:
    assert refused("a.md", f"---\n{lines}\n---\nText of it.\n".encode()) == "front_matter"


def test_pages_of_a_pdf_that_contain_themselves() -> None:
    data = pdf([["One page of text."]])
    assert b"/Kids" in data
    start = data.index(b"/Kids")
    root = data[: data.index(b"/Type /Pages")].rsplit(b" 0 obj", 1)[0].split()[-1]
    end = data.index(b"]", start)
    looped = data[:start] + b"/Kids [ " + root + b" 0 R ".ljust(end - start - 8 - len(root)) + data[end:]
    assert refused("loop.pdf", looped) in ("broken_pdf", "no_text", "too_slow", "too_much_memory")


@pytest.fixture
def narrow() -> Iterator[Worker]:
    """A few seconds, which on a busy machine have to do for its start too, and no memory for anything large."""
    worker = Worker(seconds=5, memory=700_000_000)
    yield worker
    worker.stop()


def test_time_for_one_file_is_bounded_and_the_next_is_read(narrow: Worker) -> None:
    slow = b"<table>" + b"<tr><td><table><tr><td>x" * 60_000
    narrow._seconds = 1
    with pytest.raises(ReadError) as caught:
        narrow.parse("html", slow * 6, None, None)
    assert caught.value.code in ("too_slow", "too_much_memory", "crashed")
    narrow._seconds = 5
    assert "plain" in narrow.parse("html", b"<p>A plain page of text.</p>", None, None).text


def test_memory_for_one_file_is_bounded_and_the_next_is_read(narrow: Worker) -> None:
    with pytest.raises(ReadError) as caught:
        narrow.parse("html", b"<p>" + b"<i>a</i> " * 3_000_000, None, None)
    assert caught.value.code in ("too_much_memory", "too_slow", "no_text", "crashed")
    assert "plain" in narrow.parse("html", b"<p>A plain page of text.</p>", None, None).text


def test_a_worker_that_is_killed_is_replaced(narrow: Worker) -> None:
    narrow.parse("html", b"<p>A plain page of text.</p>", None, None)
    assert narrow._process is not None
    narrow._process.kill()
    narrow._process.wait()
    assert "plain" in narrow.parse("html", b"<p>A plain page of text.</p>", None, None).text


def test_threads_take_turns() -> None:
    texts: list[str] = []
    work = [
        threading.Thread(
            target=lambda n=n: texts.append(read_bytes("a.html", f"<p>This is page number {n}.</p>".encode()).text)
        )
        for n in range(8)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert sorted(texts) == [f"This is page number {n}." for n in range(8)]


def test_the_worker_gets_no_secret(monkeypatch: pytest.MonkeyPatch, narrow: Worker) -> None:
    monkeypatch.setenv("QA_MODEL_API_KEY", "sk-secret")
    narrow.parse("html", b"<p>A plain page of text.</p>", None, None)
    assert narrow._process is not None
    assert b"sk-secret" not in Path(f"/proc/{narrow._process.pid}/environ").read_bytes()


def test_names_and_links_stay_inside(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("TOP SECRET")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "plain.txt").write_text("A plain text that can be read.")
    (folder / "file.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "up").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.txt")
    found = {item.name: item for item in read_path(folder)}
    assert {name: item.code for name, item in found.items() if isinstance(item, Skipped)} == {
        "file.txt": "symlink",
        "loop": "symlink",
        "pipe.txt": "special",
        "up": "symlink",
    }
    assert "SECRET" not in "".join(item.text for item in found.values() if not isinstance(item, Skipped))


@settings(deadline=None, max_examples=30)
@given(st.text(alphabet='。！？｡।؟!?….；」”"》\n x1', min_size=1, max_size=24), st.sampled_from("x》，的 」"))
def test_sentences_of_any_repeated_marks_take_time_in_proportion(mark: str, end: str) -> None:
    """Sixteen times the text: its square would take 256 times as long. Below 150 ms nothing is concluded."""
    took = []
    for length in (2_500, 40_000):
        text = mark * (length // len(mark)) + end
        began = time.process_time()
        sentences(text)
        took.append(time.process_time() - began)
    assert took[1] < 80 * max(took[0], 0.03 / 16)


@pytest.mark.parametrize(
    ("mark", "end"),
    [
        ("……", "x"),
        ("。", "》"),
        ("。!", "》"),
        ("...", "x"),
        ("；", "的"),
        ("「", "，"),
        ("!", "x"),
        ("。!!!!!!", "》"),
        ("？……!?…!", "，"),
        ("؟!!!!!!!!!", "》"),
    ],
)
def test_splitting_time_grows_with_the_length(mark: str, end: str) -> None:
    """Eight times the text may take thirty times as long, not sixty-four: by then it would be the square."""
    took = []
    for length in (10_000, 80_000):
        source = read_text("标题", f"标题\n{mark * (length // len(mark))}{end}结尾\n")
        began = time.process_time()
        split(source, clean(source), lambda text: len(text) // 2 + 1)
        took.append(time.process_time() - began)
    assert took[1] < 30 * max(took[0], 0.05)
