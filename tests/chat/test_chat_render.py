"""Whatever an answer holds, what is sent stays within the platform's limits and says what the answer says."""

from __future__ import annotations

import html
import re
from dataclasses import replace

from chat_parts import answer, citation
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block, SectionBlock

from qa.chat import slack_blocks
from qa.chat.card import Card, Reference, card
from qa.chat.feishu_card import DIALECT as MARKDOWN
from qa.chat.render import ELLIPSIS, cut, markdown
from qa.types import AnswerSentence, QuoteSpan

HOSTILE = st.sampled_from(
    "<!channel> <!here> <@U123> <http://evil.example|bank> [click](http://evil.example) <at id=all></at> @all **b** "
    "`code` &lt;!channel&gt; 》。！？ … \n \n\n \\ \u202e \u200b 😀 e\u0301 👩‍👩‍👧 ".split(" ")
)
TEXT = st.one_of(
    st.text(max_size=400),
    st.lists(HOSTILE, max_size=60).map(" ".join),
    st.integers(1, 4000).map(lambda count: "句子很长。" * count),
    st.integers(1, 6000).map(lambda count: "x" * count),
)
REFERENCES = st.lists(
    st.builds(
        Reference,
        number=st.integers(1, 100),
        title=TEXT,
        facts=TEXT,
        url=st.sampled_from(["", "https://news.example/a", "https://news.example/" + "a&" * 700, "http://h/(x)"]),
        quote=TEXT,
    ),
    max_size=30,
)
CARDS = st.builds(
    Card,
    voice=st.sampled_from(["en", "zh", "zh-Hant"]),
    answerable=st.booleans(),
    text=TEXT,
    references=REFERENCES.map(tuple),
    notes=st.lists(TEXT, max_size=4).map(tuple),
)
ENTITY = re.compile(r"<[^>]*>")


@given(CARDS)
def test_slack_takes_every_answer(shown: Card) -> None:
    made = slack_blocks.blocks(shown)
    assert 1 <= len(made) <= slack_blocks.MAX_BLOCKS
    assert sum(len(block["text"]["text"]) for block in made) <= slack_blocks.MAX_TOTAL
    for block in made:
        parsed = Block.parse(block)
        assert isinstance(parsed, SectionBlock)
        parsed.validate_json()
        assert parsed.to_dict() == block
        assert 1 <= len(block["text"]["text"]) <= slack_blocks.MAX_SECTION


@given(CARDS)
def test_nothing_from_an_article_is_markup_to_slack(shown: Card) -> None:
    for block in slack_blocks.blocks(shown):
        if block["text"]["type"] == "mrkdwn":
            assert block["text"]["verbatim"] is True
            links = ENTITY.findall(block["text"]["text"])
            assert [link[:5] for link in links] in ([], ["<http"])
            assert all(
                html.unescape(link[1:].split("|")[0]) in {each.url for each in shown.references} for link in links
            )
        else:
            assert block["text"] == {"type": "plain_text", "text": block["text"]["text"], "emoji": False}
    assert "<" not in slack_blocks.fallback(shown.text)
    assert len(slack_blocks.fallback(shown.text)) <= slack_blocks.MAX_SECTION


@given(CARDS, st.integers(50, 30_000))
def test_markdown_stays_within_its_bytes(shown: Card, limit: int) -> None:
    assert MARKDOWN.measure(markdown(shown, MARKDOWN, limit)) <= limit


@given(TEXT, st.integers(0, 500))
def test_a_cut_is_a_beginning_that_fits(text: str, limit: int) -> None:
    short = cut(text, lambda part: len(part) <= limit)
    assert len(short) <= limit
    assert short == text or text.startswith(short.removesuffix(ELLIPSIS).rstrip()) or short == ""


def test_a_cut_is_at_the_end_of_a_sentence() -> None:
    text = "第一句说完了。第二句也说完了！第三句很长很长。"
    assert cut(text, lambda part: len(part) <= 17) == "第一句说完了。第二句也说完了！…"
    assert cut(text, lambda part: len(part) <= 5) == "第一句说…"
    english = "The fee is 3.5 yuan. It was 4 before."
    assert cut(english, lambda part: len(part) <= 30) == "The fee is 3.5 yuan.…"
    assert cut(text, lambda part: True) == text


def test_the_quoted_words_are_those_that_prove_the_answer() -> None:
    quote = "序言。巡护员刘海每天投喂玉米二百斤。后记。"
    cited = citation(quote=quote, start=50, highlights=((50, 53),))
    proved = AnswerSentence("刘海。", (1,), True, (QuoteSpan(1, 53, 68),))
    shown = card(answer("谁？", cited, sentences=(proved,)), "", "default")
    assert shown.references[0].quote == "巡护员刘海每天投喂玉米二百斤。"
    assert card(answer("谁？", cited, sentences=()), "", "default").references[0].quote == "序言。"
    plain = replace(cited, highlights=())
    assert card(answer("谁？", plain, sentences=()), "", "default").references[0].quote == quote


def test_a_card_reads_in_the_language_of_the_question() -> None:
    digest = citation(kind="digest")
    for question, word in (
        ("Who feeds the cranes?", "digest"),
        ("谁投喂丹顶鹤？", "摘要"),
        ("誰餵丹頂鶴？這裡說", "摘要"),
    ):
        (reference,) = card(answer(question, digest), "", "default").references
        assert reference.facts == f"龙江报, 2024-12-02, {word}"


def test_not_in_the_corpus_is_the_first_thing_said() -> None:
    declined = answer("Who?", text="The articles do not answer this question. Nothing was found.", answerable=False)
    shown = card(replace(declined, citations=()), "", "default")
    first = slack_blocks.blocks(shown)[0]["text"]["text"]
    assert first.startswith("The articles do not answer this question.")
    assert markdown(shown, MARKDOWN, 1000).startswith("The articles do not answer this question")


def test_a_whole_card_in_markdown() -> None:
    shown = card(answer("谁？", citation(title="鹤 [一]")), "", "default")
    assert markdown(shown, MARKDOWN, 2000) == (
        "巡护员刘海每天投喂玉米二百斤。&#91;1&#93;\n\n**来源**\n\n"
        f"&#91;1&#93; [鹤 &#91;一&#93;]({shown.references[0].url}) (龙江报, 2024-12-02)\n\n"
        "> 巡护员刘海每天投喂玉米二百斤。"
    )
