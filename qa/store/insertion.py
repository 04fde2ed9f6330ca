"""Inserting what may be there already, in the SQL of either database."""

from __future__ import annotations

import sqlalchemy as sa


def insert_new(connection: sa.Connection, table: sa.Table) -> sa.Insert:
    """An INSERT that leaves out rows which would break a unique constraint."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table).on_conflict_do_nothing()
