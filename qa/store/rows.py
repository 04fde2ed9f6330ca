"""Tables row by row, alike in both databases: pages in the order of the primary key, copies, and checksums.

A checksum is the sum of a hash of each row, so that it does not depend on an order: databases sort text differently.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import sqlalchemy as sa

from qa.store.tables import metadata

AT_ONCE: Final = 200
"""Rows read or written at a time; the largest hold encodings of some 30 kB."""
_HEAVY: Final = {"job_files": 8}
"""The same for rows that hold parts of uploads, 1 MiB each."""
_BITS: Final = 128

Row = dict[str, Any]
Place = tuple[Any, ...]
"""The values of a row's primary key."""


@dataclass(frozen=True, slots=True)
class Sum:
    """What a table holds: how many rows, and their checksum (hexadecimal)."""

    rows: int
    checksum: str


def every_table() -> list[sa.Table]:
    """The tables of the system of record, each after those that it refers to."""
    return list(metadata.sorted_tables)


def pages(connection: sa.Connection, table: sa.Table, after: Place | None = None) -> Iterator[list[Row]]:
    """All rows beyond a place, some at a time, as the database orders their primary keys."""
    columns = list(table.primary_key.columns)
    while True:
        chosen = sa.select(table).order_by(*columns).limit(_HEAVY.get(table.name, AT_ONCE))
        if after is not None:
            chosen = chosen.where(sa.tuple_(*columns) > sa.tuple_(*map(sa.literal, after)))
        found = [dict(row) for row in connection.execute(chosen).mappings()]
        if not found:
            return
        yield found
        after = _place(table, found[-1])


def last(connection: sa.Connection, table: sa.Table) -> Place | None:
    """The place of a table's last row; None where it has none."""
    columns = list(table.primary_key.columns)
    found = connection.execute(sa.select(*columns).order_by(*(column.desc() for column in columns)).limit(1)).first()
    return None if found is None else tuple(found)


def _place(table: sa.Table, row: Row) -> Place:
    return tuple(row[column.name] for column in table.primary_key.columns)


def write(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    if rows:
        connection.execute(table.insert(), list(rows))


def summed(connection: sa.Connection, table: sa.Table, but: Place | None = None) -> Sum:
    """Reads the table through; ``but``: the place of a row that does not count."""
    count = total = 0
    for page in pages(connection, table):
        kept = [row for row in page if _place(table, row) != but]
        count += len(kept)
        total += sum(map(_hash, kept))
    return Sum(count, f"{total % 2**_BITS:0{_BITS // 4}x}")


def _hash(row: Row) -> int:
    digest = blake2b(digest_size=_BITS // 8)
    for name in sorted(row):
        value = _bytes(row[name])
        digest.update(f"{name}:{len(value)}:".encode() + value)
    return int.from_bytes(digest.digest(), "big")


def _bytes(value: Any) -> bytes:
    """A value with its kind; numbers and JSON in one form, whatever the driver made of them."""
    match value:
        case bytes():
            return b"b" + value
        case str():
            return b"s" + value.encode("utf-8", "surrogatepass")
        case _:
            return b"j" + json.dumps(value, sort_keys=True, ensure_ascii=True).encode()
