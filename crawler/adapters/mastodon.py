"""Mastodon's public timelines: hashtags, or the server's own.

Options: `tags` (a list, or names with commas between), or `public = true` for the local public timeline; `token = true` for
a server that answers only to its own people. That token is named after the server and can be sent to no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

from crawler.adapters import TOKEN, Draft, Found, NotUnderstood, Request, Response, web_address
from crawler.api import brings_new, each, moment, rate_limited, said, switched, word
from crawler.document import Kind
from crawler.identity import hearsay
from crawler.notes import Note, note
from crawler.options import Option
from crawler.source import Source
from crawler.text import from_html, one_line, plain

KIND: Kind = "post"
OPTIONS = {
    "tags": Option("hashtags", "list"),
    "public": Option("the server's own public timeline", "flag"),
    "token": Option("ask with the token of this server", "flag"),
}
LIMIT = 40
_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')


def requests(source: Source) -> Iterable[Request]:
    """A timeline per tag. `url` is the server's."""
    base, tags = source.url.rstrip("/"), source.options.get("tags") or ()
    for tag in tags.split(",") if isinstance(tags, str) else tags:
        yield _call(f"{base}/api/v1/timelines/tag/{quote(tag.strip().lstrip('#'))}?limit={LIMIT}", source)
    if switched(source, "public"):
        yield _call(f"{base}/api/v1/timelines/public?local=true&limit={LIMIT}", source)
    elif not tags:
        raise NotUnderstood("option-missing", option="tags / public=true")


def parse(response: Response, source: Source) -> Iterator[Found]:
    """A draft per status, boosts left out; older pages as long as they bring something new."""
    statuses = said(response)
    if not isinstance(statuses, list):
        raise NotUnderstood("api-refuses", reason=word(statuses.get("error") if isinstance(statuses, dict) else "-"))
    found = list(each(statuses, lambda status, place: _status(status, place, response, source), response))
    yield from found
    if len(statuses) == LIMIT and brings_new(found, source):
        yield from _older(response, source)


def refused(response: Response, source: Source) -> Note | None:
    """401, 403 and, where the public timeline is closed, 422 ask for an account; a token that was sent is not accepted."""
    if response.status == 429:
        raise rate_limited(response)
    if response.status not in (401, 403, 422):
        return None
    if switched(source, "token"):
        raise NotUnderstood("token-rejected", name=_token(source), reason=f"HTTP {response.status}")
    raise NotUnderstood("sign-in", status=str(response.status))


def _call(url: str, source: Source) -> Request:
    if not switched(source, "token"):
        return Request(url)
    return Request(url, headers={"Authorization": f"Bearer {TOKEN}"}, token=_token(source))


def _token(source: Source) -> str:
    return f"mastodon-{urlsplit(source.url).netloc.lower()}"


def _status(status: Any, place: int, response: Response, source: Source) -> Iterator[Found]:
    """A status; one of another server is hearsay: what this one tells must not stand for what that one has."""
    if status.get("reblog") or status.get("visibility", "public") != "public":
        return
    link = web_address(status.get("url") or status.get("uri"), response.url)
    text = plain(f"{status.get('spoiler_text') or ''}\n{from_html(status['content'])}")
    if link is None or not text:
        yield note("item-empty" if link else "item-without-link", response.url, "left-out", number=place)
        return
    published_at, doubts = moment(response, status.get("created_at"))
    counts = [int(status.get(name) or 0) for name in ("favourites_count", "reblogs_count", "replies_count")]
    author, own = one_line(status["account"]["acct"]), hearsay(link, source.url)
    yield Draft(own, link, "", text, published_at, author, sum(counts), doubts)


def _older(response: Response, source: Source) -> Iterator[Request]:
    """The page behind, on the same server: it is the server that names the address."""
    link = _NEXT.search(response.headers.get("link", ""))
    address = web_address(link[1], response.url) if link else None
    if address and urlsplit(address)[:2] == urlsplit(response.url)[:2]:
        yield _call(address, source)
