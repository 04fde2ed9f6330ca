from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from qa.index import Index
from qa.service.app import create_app

DOCS = Path(__file__).parents[2] / "docs"
WEB = resources.files("qa.service") / "web"
PAGES = ["/", "/articles", "/evals", "/documents/none", "/docs"]
PAGES += sorted(f"/web/{file.name}" for file in WEB.iterdir() if not file.name.endswith(".html"))


def test_it_lives_and_is_ready(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "documents": 5}


@pytest.mark.parametrize(
    ("method", "address", "status", "code"),
    [
        ("GET", "/nothing", 404, "no_route"),
        ("GET", "/v1/search", 405, "method_not_allowed"),
        ("PUT", "/v1/documents", 405, "method_not_allowed"),
        ("GET", "/v1/jobs/none", 404, "not_found"),
        ("GET", "/v1/jobs/" + "a" * 24, 404, "not_found"),
        ("GET", "/v1/documents/%00", 404, "not_found"),
        ("GET", "/v1/documents/" + "x" * 500, 400, "bad_request"),
        ("DELETE", "/v1/collections/none", 404, "not_found"),
    ],
)
def test_every_error_has_one_shape(client: httpx.Client, method: str, address: str, status: int, code: str) -> None:
    response = client.request(method, address)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"error"}
    assert set(response.json()["error"]) == {"code", "message", "hint"}
    assert response.json()["error"]["code"] == code


@pytest.mark.parametrize("address", PAGES)
def test_pages_need_no_other_host_and_nothing_inline(client: httpx.Client, address: str) -> None:
    page = client.get(address)
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?://(?!\*|www\.w3\.org/2000/svg)[a-z]", page.text)
    assert not re.search(
        r"<script(?! (?:type=\"module\" )?src=\"/web/)|<style|\son[a-z]+=|\sstyle=|innerHTML|insertAdjacentHTML|eval\(",
        page.text,
    )


def test_every_answer_carries_the_security_headers(client: httpx.Client) -> None:
    for address in ("/", "/healthz", "/nothing", "/v1/documents"):
        headers = client.get(address).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"]
        assert "server" not in headers or "uvicorn" in headers["server"]


def test_a_page_of_another_site_cannot_change_anything(client: httpx.Client) -> None:
    response = client.post("/v1/collections", json={"name": "evil"}, headers={"Origin": "https://evil.example"})
    assert (response.status_code, response.json()["error"]["code"]) == (403, "foreign_origin")
    own = str(client.base_url).rstrip("/")
    asked = client.post("/v1/search", json={"query": "昌平"}, headers={"Origin": own})
    assert asked.status_code == 200


def test_the_openapi_document_names_our_errors_only(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    for methods in document["paths"].values():
        for operation in methods.values():
            assert "422" not in operation["responses"]
            schema = operation["responses"]["400"]["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/ErrorResponse"}
    assert not {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])


@pytest.mark.parametrize("page", ["operations.md", "operations.zh-CN.md"])
def test_each_metric_is_listed_with_its_labels(client: httpx.Client, page: str) -> None:
    client.post("/v1/search", json={"query": "昌平"})
    told = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            if not sample.name.endswith(("_bucket", "_created")):
                told[sample.name.removesuffix("_count").removesuffix("_sum")] = set(sample.labels)
    told["qa_jobs_total"] = {"state"}
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    rows = [line.split("|")[1:3] for line in lines if line.startswith("| `qa_")]
    assert {name.strip(" `"): set(re.findall(r"`(\w+)`", labels)) for name, labels in rows} == told


def test_metrics_count_by_route_and_stage(client: httpx.Client) -> None:
    client.post("/v1/search", json={"query": "昌平"})
    client.get("/v1/documents/nothing-of-this-name")
    client.get("/no/such/route")
    samples = [
        sample for family in text_string_to_metric_families(client.get("/metrics").text) for sample in family.samples
    ]
    value = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}

    def counted(name: str, **labels: str) -> float:
        return value[name, tuple(sorted(labels.items()))]

    assert counted("qa_requests_total", method="POST", route="/v1/search", status="200") >= 1
    assert counted("qa_requests_total", method="GET", route="/v1/documents/{document_id}", status="404") >= 1
    assert counted("qa_requests_total", method="GET", route="(none)", status="404") >= 1
    for stage in ("encode", "candidates", "rerank", "total"):
        assert counted("qa_search_seconds_count", stage=stage) >= 1
    assert counted("qa_documents") == 5
    assert counted("qa_passages") > 5
    assert not any("nothing-of-this-name" in str(key) for key in value)


def test_an_unforeseen_failure_is_told_without_its_inside(
    corpus_index: Index, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(corpus_index, corpus_index.settings)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("the inside")

    transport = httpx.ASGITransport(app)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get("/broken")

    import anyio

    response = anyio.run(ask)
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal"
    assert "inside" not in response.text
    assert "the inside" in caplog.text
