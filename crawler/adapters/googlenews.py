"""Google News, by query: headlines as hints. The pages behind them are never fetched: their addresses lead through Google.

Options: `query`, as one would type it; `when`, how recent ("1d", "12h"). `url` is https://news.google.com.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from crawler.adapters import Draft, Found, NotUnderstood, Request, Response, identity, web_address
from crawler.api import moment
from crawler.document import Kind
from crawler.notes import note
from crawler.options import Option
from crawler.reading.xmllist import read_xml, text_at
from crawler.source import Source
from crawler.text import from_html, one_line

KIND: Kind = "article"
OPTIONS = {"query": Option("as one would type it"), "when": Option("how recent: 1d, 12h")}
INDONESIA = {"hl": "id", "gl": "ID", "ceid": "ID:id"}


def requests(source: Source) -> Iterable[Request]:
    """The results of the query, in Indonesian, from Indonesia."""
    query, when = (str(source.options.get(name) or "").strip() for name in ("query", "when"))
    if not query:
        raise NotUnderstood("option-missing", option="query")
    asked = {"q": f"{query} when:{when}" if when else query}
    yield Request(urlunsplit(urlsplit(source.url)._replace(path="/rss/search", query=urlencode(asked | INDONESIA))))


def parse(response: Response, source: Source) -> Iterator[Found]:
    """A draft per headline, told to be no more than that; a Note per broken one."""
    listed = read_xml(response.body, ("rss",), ("item",), "not-a-feed")
    if listed.broken_at:
        code = "feed-cut-short" if listed.cut else "feed-malformed"
        readable = sum(item is not None for item in listed.items)
        yield note(code, response.url, line=listed.broken_at, count=readable)
    for number, item in enumerate(listed.items, 1):
        yield _headline(item, number, response)


def _headline(item: Any, number: int, response: Response) -> Found:
    if item is None:
        return note("item-unreadable", response.url, "left-out", number=number, error="XML")
    address = text_at(item, "link")
    link = web_address(address, response.url) if address else None
    if link is None:
        return note("item-bad-link" if address else "item-without-link", response.url, "left-out", number=number)
    outlet = one_line(text_at(item, "source"))
    title = one_line(from_html(text_at(item, "title"))).removesuffix(f"- {outlet}").rstrip()
    if not title:
        return note("item-empty", response.url, "left-out", number=number)
    published_at, doubts = moment(response, text_at(item, "pubDate"))
    notes = ("headline-only", *doubts)
    return Draft(identity(link.partition("?")[0]), link, title, "", published_at, outlet or None, None, notes)
