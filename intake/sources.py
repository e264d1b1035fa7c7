"""Sources in use: rows of the database that become crawler Sources, and what visits told of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crawler import Kind, Note, Source, Validators, Visit
from intake import audit
from intake.models import Mention, Person, SourceState, now

KNOWN = 2000  # keys of the newest documents that are handed to the crawler
VALIDATORS = 50  # addresses of one source whose ETag is kept
ASK_AGAIN = timedelta(days=1)  # a guessed address that did not answer is asked again after this time
ANSWERED = ("ok", "unchanged", "empty")


def listing(session: Session) -> list[SourceState]:
    """Every source, by name."""
    return list(session.scalars(select(SourceState).order_by(SourceState.name)))


def sync(session: Session, found: Iterable[Source]) -> None:
    """Bring the configured sources into the database; what an operator switched off stays off.

    ValueError if that would mix the demo press with the real one: invented complaints must not be taken for real ones.
    """
    found = list(found)
    rows = {row.name: row for row in listing(session)}
    demo = any(source.options.get("demo") for source in found)
    foreign = [row.name for row in rows.values() if bool(row.options.get("demo")) != demo]
    if foreign:
        raise ValueError(
            f"this database listens to {'the real press' if demo else 'the demo press'} ({foreign[0]} ...)."
        )
    for source in found:
        if (row := rows.get(source.name)) is None:
            session.add(_row(source))
        else:
            _configure(row, source)


def add(session: Session, source: Source, by: Person | None = None) -> SourceState:
    """One more source. ValueError if the name is taken."""
    if session.scalar(select(SourceState.id).where(SourceState.name == source.name)):
        raise ValueError(f"there is already a source named {source.name!r}; give this one another --name.")
    row = _row(source)
    session.add(row)
    session.flush()
    audit.write(session, by, "source.add", f"source:{row.id}", name=source.name, url=source.url)
    return row


def enable(session: Session, name: str, enabled: bool, by: Person | None = None) -> SourceState:
    """Listen to a source again, or no more. ValueError if there is none of that name."""
    row = session.scalar(select(SourceState).where(SourceState.name == name))
    if row is None:
        raise ValueError(f"no source is named {name!r}; `kentongan source list` shows the names.")
    row.enabled = enabled
    audit.write(session, by, "source.enable" if enabled else "source.disable", f"source:{row.id}", name=name)
    return row


def due(session: Session, at: datetime | None = None, *, everything: bool = False) -> list[Source]:
    """The enabled sources whose interval has passed (or all of them), ready to be crawled.

    One whose address is only a guess is asked first; it enters the rhythm once it has answered.
    """
    at = at or now()

    def is_due(row: SourceState) -> bool:
        pause = timedelta(minutes=row.interval) if row.probed else max(ASK_AGAIN, timedelta(minutes=row.interval))
        return everything or row.visited_at is None or row.visited_at + pause <= at

    return [ready(session, row) for row in listing(session) if row.enabled and is_due(row)]


def ready(session: Session, row: SourceState) -> Source:
    """The Source of a row, with the state the crawler works from.

    Every document we hold is known, and its page not fetched again. But only what a visit that ended well had brought is
    settled, and only that may end the paging or be asked "what came after it": a visit that broke off, however it did, may
    hold the first page of a list and none of the others.
    """
    held = session.execute(
        select(Mention.key, Mention.published_at, Mention.fetched_at)
        .where(Mention.source == row.name)
        .order_by(Mention.id.desc())
        .limit(KNOWN)
    ).all()
    settled = [one for one in held if row.complete_at and one.fetched_at <= row.complete_at]
    return replace(
        as_source(row),
        validators={url: Validators(**value) for url, value in row.validators.items()},
        known=frozenset(one.key for one in held),
        settled=frozenset(one.key for one in settled),
        since=max((one.published_at for one in settled if one.published_at), default=None),
    )


def as_source(row: SourceState) -> Source:
    """The Source of a row without state, for a check."""
    return Source(row.name, row.adapter, row.url, row.region, _kind(row), row.interval, row.enabled, row.options)


def record_visit(session: Session, visit: Visit, new: int) -> None:
    """Note what a visit told: health, validators, notes."""
    row = session.scalar(select(SourceState).where(SourceState.name == visit.source))
    if row is None:  # removed while it was visited
        return
    row.status, row.visited_at = visit.status, visit.finished_at
    row.requests, row.documents = visit.requests, visit.documents
    row.notes = [_told(note) for note in visit.notes]
    row.validators = _newest(row.validators, {url: asdict(value) for url, value in visit.validators.items()})
    if visit.status in ANSWERED:
        row.success_at, row.probed = visit.finished_at, True
        if not visit.unfinished:
            row.complete_at = visit.finished_at
    if new:
        row.new_at = visit.finished_at


def record_probe(session: Session, visit: Visit) -> None:
    """Note that a check was answered: its documents were not kept, so its validators are not either."""
    row = session.scalar(select(SourceState).where(SourceState.name == visit.source))
    if row is not None and visit.status in ANSWERED:
        row.probed = True


def waiting(session: Session) -> int:
    """How many mentions wait for analysis."""
    return session.scalar(select(func.count()).select_from(Mention).where(Mention.analysed_at.is_(None))) or 0


def _row(source: Source) -> SourceState:
    row = SourceState(
        name=source.name, enabled=source.enabled, probed=bool(source.options.get("probed", True)), validators={}
    )
    _configure(row, source)
    return row


def _configure(row: SourceState, source: Source) -> None:
    """What was configured; another address or other options make another place, of which nothing is read yet."""
    options = {name: value for name, value in source.options.items() if name != "probed"}
    if (row.adapter, row.url, row.options) != (source.adapter, source.url, options):
        row.complete_at = None
    row.adapter, row.url, row.region, row.kind = source.adapter, source.url, source.region, source.kind
    row.interval, row.options = source.interval, options


def _told(note: Note) -> dict[str, str]:
    """The row of a note; one without English words has none to store."""
    return {name: value for name, value in asdict(note).items() if value or name != "english"}


def _newest(held: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Validators by address, the newest of them: list pages of a day gone by are not asked for again."""
    merged = {url: value for url, value in held.items() if url not in given} | given
    return dict(list(merged.items())[-VALIDATORS:])


def _kind(row: SourceState) -> Kind:
    return "post" if row.kind == "post" else "article"
