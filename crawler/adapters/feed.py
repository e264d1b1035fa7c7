"""RSS, Atom, RDF. Items with their full text are documents; of the others the page is fetched."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from crawler.adapters import Draft, Found, NotUnderstood, Request, Response, identity, stamp, web_address
from crawler.dates import believable, parse_date
from crawler.document import Kind
from crawler.notes import Note, note
from crawler.options import PAGE
from crawler.reading.plainfeed import Entry, Unusual, plain_entries
from crawler.reading.xmllist import breaks_off, markup_of, pieces_of, starts_of
from crawler.source import Source
from crawler.text import from_html, one_line

KIND: Kind = "article"
OPTIONS = PAGE
FULL_TEXT = 600  # characters from which an item's own text is taken for the whole article
MOST_ITEMS = 500
_DECLARATION = re.compile(rb"<\?xml[^>]{0,200}\?>")
_ROOT = re.compile(rb"<(rss|rdf:RDF|feed)\b[^>]{0,4000}>")
_ITEMS = ("item", "entry")


def requests(source: Source) -> Iterable[Request]:
    """The feed."""
    yield Request(source.url)


def parse(response: Response, source: Source) -> Iterator[Found]:
    """A draft or a page to fetch per item; a Note per item that is broken or repeated, and one if the feed itself is."""
    entries, broken = _entries(response)
    if broken:
        yield broken
    seen: set[str] = set()
    for number, entry in enumerate(entries[:MOST_ITEMS], 1):
        try:
            found = _item(entry if isinstance(entry, Entry) else _judged(entry, response.fetched_at), number, response)
        except Exception as error:  # whatever one item holds, the others go on
            found = note("item-unreadable", response.url, "left-out", number=number, error=type(error).__name__)
        draft = found.page_of if isinstance(found, Request) else found
        if isinstance(draft, Draft):
            if draft.identity in seen:
                found = note("item-repeated", draft.url, "read-once", number=number)
            seen.add(draft.identity)
        yield found


def _entries(response: Response) -> tuple[list[Any], Note | None]:
    """The entries of the feed. One whose XML is broken is read item by item, so that a bad one costs only itself."""
    from xml.sax import SAXException

    with suppress(Unusual):
        return plain_entries(response.body, response.fetched_at, MOST_ITEMS), None
    try:
        feed = _parsed(response.body)
    except Exception as error:  # feedparser lets many kinds through
        return _one_by_one(response, error)
    if isinstance(feed.get("bozo_exception"), SAXException) and starts_of(_ITEMS).search(response.body):
        return _one_by_one(response, feed.bozo_exception)
    if not feed.entries and not feed.get("version"):
        start = response.body[:200].lstrip().lower()
        raise NotUnderstood(
            "page-not-feed" if start.startswith((b"<!doctype html", b"<html")) else "not-a-feed",
        )
    return feed.entries, None


def _parsed(body: bytes) -> Any:
    import feedparser

    # only ever a file object: a str or bytes that looks like an address or a path would be opened
    return feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)


def _one_by_one(response: Response, error: Exception) -> tuple[list[Any], Note]:
    """Every item that can be read in a feed of its own; one that cannot is the error it raised, in its place.

    Of a feed that was cut short the last item is not taken: it would be kept as it is, and never be read whole.
    """
    body, markup = response.body, markup_of(response.body)
    root = _ROOT.search(markup)
    cut = breaks_off(markup, root[1] if root else b"rss", _ITEMS)
    if cut:
        last = max(markup.rfind(b"</item>"), markup.rfind(b"</entry>"), 0)
        body, markup = body[:last], markup[:last]
    entries: list[Any] = []
    for alone in _alone(body, markup):
        try:
            entries.append(_parsed(alone).entries[0])
        except Exception as own:
            entries.append(own)
    readable = sum(not isinstance(entry, Exception) for entry in entries)
    if not readable:
        raise NotUnderstood("feed-unreadable", error=type(error).__name__) from None
    line = getattr(error, "getLineNumber", lambda: "?")()
    return entries, note("feed-cut-short" if cut else "feed-malformed", response.url, line=line, count=readable)


def _alone(body: bytes, markup: bytes) -> Iterator[bytes]:
    """A small feed for each item: the declaration and the root with its name spaces, never a DTD, around one item."""
    declaration, root = _DECLARATION.match(body.lstrip()), _ROOT.search(markup)
    kind = root[1] if root else b"rss"
    before = (declaration[0] if declaration else b"") + (root[0] if root else b"<rss>")
    before, after = (before, b"</feed>") if kind == b"feed" else (before + b"<channel>", b"</channel></" + kind + b">")
    for piece in pieces_of(body, markup, _ITEMS, MOST_ITEMS):
        yield before + piece + after


def _judged(entry: Any, now: datetime) -> Entry:
    """What feedparser found of an item; the error it raised, again."""
    if isinstance(entry, Exception):
        raise entry
    texts = (entry.get("summary") or "", *(content.get("value") or "" for content in entry.get("content") or ()))
    title, author = entry.get("title") or "", entry.get("author") or ""
    return Entry(title, _link(entry), _date(entry, now), author, texts, dict.get(entry, "updated") or "")


def _link(entry: Any) -> str:
    """The address of the page; of several languages the Indonesian one, else the first."""
    links = [link for link in entry.get("links") or () if link.get("rel") == "alternate" and link.get("href")]
    spoken = [link for link in links if link.get("hreflang")]
    for link in sorted(spoken, key=lambda link: link["hreflang"].lower().split("-")[0] != "id"):
        return str(link["href"])
    return entry.get("link") or ""


def _item(entry: Entry, number: int, response: Response) -> Found:
    if not entry.link:
        return note("item-without-link", response.url, "left-out", number=number)
    link = web_address(entry.link, response.url)
    if link is None:
        return note("item-bad-link", response.url, "left-out", number=number)
    title = one_line(from_html(entry.title))
    text = _longest(entry.texts)
    if not title and not text:
        return note("item-empty", link, "left-out", number=number)
    published_at, doubt = believable(entry.moment, response.fetched_at)
    draft = Draft(
        identity(link),
        link,
        title,
        text,
        published_at,
        one_line(entry.author) or None,
        None,
        (doubt,) if doubt else (),
        stamp(entry.updated, title, text if len(text) >= FULL_TEXT else ""),
    )
    return draft if len(text) >= FULL_TEXT else Request(link, draft)


def _longest(markups: Iterable[str]) -> str:
    """The longest of several texts; what has less markup than another has text is not read."""
    longest = ""
    for markup in sorted(markups, key=len, reverse=True):
        if len(markup) > len(longest):
            longest = max(longest, from_html(markup), key=len)
    return longest


def _date(entry: Any, now: datetime) -> datetime | None:
    """By our own reading first: feedparser takes WIB for UTC and misses Indonesian months.

    Asked by `dict.get`: feedparser's own `get` would give the date of publication where there is none of change.
    """
    for name in ("published", "updated", "created"):
        if written := dict.get(entry, name):
            own = parse_date(written, now)
            if own is not None:
                return own
            parsed = dict.get(entry, f"{name}_parsed")
            if parsed:
                year, month, day, hour, minute, second = parsed[:6]
                return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return None
