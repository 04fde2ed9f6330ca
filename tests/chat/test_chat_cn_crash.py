"""`qa serve` with Feishu, WeCom and DingTalk, killed between its acknowledgements and its answers."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import cn_dingtalk
import cn_feishu
import cn_wecom
import pytest
from chat_process import service
from cn_environment import SECRETS, environment
from cn_feishu import Feishu
from cn_vendor import Call, Reply, running
from slack_peer import slack_api

from qa.chat.wecom_stream import SEARCHING
from qa.index import Index

QUESTION = "昌平生命科学国际论坛集中签约了多少个项目？"
ANSWER = "12个重磅项目"


@pytest.mark.e2e
def test_after_sigkill_every_answer_comes_exactly_once(corpus_index: Index, index_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(index_dir, tmp_path / "index")
    free = threading.Event()
    feishu = Feishu()
    whole = feishu.answer

    def held(call: Call) -> Reply:
        reply = whole(call)
        assert "/reply" not in call.path or free.wait(120)
        return reply

    feishu.answer = held
    with running(feishu), cn_dingtalk.gateway() as dingtalk, slack_api() as slack:
        settings = environment(feishu, dingtalk) | {"QA_CHAT_WORKERS": "1"}
        asked = cn_wecom.callback("https://qyapi.weixin.qq.com", QUESTION)
        with service(tmp_path / "index", slack, **settings) as first:
            url = str(first.client.base_url).rstrip("/")
            assert cn_feishu.send(url, cn_feishu.event(QUESTION, "om_1")).status_code == 200
            feishu.wait("om_1/reply")  # Feishu has the answer; the process waits for Feishu to say so
            assert cn_feishu.send(url, cn_feishu.event(QUESTION, "om_2")).status_code == 200
            begun = cn_wecom.stream(cn_wecom.send(url, asked))
            dingtalk.connected().send(dingtalk.message(QUESTION))
            dingtalk.acknowledged(1)
            assert begun["content"] == SEARCHING
            first.kill()
        free.set()
        with service(tmp_path / "index", slack, **settings) as second:
            url = str(second.client.base_url).rstrip("/")
            for again in ("om_1", "om_2"):
                assert cn_feishu.send(url, cn_feishu.event(QUESTION, again)).status_code == 200
            told = cn_wecom.followed(url, begun["id"], 60)
            dingtalk.connected(2).send(dingtalk.message(QUESTION))
            (posted,) = dingtalk.wait("/sendBySession", seconds=60)
            dingtalk.acknowledged(2)
        said = "".join(first.said + second.said)
    assert ANSWER in told["content"]
    assert ANSWER in posted.body["markdown"]["text"]
    assert len(feishu.shown) == 2
    assert all(ANSWER in content for content in feishu.shown.values())
    for secret in SECRETS:
        assert secret not in said
