"""Whatever is decided in whatever order: undone, everything is as it was. And no edit is lost in silence."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session, aliased

from intake import inbox
from intake.database import Sessions
from intake.models import (
    REASONS,
    TRACKS,
    AgencyContact,
    Alert,
    Candidate,
    Case,
    Decision,
    DecisionTouch,
    Mention,
    MentionBand,
    Person,
    Suggestion,
    now,
)
from intake.people import accounts
from intake.review import decisions, errors, suggestions, undo
from tests.intake.made import OUTAGE, document, told

SEQUENCES = {"sqlite": 1000, "postgresql": 60}
WATER = "air keruh berbau di Bangkinang, pelanggan PDAM mengeluh sudah sepekan tidak ada penjelasan"
ROAD = "jalan berlubang di Rengat membuat pengendara jatuh, sudah dilaporkan warga berkali-kali"
WASTE = "sampah menumpuk di pasar Dumai, truk pengangkut tidak pernah datang sejak awal bulan"
SCHOOL = "sekolah di Siak memungut uang seragam dari murid kelas satu tanpa kuitansi"
NO_FAILURE = {"failure": "no", "p": {"yes": 0.1, "vague": 0.0, "no": 0.9}}
EVENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    (OUTAGE, {}),
    (WATER, {"sectors": (), "regions": ("14.01",), "agencies": ()}),
    (ROAD, {"sectors": (), "regions": ("14.02",)}),
    (WASTE, {"sectors": (), "regions": ("14.72",)}),
    (SCHOOL, {"sectors": (), "regions": ("14.08",), "agencies": ()}),
)
CORRECTIONS: tuple[dict[str, str | None], ...] = (
    {"sector": "AIR"},
    {"sector": None, "form": None},
    {"region": "14.71"},
    {"district": "14.71.08"},
    {"agency_id": "VT-PLN-UP3DMI"},
    {"agency_id": None, "region": None},
)
EARLIER = "sebelumnya"  # note of what was decided before, and is not undone
STEPS = (
    *("accept", "close", "duplicate", "duplicate", "split", "split", "correct", "snooze", "wake", "reopen"),
    *("bring", "many", "arrive", "arrive", "undo", "join", "apart"),
)
NUMBERS = st.integers(0, 11)
SEQUENCE = st.lists(st.tuples(st.sampled_from(STEPS), NUMBERS, NUMBERS), min_size=1, max_size=8)


def make_world(session: Session) -> None:
    """Five events, one put off, one accepted, one closed; somebody reports the third; two texts that told no failure.

    The first may be the same as the third, and the second as the fourth.
    """
    person, _ = accounts.add_person(session, "petugas", "officer")
    session.add(AgencyContact(agency_id="VT-PLN-UP3DMI", name="Ibu Rina", address="console://"))
    made = [told(session, document(number, text), **more) for number, (text, more) in enumerate(EVENTS, 1)]
    told(session, document(11, OUTAGE + " lagi", source="Lain"))
    told(session, document(12, OUTAGE + " juga", source="Lain", title="Listrik Padam", kind="article"))
    told(session, document(13, WATER + " lagi"), **EVENTS[1][1])
    told(session, document(21, "antre panjang di kantor camat, loket tutup", source="Lain"), sectors=(), **NO_FAILURE)
    told(session, document(22, OUTAGE + " sampai malam"), **NO_FAILURE)
    first, second, third, fourth, fifth = (candidate for candidate in made if candidate)
    for one, other in ((first, third), (second, fourth)):
        session.add(Suggestion(first_id=one.id, second_id=other.id, score=1.0, reasons=["time"]))
    decisions.attach_reporter(session, person, third.id, "Seorang Warga", "telepon", "sudah ke loket")
    tomorrow = now() + timedelta(days=1)
    decisions.decide(session, person, second.id, second.version, "snooze", until=tomorrow, note=EARLIER)
    decisions.decide(session, person, fourth.id, fourth.version, "accept", track="refer", note=EARLIER)
    decisions.decide(session, person, fifth.id, fifth.version, "outside", reason="private_matter", note=EARLIER)


def state_of(session: Session) -> dict[str, Any]:
    """All that decisions are about, but the versions."""
    session.flush()
    session.expire_all()
    columns = [column for column in Candidate.__table__.columns if column.key != "version"]
    places = select(Mention.id, Mention.candidate_id, Mention.join_reason, Mention.voice, Mention.words)
    cases = select(Case.candidate_id, Case.track, Case.agency_id, Case.number).where(Case.state == "open")
    waiting = select(Alert.contact_id, Alert.subject, Alert.body).where(Alert.state == "waiting")
    asked = select(Suggestion.first_id, Suggestion.second_id, Suggestion.state, Suggestion.person_id)
    bands = select(MentionBand.mention_id, func.count()).group_by(MentionBand.mention_id)
    return {
        "candidates": {row.id: row._asdict() for row in session.execute(select(*columns))},
        "mentions": {row.id: tuple(row) for row in session.execute(places)},
        "bands": set(map(tuple, session.execute(bands))),
        "cases": set(map(tuple, session.execute(cases))),
        "suggestions": {row[:2]: tuple(row[2:]) for row in session.execute(asked)},
        "alerts": Counter(map(tuple, session.execute(waiting))),
    }


def take(session: Session, person: Person, step: str, one: int, two: int) -> None:
    """One step; a ReviewError says that it is not possible from here."""
    candidates = session.scalars(select(Candidate).order_by(Candidate.id)).all()
    closed = [found for found in candidates if found.state in REASONS]
    put_off = [found for found in candidates if found.snoozed_until]
    fitting = {"reopen": closed, "wake": put_off}.get(step) or candidates
    candidate, other = fitting[one % len(fitting)], candidates[two % len(candidates)]
    reason = list(REASONS)[two % len(REASONS)]
    orders: dict[str, tuple[str, dict[str, Any]]] = {
        "accept": ("accept", {"track": TRACKS[two % len(TRACKS)]}),
        "close": (reason, {"reason": REASONS[reason][0]}),
        "duplicate": ("duplicate", {"duplicate_of": other.id}),
        "split": ("split", {"mentions": some_of(session, candidate, two)}),
        "correct": ("correct", {"fields": CORRECTIONS[two % len(CORRECTIONS)]}),
        "snooze": ("snooze", {"until": now() + timedelta(days=two + 1)}),
        "wake": ("snooze", {}),
        "reopen": ("reopen", {}),
    }
    if step in orders:
        action, more = orders[step]
        decisions.decide(session, person, candidate.id, candidate.version, action, **more)
    elif step == "many":
        action, more = orders[("accept", "close", "duplicate", "snooze", "reopen", "correct")[two % 6]]
        chosen = [(one.id, one.version) for one in candidates[one % 3 :: 2]]
        decisions.decide_all(session, person, chosen, action, **more)
    elif step == "bring":
        free = session.scalars(select(Mention.id).where(Mention.candidate_id.is_(None)).order_by(Mention.id)).all()
        decisions.bring(session, person, free[one % len(free)] if free else 0, "menurut saya gagal")
    elif step in ("join", "apart"):
        rows = session.scalars(select(Suggestion).order_by(Suggestion.id)).all()
        row = rows[one % len(rows)]
        if step == "apart":
            suggestions.dismiss(session, person, row.id)
        else:
            joined = session.get_one(Candidate, (row.first_id, row.second_id)[two % 2])
            suggestions.join(session, person, row.id, joined.id, joined.version)
    elif step == "arrive":
        text, more = EVENTS[one % len(EVENTS)]
        count = session.scalar(select(func.count()).select_from(Mention)) or 0
        told(session, document(100 + count, f"{text} kabar {two}", source=f"Koran {two % 3}"), **more)
    else:
        made = select(Decision.id).where(Decision.note != EARLIER).order_by(Decision.id.desc())
        numbers = session.scalars(made).all()
        undo.take_back(session, person, numbers[one % len(numbers)] if numbers else 0)


def some_of(session: Session, candidate: Candidate, number: int) -> list[int]:
    mentions = session.scalars(
        select(Mention.id).where(Mention.candidate_id == candidate.id).order_by(Mention.id)
    ).all()
    return list(mentions[:: number % 2 + 2])


def standing(session: Session) -> Iterator[Decision]:
    """Decisions that still stand, newest first, as long as there are any."""
    undo = aliased(Decision)
    stands = ~select(undo.id).where(undo.undoes == Decision.id).exists()
    newest = select(Decision).where(Decision.note != EARLIER, Decision.action != "undo", stands)
    while decision := session.scalar(newest.order_by(Decision.id.desc()).limit(1)):
        yield decision


def assert_as_before(session: Session, before: dict[str, Any]) -> None:
    """As it was, but for what arrived: that stands where it is, and counts there."""
    after = state_of(session)
    joined = {row[1] for number, row in after["mentions"].items() if number not in before["mentions"]}
    for number in joined:
        inbox.refresh(session, session.get_one(Candidate, number))
    assert state_of(session) == after, "what arrived counts"
    for number, fields in before["candidates"].items():
        kept = decisions.DECIDED if number in joined else tuple(fields)
        is_now = after["candidates"][number]
        assert {name: is_now[name] for name in kept} == {name: fields[name] for name in kept}
    for number in after["candidates"].keys() - before["candidates"].keys():
        fields = after["candidates"][number]
        assert (fields["state"] == "candidate", fields["mention_count"] > 0) == (number in joined, number in joined)
    assert {number: after["mentions"][number] for number in before["mentions"]} == before["mentions"]
    assert {row for row in after["bands"] if row[0] in before["mentions"]} == before["bands"]
    assert {pair: after["suggestions"][pair] for pair in before["suggestions"]} == before["suggestions"]
    assert set(after["suggestions"].values()) <= {("open", None)}
    assert (after["cases"], after["alerts"]) == (before["cases"], before["alerts"])


def test_any_sequence_undone_returns_to_the_identical_state(engine: Engine, factory: Sessions) -> None:
    with factory.begin() as session:
        make_world(session)
    is_sqlite = engine.dialect.name == "sqlite"
    if is_sqlite:  # its driver begins a transaction late, and would end ours with the first savepoint
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    steps: Counter[str] = Counter()

    @settings(
        max_examples=SEQUENCES[engine.dialect.name],
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(SEQUENCE)
    def try_out(sequence: list[tuple[str, int, int]]) -> None:
        with engine.connect() as connection, connection.begin() as transaction:
            with Session(connection, join_transaction_mode="create_savepoint") as session:
                play(session, sequence, steps)
            transaction.rollback()

    try_out()
    assert set(steps) == set(STEPS) or not is_sqlite, "each kind of step was possible now and then"


def play(session: Session, sequence: list[tuple[str, int, int]], steps: Counter[str]) -> None:
    person = session.scalars(select(Person).where(Person.name == "petugas")).one()
    before = state_of(session)
    for step, one, two in sequence:
        with suppress(errors.ReviewError):
            take(session, person, step, one, two)
            steps[step] += 1
    for decision in standing(session):
        undo.take_back(session, person, decision.id)
    for answered in session.scalars(select(Suggestion.id).where(Suggestion.state == "apart")).all():
        suggestions.ask_again(session, person, answered)
    assert_as_before(session, before)


# ---- many at once --------------------------------------------------------------------------------------------------

EDITS, OFFICERS = 200, 8


def test_of_two_hundred_concurrent_edits_none_is_lost_in_silence(factory: Sessions) -> None:
    """Each stands, and raised the version of all it changed, or its maker was told that it does not."""
    with factory.begin() as session:
        make_world(session)
        earlier = session.scalar(select(func.count()).select_from(Decision)) or 0
    together = Barrier(OFFICERS, timeout=60)
    with ThreadPoolExecutor(OFFICERS) as officers:
        ends = Counter(officers.map(lambda number: edit(factory, number, together), range(EDITS)))
    assert ends["made"] > EDITS / 10
    assert ends["Conflict"] > EDITS / 10
    assert ends.total() == EDITS
    with factory.begin() as session:
        made = session.scalars(select(Decision)).all()
        touches = Counter(session.scalars(select(DecisionTouch.candidate_id)))
        touches.update(candidate.id for candidate in session.scalars(select(Candidate)))  # each begins with version 1
        touches.subtract(decision.changes["into"] for decision in made if "into" in decision.changes)
        assert len(made) - earlier == ends["made"]
        assert {one.id: one.version for one in session.scalars(select(Candidate))} == touches


def edit(factory: Sessions, number: int, together: Barrier) -> str:
    """One officer looks, and decides when all have looked, as if nobody else were there."""
    chance = random.Random(number)
    step = chance.choice(("accept", "close", "duplicate", "split", "correct", "snooze", "reopen", "undo"))
    with factory.begin() as session:
        person = session.scalars(select(Person).where(Person.name == "petugas")).one()
        _seen = session.scalars(select(Candidate)).all()  # held, so that the session keeps the versions that were seen
        together.wait()
        try:
            take(session, person, step, chance.randrange(5), chance.randrange(12))
        except errors.ReviewError as error:
            return type(error).__name__
    return "made"
