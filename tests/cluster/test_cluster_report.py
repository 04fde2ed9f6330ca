"""What the cluster suite makes of what clients saw."""

from __future__ import annotations

import pytest
from cluster_records import RIGHT, WRONG, Records, Seen
from cluster_report import COLUMNS, as_json, event, table

SEEN = [
    Seen(11.0, "search", RIGHT, 0.1, 0),
    Seen(12.0, "ask", RIGHT, 0.3, 1),
    Seen(13.5, "search", "ReadError", 0.2, 0),
    Seen(14.0, "search", WRONG, 0.2, 0),
    Seen(15.0, "job", "503", 9.0, 0),
    Seen(16.0, "delete", RIGHT, 2.0, 0),
]


def test_an_event_counts_what_users_saw() -> None:
    told = event("a loss", struck=10.0, restored=18.25, seen=SEEN)

    assert (told.requests, told.failed, told.wrong, told.passed_over) == (5, 1, 1, 1)
    assert told.kinds == {"search ReadError": 1}
    assert told.rate == pytest.approx(0.2)
    assert (told.p50_ms, told.slowest_s) == (300.0, 2.0)
    assert (told.last_failure_s, told.seconds) == (3.5, 8.2)


def test_an_event_without_requests_has_no_rate() -> None:
    told = event("nothing", struck=1.0, restored=2.0, seen=[])

    assert (told.requests, told.rate, told.p50_ms, told.last_failure_s) == (0, 0.0, 0.0, 0.0)


def test_the_table_has_a_row_for_each_event() -> None:
    lines = table([event("a loss", 10.0, 18.0, SEEN), event("nothing", 1.0, 2.0, [])]).splitlines()

    assert [line.count("|") for line in lines] == [len(COLUMNS) + 1] * 4
    assert "| a loss | 5 | 1 | 20.00% |" in lines[2]


def test_json_has_the_rate_too() -> None:
    assert as_json([event("a loss", 10.0, 18.0, SEEN)])[0]["rate"] == 0.2


def test_load_has_settled_when_the_last_answers_are_right() -> None:
    records = Records()
    for told in ("503", RIGHT, RIGHT):
        records.add("search", told, 0.0)
    records.add("ingest", "503", 0.0)

    assert records.settled(2, 0.0)
    assert not records.settled(3, 0.0), "the third from the end failed"
    records.add("ask", WRONG, 0.0)
    assert not records.settled(2, 0.0)
