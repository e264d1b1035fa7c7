"""Public addresses only, checked on what a name resolves to at the moment of connecting."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.resolver import CachingThreadedResolver
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError

from crawler.source import Note


class NotPublic(DNSLookupError):
    """The name leads to an address that is not public."""


def is_public(address: str) -> bool:
    """Whether an address in digits is one of the public internet (no loopback, private, link-local, shared, mapped)."""
    try:
        number: IPv4Address | IPv6Address = ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return False
    if isinstance(number, IPv6Address):
        number = number.ipv4_mapped or number.sixtofour or number
    return number.is_global and not number.is_multicast and not number.is_reserved


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
        from urllib.parse import urlsplit

        parts = urlsplit(request.url)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https"):
            raise IgnoreRequest(Note("scheme", f"{parts.scheme}: addresses are not visited"))
        in_digits = ":" in host or host.replace(".", "").isdigit()
        if in_digits and not self.allow_private and not is_public(host):
            raise IgnoreRequest(Note("not-public", f"{host} is not a public address"))
