"""`qa eval add --feedback`: a user's verdict becomes a question whose quote stands in the article it was given on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from qa.commands.eval import register
from qa.errors import ConflictError, EvalError, InputError, NoIndexError
from qa.evaluate.dataset import load
from qa.index import Index
from qa.ingest.read import read_text
from qa.store import feedback
from qa.store.feedback import NewVerdict

TEXT = "冰湖的渔汛从十二月开始，头网打上来四万斤鱼。查干屯的把头叫石宝柱。"
QUOTE = "头网打上来四万斤鱼"

Run = Callable[..., str]


@pytest.fixture
def index(corpus_index: Index, tmp_path: Path) -> Index:
    """An index with one article in a collection and a verdict on its passage; closed."""
    settings = corpus_index.settings.model_copy(update={"index_dir": tmp_path / "index"})
    with Index.open(settings=settings) as opened:
        opened.ingest_sources([read_text("冰湖", TEXT)], collection="lake")
        document = opened.documents("lake")[0]
        passage = opened.passages(document.id, "lake")[0]
        cited = {"document_id": document.id, "passage_id": passage.id}
        feedback.add(opened.store.database, NewVerdict("lake", "头网有多少鱼？", "down", "zh", "没答出来", **cited))
        feedback.add(opened.store.database, NewVerdict("lake", "湖里有鲸吗？", "up"))
    return opened


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], index: Index, tmp_path: Path) -> Run:
    parent = typer.Typer(add_completion=False, rich_markup_mode=None)
    register(parent)
    parent.command("other")(lambda: None)

    def run(action: str, *arguments: object) -> str:
        capsys.readouterr()
        more = ["--file", str(tmp_path / "set.jsonl")] if action == "add" else []
        line = ["eval", action, "--index", str(index.store.directory), *more, *map(str, arguments)]
        typer.main.get_command(parent).main(line, prog_name="qa", standalone_mode=False)
        return capsys.readouterr().out

    return run


def test_a_verdict_becomes_a_question(run: Run, tmp_path: Path) -> None:
    listed = json.loads(run("feedback", "--json"))
    assert [one["question"] for one in listed["feedback"]] == ["湖里有鲸吗？", "头网有多少鱼？"]
    assert "没答出来" in run("feedback")

    twin = "How much fish was in the first net?"
    run("add", "--feedback", 1, "--quote", QUOTE, "--answer", "四万斤", "--twin", twin)
    run("add", "--feedback", 2, "--unanswerable")
    zh, en, whale = load(tmp_path / "set.jsonl").questions
    assert (zh.text, zh.language, zh.gold[0].document, zh.gold[0].quote) == ("头网有多少鱼？", "zh", "冰湖", QUOTE)
    assert (en.text, en.gold) == (twin, zh.gold)
    assert (whale.text, whale.answerable) == ("湖里有鲸吗？", False)
    assert json.loads(run("feedback", "--json"))["total"] == 0
    taken = json.loads(run("feedback", "--all", "--json"))["feedback"]
    assert [one["taken_as"] for one in taken] == [whale.id, f"{zh.id} {en.id}"]
    with pytest.raises(ConflictError):
        run("add", "--feedback", 1, "--quote", QUOTE)


def test_what_does_not_stand_in_the_article_is_not_taken(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError) as asked:
        run("add", "--feedback", 1)
    assert QUOTE in asked.value.hint
    with pytest.raises(EvalError, match="does not hold the quote"):
        run("add", "--feedback", 1, "--quote", "头网打上来五万斤鱼")
    assert not (tmp_path / "set.jsonl").exists()
    assert json.loads(run("feedback", "--json"))["total"] == 2


def test_a_question_is_checked_against_an_index_too(run: Run, tmp_path: Path) -> None:
    run("add", "谁是把头？", "--gold", "冰湖", "--quote", "把头叫石宝柱", "--collection", "lake")
    assert load(tmp_path / "set.jsonl").questions[0].gold[0].quote == "把头叫石宝柱"
    with pytest.raises(InputError, match="no question"):
        run("add", "--unanswerable")


def test_a_verdict_is_set_aside(run: Run) -> None:
    run("feedback", "--dismiss", 2)
    assert json.loads(run("feedback", "--json"))["total"] == 1


def test_no_index(run: Run, tmp_path: Path) -> None:
    with pytest.raises(NoIndexError):
        run("feedback", "--index", tmp_path / "none")
