"""`qa eval` from end to end: real articles, the real encoder, throwaway indexes, the gate."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from qa.commands.eval import register
from qa.config import Settings
from qa.config import settings as read_settings
from qa.errors import ConfigError, EvalError, InputError
from qa.evaluate import scratch
from qa.index import Index
from qa.store import history

ARTICLES = {
    "lighthouse.md": "# 白石岬灯塔\n\n白石岬灯塔于1891年建成，塔高三十四米，由石匠陈阿福主持修建。晴夜可见二十海里。\n",
    "ferry.md": "# 渡船班次\n\n从码头到鹭岛的渡船每天开四班，首班上午七点，末班下午六点，单程票价八元。\n",
    "tea.md": "# 山间茶园\n\n雾谷茶园有茶树六万株，春茶在清明前采摘，由十二户人家共同经营。\n",
    "museum.md": "# The net museum\n\nThe museum keeps three hundred nets. It was founded by Ingrid Holm in 1978.\n",
}
QUESTIONS = [
    ("n1", "zh", "白石岬的灯塔是哪一年建成的？", "lighthouse.md", "白石岬灯塔于1891年建成", "1891年"),
    (
        "n1",
        "en",
        "In which year was the Baishi cape lighthouse completed?",
        "lighthouse.md",
        "白石岬灯塔于1891年建成",
        "1891年",
    ),
    ("n2", "zh", "去鹭岛的船票多少钱？", "ferry.md", "单程票价八元", "八元"),
    ("n2", "en", "How much is a one-way ferry ticket to the island?", "ferry.md", "单程票价八元", "八元"),
    ("n3", "zh", "茶园里有多少株茶树？", "tea.md", "雾谷茶园有茶树六万株", "六万株"),
    (
        "n4",
        "en",
        "Who founded the museum of fishing nets?",
        "museum.md",
        "It was founded by Ingrid Holm in 1978.",
        "Ingrid Holm",
    ),
]


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


Eval = Callable[..., Done]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, corpus_index: Index) -> Path:
    """A cache of this module's own, which holds the encoder that the session has built."""
    made = tmp_path_factory.mktemp("cache")
    for built in corpus_index.settings.cache_dir.iterdir():
        if built.is_dir() and built.name != "eval":
            (made / built.name).symlink_to(built)
    return made


@pytest.fixture
def shelf(cache: Path) -> Path:
    """Where indexes made for an eval are kept; there are none yet."""
    shutil.rmtree(cache / "eval", ignore_errors=True)
    return cache / "eval"


@pytest.fixture
def evaluate(monkeypatch: pytest.MonkeyPatch, cache: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Eval]:
    """Runs `qa eval`."""
    monkeypatch.setenv("QA_CACHE_DIR", str(cache))
    monkeypatch.setenv("QA_LANGUAGE", "en")
    read_settings.cache_clear()
    parent = typer.Typer(add_completion=False, rich_markup_mode=None)
    register(parent)
    parent.command("other")(lambda: None)

    def run(*arguments: object) -> Done:
        capsys.readouterr()
        command = typer.main.get_command(parent)
        code = command.main(["eval", *map(str, arguments)], prog_name="qa", standalone_mode=False)
        printed = capsys.readouterr()
        return Done(int(code or 0), printed.out, printed.err)

    yield run
    read_settings.cache_clear()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    for name, text in ARTICLES.items():
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    rows = [
        {
            "id": f"{need}.{lang}",
            "need": need,
            "lang": lang,
            "text": text,
            "kinds": ["fact"],
            "answerable": True,
            "gold": [{"document": document, "quote": quote}],
            "answers": [answer],
        }
        for need, lang, text, document, quote, answer in QUESTIONS
    ]
    empty = {"kinds": ["unanswerable", "far"], "answerable": False, "gold": [], "answers": []}
    rows.append({"id": "u1.zh", "need": "u1", "lang": "zh", "text": "哪支球队赢得了世界杯？", **empty})
    rows.append({"id": "u1.en", "need": "u1", "lang": "en", "text": "Which team won the world cup?", **empty})
    return lines(tmp_path / "mine.jsonl", rows)


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """Eight short articles, four in each language; the i-th Chinese and English question ask for the i-th article."""
    facts = [
        ("灯塔建于1891年，由石匠陈阿福主持。", "The lighthouse was built in 1891 by the mason Chen Afu."),
        ("渡船每天开四班，票价八元。", "The ferry sails four times a day and costs eight yuan."),
        ("茶园有六万株茶树，清明前采摘。", "The tea garden has sixty thousand trees, picked before April."),
        ("图书馆藏书四十万册，周一闭馆。", "The library holds four hundred thousand books and rests on Mondays."),
    ]
    asked = [
        ("灯塔是谁建的？", "Who built the lighthouse?"),
        ("渡船票价多少？", "What does the ferry cost?"),
        ("茶园有多少茶树？", "How many trees has the tea garden?"),
        ("图书馆哪天闭馆？", "On which day is the library closed?"),
    ]
    folder = tmp_path / "harbour"
    folder.mkdir()
    both = ("zh", "en")
    for name, mark, pairs in (("corpus", "d", facts), ("queries", "q", asked)):
        rows = [
            _row(f"{mark}{n}", lang, text)
            for n, pair in enumerate(pairs)
            for lang, text in zip(both, pair, strict=True)
        ]
        lines(folder / f"{name}.jsonl", rows)
    for question in both:
        for passage in both:
            judged = "".join(f"q{n}.{question}\td{n}.{passage}\t1\n" for n in range(4))
            (folder / f"qrels.{question}-{passage}.tsv").write_text("query-id\tdoc-id\trelevance\n" + judged)
    return folder


def _row(name: str, language: str, text: str) -> dict[str, Any]:
    return {"id": f"{name}.{language}", "title": "", "text": text, "lang": language, "need": name}


def test_a_folder_is_scored_in_every_direction(evaluate: Eval, bench: Path) -> None:
    done = evaluate(bench, "--json")
    card = done.json
    assert (done.code, card["set"], card["documents"]) == (0, "harbour", 8)
    assert list(card["cells"]) == ["en-en", "en-zh", "zh-en", "zh-zh"]
    for cell in card["cells"].values():
        assert (cell["queries"], cell["hit@10"]) == (4, 1.0)
        assert set(cell["ci"]) >= {"hit@1", "recall@5", "mrr@10", "ndcg@10"}
    assert card["cells"]["zh-zh"]["hit@1"] == card["cells"]["en-en"]["hit@1"] == 1.0
    assert card["parity"]["zh"]["@5"] == {"needs": 4, "both": 4, "zh": 0, "en": 0, "neither": 0, "share": 1.0}


def test_the_gate(evaluate: Eval, bench: Path, tmp_path: Path) -> None:
    """Equal to itself; worse once two articles have changed places, which moves what every direction finds."""
    kept = tmp_path / "baseline.json"
    assert evaluate(bench, "--save", kept).code == 0
    same = evaluate(bench, "--against", kept)
    assert (same.code, "No regression." in same.out) == (0, True)
    articles = bench / "corpus.jsonl"
    text = articles.read_text("utf-8")
    articles.write_text(text.replace("d0.", "d?.").replace("d3.", "d0.").replace("d?.", "d3."), "utf-8")
    worse = evaluate(bench, "--against", kept, "--json")
    assert worse.code == 3
    comparison = worse.json["comparison"]
    assert {change["question"] for change in comparison["lost"]} == {
        f"q{n}.{lang}" for n in (0, 3) for lang in ("zh", "en")
    }
    assert any("zh-zh: hit@1 fell from 1.000 to 0.500" in line for line in comparison["regressions"])


def test_candidates_alone_measure_abstention(evaluate: Eval, bench: Path) -> None:
    for path in bench.glob("qrels*"):
        path.unlink()
    pool = [f"d{n}.zh" for n in range(3)]
    rows = [
        {**_row("q0", "zh", "灯塔是谁建的？"), "answerable": True, "candidate_ids": pool},
        {**_row("q1", "zh", "渡船票价多少？"), "answerable": True, "candidate_ids": pool},
        {**_row("q9", "zh", "世界杯谁赢了？"), "answerable": False, "candidate_ids": pool},
    ]
    lines(bench / "queries.jsonl", rows)
    card = evaluate(bench, "--json").json
    assert card["cells"]["zh-zh"]["queries"] == 3
    assert card["cells"]["zh-zh"]["auroc"] == 1.0
    assert card["abstention"]["all"]["answerable"] == 2


def test_a_set_of_ones_own_over_ones_own_articles(
    evaluate: Eval, questions: Path, corpus: Path, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    done = evaluate(questions, "--corpus", corpus, "--json", "--report", page)
    card = done.json
    assert {cell: figures["queries"] for cell, figures in card["cells"].items()} == {
        "en-all": 1,
        "en-en": 1,
        "en-zh": 2,
        "zh-all": 1,
        "zh-zh": 3,
    }
    assert card["cells"]["zh-zh"]["hit@1"] == 1.0
    assert card["kinds"]["fact"]["zh-zh"]["queries"] == 3
    assert card["abstention"]["all"]["unanswerable"] == 2
    assert "白石岬" in page.read_text("utf-8") or "<svg" in page.read_text("utf-8")


def test_figures_for_people(evaluate: Eval, questions: Path, corpus: Path) -> None:
    done = evaluate(questions, "--corpus", corpus)
    for part in ("hit@1", "zh-zh", "en-zh", "auroc", "parity, zh passages @1", "ECE", "search: p50"):
        assert part in done.out


def test_the_index_of_a_run_is_used_again(evaluate: Eval, bench: Path, shelf: Path) -> None:
    evaluate(bench, "--questions", "2")
    (made,) = shelf.iterdir()
    built = (made / "manifest.json").stat().st_mtime_ns
    assert evaluate(bench, "--json").json["questions"] == 8
    assert list(shelf.iterdir()) == [made]
    assert (made / "manifest.json").stat().st_mtime_ns == built


def test_a_kept_index_that_is_damaged_is_made_anew(evaluate: Eval, bench: Path, shelf: Path) -> None:
    evaluate(bench, "--questions", "2")
    (made,) = shelf.iterdir()
    (made / "manifest.json").write_text("{")
    assert evaluate(bench, "--questions", "2", "--json").json["documents"] == 8
    assert (made / "manifest.json").stat().st_size > 1


def test_old_indexes_are_removed(evaluate: Eval, bench: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "KEPT", 1)
    for name in ("old", "older", "making-dead", "making-now"):
        (shelf / name).mkdir(parents=True)
    os.utime(shelf / "making-dead", (0, 0))
    evaluate(bench, "--questions", "2")
    left = {path.name for path in shelf.iterdir()}
    assert len(left) == 2
    assert "making-now" in left
    assert not left & {"old", "older", "making-dead"}


def test_an_index_that_cannot_be_filled_is_not_kept(shelf: Path, cache: Path) -> None:
    def fill(index: Index) -> None:
        raise EvalError("no")

    with pytest.raises(EvalError), scratch.scratch("x", fill, Settings(cache_dir=cache), lambda said: None):
        pass
    assert list(shelf.iterdir()) == []


def test_an_index_that_is_there(evaluate: Eval, questions: Path, corpus: Path, tmp_path: Path, shelf: Path) -> None:
    with Index.open(tmp_path / "index", create=True) as index:
        index.ingest(corpus, collection="harbour")
    done = evaluate(questions, "--index", tmp_path / "index", "--collection", "harbour", "--json")
    assert done.json["cells"]["zh-zh"]["hit@1"] == 1.0
    assert not shelf.exists()
    with Index.open(tmp_path / "index") as index:
        (kept,) = history.runs(index.store.database)
        assert kept.figures == done.json
        known = {"set": "mine", "collection": "harbour", "documents": 4, "encoder": index.store.identity.fingerprint}
        assert known.items() <= kept.about.items()
        report = history.report(index.store.database, kept.id)
    assert report is not None
    assert sum(report["ranks"]["zh-zh"].values()) == 3
    assert report["risk"]["zh-zh"][-1][0] == 1.0


def test_calibrating_an_index(evaluate: Eval, corpus: Path, corpus_dir: Path, tmp_path: Path) -> None:
    """Fitted to many questions over the articles' own words; the parameters stay in the index."""
    names = ["灯塔", "渡船", "茶园", "码头", "首班", "末班", "清明", "石匠"]
    rows = []
    for number in range(120):
        right = number % 2 == 0
        word = names[number % len(names)]
        text = f"{word}第{number}问：白石岬灯塔建成的年份？" if right else f"{word}第{number}问：火星上的苹果价格？"
        gold = [{"document": "lighthouse.md", "quote": "白石岬灯塔于1891年建成"}] if right else []
        kinds = ["fact"] if right else ["unanswerable", "far"]
        rows.append(
            {"id": f"n{number}", "need": f"n{number}", "lang": "zh", "text": text, "kinds": kinds}
            | {"answerable": right, "gold": gold, "answers": ["1891年"] if right else []}
        )
    asked = lines(tmp_path / "many.jsonl", rows)
    with Index.open(tmp_path / "index", create=True) as index:
        index.ingest(corpus)
    done = evaluate(asked, "--index", tmp_path / "index", "--calibrate", "--json")
    assert "Fitted to" in done.err
    assert done.json["abstention"]["all"]["auroc"] > 0.95
    assert done.json["calibration"]["ece"] < 0.15
    with Index.open(tmp_path / "index", create=False) as index:
        assert index.store.meta("calibration") is not None


def test_what_cannot_be_calibrated(evaluate: Eval, questions: Path, bench: Path, tmp_path: Path) -> None:
    for arguments in ((questions,), (bench, "--index", tmp_path)):
        with pytest.raises(ConfigError, match="--calibrate"):
            evaluate(*arguments, "--calibrate")


def test_a_half(evaluate: Eval, questions: Path, corpus: Path) -> None:
    counts = [
        evaluate(questions, "--corpus", corpus, "--part", half, "--json").json["questions"] for half in ("dev", "test")
    ]
    assert sum(counts) == 8
    assert all(counts)


def test_a_quote_that_is_not_there(evaluate: Eval, questions: Path, corpus: Path) -> None:
    (corpus / "tea.md").write_text("# 茶园\n\n茶园有七万株茶树，由二十户人家共同经营，春天采摘。\n", "utf-8")
    with pytest.raises(EvalError, match="line 5: 'tea.md' does not hold the quote"):
        evaluate(questions, "--corpus", corpus)


def test_articles_that_are_not_there(evaluate: Eval, questions: Path, bench: Path, tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="no articles at"):
        evaluate(questions, "--corpus", tmp_path / "none")
    with pytest.raises(EvalError, match="brings its own articles"):
        evaluate(bench, "--corpus", tmp_path)


def test_adding_and_then_measuring(evaluate: Eval, corpus: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.jsonl"
    arguments = ("--file", own, "--corpus", corpus)
    gold = ("--gold", "ferry.md", "--quote", "首班上午七点", "--answer", "上午七点")
    done = evaluate("add", "早上第一班船几点开？", "--twin", "When does the first ferry leave?", *gold, *arguments)
    assert done.out.splitlines()[0] == f"{own}:1 a001.zh 早上第一班船几点开？"
    evaluate("add", "岛上有医院吗？", "--unanswerable", "--file", own)
    card = evaluate(own, "--corpus", corpus, "--json").json
    assert card["cells"]["zh-zh"]["hit@5"] == card["cells"]["en-zh"]["hit@5"] == 1.0


@pytest.mark.parametrize(
    "arguments",
    [
        ("--unanswerable", "--gold", "a.md"),
        ("--gold", "a.md"),
        ("--quote", "x"),
        (),
        ("--gold", "a.md", "--gold", "b.md", "--quote", "x"),
    ],
)
def test_an_addition_that_makes_no_sense(evaluate: Eval, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(InputError):
        evaluate("add", "问题？", *arguments, "--file", tmp_path / "own.jsonl")
    assert not (tmp_path / "own.jsonl").exists()


def test_help_names_both_commands(evaluate: Eval) -> None:
    assert "--against BASELINE" in evaluate("--help").out
    assert "--twin QUESTION" in evaluate("add", "--help").out
