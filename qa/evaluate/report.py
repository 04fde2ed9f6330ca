"""The report of a run as one HTML file: tables, plots and the lost questions. It needs no script and no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from qa.errors import EvalError
from qa.evaluate import detail, plot
from qa.evaluate.compare import Change, Comparison
from qa.evaluate.detail import MAX_LOST
from qa.evaluate.measure import MEASURES, first_rank
from qa.evaluate.outcome import Outcome, Trial, cells, judged, ranked
from qa.evaluate.scorecard import FALSE_ANSWERS, scorecard

Json = dict[str, Any]

STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5d6877;--rule:#d9dee5;--paper:#fff;--card:#f6f7f9;--good:#1a7f4b;
--bad:#b3261e;--s0:#2f6fb7;--s1:#d0761b;--s2:#3f9a6b;--s3:#9a4fb0;--s4:#b8434e;--s5:#6b7785}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#9aa5b4;--rule:#38414d;--paper:#14181d;--card:#1d232a;
--good:#5cc98f;--bad:#f2847c;--s0:#6fa8e6;--s1:#f0a35b;--s2:#6fcb9c;--s3:#c98be0;--s4:#ea8089;--s5:#a5b0be}}
body{font:15px/1.55 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;color:var(--ink);
background:var(--paper);max-width:1000px;margin:2em auto;padding:0 1em}
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em;border-bottom:1px solid var(--rule)}
h1 small,h2 small{color:var(--soft);font-weight:400}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;margin:.8em 0;display:block;overflow-x:auto}
th,td{padding:.25em .7em;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
th:first-child,td:first-child{text-align:left}td small{color:var(--soft)}
.plots{display:flex;flex-wrap:wrap;gap:1.2em}figure{margin:0;flex:1 1 420px;max-width:640px}
figcaption{color:var(--soft)}
svg{width:100%;height:auto}.grid{stroke:var(--rule)}.aim{stroke:var(--soft);stroke-dasharray:4 4}
.line{fill:none;stroke-width:2}.tick,.label{fill:var(--soft);font-size:11px}
article{background:var(--card);border-radius:8px;padding:.7em 1em;margin:.7em 0}
article p{margin:.3em 0;white-space:pre-wrap;overflow-wrap:anywhere}.soft{color:var(--soft)}
.good{color:var(--good)}.bad{color:var(--bad)}
"""


def report(trial: Trial, comparison: Comparison | None = None) -> str:
    """The whole page. Everything that comes from questions, articles and file names is escaped."""
    card = scorecard(trial)
    title = f"检索评测 · Retrieval evaluation: {trial.set}"
    parts = [
        f"<h1>{escape(title)}</h1><p class='soft'>{card['questions']} 个问题 questions, "
        f"{trial.documents} 篇文章 articles, {trial.passages} 个段落 passages</p>",
        *(f"<p class='soft'>{escape(note)}</p>" for note in trial.notes),
        _comparison(comparison) if comparison else "",
        _ranking(card, trial.outcomes),
        _parity(card["parity"]),
        _abstention(card["abstention"], trial.outcomes),
        _calibration(card["calibration"], trial.outcomes),
        _latency(card["latency_ms"]),
        _lost(trial.outcomes),
    ]
    return (
        '<!doctype html>\n<html lang="zh"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def save(page: str, path: Path) -> None:
    """Raises EvalError where the file cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise EvalError(f"{path} cannot be written: {error.strerror}.", "Choose another place.") from error


def _heading(chinese: str, english: str) -> str:
    return f"<h2>{chinese} <small>{english}</small></h2>"


def _figure(drawing: str, caption: str) -> str:
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """``rows`` hold HTML; ``head`` is plain text."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _ranking(card: Json, outcomes: Sequence[Outcome]) -> str:
    measured = {cell: figures for cell, figures in card["cells"].items() if "ci" in figures}
    if not measured:
        return ""
    rows = [
        [escape(cell), str(f["queries"]), *(_interval(f, name) for name in MEASURES)] for cell, f in measured.items()
    ]
    ranks = {cell: detail.ranks(group) for cell, group in cells(ranked(outcomes)).items()}
    by_kind = {
        kind: {cell: figures["hit@1"] for cell, figures in group.items() if "hit@1" in figures}
        for kind, group in card["kinds"].items()
    }
    by_kind = {kind: values for kind, values in by_kind.items() if values}
    drawn = [
        _figure(plot.histogram(ranks, "名次 rank", "比例 share"), "第一个正确结果的名次 · rank of the first right hit")
    ]
    if by_kind:
        drawn.append(_figure(plot.bars(by_kind, "hit@1"), "各类问题的 hit@1 · hit@1 by kind of question"))
    return (
        _heading("检索", "Ranking, by language of question – language of passage, with 95% intervals")
        + _table(["", "n", *MEASURES], rows)
        + f"<div class='plots'>{''.join(drawn)}</div>"
    )


def _interval(figures: Json, name: str) -> str:
    low, high = figures["ci"][name]
    return f"{figures[name]:.3f}<br><small>{low:.3f}–{high:.3f}</small>"


def _parity(parity: Json) -> str:
    if not parity:
        return ""
    rows = [
        [
            f"{escape(language)} {escape(places)}",
            *(str(f[name]) for name in ("needs", "both", "zh", "en", "neither")),
            _share(f["share"]),
        ]
        for language, group in parity.items()
        for places, f in group.items()
    ]
    head = ["段落 passages", "n", "都找到 both", "仅中文 only zh", "仅英文 only en", "都没有 neither", "en | zh"]
    return _heading("语言一致", "Parity: does the English question find what its Chinese twin finds") + _table(
        head, rows
    )


def _abstention(abstention: Json, outcomes: Sequence[Outcome]) -> str:
    if not abstention:
        return ""
    counts = ("answered_right", "answered_wrong", "refused_answerable", "refused_unanswerable", "answered_unanswerable")
    rows = [
        [
            escape(cell),
            *(_share(f[name]) for name in ("auroc", FALSE_ANSWERS, "aurc")),
            *(str(f["shipped_threshold"][name]) for name in counts),
        ]
        for cell, f in abstention.items()
    ]
    curves = {cell: detail.risk(group) for cell, group in cells(judged(outcomes)).items()}
    drawing = plot.curves(curves, "回答比例 coverage", "错误率 risk") + plot.legend(list(curves))
    return (
        _heading("拒答", "Abstention: knowing when the articles hold no answer")
        + _table(["", "AUROC", FALSE_ANSWERS, "AURC", *(name.replace("_", " ") for name in counts)], rows)
        + _figure(drawing, "风险–覆盖曲线 · risk–coverage curve")
    )


def _calibration(calibration: Json, outcomes: Sequence[Outcome]) -> str:
    if not calibration:
        return ""
    points = [(each["confidence"], each["right"]) for each in calibration["bins"]]
    drawing = plot.curves({"": points}, "可信度 confidence", "正确率 share right", diagonal=True, dots=True)
    rows = [[f"{each['confidence']:.3f}", str(each["count"]), f"{each['right']:.3f}"] for each in calibration["bins"]]
    figures = f"ECE {_share(calibration['ece'])}, Brier {_share(calibration['brier'])}"
    return (
        _heading("可信度校准", f"Calibration: does confidence mean what it says ({figures})")
        + f"<div class='plots'>{_figure(drawing, '可靠性 · reliability')}"
        + f"<figure>{_table(['可信度 confidence', 'n', '正确率 share right'], rows)}</figure></div>"
    )


def _latency(latency: Json) -> str:
    rows = [[escape(stage), *(f"{each[p]:.1f}" for p in ("p50", "p95"))] for stage, each in latency.items() if each]
    return _heading("耗时", "Latency, milliseconds") + _table(["", "p50", "p95"], rows)


def _comparison(found: Comparison) -> str:
    verdict = (
        "".join(f"<p class='bad'>{escape(line)}</p>" for line in found.regressions)
        or "<p class='good'>没有退步 · no regression</p>"
    )
    rows = [
        [
            f"{escape(cell.cell)} {escape(each.measure)}",
            f"{each.before:.3f}",
            f"{each.after:.3f}",
            str(each.wins),
            str(each.ties),
            str(each.losses),
            "–" if each.p is None else f"{each.p:.3g}",
        ]
        for cell in found.cells
        for each in cell.measures
    ]
    notes = "".join(f"<p class='soft'>{escape(note)}</p>" for note in found.notes)
    changes = _changes("变好 won", found.won) + _changes("变差 lost", found.lost)
    head = ["", "前 before", "后 after", "胜 wins", "平 ties", "负 losses", "p"]
    return _heading("与基线比较", "Against the baseline") + verdict + notes + _table(head, rows) + changes


def _changes(title: str, changes: Sequence[Change]) -> str:
    if not changes:
        return ""
    items = "".join(
        f"<li>{escape(each.text)} <span class='soft'>{escape(each.cell)} {escape(each.question)}: "
        f"{each.before or '–'} → {each.after or '–'}</span></li>"
        for each in changes[:MAX_LOST]
    )
    return f"<details><summary>{title}: {len(changes)}</summary><ul>{items}</ul></details>"


def _lost(outcomes: Sequence[Outcome]) -> str:
    lost, false = detail.lost_of(outcomes), detail.wrongly_answered(outcomes)
    return _cards("没有排在第一的问题", "Questions whose answer does not come first", lost) + _cards(
        "不该回答却回答了的问题", "Questions answered though the articles hold no answer", false
    )


def _cards(chinese: str, english: str, outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return ""
    more = f"<p class='soft'>+ {len(outcomes) - MAX_LOST}</p>" if len(outcomes) > MAX_LOST else ""
    cards = "".join(_card(one) for one in outcomes[:MAX_LOST])
    return _heading(chinese, f"{english}: {len(outcomes)}") + cards + more


def _card(one: Outcome) -> str:
    rank = first_rank(one.judgements, one.ranking)
    place = f"名次 rank {rank or '–'}, " if one.judgements else ""
    wanted = f"<p><span class='good'>应为 wanted</span> {escape(one.wanted)}</p>" if one.wanted else ""
    hits = "".join(
        f"<p><span class='{'good' if hit.right else 'bad'}'>{hit.rank}. {escape(hit.title)} ({hit.score:.2f})</span> "
        f"{escape(hit.text)}</p>"
        for hit in one.returned
    )
    return (
        f"<article><p><b>{escape(one.text)}</b></p><p class='soft'>{escape(one.question)}, {escape(one.cell)}, "
        f"{escape(', '.join(one.kinds))} {place}可信度 confidence {one.confidence:.2f}</p>{wanted}{hits}</article>"
    )
