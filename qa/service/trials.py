"""Evals run by the service: one at a time over all its processes, in the background, remembered in the history."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from qa.errors import CiteqaError
from qa.store import history
from qa.store.history import Run
from qa.store.owner import Owner

if TYPE_CHECKING:
    from qa.evaluate.dataset import QuestionSet
    from qa.index import Index

Json = dict[str, Any]

_NOTE_SECONDS = 0.5
"""Least time between two notes of an eval's progress."""
_INTERRUPTED = {
    "code": "interrupted",
    "message": "The service was stopped while this eval ran.",
    "hint": "Run it again.",
}

_log = logging.getLogger(__name__)


class _StoppedError(Exception):
    """Raised inside of an eval when the service stops."""


class Trials:
    """Puts the questions of a set to the index that is served, as users would."""

    def __init__(self, index: Index, owner: Owner) -> None:
        self._index = index
        self._database = index.store.database
        self._owner = owner
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Put right what an earlier run of the service left running."""
        if not self._database.read_only:
            self._tidy()

    def _tidy(self) -> None:
        """What says that it runs was cut short where the process that ran it is gone."""
        for run in history.runs(self._database):
            if run.state == "running" and self._is_cut_short(run):
                self._fail(run.id, run.about, _INTERRUPTED)

    def _is_cut_short(self, run: Run) -> bool:
        if run.owner == self._owner.id:
            return self._thread is None or not self._thread.is_alive()
        return run.owner is None or self._owner.is_gone(run.owner)

    def end_soon(self) -> None:
        """Stop after the question that is asked now."""
        self._stopping.set()

    def stop(self, seconds: float = 10.0) -> None:
        """The same, and wait for it."""
        self.end_soon()
        if self._thread is not None:
            self._thread.join(seconds)

    def submit(self, chosen: QuestionSet, known: Json) -> Run:
        """Begin an eval of ``chosen``; ``known`` is what the history will say of it. Raises ConflictError."""
        self._tidy()
        about = known | {"progress": {"done": 0, "total": len(chosen.questions)}}
        identity = history.begin(self._database, about, self._owner.id)
        self._thread = threading.Thread(target=self._work, args=(identity, chosen, known), name="qa-eval", daemon=True)
        self._thread.start()
        return history.run(self._database, identity)

    def _work(self, identity: str, chosen: QuestionSet, known: Json) -> None:
        try:
            self._ask(identity, chosen, known)
        except _StoppedError:
            self._fail(identity, known, _INTERRUPTED)
        except CiteqaError as error:
            self._fail(identity, known, {"code": error.code, "message": error.message, "hint": error.hint})
        except Exception:
            _log.exception("eval %s failed", identity)
            message = {"code": "internal", "message": "The service failed to run this.", "hint": "See its log."}
            self._fail(identity, known, message)

    def _ask(self, identity: str, chosen: QuestionSet, known: Json) -> None:
        from qa.evaluate import own, record

        began = time.monotonic()
        tell = _Teller(self, identity, known)
        trial = own.ask(self._index, chosen, collection=known["collection"], tell=tell)
        record.finish(self._database, identity, trial, known, time.monotonic() - began)

    def note(self, identity: str, about: Json) -> None:
        """Note how far an eval is."""
        history.note(self._database, identity, about)

    def check_stop(self) -> None:
        """Raises _StoppedError when the service stops."""
        if self._stopping.is_set():
            raise _StoppedError

    def _fail(self, identity: str, known: Json, error: Json) -> None:
        about = {name: value for name, value in known.items() if name != "progress"}
        try:
            history.note(self._database, identity, about | {"error": error}, "failed")
        except CiteqaError as unnoted:
            _log.warning("eval %s: %s %s", identity, unnoted.message, unnoted.hint)


class _Teller:
    """Told of every question: notes the progress now and then, and stops the eval with the service."""

    def __init__(self, trials: Trials, identity: str, known: Json) -> None:
        self._trials = trials
        self._identity = identity
        self._known = known
        self._noted = 0.0

    def __call__(self, done: int, total: int) -> None:
        self._trials.check_stop()
        if time.monotonic() - self._noted >= _NOTE_SECONDS:
            self._trials.note(self._identity, self._known | {"progress": {"done": done, "total": total}})
            self._noted = time.monotonic()
