"""Cards as Slack blocks (https://api.slack.com/reference/block-kit/blocks).

Answers and quotes go into ``plain_text``, where Slack interprets nothing; only the line with the link is ``mrkdwn``,
with Slack's three control characters escaped and ``verbatim``, so that no name in it becomes a mention.
"""

from __future__ import annotations

from typing import Any, Final

from qa.chat.card import Card, Reference
from qa.chat.render import MAX_QUOTE, Dialect, cut, head, visible

MAX_SECTION: Final = 3000
"""Characters of one text object."""
MAX_BLOCKS: Final = 50
MAX_TOTAL: Final = 12_000
"""Characters of all blocks: what a `markdown` block may hold, kept to for sections too."""

Block = dict[str, Any]


def escape(text: str) -> str:
    """https://api.slack.com/reference/surfaces/formatting#escaping"""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _link(label: str, url: str) -> str:
    return f"<{escape(url)}|{label}>"


MRKDWN: Final = Dialect(escape=escape, link=_link, strong="*{}*".format, quote="> {}".format, break_="\n", measure=len)


def blocks(card: Card) -> list[Block]:
    """The answer, its notes, and as many citations as fit."""
    made = [_plain(card.text)] + [_plain(note) for note in card.notes[:3]]
    for reference in card.references:
        added = _citation(reference)
        if len(made) + len(added) > MAX_BLOCKS or _size(made + added) > MAX_TOTAL:
            break
        made += added
    return made


def sentence(text: str) -> list[Block]:
    """A sentence of ours."""
    return [_plain(text)]


def fallback(text: str) -> str:
    """What notifications show, escaped."""
    return escape(cut(text, lambda part: len(escape(part)) <= MAX_SECTION))


def _citation(reference: Reference) -> list[Block]:
    headed = head(reference, MRKDWN)
    if len(headed) > MAX_SECTION:
        headed = head(Reference(reference.number, reference.title, reference.facts, "", ""), MRKDWN)
    quote = cut(visible(reference.quote)[: MAX_QUOTE + 1], lambda part: len(part) <= MAX_QUOTE)
    return [_mrkdwn(headed)] + ([_plain(f"“{quote}”")] if quote.strip() else [])


def _plain(text: str) -> Block:
    shown = cut(visible(text), lambda part: len(part) <= MAX_SECTION)
    return {"type": "section", "text": {"type": "plain_text", "text": shown or "…", "emoji": False}}


def _mrkdwn(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _size(made: list[Block]) -> int:
    return sum(len(block["text"]["text"]) for block in made)
