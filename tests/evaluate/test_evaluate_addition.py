"""Adding questions: checked first, written whole, never half."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qa.errors import EvalError
from qa.evaluate.addition import Addition, add
from qa.evaluate.dataset import load

TEXTS = {"harbour.md": ["港口在1903年扩建，工期五年。\n引航站有七名引航员。"]}
ASK = Addition(
    text="港口是哪年扩建的？",
    twin="When was the harbour extended?",
    language=None,
    kinds=("date",),
    gold=(("harbour.md", "港口在1903年扩建"),),
    answers=("1903年",),
)


def test_a_question_and_its_twin_are_added(tmp_path: Path) -> None:
    path = tmp_path / "new" / "set.jsonl"
    assert [question.id for question in add(ASK, path, TEXTS)] == ["a001.zh", "a001.en"]
    zh, en = load(path).questions
    assert (zh.language, en.language, en.text) == ("zh", "en", "When was the harbour extended?")
    assert zh.gold == en.gold
    assert zh.answers == ("1903年",)


def test_ids_go_on_and_earlier_lines_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    add(ASK, path, TEXTS)
    before = path.read_bytes()
    path.write_bytes(before.rstrip(b"\n"))
    (only,) = add(Addition("有渡轮吗？", None, None, (), (), ()), path, {})
    assert (only.id, only.answerable, only.kinds, only.line) == ("a002.zh", False, ("unanswerable", "near"), 3)
    assert path.read_bytes().startswith(before)
    assert len(load(path).questions) == 3


def test_a_named_language_wins(tmp_path: Path) -> None:
    (only,) = add(replace(ASK, text="1903?", twin=None, language="en"), tmp_path / "set.jsonl", TEXTS)
    assert only.language == "en"


OTHER = replace(ASK, text="港口工期多长？", twin=None)


@pytest.mark.parametrize(
    ("addition", "said"),
    [
        (replace(OTHER, gold=(("harbour.md", "港口在1904年扩建"),)), "does not hold the quote '港口在1904年扩建'"),
        (replace(OTHER, gold=(("port.md", "港口在1903年扩建"),)), "no document named 'port.md'"),
        (replace(OTHER, answers=("七名",)), "no gold quote holds the answer '七名'"),
        (replace(OTHER, kinds=("when",)), "unknown kind 'when'"),
        (replace(ASK, text="1903?"), "neither Chinese nor English"),
        (replace(ASK, text="另外一问？", twin="  "), "`text` has to be a string"),
        (
            replace(ASK, twin="港口哪一年扩建？", language="en", text="港口是哪年扩建的？"),
            "the same question stands in line 1",
        ),
    ],
)
def test_what_is_wrong_changes_nothing(tmp_path: Path, addition: Addition, said: str) -> None:
    path = tmp_path / "set.jsonl"
    add(replace(ASK, twin=None), path, TEXTS)
    before = path.read_bytes()
    with pytest.raises(EvalError, match=said.replace("?", r"\?")):
        add(addition, path, TEXTS)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["set.jsonl"]


def test_a_broken_set_is_not_added_to(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps({"id": "x"}) + "\n")
    with pytest.raises(EvalError, match="line 1"):
        add(ASK, path, TEXTS)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvalError, match="cannot be (read|written)"):
        add(ASK, tmp_path / "file" / "set.jsonl", TEXTS)
