"""The articles that the cluster suite writes."""

from __future__ import annotations

from cluster_articles import LAST, article


def test_no_two_places_share_a_name() -> None:
    articles = [article(serial) for serial in range(LAST)]

    assert len({one.name for one in articles}) == len({one.digest for one in articles}) == LAST
    assert LAST > 1000


def test_the_same_number_gives_the_same_article_in_one_of_two_languages() -> None:
    assert article(7) == article(7)
    assert article(8).title.endswith("灯塔")
    assert article(7).title.startswith("The lighthouse of ")


def test_an_article_holds_what_its_question_asks_for() -> None:
    for serial in range(40):
        one = article(serial)
        assert one.name in one.question
        assert str(20 + serial % 70) in one.text
        assert one.source.startswith(f"# {one.title}\n\n")
