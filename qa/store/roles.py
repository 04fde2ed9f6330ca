"""What one process alone may do: a note names it, and another takes its place when it is gone."""

from __future__ import annotations

from hashlib import sha256

from qa.store import records
from qa.store.database import Database
from qa.store.owner import Owner


class Roles:
    """The roles of one index, as ``owner`` sees them."""

    def __init__(self, database: Database, owner: Owner) -> None:
        self._database = database
        self._owner = owner

    def hold(self, name: str) -> bool:
        """Whether the role is this process's, which takes it where nobody who lives has it."""
        key = f"role.{sha256(name.encode()).hexdigest()[:32]}"
        with self._database.reading() as connection:
            holder = records.get_meta(connection, key)
        if holder == self._owner.id:
            return True
        if holder is not None and not self._owner.is_gone(holder):
            return False
        with self._database.writing() as connection:
            if records.get_meta(connection, key) != holder:
                return False
            records.write_note(connection, key, self._owner.id)
            return True
