"""`qa eval` and `qa eval add`: typer's side of it; the work is in ``qa.evaluate``, loaded when a command runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from qa.commands.output import json, note, out, typed, warn
from qa.commands.scores import both
from qa.config import Settings, settings
from qa.errors import CiteqaError, ConfigError, NoIndexError

if TYPE_CHECKING:
    from qa.evaluate.compare import Comparison
    from qa.evaluate.dataset import Question
    from qa.evaluate.outcome import Trial
    from qa.evaluate.run import Plan, Watch
    from qa.types import Skipped

REGRESSION = 3
"""Exit code where a run is worse than its baseline."""
_DEFAULT_SET = "evals/questions.jsonl"


class Part(StrEnum):
    dev = "dev"
    test = "test"


class Lang(StrEnum):
    zh = "zh"
    en = "en"


class DefaultRun(TyperGroup):
    """`qa eval SET` runs a set; only `add` is a subcommand."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in self.commands:
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=DefaultRun, help=both("Measure retrieval with a set of questions.", "用问题集评测检索效果。"))


def register(parent: typer.Typer) -> None:
    """Mount `qa eval`."""
    parent.add_typer(app, name="eval")


@app.command(
    "run",
    help=both(
        "Measure retrieval with a set of questions (`qa eval add` adds one).",
        "用问题集评测检索效果（`qa eval add` 用于添加问题）。",
    ),
)
def run(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="SET",
            help=both("questions.jsonl, or a folder in bench shape.", "questions.jsonl，或评测集文件夹。"),
        ),
    ] = Path(_DEFAULT_SET),
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="BASELINE",
            help=both("Compare with this run; exit code 3 where it is worse.", "与这次结果比较；变差时退出码为 3。"),
        ),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="BASELINE", help=both("Keep this run as a baseline.", "保存为基线。"))
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=both("Print JSON.", "输出 JSON。"))] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help=both("Write a report with plots.", "生成带图表的报告。"))
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help=both("Ask this index (default: one made of the articles).", "使用这个索引（默认：用文章临时建立）。"),
        ),
    ] = None,
    corpus: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help=both("Articles (default: QA_CORPUS_DIR).", "文章（默认：QA_CORPUS_DIR）。")),
    ] = None,
    collection: Annotated[str, typer.Option(help=both("Collection.", "集合。"))] = "default",
    questions: Annotated[
        int | None, typer.Option(min=1, metavar="N", help=both("A quick sample of about N.", "只抽样约 N 个问题。"))
    ] = None,
    part: Annotated[
        Part | None,
        typer.Option(help=both("Only this half of the questions (split by hash).", "只用其中一半问题（按哈希划分）。")),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help=both(
                "Fit confidence to the dev half, keep it in --index, measure the test half.",
                "用 dev 一半拟合可信度并存入 --index，再用 test 一半评测。",
            ),
        ),
    ] = False,
) -> int:
    from qa.commands import scores
    from qa.evaluate.run import Plan
    from qa.evaluate.run import run as evaluate

    plan = Plan(path, index, typed(collection), corpus, questions, part.value if part else None)
    with _watch() as watch:
        if calibrate:
            plan = _calibrate(plan, settings(), watch)
        began = perf_counter()
        trial = evaluate(plan, settings(), watch)
    _remember(trial, plan, settings(), perf_counter() - began)
    comparison = _finish(trial, against, save, report)
    if as_json:
        json(_payload(trial, comparison))
    else:
        scores.show_trial(trial, comparison)
    return REGRESSION if comparison is not None and comparison.regressions else 0


@app.command("add", help=both("Add a reviewed question to a set.", "向问题集添加一个已核对的问题。"))
def add(
    question: Annotated[str | None, typer.Argument(metavar="QUESTION", help=both("The question.", "问题。"))] = None,
    feedback: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help=both("Make it of this verdict (see `qa eval feedback`).", "由这条反馈生成（见 `qa eval feedback`）。"),
        ),
    ] = None,
    gold: Annotated[
        list[str] | None,
        typer.Option(metavar="DOC", help=both("Article that answers, by file name.", "含答案的文章（文件名）。")),
    ] = None,
    quote: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help=both(
                "What it says, word for word; once for each --gold.", "原文中的答案句，逐字；每个 --gold 对应一个。"
            ),
        ),
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help=both("The shortest answer inside a quote.", "引文中最短的答案。")),
    ] = None,
    twin: Annotated[
        str | None,
        typer.Option(metavar="QUESTION", help=both("The same in the other language.", "另一种语言的同一问题。")),
    ] = None,
    lang: Annotated[
        Lang | None, typer.Option(help=both("Language (default: detected).", "语言（默认：自动识别）。"))
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help=both("Kind of question.", "问题类别。"))
    ] = None,
    unanswerable: Annotated[
        bool, typer.Option("--unanswerable", help=both("The articles do not answer it.", "文章中没有答案。"))
    ] = False,
    file: Annotated[Path, typer.Option(metavar="FILE", help=both("The set to add to.", "要添加到的问题集。"))] = Path(
        _DEFAULT_SET
    ),
    corpus: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help=both("Articles (default: QA_CORPUS_DIR).", "文章（默认：QA_CORPUS_DIR）。")),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help=both("Check against the articles of this index.", "以这个索引中的文章核对。"),
        ),
    ] = None,
    collection: Annotated[str, typer.Option(help=both("Collection of it.", "其中的集合。"))] = "default",
) -> None:
    from qa.commands import verdicts
    from qa.evaluate.addition import Addition

    addition = Addition(
        text=typed(question or ""),
        twin=typed(twin) if twin else None,
        language=lang.value if lang else None,
        kinds=tuple(kind or ()),
        gold=(),
        answers=tuple(typed(each) for each in answer or ()),
    )
    said = verdicts.Said(addition, tuple(gold or ()), tuple(quote or ()), unanswerable, file)
    shelf = verdicts.Shelf(corpus, index, typed(collection))
    _tell_added(verdicts.add(said, feedback, shelf, settings()), file)


@app.command(
    "feedback", help=both("List users' verdicts that wait for `qa eval add`.", "列出等待 `qa eval add` 的用户反馈。")
)
def feedback(
    every: Annotated[bool, typer.Option("--all", help=both("Those dealt with, too.", "也列出已处理的。"))] = False,
    dismiss: Annotated[int | None, typer.Option(metavar="N", help=both("Set this one aside.", "搁置这一条。"))] = None,
    index: Annotated[
        Path | None, typer.Option(metavar="DIR", help=both("Of this index (QA_INDEX_DIR).", "索引（QA_INDEX_DIR）。"))
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=both("Print JSON.", "输出 JSON。"))] = False,
) -> None:
    from qa.commands import verdicts

    directory = index or settings().index_dir
    if dismiss is not None:
        verdicts.dismiss(directory, dismiss)
    else:
        verdicts.show(directory, every, as_json)


def _tell_added(added: list[Question], file: Path) -> None:
    for question in added:
        out(f"{file}:{question.line} {question.id} {question.text}")


def _calibrate(plan: Plan, chosen: Settings, watch: Watch) -> Plan:
    """Fit on the dev half and keep it; what is left to measure is the test half."""
    from dataclasses import replace

    from qa.evaluate.calibration import calibrate
    from qa.evaluate.run import opened
    from qa.evaluate.run import questions as chosen_questions

    if plan.index is None or plan.is_bench or plan.part:
        raise ConfigError(
            "--calibrate fits an index to questions over its own articles.",
            "Name a questions.jsonl and the index with --index, without --part.",
        )
    with opened(plan, chosen, watch) as index:
        dev = chosen_questions(replace(plan, part="dev")).questions
        index.set_calibration(calibrate(index, dev, collection=plan.collection))
    note(
        both(
            f"Fitted to {len(dev)} questions, kept in {plan.index}.", f"已用 {len(dev)} 个问题拟合，存入 {plan.index}。"
        )
    )
    return replace(plan, part="test")


def _finish(trial: Trial, against: Path | None, save: Path | None, report: Path | None) -> Comparison | None:
    from qa.evaluate import baseline
    from qa.evaluate.compare import compare

    this = baseline.baseline(trial) if against or save else None
    comparison = compare(baseline.read(against), this) if against and this else None
    if save and this:
        baseline.save(this, save)
    if report:
        from qa.evaluate import report as reports

        reports.save(reports.report(trial, comparison), report)
    return comparison


def _remember(trial: Trial, plan: Plan, chosen: Settings, seconds: float) -> None:
    """Add the run to the history of the index, where there is one: a history that cannot be written stops nothing."""
    from qa.evaluate import record
    from qa.store.location import location
    from qa.store.opening import open_existing

    collection = plan.collection if plan.index else None
    known = record.about(trial.set, trial.sha256, collection=collection, part=plan.part, sample=plan.questions)
    try:
        with closing(open_existing(location(chosen, plan.index))) as database:
            record.keep(database, trial, known, seconds)
    except NoIndexError:
        return
    except CiteqaError as error:
        warn(f"{error.message} {error.hint}")


def _payload(trial: Trial, comparison: Comparison | None) -> dict[str, object]:
    from qa.evaluate.scorecard import scorecard

    payload: dict[str, object] = scorecard(trial)
    return payload | ({"comparison": asdict(comparison)} if comparison else {})


@contextmanager
def _watch() -> Iterator[Watch]:
    """Progress on a terminal: first of indexing, then of asking."""
    from qa.evaluate.run import Watch

    def skipped(one: Skipped) -> None:
        warn(f"{one.name}: {one.reason}")

    if not sys.stderr.isatty():
        yield Watch(note, lambda done, total: None, None, skipped)
        return
    with _bar() as advance:
        yield Watch(
            note,
            lambda done, total: advance(both("asking", "提问"), done, total),
            lambda now: advance(both("indexing", "建立索引"), now.done, now.total),
            skipped,
        )


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int | None], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr, markup=False), transient=True) as bar:
        task = bar.add_task("", total=None)

        def advance(what: str, done: int, total: int | None) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield advance
