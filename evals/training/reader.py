"""Trains the reader: ``python evals/training/reader.py [--minutes 14] [--out FILE] [--cache DIR]``.

The reader (``qa/retrieve/reader.py``) looks at the token vectors of a question and of a passage side by side and points
at the answer, or at nothing. It learns from questions and the paragraph that answers them, against

- other paragraphs of the same article, or those of other articles that share most with the question,
- the same paragraph without the sentence that answers,
- the same paragraph where a figure of the question is another,
- the questions of ``articles.jsonl`` that nothing answers, which are asked of the paragraph that nearly does.

From ``articles.jsonl`` but every ninth, in all four directions, and from the training halves of DRCD (CC BY-SA 3.0) and
CMRC 2018 (CC BY-SA 4.0) in ``../shared/bench`` where they are at hand. Needs torch. Encoding takes about ten minutes on
two cores; ``--cache`` keeps it for the next time.
"""

from __future__ import annotations

import argparse
import json
import math
import pickle
import random
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from adapter import DRCD, HELD_OUT_EVERY, HERE, LANGUAGES, for_training, simplified
from torch import nn
from torch.nn import functional

from qa.config import settings
from qa.encode.centring import Statistics, centre_tokens
from qa.encode.encoder import Encoder
from qa.encode.language import detect
from qa.encode.load import load, statistics_for
from qa.evaluate.dataset import part
from qa.ingest.normalise import normalise_query
from qa.ingest.pipeline import encoded_text
from qa.retrieve.late import token_weights
from qa.retrieve.reader import HEADS, HIDDEN, KINDS, SHIPPED, SPREADS, TYPES, WIDTH, WINDOWS
from qa.store.tokens import TokenCodec

PIECE_CHARS = 330
LEARNING_RATE, WARM_UP_STEPS = 2e-3, 50
OWN, NEAR_MISSES, CHINESE = 16, 8, 18
"""Questions of a step: of the articles, of those without an answer, of DRCD and CMRC 2018."""
DROPOUT, NOISE = 0.2, 0.02
"""``NOISE``: standard deviation of what is added to each number of the token vectors, lest they be learned by heart."""
GAP_SHARE, THINNED_SHARE, ALTERED_SHARE = 0.6, 0.3, 0.7
SENTENCE_END = re.compile(r"[。！？!?；;\n]|\.(?=\s)")
FIGURE = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Text:
    """An encoded text: ``tokens`` [n, late dims] as they are kept in an index, ``ids`` [n], the place of each token in
    ``text``; the passage itself starts at ``start``, after its title."""

    tokens: np.ndarray
    ids: np.ndarray
    spans: np.ndarray
    text: str
    start: int


class Source:
    """Passages and questions of one set, encoded."""

    def __init__(self, passages: dict[str, Text], questions: dict[str, Text]) -> None:
        self.passages, self.questions = passages, questions
        self._frequency = Counter(i for held in passages.values() for i in set(held.ids.tolist()))

    def weights(self, question: Text) -> np.ndarray:
        frequency = np.array([self._frequency.get(i, 0) for i in question.ids.tolist()], np.int64)
        return token_weights(frequency, len(self.passages))


@dataclass(frozen=True, slots=True)
class Item:
    """A question, the passage that answers it with the answer's words, and passages that do not. ``gold`` is None where
    nothing answers; ``altered`` is the same question with another figure."""

    source: Source
    question: str
    gold: str | None
    answer: str
    wrong: tuple[str, ...]
    altered: str | None = None


class Encoding:
    """Encodes texts as the product does, token vectors rounded to 4 bits."""

    def __init__(self) -> None:
        self._encoder: Encoder = load(settings())
        self.statistics: Statistics = statistics_for(self._encoder, settings())
        self._codec = TokenCodec(self.statistics.low, self.statistics.high)

    def passages(self, wanted: dict[str, tuple[str, str, str]]) -> dict[str, Text]:
        """``wanted``: title, text and language by name."""
        order = sorted(wanted, key=lambda name: len(wanted[name][1]))
        full = {n: encoded_text(simplified(wanted[n][0]), None, simplified(wanted[n][1])) for n in order}
        found = {}
        for batch in batches(order):
            for name, encoded in zip(batch, self._encoder.encode_passages([full[n] for n in batch]), strict=True):
                tokens = centre_tokens(self.statistics, encoded.tokens, wanted[name][2], "passage")  # type: ignore[arg-type]
                spans = np.array(self._encoder.token_offsets(full[name])[: len(tokens)], np.int32).reshape(-1, 2)
                start = len(full[name]) - len(simplified(wanted[name][1]))
                found[name] = Text(self._rounded(tokens), encoded.token_ids, spans, full[name], start)
        return found

    def questions(self, wanted: dict[str, str]) -> dict[str, Text]:
        found = {}
        texts = {name: normalise_query(text) for name, text in wanted.items()}
        for batch in batches(list(texts)):
            for name, encoded in zip(batch, self._encoder.encode_queries([texts[n] for n in batch]), strict=True):
                tokens = centre_tokens(self.statistics, encoded.tokens, detect(texts[name]), "query")
                found[name] = Text(
                    tokens.astype(np.float16), encoded.token_ids, np.zeros((0, 2), np.int32), texts[name], 0
                )
        return found

    def _rounded(self, tokens: np.ndarray) -> np.ndarray:
        rounded: np.ndarray = self._codec.decode(self._codec.encode(tokens)).astype(np.float16)
        return rounded


def batches(names: Sequence[str], size: int = 64) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def pieces(text: str) -> list[str]:
    """Sentences put together to about the length of the product's passages."""
    found, held = [], ""
    for sentence in re.findall(r"[^。！？!?\n]*[。！？!?\n]*", text):
        if held and len(held) + len(sentence) > PIECE_CHARS:
            found.append(held)
            held = ""
        held += sentence
    return [piece for piece in [*found, held] if piece.strip()]


def altered(question: str, passage: str) -> str | None:
    """The question with a figure changed to one that the passage does not hold; None where it has none."""
    figures = [match for match in FIGURE.finditer(question) if len(match.group()) < 7]
    if not figures:
        return None
    chosen = random.choice(figures)
    for _ in range(20):
        value = int(chosen.group()) + random.choice([-3, -2, -1, 1, 2, 3, 5, 10])
        if value > 0 and str(value) not in passage:
            return question[: chosen.start()] + str(value) + question[chosen.end() :]
    return None


def articles(encoding: Encoding) -> tuple[list[Item], list[Item]]:
    """Items to train on and items kept out, of the project's own articles."""
    passages, asked, drafts = {}, {}, []
    for place, article in enumerate(read(HERE / "articles.jsonl")):
        for number, paragraph in enumerate(article["paragraphs"]):
            for held in LANGUAGES:
                passages[f"{article['id']}.{number}.{held}"] = (article[f"title_{held}"], paragraph[held], held)
            for order, question in enumerate([*paragraph["questions"], paragraph["unanswerable"]]):
                for ask in LANGUAGES:
                    name = f"{article['id']}.{number}.{order}.{ask}"
                    asked[name] = question[ask]
                    other = altered(simplified(question[ask]), paragraph["zh"] + paragraph["en"])
                    if other and "answer_zh" in question:
                        asked[f"{name}!"] = other
                    drafts.append((place, article["id"], number, len(article["paragraphs"]), question, name))
    source = Source(encoding.passages(passages), encoding.questions(asked))
    found: tuple[list[Item], list[Item]] = ([], [])
    for place, identity, number, count, question, name in drafts:
        for held in LANGUAGES:
            own = f"{identity}.{number}.{held}"
            others = tuple(f"{identity}.{other}.{held}" for other in range(count) if other != number)
            kept_out = place % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
            if "answer_zh" not in question:
                found[kept_out].append(Item(source, name, None, "", (own, *others)))
            else:
                other_name = f"{name}!" if f"{name}!" in asked else None
                found[kept_out].append(
                    Item(source, name, own, simplified(question[f"answer_{held}"]), others, other_name)
                )
    return found


def chinese(encoding: Encoding, folder: Path) -> list[Item]:
    """Training items of DRCD or CMRC 2018."""
    if not folder.is_dir():
        return []
    rows = {row["id"]: row for row in read(folder / "corpus.jsonl")}
    gold = dict(line.split("\t")[:2] for line in (folder / "qrels.tsv").read_text("utf-8").splitlines())
    titles: defaultdict[str, list[str]] = defaultdict(list)
    parts: defaultdict[str, list[str]] = defaultdict(list)
    passages, asked = {}, {}
    for row in rows.values():
        titles[row["title"] or row["id"]].append(row["id"])
        for number, piece in enumerate(pieces(row["text"])):
            name = f"{row['id']}#{number}"
            parts[row["id"]].append(name)
            passages[name] = (row["title"], piece, "zh")
    wanted = [row for row in read(folder / "queries.jsonl") if _for_training(row, rows.get(gold.get(row["id"], "")))]
    for row in wanted:
        asked[row["id"]] = row["text"]
        other = altered(simplified(row["text"]), rows[gold[row["id"]]]["text"])
        if other:
            asked[f"{row['id']}!"] = other
    source = Source(encoding.passages(passages), encoding.questions(asked))
    grams = {name: pairs_of(text.text) for name, text in source.passages.items()}
    return list(_chinese_items(source, wanted, gold, {"titles": titles, "parts": parts}, grams))


def _chinese_items(
    source: Source,
    wanted: Sequence[dict[str, Any]],
    gold: dict[str, str],
    names: dict[str, defaultdict[str, list[str]]],
    grams: dict[str, set[str]],
) -> Iterator[Item]:
    everything = sorted(source.passages)
    for row in wanted:
        answer, mine = simplified(row["answers"][0]), pairs_of(source.questions[row["id"]].text)
        home = [n for n in names["parts"][gold[row["id"]]] if answer in source.passages[n].text]
        if not home:
            continue
        best = max(home, key=lambda name: len(mine & grams[name]))
        siblings = next((held for held in names["titles"].values() if gold[row["id"]] in held), [])
        pool = {n for i in siblings for n in names["parts"][i]} | set(random.sample(everything, 150))
        pool = {n for n in pool - {best} if answer not in source.passages[n].text}
        near = sorted(pool, key=lambda name: (-len(mine & grams[name]), name))[:6]
        other = f"{row['id']}!" if f"{row['id']}!" in source.questions else None
        yield Item(source, row["id"], best, answer, tuple(near), other)


def _for_training(row: dict[str, Any], article: dict[str, Any] | None) -> bool:
    """The half of CMRC 2018 that everything is fitted to, and the titles of DRCD that the adapter was trained on."""
    if article is None or not row.get("answers"):
        return False
    if article["title"]:
        return for_training(article["title"])
    return part(row["id"]) == "dev"


def pairs_of(text: str) -> set[str]:
    return {text[i : i + 2] for i in range(len(text) - 1)}


class Net(nn.Module):
    """The network of ``qa.retrieve.reader``, for batches; see there for what each part does."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.salience = nn.Linear(dims, HEADS)
        self.attention = nn.Linear(dims, 1)
        self.kinds = nn.Linear(dims, KINDS, bias=False)
        self.asked = nn.Linear(dims, TYPES * WIDTH, bias=False)
        self.given = nn.Linear(dims, WIDTH, bias=False)
        inputs = 2 * HEADS * (len(WINDOWS) + 1) + KINDS + TYPES + 1
        self.first = nn.Conv1d(inputs, HIDDEN, 3, padding=1)
        self.convolutions = nn.ModuleList(nn.Conv1d(HIDDEN, HIDDEN, 5, padding=2 * s, dilation=s) for s in SPREADS)
        self.norms = nn.ModuleList(nn.LayerNorm(HIDDEN) for _ in range(len(SPREADS) + 1))
        self.pointer = nn.Linear(HIDDEN, 1)
        self.whole_1, self.whole_2 = nn.Linear(2 * HEADS + 1, 32), nn.Linear(32, 1)
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
        parts = []
        for width in WINDOWS:
            best = functional.max_pool1d(similarities, width, stride=1, padding=width // 2)
            parts += [torch.einsum("bnm,bnh->bhm", x, salience) for x in (best, best.clamp_min(0) ** 2)]
        anywhere = similarities.amax(2)
        whole = torch.cat(
            [torch.einsum("bn,bnh->bh", x, salience) for x in (anywhere, anywhere.clamp_min(0) ** 2)], dim=1
        )
        focus = self.attention(question)[:, :, 0].masked_fill(~asked, -1e4).softmax(1)
        wanted = self.asked((focus[:, :, None] * question).sum(1)).view(-1, TYPES, WIDTH)
        length = torch.log1p(asked.sum(1).float())[:, None] / 3
        across = [*whole.T, *length.T]
        parts.append(torch.stack(across, dim=1)[:, :, None].expand(-1, -1, passage.shape[1]))
        parts.append(self.dropout(self.kinds(passage)).transpose(1, 2))
        parts.append(torch.einsum("btk,bmk->btm", wanted, self.given(passage)))
        mask = real[:, None, :].float()
        states = gelu(self.norms[0](self.first(torch.cat(parts, 1) * mask).transpose(1, 2)))
        for convolution, norm in zip(self.convolutions, list(self.norms)[1:], strict=True):
            seen = convolution((states * real[:, :, None]).transpose(1, 2)).transpose(1, 2)
            states = states + self.dropout(gelu(norm(seen)))
        said = self.whole_2(gelu(self.whole_1(torch.stack(across, dim=1))))
        return (self.pointer(states)[:, :, 0] + said).masked_fill(~real, -1e4)

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


def losses(net: Net, pairs: Sequence[Pair]) -> dict[str, torch.Tensor]:
    """``point``: -log of the share that the answer (or nothing) has of all that can be pointed at. ``rank``: the
    passage that answers against the others of its question."""
    logits = net(collated(pairs))
    scores = logits.logsumexp(1)
    best = []
    for i, pair in enumerate(pairs):
        if not pair.right:
            best.append(torch.zeros(()))
        elif pair.answer is None or not pair.answer.any():
            best.append(scores[i])
        else:
            best.append(logits[i, : len(pair.answer)][torch.from_numpy(pair.answer)].logsumexp(0))
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
            known = score([(i.source, i.question, p) for i in yes for p in (i.gold or "", *i.wrong)])
            none = score([(i.source, i.question, p) for i in no for p in i.wrong]).reshape(len(no), -1).max(1)
            known = known.reshape(len(yes), -1)
            right = (known.max(1)[:, None] > none[None]).mean()
            said.append(f"{ask}-{held} {(known.argmax(1) == 0).mean():.3f} {right:.3f}")
    return "  ".join(said)


def late(asked: list[tuple[Source, str, str]]) -> np.ndarray:
    """The same by late interaction (squared matches), to compare with."""
    found = []
    for source, name, passage in asked:
        question = source.questions[name]
        best = (question.tokens.astype(np.float32) @ source.passages[passage].tokens.astype(np.float32).T).max(1)
        found.append(float(source.weights(question) @ np.maximum(best, 0) ** 2))
    return np.array(found)


def gathered(cache: Path | None) -> tuple[str, int, list[Item], list[Item], list[Item]]:
    """Statistics' fingerprint, dimensions, items of articles, items kept out, Chinese items."""
    path = cache / "reader.pkl" if cache else None
    if path and path.is_file():
        with path.open("rb") as file:
            kept: tuple[str, int, list[Item], list[Item], list[Item]] = pickle.load(file)
        return kept
    encoding = Encoding()
    trained, kept_out = articles(encoding)
    asked = [item for name in ("drcd", "cmrc2018") for item in chinese(encoding, DRCD.with_name(name))]
    found = (encoding.statistics.fingerprint, encoding.statistics.projection.shape[1], trained, kept_out, asked)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            pickle.dump(found, file, protocol=5)
    return found


def train(minutes: float, out: Path, cache: Path | None) -> None:
    """Train for a while and write the reader's weights."""
    fingerprint, dims, trained, kept_out, asked = gathered(cache)
    known, none = [i for i in trained if i.gold], [i for i in trained if not i.gold]
    tell(f"{len(known)} + {len(asked)} questions with an answer, {len(none)} without")
    tell(f"late interaction: {examined(late, kept_out)}")
    net = Net(dims)
    optimiser = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, weight_decay=0.02)
    began, step, shown = time.monotonic(), 0, 0.2
    recent: defaultdict[str, list[float]] = defaultdict(list)
    while (share := (time.monotonic() - began) / (60 * minutes)) < 1:
        rate = LEARNING_RATE * min(1.0, (step + 1) / WARM_UP_STEPS) * 0.5 * (1 + math.cos(math.pi * share))
        optimiser.param_groups[0]["lr"] = rate
        batch = [
            *random.sample(known, OWN),
            *random.sample(none, NEAR_MISSES),
            *random.sample(asked, CHINESE if asked else 0),
        ]
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
            tell(examined(lambda wanted: scored(net, wanted), kept_out))
    tell(examined(lambda wanted: scored(net, wanted), kept_out))
    arrays = {name: value.detach().half().numpy() for name, value in net.state_dict().items()}
    np.savez_compressed(out, statistics=np.array(fingerprint), **arrays)
    print(f"{out}: {step} steps, {out.stat().st_size} bytes")


def tell(said: str) -> None:
    print(said, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=14, help="how long to train (two cores)")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="file to write")
    parser.add_argument("--cache", type=Path, help="folder that keeps what was encoded")
    chosen = parser.parse_args()
    random.seed(0)
    torch.manual_seed(0)
    train(chosen.minutes, chosen.out, chosen.cache)


if __name__ == "__main__":
    main()
