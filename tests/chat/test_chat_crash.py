"""A process that is killed between the acknowledgement and the answer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from chat_process import service
from slack_peer import BOT, SECRET, TOKEN, event, send, slack_api, words

from qa.index import Index

QUESTION = "How many projects were signed at the Changping life science forum?"


@pytest.mark.e2e
def test_after_sigkill_the_answer_comes_once_or_the_user_is_told(
    corpus_index: Index, index_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(index_dir, tmp_path / "index")
    pushed, waiting, later = (event(name, f"<@{BOT}> {QUESTION}", ts=f"17.{name}") for name in ("1", "2", "3"))
    with slack_api() as api:
        api.free.clear()
        with service(tmp_path / "index", api, QA_CHAT_WORKERS="1") as first:
            assert send(first.client, pushed).status_code == 200
            api.wait(1)  # Slack has the answer, and the process waits for Slack to say so
            assert send(first.client, waiting).status_code == 200
            first.kill()
        api.free.set()
        with service(tmp_path / "index", api, QA_CHAT_WORKERS="1") as second:
            for again in (pushed, waiting):
                assert send(second.client, again, X_Slack_Retry_Num="1").status_code == 200
            api.wait(3)
            assert send(second.client, later).status_code == 200
            posted = api.wait(4)
        said = "".join(first.said + second.said)
    assert [body["thread_ts"] for body in posted] == ["17.1", "17.1", "17.2", "17.3"]
    assert ["interrupted" in words(body) for body in posted] == [False, True, False, False]
    assert all("12个重磅项目" in words(body) for body in (posted[0], *posted[2:]))
    assert SECRET not in said
    assert TOKEN not in said
