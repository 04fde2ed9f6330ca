"""A link from a chat, followed in a browser."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from qa.answer.links import address
from qa.index import Index

QUESTION = "昌平论坛上集中签约了多少个重磅项目？"


@pytest.mark.parametrize("narrow", [False, True], ids=["passage", "words"])
def test_a_link_opens_the_source_at_the_quoted_words(
    client: httpx.Client, corpus_index: Index, open_page: Callable[..., Page], narrow: bool
) -> None:
    cited = corpus_index.search(QUESTION).hits[0].citation
    place = cited.start + cited.quote.index("集中签约12个重磅项目")
    spans = [(place, place + 11)] if narrow else None
    link = urlsplit(address(cited, str(client.base_url), "default", spans))
    page = open_page(client, f"{link.path}?{link.query}")
    expect(page.locator(".reading mark").first).to_be_visible()
    assert "".join(page.locator(".reading mark").all_text_contents()) == cited.quote
    if narrow:
        expect(page.locator("mark.support")).to_have_text("集中签约12个重磅项目")
        expect(page.locator("mark.support")).to_be_in_viewport(ratio=1)
    expect(page.locator(".checks .good")).to_have_count(3)
