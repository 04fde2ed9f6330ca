"""A run kept for later comparison: question by question, one line each, so that a change is easy to read in a diff."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from qa.errors import EvalError
from qa.evaluate.measure import first_rank
from qa.evaluate.outcome import Outcome, Trial, cells
from qa.evaluate.scorecard import table

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one question. ``rank``: of the first right item, 0 for none; ``None`` where rank is not judged."""

    text: str
    digest: str
    answerable: bool | None
    rank: int | None
    ndcg: float
    confidence: float
    answered: bool


Results = Mapping[str, Mapping[str, Result]]
"""Results by cell and question id."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """``sha256`` is of the question set, ``version`` of citeqa."""

    set: str
    sha256: str
    version: str
    results: Results


def baseline(trial: Trial) -> Baseline:
    """The run in the form that is kept and compared."""
    results = {cell: _results(group) for cell, group in cells(trial.outcomes).items()}
    return Baseline(trial.set, trial.sha256, version("citeqa"), results)


def save(kept: Baseline, path: Path) -> None:
    """Write a baseline. Raises EvalError where that fails."""
    head = {"format": FORMAT, "set": kept.set, "sha256": kept.sha256, "version": kept.version}
    lines = [f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in head.items()]
    lines.append('"results": {' + ",".join(_cell_lines(kept.results)) + "\n}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    except OSError as error:
        raise EvalError(f"{path} cannot be written: {error.strerror}.", "Choose another place.") from error


def read(path: Path) -> Baseline:
    """Read a baseline. Raises EvalError where it is missing or was not written by ``save``."""
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["format"] != FORMAT:
            raise EvalError(f"{path} has the format {data['format']}, not {FORMAT}.", _MAKE_ANEW)
        results = {cell: {q: Result(**each) for q, each in group.items()} for cell, group in data["results"].items()}
        return Baseline(data["set"], data["sha256"], data["version"], results)
    except OSError as error:
        raise EvalError(f"There is no baseline {path}: {error.strerror}.", "Make one with --save.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvalError(f"{path} is not a baseline.", _MAKE_ANEW) from error


_MAKE_ANEW = "Make a new one with `qa eval --save`."


def _results(outcomes: Iterable[Outcome]) -> dict[str, Result]:
    group = list(outcomes)
    measured = table(group)
    ndcg = dict(zip(measured.ids, measured.column("ndcg@10").tolist(), strict=True))
    return {one.question: _result(one, ndcg.get(one.question, 0.0)) for one in group}


def _result(one: Outcome, ndcg: float) -> Result:
    return Result(
        text=one.text,
        digest=one.digest,
        answerable=one.answerable,
        rank=first_rank(one.judgements, one.ranking) if one.judgements else None,
        ndcg=round(ndcg, 4),
        confidence=round(one.confidence, 4),
        answered=one.answered,
    )


def _cell_lines(results: Results) -> list[str]:
    return [f"\n{json.dumps(cell)}: {{{','.join(_question_lines(group))}\n}}" for cell, group in results.items()]


def _question_lines(group: Mapping[str, Result]) -> list[str]:
    return [f"\n{json.dumps(name)}: {_line(result)}" for name, result in sorted(group.items())]


def _line(result: Result) -> str:
    fields: dict[str, Any] = asdict(result)
    return json.dumps(fields, ensure_ascii=False)
