"""Tables in articles: a row is quoted with its header, not the table as one sentence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from answer_script import Script, beside, modelled, says
from hypothesis import given
from hypothesis import strategies as st

from qa.answer.table_rows import Row, lines, parts
from qa.index import Index
from qa.ingest.normalise import normalise
from qa.ingest.read import read_bytes, read_text
from qa.types import Answer

MARKDOWN = """# 各县水库统计

下表列出 2024 年各县的水库数量。

| 县 | 水库 | 库容（万立方米） | 备注 |
|---|:--:|--:|---|
| 青石县 | 90 | 1200 | 含大型水库 3 座 |
| 白沙县 | 65 | 980 | |
| 红岩县 | 110 | 1500 | 在建 2 座 |

各县数据由水文站提供。
"""
PAGE = """<html><head><title>Fleet overview</title></head><body><article><h1>Fleet overview</h1>
<p>The ferry company runs three ships between the islands, all of them refitted since they were built.</p>
<table><tr><th>Ship</th><th>Built</th><th>Passengers</th></tr><tr><td>Aurora</td><td>1999</td><td>420</td></tr>
<tr><td>Borealis</td><td>2004</td><td>610</td></tr><tr><td>Corona</td><td>2011</td><td>380</td></tr></table>
<p>Tickets are sold at the harbour office, which opens at seven in the morning every day of the year.</p>
</article></body></html>"""


def shown(source: str) -> list[str]:
    """The parts of a text, rows under their headers."""
    made = normalise(source)
    found = parts(made.text, lines(made.text, source, made.starts, made.ends))
    spans = [(part.header, part.span) if isinstance(part, Row) else (part,) for part in found]
    return ["\n".join(made.text[slice(*span)] for span in some if span) for some in spans]


def test_rows_stand_under_the_header_of_their_table() -> None:
    assert shown("Before.\n| a | b |\n|---|:-:|\n| 1 | 2 |\n| 3 | |\nAfter.") == [
        "Before. ",
        "a | b\n1 | 2",
        "a | b\n3",
        " After.",
    ]
    assert shown("Ship\tBuilt\nAurora\t1999\nBorealis\t2004") == [
        "Ship Built\nAurora 1999",
        "Ship Built\nBorealis 2004",
    ]


def test_a_header_is_not_made_up() -> None:
    """A passage may begin in the middle of a table: its first row then has figures."""
    assert shown("Aurora\t1999\nBorealis\t2004") == ["Aurora 1999", "Borealis 2004"]


@pytest.mark.parametrize("text", ["one | two\nthree | four", "| a | b |", "name\tvalue", "|x|\n|y|\n", "a\tb\nc\td\te"])
def test_what_is_no_table_stays_text(text: str) -> None:
    assert shown(text) == [normalise(text).text]


@given(
    st.lists(
        st.sampled_from(["|", "\t", "\n", "a", "鱼", "1", "-", " ", "：", "|---|---|\n", "| a | b |\n"]), max_size=60
    )
)
def test_parts_are_in_order_and_not_empty(pieces: list[str]) -> None:
    source = "".join(pieces)
    made = normalise(source)
    last = 0
    for part in parts(made.text, lines(made.text, source, made.starts, made.ends)):
        start, end = part.span if isinstance(part, Row) else part
        assert last <= start < end <= len(made.text)
        last = end


@pytest.fixture(scope="module")
def tables(corpus_index: Index, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with beside(corpus_index, tmp_path_factory.mktemp("tables")) as index:
        index.ingest_sources([read_text("水库.md", MARKDOWN), read_bytes("fleet.html", PAGE.encode())])
        yield index


def proved(given: Answer) -> None:
    for sentence in given.sentences:
        for span in sentence.quote_spans:
            citation = given.citations[span.citation - 1]
            quote = citation.quote[span.start - citation.start : span.end - citation.start]
            assert quote.replace("\t", " | ") in sentence.text


def test_a_row_is_quoted_with_its_header(tables: Index) -> None:
    given = tables.ask("红岩县的库容是多少？")
    assert "县 | 水库 | 库容（万立方米） | 备注\n红岩县 | 110 | 1500 | 在建 2 座" in given.answer
    assert "白沙县" not in given.answer
    assert "---" not in given.answer
    proved(given)
    given = tables.ask("How many passengers does the Borealis carry?")
    assert "Ship | Built | Passengers\nBorealis | 2004 | 610" in given.answer
    assert "Aurora" not in given.answer
    assert "Tickets" not in given.answer
    proved(given)


def test_the_row_that_the_question_names_is_quoted(tables: Index) -> None:
    """Names of rows look alike to vectors."""
    for name, held in (("青石县", "90"), ("白沙县", "65"), ("红岩县", "110")):
        given = tables.ask(f"{name}有多少座水库？")
        assert f"{name} | {held} |" in given.answer
        assert given.answer.count("县 |") == 2


def test_what_a_model_writes_of_a_row_is_held_against_that_row(tables: Index, script: Script) -> None:
    said = ("红岩县 | 110 | 1500 | 在建 2 座。", "白沙县 | 110 | 1500 | 在建 2 座。")
    script.replies = [says(*(f"{text}[1]" for text in said))]
    with modelled(tables, script):
        given = tables.ask("红岩县有多少座水库？", generator="model")
    assert [(one.text, one.supported) for one in given.sentences] == [(said[0], True), (said[1], False)]
