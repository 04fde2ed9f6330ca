from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from qa.index import Index
from qa.service.models import (
    CollectionsResponse,
    DocumentResponse,
    DocumentsResponse,
    JobResponse,
    PassagesResponse,
)
from qa.service.uploads import safe_name

Finished = Callable[[httpx.Client, httpx.Response], dict[str, object]]
TEXT = "青海湖的湟鱼每年六月洄游到布哈河产卵，保护站站长才让统计到九万三千尾。" * 2


def code(response: httpx.Response) -> str:
    return str(response.json()["error"]["code"])


def send_text(client: httpx.Client, title: str, text: str, **more: str) -> httpx.Response:
    return client.post("/v1/documents", json={"title": title, "text": text, **more})


def test_the_list_is_paged_and_has_the_documented_shape(client: httpx.Client) -> None:
    whole = DocumentsResponse.model_validate_json(client.get("/v1/documents").content)
    assert whole.total == len(whole.documents) == 5
    second = DocumentsResponse.model_validate_json(client.get("/v1/documents?offset=1&limit=1").content)
    assert second.documents == whole.documents[1:2]
    assert client.get("/v1/documents?offset=99").json()["documents"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "offset=-1", "limit=x", "offset=9999999999999999999999"])
def test_a_page_out_of_bounds_is_refused(client: httpx.Client, query: str) -> None:
    response = client.get(f"/v1/documents?{query}")
    assert response.status_code == 400
    assert code(response) == "bad_request"


def test_a_document_its_source_and_its_passages_agree(client: httpx.Client, corpus_dir: Path) -> None:
    one = DocumentResponse.model_validate(client.get("/v1/documents").json()["documents"][0])
    assert DocumentResponse.model_validate_json(client.get(f"/v1/documents/{one.id}").content) == one
    source = client.get(f"/v1/documents/{one.id}/source")
    assert source.headers["content-type"] == "text/plain; charset=utf-8"
    assert source.headers["x-content-type-options"] == "nosniff"
    assert source.content == (corpus_dir / one.name).read_bytes()
    text = source.content.decode()
    passages = PassagesResponse.model_validate_json(client.get(f"/v1/documents/{one.id}/passages").content).passages
    assert len(passages) == one.passages
    assert all(text[passage.start : passage.end] == passage.quote for passage in passages)


@pytest.mark.parametrize("rest", ["", "/source", "/passages"])
def test_an_unknown_document_is_not_found(client: httpx.Client, rest: str) -> None:
    response = client.get(f"/v1/documents/nothing{rest}")
    assert (response.status_code, code(response)) == (404, "not_found")


def test_an_uploaded_file_is_found_and_after_its_deletion_it_is_not(
    own_client: httpx.Client, finished: Finished, article: Path
) -> None:
    sent = own_client.post("/v1/documents", files={"files": (article.name, article.read_bytes())})
    job = JobResponse.model_validate(finished(own_client, sent))
    assert job.report is not None
    assert (job.state, len(job.report.added), job.items) == ("done", 1, ["糖水.txt"])
    (identity,) = job.report.added
    asked = {"query": "糖水铺的老板是谁？"}
    assert own_client.post("/v1/search", json=asked).json()["hits"][0]["citation"]["document_id"] == identity
    assert own_client.delete(f"/v1/documents/{identity}").status_code == 204
    found = own_client.post("/v1/search", json=asked).json()["hits"]
    assert identity not in [hit["citation"]["document_id"] for hit in found]
    assert own_client.delete(f"/v1/documents/{identity}").status_code == 404


def test_a_text_keeps_what_is_said_of_it(own_client: httpx.Client, finished: Finished) -> None:
    about = {"publisher": "青海日报", "author": "才旦", "published": "2023-06-18", "url": "https://example.org/a"}
    job = finished(own_client, send_text(own_client, "湟鱼洄游", TEXT, **about))
    report = JobResponse.model_validate(job).report
    assert report is not None
    one = own_client.get(f"/v1/documents/{report.added[0]}").json()
    assert {name: one[name] for name in about} == about
    assert one["title"] == "湟鱼洄游"
    again = JobResponse.model_validate(finished(own_client, send_text(own_client, "湟鱼洄游", TEXT, **about))).report
    assert again is not None
    assert (again.unchanged, again.encoded) == (report.added, 0)


def test_what_cannot_be_read_is_named_and_the_rest_goes_in(own_client: httpx.Client, finished: Finished) -> None:
    files = [
        ("files", ("empty.txt", b"")),
        ("files", ("broken.pdf", b"%PDF-1.7 broken")),
        ("files", ("not.docx", b"PK\x03\x04 no document")),
        ("files", ("good.txt", TEXT.replace("湟鱼", "裸鲤").encode("gb18030"))),
    ]
    report = JobResponse.model_validate(finished(own_client, own_client.post("/v1/documents", files=files))).report
    assert report is not None
    assert len(report.added) == 1
    assert [skipped.name for skipped in report.skipped] == ["empty.txt", "broken.pdf", "not.docx"]
    assert all(skipped.code and skipped.reason for skipped in report.skipped)


def test_a_page_is_not_fetched_from_this_machine(own_client: httpx.Client, finished: Finished, tmp_path: Path) -> None:
    """A web address that leads to the server's own network is refused: whoever sends it must not see through us."""
    (tmp_path / "page.html").write_text("<html><body><p>secret</p></body></html>")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/page.html"
        job = finished(own_client, own_client.post("/v1/documents", json={"url": address}))
        server.shutdown()
    report = JobResponse.model_validate(job).report
    assert report is not None
    assert (report.added, [skipped.name for skipped in report.skipped]) == ([], [address])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "give `url`"),
        ({"title": "t"}, "give `url`"),
        ({"text": "t"}, "needs a `title`"),
        ({"url": "https://example.org", "title": "t"}, "go with `text`"),
        ({"title": "t", "text": "x", "published": "today"}, "published"),
        ({"title": "t", "text": "x", "kind": "digest"}, "there is no such field"),
        ({"title": "t", "text": "x", "collection": "No Such Name"}, "cannot name a collection"),
    ],
)
def test_a_wrong_document_is_refused_at_once(own_client: httpx.Client, body: object, says: str) -> None:
    response = own_client.post("/v1/documents", json=body)
    assert response.status_code == 400
    assert says in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=a", b"x"),
        ("multipart/form-data; boundary=a", b"--a\r\nContent-Disposition: form-data\r\n\r\nx\r\n--a--\r\n"),
        ("text/plain", b"x"),
        ("application/json", b"{"),
    ],
)
def test_a_body_that_is_neither_form_nor_json_is_refused(own_client: httpx.Client, kind: str, content: bytes) -> None:
    response = own_client.post("/v1/documents", content=content, headers={"Content-Type": kind})
    assert response.status_code == 400
    assert response.json()["error"]["message"]


def test_a_form_is_checked(own_client: httpx.Client) -> None:
    assert own_client.post("/v1/documents", files={"file": ("a.txt", b"x")}).status_code == 400
    assert own_client.post("/v1/documents", files=[("files", ("a.txt", b"x"))] * 101).status_code == 400


def test_a_file_above_the_bound_is_refused_and_nothing_is_kept(own_client: httpx.Client, own_index: Index) -> None:
    before = [info.documents for info in own_index.collections()]
    files = [("files", ("small.txt", TEXT.encode())), ("files", ("large.txt", b"x" * 1_000_001))]
    response = own_client.post("/v1/documents", files=files)
    assert (response.status_code, code(response)) == (413, "too_large")
    assert "large.txt" in response.json()["error"]["message"]
    text = send_text(own_client, "long", "长" * 400_000)
    assert (text.status_code, code(text)) == (413, "too_large")
    assert [info.documents for info in own_index.collections()] == before


def test_a_body_above_the_bound_is_refused_with_a_readable_answer(own_client: httpx.Client) -> None:
    response = own_client.post("/v1/documents", files={"files": ("huge.txt", b"x" * 50_000_000)})
    assert (response.status_code, code(response)) == (413, "too_large")

    def endless() -> object:
        for _ in range(100):
            yield b"x" * 100_000

    response = own_client.post("/v1/search", content=endless(), headers={"Content-Type": "application/json"})
    assert (response.status_code, code(response)) == (413, "too_large")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\报告.docx", "报告.docx"),
        ("a\u202egpj.txt", "agpj.txt"),
        ("a\r\nb\0.txt", "ab.txt"),
        ("..", "upload"),
        ("", "upload"),
        (None, "upload"),
        ("x" * 300 + ".txt", "x" * 196 + ".txt"),
    ],
)
def test_a_file_name_is_only_a_name(given: str | None, kept: str) -> None:
    assert safe_name(given) == kept


def test_collections_come_and_go(own_client: httpx.Client, finished: Finished) -> None:
    made = own_client.post("/v1/collections", json={"name": "fish"})
    assert (made.status_code, made.json()["documents"]) == (201, 0)
    assert own_client.post("/v1/collections", json={"name": "fish"}).status_code == 409
    assert own_client.post("/v1/collections", json={"name": "../x"}).status_code == 400
    finished(own_client, send_text(own_client, "鱼", TEXT, collection="fish"))
    listed = CollectionsResponse.model_validate_json(own_client.get("/v1/collections").content)
    assert next(one for one in listed.collections if one.name == "fish").documents == 1
    found = own_client.post("/v1/search", json={"query": "湟鱼", "collection": "fish"}).json()
    assert {hit["citation"]["title"] for hit in found["hits"]} == {"鱼"}
    assert own_client.delete("/v1/collections/fish").status_code == 204
    assert own_client.delete("/v1/collections/fish").status_code == 404
    assert own_client.get("/v1/documents?collection=fish").status_code == 404
