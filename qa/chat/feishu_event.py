"""From an event of Feishu or Lark to a message: ``im.message.receive_v1``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from qa.chat.message import Message
from qa.chat.payload import Json, inner, items, read, text
from qa.errors import InputError

MESSAGE_EVENT: Final = "im.message.receive_v1"
_EVERYBODY: Final = "@_all"


def message(event: Json) -> Message | None:
    """The message of a decrypted event; None where it is another event, or a group talks without the bot.

    Raises InputError where a message has no id: it could not be told from another.
    """
    if text(inner(event, "header"), "event_type") != MESSAGE_EVENT:
        return None
    sent, sender = inner(event, "event", "message"), inner(event, "event", "sender")
    identity, chat = text(sent, "message_id"), text(sent, "chat_id")
    if not identity or not chat:
        raise InputError("The message has no id.", "Send it as the platform does.")
    direct = text(sent, "chat_type") == "p2p"
    if not direct and not _bots(sent):
        return None
    return Message(
        # An event that is sent again carries the same message; one message is answered once.
        event=identity,
        conversation=chat if direct else text(sent, "root_id") or identity,
        user=_user(inner(sender, "sender_id")),
        text=_words(sent),
        reply_to={"message_id": identity, "chat_id": chat},
        from_bot=text(sender, "sender_type") != "user",
    )


def _user(identities: Json) -> str:
    return text(identities, "open_id") or text(identities, "union_id") or text(identities, "user_id")


def _bots(sent: Json) -> list[str]:
    """The marks in the text that stand for bots. Where an event does not say what was mentioned, all but everybody."""
    return [
        text(one, "key")
        for one in items(sent, "mentions")
        if text(one, "mentioned_type") in ("bot", "") and text(one, "key") != _EVERYBODY
    ]


def _words(sent: Json) -> str:
    """What was written: without mentions of bots, with the names of people. Empty for pictures and files."""
    try:
        content = read(text(sent, "content"))
    except InputError:
        return ""
    kind = text(sent, "message_type")
    written = text(content, "text") if kind == "text" else "\n".join(_lines(content)) if kind == "post" else ""
    # The longest mark first: @_user_1 is the beginning of @_user_10.
    for one in sorted(items(sent, "mentions"), key=lambda mention: -len(text(mention, "key"))):
        mark = text(one, "key")
        if mark:
            written = written.replace(mark, "" if mark in _bots(sent) else text(one, "name"))
    return written.strip()


def _lines(post: Json) -> Iterator[str]:
    """The title and the paragraphs of a rich text, which stand in it once or once a language."""
    if not isinstance(post.get("content"), list):
        post = next((one for one in post.values() if isinstance(one, dict)), {})
    yield text(post, "title")
    paragraphs = post.get("content")
    for paragraph in paragraphs if isinstance(paragraphs, list) else []:
        yield "".join(_run(run) for run in paragraph if isinstance(run, dict)) if isinstance(paragraph, list) else ""


def _run(run: Json) -> str:
    """A run of a paragraph. A mention is its mark in the text, ``user_id``."""
    return text(run, "user_id") if text(run, "tag") == "at" else text(run, "text")
