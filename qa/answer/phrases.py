"""What an answer says in its own words, in the language and script of the question."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Literal

from qa.encode.language import detect, script
from qa.types import Language

Voice = Literal["en", "zh", "zh-Hant"]

_TEXTS: Final[dict[str, dict[Voice, str]]] = {
    "unanswered": {
        "en": "The articles do not answer this question.",
        "zh": "这些文章没有回答这个问题。",
        "zh-Hant": "這些文章沒有回答這個問題。",
    },
    "nothing": {
        "en": "Nothing was found.",
        "zh": "没有找到任何内容。",
        "zh-Hant": "沒有找到任何內容。",
    },
    "nearest": {
        "en": "The nearest passages, which may be about something else: {marks}",
        "zh": "最接近的段落（说的可能是别的事）：{marks}",
        "zh-Hant": "最接近的段落（說的可能是別的事）：{marks}",
    },
    "quoted.zh": {
        "en": "The sources are in Chinese; they say, in the original:",
        "zh": "",
        "zh-Hant": "",
    },
    "quoted.en": {
        "en": "",
        "zh": "来源是英文，原文如下：",
        "zh-Hant": "來源是英文，原文如下：",
    },
    "quoted.other": {
        "en": "The sources say, in the original:",
        "zh": "来源的原文如下：",
        "zh-Hant": "來源的原文如下：",
    },
    "premise": {
        "en": "The question speaks of “{what}”; the passages found do not say so.",
        "zh": "问题里说的“{what}”，找到的段落没有这样说。",
        "zh-Hant": "問題裡說的「{what}」，找到的段落沒有這樣說。",
    },
    "unsupported": {
        "en": "(not supported by the articles)",
        "zh": "（文章不支持这句话）",
        "zh-Hant": "（文章不支持這句話）",
    },
    "warning.model": {
        "en": "The model could not be used ({reason}); the answer is quoted from the articles instead.",
        "zh": "模型无法使用（{reason}），答案改为直接引用文章。",
        "zh-Hant": "模型無法使用（{reason}），答案改為直接引用文章。",
    },
    "warning.unsupported": {
        "en": "Nothing that the model wrote is supported by the articles; the answer is quoted from them instead.",
        "zh": "模型写的内容都得不到文章支持，答案改为直接引用文章。",
        "zh-Hant": "模型寫的內容都得不到文章支持，答案改為直接引用文章。",
    },
    "warning.dropped": {
        "en": "{count} sentences of the model were left out: the articles do not support them.",
        "zh": "模型有 {count} 句话得不到文章支持，已略去。",
        "zh-Hant": "模型有 {count} 句話得不到文章支持，已略去。",
    },
    "warning.unconfigured": {
        "en": "No model is configured (QA_MODEL_BASE_URL, QA_MODEL_NAME); the answer is quoted from the articles.",
        "zh": "没有配置模型（QA_MODEL_BASE_URL、QA_MODEL_NAME），答案直接引用文章。",
        "zh-Hant": "沒有設定模型（QA_MODEL_BASE_URL、QA_MODEL_NAME），答案直接引用文章。",
    },
}


def voice(question: str) -> Voice:
    """Which language and script to answer in: Chinese where the question is Chinese, Traditional where it is."""
    if detect(question) != "zh":
        return "en"
    return "zh-Hant" if script(question) == "hant" else "zh"


class Reason(StrEnum):
    """Why a model could not be used. A status of HTTP is none of these: it is the same in all languages."""

    SLOW = "it took too long"
    UNREACHABLE = "no connection"
    MALFORMED = "its answer is malformed"
    REPORTED = "it reported an error"
    EMPTY = "an empty answer"


_REASONS: Final[dict[Voice, dict[str, str]]] = {
    "en": {},
    "zh": {
        Reason.SLOW: "用时过长",
        Reason.UNREACHABLE: "无法连接",
        Reason.MALFORMED: "回答格式有误",
        Reason.REPORTED: "它报告了错误",
        Reason.EMPTY: "回答为空",
    },
    "zh-Hant": {
        Reason.SLOW: "用時過長",
        Reason.UNREACHABLE: "無法連線",
        Reason.MALFORMED: "回答格式有誤",
        Reason.REPORTED: "它回報了錯誤",
        Reason.EMPTY: "回答為空",
    },
}


def reason(said: str, spoken: Voice) -> str:
    """A reason in the language of the answer."""
    return _REASONS[spoken].get(said, said)


def phrase(name: str, spoken: Voice, **values: object) -> str:
    return _TEXTS[name][spoken].format(**values)


def frame(spoken: Voice, sources: set[Language]) -> str:
    """What introduces quotes in another language than the question's; empty where all are in the question's."""
    own = "en" if spoken == "en" else "zh"
    foreign = sources - {own}
    if not foreign:
        return ""
    name = foreign.pop() if len(sources) == 1 else "other"
    return phrase(f"quoted.{name}", spoken)


def gap(spoken: Voice) -> str:
    """What stands between two sentences."""
    return " " if spoken == "en" else ""


def marked(text: str, numbers: Sequence[int]) -> str:
    """The text with its marks: behind a blank in Latin script, right behind the stop in Chinese."""
    marks = "".join(f"[{number}]" for number in numbers)
    if not marks:
        return text
    return f"{text} {marks}" if text[-1:].isascii() else f"{text}{marks}"
