"""Language centring: an encoder's vectors carry a direction of their own for each language and role; it is removed.

For a language and role the mean vector of neutral texts is subtracted and the rest brought back to norm 1. Token
vectors are centred in the same way, then projected on the principal axes that all languages share, so that a store
can keep fewer dimensions in fewer bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from qa.encode.encoder import Encoded, Encoder, Floats
from qa.encode.tokens import unit
from qa.errors import EncoderError
from qa.types import Language

Role = Literal["query", "passage"]
Texts = Mapping[Language, tuple[Sequence[str], Sequence[str]]]
"""For each language its neutral queries and passages."""

ROLES: Final[tuple[Role, ...]] = ("query", "passage")
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
LATE_DIMS: Final = 256
CLIPPED: Final = 0.001
"""Share of token vector values cut off at each end of a dimension's range."""


@dataclass(frozen=True)
class Statistics:
    """Means of an encoder, and the projection of its token vectors.

    ``vectors``, ``tokens``: for (language, role) the mean of one-vectors, [dims], and of token vectors, [width];
    ``projection``: [width, late_dims], orthonormal columns; ``low``, ``high``: [late_dims], the range of each projected
    dimension. All float32. ``encoder`` names the weights that they were fitted to (a fingerprint before its slash).
    """

    encoder: str
    vectors: Mapping[tuple[Language, Role], Floats]
    tokens: Mapping[tuple[Language, Role], Floats]
    projection: Floats
    low: Floats
    high: Floats

    @property
    def late_dims(self) -> int:
        """Dimensions of a centred, projected token vector."""
        return int(self.projection.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that change with any of the numbers."""
        digest = sha256()
        for name, array in sorted(_arrays(self).items()):
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]


def model_of(fingerprint: str) -> str:
    """The part of an encoder's fingerprint that names its weights, without the engine that computes them."""
    return fingerprint.partition("/")[0]


def centre_vector(statistics: Statistics, vectors: Floats, language: Language, role: Role) -> Floats:
    """[dims] or [n, dims] one-vectors, mean subtracted, norm 1. A language without statistics is left as it is."""
    return _centred(vectors, statistics.vectors.get((language, role)))


def centre_tokens(statistics: Statistics, tokens: Floats, language: Language, role: Role) -> Floats:
    """[n, width] token vectors -> [n, late_dims]: mean subtracted, norm 1, projected, norm 1."""
    centred = _centred(tokens, statistics.tokens.get((language, role)))
    return unit(centred @ statistics.projection)


def fit(encoder: Encoder, texts: Texts, late_dims: int = LATE_DIMS) -> Statistics:
    """Statistics of ``encoder`` from neutral texts.

    The projection is the principal axes (about the origin, as cosines are) of the centred token vectors, every
    language and role weighing the same. Raises EncoderError where a language or role has no text.
    """
    encoded = {key: batch for language in texts for key, batch in _encode(encoder, language, texts[language])}
    vectors = {key: _mean(np.stack([one.vector for one in batch])) for key, batch in encoded.items()}
    stacks = {key: np.concatenate([one.tokens for one in batch]) for key, batch in encoded.items()}
    tokens = {key: _mean(stack) for key, stack in stacks.items()}
    centred = [_centred(stack, tokens[key]) for key, stack in stacks.items()]
    projection = _principal_axes(centred, min(late_dims, centred[0].shape[1]) // 2 * 2)
    low, high = _ranges(unit(np.concatenate(centred) @ projection))
    return Statistics(model_of(encoder.fingerprint), vectors, tokens, projection, low, high)


def save(statistics: Statistics, path: Path) -> None:
    """Write an npz file; numbers are kept as float16."""
    arrays = {name: array.astype(np.float16) for name, array in _arrays(statistics).items()}
    with path.open("wb") as file:
        np.savez_compressed(file, encoder=np.array(statistics.encoder), **arrays)  # type: ignore[arg-type]


def load(path: Path) -> Statistics:
    """Read an npz file. Raises EncoderError where it is none."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return _from_arrays(str(file["encoder"]), {name: file[name] for name in file.files if name != "encoder"})
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise EncoderError(f"{path} holds no encoder statistics: {error}", "Run `python -m qa.encode.fit`.") from error


def _centred(vectors: Floats, mean: Floats | None) -> Floats:
    return unit(vectors - mean) if mean is not None else unit(vectors)


def _encode(
    encoder: Encoder, language: Language, texts: tuple[Sequence[str], Sequence[str]]
) -> list[tuple[tuple[Language, Role], list[Encoded]]]:
    queries, passages = texts
    if not queries or not passages:
        raise EncoderError(f"No neutral {'passages' if queries else 'queries'} for language {language}.")
    return [
        ((language, "query"), encoder.encode_queries(queries)),
        ((language, "passage"), encoder.encode_passages(passages)),
    ]


def _mean(rows: Floats) -> Floats:
    """Mean of rows, rounded to what the file keeps, so that a saved file changes nothing."""
    return _kept(rows.mean(axis=0, dtype=np.float64))


def _kept(values: npt.ArrayLike) -> Floats:
    return np.asarray(values).astype(np.float16).astype(np.float32)


def _principal_axes(groups: Sequence[Floats], count: int) -> Floats:
    scatter = sum(group.T.astype(np.float64) @ group / len(group) for group in groups)
    _, axes = np.linalg.eigh(np.asarray(scatter))
    chosen = axes[:, ::-1][:, :count]
    return _kept(chosen * np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(count)]))


def _ranges(values: Floats) -> tuple[Floats, Floats]:
    low, high = np.quantile(values, [CLIPPED, 1 - CLIPPED], axis=0)
    return _kept(low), _kept(high)


def _arrays(statistics: Statistics) -> dict[str, Floats]:
    named = {"projection": statistics.projection, "low": statistics.low, "high": statistics.high}
    for kind, means in (("vectors", statistics.vectors), ("tokens", statistics.tokens)):
        named |= {f"{kind}.{language}.{role}": mean for (language, role), mean in means.items()}
    return named


def _from_arrays(encoder: str, arrays: Mapping[str, npt.NDArray[np.float16]]) -> Statistics:
    floats = {name: array.astype(np.float32) for name, array in arrays.items()}
    return Statistics(
        encoder=encoder,
        vectors=_means("vectors", floats),
        tokens=_means("tokens", floats),
        projection=floats["projection"],
        low=floats["low"],
        high=floats["high"],
    )


def _means(kind: str, arrays: Mapping[str, Floats]) -> dict[tuple[Language, Role], Floats]:
    keys: list[tuple[Language, Role]] = [(language, role) for language in LANGUAGES for role in ROLES]
    return {(la, ro): arrays[f"{kind}.{la}.{ro}"] for la, ro in keys if f"{kind}.{la}.{ro}" in arrays}
