"""Replies that WeCom comes for, in the index's database: it may come to another process than the one that answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from qa.chat.events import Events

SEARCHING: Final = "正在查找答案……\nLooking for the answer…"
ELSEWHERE: Final = "答案见下一条消息。\nThe answer is in the next message."
LOST: Final = "这个问题的答案已经不在了，请再问一次。\nThe answer to this question is gone. Please ask again."

_OFFERED: Final = "offered "
_TAKEN: Final = "taken "
_POSTED: Final = "posted "


@dataclass(frozen=True, slots=True)
class Stream:
    """What is told of a reply that was asked for: all there is so far, and whether that is all."""

    content: str
    finish: bool


class Streams:
    """The replies of one bot. ``event``: id of the event that is replied to, and of the stream.

    A reply is either taken from its stream (as often as the platform asks) or posted, never both.
    """

    def __init__(self, events: Events, platform: str, app: str) -> None:
        self._events = events
        self._platform = platform
        self._app = app

    def offer(self, event: str, content: str) -> None:
        self._events.keep_reply(self._platform, self._app, event, _OFFERED + content)

    def take(self, event: str) -> Stream:
        """What the platform gets that asks for a stream."""
        kept = self._events.reply(self._platform, self._app, event)
        if kept is None:
            known = self._events.state(self._platform, self._app, event) is not None
            return Stream(SEARCHING, finish=False) if known else Stream(LOST, finish=True)
        if kept.startswith(_OFFERED) and not self._move(event, kept, _TAKEN):
            return self.take(event)
        return Stream(ELSEWHERE if kept.startswith(_POSTED) else kept.partition(" ")[2], finish=True)

    def is_taken(self, event: str) -> bool:
        return (self._events.reply(self._platform, self._app, event) or "").startswith(_TAKEN)

    def withdraw(self, event: str) -> bool:
        """Take a reply out of its stream, to post it. False where the platform was first."""
        kept = self._events.reply(self._platform, self._app, event) or ""
        return kept.startswith(_OFFERED) and self._move(event, kept, _POSTED)

    def begun(self, event: str) -> Stream | None:
        """How far the reply to a message has come; None where the message was dropped."""
        dropped = self._events.state(self._platform, self._app, event) == "dropped"
        return None if dropped else self.take(event)

    def _move(self, event: str, kept: str, mark: Literal["taken ", "posted "]) -> bool:
        return self._events.replace_reply(self._platform, self._app, event, kept, mark + kept.removeprefix(_OFFERED))
