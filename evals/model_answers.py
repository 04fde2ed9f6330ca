"""Measure answers that a model writes: how soon they come, how much of them is verified, what is cited.

    python evals/model_answers.py --small                     the small model of the extra `model-test`
    QA_MODEL_BASE_URL=... QA_MODEL_NAME=... python evals/model_answers.py

Prints every sentence that came out as supported with what it cites, for a reader to judge (precision), every one that
did not with the reason (recall), and the times. Each question is also answered in quotes, in the same run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from qa.answer.extract import Piece
from qa.config import Settings
from qa.config import settings as read_settings
from qa.evaluate import run
from qa.evaluate.answers import holds, share
from qa.evaluate.dataset import Question
from qa.index import Index
from qa.types import Answer, Generator

SMALL = Path("tests/answer/small_model.py")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="start the small model of the extra `model-test`")
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--top-k", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=60.0)
    parser.add_argument("--max-tokens", type=int, default=-1, help="the small model writes at most so many")
    chosen = parser.parse_args()
    settings = read_settings().model_copy(update={"model_timeout": chosen.timeout})
    if not chosen.small:
        measure(settings, chosen.questions, chosen.top_k)
        return
    with small(chosen.max_tokens) as address:
        measure(settings.model_copy(update={"model_base_url": address}), chosen.questions, chosen.top_k)


@contextmanager
def small(max_tokens: int) -> Iterator[str]:
    """The address of the small model, which runs meanwhile."""
    with TemporaryDirectory() as directory:
        server = subprocess.Popen(
            [sys.executable, str(SMALL), directory, str(max_tokens)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip() + "/v1"
        finally:
            server.stdin.close()
            server.wait(30)


def measure(settings: Settings, size: int, top_k: int) -> None:
    plan = run.Plan(questions=size)
    watch = run.Watch(lambda text: print(text, file=sys.stderr), lambda done, total: None, None, lambda skipped: None)
    asked = [question for question in run.questions(plan).questions if question.answerable]
    with run.opened(plan, settings, watch) as index:
        index.ask(asked[0].text)
        rows = [(question, *timed(index, question, "model", top_k)) for question in asked]
        quoted = [timed(index, question, "extractive", top_k) for question in asked]
    for question, answer, _, _ in rows:
        tell(question, answer)
    told("model", [(question, answer) for question, answer, _, _ in rows], [row[2:] for row in rows])
    told("in quotes", [(q, one[0]) for q, one in zip(asked, quoted, strict=True)], [one[1:] for one in quoted])


def timed(index: Index, question: Question, generator: Generator, top_k: int) -> tuple[Answer, float, float]:
    """An answer, and the milliseconds until its first text and until its end."""
    began = perf_counter()
    first = 0.0
    events = index.ask_events(question.text, history=question.history, generator=generator, top_k=top_k)
    for event in events:
        if isinstance(event, Piece) and not first:
            first = (perf_counter() - began) * 1000
        if isinstance(event, Answer):
            return event, first, (perf_counter() - began) * 1000
    raise AssertionError("an answer ends with itself")


def tell(question: Question, answer: Answer) -> None:
    print(f"\n{question.id} [{answer.generator}] {question.text}", *answer.warnings, sep="\n   ! ")
    if answer.generator != "model":
        return
    quotes = {hit.rank: hit.citation for hit in answer.hits}
    for sentence in answer.sentences:
        print(f"   {'SUPPORTED' if sentence.supported else 'not'} {sentence.text} {sentence.problem or ''}")
        for place in sentence.quote_spans:
            cited = quotes[place.citation]
            print(f"      [{place.citation}] {cited.quote[place.start - cited.start : place.end - cited.start]}")


def told(name: str, rows: Sequence[tuple[Question, Answer]], times: Sequence[tuple[float, float]]) -> None:
    sentences = [s for _, answer in rows if answer.generator == "model" for s in answer.sentences]
    first, whole = (median(one[place] for one in times) for place in (0, 1))
    print(f"\n{name}: {len(rows)} questions, first text {first:.0f} ms, whole answer {whole:.0f} ms (medians)")
    print(f"  holds the gold fact {share([holds(question, answer.answer) for question, answer in rows]):.3f}")
    print(f"  written by the model {share([answer.generator == 'model' for _, answer in rows]):.3f} of the answers")
    print(f"  {sum(s.supported for s in sentences)} of {len(sentences)} sentences that were shown are supported")


if __name__ == "__main__":
    main()
