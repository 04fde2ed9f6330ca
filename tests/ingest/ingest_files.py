"""Files of every format, made by the tests that read them."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from qa.types import Cleaned, Metadata, Source

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "tests" / "data" / "pages"
SHARED = Path(os.environ.get("QA_SHARED", ROOT.parent / "shared"))

needs_articles = pytest.mark.skipif(not (SHARED / "articles").is_dir(), reason="the raw articles are not here")
needs_webmain = pytest.mark.skipif(
    not (SHARED / "bench" / "webmain").is_dir(), reason="the labelled pages are not here"
)


def plain(text: str, title: str = "") -> Source:
    return Source("a.txt", "text", text, "", Metadata(title))


def kept(source: Source, cleaned: Cleaned) -> list[str]:
    """The blocks as they read: cuts left out."""
    return [_readable(source.text, b.start, b.end, b.cuts, dict(b.restored)) for b in cleaned.blocks]


def _readable(text: str, start: int, end: int, cuts: tuple[tuple[int, int], ...], restored: dict[int, str]) -> str:
    parts, at = [], start
    for a, b in cuts:
        parts += [text[at:a], restored.get(a, "")]
        at = b
    return "".join([*parts, text[at:end]])


def gone(source: Source, cleaned: Cleaned) -> dict[str, list[str]]:
    """The removed runs by the rule that removed them."""
    found: dict[str, list[str]] = {}
    for run in cleaned.removed:
        found.setdefault(run.rule, []).append(source.text[run.start : run.end])
    return found


def check_cover(source: Source, cleaned: Cleaned) -> None:
    """Blocks and removed runs are sorted, disjoint, inside the text, and hold all that is not white space."""
    spans = sorted([(b.start, b.end) for b in cleaned.blocks] + [(r.start, r.end) for r in cleaned.removed])
    assert [(b.start, b.end) for b in cleaned.blocks] == sorted((b.start, b.end) for b in cleaned.blocks)
    assert [(r.start, r.end) for r in cleaned.removed] == sorted((r.start, r.end) for r in cleaned.removed)
    at = 0
    for start, end in spans:
        assert at <= start < end <= len(source.text)
        assert not source.text[at:start].strip()
        at = end
    assert not source.text[at:].strip()
    for block in cleaned.blocks:
        at = block.start
        for start, end in block.cuts:
            assert at <= start < end <= block.end
            at = end
        assert {offset for offset, _ in block.restored} <= {start for start, _ in block.cuts}


def pdf(pages: list[list[str]], *, title: str = "") -> bytes:
    """A PDF of ASCII lines; a page without lines has no text."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for lines in pages:
        shown = " ".join(f"({_escaped(line)}) Tj T*" for line in lines)
        stream = f"BT /F1 10 Tf 14 TL 50 780 Td {shown} ET"
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 842] /Contents {len(objects)} 0 R"
        objects.append(f"{page} /Resources << /Font << /F1 3 0 R >> >> >>")
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    objects.append(f"<< /Title ({_escaped(title)}) >>")
    return _assembled(objects)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _assembled(objects: list[str]) -> bytes:
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("ascii")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    trailer = f"trailer\n<< /Size {size} /Root 1 0 R /Info {size - 1} 0 R >>\nstartxref\n{len(out)}\n%%EOF"
    return out + f"xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode("ascii")


def encrypted_pdf(data: bytes) -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt("secret", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def docx(*, title: str = "", empty: bool = False) -> bytes:
    from docx import Document

    document = Document()
    document.core_properties.title = title
    if not empty:
        document.add_heading("港口年报", level=0)
        document.add_heading("吞吐量", level=1)
        document.add_paragraph("去年全港完成货物吞吐量三千二百万吨,比前一年增长百分之四。")
        table = document.add_table(rows=2, cols=2)
        for row, values in zip(table.rows, (("货类", "万吨"), ("煤炭", "870")), strict=True):
            for cell, value in zip(row.cells, values, strict=True):
                cell.text = value
        document.add_paragraph("表后的一段文字说明,数据由港务局汇总。")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def archive(name: str = "a.txt", content: bytes = b"x") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr(name, content)
    return out.getvalue()
