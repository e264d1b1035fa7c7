"""Tally: what one visit has told so far, and what it still has to ask for."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic

from crawler.adapters import Adapter, Draft, Request
from crawler.document import Kind, document_key
from crawler.elsewhere import Elsewhere
from crawler.identity import same_site
from crawler.notes import Note, note
from crawler.source import Source, Status, Validators, Visit

AT_ONCE = 2  # requests of one visit that are under way: one is fetched while the other is read
MOST_COSTLY = 3  # pages of one visit whose reader had to be ended
MOST_UNANSWERED = 5  # requests of one visit, one after the other, that are not answered in time
MOST_NOTES = 100  # of one visit
MOST_ALIASES = 20  # addresses of one document that one visit learns
MOST_EDITED = 10  # known pages of one visit that are fetched again because their list shows them in another state
# Why an article is left out for what it is, as codes
LOST = ("not-a-page", "page-unreadable", "page-costly", "text-too-short", "led-away", "not-the-article")
# Why a further list cannot be had at the next visit either, as codes: the others were read all the same
FOR_GOOD = frozenset({"http-400", "http-404", "http-410", "not-public", "robots"})
NO_BODY = frozenset({"summary-only", "headline-only"})


@dataclass
class Tally:
    """One visit to one source, while it lasts."""

    source: Source
    adapter: Adapter
    started_at: datetime
    ends: float = float("inf")  # by the monotonic clock: nothing is asked for after that
    most_lists: int = 0
    lists: int = 0  # list pages asked for
    longer: bool = False  # there are more list pages than that
    waiting: deque[Request] = field(default_factory=deque)  # what is to be asked for, lists first
    open: int = 0  # requests under way
    requests: int = 0  # that were sent, redirects among them
    silent: str = ""  # code of why nothing more is asked for
    unasked: Counter[str] = field(default_factory=Counter)  # requests that were not sent, by such codes
    wait_until: datetime | None = None
    unchanged: int = 0
    found: int = 0  # items of the lists, known or not
    documents: int = 0
    parts: Counter[str] = field(default_factory=Counter)  # what the documents have: titles, dates, bodies
    costly: int = 0  # pages whose reader had to be ended
    unanswered: int = 0  # requests that were not answered in time, since the last that was
    seated: bool = True  # it counts among the visits at a time
    moved_to: str | None = None
    failure: Status | None = None  # of the first list that failed
    passing: bool = False  # a list failed that may be had at the next visit
    unfinished: bool = False  # an article may come when it is asked for again
    notes: list[Note] = field(default_factory=list)
    untold: int = 0  # notes that a reader only counted
    validators: dict[str, Validators] = field(default_factory=dict)
    asked: dict[str, bool] = field(default_factory=dict)  # key of what any visit of the crawl asked for -> it was had
    queued: set[str] = field(default_factory=set)  # keys of pages that this visit has waited to ask for
    left_to_others: set[str] = field(default_factory=set)  # of them what another visit had asked for when its turn came
    edited: dict[str, str] = field(default_factory=dict)  # key -> stamp of known pages that are asked for again
    stamps: dict[str, str] = field(default_factory=dict)  # the same of known documents that are not
    left_out: set[str] = field(default_factory=set)  # keys of articles that are not asked for again soon
    aliases: dict[str, str] = field(default_factory=dict)  # see `crawler.source.Visit`
    archived: int = 0  # bytes of answers that were kept as evidence

    def __post_init__(self) -> None:
        self.elsewhere = Elsewhere(self.source)

    @property
    def kind(self) -> Kind:
        """What an adapter of posts brings is a post, whatever was configured: its authors are people with handles."""
        return "post" if self.adapter.KIND == "post" else self.source.kind

    @property
    def finished(self) -> bool:
        return self.open == 0 and (not self.waiting or bool(self.silent))

    def add(self, requests: Iterable[Request], *, lists_only: bool = False) -> None:
        """Put what an adapter wants on the list of what to ask for; known pages and lists beyond the limit left out."""
        lists, pages = [], []
        for request in requests:
            if request.page_of is not None:
                pages += [] if lists_only else [request]
            elif self.lists < self.most_lists:
                self.lists += 1
                lists.append(request)
            else:
                self.longer = True
        self.waiting.extendleft(reversed(lists))
        self.waiting.extend(self._wanted(pages))

    def _wanted(self, pages: Iterable[Request]) -> Iterator[Request]:
        """The pages this crawl has not had yet: those that are not known, and a few that were edited since.

        A list that shows more than half of what is known in another state dates everything anew, and tells nothing.
        """
        drafts: dict[str, Request] = {}
        states: dict[str, str] = {}  # of those that are known
        for page in pages:
            assert page.page_of is not None
            key = document_key(page.page_of.identity)
            drafts.setdefault(key, page)
            if key in self.source.known:
                states.setdefault(key, page.page_of.stamp)
        edited = [key for key, stamp in states.items() if not self.asked.get(key) and self.wants(key, stamp)]
        if len(edited) > max(2, len(states) / 2):
            self.stamps |= {key: states[key] for key in edited}
            edited = []
        again = edited[: MOST_EDITED - len(self.edited)]
        self.edited |= {key: states[key] for key in again}
        for key in (*(key for key in drafts if key not in states), *again):
            if key not in self.queued and not self.asked.get(key):
                self.queued.add(key)
                yield drafts[key]

    def wants(self, key: str, stamp: str) -> bool:
        """Whether a document is not known, or not in this state; a state that is seen for the first time is learnt."""
        if key not in self.source.known:
            return True
        if stamp and key not in self.source.stamps:
            self.stamps[key] = stamp
        return bool(stamp) and self.source.stamps.get(key, stamp) != stamp

    def next(self) -> Iterator[Request]:
        """What to ask for now."""
        if self.waiting and monotonic() > self.ends:
            self.silent = self.silent or "time-up"
        while self.waiting and self.open < AT_ONCE and not self.silent:
            request = self.waiting.popleft()
            if request.page_of and self._is_left_to_others(request.page_of):
                continue
            if request.page_of and (why := self.elsewhere.asks(request.url, request.url)):
                self.unfinished |= self.elsewhere.hold_back(request.url, why)
                continue
            self.open += 1
            yield request

    def _is_left_to_others(self, draft: Draft) -> bool:
        """Whether another visit has asked for a page of this site already; that of another site each visit asks for."""
        key = document_key(draft.identity)
        if not same_site(self.source.url, draft.url):
            return self.asked.get(key, False)
        if key in self.asked:
            self.left_to_others.add(key)
            return True
        self.asked[key] = False
        return False

    def held_back(self, code: str, until: datetime | None = None) -> None:
        """A request was not sent: neither are those that wait."""
        self.silent = self.silent or code
        self.unasked[code] += 1
        if until:
            self.wait_until = max(until, self.wait_until or until)

    def count(self, draft: Draft, keys: Iterable[str]) -> None:
        """One more document; whichever source has its page in a list need not ask for it."""
        self.source = replace(self.source, known=self.source.known.union(keys))
        self.asked |= dict.fromkeys(keys, True)
        self.elsewhere.came(draft.url)
        self.documents += 1
        self.parts.update(
            titles=bool(draft.title), dates=draft.published_at is not None, bodies=not NO_BODY.intersection(draft.notes)
        )

    def known_too(self, key: str, others: Iterable[str]) -> None:
        """A document was met at other addresses; beyond MOST_ALIASES of them they are only left out for some days."""
        for other in others:
            self.asked[other] = True
            if sum(known == key for known in self.aliases.values()) < MOST_ALIASES:
                self.aliases[other] = key
            else:
                self.left_out.add(other)
                self.tell_once(note("many-addresses", self.source.url, most=MOST_ALIASES))

    def tell_once(self, told: Note) -> None:
        if told not in self.notes:
            self.notes.append(told)

    def again_or_out(self, page: Request, *, passing: bool) -> None:
        """An article was not had: it is asked for at the next visit if that may help, else not for some days."""
        self.unfinished |= passing
        if page.page_of and passing:
            self.elsewhere.lost(page.url, passing=True)
        elif page.page_of:
            self.leave_out(page.page_of)

    def leave_out(self, draft: Draft) -> None:
        """An article cannot be had at its address; it is not asked for for some days."""
        self.left_out.add(document_key(draft.identity))
        self.elsewhere.lost(draft.url, passing=False)

    def fail(self, status: Status, told: Note) -> None:
        self.failure = self.failure or status
        self.passing |= told.code not in FOR_GOOD
        self.notes.insert(0, told)

    def cost(self) -> None:
        """A reader had to be ended; a source that does so again and again is not read on."""
        self.costly += 1
        if self.costly >= MOST_COSTLY:
            self.silent = self.silent or "too-costly"

    def wait(self) -> None:
        """A request was not answered in time; a server that answers none is left alone for this visit."""
        self.unanswered += 1
        if self.unanswered >= MOST_UNANSWERED:
            self.silent = self.silent or "no-answer"

    def visit(self) -> Visit:
        if self.silent:
            self.unasked[self.silent] += len(self.waiting)
        self.unfinished |= any(not self.asked[key] for key in self.left_to_others)
        status = self._status()
        unfinished = bool(status == self.failure or self.passing or self.silent or self.waiting or self.unfinished)
        return Visit(
            self.source.name,
            status,
            self.started_at,
            datetime.now(UTC),
            self.requests,
            self.unchanged,
            self.found,
            self.documents,
            self._told(),
            {} if unfinished else self.validators,
            unfinished,
            titles=self.parts["titles"],
            dates=self.parts["dates"],
            bodies=self.parts["bodies"],
            wait_until=self.wait_until,
            lost=sum(told.code in LOST for told in self.notes),
            left_out=tuple(sorted(self.left_out | self.elsewhere.left_out())),
            moved_to=self.moved_to,
            aliases=self.aliases,
            stamps=self.stamps | ({} if unfinished else self.edited),  # those whose page failed for good among them
        )

    def _status(self) -> Status:
        """The failure of a list is the visit's if none told anything, or nothing new and the host asked to be left alone."""
        told_nothing = not (self.found or self.unchanged)
        if self.failure and (told_nothing or (self.silent == "asked-to-stop" and not self.documents)):
            return self.failure
        if self.unchanged and not self.found:
            return "unchanged"
        return "ok" if self.found else "empty"

    def _told(self) -> tuple[Note, ...]:
        """The notes, at most MOST_NOTES and one that counts the others."""
        notes = list(self.notes)
        if self.longer:
            notes.append(note("list-limit", self.source.url))
        notes += self.elsewhere.told()
        notes += [note(code, self.source.url, "asked-again", count=n) for code, n in self.unasked.items() if n]
        more = max(0, len(notes) - MOST_NOTES) + self.untold
        return (*notes[:MOST_NOTES], *([note("more-notes", count=more)] if more else ()))
