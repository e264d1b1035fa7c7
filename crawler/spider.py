"""The one Scrapy spider, which drives any adapter. Runs in a child process:

    python -m crawler.spider

reads JSON lines from standard input, {"addresses": [...], "politeness": {...}, "probe": false, "robots": {...}} and then a
Source for each address, and writes JSON lines to standard output: {"document": ...}, {"visit": ...} and, at the end,
{"robots": ...}. It ends when its input is closed, so it never outlives its parent. A Source is unpacked when its visit begins:
three hundred of them with all they know fill memory. What comes is not looked into here but by the readers: see
`crawler.reading.workers`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any, NoReturn

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response as ScrapyResponse
from twisted.python.failure import Failure

from crawler.adapters import Draft, Found, NotUnderstood, Request, adapter_named, most_requests
from crawler.adapters import names as adapter_names
from crawler.api import seconds_left
from crawler.handed import Handed
from crawler.identity import same_site
from crawler.network.answers import (
    conditional,
    conditions,
    headers_of,
    moved_to,
    onward_of,
    refusal_note,
    validators_of,
)
from crawler.network.failures import then_of, why
from crawler.network.guard import Unsent
from crawler.network.hosts import downloader_of, host_of, wait_of
from crawler.network.robots import fresh
from crawler.notes import Note, note, unexpected
from crawler.politeness import Politeness
from crawler.reading.reader import Reading, to_row
from crawler.reading.workers import Readers
from crawler.source import Source, Visit, source_from, source_row
from crawler.tally import Tally
from crawler.tokens import Tokens

MOST_VISITS = 64  # at a time
MOST_WAITING = 64  # more of them, whose servers have kept us waiting
DIRECT = {"dont_redirect": True, "dont_obey_robotstxt": True}  # see `crawler.adapters.Request.direct`


class Listener(scrapy.Spider):
    """Visits sources; what comes is written down at once."""

    name = "kentongan"

    def __init__(self, rows: list[bytes], politeness: Politeness, probe: bool, archive: str | None) -> None:
        super().__init__()
        self.rows, self.politeness, self.probe = rows, politeness, probe  # a row is a Source whose visit has not begun
        self.tokens = Tokens(os.environ, plain=politeness.allow_private)
        self.readers = Readers(politeness.read_seconds, politeness.read_megabytes)
        self.places, self.waiting = asyncio.Semaphore(MOST_VISITS), 0
        self.handed = Handed(Path(archive) if archive and not probe else None)
        self.asked: dict[str, bool] = {}
        self.failed_elsewhere: Counter[str] = Counter()
        self.tallies: list[Tally] = []

    async def start(self) -> AsyncIterator[Any]:
        asyncio.get_running_loop().call_later(self.politeness.run_limit, self._end)
        while self.rows:
            await self.places.acquire()
            for request in self._visit(source_from(json.loads(self.rows.pop(0)))):
                yield request

    def _visit(self, source: Source) -> Iterator[scrapy.Request]:
        """The first requests of a visit; a source that cannot be asked is a visit too."""
        at = datetime.now(UTC)
        if source.adapter not in adapter_names():
            told = note("adapter-unknown", source.url, adapter=source.adapter, known=", ".join(adapter_names()))
        else:
            try:
                tally = Tally(source, adapter_named(source.adapter), at, monotonic() + self.politeness.visit_limit)
                tally.asked, tally.elsewhere.failed = self.asked, self.failed_elsewhere
                firsts = list(tally.adapter.requests(source))
                tally.most_lists = most_requests(tally.adapter, source, self.politeness.list_pages, len(firsts))
                for request in firsts:
                    self._sent(request, tally)  # what is wrong with one is told before anything is sent
            except NotUnderstood as error:
                told = replace(error.note, url=source.url)
            except Exception as error:  # whatever its options hold, the other sources go on
                told = unexpected(error, source.url)
            else:
                self.tallies.append(tally)
                tally.add(firsts)
                yield from self._ask(tally)
                return
        self.places.release()
        say("visit", asdict(Visit(source.name, "broken", at, at, notes=(told,), unfinished=True)))

    def _ask(self, tally: Tally) -> Iterator[scrapy.Request]:
        """What a visit asks for now; one that has nothing more to ask for ends."""
        for request in tally.next():
            try:
                sent = self._sent(request, tally)
            except NotUnderstood as error:
                tally.open -= 1
                self._not_understood(Reading(), replace(error.note, url=request.url), tally, request)
            else:
                yield sent
        if tally.finished:
            self._say_visit(tally)

    def _sent(self, request: Request, tally: Tally) -> scrapy.Request:
        """The request as it is sent. NotUnderstood if it lacks its token, or has no address."""
        filled, is_list = self.tokens.filled(request), request.page_of is None
        try:
            return scrapy.Request(
                filled.url,
                callback=self._answered,
                errback=self._failed,
                method=filled.method,
                headers=dict(filled.headers) or (conditions(tally.source, request.url) if is_list else None),
                body=filled.body,
                meta=DIRECT if request.direct else None,
                dont_filter=True,
                cb_kwargs={"tally": tally, "request": request},
                priority=0 if is_list else -1,
            )
        except ValueError:
            raise NotUnderstood("address-odd") from None

    async def _answered(
        self, response: ScrapyResponse, tally: Tally, request: Request
    ) -> AsyncIterator[scrapy.Request]:
        tally.unanswered = 0
        if request.page_of is None and response.status < 400:
            tally.moved_to = tally.moved_to or moved_to(tally.source.url, request.url, response)
        if response.status == 304 and conditional(response):
            tally.unchanged += 1
        elif response.status >= 300:
            await self._refused(response, tally, request)
        else:
            at = datetime.now(UTC)
            reading = await self._reading("page" if request.page_of else "list", response, tally, request, at)
            if reading.leads_to and not request.direct and (onward := onward_of(response, reading.leads_to)):
                yield onward
                return
            self._understood(reading, response, tally, request, at)
        tally.open -= 1
        for further in self._ask(tally):
            yield further

    async def _reading(
        self, task: str, response: ScrapyResponse, tally: Tally, request: Request, at: datetime
    ) -> Reading:
        """What a reader makes of an answer."""
        order = {
            "task": task,
            "url": response.url,
            "status": response.status,
            "headers": headers_of(response),
            "at": at.isoformat(),
            "request": to_row(request),
            "kind": tally.kind,
            "limit": self.politeness.max_bytes,
            "then": "left-out" if task == "page" else "asked-again",
        }
        if task == "page":
            order |= {"options": dict(tally.source.options), "told_by": tally.source.url}
        else:
            order["source"] = source_row(tally.source)
        try:
            return await self.readers.read(host_of(response.url), order, response)
        except Exception as error:  # whatever keeps us from reading it, the visit goes on
            return Reading(failure=unexpected(error, response.url))

    def _understood(
        self, reading: Reading, response: ScrapyResponse, tally: Tally, request: Request, at: datetime
    ) -> None:
        if reading.leads_to:
            reading = Reading(failure=note("redirects", response.url, then_of(request, passing=False)))
        if reading.failure:
            self._not_understood(reading, reading.failure, tally, request)
            return
        tally.untold += reading.untold
        found, further = tally.found, list(self._take(reading.found, response, at, tally, request))
        tally.add(further, lists_only=self.probe)
        if not reading.whole:
            tally.unfinished = True
            if not any(told.code == "feed-cut-short" for told in tally.notes):
                tally.notes.append(note("cut-short", response.url, "asked-again"))
        elif request.page_of is None and (tally.found > found or not further):  # no index: its lists change without it
            tally.validators |= validators_of(request.url, response)

    def _not_understood(self, reading: Reading, failure: Note, tally: Tally, request: Request) -> None:
        if request.page_of is None:
            tally.fail("unreachable" if reading.passing else "broken", failure)
            return
        tally.notes.append(failure)
        tally.again_or_out(request, passing=reading.passing)
        if reading.costly:
            tally.cost()

    def _take(
        self, found: tuple[Found, ...], response: ScrapyResponse, at: datetime, tally: Tally, request: Request
    ) -> Iterator[Request]:
        """Write down what is complete, note what is broken, pass on what is to be fetched."""
        for item in found:
            if isinstance(item, Note):
                tally.notes.append(item)
                tally.unfinished |= item.code in ("feed-cut-short", "rest-later")
                continue
            tally.found += request.page_of is None and (isinstance(item, Draft) or item.page_of is not None)
            if isinstance(item, Request):
                yield item
                continue
            listed = request.page_of
            document = self.handed.document(
                item, response, at, tally, is_page=listed is not None, list_title=listed.title if listed else ""
            )
            if document and not self.probe:
                print(f'{{"document": {document.to_json()}}}', flush=True)

    async def _refused(self, response: ScrapyResponse, tally: Tally, request: Request) -> None:
        """An answer of 300 or more: of a list the visit's failure, of a page a note. 429 and 503 silence the host."""
        status, host, at = response.status, host_of(response.url), datetime.now(UTC)
        after = (response.headers.get("Retry-After") or b"").decode("latin-1")
        until = wait_of(after or (seconds_left(headers_of(response), at) if status == 429 else ""), at)
        explained = await self._explained(response, tally, request, at)
        if explained and not explained.failure:
            tally.notes.extend(one for one in explained.found if isinstance(one, Note))
            return
        if status in (429, 503):
            downloader_of(self.crawler).stop(host, until)
        for_us = status in (429, 503) and not _is_elsewhere(response.url, tally, request)
        if for_us:
            tally.wait_until = max(filter(None, (until, tally.wait_until)), default=None)
        if for_us or explained:
            tally.silent = tally.silent or "asked-to-stop"
        passing = status == 429 or status >= 500
        told = refusal_note(response, request, then_of(request, passing=passing), until)
        if request.page_of is not None:
            tally.notes.append(told)
            tally.again_or_out(request, passing=passing)
        else:
            refusal = status in (401, 403, 429) or (explained and status < 500)
            told = explained.failure if explained and explained.failure else told
            tally.fail("blocked" if refusal else "unreachable", told)

    async def _explained(
        self, response: ScrapyResponse, tally: Tally, request: Request, at: datetime
    ) -> Reading | None:
        """What the adapter makes of a refusal: a Note on this one request, or the failure that ends the visit."""
        if request.page_of is not None or not hasattr(tally.adapter, "refused"):
            return None
        reading = await self._reading("refusal", response, tally, request, at)
        return reading if reading.found or (reading.failure and not reading.costly) else None

    def _failed(self, failure: Failure) -> Iterator[scrapy.Request]:
        tally, request = failure.request.cb_kwargs["tally"], failure.request.cb_kwargs["request"]  # type: ignore[attr-defined]
        if isinstance(failure.value, Unsent):
            self._unsent(failure.value, tally, request)
        else:
            status, told = why(failure, request)
            if told.code == "in-pieces":
                tally.cost()
            if told.code == "timeout":
                tally.wait()
                self._give_way(tally)
            if request.page_of is not None:
                tally.notes.append(told)
                tally.again_or_out(request, passing=status == "unreachable")
            else:
                tally.fail(status, told)
        tally.open -= 1
        yield from self._ask(tally)

    def _unsent(self, unsent: Unsent, tally: Tally, request: Request) -> None:
        if unsent.code == "asked-to-stop" and _is_elsewhere(request.url, tally, request):
            tally.unasked[unsent.code] += 1
            tally.unfinished = True
            return
        tally.held_back(unsent.code, downloader_of(self.crawler).stopped.get(unsent.host))
        if request.page_of is None and unsent.code == "asked-to-stop":
            tally.failure = tally.failure or "blocked"

    def _give_way(self, tally: Tally) -> None:
        """A visit whose server keeps us waiting leaves its place to another."""
        if tally.seated and self.waiting < MOST_WAITING:
            tally.seated, self.waiting = False, self.waiting + 1
            self.places.release()

    def _say_visit(self, tally: Tally) -> None:
        self.tallies.remove(tally)
        if tally.seated:
            self.places.release()
        else:
            self.waiting -= 1
        say("visit", asdict(tally.visit()))

    def closed(self, reason: str) -> NoReturn:
        self._end()

    def _end(self) -> NoReturn:
        """Say what is left to say, and end at once: no answer, no look-up and no reader under way is waited for.

        Visits that did not finish in time are told as far as they came; their validators are not kept.
        """
        try:
            for tally in list(self.tallies):
                tally.fail("unreachable", note("unfinished", tally.source.url, "asked-again"))
                self._say_visit(tally)
            at = datetime.now(UTC)
            for source in map(source_from, map(json.loads, self.rows)):
                told = note("unfinished", source.url, "asked-again")
                say("visit", asdict(Visit(source.name, "unreachable", at, at, notes=(told,), unfinished=True)))
            say("robots", self.settings["ROBOTS"])
            self.readers.kill()
        finally:
            os._exit(0)


def _is_elsewhere(url: str, tally: Tally, request: Request) -> bool:
    """Whether it is the page of another site, whose troubles are not this source's."""
    return request.page_of is not None and not same_site(url, tally.source.url)


def say(what: str, row: dict[str, Any]) -> None:
    """One JSON line for the parent."""
    print(json.dumps({what: row}, default=lambda value: value.isoformat()), flush=True)


def _end_with_parent() -> None:
    while os.read(0, 4096):
        continue
    os._exit(1)


def main() -> None:
    order = json.loads(sys.stdin.buffer.readline())
    rows = [sys.stdin.buffer.readline() for _ in order["addresses"]]
    Thread(target=_end_with_parent, daemon=True).start()
    politeness = Politeness(**order["politeness"])
    settings = politeness.scrapy_settings(order["addresses"]) | {
        "ROBOTS": fresh(order.get("robots", {}), datetime.now(UTC))
    }
    process = CrawlerProcess(settings)
    process.crawl(Listener, rows=rows, politeness=politeness, probe=order["probe"], archive=order.get("archive"))
    process.start()


if __name__ == "__main__":
    main()
