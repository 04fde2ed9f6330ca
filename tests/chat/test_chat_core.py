"""Once, at once, within bounds: the part of every chat platform that is the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_parts import LIMITS, Answers, Outbox, answer, core, message, new_database

from qa.chat.card import Card
from qa.chat.events import KEPT_SECONDS, Events, Limits
from qa.chat.message import Question
from qa.chat.push import PushError, UnclearError
from qa.chat.service import Chats
from qa.config import Settings
from qa.errors import BusyError, IndexError_, NotFoundError
from qa.store.database import Database, SqliteDatabase
from qa.store.owner import FileOwner
from qa.types import Answer


@pytest.fixture
def database(tmp_path: Path, records_url: str) -> Iterator[Database]:
    made = new_database(tmp_path / "chat.sqlite", records_url)
    yield made
    made.close()


def test_a_message_is_answered_and_its_words_are_forgotten(database: Database) -> None:
    outbox, asked = Outbox(), Answers()

    async def run() -> None:
        here = core(database, asked)
        await here.start([outbox.connection])
        assert await here.receive(outbox, message())
        await here.drained()
        assert here.events.state("outbox", "a1", "e1") == "answered"
        await here.stop()

    asyncio.run(run())
    ((to, reply),) = outbox.sent
    assert to.reply_to == {"channel": "C1"}
    assert isinstance(reply, Card)
    assert reply.references[0].quote == "巡护员刘海每天投喂玉米二百斤。"
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT message FROM chat_events").scalars().all() == [None]


def test_ten_deliveries_of_one_event_at_once_are_one_answer(database: Database) -> None:
    outbox, asked = Outbox(), Answers()

    async def run() -> list[bool]:
        here, other = core(database, asked), core(database, asked, owner="another process")
        for each in (here, other):
            await each.start([outbox.connection])
        kept = await asyncio.gather(*(each.receive(outbox, message()) for each in (here, other) for _ in range(5)))
        for each in (here, other):
            await each.drained()
            await each.stop()
        return kept

    assert sorted(asyncio.run(run())) == [False] * 9 + [True]
    assert len(outbox.sent) == 1


def test_an_event_is_known_again_after_a_restart_and_forgotten_in_time(database: Database) -> None:
    now = 1_000_000.0
    first = Events(database, "one", LIMITS, lambda: now)
    assert first.receive("outbox", "a1", message(), None) is not None
    second = Events(database, "two", LIMITS, lambda: now + KEPT_SECONDS - 1)
    assert second.receive("outbox", "a1", message(), None) is None
    assert second.receive("outbox", "a2", message(), None) is not None
    assert second.receive("elsewhere", "a1", message(), None) is not None
    third = Events(database, "three", LIMITS, lambda: now + KEPT_SECONDS + 1)
    assert third.receive("outbox", "a1", message(), None) is not None


def test_what_a_dead_process_left_is_answered_once_and_what_a_living_one_holds_is_not(
    database: Database, tmp_path: Path
) -> None:
    dead, living, mine, others = (FileOwner(tmp_path / "owners") for _ in range(4))
    for owner in (dead, living, mine, others):
        owner.take()
    Events(database, dead.id, LIMITS).receive("outbox", "a1", message("of the dead"), None)
    Events(database, living.id, LIMITS).receive("outbox", "a1", message("of the living"), None)
    outbox, asked = Outbox(), Answers()
    assert dead._file is not None
    dead._file.close()  # what the system does when a process dies

    async def run() -> None:
        here, other = core(database, asked, mine.id), core(database, asked, others.id)
        await here.start([outbox.connection])
        await other.start([outbox.connection])
        taken = [await each.resume(living.is_gone) for each in (here, other)]
        assert taken == [1, 0]
        await here.drained()
        await here.stop()
        await other.stop()

    asyncio.run(run())
    assert [to.event for to, _ in outbox.sent] == ["of the dead"]
    for owner in (living, mine, others):
        owner.close()


def left(database: Database, text: str = "谁投喂丹顶鹤？", *, sending: bool = False, hours: float = 0) -> None:
    """A message that a process which is gone has left."""
    import time

    events = Events(database, "gone", LIMITS, lambda: time.time() - hours * 3600)
    work = events.receive("outbox", "a1", message(text=text), None)
    assert work is not None
    if sending:
        events.sending(work)


@pytest.mark.parametrize(
    ("sending", "hours", "text", "said"),
    [
        (True, 0, "谁投喂丹顶鹤？", "中断"),
        (True, 0, "Who feeds the cranes?", "interrupted"),
        (False, 2, "谁？", "中断"),
    ],
)
def test_where_an_answer_may_have_arrived_or_is_late_the_user_is_told(
    database: Database, sending: bool, hours: float, text: str, said: str
) -> None:
    left(database, text, sending=sending, hours=hours)
    outbox, asked = Outbox(), Answers()

    async def run() -> None:
        here = core(database, asked)
        await here.start([outbox.connection])
        await here.resume(lambda _: True)
        await here.drained()
        assert here.events.state("outbox", "a1", "e1") == "told"
        assert await here.resume(lambda _: True) == 0
        await here.stop()

    asyncio.run(run())
    ((_, reply),) = outbox.sent
    assert isinstance(reply, str)
    assert said in reply
    assert asked.asked == []


def test_a_message_that_kills_the_process_is_given_up(database: Database) -> None:
    left(database)
    for process in ("second", "third", "fourth"):
        (work,) = Events(database, process, LIMITS).abandoned(lambda _: True)
    assert work.attempts == 3
    outbox = Outbox()

    async def run() -> None:
        here = core(database, Answers())
        await here.start([outbox.connection])
        await here.resume(lambda _: True)
        await here.drained()
        assert here.events.state("outbox", "a1", "e1") == "failed"
        await here.stop()

    asyncio.run(run())
    assert outbox.sent == []


def test_follow_ups_know_the_questions_of_their_conversation_alone(database: Database) -> None:
    outbox, asked = Outbox(), Answers()

    async def run() -> None:
        here = core(database, asked, workers=1)
        await here.start([outbox.connection])
        for number in range(6):
            await here.receive(outbox, message(f"e{number}", f"问题{number}"))
        await here.receive(outbox, message("other", "别处的问题", conversation="c2"))
        await here.drained()
        await here.stop()

    asyncio.run(run())
    known = {question.text: question.history for question in asked.asked}
    assert known["问题0"] == ()
    assert known["问题2"] == ("问题0", "问题1")
    assert known["问题5"] == ("问题1", "问题2", "问题3", "问题4")
    assert known["别处的问题"] == ()


def test_a_conversation_expires(database: Database) -> None:
    now = [1_000_000.0]
    events = Events(database, "me", Limits(per_minute=20, expiry=600), lambda: now[0])
    events.receive("outbox", "a1", message("e1", "第一问"), None)
    now[0] += 300
    second = events.receive("outbox", "a1", message("e2", "第二问"), None)
    now[0] += 400
    third = events.receive("outbox", "a1", message("e3", "第三问"), None)
    assert second is not None
    assert third is not None
    assert second.history == ("第一问",)
    assert third.history == ("第二问",)


def test_a_fast_user_is_told_once_and_others_are_answered(database: Database) -> None:
    outbox, asked = Outbox(), Answers()

    async def run() -> None:
        here = core(database, asked, per_minute=2, workers=1)
        await here.start([outbox.connection])
        kept = [await here.receive(outbox, message(f"e{number}")) for number in range(5)]
        assert kept == [True, True, True, False, False]
        assert await here.receive(outbox, message("other", user="u2"))
        await here.drained()
        await here.stop()

    asyncio.run(run())
    assert [isinstance(reply, Card) for _, reply in outbox.sent] == [True, True, False, True]
    assert "太快" in str(outbox.sent[2][1])


@pytest.mark.parametrize(("text", "said"), [("", "type your question"), ("  !? ", "请输入问题"), ("谁" * 201, "200")])
def test_what_cannot_be_asked_is_told_without_asking(database: Database, text: str, said: str) -> None:
    outbox, asked = Outbox(), Answers()

    async def run() -> None:
        here = core(database, asked)
        await here.start([outbox.connection])
        await here.receive(outbox, message(text=text))
        await here.drained()
        assert here.events.state("outbox", "a1", "e1") == "told"
        await here.stop()

    asyncio.run(run())
    assert said in str(outbox.sent[0][1])
    assert asked.asked == []


def test_bots_are_not_answered(database: Database) -> None:
    async def run() -> None:
        here = core(database, Answers())
        assert not await here.receive(Outbox(), message(from_bot=True))

    asyncio.run(run())


def test_beyond_the_queue_users_are_told_and_beyond_that_the_vendor_is(database: Database) -> None:
    outbox = Outbox()

    async def run() -> None:
        go = asyncio.Event()

        async def ask(question: Question) -> Answer:
            await go.wait()
            return answer(question.text)

        here = core(database, ask, workers=1, queue=2)
        await here.start([outbox.connection])
        for number in range(4):
            assert await here.receive(outbox, message(f"e{number}"))
        with pytest.raises(BusyError):
            await here.receive(outbox, message("e4"))
        go.set()
        await here.drained()
        assert await here.receive(outbox, message("e4"))
        await here.drained()
        await here.stop()

    asyncio.run(run())
    assert [isinstance(reply, Card) for _, reply in outbox.sent] == [True, True, False, False, True]


def test_a_fault_of_ours_is_told_and_the_worker_goes_on(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    outbox = Outbox()

    async def ask(question: Question) -> Answer:
        if "坏" in question.text:
            raise NotFoundError("There is no collection 'x'.")
        return answer(question.text)

    async def run() -> None:
        here = core(database, ask, workers=1)
        await here.start([outbox.connection])
        await here.receive(outbox, message("e1", "坏问题"))
        await here.receive(outbox, message("e2", "好问题"))
        await here.drained()
        await here.stop()

    asyncio.run(run())
    assert "故障" in str(outbox.sent[0][1])
    assert isinstance(outbox.sent[1][1], Card)
    assert "There is no collection" in caplog.text


def test_a_vendor_that_takes_nothing_and_one_that_does_not_say(database: Database) -> None:
    errors: list[PushError] = [PushError("refused"), UnclearError("no answer")]

    async def fail() -> None:
        if errors:
            raise errors.pop(0)

    outbox = Outbox(before=fail)

    async def run() -> None:
        here = core(database, Answers(), workers=1)
        await here.start([outbox.connection])
        await here.receive(outbox, message("refused"))
        await here.receive(outbox, message("unclear"))
        await here.drained()
        assert here.events.state("outbox", "a1", "refused") == "failed"
        assert here.events.state("outbox", "a1", "unclear") == "told"
        await here.stop()

    asyncio.run(run())
    assert [str(reply)[:7] for _, reply in outbox.sent] == ["回复你的问题时"]


def test_stopping_leaves_what_waits_to_the_next_process(database: Database) -> None:
    outbox, asked = Outbox(), Answers()

    async def run() -> None:
        first = core(database, asked, owner="first")
        await first.start([])
        await first.stop()
        assert Events(database, "first", LIMITS).receive("outbox", "a1", message(), None)
        with pytest.raises(BusyError):
            await first.receive(outbox, message("late"))
        second = core(database, asked, owner="second")
        await second.start([outbox.connection])
        assert await second.resume(lambda owner: owner == "first") == 1
        await second.drained()
        await second.stop()

    asyncio.run(run())
    assert len(outbox.sent) == 1


def test_a_reply_that_is_fetched_is_kept(database: Database) -> None:
    events = Events(database, "me", LIMITS)
    events.receive("outbox", "a1", message(), None)
    assert events.reply("outbox", "a1", "e1") is None
    events.keep_reply("outbox", "a1", "e1", "答案")
    assert Events(database, "other", LIMITS).reply("outbox", "a1", "e1") == "答案"


def test_words_and_reply_addresses_are_not_in_the_repr() -> None:
    shown = repr(message(text="秘密的问题", reply_to={"url": "https://hooks.example/secret"}))
    assert "秘密" not in shown
    assert "secret" not in shown


def test_an_index_that_can_only_be_read_keeps_no_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new_database(tmp_path / "chat.sqlite").close()
    database = SqliteDatabase(tmp_path / "chat.sqlite", read_only=True)
    monkeypatch.setenv("QA_SLACK_SIGNING_SECRET", "s")
    monkeypatch.setenv("QA_SLACK_BOT_TOKEN", "xoxb-1")

    async def run() -> None:
        chats = Chats(FileOwner(tmp_path / "owners"), database, Answers(), Settings())
        await chats.start()
        with pytest.raises(IndexError_):
            await chats._core.receive(Outbox(), message())
        await chats.stop()

    asyncio.run(run())
    assert not (tmp_path / "index").exists()
    database.close()
