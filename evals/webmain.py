"""Measure main-text extraction on labelled pages: `python evals/webmain.py ../shared/bench/webmain`.

Compares citeqa with trafilatura alone and, where it is installed (for measuring only:
`pip install --no-deps readability-lxml lxml_html_clean cssselect chardet`), with readability-lxml alone. Precision,
recall and F1 of shingles of four tokens, a token being an ideograph or a word; means over documents. citeqa was tuned
on the half of the pages named "tune"; "held" is the other half. Extracted means Source.main; cleaned, what of it
cleaning keeps as blocks.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from random import Random

from qa.errors import ReadError
from qa.ingest.clean import clean
from qa.ingest.decode import decode
from qa.ingest.html import declared_charset
from qa.ingest.read import read_bytes
from qa.types import Source

SHINGLE = 4
RESAMPLES = 2000
_TOKEN = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\u3040-\u30ff]|[^\W\u2e80-\u9fff\uf900-\ufaff\u3040-\u30ff]+")

Extract = Callable[[str, bytes], str]
Scores = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Page:
    """A page and its hand-labelled main text."""

    id: str
    chinese: bool
    data: bytes
    gold: str

    @property
    def half(self) -> str:
        return "tune" if md5(self.id.encode()).digest()[0] % 2 == 0 else "held"


def pages(folder: Path) -> list[Page]:
    """The labelled pages of a folder with gold.jsonl and the pages it names."""
    rows = [json.loads(line) for line in (folder / "gold.jsonl").read_text("utf-8").splitlines() if line.strip()]
    return [Page(r["id"], r["lang"] == "zh", (folder / r["html"]).read_bytes(), r["text"]) for r in rows]


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """The runs of four tokens of a text, each as often as it occurs."""
    tokens = _TOKEN.findall(text)
    return (
        Counter(tuple(tokens[i : i + SHINGLE]) for i in range(max(1, len(tokens) - SHINGLE + 1)))
        if tokens
        else Counter()
    )


def score(found: str, gold: str) -> Scores:
    """Precision, recall and F1 of the shingles of ``found`` against those of ``gold``, each 0..1."""
    a, b = shingles(found), shingles(gold)
    common = sum((a & b).values())
    precision, recall = common / (a.total() or 1), common / (b.total() or 1)
    return precision, recall, 2 * precision * recall / (precision + recall) if common else 0.0


def _source(id: str, data: bytes) -> Source | None:
    try:
        return read_bytes(f"{id}.html", data)
    except ReadError:
        return None


def extracted(id: str, data: bytes) -> str:
    source = _source(id, data)
    return "\n".join(source.text[slice(*span)] for span in source.main or ()) if source else ""


def cleaned(id: str, data: bytes) -> str:
    source = _source(id, data)
    return "\n".join(source.text[b.start : b.end] for b in clean(source).blocks) if source else ""


def _markup(data: bytes) -> str:
    return decode(data, declared_charset(data))[0]


def trafilatura_alone(id: str, data: bytes) -> str:
    import trafilatura

    return trafilatura.extract(_markup(data)) or ""


def readability_alone(id: str, data: bytes) -> str:
    from lxml import etree, html
    from readability import Document  # type: ignore[import-untyped]

    try:
        return str(html.fromstring(Document(_markup(data)).summary()).text_content())
    except (etree.ParserError, ValueError):
        return ""


def systems() -> Iterator[tuple[str, Extract]]:
    yield "citeqa extracted", extracted
    yield "citeqa cleaned", cleaned
    yield "trafilatura", trafilatura_alone
    try:
        import readability  # noqa: F401
    except ImportError:
        print("readability-lxml is not installed: left out", file=sys.stderr)
    else:
        yield "readability-lxml", readability_alone


def groups(page: Page) -> Iterator[str]:
    for language in ("zh" if page.chinese else "other", "all"):
        yield f"{language} {page.half}"
        yield f"{language} both"


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """95% bootstrap interval of a mean."""
    random = Random(0)
    n = len(differences)
    means = sorted(sum(random.choices(differences, k=n)) / n for _ in range(RESAMPLES))
    return means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES)]


def _mean(values: Sequence[Scores]) -> list[float]:
    return [sum(column) / len(values) for column in zip(*values, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    found = pages(parser.parse_args().folder)
    results: dict[str, dict[str, Scores]] = {}
    for name, extract in systems():
        results[name] = {page.id: score(extract(page.id, page.data), page.gold) for page in found}
    members: dict[str, list[str]] = defaultdict(list)
    for page in found:
        for group in groups(page):
            members[group].append(page.id)
    ours = results["citeqa extracted"]
    print(f"{'pages':12} {'n':>3}  {'system':18} {'P':>6} {'R':>6} {'F1':>6}  F1 of citeqa minus this, 95%")
    for group in sorted(members):
        ids = members[group]
        for name, of in results.items():
            low, high = interval([ours[i][2] - of[i][2] for i in ids])
            gap = "" if of is ours else f"{low:+.3f} .. {high:+.3f}"
            print(
                f"{group:12} {len(ids):3}  {name:18} " + " ".join(f"{v:6.3f}" for v in _mean([of[i] for i in ids])), gap
            )


if __name__ == "__main__":
    main()
