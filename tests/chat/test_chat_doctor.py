"""`qa doctor chat`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from qa.chat import platforms as module
from qa.chat.platforms import platforms
from qa.chat.readiness import Readiness, readiness
from qa.chat.settings import read
from qa.config import Settings
from qa.errors import ConfigError
from qa.index import Index


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for platform in platforms():
        for field in platform.settings.model_fields:
            monkeypatch.delenv(platform.variable(field), raising=False)
    monkeypatch.setenv("QA_LANGUAGE", "en")


def slack(index: Index) -> Readiness:
    found = {one.platform: one for one in readiness(index.settings)}
    assert all(one.state == "off" for name, one in found.items() if name != "slack")
    return found["slack"]


def test_nothing_is_on_by_itself(corpus_index: Index) -> None:
    assert {one.state for one in readiness(corpus_index.settings)} == {"off"}


def test_what_is_missing_is_named_and_no_value_is_shown(corpus_index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_SLACK_SIGNING_SECRET", "s3cret")
    monkeypatch.setenv("QA_SLACK_COLLECTION", "nowhere")
    found = slack(corpus_index)
    assert found.state == "incomplete"
    assert [problem.split()[0] for problem in found.problems] == ["QA_SLACK_BOT_TOKEN", "QA_SLACK_COLLECTION"]
    assert "s3cret" not in repr(found)


def test_a_platform_that_is_set_up(corpus_index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_SLACK_SIGNING_SECRET", "s3cret")
    monkeypatch.setenv("QA_SLACK_BOT_TOKEN", "xoxb-1")
    found = slack(corpus_index)
    assert (found.state, found.problems) == ("ready", ())
    assert "QA_PUBLIC_URL" in found.notes[0]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("dingtalk", {"CLIENT_ID": "ding", "CLIENT_SECRET": "s3cret"}),
        ("feishu", {"APP_ID": "cli", "APP_SECRET": "s3cret", "ENCRYPT_KEY": "k", "VERIFICATION_TOKEN": "t"}),
        ("wecom", {"TOKEN": "s3cret", "AES_KEY": "A" * 43}),
    ],
)
def test_each_is_ready_with_its_secrets_and_names_the_one_that_is_not_set(
    corpus_index: Index, monkeypatch: pytest.MonkeyPatch, name: str, settings: dict[str, str]
) -> None:
    for field, value in settings.items():
        found = {one.platform: one for one in readiness(corpus_index.settings)}[name]
        assert found.state != "ready"
        monkeypatch.setenv(f"QA_{name.upper()}_{field}", value)
    (found,) = [one for one in readiness(corpus_index.settings) if one.platform == name]
    assert (found.state, found.problems) == ("ready", ())
    monkeypatch.setenv("QA_WECOM_AES_KEY", "not-a-key")
    (wecom,) = [one for one in readiness(corpus_index.settings) if one.platform == "wecom"]
    assert "QA_WECOM_AES_KEY" in wecom.problems[0]
    assert "not-a-key" not in repr(wecom)


def test_packages_that_are_not_installed(corpus_index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_SLACK_SIGNING_SECRET", "s3cret")
    monkeypatch.setenv("QA_SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert "citeqa[slack]" in slack(corpus_index).problems[0]
    (platform,) = [one for one in platforms() if one.name == "slack"]
    with pytest.raises(ConfigError, match="slack_bolt"):
        platform.connected(None, None)  # type: ignore[arg-type]


def test_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_SLACK_BOT_TOKEN", "xoxb-1")
    (found,) = [one for one in readiness(Settings(index_dir=tmp_path / "none")) if one.platform == "slack"]
    assert any("index" in problem for problem in found.problems)


def test_a_wrong_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    from qa.chat.settings import ChatSettings

    monkeypatch.setenv("QA_CHAT_WORKERS", "many")
    with pytest.raises(ConfigError, match="QA_CHAT_WORKERS") as caught:
        read(ChatSettings)
    assert "many" not in str(caught.value)


def test_every_secret_is_masked() -> None:
    for platform in platforms():
        for name, field in platform.settings.model_fields.items():
            if re.search("secret|token|key", name):
                assert field.annotation is SecretStr, platform.variable(name)


def test_the_command(index_dir: Path, corpus_index: Index) -> None:
    variables = os.environ | {"QA_INDEX_DIR": str(index_dir), "QA_SLACK_BOT_TOKEN": "xoxb-s3cret"}
    done = [
        subprocess.run(
            [sys.executable, "-m", "qa", "doctor", "chat", *more], capture_output=True, env=variables, text=True
        )
        for more in ([], ["--json"])
    ]
    assert [each.returncode for each in done] == [1, 1]
    assert "slack: cannot answer yet\n  - QA_SLACK_SIGNING_SECRET is not set." in done[0].stdout
    told = {one["platform"]: one["state"] for one in json.loads(done[1].stdout)["platforms"]}
    assert told["slack"] == "incomplete"
    assert "s3cret" not in "".join(each.stdout + each.stderr for each in done)
