"""Posts on X by its API v2, recent search (the last seven days). Every post read is paid for: see docs/adapters/x.md.

Options: `query` (in the language of X's search; reposts are always left out), `usernames = false` (the number of an account
instead of its name, which is cheaper), `requests` (of one visit, 100 posts each), `token`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from crawler.adapters import TOKEN, Draft, Found, NotUnderstood, Request, Response, identity
from crawler.api import answer, brings_new, each, items, moment, rate_limited, refusal, switched, token_of, word
from crawler.document import Kind
from crawler.notes import Note
from crawler.options import Option
from crawler.source import Source
from crawler.text import plain

KIND: Kind = "post"
OPTIONS = {
    "query": Option("in the language of X's search"),
    "usernames": Option("false: numbers of accounts instead of names", "flag"),
    "token": Option("name of another token: x-NAME"),
}
API = "https://api.x.com/2/tweets/search/recent"
REACH = timedelta(days=7) - timedelta(hours=1)  # a search from further back is refused
OVERLAP = timedelta(minutes=1)  # posts enter the search some seconds late
USED_UP = ("CreditsDepleted", "UsageCapExceeded")
NAMED = {"id", "username"}
FIRST_ID = datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC)  # ids count the milliseconds since, in their upper bits


def requests(source: Source) -> Iterable[Request]:
    """What was posted after the newest settled post."""
    if not source.options.get("query"):
        raise NotUnderstood("option-missing", option="query")
    query = {
        "query": f"({source.options['query']}) -is:retweet",
        "max_results": "100",
        "tweet.fields": "author_id,created_at,note_tweet,public_metrics",
    }
    if switched(source, "usernames", default=True):
        query |= {"expansions": "author_id", "user.fields": "username"}
    if source.since is not None and source.since - OVERLAP > datetime.now(UTC) - REACH:
        query["since_id"] = str(_first_id_of(source.since - OVERLAP))
    yield _call(query, source)


def parse(response: Response, source: Source) -> Iterator[Found]:
    """A draft per post; older ones as long as they bring something new."""
    page = answer(response)
    meta = page.get("meta")
    if not isinstance(meta, dict):
        raise NotUnderstood("api-refuses", reason=word(page.get("title")))
    posts = items(page, "data") if meta.get("result_count") else []
    users = (page.get("includes") or {}).get("users") or []
    names = {str(one["id"]): str(one["username"]) for one in users if isinstance(one, dict) and one.keys() >= NAMED}
    found = list(each(posts, lambda post, _: _post(post, names, response), response))
    yield from found
    if meta.get("next_token") and brings_new(found, source):
        yield _call(dict(parse_qsl(urlsplit(response.url).query)) | {"next_token": str(meta["next_token"])}, source)


def refused(response: Response, source: Source) -> Note | None:
    """A limit of time, a budget used up, a token that is not accepted: all end the visit."""
    title, name = word(refusal(response).get("title")), token_of(source, "x")
    if response.status == 402 or title in USED_UP:
        raise NotUnderstood("quota-used", name=name, reason=title)
    if response.status == 429:
        raise rate_limited(response)
    if response.status in (401, 403):
        raise NotUnderstood("token-rejected", name=name, reason=title)
    return None


def _call(query: dict[str, str], source: Source) -> Request:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return Request(f"{API}?{urlencode(query)}", headers=headers, token=token_of(source, "x"))


def _first_id_of(at: datetime) -> int:
    return int((at - FIRST_ID).total_seconds() * 1000) << 22


def _post(post: Any, names: dict[str, str], response: Response) -> Iterator[Found]:
    number = str(post["author_id"]) if post.get("author_id") else None
    author = names.get(number or "")
    link = f"https://x.com/{author or 'i'}/status/{int(post['id'])}"
    text = plain(unescape((post.get("note_tweet") or {}).get("text") or post["text"]))
    published_at, doubts = moment(response, post.get("created_at"))
    counts = post.get("public_metrics") or {}
    reactions = sum(int(counts.get(f"{what}_count") or 0) for what in ("like", "retweet", "reply", "quote"))
    if text:
        yield Draft(identity(link), link, "", text, published_at, author or number, reactions, doubts)
