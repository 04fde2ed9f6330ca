"""Directories that are built once: two at a time, killed in the middle, damaged afterwards."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from qa.encode import cache
from qa.errors import EncoderError

BUILD = """
import sys, time
from pathlib import Path
from qa.encode import cache

def make(directory):
    with (Path(sys.argv[1]).parent / "log").open("a") as log:
        log.write("made\\n")
    (directory / "half").write_text("x")
    time.sleep(float(sys.argv[2]))
    (directory / "whole").write_text("x")

cache.built(Path(sys.argv[1]), "thing", make)
"""


def _build(directory: Path, seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", BUILD, str(directory), str(seconds)])


def _write(directory: Path) -> None:
    (directory / "inner").mkdir()
    (directory / "inner" / "file").write_text("content")


def _fail(directory: Path) -> None:
    raise AssertionError(f"{directory} should not be built again")


def test_a_directory_is_made_once(tmp_path: Path) -> None:
    first = cache.built(tmp_path / "new" / "cache", "thing", _write)

    assert (first / "inner" / "file").read_text() == "content"
    assert cache.built(tmp_path / "new" / "cache", "thing", _fail) == first


def test_two_processes_make_it_once(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    processes = [_build(directory, 1), _build(directory, 1)]

    assert [process.wait(60) for process in processes] == [0, 0]
    assert (tmp_path / "log").read_text() == "made\n"
    assert cache.complete(directory / "thing")


def test_a_killed_build_leaves_nothing_half(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    process = _build(directory, 60)
    while not list(directory.glob("thing.*/half")):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait(10)

    assert not (directory / "thing").exists()
    assert cache.built(directory, "thing", _write) == directory / "thing"
    assert sorted(path.name for path in directory.iterdir()) == ["thing", "thing.lock"]


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def make(directory: Path) -> None:
        (directory / "file").write_text("x")
        raise EncoderError("no")

    with pytest.raises(EncoderError, match="no"):
        cache.built(tmp_path, "thing", make)

    assert [path.name for path in tmp_path.iterdir()] == ["thing.lock"]


@pytest.mark.parametrize("damage", ["shorten", "remove", "list"])
def test_a_damaged_directory_is_built_anew(tmp_path: Path, damage: str) -> None:
    file = cache.built(tmp_path, "thing", _write) / "inner" / "file"
    if damage == "shorten":
        file.write_text("cont")
    elif damage == "remove":
        file.unlink()
    else:
        (tmp_path / "thing" / cache.FILES).write_text("[]")

    assert not cache.complete(tmp_path / "thing")
    cache.built(tmp_path, "thing", _write)

    assert file.read_text() == "content"
    assert cache.complete(tmp_path / "thing")


def test_a_cache_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(EncoderError, match="cannot be built") as caught:
        cache.built(tmp_path / "file" / "cache", "thing", _write)

    assert "QA_CACHE_DIR" in caught.value.hint


def test_who_waits_is_told(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    process = _build(directory, 2)
    while not list(directory.glob("thing.*/half")):
        assert process.poll() is None
        time.sleep(0.05)
    said: list[str] = []

    cache.built(directory, "thing", _fail, said.append)

    assert process.wait(10) == 0
    assert said == ["Another process is building thing; waiting for it."]
