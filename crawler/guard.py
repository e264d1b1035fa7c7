"""Public addresses only, checked on what a name resolves to at the moment of connecting; and no host that said stop."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.resolver import CachingThreadedResolver
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError

from crawler.public import is_public


class NotPublic(DNSLookupError):
    """The name leads to an address that is not public."""


class Barred(IgnoreRequest):
    """The request is not sent; `code` and `values` make the note that says why."""

    def __init__(self, code: str, **values: str) -> None:
        super().__init__(code)
        self.code, self.values = code, values


class AskedToStop(IgnoreRequest):
    """The host answered an earlier request of this visit with "too many" or "not now"."""


class GuardedResolver(CachingThreadedResolver):
    """Names that lead inward are not found. Whoever connects, connects to the address that was checked here."""

    allow_private = False

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: Any) -> GuardedResolver:
        resolver: GuardedResolver = super().from_crawler(crawler, reactor)
        resolver.allow_private = crawler.settings.getbool("ALLOW_PRIVATE")
        return resolver

    def getHostByName(self, name: str, timeout: Any = ()) -> Deferred[str]:  # noqa: N802  # Twisted's name
        return super().getHostByName(name, timeout).addCallback(self._checked, name)

    def _checked(self, address: str, name: str) -> str:
        if not self.allow_private and not is_public(address):
            raise NotPublic(f"{name} leads to {address}, which is not a public address")
        return address


class GuardMiddleware:
    """Addresses written in digits never meet a resolver: they are checked here, redirects and robots.txt included."""

    def __init__(self, allow_private: bool) -> None:
        self.allow_private = allow_private

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> GuardMiddleware:
        return cls(crawler.settings.getbool("ALLOW_PRIVATE"))

    def process_request(self, request: Request) -> None:
        if getattr(request.cb_kwargs.get("tally"), "refused", False):
            raise AskedToStop
        parts = urlsplit(request.url)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https"):
            raise Barred("scheme", scheme=parts.scheme)
        in_digits = ":" in host or host.replace(".", "").isdigit()
        if in_digits and not self.allow_private and not is_public(host):
            raise Barred("not-public", host=host)
