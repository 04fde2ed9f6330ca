"""Dify's metadata conditions, told in those of the store.

A value may be a text, a number or a list; ``in`` and ``not in`` also take a text with commas. Times are ISO dates or
seconds since 1970. A name that documents here do not have is an empty field: other knowledge bases of the same workflow
may well have it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from qa.service.models import Text
from qa.store.conditions import MAX_CONDITIONS
from qa.types import Comparison, Condition, Filters

MAX_VALUES: Final = 1000
_OPERATORS: Final[dict[str, tuple[Comparison, bool]]] = {
    "contains": ("contains", False),
    "not contains": ("contains", True),
    "start with": ("starts", False),
    "end with": ("ends", False),
    "is": ("is", False),
    "is not": ("is", True),
    "in": ("is", False),
    "not in": ("is", True),
    "empty": ("empty", False),
    "not empty": ("empty", True),
    "=": ("is", False),
    "≠": ("is", True),
    ">": ("gt", False),
    "<": ("lt", False),
    "≥": ("ge", False),
    "≤": ("le", False),
    "before": ("lt", False),
    "after": ("gt", False),
}
"""Each operator: how the store compares, and whether the outcome is turned round."""
_ALIASES: Final = {"document_name": "source", "date": "published", "upload_date": "added"}
_TIMES: Final = frozenset({"published", "added"})
_SECONDS: Final = re.compile(r"\d{9,14}(?:\.\d{1,9})?")
"""A text that is a time in seconds or milliseconds; shorter ones are years, or parts of dates."""
_MILLISECONDS_FROM: Final = 10**11
"""Larger numbers than this are milliseconds: as seconds they would lie after the year 5000."""

Operator = Literal[
    "contains",
    "not contains",
    "start with",
    "end with",
    "is",
    "is not",
    "in",
    "not in",
    "empty",
    "not empty",
    "=",
    "≠",
    ">",
    "<",
    "≥",
    "≤",
    "before",
    "after",
]
Short = Annotated[Text, Field(max_length=1000)]
Value = Short | int | float


class DifyCondition(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: Short | Annotated[list[Short], Field(min_length=1, max_length=1)]
    comparison_operator: Operator
    value: Value | Annotated[list[Value], Field(max_length=MAX_VALUES)] | None = None

    def condition(self) -> Condition:
        operator, negated = _OPERATORS[self.comparison_operator]
        name = self.name if isinstance(self.name, str) else self.name[0]
        field = _ALIASES.get(name, name)
        told = _time if field in _TIMES else str
        return Condition(field, operator, tuple(told(value) for value in self._values()), negated)

    def _values(self) -> Iterator[Value]:
        if isinstance(self.value, list):
            yield from self.value
        elif isinstance(self.value, str) and self.comparison_operator in ("in", "not in"):
            yield from (part.strip() for part in self.value.split(",", MAX_VALUES))
        elif self.value is not None:
            yield self.value


class Conditions(BaseModel):
    model_config = ConfigDict(extra="ignore")

    logical_operator: Literal["and", "or"] = "and"
    conditions: Annotated[list[DifyCondition], Field(max_length=MAX_CONDITIONS)] = []

    def filters(self) -> Filters:
        conditions = tuple(one.condition() for one in self.conditions)
        return Filters(conditions=conditions, any_condition=self.logical_operator == "or")


def _time(value: Value) -> str:
    """An ISO date or time as it is; seconds or milliseconds since 1970 as an ISO date (UTC)."""
    if isinstance(value, str) and not _SECONDS.fullmatch(value):
        return value
    number = float(value)
    try:
        seconds = number / 1000 if abs(number) > _MILLISECONDS_FROM else number
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return str(value)
