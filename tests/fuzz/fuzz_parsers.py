"""Fuzzing of everything that takes in strange bytes: readers, cleaning, splitting, words, questions.

    python tests/fuzz/fuzz_parsers.py --seconds 600

Seeds are real files of each format, damaged, spliced and repeated at random. Anything but a source or a CiteqaError is
a finding, and so is a quote that is not in its source, or an input that takes more than ten seconds of processor
time. Prints the findings and how much was tried, also where it is interrupted; exit code 1 where there are any.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from ingest_files import docx, pdf

from qa.answer.context import contextual
from qa.encode.language import detect
from qa.errors import CiteqaError
from qa.ingest.clean import clean
from qa.ingest.normalise import normalise
from qa.ingest.read import read_bytes
from qa.ingest.split import split
from qa.ingest.words import words

ROOT = Path(__file__).resolve().parents[2]
SLOW = 10.0
TOKENS = (
    b"<table><tr><td>", b"</div>", b"<script>", b"<!--", b"-->", b"&amp;" * 9, b"---\n", b"# ", b"[a](b)", b"**",
    b"```",
    b"%PDF-1.4\n", b"endobj", b"stream\n", b"/Kids [1 0 R]", b"PK\x03\x04", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf",
    "\u202e\u2066\u200b\ufeff\u0301".encode(), "（".encode() * 9, "。".encode() * 9, b"(" * 99, b" " * 99, b"\t\n" * 9,
    b"1" * 99, b"A." * 99, "京".encode() * 99, "𠀀😀".encode(), b"\xed\xa0\x80", b"|a|b|\n" * 9, b"title: &a [*a]\n",
)  # fmt: skip
NAMES = ("a.txt", "a.md", "a.html", "a.pdf", "a.docx", "a")


def seeds() -> list[bytes]:
    texts = [path.read_bytes() for path in sorted((ROOT / "corpus" / "articles").iterdir())]
    page = b"<html><head><title>T</title></head><body><article><p>" + texts[0][:3000] + b"</p></article></body></html>"
    return [
        *texts,
        texts[1].decode().encode("gb18030"),
        page,
        pdf([["A page of text."], ["Another."]]),
        docx(title="T"),
    ]


def mutated(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            data = data[:at] + rng.randbytes(rng.randint(1, 8)) + data[at + rng.randint(0, 8) :]
        elif kind == 1:
            data = data[:at] + rng.choice(TOKENS) * rng.choice((1, 1, 3, 300)) + data[at:]
        elif kind == 2:
            data = data[:at] + data[at + rng.randint(0, 2000) :]
        elif kind == 3:
            other = rng.choice(others)
            data = data[:at] + other[rng.randrange(len(other)) :]
        else:
            piece = data[at : at + rng.randint(1, 400)]
            data = data[:at] + piece * rng.choice((2, 20, 400)) + data[at:]
    return data[:400_000]


def tried(name: str, data: bytes) -> str:
    """What became of it. Raises whatever the program should not."""
    try:
        source = read_bytes(name, data)
    except CiteqaError as error:
        return error.code
    pieces = split(source, clean(source), lambda text: len(text) // 2 + 1)
    for piece in pieces:
        assert 0 <= piece.start < piece.end <= len(source.text)
        words(piece.search_text)
    question = source.text[:2000]
    normalise(question)
    detect(question)
    contextual(question, [source.text[2000:2100]])
    json.dumps(source.metadata.title).encode("utf-8")
    return f"read as {source.format}"


def fuzz(seconds: float, seed: int, counts: Counter[str], findings: list[str]) -> None:
    """Count how often what happened, and note the findings, for so many seconds of this process's time."""
    rng, kinds = random.Random(seed), seeds()
    while time.process_time() < seconds:
        name, data = rng.choice(NAMES), mutated(rng, rng.choice(kinds), kinds)
        began = time.process_time()
        try:
            counts[tried(name, data)] += 1
        except Exception as error:
            findings.append(f"{type(error).__name__}: {error} ({name}, {kept(data)})")
        if time.process_time() - began > SLOW:
            findings.append(f"{time.process_time() - began:.0f} s ({name}, {kept(data)})")


def kept(data: bytes) -> Path:
    path = Path(f"fuzz-finding-{abs(hash(data)):x}")
    path.write_bytes(data)
    return path


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    counts: Counter[str] = Counter()
    findings: list[str] = []
    with suppress(KeyboardInterrupt):
        fuzz(asked.seconds, asked.seed, counts, findings)
    tried = {"seconds": round(time.process_time()), "inputs": counts.total()}
    print(json.dumps(tried | dict(counts.most_common()) | {"findings": findings}, indent=1))
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
