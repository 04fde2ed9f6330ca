"""`qa model export`."""

from __future__ import annotations

from qa.commands.output import encoder_note, out, typed
from qa.config import settings as read_settings
from qa.messages import say


def export(name: str) -> None:
    """Build the fast path of a model in the cache directory."""
    from qa.encode.export import export as build

    path = build(typed(name), read_settings(), progress=encoder_note)
    out(say("model.exported", name=name, path=path))
