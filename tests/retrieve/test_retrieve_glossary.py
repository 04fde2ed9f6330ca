"""The dictionary: looked up in the real CC-CEDICT, weighed by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qa.config import settings
from qa.ingest.words import question_words
from qa.retrieve.glossary import UNKNOWN_WEIGHT, Glossary

TEXTS = ["协会的会长发言", "机场附近的医院", "这里只谈天气"]


@pytest.fixture(scope="module")
def glossary() -> Iterator[Glossary]:
    opened = Glossary.open(settings().cache_dir)
    yield opened
    opened.close()


def options(glossary: Glossary, question: str, language: str) -> dict[str, set[str]]:
    found = glossary.terms(question_words(question), language)  # type: ignore[arg-type]
    return {" ".join(term.words): {" ".join(option) for option in term.options} for term in found}


def test_english_words_and_phrases_are_looked_up(glossary: Glossary) -> None:
    found = options(glossary, "Which pharmaceutical industry association president spoke at the airport?", "en")
    assert "制药业" in found["pharmaceutical industry"]
    assert "协会" in found["association"]
    assert "会长" in found["president"], "the meaning is 'president of a club, committee etc'"
    assert "机场" in found["airport"]
    assert not any(len(word) == 1 for words in found.values() for word in words)


def test_chinese_words_are_looked_up(glossary: Glossary) -> None:
    found = options(glossary, "北京医药行业协会会长是谁", "zh")
    assert {"association", "society"} <= found["协会"]
    assert "president" in found["会长"]


def test_other_languages_are_not(glossary: Glossary) -> None:
    assert glossary.terms(question_words("où est l'aéroport"), "other") == ()


def test_coverage_is_the_share_of_the_question_by_rarity(glossary: Glossary) -> None:
    """Each word stands in one of three passages: equal weights; a word nobody knows counts as not found."""
    both, none = glossary.coverage(question_words("association president"), "en", TEXTS)[[0, 2]]
    assert (both, none) == (pytest.approx(1.0), 0.0)
    rare = math.log(4 / 1.5)
    shares = glossary.coverage(question_words("association hospital zzyzx"), "en", TEXTS)
    assert shares.tolist() == pytest.approx([rare / (2 * rare + UNKNOWN_WEIGHT)] * 2 + [0.0])


def test_chinese_questions_find_english_passages(glossary: Glossary) -> None:
    shares = glossary.coverage(
        question_words("协会的会长"), "zh", ["The president of the association spoke.", "A hospital was built."]
    )
    assert shares.tolist() == pytest.approx([1.0, 0.0])


def test_nothing_to_find(glossary: Glossary) -> None:
    assert glossary.coverage(question_words("zzyzx"), "en", TEXTS).tolist() == [0.0, 0.0, 0.0]
    assert glossary.coverage(question_words("association"), "en", []).shape == (0,)
    assert glossary.coverage(question_words(""), "zh", TEXTS).tolist() == [0.0, 0.0, 0.0]


def test_lookups_work_from_many_threads(glossary: Glossary) -> None:
    questions = [question_words(f"hospital airport association number {n}") for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda asked: glossary.coverage(asked, "en", TEXTS).tolist(), questions))
    assert found == [glossary.coverage(asked, "en", TEXTS).tolist() for asked in questions]


def test_a_damaged_build_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from qa.retrieve import glossary as module

    entries = [("协会", "association"), ("会长", "president of a club"), ("机", "machine")]
    monkeypatch.setattr(module, "_entries", lambda: iter(entries))
    first = Glossary.open(tmp_path)
    first.close()
    (built,) = tmp_path.glob("glossary-*/glossary.sqlite")
    built.write_bytes(b"")
    again = Glossary.open(tmp_path)
    assert [term.words for term in again.terms(question_words("association machine"), "en")] == [("association",)]
    again.close()
