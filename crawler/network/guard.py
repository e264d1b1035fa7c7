"""The ways out. Every connection of a crawl is made by one handler and checked by one resolver, at the moment of connecting.

Who connects, connects to an address that was checked here, whatever the name was, however it was written, and whatever it
resolves to a second later: feeds, robots.txt, redirects and articles alike.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import CannotResolveHostError, DownloadTimeoutError, IgnoreRequest, ResponseDataLossError
from scrapy.http import Response
from twisted.internet._resolver import HostResolution
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IHostnameResolver
from zope.interface import implementer

from crawler.elsewhere import MOST_PAGES
from crawler.network.bounds import bound
from crawler.network.certificates import NamedPolicy
from crawler.network.hosts import USUAL_PORTS, downloader_of, host_of
from crawler.public import is_public
from crawler.reading.spool import spooled

LONGEST_ADDRESS = 2000  # characters
LONGEST_LOOKUP = 10.0  # seconds a name may take to be found
LOOKUPS = {True: 256, False: 64}  # names that are looked up at a time: of sources, and others
CHAIN = 2  # times the time of one answer, for an address with all its redirects


class Barred(IgnoreRequest):
    """The request is not sent; `code` and `values` make the note that says why. What is `passing` may be sent next time."""

    def __init__(self, code: str, *, passing: bool = False, **values: str) -> None:
        super().__init__(code)
        self.code, self.passing, self.values = code, passing, values


class Unsent(IgnoreRequest):
    """The request is not sent in this visit: its host asked us to stop ("asked-to-stop"), or it is one too many ("budget")."""

    def __init__(self, code: str, host: str) -> None:
        super().__init__(code)
        self.code, self.host = code, host


@dataclass(frozen=True, slots=True)
class Ways:
    """Where connections may lead."""

    ports: frozenset[int]
    named: frozenset[tuple[str, int]] = frozenset()  # host and port of each source: an operator wrote them down
    inward: bool = False  # the demo press and tests: an address in digits that a source names may be inward

    @classmethod
    def of(cls, addresses: Iterable[str], ports: Iterable[int], *, inward: bool) -> Ways:
        """The ways of a crawl of sources with these addresses."""
        named = set()
        for address in addresses:
            try:
                parts = urlsplit(address)
                named.add((plain_name(parts.hostname or ""), parts.port or USUAL_PORTS.get(parts.scheme, 0)))
            except ValueError:
                continue  # its visit will say so
        named |= {(digits, port) for name, port in named if name == "localhost" for digits in ("127.0.0.1", "::1")}
        return cls(frozenset(ports), frozenset(named), inward)

    def refusal(self, name: str, address: str, port: int) -> str | None:
        """The code of why `name` is not connected to at this address and port; None if it is."""
        if self.inward and (address, port) in self.named:
            return None
        if port not in self.ports and (plain_name(name), port) not in self.named:
            return "port"
        return None if is_public(address) else "not-public"


def plain_name(name: str) -> str:
    """A host name as it travels: lower case, ASCII, without the dot at its end."""
    try:
        return name.encode("idna").decode("ascii").lower().rstrip(".")
    except UnicodeError:
        return name.lower().rstrip(".")


@implementer(IHostnameResolver)
class GuardedResolver:
    """The reactor's resolver of names and of addresses in digits; what must not be connected to is not found.

    Threads look up, by the system's own means, and those cannot be stopped: whoever waits gives up, and who asks for the same
    name meanwhile waits for the same thread. The names that sources have get threads that no name in their lists can fill.
    """

    def __init__(self, ways: Ways, reactor: Any) -> None:
        self.ways, self.reactor = ways, reactor
        self.refused: dict[tuple[str, int], str] = {}  # codes, by name and port
        self.threads = {named: ThreadPoolExecutor(most) for named, most in LOOKUPS.items()}
        self.under_way: dict[tuple[str, int], asyncio.Future[Any]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: Any) -> GuardedResolver:
        return cls(crawler.settings["WAYS"], reactor)

    def install_on_reactor(self) -> None:
        self.reactor.installNameResolver(self)

    def resolveHostName(  # noqa: N802  # Twisted's name, and the names of its parameters
        self,
        resolutionReceiver: Any,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Sequence[type[IAddress]] | None = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> HostResolution:
        resolution = HostResolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)
        Deferred.fromFuture(asyncio.ensure_future(self._resolve(resolutionReceiver, hostName, portNumber)))
        return resolution

    async def _resolve(self, receiver: Any, name: str, port: int) -> None:
        for family, host, *more in await self._found(name, port):
            if code := self.ways.refusal(name, host, port):
                self.refused[plain_name(name), port] = code
            else:
                kind = IPv6Address if family == socket.AF_INET6 else IPv4Address
                receiver.addressResolved(kind("TCP", host, *more))
        receiver.resolutionComplete()

    async def _found(self, name: str, port: int) -> list[tuple[Any, ...]]:
        """Family, address and port, of each address of a name; none if they do not come in time."""
        key = plain_name(name), port
        if key not in self.under_way:
            threads = self.threads[key in self.ways.named]
            asked = partial(socket.getaddrinfo, name, port, type=socket.SOCK_STREAM)
            self.under_way[key] = asyncio.get_running_loop().run_in_executor(threads, asked)
            self.under_way[key].add_done_callback(lambda done: (self.under_way.pop(key), done.exception()))
        looking = self.under_way[key]
        await asyncio.wait({looking}, timeout=LONGEST_LOOKUP)
        if not looking.done() or looking.exception():  # gaierror, or whatever an odd name raises
            return []
        return [(family, *address) for family, _, _, _, address in looking.result()]


class GuardedHandler(HTTP11DownloadHandler):
    """Scrapy's handler of http and https, the last to see a request before it is sent. No other scheme has a handler."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.seconds = crawler.settings.getfloat("DOWNLOAD_TIMEOUT")
        self._contextFactory: Any = NamedPolicy(self._contextFactory)
        bound(self._pool, partial(_waiting, crawler))

    async def download_request(self, request: Request) -> Response:
        admit(self.crawler, request)
        spent = request.meta.get("spent", 0.0)
        if spent >= CHAIN * self.seconds:
            raise DownloadTimeoutError("the redirects took too long")
        request.meta["download_timeout"] = min(self.seconds, CHAIN * self.seconds - spent)
        started = monotonic()
        try:
            response = await super().download_request(request)
        except CannotResolveHostError as error:
            raise refusal_of(request.url) or error from error
        finally:
            request.meta["spent"] = spent + monotonic() - started
        if response.status == 206:  # we never ask for a part
            raise ResponseDataLossError(request.url)
        if response.status in (429, 503) and not request.meta.get("dont_redirect"):  # of an API its adapter tells more
            downloader_of(self.crawler).stop(host_of(request.url), None)  # here, before the next one in line is sent
        return spooled(response)


def _waiting(crawler: Crawler) -> int:
    """Bytes of the answers that wait for a reader."""
    assert crawler.engine is not None and crawler.engine.scraper.slot is not None
    return crawler.engine.scraper.slot.active_size


def admit(crawler: Crawler, request: Request) -> None:
    """Let a request out, and count it. Barred or Unsent if it must stay."""
    parts = urlsplit(request.url)
    if not _is_name(parts.hostname or ""):
        raise Barred("address-odd")
    if len(request.url) > LONGEST_ADDRESS:
        raise Barred("address-too-long", most=str(LONGEST_ADDRESS))
    if "@" in parts.netloc:
        raise Barred("address-with-user", host=parts.hostname or "")
    host, tally = host_of(request.url), request.cb_kwargs.get("tally")
    if host in downloader_of(crawler).stopped:
        raise Unsent("asked-to-stop", host)
    if tally is not None:
        if tally.requests >= crawler.settings.getint("REQUEST_BUDGET"):
            raise Unsent("budget", host)
        asked = request.cb_kwargs["request"]
        if asked.page_of and "redirect_times" in request.meta and (why := tally.elsewhere.asks(request.url, asked.url)):
            raise Barred(why, passing=True, host=host, most=str(MOST_PAGES), count="1")
        tally.requests += 1


def _is_name(host: str) -> bool:
    """Whether a name can be looked up at all; some lookups fail in silence, and for good, where it cannot."""
    return all(0 < len(label) < 64 for label in plain_name(host).split(".")) and len(host) < 254


def refusal_of(url: str) -> Barred | None:
    """Why the host of an address was not found, if it was found and refused."""
    from twisted.internet import reactor

    parts = urlsplit(url)
    port = parts.port or USUAL_PORTS[parts.scheme]
    code = reactor.nameResolver.refused.get((plain_name(parts.hostname or ""), port))
    return Barred(code, host=parts.hostname or "", port=str(port)) if code else None
