"""The one Scrapy spider, which drives any adapter. Runs in a child process:

    python -m crawler.spider

reads one JSON line from standard input, {"sources": [...], "politeness": {...}, "probe": false}, and writes JSON lines
to standard output: {"document": ...} and {"visit": ...}. It ends when its input is closed, so it never outlives its parent.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response as ScrapyResponse
from twisted.python.failure import Failure

from crawler.adapters import Adapter, Draft, Found, NotUnderstood, Request, Response, adapter_named
from crawler.adapters import names as adapter_names
from crawler.article import SHORTEST, read_article, without_pointers
from crawler.document import Document, Kind, document_key
from crawler.failures import then_of, unexpected, why
from crawler.guard import AskedToStop
from crawler.notes import Note, doubt, note
from crawler.politeness import Politeness
from crawler.source import Source, Status, Validators, Visit
from crawler.text import one_line, plain

MOST_NOTES = 100  # of one visit
READABLE = ("text/html", "application/xhtml", "text/plain")


@dataclass
class Tally:
    """What one visit has told so far."""

    source: Source
    adapter: Adapter
    started_at: datetime
    open: int = 0  # requests under way
    requests: int = 0
    unchanged: int = 0
    found: int = 0  # items of the lists, known or not
    documents: int = 0
    lists: int = 0  # list pages asked for
    most_lists: int = 0
    longer: bool = False  # there are more list pages than that
    refused: bool = False  # the host asked us to stop
    unasked: int = 0  # requests that were not sent for that
    failure: Status | None = None
    unfinished: bool = False  # an article may come when it is asked for again
    notes: list[Note] = field(default_factory=list)
    validators: dict[str, Validators] = field(default_factory=dict)

    def status(self) -> Status:
        if self.failure and not self.documents:
            return self.failure
        if self.unchanged and not self.found:
            return "unchanged"
        return "ok" if self.found else "empty"

    @property
    def kind(self) -> Kind:
        """What an adapter of posts brings is a post, whatever was configured: its authors are people with handles."""
        return "post" if self.adapter.KIND == "post" else self.source.kind

    def told(self) -> tuple[Note, ...]:
        """The notes, at most MOST_NOTES and one that counts the others."""
        notes = list(self.notes)
        if self.longer:
            notes.append(note("list-limit", self.source.url))
        if self.unasked:
            notes.append(note("asked-to-stop", self.source.url, "asked-again", count=self.unasked))
        more = len(notes) - MOST_NOTES
        return (*notes[:MOST_NOTES], *([note("more-notes", count=more)] if more > 0 else ()))

    def visit(self) -> Visit:
        unfinished = bool(self.failure or self.refused or self.unfinished)
        return Visit(
            self.source.name,
            self.status(),
            self.started_at,
            datetime.now(UTC),
            self.requests,
            self.unchanged,
            self.found,
            self.documents,
            self.told(),
            {} if unfinished else self.validators,
            unfinished,
        )


class Listener(scrapy.Spider):
    """Visits sources; what comes is written down at once."""

    name = "kentongan"

    def __init__(self, sources: list[Source], politeness: Politeness, probe: bool) -> None:
        super().__init__()
        self.sources, self.politeness, self.probe = sources, politeness, probe
        self.tallies: list[Tally] = []

    async def start(self) -> AsyncIterator[Any]:
        for source in self.sources:
            for request in self._visit(source):
                yield request

    def _visit(self, source: Source) -> Iterator[scrapy.Request]:
        """The first requests of a visit; a source that cannot be asked is a visit too."""
        at = datetime.now(UTC)
        if source.adapter not in adapter_names():
            told = note("adapter-unknown", source.url, adapter=source.adapter, known=", ".join(adapter_names()))
        else:
            tally = Tally(source, adapter_named(source.adapter), at)
            try:
                firsts = list(tally.adapter.requests(source))
            except NotUnderstood as error:
                told = replace(error.note, url=source.url)
            except Exception as error:  # whatever its options hold, the other sources go on
                told = unexpected(error, source.url)
            else:
                tally.most_lists = self.politeness.list_pages - 1 + len(firsts)
                self.tallies.append(tally)
                yield from self._ask(tally, firsts)
                return
        say("visit", asdict(Visit(source.name, "broken", at, at, notes=(told,), unfinished=True)))

    def _ask(self, tally: Tally, requests: Iterable[Request]) -> Iterator[scrapy.Request]:
        """Scrapy requests for what an adapter wants; known pages, further pages of a probe and stopped hosts left out."""
        for request in requests:
            is_list = request.page_of is None
            if is_list:
                if tally.lists >= tally.most_lists:
                    tally.longer = True
                    continue
                tally.lists += 1
            elif self.probe or document_key(request.page_of.identity) in tally.source.known:  # type: ignore[union-attr]
                continue
            tally.open += 1
            yield scrapy.Request(
                request.url,
                callback=self._answered,
                errback=self._failed,
                headers=conditions(tally.source, request.url) if is_list else None,
                dont_filter=True,
                cb_kwargs={"tally": tally, "request": request},
                priority=0 if is_list else -1,
            )

    def _answered(self, response: ScrapyResponse, tally: Tally, request: Request) -> Iterator[scrapy.Request]:
        tally.requests += 1
        if response.status == 304:
            tally.unchanged += 1
        elif response.status >= 400:
            self._refused(response, tally, request)
        else:
            yield from self._read(response, tally, request)
        self._close(tally)

    def _read(self, response: ScrapyResponse, tally: Tally, request: Request) -> Iterator[scrapy.Request]:
        answer = Response(response.url, response.body, datetime.now(UTC), _headers(response), request)
        if request.page_of is not None:
            self._page(answer, request.page_of, tally)
            return
        try:
            found = list(tally.adapter.parse(answer, tally.source))
        except NotUnderstood as error:
            self._fail(tally, "broken", replace(error.note, url=response.url))
            return
        except Exception as error:  # whatever a list holds, the other sources go on
            self._fail(tally, "broken", unexpected(error, response.url))
            return
        tally.validators |= validators_of(request.url, response)
        yield from self._ask(tally, list(self._take(found, answer, tally)))

    def _take(self, found: Iterable[Found], answer: Response, tally: Tally) -> Iterator[Request]:
        """Write down what is complete, note what is broken, pass on what is to be fetched."""
        for item in found:
            if isinstance(item, Note):
                tally.notes.append(item)
                tally.unfinished |= item.code == "feed-cut-short"
                continue
            tally.found += isinstance(item, Draft) or item.page_of is not None
            if isinstance(item, Request):
                yield item
            else:
                self._emit(item, answer.fetched_at, tally)

    def _page(self, answer: Response, draft: Draft, tally: Tally) -> None:
        if not answer.headers.get("content-type", "text/html").lower().startswith(READABLE):
            tally.notes.append(note("not-a-page", draft.url, "left-out"))
            return
        try:
            complete = read_article(answer, draft, tally.source.options)
        except Exception as error:  # whatever a page holds, the others go on
            tally.notes.append(note("page-unreadable", draft.url, "left-out", error=type(error).__name__))
            return
        self._emit(complete, answer.fetched_at, tally)

    def _emit(self, draft: Draft, fetched_at: datetime, tally: Tally) -> None:
        key = document_key(draft.identity)
        if key in tally.source.known:
            return
        text, where = plain(draft.text), tally.source.url
        if tally.kind == "article":
            text, where = without_pointers(text), draft.url
            if len(text) < SHORTEST:
                tally.notes.append(note("text-too-short", where, "left-out", least=SHORTEST))
                return
        tally.notes.extend(doubt(code, where) for code in draft.notes)
        tally.source = replace(tally.source, known=tally.source.known | {key})
        tally.documents += 1
        if self.probe:
            return
        document = Document(
            key=key,
            source=tally.source.name,
            url=draft.url,
            title=one_line(draft.title),
            text=text or one_line(draft.title),
            kind=tally.kind,
            fetched_at=fetched_at,
            published_at=draft.published_at,
            author=draft.author,
            region=tally.source.region,
            reactions=draft.reactions,
            notes=draft.notes,
        )
        print(f'{{"document": {document.to_json()}}}', flush=True)

    def _refused(self, response: ScrapyResponse, tally: Tally, request: Request) -> None:
        """An answer of 400 or more: of a list the visit's failure, of a page a note. 429 and 503 stop the visit."""
        status, after = response.status, (response.headers.get("Retry-After") or b"").decode("latin-1")
        if status in (429, 503):
            tally.refused = True
        passing = status == 429 or status >= 500
        told = note(
            f"http-{status}",
            response.url,
            then_of(request, passing=passing),
            says="http-wait" if after else "http",
            status=status,
            wait=after,
        )
        if request.page_of is not None:
            tally.unfinished |= passing
            tally.notes.append(told)
        else:
            self._fail(tally, "blocked" if status in (401, 403, 429) else "unreachable", told)

    def _failed(self, failure: Failure) -> None:
        tally, request = failure.request.cb_kwargs["tally"], failure.request.cb_kwargs["request"]  # type: ignore[attr-defined]
        if isinstance(failure.value, AskedToStop):
            tally.unasked += 1
        else:
            tally.requests += 1
            status, told = why(failure, request)
            if request.page_of is not None:
                tally.unfinished |= status == "unreachable"
                tally.notes.append(told)
            else:
                self._fail(tally, status, told)
        self._close(tally)

    def _fail(self, tally: Tally, status: Status, told: Note) -> None:
        tally.failure = tally.failure or status
        tally.notes.insert(0, told)

    def _close(self, tally: Tally) -> None:
        tally.open -= 1
        if tally.open == 0:
            self._say_visit(tally)

    def _say_visit(self, tally: Tally) -> None:
        self.tallies.remove(tally)
        say("visit", asdict(tally.visit()))

    def closed(self, reason: str) -> None:
        """Visits that did not finish in time are told as far as they came; their validators are not kept."""
        for tally in list(self.tallies):
            if tally.open:
                self._fail(tally, "unreachable", note("unfinished", tally.source.url, "asked-again"))
            self._say_visit(tally)


def conditions(source: Source, url: str) -> dict[str, str]:
    """Headers for a conditional GET, as far as the server gave validators last time."""
    validators = source.validators.get(url, Validators())
    headers = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    return {name: value for name, value in headers.items() if value}


def validators_of(url: str, response: ScrapyResponse) -> dict[str, Validators]:
    """What the server gave for next time; nothing of an answer that was cut short."""
    if "partial" in response.flags or "dataloss" in response.flags:
        return {}
    headers = _headers(response)
    given = Validators(headers.get("etag"), headers.get("last-modified"))
    return {url: given} if given.etag or given.last_modified else {}


def _headers(response: ScrapyResponse) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
        for name, values in response.headers.items()
    }


def say(what: str, row: dict[str, Any]) -> None:
    """One JSON line for the parent."""
    print(json.dumps({what: row}, default=lambda value: value.isoformat()), flush=True)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def main() -> None:
    order = json.loads(sys.stdin.readline())
    Thread(target=_end_with_parent, daemon=True).start()
    politeness = Politeness(**order["politeness"])
    process = CrawlerProcess(politeness.scrapy_settings())
    process.crawl(
        Listener, sources=[source_from(row) for row in order["sources"]], politeness=politeness, probe=order["probe"]
    )
    process.start()


def source_from(row: dict[str, Any]) -> Source:
    """A Source from its JSON form."""
    since = row.pop("since")
    validators = {url: Validators(**value) for url, value in row.pop("validators").items()}
    known, settled = frozenset(row.pop("known")), frozenset(row.pop("settled", ()))
    moment = datetime.fromisoformat(since) if since else None
    return Source(**row, since=moment, validators=validators, known=known, settled=settled)


if __name__ == "__main__":
    main()
