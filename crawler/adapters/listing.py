"""List pages of an outlet without a feed, by CSS selectors.

Options: `links` (articles of the list page), `title`, `body`, `date`, `author` (of the article page), `next` (the link to
the next list page, followed as long as a page brings something new).
"""

from __future__ import annotations

from collections import Counter
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
    found = _articles(links[:MOST_LINKS], response)
    shared = Counter(title.casefold() for _, title in found.values())
    for key, (address, title) in found.items():
        telling = not source.options.get("title") and shared[title.casefold()] == 1
        yield Request(address, Draft(key, address, title if telling else ""))
    if any(document_key(key) not in source.settled for key in found):
        yield from _next_page(tree, response, source)


def _articles(links: Iterable[html.HtmlElement], response: Response) -> dict[str, tuple[str, str]]:
    """Identity -> address and text of each link of the same host; "Selengkapnya" is the text of many."""
    host, found = urlsplit(response.url).hostname, dict[str, tuple[str, str]]()
    for link in links:
        address = web_address(link.get("href"), response.url)
        if address and urlsplit(address).hostname == host:
            found.setdefault(identity(address), (address, one_line(text_of(link))))
    return found


def _next_page(tree: html.HtmlElement, response: Response, source: Source) -> Iterator[Request]:
    follow = tree.cssselect(source.options["next"]) if source.options.get("next") else []
    address = web_address(follow[0].get("href"), response.url) if follow else None
    if address and bare(address) != bare(response.url):
        yield Request(address)
