"""What chat interfaces ask a model on their own account: a title, tags, follow-up questions, a summary of the chat.

These are no questions to the articles: a search for them would find nonsense and the chat would be named after it. They
are recognised by the fixed beginnings of the prompts that Open WebUI, LobeChat, NextChat, ChatBox, Cherry Studio and
LibreChat send, and answered from the chat itself. A prompt that somebody has rewritten is answered like a question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from qa.service import shape

MAX_TITLE: Final = 30
"""Width of a title in Chinese characters; Latin letters count half."""
MAX_SUMMARY: Final = 400
_LOOKED_AT: Final = 4000
"""Characters of a prompt that are looked at for what it is: it may carry the whole chat."""

_TASK: Final = re.compile(r"\s*### Task:", re.IGNORECASE)
_HISTORY: Final = re.compile(r"### Chat History|<chat_history>", re.IGNORECASE)
_TITLE: Final = re.compile(
    r"generate a four to five word title"
    r"|^\W*使用四到五个字直接返回这句话的简要主题"
    r"|^\W*based on the chat history, give this conversation a name"
    r"|you are a professional conversation summarizer\. generate a concise title"
    r"|summarize (?:the|a) user'?s conversation into a title"
    r"|将(?:用户的)?会话总结为.{0,40}标题"
    r"|总结给出的会话.{0,60}标题"
    r"|^\W*provide a concise, 5-word-or-less title for the conversation",
    re.IGNORECASE | re.DOTALL,
)
_SUMMARY: Final = re.compile(
    r"^\W*summarize the discussion briefly in 200 words or less to use as a prompt"
    r"|^\W*简要总结一下对话内容，用作后续的上下文提示",
    re.IGNORECASE,
)
_ASKS_JSON: Final = re.compile(r'json[^\n]{0,80}"title"', re.IGNORECASE)
_USER_TURNS: Final = (
    re.compile(r"<user>(.+?)(?:</user>|\Z)", re.DOTALL | re.IGNORECASE),
    re.compile(r"^[ \t]*(?:user|用户)[ \t]*[:：](.+)$", re.MULTILINE | re.IGNORECASE),
    re.compile(r'"mainText"\s*:\s*"((?:[^"\\]|\\.)+)"'),
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a chat, as far as it is text."""

    role: str
    text: str


def answered(turns: Sequence[Turn]) -> str | None:
    """What to answer if the last message of a user, or the system's, asks for a chore; None for a real question."""
    asked = next((turn.text for turn in reversed(turns) if turn.role == "user"), "")
    if _TASK.match(asked):
        return _task(asked)
    earlier = [turn.text for turn in turns if turn.role == "user" and turn.text is not asked]
    if _SUMMARY.search(asked[:_LOOKED_AT]):
        return "\n".join(_short(text, MAX_SUMMARY // max(1, len(earlier))) for text in earlier)
    prompts = [asked, *(turn.text for turn in turns if turn.role in ("system", "developer"))]
    prompt = next((each for each in prompts if _TITLE.search(each[:_LOOKED_AT])), None)
    if prompt is None:
        return None
    title = _title(asked if prompt is not asked else "\n".join(earlier) or _after(asked))
    return _json(title=title) if _ASKS_JSON.search(prompt) else title


def _task(prompt: str) -> str | None:
    """Open WebUI's tasks: each names the key of the JSON that it wants."""
    head = _HISTORY.split(prompt, maxsplit=1)[0]
    return next((make(prompt) for key, make in _TASKS.items() if f'"{key}"' in head), None)


_TASKS: Final[dict[str, Callable[[str], str]]] = {
    "title": lambda prompt: _json(title=_title(_after(prompt))),
    "tags": lambda _prompt: _json(tags=["General"]),
    "follow_ups": lambda _prompt: _json(follow_ups=[]),
    "queries": lambda _prompt: _json(queries=[]),
    "text": lambda _prompt: _json(text=""),
}


def _after(prompt: str) -> str:
    """The chat that a prompt carries behind its instructions."""
    return _HISTORY.split(prompt, maxsplit=1)[-1]


def _title(chat: str) -> str:
    """The user's first question, short."""
    turns = (found[1] for pattern in _USER_TURNS if (found := pattern.search(chat)))
    return _short(next(turns, chat), MAX_TITLE)


def _short(text: str, width: int) -> str:
    """The beginning of the first line, cut behind a word, up to a width in Chinese characters."""
    line = next((" ".join(line.split()) for line in text.splitlines() if line.strip()), "")
    used = 0.0
    for place, character in enumerate(line):
        used += 0.5 if character.isascii() else 1
        if used > width:
            cut = line[:place]
            return f"{cut.rpartition(' ')[0] or cut}…"
    return line.rstrip("?？。.!！")


def _json(**fields: object) -> str:
    return shape.dumps(fields)
