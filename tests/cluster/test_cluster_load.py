"""The load of the cluster suite against one real service: that it sees what goes wrong."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator

import pytest
from cluster_client import REFUSED, Client
from cluster_holdings import differences, held
from cluster_load import COLLECTION, Load, reference
from cluster_records import Ledger, Records
from cluster_services import Services

QUESTION = "首届生物医药产业发展临空大会由谁主办？"
SERIALS = itertools.count()
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = Services(1, tmp_path_factory.mktemp("services"), {"OMP_NUM_THREADS": "1"}, port)
    started.start()
    try:
        yield started
    finally:
        for server in started:
            server.kill()


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
def client(services: Services, records: Records) -> Iterator[Client]:
    made = Client([NOBODY, *services.addresses], records)
    yield made
    made.close()


@pytest.fixture
def load(services: Services, client: Client, records: Records) -> Load:
    return Load(services.addresses, reference(client, [QUESTION]), records, Ledger(), first=10 * next(SERIALS))


def test_a_service_that_takes_no_connection_is_passed_over(client: Client, records: Records) -> None:
    assert client.send("search", "GET", "/healthz") is not None
    assert client.send("search", "GET", "/healthz") is not None
    assert sorted(seen.passed_over for seen in records.since(0)) == [0, 1]


def test_where_no_service_takes_a_connection_the_request_failed(records: Records) -> None:
    client = Client([NOBODY], records)

    assert client.send("search", "GET", "/healthz") is None
    assert records.since(0)[-1].told == client.told == REFUSED
    client.close()


def test_what_was_acknowledged_is_compared_with_what_is_held(services: Services, client: Client, load: Load) -> None:
    job, articles = load.send(client, 3) or ("", [])
    documents = load.follow(client, job, articles)
    load.delete(client, documents[0])

    assert not load.faults
    assert not differences(held(services.addresses[0]), load.ledger)

    client.send("delete", "DELETE", f"/v1/documents/{documents[1]}?collection={COLLECTION}")
    assert differences(held(services.addresses[0]), load.ledger) == [f"{articles[1].name} ({documents[1]}) is lost"]
    again = {"collection": COLLECTION, "title": articles[0].title, "text": articles[0].text}
    sent = client.send("ingest", "POST", "/v1/documents", json=again)
    assert sent is not None
    load.follow(client, sent.json()["id"], [])
    assert any("not as it was sent" in one for one in differences(held(services.addresses[0]), load.ledger))


def test_an_answer_that_changed_is_a_fault(client: Client, load: Load) -> None:
    load.ask(client, "/v1/search", QUESTION)
    assert not load.faults

    load.expected["/v1/search", QUESTION] = []
    load.ask(client, "/v1/search", QUESTION)
    assert len(load.faults) == 1


def test_a_document_that_is_found_after_its_delete_is_a_fault(client: Client, load: Load) -> None:
    job, articles = load.send(client, 1) or ("", [])
    [document] = load.follow(client, job, articles)

    load.look(client, document, articles[0], there=True)
    assert not load.faults
    load.look(client, document, articles[0], there=False)
    assert len(load.faults) == 1
