"""The MCP server: the protocol's side of ``Library``.

Built on the SDK's low-level server, since documents are listed as resources for each caller anew; the high-level one
keeps a fixed list, and takes over the process's logging.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel, ValidationError

from qa.errors import CiteqaError
from qa.mcp.library import Library, Visit
from qa.mcp.names import SCHEME, TEMPLATE, DocumentName, from_cursor, from_uri
from qa.mcp.results import AskArguments, DocumentFetched, FetchArguments, SearchArguments, SearchResults
from qa.service.models import AskResponse
from qa.service.shape import Json, dumps

Context = ServerRequestContext[Any, Any]
Receptionist = Callable[[Context], Visit]
"""Says who asks, from what the transport knows. Raises AccessError."""

_READ_ONLY: Final = types.ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
_INSTRUCTIONS: Final = (
    "A collection of articles, in Chinese and English; a question in one language finds articles in the other. "
    "`ask` answers in sentences with the passages that prove them; `search` finds passages; `fetch` returns the source "
    "text that offsets refer to. `answerable: false` means that the articles do not seem to hold an answer: say so."
)
_MIME: Final = "text/plain"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what it takes and gives, and the method of the library that does it."""

    about: str
    takes: type[BaseModel]
    gives: type[BaseModel]
    run: Callable[[Library, Any, Visit], Awaitable[Json]]

    def described(self, name: str) -> types.Tool:
        return types.Tool(
            name=name,
            description=self.about,
            input_schema=self.takes.model_json_schema(),
            output_schema=self.gives.model_json_schema(),
            annotations=_READ_ONLY,
        )


_TOOLS: Final[dict[str, Tool]] = {
    "search": Tool(
        "Find the passages of the articles that answer a question, by document, best first.",
        SearchArguments,
        SearchResults,
        Library.search,
    ),
    "fetch": Tool(
        "Read the source text of a document that `search` found; long ones in parts.",
        FetchArguments,
        DocumentFetched,
        Library.fetch,
    ),
    "ask": Tool(
        "Answer a question from the articles in quotes, each sentence with citations that can be checked.",
        AskArguments,
        AskResponse,
        Library.ask,
    ),
}


class Desk:
    """The handlers of the protocol's requests."""

    def __init__(self, library: Library, receive: Receptionist) -> None:
        self._library = library
        self._receive = receive

    async def list_tools(self, _ctx: Context, _params: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool.described(name) for name, tool in _TOOLS.items()])

    async def call_tool(self, ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = _TOOLS.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no tool {params.name[:80]!r}; use one of {[*_TOOLS]}.")
        try:
            body = await tool.run(self._library, tool.takes.model_validate(params.arguments or {}), self._receive(ctx))
        except ValidationError as failure:
            return _refused("; ".join(_problem(each) for each in failure.errors()[:5]))
        except CiteqaError as failure:
            return _refused(_told(failure))
        except Exception:
            _log.exception("the tool %s failed", params.name)
            return _refused("The service failed to answer this.")
        return types.CallToolResult(content=[types.TextContent(type="text", text=dumps(body))], structured_content=body)

    async def list_resources(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        try:
            cursor = from_cursor(params.cursor) if params is not None and params.cursor else None
            documents, following = await self._library.documents(cursor, self._receive(ctx).caller)
        except CiteqaError as failure:
            raise MCPError(types.INVALID_PARAMS, _told(failure)) from failure
        resources = [
            types.Resource(
                name=document.name,
                title=document.metadata.title,
                uri=DocumentName(document.collection, document.id).uri,
                description=", ".join(
                    fact for fact in (document.metadata.publisher, document.metadata.published) if fact
                )
                or None,
                mime_type=_MIME,
            )
            for document in documents
        ]
        return types.ListResourcesResult(resources=resources, next_cursor=None if following is None else str(following))

    async def list_templates(self, _ctx: Context, _params: object) -> types.ListResourceTemplatesResult:
        template = types.ResourceTemplate(
            name="document",
            uri_template=TEMPLATE,
            description="The source text of a document, which the offsets of citations refer to.",
            mime_type=_MIME,
        )
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def read_resource(self, ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        uri = str(params.uri)
        name = from_uri(uri)
        if name is None:
            raise MCPError(types.INVALID_PARAMS, f"This is not the address of a document: they begin with {SCHEME}.")
        try:
            text = await self._library.resource(name, self._receive(ctx).caller)
        except CiteqaError as failure:
            raise MCPError(types.INVALID_PARAMS, _told(failure), data={"uri": uri[:500]}) from failure
        contents = types.TextResourceContents(uri=uri, mime_type=_MIME, text=text)
        return types.ReadResourceResult(contents=[contents])


def create_server(library: Library, receive: Receptionist) -> Server[Any]:
    desk = Desk(library, receive)
    return Server(
        "citeqa",
        version=version("citeqa"),
        title="citeqa",
        instructions=_INSTRUCTIONS,
        on_list_tools=desk.list_tools,
        on_call_tool=desk.call_tool,
        on_list_resources=desk.list_resources,
        on_list_resource_templates=desk.list_templates,
        on_read_resource=desk.read_resource,
    )


def _refused(reason: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=reason)], is_error=True)


def _told(failure: CiteqaError) -> str:
    return f"{failure.message} {failure.hint}".strip()


def _problem(problem: Any) -> str:
    """Without the value that was sent: it may be large, or secret."""
    place = ".".join(str(step)[:80] for step in problem["loc"])
    return f"{place}: {str(problem['msg']).removeprefix('Value error, ')}"
