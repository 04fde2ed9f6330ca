"""What Feishu, WeCom and DingTalk send, as messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.chat import dingtalk_event, feishu_event, payload, wecom_event
from qa.errors import InputError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3),
    max_leaves=8,
)


def feishu(content: object, kind: str = "text", **changes: Any) -> dict[str, Any]:
    sent = {
        "message_id": "om_1",
        "chat_id": "oc_1",
        "chat_type": "p2p",
        "message_type": kind,
        "content": json.dumps(content),
    }
    return {
        "schema": "2.0",
        "header": {"event_id": "e1", "event_type": "im.message.receive_v1"},
        "event": {
            "sender": {"sender_id": {"open_id": "ou_1", "user_id": "u"}, "sender_type": "user"},
            "message": sent | changes,
        },
    }


BOT = {"key": "@_user_1", "id": {"open_id": "ou_bot"}, "name": "QA", "mentioned_type": "bot"}
PERSON = {"key": "@_user_10", "id": {"open_id": "ou_2"}, "name": "李明", "mentioned_type": "user"}


class TestFeishu:
    def test_a_direct_message(self) -> None:
        message = feishu_event.message(feishu({"text": " 谁获奖了？"}))
        assert message is not None
        assert (message.event, message.conversation, message.user) == ("om_1", "oc_1", "ou_1")
        assert message.text == "谁获奖了？"
        assert message.reply_to == {"message_id": "om_1", "chat_id": "oc_1"}
        assert not message.from_bot

    def test_a_mention_in_a_group_opens_a_conversation_that_replies_go_on_with(self) -> None:
        asked = feishu({"text": "@_user_1 谁是 @_user_10？"}, chat_type="group", mentions=[BOT, PERSON])
        first = feishu_event.message(asked)
        assert first is not None
        assert (first.conversation, first.text) == ("om_1", "谁是 李明？")
        reply = feishu({"text": "@_user_1 他呢"}, chat_type="group", mentions=[BOT], message_id="om_2", root_id="om_1")
        second = feishu_event.message(reply)
        assert second is not None
        assert second.conversation == "om_1"

    @pytest.mark.parametrize(
        "mentions", [[], [PERSON], [{"key": "@_all", "name": "所有人"}], None, "broken", [{"mentioned_type": "user"}]]
    )
    def test_a_group_that_talks_without_the_bot_is_not_answered(self, mentions: object) -> None:
        assert feishu_event.message(feishu({"text": "@_all 谁？"}, chat_type="group", mentions=mentions)) is None

    def test_rich_text(self) -> None:
        post = {
            "title": "问题",
            "content": [
                [
                    {"tag": "at", "user_id": "@_user_1"},
                    {"tag": "text", "text": "总规模"},
                    {"tag": "img", "image_key": "k"},
                ],
                [{"tag": "a", "href": "https://x", "text": "排名"}],
            ],
        }
        for content in (post, {"zh_cn": post}):
            message = feishu_event.message(feishu(content, "post", chat_type="group", mentions=[BOT]))
            assert message is not None
            assert message.text == "问题\n总规模\n排名"

    @pytest.mark.parametrize("kind", ["image", "file", "audio", "sticker", "media"])
    def test_what_has_no_words_has_an_empty_text(self, kind: str) -> None:
        message = feishu_event.message(feishu({"image_key": "img", "text": "x"}, kind))
        assert message is not None
        assert message.text == ""

    def test_a_bot(self) -> None:
        event = feishu({"text": "hi"})
        event["event"]["sender"]["sender_type"] = "app"
        message = feishu_event.message(event)
        assert message is not None
        assert message.from_bot

    def test_another_event_is_none_and_a_message_without_an_id_is_refused(self) -> None:
        assert feishu_event.message({"header": {"event_type": "im.chat.updated_v1"}}) is None
        with pytest.raises(InputError):
            feishu_event.message(feishu({"text": "hi"}, message_id=""))

    @settings(deadline=None)
    @given(JSON, JSON)
    def test_any_shape_is_a_message_none_or_an_input_error(self, content: object, mentions: object) -> None:
        for kind in ("text", "post"):
            message = feishu_event.message(feishu(content, kind, mentions=mentions, chat_type="group"))
            assert message is None or isinstance(message.text, str)


def wecom(**changes: Any) -> dict[str, Any]:
    return {
        "msgid": "CAIQ16HMjQYY/NGagIOAgAMgq4KM0AI=",
        "aibotid": "AIB",
        "chattype": "single",
        "from": {"userid": "zhang"},
        "response_url": "https://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=X",
        "msgtype": "text",
        "text": {"content": "谁获奖了？"},
    } | changes


class TestWeCom:
    def test_a_direct_message(self) -> None:
        message = wecom_event.message(wecom(), 1700)
        assert (message.conversation, message.user, message.text) == ("/zhang", "zhang", "谁获奖了？")
        assert message.reply_to == {"response_url": wecom()["response_url"], "received": "1700"}
        assert len(message.event) == 32

    def test_one_message_is_one_event(self) -> None:
        assert wecom_event.message(wecom(), 1).event == wecom_event.message(wecom(), 9).event
        assert wecom_event.message(wecom(), 1).event != wecom_event.message(wecom(msgid="other"), 1).event

    @pytest.mark.parametrize(
        ("written", "text"),
        [
            ("@问答 谁获奖了？", "谁获奖了？"),
            ("@问答\u2005谁获奖了？", "谁获奖了？"),
            ("谁获奖了？ @问答", "谁获奖了？"),
            ("@问答 @李明 是谁", "@李明 是谁"),
            ("mail a@b.c?", "mail a@b.c?"),
            ("@问答", ""),
        ],
    )
    def test_the_mention_in_a_group_is_taken_out(self, written: str, text: str) -> None:
        message = wecom_event.message(wecom(chattype="group", chatid="c", text={"content": written}), 1)
        assert (message.conversation, message.text) == ("c/zhang", text)

    def test_a_direct_message_keeps_what_looks_like_a_mention(self) -> None:
        assert wecom_event.message(wecom(text={"content": "@李明 是谁"}), 1).text == "@李明 是谁"

    def test_pictures_with_words_voice_and_files(self) -> None:
        parts = [{"msgtype": "text", "text": {"content": "这是"}}, {"msgtype": "image", "image": {"url": "u"}}]
        assert wecom_event.message(wecom(msgtype="mixed", mixed={"msg_item": parts}), 1).text == "这是"
        assert wecom_event.message(wecom(msgtype="voice", voice={"content": "说的话"}), 1).text == "说的话"
        for kind in ("image", "file"):
            assert wecom_event.message(wecom(msgtype=kind, **{kind: {"url": "u"}}), 1).text == ""

    def test_refreshes_and_events(self) -> None:
        refresh = wecom(msgtype="stream", stream={"id": "abc"})
        assert wecom_event.refreshed(refresh) == "abc"
        assert wecom_event.refreshed(wecom()) is None
        assert wecom_event.is_event(wecom(msgtype="event", event={"eventtype": "enter_chat"}))
        with pytest.raises(InputError):
            wecom_event.message(wecom(msgid=None), 1)

    @settings(deadline=None)
    @given(st.dictionaries(st.sampled_from(["text", "mixed", "from", "chatid", "msgtype", "stream"]), JSON))
    def test_any_shape_is_a_message(self, changes: dict[str, Any]) -> None:
        assert isinstance(wecom_event.message(wecom(**changes), 1).text, str)


def dingtalk(**changes: Any) -> dict[str, Any]:
    return {
        "msgId": "msg1",
        "conversationId": "cid1",
        "conversationType": "1",
        "senderId": "$:LWCP_v1:$a",
        "senderStaffId": "s1",
        "chatbotUserId": "$:LWCP_v1:$bot",
        "sessionWebhook": "https://oapi.dingtalk.com/robot/sendBySession?session=x",
        "sessionWebhookExpiredTime": 1700000000000,
        "msgtype": "text",
        "text": {"content": " 谁获奖了？ "},
    } | changes


class TestDingTalk:
    def test_a_direct_message(self) -> None:
        message = dingtalk_event.message(dingtalk())
        assert (message.event, message.conversation, message.user) == ("msg1", "cid1", "s1")
        assert message.text == "谁获奖了？"
        assert message.reply_to["expires"] == "1700000000000"
        assert not message.from_bot

    def test_in_a_group_each_person_has_a_conversation(self) -> None:
        assert dingtalk_event.message(dingtalk(conversationType="2")).conversation == "cid1/$:LWCP_v1:$a"

    def test_rich_text_speech_and_pictures(self) -> None:
        rich = {"richText": [{"text": "总"}, {"type": "picture", "downloadCode": "c"}, {"text": "规模"}]}
        assert dingtalk_event.message(dingtalk(msgtype="richText", content=rich)).text == "总规模"
        spoken = {"recognition": "说的话", "downloadCode": "c"}
        assert dingtalk_event.message(dingtalk(msgtype="audio", content=spoken)).text == "说的话"
        assert dingtalk_event.message(dingtalk(msgtype="picture", content={"downloadCode": "c"})).text == ""

    def test_its_own_messages_are_a_bots(self) -> None:
        assert dingtalk_event.message(dingtalk(senderId="$:LWCP_v1:$bot")).from_bot

    def test_a_message_without_an_id_is_refused(self) -> None:
        with pytest.raises(InputError):
            dingtalk_event.message(dingtalk(msgId=""))

    @settings(deadline=None)
    @given(st.dictionaries(st.sampled_from(["text", "content", "senderId", "msgtype"]), JSON))
    def test_any_shape_is_a_message(self, changes: dict[str, Any]) -> None:
        assert isinstance(dingtalk_event.message(dingtalk(**changes)).text, str)


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff", b"[" * 100_000, b'"x"', b"{", b"null"])
def test_what_is_no_object_is_an_input_error(raw: bytes) -> None:
    with pytest.raises(InputError):
        payload.read(raw)
