"""A service whose every logger writes everything: no platform's secret is in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import cn_dingtalk
import cn_feishu
import cn_wecom
import pytest
import slack_peer
from chat_process import service
from cn_environment import SECRETS, environment
from cn_vendor import running

from qa.index import Index

VERBOSE = "import logging; logging.basicConfig(level=0); from qa.cli import main; main()"
"""The root logger at the lowest level, as an operator may set it up who looks for a fault."""
QUESTION = "昌平生命科学国际论坛集中签约了多少个项目？"


@pytest.mark.e2e
def test_no_logger_at_any_level_writes_a_secret(corpus_index: Index, index_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(index_dir, tmp_path / "index")
    feishu = cn_feishu.Feishu()
    with running(feishu), cn_dingtalk.gateway() as dingtalk, slack_peer.slack_api() as slack:
        settings = environment(feishu, dingtalk)
        with service(tmp_path / "index", slack, ("-c", VERBOSE), **settings) as verbose:
            url = str(verbose.client.base_url).rstrip("/")
            hook = f"{slack.address}/hooks/HOOKSECRET"
            assert slack_peer.send(verbose.client, slack_peer.command("c1", QUESTION, hook)).status_code == 200
            assert slack_peer.send(verbose.client, slack_peer.event("m1", QUESTION)).status_code == 200
            assert slack_peer.send(verbose.client, slack_peer.event("m2", QUESTION), secret="no").status_code == 401
            assert cn_feishu.send(url, cn_feishu.event(QUESTION)).status_code == 200
            begun = cn_wecom.stream(cn_wecom.send(url, cn_wecom.callback(url, QUESTION)))
            dingtalk.connected().send(dingtalk.message(QUESTION))
            slack.wait(1)
            slack.wait(1, hooked=True)
            feishu.wait("/reply")
            assert cn_wecom.followed(url, begun["id"])["finish"]
            dingtalk.wait("sendBySession")
    said = "".join(verbose.said)
    for logger in ("asyncio", "httpcore"):
        assert f"DEBUG:{logger}" in said, "the loggers did not write at this level"
    for secret in (*SECRETS, slack_peer.SECRET, slack_peer.TOKEN, "verification-token-SECRET", "HOOKSECRET"):
        assert secret not in said, [line for line in verbose.said if secret in line][0][:500]
