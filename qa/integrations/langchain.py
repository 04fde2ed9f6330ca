"""A LangChain retriever over a citeqa service (extra ``langchain``).

from qa.integrations.langchain import CiteqaRetriever
CiteqaRetriever(base_url="http://127.0.0.1:8000", k=3).invoke("昌平区有多少家医药健康企业？")
"""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field, SecretStr

from qa.answer.links import address
from qa.integrations.service import SEARCH, Json, Service, citation_of


class CiteqaRetriever(BaseRetriever):
    """Passages as documents: the text made readable, and in the metadata the score, the whole citation, and ``link``:
    where the passage can be read, the article's own page or the service's.

    ``k`` can be given to ``invoke`` too. ``filters`` are those of ``POST /v1/search``. With ``answerable_only`` nothing
    is returned where the service says that the articles do not answer. Raises ServiceError.
    """

    base_url: str = "http://127.0.0.1:8000"
    api_key: SecretStr = SecretStr("")
    collection: str = "default"
    k: int = Field(default=5, ge=1)
    filters: dict[str, Any] | None = None
    answerable_only: bool = False
    timeout: float = 60.0

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        return self._documents(self._service.post(SEARCH, self._body(query, k)))

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        return self._documents(await self._service.apost(SEARCH, self._body(query, k)))

    @property
    def _service(self) -> Service:
        return Service(self.base_url, self.api_key.get_secret_value(), self.timeout)

    def _body(self, query: str, k: int | None) -> Json:
        body: Json = {"query": query, "top_k": self.k if k is None else k, "collection": self.collection}
        return body if self.filters is None else body | {"filters": self.filters}

    def _documents(self, found: Json) -> list[Document]:
        if self.answerable_only and not found["answerable"]:
            return []
        return [_document(hit, found, self._link(hit["citation"])) for hit in found["hits"]]

    def _link(self, citation: Json) -> str:
        return address(citation_of(citation), self.base_url, self.collection)


def _document(hit: Json, found: Json, link: str) -> Document:
    citation = hit["citation"]
    metadata = {"score": hit["score"], "answerable": found["answerable"], "link": link, **citation}
    return Document(id=citation["passage_id"], page_content=hit["text"], metadata=metadata)
