from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.encode.language import detect, has_letters, script, simplified

SHARED = Path(os.environ.get("QA_SHARED", Path(__file__).parents[2] / ".." / "shared"))


@pytest.mark.parametrize(
    "text",
    [
        "昌平生命谷在哪里",
        "GMP 认证是什么",
        "GMP认证",
        "iPhone 的 market share 是多少？",
        "Transformer encoder decoder attention 的区别",
        "A股市场大涨",
        "IT行业薪资",
        "WHO发布新指南",
        "For循环优化",
        "华为 Mate 60 Pro",
        "The North Face 是什么品牌",
        "《Journal of Medicine》发表新研究",
        "昌平区新增企业超过一万家。参见《The History of the Forum》",
        "任天堂の新作发布会将在东京国际会议中心举行",
        "產業鏈供應鏈高質量發展",
        "５Ｇ基站数量",
        "昌",
        "会议于2024年9月2日举行，来自FDA、EMA的代表出席。",
    ],
)
def test_chinese(text: str) -> None:
    assert detect(text) == "zh"


@pytest.mark.parametrize(
    "text",
    [
        "Where is 昌平?",
        "What is 生物医药产业临空发展大会?",
        "Where is 大兴国际机场和临空经济区?",
        "Who founded 药明康德 in Shanghai?",
        "tell me about the 揭榜挂帅 programme",
        "昌平 Life Science Park",
        "GMP",
        "mRNA-1273",
        "what's new",
        "List the 四链",
        "Please describe 生物医药产业临空发展大会",
        "naïve café",
        "The company, known in Chinese as 药明康德 and listed in Hong Kong, has grown for ten years.",
        "Its reports spread as far as France, England, Italy and Spain as early as 1519.",
        "In 2023 the forum (生命科学论坛) was held in Beijing with experts from home and abroad.",
    ],
)
def test_english(text: str) -> None:
    assert detect(text) == "en"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "2024-09-02",
        "5G",
        "?!",
        "😀",
        "Где находится Чанпин?",
        "창핑은 어디에 있습니까",
        "昌平はどこですか",
        "東京都でオリンピック開催",
        "أين تقع تشانغبينغ",
        "Le comité a annoncé que les travaux de la ligne seront terminés dans les trois mois",
        "Der Ausschuss hat die Arbeiten an der neuen Strecke für das Jahr angekündigt",
        "El comité anunció que las obras de la línea van a terminar en tres meses",
    ],
)
def test_other(text: str) -> None:
    assert detect(text) == "other"


def test_a_short_foreign_text_counts_as_english() -> None:
    assert detect("Où est Paris") == "en"


def test_english_with_foreign_names_stays_english() -> None:
    assert detect("The Banco de la Nación of Peru and the Institut de la Santé signed an agreement in Lima") == "en"


def test_a_long_text_is_sampled() -> None:
    text = "会议在北京举行，来自各地的专家参加了讨论。" * 50_000
    began = time.perf_counter()
    assert detect(text) == "zh"
    assert time.perf_counter() - began < 0.5


@settings(deadline=None)
@given(st.text())
def test_any_text_has_a_language(text: str) -> None:
    assert detect(text) in ("zh", "en", "other")
    assert detect(text) == detect(text)


@settings(deadline=None)
@given(st.text(alphabet="0123456789 .,-+%()", max_size=50))
def test_no_letters_is_other(text: str) -> None:
    assert detect(text) == "other"
    assert not has_letters(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("产业", "hans"),
        ("產業", "hant"),
        ("皇后说产业链发展", "hans"),
        ("皇后說產業鏈發展", "hant"),
        ("人人", None),
        ("GMP 2024", None),
        ("", None),
        ("产業", None),
    ],
)
def test_script(text: str, expected: str | None) -> None:
    assert script(text) == expected


def test_simplified() -> None:
    assert simplified("產業鏈與乾坤、乾燥") == "产业链与乾坤、干燥"


def test_simplified_is_repeated_until_stable() -> None:
    assert simplified("薴") == "苎"


@settings(deadline=None)
@given(st.text(alphabet="憑藉慰深沈乾坤隆燥著名瞭望薴馀餘裡里面麵發髮abc ，"))
def test_simplified_is_idempotent_and_keeps_the_length(text: str) -> None:
    assert simplified(simplified(text)) == simplified(text)
    assert len(simplified(text)) == len(text)


@pytest.mark.parametrize(("name", "floor"), [("xquad", 0.995), ("drcd", 0.995), ("nomiracl", 0.995)])
def test_questions_of_public_sets(name: str, floor: float) -> None:
    file = SHARED / "bench" / name / "queries.jsonl"
    if not file.exists():
        pytest.skip(f"{file} is not here")
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    right = sum(detect(row["text"]) == row["lang"][:2] for row in rows)
    assert right / len(rows) >= floor
