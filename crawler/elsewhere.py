"""What one visit may ask of sites that are not its source's own: whoever writes a list must not send us against others.

An aggregator lives on other sites' pages, and goes on as long as they answer. A site where page after page fails is left alone
by whoever listed them, in this crawl; and by a source to which it gave nothing but lasting failures for some days more: its key
stands among those of what was left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from crawler.document import document_key
from crawler.identity import publisher_of, same_site
from crawler.notes import Note, note
from crawler.source import Source

MOST_PAGES = 20  # of one other site in one visit
MOST_FAILED = 10  # of its pages in one crawl, whichever sources listed them; then ...
MOST_TRIED = 3  # ... may fail for a source, beyond those that were had, before it asks no more

Refusal = Literal["elsewhere-many", "elsewhere-failing"]


@dataclass
class Elsewhere:
    """The other sites of one visit, by their publisher."""

    source: Source
    failed: Counter[str] = field(default_factory=Counter)  # of all visits of a crawl
    asked: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)  # failed, less what was had
    useful: set[str] = field(default_factory=set)  # something was had there, or may be the next time
    held_back: Counter[tuple[Refusal, str]] = field(default_factory=Counter)
    sites: dict[str, str] = field(default_factory=dict)  # address of a page in its list -> the other site it led to

    def asks(self, address: str, listed: str) -> Refusal | None:
        """Count a page that is asked for at an address, to which the listed one may have led; or say why it is not."""
        site = self._site(address)
        if not site:
            return None
        if self._is_closed(site) or key_of(site) in self.source.known:
            return "elsewhere-failing"
        if self.asked[site] >= MOST_PAGES:
            return "elsewhere-many"
        self.asked[site] += 1
        self.sites[listed] = site
        return None

    def came(self, listed: str) -> None:
        """A page was what its list said."""
        if site := self.sites.pop(listed, ""):
            self.tried[site] -= 1
            self.useful.add(site)

    def lost(self, listed: str, *, passing: bool) -> None:
        """Nothing came of a page."""
        if site := self.sites.pop(listed, ""):
            self.failed[site] += 1
            self.tried[site] += 1
            self.useful |= {site} if passing else set()

    def hold_back(self, address: str, why: Refusal) -> bool:
        """Count a page that is not asked for; whether it is wanted at the next visit."""
        site = self._site(address)
        self.held_back[why, site] += 1
        return why == "elsewhere-many" or site in self.useful

    def left_out(self) -> set[str]:
        """Keys of the sites that are not asked again soon."""
        return {key_of(site) for site in self.tried if self._is_closed(site) and site not in self.useful}

    def told(self) -> Iterator[Note]:
        for (why, site), count in self.held_back.items():
            yield note(why, self.source.url, host=site, most=MOST_PAGES, count=count)

    def _is_closed(self, site: str) -> bool:
        return self.failed[site] >= MOST_FAILED and self.tried[site] >= MOST_TRIED

    def _site(self, address: str) -> str:
        """The publisher of an address; empty if it is the source's own, or none at all."""
        try:
            return "" if same_site(address, self.source.url) else publisher_of(address)
        except ValueError:
            return ""


def key_of(site: str) -> str:
    """What stands for a whole site among the keys of articles that are left out; no article has it."""
    return document_key(f"elsewhere {site}")
