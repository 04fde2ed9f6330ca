from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from qa.cli import run
from qa.config import settings as read_settings
from qa.index import Index
from qa.messages import say
from qa.service import shape

ZH = "河北医药行业总体规模在全国排名如何？"
HEAVY = (
    "torch",
    "onnxruntime",
    "fastapi",
    "uvicorn",
    "transformers",
    "sentence_transformers",
    "faiss",
    "numpy",
    "sqlalchemy",
)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def qa(capfdbinary: pytest.CaptureFixture[bytes], fresh_settings: Path) -> Run:
    """Runs a command over an index of this test's own; returns exit code, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        captured = capfdbinary.readouterr()
        return code, captured.out.decode(), captured.err.decode()

    return call


@pytest.fixture
def over_corpus(qa: Run, corpus_index: Index, index_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command over the session's index of the shipped corpus: for commands that change nothing."""
    monkeypatch.setenv("QA_INDEX_DIR", str(index_dir))
    read_settings.cache_clear()
    return qa


def no_times(value: dict[str, Any]) -> dict[str, Any]:
    return value | {"took_ms": None}


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    script = "import sys, qa.cli; qa.cli.run(['--help']); print([name for name in sys.argv[1:] if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script, *HEAVY], capture_output=True, text=True, check=True)
    assert loaded.stdout.splitlines()[-1] == "[]"
    took = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "qa", "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    # Time of the processor, not of the clock: other work on the machine does not count.
    assert min(took) < 0.5


@pytest.mark.parametrize(
    "command", ["ingest", "search", "list", "show", "delete", "serve", "doctor", "bench", "version"]
)
def test_every_command_has_help(qa: Run, command: str) -> None:
    code, out, err = qa(command, "--help")
    assert (code, err) == (0, "")
    assert f"Usage: qa {command}" in out


def test_search_prints_citations(over_corpus: Run) -> None:
    code, out, err = over_corpus("search", ZH, "--top-k", "2")
    assert (code, err) == (0, "")
    assert "[1] " in out
    assert "[2] " in out
    assert "[3] " not in out
    assert "人民政协网" in out
    assert "digest" in out


def test_search_json_is_what_http_answers(over_corpus: Run, corpus_index: Index) -> None:
    code, out, _ = over_corpus("search", ZH, "--top-k", "3", "--json")
    assert code == 0
    expected = json.loads(shape.dumps(shape.search(corpus_index.search(ZH, top_k=3))))
    assert no_times(json.loads(out)) == no_times(expected)
    assert list(json.loads(out)) == list(expected)


def test_search_filters(over_corpus: Run) -> None:
    code, out, _ = over_corpus("search", "生物医药", "--publisher", "新京报", "--json")
    assert (code, {hit["citation"]["publisher"] for hit in json.loads(out)["hits"]}) == (0, {"新京报"})
    code, out, _ = over_corpus("search", "生物医药", "--from", "2024-12-01", "--to", "2024-12-31", "--json")
    assert (code, {hit["citation"]["published"] for hit in json.loads(out)["hits"]}) == (0, {"2024-12-02"})
    code, out, _ = over_corpus("search", "生物医药", "--language", "en")
    assert (code, out) == (0, "Nothing found.\n")


def test_list_and_show(over_corpus: Run, corpus_index: Index, corpus_dir: Path) -> None:
    code, out, _ = over_corpus("list", "--json")
    listed = json.loads(out)
    assert (code, listed["total"], len(listed["documents"])) == (0, 5, 5)
    one = listed["documents"][0]
    code, out, _ = over_corpus("list", "--limit", "2")
    assert code == 0
    assert one["id"] in out
    assert "2 of 5 documents; more with --offset 2." in out
    code, out, _ = over_corpus("show", one["id"], "--json")
    assert (code, json.loads(out)) == (0, one)
    code, out, _ = over_corpus("show", one["id"])
    assert code == 0
    assert one["title"] in out
    code, out, _ = over_corpus("show", one["id"], "--source")
    assert (code, out) == (0, (corpus_dir / one["name"]).read_text(encoding="utf-8"))
    code, out, _ = over_corpus("show", one["id"], "--passages", "--json")
    assert (code, json.loads(out)) == (0, shape.passages(one["id"], corpus_index.passages(one["id"])))
    code, out, _ = over_corpus("show", one["id"], "--passages")
    assert (code, out.count("· characters ")) == (0, one["passages"])


def test_ingest_tells_what_became_of_every_file(qa: Run, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "good.txt").write_text("丹顶鹤在扎龙湿地过冬，巡护员刘海每天投喂玉米二百斤。" * 3, encoding="utf-8")
    (folder / "empty.txt").write_text("")
    code, out, err = qa("ingest", str(folder))
    assert code == 0
    assert out.startswith("1 added, 0 replaced, 0 unchanged, 1 skipped; ")
    assert "warning: skipped" in err
    assert "empty.txt" in err
    code, out, _ = qa("ingest", str(folder), "--json")
    report = json.loads(out)
    assert (code, len(report["unchanged"]), report["encoded"]) == (0, 1, 0)
    code, out, err = qa("ingest", str(folder / "empty.txt"))
    assert (code, out) == (1, "0 added, 0 replaced, 0 unchanged, 1 skipped; 0 passages, 0 of them encoded.\n")
    assert err.splitlines()[-1] == "error: Nothing was ingested."
    code, out, err = qa("ingest", str(tmp_path / "nowhere"))
    assert (code, out) == (2, "")
    assert "nowhere" in err


def test_delete_asks_first(qa: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("丹顶鹤在扎龙湿地过冬。" * 5, encoding="utf-8")
    report = json.loads(qa("ingest", str(tmp_path / "a.txt"), "--json")[1])
    (identity,) = report["added"]
    code, _, err = qa("delete", identity)
    assert code == 2
    assert err == "error: Deleting needs a yes.\n  Add --yes.\n"
    deleted = f"Deleted {identity}. Within a day `qa undelete {identity}` brings it back.\n"
    assert qa("delete", identity, "--yes")[:2] == (0, deleted)
    assert qa("delete", identity, "--yes")[0] == 1
    assert qa("undelete", identity)[1].startswith(f"Brought back {identity} ")
    assert qa("undelete", identity)[0] == 1
    assert qa("delete", identity, "--yes")[0] == 0
    assert qa("delete", identity, "--yes", "--forever")[:2] == (0, f"Deleted {identity}.\n")
    assert qa("undelete", identity)[0] == 1
    assert qa("list")[1] == "No documents. Add some: `qa ingest PATH`.\n"


def test_collections(qa: Run) -> None:
    assert qa("collections", "create", "news")[:2] == (0, "Created the collection news.\n")
    assert qa("collections", "create", "news")[0] == 1
    assert qa("collections", "create", "No Good")[0] == 2
    code, out, _ = qa("collections", "--json")
    assert (code, [one["name"] for one in json.loads(out)["collections"]]) == (0, ["news"])
    assert "news" in qa("collections", "list")[1]
    assert qa("collections", "drop", "news")[0] == 2
    assert qa("collections", "drop", "news", "--yes")[0] == 0
    assert qa("collections", "drop", "news", "--yes")[0] == 1


def test_doctor_of_a_sound_index(over_corpus: Run) -> None:
    assert over_corpus("doctor")[:2] == (0, "The index is sound.\n")
    assert json.loads(over_corpus("doctor", "--json")[1]) == {"found": [], "left": []}


def test_doctor_finds_and_repairs(qa: Run, tmp_path: Path, fresh_settings: Path) -> None:
    (tmp_path / "a.txt").write_text("丹顶鹤在扎龙湿地过冬，巡护员刘海每天投喂玉米二百斤。" * 3, encoding="utf-8")
    assert qa("ingest", str(tmp_path / "a.txt"))[0] == 0
    derived = max((fresh_settings / "generations").rglob("*"), key=lambda path: path.stat().st_size * path.is_file())
    content = bytearray(derived.read_bytes())
    content[len(content) // 2] ^= 0xFF
    derived.write_bytes(content)
    code, out, err = qa("doctor")
    assert code == 1
    assert derived.name in out
    assert "qa doctor --repair" in err
    code, out, _ = qa("doctor", "--repair")
    assert (code, out) == (0, "1 repaired.\nThe index is sound.\n")
    assert qa("doctor")[:2] == (0, "The index is sound.\n")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["search"], 2, "QUESTION"),
        (["search", "x", "--top-k", "five"], 2, "--top-k"),
        (["search", "x", "--nonsense"], 2, "--nonsense"),
        (["nonsense"], 2, "nonsense"),
        (["serve", "--port", "70000"], 2, "--port"),
        (["serve", "--host", "0.0.0.0"], 2, "other machines"),
        (["bench", "/nowhere"], 2, "/nowhere"),
        (["show", "x", "--source", "--json"], 2, "--source"),
        (["search", "x", "--from", "yesterday"], 2, "published_from"),
        (["search", "x"], 1, "There is no index"),
        (["list"], 1, "There is no index"),
        (["doctor"], 1, "There is no index"),
    ],
)
def test_wrong_use_is_one_line_and_a_hint(qa: Run, arguments: list[str], code: int, says: str) -> None:
    returned, out, err = qa(*arguments)
    assert (returned, out) == (code, "")
    first, *hints = [line for line in err.splitlines() if not line.startswith("warning")]
    assert first.startswith("error: ")
    assert says in first
    assert len(hints) == 1
    assert hints[0].startswith("  ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["search", "  "], "empty"),
        (["search", "问" * 100_000], "100,000"),
        (["search", "x", "--top-k", "0"], "top_k"),
        (["search", "x", "--top-k", "10000"], "top_k"),
        (["search", "\udcff"], "not valid text"),
    ],
)
def test_a_question_that_cannot_be_asked(over_corpus: Run, arguments: list[str], says: str) -> None:
    code, out, err = over_corpus(*arguments)
    assert (code, out) == (2, "")
    assert says in err


def test_what_is_not_there_is_said(over_corpus: Run) -> None:
    for arguments in (["search", "x", "--collection", "none"], ["show", "none"], ["list", "--collection", "none"]):
        code, out, err = over_corpus(*arguments)
        assert (code, out) == (1, "")
        assert err.startswith("error: There is no ")


def test_a_wrong_setting_names_its_variable(qa: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_PORT", "many")
    read_settings.cache_clear()
    code, _, err = qa("list")
    assert code == 2
    assert "QA_PORT" in err


def test_an_index_of_another_encoder_is_refused_until_it_is_encoded_anew(
    qa: Run, fresh_settings: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("丹顶鹤在扎龙湿地过冬，巡护员刘海每天投喂玉米二百斤。" * 3, encoding="utf-8")
    (identity,) = json.loads(qa("ingest", str(tmp_path / "a.txt"), "--json")[1])["added"]
    with closing(sqlite3.connect(fresh_settings / "citeqa.sqlite")) as database, database:
        (note,) = database.execute("SELECT value FROM meta WHERE key = '_index'").fetchone()
        other = json.loads(note) | {"fingerprint": "another/1"}
        database.execute("UPDATE meta SET value = ? WHERE key = '_index'", (json.dumps(other),))
    code, _, err = qa("search", "x")
    assert code == 1
    assert err.startswith("error: The index was made with another encoder (another/1")
    assert "qa doctor --reencode" in err
    (fresh_settings / "README.md").write_text("kept")
    assert qa("doctor", "--reencode")[0] == 0
    assert qa("doctor")[:2] == (0, "The index is sound.\n")
    assert json.loads(qa("search", "丹顶鹤", "--json")[1])["hits"][0]["citation"]["document_id"] == identity
    assert json.loads(qa("collections", "--json")[1])["collections"][0]["name"] == "default"
    assert (fresh_settings / "README.md").read_text() == "kept"
    assert qa("doctor", "--rollback")[0] == 0
    assert qa("search", "x")[0] == 1
    assert qa("doctor", "--rollback")[0] == 0
    assert qa("doctor", "--drop-previous")[0] == 0
    assert qa("doctor", "--rollback")[0] == 1
    assert qa("search", "丹顶鹤")[0] == 0


def test_a_place_that_cannot_be_written_is_said(qa: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("QA_INDEX_DIR", str(tmp_path / "file" / "index"))
    read_settings.cache_clear()
    code, _, err = qa("ingest", str(tmp_path / "file"))
    assert code == 1
    assert err.splitlines()[-2].startswith("error: ")


def test_a_reader_that_leaves_is_no_error(corpus_index: Index, index_dir: Path) -> None:
    environment = os.environ | {"QA_INDEX_DIR": str(index_dir)}
    (document, *_) = corpus_index.documents()
    command = f"{sys.executable} -m qa show {document.id} --source | head -c 10"
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "没有找到。"),
        ({"LANG": "en_US.UTF-8"}, "Nothing found."),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "Nothing found."),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW"}, "没有找到。"),
        ({"LANG": "en_US.UTF-8", "QA_LANGUAGE": "zh"}, "没有找到。"),
        ({}, "Nothing found."),
    ],
)
def test_messages_follow_the_locale(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str) -> None:
    for name in ("QA_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert say("search.none") == expected


def test_errors_are_chinese_where_people_read_chinese(qa: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_LANGUAGE", "zh")
    code, _, err = qa("list")
    assert code == 1
    assert err.startswith("错误: 还没有索引：")
