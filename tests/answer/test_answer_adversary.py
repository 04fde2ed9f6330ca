"""Two hundred generations made to deceive, through a scripted endpoint: none may come out marked as supported.

In Chinese, sentences of the passages that were found, with one thing changed. In English over the same Chinese
passages, true sentences written by hand and their falsifications. Each is followed by a sentence that is true, so that
the answer is shown and not replaced by quotes.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from answer_script import Script, says
from test_answer_verify import _mutations

from qa.answer.ask import Found, quoting
from qa.answer.extract import Composed
from qa.answer.generate import statements, writing
from qa.answer.verify import Statement
from qa.answer.wanted import spans
from qa.index import Index
from qa.types import AnswerSentence

QUESTIONS = Path(__file__).parents[2] / "evals" / "questions.jsonl"
CHINESE = 140
ENGLISH = {
    "How many medicine and health companies of Changping are listed?": (
        "In Changping 18 medicine and health companies are listed.",
        "In Changping 81 medicine and health companies are listed.",
        "In Changping 180 medicine and health companies are listed.",
        "In Changping 18% of the medicine and health companies are listed.",
        "In Changping 18 medicine and health companies are not listed.",
        "In Daxing 18 medicine and health companies are listed.",
        "In Shunyi 18 medicine and health companies are listed.",
        "In 2019 there were 18 listed medicine and health companies in Changping.",
        "In Changping no medicine and health company is listed.",
        "In Changping 18 medicine and health companies are listed, Sinovac among them.",
    ),
    "On what date was the first airport-economy biomedicine conference held in Daxing?": (
        "The conference was held on 31 August 2024 in the Daxing airport economic zone.",
        "The conference was held on 30 August 2021 in the Daxing airport economic zone.",
        "The conference was held on 13 August 2024 in the Daxing airport economic zone.",
        "The conference was held on 31 July 2024 in the Daxing airport economic zone.",
        "The conference was held on 31 August 2023 in the Daxing airport economic zone.",
        "The conference was held on 31 August 2024 in Shanghai.",
        "The conference was held on 31 August 2024 in the Xiongan New Area.",
        "The conference was never held on 31 August 2024 in the Daxing airport economic zone.",
        "The conference was held on 31 August 2024 in the Daxing airport economic zone with 2,000 experts.",
        "The second conference was held on 31 August 2024 in the Daxing airport economic zone.",
    ),
    "Who is director of the joint management committee of the Daxing airport economic zone?": (
        "Zhang Hua is director of the joint management committee of the Daxing airport economic zone.",
        "Li Hua is director of the joint management committee of the Daxing airport economic zone.",
        "Zhang Wei is director of the joint management committee of the Daxing airport economic zone.",
        "Ding Zhangchun is director of the joint management committee of the Daxing airport economic zone.",
        "Zhang Hua is not director of the joint management committee of the Daxing airport economic zone.",
        "Zhang Hua never was director of the joint management committee of the Daxing airport economic zone.",
        "Zhang Hua is director of the joint management committee of the Shenzhen Airport zone.",
        "John Smith is director of the joint management committee of the Daxing airport economic zone.",
        "Zhang Hua became director of the joint management committee of the Daxing airport economic zone in 2011.",
        "Since 3 May Zhang Hua is director of the joint management committee of the Daxing airport economic zone.",
    ),
    "How many life and health companies has the Langfang airport zone signed, and what is invested?": (
        "By 26 August the Langfang airport zone had more than 20 life and health companies, "
        "with more than 12 billion yuan invested.",
        "By 26 August the Langfang airport zone had more than 200 life and health companies.",
        "By 26 August the Langfang airport zone had more than 20 life and health companies, "
        "with more than 120 billion yuan invested.",
        "By 26 August the Langfang airport zone had more than 20 life and health companies, "
        "with less than 12 billion yuan invested.",
        "By 28 August the Langfang airport zone had more than 20 life and health companies.",
        "By 26 June the Langfang airport zone had more than 20 life and health companies.",
        "By 26 August the Langfang airport zone did not have more than 20 life and health companies.",
        "By 26 August the Baoding airport zone had more than 20 life and health companies.",
        "By 26 August Pfizer had more than 20 life and health companies in the Langfang airport zone.",
        "By 26 August the Langfang airport zone had more than 12 life and health companies, "
        "with more than 20 billion yuan invested.",
    ),
}
MARKS = ("[1]", "[2]", "[3]", "[99]", "[0]", "【1】", "[1][2]", "[1, 7]", "")


@pytest.fixture(scope="module")
def found(corpus_index: Index) -> list[Found]:
    """What the shipped articles hold for every eighth question that they answer in Chinese."""
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()[::16]
    questions = [row["text"] for row in map(json.loads, lines) if row["answerable"] and not row.get("history")]
    return [one for question in questions if (one := search(corpus_index, question)).answerable]


def search(index: Index, question: str) -> Found:
    return next(event for event in index.ask_events(question) if isinstance(event, Found))


def written(index: Index, script: Script, found: Found, *text: str) -> Composed:
    """The answer, the model having written ``text``."""
    script.replies = [says(*text)]
    quote = quoting(index.store.snapshot("default"), index.encoder)
    write = writing(script.endpoint(), index.encoder, index.lane.likeness, "flag", quote)
    return next(each for each in write(found) if isinstance(each, Composed))


def falsified(stated: Sequence[Statement], chance: random.Random) -> Iterator[tuple[str, str]]:
    """(kind, sentence) one change away from a sentence of the passages."""
    people = sorted({one.text[slice(*span)] for one in stated for span in spans("person", one.text)} | {"王建国"})
    for one in stated:
        for kind, wrong in _mutations(one.text, people, chance):
            if not any(wrong in other.text for other in stated):
                yield kind, wrong


def believed(answer: Composed, text: str) -> list[AnswerSentence]:
    """Sentences of an answer that are marked as supported though they say ``text``."""
    return [sentence for sentence in answer.sentences if sentence.supported and sentence.text == text]


def test_no_falsified_chinese_sentence_is_believed(corpus_index: Index, script: Script, found: list[Found]) -> None:
    chance = random.Random(11)
    tried: Counter[str] = Counter()
    each = -(-CHINESE // len(found))
    for one in found:
        stated = statements(one.evidence, corpus_index.encoder)
        wrong = list(falsified(stated, chance))
        for kind, text in chance.sample(wrong, min(each, len(wrong))):
            mark, true = chance.choice(MARKS), chance.choice(stated)
            answer = written(corpus_index, script, one, f"{text}{mark}", f"{true.text}[{true.number}]")
            assert believed(answer, text) == [], (kind, text)
            tried[kind] += 1
    assert sum(tried.values()) >= CHINESE
    assert len(tried) >= 6


def test_no_true_sentence_of_another_article_is_believed(
    corpus_index: Index, script: Script, found: list[Found]
) -> None:
    """An invented mark: nothing that was found says it."""
    everything = [(each, statements(each.evidence, corpus_index.encoder)) for each in found]
    tried = 0
    for one, stated in everything:
        known = {each.hit.citation.document_id for each in one.evidence}
        foreign = [
            statement
            for other, others in everything
            for statement in others
            if other.evidence[statement.number - 1].hit.citation.document_id not in known
        ]
        for statement in foreign[:3]:
            answer = written(corpus_index, script, one, f"{statement.text}[1]", f"{stated[0].text}[1]")
            assert believed(answer, statement.text) == []
            tried += 1
    assert tried >= 24


@pytest.mark.parametrize("question", ENGLISH)
def test_no_falsified_english_sentence_is_believed(corpus_index: Index, script: Script, question: str) -> None:
    one = search(corpus_index, question)
    assert one.answerable
    true, *wrong = ENGLISH[question]
    assert believed(written(corpus_index, script, one, f"{true} [1]"), true)
    for text in wrong:
        assert believed(written(corpus_index, script, one, f"{text} [1] ", f"{true} [1]"), text) == []
