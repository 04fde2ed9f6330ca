"""From a callback of a WeCom AI bot to a message (document 100719 of the WeCom developer centre)."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from qa.chat.message import Message
from qa.chat.payload import Json, inner, items, text
from qa.errors import InputError

_LEADING: Final = re.compile(r"\s*@\S+(?:\s+|$)")
_TRAILING: Final = re.compile(r"(?<!\s)\s+@\S+\s*$")


def refreshed(callback: Json) -> str | None:
    """The id of the reply that the platform asks for again; None where the callback is something else."""
    return text(inner(callback, "stream"), "id") if text(callback, "msgtype") == "stream" else None


def is_event(callback: Json) -> bool:
    """Whether something happened in the chat (it was opened, a button was pressed) that is not a message."""
    return text(callback, "msgtype") == "event"


def message(callback: Json, received: int) -> Message:
    """The message of a decrypted callback. Raises InputError where it has no id: it could not be told from another.

    ``received``: seconds since 1970. The id of the event is also the id of the stream that answers it.
    """
    identity, user = text(callback, "msgid"), text(inner(callback, "from"), "userid")
    if not identity:
        raise InputError("The message has no id.", "Send it as the platform does.")
    group = text(callback, "chattype") == "group"
    written = _words(callback)
    return Message(
        event=sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        conversation=f"{text(callback, 'chatid')}/{user}" if group else f"/{user}",
        user=user,
        text=_addressed(written) if group else written.strip(),
        reply_to={"response_url": text(callback, "response_url"), "received": str(received)},
    )


def _words(callback: Json) -> str:
    """What was written or spoken; empty for pictures and files."""
    kind = text(callback, "msgtype")
    if kind == "mixed":
        parts = items(inner(callback, "mixed"), "msg_item")
        return "\n".join(text(inner(one, "text"), "content") for one in parts if text(one, "msgtype") == "text")
    return text(inner(callback, kind), "content") if kind in ("text", "voice") else ""


def _addressed(written: str) -> str:
    """A message in a group, without the mention of the bot: at the start, else at the end."""
    leading = _LEADING.match(written)
    return (written[leading.end() :] if leading else _TRAILING.sub("", written)).strip()
