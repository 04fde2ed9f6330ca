"""Trains the reader: ``python evals/training/reader.py [--minutes 36] [--from FILE] [--out FILE] [--cache DIR]``.

The reader (``qa/retrieve/reader.py``) looks at the token vectors of a question and of a passage side by side and points
at the answer, or at nothing. It learns from questions and the paragraph that answers them, against

- other paragraphs of the same article, or those of other articles that share most with the question,
- the same paragraph without the sentence that answers,
- the same paragraph where a figure of the question is another,
- the questions of ``articles.jsonl`` and ``questions.jsonl`` that nothing answers, asked of what nearly does.

From ``articles.jsonl`` but every ninth, in all four directions; from ``questions.jsonl``, the project's own questions
in both languages on passages of NoMIRACL (only those that belong to no question of its test half) and of DRCD; and from
the training halves of DRCD (CC BY-SA 3.0) and CMRC 2018 (CC BY-SA 4.0); the last three where ``../shared/bench`` is at
hand. Needs torch. Encoding takes about fifteen minutes on two cores; ``--cache`` keeps it for the next time.
"""

from __future__ import annotations

import argparse
import math
import pickle
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from adapter import DRCD, LANGUAGES
from reading import Encoding, Item, Source, Text, articles, chinese, written
from torch import nn
from torch.nn import functional

from qa.retrieve.reader import ALIGNED, HEADS, HIDDEN, KINDS, SHIPPED, SPREADS, TYPES, VALUES, WHOLE, WIDTH, WINDOWS

LEARNING_RATE, WARM_UP_STEPS = 2e-3, 50
STEP = {"articles": 9, "none of articles": 5, "chinese": 10, "written": 20, "none of written": 10}
"""Questions of a step, by where they are from."""
CHUNK = 40
"""Pairs computed at once."""
DROPOUT, NOISE = 0.2, 0.02
"""``NOISE``: standard deviation of what is added to each number of the token vectors, lest they be learned by heart."""
GAP_SHARE, THINNED_SHARE, ALTERED_SHARE = 0.6, 0.3, 0.7
SENTENCE_END = re.compile(r"[。！？!?；;\n]|\.(?=\s)")


class Net(nn.Module):
    """The network of ``qa.retrieve.reader``, for batches; see there for what each part does."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.salience = nn.Linear(dims, HEADS)
        self.attention = nn.Linear(dims, 1)
        self.values = nn.Linear(dims, VALUES, bias=False)
        self.matched = nn.Linear(dims, WIDTH, bias=False)
        self.kinds = nn.Linear(dims, KINDS, bias=False)
        self.asked = nn.Linear(dims, TYPES * WIDTH, bias=False)
        self.given = nn.Linear(dims, WIDTH, bias=False)
        inputs = (2 * HEADS + VALUES) * len(WINDOWS) + KINDS + TYPES + WIDTH
        self.first = nn.Conv1d(inputs, HIDDEN, 3, padding=1)
        self.convolutions = nn.ModuleList(nn.Conv1d(HIDDEN, HIDDEN, 5, padding=2 * s, dilation=s) for s in SPREADS)
        self.norms = nn.ModuleList(nn.LayerNorm(HIDDEN) for _ in range(len(SPREADS) + 1))
        self.pointer = nn.Linear(HIDDEN, 1)
        self.whole_1, self.whole_2 = nn.Linear(2 * HEADS + 2 * VALUES + 1, WHOLE), nn.Linear(WHOLE, 1)
        self.whole_3 = nn.Linear(WHOLE, HIDDEN)
        self.dropout = nn.Dropout(DROPOUT)
        nn.init.zeros_(self.salience.weight)
        nn.init.zeros_(self.salience.bias)
        nn.init.constant_(self.pointer.bias, -5.0)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """[pairs, passage tokens] logits; -1e4 where there is no token."""
        real, asked = batch["real"], batch["asked"]
        passage, question = (self._blurred(batch[name]) for name in ("passage", "question"))
        similarities = torch.bmm(question, passage.transpose(1, 2)).masked_fill(~real[:, None, :], -1.0)
        salience = torch.log(batch["weights"] + 1e-9)[:, :, None] + 3 * self.salience(question)
        salience = salience.masked_fill(~asked[:, :, None], -1e4).softmax(1)
        values = self.dropout(self.values(question)) * salience[:, :, :1]

        def covered(best: torch.Tensor) -> torch.Tensor:
            linear = torch.cat([salience, values], dim=2)
            found = [
                torch.bmm(linear.transpose(1, 2), best),
                torch.bmm(salience.transpose(1, 2), best.clamp_min(0) ** 2),
            ]
            return torch.cat(found, dim=1)

        parts = [covered(functional.max_pool1d(similarities, width, stride=1, padding=width // 2)) for width in WINDOWS]
        length = torch.log1p(asked.sum(1).float())[:, None] / 3
        anywhere = covered(similarities.amax(2, keepdim=True))[:, :, 0]
        whole = gelu(self.whole_1(torch.cat([anywhere, values.sum(1), length], dim=1)))
        focus = self.attention(question)[:, :, 0].masked_fill(~asked, -1e4).softmax(1)
        wanted = self.asked((focus[:, :, None] * question).sum(1)).view(-1, TYPES, WIDTH)
        given = self.given(passage)
        shares = (ALIGNED * similarities).masked_fill(~asked[:, :, None], -1e4).softmax(1)
        matched = torch.bmm(shares.transpose(1, 2), self.matched(question))
        parts += [
            self.dropout(self.kinds(passage)).transpose(1, 2),
            torch.einsum("btk,bmk->btm", wanted, given),
            self.dropout(matched * given).transpose(1, 2),
        ]
        mask = real[:, None, :].float()
        first = self.first(torch.cat(parts, 1) * mask).transpose(1, 2) + self.whole_3(whole)[:, None, :]
        states = gelu(self.norms[0](first))
        for convolution, norm in zip(self.convolutions, list(self.norms)[1:], strict=True):
            seen = convolution((states * real[:, :, None]).transpose(1, 2)).transpose(1, 2)
            states = states + self.dropout(gelu(norm(seen)))
        return (self.pointer(states)[:, :, 0] + self.whole_2(whole)).masked_fill(~real, -1e4)

    def _blurred(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens + NOISE * torch.randn_like(tokens) if self.training else tokens


def gelu(values: torch.Tensor) -> torch.Tensor:
    return functional.gelu(values, approximate="tanh")


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and (part of) a passage. ``kept``: which passage tokens stay; ``answer``: which of them answer."""

    source: Source
    question: str
    passage: str
    group: int
    right: bool
    kept: np.ndarray | None = None
    answer: np.ndarray | None = None

    @property
    def length(self) -> int:
        held = self.source.passages[self.passage].tokens
        return len(held) if self.kept is None else int(self.kept.sum())


def collated(pairs: Sequence[Pair]) -> dict[str, torch.Tensor]:
    held = [p.source.passages[p.passage].tokens for p in pairs]
    held = [tokens if p.kept is None else tokens[p.kept] for p, tokens in zip(pairs, held, strict=True)]
    asked = [p.source.questions[p.question] for p in pairs]
    dims, most, longest = held[0].shape[1], max(map(len, held)), max(len(q.tokens) for q in asked)
    passage, question = (
        np.zeros((len(pairs), most, dims), np.float32),
        np.zeros((len(pairs), longest, dims), np.float32),
    )
    real, there = np.zeros((len(pairs), most), bool), np.zeros((len(pairs), longest), bool)
    weights = np.zeros((len(pairs), longest), np.float32)
    for i, (pair, tokens, one) in enumerate(zip(pairs, held, asked, strict=True)):
        passage[i, : len(tokens)], real[i, : len(tokens)] = tokens, True
        question[i, : len(one.tokens)], there[i, : len(one.tokens)] = one.tokens, True
        weights[i, : len(one.tokens)] = pair.source.weights(one)
    arrays = {"passage": passage, "real": real, "question": question, "asked": there, "weights": weights}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def places(passage: Text, answer: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Which tokens are the answer, and which the sentence around it; None where its words are not there."""
    start = passage.text.find(answer, passage.start) if answer else -1
    if start < 0:
        return None
    end = start + len(answer)
    ends = [match.end() for match in SENTENCE_END.finditer(passage.text)]
    first = max((e for e in ends if e <= start), default=0)
    last = min((e for e in ends if e >= end), default=len(passage.text))
    inside = (passage.spans[:, 0] < end) & (passage.spans[:, 1] > start)
    return inside, (passage.spans[:, 0] < last) & (passage.spans[:, 0] >= first)


def pairs_for(item: Item, group: int) -> Iterator[Pair]:
    """One question's part of a step, what answers first."""
    if item.gold is None:
        for name in (item.wrong[0], random.choice(item.wrong[1:])):
            yield Pair(item.source, item.question, name, group, False)
        return
    found = places(item.source.passages[item.gold], item.answer)
    kept = None
    if found is not None and random.random() < THINNED_SHARE:
        kept = thinned(found[1])
    answer = None if found is None else found[0] if kept is None else found[0][kept]
    yield Pair(item.source, item.question, item.gold, group, True, kept, answer)
    if found is not None and (~found[1]).sum() > 30 and random.random() < GAP_SHARE:
        yield Pair(item.source, item.question, item.gold, group, False, ~found[1])
    for name in random.sample(item.wrong, min(2, len(item.wrong))):
        yield Pair(item.source, item.question, name, group, False)
    if item.altered is not None and random.random() < ALTERED_SHARE:
        yield Pair(item.source, item.altered, item.gold, -1, False)


def thinned(sentence: np.ndarray) -> np.ndarray:
    """All tokens but a run outside the ``sentence`` that answers, so that a gap does not give a passage away."""
    kept = np.ones(len(sentence), bool)
    if len(sentence) > 40:
        start = random.randrange(len(sentence) - 15)
        kept[start : start + random.randrange(8, 30)] = False
    return kept | sentence


def pointed(net: Net, pairs: Sequence[Pair]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """For each pair log sum exp of all that can be pointed at but nothing, and of what should be pointed at."""
    logits = net(collated(pairs))
    for row, score, pair in zip(logits, logits.logsumexp(1), pairs, strict=True):
        if not pair.right:
            yield score, torch.zeros(())
        elif pair.answer is None or not pair.answer.any():
            yield score, score
        else:
            yield score, row[: len(pair.answer)][torch.from_numpy(pair.answer)].logsumexp(0)


def losses(net: Net, pairs: Sequence[Pair]) -> dict[str, torch.Tensor]:
    """``point``: -log of the share that the answer (or nothing) has of all that can be pointed at. ``rank``: the
    passage that answers against the others of its question."""
    # Pairs of about the same length go together, so that little is computed for padding.
    order = sorted(range(len(pairs)), key=lambda i: pairs[i].length)
    found: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
    for start in range(0, len(order), CHUNK):
        chunk = order[start : start + CHUNK]
        found.update(zip(chunk, pointed(net, [pairs[i] for i in chunk]), strict=True))
    scores = torch.stack([found[i][0] for i in range(len(pairs))])
    best = [found[i][1] for i in range(len(pairs))]
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for i, pair in enumerate(pairs):
        groups[pair.group].append(i)
    ranked = [
        functional.cross_entropy(scores[rows][None], torch.tensor([0]))
        for group, rows in groups.items()
        if group >= 0 and pairs[rows[0]].right and len(rows) > 1
    ]
    return {"point": (functional.softplus(scores) - torch.stack(best)).mean(), "rank": torch.stack(ranked).mean()}


@torch.no_grad()
def scored(net: Net, asked: Iterable[tuple[Source, str, str]]) -> np.ndarray:
    pairs = [Pair(source, question, passage, 0, False) for source, question, passage in asked]
    net.eval()
    found = [net(collated(pairs[i : i + 128])).logsumexp(1).numpy() for i in range(0, len(pairs), 128)]
    net.train()
    return np.concatenate(found)


def examined(score: Callable[[list[tuple[Source, str, str]]], np.ndarray], kept_out: Sequence[Item]) -> str:
    """Share of questions whose paragraph is put first of its article's, and AUROC of telling questions that the article
    does not answer from those it does, by direction."""
    said = []
    for ask in LANGUAGES:
        for held in LANGUAGES:
            chosen = [i for i in kept_out if i.question.endswith(ask) and i.wrong[0].endswith(held)]
            yes, no = [i for i in chosen if i.gold], [i for i in chosen if not i.gold]
            known = best_of(score, yes)
            none = best_of(score, no)
            first = np.mean([place == 0 for _, place in known])
            right = np.mean([[one > other for other, _ in none] for one, _ in known])
            said.append(f"{ask}-{held} {first:.3f} {right:.3f}")
    return "  ".join(said)


def best_of(
    score: Callable[[list[tuple[Source, str, str]]], np.ndarray], items: Sequence[Item]
) -> list[tuple[float, int]]:
    """The best score that any of an item's passages has, and its place among them (0: the one that answers)."""
    names = [[i.gold, *i.wrong] if i.gold else list(i.wrong) for i in items]
    scores = score([(i.source, i.question, n) for i, some in zip(items, names, strict=True) for n in some])
    parts = np.split(scores, np.cumsum([len(some) for some in names])[:-1])
    return [(float(each.max()), int(each.argmax())) for each in parts]


def late(asked: list[tuple[Source, str, str]]) -> np.ndarray:
    """The same by late interaction (squared matches), to compare with."""
    found = []
    for source, name, passage in asked:
        question = source.questions[name]
        best = (question.tokens.astype(np.float32) @ source.passages[passage].tokens.astype(np.float32).T).max(1)
        found.append(float(source.weights(question) @ np.maximum(best, 0) ** 2))
    return np.array(found)


@dataclass(frozen=True, slots=True)
class Material:
    """What is trained on, by the names of ``STEP``, and what is kept out of it, by source."""

    fingerprint: str
    dims: int
    trained: dict[str, list[Item]]
    kept_out: dict[str, list[Item]]


def gathered(cache: Path | None) -> Material:
    """Everything encoded, or what ``cache`` holds of it."""
    path = cache / "reader.pkl" if cache else None
    if path and path.is_file():
        with path.open("rb") as file:
            kept: Material = pickle.load(file)
        return kept
    encoding = Encoding()
    trained, kept_out = articles(encoding)
    more, kept_out_more = written(encoding)
    asked = [item for name in ("drcd", "cmrc2018") for item in chinese(encoding, DRCD.with_name(name))]
    found = Material(
        encoding.statistics.fingerprint,
        encoding.statistics.projection.shape[1],
        {
            "articles": [i for i in trained if i.gold],
            "none of articles": [i for i in trained if not i.gold],
            "chinese": asked,
            "written": [i for i in more if i.gold],
            "none of written": [i for i in more if not i.gold],
        },
        {"articles": kept_out, "written": kept_out_more},
    )
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            pickle.dump(found, file, protocol=5)
    return found


def step_of(material: Material) -> list[Item]:
    """Questions of one step; fewer where a source is not at hand."""
    return [
        i
        for name, size in STEP.items()
        for i in random.sample(material.trained[name], min(size, len(material.trained[name])))
    ]


def train(minutes: float, out: Path, cache: Path | None, begin: Path | None) -> None:
    """Train for a while, from chance or from the weights of ``begin``, and write the reader's weights."""
    material = gathered(cache)
    tell("questions: " + ", ".join(f"{name} {len(items)}" for name, items in material.trained.items()))

    def show(score: Callable[[list[tuple[Source, str, str]]], np.ndarray]) -> None:
        for name, items in material.kept_out.items():
            if items:
                tell(f"{name}: {examined(score, items)}")

    show(late)
    net = Net(material.dims)
    if begin:
        with np.load(begin, allow_pickle=False) as file:
            net.load_state_dict({name: torch.from_numpy(file[name].astype(np.float32)) for name in net.state_dict()})
    highest = LEARNING_RATE / 2 if begin else LEARNING_RATE
    optimiser = torch.optim.AdamW(net.parameters(), lr=highest, weight_decay=0.02)
    began, step, shown = time.monotonic(), 0, 0.2
    recent: defaultdict[str, list[float]] = defaultdict(list)
    while (share := (time.monotonic() - began) / (60 * minutes)) < 1:
        rate = highest * min(1.0, (step + 1) / WARM_UP_STEPS) * 0.5 * (1 + math.cos(math.pi * share))
        optimiser.param_groups[0]["lr"] = rate
        batch = step_of(material)
        found = losses(net, [pair for group, item in enumerate(batch) for pair in pairs_for(item, group)])
        optimiser.zero_grad()
        torch.stack(list(found.values())).sum().backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        step += 1
        for name, loss in found.items():
            recent[name].append(loss.item())
        if step % 50 == 0:
            tell(f"step {step}, {share:.0%}: " + "  ".join(f"{n} {np.mean(v[-50:]):.3f}" for n, v in recent.items()))
        if share > shown:
            shown += 0.2
            show(lambda wanted: scored(net, wanted))
    show(lambda wanted: scored(net, wanted))
    arrays = {name: value.detach().half().numpy() for name, value in net.state_dict().items()}
    np.savez_compressed(out, statistics=np.array(material.fingerprint), **arrays)
    print(f"{out}: {step} steps, {out.stat().st_size} bytes")


def tell(said: str) -> None:
    print(said, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=36, help="how long to train (two cores)")
    parser.add_argument("--from", dest="begin", type=Path, help="weights to go on with, at half the learning rate")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="file to write")
    parser.add_argument("--cache", type=Path, help="folder that keeps what was encoded")
    chosen = parser.parse_args()
    random.seed(0)
    torch.manual_seed(0)
    train(chosen.minutes, chosen.out, chosen.cache, chosen.begin)


if __name__ == "__main__":
    main()
