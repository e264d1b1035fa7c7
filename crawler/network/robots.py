"""robots.txt by RFC 9309: what it forbids is not asked for, and where it cannot be had nothing is.

An answer of 400 to 499 means that there is none, and all is allowed; one of 500 or more, or none at all, means that we do
not know, and all is forbidden until the next visit. 429 and 503 mean stop, as everywhere.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from urllib.parse import urlsplit

from protego import Protego
from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest, StopDownload
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from crawler.network.guard import Barred, Unsent
from crawler.network.hosts import downloader_of, host_of, wait_of
from crawler.reading.unpack import UnknownEncoding, unpack

US = "kentongan"  # our name in a robots.txt
LARGEST = 500 * 1024  # bytes that are read of one; RFC 9309 asks for no less
LARGEST_HELD = 20_000  # characters of one that is kept for the next crawl
KEPT = timedelta(hours=24)  # as long as RFC 9309 allows
MOST_LINES = 5000  # of one that are looked into
MOST_WILDCARDS = 2000  # in its rules: an address is held against each
_RULE = re.compile(r"\s*(?:dis)?allow\s*:", re.IGNORECASE)
_AGENT = re.compile(r"\s*user[- ]?agent\s*[:\s]\s*(?P<name>[^#]*)", re.IGNORECASE)

Held = dict[str, dict[str, str]]  # origin -> its text, and when it was fetched


@dataclass(frozen=True, slots=True)
class Rules:
    """What a host allows: everything where there are no rules, nothing where they could not be had."""

    parsed: Protego | None = None
    unknown: Exception | None = None


class Robots:
    """A downloader middleware: each host's robots.txt is asked for once, before its first page, if it is not held yet."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.held: Held = crawler.settings["ROBOTS"]  # handed in by the parent, and handed back at the end
        self.rules: dict[str, asyncio.Future[Rules]] = {}
        crawler.signals.connect(self._received, signal=signals.bytes_received)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Robots:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        if (
            request.meta.get("dont_obey_robotstxt") or "@" in urlsplit(request.url).netloc
        ):  # that one is not sent at all
            return
        origin = _origin(request.url)
        if origin not in self.rules:
            self.rules[origin] = asyncio.ensure_future(self._fetched(origin))
        rules = await self.rules[origin]
        if rules.unknown is not None:
            raise rules.unknown.with_traceback(None)
        if rules.parsed is not None and not rules.parsed.can_fetch(request.url, US):
            raise Barred("robots")

    async def _fetched(self, origin: str) -> Rules:
        if origin in self.held:
            return self._parsed(self.held[origin]["text"], host_of(origin))
        engine = self.crawler.engine
        assert engine is not None
        request = Request(
            f"{origin}/robots.txt",
            callback=NO_CALLBACK,
            meta={"dont_obey_robotstxt": True, "robots": 0, "download_maxsize": 0},
            priority=1000,
        )
        try:
            return self._rules(await engine.download_async(request), origin)
        except (Barred, Unsent) as error:
            return Rules(unknown=error)
        except IgnoreRequest:  # five redirects and no end: as good as none
            return Rules()
        except Exception as error:  # whatever keeps it from us, the note of the page will say so
            return Rules(unknown=error)

    def _rules(self, response: Response, origin: str) -> Rules:
        if response.status in (429, 503):
            after = (response.headers.get("Retry-After") or b"").decode("latin-1")
            downloader_of(self.crawler).stop(host_of(origin), wait_of(after, datetime.now(UTC)))
            return Rules(unknown=Unsent("asked-to-stop", host_of(origin)))
        if response.status >= 500:
            return Rules(unknown=Barred("robots-unknown", passing=True, status=str(response.status)))
        text = "\n".join(_ours(_text(response))) if 200 <= response.status < 300 else ""
        if len(text) <= LARGEST_HELD:
            self.held[origin] = {"text": text, "at": datetime.now(UTC).isoformat()}
        return self._parsed(text, host_of(origin))

    def _parsed(self, text: str, host: str) -> Rules:
        parsed = Protego.parse(text) if text else None
        if parsed and (pace := parsed.crawl_delay(US)):
            downloader_of(self.crawler).slow_down(host, pace)
        return Rules(parsed)

    def _received(self, data: bytes, request: Request) -> None:
        """No more is taken of a robots.txt than is read."""
        if "robots" in request.meta:
            request.meta["robots"] += len(data)
            if request.meta["robots"] > LARGEST:
                raise StopDownload(fail=False)


def _origin(url: str) -> str:
    """Scheme, name and port, however the name is spelt."""
    parts = urlsplit(url)
    name = (parts.hostname or "").rstrip(".")
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}{f':{parts.port}' if parts.port else ''}"


def fresh(held: Held, now: datetime) -> Held:
    """Those that were fetched within the last day."""
    return {origin: one for origin, one in held.items() if now - datetime.fromisoformat(one["at"]) < KEPT}


def _text(response: Response) -> str:
    encodings = b",".join(response.headers.getlist("Content-Encoding")).decode("latin-1")
    try:
        return unpack(response.body, encodings, LARGEST).body[:LARGEST].decode("utf-8-sig", "replace")
    except UnknownEncoding:
        return ""


def _ours(text: str) -> Iterator[str]:
    """The lines of a robots.txt that may be for us, as many as are looked into, with one name for all the others."""
    return islice(_few_wildcards(_of_our_groups(text)), MOST_LINES)


def _of_our_groups(text: str) -> Iterator[str]:
    """All but the rules of others; in doubt Protego decides whose they are. Ten thousand names over as many cost minutes."""
    for_us = False  # one of the names above is ours
    ruled, last = False, ""  # whether there was a rule since the last name; the last line that was kept
    for line in text.splitlines():
        if agent := _AGENT.match(line):
            name = agent["name"].strip().lower()
            who = US if re.match(rf"{US}(?![a-z_-])", name) else "*" if name == "*" else "another"
            for_us, ruled = who != "another" or (for_us and not ruled), False
            line = f"User-agent: {who}"
        elif _RULE.match(line):
            ruled = True
        if (agent and line != last) or (not agent and for_us):
            last = line
            yield line


def _few_wildcards(lines: Iterable[str]) -> Iterator[str]:
    count = 0
    for line in lines:
        signs = 0 if _AGENT.match(line) else line.count("*") + line.count("$")
        count += signs
        if not signs or count <= MOST_WILDCARDS:
            yield line
