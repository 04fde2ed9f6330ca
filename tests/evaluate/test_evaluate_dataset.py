"""Reading and checking question sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import EvalError
from qa.evaluate.dataset import QuestionSet, check_quotes, load, only_part, only_sample, parse, part, sample

TEXT = "城南图书馆于1987年开放，馆藏四十万册。\n馆长是林岚。"


def row(**changes: Any) -> dict[str, Any]:
    base = {
        "id": "n1.zh",
        "need": "n1",
        "lang": "zh",
        "text": "城南图书馆哪年开放？",
        "kinds": ["date"],
        "answerable": True,
        "gold": [{"document": "library.md", "quote": "城南图书馆于1987年开放"}],
        "answers": ["1987年"],
    }
    return base | changes


def unanswerable(**changes: Any) -> dict[str, Any]:
    return row(id="u1.zh", need="u1", text="馆里有咖啡厅吗？", kinds=["unanswerable", "near"], answerable=False) | {
        "gold": [],
        "answers": [],
        **changes,
    }


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows), "utf-8")
    return path


def problems(*rows: dict[str, Any]) -> str:
    raw = "\n".join(json.dumps(each, ensure_ascii=False) for each in rows).encode()
    with pytest.raises(EvalError) as caught:
        parse(raw, "set.jsonl")
    return str(caught.value)


def test_a_good_set_is_read(tmp_path: Path) -> None:
    english = row(id="n1.en", lang="en", text="When did the library open?")
    found = load(write(tmp_path / "mine.jsonl", row(), english, unanswerable()))
    assert found.name == "mine"
    assert [question.id for question in found.questions] == ["n1.zh", "n1.en", "u1.zh"]
    assert [question.line for question in found.questions] == [1, 2, 3]
    assert found.questions[0].gold[0].quote == "城南图书馆于1987年开放"
    assert found.questions[2].gold == ()


def test_blank_lines_and_a_byte_order_mark_are_let_pass() -> None:
    raw = b"\xef\xbb\xbf\n" + json.dumps(row()).encode() + b"\n\n"
    assert [question.line for question in parse(raw, "set.jsonl")] == [2]


def test_a_follow_up_is_asked_with_the_question_before_it() -> None:
    raw = json.dumps(row(kinds=["followup"], text="哪年？", history=["图书馆有多少书？", "图书馆何时开放？"])).encode()
    assert parse(raw, "set.jsonl")[0].asked == "图书馆何时开放？ 哪年？"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": ""}, "`id` has to be a string"),
        ({"text": "  "}, "`text` has to be a string"),
        ({"need": 7}, "`need` has to be a string"),
        ({"lang": "fr"}, "`lang` has to be zh or en, not 'fr'"),
        ({"answerable": "yes"}, "`answerable` has to be true or false"),
        ({"kinds": "date"}, "`kinds` has to be a list"),
        ({"kinds": ["dates"]}, "unknown kind 'dates'"),
        ({"answers": [3]}, "`answers` has to be a list"),
        ({"gold": [{"document": "library.md"}]}, "`gold` has to be a list of"),
        ({"gold": []}, "an answerable question needs a gold quote"),
        ({"answerable": False}, "an unanswerable question has neither"),
        ({"kinds": ["followup"]}, "a follow-up needs its `history`"),
        ({"history": "before"}, "`history` has to be a list"),
    ],
)
def test_a_wrong_row_is_named_by_line(changes: dict[str, Any], said: str) -> None:
    message = problems(unanswerable(), row(**changes))
    assert "line 2: " in message
    assert said in message
    assert "line 1" not in message


def test_every_problem_is_told_and_the_list_is_bounded() -> None:
    message = problems(*(row(id=f"n{number}", need=f"n{number}", text=f"?{number}", lang="fr") for number in range(30)))
    assert message.startswith("set.jsonl has 30 problems")
    assert "line 20:" in message
    assert "line 21:" not in message
    assert "and 10 more" in message


def test_two_rows_with_one_id() -> None:
    assert "line 2: id 'n1.zh' stands in line 1 already" in problems(row(), row(need="n2", text="另一个问题？"))


def test_one_need_asked_twice_in_one_language() -> None:
    assert "line 2: need 'n1' is asked in zh in line 1" in problems(row(), row(id="n1.b", text="何时开放？"))


def test_the_same_question_twice() -> None:
    assert "line 2: the same question stands in line 1" in problems(row(), row(id="n2.zh", need="n2"))


def test_twins_have_the_same_gold() -> None:
    other = [{"document": "library.md", "quote": "馆长是林岚"}]
    assert "line 2: not the same gold as its twin in line 1" in problems(
        row(), row(id="n1.en", lang="en", text="When did it open?", gold=other)
    )


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"id": "a"\n', "line 1: not JSON"),
        (b"[1]\n", "line 1: not a JSON object"),
        (b'{}\n"x"\n', "line 2: not a JSON object"),
        (b"\n\xff\xfe\n", "line 2: not UTF-8"),
        (b'"' + b"x" * 100_001 + b'"', "line 1: longer than"),
    ],
)
def test_what_is_no_json_is_named_by_line(raw: bytes, said: str) -> None:
    with pytest.raises(EvalError, match=said):
        parse(raw, "set.jsonl")


def test_an_empty_or_missing_file(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"")
    with pytest.raises(EvalError, match="holds no questions"):
        load(tmp_path / "empty.jsonl")
    with pytest.raises(EvalError, match="cannot be read: No such file"):
        load(tmp_path / "missing.jsonl")


def checked(found: QuestionSet, texts: dict[str, list[str]]) -> str:
    with pytest.raises(EvalError) as caught:
        check_quotes(found.questions, texts, found.name)
    return str(caught.value)


def test_quotes_are_checked_against_the_documents(tmp_path: Path) -> None:
    found = load(write(tmp_path / "set.jsonl", unanswerable(), row()))
    check_quotes(found.questions, {"library.md": ["something else", TEXT]}, found.name)
    assert "line 2: no document named 'library.md'" in checked(found, {"other.md": [TEXT]})
    assert "line 2: 'library.md' does not hold the quote" in checked(
        found, {"library.md": [TEXT.replace("1987", "88")]}
    )


def test_answers_are_checked_against_the_quotes(tmp_path: Path) -> None:
    found = load(write(tmp_path / "set.jsonl", row(answers=["1987年", "四十万册"])))
    assert "line 1: no gold quote holds the answer '四十万册'" in checked(found, {"library.md": [TEXT]})


def test_the_halves_are_fixed_and_of_like_size() -> None:
    assert (part("n001"), part("n003")) == ("dev", "test")
    halves = [part(f"n{number:03d}") for number in range(400)]
    assert 160 < halves.count("dev") < 240


def test_a_half_keeps_twins_together(tmp_path: Path) -> None:
    rows = [
        row(id=f"n{n}.{lang}", need=f"n{n}", lang=lang, text=f"{lang} {n}?") for n in range(20) for lang in ("zh", "en")
    ]
    questions = load(write(tmp_path / "set.jsonl", *rows)).questions
    dev = only_part(questions, "dev")
    assert len(dev) % 2 == 0
    assert {q.id for q in dev}.isdisjoint({q.id for q in only_part(questions, "test")})
    assert len(only_sample(questions, 10)) == 10
    assert {q.need for q in only_sample(questions, 10)} <= {q.need for q in only_sample(questions, 20)}
    assert len(only_sample(questions, 1)) == 2
    assert len(only_sample(questions, 1000)) == 40


@given(st.lists(st.text(min_size=1), unique=True), st.integers(0, 20))
def test_a_sample_does_not_depend_on_order(needs: list[str], size: int) -> None:
    drawn = sample(needs, size)
    assert drawn == sample(needs[::-1] + needs, size)
    assert len(drawn) == min(size, len(needs))
    assert drawn <= sample(needs, size + 1)
