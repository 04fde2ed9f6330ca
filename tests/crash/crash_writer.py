"""A writer of the crash trial: does one thing after the other to an index until it is killed, and says what it does.

Before each thing it says what will stand in the index when it is done; after it, that it is done, or the code of the
error that refused it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from crash_stage import VERSIONS, Docs, Stage

from qa.commands import reencode
from qa.errors import CiteqaError
from qa.index import Index
from qa.store import builds
from qa.store.backup import restore_backup, write_backup
from qa.store.check import repair
from qa.store.keys import Keys

State = dict[str, Any]
Change = tuple[State, Callable[[], object]] | None
Say = Callable[[dict[str, Any]], None]
EMPTY: State = {"docs": {}, "trash": {}, "note": 0, "keys": {}, "saved": None, "previous": None, "build": ""}
PLAIN = ("ingest", "replace", "delete", "forever", "undelete", "publish", "note")
EVERY = (*PLAIN, "key", "revoke", "repair", "backup", "restore", "reencode", "rollback")
_BUILD = ("docs", "trash", "note", "keys")
_MOVING = ("restore", "reencode", "rollback")
"""What makes another build current: the writer then has to open the index anew."""
_UNKNOWN = "?"
"""The build after one was made: not the one before."""


class Writer:
    """``names``: the documents that are its own."""

    def __init__(self, stage: Stage, directory: Path, state: State, names: tuple[str, ...], seed: int) -> None:
        self.stage = stage
        self.directory = directory
        self.state = deepcopy(state)
        self.names = names
        self.rng = random.Random(seed)
        self.index: Index = stage.opened(directory)

    def live(self, say: Say, kinds: tuple[str, ...]) -> None:
        """Until killed, or until a full disk leaves no room to open the build that has become current."""
        while True:
            kind = self.rng.choice(kinds)
            prepared = getattr(self, f"_{kind}")()
            if prepared is None:
                continue
            after, work = prepared
            say({"begin": kind, "after": after})
            try:
                work()
            except CiteqaError as error:
                say({"failed": error.code, "why": error.message})
                continue
            self.state = after | {"build": builds.read_place(self.directory).build}
            say({"done": kind, "state": self.state})
            if kind in _MOVING and not self._reopened(say):
                return

    def _changed(self, **values: Any) -> State:
        return deepcopy(self.state) | values

    def _some(self, among: set[str], most: int) -> list[str]:
        mine = sorted(among & set(self.names))
        return self.rng.sample(mine, min(len(mine), self.rng.randint(1, most)))

    def _any(self, among: Docs) -> str | None:
        return next(iter(self._some(set(among), 1)), None)

    def _put(self, wanted: Docs) -> Change:
        if not wanted:
            return None
        docs: Docs = self.state["docs"] | wanted
        trash = {name: version for name, version in self.state["trash"].items() if name not in wanted}
        sources = [self.stage.source(name, version) for name, version in wanted.items()]
        return self._changed(docs=docs, trash=trash), lambda: self.index.ingest_sources(sources)

    def _ingest(self) -> Change:
        names = self._some(set(self.names) - set(self.state["docs"]), 3)
        return self._put({name: self.rng.randint(1, VERSIONS) for name in names})

    def _replace(self) -> Change:
        names = self._some(set(self.state["docs"]), 2)
        return self._put({name: self.state["docs"][name] % VERSIONS + 1 for name in names})

    def _delete(self) -> Change:
        name = self._any(self.state["docs"])
        if name is None:
            return None
        trash = self.state["trash"] | {name: self.state["docs"][name]}
        identity = self.stage.id_of(name)
        return self._changed(docs=_without(self.state["docs"], name), trash=trash), lambda: self.index.delete(identity)

    def _forever(self) -> Change:
        name = self._any(self.state["trash"])
        if name is None:
            return None
        identity = self.stage.id_of(name)
        after = self._changed(trash=_without(self.state["trash"], name))
        return after, lambda: self.index.delete(identity, forever=True)

    def _undelete(self) -> Change:
        name = self._any(self.state["trash"])
        if name is None:
            return None
        docs = self.state["docs"] | {name: self.state["trash"][name]}
        identity = self.stage.id_of(name)
        after = self._changed(docs=docs, trash=_without(self.state["trash"], name))
        return after, lambda: self.index.restore(identity)

    def _publish(self) -> Change:
        return self._changed(), lambda: self.index.store.publish("default") if self.state["docs"] else None

    def _note(self) -> Change:
        number = self.state["note"] + 1
        return self._changed(note=number), lambda: self.index.store.set_meta("trial", number)

    def _key(self) -> Change:
        label = f"k{len(self.state['keys'])}"
        made = Keys(self.index.store.database)
        return self._changed(keys=self.state["keys"] | {label: True}), lambda: made.create(label)

    def _revoke(self) -> Change:
        good = [label for label, is_good in self.state["keys"].items() if is_good]
        if not good:
            return None
        label, made = self.rng.choice(good), Keys(self.index.store.database)
        (identity,) = (key.id for key in made.list() if key.label == label)
        return self._changed(keys=self.state["keys"] | {label: False}), lambda: made.revoke(identity)

    def _repair(self) -> Change:
        def work() -> None:
            harmed = next(self._derived_files(), None)
            if harmed is not None:
                data = bytearray(harmed.read_bytes())
                data[self.rng.randrange(len(data))] ^= 1 << self.rng.randrange(8)
                # A file of a generation is never changed in place: searchers have it mapped.
                harmed.unlink()
                harmed.write_bytes(data)
            left = repair(self.directory)
            assert not left, left

        return self._changed(), work

    def _derived_files(self) -> Iterator[Path]:
        found = sorted(self.index.store.directory.glob("generations/*/*/*"))
        self.rng.shuffle(found)
        return (path for path in found if path.stat().st_size)

    def _backup(self) -> Change:
        number = 1 + (self.state["saved"] or {"number": 0})["number"]
        saved = {name: self.state[name] for name in _BUILD} | {"number": number}

        def work() -> None:
            write_backup(self.directory, backup_file(self.directory, saved))
            # The one before stays: until this one is acknowledged it is the backup that has to be there.
            kept = {backup_file(self.directory, {"number": number - back}) for back in (0, 1)}
            for older in set(self.directory.parent.glob(f"{self.directory.name}.backup*")) - kept:
                older.unlink()

        return self._changed(saved=saved), work

    def _restore(self) -> Change:
        if self.state["saved"] is None:
            return None

        saved = backup_file(self.directory, self.state["saved"])
        back = {name: self.state["saved"][name] for name in _BUILD}
        after = self._changed(previous=self._build("restore"), build=_UNKNOWN, **back)
        return after, lambda: restore_backup(saved, self.directory, force=True)

    def _build(self, origin: str) -> State:
        return {name: self.state[name] for name in _BUILD} | {"origin": origin}

    def _reencode(self) -> Change:
        after = self._changed(previous=self._build("reencode"), build=_UNKNOWN)
        return after, lambda: reencode.reencode(self.stage.settings(self.directory))

    def _rollback(self) -> Change:
        before = self.state["previous"]
        if before is None:
            return None

        back = {name: before[name] for name in _BUILD}
        if before["origin"] == "reencode":
            trash = {name: version for name, version in self.state["trash"].items() if name not in back["docs"]}
            back |= {"note": self.state["note"], "keys": self.state["keys"], "trash": trash}
        after = self._changed(previous=self._build(before["origin"]), build=_UNKNOWN, **back)
        return after, lambda: reencode.rollback(self.stage.settings(self.directory), True)

    def _reopened(self, say: Say) -> bool:
        """Whether the index is open again. What was done stays done where it is not, so this is said apart."""
        try:
            self.index.close()
            self.index = self.stage.opened(self.directory)
        except CiteqaError as error:
            say({"closed": error.code, "why": error.message})
            return False
        return True


def _without(docs: Docs, name: str) -> Docs:
    return {other: version for other, version in docs.items() if other != name}


def backup_file(directory: Path, saved: State) -> Path:
    return directory.with_name(f"{directory.name}.backup{saved['number']}")
