"""Slack end to end on loopback: requests signed by slack_sdk, answers from the real index, a loopback Web API."""

from __future__ import annotations

import hmac
import itertools
import json
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import slack_peer
import uvicorn
from slack_peer import BOT, PATH, SECRET, TOKEN, SlackApi, command, environment, event, send, words
from slack_sdk import WebClient
from slack_sdk.models.blocks import Block
from slack_sdk.signature import SignatureVerifier

from qa.chat.slack import Slack, SlackSettings
from qa.chat.slack_events import plain
from qa.index import Index
from qa.service.app import create_app
from qa.service.server import take_port

QUESTION = "How many projects were signed at the Changping life science forum?"
ZH = "河北医药行业总体规模在全国排名如何？"

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def api_server() -> Iterator[SlackApi]:
    with slack_peer.slack_api() as api:
        yield api


@pytest.fixture(scope="module")
def client(api_server: SlackApi, chat_index: Index) -> Iterator[httpx.Client]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(api_server).items():
            patch.setenv(name, value)
        app = create_app(chat_index, chat_index.settings)
    taken = take_port("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, args=([taken],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    with httpx.Client(base_url=f"http://127.0.0.1:{taken.getsockname()[1]}", timeout=60) as http:
        yield http
    server.should_exit = True
    thread.join()


@pytest.fixture
def api(api_server: SlackApi) -> SlackApi:
    api_server.reset()
    return api_server


def new() -> str:
    return f"{next(numbers):06}"


def test_the_loopback_api_speaks_as_slack_does(api: SlackApi) -> None:
    peer = WebClient(token=TOKEN, base_url=api.api_url)
    assert peer.auth_test()["user_id"] == BOT
    assert peer.chat_postMessage(channel="C1", text="hello")["ok"] is True
    assert api.posted[0]["text"] == "hello"


def test_a_mention_is_answered_in_its_thread_with_what_proves_it(client: httpx.Client, api: SlackApi) -> None:
    identity = new()
    answered = send(client, event(identity, f"<@{BOT}> {QUESTION}"))
    assert answered.status_code == 200, answered.text
    (body,) = api.wait(1)
    assert body["channel"] == "C1"
    assert body["thread_ts"] == f"17.{identity}"
    assert "12个重磅项目" in words(body)
    assert "2023北京·昌平生命科学国际论坛举办" in words(body)
    assert "中新网, 2023-11-18" in words(body)
    assert "https://qa.example.com/documents/" in words(body)
    for block in body["blocks"]:
        Block.parse(block).validate_json()


def test_a_direct_message_is_answered_and_followed_up(client: httpx.Client, api: SlackApi) -> None:
    send(client, event(new(), ZH, channel="D1", channel_type="im"))
    (first,) = api.wait(1)
    assert "thread_ts" not in first
    assert "来源" not in first["text"]
    send(client, event(new(), "那北京呢？", channel="D1", channel_type="im"))
    first, second = api.wait(2)
    assert "北京" in words(second)
    alone = new()
    send(client, event(alone, "那北京呢？", channel="D2", channel_type="im"))
    assert words(api.wait(3)[2]) != words(second)


def test_a_reply_in_a_thread_stays_in_it_and_knows_it(client: httpx.Client, api: SlackApi) -> None:
    thread = new()
    send(client, event(thread, f"<@{BOT}> {ZH}"))
    api.wait(1)
    send(client, event(new(), f"<@{BOT}> 那北京呢？", thread_ts=f"17.{thread}"))
    second = api.wait(2)[1]
    assert second["thread_ts"] == f"17.{thread}"
    assert "北京" in words(second)


def test_what_the_articles_do_not_hold_is_said_so(client: httpx.Client, api: SlackApi) -> None:
    send(client, event(new(), f"<@{BOT}> Who won the chess tournament in Reykjavik in 1972?"))
    (body,) = api.wait(1)
    assert words(body).startswith("The articles do not answer this question.")


def test_the_address_is_verified_by_its_challenge(client: httpx.Client) -> None:
    body = json.dumps({"type": "url_verification", "token": "t", "challenge": "3eZbrw1aB"}).encode()
    answered = send(client, body)
    assert answered.status_code == 200
    assert "3eZbrw1aB" in answered.text


@pytest.mark.parametrize("wrong", ["secret", "body", "stale", "future", "missing", "no stamp", "not a number"])
def test_what_is_not_signed_by_slack_is_refused(client: httpx.Client, api: SlackApi, wrong: str) -> None:
    body, now = event(new(), QUESTION), int(time.time())
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=str(now), body=body) or ""
    if wrong == "secret":
        refused = send(client, body, secret="0" * 32)
    elif wrong in ("stale", "future"):
        refused = send(client, body, stamp=str(now - 301 if wrong == "stale" else now + 330))
    elif wrong == "not a number":
        refused = send(client, body, stamp="1e9")
    else:
        headers = {"x-slack-signature": signature, "x-slack-request-timestamp": str(now)}
        if wrong == "missing":
            del headers["x-slack-signature"]
        elif wrong == "no stamp":
            del headers["x-slack-request-timestamp"]
        else:
            body = body.replace(b"Changping", b"Chaoyang!")
        refused = client.post(PATH, content=body, headers=headers)
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "bad_signature"
    assert SECRET not in refused.text
    assert api.posted == []


def test_one_event_is_answered_once_however_often_it_comes(client: httpx.Client, api: SlackApi) -> None:
    body, stamp = event(new(), f"<@{BOT}> {QUESTION}"), str(int(time.time()))
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: send(client, body, stamp=stamp), range(10)))
    assert {each.status_code for each in answers} == {200}
    assert send(client, body, X_Slack_Retry_Num="1", X_Slack_Retry_Reason="http_timeout").status_code == 200
    assert send(client, body, stamp=stamp).status_code == 200
    send(client, event(new(), f"<@{BOT}> {QUESTION}", channel="C9"))
    assert [each["channel"] for each in api.wait(2)] == ["C1", "C9"]


@pytest.mark.parametrize(
    "changed",
    [
        {"bot_id": "B1"},
        {"subtype": "bot_message", "bot_id": "B1"},
        {"subtype": "message_changed"},
        {"subtype": "channel_join"},
        {"user": BOT},
        {"type": "message", "channel_type": "channel"},
        {"type": "reaction_added"},
    ],
    ids=str,
)
def test_what_no_person_asks_is_dropped(client: httpx.Client, api: SlackApi, changed: dict[str, str]) -> None:
    assert send(client, event(new(), QUESTION, **changed)).status_code == 200
    send(client, event(new(), f"<@{BOT}> {QUESTION}", channel="C9"))
    assert [each["channel"] for each in api.wait(1)] == ["C9"]


def test_a_command_is_answered_at_its_response_url(client: httpx.Client, api: SlackApi) -> None:
    body = command(new(), QUESTION, f"{api.address}/hooks/T1")
    answered = [send(client, body) for _ in range(2)]
    assert [(each.status_code, each.text) for each in answered] == [(200, ""), (200, "")]
    (posted,) = api.wait(1, hooked=True)
    assert "12个重磅项目" in words(posted)
    assert "channel" not in posted


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "http://hooks.slack.com/x", "https://hooks.slack.com@evil.example/", "x", ""]
)
def test_no_reply_goes_to_a_foreign_host(client: httpx.Client, chat_index: Index, address: str) -> None:
    identity = new()
    assert send(client, command(identity, QUESTION, address)).status_code == 200
    assert settled(chat_index, f"command:{identity}") == "failed"


def settled(index: Index, identity: str) -> str:
    """The state that an event ends in."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with index.store.database.reading() as connection:
            state = connection.exec_driver_sql("SELECT state FROM chat_events WHERE event = ?", (identity,)).scalar()
        if state not in (None, "received", "sending"):
            return str(state)
        time.sleep(0.01)
    raise AssertionError(state)


@pytest.mark.parametrize(
    ("first", "state", "tries"),
    [
        ((429, {"retry-after": "0"}, {"ok": False, "error": "ratelimited"}), "answered", 2),
        ((500, {"retry-after": "0"}, {}), "answered", 2),
        ((503, {}, {}), "answered", 2),
        ((200, {}, {"ok": False, "error": "channel_not_found"}), "failed", 1),
        ((400, {}, {"ok": False}), "failed", 1),
        ((307, {"location": "https://evil.example/"}, {}), "failed", 1),
    ],
    ids=str,
)
def test_slack_fails(
    client: httpx.Client,
    api: SlackApi,
    chat_index: Index,
    first: tuple[int, dict[str, str], dict[str, object]],
    state: str,
    tries: int,
) -> None:
    api.script.append(first)
    identity = new()
    send(client, event(identity, f"<@{BOT}> {QUESTION}"))
    assert settled(chat_index, f"Ev{identity}") == state
    assert api.tries == tries
    assert len(api.posted) == (state == "answered")


def test_a_question_of_thirty_kilobytes_and_one_without_words_are_told(client: httpx.Client, api: SlackApi) -> None:
    assert send(client, event(new(), f"<@{BOT}> " + "问" * 10_000)).status_code == 200
    assert "2000" in words(api.wait(1)[0])
    image = {"channel_type": "im", "subtype": "file_share", "files": [{"mimetype": "image/png"}]}
    assert send(client, event(new(), "", **image)).status_code == 200
    assert "请输入问题" in words(api.wait(2)[1])


@pytest.mark.parametrize("body", [b"{", b"", b'{"type":"event_callback","event":[]}', b"[1]", b"payload={"])
def test_signed_nonsense_is_no_fault_of_ours(client: httpx.Client, api: SlackApi, body: bytes) -> None:
    assert send(client, body).status_code < 500
    assert api.posted == []


def test_a_signed_body_that_is_no_text(client: httpx.Client) -> None:
    body, stamp = b"\xff\xfe", str(int(time.time()))
    signature = "v0=" + hmac.new(SECRET.encode(), f"v0:{stamp}:".encode() + body, "sha256").hexdigest()
    headers = {"x-slack-signature": signature, "x-slack-request-timestamp": stamp}
    assert client.post(PATH, content=body, headers=headers).status_code == 400


def test_half_characters_are_stored_and_answered(client: httpx.Client, api: SlackApi) -> None:
    body = event(new(), "PLACEHOLDER").replace(b"PLACEHOLDER", b"\\ud800 who?")
    assert send(client, body).status_code == 200
    api.wait(1)


def test_no_secret_is_shown(
    client: httpx.Client, api: SlackApi, chat_index: Index, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hook = f"{api.address}/hooks/HOOKSECRET"
    send(client, command(new(), QUESTION, hook))
    api.wait(1, hooked=True)
    identity = new()
    send(client, command(identity, QUESTION, "https://evil.example/HOOKSECRET"))
    assert settled(chat_index, f"command:{identity}") == "failed"
    send(client, event(new(), QUESTION, type="no_such_event"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(api).items():
            patch.setenv(name, value)
        settings = SlackSettings()
    shown = "\n".join(
        [
            *(record.getMessage() for record in caplog.records if record.name.startswith("qa.")),
            repr(settings),
            str(settings),
            repr(Slack(settings, None)),  # type: ignore[arg-type]
            client.get("/openapi.json").text,
            client.get("/docs").text,
            send(client, b"{", secret="wrong").text,
        ]
    )
    for secret in (SECRET, TOKEN, "verification-token-SECRET", "HOOKSECRET"):
        assert secret not in shown


def test_the_route_is_there_only_when_it_is_set_up(client: httpx.Client, corpus_index: Index) -> None:
    assert PATH in client.get("/openapi.json").json()["paths"]
    assert PATH not in create_app(corpus_index, corpus_index.settings).openapi()["paths"]


@pytest.mark.parametrize(
    ("marked", "shown"),
    [
        ("<@U0BOT> hello", "hello"),
        ("<@U0BOT|qa>: hello <@U2|ann>", ": hello @ann"),
        ("see <http://a.example|the page> &amp; <#C1|general>", "see the page & #general"),
        ("a &lt;b&gt; <!here>", "a <b> !here"),
        ("<https://a.example>", "https://a.example"),
        ("1 < 2 > 0", "1 < 2 > 0"),
    ],
)
def test_markup_becomes_words(marked: str, shown: str) -> None:
    assert plain(marked, "U0BOT") == shown
