"""A question that compares, taken apart: one question for each side, so that each side is searched by itself.

Nothing is generated: a side's question is the question without what names the other side, or one of its clauses.
What cannot be taken apart stays whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from qa.answer.wanted import compares
from qa.encode.language import detect
from qa.types import Span

MIN_SIDE: Final = 2
"""Characters of a side in Chinese."""

LONGEST: Final = 500
"""Characters of a question that is taken apart."""
_ASKS_ZH: Final = r"什么|哪|谁|多少|几|怎"
_ASKS_EN: Final = r"\b(?:what|which|who|whom|when|where|how)\b"
_CLAUSES = re.compile(r"^(?P<head>[^:：]{4,}[:：])\s*(?P<rest>.+)$", re.DOTALL)
_COMMA = re.compile(r"[，,；;]\s*(?:and |but |or )?", re.IGNORECASE)

_JOINS_ZH: Final = frozenset({"和", "与", "跟", "同", "以及", "还是", "比", "、"})
_BEFORE_ZH: Final = frozenset("在 于 对 从 由 向 把 给 ， , 。 ： : ？ ? ； ; 论 请问 对比 比较 相比".split())
_BEHIND_ZH: Final = frozenset(
    "， , 。 ： : ？ ? ； ; 里 中 上 之间 相比 比 比较 对比 相差 差 分别 各 各自 各有 各是 都 谁 "
    "哪 哪个 哪家 哪边 哪场 哪次 有 是 在 有着 共 一共 的话 之 两 更 有何 有什么 角色".split()
)
_COMMAS_ZH: Final = frozenset("，,")

_NO_NAME_EN: Final = (
    "and|or|than|has|have|had|is|are|was|were|do|does|did|with|against|compare[sd]?|in|on|at|by|for|to|of|as|from|versus"
    "|vs|differ|hold|held"
)
_NAME_EN: Final = (
    r"(?:(?:the|a|an|whole|first|second|\d+(?:st|nd|rd|th)|(?:nin|eigh|ten|fif|six|seven)th|(?:19|20)\d\d) )*"
    r"(?:[A-Z][\w&'’.-]*|[\"“][^\"”]{1,80}[\"”])"
    rf"(?:[ -](?:(?:of|for|and) (?=[A-Z]))?(?:[A-Z][\w&'’.-]*|(?!(?:{_NO_NAME_EN})\b)[a-z][\w-]*)){{0,7}}"
)
_BETWEEN_EN = re.compile(
    rf"\b(?:between|both|compar\w+|across)(?: [a-z-]+){{0,8}}? (?P<one>{_NAME_EN}) (?:and|with|to) "
    rf"(?P<other>{_NAME_EN})",
    re.IGNORECASE,
)
_HALVES_EN = re.compile(r"[:：]\s*(?P<one>.{15,}?),? or (?P<other>.{15,}?)[?？.]*$", re.IGNORECASE)
_JOIN_EN = re.compile(
    r",? (?:than|versus|vs\.?|against|(?:when )?compare[ds]? (?:with|to|against)|as opposed to|or|and|with|from)\s",
    re.IGNORECASE,
)
_OPENING_EN = re.compile(rf"(?:^|(?<=\W)){_NAME_EN}")
_PREPOSITION_EN = re.compile(r"(?:\b(?:in|of|at|by|for|from|on|with)\s+)$", re.IGNORECASE)


def sides(question: str) -> tuple[str, ...]:
    """A question for each side that is compared; empty where nothing is, or where the sides cannot be told apart."""
    text = question.strip()
    if len(text) > LONGEST or not compares(text):
        return ()
    english = detect(text) == "en"
    found = _clauses(text, _ASKS_EN if english else _ASKS_ZH) or (_sides_en(text) if english else _sides_zh(text))
    return found if len(set(found)) > 1 else ()


def _clauses(text: str, asks: str) -> tuple[str, ...]:
    """What stands before a colon, with each of the questions behind it."""
    parted = _CLAUSES.match(text)
    if not parted or re.search(asks, parted["head"], re.IGNORECASE):
        return ()
    clauses = [clause for clause in _COMMA.split(parted["rest"]) if re.search(asks, clause, re.IGNORECASE)]
    return tuple(f"{parted['head'][:-1]} {clause}" for clause in clauses) if len(clauses) > 1 else ()


def _sides_zh(text: str) -> tuple[str, ...]:
    """The two noun phrases around the conjunction whose shorter one is longest."""
    import rjieba

    tokens = list(rjieba.cut(text, hmm=False))
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token))
    best: tuple[Span, Span] | None = None
    for place, token in enumerate(tokens):
        if token in _JOINS_ZH and (pair := _around(tokens, starts, place)):
            best = max(best or pair, pair, key=_shorter)
    return _without_each(text, best) if best and _shorter(best) >= MIN_SIDE else ()


def _around(tokens: Sequence[str], starts: Sequence[int], place: int) -> tuple[Span, Span] | None:
    left = place - 1 if place and tokens[place - 1] in _COMMAS_ZH else place
    first, last = left, place + 1
    while first and tokens[first - 1] not in _BEFORE_ZH:
        first -= 1
    while last < len(tokens) and (tokens[last] not in _BEHIND_ZH or _is_quoted(tokens, last)):
        last += 1
    return (starts[first], starts[left]), (starts[place + 1], starts[last])


def _is_quoted(tokens: Sequence[str], place: int) -> bool:
    return "".join(tokens[:place]).count("“") > "".join(tokens[:place]).count("”")


def _shorter(pair: tuple[Span, Span]) -> int:
    return min(end - start for start, end in pair)


def _without_each(text: str, pair: tuple[Span, Span]) -> tuple[str, str]:
    """The text with only the first, and with only the second of two neighbouring spans; what stands behind the second
    (甲和乙的产值) belongs to both."""
    (start, first_end), (second_start, end) = pair
    head, first, second, tail = text[:start], text[start:first_end], text[second_start:end], text[end:]
    shared = second[second.index("的") :] if "的" in second and "的" not in first else ""
    return f"{head}{first}{shared}{tail}", f"{head}{second}{tail}"


def _sides_en(text: str) -> tuple[str, ...]:
    if halves := _HALVES_EN.search(text):
        return halves["one"], halves["other"]
    if between := _BETWEEN_EN.search(text):
        return _without_each(text, (between.span("one"), between.span("other")))
    return _named_en(text)


def _named_en(text: str) -> tuple[str, ...]:
    """The question without the name before a conjunction, and without the one behind it."""
    names = [match.span() for match in _OPENING_EN.finditer(text, max(0, text.find(" ")))]
    for one, other in pairwise(names):
        joined = _JOIN_EN.search(text, one[1] - 1, other[0] + 1)
        if joined and joined.end() <= other[0] + 1:
            return _cut(text, (joined.start(), other[1])), _cut(text, one)
    return ()


def _cut(text: str, span: Span) -> str:
    before = _PREPOSITION_EN.sub("", text[: span[0]])
    return f"{before.rstrip()} {text[span[1] :].lstrip()}".strip()
