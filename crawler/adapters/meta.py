"""Comments below the posts of a Facebook page, by Meta's Graph API and a token of that page. `url` is that of the page.

Options: `page` (its number or name, if the address does not end with it), `posts` (how many of the newest are read),
`requests` (of one visit), `token` (a page has its own: meta-NAME).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

from crawler.adapters import TOKEN, Draft, Found, NotUnderstood, Request, Response, identity, number, web_address
from crawler.api import answer, brings_new, each, items, moment, refusal, token_of
from crawler.document import Kind
from crawler.notes import Note, note
from crawler.options import Option
from crawler.source import Source
from crawler.text import one_line, plain

KIND: Kind = "post"
API = "https://graph.facebook.com/v25.0"
MOST_REQUESTS = 10
POSTS, MOST_POSTS, COMMENTS = 25, 50, 50
OPTIONS = {
    "page": Option("number or name of the page"),
    "posts": Option("how many of the newest are read", "number", MOST_POSTS),
    "token": Option("name of the page's token: meta-NAME"),
}
COMMENT = "id,message,created_time,permalink_url,from,like_count,comment_count"
NAME = re.compile(r"[\w.-]{1,100}")

LIMITED = (4, 17, 32, 613, 80001)  # codes of errors: too many calls of the app, the person, the page
REJECTED = (3, 10, 102, 190, *range(200, 300))  # the token, or what it may do


def requests(source: Source) -> Iterable[Request]:
    """The newest posts, each with its newest comments: one request brings both."""
    page = str(source.options.get("page") or urlsplit(source.url).path.rstrip("/").rpartition("/")[2])
    if not NAME.fullmatch(page):
        raise NotUnderstood("option-wrong", option="page")
    newest = f"comments.order(reverse_chronological).filter(stream).limit({COMMENTS}){{{COMMENT}}}"
    yield _call(f"{page}/feed", source, fields=f"id,{newest}", limit=str(number(source, "posts", POSTS, MOST_POSTS)))


def parse(response: Response, source: Source) -> Iterator[Found]:
    """A draft per comment, those of the page itself left out; older comments of a post while they bring something new."""
    found, (*_, node, edge) = answer(response), urlsplit(response.url).path.split("/")
    if edge == "comments":
        yield from _comments(node, found, response, source)
    else:
        yield from each(items(found, "data"), lambda post, _: _post(post, response, source), response)


def refused(response: Response, source: Source) -> Note | None:
    """The code tells; the words of an error can quote the token."""
    error = refusal(response).get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(code, int):
        return None
    if code in LIMITED:
        raise NotUnderstood("rate-limited")
    if code in REJECTED:
        raise NotUnderstood("token-rejected", name=token_of(source, "meta"), reason=f"code {code}")
    raise NotUnderstood("api-refuses", reason=f"code {code}")


def _call(path: str, source: Source, **query: str) -> Request:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return Request(f"{API}/{path}?{urlencode(query)}", headers=headers, token=token_of(source, "meta"))


def _post(post: Any, response: Response, source: Source) -> Iterator[Found]:
    yield from _comments(post["id"], post.get("comments") or {"data": []}, response, source)


def _comments(post: str, page: dict[str, Any], response: Response, source: Source) -> Iterator[Found]:
    """Comments of one post, and its older ones. The address Meta gives for those holds the token: it is not used."""
    found = list(each(page["data"], lambda comment, place: _comment(comment, place, post, response), response))
    yield from found
    paging = page.get("paging") or {}
    if paging.get("next") and NAME.fullmatch(post) and brings_new(found, source):
        query = {"order": "reverse_chronological", "filter": "stream", "limit": str(COMMENTS)}
        yield _call(f"{post}/comments", source, fields=COMMENT, **query, after=str(paging["cursors"]["after"]))


def _comment(comment: Any, place: int, post: str, response: Response) -> Iterator[Found]:
    """The author is a number: names are not unique, and this one is of a person who gave no handle."""
    author = (comment.get("from") or {}).get("id")
    if author is not None and author == post.partition("_")[0]:
        return
    link, text = web_address(comment["permalink_url"]), plain(comment.get("message"))
    published_at, doubts = moment(response, comment.get("created_time"))
    reactions = int(comment.get("like_count") or 0) + int(comment.get("comment_count") or 0)
    if link is None:
        yield note("item-bad-link", response.url, "left-out", number=place)
    elif text:  # none: a picture
        yield Draft(identity(link), link, "", text, published_at, one_line(author) or None, reactions, doubts)
