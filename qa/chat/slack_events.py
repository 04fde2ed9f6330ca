"""What Slack sends, as messages (https://api.slack.com/apis/events-api, /interactivity/slash-commands)."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any, Final

from qa.chat.message import Message

_ENTITY: Final = re.compile(r"<([@#!]?)([^<>|\s][^<>|]*)(?:\|([^<>]*))?>")
_OURS: Final = frozenset({"", "file_share", "thread_broadcast"})
"""Subtypes of what people write; the others are edits, joins and the like."""


def from_event(body: Mapping[str, Any]) -> Message | None:
    """A mention or a direct message; None for what is not a question to us."""
    event = _mapping(body.get("event"))
    direct = event.get("channel_type") == "im"
    if event.get("type") != ("message" if direct else "app_mention"):
        return None
    if str(event.get("subtype") or "") not in _OURS and not _is_bot(event):
        return None
    channel, stamp = str(event.get("channel", "")), str(event.get("ts", ""))
    if not channel or not body.get("event_id"):
        return None
    thread = str(event.get("thread_ts") or ("" if direct else stamp))
    return Message(
        event=str(body.get("event_id", "")),
        conversation=f"{channel}:{thread}",
        user=str(event.get("user", "")),
        text=plain(str(event.get("text") or ""), _own_user(body)),
        reply_to={"channel": channel, "thread": thread},
        from_bot=_is_bot(event) or event.get("user") == _own_user(body),
    )


def from_command(body: Mapping[str, Any]) -> Message:
    """A slash command. Its follow-ups are the user's own in the channel."""
    channel, user = str(body.get("channel_id", "")), str(body.get("user_id", ""))
    return Message(
        event=f"command:{body.get('trigger_id', '')}",
        conversation=f"command:{channel}:{user}",
        user=user,
        text=plain(str(body.get("text") or ""), ""),
        reply_to={"response_url": str(body.get("response_url", ""))},
    )


def plain(text: str, own_user: str) -> str:
    """Slack's markup as the words that a reader sees, without the mention of this app."""

    def words(found: re.Match[str]) -> str:
        kind, target, label = found[1], found[2], found[3]
        if kind == "@" and own_user in ("", target):
            return " "
        return f"{kind}{label or target}" if kind else label or target

    return html.unescape(_ENTITY.sub(words, text)).strip()


def _is_bot(event: Mapping[str, Any]) -> bool:
    return bool(event.get("bot_id")) or event.get("subtype") == "bot_message"


def _own_user(body: Mapping[str, Any]) -> str:
    given = body.get("authorizations")
    first = given[0] if isinstance(given, list) and given else {}
    return str(_mapping(first).get("user_id") or "")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
