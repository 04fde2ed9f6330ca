"""A link that any door gives leads to the words that were quoted, in the service itself."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from service_links import DOORS

from qa.index import Index


@pytest.mark.parametrize("door", list(DOORS.values()), ids=list(DOORS))
def test_a_link_leads_to_the_quoted_words(
    client: httpx.Client, corpus_index: Index, door: Callable[[httpx.Client, Index], str]
) -> None:
    link = door(client, corpus_index)
    assert httpx.get(link).headers["content-type"].startswith("text/html")
    asked = {name: value for name, [value] in parse_qs(urlsplit(link).query).items()}
    source = client.get(f"/v1{urlsplit(link).path}/source").content.decode()
    quoted = source[int(asked["start"]) : int(asked["end"])]
    assert "900余家" in quoted
    assert sha256(quoted.encode()).hexdigest() == asked["sha256"]
