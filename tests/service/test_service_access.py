"""Who asks and what they may do: the middleware, the checks, and that no route goes without."""

from __future__ import annotations

from typing import Annotated

import anyio
import httpx
import pytest
from fastapi import FastAPI, Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Scope

from qa.errors import CiteqaError, NotFoundError, UnauthorizedError
from qa.index import Index
from qa.service import access, errors
from qa.service.access import NOBODY, OWNER, Access, Caller, bearer, caller_of, needs, reachable
from qa.service.app import create_app
from qa.service.doorman import Doorman
from qa.service.metrics import Metrics
from qa.service.rate import LocalRate

READER = Caller("k1", "reader", frozenset({"read"}), frozenset({"mine"}))


async def identify(_scope: Scope, token: str | None) -> Caller:
    match token:
        case None:
            return NOBODY
        case "good":
            return READER
        case "owner":
            return OWNER
    raise UnauthorizedError("The key is not good.")


def foreign(error: CiteqaError) -> Response:
    return JSONResponse({"error_code": 1002, "error_msg": error.message}, 403)


async def whoami(request: Request) -> JSONResponse:
    return JSONResponse({"label": caller_of(request).label, "same": caller_of(request.scope) == caller_of(request)})


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    errors.install(app)
    app.mount("/sub", Starlette(routes=[Route("/who", whoami)]))
    app.mount("/foreign", Starlette(routes=[Route("/who", whoami)]))

    @app.get("/healthz")
    async def healthz(request: Request) -> dict[str, str]:
        return {"label": caller_of(request).label}

    @app.get("/write")
    async def write(caller: Annotated[Caller, needs("write")]) -> dict[str, str]:
        return {"label": caller.label}

    app.add_middleware(Access, identify=identify, rate=LocalRate(0))
    app.add_middleware(Doorman, metrics=Metrics(), document_bytes=1000, voices={"/foreign/": foreign})
    return app


def get(app: FastAPI, path: str, token: str | None = None) -> httpx.Response:
    async def ask() -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            return await client.get(path, headers=headers)

    return anyio.run(ask)


def test_a_mounted_app_sees_who_asks(app: FastAPI) -> None:
    assert get(app, "/sub/who", "good").json() == {"label": "reader", "same": True}


@pytest.mark.parametrize("token", [None, "bad"])
def test_nobody_gets_in_without_a_good_key(app: FastAPI, token: str | None) -> None:
    refused = get(app, "/sub/who", token)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["x-content-type-options"] == "nosniff"
    assert set(refused.json()["error"]) == {"code", "message", "hint"}
    assert refused.json()["error"]["code"] == "unauthorized"


def test_a_foreign_door_tells_of_it_in_its_own_shape(app: FastAPI) -> None:
    refused = get(app, "/foreign/who", "bad")
    assert (refused.status_code, refused.json()["error_code"]) == (403, 1002)
    assert get(app, "/foreign/who", "good").status_code == 200


def test_what_is_open_is_open_but_a_bad_key_is_told(app: FastAPI) -> None:
    assert get(app, "/healthz").json() == {"label": "anonymous"}
    assert get(app, "/healthz", "bad").status_code == 401


def test_a_right_that_a_key_does_not_have_is_refused(app: FastAPI) -> None:
    refused = get(app, "/write", "good")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert get(app, "/write", "owner").status_code == 200


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer a", "a"), ("bearer  a ", "a"), ("Bearer", None), ("Bearer ", None), ("Basic YTpi", None), ("", None)],
)
def test_the_bearer_token_is_read(header: str, token: str | None) -> None:
    assert bearer(httpx.Headers({"authorization": header})) == token  # type: ignore[arg-type]


def test_a_scope_that_no_middleware_has_seen_may_do_nothing() -> None:
    assert caller_of({"type": "http"}) == NOBODY
    assert not NOBODY.scopes


def test_a_collection_that_may_not_be_used_is_like_one_that_is_not_there(corpus_index: Index) -> None:
    with pytest.raises(NotFoundError) as forbidden:
        reachable(corpus_index, READER, "default")
    with pytest.raises(NotFoundError) as absent:
        reachable(corpus_index, OWNER, "absent")
    told = forbidden.value.message, forbidden.value.hint, forbidden.value.code
    assert told == (absent.value.message.replace("absent", "default"), absent.value.hint, absent.value.code)
    assert reachable(corpus_index, OWNER, "default") == "default"


def test_home_is_the_collection_meant_where_none_can_be_named() -> None:
    assert OWNER.home == "default"
    assert READER.home == "mine"
    assert Caller(collections=frozenset({"b", "default"})).home == "default"
    assert Caller(collections=frozenset()).home == ""


async def powerless(_scope: Scope, _token: str | None) -> Caller:
    """Somebody whom the middleware lets in and who may do nothing that a route can ask for."""
    return Caller("k2", "powerless", frozenset({"nothing"}))  # type: ignore[arg-type]


def test_every_route_says_what_it_needs_or_is_open(corpus_index: Index) -> None:
    app = create_app(corpus_index, corpus_index.settings, identify=powerless)

    async def statuses() -> dict[str, int]:
        found = {}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            for path, methods in app.openapi()["paths"].items():
                for method in methods if not access.is_open(path) else ():
                    asked = await client.request(method, path.replace("{", "").replace("}", ""))
                    found[f"{method} {path}"] = asked.status_code
        return found

    answered = anyio.run(statuses)
    assert len(answered) > 12
    assert {route: status for route, status in answered.items() if status != 403} == {}
