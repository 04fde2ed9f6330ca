"""The alias of an index on a Milvus server: it names the collection of the build that is current.

citeqa itself searches each build by its own collection, so that a process that has an earlier build open goes on
reading it; the alias is for people and other programs, and it keeps two indexes from taking one name.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from qa.errors import ConfigError
from qa.store.milvus.server import Server


def target(server: Server, alias: str) -> str | None:
    """The collection that an alias names, None where there is no such alias. Raises EngineError."""
    for name in collections(server, alias):
        if alias in _aliases(server, name):
            return name
    return None


def _aliases(server: Server, name: str) -> list[str]:
    told = server.call("aliases", lambda client, seconds: client.list_aliases(name, timeout=seconds))
    return [str(alias) for alias in told["aliases"]]


def collections(server: Server, alias: str) -> list[str]:
    """The collections that were made under an alias. Raises EngineError."""
    every = server.call("list", lambda client, seconds: client.list_collections(timeout=seconds))
    return sorted(name for name in every if re.fullmatch(f"{re.escape(alias)}_[0-9a-f]{{12}}", name))


def drop_others(server: Server, alias: str, kept: Collection[str]) -> None:
    """Drop the collections made under an alias that are none of ``kept``. Raises EngineError."""
    for name in collections(server, alias):
        if name not in kept:
            _drop(server, name)


def _drop(server: Server, name: str) -> None:
    for alias in _aliases(server, name):
        server.call("alias", lambda client, seconds: client.drop_alias(alias, timeout=seconds))  # noqa: B023
    server.call("drop", lambda client, seconds: client.drop_collection(name, timeout=seconds))


def claim(server: Server, alias: str, name: str) -> None:
    """Raises ConfigError where the alias names the collection of another index."""
    if target(server, alias) not in (None, name):
        raise ConfigError(
            f"The Milvus server has an index named {alias!r} already.",
            "Give this one another name with QA_MILVUS_ALIAS, or drop what the other left there.",
        )


def point(server: Server, alias: str, name: str) -> None:
    """Have the alias name this collection. Raises EngineError."""
    if target(server, alias) is None:
        server.call("alias", lambda client, seconds: client.create_alias(name, alias, timeout=seconds))
    else:
        server.call("alias", lambda client, seconds: client.alter_alias(name, alias, timeout=seconds))
