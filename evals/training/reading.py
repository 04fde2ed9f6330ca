"""What the reader is trained on, encoded as the product encodes it: see ``reader.py``."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from adapter import LANGUAGES, for_training
from written import ARTICLES, groups_at_hand, held_out, kept_out, pieces, read, simplified

from qa.config import settings
from qa.encode.centring import Statistics, centre_tokens
from qa.encode.encoder import Encoder
from qa.encode.language import detect
from qa.encode.load import load, statistics_for
from qa.evaluate.dataset import part
from qa.ingest.normalise import normalise_query
from qa.ingest.pipeline import encoded_text
from qa.retrieve.late import token_weights
from qa.store.tokens import TokenCodec

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


def ask_altered(asked: dict[str, str], name: str, passage: str) -> None:
    """Adds the question ``name`` with another figure to ``asked``, where it has one: see ``altered_of``."""
    other = altered(simplified(asked[name]), passage)
    if other:
        asked[f"{name}!"] = other


def altered_of(name: str, asked: Container[str]) -> str | None:
    """The name of the question ``name`` with another figure, if that is ``asked`` too."""
    return f"{name}!" if f"{name}!" in asked else None


def articles(encoding: Encoding) -> tuple[list[Item], list[Item]]:
    """Items to train on and items kept out, of the project's own articles."""
    passages, asked, drafts = {}, {}, []
    for place, article in enumerate(read(ARTICLES)):
        for number, paragraph in enumerate(article["paragraphs"]):
            for held in LANGUAGES:
                passages[f"{article['id']}.{number}.{held}"] = (article[f"title_{held}"], paragraph[held], held)
            for order, question in enumerate([*paragraph["questions"], paragraph["unanswerable"]]):
                for ask in LANGUAGES:
                    name = f"{article['id']}.{number}.{order}.{ask}"
                    asked[name] = question[ask]
                    if "answer_zh" in question:
                        ask_altered(asked, name, paragraph["zh"] + paragraph["en"])
                    drafts.append((place, article["id"], number, len(article["paragraphs"]), question, name))
    source = Source(encoding.passages(passages), encoding.questions(asked))
    found: tuple[list[Item], list[Item]] = ([], [])
    for place, identity, number, count, question, name in drafts:
        for held in LANGUAGES:
            own = f"{identity}.{number}.{held}"
            others = tuple(f"{identity}.{other}.{held}" for other in range(count) if other != number)
            measured = held_out(place)
            if "answer_zh" not in question:
                found[measured].append(Item(source, name, None, "", (own, *others)))
            else:
                answer = simplified(question[f"answer_{held}"])
                found[measured].append(Item(source, name, own, answer, others, altered_of(name, asked)))
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
        ask_altered(asked, row["id"], rows[gold[row["id"]]]["text"])
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
        yield Item(source, row["id"], best, answer, tuple(near), altered_of(row["id"], source.questions))


def _for_training(row: dict[str, Any], article: dict[str, Any] | None) -> bool:
    """The half of CMRC 2018 that everything is fitted to, and the titles of DRCD that the adapter was trained on."""
    if article is None or not row.get("answers"):
        return False
    if article["title"]:
        return for_training(article["title"])
    return part(row["id"]) == "dev"


def written(encoding: Encoding) -> tuple[list[Item], list[Item]]:
    """Items to train on and items kept out, of the project's own questions on passages of NoMIRACL and DRCD."""
    groups, texts = groups_at_hand()
    passages, asked, drafts = {}, {}, []
    for group, rows in groups.items():
        parts = {}
        for row in rows:
            text = texts[row["id"]]
            held = text["lang"][:2]
            for number, piece in enumerate(pieces(text["text"], held)):
                parts[f"{row['id']}#{number}.{held}"] = (text["title"], piece, held)
        passages.update(parts)
        for row in rows:
            text = texts[row["id"]]["text"]
            for ask in LANGUAGES:
                name = f"{row['id']}.{ask}"
                asked[name], asked[f"none {name}"] = row[ask], row[f"none_{ask}"]
                start, end = row[f"{ask}_at"]
                ask_altered(asked, name, " ".join(piece for _, piece, _ in parts.values()))
                drafts.append((group, name, row["id"], simplified(text[start:end]), tuple(parts)))
    source = Source(encoding.passages(passages), encoding.questions(asked))
    found: tuple[list[Item], list[Item]] = ([], [])
    for group, name, identity, answer, parts_ in drafts:
        items = found[kept_out(group)]
        own = [n for n in parts_ if n.startswith(f"{identity}#")]
        home = next((n for n in own if answer in source.passages[n].text[source.passages[n].start :]), None)
        wrong = tuple(n for n in parts_ if n != home and answer not in source.passages[n].text)
        if home and wrong:
            items.append(Item(source, name, home, answer, wrong, altered_of(name, asked)))
        others = tuple(n for n in parts_ if n not in own)
        if others:
            items.append(Item(source, f"none {name}", None, "", (*own, *others)))
    return found


def pairs_of(text: str) -> set[str]:
    return {text[i : i + 2] for i in range(len(text) - 1)}
