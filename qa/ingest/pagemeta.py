"""Metadata that an HTML page carries in its head: JSON-LD, OpenGraph, meta elements, the canonical link."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from qa.ingest.bylines import find_date, name
from qa.ingest.metadata import Found, tidy_title
from qa.ingest.script import fold

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_LONGEST_JSON = 1_000_000
_ARTICLES = ("article", "newsarticle", "blogposting", "reportagenewsarticle", "report", "webpage", "scholarlyarticle")
_TITLE = ("og:title", "twitter:title", "citation_title", "articletitle", "title")
_PUBLISHER = (
    "source",
    "contentsource",
    "mediaid",
    "citation_publisher",
    "publisher",
    "og:site_name",
    "application-name",
)
_AUTHOR = ("author", "article:author", "byl", "citation_author", "dc.creator", "parsely-author")
_PUBLISHED = (
    "article:published_time", "og:published_time", "publishdate", "pubdate", "publish_time", "publication_date",
    "citation_publication_date", "dc.date", "dc.date.issued", "weibo: article:create_at", "date", "apub:time",
)  # fmt: skip

Json = dict[str, object]


def from_page(root: HtmlElement, address: str | None = None) -> Found:
    """What the head of a page says; ``address`` resolves a relative canonical link."""
    metas = _metas(root)
    article = next(_articles(root), {})
    site = _named(article.get("publisher")) or _first(metas, _PUBLISHER)
    title = _text(article.get("headline")) or _first(metas, _TITLE) or _element(root, "title") or _element(root, "h1")
    published = _text(article.get("datePublished")) or _first(metas, _PUBLISHED) or _time(root)
    author = _named(article.get("author")) or _first(metas, _AUTHOR)
    return Found(
        title=tidy_title(title, _first(metas, ("og:site_name",)) or site or _host(address)) if title else None,
        publisher=name(site) if site else None,
        author=name(author) if author and "://" not in author else None,
        published=find_date(fold(published)) if published else None,
        url=_canonical(root, metas, address),
    )


def _metas(root: HtmlElement) -> dict[str, str]:
    """The first non-empty content of each meta element, by its lower-case name."""
    found: dict[str, str] = {}
    for meta in root.iter("meta"):
        key = (meta.get("property") or meta.get("name") or meta.get("itemprop") or "").strip().lower()
        content = (meta.get("content") or "").strip()
        if key and content:
            found.setdefault(key, content)
    return found


def _first(metas: dict[str, str], keys: tuple[str, ...]) -> str | None:
    return next((metas[key] for key in keys if key in metas), None)


def _articles(root: HtmlElement) -> Iterator[Json]:
    for script in root.iter("script"):
        if (script.get("type") or "").strip().lower() == "application/ld+json" and len(
            script.text or ""
        ) < _LONGEST_JSON:
            yield from _typed(_json(script.text or ""))


def _json(text: str) -> object:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _typed(node: object) -> Iterator[Json]:
    """The nodes that are articles: the document itself, members of its list, or of its @graph."""
    if isinstance(node, list):
        for each in node[:100]:
            yield from _typed(each) if isinstance(each, dict) else ()
    elif isinstance(node, dict):
        kinds = node.get("@type")
        names = kinds if isinstance(kinds, list) else [kinds]
        if any(str(kind).lower() in _ARTICLES for kind in names):
            yield node
        yield from _typed(node["@graph"]) if isinstance(node.get("@graph"), list) else ()


def _text(value: object) -> str | None:
    return " ".join(value.split()) or None if isinstance(value, str) else None


def _named(value: object) -> str | None:
    """The name of a person or organisation, several joined by 、 as authors are."""
    if isinstance(value, list):
        return "、".join(dict.fromkeys(n for each in value[:20] if (n := _named(each)))) or None
    return _text(value.get("name")) if isinstance(value, dict) else _text(value)


def _element(root: HtmlElement, tag: str) -> str | None:
    return next((text for e in root.iter(tag) if (text := " ".join(str(e.text_content()).split()))), None)


def _time(root: HtmlElement) -> str | None:
    return next(
        (stamp for e in root.iter("time") if e.get("pubdate") is not None and (stamp := e.get("datetime"))), None
    )


def _canonical(root: HtmlElement, metas: dict[str, str], address: str | None) -> str | None:
    links = (e.get("href") for e in root.iter("link") if "canonical" in (e.get("rel") or "").lower().split())
    for candidate in (*links, metas.get("og:url"), address):
        if candidate and (url := _absolute(candidate, address)):
            return url
    return None


def _absolute(link: str, address: str | None) -> str | None:
    try:
        url = urljoin(address or "", link.strip())
        return url if urlsplit(url).scheme in ("http", "https") and urlsplit(url).netloc else None
    except ValueError:
        return None


def _host(address: str | None) -> str | None:
    return urlsplit(address).hostname if address else None
