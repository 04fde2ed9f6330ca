"""What a sentence says that a passage may not say: names, nouns, negations, opposites. Regular expressions and a
dictionary of Chinese words; no model. All of it works on matchable text (NFKC, Simplified)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from qa.ingest.words import stem, words
from qa.types import Span

_HAN = r"\u3400-\u9fff"
_HAN_RUN = re.compile(f"[{_HAN}]+")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9'’&.-]*[A-Za-z0-9]|[A-Za-z]")
_QUOTED = re.compile(r"“([^”]{1,80})”|《([^》]{1,80})》|「([^」]{1,80})」|\"([^\"]{2,80})\"")
_NAME_TAGS: Final = ("nr", "ns", "nt", "nz", "j")
_NUMBER_TAGS: Final = ("m", "t")
_MODIFIER_TAGS: Final = ("b", "f", "h")
_NOUN_TAGS: Final = ("n", "vn", "an", "s", "l", "i", "f", "m", "t", "b")
_FUNCTION: Final = frozenset(
    "的了在是和与及等也都就而于以为被把着过地得之其还将已会能可要使让对从由向到给并且或但则又再更最很"
    "这那此该本各每某所者中上下内外前后时有说称指据按个位"
    "里又用做作成当如若因故即仅只才刚共总约近超逾余多来去起至自同跟比吧呢吗啊们他她它我你您亦均皆乃则与谈讲问答看见想"
)
BESIDE: Final = 3
"""Characters on each side that make a place in a sentence recognisable."""
_GENERIC: Final = frozenset(
    "文章 报道 资料 来源 段落 原文 内容 信息 问题 答案 情况 方面 部分 时候 目前 数据 文中 其中 以及 "
    "当时 期间 之间 以来 同时 此外 另外 因此 所以 根据 "
    "按照 关于 对于 作为 具体 主要 分别 一共 总共 共有 其他 相关 有关 名称 名字 时间 地点 人员 数量 "
    "日期 事情 今年 当天 这里 那里 如下 以下 以上 上述".split()
)
_EN_GENERIC: Final = frozenset(
    "the a an this that these those it its he she they his her their there here in on at by of for from to with and or "
    "but as according article articles passage passages source sources report reports text says states said stated "
    "both each all one is are was were has have had be been which who what when where also however while after before "
    "during since until under over about into than then thus so such other another some many most more".split()
)
_TITLE_WORDS: Final = frozenset(
    "university institute association company group committee agency ministry council bureau "
    "corporation hospital college "
    "centre center district city province county airport economic zone conference forum exchange meeting summit action "
    "plan park base international national china chinese first second third mr ms mrs dr professor director president "
    "deputy chairman secretary general manager chief vice municipal government administration department office north "
    "south east west new science technology life medicine medical health industry development research innovation "
    "cooperation january february march april may june july august september october november december monday tuesday "
    "wednesday thursday friday saturday sunday yuan rmb free trade pilot comprehensive bonded".split()
)
"""Capitalised in names, but words of the language: across languages they say nothing of which name it is."""

_ZH_NEGATION = re.compile(
    r"(?:不(?!断|仅|少|同|过|久|但|论|只|得不|一|妨|愧|禁|料|光|单|时|乏)|(?<!得)不得|没有?|未(?!来|必|知|免)|无(?!论"
    r"|疑|人机|锡|数|线|比|缝|穷|限|障碍|偿|菌|形|源|机)|非(?!常|洲|凡|遗|处方|典)|并非|禁止|拒绝"
    r"|否认|停止|取消|避免|缺乏|别(?=再|去|想))"
)
_EN_NEGATION = re.compile(
    r"\b(?:not|no|never|none|neither|nor|without|cannot|fail(?:s|ed)? to|refus\w+|den(?:y|ies|ied)|prohibit\w*"
    r"|ban(?:s|ned)?|cancel\w*|lack\w*)\b|n['’]t\b",
    re.IGNORECASE,
)

_OPPOSITES: Final[tuple[tuple[str, str], ...]] = (
    (
        r"增长|增加|提高|提升|上升|上涨|扩大|\bincreas\w*|\brise|\brises|\brose|\bris(?:en|ing)|\bgr[eo]w\w*"
        r"|\bgain\w*|\braise[sd]?",
        r"下降|减少|降低|下滑|下跌|缩小|萎缩|\bdecreas\w*|\bfall\w*|\bfell|\bdeclin\w*|\bdrop\w*|\bshr[aiu]nk\w*"
        r"|\breduc\w*|\blower\w*",
    ),
    (
        r"超过|多于|高于|大于|不少于|至少|逾|以上|余|\bmore than|\bover\b|\babove|\bexceed\w*|\bat least",
        r"不足|少于|低于|小于|不到|至多|最多|以下|不超过|接近|\bless than|\bfewer than|\bunder\b|\bbelow|\bat most"
        r"|\bnearly|\balmost",
    ),
    (r"首次|首个|首届|第一|最早|\bfirst\b", r"再次|最后|末次|最晚|\blast\b|\bsecond time"),
    (
        r"最大|最高|最多|最强|\blargest|\bbiggest|\bhighest|\bmost\b",
        r"最小|最低|最少|最弱|\bsmallest|\blowest|\bleast\b",
    ),
    (
        r"支持|赞成|同意|鼓励|\bsupport\w*|\bagree\w*|\bencourag\w*|\bapprov\w*",
        r"反对|抵制|阻止|\boppos\w*|\breject\w*|\bdisagree\w*|\bdiscourag\w*",
    ),
    (r"允许|批准|准许|获批|\ballow\w*|\bpermit\w*", r"禁止|驳回|不准|\bforbid\w*|\bprohibit\w*|\bban(?:s|ned)?\b"),
    (r"盈利|赢|成功|\bprofit\w*|\bsucceed\w*|\bsuccess\w*|\bw[io]n\b", r"亏损|输|失败|\bloss\w*|\bfail\w*|\blost\b"),
    (
        r"开始|启动|开幕|成立|建立|开工|\bbeg[aiu]n\w*|\bstart\w*|\bopen\w*|\blaunch\w*|\bfound\w*",
        r"结束|终止|闭幕|解散|关闭|停工|撤销|\bend(?:s|ed)?\b|\bclos\w*|\bterminat\w*|\bdissolv\w*",
    ),
    (r"之前|以前|此前|\bbefore\b|\bprior to", r"之后|以后|此后|\bafter\b|\bfollowing"),
    (r"进口|\bimport\w*", r"出口|\bexport\w*"),
    (r"国内|\bdomestic\w*", r"国外|海外|\bforeign|\boverseas|\babroad"),
    (
        r"加强|强化|促进|推动|推进|\bstrengthen\w*|\bpromot\w*|\bboost\w*",
        r"削弱|弱化|阻碍|妨碍|\bweaken\w*|\bhinder\w*|\bhamper\w*",
    ),
    (r"上游|\bupstream", r"下游|\bdownstream"),
    (r"收购|买入|\bacquir\w*|\bbought|\bbuy\w*", r"出售|卖出|\bsold|\bsell\w*"),
    (r"快|\bfast\w*|\bquick\w*", r"慢|\bslow\w*"),
    (r"北部|北方|\bnorth\w*", r"南部|南方|\bsouth\w*"),
    (r"东部|东方|\beast\w*", r"西部|西方|\bwest\w*"),
)
_SIDES: Final = tuple(tuple(re.compile(side, re.IGNORECASE) for side in pair) for pair in _OPPOSITES)


@lru_cache(maxsize=4096)
def bigrams(text: str) -> frozenset[str]:
    """Pairs of neighbouring Han characters."""
    return frozenset(a + b for run in _HAN_RUN.findall(text) for a, b in pairwise(run))


def quoted(text: str) -> list[str]:
    """What stands in quotation marks or title marks."""
    return [next(group for group in match.groups() if group) for match in _QUOTED.finditer(text)]


def new_han(text: str, known: str) -> list[str]:
    """Names and nouns of a Chinese text that ``known`` does not hold.

    A character is held where a pair it belongs to stands in ``known``. A word with a character that is not held counts
    where the dictionary calls it a name or a noun, or where it is one of a run of single characters (a name that the
    dictionary does not know).
    """
    held = bigrams(known)
    return [word for run in _HAN_RUN.finditer(text) for word in _new_in_run(run[0], held, known)]


def new_latin(text: str, known: str, *, names_only: bool) -> list[str]:
    """Latin words of a text whose stems ``known`` does not hold; with ``names_only``, capitalised ones and codes."""
    held = {stem(word.lower()) for word in _LATIN.findall(known)} | set(words(known))
    missing = []
    for match in _LATIN.finditer(text):
        word = re.sub(r"['’]s$", "", match[0])
        if word.lower() in _EN_GENERIC or stem(word.lower()) in held or set(words(word)) <= held:
            continue
        if not names_only or word != word.lower():
            missing.append(word)
    return missing


def coverage(text: str, known: str) -> float:
    """Share of the content of a text (pairs of Han characters, stems) that ``known`` holds; 1 where it has none."""
    content = _content(text)
    return len(content & _content(known)) / len(content) if content else 1.0


def names_in_order(text: str, people: Sequence[Span]) -> dict[str, list[str]]:
    """Names in order of appearance, each kind for itself: people (whose spans are given), Chinese and Latin names."""
    han = [
        (run.start() + start, word)
        for run in _HAN_RUN.finditer(text)
        for word, tag, (start, _) in _tagged(run[0])
        if tag.startswith(_NAME_TAGS)
    ]
    return {
        "people": [text[slice(*span)] for span in people],
        "names": [word for start, word in han if not any(first <= start < last for first, last in people)],
        "latin": [match[0] for match in _LATIN.finditer(text) if _is_name(match[0])],
    }


def negations(text: str) -> list[Span]:
    """Where a text says no."""
    return sorted(match.span() for pattern in (_ZH_NEGATION, _EN_NEGATION) for match in pattern.finditer(text))


def negation_differs(text: str, known: str) -> bool:
    """Whether one says no where the other does not, judged by the words behind each negation."""
    return any(not _denied(known, text, end) for _, end in negations(text)) or any(
        _affirmed(text, known, start, end) for start, end in negations(known)
    )


def opposite(text: str, known: str) -> bool:
    """Whether the text says one side of a pair of opposites (growth, decline) where ``known`` has only the other."""
    for first, second in _SIDES:
        for said, contrary in ((first, second), (second, first)):
            if said.search(text) and not said.search(known) and contrary.search(known):
                return True
    return False


def opposites_in_order(text: str) -> list[str]:
    """Words that have an opposite, as ``pair.side``, in order."""
    found = [
        (match.start(), f"{number}.{side}")
        for number, pair in enumerate(_SIDES)
        for side, pattern in enumerate(pair)
        for match in pattern.finditer(text)
    ]
    return [name for _, name in sorted(found)]


def substituted(text: str, known: str) -> str | None:
    """A word that stands, between the same neighbours, in the place of another one in ``known``; None if none does."""
    for start, end in _replaceable(text):
        word, (left, right) = text[start:end], _beside(text, start, end)
        if len(left) + len(right) < BESIDE or f"{left}{word}{right}" in known:
            continue
        place = f"{re.escape(left) if left else '^'}(.{{1,{2 * len(word) + 4}}}?){re.escape(right) if right else '$'}"
        others = re.findall(place, known)
        if others and not any(word in other for other in others):
            return word
    return None


def repeated(text: str, known: str) -> str | None:
    """A Chinese noun or name that the text says more often than ``known``: it may have taken another one's place."""
    said = Counter(
        word for run in _HAN_RUN.findall(text) for word, tag, _ in _tagged(run) if _may_be_swapped(word, tag)
    )
    return next((word for word, count in said.items() if count > max(1, known.count(word))), None)


def new_across(text: str, known: str, context: str) -> list[str]:
    """Names of an English text that a Chinese one does not hold, neither in Latin letters nor read in pinyin.

    A name of several words has to stand in ``known``, one of a single word may also stand in ``context``.
    """
    held = set(words(f"{known} {context}"))
    missing = []
    for name in _names(text):
        if set(words(" ".join(name))) <= held:
            continue
        if not any(_reads(spelt, where) for spelt in _spellings(name) for where in _places_of(name, known, context)):
            missing.append(" ".join(name))
    return missing


def _names(text: str) -> list[list[str]]:
    """Runs of capitalised words, without those that are words of the language."""
    runs: list[list[str]] = []
    end = -1
    for match in _LATIN.finditer(text):
        word = re.sub(r"['’]s$", "", match[0])
        plain = word.lower()
        if word != plain and plain not in _EN_GENERIC and plain not in _TITLE_WORDS:
            if runs and match.start() == end + 1:
                runs[-1].append(word)
            else:
                runs.append([word])
            end = match.end()
    return runs


def _spellings(name: list[str]) -> list[str]:
    """A name run together, family name first or last."""
    plain = [re.sub(r"[^a-z]", "", word.lower()) for word in name]
    return ["".join(plain), "".join(plain[1:] + plain[:1])]


def _places_of(name: list[str], known: str, context: str) -> list[str]:
    return [known] if len(name) > 1 else [known, context]


def _replaceable(text: str) -> list[Span]:
    """Names, nouns and words that the dictionary does not know; every Latin word that says something."""
    found = [match.span() for match in _LATIN.finditer(text) if match[0].lower() not in _EN_GENERIC]
    for run in _HAN_RUN.finditer(text):
        found += [
            (run.start() + start, run.start() + end)
            for word, tag, (start, end) in _tagged(run[0])
            if tag.startswith((*_NAME_TAGS, *_NOUN_TAGS)) and not tag.startswith(_NUMBER_TAGS) and word not in _FUNCTION
        ]
    return found


def _may_be_swapped(word: str, tag: str) -> bool:
    return len(word) > 1 and tag.startswith((*_NAME_TAGS, *_NOUN_TAGS)) and not tag.startswith(_NUMBER_TAGS[0])


def _beside(text: str, start: int, end: int) -> tuple[str, str]:
    """What stands right before and behind a word: some characters, or in Latin script a word."""
    if text[start].isascii():
        # Backwards for what stands before: a search for the end of a text tries every place in it.
        return _first_word(text[:start][::-1])[::-1], _first_word(text[end:])
    return text[max(0, start - BESIDE) : start], text[end : end + BESIDE]


def _first_word(text: str) -> str:
    found = re.match(r"\s*\S*", text)
    return found[0] if found else ""


@lru_cache(maxsize=4096)
def _content(text: str) -> frozenset[str]:
    latin = (stem(word.lower()) for word in _LATIN.findall(text) if word.lower() not in _EN_GENERIC)
    return bigrams(text) | frozenset(latin)


def _is_name(word: str) -> bool:
    return word[0].isupper() and word.lower() not in _EN_GENERIC


@lru_cache(maxsize=4096)
def _tagged(run: str) -> tuple[tuple[str, str, Span], ...]:
    import rjieba

    found = []
    start = 0
    for word, tag in rjieba.tag(run, hmm=False):
        found.append((word, tag, (start, start + len(word))))
        start += len(word)
    return tuple(found)


def _new_in_run(run: str, held: frozenset[str], known: str) -> list[str]:
    fresh = [
        not any(run[j : j + 2] in held for j in (i - 1, i) if 0 <= j < len(run) - 1)
        and not (len(run) == 1 and run in known)
        for i in range(len(run))
    ]
    tagged = _tagged(run)
    result = []
    for place, (word, tag, (start, end)) in enumerate(tagged):
        if not any(fresh[start:end]) or word in _GENERIC or all(character in _FUNCTION for character in word):
            continue
        if len(word) > 1 and tag.startswith((*_NAME_TAGS, *_NOUN_TAGS)) or len(word) == 1 and _in_name(tagged, place):
            result.append(word)
    return result


def _in_name(tagged: tuple[tuple[str, str, Span], ...], place: int) -> bool:
    """Whether a single character has another beside it that is no function word, or says which of several (副, 原)."""
    beside = [tagged[i][0] for i in (place - 1, place + 1) if 0 <= i < len(tagged)]
    return tagged[place][1].startswith((*_NAME_TAGS, *_MODIFIER_TAGS)) or any(
        len(word) == 1 and word not in _FUNCTION for word in beside
    )


def _denied(known: str, text: str, end: int) -> bool:
    """Whether ``known`` says no to what the text says no to at ``end``."""
    after = _after(text, end)
    places = negations(known)
    if not after:
        return bool(places)
    return any(after & _after(known, place_end) for _, place_end in places)


def _affirmed(text: str, known: str, start: int, end: int) -> bool:
    """Whether the text says without a no what ``known`` denies at ``start``..``end``."""
    after = _after(known, end)
    if not after or not after <= _content(text) | frozenset(text):
        return False
    return not any(after & _after(text, place_end) for _, place_end in negations(text)) and known[start:end] not in text


def _after(text: str, end: int) -> frozenset[str]:
    """What a negation speaks of: the next pair of Han characters, or the next English content word."""
    follows = text[end : end + 40]
    han = re.match(f"[{_HAN}]{{1,2}}", follows)
    if han:
        return frozenset([han[0]])
    stems = [stem(word.lower()) for word in _LATIN.findall(follows) if word.lower() not in _EN_GENERIC]
    return frozenset(stems[:1])


@lru_cache(maxsize=512)
def _syllables(text: str) -> tuple[tuple[str, ...], ...]:
    """For each run of Han characters, their readings."""
    from pypinyin import lazy_pinyin

    return tuple(tuple(reading.replace("ü", "v") for reading in lazy_pinyin(run)) for run in _HAN_RUN.findall(text))


def _reads(spelt: str, text: str) -> bool:
    """Whether characters of the text, one after the other, are read like this."""
    return len(spelt) > 1 and any(
        _begins(run[start:], spelt)
        for run in _syllables(text)
        for start in range(len(run))
        if spelt[0] == run[start][:1]
    )


def _begins(run: Sequence[str], spelt: str) -> bool:
    for reading in run:
        if not spelt.startswith(reading):
            return False
        spelt = spelt[len(reading) :]
        if not spelt:
            return True
    return False
