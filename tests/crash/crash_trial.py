"""The crash trial: kills writers at random moments, again and again, and looks at what each left.

    python tests/crash/crash_trial.py [--rounds N] [--seed S] [--mode one|two|full|read|mixed]

Prints one line of JSON a round and a summary at the end; exit code 1 where anything was wrong. ``full`` needs the
right to mount a tmpfs, and else says that it bounds the size of files instead. ``read``: what is left is also opened by
somebody who may not write, before and after the look; without the right to be somebody else, by permissions alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from crash_look import looked_at
from crash_readonly import locked_up, problems, seen_by_a_reader
from crash_stage import COLLECTION, Stage
from crash_writer import EMPTY, EVERY, PLAIN, Say, State, Writer

SLOW = 5.0
"""Seconds within which a kind of change is killed until it was seen how long it takes."""
TMPFS = 40_000_000
EXPECTED = ("disk", "conflict")


def forked(work: Callable[[Say], None]) -> tuple[int, int]:
    """Run in a process of its own; returns its number and where its lines can be read."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1
        try:
            nowhere = open(os.devnull, "w")  # noqa: SIM115 - it lasts as long as the process
            with os.fdopen(writing, "w", buffering=1) as out, redirect_stdout(nowhere), redirect_stderr(nowhere):
                work(lambda said: print(json.dumps(said), file=out))
            status = 0
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(status)
    os.close(writing)
    return child, reading


def answer(work: Callable[[], Any]) -> Any:
    child, reading = forked(lambda say: say({"answer": work()}))
    with os.fdopen(reading) as file:
        lines = file.read().splitlines()
    os.waitpid(child, 0)
    return json.loads(lines[-1])["answer"] if lines else {"stands": None, "wrong": ["it could not be opened"]}


class Life:
    """One writer from its start to its end: what it said, and how to end it."""

    def __init__(self, work: Callable[[Say], None]) -> None:
        self.child, self._reading = forked(work)
        self.said: list[dict[str, Any]] = []
        self._rest = b""

    def listen(self, seconds: float) -> bool:
        """Take in what was said within so many seconds, until something was; whether the writer lives."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._reading, selectors.EVENT_READ)
            if not selector.select(seconds):
                return True
        data = os.read(self._reading, 1 << 20)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.said += [json.loads(line) for line in lines]
        return bool(data)

    def kill(self) -> None:
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        while self.listen(0) and self._unread():
            pass
        os.close(self._reading)

    def _unread(self) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._reading, selectors.EVENT_READ)
            return bool(selector.select(0))

    @property
    def begun(self) -> list[dict[str, Any]]:
        return [said for said in self.said if "begin" in said]

    def outcome(self, held: State) -> tuple[State, State | None]:
        """The state after what was said to be done, and the one that was being made, if any."""
        for said in self.said:
            held = said.get("state", held)
        last = self.said[-1] if self.said else {}
        return held, last.get("after")


class Trial:
    """``disk``: where the index is, which may be small; ``directory``: for everything else."""

    def __init__(self, directory: Path, disk: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.stage = Stage(directory)
        self.disk = disk
        self.index = disk / "index"
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.harmed = False
        """Whether the last life may have left a file that it damaged, and did not come to repair."""
        self._took: dict[str, list[float]] = defaultdict(lambda: [SLOW])

    def prepare(self) -> None:
        answer(self.stage.prepare)
        self.stage.recall()
        answer(self._begin)

    def _begin(self) -> None:
        """Whoever reads an index in which nothing was ever put finds no collection there."""
        with self.stage.opened(self.index) as index:
            index.create_collection(COLLECTION)

    def round(self, number: int, held: State, mode: str) -> State:
        """One life, or two at once, and a look at what is left. Returns the state that stands."""
        self.harmed = False
        if mode == "two":
            possible, killed = self._two(number, held)
        else:
            possible, killed = self._one(number, held, EVERY, full=mode == "full")
        left = self._read() if mode == "read" and not self.harmed else None
        seen = answer(lambda: looked_at(self.stage, self.index, possible, harmed=self.harmed))
        if left is not None:
            seen["wrong"] += problems(left, self._read())
            self.counts[f"a reader {'was refused' if 'refused' in left else 'searched'} after the kill"] += 1
        self.counts[f"round {mode}"] += 1
        self.counts.update(f"killed in {kind}" for kind in killed)
        self.wrong += [f"round {number}: {problem}" for problem in seen["wrong"]]
        print(json.dumps({"round": number, "mode": mode, "killed": killed, "wrong": seen["wrong"]}), flush=True)
        stands: State = seen["stands"] or held
        return stands

    def _one(self, number: int, held: State, kinds: tuple[str, ...], full: bool) -> tuple[list[State], list[str]]:
        filler = self._fill() if full else None
        life = Life(lambda say: self._writer(number, held, self.stage.names, full).live(say, kinds))
        self._wait_and_kill(life, self.rng.randint(1, 2))
        if filler is not None:
            filler.unlink(missing_ok=True)
        held, after = life.outcome(held)
        self._refused(life)
        self.counts["done"] += sum("done" in said for said in life.said)
        repairs = [said for said in life.said if "repair" in said.values() or "failed" in said]
        self.harmed = any(said.get("begin") == "repair" for said in repairs) and repairs[-1].get("done") != "repair"
        return ([held] if after is None else [held, after]), [life.begun[-1]["begin"]] if after else []

    def _refused(self, life: Life) -> None:
        """A full disk is expected, and two writers in each other's way; anything else is told with its reason."""
        for said in life.said:
            if "failed" in said:
                self.counts[f"refused with {said['failed']}"] += 1
                if said["failed"] not in EXPECTED:
                    print(json.dumps(said, ensure_ascii=False), flush=True)
            if "closed" in said:
                self.counts[f"not opened again for {said['closed']}"] += 1
                if said["closed"] not in EXPECTED:
                    self.wrong.append(f"not opened again: {said}")

    def _read(self) -> dict[str, Any]:
        with locked_up(self.index):
            seen: dict[str, Any] = answer(lambda: seen_by_a_reader(self.stage, self.index))
        return seen

    def _writer(self, number: int, held: State, names: tuple[str, ...], full: bool = False) -> Writer:
        if full and not self._mounted():
            largest = max((path.stat().st_size for path in self.index.rglob("*") if path.is_file()), default=0)
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest + self.rng.randrange(200_000),) * 2)
        return Writer(self.stage, self.index, held, names, number)

    def _mounted(self) -> bool:
        return os.path.ismount(self.disk)

    def _fill(self) -> Path:
        """Leave little room on the disk."""
        filler = self.disk / "filler"
        if self._mounted():
            status = os.statvfs(self.disk)
            room = max(0, status.f_bavail * status.f_frsize - self.rng.randrange(3_000_000))
            with filler.open("wb") as file:
                for _ in range(room // 65536):
                    file.write(bytes(65536))
        return filler

    def _wait_and_kill(self, life: Life, which: int) -> None:
        """Kill in the middle of the change of that number, at a moment that may be any of it."""
        began, kind = time.monotonic(), ""
        limit = began + 60
        while time.monotonic() < limit and life.listen(1.0):
            fresh = life.said[-1] if life.said else {}
            if "begin" in fresh:
                kind, began = fresh["begin"], time.monotonic()
            elif "done" in fresh:
                self._took[fresh["done"]] = (self._took[fresh["done"]] + [time.monotonic() - began])[-20:]
            if len(life.begun) >= which:
                time.sleep(self.rng.uniform(0, 1.1 * min(self._took[kind])))
                break
        life.kill()

    def _two(self, number: int, held: State) -> tuple[list[State], list[str]]:
        """Two writers, each with documents of its own."""
        shares = (self.stage.names[::2], self.stage.names[1::2])
        parts = [_share(held, names) for names in shares]
        kinds = tuple(kind for kind in PLAIN if kind != "note")
        lives = [
            Life(lambda say, part=part, names=names, seed=seed: self._writer(seed, part, names).live(say, kinds))  # type: ignore[misc]
            for seed, (part, names) in enumerate(zip(parts, shares, strict=True), 1000 * number)
        ]
        until = time.monotonic() + self.rng.uniform(0.3, 2.5)
        while time.monotonic() < until and all(life.listen(0.02) for life in lives):
            pass
        for life in lives:
            life.kill()
        outcomes = [life.outcome(part) for life, part in zip(lives, parts, strict=True)]
        self.counts["done"] += sum("done" in said for life in lives for said in life.said)
        for life in lives:
            self._refused(life)
        possible = [_joined(held, first, second) for first in outcomes[0] for second in outcomes[1] if first and second]
        return possible, [life.begun[-1]["begin"] for life, (_, after) in zip(lives, outcomes, strict=True) if after]


def _share(held: State, names: tuple[str, ...]) -> State:
    kept = {
        part: {name: version for name, version in held[part].items() if name in names} for part in ("docs", "trash")
    }
    return held | kept


def _joined(held: State, first: State, second: State) -> State:
    return held | {part: first[part] | second[part] for part in ("docs", "trash")}


def run(directory: Path, disk: Path, rounds: int, seed: int, mode: str) -> int:
    """The trial; returns the exit code."""
    trial = Trial(directory, disk, seed)
    began = time.monotonic()
    trial.prepare()
    held: State = EMPTY
    for number in range(seed * 10_000 + 1, seed * 10_000 + rounds + 1):
        chosen = mode if mode != "mixed" else trial.rng.choice(["one"] * 6 + ["two"] * 2 + ["full"] * 2 + ["read"] * 2)
        held = trial.round(number, held, chosen)
    full = "a tmpfs filled up" if os.path.ismount(disk) else "a bound on the size of files"
    summary = {"rounds": rounds, "seconds": round(time.monotonic() - began), "full disk": full}
    print(json.dumps(summary | dict(sorted(trial.counts.items())) | {"wrong": trial.wrong}, indent=1), flush=True)
    return bool(trial.wrong)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mode", choices=("one", "two", "full", "read", "mixed"), default="mixed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        disk = Path(directory) / "disk"
        disk.mkdir()
        small = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS}", "tmpfs", str(disk)]
        mounted = asked.mode in ("full", "mixed") and subprocess.run(small, capture_output=True).returncode == 0
        try:
            return run(Path(directory), disk, asked.rounds, asked.seed, asked.mode)
        finally:
            if mounted:
                subprocess.run(["umount", "-l", str(disk)], check=True)


if __name__ == "__main__":
    sys.exit(main())
