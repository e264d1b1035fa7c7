"""How we behave towards hosts, and what a visit may cost us."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from crawler.reading.unpack import ACCEPTED

REDIRECTS = 5  # from one address
OURS = "crawler.network.guard.GuardedHandler"
HANDLERS = {"http": OURS, "https": OURS, **dict.fromkeys(("ws", "wss"), "crawler.listening.ListeningHandler")}
ROBOTS = "crawler.network.robots.Robots"
MIDDLEWARES = {  # of Scrapy's own, only those that send things on their way
    ROBOTS: 100,
    "scrapy.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware": 400,
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": 500,
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": 600,
}


@dataclass(frozen=True, slots=True)
class Politeness:
    """One request at a time per host, with a pause; robots.txt obeyed; limits in seconds and bytes."""

    user_agent: str  # carries a contact
    delay: float = 5.0  # seconds between two requests to one host
    timeout: float = 30.0  # seconds one answer may take in all; twice that with its redirects
    max_bytes: int = 10 * 1024 * 1024  # of an answer, before and after unpacking
    list_pages: int = 5  # list pages of one source in one visit
    budget: int = 120  # requests of one source in one visit: lists, pages and redirects
    read_seconds: float = 10.0  # one answer may take to be read
    read_megabytes: int = 512  # of memory a reader may use; a page of 10 MB needs 340
    visit_limit: float = 900.0  # seconds one visit may take; what is left is asked for next time
    run_limit: float = 1800.0  # seconds one crawl may take; what is unfinished is visited next time
    ports: tuple[int, ...] = (80, 443)  # and those that sources name themselves
    obey_robots: bool = True
    allow_private: bool = False  # the demo press and tests: addresses that sources name in digits may be inward

    def scrapy_settings(self, addresses: Iterable[str]) -> dict[str, Any]:
        """Scrapy's settings to visit sources at these addresses; everything that opens a door or a file is off."""
        from crawler.network.guard import Ways

        middlewares = {name: place for name, place in MIDDLEWARES.items() if self.obey_robots or name != ROBOTS}
        return {
            "WAYS": Ways.of(addresses, self.ports, inward=self.allow_private),
            "REQUEST_BUDGET": self.budget,
            "USER_AGENT": self.user_agent,
            "DEFAULT_REQUEST_HEADERS": {
                "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                "Accept-Language": "id,en;q=0.5",
                "Accept-Encoding": ACCEPTED,
            },
            "CONCURRENT_REQUESTS": 0,  # no limit but that of the visits: who is silent costs nothing
            "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
            "CONCURRENT_ITEMS": 1,  # Scrapy starts so many tasks for every answer
            "SCRAPER_SLOT_MAX_ACTIVE_SIZE": 128 * self.max_bytes,  # two large answers of each visit may wait, on disk
            "DOWNLOADER": "crawler.network.hosts.PoliteDownloader",
            "DOWNLOAD_DELAY": self.delay,
            "DOWNLOAD_DELAY_JITTER": 0,
            "DOWNLOAD_TIMEOUT": self.timeout,
            "DOWNLOAD_MAXSIZE": self.max_bytes,
            "DOWNLOAD_WARNSIZE": 0,
            "DOWNLOAD_VERIFY_CERTIFICATES": True,
            "DOWNLOAD_FAIL_ON_DATALOSS": True,
            "DOWNLOAD_HANDLERS_BASE": HANDLERS,  # in place of Scrapy's own: what is not named here is not even loaded
            "DOWNLOADER_MIDDLEWARES_BASE": middlewares,
            "SPIDER_MIDDLEWARES_BASE": {},
            "EXTENSIONS_BASE": {},
            "TWISTED_DNS_RESOLVER": "crawler.network.guard.GuardedResolver",
            "REDIRECT_MAX_TIMES": REDIRECTS,
            "LOG_LEVEL": "CRITICAL",  # what goes wrong is told in the notes of the visit
        }
