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
from crawler.run import Politeness, crawl
from intake import alerts, inbox, retention, sources
from intake.database import Sessions
from intake.models import Mention
from intake.settings import Settings, pseudonym_key
from nlp import Analysis, Text

log = logging.getLogger(__name__)

Analyse = Callable[[Sequence[Text]], Iterable[Analysis]]
BATCH = 64
NEVER = Event()


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
    with closing(crawl(due, politeness(settings, demo=demo))) as batches:
        for batch in batches:
            with sessions.begin() as session:
                for source, found in _by_source(batch.documents):
                    new[source] += inbox.store(session, found, key)
                for visit in batch.visits:
                    sources.record_visit(session, visit, new[visit.source])
            documents += len(batch.documents)
            visits.extend(batch.visits)
            told(batch)
            if stop.is_set():
                break
    return Heard(tuple(visits), documents, new.total())


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
        results = _analyse(analyse, texts)
        with sessions.begin() as session:
            for text, result in zip(texts, results, strict=True):
                mention = session.get_one(Mention, int(text.id))
                if isinstance(result, Exception):
                    inbox.set_aside(session, mention, f"{type(result).__name__}: {result}")
                else:
                    inbox.record(session, mention, result, threshold)
        done += len(texts)
        told(len(texts))
    return done


def send_alerts(sessions: Sessions) -> int:
    """Send the messages that decisions left in the outbox."""
    return alerts.send_waiting(sessions)


def clean_up(sessions: Sessions) -> dict[str, int]:
    """Delete what its retention says; returns how many rows of what."""
    with sessions.begin() as session:
        return retention.run(session, dry_run=False)


def _by_source(documents: Sequence[Document]) -> Iterator[tuple[str, list[Document]]]:
    for name in dict.fromkeys(document.source for document in documents):
        yield name, [document for document in documents if document.source == name]


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
