"""What a platform's adapter hands to the core, and what it gets back to render."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from qa.types import Answer, Generator

if TYPE_CHECKING:
    from fastapi import APIRouter

    from qa.chat.card import Card


@dataclass(frozen=True, slots=True)
class Message:
    """A message whose sender was verified. ``event`` is the vendor's id of it: one id is answered once.

    ``conversation``: what follow-ups belong to (a thread, a direct chat). ``text``: the words, without mentions; empty
    where there are none (an image). ``reply_to``: whatever the adapter needs to answer later, also after a restart; it
    is stored until then and may hold a reply address, so it is never shown.
    """

    event: str
    conversation: str
    user: str
    text: str = field(repr=False)
    reply_to: Mapping[str, str] = field(repr=False)
    from_bot: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What the core asks the index. ``history``: earlier questions of the conversation, oldest first."""

    text: str
    history: tuple[str, ...]
    collection: str
    generator: Generator


Ask = Callable[[Question], Awaitable[Answer]]
"""Answers a question. Raises CiteqaError; BusyError where it is worth trying again."""


class Adapter(Protocol):
    """One app on one platform. It parses, verifies and renders; everything else is the core's."""

    @property
    def platform(self) -> str: ...

    @property
    def app(self) -> str:
        """Which app of the platform: event ids are unique within it."""

    @property
    def collection(self) -> str:
        """The collection that it answers from."""

    async def send(self, message: Message, reply: Card | str) -> None:
        """Render an answer, or a sentence of ours, and push it. Raises PushError, UnclearError."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What a configured platform adds to the service: routes that it is called at, or a connection that it keeps.

    ``listen`` runs for as long as the service does; it is started again when it ends or fails.
    """

    adapter: Adapter
    routers: tuple[APIRouter, ...] = ()
    listen: Callable[[], Awaitable[None]] | None = None
