"""Comments below the videos of a YouTube channel, by the Data API v3. `url` is that of the channel.

The newest videos come from the channel's list of uploads (1 unit of quota); with the option `query` from a search in the
channel, which has a small quota of its own. Options: `query`, `videos` (how many of the newest are read), `requests` (of
one visit), `token`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from crawler.adapters import TOKEN, Draft, Found, NotUnderstood, Request, Response, identity, number
from crawler.api import answer, brings_new, each, moment, refusal, token_of, word
from crawler.document import Kind
from crawler.notes import Note, note
from crawler.options import Option
from crawler.source import Source
from crawler.text import one_line, plain

KIND: Kind = "post"
API = "https://www.googleapis.com/youtube/v3"
MOST_REQUESTS = 20
VIDEOS, MOST_VIDEOS, THREADS = 10, 50, 100
OPTIONS = {
    "query": Option("search the channel for this"),
    "videos": Option("how many of the newest are read", "number", MOST_VIDEOS),
    "token": Option("name of another token: youtube-NAME"),
}
CHANNEL = re.compile(r"/(?:channel/(?P<id>UC[\w-]{10,40})|(?P<handle>@[^/]{3,100}))(?:/|$)")

CLOSED = ("commentsDisabled", "videoNotFound", "playlistNotFound")  # of one video or list: the others are read
USED_UP = ("quotaExceeded", "dailyLimitExceeded", "rateLimitExceeded", "userRateLimitExceeded")


def requests(source: Source) -> Iterable[Request]:
    """The channel's list of uploads; or at once the search in it, if its id is known."""
    named = CHANNEL.match(unquote(urlsplit(source.url).path))
    if named is None:
        raise NotUnderstood("option-wrong", option="url")
    if named["id"] and source.options.get("query"):
        yield _search(named["id"], source)
    else:
        which = {"id": named["id"]} if named["id"] else {"forHandle": named["handle"]}
        yield _call("channels", source, part="contentDetails", **which)


def parse(response: Response, source: Source) -> Iterator[Found]:
    """From the channel to its videos, from a video to its comments: a draft per comment and per reply that comes with it."""
    found, method = answer(response), urlsplit(response.url).path.rpartition("/")[2]
    if not str(found.get("kind")).startswith("youtube#"):
        raise NotUnderstood("api-refuses", reason="-")
    given = found.get("items") or []  # an empty list may be left out
    if method == "channels":
        if not given:
            raise NotUnderstood("unknown-there", what=source.url)
        yield from each(given[:1], lambda channel, _: _videos_of(channel, source), response)
    elif method == "commentThreads":
        yield from _comments(given, str(found.get("nextPageToken") or ""), response, source)
    else:
        yield from each(given[:MOST_VIDEOS], lambda video, _: _threads_of(video, source), response)


def refused(response: Response, source: Source) -> Note | None:
    """A closed comment section is a note; quota used up and a key that is not accepted end the visit."""
    error = refusal(response).get("error")
    told = [*(error.get("errors") or ()), *(error.get("details") or ())] if isinstance(error, dict) else []
    reasons = [word(one["reason"]) for one in told if isinstance(one, dict) and one.get("reason")]
    if not reasons:
        return None
    if reasons[0] in CLOSED:
        return note("comments-closed", response.url, reason=reasons[0])
    if reasons[0] in USED_UP:
        raise NotUnderstood("quota-used", name=token_of(source, "youtube"), reason=reasons[0])
    if response.status in (401, 403) or "API_KEY_INVALID" in reasons:
        raise NotUnderstood("token-rejected", name=token_of(source, "youtube"), reason=reasons[-1])
    raise NotUnderstood("api-refuses", reason=reasons[0])


def _call(method: str, source: Source, **query: str) -> Request:
    headers = {"X-Goog-Api-Key": TOKEN}
    return Request(f"{API}/{method}?{urlencode(query)}", headers=headers, token=token_of(source, "youtube"))


def _search(channel: str, source: Source) -> Request:
    query, most = str(source.options["query"]), _most(source)
    return _call("search", source, part="id", channelId=channel, q=query, type="video", order="date", maxResults=most)


def _most(source: Source) -> str:
    return str(number(source, "videos", VIDEOS, MOST_VIDEOS))


def _videos_of(channel: Any, source: Source) -> Iterator[Request]:
    if source.options.get("query"):
        yield _search(channel["id"], source)
    else:
        uploads = channel["contentDetails"]["relatedPlaylists"]["uploads"]
        yield _call("playlistItems", source, part="contentDetails", playlistId=uploads, maxResults=_most(source))


def _threads_of(video: Any, source: Source) -> Iterator[Request]:
    """The request for the comments of an item of the uploads, or of a search."""
    yield _threads((video.get("contentDetails") or video["id"])["videoId"], source)


def _threads(video: str, source: Source, **page: str) -> Request:
    query = {"videoId": video, "order": "time", "textFormat": "plainText", "maxResults": str(THREADS)}
    return _call("commentThreads", source, part="snippet,replies", **query, **page)


def _comments(threads: list[Any], older: str, response: Response, source: Source) -> Iterator[Found]:
    found = list(each(threads, lambda thread, _: _thread(thread, response), response))
    yield from found
    video = parse_qs(urlsplit(response.url).query).get("videoId")
    if older and video and brings_new(found, source):
        yield _threads(video[0], source, pageToken=older)


def _thread(thread: Any, response: Response) -> Iterator[Found]:
    """The comment on top, then the few replies that come with it; those without words are left out."""
    top, replies = thread["snippet"]["topLevelComment"], thread.get("replies") or {}
    for comment in (top, *(replies.get("comments") or ())):
        answered = int(thread["snippet"].get("totalReplyCount") or 0) if comment is top else 0
        draft = _comment(comment, thread["snippet"]["videoId"], answered, response)
        if draft.text:
            yield draft


def _comment(comment: Any, video: str, answered: int, response: Response) -> Draft:
    said = comment["snippet"]
    link = f"https://www.youtube.com/watch?{urlencode({'v': video, 'lc': comment['id']})}"
    text = plain(said.get("textOriginal") or said["textDisplay"])
    published_at, doubts = moment(response, said.get("publishedAt"))
    author = one_line(said.get("authorDisplayName")) or None
    return Draft(
        identity(link), link, "", text, published_at, author, int(said.get("likeCount") or 0) + answered, doubts
    )
