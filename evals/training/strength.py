"""How much of the adapter to merge: ``python evals/training/strength.py [--adapter FILE] [--others 300]``.

Late interaction of the last and the eighth layer over the articles that no training step sees (``adapter.held_out``)
and some others as rivals, for several strengths: hit@1 and nDCG@10 of each direction. In float32, centred by the means
of the passages and of the questions at hand, tokens weighed as in training; windows, words and dictionary play no part.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from adapter import LANGUAGES, Batch, Losses, Trainee, held_out, read_articles
from torch.nn import functional

from qa.encode import adapter as shipped

STRENGTHS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
AT_ONCE = 16
Floats = npt.NDArray[np.float32]


def load(trainee: Trainee, path: Path) -> dict[str, torch.Tensor]:
    """Take over the matrices of an adapter; the upper ones are handed back, to be scaled."""
    with np.load(path, allow_pickle=False) as file:
        for name, change in trainee.changes.items():
            change.A.data = torch.from_numpy(file[f"{name}.A"].astype(np.float32))
            change.B.data = torch.from_numpy(file[f"{name}.B"].astype(np.float32))
    return {name: change.B.data.clone() for name, change in trainee.changes.items()}


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", type=Path, default=shipped.SHIPPED)
    parser.add_argument("--others", type=int, default=300, help="paragraphs of other articles, as rivals")
    chosen = parser.parse_args()
    articles = read_articles()
    asked = held_out(articles)
    known = [p for article in articles if article not in asked for p in article["paragraphs"]]
    own = [p for article in asked for p in article["paragraphs"]]
    paragraphs: list[dict[str, Any]] = own + random.Random(0).sample(known, min(chosen.others, len(known)))
    gold = np.array([place for place, paragraph in enumerate(own) for _ in paragraph["questions"]])
    trainee = Trainee()
    losses, matrices = Losses(trainee, articles), load(trainee, chosen.adapter)
    print(f"{len(gold)} questions, {len(paragraphs)} paragraphs a language; hit@1 nDCG@10")
    for strength in STRENGTHS:
        for name, change in trainee.changes.items():
            change.B.data = matrices[name] * strength
        held = {la: encoded(trainee, [p[la] for p in paragraphs], "passage: ") for la in LANGUAGES}
        questions = {la: encoded(trainee, [q[la] for p in own for q in p["questions"]], "query: ") for la in LANGUAGES}
        found = {f"{a}-{b}": figures(late(losses, questions[a], held[b]), gold) for a in LANGUAGES for b in LANGUAGES}
        mean = np.mean([ndcg for _, ndcg in found.values()])
        cells = "  ".join(f"{cell} {hit:.3f} {ndcg:.3f}" for cell, (hit, ndcg) in found.items())
        print(f"{strength:.1f}  {cells}  mean nDCG {mean:.4f}", flush=True)


if __name__ == "__main__":
    main()
