"""Cleaned documents become passages: runs of whole sentences under one heading, measured in encoder tokens."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from qa.encode.language import detect, has_letters
from qa.ingest.normalise import Run, is_invisible, normalise_query, readable, runs
from qa.types import Block, Cleaned, Piece, Source, Span

SPLITTER_VERSION = 1
"""Raised whenever the same document would be split differently than before."""

TARGET_TOKENS = 160
MAX_TOKENS = 256
TINY_SHARE = 0.25
"""A passage below this share of the target joins a neighbour where the maximum permits."""
MAX_GAP_CHARS = 80
"""Blocks with more visible characters than this taken away between them never share a passage."""
MAX_HEADING_CHARS = 120
"""A longer heading is body text that was marked up as a heading."""
HEADING_JOIN = " › "

_HAN = r"[\u3400-\u9fff\uf900-\ufaff]"
_CLOSERS = r"[”’\"'」』）)\]】》〉]*+"
_TITLES = r"Mr Ms Dr St Jr Sr Lt Co vs cf al Mrs Gen Col Sen Rep Rev Gov Hon Prof Capt Dept Univ e\.g i\.e"
_NUMBERED = "No Nos Fig Figs Vol Sec Art Ch pp ca approx Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec"
_ABBREVIATED = "".join(rf"(?<!\b{title}\.)" for title in _TITLES.split())
_ABBREVIATED += "".join(rf"(?!(?<=\b{name}\.)\s*\d)" for name in _NUMBERED.split())
_LIST_NUMBER = r"(?<!^\d\.)(?<!^\d\d\.)(?<!^[A-Za-z]\.)"
_WRAPPED_LATIN = r"(?<=[^\n]{49}[A-Za-z0-9,;-]\n)[^\S\n]*[A-Za-z(]"
_FIRST_MARK = "".join(rf"(?<![。！？｡।؟۔][!?…]{{{more}}})" for more in range(5))
# From no mark is more than so many looked at: a run that ends no sentence would else cost its square.
_MARKS_LEFT = "{0,255}+"
_STOPS = (
    rf"(?:[。！？｡]|{_FIRST_MARK}[।؟۔])[。！？｡!?…]{_MARKS_LEFT}(?![。！？｡!?…》〉]){_CLOSERS}(?![，、；：,;:的])",
    rf"(?<![!?])[!?]++(?![》〉]){_CLOSERS}(?=\s|\Z|{_HAN})(?!的)",
    rf"(?<![….])(?:\.{{0,2}}…|\.\.\.)[….]*+(?:(?=[”’\"」』）)]){_CLOSERS}|(?=\s*\Z|\s+[A-Z\u3400-\u9fff]))",
    rf"(?<={_HAN})\.(?={_HAN})",
    rf"\.(?<!\b[A-Z]\.){_ABBREVIATED}{_LIST_NUMBER}{_CLOSERS}(?=\s)(?!\s++[a-z])",
    rf"\n(?!{_WRAPPED_LATIN})(?!(?<=[,，、]\n)[^\S\n]*\S)(?![^\S\n]*[a-z])",
)
_SENTENCE_END = f"(?m:{'|'.join(_STOPS)})"
_SEMICOLON = rf"(?:；{_CLOSERS}|;(?={_HAN}))"
_CLAUSE_END = rf"(?:[，、：]{_CLOSERS}|[,:;](?!\d)|——)"
_LINE_BREAKS = {ord(character): "\n" for character in "\r\v\f\x85\u2028\u2029"}
_PARAGRAPH = "\n\n"
_SEPARATORS = [_PARAGRAPH, _SENTENCE_END, _SEMICOLON, _CLAUSE_END, r"\s+", "(?s:.{16})", ""]
_FULL_STOP = re.compile(_SENTENCE_END)
_FINE_STOP = re.compile(f"{_SENTENCE_END}|{_SEMICOLON}")

CountTokens = Callable[[str], int]


def sentences(text: str) -> list[Span]:
    """Spans of the sentences of a text, trimmed of white space, in order; all visible text is in one of them.

    A Chinese semicolon ends a sentence; closing quotes and brackets belong to the sentence they close. A line break
    ends a sentence unless the line was plainly wrapped.
    """
    ends = [match.end() for match in _FINE_STOP.finditer(_one_kind_of_break(text))]
    spans = (_trimmed(text, start, end) for start, end in pairwise([0, *ends, len(text)]))
    return [span for span in spans if span[0] < span[1]]


def split(
    source: Source,
    cleaned: Cleaned,
    count_tokens: CountTokens,
    *,
    target_tokens: int = TARGET_TOKENS,
    max_tokens: int = MAX_TOKENS,
) -> list[Piece]:
    """The passages of a document, in source order and disjoint.

    Sizes are tokens of the passage's ``search_text`` by ``count_tokens``: near ``target_tokens`` where sentences
    allow, never above ``max_tokens`` (but for a single character that has more). A passage is a run of whole
    sentences; only a sentence above the maximum is cut, at clauses, blanks, or anywhere. It never crosses a heading.
    A heading with nothing under it is body text of the heading above.
    """
    ruler = _Ruler(count_tokens, min(target_tokens, max_tokens), max_tokens)
    text = _one_kind_of_break(source.text)
    language = detect(source.text)
    pieces = []
    for section in _sections(text, cleaned.blocks):
        heading = _heading(section.path, source.metadata.title)
        working = _Working(text, section.blocks)
        for start, end in _passages(working.text, ruler):
            passage = working.text[start:end]
            search_text = normalise_query(passage)
            place = working.source_span(start, end)
            pieces.append(
                Piece(
                    start=place[0],
                    end=place[1],
                    text=readable(passage),
                    search_text=search_text,
                    heading=heading,
                    page=_page(source.pages, place[0]),
                    language=detect(search_text) if has_letters(search_text) else language,
                )
            )
    return pieces


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    start: int
    name: str


@dataclass(frozen=True, slots=True)
class _Section:
    """Body blocks that may share passages, and the headings above them."""

    path: tuple[_Heading, ...]
    blocks: list[Block] = field(default_factory=list)

    def is_far_from(self, block: Block, text: str) -> bool:
        """Whether too much was taken away between the section's last block and this one."""
        if not self.blocks:
            return False
        between = text[self.blocks[-1].end : block.start]
        return len("".join(between.split())) > MAX_GAP_CHARS


class _Working:
    """What is left of blocks, paragraphs parted by a blank line, with a map back to the source."""

    def __init__(self, text: str, blocks: Sequence[Block]) -> None:
        self._runs = [run for block in blocks for run in _runs(text, block)]
        self._starts = [0, *accumulate(len(run.text) for run in self._runs)]
        self.text = "".join(run.text for run in self._runs)

    def source_span(self, start: int, end: int) -> Span:
        return self._origin(start)[0], self._origin(end - 1)[1]

    def _origin(self, index: int) -> Span:
        place = bisect_right(self._starts, index) - 1
        run = self._runs[place]
        origin = run.start + index - self._starts[place]
        return (run.start, run.end) if run.whole else (origin, origin + 1)


def _runs(text: str, block: Block) -> Iterator[Run]:
    yield from runs(text, block.start, block.end, block.cuts, block.restored)
    yield Run(_PARAGRAPH, block.end, block.end, whole=True)


class _Ruler:
    """Measures text in tokens, each text once."""

    def __init__(self, count_tokens: CountTokens, target: int, maximum: int) -> None:
        self._count_tokens = count_tokens
        self._known: dict[str, int] = {}
        self.target = target
        self.maximum = maximum

    def tokens(self, text: str) -> int:
        """Tokens; at least one of any text, for the splitter repeats what has none in the next chunk."""
        if text not in self._known:
            self._known[text] = max(self._count_tokens(normalise_query(text)), 1 if text else 0)
        return self._known[text]

    def length(self, text: str) -> int:
        """Tokens, but a sentence above the target that the maximum permits counts as just fitting: it stays whole."""
        tokens = self.tokens(text)
        if self.target < tokens <= self.maximum and _is_one_sentence(text):
            return self.target
        return tokens

    def is_tiny(self, text: str) -> bool:
        return self.tokens(text) < self.target * TINY_SHARE

    def fits(self, text: str) -> bool:
        return self.tokens(text) <= self.maximum


def _passages(text: str, ruler: _Ruler) -> list[Span]:
    """Spans of passages in a section's text."""
    chunks = _chunks(text, ruler.length, ruler.target + 1)
    bounded = [span for chunk in chunks for span in _bounded(text, chunk, ruler)]
    visible = [span for span in (_trimmed(text, *chunk) for chunk in bounded) if span[0] < span[1]]
    return _without_tiny(text, visible, ruler)


def _chunks(text: str, length: CountTokens, size: int) -> list[Span]:
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        separators=_SEPARATORS,
        is_separator_regex=True,
        keep_separator="end",
        chunk_size=size,
        chunk_overlap=0,
        length_function=length,
        add_start_index=True,
    )
    chunks = splitter.create_documents([text])
    starts = [int(chunk.metadata["start_index"]) for chunk in chunks]
    return [(start, start + len(chunk.page_content)) for start, chunk in zip(starts, chunks, strict=True)]


def _bounded(text: str, chunk: Span, ruler: _Ruler) -> list[Span]:
    """The chunk, cut where it is above the maximum after all: tokens of a whole may exceed those of its parts."""
    passage = text[slice(*chunk)]
    if ruler.fits(passage):
        return [chunk]
    parts = [(chunk[0] + start, chunk[0] + end) for start, end in _chunks(passage, ruler.tokens, ruler.maximum)]
    return [half for part in parts for half in _halves(text, part, ruler)]


def _halves(text: str, part: Span, ruler: _Ruler) -> list[Span]:
    start, end = part
    if end - start < 2 or ruler.fits(text[start:end]):
        return [part]
    middle = (start + end) // 2
    return [*_halves(text, (start, middle), ruler), *_halves(text, (middle, end), ruler)]


def _without_tiny(text: str, spans: list[Span], ruler: _Ruler) -> list[Span]:
    """Tiny passages join the one before them, or the one after them, where the maximum permits."""
    result: list[Span] = []
    for span in spans:
        if result and _should_join(text, result[-1], span, ruler):
            result[-1] = (result[-1][0], span[1])
        else:
            result.append(span)
    return result


def _should_join(text: str, left: Span, right: Span, ruler: _Ruler) -> bool:
    tiny = ruler.is_tiny(text[slice(*left)]) or ruler.is_tiny(text[slice(*right)])
    return tiny and ruler.fits(text[left[0] : right[1]])


def _sections(text: str, blocks: Sequence[Block]) -> Iterator[_Section]:
    levels = [_level(text, block) for block in blocks]
    leaves = _leaves(levels)
    section = _Section(())
    path: tuple[_Heading, ...] = ()
    for index, (block, level) in enumerate(zip(blocks, levels, strict=True)):
        if level:
            path = tuple(heading for heading in path if heading.level < level)
        if level and index not in leaves:
            path += (_Heading(level, block.start, _name(text, block)),)
            continue
        if section.path != path or section.is_far_from(block, text):
            yield section
            section = _Section(path)
        section.blocks.append(block)
    yield section


def _level(text: str, block: Block) -> int:
    return block.level if len(_name(text, block)) <= MAX_HEADING_CHARS else 0


def _name(text: str, block: Block) -> str:
    return " ".join(readable(_Working(text, [block]).text).split())


def _leaves(levels: Sequence[int]) -> set[int]:
    """Indices of headings with no body text under them. A leaf is body text for the headings above it."""
    leaves = set()
    has_body = [False] * (max(levels, default=0) + 1)
    """For each level: whether body text follows before the next heading of that level or above."""
    for index in range(len(levels) - 1, -1, -1):
        level = levels[index]
        is_leaf = level > 0 and not has_body[level]
        if level:
            has_body[level:] = [False] * (len(has_body) - level)
        if is_leaf:
            leaves.add(index)
            has_body[:level] = [True] * level
        if not level:
            has_body = [True] * len(has_body)
    return leaves


def _heading(path: Sequence[_Heading], title: str) -> str | None:
    """The path as shown. A heading that repeats the title says nothing."""
    known = normalise_query(title)
    names = [heading.name for heading in path if normalise_query(heading.name) != known]
    return HEADING_JOIN.join(names) or None


def _page(pages: Sequence[int], start: int) -> int | None:
    return max(1, bisect_right(pages, start)) if pages else None


def _is_one_sentence(text: str) -> bool:
    text = text.rstrip()
    stop = _FULL_STOP.search(text)
    return stop is None or stop.end() == len(text)


def _one_kind_of_break(text: str) -> str:
    """The same text, character by character, with every line break a ``\\n``."""
    return text.replace("\r\n", "\n ").translate(_LINE_BREAKS)


def _trimmed(text: str, start: int, end: int) -> Span:
    """The span without white space and invisible characters at its ends."""
    while start < end and _is_blank(text[start]):
        start += 1
    while start < end and _is_blank(text[end - 1]):
        end -= 1
    return start, end


def _is_blank(character: str) -> bool:
    return character.isspace() or is_invisible(character)
