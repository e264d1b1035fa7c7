"""What is muted stays out of the queue until its end, by whom it may be, and never a danger to life."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import jobs
from intake.database import Sessions
from intake.models import AuditRow, Candidate, Mute, Person, Remit, now
from intake.people import accounts
from intake.review import mutes, queue
from intake.review.errors import Invalid, NotAllowed
from intake.settings import Settings
from tests.intake.made import NOW

DUMAI, SIAK = "14.72", "14.08"
WHY = "pemeliharaan yang diumumkan"


@pytest.fixture
def session(factory: Sessions) -> Iterator[Session]:
    with factory.begin() as session:
        yield session


@pytest.fixture
def ani(session: Session) -> Person:
    return accounts.add_person(session, "ani", "officer")[0]


def candidate(session: Session, **more: Any) -> Candidate:
    given: dict[str, Any] = {
        "headline": "kejadian",
        "sector": "LIS",
        "region": DUMAI,
        "urgency": "U3",
        "muted_by": None,
    } | more
    one = Candidate(p_failure=0.9, first_told_at=NOW, last_told_at=NOW, **given)
    session.add(one)
    session.flush()
    return one


def mute(session: Session, person: Person, days: float = 7, **what: Any) -> Mute:
    return mutes.mute(session, person, reason=WHY, until=now() + timedelta(days=days), **what)


def waiting(session: Session, person: Person) -> set[int]:
    return {one.id for one in queue.page(session, person).items}


def let_it_expire(session: Session, row: Mute) -> None:
    row.until = now() - timedelta(seconds=1)
    session.flush()


def test_what_matches_all_that_is_named_leaves_the_queue_and_comes_back(session: Session, ani: Person) -> None:
    muted = candidate(session)
    others = [candidate(session, region=SIAK), candidate(session, sector="AIR"), candidate(session, sector=None)]
    closed = candidate(session, state="accepted")
    row = mute(session, ani, sector="LIS", region=DUMAI)
    assert waiting(session, ani) == {one.id for one in others}
    assert (muted.muted_by, closed.muted_by) == (row.id, None)
    (held,) = mutes.held(session, ani)
    assert (held.mute, held.candidates, held.mute.person.name) == (row, 1, "ani")
    mutes.end(session, ani, row.id)
    assert waiting(session, ani) == {muted.id, *(one.id for one in others)}
    assert (muted.muted_by, mutes.held(session, ani)) == (None, [])
    told = session.scalars(select(AuditRow).where(AuditRow.action.like("mute.%")).order_by(AuditRow.id)).all()
    assert [(one.action, one.detail["candidates"]) for one in told] == [("mute.set", 1), ("mute.end", 1)]
    assert told[0].detail["reason"] == WHY
    with pytest.raises(Invalid, match="no_mute"):
        mutes.end(session, ani, row.id)


def test_a_danger_to_life_is_never_muted(session: Session, ani: Person) -> None:
    danger = candidate(session, urgency="U1")
    unrated = candidate(session, urgency=None)
    row = mute(session, ani, sector="LIS")
    assert (danger.muted_by, unrated.muted_by) == (None, row.id)
    assert mutes.muted_by(session, danger) is None
    unrated.urgency = "U1"  # what was muted before it became one
    session.flush()
    assert waiting(session, ani) == {danger.id, unrated.id}
    assert mutes.held(session, ani)[0].candidates == 0
    assert mutes.muted_by(session, unrated) is None


def test_new_ones_are_muted_when_they_are_computed(session: Session, ani: Person) -> None:
    row = mute(session, ani, sector="LIS")
    assert mutes.muted_by(session, candidate(session)) == row.id
    assert mutes.muted_by(session, candidate(session, sector="AIR")) is None
    assert mutes.muted_by(session, candidate(session, state="accepted")) is None
    assert mutes.muted_by(session, Candidate(sector="LIS", urgency="U2")) == row.id
    let_it_expire(session, row)
    assert mutes.muted_by(session, candidate(session)) is None


def test_of_several_the_one_that_lasts_longest_holds(session: Session, ani: Person) -> None:
    one = candidate(session)
    long = mute(session, ani, 30, sector="LIS")
    short = mute(session, ani, 3, region=DUMAI)
    assert one.muted_by == long.id == mutes.muted_by(session, one)
    longer = mute(session, ani, 60, agency_id="VT-PLN-UP3DMI")
    assert one.muted_by == long.id, "it is of another agency"
    longest = mute(session, ani, 80, region=DUMAI)
    assert one.muted_by == longest.id
    mutes.end(session, ani, longest.id)
    assert one.muted_by == long.id
    mutes.end(session, ani, long.id)
    assert one.muted_by == short.id
    assert [row.id for row in mutes.live(session)] == [short.id, longer.id]


def test_an_end_comes_true_by_itself_and_is_tidied_up(factory: Sessions, settings: Settings) -> None:
    with factory.begin() as session:
        ani = accounts.add_person(session, "ani", "officer")[0]
        one = candidate(session)
        row = mute(session, ani, sector="LIS")
        let_it_expire(session, row)
        assert waiting(session, ani) == {one.id}
        assert one.muted_by == row.id
    jobs.clean_up(factory, settings)
    with factory.begin() as session:
        assert session.get_one(Candidate, one.id).muted_by is None
        assert mutes.lift_expired(session) == 0


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"sector": None}, "needs_mute_what"),
        ({"sector": "XXX"}, "needs_mute_what"),
        ({"region": "Dumai"}, "needs_mute_what"),
        ({"agency_id": "nobody"}, "needs_mute_what"),
        ({"reason": " x "}, "needs_mute_reason"),
        ({"reason": "x" * 501}, "needs_mute_reason"),
        ({"until": timedelta(days=91)}, "needs_mute_end"),
        ({"until": timedelta(days=-1)}, "needs_mute_end"),
    ],
)
def test_what_is_not_complete_mutes_nothing(session: Session, ani: Person, change: dict[str, Any], key: str) -> None:
    one = candidate(session)
    given: dict[str, Any] = {"sector": "LIS", "reason": WHY, "until": timedelta(days=90)} | change
    with pytest.raises(Invalid) as refused:
        mutes.mute(session, ani, **given | {"until": now() + given["until"]})
    assert refused.value.key == key
    assert (session.scalars(select(Mute)).all(), one.muted_by) == ([], None)


def test_nobody_mutes_beyond_their_own_part(session: Session, ani: Person) -> None:
    wide = mute(session, ani, sector="LIS")
    ani.remits.append(Remit(region=DUMAI, bounds=True))
    session.flush()
    candidate(session, muted_by=wide.id)
    candidate(session, muted_by=wide.id, region=SIAK)
    assert mutes.held(session, ani)[0].candidates == 1, "of what they may see"
    for what in ({"sector": "LIS"}, {"region": SIAK}, {"agency_id": "VT-PLN-UP3DMI"}):
        with pytest.raises(NotAllowed, match="mute_beyond"):
            mute(session, ani, **what)
    with pytest.raises(NotAllowed, match="mute_beyond"):
        mutes.end(session, ani, wide.id)
    mutes.end(session, ani, mute(session, ani, sector="LIS", region=DUMAI).id)


@pytest.mark.parametrize("role", ["analyst", "auditor", "focal"])
def test_who_decides_nothing_mutes_nothing(session: Session, role: str) -> None:
    other = accounts.add_person(session, "lain", role, agency_id="VT-PLN-UP3DMI" if role == "focal" else None)[0]
    with pytest.raises(NotAllowed):
        mute(session, other, sector="LIS")
