"""Records in PostgreSQL: several processes, lost connections, and what is told and not told of the address."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgres_server import Postgres
from pydantic import SecretStr
from store_samples import document, open_store

from qa.config import Settings
from qa.config import settings as read_settings
from qa.errors import BusyError, CiteqaError, ConfigError, ConflictError, IndexError_, InputError, NoIndexError
from qa.store import feedback, generations, lexical, migrations, postgres, schemas, sequences
from qa.store.check import check, repair
from qa.store.feedback import NewVerdict
from qa.store.local import LocalStore
from qa.store.location import Location, location
from qa.store.opening import open_existing
from qa.store.tables import documents, encodings, metadata
from qa.store.tables import feedback as feedback_table

SECRET = "s3cret-of-the-database"
WRITER = Path(__file__).with_name("store_postgres_writer.py")


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.database()


@pytest.fixture
def store(tmp_path: Path, url: str) -> Iterator[LocalStore]:
    opened = open_store(tmp_path / "index", url=url)
    opened.create_collection("default")
    yield opened
    opened.close()


def found(store: LocalStore, word: str) -> set[str]:
    snapshot = store.snapshot("default")
    passages = snapshot.passages(snapshot.lexical([word], 50, None).rows)
    snapshot.close()
    return {passage.document_id for passage in passages}


def test_a_write_is_found_at_once_by_a_store_with_another_directory(
    store: LocalStore, tmp_path: Path, url: str
) -> None:
    other = open_store(tmp_path / "elsewhere", url=url, create=False)
    store.add("default", [document("one", ["alpha beta"]), document("two", ["beta gamma"])])
    store.publish("default")
    assert found(other, "beta") == {"one", "two"}
    other.delete("default", "one")
    assert found(store, "beta") == {"two"}
    assert other.directory != store.directory
    assert other.publisher.generation() == 0 < store.publisher.generation()
    other.close()


def test_what_other_processes_add_is_folded_here_too(
    store: LocalStore, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "TAIL", 2)
    other = open_store(tmp_path / "elsewhere", url=url)
    store.add("default", [document("one", [f"word{n} beta" for n in range(5)])])
    other.snapshot("default").close()
    for thread in [thread for thread in threading.enumerate() if thread.name == "qa-publish"]:
        thread.join()
    assert other.publisher.generation() == 1
    assert found(other, "beta") == {"one"}
    other.close()


def test_two_processes_write_and_nothing_is_lost(store: LocalStore, tmp_path: Path, url: str) -> None:
    command = [sys.executable, str(WRITER), url]
    writers = [subprocess.Popen([*command, str(tmp_path / name), name]) for name in ("left", "right")]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    assert {one.id for one in store.documents("default")} == {
        f"{side}{n}" for side in ("left", "right") for n in range(8)
    }
    assert len(found(store, "shared")) == 16
    verdicts, total = feedback.listed(store.database)
    assert total == 16 == len({verdict.number for verdict in verdicts})
    assert check(store) == []


def test_the_next_request_works_after_connections_were_lost(store: LocalStore, postgres: Postgres) -> None:
    store.add("default", [document("one", ["alpha beta"])])
    snapshot = store.snapshot("default")
    postgres.disconnect()
    with pytest.raises(BusyError) as caught:
        snapshot.documents(["one"])
    assert caught.value.code == "database_away"
    with pytest.raises(BusyError):  # its transaction is gone, and with it the state that it showed
        snapshot.documents(["one"])
    snapshot.close()
    assert found(store, "alpha") == {"one"}
    with postgres.stopped(), pytest.raises(BusyError) as caught:
        store.collections()
    assert "reached" in caught.value.message
    assert found(store, "alpha") == {"one"}
    store.delete("default", "one")


def test_a_connection_lost_while_writing_leaves_nothing(store: LocalStore, postgres: Postgres) -> None:
    def write() -> None:
        with store.writing() as connection:
            connection.execute(documents.delete())
            postgres.disconnect()
            connection.execute(documents.delete())

    with pytest.raises(BusyError):
        write()
    store.add("default", [document("one", ["alpha beta"])])
    assert found(store, "alpha") == {"one"}


def test_a_writer_that_does_not_finish_is_told(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "WAIT", 0.2)
    with store.writing(), pytest.raises(ConflictError):
        store.add("default", [document("one", ["alpha beta"])])
    with store.database.holding(), pytest.raises(ConflictError):
        store.delete("default", "one")
    store.keys.create("reader")  # keys wait for no writer of documents
    store.add("default", [document("one", ["alpha beta"])])


def test_reading_shows_one_state_and_writes_nothing(store: LocalStore) -> None:
    with store.database.reading() as connection:
        before = connection.scalar(sa.select(sa.func.count()).select_from(documents))
        store.add("default", [document("one", ["alpha beta"])])
        assert connection.scalar(sa.select(sa.func.count()).select_from(documents)) == before == 0
    with pytest.raises(IndexError_) as caught, store.database.reading() as connection:
        connection.execute(documents.delete())
    assert caught.value.code == "index_read_only"


def test_there_has_to_be_an_index(tmp_path: Path, url: str) -> None:
    where = Location(tmp_path / "index", SecretStr(url))
    with pytest.raises(NoIndexError):
        open_store(tmp_path / "index", url=url, create=False)
    with pytest.raises(NoIndexError):
        open_existing(where)
    assert not (tmp_path / "index").exists()


def test_ten_first_openings_at_once_make_one_index(tmp_path: Path, url: str) -> None:
    made: list[str] = []

    def opened(number: int) -> None:
        with_own = open_store(tmp_path / str(number), url=url)
        made.append(with_own.identity.id)
        with_own.close()

    threads = [threading.Thread(target=opened, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 10
    assert len(set(made)) == 1


def test_a_build_that_is_not_current_any_more_is_read_and_not_written(store: LocalStore) -> None:
    store.add("default", [document("one", ["alpha beta"])])
    assert store.current_build() == store.build
    with store.database.writing() as connection:
        schemas.switch(connection, schemas.Place("citeqa_other", store.build.schema, "reencode"))
    assert store.current_build() != store.build
    assert found(store, "alpha") == {"one"}
    with pytest.raises(IndexError_) as caught:
        store.delete("default", "one")
    assert caught.value.code == "index_replaced"


@pytest.mark.parametrize(
    "damage", ["UPDATE lexical SET length = length + 1", "DELETE FROM lexical", "DROP TABLE lexical"]
)
def test_a_lexical_index_that_disagrees_is_made_again(store: LocalStore, damage: str) -> None:
    store.add("default", [document("one", ["alpha beta"])])
    with store.writing() as connection:
        connection.exec_driver_sql(damage)
    assert [problem.code for problem in check(store)] == ["words"]
    assert repair(Location(store.root, store.build.url)) == []
    assert found(store, "alpha") == {"one"}


def test_lost_derived_files_are_no_loss(store: LocalStore, tmp_path: Path, url: str) -> None:
    store.add("default", [document("one", ["alpha beta"])])
    store.publish("default")
    (store.directory / "manifest.json").write_text("{}")
    assert {problem.repairable for problem in check(store)} == {True}
    assert repair(store) == []
    assert found(store, "alpha") == {"one"}


def test_words_are_scored_as_in_sqlite(store: LocalStore, tmp_path: Path) -> None:
    texts = [
        "COVID-19 in Běijīng 北京 2019",
        "covid 19, 19 times covid-19",
        "beijing covid",
        "Straße 3.5% 3 5",
        "a b c 北京",
    ]
    texts += [f"filler number {n} covid" for n in range(30)]
    twin = open_store(tmp_path / "twin")
    twin.create_collection("default")
    for each in (store, twin):
        each.add("default", [document("one", texts)])
        each.add("default", [document("two", [*texts[::2], "北京 covid-19 covid-19"])])
        each.delete("default", "one")
        each.add("default", [document("three", texts[:9])])
    for words in (["covid-19"], ["beijing", "19"], ["3.5", "北京", "covid"], ["straße"], ["covid-19", "covid", "2019"]):
        ours, theirs = (each.snapshot("default") for each in (store, twin))
        a, b = ours.lexical(words, 20, None), theirs.lexical(words, 20, None)
        texts_of = [[passage.quote for passage in each.passages(c.rows)] for each, c in ((ours, a), (theirs, b))]
        assert texts_of[0] == texts_of[1], words
        assert a.scores == pytest.approx(b.scores, rel=1e-6)
        assert ours.word_frequency(words).tolist() == theirs.word_frequency(words).tolist()
        ours.close(), theirs.close()
    twin.close()


def test_steps_make_the_same_tables_as_a_new_database(store: LocalStore) -> None:
    def shape(schema: str) -> dict[str, object]:
        with store.database.reading() as connection:
            inspector = sa.inspect(connection)
            return {
                name: (
                    {
                        column["name"]: (str(column["type"]), column["nullable"])
                        for column in inspector.get_columns(name, schema)
                    },
                    sorted((index["name"], index["column_names"]) for index in inspector.get_indexes(name, schema)),
                    sorted(str(each["column_names"]) for each in inspector.get_unique_constraints(name, schema)),
                )
                for name in inspector.get_table_names(schema)
                if name in metadata.tables
            }

    with store.database.exclusive() as connection:
        connection.execute(sa.text("CREATE SCHEMA citeqa_stepwise"))
    stepwise = postgres.PostgresDatabase(store.build.url or SecretStr(""), "citeqa_stepwise")
    with stepwise.exclusive() as connection:
        migrations.upgrade(connection)
        assert migrations.standing(connection) == migrations.HEAD
    assert shape("citeqa_stepwise") == shape(store.build.schema)
    stepwise.close()


def test_numbers_that_were_copied_are_not_given_again(store: LocalStore) -> None:
    with store.writing() as connection:
        values = dict.fromkeys(("created", "collection", "question", "verdict", "state"), 1)
        connection.execute(feedback_table.insert().values(values | {"number": 41}))
        sequences.catch_up(connection, feedback_table)
        made = connection.execute(feedback_table.insert().values(values)).inserted_primary_key
        assert made is not None
        assert made[0] == 42
        assert sequences.take(connection, encodings, 3) == 1
        assert sequences.last(connection, encodings) == 3


def test_characters_and_lengths_that_postgresql_does_not_hold(store: LocalStore) -> None:
    kept = feedback.add(store.database, NewVerdict("default", "what\0is", "up"))
    assert kept.question == "what\ufffdis"
    with pytest.raises(InputError):
        feedback.add(store.database, NewVerdict("default", "what", "up", language="x" * 20))


def with_password(url: str) -> str:
    return url.replace("postgres:@", f"postgres:{SECRET}@")


def test_the_password_is_never_told(
    url: str, tmp_path: Path, postgres: Postgres, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    chosen = Settings(index_dir=tmp_path / "index", database_url=SecretStr(with_password(url)))
    store = open_store(tmp_path / "index", url=with_password(url))
    told = [repr(chosen), str(chosen), repr(location(chosen)), repr(store.build), store.database.name]
    for wrong in (f"postgresql://u:{SECRET}@:x/y", f"mysql://u:{SECRET}@h/n", f"postgresql://u:{SECRET}@h:99999999/n"):
        monkeypatch.setenv("QA_DATABASE_URL", wrong)
        read_settings.cache_clear()
        with pytest.raises(CiteqaError) as caught:
            open_existing(location(read_settings()))
        told += [str(caught.value), caught.value.hint, repr(caught.value.__cause__)]
    read_settings.cache_clear()
    with postgres.stopped(), pytest.raises(BusyError) as away:
        store.collections()
    told += [str(away.value), away.value.hint, repr(away.value.__cause__), caplog.text]
    store.close()
    assert not [text for text in told if SECRET in text]


def test_an_address_that_cannot_be_used(tmp_path: Path, postgres: Postgres) -> None:
    with pytest.raises(ConfigError):
        open_existing(Location(tmp_path, SecretStr("postgresql://u@h:port/n")))
    address = postgres.database()
    with pytest.raises(IndexError_) as caught:
        open_existing(Location(tmp_path, SecretStr(address.replace("/test", "/nothing"))))
    assert caught.value.code == "database_denied"


def test_only_the_index_that_the_settings_name_is_shared(tmp_path: Path) -> None:
    chosen = Settings(index_dir=tmp_path / "index", database_url=SecretStr("postgresql://u:p@h/n"))
    assert location(chosen).url is not None
    assert location(chosen, tmp_path / "index").url is not None
    assert location(chosen, tmp_path / "other").url is None
    assert location(Settings(index_dir=tmp_path / "index")).url is None


def test_generations_are_named_by_their_schema(store: LocalStore) -> None:
    store.add("default", [document("one", ["alpha beta"])])
    store.publish("default")
    assert store.directory == store.root / "postgresql" / store.build.schema
    assert generations.unnamed(store.directory, store.publisher._manifest()) == []
    with store.database.reading() as connection:
        assert lexical.count(connection, 1, ['"alpha"', '"nothing"']) == {'"alpha"': 1, '"nothing"': 0}
