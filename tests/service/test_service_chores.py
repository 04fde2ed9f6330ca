"""What chat interfaces ask on their own account, in the words in which they ask it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai
import pytest

from qa.service.chores import Turn, answered
from qa.service.openai import MODEL

ZH = "昌平区有多少家医药健康企业？"
OPEN_WEBUI_CHAT = f"### Chat History:\n<chat_history>\nUSER: {ZH}\nASSISTANT: 900余家。\n</chat_history>"


def task(line: str, form: str) -> str:
    return f"### Task:\n{line}\n### Guidelines:\n- Be brief.\n### Output:\nJSON format: {form}\n{OPEN_WEBUI_CHAT}"


OPEN_WEBUI = {
    "title": task(
        "Generate a concise, 3-5 word title with an emoji summarizing the chat history.", '{ "title": "your title" }'
    ),
    "tags": task("Generate 1-3 broad tags categorizing the main themes.", '{ "tags": ["tag1", "tag2"] }'),
    "follow_ups": task("Suggest 3-5 relevant follow-up questions.", '{ "follow_ups": ["Question 1?"] }'),
    "queries": task("Analyze the chat history to determine the necessity of search queries.", '{ "queries": ["q"] }'),
    "text": task("You are an autocompletion system.", '{ "text": "<completion>" }'),
}
TITLES = [
    "Please generate a four to five word title summarizing our conversation without any lead-in, punctuation.",
    "使用四到五个字直接返回这句话的简要主题，不要解释、不要标点、不要语气词、不要多余文本，不要加粗，如果没有主题，请直接返回“闲聊”",
    "Based on the chat history, give this conversation a name.\nKeep it short - 10 characters max, no quotes.",
    "Provide a concise, 5-word-or-less title for the conversation, using title case conventions.",
]
SYSTEM_TITLES = [
    "You are a professional conversation summarizer. Generate a concise title that captures the essence.",
    "You are an assistant skilled in conversation. You need to summarize the user's conversation into a title.",
    "你是一名擅长会话的助理，你需要将用户的会话总结为 10 个字以内的标题",
]


@pytest.mark.parametrize("key", list(OPEN_WEBUI))
def test_open_webui_gets_the_json_it_asks_for(key: str) -> None:
    told = json.loads(answered([Turn("user", OPEN_WEBUI[key])]) or "")
    assert set(told) == {key}
    if key == "title":
        assert told["title"] == ZH.rstrip("？")


@pytest.mark.parametrize("prompt", TITLES)
def test_a_title_is_the_first_question(prompt: str) -> None:
    chat = [Turn("user", ZH), Turn("assistant", "900余家。"), Turn("user", "那大兴呢？"), Turn("user", prompt)]
    assert answered(chat) == ZH.rstrip("？")


@pytest.mark.parametrize("prompt", SYSTEM_TITLES)
@pytest.mark.parametrize(
    "chat",
    [
        f"user: {ZH}\nassistant: 900余家。",
        f"<user>\n{ZH}\n</user>\n<assistant>\n900余家。\n</assistant>",
        json.dumps([{"role": "user", "mainText": ZH}], ensure_ascii=False),
        ZH,
    ],
)
def test_a_system_prompt_can_ask_for_it(prompt: str, chat: str) -> None:
    assert answered([Turn("system", prompt), Turn("user", chat)]) == ZH.rstrip("？")


def test_a_summary_lists_what_was_asked() -> None:
    prompt = "简要总结一下对话内容，用作后续的上下文提示 prompt，控制在 200 字以内"
    told = answered(
        [Turn("user", ZH), Turn("assistant", "900余家。"), Turn("user", "那大兴呢？"), Turn("user", prompt)]
    )
    assert told == f"{ZH.rstrip('？')}\n那大兴呢"


def test_a_title_is_short_and_cut_behind_a_word() -> None:
    title = answered([Turn("user", "How many medicine companies " * 200), Turn("user", TITLES[0])])
    assert title is not None
    assert title.endswith("…")
    assert len(title) <= 62
    assert title.removesuffix("…").split()[-1] in ("How", "many", "medicine", "companies")
    assert len(answered([Turn("user", "昌平" * 500), Turn("user", TITLES[1])]) or "") <= 31


@pytest.mark.parametrize(
    "question",
    [
        ZH,
        "论坛的标题是什么？",
        "What is the title of the report?",
        "Which tags does the article carry?",
        "Summarize the discussion at the Changping forum.",
        "### Task: what does the article say about tasks?",
        "",
    ],
)
def test_a_question_is_no_chore(question: str) -> None:
    assert answered([Turn("system", "You answer briefly."), Turn("user", question)]) is None


def test_the_door_answers_without_a_search(client: httpx.Client) -> None:
    peer: Any = openai.OpenAI(base_url=f"{client.base_url}/v1", api_key="none", max_retries=0)
    asked = [{"role": "user", "content": OPEN_WEBUI["title"]}]
    before = searches(client)
    whole = peer.chat.completions.create(model=MODEL, messages=asked).choices[0].message.content
    chunks = list(peer.chat.completions.create(model=MODEL, messages=asked, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert json.loads(whole) == {"title": ZH.rstrip("？")}
    assert searches(client) == before


def searches(client: httpx.Client) -> str:
    lines = client.get("/metrics").text.splitlines()
    return next((line for line in lines if line.startswith("qa_search_confidence_count")), "")
