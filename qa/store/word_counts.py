"""How often words occur, remembered for as long as a collection does not change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_MOST_COUNTS = 20_000


class Counts:
    """How often phrases of the lexical index occur at one revision: the last few thousand that were asked for."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def find(self, phrases: Sequence[str], count: Callable[[list[str]], dict[str, int]]) -> dict[str, int]:
        """The counts of these phrases, those not known by ``count``."""
        found = {phrase: self._known[phrase] for phrase in phrases if phrase in self._known}
        if fresh := [phrase for phrase in phrases if phrase not in found]:
            found |= count(fresh)
            self._keep(found)
        return found

    def _keep(self, found: dict[str, int]) -> None:
        if len(self._known) > _MOST_COUNTS:
            self._known = {}
        self._known.update(found)
