"""The LangChain retriever: the vendor's standard tests, against a service over the shipped corpus."""

from __future__ import annotations

import warnings
from typing import Any

import anyio
import httpx
import pytest
from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from service_keys import ALL, MINE, identify

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from langchain_tests.integration_tests import RetrieversIntegrationTests

from qa.index import Index
from qa.integrations.langchain import CiteqaRetriever
from qa.integrations.service import ServiceError

ZH = "昌平区有多少家医药健康企业？"
ELSEWHERE = "冰岛几月看极光最合适？"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
class TestStandard(RetrieversIntegrationTests):
    """All five of the vendor's tests."""

    @pytest.fixture(autouse=True)
    def _service(self, client: httpx.Client) -> None:
        type(self).address = str(client.base_url)  # type: ignore[attr-defined]

    @property
    def retriever_constructor(self) -> type[CiteqaRetriever]:
        return CiteqaRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"base_url": type(self).address}  # type: ignore[attr-defined]

    @property
    def retriever_query_example(self) -> str:
        return ZH


@pytest.fixture
def retriever(client: httpx.Client) -> CiteqaRetriever:
    return CiteqaRetriever(base_url=str(client.base_url))


def test_documents_carry_the_whole_citation(retriever: CiteqaRetriever, corpus_index: Index) -> None:
    found = retriever.invoke(ZH)
    assert "900余家" in found[0].page_content
    for document in found:
        about = document.metadata
        assert document.id == about["passage_id"]
        assert 0 <= about["score"] <= 1
        source = corpus_index.source_text(about["document_id"])
        assert source[about["start"] : about["end"]] == about["quote"]


def test_the_asynchronous_path_finds_the_same(retriever: CiteqaRetriever) -> None:
    assert anyio.run(retriever.ainvoke, ZH) == retriever.invoke(ZH)


def test_both_paths_are_its_own() -> None:
    assert CallbackManagerForRetrieverRun is not AsyncCallbackManagerForRetrieverRun
    assert "_aget_relevant_documents" in vars(CiteqaRetriever)


def test_filters_and_answers_only(client: httpx.Client) -> None:
    address = str(client.base_url)
    dated = CiteqaRetriever(base_url=address, filters={"published_from": "2023-11-18"}).invoke(ZH)
    assert dated
    assert all(document.metadata["published"] >= "2023-11-18" for document in dated)
    assert CiteqaRetriever(base_url=address).invoke(ELSEWHERE)
    assert CiteqaRetriever(base_url=address, answerable_only=True).invoke(ELSEWHERE) == []


def test_errors_say_what_to_do(retriever: CiteqaRetriever) -> None:
    with pytest.raises(ServiceError, match="30,000") as refused:
        retriever.invoke("文" * 30_000)
    assert (refused.value.code, refused.value.status) == ("bad_question", 400)
    with pytest.raises(ServiceError) as away:
        CiteqaRetriever(base_url="http://127.0.0.1:9").invoke(ZH)
    assert "qa serve" in away.value.hint
    with pytest.raises(ServiceError, match="nothing at this address"):
        CiteqaRetriever(base_url=f"{retriever.base_url}/docs").invoke(ZH)


def test_a_key_is_sent_and_never_shown(corpus_index: Index, serving: Any) -> None:
    with serving(corpus_index, corpus_index.settings, identify=identify) as locked:
        address = str(locked.base_url)
        owner = CiteqaRetriever(base_url=address, api_key=ALL)
        assert owner.invoke(ZH)
        assert ALL not in repr(owner)
        assert ALL not in repr(owner._service)
        for key, status in (("", 401), ("wrong-key", 401), (MINE, 404)):
            with pytest.raises(ServiceError) as refused:
                CiteqaRetriever(base_url=address, api_key=key).invoke(ZH)
            assert refused.value.status == status
            assert not key or key not in str(refused.value)
