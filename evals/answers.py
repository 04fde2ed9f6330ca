"""Measure answers in quotes, with no model.

    python evals/answers.py                                   the shipped questions over the shipped articles
    python evals/answers.py ../shared/bench/cmrc2018          gold spans: character F1
    python evals/answers.py ../shared/bench/lareqa            gold sentences: is the first sentence of the answer it?

Every figure is of `Index.ask` as it ships. "quoted" is what the answer would be were no question refused: what the
threshold costs is the difference.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from qa.answer.ask import Found, doubt, extracted
from qa.answer.extract import Composed
from qa.config import Settings
from qa.config import settings as read_settings
from qa.evaluate import bench as benches
from qa.evaluate import run
from qa.evaluate.answers import character_f1, holds, share
from qa.evaluate.dataset import Question, part
from qa.evaluate.scratch import scratch
from qa.index import Index
from qa.ingest.normalise import normalise_query
from qa.types import Filters, Metadata, Source

OWN = Path("evals/questions.jsonl")
SAMPLE = 500
"""Questions of a bench that are asked unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Row:
    """One question of one's own set. ``right``: as asked, a refusal being wrong. ``quoted``: were nothing refused.
    ``doubted``: the answer says that something the question takes for granted stands in no passage."""

    question: Question
    answered: bool
    right: bool
    quoted: bool
    found: bool
    doubted: bool
    sentences: int
    characters: int
    search_ms: float
    ask_ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path, nargs="?", default=OWN)
    parser.add_argument("--questions", type=int, default=SAMPLE, help="of a bench, ask about so many")
    parser.add_argument("--part", choices=["dev", "test"], help="of one's own set, only this half")
    parser.add_argument("--wrong", action="store_true", help="print every question that is answered wrong")
    chosen = parser.parse_args()
    if chosen.set.name == "lareqa":
        sentences(chosen.set, chosen.questions)
    elif chosen.set.is_dir():
        spans(chosen.set, chosen.questions, chosen.wrong)
    else:
        own(chosen.set, chosen.part, chosen.wrong)


def own(path: Path, half: str | None, wrong: bool) -> None:
    plan = run.Plan(path)
    with run.opened(plan, read_settings(), watch()) as index:
        asked = [q for q in run.questions(plan).questions if half in (None, part(q.need))]
        index.ask(asked[0].text)
        rows = [row(index, question, wrong) for question in asked]
    answerable = [one for one in rows if one.question.answerable]
    print(f"{'answerable':22} {'n':>4} {'right':>6} {'quoted':>6} {'found':>6} {'doubt':>6} {'sent.':>6} {'chars':>6}")
    for name, some in groups(answerable).items():
        figures = (share([getattr(one, f) for one in some]) for f in ("right", "quoted", "found", "doubted"))
        given = [one for one in some if one.sentences]
        length = (share([one.sentences for one in given]), share([one.characters for one in given]))
        cells = " ".join(f"{figure:6.3f}" for figure in figures)
        print(f"{name:22} {len(some):4} {cells} {length[0]:6.2f} {length[1]:6.0f}")
    print(f"\n{'unanswerable':22} {'n':>4} {'refused':>7} {'or doubted':>10}")
    for name, some in groups([one for one in rows if not one.question.answerable]).items():
        warned = share([not one.answered or one.doubted for one in some])
        print(f"{name:22} {len(some):4} {share([not one.answered for one in some]):7.3f} {warned:10.3f}")
    searched, answered = (median(getattr(one, f) for one in rows) for f in ("search_ms", "ask_ms"))
    print(f"\np50 in one run: search {searched:.1f} ms, answer in quotes {answered:.1f} ms (search included)")


def row(index: Index, question: Question, wrong: bool) -> Row:
    """Search and answer in turns, so that both see the same machine."""
    searched = index.search(question.asked)
    found = next(e for e in index.ask_events(question.text, history=question.history) if isinstance(e, Found))
    answer = index.ask(question.text, history=question.history)
    forced = quoted(index, found)
    one = Row(
        question,
        answer.answerable,
        holds(question, answer.answer) and answer.answerable,
        holds(question, forced.text),
        holds(question, " ".join(hit.text for hit in found.hits)),
        bool(doubt(found)),
        len(forced.sentences),
        sum(len(sentence.text) for sentence in forced.sentences),
        searched.took_ms.total,
        answer.took_ms.total,
    )
    if wrong and question.answerable and not one.quoted:
        tell(question, forced, found)
    return one


def quoted(index: Index, found: Found) -> Composed:
    """The answer to a question as if it had not been refused."""
    from dataclasses import replace

    return extracted(replace(found, answerable=True), index.store.snapshot("default"), index.encoder)


def tell(question: Question, composed: Composed, found: Found) -> None:
    print(f"\n{question.id} {question.kinds} {question.text}\n   wanted {question.answers}")
    for sentence in composed.sentences:
        print(f"   said {sentence.citations} {sentence.text}")
    for hit in found.hits:
        held = [answer for answer in question.answers if answer in hit.text]
        print(f"   {hit.rank} {hit.score:.2f} {'holds ' + str(held) if held else 'does not'}: {hit.text[:60]}")


def groups(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """By language, half and kind."""
    found: dict[str, list[Row]] = defaultdict(list)
    for one in rows:
        language, half = one.question.language, part(one.question.need)
        for name in ("all", half, language, f"{language} {half}"):
            found[name].append(one)
        for kind in one.question.kinds:
            found[f"kind {kind}"].append(one)
            if kind in ("comparison", "premise"):
                found[f"kind {kind} {half}"].append(one)
    return dict(sorted(found.items()))


def spans(folder: Path, size: int, wrong: bool) -> None:
    """Character F1 of the answering words (highlights of the quoted sentences), and of the sentences themselves."""
    plan = run.Plan(folder, questions=size)
    with run.benched(plan, read_settings(), watch()) as (index, bench):
        index.ask(bench.queries[0].text)
        rows = [span_row(index, query, wrong) for query in bench.queries]
    names = ("sentence holds a gold span", "F1 of the answering words", "F1 of the sentences", "sentences", "answered")
    print(f"{bench.name}: {len(rows)} questions, {len(bench.articles)} articles")
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        print(f"{name:28} {share(values):.3f}")


def span_row(index: Index, query: benches.Query, wrong: bool) -> tuple[float, ...]:
    found = next(e for e in index.ask_events(query.text) if isinstance(e, Found))
    composed = quoted(index, found)
    said = "".join(sentence.text for sentence in composed.sentences)
    words = answering_words(composed)
    held = any(normalise_query(gold) in normalise_query(said) for gold in query.answers)
    if wrong:
        print(f"{query.text} | wanted {query.answers[:1]} | words {words} | said {said[:120]}")
    return (
        float(held),
        character_f1(words, query.answers),
        character_f1(said, query.answers),
        float(len(composed.sentences)),
        float(found.answerable),
    )


def answering_words(composed: Composed) -> str:
    """What is highlighted inside the first sentence of an answer."""
    if not composed.sentences or not composed.sentences[0].quote_spans:
        return ""
    place = composed.sentences[0].quote_spans[0]
    cited = next(hit.citation for hit in composed.hits if hit.rank == place.citation)
    inside = [(a, b) for a, b in cited.highlights if place.start <= a and b <= place.end]
    return " ".join(cited.quote[a - cited.start : b - cited.start] for a, b in inside)


def sentences(folder: Path, size: int) -> None:
    """The sentences of a paragraph make one article; the gold sentence is to be the first that is quoted."""
    bench = benches.load(folder)
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").read_text("utf-8").splitlines()]
    paragraph = {one["id"]: one["context_id"] for one in rows}
    text = {one["id"]: one["text"] for one in rows}
    kept = set(benches.only_sample(bench.queries, size))
    with paragraphs(rows, read_settings()) as index:
        for direction in bench.directions:
            if direction.passage is None:
                continue
            right = {"first": [], "any": [], "passage": []}  # type: dict[str, list[bool]]
            for query in (query for query in bench.queries if query in kept):
                judged = direction.judgements.get(query.id, {})
                if not judged or query.language != direction.question:
                    continue
                filters = Filters(language=direction.passage)
                found = next(e for e in index.ask_events(query.text, filters=filters) if isinstance(e, Found))
                said = [sentence.text for sentence in quoted(index, found).sentences]
                right["first"].append(any(overlaps(text[gold], said[:1]) for gold in judged))
                right["any"].append(any(overlaps(text[gold], said) for gold in judged))
                names = {each.document.name for each in found.evidence[:1]}
                right["passage"].append(any(paragraph[gold] in names for gold in judged))
            cell = f"{direction.question}-{direction.passage}"
            told = ", ".join(f"{name} {share(values):.3f}" for name, values in right.items())
            print(f"{cell} ({len(right['first'])} questions): gold sentence {told}")


@contextmanager
def paragraphs(rows: Sequence[dict[str, str]], settings: Settings) -> Iterator[Index]:
    """An index of the paragraphs that sentences belong to."""
    whole: dict[str, list[dict[str, str]]] = defaultdict(list)
    for one in rows:
        whole[one["context_id"]].append(one)

    def fill(index: Index) -> None:
        index.ingest_sources(source(name, some) for name, some in whole.items())

    with scratch(f"paragraphs {sorted(text['text'] for text in rows)}", fill, settings, watch().said) as index:
        yield index


def source(name: str, some: Sequence[dict[str, str]]) -> Source:
    text = ("" if some[0]["lang"] == "zh" else " ").join(one["text"] for one in some)
    return Source(name, "text", text, name, Metadata(""), locator=name)


def overlaps(gold: str, said: Sequence[str]) -> bool:
    """Whether one of the sentences is the gold one: at least half of the longer of the two in common."""
    return any(character_f1(sentence, [gold]) > 0.8 or gold in sentence for sentence in said)


def watch() -> run.Watch:
    def said(text: str) -> None:
        print(text, file=sys.stderr)

    return run.Watch(said, lambda done, total: None, None, lambda skipped: said(f"{skipped.name}: {skipped.reason}"))


if __name__ == "__main__":
    main()
