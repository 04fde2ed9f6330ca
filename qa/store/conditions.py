"""Conditions on what documents say of themselves, as SQL.

Comparison follows the column: dates are ISO strings and sort as such, numbers compare as numbers, the rest as text
(``contains``, ``starts`` and ``ends`` disregard the case of letters: in SQLite of ASCII ones). A document that does
not have the field passes the negative conditions and ``empty``, and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import sqlalchemy as sa

from qa.errors import QuestionError
from qa.store.tables import documents
from qa.types import Condition, Filters

MAX_CONDITIONS: Final = 50
_NUMBERS: Final = frozenset({"characters", "passages"})
_COLUMNS: Final = {
    "document_id": documents.c.id,
    "source": documents.c.name,
    "title": documents.c.title,
    "publisher": documents.c.publisher,
    "author": documents.c.author,
    "published": documents.c.published,
    "url": documents.c.url,
    "kind": documents.c.kind,
    "language": documents.c.language,
    "format": documents.c.format,
    "added": documents.c.added,
    "characters": documents.c.characters,
    "passages": documents.c.passages,
}
FIELDS: Final = tuple(_COLUMNS)

Column = sa.ColumnElement[Any]
Test = sa.ColumnElement[bool]
Value = str | sa.ColumnElement[float]

_ORDER: Final[dict[str, Callable[[Column, Any], Test]]] = {
    "lt": lambda column, value: column < value,
    "le": lambda column, value: column <= value,
    "gt": lambda column, value: column > value,
    "ge": lambda column, value: column >= value,
}
_LIKE: Final = {"contains": "%{}%", "starts": "{}%", "ends": "%{}"}


def condition(filters: Filters) -> Test | None:
    """What the filter's conditions come to; None where it has none. Raises QuestionError for too many."""
    if len(filters.conditions) > MAX_CONDITIONS:
        raise QuestionError(f"A filter has at most {MAX_CONDITIONS} conditions.", "Use fewer.")
    tests = [_test(one) for one in filters.conditions]
    if not tests:
        return None
    return sa.or_(*tests) if filters.any_condition else sa.and_(*tests)


def _test(one: Condition) -> Test:
    positive, column = _positive(one), _COLUMNS.get(one.field)
    if not one.negated:
        return positive
    if column is None or one.operator == "empty":
        return sa.not_(positive)
    return sa.or_(column.is_(None), sa.not_(positive))


def _positive(one: Condition) -> Test:
    column = _COLUMNS.get(one.field)
    if column is None:
        return sa.true() if one.operator == "empty" else sa.false()
    if one.operator == "empty":
        return sa.or_(column.is_(None), sa.cast(column, sa.String) == "")
    return _compared(one, column)


def _compared(one: Condition, column: Column) -> Test:
    """No value passes where none of them can be compared with the column."""
    tests = [_one(one.operator, column, value) for value in _values(one)]
    return sa.or_(*tests) if tests else sa.false()


def _values(one: Condition) -> Iterator[Value]:
    for value in one.values:
        if one.field not in _NUMBERS or one.operator in _LIKE:
            yield value
        elif (number := _number(value)) is not None:
            yield sa.literal(number, sa.Double)


def _one(operator: str, column: Column, value: Value) -> Test:
    if operator in _LIKE:
        pattern = _LIKE[operator].format(_escaped(str(value)))
        return sa.cast(column, sa.String).ilike(pattern, escape="\\")
    if operator in _ORDER:
        return _ORDER[operator](column, value)
    equal: Test = column == value
    return equal


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 2**53 else None
