"""Twenty questions over the raw articles in ``../shared/articles``, and what stands only in their page furniture."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from qa.config import Settings
from qa.index import Index

SHARED = Path(os.environ.get("QA_SHARED", Path(__file__).resolve().parents[3] / "shared"))
ARTICLES = SHARED / "articles"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not ARTICLES.is_dir(), reason=f"the raw articles are not at hand in {ARTICLES}"),
]

# (question, what a passage that answers it holds)
CHINESE = [
    ("昌平区的医药健康企业一共有多少家？", "900余家"),
    ("同仁堂集团的总经理叫什么名字", "邸淑兵"),
    ("廊坊临空经济区签约落地了多少家生命健康企业，总投资多少", "120"),
    ("北京远程健康服务平台覆盖多少个国家？", "142个"),
    ("大兴区已落地项目里外资项目占几成", "17%"),
    ("哪位诺贝尔奖得主出席了昌平的生命科学论坛？", "莱维特"),
    ("“1+4+2+N”里的N包括哪些活动", "“N”是"),
    ("京津冀生命健康集群2023年总产值", "3900"),
    ("首届生物医药产业发展临空大会是哪天开的", "8月31日"),
    ("臨空經濟區與哪三家企業簽了合作備忘錄？", "科林利康"),
]
ENGLISH = [
    ("How many pharmaceutical and health companies are there in Changping district?", "900余家"),
    ("Who is the general manager of Tong Ren Tang Group?", "邸淑兵"),
    ("How much total investment has Langfang airport economic zone signed in life health?", "120"),
    ("How many countries does Beijing's remote TCM health platform cover?", "142个"),
    ("Who gave a speech on behalf of the Beijing municipal government at the airport conference?", "丁章春"),
    ("Which Nobel laureate attended the Changping life science forum?", "莱维特"),
    ('What does the "N" in the 1+4+2+N model stand for?', "“N”是"),
    ("What was the 2023 industrial output of the Jing-Jin-Ji life health cluster?", "3900"),
    (
        "Which university signed a strategic cooperation agreement with the Daxing airport zone committee?",
        "经济贸易大学",
    ),
    ("What is the white list system for imported R&D supplies?", "白名单"),
]
FURNITURE = [
    "药监法治网的联系电话是多少？",
    "世界动力电池大会在哪里开幕？",
    "长征八号甲火箭什么时候发射？",
    "How many academic journals did China have in 2024?",
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with Index.open(tmp_path_factory.mktemp("raw") / "index", settings=Settings()) as opened:
        report = opened.ingest(ARTICLES)
        assert len(report.added) == 5
        assert not report.skipped
        yield opened


def _ranks(index: Index, questions: list[tuple[str, str]]) -> list[int]:
    """For each question the rank of the first passage that holds the answer; 99 where none does."""
    ranks = []
    for question, answer in questions:
        hits = index.search(question, top_k=5).hits
        ranks.append(next((hit.rank for hit in hits if answer in hit.text or answer in hit.citation.quote), 99))
    return ranks


@pytest.mark.parametrize(("questions", "first"), [(CHINESE, 8), (ENGLISH, 7)], ids=["zh", "en"])
def test_questions_find_their_passages(index: Index, questions: list[tuple[str, str]], first: int) -> None:
    ranks = _ranks(index, questions)
    print(ranks)
    assert ranks.count(1) >= first, dict(zip((q for q, _ in questions), ranks, strict=True))
    assert max(ranks) <= 5, dict(zip((q for q, _ in questions), ranks, strict=True))


@pytest.mark.parametrize("question", FURNITURE)
def test_furniture_answers_nothing(index: Index, question: str) -> None:
    assert not index.search(question).answerable


def test_every_quote_is_the_source(index: Index) -> None:
    for document in index.documents():
        source = index.source_text(document.id)
        for passage in index.passages(document.id):
            assert source[passage.start : passage.end] == passage.quote
