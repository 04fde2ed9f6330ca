"""The steps that bring an older database to the tables of ``tables.py``.

``HEAD`` is the newest step. A new database is made there at once, and one that stands there is used as it is; only
an older one loads Alembic (0.3 s). A test compares what the steps make with what ``tables.py`` says.
"""

from __future__ import annotations

import re
from pathlib import Path

import sqlalchemy as sa

from qa.errors import DamagedIndexError, FormatError
from qa.store.database import RESTORE
from qa.store.tables import metadata

HEAD = "0006"
_STEP = re.compile(r"[0-9]{4}")


def standing(connection: sa.Connection) -> str | None:
    """The step a database stands at, None for one without tables. Raises DamagedIndexError."""
    tables = _tables(connection)
    if not tables:
        _refuse_lost_tables(connection)
        return None
    version = None
    if "alembic_version" in tables:
        version = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if version is None or not _STEP.fullmatch(str(version)):
        # SQLite reads a damaged page as far as it can: the row may be gone or be anything.
        raise DamagedIndexError("The database does not say what format it has.", RESTORE)
    return str(version)


def _refuse_lost_tables(connection: sa.Connection) -> None:
    """A new file of SQLite has one page at most: more of them without a table are a damaged list of tables."""
    if connection.dialect.name == "sqlite" and int(connection.exec_driver_sql("PRAGMA page_count").scalar_one()) > 1:
        raise DamagedIndexError("The database has lost the list of its tables.", RESTORE)


def _tables(connection: sa.Connection) -> list[str]:
    """In PostgreSQL of the schema that the connection works in."""
    if connection.dialect.name == "sqlite":
        return sa.inspect(connection).get_table_names()
    listed = sa.text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    return list(connection.scalars(listed))


def create(connection: sa.Connection) -> None:
    """Make all tables of a new database, inside the caller's transaction."""
    metadata.create_all(connection, checkfirst=False)
    connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(sa.text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def upgrade(connection: sa.Connection) -> None:
    """Take every step that is missing, inside the caller's transaction. Raises FormatError for an unknown one."""
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise FormatError(
            f"The index has a format that this version does not know ({error}).", "Install a newer citeqa."
        ) from error
