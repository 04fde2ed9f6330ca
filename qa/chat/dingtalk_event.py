"""From a message of DingTalk's robot topic to a message."""

from __future__ import annotations

from typing import Final

from qa.chat.message import Message
from qa.chat.payload import Json, inner, items, text
from qa.errors import InputError

GROUP: Final = "2"


def message(data: Json) -> Message:
    """Raises InputError where it has no id: it could not be told from another."""
    identity, sender = text(data, "msgId"), text(data, "senderId")
    if not identity:
        raise InputError("The message has no id.", "Send it as the platform does.")
    chat = text(data, "conversationId")
    return Message(
        event=identity,
        conversation=f"{chat}/{sender}" if text(data, "conversationType") == GROUP else chat,
        user=text(data, "senderStaffId") or sender,
        text=_words(data).strip(),
        reply_to={"webhook": text(data, "sessionWebhook"), "expires": text(data, "sessionWebhookExpiredTime")},
        from_bot=bool(sender) and sender == text(data, "chatbotUserId"),
    )


def _words(data: Json) -> str:
    """What was written or spoken (the platform takes the mention of the bot out); empty for pictures and files."""
    content = inner(data, "content")
    match text(data, "msgtype"):
        case "text":
            return text(inner(data, "text"), "content")
        case "richText":
            return "".join(text(one, "text") for one in items(content, "richText"))
        case "audio":
            return text(content, "recognition")
        case _:
            return ""
