from __future__ import annotations

from qa.evaluate.answers import character_f1, holds, share
from qa.evaluate.dataset import Gold, Question


def question(*kinds: str, answers: tuple[str, ...] = ("900余家", "两家")) -> Question:
    gold = (Gold("a.md", "企业900余家。"), Gold("b.md", "主办方有两家。"))
    return Question("n.zh", "n", "zh", "?", kinds, True, gold, answers, (), 1)


def test_one_of_several_places_is_enough() -> None:
    assert holds(question("fact"), "昌平有企业 ９００ 余家。")
    assert not holds(question("fact"), "昌平有企业800余家。")
    assert not holds(question("fact", answers=("三家",)), "三家")


def test_a_comparison_needs_every_document() -> None:
    assert holds(question("comparison"), "900余家，两家")
    assert not holds(question("comparison"), "900余家")


def test_f1_of_characters() -> None:
    assert character_f1("光荣和ω-force", ["光荣和ω-force"]) == 1
    assert character_f1("光荣", ["光荣公司"]) == 2 * 2 / (2 + 4)
    assert character_f1("甲", ["乙", "甲乙丙"]) == 2 * 1 / (1 + 3)
    assert character_f1("", ["甲"]) == character_f1("甲", []) == 0


def test_share_of_nothing_is_nothing() -> None:
    assert share([]) == 0
    assert share([True, False]) == 0.5
