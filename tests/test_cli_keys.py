"""`qa keys`, and what `qa serve` says where there are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qa.cli import run
from qa.config import Settings
from qa.errors import ConfigError
from qa.index import Index
from qa.service.server import check_open


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run(["keys", *arguments]) == code, capsys.readouterr().err
    return capsys.readouterr().out


def test_a_key_is_made_listed_and_revoked(fresh_settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = told(capsys, "create", "newsroom", "--collection", "mine", "--days", "7").strip()
    assert token.startswith("citeqa_")
    (listed,) = json.loads(told(capsys, "list", "--json"))["keys"]
    assert (listed["label"], listed["scope"], listed["collections"]) == ("newsroom", "read", ["mine"])
    assert token not in told(capsys, "list")
    told(capsys, "revoke", listed["id"])
    assert json.loads(told(capsys, "list", "--json"))["keys"][0]["revoked"]
    told(capsys, "revoke", listed["id"], code=1)


def test_json_gives_the_key_too(fresh_settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = json.loads(told(capsys, "create", "w", "--scope", "write", "--origin", "https://a.example", "--json"))
    assert made["key"].startswith(f"citeqa_{made['id']}_")
    assert (made["scope"], made["origins"], made["collections"]) == ("write", ["https://a.example"], None)


@pytest.mark.parametrize("wrong", [["x", "--scope", "all"], ["x", "--origin", "a.example"], ["x", "--days", "0"], [""]])
def test_what_is_no_key_is_refused(fresh_settings: Path, capsys: pytest.CaptureFixture[str], wrong: list[str]) -> None:
    told(capsys, "create", *wrong, code=2)


def test_a_public_address_needs_a_key_or_a_yes(tmp_path: Path, one_encoder: None) -> None:
    public = Settings(index_dir=tmp_path / "index", host="0.0.0.0")
    with pytest.raises(ConfigError) as refused:
        check_open(public)
    assert "qa keys create" in refused.value.hint
    with Index.open(settings=public) as index:
        made, _ = index.store.keys.create("x")
        assert not check_open(public)
        index.store.keys.revoke(made.id)
    with pytest.raises(ConfigError):
        check_open(public)
    assert check_open(public.model_copy(update={"anonymous": "read"}))
    assert not check_open(Settings(index_dir=tmp_path / "none"))
