"""Where an index's copy in Milvus is, as the settings say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from qa.errors import ConfigError
from qa.store.manifest import Identity
from qa.store.milvus import alias as aliases
from qa.store.milvus import schema
from qa.store.milvus.schema import Shape
from qa.store.milvus.server import Server

if TYPE_CHECKING:
    from qa.config import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """``alias``: the index's name on the server, and how its collections' names begin."""

    server: Server
    alias: str = "citeqa"
    shards: int = 1
    replicas: int = 1

    def collection(self, identity: Identity) -> str:
        """The Milvus collection of one build."""
        return f"{self.alias}_{identity.id[:12]}"

    def make(self, identity: Identity, *, beside: bool) -> Shape:
        """Make a build's collection, empty; the alias names it then, unless it is made ``beside`` the current one.

        Raises EngineError, ConfigError where another index has the alias.
        """
        name = self.collection(identity)
        if not beside:
            aliases.claim(self.server, self.alias, name)
        made = schema.create(self.server, name, identity.dims, shards=self.shards, replicas=self.replicas)
        if not beside:
            aliases.point(self.server, self.alias, name)
        return made

    def adopt(self, identity: Identity) -> None:
        """Have the alias name a build's collection. Raises EngineError."""
        aliases.point(self.server, self.alias, self.collection(identity))

    def keep(self, identities: Sequence[Identity]) -> None:
        """Drop the collections of other builds of the index than these. Raises EngineError."""
        aliases.drop_others(self.server, self.alias, {self.collection(identity) for identity in identities})


def place_from(settings: Settings) -> Place:
    """Raises ConfigError where no server is named, or its client is not installed."""
    if not settings.milvus_uri:
        raise ConfigError("QA_STORE=milvus needs the address of a server.", "Set QA_MILVUS_URI, as http://host:19530.")
    if find_spec("pymilvus") is None:
        raise ConfigError("QA_STORE=milvus needs pymilvus.", "Install it with `pip install 'citeqa[milvus]'`.")
    server = Server(settings.milvus_uri, settings.milvus_token.get_secret_value(), settings.milvus_timeout)
    return Place(server, settings.milvus_alias, settings.milvus_shards, settings.milvus_replicas)
