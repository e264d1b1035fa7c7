"""WordPress REST API: `/wp-json/wp/v2/posts`, full texts, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from crawler.adapters import Draft, Found, NotUnderstood, Request, Response, identity, stamp, web_address
from crawler.api import each, said
from crawler.dates import believable, parse_date
from crawler.document import Kind
from crawler.notes import note
from crawler.source import Source
from crawler.text import from_html, one_line

KIND: Kind = "article"
PER_PAGE = 50
OVERLAP = timedelta(days=1)  # asked again before the newest we hold: posts are dated by hand


def requests(source: Source) -> Iterable[Request]:
    """The first page of posts, those after the newest settled one if there is any. `url` is the site's or the API's."""
    base = source.url if "/wp-json/" in source.url else source.url.rstrip("/") + "/wp-json/wp/v2/posts"
    query = {"per_page": str(PER_PAGE), "_embed": "author", "orderby": "date", "order": "desc"}
    if source.since is not None:
        query["after"] = (source.since - OVERLAP).astimezone(UTC).strftime("%Y-%m-%dT00:00:00")
    yield Request(f"{base}?{urlencode(query)}")


def parse(response: Response, source: Source) -> Iterator[Found]:
    """A draft per post, a Note per broken one, and the next page."""
    posts = said(response)
    if not isinstance(posts, list):
        raise NotUnderstood("api-refuses", reason=str(posts.get("message") if isinstance(posts, dict) else "-"))
    seen: set[str] = set()
    yield from each(posts, lambda post, number: [_once(_post(post, number, response), number, seen)], response)
    yield from _next_page(response, full=len(posts) == PER_PAGE)


def _once(found: Found, number: int, seen: set[str]) -> Found:
    """A post, or a Note if another one of the list has its address."""
    if not isinstance(found, Draft):
        return found
    if found.identity in seen:
        return note("item-repeated", found.url, "read-once", number=number)
    seen.add(found.identity)
    return found


def _post(post: Any, number: int, response: Response) -> Found:
    link = web_address(post["link"], response.url)
    if link is None:
        return note("item-bad-link", response.url, "left-out", number=number)
    title = one_line(from_html(post["title"]["rendered"]))
    text = from_html(post["content"]["rendered"]) or from_html(post.get("excerpt", {}).get("rendered"))
    if not title and not text:
        return note("item-empty", link, "left-out", number=number)
    written = f"{post['date_gmt']}+00:00" if post.get("date_gmt") else post.get("date")
    published_at, doubt = believable(parse_date(written, response.fetched_at), response.fetched_at)
    authors = post.get("_embedded", {}).get("author") or [{}]
    author = one_line(authors[0].get("name")) or None
    state = stamp(str(post.get("modified_gmt") or post.get("modified") or ""), title, text)
    return Draft(identity(link), link, title, text, published_at, author, None, (doubt,) if doubt else (), state)


def _next_page(response: Response, *, full: bool) -> Iterator[Request]:
    parts = urlsplit(response.url)
    query = dict(parse_qsl(parts.query))
    page = int(query.get("page", "1"))
    told = response.headers.get("x-wp-totalpages", "")
    pages = int(told) if told.isdecimal() and len(told) < 10 else page + full
    if page < pages:
        yield Request(urlunsplit(parts._replace(query=urlencode(query | {"page": str(page + 1)}))))
