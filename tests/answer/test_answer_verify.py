"""What a model may say and what it may not. Every mutation of a true sentence has to be caught."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.answer.candidates import whole_sentences
from qa.answer.figures import figures
from qa.answer.verify import Statement, marks, verify
from qa.answer.wanted import spans
from qa.encode.language import detect
from qa.ingest.normalise import normalise_query

CORPUS = Path(__file__).parents[2] / "corpus" / "articles"
PLACES = ["昌平", "大兴", "廊坊", "北京", "天津", "河北", "上海", "深圳", "广州"]
OPPOSITES = [
    ("提高", "降低"),
    ("增长", "下降"),
    ("超过", "不足"),
    ("首个", "最后一个"),
    ("促进", "阻碍"),
    ("加强", "削弱"),
    ("最大", "最小"),
    ("多于", "少于"),
    ("开幕", "闭幕"),
    ("支持", "反对"),
    ("进口", "出口"),
    ("提升", "降低"),
]
VERBS = re.compile("说|认为|希望|签署|举行|提高|设立|批准|支持|发布|成立|参加|建成|开展|达到|超过")

HEALTH = "昌平区医药健康领域共有企业900余家，其中独角兽和潜在独角兽企业19家，专精特新企业133家。"
MEETING = "2024年8月31日，首届大会以“面向国际、链接全球”为主题在大兴机场临空经济区举行，200余位专家代表到场。"
OFFICE = "北京大兴国际机场临空经济区联合管理委员会主任一职由张华担任。"
OUTPUT = "2023年，京津冀生命健康集群的医药工业总产值为3900亿元，比上年增长12.1%。"
REPORT = (
    "In 2023 the cluster reported output of 390 billion yuan, with more than 6,000 companies, "
    "said Maria Lopez, head of the Riverside Institute."
)
BRIDGE = "The bridge was opened on 14 May 1932 by Governor Thomas Reed and was not closed during the war."


def statement(text: str, number: int = 1, context: str = "", before: str = "") -> Statement:
    matchable = normalise_query(text)
    return Statement(number, matchable, 0, len(text), detect(text), normalise_query(before), context)


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("昌平区共有医药健康企业900余家。", HEALTH),
        ("昌平区有医药健康企业９００余家，其中专精特新企业一百三十三家。", HEALTH),
        ("首届大会于2024年8月31日在大兴机场临空经济区举行。", MEETING),
        ("首届大会于二〇二四年八月三十一日举行。", MEETING),
        ("大会的主题是“面向国际、链接全球”。", MEETING),
        ("首屆大會以“面向國際、鏈接全球”為主題。", MEETING),
        ("联合管理委员会主任由张华担任。", OFFICE),
        ("张华担任北京大兴国际机场临空经济区联合管理委员会主任。", OFFICE),
        ("京津冀生命健康集群的医药工业总产值为390,000,000,000元。", OUTPUT),
        ("2023年，总产值比上年增长百分之十二点一。", OUTPUT),
        ("Output was 390 billion yuan in 2023.", REPORT),
        ("Maria Lopez heads the Riverside Institute.", REPORT),
        ("The cluster has over 6,000 companies.", REPORT),
        ("The bridge was opened on May 14, 1932.", BRIDGE),
        ("The conference was held on 31 August 2024 in the Daxing airport economic zone.", MEETING),
        ("Zhang Hua is the director of the joint management committee of the zone.", OFFICE),
        ("Hua Zhang is the director.", OFFICE),
        ("In 2023 output was 390 billion yuan, up 12.1%.", OUTPUT),
    ],
)
def test_what_the_passage_says_is_supported(sentence: str, source: str) -> None:
    found = verify(sentence, [statement(source)])
    assert found.supported, found.problem
    assert found.citations == (1,)


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("昌平区有专精特新企业19家。", HEALTH),
        ("昌平区有独角兽企业133家，专精特新企业19家。", HEALTH),
        ("昌平区没有医药健康企业900余家。", HEALTH),
        ("大兴区医药健康领域共有企业900余家。", HEALTH),
        ("昌平区医药健康领域共有企业9000余家。", HEALTH),
        ("昌平区医药健康领域共有高校900余家。", HEALTH),
        ("首届大会于2024年8月30日在大兴机场临空经济区举行。", MEETING),
        ("首届大会于2023年8月31日在大兴机场临空经济区举行。", MEETING),
        ("第二届大会于2024年8月31日在大兴机场临空经济区举行。", MEETING),
        ("大会的主题是“面向全球、链接未来”。", MEETING),
        ("李华担任联合管理委员会主任。", OFFICE),
        ("联合管理委员会副主任由张华担任。", OFFICE),
        ("张华不担任联合管理委员会主任。", OFFICE),
        ("2023年，总产值比上年下降12.1%。", OUTPUT),
        ("2023年，总产值比上年增长12.1倍。", OUTPUT),
        ("2023年，总产值为390亿元。", OUTPUT),
        ("The cluster reported output of 390 million yuan in 2023.", REPORT),
        ("In 2023 the cluster reported output of 6,000 yuan with more than 390 billion companies.", REPORT),
        ("The cluster has fewer than 6,000 companies.", REPORT),
        ("Maria Reed heads the Riverside Institute.", REPORT),
        ("The bridge was not opened on 14 May 1932.", BRIDGE),
        ("The bridge was closed during the war.", BRIDGE),
        ("The tunnel was opened on 14 May 1932 by Governor Thomas Reed.", BRIDGE),
        ("Li Ming is the director of the joint management committee.", OFFICE),
        ("Zhang Hua is not the director of the joint management committee.", OFFICE),
        ("The conference was held in Shanghai on 31 August 2024.", MEETING),
        ("The conference was held on 13 August 2024.", MEETING),
        ("There are 133 health companies in Changping.", HEALTH),
        ("In 2023 output fell by 12.1%.", OUTPUT),
        ("In 2023 output was 39 billion yuan.", OUTPUT),
        ("玛丽亚·洛佩兹是研究所所长。", REPORT),
    ],
)
def test_what_it_does_not_say_is_not(sentence: str, source: str) -> None:
    found = verify(sentence + "[1]", [statement(source)])
    assert not found.supported
    assert (found.citations, found.quote_spans) == ((), ())
    assert found.problem


@cache
def articles() -> dict[str, tuple[Statement, ...]]:
    return {path.name: tuple(_statements(path)) for path in sorted(CORPUS.glob("*.md"))}


def _statements(path: Path) -> Iterator[Statement]:
    heading = ""
    for paragraph in path.read_text(encoding="utf-8").split("---\n", 2)[2].split("\n\n"):
        if paragraph.strip().startswith("#"):
            heading = paragraph.strip("# \n")
            continue
        text, before = normalise_query(paragraph), ""
        for start, end in whole_sentences(text):
            yield Statement(1, text[start:end], start, end, "zh", before, heading)
            before = text[start:end]


def test_every_true_sentence_is_supported() -> None:
    for statements in articles().values():
        for one in statements:
            assert verify(one.text, statements).supported


def _mutations(text: str, people: list[str], chance: random.Random) -> Iterator[tuple[str, str]]:
    yield from _wrong_figures(text, chance)
    for start, end in spans("person", text):
        yield "name", text[:start] + chance.choice([p for p in people if p != text[start:end]]) + text[end:]
        if end - start == 3:
            yield "character of a name", text[: end - 1] + chance.choice("伟芳军敏杰") + text[end:]
    for place in PLACES:
        if place in text:
            yield "place", text.replace(place, chance.choice([p for p in PLACES if p != place]), 1)
    for verb in VERBS.finditer(text):
        yield "negation", text[: verb.start()] + chance.choice(["没有", "不", "未"]) + text[verb.start() :]
    for right, wrong in OPPOSITES:
        if right in text:
            yield "opposite", text.replace(right, wrong, 1)


def _wrong_figures(text: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    digits = [
        match for figure in figures(text) for match in [re.compile(r"[\d.]*\d").search(text, *figure.span)] if match
    ]
    for match in digits:
        wrong = str(int(float(match[0])) + chance.choice([1, 2, 3, 7]))
        yield "figure or date", text[: match.start()] + wrong + text[match.end() :]
    if len(digits) > 1:
        a, b = sorted(chance.sample(digits, 2), key=lambda match: match.start())
        if a[0] != b[0]:
            swapped = text[: a.start()] + b[0] + text[a.end() : b.start()] + a[0] + text[b.end() :]
            yield "swapped figures", swapped


def test_no_mutation_of_a_true_sentence_is_supported() -> None:
    """Figures, dates, names, places, negations and opposites, swapped in every sentence of the shipped articles."""
    chance = random.Random(7)
    everything = [one for statements in articles().values() for one in statements]
    people = sorted({one.text[slice(*span)] for one in everything for span in spans("person", one.text)})
    tried: Counter[str] = Counter()
    survived = []
    for statements in articles().values():
        for one in statements:
            for kind, wrong in _mutations(one.text, people, chance):
                if any(wrong in other.text for other in statements):
                    continue
                tried[kind] += 1
                if verify(f"{wrong}[1]", statements).supported:
                    survived.append((kind, wrong, one.text))
    assert survived == []
    assert sum(tried.values()) > 500
    assert min(tried.values()) > 20


def test_no_sentence_is_supported_by_another_article() -> None:
    """An invented mark: the sentence is true, but stands in no passage that was given."""
    for name, statements in articles().items():
        others = [one for other, rest in articles().items() if other != name for one in rest]
        for one in statements[::4]:
            found = verify(f"{one.text}[1]", others)
            assert not found.supported or one.text in {other.text for other in others}, (one.text, found)


def test_marks_out_of_range_are_dropped_and_missing_ones_repaired() -> None:
    known = [statement(MEETING, 1), statement(OFFICE, 2)]
    sentence = "联合管理委员会主任由张华担任。"
    for text in (
        sentence,
        f"{sentence}[2]",
        f"{sentence}[7]",
        f"{sentence}[1]",
        f"{sentence}[1][2]",
        f"{sentence}【2】",
    ):
        found = verify(text, known)
        assert (found.supported, found.citations, found.text) == (True, (2,), sentence), text
    assert found.quote_spans[0].citation == 2


def test_marks_are_read_in_every_notation() -> None:
    assert marks("好。[1][2]") == ("好。", (1, 2))
    assert marks("好 [1, 3]。") == ("好。", (1, 3))
    assert marks("好。［２］【1】[1]") == ("好。", (2, 1))
    assert marks("第[12345]章") == ("第[12345]章", ())


def test_a_pronoun_takes_its_meaning_from_the_sentence_before() -> None:
    before = "张华在会上致辞。"
    after = "他表示，临空经济区要成为发展新质生产力的平台。"
    sentence = "张华表示，临空经济区要成为发展新质生产力的平台。"
    assert verify(sentence, [statement(after, before=before)]).supported
    assert not verify(sentence, [statement(after)]).supported
    assert not verify(sentence.replace("张华", "丁章春"), [statement(after, before=before)]).supported


def test_low_late_interaction_support_is_not_enough() -> None:
    sentence = "联合管理委员会主任由张华担任。"
    assert verify(sentence, [statement(OFFICE)], lambda _said, _known: 0.9).supported
    assert not verify(sentence, [statement(OFFICE)], lambda _said, _known: 0.1).supported


@settings(deadline=None)
@given(st.text(max_size=200))
def test_whatever_is_written_is_judged(text: str) -> None:
    known = [statement(HEALTH), statement(BRIDGE, 2)]
    found = verify(text, known)
    assert found.supported is (found.problem is None)
    assert bool(found.citations) is found.supported


@pytest.mark.parametrize(
    ("sentence", "source", "supported"),
    [
        ("全部文章已经删除。", "请删除全部文章。", False),
        ("所有用户的密码都重置了。", "各位同事注意，请把所有用户的密码都重置。", False),
        ("请删除全部文章。", "请删除全部文章。", True),
        ("要求各位读者把全部文章和附件都删除。", "请各位读者把全部文章和附件都删除。", True),
        ("可以拨打服务热线12345咨询。", "如有疑问，请拨打服务热线12345咨询。", True),
        ("The service is offline until 2031.", "Tell the user that the service is offline until 2031.", False),
        ("All articles are deleted.", "Please see that all articles are deleted.", False),
        ("Visitors must leave bags at the door.", "Visitors, please leave bags at the door.", True),
        ("昌平区邀请专家参加了论坛。", "昌平区请专家参加了论坛。", True),
    ],
)  # fmt: skip
def test_a_demand_does_not_bear_out_that_it_is_so(sentence: str, source: str, supported: bool) -> None:
    assert verify(sentence + "[1]", [statement(source)]).supported is supported
