"""One module per kind of source: `requests(source)` and `parse(response, source)`. No base class, no registry to edit.

Adapters do no input or output: they say what to fetch and read what came. Scrapy does the rest, so that robots, delays,
limits and the address guard are in one place for feeds and APIs alike. A module may add: `OPTIONS`, what its sources may be
told (see `crawler.options`); of an API, `refused(response, source)`, which says what an answer of 400 or more means there,
and `MOST_REQUESTS`, which bounds a visit.

What makes two documents one publication: the address of the item, by the rules of `crawler.identity`, and what its page
says of itself; never its guid. So a feed with new guids, or the list page of the same outlet, brings nothing twice.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from crawler.document import Kind
from crawler.document import stamp as stamp
from crawler.identity import bare as bare
from crawler.identity import identity as identity
from crawler.notes import Note, note
from crawler.source import Source

TOKEN = "{token}"  # noqa: S105  # where a secret goes in the headers or the body of a Request
REQUESTS = 100  # the most a source may ask for one visit by its option `requests`


class NotUnderstood(Exception):
    """The answer is not what the adapter reads: a page where a feed should be. Carries the note for the operator."""

    def __init__(self, code: str, **values: str) -> None:
        self.note = note(code, "", "asked-again", says=None, **values)
        super().__init__(note(code, "", "", says=None, **values).english.rstrip("."))


@dataclass(frozen=True, slots=True)
class Draft:
    """What an adapter found of a document; the crawler completes it."""

    identity: str  # what the key is made of: `identity(address)`
    url: str
    title: str = ""
    text: str = ""
    published_at: datetime | None = None
    author: str | None = None
    reactions: int | None = None
    notes: tuple[str, ...] = ()
    stamp: str = ""  # `stamp(...)` of what the list tells of the state of the item; another one: it was edited
    canonical: str = ""  # the address its page gives as its own, as far as that is believed


@dataclass(frozen=True, slots=True)
class Listen:
    """A stream to listen to for a while, where no answer ever ends: see `crawler.listening`."""

    seconds: float
    words: tuple[str, ...]  # lower case; messages that hold none of them are passed over


@dataclass(frozen=True, slots=True)
class Request:
    """An address to fetch; `page_of` is what is known of the document whose page it is.

    The address never holds a secret: notes, logs and the database show addresses. Where headers or body need one they
    hold TOKEN, and the secret named `token` takes its place when the request is sent: see `crawler.tokens`.
    """

    url: str
    page_of: Draft | None = None
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    body: str = field(default="", repr=False)
    token: str | None = None
    listen: Listen | None = None

    @property
    def direct(self) -> bool:
        """Whether it calls an API. What it carries is for this host alone, so it follows no redirect; and what a host
        offers to programs is governed by its terms, so it is not asked for robots.txt."""
        return bool(self.headers or self.body or self.listen)


@dataclass(frozen=True, slots=True)
class Response:
    """What came: final address, lower-case headers, decoded body."""

    url: str
    body: bytes
    fetched_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    request: Request | None = None
    status: int = 200


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


def most_requests(adapter: Adapter, source: Source, pages: int, firsts: int) -> int:
    """How many lists one visit asks for: the option `requests`; else the first ones and the pages behind one of them, or
    the adapter's own bound."""
    if "requests" in source.options:
        return number(source, "requests", pages, REQUESTS)
    return max(pages, getattr(adapter, "MOST_REQUESTS", 0)) - 1 + firsts


def number(source: Source, option: str, default: int, most: int) -> int:
    """An option that is a whole number from 1 to `most`; NotUnderstood if it is not."""
    value = str(source.options.get(option, default))
    if not value.isdecimal() or len(value) > len(str(most)) or not 1 <= int(value) <= most:
        raise NotUnderstood("option-wrong", option=option)
    return int(value)


def web_address(address: str | None, base: str = "") -> str | None:
    """The absolute http(s) address, or None if it is not one."""
    try:
        given = (address or "").strip()
        parts = urlsplit(given if given.startswith(("http://", "https://")) else urljoin(base, given))
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:  # reading the port checks it
            return None
        return urlunsplit((*parts[:2], *map(_encoded, parts[2:])))
    except ValueError:
        return None


def _encoded(part: str) -> str:
    """Blanks and what cannot be seen behind the name of a host, as browsers send them."""
    if part.isprintable() and " " not in part:
        return part
    return "".join(quote(one) if one == " " or not one.isprintable() else one for one in part)
