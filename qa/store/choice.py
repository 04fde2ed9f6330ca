"""Which store the settings name."""

from __future__ import annotations

from qa.config import Settings
from qa.store.location import Location
from qa.store.record_store import RecordStore
from qa.store.tokens import TokenCodec


def open_store(
    where: Location,
    settings: Settings,
    *,
    fingerprint: str,
    dims: int,
    codec: TokenCodec,
    versions: dict[str, str],
    create: bool,
) -> RecordStore:
    """The store of an index: see :meth:`qa.store.local.LocalStore.open`. Raises ConfigError besides.

    Like the database, Milvus is for the index that the settings name: any other directory has its own FAISS.
    """
    if settings.store == "milvus" and where.root.absolute().is_relative_to(settings.index_dir.absolute()):
        from qa.store.milvus.place import place_from
        from qa.store.milvus.store import MilvusStore

        return MilvusStore.open(
            where,
            place_from(settings),
            fingerprint=fingerprint,
            dims=dims,
            codec=codec,
            versions=versions,
            create=create,
        )
    from qa.store.local import LocalStore

    return LocalStore.open(where, fingerprint=fingerprint, dims=dims, codec=codec, versions=versions, create=create)
