"""A saved view as RSS 2.0 and as JSON Feed 1.1. The same items give the same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.etree import ElementTree

from intake.review.views import Item

RSS, JSON = "application/rss+xml; charset=utf-8", "application/feed+json; charset=utf-8"
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 has no place for these


def rss(title: str, console: str, language: str, items: Sequence[Item]) -> bytes:
    """`console`: the address links begin with."""
    root = ElementTree.Element("rss", version="2.0")
    channel = ElementTree.SubElement(root, "channel")
    _texts(channel, title=title, link=f"{console}/", description=title, language=language)
    if items:
        _texts(channel, lastBuildDate=_moment(newest(items)))
    for one in items:
        node = ElementTree.SubElement(channel, "item")
        _texts(node, title=one.headline, link=_link(console, one), description=_about(one), pubDate=_moment(one.at))
        ElementTree.SubElement(node, "guid", isPermaLink="false").text = _guid(one)
        for word in (one.urgency, one.service):
            _texts(node, category=word)
    body: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return body


def json_feed(title: str, console: str, language: str, items: Sequence[Item]) -> bytes:
    """https://www.jsonfeed.org/version/1.1/"""
    told = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title,
        "home_page_url": f"{console}/",
        "language": language,
        "items": [
            {
                "id": _guid(one),
                "url": _link(console, one),
                "title": one.headline,
                "content_text": _about(one),
                "date_published": one.at.astimezone(UTC).isoformat(timespec="seconds"),
                "tags": [one.urgency, one.service],
            }
            for one in items
        ],
    }
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")


def newest(items: Sequence[Item]) -> datetime | None:
    """When the newest of them came."""
    return max((one.at for one in items), default=None)


def _texts(node: ElementTree.Element, **texts: str) -> None:
    for name, text in texts.items():
        ElementTree.SubElement(node, name).text = _NO_XML.sub("\ufffd", text)


def _about(one: Item) -> str:
    return f"{one.urgency} · {one.service} · {one.place} · {one.agency}"


def _link(console: str, one: Item) -> str:
    return f"{console}/kandidat/{one.id}"


def _guid(one: Item) -> str:
    return f"kandidat:{one.id}"


def _moment(at: datetime | None) -> str:
    return format_datetime(at.astimezone(UTC), usegmt=True) if at else ""
