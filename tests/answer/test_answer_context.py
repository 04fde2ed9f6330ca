from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.answer.context import MAX_TURN_CHARS, contextual, leans

COUNT = "昌平区有多少家医药健康企业？"
COUNT_EN = "How many health companies are there in Changping?"


@pytest.mark.parametrize(
    ("before", "question", "searched"),
    [
        (COUNT, "那大兴呢？", "大兴有多少家医药健康企业？"),
        (COUNT, "廊坊市呢", "廊坊市有多少家医药健康企业？"),
        (COUNT_EN, "and in Langfang?", "How many health companies are there in Langfang?"),
        (COUNT_EN, "What about Langfang?", "How many health companies are there in Langfang?"),
        ("2022年昌平的规模是多少？", "2023年呢？", "2023年昌平的规模是多少？"),
        ("When did it open in 2022?", "And in 2023?", "When did it open in 2023?"),
        ("丁章春在大会上说了什么？", "张华呢？", "张华在大会上说了什么？"),
    ],
)
def test_a_thing_takes_the_place_of_one_of_its_kind(before: str, question: str, searched: str) -> None:
    assert contextual(question, [before]) == searched


@pytest.mark.parametrize(
    ("before", "question"),
    [
        ("北京首个药械创新服务站提供什么服务？", "它设在哪个园区？"),
        ("冯小光在交流会上讲了什么？", "他之前担任过什么职务？"),
        ("昌平登记在册的市场主体有多少家？", "每年平均涨多少？"),
        ("What did Feng Xiaoguang talk about?", "What post did he hold before?"),
        ("Who hosted the first conference?", "And which organisations actually ran it?"),
    ],
)
def test_what_leans_on_the_question_before_gets_it_in_front(before: str, question: str) -> None:
    searched = contextual(question, [before])
    assert searched.startswith(before.rstrip("？?"))
    assert searched.endswith(question)


@pytest.mark.parametrize(
    "question",
    [
        COUNT,
        COUNT_EN,
        "昌平论坛“1+4+2+N”里的那个N是什么意思？",
        "吉他的F和弦总按不响有什么窍门？",
        "两场论坛都设了四场分论坛，它们的题目各是什么？",
        "Is it worth paying my mortgage off early?",
        "Beijing's drive is said to run on two engines; which industry is one of them?",
        "廊坊 专题会 日期",
    ],
)
def test_a_question_that_stands_alone_stays_as_it_is(question: str) -> None:
    assert contextual(question, ["冰岛几月看极光？"]) == question
    assert not leans(question)


def test_without_history_nothing_changes() -> None:
    assert contextual("那大兴呢？", []) == "那大兴呢？"
    assert contextual("那大兴呢？", ["", "  "]) == "那大兴呢？"


def test_a_chain_of_follow_ups_is_followed_back() -> None:
    assert contextual("那廊坊呢？", [COUNT, "那大兴呢？"]) == "廊坊有多少家医药健康企业？"


@given(st.text(max_size=400), st.lists(st.text(max_size=5000), max_size=30))
def test_whatever_was_said_the_question_stays_bounded(question: str, history: list[str]) -> None:
    assert len(contextual(question, history)) <= len(question) + 3 * MAX_TURN_CHARS
