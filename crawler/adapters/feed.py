"""RSS, Atom, RDF. Items with their full text are documents; of the others the page is fetched."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from crawler.adapters import Draft, Found, NotUnderstood, Request, Response, identity, web_address
from crawler.dates import believable, parse_date
from crawler.document import Kind
from crawler.source import Note, Source
from crawler.text import from_html, one_line

KIND: Kind = "article"
FULL_TEXT = 600  # characters from which an item's own text is taken for the whole article
MOST_ITEMS = 500


def requests(source: Source) -> Iterable[Request]:
    """The feed."""
    yield Request(source.url)


def parse(response: Response, source: Source) -> Iterator[Found]:
    """A draft or a page to fetch per item; a Note per item that is broken or repeated."""
    feed = _read(response)
    seen: set[str] = set()
    for number, entry in enumerate(feed.entries[:MOST_ITEMS], 1):
        try:
            found = _item(entry, number, response)
        except Exception as error:  # whatever one item holds, the others go on
            found = Note(
                "item-unreadable", f"item {number} could not be read ({type(error).__name__}); left out", response.url
            )
        draft = found.page_of if isinstance(found, Request) else found
        if isinstance(draft, Draft):
            if draft.identity in seen:
                found = Note("item-repeated", f"item {number} stands in the feed twice; read once", draft.url)
            seen.add(draft.identity)
        yield found


def _read(response: Response) -> Any:
    import feedparser

    try:
        # only ever a file object: a str or bytes that looks like an address or a path would be opened
        feed = feedparser.parse(io.BytesIO(response.body), sanitize_html=False, resolve_relative_uris=False)
    except Exception as error:
        raise NotUnderstood(f"the feed cannot be read ({type(error).__name__}: {error})") from None
    if not feed.entries and not feed.get("version"):
        start = response.body[:200].lstrip().lower()
        what = "a web page" if start.startswith((b"<!doctype html", b"<html")) else "something else"
        raise NotUnderstood(f"the address answers with {what}, not with a feed")
    return feed


def _item(entry: Any, number: int, response: Response) -> Found:
    link = web_address(entry.get("link"), response.url) if entry.get("link") else None
    if link is None:
        what = f"a link that is no web address ({str(entry.get('link'))[:60]!r})" if entry.get("link") else "no link"
        return Note("item-without-link", f"item {number} has {what}; left out", response.url)
    title = one_line(from_html(entry.get("title")))
    text = max((from_html(value) for value in _texts(entry)), key=len, default="")
    if not title and not text:
        return Note("item-empty", f"item {number} has neither title nor text; left out", link)
    published_at, doubt = believable(_date(entry, response.fetched_at), response.fetched_at)
    draft = Draft(
        identity(link),
        link,
        title,
        text,
        published_at,
        one_line(entry.get("author")) or None,
        None,
        (doubt,) if doubt else (),
    )
    return draft if len(text) >= FULL_TEXT else Request(link, draft)


def _texts(entry: Any) -> Iterator[str]:
    yield entry.get("summary") or ""
    yield from (content.get("value") or "" for content in entry.get("content") or ())


def _date(entry: Any, now: datetime) -> datetime | None:
    """By our own reading first: feedparser takes WIB for UTC and misses Indonesian months."""
    for name in ("published", "updated", "created"):
        if entry.get(name):
            own = parse_date(entry[name], now)
            if own is not None:
                return own
            parsed = entry.get(f"{name}_parsed")
            if parsed:
                year, month, day, hour, minute, second = parsed[:6]
                return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return None
