"""What the doctor says of an index's copy in Milvus."""

from __future__ import annotations

from collections.abc import Iterator

from qa.store.milvus.copy import Copy, Difference, compare

_SHOWN = 5


def problems(copy: Copy) -> Iterator[tuple[str, str]]:
    """(where, message) of whatever filling the copy anew would put right. Raises EngineError where Milvus is away."""
    name = copy.place.collection(copy.identity)
    shape = copy.find()
    if shape is None:
        yield name, "Milvus has no such collection."
        return
    for difference in compare(copy, shape):
        yield from ((f"{name}, {difference.collection}", message) for message in _messages(difference))


def _messages(found: Difference) -> Iterator[str]:
    if found.missing:
        yield f"Milvus lacks {len(found.missing)} of {found.passages} passages ({_some(found.missing)})."
    if found.stray:
        yield f"Milvus holds {len(found.stray)} passages that the index does not have ({_some(found.stray)})."
    if found.altered:
        yield f"{len(found.altered)} of {found.compared} passages are not what was written ({_some(found.altered)})."
    if not found.counted:
        yield "It was written to without Milvus."


def _some(rows: tuple[int, ...]) -> str:
    return f"rows {', '.join(map(str, rows[:_SHOWN]))}{', …' if len(rows) > _SHOWN else ''}"
