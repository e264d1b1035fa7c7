"""List pages of an outlet without a feed, by CSS selectors.

Options: `links` (articles of the list page), `title`, `body`, `date`, `author` (of the article page), `next` (the link to
the next list page, followed as long as a page brings something new).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from lxml import etree, html

from crawler.adapters import Draft, Found, NotUnderstood, Request, Response, bare, identity, web_address
from crawler.document import Kind, document_key
from crawler.options import PAGE, Option
from crawler.source import Source
from crawler.text import one_line, text_of

KIND: Kind = "article"
OPTIONS = {
    "links": Option("links to the articles on the list page", "selector"),
    "next": Option("link to the next list page", "selector"),
    **PAGE,
}
MOST_LINKS = 100


def requests(source: Source) -> Iterable[Request]:
    """The list page."""
    if not source.options.get("links"):
        raise NotUnderstood("option-missing", option="links")
    yield Request(source.url)


def parse(response: Response, source: Source) -> Iterator[Found]:
    """A page to fetch per link of the same host, then the next list page."""
    try:
        tree = html.document_fromstring(response.body)
        links = tree.cssselect(source.options["links"])
    except (etree.ParserError, etree.XPathError, ValueError, SyntaxError) as error:
        raise NotUnderstood("list-unreadable", error=type(error).__name__) from None
    if not links:
        raise NotUnderstood("list-without-links", selector=source.options["links"])
    host, seen, fresh = urlsplit(response.url).hostname, set(), False
    for link in links[:MOST_LINKS]:
        address = web_address(link.get("href"), response.url)
        if address and urlsplit(address).hostname == host and identity(address) not in seen:
            seen.add(identity(address))
            fresh |= document_key(identity(address)) not in source.settled
            title = "" if source.options.get("title") else one_line(text_of(link))
            yield Request(address, Draft(identity(address), address, title))
    if fresh:
        yield from _next_page(tree, response, source)


def _next_page(tree: html.HtmlElement, response: Response, source: Source) -> Iterator[Request]:
    follow = tree.cssselect(source.options["next"]) if source.options.get("next") else []
    address = web_address(follow[0].get("href"), response.url) if follow else None
    if address and bare(address) != bare(response.url):
        yield Request(address)
