from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from qa.answer.ask import Found, extracted
from qa.answer.premise import MAX_NAMED, unmentioned
from qa.index import Index


@pytest.mark.parametrize(
    ("question", "known", "missing"),
    [
        ("2024年8月31日的大会", "2024-08-31 开幕", []),
        ("In May 2023", "2023年4月1日", ["May"]),
        ("From January to July 2022", "2022年1-7月", []),
        ("占比为什么达到50%？", "外资项目占比23%", ["50%"]),
        ("占比为什么达到23%？", "外资项目占比百分之二十三", []),
        ("Why did 390 billion yuan go there?", "总投资3900亿元", []),
        ("Why did 500 billion yuan go there?", "总投资3900亿元", ["500 billion"]),
        ("是哪两家企业？", "企业有三家", []),
        ("论坛为什么取消了？", "论坛如期举行", ["取消"]),
        ("论坛为什么取消了？", "The forum was called off.", []),
        ("Why was the forum called off?", "论坛因故取消", []),
        ("Why was the forum called off?", "论坛如期举行", ["called off"]),
        ("主任李伟民说了什么？", "主任张华说要合作", ["李伟民"]),
        ("主任张华说了什么？", "主任张华说要合作", []),
        ("主任李伟民说了什么？", "The director said nothing.", []),
        ("陆续可以用的项目有哪些？", "项目逐步投入运营", []),
    ],
)
def test_what_no_passage_says_is_named(question: str, known: str, missing: list[str]) -> None:
    assert unmentioned(question, [known]) == missing


@drawn(st.text(max_size=80), st.lists(st.text(max_size=80), max_size=3))
def test_what_is_named_stands_in_the_question(question: str, known: list[str]) -> None:
    missing = unmentioned(question, known)
    assert len(missing) <= MAX_NAMED
    assert all(what in question for what in missing)


@drawn(st.text(alphabet="2023年5月%取消called off张华", max_size=40))
def test_a_passage_that_repeats_the_question_leaves_nothing_out(question: str) -> None:
    assert unmentioned(question, [question]) == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("2031年8月31日的首届生物医药产业临空发展大会在哪里举行？", "问题里说的“2031”，找到的段落没有这样说。"),
        ("為什麼昌平生命科學國際論壇被取消？", "問題裡說的「取消」，找到的段落沒有這樣說。"),
        ("Why was the Changping life science forum cancelled?", "The question speaks of “cancelled”; the passages"),
    ],
)
def test_the_answer_says_so_first(corpus_index: Index, asked: str, said: str) -> None:
    found = next(event for event in corpus_index.ask_events(asked) if isinstance(event, Found))
    snapshot = corpus_index.store.snapshot("default")
    given = extracted(replace(found, answerable=True), snapshot, corpus_index.encoder)
    assert given.text.startswith(said)
    assert given.sentences
