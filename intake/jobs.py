"""What the service does again and again. Each job is a plain function, safe to run twice and safe to be killed.

Documents are stored before anything else happens to them, and what waits for analysis is found by a query: a process
killed at any moment loses nothing, and running the job again repeats nothing visible.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Event

from crawler import Batch, Document, Source, Visit
from crawler.run import Politeness, Robots, crawl
from intake import alerts, drops, inbox, retention, sources
from intake.casework.referrals import links_of
from intake.courier import as_address
from intake.database import Sessions
from intake.models import Mention
from intake.people import audit
from intake.review import mutes, views
from intake.settings import Settings, anchor_file, evidence_folder, pseudonym_key, ways_of
from nlp import Analysis, Text

log = logging.getLogger(__name__)

Analyse = Callable[[Sequence[Text]], Iterable[Analysis]]
BATCH = 64
NEVER = Event()
ROBOTS: Robots = {}  # of the hosts this process has asked


@dataclass(frozen=True, slots=True)
class Heard:
    """What a round of crawling brought."""

    visits: tuple[Visit, ...] = ()
    documents: int = 0
    new: int = 0


def politeness(settings: Settings, *, demo: bool = False) -> Politeness:
    """How we behave towards hosts. The demo press is our own: it is asked quickly and may stand on loopback."""
    return Politeness(
        user_agent=f"Kentongan/2026.11 (+{settings.contact})",
        delay=0.05 if demo else settings.crawl_delay,
        timeout=settings.crawl_timeout,
        max_bytes=settings.crawl_max_bytes,
        allow_private=demo,
    )


def crawl_due(sessions: Sessions, settings: Settings, *, demo: bool = False, stop: Event = NEVER) -> Heard:
    """Visit every source whose interval has passed, and store what it publishes."""
    with sessions.begin() as session:
        due = sources.due(session)
    return crawl_and_store(sessions, settings, due, demo=demo, stop=stop)


def crawl_and_store(
    sessions: Sessions,
    settings: Settings,
    due: Sequence[Source],
    *,
    demo: bool = False,
    stop: Event = NEVER,
    told: Callable[[Batch], None] = lambda batch: None,
) -> Heard:
    """Crawl `due` and store each batch as it comes; a visit is recorded only after all its documents are.

    So neither validators nor what a source counts as read run ahead of the documents they stand for: killed or stopped in
    between, the next visit asks again for everything that the broken one might have brought.
    """
    if not due:
        return Heard()
    key, documents = pseudonym_key(settings), 0
    visits: list[Visit] = []
    new: Counter[str] = Counter()
    archive = evidence_folder(settings)
    with closing(crawl(due, politeness(settings, demo=demo), archive=archive, robots=ROBOTS)) as batches:
        for batch in batches:
            with sessions.begin() as session:
                for source, found in _by_source(batch.documents):
                    new[source] += inbox.store(session, found, key)
                for visit in batch.visits:
                    inbox.learn(session, visit)
                    sources.record_visit(session, visit, new[visit.source])
            documents += len(batch.documents)
            visits.extend(batch.visits)
            told(batch)
            if stop.is_set():
                break
    with sessions.begin() as session:
        alerts.write_news(session, operator=settings.operator_address is not None)
    return Heard(tuple(visits), documents, new.total())


def import_drops(sessions: Sessions, settings: Settings, *, stop: Event = NEVER) -> int:
    """Import the files that others left in the folder, if there is one. Returns how many were put away."""
    key = pseudonym_key(settings)

    def keep(documents: list[Document]) -> int:
        with sessions.begin() as session:
            return inbox.store_imported(session, documents, key)

    try:
        return drops.take_all(settings.drop_folder, keep, stop) if settings.drop_folder else 0
    except OSError as error:
        log.warning("the folder %s cannot be worked in: %s", settings.drop_folder, error.strerror or error)
        return 0


def analyse_pending(
    sessions: Sessions,
    analyse: Analyse,
    threshold: float,
    *,
    stop: Event = NEVER,
    told: Callable[[int], None] = lambda count: None,
) -> int:
    """Analyse every stored mention that waits for it, a batch a transaction. Returns how many were done."""
    done = 0
    while not stop.is_set():
        with sessions.begin() as session:
            texts = [inbox.as_text(mention) for mention in inbox.pending(session, BATCH)]
        if not texts:
            break
        _record(sessions, texts, _analyse(analyse, texts), threshold)
        done += len(texts)
        told(len(texts))
    return done


def analyse_now(sessions: Sessions, analyse: Analyse, threshold: float, mention_id: int) -> None:
    """Analyse one mention before all that waits: somebody looks at the page."""
    with sessions.begin() as session:
        mention = session.get_one(Mention, mention_id)
        texts = [inbox.as_text(mention)] if mention.analysed_at is None else []
    if texts:
        _record(sessions, texts, _analyse(analyse, texts), threshold)


def send_alerts(sessions: Sessions, settings: Settings) -> int:
    """Send the messages that decisions, and sources in trouble, left in the outbox."""
    to = settings.operator_address
    operator = as_address(to.get_secret_value()) if to else None
    return alerts.send_waiting(sessions, ways=ways_of(settings), operator=operator, links=links_of(settings))


def write_view_alerts(sessions: Sessions, settings: Settings) -> int:
    """Put what is new in saved views into the outbox, for those who want to be told."""
    with sessions.begin() as session:
        return views.write_alerts(session, console=settings.public_url)


def anchor_audit(sessions: Sessions, settings: Settings) -> None:
    """Note the end of the audit log outside the database."""
    path = anchor_file(settings)
    try:
        with sessions.begin() as session:
            audit.anchor(session, path)
    except (OSError, ValueError) as error:
        log.warning("the audit log has no new anchor: %s", error)


def clean_up(sessions: Sessions, settings: Settings) -> dict[str, int]:
    """Delete what its retention says; returns how many rows of what, and how many raw answers."""
    with sessions.begin() as session:
        counts = retention.run(session, dry_run=False)
        mutes.lift_expired(session)
    with sessions.begin() as session:  # what was deleted until now needs no evidence any more
        return counts | {"evidence": retention.sweep(session, evidence_folder(settings), dry_run=False)}


def _by_source(documents: Sequence[Document]) -> Iterator[tuple[str, list[Document]]]:
    for name in dict.fromkeys(document.source for document in documents):
        yield name, [document for document in documents if document.source == name]


def _record(
    sessions: Sessions, texts: Sequence[Text], results: Sequence[Analysis | Exception], threshold: float
) -> None:
    with inbox.recording(sessions) as session:
        for text, result in zip(texts, results, strict=True):
            mention = session.get_one(Mention, int(text.id))
            if inbox.as_text(mention) != text:  # edited meanwhile: what was understood is not of this text
                continue
            if isinstance(result, Exception):
                inbox.set_aside(session, mention, f"{type(result).__name__}: {result}")
            else:
                inbox.record(session, mention, result, threshold)


def _analyse(analyse: Analyse, texts: Sequence[Text]) -> list[Analysis | Exception]:
    """A batch at once; where that fails, one by one, so that one bad text costs only itself."""
    try:
        analyses: list[Analysis | Exception] = list(analyse(texts))
    except Exception as error:  # whatever a text does to the analyser, the others go on
        if len(texts) == 1:
            return [error]
        log.warning(
            "a batch of %d texts failed (%s: %s); trying them one by one", len(texts), type(error).__name__, error
        )
        return [result for text in texts for result in _analyse(analyse, [text])]
    return analyses
