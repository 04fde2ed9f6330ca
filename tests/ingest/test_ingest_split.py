from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.ingest.normalise import is_invisible, normalise, readable
from qa.ingest.split import MAX_HEADING_CHARS, sentences, split
from qa.types import Block, Cleaned, Metadata, Piece, Source

SENTENCE = "昌平区两年来新增企业超过一万家。"
"""16 characters, 16 tokens by `count`."""


def count(text: str) -> int:
    """One token for each ideograph, word and mark."""
    return len(re.findall(r"[\u3400-\u9fff]|[a-zA-Z0-9]+|[^\w\s]", text))


def a_source(text: str, title: str = "标题", pages: tuple[int, ...] = ()) -> Source:
    return Source("a.txt", "text", text, "0" * 64, Metadata(title), pages)


def cleaned(text: str) -> Cleaned:
    """Every line that shows something is a block; as many ``#`` as it starts with are its level."""
    lines = re.finditer(r"(#*)([^\n]*[^\s#][^\n]*)", text)
    return Cleaned(tuple(Block(*line.span(2), level=len(line[1])) for line in lines), ())


def pieces_of(text: str, *, target: int = 40, maximum: int = 64, title: str = "标题") -> list[Piece]:
    return split(a_source(text, title), cleaned(text), count, target_tokens=target, max_tokens=maximum)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("他来了。我走了！真的？！是。", ["他来了。", "我走了！", "真的？！", "是。"]),
        ("他说：“好。”然后走了。", ["他说：“好。”", "然后走了。"]),
        ("「開始吧。」他說。", ["「開始吧。」", "他說。"]),
        ("（见下文。）随后结束。", ["（见下文。）", "随后结束。"]),
        ("“他来了吗？”的问题很多。", ["“他来了吗？”的问题很多。"]),
        ("《你好吗？》一书出版。", ["《你好吗？》一书出版。"]),
        ("“什么？”，他问。", ["“什么？”，他问。"]),
        ("投资超过百亿；企业增长一成。", ["投资超过百亿；", "企业增长一成。"]),
        ("他想了想……“好吧……”她走了。", ["他想了想……“好吧……”", "她走了。"]),
        ("增长3.5%,达到3,900亿元.随后回落.", ["增长3.5%,达到3,900亿元.", "随后回落."]),
        ("标题没有句号\n正文从这里开始。", ["标题没有句号", "正文从这里开始。"]),
        ("增长!真的?是;对。", ["增长!", "真的?", "是;", "对。"]),
        ("Dr. Wu paid 3.5 million. He left.", ["Dr. Wu paid 3.5 million.", "He left."]),
        ("The U.S. Army came. See No. 7 below.", ["The U.S. Army came.", "See No. 7 below."]),
        ("Is it? No. It is not!", ["Is it?", "No.", "It is not!"]),
        ('"It works." She smiled.', ['"It works."', "She smiled."]),
        ("Use GMP, i.e. good practice. Fine.", ["Use GMP, i.e. good practice.", "Fine."]),
        ("1. First thing\n2. Second thing", ["1. First thing", "2. Second thing"]),
        ("Visit example.com today. Bye", ["Visit example.com today.", "Bye"]),
        ("Wait... what? Yes... Then go.", ["Wait... what?", "Yes...", "Then go."]),
        ("a line that was wrapped,\nas one sees. Next.", ["a line that was wrapped,\nas one sees.", "Next."]),
        ("First.\r\nSecond", ["First.", "Second"]),
        ("这是\u200b。\u200b", ["这是\u200b。"]),
        (" \n\t\u3000", []),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == expected


marks = st.text(alphabet='医药产业发展ab 1.。！？；…”’"）)》\n\r\u200b\u3000Dr', max_size=80)


@settings(deadline=None)
@given(st.text() | marks)
def test_sentences_hold_all_that_is_visible(text: str) -> None:
    spans = sentences(text)
    assert all(start < end for start, end in spans)
    assert all(left[1] <= right[0] for left, right in pairwise(spans))
    covered = {i for start, end in spans for i in range(start, end)}
    assert all(c.isspace() or is_invisible(c) for i, c in enumerate(text) if i not in covered)
    assert all(text[start:end] == text[start:end].strip() for start, end in spans)


def test_a_passage_is_a_run_of_whole_sentences_near_the_target() -> None:
    text = SENTENCE * 10
    pieces = pieces_of(text)
    # 16 tokens a sentence: two fit into a target of 40, three do not
    assert [(p.start, p.end) for p in pieces] == [(i, i + 32) for i in range(0, 160, 32)]
    assert all(p.text == p.search_text.replace(",", "，") == SENTENCE * 2 for p in pieces)


def test_a_sentence_between_target_and_maximum_stays_whole() -> None:
    long = "北京、天津、河北" * 6 + "协同发展。"
    assert 40 < count(long) <= 64
    assert [p.text for p in pieces_of(SENTENCE * 2 + long + SENTENCE)] == [SENTENCE * 2, long, SENTENCE]


def test_a_sentence_above_the_maximum_is_cut_at_clauses() -> None:
    clause = "各地加快建设医药产业园区，"
    pieces = pieces_of(clause * 12)
    assert len(pieces) > 1
    assert all(p.text.endswith("，") for p in pieces)
    assert "".join(p.text for p in pieces) == clause * 12


def test_short_paragraphs_are_merged_and_keep_their_line_breaks() -> None:
    text = "第一点\n\n　　第二点 \n第三点"
    (piece,) = pieces_of(text)
    assert piece.text == "第一点\n第二点\n第三点"
    assert piece.search_text == "第一点 第二点 第三点"
    assert (piece.start, piece.end) == (0, len(text))


def test_a_tiny_tail_joins_the_passage_before() -> None:
    text = f"{SENTENCE * 2}\n完。"
    assert [p.text for p in pieces_of(text, target=32)] == [f"{SENTENCE * 2}\n完。"]
    assert [p.text for p in pieces_of(text, target=32, maximum=33)] == [SENTENCE * 2, "完。"]


def test_a_tiny_head_joins_the_passage_after() -> None:
    text = f"电头\n{SENTENCE * 3}"
    assert [p.text for p in pieces_of(text, target=48)] == [f"电头\n{SENTENCE * 3}"]


def test_headings_give_a_path_and_are_never_crossed() -> None:
    text = "#标题\n开头。\n##昌平\n昌平的正文。\n###企业\n企业的正文。\n##大兴\n大兴的正文。"
    assert [(p.heading, p.text) for p in pieces_of(text)] == [
        (None, "开头。"),
        ("昌平", "昌平的正文。"),
        ("昌平 › 企业", "企业的正文。"),
        ("大兴", "大兴的正文。"),
    ]


def test_a_heading_that_is_not_the_title_stays_in_the_path() -> None:
    assert [p.heading for p in pieces_of("#總覽\n##昌平\n正文。")] == ["總覽 › 昌平"]
    assert [p.heading for p in pieces_of("#總覽\n##昌平\n正文。", title="总览")] == ["昌平"]


def test_equal_headings_do_not_share_a_passage() -> None:
    assert [p.text for p in pieces_of("#小结\n甲。\n#小结\n乙。")] == ["甲。", "乙。"]


def test_a_heading_with_nothing_under_it_is_body_text() -> None:
    text = "#报告\n##无内容\n##昌平\n正文。\n##附录"
    assert [(p.heading, p.text) for p in pieces_of(text)] == [
        ("报告", "无内容"),
        ("报告 › 昌平", "正文。"),
        ("报告", "附录"),
    ]


def test_a_document_of_headings_only() -> None:
    assert [(p.heading, p.text) for p in pieces_of("#总\n##甲\n##乙\n#尾")] == [("总", "甲\n乙"), (None, "尾")]


def test_an_overlong_heading_is_body_text() -> None:
    heading = "长" * (MAX_HEADING_CHARS + 1)
    pieces = pieces_of(f"#{heading}\n正文。", target=200, maximum=300)
    assert [(p.heading, p.text) for p in pieces] == [(None, f"{heading}\n正文。")]


def test_what_was_removed_is_neither_shown_nor_bridged() -> None:
    caption = "图为现场"
    teaser = "推荐阅读" * 21
    text = f"甲段。\n{caption}\n乙段。\n{teaser}\n丙段。"
    blocks = tuple(Block(text.index(part), text.index(part) + 3) for part in ("甲段。", "乙段。", "丙段。"))
    pieces = split(a_source(text), Cleaned(blocks, ()), count)
    assert [p.text for p in pieces] == ["甲段。\n乙段。", "丙段。"]
    assert [p.search_text for p in pieces] == ["甲段。 乙段。", "丙段。"]
    assert text[pieces[0].start : pieces[0].end] == f"甲段。\n{caption}\n乙段。"


def test_what_has_no_tokens_is_not_repeated() -> None:
    text = "1\n\n1\n\n1\n\n\u200b\n\n11.1"
    pieces = split(a_source(text), cleaned(text), count, target_tokens=4, max_tokens=30)
    assert [p.search_text for p in pieces] == ["1 1 1", "11.1"]


def test_cuts_are_left_out_and_what_they_swallowed_is_restored() -> None:
    text = "河北日?qǐng)?bào)記者報道產(chǎn)業(yè)。"
    cuts = ((3, 14), (19, 25), (26, 30))
    block = Block(0, len(text), cuts=cuts, restored=((3, "報"),))
    (piece,) = split(a_source(text), Cleaned((block,), ()), count)
    assert piece.text == "河北日報記者報道產業。"
    assert piece.search_text == "河北日报记者报道产业。"
    assert (piece.start, piece.end) == (0, len(text))


def test_a_passage_may_end_with_what_was_restored() -> None:
    text = "甲日?qǐng)?bào) "
    block = Block(0, len(text), cuts=((2, 13),), restored=((2, "報"),))
    (piece,) = split(a_source(text), Cleaned((block,), ()), count)
    assert (piece.text, piece.start, piece.end) == ("甲日報", 0, 13)


def test_pages() -> None:
    text = "甲。\n乙。\n丙。"
    blocks = tuple(Block(i, i + 2) for i in (0, 3, 6))
    source = a_source(text, pages=(0, 3, 6))
    pieces = split(source, Cleaned(blocks, ()), count, target_tokens=2, max_tokens=2)
    assert [(p.text, p.page) for p in pieces] == [("甲。", 1), ("乙。", 2), ("丙。", 3)]
    assert pieces_of(text)[0].page is None


def test_a_passage_without_letters_has_the_language_of_its_document() -> None:
    text = f"##表\n2023 1,100\n##文\n{SENTENCE * 3}\n##En\nThe forum was held in Beijing."
    assert [p.language for p in pieces_of(text, target=32)] == ["zh", "zh", "zh", "en"]


def test_without_cuts_the_search_text_is_the_normalised_quote() -> None:
    text = f"　　{SENTENCE}\r\n\r\n第二段　ＧＭＰ認證：100％\u200b。\n- 列表"
    (piece,) = pieces_of(text)
    quote = text[piece.start : piece.end]
    assert piece.search_text == normalise(quote).text
    assert piece.text == readable(quote)


@st.composite
def documents(draw: st.DrawFn) -> tuple[Source, Cleaned]:
    alphabet = "医药產業 ab1.。！；，、\n\u3000\u200b(ＧM…”\u0301㎏"
    text = draw(st.text(alphabet=alphabet, max_size=200) | st.text(max_size=60))
    edges = sorted(draw(st.sets(st.integers(0, len(text)), max_size=12)))
    blocks = []
    for start, end in zip(edges[::2], edges[1::2], strict=False):
        level = draw(st.sampled_from([0, 0, 0, 1, 2, 3]))
        inner = sorted(draw(st.sets(st.integers(start, end), max_size=4)))
        cuts = tuple(zip(inner[::2], inner[1::2], strict=False))
        restored = tuple((cut[0], "報") for cut in cuts if _solid(text[slice(*cut)]) and draw(st.booleans()))
        blocks.append(Block(start, end, level, cuts, restored))
    return a_source(text), Cleaned(tuple(blocks), ())


def _solid(text: str) -> bool:
    return text == text.strip() and not is_invisible(text[0]) and not is_invisible(text[-1])


@settings(deadline=None, max_examples=300)
@given(documents(), st.integers(4, 40), st.integers(30, 60))
def test_passages_cover_every_body_block_in_order(case: tuple[Source, Cleaned], target: int, maximum: int) -> None:
    source, document = case
    pieces = split(source, document, count, target_tokens=target, max_tokens=maximum)
    assert all(left.end <= right.start for left, right in pairwise(pieces))
    for piece in pieces:
        quote = source.text[piece.start : piece.end]
        assert quote
        assert quote == quote.strip()
        assert count(piece.search_text) <= maximum
        assert piece.search_text == normalise(piece.search_text).text
        assert piece.text == readable(piece.text) != ""
    covered = {i for piece in pieces for i in range(piece.start, piece.end)}
    for block in document.blocks:
        cut = {i for start, end in block.cuts for i in range(start, end)}
        for i in range(block.start, block.end) if block.level == 0 else ():
            character = source.text[i]
            assert i in covered or i in cut or character.isspace() or is_invisible(character)
    if pieces:
        assert min(b.start for b in document.blocks) <= pieces[0].start
        assert pieces[-1].end <= max(b.end for b in document.blocks)


@settings(deadline=None, max_examples=50)
@given(documents())
def test_no_passage_crosses_a_heading_with_text_under_it(case: tuple[Source, Cleaned]) -> None:
    source, document = case
    pieces = split(source, document, count)
    visible = [b for b in document.blocks if _visible(source, b)]
    for heading, below in pairwise(visible):
        if heading.level and not below.level:
            assert not any(p.start < heading.start and p.end > heading.end for p in pieces)


def _visible(source: Source, block: Block) -> bool:
    return any(not c.isspace() and not is_invisible(c) for c in source.text[block.start : block.end])


@pytest.mark.parametrize("text", ["", " \n\u3000", "\u200b"])
def test_nothing_to_see_gives_no_passages(text: str) -> None:
    assert split(a_source(text), Cleaned((Block(0, len(text)),), ()), count) == []
    assert split(a_source(text), Cleaned((), ()), count) == []


@pytest.mark.parametrize(
    "text",
    ["医" * 400_000, SENTENCE * 25_000, "word " * 80_000, " " * 400_000, "a. " * 130_000],
    ids=["no punctuation", "sentences", "words", "blanks", "stops"],
)
def test_a_giant_line(text: str) -> None:
    """What is measured in tokens grows with the text: no clock is asked."""
    measured = 0

    def counted(part: str) -> int:
        nonlocal measured
        measured += len(part)
        return count(part)

    pieces = split(a_source(text), Cleaned((Block(0, len(text)),), ()), counted)
    assert measured < 12 * len(text)
    assert all(count(piece.search_text) <= 256 for piece in pieces)
    assert sum(piece.end - piece.start for piece in pieces) >= len(text.strip()) * 0.6
    spans = sentences(text)
    assert sum(end - start for start, end in spans) >= len(text.strip()) * 0.6


def test_a_count_that_is_more_for_the_whole_than_for_its_parts() -> None:
    pieces = split(
        a_source(SENTENCE * 20), Cleaned((Block(0, 320),), ()), lambda text: len(text) ** 2 // 40, max_tokens=40
    )
    assert all(len(piece.search_text) ** 2 // 40 <= 40 for piece in pieces)
    assert "".join(piece.text for piece in pieces) == SENTENCE * 20
