"""The source view: what was quoted, found and proved in the browser."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Page, expect

from qa.index import Index
from qa.ingest.read import read_bytes

OpenPage = Callable[..., Page]

QUESTION = "昌平论坛上集中签约了多少个重磅项目？"


def marked(page: Page) -> str:
    expect(page.locator(".reading")).to_be_visible()
    return "".join(page.locator(".reading mark").all_text_contents())


def verdicts(page: Page, kind: str) -> list[str]:
    expect(page.locator(".checks li:not(.soft)")).not_to_have_count(0)
    return page.locator(f".checks .{kind}").all_text_contents()


def cited(client: httpx.Client, question: str, collection: str = "default") -> dict[str, object]:
    body = {"query": question, "collection": collection}
    found: dict[str, object] = client.post("/v1/search", json=body).json()["hits"][0]["citation"]
    return found


def address(citation: dict[str, object], **changed: object) -> str:
    about = {name: citation[name] for name in ("start", "end", "sha256")} | changed
    return f"/documents/{citation['document_id']}?" + "&".join(f"{k}={quote(str(v))}" for k, v in about.items())


def test_a_citation_leads_to_the_very_words_in_the_original(client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(client, f"/?q={QUESTION}")
    expect(page.locator(".columns")).to_have_attribute("aria-busy", "false")
    quote = page.locator(".passage blockquote").first.inner_text()
    page.get_by_role("link", name="查看原文位置").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2023北京·昌平生命科学国际论坛举办")
    assert marked(page) == quote
    expect(page.locator("mark.support")).to_contain_text("集中签约12个重磅项目")
    expect(page.locator("mark.support")).to_be_in_viewport(ratio=1)
    assert len(verdicts(page, "good")) == 3
    page.go_back()
    expect(page.locator(".answer")).to_contain_text("集中签约12个重磅项目")


def test_a_hash_that_does_not_fit_is_said(client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(client, address(cited(client, QUESTION), sha256="0" * 64))
    assert len(verdicts(page, "good")) == 2
    assert "SHA-256 与答案所给的不一致" in verdicts(page, "bad")[0]


def test_a_place_that_is_no_passage_is_said(client: httpx.Client, open_page: OpenPage) -> None:
    citation = cited(client, QUESTION)
    page = open_page(client, address(citation, start=int(str(citation["start"])) + 1))
    assert "没有恰好位于" in verdicts(page, "unknown")[0]
    assert len(verdicts(page, "bad")) == 1


@pytest.mark.parametrize("span", ["start=999999999&end=9999999999", "start=-1&end=x", "start=5&end=5", "start=9&end=3"])
def test_addresses_that_mean_nothing_show_the_document(client: httpx.Client, open_page: OpenPage, span: str) -> None:
    page = open_page(client, f"/documents/{cited(client, QUESTION)['document_id']}?{span}&marks=,,3-x&view=%00")
    expect(page.locator(".reading")).to_contain_text("集中签约12个重磅项目")
    assert marked(page) == ""
    assert len(verdicts(page, "good")) == 1


def test_offsets_count_code_points(own_index: Index, own_client: httpx.Client, open_page: OpenPage) -> None:
    text = "\ufeff鱼🐟和𠮷野家的早餐\n\n" + "𠮷野家的林秀英🍚每天清晨煮八十碗红豆沙，配一条🐟。" * 2 + "\n"
    own_index.ingest_sources([read_bytes("早餐.txt", text.encode())])
    citation = cited(own_client, "林秀英每天煮多少碗红豆沙？")
    page = open_page(own_client, address(citation))
    assert marked(page) == citation["quote"]
    assert len(verdicts(page, "good")) == 3


def test_what_search_leaves_out_is_shown_and_can_be_hidden(
    own_index: Index, own_client: httpx.Client, open_page: OpenPage
) -> None:
    body = "\n\n".join(
        f"第{i}段：漠河的邮局在冬至那天收到{i}百封信，邮递员王建国用雪橇把信送到北极村。" for i in range(1, 6)
    )
    text = f"首页 > 新闻 > 正文\n\n漠河的邮局\n\n{body}\n\n责任编辑：李四\n\n版权所有 未经许可不得转载\n"
    own_index.ingest_sources([read_bytes("邮局.txt", text.encode())])
    page = open_page(own_client, address(cited(own_client, "漠河的邮局冬至收到多少信？")))
    shown = page.locator(".reading")
    expect(shown).to_contain_text("责任编辑：李四")
    assert "责任编辑：李四" in "".join(page.locator("del.gone").all_text_contents())
    expect(page.get_by_text("编辑署名：1 处")).to_be_visible()
    page.get_by_role("button", name="检索所用").click()
    assert "责任编辑" not in shown.inner_text()
    assert "北极村" in shown.inner_text()
    page.get_by_role("button", name="原文").click()
    assert "责任编辑" in shown.inner_text()


def test_the_text_is_downloaded_as_it_is(client: httpx.Client, open_page: OpenPage) -> None:
    citation = cited(client, QUESTION)
    page = open_page(client, address(citation))
    with page.expect_download() as download:
        page.get_by_role("link", name="下载文本").click()
    content = Path(download.value.path()).read_bytes()
    about = client.get(f"/v1/documents/{citation['document_id']}").json()
    assert sha256(content).hexdigest() == about["sha256"]
    assert download.value.suggested_filename == "04-changping-life-science-forum.md"


def test_a_long_document_is_laid_out_only_where_it_is_read(
    own_index: Index, own_client: httpx.Client, open_page: OpenPage
) -> None:
    # The same few paragraphs again and again: each is encoded once.
    paragraphs = [f"{name}仓库在三月入库了一批苹果，保管员赵明逐箱称重并登记。" * 8 for name in ("东", "西", "北")]
    text = "\n\n".join(paragraphs * 400)
    own_index.ingest_sources([read_bytes("仓库.txt", text.encode())], collection="long")
    where = {"params": {"collection": "long"}}
    document = own_client.get("/v1/documents", **where).json()["documents"][0]
    last = own_client.get(f"/v1/documents/{document['id']}/passages", **where).json()["passages"][-1]
    page = open_page(own_client, f"/documents/{document['id']}?collection=long&start={last['start']}&end={last['end']}")
    expect(page.locator(".reading mark").last).to_be_in_viewport()
    assert marked(page) == last["quote"]
    assert last["start"] > 200_000
    chunks = page.locator(".chunk")
    lazy = chunks.evaluate_all(
        "(all) => all.filter((one) => getComputedStyle(one).contentVisibility === 'auto').length"
    )
    assert lazy == chunks.count() > 50


def test_a_document_that_is_not_there_is_said(client: httpx.Client, open_page: OpenPage, watched: list[Any]) -> None:
    page = open_page(client, "/documents/none")
    expect(page.get_by_role("alert")).to_contain_text("没有这个文档")
    watched[0].expect("404", least=1)
