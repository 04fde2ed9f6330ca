"""Passages that are copies of each other, found without comparing every passage with every other.

A copy says the same in nearly the same characters and has the same figures: a report with other figures is none.

- ``fingerprint``: three 16-bit minhashes of a passage's 4-grams, for finding candidates, and 16 bits of its content.
  Two texts share a minhash with the probability of their Jaccard similarity (Broder 1997).
- A group's name holds what decides about candidates, taken from the passage that founded it: its figures, its length,
  a 128-bit simhash (Charikar 2002: bits differ in proportion to the angle), and its content. A group therefore never
  drifts: every member is a near copy of the founder.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

MIN_NEAR_CHARS = 40
"""Letters and digits a passage needs to have near copies; a shorter one has exact copies only."""
MAX_BITS = 24
"""Of 128: simhashes that differ in more belong to different texts. 24 is a Jaccard similarity of about 0.7."""
MIN_LENGTH_SHARE = 0.75
"""Of two copies the shorter has at least this share of the longer's letters and digits."""
SHINGLE_CHARS = 4
MAX_SHINGLES = 4096
BANDS = 3

_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], np.uint64)
_SEEDS = np.array([0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89], np.uint64)
_EXACT_KEY = 1 << 63
"""Set in the keys of whole fingerprints, never in those of bands."""

_GROUP = re.compile(r"([0-9a-f]{8})-([0-9a-f]+)-([0-9a-f]{32})-[0-9a-f]{16}")
_SEPARATOR = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MONTH = (
    "Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|"
    "Nov(?:ember)?|Dec(?:ember)?"
)
_NUMBER_WORD = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|"
    "(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand|million|billion|trillion|half|third|quarter|"
    "first|second"
)
_FIGURE = re.compile(rf"\d+(?:\.\d+)?|[〇零一二三四五六七八九十百千万亿两]+|\b(?:{_MONTH})\b|\b(?i:{_NUMBER_WORD})\b")
_DATELINE = re.compile(
    r"[^。!?]{0,30}?\d{1,2}月\d{1,2}日(?:电|讯|消息) ?(?:\([^()]{0,60}\))?"
    rf"|[A-Z][A-Za-z .,]{{0,40}}?(?:{_MONTH})\.? \d{{1,2}}(?:, \d{{4}})? ?\([^()]{{1,40}}\) ?(?:-{{1,2}}|—)?"
)


def fingerprint(search_text: str) -> int:
    """64 bits that a store keeps of a passage, for finding its copies later."""
    return _sketch(search_text).fingerprint


class Groups:
    """The groups of a collection: tells each new passage the group that it belongs to.

    ``rows`` are (document id, group, fingerprint) of the passages a store has. A group name that this module did not
    give is passed over. The same rows and passages in the same order always give the same groups.
    """

    def __init__(self, rows: Iterable[tuple[str, str, int]] = ()) -> None:
        self._founders: list[_Founder] = []
        places: dict[str, int] = {}
        entries = _Entries()
        for document_id, group, mark in rows:
            if group not in places:
                founder = _Founder.named(group)
                if founder is None:
                    continue
                places[group] = len(self._founders)
                self._founders.append(founder)
            place = places[group]
            self._founders[place].add(document_id)
            entries.extend(self._founders[place].keys(mark), place)
        self._index = _Index(entries)

    def assign(self, document_id: str, search_text: str, mark: int) -> tuple[str, str | None]:
        """The passage's group, and another document that has a passage of this group already (the first known).

        ``mark`` is the ``fingerprint`` of ``search_text``.
        """
        sketch = _sketch(search_text)
        place = self._exact(sketch, mark)
        if place is None:
            place = self._near(sketch, mark)
        if place is None:
            place = len(self._founders)
            self._founders.append(_Founder(sketch.group, sketch.figures, sketch.length, sketch.simhash))
        founder = self._founders[place]
        other = founder.other_than(document_id)
        founder.add(document_id)
        self._index.add(founder.keys(mark), place)
        return founder.group, other

    def _exact(self, sketch: _Sketch, mark: int) -> int | None:
        places = self._index.find(_exact_key(sketch.figures, mark))
        return min((place for place in places if self._founders[place].is_near(sketch)), default=None)

    def _near(self, sketch: _Sketch, mark: int) -> int | None:
        keys = _band_keys(sketch.figures, mark) if sketch.length >= MIN_NEAR_CHARS else []
        places = {place for key in keys for place in self._index.find(key)}
        near = [place for place in places if self._founders[place].is_near(sketch)]
        return min(near, key=lambda place: (self._founders[place].distance(sketch), place), default=None)


@dataclass(frozen=True, slots=True)
class _Sketch:
    """What a passage is compared by."""

    figures: int
    length: int
    simhash: int
    content: int
    fingerprint: int

    @property
    def group(self) -> str:
        """The name of the group that this passage founds."""
        return f"{self.figures:08x}-{self.length:x}-{self.simhash:032x}-{self.content:016x}"


@dataclass(slots=True)
class _Founder:
    """A group: the passage it began with, and the first two documents that carry it."""

    group: str
    figures: int
    length: int
    simhash: int
    documents: tuple[str, ...] = ()

    @staticmethod
    def named(group: str) -> _Founder | None:
        parts = _GROUP.fullmatch(group)
        if parts is None:
            return None
        figures, length, simhash = (int(part, 16) for part in parts.groups())
        return _Founder(group, figures, length, simhash)

    def keys(self, mark: int) -> list[int]:
        """What a member with this fingerprint is found by."""
        exact = _exact_key(self.figures, mark)
        return [exact, *_band_keys(self.figures, mark)] if self.length >= MIN_NEAR_CHARS else [exact]

    def add(self, document_id: str) -> None:
        if len(self.documents) < 2 and document_id not in self.documents:
            self.documents += (document_id,)

    def other_than(self, document_id: str) -> str | None:
        return next((known for known in self.documents if known != document_id), None)

    def distance(self, sketch: _Sketch) -> int:
        """Bits in which the simhashes differ."""
        return (self.simhash ^ sketch.simhash).bit_count()

    def is_near(self, sketch: _Sketch) -> bool:
        shorter, longer = sorted((self.length, sketch.length))
        same_size = shorter >= MIN_LENGTH_SHARE * longer
        return self.figures == sketch.figures and same_size and self.distance(sketch) <= MAX_BITS


class _Entries:
    """Pairs of key and place."""

    def __init__(self) -> None:
        self.keys = array("Q")
        self.places = array("I")

    def extend(self, keys: Sequence[int], place: int) -> None:
        self.keys.extend(keys)
        self.places.extend([place] * len(keys))

    def sort(self) -> None:
        """Sort by key, then place, without repetitions."""
        keys, places = np.array(self.keys, np.uint64), np.array(self.places, np.uint32)
        order = np.lexsort((places, keys))
        keys, places = keys[order], places[order]
        new = np.ones(len(keys), bool)
        new[1:] = (keys[1:] != keys[:-1]) | (places[1:] != places[:-1])
        self.keys, self.places = array("Q", keys[new].tobytes()), array("I", places[new].tobytes())


class _Index:
    """From a key to places: sorted arrays for what there was (12 bytes an entry), a dictionary for what comes."""

    def __init__(self, entries: _Entries) -> None:
        entries.sort()
        self._known = entries
        self._added: dict[int, list[int]] = {}

    def find(self, key: int) -> set[int]:
        start = bisect_left(self._known.keys, key)
        end = bisect_right(self._known.keys, key, lo=start)
        return {*self._known.places[start:end], *self._added.get(key, ())}

    def add(self, keys: Sequence[int], place: int) -> None:
        for key in keys:
            if place not in self.find(key):
                self._added.setdefault(key, []).append(place)


def _exact_key(figures: int, mark: int) -> int:
    return (mark ^ (figures * int(_ODD[0]))) % _EXACT_KEY | _EXACT_KEY


def _band_keys(figures: int, mark: int) -> list[int]:
    return [figures << 18 | band << 16 | (mark >> 16 * (band + 1)) & 0xFFFF for band in range(BANDS)]


@lru_cache(maxsize=2048)
def _sketch(search_text: str) -> _Sketch:
    body = _without_dateline(search_text)
    figures = "|".join(_FIGURE.findall(_SEPARATOR.sub("", body))).lower()
    letters = "".join(filter(str.isalnum, body.casefold())) or search_text
    content = _hash(f"{figures}\n{letters}", 8)
    shingles = _shingles(letters)
    near = len(letters) >= MIN_NEAR_CHARS
    return _Sketch(
        figures=_hash(figures, 4),
        length=len(letters),
        simhash=_simhash(shingles),
        content=content,
        fingerprint=_minhashes(shingles) << 16 | content & 0xFFFF if near else content,
    )


def _without_dateline(text: str) -> str:
    """Copies differ in it: who sent the report, from where and when."""
    dateline = _DATELINE.match(text)
    return text[dateline.end() :] if dateline and dateline.end() < len(text) else text


def _hash(text: str, size: int) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest(), "little")


def _shingles(text: str) -> Hashes:
    """Distinct hashes of the runs of four characters; of a very long text, a fixed sample of them."""
    codes = np.frombuffer(text.ljust(SHINGLE_CHARS).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    count = len(codes) - SHINGLE_CHARS + 1
    runs = sum((codes[i : i + count] * odd for i, odd in enumerate(_ODD)), np.zeros(count, np.uint64))
    return np.unique(_mixed(runs))[:MAX_SHINGLES]


def _mixed(values: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit changes half of the output bits."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _simhash(shingles: Hashes) -> int:
    both = np.stack([shingles, _mixed(shingles ^ _SEEDS[-1])], axis=1).astype("<u8")
    bits = np.unpackbits(both.view(np.uint8), axis=1)
    majority = np.packbits(2 * bits.sum(axis=0, dtype=np.int64) > len(shingles))
    return int.from_bytes(majority.tobytes(), "big")


def _minhashes(shingles: Hashes) -> int:
    lowest = [int(_mixed(shingles ^ seed).min()) & 0xFFFF for seed in _SEEDS[:BANDS]]
    return sum(value << 16 * band for band, value in enumerate(lowest))
