"""Names, headers and texts that try to forge a header, a log line or a terminal's screen, or to hide what they are."""

from __future__ import annotations

import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from qa.commands.output import visible
from qa.service.logs import JsonFormatter, _TextFormatter, request_id
from qa.service.models import AskRequest, CollectionRequest, DocumentRequest, SearchRequest
from qa.service.uploads import safe_name

FORGED = "2026-01-01 ERROR qa [-]: stolen"
TRICKS = (
    f"a\r\n{FORGED}",
    f"a\n{FORGED}",
    f"a\x85{FORGED}",
    f"a\u2028{FORGED}",
    f"a\x0b{FORGED}",
    "\x1b[2J\x1b[31mred\x1b[0m",
    "\x9b31mred",
    "\u202etxt.exe",
    "\u2066a\u2069",
    "a\x00b",
    "a\udcffb",
    "\x7f\x08\x08",
)
STEERS = "".join(map(chr, [*range(9), 11, 12, *range(14, 32), *range(127, 160), *range(0x202A, 0x202F)]))


def logged(formatter: logging.Formatter, message: str) -> str:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    record = logging.LogRecord("qa", logging.WARNING, "", 0, "%s", (message,), None)
    handler.handle(record)
    return out.getvalue()


@pytest.mark.parametrize("trick", TRICKS)
def test_no_text_forges_a_log_line_or_steers_who_reads_it(trick: str) -> None:
    plain = logged(_TextFormatter("%(levelname)s %(message)s"), trick)
    assert [line for line in plain.splitlines() if not line.startswith("  ")] == plain.splitlines()[:1]
    assert not set(plain) & set(STEERS)
    plain.encode()
    structured = logged(JsonFormatter(), trick)
    assert len(structured.splitlines()) == 1
    assert structured.isascii()
    assert json.loads(structured)["message"] == trick


@given(st.text(st.characters(), max_size=60))
def test_whatever_is_logged_stays_in_its_own_lines(message: str) -> None:
    first, *rest = logged(_TextFormatter("W %(message)s"), message).splitlines()
    assert first.startswith("W ")
    assert all(line.startswith("  ") for line in rest)


@pytest.mark.parametrize("trick", TRICKS)
def test_no_text_steers_the_terminal(trick: str) -> None:
    shown = visible(trick)
    assert not set(shown) & set(STEERS)
    shown.encode()


@pytest.mark.parametrize("given", [*TRICKS, "a b", "a;b", "../x", "é", "a" * 65, ""])
def test_a_request_id_that_could_forge_a_header_is_replaced(given: str) -> None:
    made = request_id(given)
    assert made != given
    assert made.isalnum()


@pytest.mark.parametrize("trick", TRICKS)
def test_a_file_name_holds_nothing_that_forges_or_hides(trick: str) -> None:
    name = safe_name(trick)
    assert name.isprintable() or "\u2028" in name
    assert not set(name) & set("\r\n\0/\\\u202e\u2066\u2069")
    name.encode()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("/etc/shadow", "shadow"),
        ("C:\\a\\b.txt", "b.txt"),
        ("a/..", "upload"),
        ("..", "upload"),
        (".", "upload"),
        ("", "upload"),
        ("\u200b\u200d", "upload"),
        ("报告\u200b.txt", "报告.txt"),
        ("e" + "\u0301" * 5000 + ".txt", ("\u0301" * 5000 + ".txt")[-200:]),
        ("%2e%2e%2fa.txt", "%2e%2e%2fa.txt"),
        ('a"; filename="b.txt', 'a"; filename="b.txt'),
    ],
)
def test_an_uploaded_name_is_the_last_part_and_bounded(sent: str, kept: str) -> None:
    assert safe_name(sent) == kept


@pytest.mark.parametrize("trick", ["a\x00b", "a\ud800b", "\udcff"])
def test_what_is_not_text_is_refused_wherever_it_is_sent(trick: str) -> None:
    for make in (
        lambda: SearchRequest(query=trick),
        lambda: AskRequest(query="q", history=[trick]),
        lambda: CollectionRequest(name=trick),
        lambda: DocumentRequest(title=trick, text="t"),
        lambda: DocumentRequest(title="t", text=trick),
    ):
        with pytest.raises(ValidationError, match="not text"):
            make()


@pytest.mark.parametrize("name", ["dеfault", "default\u200b", "\u202edefault", "ｄefault", "e\u0301" * 20])
def test_a_collection_name_that_looks_like_another_is_another(name: str) -> None:
    """With a Cyrillic letter, an invisible character, a full-width letter: never taken for the one it imitates."""
    assert CollectionRequest(name=name).name == name != "default"
