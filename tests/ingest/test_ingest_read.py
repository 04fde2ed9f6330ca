"""Reading: every format and encoding, and a clear reason for each file that is not read."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_files import archive, docx, encrypted_pdf, pdf

from qa.errors import ReadError
from qa.ingest.clean import clean
from qa.ingest.decode import decode
from qa.ingest.docx import read_docx
from qa.ingest.pdf import read_pdf
from qa.ingest.read import read_bytes, read_path, read_text
from qa.types import Metadata, Skipped, Source

SIMPLIFIED = "港口今年春天开放,居民都说这是好事。"
TRADITIONAL = "港口今年春天開放,居民都說這是好事。"
PDF = pdf([["The harbour was opened in the spring, and the whole town came to see it."]])


def code(name: str, data: bytes, **options: int) -> str:
    with pytest.raises(ReadError) as caught:
        read_bytes(name, data, **options)
    assert caught.value.message
    assert caught.value.hint
    return caught.value.code


@pytest.mark.parametrize(
    ("text", "codec", "encoding"),
    [
        (SIMPLIFIED, "utf-8", "utf-8"),
        (SIMPLIFIED, "utf-8-sig", "utf-8"),
        (SIMPLIFIED, "gb18030", "gb18030"),
        (SIMPLIFIED, "utf-16", "utf-16-le"),
        (SIMPLIFIED, "utf-16-le", "utf-16-le"),
        (SIMPLIFIED, "utf-16-be", "utf-16-be"),
        (TRADITIONAL, "big5", "big5"),
        (TRADITIONAL, "gb18030", "gb18030"),
        ("港口开放", "gb18030", "gb18030"),
        ("港口開放", "big5", "big5"),
        ("The harbour is open.", "utf-16-le", "utf-16-le"),
        ("“Yes” – the café said…", "cp1252", "cp1252"),
    ],
)
def test_encodings(text: str, codec: str, encoding: str) -> None:
    source = read_bytes("a.txt", text.encode(codec))
    assert (source.text, source.encoding) == (text, encoding)


def test_source_text_is_the_file_exactly() -> None:
    text = "  第一行\r\n\r\n\t第二行\u3000\r\n第三行\n"
    source = read_bytes("a.txt", b"\xef\xbb\xbf" + text.encode())
    assert source.text == text
    assert source.raw_sha256 == sha256(b"\xef\xbb\xbf" + text.encode()).hexdigest()


@given(st.text("港口今年春天开放居民都说这是好事工程总计完成了一千二百万元的投资,。0123", min_size=12, max_size=60))
def test_short_chinese_is_decoded_right(text: str) -> None:
    chinese = "港口今年春天开放" + text
    for codec in ("gb18030", "utf-16-le", "utf-16-be"):
        assert decode(chinese.encode(codec))[0] == chinese


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.txt", b"", "empty"),
        ("a.txt", b" \n\xef\xbb\xbf\n", "empty"),
        ("a.txt", "\u200b\n\u200b".encode(), "empty"),
        ("a.txt", bytes(range(256)) * 8, "encoding"),
        ("a.txt", "港口开放了,居民都来看。".encode() + b"\xff\xfe\xff", "encoding"),
        ("a.txt", b"\x00\x01\x02\x03" * 40, "binary"),
        ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(100), "binary"),
        ("a.zip", archive(), "binary"),
        ("a.docx", archive(), "not_docx"),
        ("a.docx", b"just words", "not_docx"),
        ("a.docx", archive("word/document.xml", b"<broken"), "broken_docx"),
        ("a.docx", docx()[:-400], "not_docx"),
        ("a.docx", docx(empty=True), "no_text"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old_office"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        ("a.pdf", b"just words", "not_pdf"),
        ("a.pdf", b"%PDF-1.4 and then nonsense", "broken_pdf"),
        ("a.pdf", pdf([[], []]), "no_text"),
        ("a.pdf", encrypted_pdf(PDF), "encrypted"),
        ("a.csv", b"a,b\n1,2\n", "unsupported"),
        ("a.rtf", b"{\\rtf1 words}", "binary"),
        ("a.html", b"<html><body><script>x()</script></body></html>", "no_text"),
        ("a.md", b"---\ntitle: a: b\n---\nText.\n", "front_matter"),
    ],
)
def test_bad_files(name: str, data: bytes, expected: str) -> None:
    assert code(name, data) == expected


def test_too_large() -> None:
    assert code("a.txt", b"a" * 101, max_bytes=100) == "too_large"
    assert read_bytes("a.txt", b"a" * 100, max_bytes=100).text


def test_unpacked_size_of_word_files_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.ingest.docx.MAX_UNPACKED", 1000)
    with pytest.raises(ReadError) as caught:
        read_docx(docx())
    assert caught.value.code == "too_large"


def test_pages_of_pdfs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.ingest.pdf.MAX_PAGES", 1)
    with pytest.raises(ReadError) as caught:
        read_pdf(pdf([["One page of text."], ["Another page."]]))
    assert caught.value.code == "too_many_pages"


def test_length_of_text_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.ingest.content.MAX_CHARACTERS", 10)
    assert code("a.txt", b"more than ten characters") == "too_long"


def test_content_decides_before_the_name() -> None:
    page = b"<!DOCTYPE html><html><body><p>The harbour was opened in the spring, and all came.</p></body></html>"
    assert read_bytes("a.txt", page).format == "html"
    assert read_bytes("a.txt", PDF).format == "pdf"
    assert read_bytes("a.bin", docx()).format == "docx"
    assert read_bytes("notes", b"No suffix at all.").format == "text"
    assert read_bytes("a.html", b"No markup at all.").format == "text"
    assert read_bytes("v1.2 notes", b"A name with a dot in it.").format == "text"


def test_pdf() -> None:
    source = read_bytes("a.pdf", pdf([["First page."], ["Second page."]], title="Harbour report"))
    assert source.text == "First page.\nSecond page."
    assert source.pages == (0, 12)
    assert source.metadata.title == "Harbour report"


def test_docx() -> None:
    source = read_bytes("a.docx", docx(title="港口年报(内部)"))
    assert source.text.splitlines()[:2] == ["港口年报", "吞吐量"]
    assert [(source.text[a:b], level) for a, b, level in source.headings] == [("港口年报", 1), ("吞吐量", 1)]
    assert "货类\t万吨\n煤炭\t870" in source.text
    assert source.metadata.title == "港口年报(内部)"


FRONT = """---
title: 硕果:石桥
publisher: 河湾日报
author: [徐燕, 林远]
published: 2022-09-17
url: http://example.com/a
language: zh
source_sha256: {digest}
kind: digest
---

正文在这里。
"""


def test_front_matter() -> None:
    digest = "ab" * 32
    text = FRONT.format(digest=digest).replace("硕果:石桥", "'硕果:石桥'")
    source = read_bytes("a.md", text.encode())
    assert source.text == text
    assert source.metadata == Metadata(
        "硕果:石桥", "河湾日报", "徐燕、林远", "2022-09-17", "http://example.com/a", "digest", digest
    )
    assert [source.text[b.start : b.end] for b in clean(source).blocks] == ["正文在这里。"]


def test_folder_in_order_with_every_file_named(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two.md").write_text("# 二\n\n第二篇文章的正文。", encoding="utf-8")
    (tmp_path / "a.txt").write_text("第一篇文章的正文。", encoding="utf-8")
    (tmp_path / "c.csv").write_text("1,2", encoding="utf-8")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.txt").write_text("x", encoding="utf-8")
    (tmp_path / "inside.txt").symlink_to(tmp_path / "a.txt")
    (tmp_path / "outside.txt").symlink_to("/etc/hostname")
    (tmp_path / "round").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.txt")
    found = [(i.name, i.code if isinstance(i, Skipped) else "read") for i in read_path(tmp_path)]
    assert found == [
        (".git", "hidden"),
        ("a.txt", "read"),
        ("b/two.md", "read"),
        ("c.csv", "unsupported"),
        ("inside.txt", "read"),
        ("outside.txt", "symlink"),
        ("pipe.txt", "special"),
        ("round", "symlink"),
    ]


def test_path_is_read_lazily(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("第一篇文章。", encoding="utf-8")
    (tmp_path / "b.txt").write_text("第二篇文章。", encoding="utf-8")
    items = read_path(tmp_path)
    assert next(items).name == "a.txt"
    (tmp_path / "b.txt").unlink()
    assert isinstance(next(items), Skipped)


def test_single_file_has_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("一篇文章。", encoding="utf-8")
    (source,) = read_path(path)
    assert isinstance(source, Source)
    assert (source.name, source.locator) == ("a.txt", str(path.resolve()))
    assert [i.code for i in read_path(path, max_bytes=3) if isinstance(i, Skipped)] == ["too_large"]


def test_missing_path() -> None:
    with pytest.raises(ReadError, match="no file or folder"):
        next(read_path(Path("/nowhere/at/all")))


def test_given_text() -> None:
    source = read_text("题目", "正文 \n", url="http://example.com/a")
    assert (source.name, source.text, source.locator) == ("题目", "正文 \n", "http://example.com/a")


@pytest.mark.parametrize(
    ("text", "published", "expected"),
    [("", None, "empty"), ("\ud800", None, "encoding"), ("正文", "2024-13-01", "date")],
)
def test_bad_given_text(text: str, published: str | None, expected: str) -> None:
    with pytest.raises(ReadError) as caught:
        read_text("题目", text, published=published)
    assert caught.value.code == expected


@given(st.binary(max_size=300), st.sampled_from(["a.txt", "a.md", "a.html", "a.pdf", "a.docx", "a"]))
def test_any_bytes_are_read_or_refused(data: bytes, name: str) -> None:
    with suppress(ReadError):
        source = read_bytes(name, data)
        source.text.encode("utf-8")
        clean(source)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_damaged_files_are_read_or_refused(noise: bytes) -> None:
    for name, data in (("a.pdf", PDF), ("a.docx", DOCX)):
        middle = len(data) // 2
        with suppress(ReadError):
            read_bytes(name, data[:middle] + noise + data[middle + len(noise) :])


DOCX = docx()
