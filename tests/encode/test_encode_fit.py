"""``python -m qa.encode.fit``: a file out of texts, and words where it cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qa.encode import centring, fit
from qa.encode.encoder import Encoder

TEXTS = {
    ("zh", "query"): "谁修了这条路？",
    ("zh", "passage"): "去年春天，村里修了一条通往码头的路。",
    ("en", "query"): "Who built the road?",
    ("en", "passage"): "The village built a road to the harbour last spring.",
}


def _write(path: Path) -> Path:
    rows = [{"lang": lang, "role": role, "text": text} for (lang, role), text in TEXTS.items()]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def test_it_writes_statistics_of_the_encoder(
    packaged_encoder: Encoder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts, out = _write(tmp_path / "texts.jsonl"), tmp_path / "statistics.npz"

    code = fit.main(["--texts", str(texts), "--out", str(out), "--dims", "8"])

    statistics = centring.load(out)
    assert code == 0
    assert statistics.late_dims == 8
    assert statistics.encoder == centring.model_of(packaged_encoder.fingerprint)
    assert "8 dimensions" in capsys.readouterr().out


def test_missing_texts_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = fit.main(["--texts", str(tmp_path / "none.jsonl"), "--out", str(tmp_path / "s.npz")])

    assert code == 1
    assert "none.jsonl" in capsys.readouterr().err
    assert not (tmp_path / "s.npz").exists()
