"""New posts of the whole of Bluesky that hold one of our words, by its stream of events. `url` is that of a Jetstream.

Every visit listens for some seconds, from where the last one left off: see `crawler.listening`. Options: `words` (a list, or
words with commas between), `seconds`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from crawler.adapters import Draft, Found, Listen, NotUnderstood, Request, Response, identity, number
from crawler.adapters.bluesky import link_of
from crawler.api import each, moment
from crawler.document import Kind
from crawler.notes import note
from crawler.options import Option
from crawler.source import Source
from crawler.text import one_line, plain

KIND: Kind = "post"
POSTS = "app.bsky.feed.post"
SECONDS, MOST_SECONDS = 30, 120
OPTIONS = {
    "words": Option("posts that hold none of them are passed over", "list"),
    "seconds": Option("how long a visit listens", "number", MOST_SECONDS),
}
BEHIND = 10  # minutes between the last event heard and now, from which it is told


def requests(source: Source) -> Iterable[Request]:
    """The stream of posts: http(s) is written ws(s)."""
    words = _words(source)
    if not words:
        raise NotUnderstood("option-missing", option="words")
    address = source.url.rstrip("/").replace("http", "ws", 1)
    listen = Listen(number(source, "seconds", SECONDS, MOST_SECONDS), words)
    yield Request(f"{address}/subscribe?wantedCollections={POSTS}", listen=listen)


def parse(response: Response, source: Source) -> Iterator[Found]:
    """A draft per new post with one of the words; how far behind we are, if that is more than a little."""
    said = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, _words(source)))})(?!\w)", re.IGNORECASE)
    yield from each(response.body.splitlines(), lambda line, _: _event(json.loads(line), said, response), response)
    heard_until = response.headers.get("etag", "")
    behind = (response.fetched_at.timestamp() - int(heard_until) / 1e6) / 60 if heard_until.isdecimal() else 0
    if behind > BEHIND:
        yield note("stream-behind", response.url, minutes=round(behind))


def _words(source: Source) -> tuple[str, ...]:
    words = source.options.get("words") or ()
    given = words.split(",") if isinstance(words, str) else words
    return tuple(word for word in (str(one).strip().lower() for one in given) if word)


def _event(event: Any, said: re.Pattern[str], response: Response) -> Iterator[Found]:
    commit = event.get("commit") or {}
    if commit.get("operation") != "create" or commit.get("collection") != POSTS:
        return
    text = plain(commit["record"]["text"])
    if said.search(text):
        link = link_of(event["did"], commit["rkey"])
        published_at, doubts = moment(response, commit["record"].get("createdAt"))
        yield Draft(identity(link), link, "", text, published_at, one_line(event["did"]), None, doubts)
