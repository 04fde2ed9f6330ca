"""The wheel's file: 4-bit blocks worked out by hand, and files that are not what they should be."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from qa.encode import wheel
from qa.encode.wheel import Quantised
from qa.errors import EncoderError


def test_a_block_reads_low_nibbles_first_and_eight_is_zero() -> None:
    packed = bytes([0x8F] + [0x88] * 14 + [0x09])
    table = wheel._blocks(struct.pack("<e", 0.5) + packed, width=32)

    expected = np.zeros(32)
    expected[0] = (15 - 8) * 0.5  # low nibble of byte 0
    expected[15] = (9 - 8) * 0.5  # low nibble of byte 15
    expected[31] = (0 - 8) * 0.5  # high nibble of byte 15
    assert table.floats().tolist() == [expected.tolist()]


def test_rows_of_several_blocks_keep_their_scales() -> None:
    table = Quantised(np.full((1, 2, 32), 9, np.uint8), np.array([[0.25, 2.0]], np.float16))

    assert table.floats()[0].tolist() == [0.25] * 32 + [2.0] * 32


def test_the_wheel_holds_the_encoder() -> None:
    model = wheel.read(wheel.locate())

    assert (model.architecture.hidden, model.architecture.layers, model.architecture.vocabulary) == (384, 12, 250037)
    assert [piece for piece, _ in model.pieces[:5]] == ["<s>", "<pad>", "</s>", "<unk>", ","]
    assert len(model.tensors) == 5 + 12 * 16
    assert {name: tensor.shape for name, tensor in model.tensors.items() if not isinstance(tensor, Quantised)}[
        "emb.pos"
    ] == (512, 384)


def test_another_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / wheel.FILE
    path.write_bytes(b"E5S1" + bytes(100))

    with pytest.raises(EncoderError, match="is not the model file") as caught:
        wheel.verified(path)

    assert "pip install" in caught.value.hint


def test_one_changed_byte_is_noticed(tmp_path: Path) -> None:
    content = bytearray(wheel.locate().read_bytes())
    content[40_000_000] ^= 1
    path = tmp_path / wheel.FILE
    path.write_bytes(content)

    with pytest.raises(EncoderError, match="is not the model file"):
        wheel.verified(path)


@pytest.mark.parametrize("content", [b"GGUF" + bytes(60), b"E5S1" + struct.pack("<I", 2) + bytes(60)])
def test_an_unknown_format_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(content)

    with pytest.raises(EncoderError, match="Unknown model format"):
        wheel.read(path)
