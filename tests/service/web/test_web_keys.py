"""The page of a service that wants a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from qa.index import Index
from qa.ingest.read import read_text

OpenPage = Callable[..., Page]


def test_a_key_is_asked_for_kept_for_the_tab_and_sent(
    own_index: Index, own_client: httpx.Client, open_page: OpenPage, watched: list[Any]
) -> None:
    own_index.ingest_sources([read_text("漠河的邮局", "漠河的邮局在冬至那天收到一千二百封信。")], collection="mine")
    token = own_index.store.keys.create("reader", "read", collections=["mine"], origins=[], days=None)[1]
    page = open_page(own_client)
    page.get_by_label("API 密钥").fill("qa_wrong")
    page.get_by_role("button", name="使用").click()
    expect(page.get_by_label("API 密钥")).to_have_value("")
    page.get_by_label("API 密钥").fill(token)
    page.get_by_role("button", name="使用").click()
    expect(page.get_by_text("1 篇文章")).to_be_visible()
    assert "collection=mine" in page.url
    page.locator("#question").fill("漠河的邮局冬至收到多少封信？")
    page.keyboard.press("Enter")
    expect(page.locator(".answer")).to_contain_text("一千二百封信")
    assert page.evaluate("Object.keys(localStorage).some((name) => localStorage[name].startsWith('qa_'))") is False
    watched[0].expect("401|404")
