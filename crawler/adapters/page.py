"""One single page: the article whose address is the source's. Options: its selectors, as in `listing`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crawler.adapters import Draft, Found, NotUnderstood, Request, Response, identity
from crawler.document import Kind
from crawler.options import PAGE
from crawler.reading.article import SHORTEST, read_article
from crawler.source import Source

KIND: Kind = "article"
OPTIONS = PAGE
READABLE = ("text/html", "application/xhtml", "text/plain")


def requests(source: Source) -> Iterable[Request]:
    """The page."""
    yield Request(source.url)


def parse(response: Response, source: Source) -> Iterator[Found]:
    """The article, under the address the page was found at in the end: what a short link leads to is known by it."""
    if not response.headers.get("content-type", "text/html").lower().startswith(READABLE):
        raise NotUnderstood("not-a-page")
    article = read_article(response, Draft(identity(response.url), response.url), source.options)
    if len(article.text) < SHORTEST:
        raise NotUnderstood("text-too-short", least=str(SHORTEST))
    yield article
