"""WordPress REST API: `/wp-json/wp/v2/posts`, full texts, newest first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from crawler.adapters import Draft, Found, NotUnderstood, Request, Response, identity, web_address
from crawler.dates import believable, parse_date
from crawler.document import Kind
from crawler.source import Note, Source
from crawler.text import from_html, one_line

KIND: Kind = "article"
PER_PAGE = 50
OVERLAP = timedelta(days=1)  # asked again before the newest we hold: posts are dated by hand


def requests(source: Source) -> Iterable[Request]:
    """The first page of posts, those after the newest we hold if we hold any. `url` is the site's or the API's."""
    base = source.url if "/wp-json/" in source.url else source.url.rstrip("/") + "/wp-json/wp/v2/posts"
    query = {"per_page": str(PER_PAGE), "_embed": "author", "orderby": "date", "order": "desc"}
    if source.since is not None:
        query["after"] = (source.since - OVERLAP).astimezone(UTC).strftime("%Y-%m-%dT00:00:00")
    yield Request(f"{base}?{urlencode(query)}")


def parse(response: Response, source: Source) -> Iterator[Found]:
    """A draft per post, a Note per broken one, and the next page."""
    try:
        posts = json.loads(response.body)
    except ValueError:
        raise NotUnderstood("the address does not answer with JSON; is the site's REST API switched off?") from None
    if not isinstance(posts, list):
        why = posts.get("message") if isinstance(posts, dict) else None
        raise NotUnderstood(f"the API refuses: {why or 'no list of posts'}")
    for number, post in enumerate(posts, 1):
        try:
            yield _post(post, number, response)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            yield Note(
                "item-unreadable", f"post {number} could not be read ({type(error).__name__}); left out", response.url
            )
    yield from _next_page(response, full=len(posts) == PER_PAGE)


def _post(post: Any, number: int, response: Response) -> Found:
    link = web_address(post["link"], response.url)
    if link is None:
        return Note("item-without-link", f"post {number} has no web address; left out", response.url)
    title = one_line(from_html(post["title"]["rendered"]))
    text = from_html(post["content"]["rendered"]) or from_html(post.get("excerpt", {}).get("rendered"))
    if not title and not text:
        return Note("item-empty", f"post {number} has neither title nor text; left out", link)
    written = f"{post['date_gmt']}+00:00" if post.get("date_gmt") else post.get("date")
    published_at, doubt = believable(parse_date(written, response.fetched_at), response.fetched_at)
    authors = post.get("_embedded", {}).get("author") or [{}]
    author = one_line(authors[0].get("name")) or None
    return Draft(identity(link), link, title, text, published_at, author, None, (doubt,) if doubt else ())


def _next_page(response: Response, *, full: bool) -> Iterator[Request]:
    parts = urlsplit(response.url)
    query = dict(parse_qsl(parts.query))
    page = int(query.get("page", "1"))
    pages = int(response.headers.get("x-wp-totalpages") or (page + full))
    if page < pages:
        yield Request(urlunsplit(parts._replace(query=urlencode(query | {"page": str(page + 1)}))))
