"""Mastodon's public timelines: hashtags, or the server's own.

Options: `tags` (a list, or names with commas between), or `public = true` for the local public timeline.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from crawler.adapters import Draft, Found, NotUnderstood, Request, Response, identity, web_address
from crawler.dates import believable, parse_date
from crawler.document import Kind, document_key
from crawler.notes import note
from crawler.source import Source
from crawler.text import from_html, one_line, plain

KIND: Kind = "post"
LIMIT = 40
_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')


def requests(source: Source) -> Iterable[Request]:
    """A timeline per tag. `url` is the server's."""
    base, tags = source.url.rstrip("/"), source.options.get("tags") or ()
    for tag in tags.split(",") if isinstance(tags, str) else tags:
        yield Request(f"{base}/api/v1/timelines/tag/{quote(tag.strip().lstrip('#'))}?limit={LIMIT}")
    if source.options.get("public"):
        yield Request(f"{base}/api/v1/timelines/public?local=true&limit={LIMIT}")
    if not tags and not source.options.get("public"):
        raise NotUnderstood("option-missing", option="tags / public=true")


def parse(response: Response, source: Source) -> Iterator[Found]:
    """A draft per status, boosts left out; older pages as long as they bring something new."""
    try:
        statuses = json.loads(response.body)
    except ValueError:
        raise NotUnderstood("not-json") from None
    if not isinstance(statuses, list):
        raise NotUnderstood("api-refuses", reason=str(statuses.get("error") if isinstance(statuses, dict) else "-"))
    fresh = False
    for number, status in enumerate(statuses, 1):
        try:
            found = _status(status, number, response)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            found = note("item-unreadable", response.url, "left-out", number=number, error=type(error).__name__)
        if found is not None:
            fresh |= isinstance(found, Draft) and document_key(found.identity) not in source.settled
            yield found
    if fresh and len(statuses) == LIMIT:
        yield from _older(response)


def _status(status: Any, number: int, response: Response) -> Found | None:
    if status.get("reblog"):
        return None
    link = web_address(status.get("url") or status.get("uri"), response.url)
    if link is None:
        return note("item-without-link", response.url, "left-out", number=number)
    text = plain(f"{status.get('spoiler_text') or ''}\n{from_html(status['content'])}")
    if not text:
        return note("item-empty", response.url, "left-out", number=number)
    published_at, doubt = believable(parse_date(status.get("created_at"), response.fetched_at), response.fetched_at)
    counts = [int(status.get(name) or 0) for name in ("favourites_count", "reblogs_count", "replies_count")]
    author = one_line(status["account"]["acct"])
    return Draft(identity(link), link, "", text, published_at, author, sum(counts), (doubt,) if doubt else ())


def _older(response: Response) -> Iterator[Request]:
    link = _NEXT.search(response.headers.get("link", ""))
    address = web_address(link[1], response.url) if link else None
    if address:
        yield Request(address)
