"""Decisions and what follows from them. That undo leads back to the identical state: test_undo.py."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crawler import Source
from intake import alerts, sources
from intake.database import Sessions
from intake.models import (
    AgencyContact,
    Alert,
    AuditRow,
    Candidate,
    Case,
    Decision,
    DecisionTouch,
    Lease,
    Mention,
    MentionBand,
    Person,
    Reporter,
    now,
)
from intake.people import accounts
from intake.review import corrections, decisions, errors, leases, queue, undo
from tests.intake.made import OUTAGE, document, told


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
        ({"action": "accept", "track": "laporan"}, "needs_reporter"),
        ({"action": "not_relevant", "reason": "bosan"}, "needs_reason"),
        ({"action": "not_relevant", "reason": "too_vague"}, "needs_reason"),
        ({"action": "outside"}, "needs_reason"),
        ({"action": "duplicate", "duplicate_of": 99}, "needs_original"),
        ({"action": "duplicate", "duplicate_of": 1}, "needs_original"),
        ({"action": "delete"}, "no_action"),
        ({"action": "undo"}, "no_action"),
        ({"action": "reopen"}, "not_from_here"),
        ({"action": "split"}, "needs_mentions"),
        ({"action": "split", "mentions": [1]}, "needs_mentions"),
        ({"action": "split", "mentions": [1, 99]}, "needs_mentions"),
        ({"action": "snooze"}, "not_snoozed"),
        ({"action": "snooze", "until": now() - timedelta(minutes=1)}, "needs_until"),
        ({"action": "snooze", "until": now() + timedelta(days=31)}, "needs_until"),
        ({"action": "correct"}, "nothing_corrected"),
        ({"action": "correct", "fields": {"sector": "LIS"}}, "nothing_corrected"),
        ({"action": "correct", "fields": {"headline": "lain"}}, "wrong_value"),
        ({"action": "correct", "fields": {"sector": "XXX"}}, "wrong_value"),
        ({"action": "correct", "fields": {"form": "XXX"}}, "wrong_value"),
        ({"action": "correct", "fields": {"region": "14"}}, "wrong_value"),
        ({"action": "correct", "fields": {"district": "99.99.99"}}, "wrong_value"),
        ({"action": "correct", "fields": {"agency_id": "XXX"}}, "wrong_value"),
        ({"action": "correct", "fields": {"district": "14.71.08", "region": "14.03"}}, "wrong_value"),
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
        decisions.decide(session, person, candidate.id, version, "accept", track="watch")
        with pytest.raises(errors.Conflict) as refused:
            decisions.decide(session, other, candidate.id, version, "not_relevant", reason="settled")
        assert refused.value.values == {"by": "petugas", "action": "accept"}


@pytest.mark.parametrize("role", ["analyst", "auditor", "focal"])
def test_who_may_not_decide(factory: Sessions, role: str) -> None:
    with factory.begin() as session:
        _, candidate = ready(session)
        other, _ = accounts.add_person(session, "lain", role, agency_id="VT-PLN-UP3DMI" if role == "focal" else None)
        with pytest.raises(errors.NotAllowed):
            decisions.decide(session, other, candidate.id, candidate.version, "accept", track="watch")
        with pytest.raises(errors.NotAllowed):
            undo.take_back(session, other, 1)


def test_undo_withdraws_case_and_unsent_message(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        decision = decisions.decide(session, person, candidate.id, candidate.version, "accept", track="rco")
        undo.take_back(session, person, decision.id)
        assert candidate.state == "candidate"
        assert session.scalars(select(Case.state)).all() == ["withdrawn"]
        assert session.scalars(select(Alert.state)).all() == ["withdrawn"]
        again = decisions.decide(session, person, candidate.id, candidate.version, "accept", track="iaps")
        assert session.scalars(select(Case.state)).all() == ["open"]
        with pytest.raises(errors.Conflict) as refused:
            undo.take_back(session, person, decision.id)
        assert (refused.value.key, refused.value.values) == ("already_undone", {"by": "petugas"})
        undo.take_back(session, person, again.id)


def test_only_the_last_decision_is_undone(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        other, _ = accounts.add_person(session, "rekan", "head")
        first = decisions.decide(
            session, person, candidate.id, candidate.version, "snooze", until=now() + timedelta(days=1)
        )
        decisions.decide(session, other, candidate.id, candidate.version, "not_relevant", reason="settled")
        with pytest.raises(errors.Conflict) as refused:
            undo.take_back(session, person, first.id)
        assert (refused.value.key, refused.value.values) == ("not_the_last", {"by": "rekan", "action": "not_relevant"})


def test_what_changed_and_changed_back_is_not_as_it_was_seen(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        version = candidate.version
        decision = decisions.decide(session, person, candidate.id, version, "accept", track="watch")
        undo.take_back(session, person, decision.id)
        with pytest.raises(errors.Conflict) as refused:
            decisions.decide(session, person, candidate.id, version, "accept", track="watch")
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
        undo.take_back(session, person, decision.id)
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


# ---- merging and splitting -----------------------------------------------------------------------------------------


WATER = "air keruh berbau di Bangkinang, pelanggan PDAM mengeluh sudah sepekan tidak ada penjelasan"
ROAD = "jalan berlubang di Rengat membuat pengendara jatuh, sudah dilaporkan warga berkali-kali"


def several(session: Session) -> tuple[Person, Candidate, Candidate, Candidate]:
    """Three candidates, the first with two mentions of two sources."""
    person, one = ready(session)
    told(session, document(2, OUTAGE + " lagi", source="Lain"))
    two = told(session, document(3, WATER), sectors=(), regions=("14.01",), agencies=())
    three = told(session, document(4, ROAD), sectors=(), regions=("14.02",), agencies=())
    assert one.mention_count == 2
    assert two is not None
    assert three is not None
    return person, one, two, three


def mentions_of(session: Session, candidate: Candidate) -> list[int]:
    return list(session.scalars(select(Mention.id).where(Mention.candidate_id == candidate.id).order_by(Mention.id)))


def test_the_mentions_of_a_duplicate_move_to_the_original_and_back(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, two, _ = several(session)
        own = mentions_of(session, two)
        merged = decisions.decide(session, person, two.id, two.version, "duplicate", duplicate_of=one.id)
        assert (two.state, two.duplicate_of, two.mention_count, mentions_of(session, two)) == (
            "duplicate",
            one.id,
            0,
            [],
        )
        assert (one.mention_count, one.voice_count, one.source_count, one.version) == (3, 2, 2, 2)
        assert session.get_one(Mention, own[0]).join_reason == '["person"]'
        assert decisions.latest(session, one.id) is merged
        assert [row.action for row in decisions.history(session, one.id)] == ["duplicate"]
        told(session, document(5, WATER + " juga"), sectors=(), regions=("14.01",), agencies=())
        assert one.mention_count == 4, "what is like a moved mention joins where that is now"
        undo.take_back(session, person, merged.id)
        assert (two.state, two.duplicate_of, two.mention_count, mentions_of(session, two)) == (
            "candidate",
            None,
            1,
            own,
        )
        assert (one.mention_count, session.get_one(Mention, own[0]).join_reason) == (3, None)
        assert [row.action for row in decisions.history(session, one.id)] == ["duplicate", "undo"]


def test_a_chain_of_duplicates_leads_to_its_end(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, two, three = several(session)
        decisions.decide(session, person, one.id, one.version, "accept", track="refer")
        decisions.decide(session, person, two.id, two.version, "duplicate", duplicate_of=one.id)
        last = decisions.decide(session, person, three.id, three.version, "duplicate", duplicate_of=two.id)
        assert (last.duplicate_of, three.duplicate_of, one.mention_count, one.state) == (one.id, one.id, 4, "accepted")


def test_nothing_is_merged_into_a_closed_candidate_or_into_itself(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, two, three = several(session)
        decisions.decide(session, person, one.id, one.version, "outside", reason="private_matter")
        with pytest.raises(errors.Invalid) as refused:
            decisions.decide(session, person, two.id, two.version, "duplicate", duplicate_of=one.id)
        assert refused.value.key == "original_closed"
        decisions.decide(session, person, two.id, two.version, "duplicate", duplicate_of=three.id)
        with pytest.raises(errors.Invalid) as refused:
            decisions.decide(session, person, three.id, three.version, "duplicate", duplicate_of=two.id)
        assert refused.value.key == "needs_original"


def test_a_mention_is_detached_and_comes_back(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, *_ = several(session)
        first, second = mentions_of(session, one)
        split = decisions.decide(session, person, one.id, one.version, "split", mentions=[second])
        new = session.get_one(Candidate, split.changes["into"])
        assert (new.state, new.headline, mentions_of(session, new)) == ("candidate", OUTAGE + " lagi", [second])
        assert (one.mention_count, one.source_count, mentions_of(session, one)) == (1, 1, [first])
        undo.take_back(session, person, split.id)
        assert (new.state, new.duplicate_of, new.mention_count) == ("duplicate", one.id, 0)
        assert (one.mention_count, mentions_of(session, one)) == (2, [first, second])


def test_what_joined_meanwhile_keeps_a_split_off_candidate_open(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, two, _ = several(session)
        own = mentions_of(session, two)
        decisions.decide(session, person, two.id, two.version, "duplicate", duplicate_of=one.id)
        split = decisions.decide(session, person, one.id, one.version, "split", mentions=own)
        new = session.get_one(Candidate, split.changes["into"])
        assert told(session, document(9, WATER + " juga"), sectors=(), regions=("14.01",), agencies=()) is new
        undo.take_back(session, person, split.id)
        assert (new.state, new.mention_count, one.mention_count) == ("candidate", 1, 3)


def test_only_as_the_last_of_both_a_merge_is_undone(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, two, _ = several(session)
        merged = decisions.decide(session, person, two.id, two.version, "duplicate", duplicate_of=one.id)
        accepted = decisions.decide(session, person, one.id, one.version, "accept", track="rco")
        with pytest.raises(errors.Conflict) as refused:
            undo.take_back(session, person, merged.id)
        assert (refused.value.key, refused.value.values["action"], two.state) == ("not_the_last", "accept", "duplicate")
        undo.take_back(session, person, accepted.id)
        undo.take_back(session, person, merged.id)
        assert two.state == "candidate"


def test_a_text_that_was_brought_is_free_again(factory: Sessions) -> None:
    with factory.begin() as session:
        person, _ = ready(session)
        nothing = {"failure": "no", "p": {"yes": 0.0, "vague": 0.0, "no": 1.0}}
        assert told(session, document(7, ROAD), sectors=(), regions=(), agencies=(), **nothing) is None
        mention = session.scalars(select(Mention).where(Mention.candidate_id.is_(None))).one()
        for _ in range(2):  # and may be brought again
            brought = decisions.bring(session, person, mention.id, "jalan rusak parah")
            made = session.get_one(Candidate, brought.candidate_id)
            assert (made.state, made.mention_count) == ("candidate", 1)
            undo.take_back(session, person, brought.id)
            assert (made.state, made.mention_count, mention.candidate_id) == ("not_relevant", 0, None)
            bands = select(func.count()).select_from(MentionBand).where(MentionBand.mention_id == mention.id)
            assert session.scalar(bands) == 0


def test_a_text_that_was_brought_to_a_known_event_leaves_it_as_it_was(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        assert told(session, document(7, source="Lain"), p={"yes": 0.1, "vague": 0.0, "no": 0.9}) is None
        mention = session.scalars(select(Mention).where(Mention.candidate_id.is_(None))).one()
        brought = decisions.bring(session, person, mention.id, "sama dengan yang lain")
        assert (brought.candidate_id, candidate.mention_count, candidate.version) == (candidate.id, 2, 2)
        undo.take_back(session, person, brought.id)
        assert (candidate.state, candidate.mention_count, candidate.source_count) == ("candidate", 1, 1)


# ---- correcting ----------------------------------------------------------------------------------------------------


def test_a_correction_stands_above_what_is_understood_and_is_a_label(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, *_ = several(session)
        assert (one.region, one.agency_reason) == ("14.03", "disebut: PLN Duri")
        fields = {"district": "14.71.08", "sector": "AIR", "agency_id": None}
        decision = decisions.decide(session, person, one.id, one.version, "correct", fields=fields)
        assert (one.region, one.district, one.sector, one.agency_id, one.agency) == (
            "14.71", "14.71.08", "AIR", None, None,
        )  # fmt: skip
        assert (one.state, one.agency_reason) == ("candidate", "")
        assert decision.changes == {
            "district": [None, "14.71.08"], "sector": ["LIS", "AIR"],
            "agency_id": ["VT-PLN-UP3DMI", None], "region": ["14.03", "14.71"],
        }  # fmt: skip
        mentions = mentions_of(session, one)
        again = decisions.decide(session, person, one.id, one.version, "correct", fields={"region": "14.03"})
        assert (one.region, one.district) == ("14.03", None)
        found = [
            (label.mention_id, label.field, label.old, label.new, label.person) for label in corrections.labels(session)
        ]
        assert len(found) == len(set(found)) == 2 * 4 + 2 * 2
        assert (mentions[0], "sector", "LIS", "AIR", "petugas") in found
        undo.take_back(session, person, again.id)
        undo.take_back(session, person, decision.id)
        assert (one.region, one.district, one.sector, one.agency_id) == ("14.03", None, "LIS", "VT-PLN-UP3DMI")
        assert (one.corrections, list(corrections.labels(session))) == ({}, [])


def test_a_corrected_agency_brings_its_kind(factory: Sessions) -> None:
    with factory.begin() as session:
        person, _, two, _ = several(session)
        decisions.decide(session, person, two.id, two.version, "correct", fields={"agency_id": "VT-PLN-UP3DMI"})
        assert two.agency is not None
        assert (two.agency.id, two.kind) == ("VT-PLN-UP3DMI", two.agency.kind)


def test_another_kind_puts_an_end_to_an_agency_that_is_not_of_it(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, *_ = several(session)
        assert (one.kind, one.agency_id) == ("PLN", "VT-PLN-UP3DMI")
        with pytest.raises(errors.Invalid, match="wrong_value"):
            fields = {"kind": "PDAM", "agency_id": "VT-PLN-UP3PKU"}
            decisions.decide(session, person, one.id, one.version, "correct", fields=fields)
        made = decisions.decide(session, person, one.id, one.version, "correct", fields={"kind": "PDAM"})
        assert made.changes == {"kind": ["PLN", "PDAM"], "agency_id": ["VT-PLN-UP3DMI", None]}
        assert told(session, document(5, OUTAGE + " lagi, kata warga", source="Ketiga")) is one
        assert (one.kind, one.agency_id, one.agency_reason, one.mention_count) == ("PDAM", None, "", 3)
        undo.take_back(session, person, made.id)
        assert (one.kind, one.agency_id, one.corrections) == ("PLN", "VT-PLN-UP3DMI", {})


def test_an_agency_understood_later_is_not_of_another_kind_than_a_person_named(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, two, _ = several(session)
        assert two.agency_id is None
        decisions.decide(session, person, two.id, two.version, "correct", fields={"kind": "DLH"})
        decisions.decide(session, person, one.id, one.version, "duplicate", duplicate_of=two.id)
        assert (two.kind, two.agency_id, two.agency_reason) == ("DLH", None, "")


def test_several_are_corrected_in_all_respects_and_undone_at_once(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, two, three = several(session)
        before = [(it.region, it.sector, it.form, it.kind) for it in (one, two, three)]
        items = [(it.id, it.version) for it in (one, two, three)]
        fields = {"region": "14.08", "sector": "AIR", "form": "MA03", "kind": "PDAM"}
        results = decisions.decide_all(session, person, items, "correct", fields=fields)
        assert [it.ok for it in results] == [True] * 3
        assert {(it.region, it.sector, it.form, it.kind) for it in (one, two, three)} == {tuple(fields.values())}
        decisions.decide(session, person, two.id, two.version, "correct", fields={"form": "MA02"})
        items = [(it.id, it.version) for it in (one, two, three)]
        refused = decisions.decide_all(session, person, items, "correct", fields={"form": "MA02"})
        assert {it.candidate_id: it.key for it in refused} == {
            one.id: "not_alone", two.id: "nothing_corrected", three.id: "not_alone",
        }  # fmt: skip
        assert (one.form, three.form) == ("MA03", "MA03")
        undo.take_back(session, person, session.scalars(select(Decision.id).order_by(Decision.id.desc())).first() or 0)
        assert results[0].decision is not None
        undo.take_back(session, person, results[0].decision.id)
        assert [(it.region, it.sector, it.form, it.kind) for it in (one, two, three)] == before


def test_what_is_heard_later_does_not_undo_a_correction(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, *_ = several(session)
        decisions.decide(session, person, one.id, one.version, "correct", fields={"sector": "AIR", "form": None})
        assert told(session, document(5, OUTAGE + " lagi, kata warga", source="Ketiga")) is one
        assert (one.sector, one.form, one.mention_count) == ("AIR", None, 3)


def test_a_merge_does_not_undo_a_correction(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, two, _ = several(session)
        decisions.decide(session, person, one.id, one.version, "correct", fields={"sector": "AIR"})
        decisions.decide(session, person, two.id, two.version, "duplicate", duplicate_of=one.id)
        assert (one.sector, one.mention_count) == ("AIR", 3)


# ---- putting off, bringing back ------------------------------------------------------------------------------------


def test_what_is_put_off_leaves_the_queue_until_then(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        decisions.decide(session, person, candidate.id, candidate.version, "snooze", until=now() + timedelta(days=2))
        assert queue.page(session, person).items == []
        woken = decisions.decide(session, person, candidate.id, candidate.version, "snooze")
        assert queue.page(session, person).items == [candidate]
        undo.take_back(session, person, woken.id)
        decisions.decide(session, person, candidate.id, candidate.version, "insufficient", reason="no_place")
        assert (candidate.state, candidate.snoozed_until) == ("insufficient", None)
        decisions.decide(session, person, candidate.id, candidate.version, "reopen")
        assert queue.page(session, person).items == [candidate]


def test_a_laporan_needs_somebody_who_reports(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        with pytest.raises(errors.Invalid):
            decisions.attach_reporter(session, person, candidate.id, "Seorang Warga", " ", "sudah ke loket")
        reporter = decisions.attach_reporter(
            session, person, candidate.id, " Seorang Warga ", "telepon", "sudah ke loket"
        )
        assert (reporter.name, reporter.person_id) == ("Seorang Warga", person.id)
        with pytest.raises(errors.Conflict):
            decisions.attach_reporter(session, person, candidate.id, "Orang Lain", "telepon", "sudah ke loket")
        decisions.decide(session, person, candidate.id, candidate.version, "accept", track="laporan")
        assert session.scalars(select(Case.track)).all() == ["laporan"]
        assert session.scalars(select(Alert)).all() == [], "the agency is not told that it is no formal report"
        logged = session.scalars(select(AuditRow).where(AuditRow.action == "reporter.attach")).one()
        assert "Warga" not in str(logged.detail)
        assert session.scalars(select(Reporter.candidate_id)).all() == [candidate.id]


def test_the_agency_is_not_told_of_what_is_only_watched(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        decisions.decide(session, person, candidate.id, candidate.version, "accept", track="watch")
        assert (session.scalars(select(Case.track)).all(), session.scalars(select(Alert)).all()) == (["watch"], [])


# ---- many at once --------------------------------------------------------------------------------------------------


def test_many_are_decided_at_once_and_undone_at_once(factory: Sessions) -> None:
    with factory.begin() as session:
        person, *three = several(session)
        items = [(one.id, one.version) for one in three]
        results = decisions.decide_all(session, person, items, "accept", track="refer")
        assert [result.ok for result in results] == [True] * 3
        assert [one.state for one in three] == ["accepted"] * 3
        last = results[-1].decision
        assert last is not None
        undone = undo.take_back(session, person, last.id)
        assert (undone.undoes, undone.candidate_id) == (last.id, three[2].id)
        assert [one.state for one in three] == ["candidate"] * 3
        assert session.scalars(select(Case.state)).all() == ["withdrawn"] * 3


def test_where_one_is_refused_all_are_left(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, two, three = several(session)
        items = [(one.id, one.version), (two.id, two.version), (three.id, three.version)]
        decisions.decide(session, person, three.id, three.version, "outside", reason="outside_riau")
        results = decisions.decide_all(session, person, items, "not_relevant", reason="hoax")
        assert [(result.candidate_id, result.ok, result.key) for result in results] == [
            (one.id, False, "not_alone"),
            (two.id, False, "not_alone"),
            (three.id, False, "changed"),
        ]
        assert results[2].values == {"by": "petugas", "action": "outside"}
        assert (one.state, one.version, two.version) == ("candidate", 1, 1)
        assert session.scalar(select(func.count()).select_from(Decision)) == 1


def test_a_batch_is_undone_whole_or_not_at_all(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, two, three = several(session)
        items = [(two.id, two.version), (three.id, three.version)]
        first, second = decisions.decide_all(session, person, items, "duplicate", duplicate_of=one.id)
        assert first.decision is not None
        assert second.decision is not None
        assert (one.mention_count, one.version) == (4, 2)
        later = decisions.decide(session, person, one.id, one.version, "split", mentions=mentions_of(session, one)[:1])
        with pytest.raises(errors.Conflict) as refused:
            undo.take_back(session, person, first.decision.id)
        assert (refused.value.key, two.state, three.state) == ("not_the_last", "duplicate", "duplicate")
        undo.take_back(session, person, later.id)
        undo.take_back(session, person, second.decision.id)
        assert (one.mention_count, two.mention_count, three.mention_count) == (2, 1, 1)


def test_at_most_two_hundred_at_once(factory: Sessions) -> None:
    with factory.begin() as session:
        person, _ = ready(session)
        for items in ([], [(number, 1) for number in range(1, 202)]):
            with pytest.raises(errors.Invalid) as refused:
                decisions.decide_all(session, person, items, "not_relevant", reason="hoax")
            assert refused.value.key == "wrong_number"


# ---- leases and time -----------------------------------------------------------------------------------------------


def test_what_somebody_else_has_open_is_not_decided(factory: Sessions) -> None:
    with factory.begin() as session:
        person, candidate = ready(session)
        other, _ = accounts.add_person(session, "rekan", "officer")
        lease = leases.claim(session, other, candidate.id)
        with pytest.raises(errors.Conflict) as refused:
            decisions.decide(session, person, candidate.id, candidate.version, "accept", track="rco")
        assert (refused.value.key, refused.value.values["by"], candidate.version) == ("held", "rekan", 1)
        with pytest.raises(errors.Conflict) as refused:
            decisions.decide(session, person, candidate.id, candidate.version, "accept", track="rco", lease=lease.token)
        assert refused.value.key == "lease_lost"
        decisions.decide(session, other, candidate.id, candidate.version, "accept", track="rco", lease=lease.token)
        assert leases.holder(session, candidate.id) is None, "and nobody waits for it to run out"


def test_the_time_a_decision_took_is_from_opening_to_deciding(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, two, three = several(session)
        assert decisions.median_seconds(session, person) is None
        for candidate, seconds in ((one, 20), (two, 40), (three, 9000)):
            token = leases.claim(session, person, candidate.id).token
            row = session.get_one(Lease, candidate.id)
            row.taken_at = now() - timedelta(seconds=seconds)
            session.flush()
            decision = decisions.decide(
                session, person, candidate.id, candidate.version, "not_relevant", reason="hoax", lease=token
            )
            assert decision.seconds == min(seconds, 3600)
        assert decisions.median_seconds(session, person) == 40


def test_every_candidate_a_decision_changed_is_noted(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, two, _ = several(session)
        merged = decisions.decide(session, person, two.id, two.version, "duplicate", duplicate_of=one.id)
        undone = undo.take_back(session, person, merged.id)
        touches = select(DecisionTouch.decision_id, DecisionTouch.candidate_id)
        assert set(map(tuple, session.execute(touches))) == {
            (merged.id, one.id), (merged.id, two.id), (undone.id, one.id), (undone.id, two.id),
        }  # fmt: skip
        with pytest.raises(errors.Invalid) as refused:
            undo.take_back(session, person, undone.id)
        assert refused.value.key == "lasting"
