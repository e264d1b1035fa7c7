"""Posts on Bluesky: what one account writes, or a search.

What an account writes is public: the option `handle`, or the address of a profile as `url`. A search needs an account of
ours: the options `query` and `account` (its handle), and an app password as the token. Others: `requests`, `token`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from crawler.adapters import TOKEN, Draft, Found, NotUnderstood, Request, Response, identity
from crawler.api import answer, brings_new, each, items, moment, rate_limited, refusal, token_of, word
from crawler.document import Kind
from crawler.notes import Note
from crawler.options import Option
from crawler.source import Source
from crawler.text import one_line, plain

KIND: Kind = "post"
OPTIONS = {
    "handle": Option("the account that is read"),
    "query": Option("search for this"),
    "account": Option("handle of our own account, for a search"),
    "token": Option("name of another token: bluesky-NAME"),
}
PUBLIC = "https://public.api.bsky.app/xrpc"
SIGNED_IN = "https://bsky.social/xrpc"
LIMIT = "100"
NOT_IN_PUBLIC = "!no-unauthenticated"  # an author's wish to be shown to nobody but the network's own people


def requests(source: Source) -> Iterable[Request]:
    """What the account wrote last; or the session that a search needs."""
    handle = source.options.get("handle") or _profile(source.url)
    if source.options.get("query"):
        if not source.options.get("account"):
            raise NotUnderstood("option-missing", option="account")
        body = json.dumps({"identifier": source.options["account"], "password": TOKEN})
        headers = {"Content-Type": "application/json"}
        name = token_of(source, "bluesky")
        yield Request(f"{SIGNED_IN}/com.atproto.server.createSession", None, "POST", headers, body, name)
    elif handle:
        query = {"actor": str(handle).removeprefix("@"), "limit": LIMIT, "filter": "posts_with_replies"}
        yield Request(_feed_url(query))
    else:
        raise NotUnderstood("option-missing", option="handle / query")


def parse(response: Response, source: Source) -> Iterator[Found]:
    """A draft per post, reposts left out; older pages as long as they bring something new."""
    page = answer(response)
    if "accessJwt" in page:
        query = {"q": str(source.options["query"]), "sort": "latest", "limit": LIMIT}
        yield Request(_search_url(query), headers={"Authorization": f"Bearer {page['accessJwt']}"})
        return
    posts = items(page, "posts" if "posts" in page else "feed")
    found = list(each(posts, lambda item, _: _item(item, response), response))
    yield from found
    if page.get("cursor") and brings_new(found, source):
        query = dict(parse_qsl(urlsplit(response.url).query)) | {"cursor": str(page["cursor"])}
        yield Request(_search_url(query), headers=_session(response)) if "posts" in page else Request(_feed_url(query))


def refused(response: Response, source: Source) -> Note | None:
    """A limit of time, or an app password that is not accepted."""
    reason = word(refusal(response).get("error") or "-")
    if response.status == 429:
        raise rate_limited(response)
    if response.status in (401, 403) and source.options.get("query"):
        raise NotUnderstood("token-rejected", name=token_of(source, "bluesky"), reason=reason)
    if reason != "-":
        raise NotUnderstood("api-refuses", reason=reason)
    return None


def link_of(did: str, key: str) -> str:
    """Where a person can read a post; by the account's lasting name, since handles change."""
    return f"https://bsky.app/profile/{did}/post/{key}"


def _profile(url: str) -> str | None:
    """The account of https://bsky.app/profile/HANDLE."""
    first, _, rest = urlsplit(url).path.strip("/").partition("/")
    return rest.partition("/")[0] if first == "profile" else None


def _feed_url(query: dict[str, str]) -> str:
    return f"{PUBLIC}/app.bsky.feed.getAuthorFeed?{urlencode(query)}"


def _search_url(query: dict[str, str]) -> str:
    return f"{SIGNED_IN}/app.bsky.feed.searchPosts?{urlencode(query)}"


def _session(response: Response) -> Mapping[str, str]:
    """The session a page of a search was asked for with."""
    return response.request.headers if response.request else {}


def _item(item: Any, response: Response) -> Iterator[Found]:
    """An item of a feed holds its post, and the reason it stands there if somebody else wrote it; one of a search is it."""
    if item.get("reason"):
        return
    post = item.get("post") or item
    author, record = post["author"], post["record"]
    if any(label.get("val") == NOT_IN_PUBLIC for label in author.get("labels") or []):
        return
    link = link_of(author["did"], post["uri"].rpartition("/")[2])
    published_at, doubts = moment(response, record.get("createdAt"), post.get("indexedAt"))
    reactions = sum(int(post.get(f"{what}Count") or 0) for what in ("like", "repost", "reply", "quote"))
    if text := plain(record["text"]):  # none: a picture
        yield Draft(identity(link), link, "", text, published_at, one_line(author["handle"]), reactions, doubts)
