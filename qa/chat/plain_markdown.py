"""Markdown for platforms that do not document how to escape it: WeCom and DingTalk.

A backslash would be shown there. What could mislead is taken apart instead: no link, picture or tag comes about from
the words of an article. What only changes how it looks (emphasis, lists) is left as it is.
"""

from __future__ import annotations

import re
from typing import Final

from qa.chat.render import Dialect, utf8, visible

_LINK: Final = re.compile(r"\](?=[(\[:])")
_TAG: Final = re.compile(r"<(?=[@/!?A-Za-z])")


def escape(text: str) -> str:
    """A space after each `]` that could begin a link's address, and after each `<` that could begin a tag."""
    return _TAG.sub("< ", _LINK.sub("] ", visible(text)))


DIALECT: Final = Dialect(
    escape=escape,
    link=lambda label, url: f"[{label}]({url})",
    strong=lambda text: f"**{text}**",
    quote=lambda text: "\n".join(f"> {line}" for line in text.splitlines()),
    break_="\n\n",
    measure=utf8,
)
