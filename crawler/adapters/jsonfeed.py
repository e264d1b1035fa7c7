"""JSON Feed 1.0 and 1.1. Items with their full text are documents; of the others the page is fetched, as of a feed's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from crawler.adapters import Draft, Found, NotUnderstood, Request, Response, identity, stamp, web_address
from crawler.adapters.feed import FULL_TEXT, MOST_ITEMS
from crawler.api import BROKEN, moment, said
from crawler.document import Kind, document_key
from crawler.notes import note
from crawler.options import PAGE
from crawler.source import Source
from crawler.text import from_html, one_line, plain

KIND: Kind = "article"
OPTIONS = PAGE


def requests(source: Source) -> Iterable[Request]:
    """The feed."""
    yield Request(source.url)


def parse(response: Response, source: Source) -> Iterator[Found]:
    """A draft or a page to fetch per item, a Note per broken or repeated one; older items while they bring something new."""
    feed = _feed(response)
    seen: set[str] = set()
    fresh = False
    for number, item in enumerate(feed["items"][:MOST_ITEMS], 1):
        try:
            found = _item(item, number, response)
        except BROKEN as error:
            found = note("item-unreadable", response.url, "left-out", number=number, error=type(error).__name__)
        draft = found.page_of if isinstance(found, Request) else found
        if isinstance(draft, Draft):
            fresh |= document_key(draft.identity) not in source.settled
            if draft.identity in seen:
                found = note("item-repeated", draft.url, "read-once", number=number)
            seen.add(draft.identity)
        yield found
    older = web_address(str(feed["next_url"]), response.url) if feed.get("next_url") else None
    if fresh and older and older != response.url:
        yield Request(older)


def _feed(response: Response) -> dict[str, Any]:
    feed = said(response)
    if (
        not isinstance(feed, dict)
        or "jsonfeed.org/version/" not in str(feed.get("version"))
        or not isinstance(feed.get("items"), list)
    ):
        raise NotUnderstood("not-json-feed")
    return feed


def _item(item: Any, number: int, response: Response) -> Found:
    link = _link(item)
    if not link:
        return note("item-without-link", response.url, "left-out", number=number)
    address = web_address(link, response.url)
    if address is None:
        return note("item-bad-link", response.url, "left-out", number=number)
    title = one_line(from_html(item.get("title")))
    texts = (from_html(item.get("content_html")), plain(item.get("content_text")), plain(item.get("summary")))
    text = max(texts, key=len)
    if not title and not text:
        return note("item-empty", address, "left-out", number=number)
    published_at, doubts = moment(response, item.get("date_published"), item.get("date_modified"))
    whole = len(text) >= FULL_TEXT
    state = stamp(str(item.get("date_modified") or ""), title, text if whole else "")
    draft = Draft(identity(address), address, title, text, published_at, _author(item), None, doubts, state)
    return draft if whole else Request(address, draft)


def _link(item: Any) -> str | None:
    """The item's own page; its id, where that is an address; the page elsewhere it only points to."""
    id_as_link = str(item.get("id") or "")
    return item.get("url") or (id_as_link if id_as_link.startswith("http") else None) or item.get("external_url")


def _author(item: Any) -> str | None:
    """By the list of version 1.1, or the single one of version 1.0."""
    authors = item.get("authors") or [item.get("author") or {}]
    names = (author.get("name") for author in authors if isinstance(author, dict))
    return one_line(", ".join(name for name in names if name)) or None
