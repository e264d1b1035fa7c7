"""Decisions, what follows from them, and undo to the identical state."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from crawler import Source
from intake import alerts, sources
from intake.database import Base, Sessions
from intake.models import AgencyContact, Alert, AuditRow, Candidate, Case, Decision, Person, now
from intake.people import accounts
from intake.review import decisions, errors
from tests.intake.made import NOW, document, told


def ready(session: Session, address: str = "console://") -> tuple[Person, Candidate]:
    person, _ = accounts.add_person(session, "petugas", "officer")
    candidate = told(session, document(1, author="@budi_duri", kind="post"))
    assert candidate is not None
    session.add(AgencyContact(agency_id="VT-PLN-UP3DMI", name="Ibu Rina", address=address))
    session.flush()
    return person, candidate


def test_accepting_opens_a_case_and_writes_to_the_contact(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        decision = decisions.decide(
            session, person, candidate.id, candidate.version, "accept", track="refer", note=" lihat "
        )
        case = session.scalars(select(Case)).one()
        alert = session.scalars(select(Alert)).one()
        assert (candidate.state, case.track, case.state, decision.note) == ("accepted", "refer", "open", "lihat")
        assert case.number.endswith("-0001")
        assert "budi" not in alert.body.lower()
        assert "bukan laporan resmi" in alert.body
        audit = session.scalars(select(AuditRow).where(AuditRow.action == "decision.accept")).one()
        assert (audit.person_id, audit.subject) == (person.id, f"candidate:{candidate.id}")


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"action": "accept"}, "needs_track"),
        ({"action": "accept", "track": "laporan"}, "needs_track"),
        ({"action": "reject", "reason": "bosan"}, "needs_reason"),
        ({"action": "duplicate", "duplicate_of": 99}, "needs_original"),
        ({"action": "duplicate", "duplicate_of": 1}, "needs_original"),
        ({"action": "delete"}, "no_action"),
        ({"action": "reopen"}, "not_from_here"),
    ],
)
def test_an_incomplete_decision_changes_nothing(factory: Sessions, given: dict[str, Any], key: str) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        with pytest.raises(errors.Invalid) as refused:
            decisions.decide(session, person, candidate.id, candidate.version, **given)
        session.refresh(candidate)
        assert (refused.value.key, candidate.state, candidate.version) == (key, "candidate", 1)
        assert session.scalars(select(Decision)).all() == []


def test_of_two_who_decide_one_is_told_who_was_first(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        other, _ = accounts.add_person(session, "rekan", "head")
        version = candidate.version
        decisions.decide(session, person, candidate.id, version, "watch")
        with pytest.raises(errors.Conflict) as refused:
            decisions.decide(session, other, candidate.id, version, "reject", reason="settled")
        assert refused.value.values == {"by": "petugas", "action": "watch"}


@pytest.mark.parametrize("role", ["analyst", "auditor", "focal"])
def test_who_may_not_decide(factory: Sessions, role: str) -> None:
    with factory.begin() as session:
        _, candidate = ready(session)
        other, _ = accounts.add_person(session, "lain", role, agency_id="VT-PLN-UP3DMI" if role == "focal" else None)
        with pytest.raises(errors.NotAllowed):
            decisions.decide(session, other, candidate.id, candidate.version, "watch")
        with pytest.raises(errors.NotAllowed):
            decisions.undo(session, other, 1)


def test_undo_withdraws_case_and_unsent_message(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        decision = decisions.decide(session, person, candidate.id, candidate.version, "accept", track="rco")
        decisions.undo(session, person, decision.id)
        assert candidate.state == "candidate"
        assert session.scalars(select(Case.state)).all() == ["withdrawn"]
        assert session.scalars(select(Alert.state)).all() == ["withdrawn"]
        again = decisions.decide(session, person, candidate.id, candidate.version, "accept", track="iaps")
        assert session.scalars(select(Case.state)).all() == ["open"]
        with pytest.raises(errors.Conflict) as refused:
            decisions.undo(session, person, decision.id)
        assert (refused.value.key, refused.value.values) == ("already_undone", {"by": "petugas"})
        decisions.undo(session, person, again.id)


def test_only_the_last_decision_is_undone(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        first = decisions.decide(session, person, candidate.id, candidate.version, "watch")
        decisions.decide(session, person, candidate.id, candidate.version, "reject", reason="settled")
        with pytest.raises(errors.Conflict) as refused:
            decisions.undo(session, person, first.id)
        assert refused.value.key == "not_the_last"


def test_what_changed_and_changed_back_is_not_as_it_was_seen(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        version = candidate.version
        decisions.undo(session, person, decisions.decide(session, person, candidate.id, version, "watch").id)
        with pytest.raises(errors.Conflict) as refused:
            decisions.decide(session, person, candidate.id, version, "watch")
        assert refused.value.key == "not_as_seen"


def test_messages_are_sent_once_and_failures_are_kept(factory: Sessions) -> None:
    posted: list[str] = []

    def post(address: str, subject: str, body: str) -> bool:
        posted.append(subject)
        if len(posted) == 1:
            raise OSError("down")
        return True

    with factory.begin() as session:
        person, candidate = ready(session)
        decisions.decide(session, person, candidate.id, candidate.version, "accept", track="refer")
    assert alerts.send_waiting(factory, post=post) == 0
    with factory.begin() as session:
        assert session.scalars(select(Alert.error)).one() == "OSError: down"
    assert alerts.send_waiting(factory, post=post) == 0, "the next try comes later"
    assert alerts.send_waiting(factory, post=post, at=now() + timedelta(minutes=2)) == 1
    assert alerts.send_waiting(factory, post=post, at=now() + timedelta(days=9)) == 0
    assert len(posted) == 2


def test_a_message_is_tried_for_more_than_a_day_then_kept_as_failed(factory: Sessions) -> None:
    posted: list[str] = []

    def post(address: str, subject: str, body: str) -> bool:
        posted.append(address)
        return False

    with factory.begin() as session:
        person, candidate = ready(session)
        decisions.decide(session, person, candidate.id, candidate.version, "accept", track="refer")
    start = now()
    for minutes in range(0, 60 * 48, 30):
        alerts.send_waiting(factory, post=post, at=start + timedelta(minutes=minutes))
    assert len(posted) == alerts.ATTEMPTS == 9
    with factory.begin() as session:
        (alert,) = alerts.undelivered(session)
        assert (alert.state, alert.error, alerts.failed(session), alerts.next_try(alert)) == (
            "failed",
            "not_taken",
            1,
            None,
        )
        assert alerts.send_again(session, alert.id, person)
        assert alerts.failed(session) == 0
        assert alerts.send_again(session, alert.id, person) is None
        assert session.scalars(select(AuditRow.person_id).where(AuditRow.action == "alert.again")).all() == [person.id]
    assert alerts.send_waiting(factory, post=lambda *_: True) == 1


def test_a_withdrawn_message_stays_withdrawn(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        decision = decisions.decide(session, person, candidate.id, candidate.version, "accept", track="refer")
        session.scalars(select(Alert)).one().state = "failed"
        decisions.undo(session, person, decision.id)
        assert session.scalars(select(Alert.state)).all() == ["withdrawn"]
        assert list(alerts.undelivered(session)) == []


def test_an_invented_event_is_told_as_one(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        sources.sync(session, [Source("Koran", "feed", "http://127.0.0.1", options={"demo": True})])
        decisions.decide(session, person, candidate.id, candidate.version, "accept", track="refer")
        alert = session.scalars(select(Alert)).one()
        assert alert.subject.startswith("[Peragaan] ")
        assert alert.body.startswith("PERAGAAN: kejadian ini rekaan")


def test_a_message_by_a_way_that_is_closed_now_says_so(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session, address="mailto://ida@dinas.example")
        decisions.decide(session, person, candidate.id, candidate.version, "accept", track="refer")
    assert alerts.send_waiting(factory) == 0
    with factory.begin() as session:
        (alert,) = alerts.undelivered(session)
        assert (alert.error, alert.state) == ("mail_not_set", "waiting")


def test_what_the_guard_refused_stands_in_the_log(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session, address="json://127.0.0.1/x")
        decisions.decide(session, person, candidate.id, candidate.version, "accept", track="refer")
    assert alerts.send_waiting(factory) == 0
    with factory.begin() as session:
        (barred,) = session.scalars(select(AuditRow).where(AuditRow.action == "alert.barred"))
        assert barred.detail["error"] == "address_inside"


def test_the_console_twin_prints(factory: Sessions, caplog: pytest.LogCaptureFixture) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        decisions.decide(session, person, candidate.id, candidate.version, "accept", track="refer")
    assert alerts.send_waiting(factory) == 1
    assert "[Kentongan" in caplog.text


ACTIONS = st.sampled_from(
    [
        ("accept", {"track": "refer"}),
        ("accept", {"track": "rco"}),
        ("reject", {"reason": "settled"}),
        ("watch", {}),
        ("reopen", {}),
        ("duplicate", {"duplicate_of": 2}),
        ("undo", {}),
    ]
)


def state_of(session: Session, candidate: Candidate) -> tuple[Any, ...]:
    cases = session.scalars(select(Case.track).where(Case.state == "open")).all()
    waiting = len(session.scalars(select(Alert.id).where(Alert.state == "waiting")).all())
    return candidate.state, candidate.duplicate_of, cases, waiting


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ACTIONS, max_size=12))
def test_any_sequence_undone_returns_to_the_identical_state(actions: list[tuple[str, dict[str, Any]]]) -> None:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        from intake.models import Agency

        session.add(Agency(id="VT-PLN-UP3DMI", name="PLN"))
        person = Person(name="x", role="officer", password="")
        session.add_all([person, AgencyContact(agency_id="VT-PLN-UP3DMI", name="y", address="console://")])
        for n in (1, 2):
            session.add(
                Candidate(
                    id=n,
                    headline="x",
                    p_failure=1,
                    first_told_at=NOW,
                    last_told_at=NOW,
                    agency_id="VT-PLN-UP3DMI",
                    sector="LIS",
                )
            )
        session.flush()
        candidate = session.get_one(Candidate, 1)
        states = [state_of(session, candidate)]
        for action, more in actions:
            last = decisions.latest(session, 1)
            try:
                if action == "undo" and last:
                    decisions.undo(session, person, last.id)
                    states.pop()
                    assert state_of(session, candidate) == states[-1]
                elif action != "undo":
                    decisions.decide(session, person, 1, candidate.version, action, **more)
                    states.append(state_of(session, candidate))
            except errors.Invalid:
                continue
        while last := decisions.latest(session, 1):
            decisions.undo(session, person, last.id)
            states.pop()
            assert state_of(session, candidate) == states[-1]
        assert len(states) == 1
    engine.dispose()
