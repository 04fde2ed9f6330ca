from __future__ import annotations

import time
from dataclasses import replace

import pytest
from answer_script import Script, body, breaks_off, fails, hangs, says, whole

from qa.errors import ModelError

ASKED = [{"role": "user", "content": "?"}]


def test_text_comes_piece_by_piece(script: Script) -> None:
    script.replies = [says("京津冀", "一体化", "。")]
    assert list(script.endpoint().complete(ASKED)) == ["京津冀", "一体化", "。"]
    assert script.asked[0]["model"] == "scripted"
    assert script.asked[0]["stream"] is True
    assert "Authorization" not in script.headers[0]


def test_the_key_is_sent_and_never_shown(script: Script) -> None:
    script.replies = [says("x")]
    endpoint = script.endpoint(key="sk-secret")
    list(endpoint.complete(ASKED))
    assert script.headers[0]["Authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in repr(endpoint)


def test_an_endpoint_that_does_not_stream_will_do(script: Script) -> None:
    script.replies = [whole("好。")]
    assert list(script.endpoint().complete(ASKED)) == ["好。"]


@pytest.mark.parametrize("failure", [fails(503), fails(429, "0"), fails(500), says()])
def test_what_may_pass_is_tried_again(script: Script, failure: object) -> None:
    script.replies = [failure, says("好。")]  # type: ignore[list-item]
    assert list(script.endpoint().complete(ASKED)) == ["好。"]
    assert len(script.asked) == 2


def test_after_three_attempts_it_gives_up(script: Script) -> None:
    script.replies = [fails(503)]
    with pytest.raises(ModelError, match="HTTP 503"):
        list(script.endpoint().complete(ASKED))
    assert len(script.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 404])
def test_what_will_not_pass_is_not_tried_again(script: Script, status: int) -> None:
    script.replies = [fails(status)]
    with pytest.raises(ModelError, match=f"HTTP {status}"):
        list(script.endpoint().complete(ASKED))
    assert len(script.asked) == 1


def test_a_slow_model_is_given_up_in_time(script: Script) -> None:
    script.replies = [hangs(2.0)]
    began = time.monotonic()
    with pytest.raises(ModelError, match="too long"):
        list(script.endpoint(timeout=0.3).complete(ASKED))
    assert time.monotonic() - began < 1.5


def test_a_model_that_drips_is_given_up_in_time(script: Script) -> None:
    script.replies = [says(*"很慢" * 20, pause=0.05)]
    with pytest.raises(ModelError, match="too long"):
        list(script.endpoint(timeout=0.4).complete(ASKED))


def test_a_connection_that_breaks_after_text_is_not_tried_again(script: Script) -> None:
    script.replies = [breaks_off("开头")]
    answer = script.endpoint().complete(ASKED)
    assert next(answer) == "开头"
    with pytest.raises(ModelError, match="no connection"):
        next(answer)
    assert len(script.asked) == 1


@pytest.mark.parametrize("text", ["data: {\n\n", "data: [[[[", 'data: {"error": {"message": "x"}}\n\n'])
def test_what_cannot_be_read_is_an_error(script: Script, text: str) -> None:
    script.replies = [body(text)]
    with pytest.raises(ModelError):
        list(script.endpoint().complete(ASKED))


@pytest.mark.parametrize("text", ["data: 5\n\n", 'data: {"choices": 5}\n\n', 'data: {"choices": [5]}\n\n', "<html>"])
def test_an_answer_without_text_is_an_error(script: Script, text: str) -> None:
    script.replies = [body(text)]
    with pytest.raises(ModelError, match="empty"):
        list(script.endpoint().complete(ASKED))


def test_nobody_there_is_an_error(script: Script) -> None:
    endpoint = script.endpoint(timeout=3)
    with pytest.raises(ModelError, match="no connection"):
        list(replace(endpoint, base_url="http://127.0.0.1:1/v1").complete(ASKED))
