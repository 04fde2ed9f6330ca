"""Two processes serve one index, in one SQLite file or one PostgreSQL database: what one did the other knows, and what
one left undone the other ends."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import httpx
import pytest
from pydantic import SecretStr
from slack_peer import BOT, SlackApi, environment, event, send, slack_api, words
from test_e2e_serve import EN, TEXT, Server, finished, qa, serving

from qa.store.keys import Keys
from qa.store.location import Location
from qa.store.opening import open_existing

pytestmark = pytest.mark.e2e

TAKEN_OVER_SECONDS = 120.0
"""Far more than it should take, on a machine that does other things too."""


@dataclass(frozen=True, slots=True)
class Pair:
    """``where``: of the index of ``one``. The other has a directory of its own where the database is shared."""

    where: Location
    one: Server
    other: Server
    slack: SlackApi


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    here = there = tmp_path_factory.mktemp("one") / "index"
    variables = {"QA_RATE": "60", "QA_ANONYMOUS": "admin"}
    url = None
    if request.param == "postgresql":
        there = tmp_path_factory.mktemp("other") / "index"
        variables["QA_DATABASE_URL"] = request.getfixturevalue("postgres").database()
        url = SecretStr(variables["QA_DATABASE_URL"])
    with slack_api() as slack, pytest.MonkeyPatch.context() as patch:
        for name, value in (environment(slack) | variables).items():
            patch.setenv(name, value)
        with serving(here) as one, serving(there) as other:
            yield Pair(Location(here, url), one, other, slack)
            other.client.close()


def sent(server: Server, count: int, about: str) -> httpx.Response:
    files = [("files", (f"{about}{number}.txt", f"{about}{number}。{TEXT * 3}".encode())) for number in range(count)]
    accepted = server.client.post("/v1/documents", files=files, data={"collection": about})
    assert accepted.status_code == 202
    return accepted


def test_what_one_ingested_the_other_finds_at_once(pair: Pair) -> None:
    """Sent to one, its job asked for at the other: when the job is done, both find it."""
    for here, there, about in ((pair.one, pair.other, "east"), (pair.other, pair.one, "west")):
        job = finished(there, sent(here, 1, about).headers["location"])
        assert job["state"] == "done"
        for server in (here, there):
            hits = server.client.post("/v1/search", json={"query": "谁盖戳？", "collection": about}).json()["hits"]
            assert hits[0]["citation"]["source"] == f"{about}0.txt"


def test_jobs_sent_to_both_are_each_done_once(pair: Pair) -> None:
    with ThreadPoolExecutor(6) as pool:
        servers = [pair.one, pair.other] * 3
        accepted = list(pool.map(lambda one: sent(one[1], 2, f"n{one[0]}"), enumerate(servers)))
    for answer in accepted:
        job = finished(pair.one, answer.headers["location"])
        assert (job["state"], job["attempts"], len(job["report"]["added"])) == ("done", 1, 2)


def test_an_event_that_comes_to_both_is_answered_once(pair: Pair) -> None:
    bodies = [event(str(number), f"<@{BOT}> {EN}") for number in range(4)]
    with ThreadPoolExecutor(8) as pool:
        sent_to = [(server.client, body) for body in bodies for server in (pair.one, pair.other)]
        assert {answer.status_code for answer in pool.map(lambda pair: send(*pair), sent_to)} == {200}
    posted = pair.slack.wait(len(bodies))
    last = event("last", f"<@{BOT}> {EN}")
    assert send(pair.other.client, last).status_code == 200
    posted = pair.slack.wait(len(bodies) + 1)
    assert sorted(body["thread_ts"] for body in posted) == sorted([*(f"17.{n}" for n in range(4)), "17.last"])
    assert all("interrupted" not in words(body) for body in posted)


def test_a_key_revoked_is_refused_by_both_at_once(pair: Pair) -> None:
    with closing(open_existing(pair.where)) as database:
        key, token = Keys(database).create("both")
        assert [seen(server, token) for server in (pair.one, pair.other)] == [200, 200]
        Keys(database).revoke(key.id)
        assert [seen(server, token) for server in (pair.one, pair.other)] == [401, 401]


def test_a_rate_limit_is_one_for_both_where_the_database_is_shared(pair: Pair) -> None:
    """60 a minute: ten at once, and one more with each second that passes."""
    with closing(open_existing(pair.where)) as database:
        _, token = Keys(database).create("often")
    began = time.monotonic()
    codes = [seen(server, token) for _ in range(12) for server in (pair.one, pair.other)]
    most = 10 + (time.monotonic() - began)
    assert set(codes) <= {200, 429}
    if pair.where.url is None:
        assert min(codes[::2].count(200), codes[1::2].count(200)) >= 10
    else:
        assert 10 <= codes.count(200) <= most + 1


def seen(server: Server, token: str) -> int:
    return server.client.get("/v1/collections", headers={"authorization": f"Bearer {token}"}).status_code


def test_a_job_whose_process_is_killed_is_ended_by_the_other(pair: Pair) -> None:
    """The other stands still meanwhile, so that it is known which of them has the job."""
    pair.other.process.send_signal(signal.SIGSTOP)
    accepted = sent(pair.one, 60, "letters")
    address = accepted.headers["location"]
    while pair.one.client.get(address).json()["state"] == "queued":
        time.sleep(0.01)
    pair.one.stop(signal.SIGKILL)
    pair.other.process.send_signal(signal.SIGCONT)
    began = time.monotonic()
    job = finished(pair.other, address)
    assert time.monotonic() - began < TAKEN_OVER_SECONDS
    assert (job["state"], job["attempts"]) == ("done", 2)
    assert len(job["report"]["added"]) + len(job["report"]["unchanged"]) == 60
    assert pair.other.client.get("/v1/documents?collection=letters").json()["total"] == 60
    assert qa(pair.where.root, "doctor").returncode == 0
