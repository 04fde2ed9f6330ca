"""The reader: the same numbers as the network that was trained, and what it says of near misses."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from retrieve_notes import noted

from qa.encode.centring import Statistics
from qa.index import Index
from qa.retrieve import reader as reading
from qa.retrieve.reader import TEMPERATURE, Reader, pointing, readable, reader_for, shipped, tempered
from qa.retrieve.search import READ

DIMS = 256
TRAINING = Path(__file__).parents[2] / "evals" / "training" / "reader.py"
Floats = reading.Floats

NOTE = (
    "岚山造船厂1998年建成第二座船坞，长三百米，由工程师顾维新设计。2003年船厂交付了第一艘散货船“海岳号”。"
    "厂里有职工两千四百人，食堂在东门。"
)


def drawn(seed: int, rows: int) -> Floats:
    """[rows, DIMS] unit vectors."""
    rows_ = np.random.default_rng(seed).normal(size=(rows, DIMS)).astype(np.float32)
    return np.asarray(rows_ / np.linalg.norm(rows_, axis=1, keepdims=True))


def odds(reader: Reader, question: Floats, weights: Floats, passages: list[Floats]) -> Floats:
    matrices = [question @ passage.T for passage in passages]
    return reader.scores(question, weights, matrices, [reader.probes @ passage.T for passage in passages])


@pytest.fixture(scope="module")
def training() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("training_reader", TRAINING)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TRAINING.parent)
        patch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        yield module


@pytest.mark.parametrize("tokens", [1, 2, 9, 40, 170])
def test_the_product_computes_what_was_trained(training: ModuleType, tokens: int) -> None:
    """A network of random weights, in a batch with a longer pair so that there is padding."""
    import torch

    torch.manual_seed(tokens)
    net = training.Net(DIMS).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    question, passage = drawn(1, 7), drawn(2, tokens)
    weights = np.full(7, 1 / 7, np.float32)
    longer = training.Text(drawn(3, 180), np.arange(180), np.zeros((0, 2)), "", 0)
    texts = {"p": training.Text(passage, np.arange(tokens), np.zeros((0, 2)), "", 0), "longer": longer}
    asked = {"q": training.Text(question, np.arange(7), np.zeros((0, 2)), "", 0), "longer": longer}
    source = training.Source(texts, asked)
    source.weights = lambda one: np.full(len(one.tokens), 1 / len(one.tokens), np.float32)
    pairs = [training.Pair(source, q, p, 0, False) for q, p in (("q", "p"), ("longer", "longer"))]
    with torch.no_grad():
        expected = net(training.collated(pairs)).logsumexp(1)[0].item()
    reader = Reader({name: value.numpy() for name, value in net.state_dict().items()})
    assert odds(reader, question, weights, [passage])[0] == pytest.approx(expected, abs=1e-3)


def test_a_passage_is_read_for_itself() -> None:
    _, reader = shipped()
    question, weights = drawn(4, 5), np.full(5, 0.2, np.float32)
    passages = [drawn(5, 30), drawn(6, 90)]
    together = odds(reader, question, weights, passages)
    alone = [odds(reader, question, weights, [one])[0] for one in passages]
    assert together.tolist() == pytest.approx(alone, abs=1e-4)


def test_nothing_answers_without_tokens() -> None:
    _, reader = shipped()
    weights = np.full(5, 0.2, np.float32)
    assert odds(reader, drawn(4, 5), weights, [drawn(5, 0)]).tolist() == [-np.inf]
    assert odds(reader, drawn(4, 0), weights[:0], [drawn(5, 8)]).tolist() == [-np.inf]
    odds_ = np.array([-np.inf, 0.0, TEMPERATURE, np.inf], np.float32)
    assert tempered(odds_).tolist() == pytest.approx([0, 0.5, 0.7310586, 1])


def test_a_reader_is_for_the_vectors_it_was_trained_on(corpus_index: Index) -> None:
    own = corpus_index.lane.statistics
    assert reader_for(own) is shipped()[1]
    other = Statistics(own.encoder, own.vectors, own.tokens, -own.projection, own.low, own.high)
    assert reader_for(other) is None


@pytest.fixture(scope="module")
def note(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with noted(tmp_path_factory, {"yard.txt": NOTE}) as index:
        yield index


@pytest.mark.parametrize(
    ("answered", "missed"),
    [
        ("岚山造船厂的第二座船坞是谁设计的？", "岚山造船厂的第一座船坞是哪家银行贷款的？"),
        ("岚山造船厂交付的第一艘散货船叫什么？", "岚山造船厂2011年的营业收入是多少？"),
        ("Who designed the second dock of the Lanshan shipyard?", "What was the shipyard's revenue in 2011?"),
    ],
)
def test_a_near_miss_is_read_as_one(note: Index, answered: str, missed: str) -> None:
    """The same passage, asked for what it says and for what it does not."""
    right, wrong = (read(note, question) for question in (answered, missed))
    assert right > wrong


def read(index: Index, question: str) -> float:
    pool = index.lane.pool(index.store.snapshot("default"), index.lane.question(question))
    return float(pool.odds[0])


@pytest.mark.parametrize(
    ("text", "prose"),
    [
        ("岚山造船厂1998年建成第二座船坞。\n由工程师顾维新设计。", True),
        ("a | b 是一行公式。\n后面是正文。", True),
        ("县 | 水库\n红岩县 | 110", False),
        ("正文。\n| 县 | 水库 |\n| --- | --- |\n| 红岩县 | 110 |", False),
        ("county\treservoirs\nHongyan\t110", False),
        ("", True),
    ],
)
def test_tables_are_not_read(text: str, prose: bool) -> None:
    assert readable(text) == prose


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("“岚山造船厂”讲了什么？", False),
        ("《岚山造船厂》主要写了些什么？", False),
        ("What does “The Lanshan shipyard” say?", False),
        ("顾维新讲了什么？", True),
        ("“海岳号”是哪年交付的？", True),
        ("What does Gu Weixin say about the dock?", True),
    ],
)
def test_what_a_text_says_as_a_whole_is_not_pointed_at(question: str, said: bool) -> None:
    assert pointing(question) == said


def test_a_question_about_the_whole_text_is_not_read(note: Index) -> None:
    assert np.isnan(read(note, "“yard”讲了什么？"))


def test_only_the_best_candidates_are_read(corpus_index: Index) -> None:
    lane = corpus_index.lane
    pool = lane.pool(corpus_index.store.snapshot("default"), lane.question("昌平区有多少家医药健康企业？"))
    read_ = ~np.isnan(pool.odds)
    assert 1 <= read_.sum() <= READ < len(read_)
    assert (pool.evidence.read[~read_] == 0).all()
    assert (pool.evidence.read[read_] > 0).all()
