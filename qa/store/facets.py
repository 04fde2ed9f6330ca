"""What the documents of a collection can be told apart by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from qa.store.tables import documents

MOST_PUBLISHERS: Final = 500
"""Publishers named; of more, those with the fewest documents are left out."""


@dataclass(frozen=True, slots=True)
class Facets:
    """``publishers``: (name, how many documents), most first. Dates are ISO, None where no document has one."""

    publishers: tuple[tuple[str, int], ...]
    published_from: str | None
    published_to: str | None


def facets(connection: sa.Connection, collection: int) -> Facets:
    c = documents.c
    count = sa.func.count()
    named = sa.select(c.publisher, count).where(c.collection_id == collection, c.publisher.is_not(None))
    most = named.group_by(c.publisher).order_by(count.desc(), c.publisher).limit(MOST_PUBLISHERS)
    dates = sa.select(sa.func.min(c.published), sa.func.max(c.published)).where(c.collection_id == collection)
    first, last = connection.execute(dates).one()
    return Facets(tuple((name, number) for name, number in connection.execute(most)), first, last)
