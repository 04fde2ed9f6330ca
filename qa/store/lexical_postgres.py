"""The lexical index in PostgreSQL: a ``tsvector`` for each passage, found by a GIN index, scored here.

A lexeme is a collection's number and a token, so that one table serves all collections and a look-up reads nothing of
another's. Positions are kept: a word that splits is looked for as a phrase. Tokens are made as FTS5's ``unicode61``
makes them (https://www.sqlite.org/fts5.html#unicode61_tokenizer): runs of letters and digits, without case or accents.
PostgreSQL has no BM25; the rows that may be best are scored from the lexemes asked for, with FTS5's formula, so that
scores can be compared and fused alike. A ``tsvector`` keeps 256 positions of a lexeme: of more occurrences, no more
are counted.
"""

from __future__ import annotations

import math
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from heapq import nsmallest
from itertools import count as numbers
from typing import Any, Final

import sqlalchemy as sa

from qa.errors import DamagedIndexError
from qa.store.arrays import Int64s
from qa.store.tables import passages

TABLE, TOTALS = "lexical", "lexical_totals"
_K1, _B = 1.2, 0.75
_LEAST_IDF: Final = 1e-6
"""What FTS5 gives a word that is in more than half of all rows."""
_LONGEST = 64
"""Characters of a token that can be asked for; longer ones are counted and not kept."""
_MOST_POSITIONS = 16_383
_AT_ONCE = 500


def create(connection: sa.Connection, collection: int) -> None:
    _make_tables(connection)
    _execute(connection, f"INSERT INTO {TOTALS} VALUES (:collection, 0)", collection=collection)


def _make_tables(connection: sa.Connection) -> None:
    _execute(
        connection,
        f"CREATE TABLE IF NOT EXISTS {TABLE} (row BIGINT PRIMARY KEY, collection_id BIGINT NOT NULL, "
        "length INTEGER NOT NULL, terms TSVECTOR NOT NULL)",
    )
    _execute(connection, f"CREATE INDEX IF NOT EXISTS ix_lexical_terms ON {TABLE} USING gin (terms)")
    _execute(connection, f"CREATE INDEX IF NOT EXISTS ix_lexical_collection ON {TABLE} (collection_id)")
    _execute(
        connection,
        f"CREATE TABLE IF NOT EXISTS {TOTALS} (collection_id BIGINT PRIMARY KEY, tokens BIGINT NOT NULL)",
    )


def drop(connection: sa.Connection, collection: int) -> None:
    for table in (TABLE, TOTALS):
        _execute(connection, f"DELETE FROM {table} WHERE collection_id = :collection", collection=collection)


def insert(connection: sa.Connection, collection: int, document: int, after_row: int) -> None:
    c = passages.c
    _keep(connection, collection, sa.and_(c.document_number == document, c.row > after_row))


def remove(connection: sa.Connection, collection: int, rows: Sequence[int]) -> None:
    gone = connection.execute(
        sa.text(f"DELETE FROM {TABLE} WHERE row = ANY(:rows) RETURNING length"), {"rows": list(rows)}
    )
    _count(connection, collection, -sum(gone.scalars()))


def rebuild(connection: sa.Connection, collection: int) -> None:
    _make_tables(connection)
    drop(connection, collection)
    create(connection, collection)
    _keep(connection, collection, passages.c.collection_id == collection)


def verify(connection: sa.Connection, collection: int) -> None:
    held, tokens = connection.execute(
        sa.text(f"SELECT count(*), coalesce(sum(length), 0) FROM {TABLE} WHERE collection_id = :collection"),
        {"collection": collection},
    ).one()
    total = connection.scalar(
        sa.text(f"SELECT tokens FROM {TOTALS} WHERE collection_id = :collection"), {"collection": collection}
    )
    agreed = sum(
        _agreeing(connection, made) for made in _made(connection, collection, passages.c.collection_id == collection)
    )
    every = connection.scalar(
        sa.select(sa.func.count()).select_from(passages).where(passages.c.collection_id == collection)
    )
    if not (held == agreed == every and tokens == total):
        raise DamagedIndexError("The lexical index does not agree with the passages.", "Run `qa doctor --repair`.")


def count(connection: sa.Connection, collection: int, phrases: Sequence[str]) -> dict[str, int]:
    queries = {phrase: query for phrase in phrases if (query := _query(collection, phrase))}
    statement = sa.text(
        f"SELECT (SELECT count(*) FROM {TABLE} WHERE terms @@ CAST(asked.query AS tsquery)) "
        "FROM unnest(CAST(:queries AS text[])) WITH ORDINALITY AS asked(query, place) ORDER BY place"
    )
    found = connection.scalars(statement, {"queries": list(queries.values())})
    return dict.fromkeys(phrases, 0) | dict(zip(queries, found, strict=True))


def ask(
    connection: sa.Connection,
    collection: int,
    wanted: Mapping[str, int],
    rare: Sequence[str],
    limit: int,
    allowed: Int64s | None,
    size: int,
) -> Sequence[tuple[int, float]]:
    """The best rows among those that hold one of the ``rare`` phrases, scored over all ``wanted``."""
    parts = {phrase: _lexemes(collection, phrase) for phrase in wanted}
    tokens = connection.scalar(
        sa.text(f"SELECT tokens FROM {TOTALS} WHERE collection_id = :collection"), {"collection": collection}
    )
    scores: defaultdict[int, float] = defaultdict(float)
    weights = {parts[phrase]: _idf(held, size) for phrase, held in wanted.items()}
    for row, length, places in _held(connection, parts, [parts[phrase] for phrase in rare], allowed):
        shrink = _K1 * (1 - _B + _B * length * size / max(1, tokens or 0))
        for lexemes, weight in weights.items():
            if often := _occurrences(lexemes, places):
                scores[row] += weight * often * (_K1 + 1) / (often + shrink)
    return nsmallest(limit, scores.items(), key=lambda item: (-item[1], item[0]))


def _idf(held: int, size: int) -> float:
    idf = math.log((size - held + 0.5) / (held + 0.5)) if held < size + 0.5 else 0.0
    return idf if idf > 0 else _LEAST_IDF


Lexemes = tuple[str, ...]
"""Of a phrase, in order."""
Places = dict[str, int | list[int]]
"""Of one passage: how often a lexeme occurs or, if it is part of a longer phrase, where."""


def _held(
    connection: sa.Connection, parts: Mapping[str, Lexemes], rare: Sequence[Lexemes], allowed: Int64s | None
) -> Iterator[tuple[int, int, Places]]:
    """(row, tokens, places of the lexemes asked for) of each passage that holds a rare phrase.

    ``setweight`` marks the lexemes asked for and ``ts_filter`` takes all others away, both inside the vector.
    """
    every = {lexeme for lexemes in parts.values() for lexeme in lexemes}
    split = {lexeme for lexemes in parts.values() if len(lexemes) > 1 for lexeme in lexemes}
    statement = (
        "SELECT l.row, l.length, u.lexeme, CASE WHEN u.lexeme = ANY(:split) THEN NULL ELSE cardinality(u.positions) END"
        ", CASE WHEN u.lexeme = ANY(:split) THEN u.positions END "
        f"FROM {TABLE} l, unnest(ts_filter(setweight(l.terms, 'A', CAST(:lexemes AS text[])), '{{a}}')) u "
        "WHERE l.terms @@ CAST(:query AS tsquery)"
    )
    values: dict[str, Any] = {"lexemes": sorted(every), "split": sorted(split), "query": " | ".join(map(_joined, rare))}
    if allowed is not None:
        statement += " AND l.row = ANY(:allowed)"
        values["allowed"] = allowed.tolist()
    found: dict[int, tuple[int, Places]] = {}
    for row, length, lexeme, often, positions in connection.execute(sa.text(statement), values):
        found.setdefault(row, (length, {}))[1][lexeme] = often if positions is None else positions
    return ((row, length, places) for row, (length, places) in found.items())


def _occurrences(lexemes: Lexemes, places: Places) -> int:
    first = places.get(lexemes[0], 0)
    if isinstance(first, int):
        return first
    following = [places.get(lexeme, []) for lexeme in lexemes[1:]]
    starts = set(first)
    for offset, positions in enumerate(following, 1):
        assert not isinstance(positions, int)
        starts &= {position - offset for position in positions}
    return len(starts)


def _query(collection: int, phrase: str) -> str:
    return _joined(_lexemes(collection, phrase))


def _joined(lexemes: Lexemes) -> str:
    """Of letters and digits only: nothing in it has to be escaped."""
    return "(" + " <-> ".join(f"'{lexeme}'" for lexeme in lexemes) + ")" if lexemes else ""


def _lexemes(collection: int, phrase: str) -> Lexemes:
    return tuple(f"{collection}:{token}" for token in tokens_of(phrase))


def tokens_of(words: str) -> list[str]:
    """Runs of letters and digits, without case or accents."""
    if words.isascii():
        plain = words.lower()
    else:
        apart = unicodedata.normalize("NFD", words)
        plain = unicodedata.normalize("NFC", "".join(c for c in apart if not unicodedata.combining(c))).lower()
    return "".join([c if _is_token(c) else " " for c in plain]).split()


@cache
def _is_token(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "LN" or category == "Co"


Made = tuple[list[int], list[int], list[str]]
"""Rows, tokens in each, and the vector of each as PostgreSQL reads it."""


def _made(connection: sa.Connection, collection: int, which: sa.ColumnElement[bool]) -> Iterator[Made]:
    """What the index should hold of some passages, some at a time."""
    c, last = passages.c, 0
    while True:
        chosen = sa.select(c.row, c.words).where(which, c.row > last).order_by(c.row).limit(_AT_ONCE)
        found = connection.execute(chosen).all()
        if not found:
            return
        split = [tokens_of(words) for _, words in found]
        yield [row for row, _ in found], [len(each) for each in split], [_vector(collection, each) for each in split]
        last = found[-1][0]


def _vector(collection: int, tokens: Sequence[str]) -> str:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for place, token in zip(numbers(1), tokens, strict=False):
        if len(token) <= _LONGEST:
            places[token].append(str(min(place, _MOST_POSITIONS)))
    return " ".join(f"'{collection}:{token}':{','.join(at)}" for token, at in places.items())


_GIVEN = (
    "unnest(CAST(:rows AS bigint[]), CAST(:lengths AS integer[]), CAST(:vectors AS text[])) AS made(row, length, terms)"
)


def _given(made: Made) -> dict[str, Any]:
    return dict(zip(("rows", "lengths", "vectors"), made, strict=True))


def _keep(connection: sa.Connection, collection: int, which: sa.ColumnElement[bool]) -> None:
    for made in _made(connection, collection, which):
        _execute(
            connection,
            f"INSERT INTO {TABLE} SELECT row, :collection, length, CAST(terms AS tsvector) FROM {_GIVEN}",
            collection=collection,
            **_given(made),
        )
        _count(connection, collection, sum(made[1]))


def _agreeing(connection: sa.Connection, made: Made) -> int:
    statement = (
        f"SELECT count(*) FROM {_GIVEN} JOIN {TABLE} l ON l.row = made.row AND l.length = made.length "
        "AND l.terms = CAST(made.terms AS tsvector)"
    )
    return connection.scalar(sa.text(statement), _given(made)) or 0


def _count(connection: sa.Connection, collection: int, tokens: int) -> None:
    _execute(
        connection,
        f"UPDATE {TOTALS} SET tokens = tokens + :tokens WHERE collection_id = :collection",
        tokens=tokens,
        collection=collection,
    )


def _execute(connection: sa.Connection, statement: str, **values: Any) -> None:
    connection.execute(sa.text(statement), values)
