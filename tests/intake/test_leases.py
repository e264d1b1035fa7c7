"""Who has a candidate open: of two who want one, one gets it; a late write is refused."""

import multiprocessing
import random
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from intake.database import Sessions, open_engine, sessions
from intake.models import AuditRow, Candidate, Decision, DecisionTouch, Lease, Person, now
from intake.people import accounts
from intake.review import leases, queue
from intake.review.errors import Conflict, Invalid, NotAllowed
from intake.settings import Settings
from intake.web.app import create_app
from tests.intake.made import NOW


def fill(session: Session, count: int) -> list[Candidate]:
    """Open candidates, the first one best."""
    made = [
        Candidate(headline=f"kejadian {n}", p_failure=0.9, rank=float(-n), first_told_at=NOW, last_told_at=NOW)
        for n in range(count)
    ]
    session.add_all(made)
    session.flush()
    return made


def officer(session: Session, name: str) -> Person:
    return accounts.add_person(session, name, "officer")[0]


@pytest.fixture
def session(factory: Sessions) -> Iterator[Session]:
    with factory.begin() as session:
        yield session


@pytest.fixture
def one(session: Session) -> Candidate:
    return fill(session, 1)[0]


@pytest.fixture
def ani(session: Session) -> Person:
    return officer(session, "ani")


@pytest.fixture
def budi(session: Session) -> Person:
    return officer(session, "budi")


def let_time_pass(session: Session, candidate: Candidate) -> None:
    """The lease on it was last used longer ago than it lasts."""
    ago = now() - leases.LENGTH
    session.execute(
        update(Lease).where(Lease.candidate_id == candidate.id).values(taken_at=ago, until=now() - timedelta(seconds=1))
    )


def decide(session: Session, person: Person, candidate: Candidate, action: str, state: str) -> None:
    made = Decision(candidate_id=candidate.id, person=person, action=action, at=now())
    session.add(made)
    session.flush()
    session.add(DecisionTouch(decision_id=made.id, candidate_id=candidate.id))
    candidate.state = state
    session.flush()


def lost(session: Session, person: Person, candidate: Candidate, token: int) -> dict[str, object]:
    """What a late write is told."""
    with pytest.raises(Conflict) as refused:
        leases.check(session, person, candidate.id, token)
    assert refused.value.key == "lease_lost"
    return refused.value.values


def test_of_two_who_want_one_the_first_gets_it(session: Session, one: Candidate, ani: Person, budi: Person) -> None:
    lease = leases.claim(session, ani, one.id)
    assert timedelta(minutes=4) < lease.until - now() <= timedelta(minutes=5)
    with pytest.raises(Conflict) as refused:
        leases.claim(session, budi, one.id)
    assert (refused.value.key, refused.value.values["by"]) == ("held", "ani")
    held = leases.holder(session, one.id)
    assert held is not None
    assert held.person.name == "ani"


def test_a_second_tab_shares_the_lease_of_the_first(session: Session, one: Candidate, ani: Person) -> None:
    first = leases.claim(session, ani, one.id, timedelta(minutes=1))
    token, taken, until = first.token, first.taken_at, first.until
    second = leases.claim(session, ani, one.id)
    assert (second.token, second.taken_at) == (token, taken)
    assert second.until > until
    leases.check(session, ani, one.id, token)


def test_a_token_only_grows(session: Session, one: Candidate, ani: Person, budi: Person) -> None:
    tokens = []
    for person in (ani, budi, ani):
        tokens.append(leases.claim(session, person, one.id).token)
        leases.release(session, person, one.id, tokens[-1])
        assert leases.holder(session, one.id) is None
    tokens.append(leases.claim(session, ani, one.id).token)
    let_time_pass(session, one)
    tokens.append(leases.claim(session, ani, one.id).token)
    assert tokens == [1, 2, 3, 4, 5]


def test_activity_renews(session: Session, one: Candidate, ani: Person, budi: Person) -> None:
    lease = leases.claim(session, ani, one.id, timedelta(seconds=30))
    before = lease.until
    assert leases.renew(session, ani, one.id, lease.token, timedelta(minutes=9)).until > before + timedelta(minutes=8)
    with pytest.raises(Conflict):
        leases.renew(session, budi, one.id, lease.token)


def test_a_late_write_is_refused_even_if_nobody_came(session: Session, one: Candidate, ani: Person) -> None:
    token = leases.claim(session, ani, one.id).token
    let_time_pass(session, one)
    assert lost(session, ani, one, token)["how"] == "expired"
    assert leases.claim(session, ani, one.id).token == token + 1


def test_a_late_write_is_told_who_has_it_now(session: Session, one: Candidate, ani: Person, budi: Person) -> None:
    late = leases.claim(session, ani, one.id).token
    let_time_pass(session, one)
    token = leases.claim(session, budi, one.id).token
    told = lost(session, ani, one, late)
    assert (told["how"], told["by"]) == ("taken", "budi")
    leases.check(session, budi, one.id, token)


@pytest.mark.parametrize(("action", "state"), [("accept", "accepted"), ("correct", "candidate")])
def test_a_late_write_is_told_what_was_decided(
    session: Session, one: Candidate, ani: Person, budi: Person, action: str, state: str
) -> None:
    late = leases.claim(session, ani, one.id).token
    let_time_pass(session, one)
    token = leases.claim(session, budi, one.id).token
    decide(session, budi, one, action, state)
    leases.release(session, budi, one.id, token)
    told = lost(session, ani, one, late)
    assert (told["how"], told["by"], told["action"]) == ("decided", "budi", action)


def test_old_decisions_are_no_news(session: Session, one: Candidate, ani: Person, budi: Person) -> None:
    decide(session, budi, one, "undo", "candidate")
    late = leases.claim(session, ani, one.id).token
    leases.release(session, ani, one.id, late)
    assert lost(session, ani, one, late)["how"] == "expired"


def test_taking_over_is_noted_and_told(session: Session, one: Candidate, ani: Person, budi: Person) -> None:
    late = leases.claim(session, ani, one.id).token
    lease = leases.take_over(session, budi, one.id)
    assert (lease.token, lease.taken_from) == (late + 1, ani.id)
    for _ in range(2):
        told = lost(session, ani, one, late)
        assert (told["how"], told["by"], told["at"]) == ("taken_over", "budi", lease.taken_at)
    leases.renew(session, budi, one.id, lease.token)
    row = session.scalars(select(AuditRow).where(AuditRow.action == "lease.take_over")).one()
    assert (row.person_id, row.subject, row.detail["from"]) == (budi.id, f"candidate:{one.id}", ani.id)


def test_taking_over_what_nobody_has_is_a_claim(session: Session, one: Candidate, ani: Person, budi: Person) -> None:
    own = leases.claim(session, ani, one.id).token
    assert leases.take_over(session, ani, one.id).token == own
    let_time_pass(session, one)
    assert leases.take_over(session, budi, one.id).taken_from is None
    assert session.scalar(select(AuditRow).where(AuditRow.action == "lease.take_over")) is None


def test_without_a_token_only_what_nobody_else_has_is_written(
    session: Session, one: Candidate, ani: Person, budi: Person
) -> None:
    leases.check(session, budi, one.id, None)
    leases.claim(session, ani, one.id)
    leases.check(session, ani, one.id, None)
    with pytest.raises(Conflict) as refused:
        leases.check(session, budi, one.id, None)
    assert refused.value.values["by"] == "ani"


def test_what_cannot_be_claimed(session: Session, one: Candidate, ani: Person) -> None:
    with pytest.raises(Invalid, match="no_candidate"):
        leases.claim(session, ani, one.id + 1)
    analyst = accounts.add_person(session, "analis", "analyst")[0]
    for take in (leases.claim, leases.take_over):
        with pytest.raises(NotAllowed):
            take(session, analyst, one.id)
    one.state = "accepted"
    session.flush()
    for take in (leases.claim, leases.take_over):
        with pytest.raises(Invalid, match="not_from_here"):
            take(session, ani, one.id)
    assert leases.holder(session, one.id) is None


def test_a_few_may_be_open_at_once_not_the_whole_page(session: Session, ani: Person) -> None:
    made = fill(session, leases.HELD + 2)
    tokens = {one.id: leases.claim(session, ani, one.id).token for one in made}
    held = leases.holders(session, tokens)
    assert sorted(held) == sorted(one.id for one in made[2:])
    leases.release_all(session, ani)
    assert not leases.holders(session, tokens)


def test_the_next_one_is_the_best_that_nobody_else_has(session: Session, ani: Person, budi: Person) -> None:
    first, second, third = fill(session, 3)

    def next_of(person: Person) -> Candidate | None:
        found = leases.claim_next(session, person)
        return found[0] if found else None

    assert next_of(ani) is first
    assert next_of(ani) is first
    assert next_of(budi) is second
    first.state = "accepted"
    third.snoozed_until = now() + timedelta(hours=1)
    session.flush()
    assert next_of(ani) is None
    third.snoozed_until = None
    session.flush()
    assert next_of(ani) is third
    assert leases.claim_next(session, budi, queue.Filters(sector="LIS")) is None


def test_nobody_waits_for_a_candidate_that_is_just_being_taken(factory: Sessions, url: str) -> None:
    """PostgreSQL passes over it; SQLite lets one write at a time, and says so after its patience."""
    with factory.begin() as session:
        first, second = fill(session, 2)
        ani, budi = officer(session, "ani"), officer(session, "budi")
    with factory() as one, factory() as other:
        taken = leases.claim_next(one, one.merge(ani))
        assert taken is not None
        assert taken[0].id == first.id
        if url.startswith("sqlite"):
            one.commit()
        found = leases.claim_next(other, other.merge(budi))
        assert found is not None
        assert found[0].id == second.id
        one.rollback()
        other.rollback()


def test_nobody_takes_over_while_a_write_goes_on(factory: Sessions, url: str) -> None:
    """Whoever was checked decides; the other one is told, instead of both."""
    if url.startswith("sqlite"):
        pytest.skip("SQLite lets one write at a time")
    with factory.begin() as session:
        (candidate,) = fill(session, 1)
        ani, budi = officer(session, "ani"), officer(session, "budi")
        token = leases.claim(session, ani, candidate.id).token
    with factory() as one, factory() as other:
        leases.check(one, one.merge(ani), candidate.id, token)
        other.connection().exec_driver_sql("SET lock_timeout = 200")
        with pytest.raises(SQLAlchemyError, match="lock timeout"):
            leases.take_over(other, other.merge(budi), candidate.id)
        other.rollback()
        decide(one, one.merge(ani), one.merge(candidate), "accept", "accepted")
        leases.release(one, ani, candidate.id, token)
        one.commit()
        with pytest.raises(Invalid, match="not_from_here"):
            leases.take_over(other, other.merge(budi), candidate.id)


def test_who_signs_out_has_nothing_open(factory: Sessions, settings: Settings) -> None:
    password = "sandi yang cukup panjang"
    with factory.begin() as session:
        (one,) = fill(session, 1)
        ani, _ = accounts.add_person(session, "ani", "officer", password)
        leases.claim(session, ani, one.id)
    client = TestClient(create_app(factory, settings), base_url="http://127.0.0.1")

    def token(path: str) -> str:
        return re.findall(r'name="csrf" value="([^"]+)"', client.get(path).text)[0]

    client.post("/masuk", data={"name": "ani", "password": password, "csrf": token("/masuk")})
    client.post("/keluar", data={"csrf": token("/")})
    with factory.begin() as session:
        assert leases.holder(session, one.id) is None


Holds = dict[tuple[int, int], tuple[float, float]]  # candidate and token -> held from, held until
CANDIDATES, OFFICERS = 300, 4
CLAIMS = {"postgresql": 2500, "sqlite": 250}  # of each officer
MOMENT = timedelta(milliseconds=5)


def hammer(url: str, name: str, claims: int, answer: "multiprocessing.Queue[Holds]") -> None:
    """One officer of a busy office: takes the next or any one, and lets it go with the next claim, or by not coming back."""
    engine, chance, holds = open_engine(url), random.Random(name), Holds()
    with sessions(engine)() as session:
        if engine.dialect.name == "postgresql":
            session.connection().exec_driver_sql("SET synchronous_commit = off")  # no test pulls the plug
            session.commit()
        person = accounts.named(session, name)
        while len(holds) < claims:
            length = chance.choice((MOMENT, leases.LENGTH))
            lease = claim_somehow(session, person, chance, length)
            session.commit()
            if lease is None:
                continue
            since, until = time.time(), lease.until.timestamp()
            since, _ = holds.get((lease.candidate_id, lease.token), (since, until))  # their own, held longer
            holds[lease.candidate_id, lease.token] = since, min(until, time.time()) if length > MOMENT else until
            if length > MOMENT:
                leases.release(session, person, lease.candidate_id, lease.token)
        session.commit()
    answer.put(holds)
    engine.dispose()


def claim_somehow(session: Session, person: Person, chance: random.Random, length: timedelta) -> Lease | None:
    try:
        if chance.random() < 0.5:
            found = leases.claim_next(session, person, length=length)
            return found[1] if found else None
        return leases.claim(session, person, chance.randint(1, CANDIDATES), length)
    except Conflict:
        return None


def test_a_hammer_of_claims_never_gives_one_to_two(factory: Sessions, url: str) -> None:
    """10,000 claims of four processes on PostgreSQL: every token once, and no candidate held by two at a time."""
    names = [f"petugas {n}" for n in range(OFFICERS)]
    with factory.begin() as session:
        fill(session, CANDIDATES)
        for name in names:
            officer(session, name)
    claims = CLAIMS["sqlite" if url.startswith("sqlite") else "postgresql"]
    context = multiprocessing.get_context("spawn")
    answer: multiprocessing.Queue[Holds] = context.Queue()
    started = [context.Process(target=hammer, args=(url, name, claims, answer), daemon=True) for name in names]
    for process in started:
        process.start()
    holds = [hold for _ in started for hold in answer.get(timeout=400).items()]
    for process in started:
        process.join(30)
    assert len(holds) >= OFFICERS * claims
    assert len({key for key, _ in holds}) == len(holds), "a token was given twice"
    for ((one, token), (_, until)), ((other, later), (since, _)) in pairwise(sorted(holds)):
        assert one != other or since >= until, f"candidate {one} was held by two: tokens {token} and {later}"
