"""The READMEs cannot drift: what exists is documented, what is documented exists, and every snippet runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
import uvicorn
from fastapi import FastAPI

from qa.chat.platforms import platforms
from qa.chat.settings import ChatSettings
from qa.cli import app as cli
from qa.config import Settings
from qa.index import Index
from qa.service.app import create_app
from qa.service.models import JobResponse, SearchResponse
from qa.service.pages import SHELL, WIDGET
from qa.service.server import take_port

ROOT = Path(__file__).parents[1]
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
OUTSIDE_SETTINGS = {"QA_LANGUAGE", "QA_TRACEBACK"}

in_both = pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)


def commands(group: typer.core.TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, list[str]]]:
    """(`qa …`, its options) of every command."""
    for name, command in group.commands.items():
        here = (*path, name)
        options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
        if options or not isinstance(command, typer.core.TyperGroup):
            yield " ".join(("qa", *here)), [option for option in options if option != "--help"]
        if isinstance(command, typer.core.TyperGroup):
            yield from commands(command, here)


def command_tree() -> dict[str, list[str]]:
    group = typer.main.get_command(cli)
    assert isinstance(group, typer.core.TyperGroup)
    return dict(commands(group))


def api(app: FastAPI) -> set[str]:
    """`METHOD /path` of every route that people may call."""
    documented = {f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods}
    return documented | {"POST /mcp"} | {f"GET {address}" for address in (*SHELL, WIDGET, "/docs")}


def rows(text: str, first: str) -> list[list[str]]:
    """The cells of the table rows whose first cell begins with ``first``."""
    lines = [line for line in text.splitlines() if line.startswith(f"| {first}")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@in_both
def test_every_command_and_option_is_in_the_table(readme: Path) -> None:
    documented = {}
    for line in readme.read_text(encoding="utf-8").splitlines():
        found = re.match(r"\| `(qa [a-z]+(?: [a-z]+)?)([^`]*)`", line)
        if found:
            documented[found[1]] = re.findall(r"--[a-z-]+", found[2])
    assert documented == command_tree()


@in_both
def test_every_setting_is_in_the_table_with_its_default(readme: Path) -> None:
    table = {row[0].strip("`"): row[1].strip("`") for row in rows(readme.read_text(encoding="utf-8"), "`QA_")}
    expected = {}
    for kind in (Settings, ChatSettings, *(platform.settings for platform in platforms())):
        for name, field in kind.model_fields.items():
            default = "~/.cache/citeqa" if name == "cache_dir" else str(field.default)
            expected[f"{kind.model_config.get('env_prefix')}{name.upper()}"] = default
    assert {name: value for name, value in table.items() if name not in OUTSIDE_SETTINGS} == expected
    assert set(table) - set(expected) == OUTSIDE_SETTINGS


@in_both
def test_every_route_is_in_the_table(readme: Path, corpus_index: Index) -> None:
    text = readme.read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `((?:GET|POST|DELETE) /\S*?)`", text, re.MULTILINE))
    chats = {route for platform in platforms() for route in platform.routes}
    assert documented == api(create_app(corpus_index, corpus_index.settings)) | chats


def test_both_languages_say_the_same_in_code() -> None:
    """What is code in one README is the same code in the other, comments aside: it is enough to run one of them."""
    english, chinese = (blocks(path) for path in READMES)
    assert [block.language for block in english] == [block.language for block in chinese]
    assert [without_comments(block) for block in english] == [without_comments(block) for block in chinese]


@dataclass(frozen=True)
class Block:
    language: str
    text: str


def blocks(path: Path) -> list[Block]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [Block(language, text) for language, text in found]


def without_comments(block: Block) -> str:
    return re.sub(r"\s*#.*", "", block.text)


@dataclass(frozen=True)
class Place:
    """Where snippets run: a directory with an index of the corpus and some articles, and a service over that index."""

    directory: Path
    address: str

    def run(self, *command: str, text: str) -> str:
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "QA_INDEX_DIR": str(self.directory / "index"),
        }
        done = subprocess.run(
            [*command, text.replace("http://127.0.0.1:8000", self.address)],
            cwd=self.directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("readme")
    articles = directory / "my-articles"
    articles.mkdir()
    (articles / "鹤.txt").write_text("丹顶鹤在扎龙湿地过冬，巡护员刘海每天投喂玉米二百斤。" * 3, encoding="utf-8")
    with Index.open(settings=Settings(index_dir=directory / "index")) as index:
        index.ingest(ROOT / "corpus" / "articles")
        taken = take_port("127.0.0.1", 0)
        server = uvicorn.Server(uvicorn.Config(create_app(index, index.settings), log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, args=([taken],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield Place(directory, f"http://127.0.0.1:{taken.getsockname()[1]}")
        server.should_exit = True
        thread.join()


def test_every_snippet_runs(place: Place) -> None:
    for block in blocks(READMES[0]):
        if block.language == "sh":
            place.run("bash", "-euc", text=block.text)
        elif block.language == "python":
            place.run(sys.executable, "-W", "error", "-c", text=block.text)


@in_both
def test_every_answer_shown_has_the_shape_of_the_real_one(readme: Path) -> None:
    answers = [json.loads(block.text) for block in blocks(readme) if block.language == "json"]
    assert answers
    for answer in answers:
        model = SearchResponse if "hits" in answer else JobResponse
        assert json.loads(model.model_validate(answer).model_dump_json()) == answer
