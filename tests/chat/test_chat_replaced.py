"""An index that was encoded anew or restored beside the service: its earlier build takes no message any more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cn_dingtalk
import cn_feishu
import cn_wecom
import pytest
from cn_service import Place, place
from cn_vendor import Vendor, running
from pydantic import SecretStr

from qa.chat import dingtalk, feishu, wecom
from qa.chat.dingtalk import DingTalkSettings
from qa.chat.feishu import FeishuSettings
from qa.chat.wecom import WeComSettings
from qa.errors import IndexError_


def replaced(here: Place) -> None:
    """What the store's guard does once another build is current (tests/store/test_store_builds.py)."""

    def guard(_connection: object) -> None:
        raise IndexError_("The index was encoded anew.", "Start again.", code="index_replaced")

    here.core.events._database.guard = guard


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with running(cn_feishu.Feishu()) as here:
        yield here


def test_feishu_is_asked_to_send_again_and_what_waits_is_left_for_the_next_start(
    vendor: Vendor, tmp_path: Path
) -> None:
    settings = FeishuSettings(
        app_id=cn_feishu.APP_ID,
        app_secret=SecretStr(cn_feishu.APP_SECRET),
        encrypt_key=SecretStr(cn_feishu.ENCRYPT_KEY),
        verification_token=SecretStr(cn_feishu.TOKEN),
        domain=vendor.url,
    )
    with place(tmp_path, lambda core, pusher: feishu.connect(settings, core, pusher)) as here:
        here.asked.open.clear()
        assert cn_feishu.send(here.url, cn_feishu.event(message="om_1")).status_code == 200
        replaced(here)
        refused = cn_feishu.send(here.url, cn_feishu.event(message="om_2"))
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "index_replaced")
        here.asked.open.set()
    assert vendor.to("/reply") == []
    assert here.state("om_1") == "received"
    assert here.state("om_2") is None


def test_wecom_is_refused(tmp_path: Path) -> None:
    settings = WeComSettings(token=SecretStr(cn_wecom.TOKEN), aes_key=SecretStr(cn_wecom.KEY))
    with place(tmp_path, lambda core, pusher: wecom.connect(settings, core, pusher)) as here:
        replaced(here)
        assert cn_wecom.send(here.url, cn_wecom.callback("https://qyapi.weixin.qq.com")).status_code == 503


def test_dingtalk_is_told_that_the_message_was_not_taken(tmp_path: Path) -> None:
    with cn_dingtalk.gateway() as vendor:
        settings = DingTalkSettings(
            client_id=cn_dingtalk.CLIENT_ID,
            client_secret=SecretStr(cn_dingtalk.SECRET),
            domain=vendor.url,
            reply_domain=vendor.url,
        )
        with place(tmp_path, lambda core, pusher: dingtalk.connect(settings, core, pusher)) as here:
            connection = vendor.connected()
            replaced(here)
            connection.send(vendor.message())
            (told,) = vendor.acknowledged(1)
    assert told["code"] == 500
    assert "busy" in json.dumps(told)
    assert vendor.to("sendBySession") == []
