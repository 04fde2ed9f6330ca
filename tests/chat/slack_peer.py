"""Slack as the service meets it: requests signed by Slack's own SDK, and a loopback Web API that notes what it gets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response
from slack_sdk.signature import SignatureVerifier

from qa.service.server import take_port

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TOKEN = "xoxb-1111-2222-abcdefSECRET"
PATH = "/chat/slack/events"
BOT = "U0BOT"


@dataclass
class SlackApi:
    """``posted``: bodies of chat.postMessage; ``hooked``: of response URLs. ``script`` holds answers to give first;
    until ``free`` is set, nothing is answered."""

    address: str = ""
    posted: list[dict[str, Any]] = field(default_factory=list)
    hooked: list[dict[str, Any]] = field(default_factory=list)
    script: list[tuple[int, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    tries: int = 0
    free: threading.Event = field(default_factory=threading.Event)

    @property
    def api_url(self) -> str:
        return f"{self.address}/api/"

    def reset(self) -> None:
        self.posted.clear()
        self.hooked.clear()
        self.script.clear()
        self.tries = 0
        self.free.set()

    def wait(self, count: int, *, hooked: bool = False) -> list[dict[str, Any]]:
        """What was posted, once it is ``count`` messages."""
        return self.until(lambda: len(self.hooked if hooked else self.posted) >= count, hooked)

    def until(self, done: Any, hooked: bool = False) -> list[dict[str, Any]]:
        end = time.monotonic() + 60
        while not done():
            assert time.monotonic() < end, (self.posted, self.hooked)
            time.sleep(0.01)
        return list(self.hooked if hooked else self.posted)

    def take(self, body: dict[str, Any], into: list[dict[str, Any]]) -> Response:
        self.tries += 1
        if self.script:
            status, headers, answer = self.script.pop(0)
            return Response(json.dumps(answer), status, headers, "application/json")
        into.append(body)
        self.free.wait(60)
        return Response('{"ok":true,"ts":"1.2","channel":"C1"}', media_type="application/json")


def _app(api: SlackApi) -> FastAPI:
    app = FastAPI()

    @app.post("/api/auth.test")
    def auth() -> dict[str, object]:
        return {"ok": True, "user_id": BOT, "team_id": "T1"}

    @app.post("/api/chat.postMessage")
    async def post(request: Request) -> Response:
        import anyio.to_thread

        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Response('{"ok":false,"error":"invalid_auth"}', media_type="application/json")
        body = await request.json()
        return await anyio.to_thread.run_sync(api.take, body, api.posted)

    @app.post("/hooks/{name}")
    async def hook(name: str, request: Request) -> Response:
        import anyio.to_thread

        return await anyio.to_thread.run_sync(api.take, await request.json(), api.hooked)

    return app


@contextmanager
def slack_api() -> Iterator[SlackApi]:
    api = SlackApi()
    taken = take_port("127.0.0.1", 0)
    api.address = f"http://127.0.0.1:{taken.getsockname()[1]}"
    api.free.set()
    server = uvicorn.Server(uvicorn.Config(_app(api), log_config=None, ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([taken],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield api
    finally:
        api.free.set()
        server.should_exit = True
        thread.join()


def environment(api: SlackApi) -> dict[str, str]:
    return {
        "QA_SLACK_SIGNING_SECRET": SECRET,
        "QA_SLACK_BOT_TOKEN": TOKEN,
        "QA_SLACK_API_URL": api.api_url,
        "QA_SLACK_REPLY_ORIGINS": f"https://hooks.slack.com,{api.address}",
        "QA_PUBLIC_URL": "https://qa.example.com",
        "QA_CHAT_PER_MINUTE": "1000",
    }


def send(
    client: httpx.Client, body: bytes, *, secret: str = SECRET, stamp: str | None = None, **headers: str
) -> httpx.Response:
    """Deliver a body as Slack does."""
    at = stamp or str(int(time.time()))
    signature = SignatureVerifier(secret).generate_signature(timestamp=at, body=body) or ""
    kind = "application/json" if body.startswith(b"{") else "application/x-www-form-urlencoded"
    signed = {"x-slack-request-timestamp": at, "x-slack-signature": signature, "content-type": kind}
    return client.post(PATH, content=body, headers=signed | {key.replace("_", "-"): v for key, v in headers.items()})


def event(identity: str, text: str, **changed: Any) -> bytes:
    """A mention in a channel, or with ``channel_type="im"`` a direct message."""
    kind = "message" if changed.get("channel_type") == "im" else "app_mention"
    inner = {"type": kind, "user": "U1", "channel": "C1", "ts": f"17.{identity}", "text": text} | changed
    return json.dumps(
        {
            "type": "event_callback",
            "token": "verification-token-SECRET",
            "team_id": "T1",
            "api_app_id": "A1",
            "event_id": f"Ev{identity}",
            "event": inner,
            "authorizations": [{"team_id": "T1", "user_id": BOT, "is_bot": True}],
        },
        ensure_ascii=False,
    ).encode()


def command(identity: str, text: str, response_url: str) -> bytes:
    return urlencode(
        {
            "token": "verification-token-SECRET",
            "team_id": "T1",
            "channel_id": "C1",
            "user_id": "U1",
            "command": "/qa",
            "text": text,
            "response_url": response_url,
            "trigger_id": identity,
            "api_app_id": "A1",
        }
    ).encode()


def words(body: dict[str, Any]) -> str:
    return "\n".join(block["text"]["text"] for block in body["blocks"])
