"""Which hits count as right, judged by offsets; figures of a run made by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.evaluate.outcome import Outcome, Trial
from qa.evaluate.own import Place, covers, is_right
from qa.evaluate.scorecard import scorecard
from qa.types import AlsoIn, Citation, Hit, Timings

#         0         1         2         3
#         0123456789012345678901234567890123456789
SOURCE = "Before it. The bridge opened in 1932. It."
QUOTE = (11, 37)  # 26 characters
ANSWER = (32, 36)


def place(*answers: tuple[int, int], document: str = "d1") -> Place:
    words = tuple(SOURCE[slice(*answer)] for answer in answers)
    return Place("answer", document, "en", QUOTE, answers, SOURCE[slice(*QUOTE)], words)


def hit(start: int, end: int, document: str = "d1", also_in: tuple[str, ...] = (), quote: str | None = None) -> Hit:
    citation = Citation(
        marker="[1]",
        document_id=document,
        passage_id="p",
        title="Bridge",
        publisher=None,
        author=None,
        published=None,
        url=None,
        source="bridge.md",
        kind="article",
        heading=None,
        page=None,
        start=start,
        end=end,
        quote=SOURCE[start:end] if quote is None else quote,
        sha256="",
        also_in=tuple(AlsoIn(identity, "Bridge") for identity in also_in),
    )
    return Hit(1, 0.5, citation.quote, citation)


def test_the_example_is_what_it_says() -> None:
    assert SOURCE[slice(*QUOTE)] == "The bridge opened in 1932."
    assert SOURCE[slice(*ANSWER)] == "1932"


@pytest.mark.parametrize(
    ("span", "right"),
    [
        ((0, 41), True),  # all of the quote
        ((11, 37), True),  # exactly the quote
        ((0, 24), True),  # 13 of its 26 characters: half
        ((0, 23), False),  # 12 of 26, and the answer is not there
        ((32, 41), True),  # 5 of 26, but the whole answer
        ((33, 41), False),  # part of the answer
        ((15, 20), False),  # inside the quote, where the answer is not
        ((37, 41), False),  # touches the quote
        ((0, 11), False),
    ],
)
def test_a_hit_covers_half_of_the_quote_or_the_answer(span: tuple[int, int], right: bool) -> None:
    assert covers(span, place(ANSWER)) is right
    assert is_right(hit(*span), place(ANSWER)) is right


def test_all_answers_of_the_quote_are_needed() -> None:
    both = place(ANSWER, (15, 21))
    assert covers((15, 36), both)
    assert not covers((27, 41), both)


def test_without_answers_a_hit_inside_the_quote_is_right() -> None:
    assert covers((15, 20), place())
    assert not covers((30, 41), place())


def test_another_document_is_wrong_whatever_it_covers() -> None:
    assert not is_right(hit(0, 41, document="d2"), place(ANSWER))


def test_a_copy_of_the_gold_document_is_judged_by_its_words() -> None:
    assert is_right(hit(0, 9, document="d2", also_in=("d1",), quote="It opened in 1932, they say."), place(ANSWER))
    assert not is_right(hit(0, 9, document="d2", also_in=("d1",), quote="It opened late."), place(ANSWER))
    assert is_right(hit(0, 9, document="d2", also_in=("d1",), quote=f"{SOURCE} More."), place())


@given(st.integers(0, 41), st.integers(0, 41), st.integers(0, 10), st.integers(0, 10))
def test_a_wider_hit_is_never_worse(start: int, end: int, before: int, after: int) -> None:
    if start < end and covers((start, end), place(ANSWER)):
        assert covers((start - before, end + after), place(ANSWER))


def outcome(question: str, ranking: str, **changes: object) -> Outcome:
    need, language = question.split(".")
    base: dict[str, object] = {
        "question": question,
        "need": need,
        "cell": f"{language}-zh",
        "language": language,
        "text": question,
        "kinds": ("fact",),
        "answerable": True,
        "judgements": {"answer": 1},
        "ranking": tuple({"+": "answer"}.get(mark, f"passage {n}") for n, mark in enumerate(ranking)),
        "confidence": 0.8,
        "answered": True,
        "took": Timings(1.0, 2.0, 3.0, 6.0),
        "digest": "d",
    }
    return Outcome(**(base | changes))  # type: ignore[arg-type]


NONE: dict[str, object] = {"kinds": ("unanswerable", "near"), "answerable": False, "judgements": {}}

RUN = Trial(
    "mine",
    "sha",
    3,
    30,
    (
        outcome("n1.zh", "+--", confidence=0.9),
        outcome("n1.en", "-+-", confidence=0.7),
        outcome("n2.zh", "----+", confidence=0.6, answered=False),
        outcome("n2.en", "---", confidence=0.2, answered=False),
        outcome("u1.zh", "---", confidence=0.3, answered=False, **NONE),
        outcome("u1.en", "---", confidence=0.65, **NONE),
    ),
)


def test_figures_of_a_cell_by_hand() -> None:
    cell = scorecard(RUN)["cells"]["zh-zh"]
    assert (cell["queries"], cell["hit@1"], cell["hit@5"]) == (2, 0.5, 1.0)
    assert cell["mrr@10"] == pytest.approx((1 + 1 / 5) / 2)
    assert set(cell["ci"]) == {name for name in cell if "@" in name and not name.startswith("false")}
    assert (cell["auroc"], cell["false_answers@5"]) == (1.0, 0.0)


def test_figures_of_abstention_by_hand() -> None:
    """English: answerable .7 and .2 against .65: one pair of two; where none is refused (.2) .65 is answered.

    An answer is right where one of the first five hits is: n1.zh at the first place, n1.en at the second.
    """
    found = scorecard(RUN)["abstention"]
    assert (found["en-zh"]["auroc"], found["en-zh"]["false_answers@5"]) == (0.5, 1.0)
    counts = found["all"]["shipped_threshold"]
    assert counts == {
        "answered_right": 2,
        "answered_wrong": 0,
        "refused_answerable": 2,
        "refused_unanswerable": 1,
        "answered_unanswerable": 1,
    }
    assert (found["all"]["answerable"], found["all"]["unanswerable"]) == (4, 2)


def test_parity_by_hand() -> None:
    found = scorecard(RUN)["parity"]["zh"]
    assert {k: found["@1"][k] for k in ("both", "zh", "en", "neither")} == {"both": 0, "zh": 1, "en": 0, "neither": 1}
    assert {k: found["@5"][k] for k in ("both", "zh", "en", "neither")} == {"both": 1, "zh": 1, "en": 0, "neither": 0}
    assert found["@5"]["share"] == 0.5


def test_kinds_and_latency() -> None:
    card = scorecard(RUN)
    assert card["kinds"]["fact"]["zh-zh"]["hit@1"] == 0.5
    assert card["kinds"]["near"]["en-zh"] == {"queries": 1, "answered": 1}
    assert card["latency_ms"]["total"] == {"p50": 6.0, "p95": 6.0}


def test_calibration_counts_unanswerable_questions_as_wrong() -> None:
    bins = {bin["confidence"]: bin["right"] for bin in scorecard(RUN)["calibration"]["bins"]}
    assert bins[0.9] == 1.0
    assert bins[0.3] == 0.0


def test_a_set_that_only_asks_whether_there_is_an_answer() -> None:
    outcomes = (outcome("q1.zh", "--", judgements={}, kinds=()), outcome("q2.zh", "--", **(NONE | {"kinds": ()})))
    card = scorecard(Trial("abstention", "sha", 2, 2, outcomes))
    assert card["cells"] == {"zh-zh": {"queries": 2, "auroc": 0.5, "false_answers@5": 1.0}}
    assert (card["calibration"], card["kinds"], card["parity"]) == ({}, {}, {})


def test_a_set_without_unanswerable_questions_has_no_abstention() -> None:
    card = scorecard(Trial("small", "sha", 1, 1, RUN.outcomes[:1]))
    assert card["abstention"] == {}
    assert "auroc" not in card["cells"]["zh-zh"]
