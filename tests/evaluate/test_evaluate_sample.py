"""evals/sample.py: a part of a large folder in which every question can still be answered."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from qa.evaluate import bench

SCRIPT = Path(__file__).parents[2] / "evals" / "sample.py"


def folder(place: Path, header: str = "query-id\tdoc-id\trelevance\n") -> Path:
    """Forty short articles, the first twenty of which answer a question each."""
    place.mkdir()
    articles = [
        {"id": f"a{n}", "title": "", "text": f"第{n}号仓库存有{n + 100}吨稻谷。", "lang": "zh"} for n in range(40)
    ]
    questions = [{"id": f"q{n}", "text": f"第{n}号仓库存有多少稻谷？", "lang": "zh"} for n in range(20)]
    for name, rows in (("corpus.jsonl", articles), ("queries.jsonl", questions)):
        (place / name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    (place / "qrels.tsv").write_text(header + "".join(f"q{n}\ta{n}\t1\n" for n in range(20)), "utf-8")
    return place


def sampled(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("header", ["query-id\tdoc-id\trelevance\n", ""])
def test_a_sample_keeps_what_answers_and_is_a_bench_folder(tmp_path: Path, header: str) -> None:
    whole = folder(tmp_path / "whole", header)
    said = sampled(whole, tmp_path / "part", "--questions", 8, "--articles", 12)
    assert (said.returncode, said.stdout) == (0, f"{tmp_path / 'part'}: 8 questions, 12 articles\n")
    part = bench.load(tmp_path / "part")
    articles = {article.id for article in part.articles}
    assert (len(part.queries), len(articles)) == (8, 12)
    judged = part.directions[0].judgements
    assert judged == {query.id: {f"a{query.id[1:]}": 1} for query in part.queries}
    assert {name for right in judged.values() for name in right} < articles


def test_everybody_draws_the_same_sample_and_what_answers_is_never_left_out(tmp_path: Path) -> None:
    whole = folder(tmp_path / "whole")
    for to in ("one", "two"):
        assert sampled(whole, tmp_path / to, "--questions", 8, "--articles", 3).returncode == 0
    assert [path.read_bytes() for path in sorted((tmp_path / "one").iterdir())] == [
        path.read_bytes() for path in sorted((tmp_path / "two").iterdir())
    ]
    assert len(bench.load(tmp_path / "one").articles) == 8


def test_what_is_no_folder_in_bench_shape_is_said(tmp_path: Path) -> None:
    said = sampled(tmp_path / "nowhere", tmp_path / "part")
    assert said.returncode == 1
    assert "is no folder in bench shape" in said.stderr
    assert "Traceback" not in said.stderr
