"""A public Telegram channel, by the preview Telegram shows of it on the web. `url` is https://t.me/CHANNEL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import inf
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from lxml import etree, html
from lxml.cssselect import CSSSelector

from crawler.adapters import Draft, Found, NotUnderstood, Request, Response, identity
from crawler.api import brings_new, each, moment
from crawler.document import Kind
from crawler.source import Source
from crawler.text import one_line, plain, text_of

KIND: Kind = "post"

CHANNEL = CSSSelector(".tgme_channel_info, .tgme_channel_history")
MESSAGE = CSSSelector(".tgme_widget_message[data-post]")
TEXT = CSSSelector(".tgme_widget_message_text.js-message_text")  # that of the post answered to has another class
FORWARDED = CSSSelector(".tgme_widget_message_forwarded_from")
DATE = CSSSelector(".tgme_widget_message_date time[datetime]")
REACTION = CSSSelector(".tgme_reaction")
POST = re.compile(r"(?P<channel>\w{1,64})/(?P<number>\d{1,15})", re.ASCII)
COUNT = re.compile(r"(\d+(?:\.\d+)?)([KM]?)$")
TIMES = {"": 1, "K": 1000, "M": 1_000_000}


def requests(source: Source) -> Iterable[Request]:
    """The newest posts."""
    yield Request(_preview(source.url))


def parse(response: Response, source: Source) -> Iterator[Found]:
    """A draft per post with a text; older pages as long as they bring something new."""
    try:
        tree = html.document_fromstring(response.body, parser=html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, ValueError) as error:
        raise NotUnderstood("list-unreadable", error=type(error).__name__) from None
    messages = MESSAGE(tree)
    if not messages and not CHANNEL(tree):
        raise NotUnderstood("telegram-no-preview")
    found = list(each(messages, lambda message, place: _post(message, response, source), response))
    yield from found
    posts = (POST.fullmatch(message.get("data-post")) for message in messages)
    oldest = min((int(post["number"]) for post in posts if post), default=0)
    if 1 < oldest < _before(response) and brings_new(found, source):
        yield Request(f"{_preview(source.url)}?before={oldest}")


def _post(message: Any, response: Response, source: Source) -> Iterator[Draft]:
    """A post of the source's channel; none if it has no words (a picture, "channel created").

    Whoever it was forwarded from stands in its text.
    """
    said = TEXT(message)
    if not said or not (text := text_of(said[0])):
        return
    post = POST.fullmatch(message.get("data-post"))
    if post is None:
        raise ValueError("a post without a number")
    if post["channel"].lower() != _channel(source.url).lower():
        raise ValueError("a post of another channel")
    link = f"https://t.me/{post[0]}"
    forwarded = "\n".join(one_line(text_of(line)) for line in FORWARDED(message))
    published_at, doubts = moment(response, *(date.get("datetime") for date in DATE(message)))
    whole = plain(f"{forwarded}\n{text}")
    yield Draft(identity(link), link, "", whole, published_at, post["channel"], _reactions(message), doubts)


def _reactions(message: Any) -> int | None:
    """How many reacted, where the preview shows it. Views are no reactions."""
    counts = [COUNT.search(one_line(text_of(reaction))[-12:]) for reaction in REACTION(message)]
    return round(sum(float(count[1]) * TIMES[count[2]] for count in counts if count)) if counts else None


def _before(response: Response) -> float:
    """The number of the post that was asked to be the next newer one: a page that brings none older leads nowhere."""
    asked = parse_qs(urlsplit(response.request.url if response.request else response.url).query).get("before", [""])[0]
    return int(asked) if asked.isdecimal() else inf


def _preview(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/s/{_channel(url)}", query="", fragment=""))


def _channel(url: str) -> str:
    """t.me/CHANNEL, t.me/s/CHANNEL, and the address of one of its posts all name the channel."""
    names = [name for name in urlsplit(url).path.split("/") if name]
    return names[1] if names[:1] == ["s"] and len(names) > 1 else "".join(names[:1])
