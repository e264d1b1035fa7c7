"""How each host is treated within one crawl: a line of its own, its own pace, and silence once it has asked for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.core.downloader import Downloader
from scrapy.crawler import Crawler

LONGEST_WAIT = timedelta(hours=24)  # however long a Retry-After is
SLOWEST_PACE = 60.0  # seconds between two requests, whatever a robots.txt asks for
USUAL_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def host_of(url: str) -> str:
    """Who is asked: the name, and the port where it is not the usual one."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    name = (parts.hostname or "").rstrip(".")
    return name if port in (None, USUAL_PORTS.get(parts.scheme)) else f"{name}:{port}"


def wait_of(retry_after: str, now: datetime) -> datetime | None:
    """The moment a Retry-After names, in seconds or as a date: not before now, not after 24 hours; None if it names none."""
    told = retry_after.strip()
    try:
        moment = now + timedelta(seconds=int(told[:9])) if told.isdecimal() else parsedate_to_datetime(told)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment, now), now + LONGEST_WAIT)


class PoliteDownloader(Downloader):
    """Scrapy's, with one line of requests per host and port, and a memory of who asked us to stop."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.stopped: dict[str, datetime | None] = {}  # until when, where that was told

    def get_slot_key(self, request: Request) -> str:
        return host_of(request.url)

    def slow_down(self, host: str, delay: float) -> None:
        """Keep the pace a robots.txt asks for, where it is slower than ours."""
        pace = max(self.settings.getfloat("DOWNLOAD_DELAY"), min(delay, SLOWEST_PACE))
        self.per_slot_settings[host] = {"delay": pace}
        if host in self.slots:
            self.slots[host].delay = pace

    def stop(self, host: str, until: datetime | None) -> None:
        """Send nothing more to this host in this crawl, whichever source asks."""
        self.stopped[host] = max(filter(None, (until, self.stopped.get(host))), default=None)


def downloader_of(crawler: Crawler) -> PoliteDownloader:
    """The downloader of a running crawl."""
    assert crawler.engine is not None
    assert isinstance(crawler.engine.downloader, PoliteDownloader)
    return crawler.engine.downloader
