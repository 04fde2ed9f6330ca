"""Which lines of an HTML page are its main text.

Three witnesses are heard: what a line reads like (running text, links, furniture), what the elements around it are
called, and whether trafilatura would keep it. They are added up in the tree, the element that holds most of the text
with least of the rest is taken for the article, and what is furniture inside it is left out again. The constants were
set on one half of a public set of labelled pages; evals/webmain.py measures both halves.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from qa.ingest.dom import Line
from qa.ingest.furniture import ANYWHERE, COMMENTS, RELATED, disclaims, matching
from qa.ingest.script import ends_sentence, fold, measure, reads_as_paragraph

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_LONGEST = 400
"""A line counts at most this much, so that one long one does not decide alone."""
_PUNCTUATED, _TABLE, _LABEL, _LABEL_IN_ARTICLE = 0.7, 0.7, 0.3, 0.5
_VOTE = 0.7
_MINOR = 0.4
"""An element named like furniture is believed to be some only below this share of the page's text."""
_MOSTLY_VOTED = 0.5
_AGREEMENT = 0.3
_ENOUGH_VOTES = 60.0
_FORUM = 3.0
_LINK_BLOCK, _LEAST_BLOCK = 0.7, 8.0

_RULES = tuple(rule for rule in (*ANYWHERE, RELATED, COMMENTS) if rule.name != "caption")
_FURNITURE_TAGS = frozenset(("nav", "footer", "aside", "form", "button"))
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_COMMENT_NAMES = frozenset("comment comments reply replies discuss discussion disqus pinglun".split())
_FURNITURE_NAMES = _COMMENT_NAMES | frozenset(
    "sidebar aside related relates relate recommend recommended recommendation recommendations rcmd rec footer "
    "foot share sharing shares "
    "social nav navi navigation navbar menu breadcrumb breadcrumbs crumb crumbs hot rank ranking copyright ad "
    "ads adv advert advertisement "
    "advertising sponsor sponsored promo promotion popup modal dialog subscribe subscription newsletter signup "
    "login register banner toolbar "
    "toolbox tag tags tagcloud keyword keywords widget widgets more pager pagination cookie consent gdpr "
    "outbrain taboola tuijian xiangguan "
    "statement disclaimer qrcode download trending popular byline author authors bio avatar rating ratings "
    "vote votes like likes feedback "
    "report bottom toplist hotlist newslist side right sticky tooltip dropdown signin skip teaser teasers "
    "readmore readnext".split()
)
_ARTICLE_NAMES = frozenset("article content post entry story body main text detail prose".split())
_ARTICLE_NAME = re.compile(
    r"(?:article|artical|post|entry|story|news|detail|rich|markdown|topic|thread|text|main|js|blog|message)[-_]?"
    r"(?:content|body|text|detail|con\b|view|editor|article|wrap\b)"
    r"|(?:content|article|zoom|artibody|endtext|trs_editor|cnt_area|post|entry|prose)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a line reads like: weight that speaks for it, weight against it, and whether its wording is furniture."""

    gain: float
    loss: float
    furniture: bool = False


def main_lines(lines: Sequence[Line], votes: Sequence[bool]) -> list[bool]:
    """Whether each line is main text. ``votes``: whether trafilatura keeps it."""
    readings = [_read(line) for line in lines]
    page = _Page(lines, votes, readings, forum=False)
    return (_Page(lines, votes, readings, forum=True) if page.is_forum else page).kept()


def _read(line: Line) -> _Reading:
    weight = min(measure(line.text), _LONGEST) + 1
    linked = _linked(line)
    key = fold(line.text)
    if matching(_RULES, key) or disclaims(key) > 1:
        return _Reading(0, weight, furniture=True)
    if linked > 0.5:
        return _Reading(0, weight)
    if line.literal:
        return _Reading(_TABLE * weight, 0)
    if reads_as_paragraph(line.text):
        return _Reading(weight * (1 - linked), weight * linked)
    if ends_sentence(line.text):
        return _Reading(_PUNCTUATED * weight * (1 - linked), weight * linked)
    return _Reading(0, _LABEL * weight)


def _linked(line: Line) -> float:
    return line.linked / max(1, len(line.text))


class _Names:
    """What the class names and ids of elements say, each element asked once."""

    def __init__(self) -> None:
        self._furniture: dict[HtmlElement, bool] = {}
        self._article: dict[HtmlElement, bool] = {}

    def furniture(self, element: HtmlElement) -> bool:
        if element not in self._furniture:
            self._furniture[element] = element.tag in _FURNITURE_TAGS or _is_named_furniture(element)
        return self._furniture[element]

    def article(self, element: HtmlElement) -> bool:
        if element not in self._article:
            self._article[element] = _is_named_article(element)
        return self._article[element]


def _names(element: HtmlElement) -> list[str]:
    return [name for key in ("class", "id", "role") for name in (element.get(key) or "").split()]


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(name)}


def _is_named_furniture(element: HtmlElement) -> bool:
    """The first name decides where it speaks of an article: ``article-body with-aside`` is one."""
    for place, name in enumerate(_names(element)):
        words = _words(name)
        if words & _FURNITURE_NAMES:
            return True
        if place == 0 and words & _ARTICLE_NAMES:
            return False
    return False


def _is_named_article(element: HtmlElement) -> bool:
    if element.tag == "article" or element.get("itemprop") in ("articleBody", "text"):
        return True
    names = [*(element.get("class") or "").split(), *(element.get("id") or "").split()]
    return any(_ARTICLE_NAME.search(name) for name in names) and not _is_named_furniture(element)


def _is_comment(element: HtmlElement) -> bool:
    return any(_words(name) & _COMMENT_NAMES for name in _names(element))


class _Page:
    """One way to judge a page: its comments as furniture, or, in a forum, as what it is about."""

    def __init__(
        self, lines: Sequence[Line], votes: Sequence[bool], readings: Sequence[_Reading], *, forum: bool
    ) -> None:
        self._lines = lines
        self._votes = votes
        self._readings = readings
        self._forum = forum
        self._names = _Names()
        self._furniture = [any(self._is_furniture(e) for e in line.path) for line in lines]
        self._weights = [self._weigh(i) for i in range(len(lines))]
        self._gain = self._tree(lambda i: self._weights[i][0])
        self._loss = self._tree(lambda i: self._weights[i][1])
        self._block = self._tree(lambda i: self._weights[i][1] if self._is_noise(i) else 0.0)
        self._total = sum(gain for gain, _ in self._weights)

    @property
    def is_forum(self) -> bool:
        """Whether the readers' comments outweigh everything else by far."""
        comments = (r.gain for r, line in zip(self._readings, self._lines, strict=True) if self._in_comment(line))
        return sum(comments) > _FORUM * self._total

    @staticmethod
    def _in_comment(line: Line) -> bool:
        return any(_is_comment(e) for e in line.path[2:])

    def _tree(self, value: Callable[[int], float]) -> dict[HtmlElement, float]:
        """Sums of a value of lines for every element around them."""
        sums: dict[HtmlElement, float] = defaultdict(float)
        for i, line in enumerate(self._lines):
            amount = value(i)
            for element in line.path:
                sums[element] += amount
        return sums

    @cached_property
    def _text_in(self) -> dict[HtmlElement, float]:
        return self._tree(lambda i: self._readings[i].gain)

    @cached_property
    def _voted_in(self) -> dict[HtmlElement, float]:
        return self._tree(lambda i: self._readings[i].gain if self._votes[i] else 0.0)

    @cached_property
    def _all_text(self) -> tuple[float, float]:
        """Text of the page, and what of it trafilatura keeps."""
        text = sum(r.gain for r in self._readings)
        voted = sum(r.gain for r, v in zip(self._readings, self._votes, strict=True) if v)
        return text or 1.0, voted

    def _is_furniture(self, element: HtmlElement) -> bool:
        if (
            element.tag in ("body", "html")
            or not self._names.furniture(element)
            or (self._forum and _is_comment(element))
        ):
            return False
        text, voted = self._all_text
        if voted >= _ENOUGH_VOTES and self._voted_in[element] > _MOSTLY_VOTED * voted:
            return False
        return self._text_in[element] < _MINOR * text

    def _weigh(self, i: int) -> tuple[float, float]:
        line, reading = self._lines[i], self._readings[i]
        gain, loss = reading.gain, reading.loss
        if self._furniture[i]:
            gain, loss = 0.0, gain + loss
        elif not gain and not reading.furniture and _linked(line) < 0.5 and any(map(self._names.article, line.path)):
            gain, loss = _LABEL_IN_ARTICLE * measure(line.text), 0.0
        return gain * (1 + (_VOTE if self._votes[i] else -_VOTE)), loss

    def _is_noise(self, i: int) -> bool:
        return _linked(self._lines[i]) > 0.5 or self._furniture[i] or self._readings[i].furniture

    def kept(self) -> list[bool]:
        """Whether each line is main text."""
        if self._total <= 0:
            return [self._votes[i] and not self._is_noise(i) for i in range(len(self._lines))]
        article = max(self._gain, key=lambda e: (round(self._balance(e), 4), self._depth[e]))
        kept = [self._belongs(i, article) for i in range(len(self._lines))]
        return self._rescued() if self._missed_the_text(kept) else self._trimmed(kept)

    @cached_property
    def _depth(self) -> dict[HtmlElement, int]:
        return {element: depth for line in self._lines for depth, element in enumerate(line.path)}

    def _balance(self, element: HtmlElement) -> float:
        """Harmonic mean of the share of text in the element and the share of the page's text that it holds."""
        gain = self._gain[element]
        if gain <= 0:
            return 0.0
        purity, share = gain / (gain + self._loss[element]), gain / self._total
        return 2 * purity * share / (purity + share)

    def _belongs(self, i: int, article: HtmlElement) -> bool:
        line = self._lines[i]
        if article not in line.path or self._is_noise(i):
            return False
        inside = line.path[line.path.index(article) + 1 :]
        return self._votes[i] or not any(self._is_link_block(e) for e in inside)

    def _is_link_block(self, element: HtmlElement) -> bool:
        return self._block[element] > max(_LEAST_BLOCK, self._gain[element] / _LINK_BLOCK)

    def _voted(self) -> list[int]:
        """Lines that trafilatura keeps, but for what is furniture or link by itself."""
        return [
            i
            for i, voted in enumerate(self._votes)
            if voted and not self._readings[i].furniture and _linked(self._lines[i]) <= 0.5
        ]

    def _text_of(self, chosen: Iterable[int]) -> float:
        return sum(self._readings[i].gain for i in chosen)

    def _missed_the_text(self, kept: Sequence[bool]) -> bool:
        """Whether trafilatura found a text of some length elsewhere."""
        voted = self._voted()
        found = self._text_of(voted)
        return found > _ENOUGH_VOTES and self._text_of(i for i in voted if kept[i]) < _AGREEMENT * found

    def _rescued(self) -> list[bool]:
        voted = set(self._voted())
        return [i in voted for i in range(len(self._lines))]

    def _trimmed(self, kept: list[bool]) -> list[bool]:
        """From the first line of text to the last; the title is not part of it."""
        text = [i for i, k in enumerate(kept) if k and self._weights[i][0] > 0]
        if not text:
            return kept
        return [k and text[0] <= i <= text[-1] and self._lines[i].level != 1 for i, k in enumerate(kept)]
