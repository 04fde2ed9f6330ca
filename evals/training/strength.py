"""How much of an adapter to merge: ``python evals/training/strength.py [--adapter FILE] [--others 300]``.

Late interaction of the last and the eighth layer over what no training step sees, for several strengths: the articles
of ``adapter.articles_held_out`` with some others as rivals, and the passages of ``written.kept_out`` among themselves.
hit@1 and nDCG@10 of each direction, and for the passages the AUROC of answered questions against near misses. In
float32, centred by the means of the passages and of the questions at hand, tokens weighed as in training; windows,
words and dictionary play no part.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from adapter import LANGUAGES, Batch, Losses, Trainee, articles_held_out, read_articles
from torch.nn import functional
from written import asked_passages, kept_out

from qa.encode import adapter as shipped

STRENGTHS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
AT_ONCE = 16
Floats = npt.NDArray[np.float32]


def encoded(trainee: Trainee, texts: Sequence[str], prompt: str) -> list[Batch]:
    """Batches of texts, centred by the mean of all of them."""
    with torch.no_grad():
        batches = [trainee.encode(texts[at : at + AT_ONCE], prompt) for at in range(0, len(texts), AT_ONCE)]
    mean = torch.cat([batch.tokens[batch.kept] for batch in batches]).mean(0)
    return [
        Batch(batch.vectors, functional.normalize(batch.tokens - mean, dim=-1), batch.kept, batch.ids)
        for batch in batches
    ]


def late(losses: Losses, questions: Sequence[Batch], passages: Sequence[Batch]) -> Floats:
    """[questions, passages] late-interaction scores."""
    tokens = torch.cat([batch.tokens[batch.kept] for batch in passages])
    ends = torch.cumsum(torch.cat([batch.kept.sum(1) for batch in passages]), 0)[:-1].numpy()
    starts = np.concatenate([[0], ends])
    scores = []
    for batch in questions:
        for row, weights in enumerate(losses._weights(batch)):
            similar = (batch.tokens[row][batch.kept[row]] @ tokens.T).numpy()
            scores.append(weights[batch.kept[row]].numpy() @ np.maximum.reduceat(similar, starts, axis=1))
    return np.array(scores, np.float32)


def figures(scores: Floats, gold: npt.NDArray[np.int64]) -> tuple[float, float]:
    """hit@1 and nDCG@10 with one right passage a question."""
    ranks = (scores > scores[np.arange(len(gold)), gold][:, None]).sum(axis=1)
    return float((ranks == 0).mean()), float(np.where(ranks < 10, 1 / np.log2(ranks + 2), 0).mean())


class Measured:
    """Passages and questions by language, the right passage of each question (the first questions have one), and the
    directions that are measured."""

    def __init__(
        self, passages: dict[str, list[str]], questions: dict[str, dict[str, list[str]]], gold: dict[str, list[int]]
    ) -> None:
        self._passages, self._questions, self._gold = passages, questions, gold

    def cells(self, trainee: Trainee, losses: Losses) -> dict[str, tuple[float, float, float]]:
        """hit@1, nDCG@10 and AUROC (nan without near misses) by direction."""
        found = {}
        for held, texts in self._passages.items():
            passages = encoded(trainee, texts, "passage: ")
            gold = np.array(self._gold[held])
            for ask, asked in self._questions[held].items():
                scores = late(losses, encoded(trainee, asked, "query: "), passages)
                best = scores.max(axis=1)
                right, wrong = best[: len(gold)], best[len(gold) :]
                auroc = float((right[:, None] > wrong[None, :]).mean()) if len(wrong) else math.nan
                found[f"{ask}-{held}"] = (*figures(scores[: len(gold)], gold), auroc)
        return found


def of_articles(articles: Sequence[dict[str, Any]], others: int) -> Measured:
    asked = articles_held_out(articles)
    known = [p for article in articles if article not in asked for p in article["paragraphs"]]
    own = [p for article in asked for p in article["paragraphs"]]
    paragraphs: list[dict[str, Any]] = own + random.Random(0).sample(known, min(others, len(known)))
    gold = [place for place, paragraph in enumerate(own) for _ in paragraph["questions"]]
    questions = {la: [q[la] for p in own for q in p["questions"]] for la in LANGUAGES}
    return Measured(
        {la: [p[la] for p in paragraphs] for la in LANGUAGES},
        dict.fromkeys(LANGUAGES, questions),
        dict.fromkeys(LANGUAGES, gold),
    )


def of_written() -> Measured:
    held: dict[str, list[dict[str, str]]] = {la: [] for la in LANGUAGES}
    for name, language, passages in asked_passages():
        held[language] += passages if kept_out(name) else []
    asked = {
        la: {ask: [p[ask] for p in rows] + [p[f"none_{ask}"] for p in rows] for ask in LANGUAGES}
        for la, rows in held.items()
    }
    gold = {la: list(range(len(rows))) for la, rows in held.items()}
    return Measured({la: [f"{p['title']}\n{p['text']}" for p in rows] for la, rows in held.items()}, asked, gold)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", type=Path, default=shipped.SHIPPED)
    parser.add_argument("--others", type=int, default=300, help="paragraphs of other articles, as rivals")
    parser.add_argument("--strengths", type=float, nargs="+", default=STRENGTHS)
    chosen = parser.parse_args()
    articles = read_articles()
    sets = {"articles": of_articles(articles, chosen.others), "passages": of_written()}
    trainee = Trainee()
    trainee.load(chosen.adapter)
    losses = Losses(trainee, articles)
    matrices = {name: change.B.data.clone() for name, change in trainee.changes.items()}
    print("direction, hit@1, nDCG@10, AUROC")
    for strength in chosen.strengths:
        for name, change in trainee.changes.items():
            change.B.data = matrices[name] * strength
        for name, measured in sets.items():
            found = measured.cells(trainee, losses)
            shown = "  ".join(f"{cell} {' '.join(f'{value:.3f}' for value in row)}" for cell, row in found.items())
            mean = np.mean([row[1] for row in found.values()])
            print(f"{strength:.1f} {name}  {shown}  mean nDCG@10 {mean:.4f}", flush=True)


if __name__ == "__main__":
    main()
