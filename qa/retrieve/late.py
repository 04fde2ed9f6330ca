"""Late interaction: every question token looks for its best match among a passage's token vectors.

    score(q, d) = sum_i w_i * max_j q_i . d_j        (MaxSim; Khattab and Zaharia, ColBERT, SIGIR 2020)

with token vectors centred per language (``qa.encode.centring``) and weights w that sum to 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

IDF_SHARE = 0.5
"""Share of the weight given by rarity; the rest is uniform. Either alone is up to a point worse across languages."""


def token_weights(frequency: Ints, size: int) -> Floats:
    """Weights of a question's tokens, [n], sum 1: half uniform, half log((N + 1) / (df + 0.5)).

    ``frequency``: [n] number of passages each token occurs in; ``size``: N, number of passages.
    """
    if not len(frequency):
        return np.zeros(0, np.float32)
    idf = np.log((size + 1) / (np.minimum(frequency, size) + 0.5))
    idf = np.maximum(idf, 0.01)
    weights = (1 - IDF_SHARE) / len(idf) + IDF_SHARE * idf / idf.sum()
    return np.asarray(weights, np.float32)


def maxsim(matrices: Sequence[Floats], weights: Floats) -> Floats:
    """Scores, [passages], from one [question tokens, passage tokens] similarity matrix a passage; 0 where empty."""
    return np.array([_score(matrix, weights) for matrix in matrices], np.float32)


def _score(matrix: Floats, weights: Floats) -> float:
    if matrix.size == 0:
        return 0.0
    return float(weights @ matrix.max(axis=1))
