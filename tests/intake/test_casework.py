"""Cases and referrals: every act an event, links that open one thing for a while, clocks that sort the page."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from intake import alerts
from intake.casework import brief, cases, clocks, events, referrals
from intake.casework.clocks import Rules, load_limits
from intake.casework.referrals import LinkOver, Links
from intake.database import Sessions
from intake.models import (
    Agency,
    AgencyContact,
    Alert,
    AuditRow,
    Candidate,
    Case,
    CaseEvent,
    Decision,
    Person,
    Referral,
    Reporter,
    now,
)
from intake.review import decisions, undo
from intake.review.errors import Conflict, Invalid, NotAllowed
from nlp import Guess
from tests.intake.made import document, told

RULES = Rules(load_limits())
LINKS = Links(b"key of this installation", "https://kentongan.example")
PLN, DISHUB = "VT-PLN-UP3DMI", "RI-1471-DISHUB"
SECTORS = ("LIS", "AIR", "INF")  # so that each document tells of another event
ANSWER = "Petugas sudah memperbaiki gardu pada hari yang sama."


def person(session: Session, name: str = "petugas", role: str = "officer", agency: str | None = None) -> Person:
    one = Person(name=name, role=role, agency_id=agency, password="")
    session.add(one)
    session.flush()
    return one


def contact(session: Session, agency: str = PLN, name: str = "Ibu Narahubung") -> AgencyContact:
    one = AgencyContact(agency_id=agency, name=name, address="console://")
    session.add(one)
    session.flush()
    return one


def accepted(session: Session, officer: Person, track: str = "refer", number: int = 1, **more: Any) -> Case:
    """A case as accepting a candidate leaves it."""
    candidate = told(session, document(number, **more), sectors=(Guess(SECTORS[number - 1], 0.9),))
    assert candidate is not None
    candidate.state = "accepted"
    case = cases.open_case(session, candidate, track, officer)
    decision = Decision(candidate_id=candidate.id, person=officer, action="accept", track=track)
    session.add(decision)
    session.flush()
    alerts.write(session, decision, candidate, case)
    return case


def kinds(case: Case) -> list[str]:
    return [event.kind for event in case.events]


def only_referral(session: Session) -> Referral:
    return session.scalars(select(Referral)).one()


def seen(session: Session, referral: Referral) -> int:
    return referrals.said(session, referral)[-1].id


# ---- acceptance


@pytest.mark.parametrize(("track", "told_to"), [("refer", 2), ("rco", 2), ("iaps", 0), ("invite", 0), ("watch", 0)])
def test_two_tracks_tell_the_agency_at_once(factory: Sessions, track: str, told_to: int) -> None:
    with factory.begin() as session:
        officer = person(session)
        contact(session)
        contact(session, name="Pak Wakil")
        case = accepted(session, officer, track)
        made = session.scalars(select(Alert)).all()
        assert [alert.referral_id for alert in made] == [referral.id for referral in case.referrals]
        assert len(made) == told_to
        assert kinds(case) == ["opened", *["referred"] * told_to]
        assert all(referrals.QUESTIONS["rco" if track == "rco" else ""] in alert.body for alert in made)


def test_undoing_withdraws_the_case_its_links_and_what_was_not_sent(factory: Sessions) -> None:
    with factory.begin() as session:
        officer = person(session)
        contact(session)
        case = accepted(session, officer)
        token = LINKS.token(only_referral(session))
        cases.withdraw(session, case.candidate, officer)
        assert (case.state, kinds(case)[-2:]) == ("withdrawn", ["revoked", "withdrawn"])
        assert session.scalars(select(Alert.state)).all() == ["withdrawn"]
        with pytest.raises(LinkOver) as over:
            referrals.by_link(session, LINKS, token)
        assert over.value.key == "withdrawn"
        again = cases.open_case(session, case.candidate, "iaps", officer)
        assert (again.id, again.state, again.track) == (case.id, "open", "iaps")
        assert not cases.standing(case, officer, RULES).clocks


def test_numbers_run_on_beyond_four_digits(factory: Sessions) -> None:
    with factory.begin() as session:
        officer = person(session)
        first = accepted(session, officer, "watch")
        year = first.number.split("-")[0]
        first.number = f"{year}-9999"
        second = accepted(session, officer, "watch", 2, text="air PDAM mati di Bangkinang sejak kemarin sore")
        second.number = f"{year}-10000"
        session.flush()
        third = accepted(session, officer, "watch", 3, text="antrean KTP di Dumai berhari-hari tidak dilayani petugas")
        assert third.number == f"{year}-10001"


def test_cases_opened_at_once_take_different_numbers(factory: Sessions) -> None:
    with factory.begin() as session:
        officer_id = person(session).id
        ids = []
        for number in range(12):
            one = Candidate(headline="x", p_failure=1, first_told_at=now(), last_told_at=now(), state="accepted")
            session.add(one)
            session.flush()
            ids.append((number, one.id))

    def open_one(of: tuple[int, int]) -> str:
        with factory.begin() as session:
            officer, candidate = session.get_one(Person, officer_id), session.get_one(Candidate, of[1])
            return cases.open_case(session, candidate, "watch", officer).number

    with ThreadPoolExecutor(6) as pool:
        numbers = sorted(pool.map(open_one, ids))
    assert [int(number.split("-")[1]) for number in numbers] == list(range(1, 13))


# ---- acts


def test_every_act_is_an_event_with_its_audit_row(factory: Sessions) -> None:
    with factory.begin() as session:
        officer = person(session)
        contact(session)
        case = accepted(session, officer)
        referral = only_referral(session)

        def act(how: Any, **given: Any) -> None:
            how(session, officer, case.id, case.version, **given)

        act(cases.note, text="Menelepon kantor layanan.")
        act(cases.ask_progress, referral_id=referral.id, question="Bagaimana perkembangannya?")
        act(cases.note_reply, referral_id=referral.id, kind="progress", text="Lewat telepon: sedang diperbaiki.")
        act(cases.note_progress, text="Media memberitakan perbaikan.")
        act(cases.pause, reason="Menunggu audit internal.")
        act(cases.resume)
        act(cases.change_track, track="iaps")
        act(cases.note, milestone="lhp")
        act(cases.close, outcome="handled", note="Listrik menyala.")
        act(cases.reopen, reason="Padam lagi.")
        act(cases.revoke, referral_id=referral.id)
        did = [
            "note",
            "asked",
            "progress",
            "progress",
            "paused",
            "resumed",
            "track",
            "note",
            "closed",
            "reopened",
            "revoked",
        ]
        assert kinds(case) == ["opened", "referred", *did]
        assert (case.track, case.state, case.version) == ("iaps", "open", 12)
        audited = session.scalars(select(AuditRow.action).where(AuditRow.subject == f"case:{case.number}"))
        assert list(audited) == [f"case.{kind}" for kind in ["referred", *did]]
        found = [(clock.limit.id, clock.state) for clock in cases.standing(case, officer, RULES).clocks]
        assert found == [("tindak-lanjut-lhp", "running"), ("perkembangan", "met")]


@pytest.mark.parametrize(
    ("act", "given", "key"),
    [
        (cases.note, {"text": " x "}, "needs_note"),
        (cases.note, {"milestone": "lunch"}, "no_act"),
        (cases.pause, {"reason": ""}, "needs_note"),
        (cases.resume, {}, "is_not_paused"),
        (cases.change_track, {"track": "refer"}, "needs_other_track"),
        (cases.change_track, {"track": "laporan"}, "needs_reporter"),
        (cases.close, {"outcome": "bored"}, "needs_outcome"),
        (cases.reopen, {"reason": "lanjut lagi"}, "case_not_open"),
        (cases.refer, {"agency_id": DISHUB}, "no_contact"),
        (cases.refer, {"agency_id": PLN}, "referred_already"),
        (cases.ask_progress, {"referral_id": 99}, "no_referral"),
        (cases.note_reply, {"referral_id": 1, "kind": "closed", "text": "panjang"}, "no_act"),
    ],
)
def test_what_cannot_be_done_changes_nothing(factory: Sessions, act: Any, given: dict[str, Any], key: str) -> None:
    with factory.begin() as session:
        officer = person(session)
        contact(session)
        case = accepted(session, officer)
        before = (case.version, case.state, kinds(case))
        with pytest.raises(Invalid) as refused:
            act(session, officer, case.id, case.version, **given)
        session.refresh(case)
        assert (refused.value.key, (case.version, case.state, kinds(case))) == (key, before)


@pytest.mark.parametrize("role", ["analyst", "auditor", "focal"])
def test_who_may_not_act(factory: Sessions, role: str) -> None:
    with factory.begin() as session:
        case = accepted(session, person(session))
        other = person(session, "lain", role, PLN if role == "focal" else None)
        with pytest.raises(NotAllowed):
            cases.note(session, other, case.id, case.version, text="catatan saya")
        with pytest.raises(NotAllowed):
            cases.unmask(session, other, case, "ingin tahu")


def test_of_two_who_act_on_what_they_saw_one_is_told(factory: Sessions) -> None:
    with factory.begin() as session:
        officer, rekan = person(session), person(session, "rekan", "head")
        case = accepted(session, officer)
        version = case.version
        cases.pause(session, officer, case.id, version, reason="Menunggu surat.")
        with pytest.raises(Conflict) as refused:
            cases.close(session, rekan, case.id, version, outcome="handled")
        assert (refused.value.key, refused.value.values) == ("case_changed", {"by": "petugas", "kind": "paused"})
        assert case.state == "open"


def test_none_of_many_edits_is_lost_in_silence(factory: Sessions) -> None:
    with factory.begin() as session:
        officer = person(session)
        case = accepted(session, officer, "watch")
        case_id, version, officer_id = case.id, case.version, officer.id

    def note(number: int) -> bool:
        with factory.begin() as session:
            try:
                cases.note(session, session.get_one(Person, officer_id), case_id, version, text=f"catatan {number}")
            except Conflict:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        kept = sum(pool.map(note, range(16)))
    with factory.begin() as session:
        assert (kept, session.scalar(select(func.count()).where(CaseEvent.kind == "note"))) == (1, 1)


def test_a_laporan_needs_a_reporter_whom_only_a_reason_unmasks(factory: Sessions) -> None:
    with factory.begin() as session:
        officer = person(session)
        case = accepted(session, officer, "invite")
        session.add(Reporter(candidate_id=case.candidate_id, name="Nama Rekaan", person_id=officer.id))
        session.flush()
        cases.change_track(session, officer, case.id, case.version, track="laporan")
        assert case.track == "laporan"
        with pytest.raises(Invalid):
            cases.unmask(session, officer, case, "")
        cases.unmask(session, officer, case, "melengkapi formulir")
        row = session.scalars(select(AuditRow).where(AuditRow.action == "pii.unmask")).one()
        assert (row.subject, row.detail) == (f"case:{case.number}", {"reason": "melengkapi formulir"})


# ---- without a focal point


def test_what_was_sent_by_letter_runs_the_clocks_of_a_referral_from_its_day(factory: Sessions) -> None:
    with factory.begin() as session:
        officer = person(session)
        case = accepted(session, officer)
        yesterday = clocks.day_of(now()) - clocks.DAY
        given = {"agency_id": PLN, "way": "letter", "day": yesterday, "to": "Bagian umum, surat 12/2026"}
        referral = cases.note_sent(session, officer, case.id, case.version, **given)
        assert kinds(case) == ["opened", "referred"]
        assert session.scalars(select(Alert)).all() == []
        with pytest.raises(Invalid) as refused:
            cases.ask_progress(session, officer, case.id, case.version, referral_id=referral.id)
        assert refused.value.key == "no_contact"
        cases.note_reply(
            session, officer, case.id, case.version, referral_id=referral.id, kind="acknowledged", text="lewat telepon"
        )
        (clock,) = cases.standing(case, officer, RULES).clocks
        assert (clock.limit.id, clock.referral, clock.started) == ("penjelasan", referral.id, yesterday)
        silent = events.as_log(
            [(1, "referred", now(), 1, {"day": yesterday.isoformat()})], now() - timedelta(days=9), now(), "rco"
        )
        rapid = {one.limit.id: one.started for one in clocks.clocks(silent, RULES, clocks.day_of(now()))}
        assert rapid["tanda-terima-rco"] == yesterday
        contact(session)
        assert len(cases.refer(session, officer, case.id, case.version, agency_id=PLN)) == 1


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"day": clocks.day_of(now()) + clocks.DAY}, "wrong_day"),
        ({"day": clocks.day_of(now()) - timedelta(days=4000)}, "wrong_day"),
        ({"way": "pigeon"}, "no_act"),
        ({"agency_id": "RI-NONE"}, "no_act"),
        ({"to": " "}, "needs_note"),
    ],
)
def test_a_letter_that_cannot_be_is_not_noted(factory: Sessions, given: dict[str, Any], key: str) -> None:
    with factory.begin() as session:
        officer = person(session)
        case = accepted(session, officer)
        sent = {"agency_id": PLN, "way": "phone", "day": clocks.day_of(now()), "to": "Kepala seksi"} | given
        with pytest.raises(Invalid) as refused:
            cases.note_sent(session, officer, case.id, case.version, **sent)
        assert (refused.value.key, kinds(case), case.version) == (key, ["opened"], 1)


def test_a_danger_that_no_clock_presses_stands_first(factory: Sessions) -> None:
    with factory.begin() as session:
        officer = person(session)
        contact(session)
        due = accepted(session, officer, "refer")
        old = accepted(session, officer, "invite", 2, text="air PDAM mati di Bangkinang sejak kemarin sore")
        danger = accepted(session, officer, "watch", 3, text="antrean KTP di Dumai berhari-hari tidak dilayani petugas")
        danger.candidate.urgency = "U1"
        session.flush()
        first = cases.page(session, officer, RULES, limit=1)
        rest = cases.page(session, officer, RULES, after=first.next)
        assert [one.case for one in (*first.items, *rest.items)] == [danger, due, old]
        old.candidate.urgency, danger.candidate.urgency = "U1", "U3"
        session.flush()
        assert [one.case for one in cases.page(session, officer, RULES).items] == [old, due, danger]


def test_a_rapid_response_nobody_was_told_of_is_due_from_the_day_it_became_one(factory: Sessions) -> None:
    with factory.begin() as session:
        officer = person(session)
        case = accepted(session, officer, "watch")
        for event in case.events:
            event.at = now() - timedelta(days=30)
        cases.change_track(session, officer, case.id, case.version, track="rco")
        (clock,) = cases.standing(case, officer, RULES).clocks
        assert (clock.limit.id, clock.limit.confirmed) == ("penyampaian-rco", False)
        assert clock.started == clocks.day_of(now())
        given = {"agency_id": PLN, "way": "phone", "day": clocks.day_of(now()), "to": "Kepala seksi"}
        cases.note_sent(session, officer, case.id, case.version, **given)
        found = {one.limit.id: one.state for one in cases.standing(case, officer, RULES).clocks}
        assert found["penyampaian-rco"] == "met"
        assert "tanda-terima-rco" in found


def test_correcting_an_accepted_candidate_is_told_in_its_case_and_taken_back(factory: Sessions) -> None:
    with factory.begin() as session:
        officer = person(session)
        case = accepted(session, officer)
        one, before = case.candidate, case.agency_id
        fields = {"agency_id": DISHUB, "urgency": "U1"}
        made = decisions.decide(session, officer, one.id, one.version, "correct", fields=fields)
        assert (case.agency_id, one.urgency, kinds(case)) == (DISHUB, "U1", ["opened", "corrected"])
        assert {"agency_id", "urgency"} <= set(case.events[-1].detail["fields"])
        undo.take_back(session, officer, made.id)
        assert (case.agency_id, one.urgency, kinds(case)[-1]) == (before, "U3", "corrected")
        assert case.events[-1].detail["undone"] is True


# ---- the link


def test_a_link_opens_its_referral_and_nothing_else(factory: Sessions) -> None:
    with factory.begin() as session:
        contact(session)
        case = accepted(session, person(session))
        referral = only_referral(session)
        token = LINKS.token(referral)
        assert referrals.by_link(session, LINKS, token) == (referral, case)
        form = LINKS.form(referral, 1)
        elsewhere = Links(b"another key").token(referral)
        for forged in ("", "x", token[:-2], token.replace(".", ""), form, elsewhere, f"{token}x", "é", "\0"):
            with pytest.raises(LinkOver) as over:
                referrals.by_link(session, LINKS, forged)
            assert over.value.key == "forged", forged
        assert LINKS.seen(referral, form) == 1
        other = Referral(id=referral.id + 1, expires_at=referral.expires_at)
        for stranger in (LINKS.form(other, 1), token):
            with pytest.raises(LinkOver):
                LINKS.seen(referral, stranger)


def test_a_link_ends(factory: Sessions) -> None:
    with factory.begin() as session:
        who = contact(session)
        officer = person(session)
        case = accepted(session, officer)
        referral = only_referral(session)
        token = LINKS.token(referral)
        assert LINKS.read(token, referral.expires_at - timedelta(seconds=1)) == referral.id
        with pytest.raises(LinkOver) as over:
            LINKS.read(token, referral.expires_at)
        assert over.value.key == "expired"
        who.active = False
        with pytest.raises(LinkOver):
            referrals.by_link(session, LINKS, token)
        who.active = True
        cases.revoke(session, officer, case.id, case.version, referral_id=referral.id)
        with pytest.raises(LinkOver) as over:
            referrals.by_link(session, LINKS, token)
        assert over.value.key == "revoked"


def test_asking_for_progress_sends_a_link_that_lasts_anew(factory: Sessions) -> None:
    with factory.begin() as session:
        contact(session)
        officer = person(session)
        case = accepted(session, officer)
        referral = only_referral(session)
        referral.expires_at = now() - timedelta(days=1)
        old = LINKS.token(referral)
        assert "progress" not in referrals.possible(case, referrals.said(session, referral))
        cases.ask_progress(session, officer, case.id, case.version, referral_id=referral.id)
        with pytest.raises(LinkOver):
            referrals.by_link(session, LINKS, old)
        assert referrals.by_link(session, LINKS, LINKS.token(referral))
        assert "progress" in referrals.possible(case, referrals.said(session, referral))
        referrals.reply(session, referral, "progress", ANSWER, seen=seen(session, referral))
        assert "progress" not in referrals.possible(case, referrals.said(session, referral))
        assert len(session.scalars(select(Alert)).all()) == 2


def test_the_link_is_made_as_the_message_leaves_and_stands_nowhere(factory: Sessions) -> None:
    sent: list[str] = []

    def post(address: str, subject: str, body: str) -> bool:
        sent.append(body)
        return True

    with factory.begin() as session:
        contact(session)
        accepted(session, person(session))
        referral = only_referral(session)
    assert alerts.send_waiting(factory, post=post, links=LINKS) == 1
    token = re.findall(r"https://kentongan\.example/rujukan/(\S+)$", sent[0])[0]
    with factory.begin() as session:
        assert referrals.by_link(session, LINKS, token)[0].id == referral.id
        stored = session.scalars(select(Alert)).one()
        assert "rujukan/" not in stored.body
        assert token not in repr(session.scalars(select(AuditRow.detail)).all())


def test_without_an_address_of_ours_the_answer_goes_to_the_officer(factory: Sessions) -> None:
    sent: list[str] = []
    with factory.begin() as session:
        contact(session)
        accepted(session, person(session))
    alerts.send_waiting(factory, post=lambda address, subject, body: bool(sent.append(body) or True), links=Links(b"k"))
    assert sent[0].endswith("Jawaban disampaikan kepada petugas Ombudsman yang menangani nomor ini.")


# ---- answers


def test_a_focal_point_acknowledges_then_answers(factory: Sessions) -> None:
    with factory.begin() as session:
        contact(session)
        officer = person(session)
        case = accepted(session, officer, "rco")
        referral = only_referral(session)
        assert referrals.possible(case, referrals.said(session, referral)) == ("acknowledged", "answered", "not_ours")
        referrals.reply(session, referral, "acknowledged", "", seen=seen(session, referral))
        assert referrals.possible(case, referrals.said(session, referral)) == ("answered", "not_ours")
        referrals.reply(session, referral, "answered", ANSWER, seen=seen(session, referral))
        assert [(clock.limit.id, clock.state) for clock in cases.standing(case, officer, RULES).clocks] == [
            ("penyampaian-rco", "met"),
            ("tanda-terima-rco", "met"),
            ("penjelasan", "met"),
        ]
        answer = case.events[-1]
        assert (answer.person_id, answer.text, answer.referral_id) == (None, ANSWER, referral.id)


def test_sent_twice_it_is_kept_once_and_what_is_late_is_told(factory: Sessions) -> None:
    with factory.begin() as session:
        contact(session)
        case = accepted(session, person(session))
        referral = only_referral(session)
        before = seen(session, referral)
        first = referrals.reply(session, referral, "answered", ANSWER, seen=before)
        assert referrals.reply(session, referral, "answered", ANSWER, seen=before).id == first.id
        with pytest.raises(Conflict) as refused:
            referrals.reply(session, referral, "answered", "Ini jawaban yang lain sama sekali.", seen=before)
        assert refused.value.key == "referral_changed"
        assert kinds(case).count("answered") == 1


def test_twenty_clicks_at_once_are_one_answer(factory: Sessions) -> None:
    with factory.begin() as session:
        contact(session)
        accepted(session, person(session))
        referral_id, before = only_referral(session).id, seen(session, only_referral(session))

    def answer(_: int) -> int:
        with factory.begin() as session:
            return referrals.reply(session, session.get_one(Referral, referral_id), "answered", ANSWER, seen=before).id

    with ThreadPoolExecutor(5) as pool:
        assert len(set(pool.map(answer, range(20)))) == 1
    with factory.begin() as session:
        assert session.scalar(select(func.count()).where(CaseEvent.kind == "answered")) == 1


@pytest.mark.parametrize(
    ("kind", "text", "key"),
    [
        ("answered", "ya", "needs_words"),
        ("not_ours", "", "needs_whose"),
        ("progress", ANSWER, "no_reply_now"),
        ("closed", ANSWER, "no_reply_now"),
    ],
)
def test_what_is_no_answer(factory: Sessions, kind: str, text: str, key: str) -> None:
    with factory.begin() as session:
        contact(session)
        case = accepted(session, person(session))
        version = case.version
        with pytest.raises(Invalid) as refused:
            referrals.reply(session, only_referral(session), kind, text, seen=seen(session, only_referral(session)))
        session.refresh(case)
        assert (refused.value.key, case.version) == (key, version)


def test_answers_are_bounded_in_length_and_number(factory: Sessions) -> None:
    with factory.begin() as session:
        contact(session)
        accepted(session, person(session))
        referral = only_referral(session)
        for number in range(referrals.MOST):
            event = referrals.reply(
                session, referral, "answered", f"{number} {'x' * 9000}\0", seen=seen(session, referral)
            )
            assert len(event.text) == events.LONGEST
        with pytest.raises(Invalid) as refused:
            referrals.reply(session, referral, "answered", ANSWER, seen=seen(session, referral))
        assert refused.value.key == "too_many_replies"


def test_whose_it_is_instead_is_asked_next(factory: Sessions) -> None:
    with factory.begin() as session:
        contact(session)
        contact(session, DISHUB)
        officer = person(session)
        case = accepted(session, officer)
        referral = only_referral(session)
        referrals.reply(
            session, referral, "not_ours", "", seen=seen(session, referral), whose=session.get_one(Agency, DISHUB)
        )
        assert referrals.possible(case, referrals.said(session, referral)) == ()
        cases.refer(session, officer, case.id, case.version, agency_id=DISHUB)
        assert case.agency_id == DISHUB
        assert [one.agency_id for one in case.referrals] == [PLN, DISHUB]


# ---- who sees what


def test_a_focal_point_sees_what_was_referred_to_them_and_answers_there(factory: Sessions) -> None:
    with factory.begin() as session:
        contact(session)
        officer = person(session)
        case = accepted(session, officer)
        untold = accepted(session, officer, "iaps", 2, text="air PDAM mati di Bangkinang sejak kemarin sore")
        mine, other = person(session, "hub", "focal", PLN), person(session, "lain", "focal", DISHUB)
        nobody = person(session, "siapa", "focal")
        assert [one.case for one in cases.page(session, mine, RULES).items] == [case]
        assert cases.get(session, mine, untold.number) is None
        for stranger in (other, nobody):
            assert cases.page(session, stranger, RULES).items == []
            assert cases.get(session, stranger, case.number) is None
            with pytest.raises(NotAllowed):
                referrals.reply(session, only_referral(session), "answered", ANSWER, seen=0, person=stranger)
        referral = only_referral(session)
        event = referrals.reply(session, referral, "answered", ANSWER, seen=seen(session, referral), person=mine)
        assert event.person_id == mine.id
        cases.revoke(session, officer, case.id, case.version, referral_id=referral.id)
        assert cases.get(session, mine, case.number) is None


def test_what_is_overdue_comes_first(factory: Sessions) -> None:
    with factory.begin() as session:
        contact(session)
        officer = person(session)
        told_of = (
            "listrik padam di Duri tiga hari",
            "air PDAM mati di Bangkinang sejak sore",
            "antrean KTP di Dumai tidak dilayani",
        )
        fresh, late, quiet = (
            accepted(session, officer, track, number, text=text)
            for number, (track, text) in enumerate(zip(("refer", "refer", "watch"), told_of, strict=True), 1)
        )
        for event in late.events:
            event.at = now() - timedelta(days=30)
        session.flush()
        page = cases.page(session, officer, RULES)
        assert [one.case for one in page.items] == [late, fresh, quiet]
        assert page.items[0].pressing is not None
        assert page.items[0].pressing.state == "overdue"
        assert page.items[2].pressing is None
        found, after = [], None
        while True:
            page = cases.page(session, officer, RULES, after=after, limit=1)
            found += [one.case for one in page.items]
            if (after := page.next) is None:
                break
        assert found == [late, fresh, quiet]

        def shown(**narrowed: Any) -> list[Case]:
            return [one.case for one in cases.page(session, officer, RULES, cases.Filters(**narrowed)).items]

        assert shown(state="overdue") == [late]
        cases.pause(session, officer, fresh.id, fresh.version, reason="menunggu surat")
        assert shown(state="paused") == [fresh]
        assert shown(track="watch") == [quiet]
        assert shown(agency_id=DISHUB) == []
        cases.close(session, officer, late.id, late.version, outcome="handled")
        assert (shown(state="closed"), shown(state=None)) == ([late], [quiet, late, fresh])
        for wrong in ("x", "~", "2026-01-01~7", f"~{'9' * 30}"):
            with pytest.raises(ValueError, match=r"cursor|literal"):
                cases.page(session, officer, RULES, after=wrong)


def test_what_leaves_the_office_names_nobody(factory: Sessions) -> None:
    with factory.begin() as session:
        officer = person(session)
        words = "Warga mengeluh listrik padam di Duri. Hubungi 0812-7654-3210 atau budi@surat.example, NIK 1403094505850003. "
        article = document(
            1, words * 9, kind="article", title="Listrik padam, kata 0812-7654-3210", author="Wartawan Koran"
        )
        candidate = told(session, article)
        assert candidate is not None
        case = cases.open_case(session, candidate, "iaps", officer)
        about = brief.of(session, case)
        assert about.extract.startswith("Warga mengeluh listrik padam di Duri. Hubungi [telepon]")
        assert len(about.extract) <= brief.EXTRACT + 2
        for secret in ("7654", "budi@", "1403094505850003", "Wartawan"):
            assert secret not in repr(about), secret
        post = accepted(
            session, officer, "iaps", 2, text="@warga_duri air keruh sekali di kampung kami sejak pagi tadi"
        )
        about = brief.of(session, post)
        assert (about.extract, about.articles, about.subject) == ("", [], f"keluhan {about.service.lower()}")


def test_a_case_of_before_there_were_events_has_its_clocks(factory: Sessions) -> None:
    with factory.begin() as session:
        officer = person(session)
        candidate = told(session, document(1))
        assert candidate is not None
        candidate.state = "accepted"
        session.add(Case(number="2025-0001", candidate_id=candidate.id, track="laporan"))
        session.flush()
        (one,) = cases.page(session, officer, RULES).items
        assert [clock.limit.id for clock in one.clocks] == ["verifikasi-formil", "usia-peristiwa"]
        assert clocks.day_of(one.case.opened_at) == one.clocks[0].started
