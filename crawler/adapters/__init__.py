"""One module per kind of source: `requests(source)` and `parse(response, source)`. No base class, no registry to edit.

Adapters do no input or output: they say what to fetch and read what came. Scrapy does the rest, so that robots, delays,
limits and the address guard are in one place for feeds and APIs alike.

What makes two documents one publication: the address of the item without fragment, tracking parameters, `www.`, trailing
slash or scheme; the guid only where an item has no address. So a feed with new guids, or the list page of the same outlet,
brings nothing twice.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from crawler.document import Kind
from crawler.notes import Note, note
from crawler.source import Source

TRACKING = re.compile(r"utm_|fbclid$|gclid$|igshid$|mc_|ref$|source$|from$")


class NotUnderstood(Exception):
    """The answer is not what the adapter reads: a page where a feed should be. Carries the note for the operator."""

    def __init__(self, code: str, **values: str) -> None:
        self.note = note(code, "", "asked-again", says=None, **values)
        super().__init__(note(code, "", "", says=None, **values).english.rstrip("."))


@dataclass(frozen=True, slots=True)
class Draft:
    """What an adapter found of a document; the crawler completes it."""

    identity: str  # what the key is made of: `identity(address)` or a guid
    url: str
    title: str = ""
    text: str = ""
    published_at: datetime | None = None
    author: str | None = None
    reactions: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """An address to fetch; `page_of` is what is known of the document whose page it is."""

    url: str
    page_of: Draft | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """What came: final address, lower-case headers, decoded body."""

    url: str
    body: bytes
    fetched_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    request: Request | None = None


Found = Draft | Request | Note


class Adapter(Protocol):
    """What a module of this package offers."""

    KIND: Kind

    @staticmethod
    def requests(source: Source) -> Iterable[Request]:
        """What to fetch first."""
        ...

    @staticmethod
    def parse(response: Response, source: Source) -> Iterable[Found]:
        """Drafts, pages still to fetch, and a Note for every item that could not be read. May raise NotUnderstood."""
        ...


def adapter_named(name: str) -> Adapter:
    """The adapter module of that name. ValueError names those that exist."""
    if name not in (known := names()):
        raise ValueError(f"there is no adapter {name!r}; there are: {', '.join(known)}.")
    return importlib.import_module(f"{__name__}.{name}")  # type: ignore[return-value]  # a module is the protocol's form


def names() -> list[str]:
    """The adapters there are."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def web_address(address: str | None, base: str = "") -> str | None:
    """The absolute http(s) address, or None if it is not one."""
    try:
        absolute = urljoin(base, (address or "").strip())
        parts = urlsplit(absolute)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0  # reading the port checks it
        return absolute if whole else None
    except ValueError:
        return None


def identity(address: str) -> str:
    """What stands for a publication: its address without what may differ from one fetch to the next."""
    parts = urlsplit(address)
    query = urlencode(
        sorted((k, v) for k, v in parse_qsl(parts.query) if not TRACKING.match(k) and (k, v) != ("page", "all"))
    )
    host = (parts.netloc or "").lower().removeprefix("www.")
    return f"{host}{parts.path.rstrip('/') or '/'}{'?' if query else ''}{query}"
