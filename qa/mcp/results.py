"""What the tools take and give, as models: their JSON schemas are what clients are told."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from qa.service.models import Name, Request, Text

Collection = Annotated[Name, Field(description="Collection to look in; leave it out for the usual one.")]


class SearchArguments(Request):
    query: Text = Field(description="What to look for: a question or a topic, in Chinese or English.")
    top_k: int = Field(default=5, description="How many passages to find.")
    collection: Collection | None = None


class FetchArguments(Request):
    id: Annotated[str, Field(max_length=300)] = Field(description="An id that `search` or `ask` gave.")
    start: int = Field(default=0, ge=0, le=2**53, description="First character to return, for long documents.")


class AskArguments(Request):
    question: Text = Field(description="The question, in Chinese or English.")
    history: Annotated[list[Text], Field(max_length=20)] = Field(
        default=[], description="The user's earlier questions, oldest first, if this one is a follow-up."
    )
    collection: Collection | None = None


class PassageFound(BaseModel):
    text: str
    score: float = Field(description="calibrated: the share of such passages that are right")
    start: int = Field(description="offset in the source text, in Unicode code points")
    end: int


class DocumentFound(BaseModel):
    id: str
    title: str
    url: str
    publisher: str | None
    published: str | None
    passages: list[PassageFound]


class SearchResults(BaseModel):
    results: list[DocumentFound]
    answerable: bool = Field(description="false: the articles do not seem to answer; these are the nearest passages")


class DocumentFetched(BaseModel):
    id: str
    title: str
    text: str = Field(description="source text, or the part of it that metadata names")
    url: str
    metadata: dict[str, str | int | None]
