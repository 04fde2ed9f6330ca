"""A trained low-rank change of an encoder's weights (LoRA, Hu et al. 2021, arXiv:2106.09685), merged at build time.

The file is an npz: for each changed matrix ``<name>.A`` [rank, inputs] and ``<name>.B`` [outputs, rank], where
``<name>`` is the weight's name in transformers, for instance ``encoder.layer.3.attention.self.query.weight``; and one
number ``scale``. The merged weight is ``W + scale * B @ A``.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np

from qa.encode.encoder import Floats
from qa.errors import EncoderError

SHIPPED: Final = Path(__file__).parent / "data" / "adapter.npz"
_HINT: Final = "Remove or replace the adapter file."


def apply_adapter(state: Mapping[str, Floats], path: Path) -> dict[str, Floats]:
    """``state`` with the changes of the adapter at ``path``. Raises EncoderError where they do not fit it."""
    arrays = _read(path)
    scale = float(arrays.pop("scale", np.float32(1)))
    names = {name.removesuffix(".A").removesuffix(".B") for name in arrays}
    return dict(state) | {name: _merged(state, arrays, name, scale) for name in sorted(names)}


def digest(path: Path) -> str:
    """SHA-256 (hex) of the adapter; empty where there is none."""
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _read(path: Path) -> dict[str, Floats]:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name].astype(np.float32) for name in file.files}
    except (OSError, EOFError, ValueError, BadZipFile) as error:
        raise EncoderError(f"The adapter {path} cannot be read: {error}", _HINT) from error


def _merged(state: Mapping[str, Floats], arrays: Mapping[str, Floats], name: str, scale: float) -> Floats:
    down, up = arrays.get(f"{name}.A"), arrays.get(f"{name}.B")
    if name not in state or down is None or up is None:
        raise EncoderError(f"The adapter's {name} is not a pair of matrices for a weight of the encoder.", _HINT)
    if state[name].ndim != 2 or (up.shape[0], down.shape[1]) != state[name].shape or up.shape[1] != down.shape[0]:
        raise EncoderError(
            f"The adapter's {name} has shapes {up.shape} and {down.shape}, not those of the weight.", _HINT
        )
    merged: Floats = state[name] + np.float32(scale) * (up @ down)
    return merged
