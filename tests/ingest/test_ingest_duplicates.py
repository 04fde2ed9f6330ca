from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.ingest.duplicates import MIN_NEAR_CHARS, Groups, fingerprint

REPORT = (
    "临空园区管委会昨天介绍,园区今年引进的生物医药企业已经达到86家,总投资约310亿元。负责人表示,下一步将建设公共检测平台,"
    "为企业提供从研发、注册到出口的全流程服务,并与邻近城市的高校和医院共同培养人才,让创新成果尽快落地。"
)
ENGLISH = (
    "The airport zone has attracted 86 biomedical companies this year with a total investment of 31 billion yuan. Its "
    "director said that a shared testing platform would follow, serving companies from research to export."
)
SHORT = "昌平区新增专利授权近两万个。"


class Collection:
    """Passages given to `Groups` one after the other, and what it said."""

    def __init__(self) -> None:
        self.groups = Groups()
        self.rows: list[tuple[str, str, int]] = []

    def add(self, document_id: str, text: str) -> tuple[str, str | None]:
        mark = fingerprint(text)
        group, other = self.groups.assign(document_id, text, mark)
        self.rows.append((document_id, group, mark))
        return group, other


def is_copy(text: str, other: str) -> bool:
    collection = Collection()
    return collection.add("a", text)[0] == collection.add("b", other)[0]


def test_the_same_text_is_one_group_and_names_the_document_before() -> None:
    collection = Collection()
    group, nobody = collection.add("a", REPORT)
    assert nobody is None
    assert collection.add("b", REPORT) == (group, "a")
    assert collection.add("c", REPORT) == (group, "a")
    assert collection.add("a", REPORT) == (group, "b")


def test_a_passage_repeated_in_its_own_document_names_no_other() -> None:
    collection = Collection()
    collection.add("a", REPORT)
    assert collection.add("a", REPORT)[1] is None


@pytest.mark.parametrize(
    "copy",
    [
        "本报讯 " + REPORT,
        REPORT + " (完) 来源:某某网",
        "新华社北京9月2日电(记者 王小明)" + REPORT,
        "据园区官方消息," + REPORT + "(责任编辑:王明)",
        REPORT.replace("昨天", "日前").replace("尽快", "早日"),
        "本报讯 " + REPORT.replace("昨天", "日前").replace("尽快", "早日"),
        REPORT.replace(",", " , ").replace("、", "和"),
        REPORT.replace("310", "3,10").replace("3,10", "310"),
    ],
)
def test_syndicated_copies(copy: str) -> None:
    assert is_copy(REPORT, copy)
    assert is_copy(copy, REPORT)


def test_english_copies() -> None:
    assert is_copy(ENGLISH, "BEIJING, Sept. 2 (Xinhua) -- " + ENGLISH)
    assert is_copy(ENGLISH, ENGLISH.replace("would follow", "will follow") + " (End)")
    assert is_copy(ENGLISH, ENGLISH.upper())


@pytest.mark.parametrize(
    "near_miss",
    [
        REPORT.replace("86", "87"),
        REPORT.replace("310亿", "31.0亿"),
        REPORT.replace("今年", "2022年"),
        REPORT.replace("86家", "八十六家"),
        REPORT.replace("86", "310").replace("约310", "约86"),
        REPORT[len(REPORT) // 2 :],
        REPORT + "此外,园区还与多所高校签约,共同建设实验室,培养产业人才,并设立专项基金支持青年科学家创业。" * 2,
    ],
)
def test_other_figures_or_another_size_are_no_copy(near_miss: str) -> None:
    assert not is_copy(REPORT, near_miss)
    assert not is_copy(near_miss, REPORT)


def test_thousands_may_be_separated() -> None:
    assert is_copy(REPORT.replace("310", "3100"), REPORT.replace("310", "3,100"))


def test_english_numbers_and_months_are_figures() -> None:
    text = ENGLISH.replace("86", "eighty") + " It opened in June."
    assert is_copy(text, text)
    assert not is_copy(text, text.replace("eighty", "ninety"))
    assert not is_copy(text, text.replace("June", "July"))


def test_another_text_on_the_same_subject_is_no_copy() -> None:
    other = (
        "园区与高校和医院签署协议,将为生物医药企业建设检测平台,预计引进86家企业,投资310亿元,覆盖研发、注册和出口各个环节,"
        "目前首批项目已经开工,负责人说明年将有更多创新成果在这里转化。"
    )
    assert not is_copy(REPORT, other)


def test_short_passages_have_exact_copies_only() -> None:
    assert len(SHORT) < MIN_NEAR_CHARS
    assert is_copy(SHORT, SHORT)
    assert is_copy(SHORT, "昌平区新增专利授权近两万个")
    assert not is_copy(SHORT, SHORT.replace("近", "约"))
    assert not is_copy("!", "?")


def test_a_group_does_not_drift_from_its_founder() -> None:
    collection = Collection()
    groups = []
    words = ["建设", "平台", "高校", "医院", "人才", "研发", "注册", "出口", "邻近", "城市", "服务", "介绍"]
    text = REPORT
    for word in words:
        groups.append(collection.add(word, text)[0])
        text = text.replace(word, "某某")
    assert groups[0] == groups[1]
    assert groups[0] != groups[-1]


def test_a_later_ingest_finds_what_the_store_kept() -> None:
    first = Collection()
    copy = "本报讯 " + REPORT.replace("昨天", "日前")
    founder = first.add("a", REPORT)[0]
    first.add("b", copy)
    first.add("c", SHORT)
    later = Groups(first.rows)
    assert later.assign("d", copy, fingerprint(copy)) == (founder, "a")
    assert later.assign("d", REPORT, fingerprint(REPORT)) == (founder, "a")
    assert later.assign("d", SHORT, fingerprint(SHORT)) == (first.rows[2][1], "c")


def test_a_group_outlives_its_founder() -> None:
    first = Collection()
    copy = "本报讯 " + REPORT.replace("昨天", "日前")
    founder = first.add("a", REPORT)[0]
    first.add("b", copy)
    later = Groups(row for row in first.rows if row[0] != "a")
    assert later.assign("c", REPORT, fingerprint(REPORT)) == (founder, "b")


def test_the_group_of_an_original_depends_on_its_text_alone() -> None:
    alone, after = Collection(), Collection()
    after.add("x", ENGLISH)
    assert alone.add("a", REPORT)[0] == after.add("b", REPORT)[0]


def test_unknown_group_names_are_passed_over() -> None:
    groups = Groups([("a", "old-name", 1), ("b", "", 2)])
    assert groups.assign("c", REPORT, fingerprint(REPORT))[1] is None


@settings(deadline=None)
@given(st.text())
def test_any_text_has_a_fingerprint_of_64_bits(text: str) -> None:
    mark = fingerprint(text)
    assert 0 <= mark < 2**64
    assert mark == fingerprint(text)
    collection = Collection()
    assert collection.add("a", text)[0] == collection.add("b", text)[0]


@settings(deadline=None)
@given(st.lists(st.sampled_from([REPORT, REPORT + "(完)", ENGLISH, SHORT, REPORT.replace("86", "9")]), max_size=12))
def test_equal_texts_share_a_group_over_any_history(texts: list[str]) -> None:
    collection = Collection()
    given_groups: dict[str, str] = {}
    for number, text in enumerate(texts):
        if number == len(texts) // 2:
            collection.groups = Groups(collection.rows)
        group = collection.add(str(number), text)[0]
        assert given_groups.setdefault(text, group) == group


def test_many_passages_take_little_time_each() -> None:
    collection = Collection()
    began = time.perf_counter()
    for number in range(1000):
        collection.add(str(number), f"{REPORT}{chr(0x6000 + number)}" * 2)
    assert time.perf_counter() - began < 20
    assert len({group for _, group, _ in collection.rows}) == 1


def test_a_giant_passage() -> None:
    text = "".join(chr(0x4E00 + i * 7919 % 20000) for i in range(300_000))
    began = time.perf_counter()
    assert is_copy(text, text + "完")
    assert time.perf_counter() - began < 20
