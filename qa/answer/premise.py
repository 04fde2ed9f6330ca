"""What a question takes for granted and the passages do not say: dates, figures, names, and that something ended.

A question can be searched well and still rest on what never happened (为什么取消了, "after it was abolished"). What is
looked for must be certain to be missing: figures with digits, names that stand out, and a list of events, in both
languages, of the sort that false premises are made of. Everything else is left to the reader of the quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from qa.answer.figures import Figure, figures
from qa.answer.wanted import spans
from qa.encode.language import detect

MAX_NAMED: Final = 3
"""Of more that is missing only the first is named."""

_EVENTS: Final = tuple(
    re.compile(rf"{chinese}|\b(?:{english})\b", re.IGNORECASE)
    for chinese, english in (
        (
            r"取消|推迟|延期|延后|叫停|中止|暂停|搁置",
            r"call\w* (?:it )?off|cancel\w*|postpon\w*|suspend\w*|delayed",
        ),
        (
            r"拒绝|不肯|不愿|回绝|拒签|婉拒",
            r"refus\w+|declin(?:e|ed|ing) to|reject\w*|unwilling|turn\w* down",
        ),
        (
            r"关闭|关掉|关停|关张|倒闭|停办|停业|撤销|废止|废除|废掉|取缔|解散|破产|停产",
            r"shut\w*(?: \w+)? down|shut|clos(?:ed|ure|ing down)|abolish\w*|scrap\w*|dissol\w+|repeal\w*|bankrupt\w*"
            r"|discontinu\w+|axed",
        ),
        (r"禁止|禁令|不准|不许|严禁", r"ban|bans|banned|banning|prohibit\w*|forb[ia]d\w*|outlaw\w*"),
        (
            r"失败|没能|未能|没有?完成|未完成|落空|告吹|没达到|未达",
            r"fail|fails|failed|failing|failure|unable|fell through",
        ),
        (
            r"免去|免职|撤职|革职|辞去|辞职|下台|被捕|落马",
            r"sack\w*|dismiss\w*|resign\w*|fired|ousted|arrest\w*|step\w* down",
        ),
        (r"去世|逝世|病逝|身亡", r"died|death|passed away|killed"),
        (
            r"拆成|拆分|分拆|分家|合并|并入|划给|划归|划入|移交",
            r"split\w*|merg\w+|hand\w* over|break\w* up|transferred to",
        ),
        (r"退出|撤出|撤回|撤资", r"withdr\w+|pull\w* out|quit|exited|backed out"),
        (
            r"下降|下滑|下跌|减少|缩水|萎缩|亏损",
            r"fell|fall|fallen|drop\w*|decreas\w*|shr[aiu]nk\w*|declin(?:e|ed|ing) (?:in|by)",
        ),
        (
            r"事故|泄漏|爆炸|起火|火灾|丑闻|造假|召回",
            r"accident\w*|leak\w*|explo(?:de\w*|sions?)|fire broke|scandal\w*|recall(?:s|ed)?",
        ),
        (r"起诉|被告(?!诉|知)|罚款|处罚|被罚", r"sued|lawsuit\w*|fined|penalt\w+|prosecut\w+"),
    )
)
_MONTHS = re.compile(r"(\d{1,2})月?\s?[-–—~至到]\s?(\d{1,2})月")


def unmentioned(question: str, known: Sequence[str]) -> list[str]:
    """What a question names that none of the texts has, as it stands in the question. All matchable texts."""
    found = chain(_figures(question, known), _events(question, known), _people(question, known))
    return list(dict.fromkeys(found))[:MAX_NAMED]


def _figures(question: str, known: Sequence[str]) -> Iterator[str]:
    """Dates, and figures in digits: 两家 may be counted otherwise."""
    held = {(figure.sort, figure.value) for text in known for figure in figures(text)}
    held |= {("month", value.partition("-")[0]) for sort, value in held if sort == "day"}
    held |= {("month", str(month)) for text in known for month in _months_of_ranges(text)}
    for figure in figures(question):
        said = question[slice(*figure.span)]
        if (figure.sort, figure.value) not in held and (figure.sort != "figure" or _is_precise(figure, said)):
            yield said


def _months_of_ranges(text: str) -> Iterator[int]:
    """The months of 1-7月, which names only its last."""
    for first, last in _MONTHS.findall(text):
        yield from range(int(first), int(last) + 1)


def _is_precise(figure: Figure, said: str) -> bool:
    return figure.value.endswith("%") or any(character.isdigit() for character in said)


def _events(question: str, known: Sequence[str]) -> Iterator[str]:
    for event in _EVENTS:
        said = event.search(question)
        if said and not any(event.search(text) for text in known):
            yield said[0]


def _people(question: str, known: Sequence[str]) -> Iterator[str]:
    """Chinese names in a Chinese question over Chinese passages; across languages spellings differ."""
    if detect(question) == "zh" and known and all(detect(text) == "zh" for text in known):
        for span in spans("person", question):
            name = question[slice(*span)]
            if _is_name(name) and not any(name in text for text in known):
                yield name


def _is_name(text: str) -> bool:
    """Whether no common word stands in what looks like a person's name (陆续可以, 文件名)."""
    import rjieba

    return all(len(word) == 1 or tag.startswith("nr") for word, tag in rjieba.tag(text, hmm=False))
