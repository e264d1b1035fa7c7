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
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response as ScrapyResponse
from twisted.internet.error import DNSLookupError, TCPTimedOutError, TimeoutError
from twisted.python.failure import Failure

from crawler.adapters import Adapter, Draft, Found, NotUnderstood, Request, Response, adapter_named
from crawler.article import SHORTEST, read_article
from crawler.document import Document, document_key
from crawler.politeness import Politeness
from crawler.source import Note, Source, Status, Validators, Visit
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
    refused: bool = False  # the host asked us to stop
    failure: Status | None = None
    notes: list[Note] = field(default_factory=list)
    validators: dict[str, Validators] = field(default_factory=dict)

    def status(self) -> Status:
        if self.failure and not self.documents:
            return self.failure
        if self.unchanged and not self.found:
            return "unchanged"
        return "ok" if self.found else "empty"

    def visit(self) -> Visit:
        return Visit(
            self.source.name,
            self.status(),
            self.started_at,
            datetime.now(UTC),
            self.requests,
            self.unchanged,
            self.found,
            self.documents,
            tuple(self.notes[:MOST_NOTES]),
            {} if self.failure else self.validators,
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
        try:
            tally = Tally(source, adapter_named(source.adapter), datetime.now(UTC))
            self.tallies.append(tally)
            firsts = list(tally.adapter.requests(source))
        except (ValueError, NotUnderstood) as error:
            told = Note("configuration", str(error), source.url)
            at = datetime.now(UTC)
            self.tallies = [tally for tally in self.tallies if tally.source is not source]
            say("visit", asdict(Visit(source.name, "broken", at, at, notes=(told,))))
            return
        yield from self._ask(tally, firsts)

    def _ask(self, tally: Tally, requests: Iterable[Request]) -> Iterator[scrapy.Request]:
        """Scrapy requests for what an adapter wants; known pages, further pages of a probe and stopped hosts left out."""
        for request in requests:
            is_list = request.page_of is None
            if is_list:
                if tally.lists >= self.politeness.list_pages + len(tally.source.options.get("tags") or ()):
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
        elif not tally.refused:
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
            self._fail(tally, "broken", Note("not-understood", str(error), response.url))
            return
        tally.validators |= validators_of(request.url, response)
        yield from self._ask(tally, list(self._take(found, answer, tally)))

    def _take(self, found: Iterable[Found], answer: Response, tally: Tally) -> Iterator[Request]:
        """Write down what is complete, note what is broken, pass on what is to be fetched."""
        for item in found:
            if isinstance(item, Note):
                tally.notes.append(item)
                continue
            tally.found += isinstance(item, Draft) or item.page_of is not None
            if isinstance(item, Request):
                yield item
            else:
                self._emit(item, answer.fetched_at, tally)

    def _page(self, answer: Response, draft: Draft, tally: Tally) -> None:
        if not answer.headers.get("content-type", "text/html").lower().startswith(READABLE):
            tally.notes.append(
                Note("not-a-page", "the article's address answers with something else; left out", draft.url)
            )
            return
        try:
            complete = read_article(answer, draft, tally.source.options)
        except Exception as error:  # whatever a page holds, the others go on
            why = f"the page could not be read ({type(error).__name__}); left out"
            tally.notes.append(Note("page-unreadable", why, draft.url))
            return
        if len(complete.text) < SHORTEST and not draft.text:
            tally.notes.append(Note("page-without-text", "no article was found on the page; left out", draft.url))
            return
        self._emit(complete, answer.fetched_at, tally)

    def _emit(self, draft: Draft, fetched_at: datetime, tally: Tally) -> None:
        key = document_key(draft.identity)
        tally.notes.extend(Note("date", note, draft.url) for note in draft.notes)
        if key in tally.source.known:
            return
        tally.source = replace(tally.source, known=tally.source.known | {key})
        tally.documents += 1
        if self.probe:
            return
        document = Document(
            key=key,
            source=tally.source.name,
            url=draft.url,
            title=one_line(draft.title),
            text=plain(draft.text) or one_line(draft.title),
            kind=tally.source.kind,
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
        note = Note(f"http-{status}", f"answered {status}" + (f", asks to wait {after}" if after else ""), response.url)
        if status in (429, 503):
            tally.refused = True
        if request.page_of is not None:
            tally.notes.append(replace(note, message=note.message + "; this article is left out"))
        else:
            self._fail(tally, "blocked" if status in (401, 403, 429) else "unreachable", note)

    def _failed(self, failure: Failure) -> None:
        tally, request = failure.request.cb_kwargs["tally"], failure.request.cb_kwargs["request"]  # type: ignore[attr-defined]
        tally.requests += 1
        status, note = why(failure, request.url)
        if request.page_of is not None:
            tally.notes.append(replace(note, message=note.message + "; this article is left out"))
        else:
            self._fail(tally, status, note)
        self._close(tally)

    def _fail(self, tally: Tally, status: Status, note: Note) -> None:
        tally.failure = tally.failure or status
        tally.notes.insert(0, note)

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
                self._fail(
                    tally, "unreachable", Note("unfinished", f"the crawl ended before this visit did ({reason})")
                )
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


def why(failure: Failure, url: str) -> tuple[Status, Note]:
    """What a failed request means, in words."""
    error = failure.value
    if isinstance(error, IgnoreRequest):
        told = error.args[0] if error.args else ""
        if isinstance(told, Note):
            return "blocked", replace(told, url=url)
        if "DOWNLOAD_MAXSIZE" in str(error):  # found while unpacking
            return "broken", _too_large(url)
        if "redirect" in str(error):
            return "broken", Note("redirects", "the address leads from one to the next without end", url)
        return "blocked", Note("robots", "robots.txt does not allow this address", url)
    if isinstance(error, DNSLookupError):
        return "unreachable", Note("name", f"the name is not found: {error}"[:300], url)
    if isinstance(error, TimeoutError | TCPTimedOutError) or "Timeout" in type(error).__name__:
        return "unreachable", Note("timeout", "no complete answer in time", url)
    if "maxsize" in str(error).lower() or type(error).__name__ in ("CancelledError", "DownloadCancelledError"):
        return "broken", _too_large(url)
    return "unreachable", Note("connection", f"{type(error).__name__}: {error}"[:300], url)


def _too_large(url: str) -> Note:
    return Note("too-large", "the answer is larger than the limit", url)


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
    known = frozenset(row.pop("known"))
    return Source(**row, since=datetime.fromisoformat(since) if since else None, validators=validators, known=known)


if __name__ == "__main__":
    main()
