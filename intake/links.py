"""A web address that an officer pastes: looked at, fetched by the crawler, stored, and analysed before all that waits."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from os.path import commonpath
from queue import Empty, Queue
from threading import BoundedSemaphore, Thread
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crawler import Document, Source, Visit, document_key
from crawler.adapters import web_address
from crawler.identity import identity
from crawler.notes import NEXT, Note, note
from crawler.options import PAGE
from crawler.reading.article import SHORTEST
from crawler.run import Politeness, crawl
from intake import inbox, sources
from intake.database import Sessions
from intake.drops import PROFILE
from intake.jobs import politeness
from intake.models import AuditRow, Mention, Person, SourceState, now
from intake.people import audit
from intake.settings import Settings, evidence_folder, pseudonym_key
from intake.start import press_of

log = logging.getLogger(__name__)

SOURCE = "Tautan dari petugas"
MOST, WINDOW = 10, timedelta(minutes=10)  # links one person may have read
RECENT = 20_000  # rows of the log that are looked through
LONGEST_ADDRESS = 2000  # characters
FETCHED_IN, UNDERSTOOD_IN = 30.0, 15.0  # seconds somebody waits at most
AT_A_TIME = BoundedSemaphore(2)  # pages fetched for people: each is a process of its own
_ADDRESS = re.compile(r"https?://[^\s<>\"'“”]+", re.IGNORECASE)
_BARE = re.compile(r"[\w-]+(?:\.[\w-]+)+(?:/\S*)?")

Understand = Callable[[int], None]  # analyses the mention of that id


class LinkRefused(Exception):
    """The address is not read; `key` is a message key, `values` what it speaks of."""

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(f"{key} {values}" if values else key)
        self.key, self.values = key, values


@dataclass(frozen=True, slots=True)
class Asked:
    """An address that may be read; `mention_id` if what stands there is held already."""

    url: str
    mention_id: int | None = None
    demo: bool = False  # it is of the demo press, which stands on loopback
    region: str | None = None  # of the source that is listened to at the same place; and its selectors
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of an address: a stored text, or why there is none, in Indonesian and English."""

    mention_id: int | None = None
    why: tuple[tuple[str, str], ...] = ()


def ask(session: Session, person: Person, typed: str, settings: Settings) -> Asked:
    """Whether what was pasted may be read. Raises LinkRefused; one that will be fetched counts towards the limit."""
    url = address_in(typed)
    known = inbox.find(session, document_key(identity(url)))
    if known is not None:
        return Asked(url, known.id)
    demo, rows = press_of(session, settings.database_url) == "demo", sources.listing(session)
    _may_be_called(url, rows, None if demo else politeness(settings).ports)
    _not_too_many(session, person)
    audit.write(session, person, "link.ask", host=sources.host_of(url)[:200])
    there = [row for row in rows if sources.host_of(row.url) == sources.host_of(url)]
    near = max(there, key=lambda row: len(commonpath([row.url, url])), default=None)
    if near is None:
        return Asked(url, demo=demo)
    return Asked(url, None, demo, near.region, {name: near.options[name] for name in PAGE if name in near.options})


def read(sessions: Sessions, settings: Settings, asked: Asked, understand: Understand) -> Reading:
    """Fetch, store and analyse, in a bounded time; what is not analysed by then will be a little later.

    What is held already is not fetched. Raises LinkRefused if too many are being read, or if the page does not come in time.
    """
    if asked.mention_id is not None:
        return Reading(asked.mention_id)
    if not AT_A_TIME.acquire(blocking=False):
        raise LinkRefused("link_busy")
    told: Queue[Reading] = Queue()
    Thread(target=_read, args=(sessions, settings, asked, understand, told), daemon=True).start()
    try:
        reading = told.get(timeout=FETCHED_IN)
    except Empty:
        raise LinkRefused("link_slow", seconds=round(FETCHED_IN)) from None
    if reading.mention_id is not None:
        with suppress(Empty):
            told.get(timeout=UNDERSTOOD_IN)
    return reading


def note_reading(session: Session, person: Person, mention_id: int, why: str) -> None:
    """Who brought a text, and why they thought it worth a look."""
    audit.write(session, person, "link.read", f"mention:{mention_id}", why=inbox.storable(why).strip()[:500])


def brought_by(session: Session, mention: Mention, person: Person | None = None) -> AuditRow | None:
    """Who pasted a text's address last, if that was not long ago; or when `person` did, whoever came after."""
    pasted = select(AuditRow).where(
        _recent(), AuditRow.action == "link.read", AuditRow.subject == f"mention:{mention.id}"
    )
    if person is not None:
        pasted = pasted.where(AuditRow.person_id == person.id)
    row: AuditRow | None = session.scalar(pasted.order_by(AuditRow.id.desc()).limit(1))
    return row


# ---- the address -----------------------------------------------------------------------------------------------------


def address_in(typed: str) -> str:
    """The web address in what was pasted, which may be a sentence around it, or leave out https://."""
    typed = typed.strip()
    found = _ADDRESS.search(typed)
    url = web_address(found[0].rstrip(".,;:!?)]}") if found else f"https://{typed}" if _BARE.fullmatch(typed) else None)
    if url is None or len(url) > LONGEST_ADDRESS:
        raise LinkRefused("link_none")
    if "@" in urlsplit(url).netloc:
        raise LinkRefused("link_with_user")
    return url


def _may_be_called(url: str, rows: Sequence[SourceState], ports: Collection[int] | None) -> None:
    """Raises LinkRefused. Without `ports` only the demo press may be called, which stands on a port of its own."""
    host = sources.host_of(url)
    if ports is None and host not in {sources.host_of(row.url) for row in rows if row.options.get("demo")}:
        raise LinkRefused("link_demo")
    if ports is not None and urlsplit(url).port not in (None, *ports):
        raise LinkRefused("link_port", host=urlsplit(url).hostname)
    if until := sources.waits(rows, now()).get(host):
        raise LinkRefused("link_waits", host=host, until=until)


def _not_too_many(session: Session, person: Person) -> None:
    asked = select(func.count(), func.min(AuditRow.at)).where(
        _recent(), AuditRow.action == "link.ask", AuditRow.person_id == person.id, AuditRow.at > now() - WINDOW
    )
    count, oldest = session.execute(asked).one()
    if count >= MOST:
        raise LinkRefused("link_many", most=MOST, until=oldest + WINDOW)


def _recent() -> Any:
    return AuditRow.id > select(func.coalesce(func.max(AuditRow.id), 0) - RECENT).scalar_subquery()


# ---- reading it ------------------------------------------------------------------------------------------------------


def _read(sessions: Sessions, settings: Settings, asked: Asked, understand: Understand, told: Queue[Reading]) -> None:
    """In a thread of its own: whoever waits is told when the text is stored, and again when it is analysed."""
    try:
        reading = _fetched(sessions, settings, asked)
        told.put(reading)
        if reading.mention_id is not None:
            understand(reading.mention_id)
    except Exception as error:  # the person gets a word, the log the reason
        log.exception("a pasted link could not be read")
        told.put(Reading(why=(_words(note("unexpected", error=type(error).__name__)),)))
    finally:
        AT_A_TIME.release()
        told.put(Reading())


def _fetched(sessions: Sessions, settings: Settings, asked: Asked) -> Reading:
    documents: list[Document] = []
    visits: list[Visit] = []
    source = Source(SOURCE, "page", asked.url, asked.region, options=asked.options)
    with closing(crawl([source], _promptly(settings, asked), archive=evidence_folder(settings))) as batches:
        for batch in batches:
            documents += map(_as_told, batch.documents)
            visits += batch.visits
    if not documents:
        notes = [told for visit in visits for told in visit.notes] or [note("text-too-short", least=SHORTEST)]
        return Reading(why=tuple(map(_words, notes)))
    with sessions.begin() as session:
        inbox.store(session, documents, pseudonym_key(settings))
        for visit in visits:
            inbox.learn(session, visit)
        mention = inbox.find(session, *documents[0].aliases, documents[0].key)
        return Reading(mention.id if mention else None)


def _promptly(settings: Settings, asked: Asked) -> Politeness:
    """As towards any host, but in the time somebody waits for a page; robots.txt is obeyed."""
    usual = politeness(settings, demo=asked.demo)
    return replace(
        usual, delay=min(usual.delay, 1.0), timeout=min(usual.timeout, 10.0), read_seconds=8.0, run_limit=20.0
    )


def _as_told(document: Document) -> Document:
    """A page of a network of people is what a person wrote: nobody is named."""
    return replace(document, kind="post", title="") if PROFILE.search(document.url) else document


def _words(told: Note) -> tuple[str, str]:
    """What a note says, without what comes next: nobody asks for this address again by himself."""
    indonesian, english = told.message, told.english or told.message
    for after in NEXT.values():
        indonesian, english = indonesian.removesuffix(after[0]).rstrip(), english.removesuffix(after[1]).rstrip()
    return indonesian, english
