"""A reply as a Feishu card: JSON 2.0 with one Markdown element."""

from __future__ import annotations

import json
import re
from typing import Final

from qa.chat.card import Card
from qa.chat.render import Dialect, markdown, notice, visible

MAX_BYTES: Final = 30_000
"""Bytes of a card in JSON."""
_FRAME: Final = 500
"""Bytes of a card kept for what is not its text."""
_SPECIAL: Final = re.compile(r"[&<>~*\[\]()#`_$!\\|]|^[^\S\n]*[-+](?=\s)|:(?=\w+:)", re.MULTILINE)


def _escape(text: str) -> str:
    """Everything that the element could take for markup (`<at id=all>` calls everybody) as a character reference, which
    is how the platform wants it escaped."""
    return _SPECIAL.sub(lambda found: "".join(_reference(one) for one in found[0]), visible(text))


def _reference(character: str) -> str:
    return character if character.isspace() else f"&#{ord(character)};"


def _size(text: str) -> int:
    """Bytes in the JSON of a card."""
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")) - 2


DIALECT: Final = Dialect(
    escape=_escape,
    link=lambda label, url: f"[{label}]({url})",
    strong=lambda text: f"**{text}**",
    quote=lambda text: "\n".join(f"> {line}" for line in text.splitlines()),
    break_="\n\n",
    measure=_size,
)


def content(reply: Card | str) -> str:
    """The field ``content`` of a message of type ``interactive``: the card as JSON, at most MAX_BYTES."""
    limit = MAX_BYTES - _FRAME
    text = notice(reply, DIALECT, limit) if isinstance(reply, str) else markdown(reply, DIALECT, limit)
    card = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": text}]}}
    return json.dumps(card, ensure_ascii=False).encode("utf-8", "replace").decode()
