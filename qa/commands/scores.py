"""How `qa eval` prints its figures for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qa.commands.output import cell, note, out, show, warn
from qa.messages import language

if TYPE_CHECKING:
    from qa.evaluate.compare import Comparison
    from qa.evaluate.outcome import Trial


def both(english: str, chinese: str) -> str:
    """The one of two texts that is in the user's language."""
    return chinese if language() == "zh" else english


def show_trial(trial: Trial, comparison: Comparison | None) -> None:
    from qa.evaluate.scorecard import FALSE_ANSWERS, scorecard

    card = scorecard(trial)
    for line in card["notes"]:
        warn(line)
    _print_table(["hit@1", "hit@3", "hit@5", "recall@5", "mrr@10", "ndcg@10"], card["cells"])
    _print_kinds(card["kinds"])
    _print_table(["auroc", FALSE_ANSWERS, "aurc"], card["abstention"])
    for group, places in card["parity"].items():
        for place, counts in places.items():
            said = ", ".join(f"{name} {counts[name]}" for name in ("both", "zh", "en", "neither"))
            out(both(f"parity, {group} passages {place}: {said}", f"语言一致（{group} 段落 {place}）：{said}"))
    if card["calibration"]:
        out(f"ECE {card['calibration']['ece']:.3f}, Brier {card['calibration']['brier']:.3f}")
    took = card["latency_ms"].get("total", {})
    if took:
        out(both(f"search: {_percentiles(took)}", f"搜索：{_percentiles(took)}"))
    if comparison is not None:
        _print_comparison(comparison)


def _percentiles(took: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f} ms" for name, value in took.items())


def _print_table(columns: list[str], rows: dict[str, dict[str, Any]]) -> None:
    """One line a cell, for the measures that at least one cell has."""
    kept = [name for name in columns if any(figures.get(name) is not None for figures in rows.values())]
    if not kept:
        return
    made = _headed(["", "n", *kept])
    for name, figures in rows.items():
        count = figures.get("queries", figures.get("answerable", 0) + figures.get("unanswerable", 0))
        made.add_row(cell(name), str(count), *(_figure(figures, column) for column in kept))
    show(made)


def _print_kinds(kinds: dict[str, dict[str, dict[str, Any]]]) -> None:
    measured = {kind: {c: f for c, f in group.items() if "hit@1" in f} for kind, group in kinds.items()}
    columns = sorted({c for group in measured.values() for c in group})
    if not columns:
        return
    made = _headed(["hit@1", *columns])
    for kind, group in measured.items():
        if group:
            made.add_row(cell(kind), *(_of_kind(group.get(column)) for column in columns))
    show(made)


def _headed(columns: list[str]) -> Any:
    from qa.commands.output import table

    made = table()
    for place, name in enumerate(columns):
        made.add_column(cell(name), justify="right" if place else "left", no_wrap=True)
    return made


def _of_kind(figures: dict[str, Any] | None) -> str:
    return f"{figures['hit@1']:.3f} ({figures['queries']})" if figures else ""


def _figure(figures: dict[str, Any], column: str) -> str:
    value = figures.get(column)
    if value is None:
        return ""
    low, high = figures.get("ci", {}).get(column, (None, None))
    return f"{value:.3f}" if low is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _print_comparison(found: Comparison) -> None:
    made = _headed(["", *both("before after wins ties losses", "前 后 胜 平 负").split(), "p"])
    for each in found.cells:
        for paired in each.measures:
            counts = (str(count) for count in (paired.wins, paired.ties, paired.losses))
            p = "" if paired.p is None else f"{paired.p:.3g}"
            made.add_row(
                cell(f"{each.cell} {paired.measure}"), f"{paired.before:.3f}", f"{paired.after:.3f}", *counts, p
            )
    show(made)
    for title, changes in ((both("won", "变好"), found.won), (both("lost", "变差"), found.lost)):
        for change in changes:
            ranks = f"{change.before or '-'} → {change.after or '-'}"
            out(f"{title} {change.cell} {change.question}: {ranks}  {change.text}")
    for line in found.notes:
        note(line)
    for line in found.regressions:
        note(f"{both('regression', '退步')}: {line}")
    if not found.regressions:
        out(both("No regression.", "没有退步。"))
