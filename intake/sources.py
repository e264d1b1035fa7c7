"""Sources in use: rows of the database that become crawler Sources, and what follows from each visit to them.

A visit leaves a row of history; from those rows `intake.rhythm` says when the next one is, and `intake.health` how the
source is. Both are computed at the visit and kept with the source, so that looking at it costs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, case, false, func, select
from sqlalchemy.orm import Session

from crawler import Kind, Note, Source, Validators, Visit
from crawler.adapters import identity
from crawler.dates import WIB
from crawler.identity import site_of
from intake import health, rhythm
from intake.models import Mention, MentionAlias, Person, SourceState, VisitRow, now
from intake.people import audit

KNOWN = 2000  # newest documents of a source, and as many of its site, whose keys are handed to the crawler
NEVER = datetime.min.replace(tzinfo=UTC)
STAMPED = 500  # newest ones of those whose stamps are: lists are seldom longer
VALIDATORS = 50  # addresses of one source whose ETag is kept
LEFT_OUT = timedelta(days=2)  # an article that could not be had or read is not asked for again for so long
IN_FULL = timedelta(days=1)  # once in so long the lists of a source are asked for whether they changed or not
ASK_AGAIN = timedelta(days=1)  # a guessed address that did not answer is asked again after this time
ANSWERED = rhythm.ANSWERED
GROUPS = ("bad", "well", "new", "off")  # of the sources, as they are listed
LOOKS = 80  # newest visits of one source that are looked at one by one


def listing(session: Session) -> list[SourceState]:
    """Every source, by name."""
    return list(session.scalars(select(SourceState).order_by(SourceState.name)))


def group_of(row: SourceState) -> str:
    """One of GROUPS: whether somebody should look after it."""
    if not row.enabled:
        return "off"
    if row.health is None:
        return "new"
    return "bad" if health.RANKS[row.health] else "well"


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
    if enabled:
        _at_once(row)
    audit.write(session, by, "source.enable" if enabled else "source.disable", f"source:{row.id}", name=name)
    return row


def remove(session: Session, name: str, listed: Collection[str], by: Person | None = None) -> bool:
    """Forget a source; its mentions stay. ValueError if there is none of that name.

    False if it was only switched off: those `listed` in the province's file, and the demo's, would be brought back by `sync`.
    """
    row = session.scalar(select(SourceState).where(SourceState.name == name))
    if row is not None and name not in listed and not row.options.get("demo"):
        audit.write(session, by, "source.remove", f"source:{row.id}", name=name, url=row.url)
        session.delete(row)
        return True
    enable(session, name, False, by)
    return False


def take_over(session: Session, row: SourceState, by: Person | None = None) -> None:
    """Visit the address a source moved to. What was read at the old one counts as read: the place is the same.

    ValueError if it did not move, or another source is at the new address.
    """
    if row.moved_to is None:
        raise ValueError(f"{row.name} has not moved.")
    if session.scalar(select(SourceState.id).where(SourceState.url == row.moved_to, SourceState.id != row.id)):
        raise ValueError(f"another source is at {row.moved_to} already.")
    audit.write(session, by, "source.move", f"source:{row.id}", name=row.name, old=row.url, new=row.moved_to)
    row.moved_from, row.url, row.moved_to = row.moved_from or row.url, row.moved_to, None
    _at_once(row)


def due(session: Session, at: datetime | None = None, *, everything: bool = False) -> list[Source]:
    """The enabled sources whose pause is over (or all of them), ready to be crawled.

    A host that asked to be left alone is, whatever the pause of its sources: nothing of it is given before that moment.
    """
    at = at or now()
    rows = listing(session)
    resting = waits(rows, at)

    def is_due(row: SourceState) -> bool:
        return host_of(row.url) not in resting and (everything or row.due_at is None or row.due_at <= at)

    return [ready(session, row, at) for row in rows if row.enabled and is_due(row)]


def waits(rows: Iterable[SourceState], at: datetime) -> dict[str, datetime]:
    """The hosts that asked to be left alone beyond `at`, and until when."""
    resting: dict[str, datetime] = {}
    for row in rows:
        if row.wait_until and row.wait_until > at:
            host = host_of(row.url)
            resting[host] = max(resting.get(host, at), row.wait_until)
    return resting


def host_of(url: str) -> str:
    """Who is asked: the name without `www.`, and the port where it is not the usual one."""
    parts = urlsplit(url)
    return parts.netloc.lower().removeprefix("www.").removesuffix(":443" if parts.scheme == "https" else ":80")


def ready(session: Session, row: SourceState, at: datetime | None = None) -> Source:
    """The Source of a row, with the state the crawler works from.

    Every document we hold of it or of the same site is known, and its page not fetched again, unless its stamp changes. But
    only what was held when a visit of this source had ended well is settled, and only that may end the paging or be asked
    "what came after it": a visit that broke off, however it did, may hold the first page of a list and none of the others.
    """
    at = at or now()
    mine = Mention.source == row.name
    own = _held(session, mine)
    others = _of_site(row, own)
    held = [*own, *_held(session, others)]
    complete_at = row.complete_at or NEVER
    out = _left_out(row, at)
    return replace(
        as_source(row),
        validators=_validators(session, row, at),
        known=out.union(key for one in held for key in (one.key, one.alias) if key),
        settled=out.union(key for one in held if one.fetched_at <= complete_at for key in (one.key, one.alias) if key),
        stamps=_stamps(session, mine, row.name) | _stamps(session, others, row.name),
        since=max(
            (one.published_at for one in own if one.published_at and one.fetched_at <= complete_at), default=None
        ),
    )


def _left_out(row: SourceState, at: datetime) -> frozenset[str]:
    """Keys of articles that could not be had or read some days ago: asking again would only annoy their host."""
    oldest = (at - LEFT_OUT).date().isoformat()
    return frozenset(key for key, day in row.left_out.items() if day >= oldest)


def _validators(session: Session, row: SourceState, at: datetime) -> dict[str, Validators]:
    if _asks_in_full(session, row, at):
        return {}
    return {url: Validators(**value) for url, value in row.validators.items()}


def _asks_in_full(session: Session, row: SourceState, at: datetime) -> bool:
    """Whether a list must not be answered with "unchanged" now.

    An article that was left out is due again, and only its list leads to it. Or a day has passed since every list was given in
    full: there are servers whose ETag never changes, whatever comes.
    """
    if len(_left_out(row, at)) < len(row.left_out):
        return True
    lately = (VisitRow.day >= (at - IN_FULL).astimezone(WIB).date()) & (VisitRow.at > at - IN_FULL)
    full = select(VisitRow.id).where(VisitRow.source_id == row.id, lately, VisitRow.unchanged == 0, VisitRow.found > 0)
    return session.scalar(full.limit(1)) is None


def _of_site(row: SourceState, own: Sequence[Any]) -> ColumnElement[bool]:
    """What other sources brought of the site this one is of: by its address, and by where its articles mostly stand."""
    if row.kind != "article":
        return false()
    sites = {site_of(row.url), *(site for site, _ in Counter(one.site for one in own).most_common(1))}
    return Mention.site.in_(sites - {""}) & (Mention.source != row.name)


def _held(session: Session, which: ColumnElement[bool]) -> Sequence[Any]:
    """The newest mentions, a row for each other key one has."""
    columns = (Mention.key, MentionAlias.key.label("alias"), Mention.site, Mention.published_at, Mention.fetched_at)
    newest = select(*columns).outerjoin(MentionAlias, MentionAlias.mention_id == Mention.id).where(which)
    return session.execute(newest.order_by(Mention.id.desc()).limit(KNOWN)).all()


def _stamps(session: Session, which: ColumnElement[bool], source: str) -> dict[str, str]:
    """How the newest mentions were when this source last showed them, by each of their keys."""
    newest = select(Mention.key, MentionAlias.key, Mention.stamps).outerjoin(
        MentionAlias, MentionAlias.mention_id == Mention.id
    )
    rows = session.execute(newest.where(which).order_by(Mention.id.desc()).limit(STAMPED))
    return {key: stamps[source] for *keys, stamps in rows if source in stamps for key in keys if key}


def as_source(row: SourceState) -> Source:
    """The Source of a row without state, for a check."""
    return Source(row.name, row.adapter, row.url, row.region, _kind(row), row.interval, row.enabled, row.options)


def record_visit(session: Session, visit: Visit, new: int) -> None:
    """Note what a visit told, and what follows from it: when the next one is, how the source is, what is news."""
    row = session.scalar(select(SourceState).where(SourceState.name == visit.source))
    if row is None:  # removed while it was visited
        return
    failure, first = _failure(session, row, visit), row.success_at is None
    _note(row, visit, new, answered=failure is None)
    _plan(row, visit, failure, new, first=first)
    one = _history(row, visit, failure, new)
    session.add(one)
    session.flush()
    _judge(session, row, one)


def record_probe(session: Session, visit: Visit) -> None:
    """Note that a check was answered: its documents were not kept, so its validators are not either."""
    row = session.scalar(select(SourceState).where(SourceState.name == visit.source))
    if row is not None and visit.status in ANSWERED:
        row.probed = True
        _at_once(row)


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
    url = row.url if row.moved_from == source.url else source.url
    if (row.adapter, row.url, row.options) != (source.adapter, url, options):
        row.complete_at = row.moved_to = row.moved_from = None
        _at_once(row)
    if row.interval != source.interval:
        row.pace = None
        _at_once(row)
    row.adapter, row.url, row.region, row.kind = source.adapter, url, source.region, source.kind
    row.interval, row.options = source.interval, options


def _at_once(row: SourceState) -> None:
    """Somebody changed something: whatever pause its failures had brought is over. What a host asked for stays."""
    row.strain, row.due_at = 0.0, None


# ---- what follows from a visit -------------------------------------------------------------------------------------


def _failure(session: Session, row: SourceState, visit: Visit) -> rhythm.Failure | None:
    """How a visit failed. Where nobody else has answered since this one's last visit, the line that is down is ours."""
    failure = rhythm.failure_of(visit)
    if failure != "soft" or visit.status != "unreachable":
        return failure
    enabled = select(SourceState.url, SourceState.success_at).where(SourceState.enabled, SourceState.id != row.id)
    others = [answered for url, answered in session.execute(enabled) if host_of(url) != host_of(row.url)]
    since = row.visited_at
    answers = any(answered and (since is None or answered > since) for answered in others)
    return failure if answers or not others else "ours"


def _note(row: SourceState, visit: Visit, new: int, *, answered: bool) -> None:
    row.status, row.visited_at = visit.status, visit.finished_at
    row.requests, row.documents = visit.requests, visit.documents
    row.notes = [_told(note) for note in visit.notes]
    given = {url: asdict(value) for url, value in visit.validators.items()}
    row.validators = _newest(row.validators, given, VALIDATORS)
    if answered and not (visit.unfinished or visit.unchanged):  # every list came in full: what was due was asked for
        resting = _left_out(row, visit.started_at)
        row.left_out = {key: day for key, day in row.left_out.items() if key in resting}
    row.left_out = _newest(row.left_out, dict.fromkeys(visit.left_out, visit.finished_at.date().isoformat()), KNOWN)
    row.moved_to = visit.moved_to if answered and visit.moved_to != row.url else None
    if answered:
        row.success_at, row.probed = visit.finished_at, True
        if not visit.unfinished:
            row.complete_at = visit.finished_at
    if new:
        row.new_at = visit.finished_at


def _plan(row: SourceState, visit: Visit, failure: rhythm.Failure | None, new: int, *, first: bool) -> None:
    """When the next visit is. A first one, to which all is new, teaches nothing about the pace."""
    pace = row.pace or row.interval
    if failure is not None:
        row.strain += rhythm.WEIGHTS[failure]
    else:
        row.strain = 0.0
        row.pace = pace = pace if first else rhythm.next_pace(pace, as_source(row), visit.found, new)
    pause = rhythm.pause(pace, row.strain)
    row.due_at = visit.finished_at + (pause if row.probed else max(pause, ASK_AGAIN))
    row.wait_until = rhythm.wait_of(visit)


def _history(row: SourceState, visit: Visit, failure: rhythm.Failure | None, new: int) -> VisitRow:
    return VisitRow(
        source_id=row.id,
        at=visit.finished_at,
        day=visit.finished_at.astimezone(WIB).date(),
        seconds=(visit.finished_at - visit.started_at).total_seconds(),
        status=visit.status,
        failure=failure,
        reason=rhythm.reason_of(visit)[:40] if failure else "",
        requests=visit.requests,
        unchanged=visit.unchanged,
        found=visit.found,
        new=new,
        documents=visit.documents,
        titles=visit.titles,
        dates=visit.dates,
        bodies=visit.bodies,
        lost=visit.lost,
    )


def _judge(session: Session, row: SourceState, one: VisitRow) -> None:
    """How the source is after this visit; and whether that is news to the operator, who is told of what once answered."""
    looks, days = _looks(session, row), _days(session, row, one)
    row.expected_at = health.expected_by(days, one.at) or (None if one.new else row.expected_at)
    moved = row.moved_to is not None and identity(row.moved_to) != identity(row.url)
    verdict = health.judge(looks, days, one.at, expected=row.expected_at, moved=moved)
    if (row.health, row.cause.get("part")) != (verdict.state, verdict.cause.get("part")):
        row.health_since = verdict.since
    one.state = row.health = verdict.state
    row.cause, row.figures = _cause(row, one, verdict), health.figures(days, one.at).to_dict()
    looks[0] = replace(looks[0], state=verdict.state)
    news = health.news(row.told, looks, one.at) if row.success_at else None
    if news is not None:
        row.told, row.news_at = None if news == "well" else news, one.at


def _cause(row: SourceState, one: VisitRow, verdict: health.Verdict) -> dict[str, Any]:
    """What there is to say of a state; of failures, the first note of the newest visit that speaks for it."""
    cause = dict(verdict.cause)
    if reason := cause.get("reason"):
        cause["note"] = row.notes[0] if one.reason == reason else row.cause.get("note")
    return cause


def _looks(session: Session, row: SourceState) -> list[health.Look]:
    """The newest visits, newest first."""
    newest = (
        select(VisitRow.at, VisitRow.status, VisitRow.failure, VisitRow.reason, VisitRow.state)
        .where(VisitRow.source_id == row.id)
        .order_by(VisitRow.day.desc(), VisitRow.id.desc())
        .limit(LOOKS)
    )
    return [health.Look(*found) for found in session.execute(newest)]


def _days(session: Session, row: SourceState, one: VisitRow) -> list[health.Day]:
    """The days of its history, summed up."""
    is_answered, is_unchanged = VisitRow.failure.is_(None), VisitRow.status == "unchanged"
    summed = (
        select(
            VisitRow.day,
            func.sum(case((is_answered, 1), else_=0)),
            func.sum(case((is_unchanged, 1), else_=0)),
            *(func.sum(getattr(VisitRow, name)) for name in ("found", "new", "documents", *health.PARTS, "lost")),
        )
        .where(VisitRow.source_id == row.id, VisitRow.day >= one.day - timedelta(health.RHYTHM_DAYS))
        .group_by(VisitRow.day)
    )
    return [health.Day(*found) for found in session.execute(summed)]


def _told(note: Note) -> dict[str, str]:
    """The row of a note; one without English words has none to store."""
    return {name: value for name, value in asdict(note).items() if value or name != "english"}


def _newest(held: dict[str, Any], given: dict[str, Any], most: int) -> dict[str, Any]:
    """What is held and what was given, the newest of it: list pages of a day gone by are not asked for again."""
    merged = {name: value for name, value in held.items() if name not in given} | given
    return dict(list(merged.items())[-most:])


def _kind(row: SourceState) -> Kind:
    return "post" if row.kind == "post" else "article"
