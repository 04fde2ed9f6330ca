"""Conditions as SQL, held against the same conditions in Python."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import QuestionError
from qa.store.conditions import MAX_CONDITIONS, condition
from qa.store.tables import collections, documents, metadata
from qa.types import Condition, Filters

TITLES = ["a%b", "a_b", "axb", "a\\b", "A%B", "鹤", "鹤_%", "", "x' OR 1=1 --"]
TEXT = st.text(alphabet="aAbxB%_\\鹤'- ", min_size=0, max_size=3)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def connection(request: pytest.FixtureRequest) -> Iterator[sa.Connection]:
    url = "sqlite://"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres").database().replace("postgresql:", "postgresql+psycopg:")
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        _fill(connection)
        yield connection
    engine.dispose()


def _fill(connection: sa.Connection) -> None:
    metadata.create_all(connection)
    connection.execute(collections.insert().values(id=0, name="default", created="", revision=1, deletions=0))
    required = [column for column in documents.c if not column.nullable and not column.primary_key]
    blank = {column.name: 0 if isinstance(column.type, sa.Integer) else "" for column in required}
    for number, title in enumerate(TITLES):
        values = blank | {"id": str(number), "title": title, "publisher": title or None, "characters": number}
        connection.execute(documents.insert().values(values))


def passing(connection: sa.Connection, filters: Filters) -> set[int]:
    test = condition(filters)
    assert test is not None
    return {int(each) for each in connection.scalars(sa.select(documents.c.id).where(test))}


def holds(operator: str, title: str, value: str) -> bool:
    if operator == "is":
        return title == value
    lowered, wanted = title.lower(), value.lower()
    return {
        "contains": wanted in lowered,
        "starts": lowered.startswith(wanted),
        "ends": lowered.endswith(wanted),
    }[operator]


@given(st.sampled_from(["is", "contains", "starts", "ends"]), st.lists(TEXT, max_size=3), st.booleans())
def test_texts_compare_as_in_python(connection: sa.Connection, operator: str, values: list[str], negated: bool) -> None:
    one = Condition("title", operator, tuple(values), negated)  # type: ignore[arg-type]
    expected = {
        number
        for number, title in enumerate(TITLES)
        if any(holds(operator, title, value) for value in values) != negated
    }
    assert passing(connection, Filters(conditions=(one,))) == expected


@given(st.sampled_from(["lt", "le", "gt", "ge"]), st.integers(-2, 12))
def test_numbers_compare_as_numbers(connection: sa.Connection, operator: str, value: int) -> None:
    one = Condition("characters", operator, (str(value),))  # type: ignore[arg-type]
    compare = {"lt": int.__lt__, "le": int.__le__, "gt": int.__gt__, "ge": int.__ge__}[operator]
    expected = {number for number in range(len(TITLES)) if compare(number, value)}
    assert passing(connection, Filters(conditions=(one,))) == expected


def test_a_missing_field_passes_what_is_negated_and_what_is_empty(connection: sa.Connection) -> None:
    missing = {TITLES.index("")}
    for one, expected in [
        (Condition("publisher", "empty"), missing),
        (Condition("publisher", "empty", negated=True), set(range(len(TITLES))) - missing),
        (Condition("publisher", "is", ("nobody",), negated=True), set(range(len(TITLES)))),
        (Condition("publisher", "lt", ("~",)), {n for n, title in enumerate(TITLES) if title and title < "~"}),
        (Condition("no such field", "is", ("x",)), set()),
        (Condition("characters", "is", ("nan", "inf", "1e400", "many")), set()),
    ]:
        assert passing(connection, Filters(conditions=(one,))) == expected


def test_too_many_conditions_are_refused() -> None:
    with pytest.raises(QuestionError):
        condition(Filters(conditions=(Condition("title", "empty"),) * (MAX_CONDITIONS + 1)))
