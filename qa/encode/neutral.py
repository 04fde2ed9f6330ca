"""Neutral Chinese and English texts that ship with the project: for means, projections and the ranges of inputs.

``data/neutral.jsonl``: one ``{"lang": "zh"|"en", "role": "query"|"passage", "text": ...}`` a line.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Final

from qa.encode.centring import LANGUAGES, ROLES, Role, Texts
from qa.errors import EncoderError
from qa.types import Language

SHIPPED: Final = Path(__file__).parent / "data" / "neutral.jsonl"
SAMPLE: Final = 16
"""Texts of each language and role in a sample."""
PART: Final = 60


def read(path: Path = SHIPPED) -> Texts:
    """The texts of each language and role. Raises EncoderError where the file is missing or malformed."""
    texts: dict[tuple[Language, Role], list[str]] = {(la, ro): [] for la in LANGUAGES for ro in ROLES}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        for row in map(json.loads, filter(str.strip, lines)):
            texts[row["lang"], row["role"]].append(row["text"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EncoderError(f"The neutral texts {path} cannot be read: {error!r}", "Reinstall citeqa.") from error
    return {language: (texts[language, "query"], texts[language, "passage"]) for language in LANGUAGES}


def sample(texts: Texts) -> tuple[list[str], list[str]]:
    """A few queries and a few passages of every language."""
    queries = [text for language in texts for text in texts[language][0][:SAMPLE]]
    passages = [text for language in texts for text in texts[language][1][:SAMPLE]]
    return queries, passages


def part(texts: Texts) -> Texts:
    """Every language's first ``PART`` passages and twice as many queries: what a user's own model is fitted to."""
    return {language: (queries[: 2 * PART], passages[:PART]) for language, (queries, passages) in texts.items()}


def digest(queries: list[str], passages: list[str]) -> str:
    """8 hex digits that change with any of the texts."""
    return sha256(json.dumps([queries, passages]).encode()).hexdigest()[:8]
