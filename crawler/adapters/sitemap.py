"""Sitemaps: those of news with titles and dates, plain ones with `lastmod`, and indexes of them; gzipped or not.

Options: `days` (how far back, 7), `include` (start of the path of the pages that are wanted, or a list of such starts),
`sitemaps` (the same for the sitemaps of an index), and the selectors of the article page as in `listing`.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from crawler.adapters import (
    REQUESTS,
    Draft,
    Found,
    NotUnderstood,
    Request,
    Response,
    bare,
    identity,
    number,
    stamp,
    web_address,
)
from crawler.api import moment
from crawler.document import Kind, document_key
from crawler.notes import Note, note
from crawler.options import PAGE, Option
from crawler.reading.xmllist import read_xml, text_at
from crawler.source import Source
from crawler.text import from_html, one_line

KIND: Kind = "article"
DAYS, MOST_DAYS = 7, 365
OPTIONS = {
    "days": Option("how far back it is read", "number", MOST_DAYS),
    "include": Option("starts of the paths of wanted pages", "list"),
    "sitemaps": Option("the same for the sitemaps of an index", "list"),
    **PAGE,
}
MOST_PAGES = 200  # of one sitemap in one visit that are not held yet; the next visit takes the next ones
MOST_BYTES = 10 * 1024 * 1024  # unpacked
GZIP = b"\x1f\x8b"
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """One address of a sitemap."""

    url: str
    at: datetime | None  # of publication, in a news sitemap; else of the last change
    news: bool = False
    title: str = ""
    doubts: tuple[str, ...] = ()  # of the date
    changed: str = ""  # the date of the last change, as written


def requests(source: Source) -> Iterable[Request]:
    """The sitemap, or the index."""
    number(source, "days", DAYS, MOST_DAYS)
    yield Request(source.url)


def parse(response: Response, source: Source) -> Iterator[Found]:
    """Of an index its newest sitemaps, of a sitemap its newest pages; a Note per entry that is broken."""
    listed = read_xml(_unpacked(response.body), ("urlset", "sitemapindex"), ("url", "sitemap"), "not-a-sitemap")
    found = [_entry(element, place, response) for place, element in enumerate(listed.items, 1)]
    entries = [one for one in found if isinstance(one, Entry)]
    if listed.broken_at:
        code = "feed-cut-short" if listed.cut else "sitemap-malformed"
        yield note(code, response.url, says="sitemap-malformed", line=listed.broken_at, count=len(entries))
    yield from (one for one in found if isinstance(one, Note))
    oldest = response.fetched_at - timedelta(days=number(source, "days", DAYS, MOST_DAYS))
    choose = _sitemaps if listed.root == "sitemapindex" else _pages
    yield from choose(entries, oldest, response, source)


def _entry(element: Any, place: int, response: Response) -> Entry | Note:
    if element is None:
        return note("item-unreadable", response.url, "left-out", number=place, error="XML")
    address = text_at(element, "loc")
    if not address:
        return note("item-without-link", response.url, "left-out", number=place)
    link = web_address(address, response.url)
    if link is None:
        return note("item-bad-link", response.url, "left-out", number=place)
    news = next(element.iterchildren("{*}news"), None)
    written, changed = "" if news is None else text_at(news, "publication_date"), text_at(element, "lastmod")
    at, doubts = moment(response, written or changed)
    if news is None:
        return Entry(link, at, changed=changed)
    return Entry(link, at, True, one_line(from_html(text_at(news, "title"))), doubts, changed)


def _sitemaps(entries: list[Entry], oldest: datetime, response: Response, source: Source) -> Iterator[Found]:
    """The sitemaps of an index that may hold something new, newest first; those without a date last, as they stand.

    An index inside an index is not followed: the protocol knows none, and it could go round in circles.
    """
    if response.request is not None and response.request.url != source.url:
        yield note("sitemap-nested", response.url, "left-out")
        return
    recent = (one for one in entries if one.at is None or one.at >= oldest)
    wanted = {bare(one.url): one for one in recent if _starts(one.url, source.options.get("sitemaps"))}
    wanted.pop(bare(response.url), None)
    for entry in _newest_first(wanted.values())[:REQUESTS]:
        yield Request(entry.url)


def _pages(entries: list[Entry], oldest: datetime, response: Response, source: Source) -> Iterator[Found]:
    """A page to fetch per entry that is recent, newest first.

    What has no date that can be read is recent in a news sitemap, which holds two days by its own rules; elsewhere it is
    left out and counted: a whole archive may stand there.
    """
    wanted = [one for one in entries if _starts(one.url, source.options.get("include"))]
    undated = sum(one.at is None and not one.news for one in wanted)
    if undated:
        yield note("sitemap-undated", response.url, count=undated)
    recent = [one for one in wanted if (one.at >= oldest if one.at else one.news)]
    seen, fresh = set(), 0
    for entry in _newest_first(recent):
        draft = _draft(entry)
        fresh += draft.identity not in seen and document_key(draft.identity) not in source.known
        if fresh > MOST_PAGES:
            yield note("rest-later", response.url)
            return
        if draft.identity not in seen:
            seen.add(draft.identity)
            yield Request(entry.url, draft)


def _draft(entry: Entry) -> Draft:
    """What is known of a page before it is fetched. The date of a change says nothing of publication."""
    published_at = entry.at if entry.news else None
    state = stamp(entry.changed, entry.title)
    return Draft(
        identity(entry.url), entry.url, entry.title, published_at=published_at, notes=entry.doubts, stamp=state
    )


def _newest_first(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: entry.at or LONG_AGO, reverse=True)


def _starts(address: str, wanted: Any) -> bool:
    """Whether the path of an address starts with what is wanted; commas stand between several."""
    given = wanted.split(",") if isinstance(wanted, str) else wanted or ()
    starts = ["/" + start.strip().lstrip("/") for start in given if start.strip()]
    return not starts or (urlsplit(address).path or "/").startswith(tuple(starts))


def _unpacked(body: bytes) -> bytes:
    """The XML of a `.gz` file, as far as the limit lets it grow. What the server packed for the way is unpacked already."""
    if not body.startswith(GZIP):
        return body
    try:
        unpacked = gzip.GzipFile(fileobj=io.BytesIO(body)).read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise NotUnderstood("cut-short") from None
    if len(unpacked) > MOST_BYTES:
        raise NotUnderstood("too-large")
    return unpacked
