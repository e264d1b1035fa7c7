"""A saved view: filters with a name that are a queue, a feed, an alert and a query of the API in one.

Whoever looks through it sees their own part (`access.visible`): the one who opens it, and for its feed and its alerts the
owner. What leaves the console by a feed or a message is the headline where the press wrote it, the place, the service, the
agency and the urgency; never the words of a post.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, func, or_, select, update
from sqlalchemy import delete as delete_rows
from sqlalchemy.orm import Session, joinedload

from intake.courier import one_line
from intake.database import insert_for
from intake.masking import covered
from intake.models import DANGER, STATES, Agency, Alert, Candidate, Mention, Person, SavedView, ViewTold, now
from intake.people import access, audit
from intake.review import queue
from intake.review.errors import Invalid, NotAllowed
from intake.start import press_of
from nlp.jurisdiction import load_jurisdiction, load_taxonomy

MOST = 50  # views of one person
LONGEST_NAME, LONGEST_TEXT = 80, 100  # characters
FED, TOLD = 50, 10  # candidates in a feed, and in one message
PAUSE = timedelta(minutes=15)  # between two messages of a view; a danger to life does not wait
REACH = 20_000  # newest candidates that a feed or an alert looks at
DEFAULTS = asdict(queue.Filters())


# ---- filters ---------------------------------------------------------------------------------------------------------


def filters_from(session: Session, given: Mapping[str, Any]) -> queue.Filters:
    """Filters from their JSON; what is empty does not narrow. Raises Invalid for a field or a value that is not known."""
    for name, value in given.items():
        if name not in DEFAULTS:
            raise Invalid("view_filter", what=str(name)[:40])
        if value not in (None, "", False) and not _is_known(session, name, value):
            raise Invalid("view_value", what=str(value)[:40])
    return queue.Filters(**{name: DEFAULTS[name] if value == "" else value for name, value in given.items()})


def as_json(filters: queue.Filters) -> dict[str, Any]:
    """What narrows, and no more."""
    return {name: value for name, value in asdict(filters).items() if value != DEFAULTS[name] and value != ""}


def filters_of(view: SavedView, viewer: Person) -> queue.Filters:
    """Those of a view, as `viewer` looks through it: a focal point sees only what was accepted."""
    known = {field.name for field in fields(queue.Filters)}
    filters = queue.Filters(**{name: value for name, value in view.filters.items() if name in known})
    return replace(filters, state="accepted") if viewer.role == "focal" else filters


def _is_known(session: Session, name: str, value: object) -> bool:
    if isinstance(DEFAULTS[name], bool):
        return isinstance(value, bool)
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not value.isprintable():
        return False
    if name == "agency_id":
        return session.get(Agency, value) is not None
    tables, taxonomy = load_jurisdiction(), load_taxonomy()
    known: Mapping[str, Any] = {
        "state": STATES,
        "region": tables.regions,
        "sector": taxonomy.sectors,
        "urgency": taxonomy.urgencies,
    }
    return name not in known or value in known[name]


# ---- keeping ---------------------------------------------------------------------------------------------------------


def save(session: Session, person: Person, name: str, given: Mapping[str, Any]) -> SavedView:
    """Keep filters under a name. Raises NotAllowed, Invalid."""
    _may(person, "view.save")
    held = session.scalar(select(func.count()).select_from(SavedView).where(SavedView.person_id == person.id)) or 0
    if held >= MOST:
        raise Invalid("too_many_views")
    view = SavedView(name=_named(name), person=person, filters=as_json(filters_from(session, given)))
    session.add(view)
    session.flush()
    audit.write(session, person, "view.save", f"view:{view.id}", name=view.name, filters=view.filters)
    return view


def listing(session: Session, person: Person) -> Sequence[SavedView]:
    """One's own, then what others share, each by name."""
    if not access.may(person, "queue.read"):
        return ()
    seen = select(SavedView).where(or_(SavedView.person_id == person.id, SavedView.shared))
    others = SavedView.person_id != person.id
    return session.scalars(seen.options(joinedload(SavedView.person)).order_by(others, SavedView.name)).all()


def get(session: Session, person: Person, view_id: int) -> SavedView | None:
    """One's own, or one that is shared."""
    view = session.get(SavedView, view_id)
    seen = view is not None and (view.person_id == person.id or view.shared) and access.may(person, "queue.read")
    return view if seen else None


def rename(session: Session, person: Person, view_id: int, name: str) -> SavedView:
    view = _own(session, person, view_id)
    view.name = _named(name)
    audit.write(session, person, "view.rename", f"view:{view.id}", name=view.name)
    return view


def share(session: Session, person: Person, view_id: int, *, shared: bool) -> SavedView:
    """Let all who may read the queue look through it, each at their part; or no more."""
    view = _own(session, person, view_id)
    if shared and not access.may(person, "view.share"):
        raise NotAllowed("may_not_share")
    view.shared = shared
    audit.write(session, person, "view.share" if shared else "view.unshare", f"view:{view.id}")
    return view


def delete(session: Session, person: Person, view_id: int) -> None:
    view = _own(session, person, view_id)
    audit.write(session, person, "view.delete", f"view:{view.id}", name=view.name, filters=view.filters)
    session.delete(view)
    session.flush()


def _own(session: Session, person: Person, view_id: int) -> SavedView:
    view = session.get(SavedView, view_id)
    if view is None or view.person_id != person.id:
        raise Invalid("no_view")
    _may(person, "view.save")
    return view


def _named(name: str) -> str:
    name = name.strip()
    if not 2 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid("needs_view_name")
    return name


def _may(person: Person, action: str) -> None:
    if not access.may(person, action):
        raise NotAllowed("not_allowed", role=person.role)


# ---- what is told outside the console --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """A candidate in words that may leave the console."""

    id: int
    headline: str  # masked; where only posts tell of it, what it is about
    service: str
    place: str
    agency: str
    urgency: str
    at: datetime  # since when it is in the queue


def items(session: Session, candidates: Sequence[Candidate], language: str) -> list[Item]:
    """In the language of whoever reads it."""
    ids = [one.id for one in candidates]
    printed = select(Candidate.id).join(Mention, Mention.candidate_id == Candidate.id)
    printed = printed.where(Candidate.id.in_(ids), Mention.kind == "article", Mention.title == Candidate.headline)
    in_press = set(session.scalars(printed))
    return [_item(one, language, printed=one.id in in_press) for one in candidates]


def _item(one: Candidate, language: str, *, printed: bool) -> Item:
    taxonomy, tables = load_taxonomy(), load_jurisdiction()
    words = {key: pair[language == "en"] for key, pair in WORDS.items()}
    sector, kind = taxonomy.sectors.get(one.sector or ""), taxonomy.kinds.get(one.kind or "")
    service = sector.name(language).partition(":")[0] if sector else words["service"]
    found = ((tables.districts, one.district), (tables.regions, one.region))
    place = ", ".join(table[code].name for table, code in found if code and code in table) or words["place"]
    urgency = taxonomy.urgencies.get(one.urgency or "")
    return Item(
        one.id,
        one_line(covered(one.headline)) if printed else words["post"].format(service=service, place=place),
        service,
        place,
        one.agency.name if one.agency else kind.name(language) if kind else words["agency"],
        urgency.name(language) if urgency else words["urgency"],
        one.created_at,
    )


WORDS: dict[str, tuple[str, str]] = {
    "service": ("layanan belum jelas", "service not clear yet"),
    "place": ("tempat belum diketahui", "place not known yet"),
    "agency": ("instansi belum diketahui", "agency not known yet"),
    "urgency": ("urgensi belum dinilai", "urgency not rated yet"),
    "post": ("Unggahan publik: {service}, {place}", "Public post: {service}, {place}"),
    "subject": ("[Kentongan] {n} kandidat baru: {name}", "[Kentongan] {n} new candidates: {name}"),
    "subject_one": ("[Kentongan] 1 kandidat baru: {name}", "[Kentongan] 1 new candidate: {name}"),
    "invented": (
        "PERAGAAN: kejadian ini rekaan, tidak ada yang perlu diperiksa.",
        "DEMO: these events are invented, there is nothing to look into.",
    ),
    "more": ("dan {n} lainnya", "and {n} more"),
    "end": (
        "Unggahan dan berita bukan laporan resmi. Pemberitahuan ini dimatikan di halaman Tampilan tersimpan.",
        "Posts and articles are no reports. These messages are switched off on the page Views.",
    ),
}


# ---- the feed --------------------------------------------------------------------------------------------------------


def open_feed(session: Session, person: Person, view_id: int) -> str:
    """Give the view a feed, or its feed a new address. Returns the secret in the address, which is kept nowhere."""
    view, secret = _own(session, person, view_id), secrets.token_urlsafe(32)
    view.feed_hash = _hash(secret)
    audit.write(session, person, "view.feed", f"view:{view.id}")
    return secret


def close_feed(session: Session, person: Person, view_id: int) -> SavedView:
    """The address leads nowhere any more."""
    view = _own(session, person, view_id)
    view.feed_hash = None
    audit.write(session, person, "view.feed_end", f"view:{view.id}")
    return view


def by_feed(session: Session, secret: str) -> SavedView | None:
    """The view whose feed has this secret, as long as its owner may look at it."""
    view = session.scalar(select(SavedView).where(SavedView.feed_hash == _hash(secret)))
    return view if view is not None and _serves(view) else None


def feed(session: Session, view: SavedView) -> list[Item]:
    """The newest candidates its owner sees in it, newest first."""
    newest = _newest(session, view).options(joinedload(Candidate.agency)).order_by(Candidate.id.desc())
    return items(session, session.scalars(newest.limit(FED)).all(), view.person.language)


def _serves(view: SavedView) -> bool:
    return access.may(view.person, "view.save") and access.may(view.person, "queue.read")


def _newest(session: Session, view: SavedView) -> Select[Candidate]:
    """What its owner sees in a view of the newest candidates."""
    return queue.chosen(view.person, filters_of(view, view.person)).where(Candidate.id > _beyond_reach(session))


def _beyond_reach(session: Session) -> int:
    return (session.scalar(select(func.max(Candidate.id))) or 0) - REACH


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


# ---- alerts ----------------------------------------------------------------------------------------------------------


def switch_alerts(session: Session, person: Person, view_id: int, *, on: bool) -> SavedView:
    """Tell its owner of what is new in it from now on; or no more."""
    view = _own(session, person, view_id)
    view.alerts = on
    session.execute(delete_rows(ViewTold).where(ViewTold.view_id == view.id))
    if on:
        _remember(session, view, _untold(session, view))
    audit.write(session, person, "view.alert" if on else "view.alert_end", f"view:{view.id}")
    return view


def set_address(session: Session, person: Person, address: str | None) -> None:
    """Where a person's alerts go. Without an address, what was not sent yet is not sent."""
    person.address = address
    if address is None:
        waiting = update(Alert).where(Alert.person_id == person.id, Alert.state.in_(("waiting", "failed")))
        session.execute(waiting.values(state="withdrawn"))
    audit.write(session, person, "person.address", f"person:{person.id}", set=address is not None)


def write_alerts(session: Session, *, console: str | None = None, at: datetime | None = None) -> int:
    """Put a message about what is new in each view into the outbox. Returns how many.

    New is what was not told of yet: also an older candidate that only now matches, or only now is a danger to life.
    `console`: the address under which the console is reached, for links.
    """
    telling = (
        select(SavedView)
        .join(Person, Person.id == SavedView.person_id)
        .where(SavedView.alerts, Person.disabled.is_(False), Person.address.is_not(None))
        .order_by(SavedView.id)
        .with_for_update(of=SavedView, skip_locked=True)
    )
    views = [view for view in session.scalars(telling) if _serves(view)]
    return sum(_write_alert(session, view, console, at or now()) for view in views)


def _write_alert(session: Session, view: SavedView, console: str | None, at: datetime) -> bool:
    new = _untold(session, view)
    rests = view.alerted_at is not None and view.alerted_at > at - PAUSE
    if not new or (rests and all(one.urgency != DANGER for one in new)):
        return False
    first = select(Candidate).where(Candidate.id.in_([one.id for one in new[:TOLD]]))
    shown = session.scalars(first.options(joinedload(Candidate.agency)).order_by(*queue.IN_ORDER)).all()
    subject, body = _message(session, view, items(session, shown, view.person.language), len(new), console)
    session.add(Alert(person_id=view.person_id, subject=one_line(subject), body=body))
    _remember(session, view, new)
    view.alerted_at = at
    return True


def _untold(session: Session, view: SavedView) -> Sequence[Row[int, str | None, float]]:
    """Id and urgency of what is in a view and was not told of as what it is, in the order of the queue.

    Put in order here: asked for in order, SQLite would look for them in an index of all candidates there ever were.
    """
    told = select(ViewTold.candidate_id).where(
        ViewTold.view_id == view.id,
        ViewTold.candidate_id == Candidate.id,
        or_(ViewTold.danger, Candidate.urgency.is_distinct_from(DANGER)),
    )
    new = _newest(session, view).where(~told.exists())
    rows = session.execute(new.with_only_columns(Candidate.id, Candidate.urgency, Candidate.rank)).all()
    return sorted(rows, key=lambda row: (row.rank, row.id), reverse=True)


def _remember(session: Session, view: SavedView, told: Sequence[Row[int, str | None, float]]) -> None:
    """That these were told of; what is beyond reach by now is forgotten."""
    row = insert_for(session)(ViewTold)
    row = row.on_conflict_do_update(index_elements=["view_id", "candidate_id"], set_={"danger": row.excluded.danger})
    rows = [{"view_id": view.id, "candidate_id": one.id, "danger": one.urgency == DANGER} for one in told]
    if rows:
        session.execute(row, rows)
    over = ViewTold.candidate_id <= _beyond_reach(session)
    session.execute(delete_rows(ViewTold).where(ViewTold.view_id == view.id, over))


def _message(
    session: Session, view: SavedView, told: Sequence[Item], count: int, console: str | None
) -> tuple[str, str]:
    words = {key: pair[view.person.language == "en"] for key, pair in WORDS.items()}
    lines = [words["invented"], ""] if press_of(session, "") == "demo" else []
    for one in told:
        lines += [f"• {one.headline}", f"  {one.urgency} · {one.service} · {one.place} · {one.agency}"]
        lines += [f"  {console.rstrip('/')}/kandidat/{one.id}", ""] if console else [""]
    if count > len(told):
        lines += [words["more"].format(n=count - len(told)), ""]
    subject = words["subject_one" if count == 1 else "subject"].format(n=count, name=view.name)
    return subject, "\n".join([*lines, words["end"]])
