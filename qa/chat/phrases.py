"""What the service says in a chat in its own words, in the language and script of the question."""

from __future__ import annotations

from typing import Final

from qa.answer.phrases import Voice, voice

_TEXTS: Final[dict[str, dict[Voice, str]]] = {
    "busy": {
        "en": "Too many questions are waiting. Please ask again in a few minutes.",
        "zh": "排队的问题太多，请过几分钟再问。",
        "zh-Hant": "排隊的問題太多，請過幾分鐘再問。",
    },
    "limited": {
        "en": "You ask faster than I may answer. Please go on in a minute.",
        "zh": "提问太快了，请过一分钟再继续。",
        "zh-Hant": "提問太快了，請過一分鐘再繼續。",
    },
    "too_long": {
        "en": "Your question is too long: I read at most {limit} characters. Please shorten it.",
        "zh": "问题太长：最多 {limit} 个字符，请缩短后再问。",
        "zh-Hant": "問題太長：最多 {limit} 個字元，請縮短後再問。",
    },
    "no_text": {
        "en": "I read words only. Please type your question. / 我只能读文字，请输入问题。",
        "zh": "我只能读文字，请输入问题。",
        "zh-Hant": "我只能讀文字，請輸入問題。",
    },
    "interrupted": {
        "en": "I was interrupted while replying to you. If you see no answer above, please ask again.",
        "zh": "回复你的问题时服务中断了。如果上面没有看到答案，请再问一次。",
        "zh-Hant": "回覆你的問題時服務中斷了。如果上面沒有看到答案，請再問一次。",
    },
    "failed": {
        "en": "I could not answer because of a fault on my side. Please try again later.",
        "zh": "服务出了故障，没能回答。请稍后再试。",
        "zh-Hant": "服務出了故障，沒能回答。請稍後再試。",
    },
    "sources": {"en": "Sources", "zh": "来源", "zh-Hant": "來源"},
    "digest": {"en": "digest", "zh": "摘要", "zh-Hant": "摘要"},
}


def phrase(name: str, question: str, **values: object) -> str:
    """A sentence in the language of ``question``."""
    return say(name, voice(question), **values)


def say(name: str, spoken: Voice, **values: object) -> str:
    return _TEXTS[name][spoken].format(**values)
