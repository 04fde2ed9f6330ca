"""A service over a copy of the corpus index, so that what chats write does not reach the session's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from qa.config import Settings
from qa.index import Index


@pytest.fixture(scope="session")
def chat_index(corpus_index: Index, index_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index of the shipped corpus that chat tests may write their events to."""
    directory = tmp_path_factory.mktemp("chat") / "index"
    shutil.copytree(index_dir, directory)
    with Index.open(settings=Settings(index_dir=directory, public_url="https://qa.example.com")) as index:
        yield index
