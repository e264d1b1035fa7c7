"""What may be one event is suggested once, answered by a person, and found by a bounded number of rows."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

import scheduler
from intake.database import Sessions
from intake.models import AuditRow, Candidate, Mention, MentionBand, Person, Remit, Suggestion
from intake.people import accounts
from intake.review import backtest, decisions, errors, leases, neighbours, suggestions, undo
from nlp import Guess
from nlp.fingerprint import bands, signature
from tests.intake.made import NOW, document, told

QUEUE = "antre sejak subuh di rsud arifin achmad, pendaftaran daring tumbang dan pasien duduk di lantai"
WARD = "pasien stroke tujuh jam di igd rsud arifin achmad tanpa tindakan, keluarga kecewa"
HEALTH: dict[str, Any] = {
    "sectors": (Guess("KES", 0.9),),
    "kinds": (Guess("RSUD", 0.9),),
    "agencies": (),
    "regions": ("14.71",),
}


def two(session: Session) -> tuple[Person, Candidate, Candidate]:
    person, _ = accounts.add_person(session, "petugas", "officer")
    one = told(session, document(1, QUEUE), **HEALTH)
    other = told(session, document(2, WARD), **HEALTH)
    assert one is not None
    assert other is not None
    assert one is not other
    return person, one, other


def test_two_troubles_of_one_hospital_are_suggested_with_reasons(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, other = two(session)
        (suggested,) = suggestions.list_for(session, person, one)
        assert suggested.other is other
        assert {"sector", "region", "words"} <= set(suggested.reasons)
        assert [found.other for found in suggestions.list_for(session, person, other)] == [one]


def test_what_a_person_called_apart_is_never_asked_again(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, other = two(session)
        (suggested,) = suggestions.list_for(session, person, one)
        suggestions.dismiss(session, person, suggested.id)
        third = told(session, document(3, WARD + ", sudah lapor"), **HEALTH)
        assert third is other
        assert suggestions.list_for(session, person, one) == suggestions.list_for(session, person, other) == ()
        assert (
            session.scalars(select(AuditRow).where(AuditRow.action == "suggestion.apart")).one().person_id == person.id
        )
        with pytest.raises(errors.Conflict, match="suggestion_answered"):
            suggestions.dismiss(session, person, suggested.id)


def test_that_they_are_apart_can_be_taken_back_whatever_was_decided_since(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, other = two(session)
        (suggested,) = suggestions.list_for(session, person, one)
        with pytest.raises(errors.Conflict, match="not_apart"):
            suggestions.ask_again(session, person, suggested.id)
        suggestions.dismiss(session, person, suggested.id)
        (answered,) = suggestions.apart_from(session, person, one)
        assert (answered.id, answered.other, answered.by) == (suggested.id, other, "petugas")
        assert [found.other for found in suggestions.apart_from(session, person, other)] == [one]
        decisions.decide(session, person, other.id, other.version, "accept", track="watch")
        colleague = accounts.add_person(session, "lain", "officer")[0]
        row = suggestions.ask_again(session, colleague, suggested.id)
        assert (row.state, row.person_id, suggestions.apart_from(session, person, one)) == ("open", None, ())
        assert [found.other for found in suggestions.list_for(session, person, one)] == [other]
        said = select(AuditRow).where(AuditRow.action.startswith("suggestion.")).order_by(AuditRow.id)
        assert [(row.action, row.person_id) for row in session.scalars(said)] == [
            ("suggestion.apart", person.id),
            ("suggestion.open", colleague.id),
        ]


def test_whoever_sees_but_one_side_learns_nothing_of_the_other(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, other = two(session)
        (suggested,) = suggestions.list_for(session, person, one)
        suggestions.dismiss(session, person, suggested.id)
        other.region = "14.08"
        bounded, _ = accounts.add_person(session, "lain", "officer")
        bounded.remits.append(Remit(region="14.71", bounds=True))
        session.flush()
        assert suggestions.apart_from(session, bounded, one) == ()
        with pytest.raises(errors.Invalid, match="no_suggestion"):
            suggestions.ask_again(session, bounded, suggested.id)


def test_joining_merges_and_can_be_undone(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, other = two(session)
        (suggested,) = suggestions.list_for(session, person, other)
        decision = suggestions.join(session, person, suggested.id, other.id, other.version)
        assert (decision.action, other.state, other.duplicate_of, one.mention_count) == (
            "duplicate",
            "duplicate",
            one.id,
            2,
        )
        assert suggestions.list_for(session, person, one) == ()
        undo.take_back(session, person, decision.id)
        assert (other.state, one.mention_count) == ("candidate", 1)
        assert [found.id for found in suggestions.list_for(session, person, one)] == [suggested.id], "it is asked again"


def test_the_case_leads_then_more_voices_then_the_older(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, other = two(session)
        assert suggestions.is_lead(one, other) and not suggestions.is_lead(other, one), "the older"
        other.voice_count = 2
        assert suggestions.is_lead(other, one)
        (suggested,) = suggestions.list_for(session, person, other)
        assert not suggested.leads
        decisions.decide(session, person, one.id, one.version, "accept", track="watch")
        assert suggestions.is_lead(one, other)


def test_what_leads_stays_in_hand_and_the_other_joins_it(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, other = two(session)
        (suggested,) = suggestions.list_for(session, person, one)
        lease = leases.claim(session, person, one.id)
        with pytest.raises(errors.Conflict, match="not_as_seen"):
            suggestions.join(session, person, suggested.id, one.id, one.version - 1, lease.token)
        decision = suggestions.join(session, person, suggested.id, one.id, one.version, lease.token)
        assert (decision.candidate_id, decision.duplicate_of) == (other.id, one.id)
        assert (other.state, one.state, one.mention_count) == ("duplicate", "candidate", 2)
        assert leases.holder(session, one.id) is not None
        undo.take_back(session, person, decision.id)
        assert (other.state, one.mention_count) == ("candidate", 1)


def test_what_a_colleague_has_open_is_not_joined(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, other = two(session)
        (suggested,) = suggestions.list_for(session, person, one)
        leases.claim(session, accounts.add_person(session, "lain", "officer")[0], other.id)
        with pytest.raises(errors.Conflict, match="held"):
            suggestions.join(session, person, suggested.id, one.id, one.version)
        assert other.state == "candidate"


def test_what_was_split_is_not_suggested(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one, other = two(session)
        (suggested,) = suggestions.list_for(session, person, other)
        suggestions.join(session, person, suggested.id, other.id, other.version)
        moved = session.scalars(
            select(Mention).where(Mention.candidate_id == one.id).order_by(Mention.id.desc())
        ).first()
        assert moved is not None
        decisions.decide(session, person, one.id, one.version, "split", mentions=[moved.id])
        told(session, document(3, QUEUE + ", sudah lapor"), **HEALTH)
        assert suggestions.list_for(session, person, one) == ()


def test_only_who_decides_answers_and_only_about_what_they_see(factory: Sessions) -> None:
    with factory.begin() as session:
        _, one, _ = two(session)
        analyst, _ = accounts.add_person(session, "analis", "analyst")
        row = session.scalars(select(Suggestion)).one()
        with pytest.raises(errors.NotAllowed):
            suggestions.dismiss(session, analyst, row.id)
        officer = accounts.add_person(session, "lain", "officer")[0]
        with pytest.raises(errors.Invalid, match="no_suggestion"):
            suggestions.dismiss(session, officer, row.id + 1)
        with pytest.raises(errors.Invalid, match="no_candidate"):
            suggestions.join(session, officer, row.id, one.id + 99, 1)
        assert row.state == "open"


def test_no_candidate_has_more_than_five_and_the_likeliest_stay(factory: Sessions) -> None:
    with factory.begin() as session:
        made = [Candidate(headline=str(n), p_failure=0.9, first_told_at=NOW, last_told_at=NOW) for n in range(8)]
        session.add_all(made)
        session.flush()
        for n, other in enumerate(made[1:]):
            verdict = neighbours.Verdict(score=n / 10 - 0.9)
            neighbours.suggest(session, made[0], {other.id: verdict})
        kept = session.scalars(select(Suggestion.score).order_by(Suggestion.score)).all()
    assert [round(score, 1) for score in kept] == [-0.7, -0.6, -0.5, -0.4, -0.3]


def test_an_edited_mention_stays_where_it_is_and_is_found_by_its_new_text(factory: Sessions) -> None:
    with factory.begin() as session:
        two(session)
        mention = session.scalars(select(Mention).order_by(Mention.id)).first()
        assert mention is not None
        before = set(session.scalars(select(MentionBand.band).where(MentionBand.mention_id == mention.id)))
        mention.words, mention.signature = ["kerikil"], signature("lain sama sekali dari yang dahulu")
        neighbours.sign(session, mention)
        after = set(session.scalars(select(MentionBand.band).where(MentionBand.mention_id == mention.id)))
    assert after >= set(bands(signature("lain sama sekali dari yang dahulu")))
    assert not before & set(bands(signature("lain sama sekali dari yang dahulu")))


def test_the_rows_that_are_read_are_bounded_and_found_by_the_key(factory: Sessions) -> None:
    """However many share a number: of each only the newest are read, in the order of the primary key."""
    with factory.begin() as session:
        two(session)
        mention = session.scalars(select(Mention).order_by(Mention.id)).first()
        assert mention is not None
        number = neighbours.marks(neighbours.trace(mention))[0]
        bulk = [{"key": str(n)} for n in range(3000)]
        session.execute(
            text(
                "INSERT INTO mention (key, source, url, title, text, kind, notes, fetched_at, told_at, attempts, words, site, stamps)"
                " SELECT :key, source, url, title, text, kind, notes, fetched_at, told_at, 0, words, site, stamps"
                " FROM mention ORDER BY id LIMIT 1"
            ),
            bulk,
        )
        session.execute(
            text("INSERT INTO mention_band (band, mention_id) SELECT :band, id FROM mention WHERE id > 2"),
            {"band": number},
        )
        statement = neighbours.rows_of(bands(mention.signature or b""), neighbours.marks(neighbours.trace(mention)))
        assert len(session.scalars(statement).all()) <= neighbours.COMPARED
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("ANALYZE mention_band"))
        plan = _plan(session, statement)
    assert "SCAN mention_band" not in plan
    assert "Seq Scan on mention_band" not in plan


def _plan(session: Session, statement: Any) -> str:
    bind = session.get_bind()
    compiled = statement.compile(bind, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN " if bind.dialect.name == "sqlite" else "EXPLAIN "
    return "\n".join(str(row) for row in session.execute(text(f"{explain}{compiled}")))


def test_backtest_over_what_people_decided(factory: Sessions) -> None:
    with factory.begin() as session:
        person, _, other = two(session)
        assert backtest.stored(session) == []
        (suggested,) = suggestions.list_for(session, person, other)
        suggestions.join(session, person, suggested.id, other.id, other.version)
        report = backtest.backtest(backtest.stored(session))
        assert (report.mentions, report.events) == (2, 1)
        assert report.joined.pair_recall == 0.0
        assert report.with_suggestions.pair_recall == 1.0
        assert "one event, but apart" in backtest.in_words(report)


def test_the_backtest_command(tmp_path: Path) -> None:
    lines = (backtest.EVENTS / "measured.jsonl").read_text("utf-8").splitlines()[:12]
    events = tmp_path / "events.jsonl"
    events.write_text("\n".join(lines), encoding="utf-8")
    run = CliRunner().invoke(scheduler.app, ["backtest", "--events", str(events)])
    assert run.exit_code == 0
    assert f"12 mentions of {len({json.loads(line)['event'] for line in lines})} events" in run.output
    events.write_text("[1]", encoding="utf-8")
    refused = CliRunner().invoke(scheduler.app, ["backtest", "--events", str(events)])
    assert refused.exit_code == 2
    assert "line 1" in refused.output
    empty = CliRunner().invoke(scheduler.app, ["--database", f"sqlite:///{tmp_path / 'k.db'}", "backtest"])
    assert empty.exit_code == 2
    assert "nobody has decided" in empty.output
