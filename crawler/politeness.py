"""How we behave towards hosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Politeness:
    """One request at a time per host, with a pause; robots.txt obeyed; limits in seconds and bytes."""

    user_agent: str  # carries a contact
    delay: float = 5.0  # seconds between two requests to one host
    timeout: float = 30.0  # seconds one request may take in all
    max_bytes: int = 10 * 1024 * 1024  # of an answer, before and after decompression
    list_pages: int = 5  # list pages of one source in one visit
    run_limit: float = 1800.0  # seconds one crawl may take; what is unfinished is visited next time
    obey_robots: bool = True
    allow_private: bool = False  # the demo press and tests stand on loopback

    def scrapy_settings(self) -> dict[str, Any]:
        """Scrapy's settings; everything that opens a door or a file is off."""
        return {
            "USER_AGENT": self.user_agent,
            "ROBOTSTXT_OBEY": self.obey_robots,
            "ROBOTSTXT_USER_AGENT": "Kentongan",
            "CONCURRENT_REQUESTS": 16,
            "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
            "DOWNLOAD_DELAY": self.delay,
            "RANDOMIZE_DOWNLOAD_DELAY": False,
            "DOWNLOAD_TIMEOUT": self.timeout,
            "DOWNLOAD_MAXSIZE": self.max_bytes,
            "DOWNLOAD_WARNSIZE": 0,
            "DOWNLOAD_VERIFY_CERTIFICATES": True,
            "DOWNLOAD_FAIL_ON_DATALOSS": True,
            "REDIRECT_MAX_TIMES": 5,
            "RETRY_TIMES": 1,
            "RETRY_HTTP_CODES": [],
            "HTTPERROR_ALLOW_ALL": True,
            "HTTPPROXY_ENABLED": False,
            "HTTPCACHE_ENABLED": False,
            "COOKIES_ENABLED": False,
            "TELNETCONSOLE_ENABLED": False,
            "REMOTE_CONTROL_ENABLED": False,
            "DNS_RESOLVER": "crawler.guard.GuardedResolver",
            "DOWNLOADER_MIDDLEWARES": {"crawler.guard.GuardMiddleware": 50},
            "ALLOW_PRIVATE": self.allow_private,
            "CLOSESPIDER_TIMEOUT": self.run_limit,
            "LOG_LEVEL": "CRITICAL",  # what goes wrong is told in the notes of the visit
        }
