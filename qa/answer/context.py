"""Follow-ups made searchable: 那大兴呢？ and "and in Langfang?" completed from earlier questions, without a model.

Three cases, tried in order:

1. the question names a thing and asks nothing (那大兴呢？, "and in Langfang?"): the thing takes the place of one of
   its kind in the question before (a place for a place, a year for a year), or is put behind that question's words;
2. the question leans on what was said (它设在哪个园区？, "Which park is it in?"): the question before goes in front;
3. everything else stands alone and stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from qa.answer.wanted import spans
from qa.encode.language import detect
from qa.ingest.normalise import normalise_query
from qa.types import Span

MAX_TURNS: Final = 4
"""Earlier questions that are looked at."""
MAX_TURN_CHARS: Final = 300
"""Of a longer earlier question, only its beginning counts."""
SHORT_ZH: Final = 5
SHORT_EN: Final = 4
"""Characters that do not ask, or words, up to which a question without a name is taken for a follow-up."""

MAX_PLACE_CHARS: Final = 3
"""A thing this short may be a place that the dictionary does not know."""

_ENDS = " \t\n?？!！.。,，;；、"
_THING_ZH = re.compile(
    r"^(?:那么?|还有|再看|换成|如果是|要是)?[，, ]*(?P<thing>[^，。？?]{1,20}?)(?:方面|那边|那儿|这边"
    r"|的话)?(?:又)?(?:呢|怎么样|如何)[？?]?$"
)
_NO_THING_ZH = re.compile(r"为什么|为何|什么|哪|谁|多少|几|怎么|怎样|是否|有没有|吗|那里面|的里面")
_THING_EN = re.compile(
    r"^(?:(?:and|but|so|ok|okay),? )?(?:(?:what|how) about |and )?(?:(?P<preposition>in|at|for|from|by|of|on|with"
    r"|to) )?"
    r"(?P<thing>(?:the )?[^?,.]{1,60})\??$",
    re.IGNORECASE,
)
_OPENS_EN = re.compile(r"^(?:and|but|so|what about|how about|ok)\b", re.IGNORECASE)
_ASKS_EN = re.compile(
    r"\b(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|do|does|did|can|could|will|would|has|have|had"
    r"|should"
    r"|tell|list|name|describe|explain)\b",
    re.IGNORECASE,
)

_LEANS_ZH = re.compile(
    r"^(?:那|然后|接下来|接着|另外|此外|还有|其中|之后|后来|同时|这(?!几年|两年|些年)|此|其(?!他)|两边|双方|两者|前者"
    r"|后者|具体|上述|刚才)"
    r"|^.{1,3}(?:以后|之后)|^.{0,4}?(?<![吉其])[他她它](?:们)?|^.{0,3}该(?:区|市|省|县|公司|企业|协会|会|大会|论坛"
    r"|机构|项目|计划|政策|活动|集团|院|校)"
    r"|^.{0,12}呢[？?]?$|^(?:为什么|怎么会)[？?]?$"
)
_LEANS_EN = re.compile(
    r"^(?:and|but|so|then|also|what about|how about|why\??$|what else|anything else|who else|where else)\b"
    r"|\b(?:it|its|he|him|his|she|her|hers|they|them|their|theirs|these|those|this|that|former|latter|the same"
    r"|the two sides|both sides|the other|others)\b",
    re.IGNORECASE,
)
_EXPLETIVE_EN = re.compile(
    r"\b(?:this|that) (?:year|month|week)\b|\bit (?:worth|possible|true|safe|necessary|legal|normal|better|best|good"
    r"|bad|rain\w*)\b"
    r"|\b(?:is|was) it (?=that\b)|\bsaid to\b",
    re.IGNORECASE,
)
MAX_WORDS_BEFORE_PRONOUN: Final = 8
"""A pronoun further inside refers to something in the question itself."""
_NAME_EN = re.compile(r"(?<!^)\b[A-Z][\w&'-]*(?:[ -](?:(?:of|the|for|and) )?[A-Z][\w&'-]*)*")
_NEXT_EN = re.compile(r"\b(?:next|before|afterwards|previously|later|instead|too|then)\s*\??$", re.IGNORECASE)
_SUBJECT_ZH = re.compile(r"[\u4e00-\u9fff]{2,6}?(?=有|的|在|是|共|一共|多少|几)")
_NAMED = re.compile(r"[A-Z0-9“《]")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?:年(?:\d{1,2}月(?:\d{1,2}日)?)?)?(?!\d)")
_PLACE_SUFFIX = "省|市|区|县|镇|园区|机场"
_FUNCTION_ZH = re.compile(
    r"什么|哪些|哪个|哪里|哪儿|哪家|哪位|哪年|哪天|多少|几[家个位项]?|谁|怎么样?|怎样|如何|为什么|是否|请问|吗|呢"
    r"|有没有|是不是|[的了是有在]"
)


def contextual(question: str, history: Sequence[str]) -> str:
    """The question, made complete from the earlier questions where it leans on them. ``history``: oldest first.

    A question that stands alone comes back unchanged. Only the last few turns and their beginnings are looked at.
    """
    earlier = [turn.strip()[:MAX_TURN_CHARS] for turn in history if turn.strip()][-MAX_TURNS:]
    if not earlier or not question.strip():
        return question
    return _resolved(question, earlier)


def _resolved(question: str, earlier: Sequence[str]) -> str:
    if not earlier:
        return question
    thing = _thing(question)
    if thing is None and not leans(question):
        return question
    before = _resolved(earlier[-1], earlier[:-1])[: 2 * MAX_TURN_CHARS]
    if thing is None:
        return f"{before.rstrip(_ENDS)}{_stop(before)}{question.strip()}"
    return _substituted(before, *thing)


def leans(question: str) -> bool:
    """Whether a question needs an earlier one to be understood."""
    text = normalise_query(question)
    if detect(text) == "en":
        return _leans_en(text)
    return _LEANS_ZH.search(text) is not None or _is_bare_zh(text)


def _leans_en(text: str) -> bool:
    if _OPENS_EN.search(text):
        return True
    if _NAME_EN.search(text):
        return False
    pronoun = _LEANS_EN.search(_EXPLETIVE_EN.sub(" ", text))
    if pronoun and len(text[: pronoun.start()].split()) <= MAX_WORDS_BEFORE_PRONOUN:
        return True
    return len(text.split()) <= SHORT_EN or _NEXT_EN.search(text) is not None


def _is_bare_zh(text: str) -> bool:
    """Nothing but a predicate, and no name: 每年平均涨多少？"""
    content = _FUNCTION_ZH.sub("", text.strip(_ENDS))
    return len(content) <= SHORT_ZH and not _NAMED.search(text) and not _places(text)


def _thing(question: str) -> tuple[str, str] | None:
    """(preposition, thing) of a question that names a thing and asks nothing; the preposition is English or empty."""
    text = question.strip()
    if detect(text) != "en":
        found = _THING_ZH.match(normalise_query(text))
        return ("", found["thing"].strip()) if found and not _NO_THING_ZH.search(found["thing"]) else None
    found = _THING_EN.match(text)
    if not found or _ASKS_EN.search(found["thing"]) or not _OPENS_EN.search(text):
        return None
    return (found["preposition"] or "").lower(), found["thing"].strip()


def _substituted(before: str, preposition: str, thing: str) -> str:
    """The question before with ``thing`` in the place of one of its kind, or behind its words."""
    place = _rival(before, preposition, thing)
    if place is None:
        return f"{before.rstrip(_ENDS)}{_stop(before)}{thing}"
    return before[: place[0]] + thing + before[place[1] :]


def _rival(before: str, preposition: str, thing: str) -> Span | None:
    """Where the earlier question names something of the same kind."""
    if _YEAR.fullmatch(thing):
        year = _YEAR.search(before)
        return year.span() if year else None
    if detect(before) == "en":
        return _rival_en(before, preposition, thing)
    return _rival_zh(before, thing)


def _rival_en(before: str, preposition: str, thing: str) -> Span | None:
    if not thing.removeprefix("the ")[:1].isupper() and detect(thing) == "en":
        return None
    names = list(_NAME_EN.finditer(before))
    if preposition:
        names = [
            name
            for name in names
            if before[: name.start()].lower().endswith((f" {preposition} ", f" {preposition} the "))
        ]
    return names[-1].span() if len(names) == 1 or (names and preposition) else None


def _rival_zh(before: str, thing: str) -> Span | None:
    """The first person where the thing is one, else the first run of places where the thing may be one."""
    people = spans("person", before)
    if people and spans("person", f"{thing}说") == [(0, len(thing))]:
        return people[0]
    subject = _SUBJECT_ZH.match(before)
    places = _places(before) or ([subject.span()] if subject else [])
    may_be_place = bool(_places(thing)) or len(thing) <= MAX_PLACE_CHARS
    return places[0] if places and may_be_place else None


def _places(text: str) -> list[Span]:
    """Runs of place names that the dictionary knows, with a suffix that belongs to them."""
    import rjieba

    found: list[Span] = []
    position = 0
    for word, tag in rjieba.tag(text, hmm=False):
        end = position + len(word)
        if tag == "ns":
            suffix = re.compile(_PLACE_SUFFIX).match(text, end)
            found.append((position, suffix.end() if suffix else end))
        position = end
    return found


def _stop(before: str) -> str:
    return "？" if detect(before) == "zh" else "? "
