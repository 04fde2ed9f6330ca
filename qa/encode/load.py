"""The encoder and its statistics that the settings ask for."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

from qa.config import Settings
from qa.encode import cache, centring, export, neutral, packaged
from qa.encode.cache import Progress
from qa.encode.centring import Statistics
from qa.encode.encoder import Encoder
from qa.encode.onnx import FastEncoder

SHIPPED: Final = Path(__file__).parent / "data" / "statistics.npz"
_FILE: Final = "statistics.npz"


def load(settings: Settings, progress: Progress | None = None) -> Encoder:
    """The encoder of ``settings.encoder`` on ``settings.engine``; the packaged one is built on first use.

    Another model takes the fast path where ``qa model export`` built it, and torch otherwise. Raises EncoderError.
    """
    fast = _fast_directory(settings, progress) if settings.engine == "fast" else None
    return FastEncoder(fast, settings.threads) if fast else _torch(settings, progress)


def statistics_for(encoder: Encoder, settings: Settings, progress: Progress | None = None) -> Statistics:
    """Statistics for an encoder: those that ship with the project where they were fitted to its weights, else fitted
    to neutral text once and kept in the cache directory. Raises EncoderError."""
    if SHIPPED.is_file():
        shipped = centring.load(SHIPPED)
        if shipped.encoder == centring.model_of(encoder.fingerprint):
            return shipped

    def make(directory: Path) -> None:
        if progress:
            progress(f"Fitting language statistics of {encoder.name} (once).")
        centring.save(centring.fit(encoder, neutral.part(neutral.read())), directory / _FILE)

    key = sha256(f"{encoder.fingerprint} {neutral.PART} {centring.LATE_DIMS}".encode()).hexdigest()[:16]
    return centring.load(cache.built(settings.cache_dir, f"statistics-{key}", make, progress) / _FILE)


def _fast_directory(settings: Settings, progress: Progress | None) -> Path | None:
    if settings.encoder == export.PACKAGED:
        return export.packaged_fast(settings, progress)
    return export.exported(settings.encoder, settings)


def _torch(settings: Settings, progress: Progress | None) -> Encoder:
    from qa.encode import sentence_transformer

    if settings.encoder == export.PACKAGED:
        directory = export.packaged_torch(settings, progress)
        return sentence_transformer.load(
            str(directory),
            settings.threads,
            name=export.PACKAGED,
            fingerprint=f"{export.packaged_model()}/fp32",
            middle=packaged.MIDDLE_LAYER,
        )
    if progress:
        progress(f"Loading {settings.encoder}.")
    return sentence_transformer.load(settings.encoder, settings.threads)
