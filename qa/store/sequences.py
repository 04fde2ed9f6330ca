"""The counters that number rows: what is taken from them by hand, and what they have to be told.

SQLite counts on from the highest number it ever gave or saw (``sqlite_sequence``); PostgreSQL from the last that its
sequence gave, so that numbers which were copied have to be made known to it.
"""

from __future__ import annotations

import sqlalchemy as sa

_KEPT = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"))


def numbered_by(table: sa.Table) -> sa.Column[int] | None:
    """The column that the database numbers, None where there is none."""
    return table.autoincrement_column if table.dialect_options["sqlite"]["autoincrement"] else None


def last(connection: sa.Connection, table: sa.Table) -> int:
    """The highest number that the table's counter gave."""
    if connection.dialect.name == "sqlite":
        return int(connection.scalar(sa.select(_KEPT.c.seq).where(_KEPT.c.name == table.name)) or 0)
    name = _name(connection, table)
    return int(connection.scalar(sa.text(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}")) or 0)


def advance(connection: sa.Connection, table: sa.Table, number: int) -> None:
    """Let the counter go on after ``number``; it never goes back."""
    if number <= last(connection, table):
        return
    if connection.dialect.name == "sqlite":
        if not connection.execute(_KEPT.update().where(_KEPT.c.name == table.name).values(seq=number)).rowcount:
            connection.execute(_KEPT.insert().values(name=table.name, seq=number))
        return
    values = {"name": _name(connection, table), "number": number}
    connection.execute(sa.text("SELECT setval(CAST(:name AS regclass), :number)"), values)


def take(connection: sa.Connection, table: sa.Table, count: int) -> int:
    """The first of ``count`` numbers that no row has or will have."""
    first = last(connection, table) + 1
    advance(connection, table, first + count - 1)
    return first


def catch_up(connection: sa.Connection, table: sa.Table) -> None:
    """After rows came with their numbers."""
    column = numbered_by(table)
    if column is not None:
        advance(connection, table, connection.scalar(sa.select(sa.func.max(column))) or 0)


def _name(connection: sa.Connection, table: sa.Table) -> str:
    column = numbered_by(table)
    assert column is not None
    named = sa.func.pg_get_serial_sequence(table.name, column.name)
    return str(connection.scalar(sa.select(named)))
