"""The project's own questions on passages of NoMIRACL, DRCD and CMRC 2018: see ``questions.jsonl`` in README.md."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qa.ingest.normalise import normalise

HERE = Path(__file__).parent
BENCH = HERE.parents[2] / "shared" / "bench"
WRITTEN = HERE / "questions.jsonl"
ARTICLES = HERE / "articles.jsonl"
SETS = ("nomiracl", "drcd", "cmrc2018")
HELD_OUT_EVERY = 9
"""Every ninth article and about every ninth group of questions stay out of training, to measure on."""

PIECE_CHARS = {"zh": 330, "en": 750}
SENTENCE = {
    "zh": re.compile(r"[^。！？!?\n]*[。！？!?\n]*"),
    "en": re.compile(r"(?:(?![.!?]\s).)*(?:[.!?]\s+)?", re.DOTALL),
}


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a file with one JSON object a line."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def simplified(text: str) -> str:
    """Text as the product encodes it."""
    return normalise(text).text


def pieces(text: str, language: str = "zh") -> list[str]:
    """Sentences put together to about the length of the product's passages."""
    found, held = [], ""
    for sentence in SENTENCE[language].findall(text):
        if held and len(held) + len(sentence) > PIECE_CHARS[language]:
            found.append(held)
            held = ""
        held += sentence
    return [piece for piece in [*found, held] if piece.strip()]


def groups_at_hand() -> tuple[dict[str, list[dict[str, Any]]], dict[str, dict[str, Any]]]:
    """Rows of ``questions.jsonl`` by group, of the passages that are at hand, and these passages by name."""
    texts = {row["id"]: row for name in SETS for row in _corpus(BENCH / name)}
    groups: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in read(WRITTEN):
        if row["id"] in texts:
            groups[f"{row['set']} {row['group']}"].append(row)
    return groups, texts


def asked_passages() -> Iterator[tuple[str, str, list[dict[str, str]]]]:
    """For each group its name, the language of its passages and the pieces that answer both questions of a row:
    ``title``, ``text``, the questions ``en`` and ``zh``, and ``none_en`` and ``none_zh``, which it does not answer."""
    groups, texts = groups_at_hand()
    for group, rows in groups.items():
        found = []
        for row in rows:
            source = texts[row["id"]]
            answers = [simplified(source["text"][slice(*row[f"{ask}_at"])]) for ask in ("en", "zh")]
            parts = [simplified(piece) for piece in pieces(source["text"], source["lang"][:2])]
            text = next((part for part in parts if all(answer in part for answer in answers)), None)
            if text:
                asked = {key: simplified(row[key]) for key in ("en", "zh", "none_en", "none_zh")}
                found.append({"title": simplified(source["title"]), "text": text, **asked})
        if found:
            yield group, texts[rows[0]["id"]]["lang"][:2], found


def held_out(place: int) -> bool:
    """Whether the article at a place of ``articles.jsonl`` is not trained on."""
    return place % HELD_OUT_EVERY == HELD_OUT_EVERY - 1


def kept_out(group: str) -> bool:
    """Whether a group is not trained on; "en16" and "en16/2" are on the same things and stay together."""
    return hashlib.sha256(group.partition("/")[0].encode()).digest()[0] % HELD_OUT_EVERY == 0


def _corpus(folder: Path) -> Iterator[dict[str, Any]]:
    yield from read(folder / "corpus.jsonl") if folder.is_dir() else ()
