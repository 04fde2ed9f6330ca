"""The report: well-formed, complete without network or script, and nothing that was indexed becomes markup."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from test_evaluate_own import NONE, RUN, outcome

from qa.errors import EvalError
from qa.evaluate.baseline import baseline
from qa.evaluate.compare import compare
from qa.evaluate.outcome import Returned, Trial
from qa.evaluate.plot import bars, curves, histogram
from qa.evaluate.report import report, save

EVIL = "<script>alert('x')</script>\"&'</title>"


class Page(HTMLParser):
    """Collects tags, the text outside style sheets, and checks that every element is closed."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name in ("src", "href") or name.startswith("on") for name, _ in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


def poisoned() -> Trial:
    hits = (Returned(1, 0.4, EVIL, EVIL, False), Returned(2, 0.3, "灯塔", "建于1891年", True))
    lost = outcome("n9.zh", "-+", text=EVIL, kinds=("fact", EVIL), wanted=EVIL, returned=hits)
    return replace(RUN, set=EVIL, outcomes=(*RUN.outcomes, lost), notes=(EVIL,))


def test_nothing_that_was_indexed_becomes_markup() -> None:
    page = Page(report(poisoned()))
    assert "script" not in page.tags
    assert page.text.count(EVIL) >= 7


def test_it_shows_what_was_measured_in_both_languages() -> None:
    page = Page(report(RUN))
    for heading in ("检索", "Ranking", "语言一致", "Parity", "拒答", "Abstention", "可信度校准", "Calibration", "耗时"):
        assert heading in page.text
    assert page.tags.count("svg") >= 4


def test_lost_questions_are_shown_with_what_came_instead() -> None:
    text = Page(report(poisoned())).text
    assert "Questions whose answer does not come first: 4" in text
    assert "建于1891年" in text
    assert "Questions answered though the articles hold no answer: 1" in text


def test_a_regression_heads_the_report() -> None:
    before = baseline(RUN)
    worse = replace(RUN, outcomes=tuple(replace(one, ranking=("passage 0",)) for one in RUN.outcomes))
    text = Page(report(worse, compare(before, baseline(worse)))).text
    assert "zh-zh: hit@1 fell from 0.500 to 0.000, more than the margin of 0.03" in text
    assert text.index("Against the baseline") < text.index("Ranking, by language")
    assert "没有退步" in Page(report(RUN, compare(before, before))).text


def test_a_set_about_abstention_alone() -> None:
    outcomes = (outcome("q1.zh", "--", judgements={}, kinds=()), outcome("q2.zh", "--", **(NONE | {"kinds": ()})))
    text = Page(report(Trial("abstention", "sha", 2, 2, outcomes))).text
    assert "Abstention" in text
    assert "Ranking, by" not in text


@pytest.mark.parametrize(
    "drawing",
    [
        curves({EVIL: [(0, 0), (1, 0.5)]}, EVIL, "y", diagonal=True, dots=True),
        curves({}, "x", "y"),
        bars({EVIL: {EVIL: 0.5, "b": 1.0}, "c": {"b": 0.0}}, EVIL),
        histogram({EVIL: {"1": 3, EVIL: 1}, "none": {}}, "x", EVIL),
        histogram({}, "x", "y"),
    ],
)
def test_drawings_are_well_formed(drawing: str) -> None:
    assert ElementTree.fromstring(drawing).tag == "svg"


def test_curves_stand_where_the_axes_say() -> None:
    """460 x 280 with margins 46, 14, 14 and 40: (0, 0) is (46, 240), (1, 1) is (446, 14), (.5, .5) the middle."""
    (line,) = ElementTree.fromstring(curves({"a": [(0, 0), (0.5, 0.5), (1, 1)]}, "x", "y")).iter("polyline")
    assert line.get("points") == "46.0,240.0 246.0,127.0 446.0,14.0"


def test_saving(tmp_path: Path) -> None:
    save(report(RUN), tmp_path / "new" / "report.html")
    assert (tmp_path / "new" / "report.html").read_text("utf-8").startswith("<!doctype html>")
    with pytest.raises(EvalError, match="cannot be written"):
        save("", tmp_path)


def test_text_that_is_no_unicode_does_not_stop_it(tmp_path: Path) -> None:
    save(report(replace(RUN, notes=("\ud800",))), tmp_path / "report.html")
