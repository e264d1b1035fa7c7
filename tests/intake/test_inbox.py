"""Documents to mentions to candidates; everything twice without effect."""

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import func, select

from crawler import Document
from intake import drops, inbox, jobs
from intake.database import Sessions, alone
from intake.models import Candidate, Mention, now
from nlp import Analysis, Text
from tests.intake.made import NOW, OUTAGE, analysis, document, told


def test_storing_twice_adds_nothing(factory: Sessions) -> None:
    documents = [document(n) for n in range(450)]
    with factory.begin() as session:
        assert inbox.store(session, documents, b"key") == 450
        assert inbox.store(session, [*documents, document(450)], b"key") == 1
        assert session.scalar(select(func.count()).select_from(Mention)) == 451


def test_what_a_database_refuses_is_taken_out(factory: Sessions) -> None:
    with factory.begin() as session:
        inbox.store(session, [document(1, "a\0b\ud800c", title="t\0")], b"key")
        mention = session.scalars(select(Mention)).one()
    assert (mention.text, mention.title) == ("ab?c", "t")


def test_a_document_the_database_refuses_costs_only_itself(factory: Sessions) -> None:
    with factory.begin() as session:
        documents = [document(1), document(2, reactions=10**20), document(3)]
        assert inbox.store(session, documents, b"key") == 2
        assert session.scalar(select(func.count()).select_from(Mention)) == 2


def test_handles_become_pseudonyms_bylines_stay(factory: Sessions) -> None:
    with factory.begin() as session:
        inbox.store(
            session,
            [
                document(1, author="@Budi"),
                document(2, author="budi"),
                document(3, author="Siti", kind="article", title="x"),
            ],
            b"key",
        )
        authors = session.scalars(select(Mention.author).order_by(Mention.id)).all()
    assert authors[0] == authors[1]
    assert str(authors[0]).startswith("p-")
    assert authors[2] == "Siti"


def test_recording_twice_changes_nothing(factory: Sessions) -> None:
    with factory.begin() as session:
        candidate = told(session, document(1))
        assert candidate is not None
        mention = session.scalars(select(Mention)).one()
        assert inbox.record(session, mention, analysis(mention, failure="no"), 0.5) is candidate
        assert (mention.failure, candidate.mention_count) == ("yes", 1)


@pytest.mark.parametrize(
    "more",
    [
        {"p": {"yes": 0.4, "vague": 0.3, "no": 0.3}},
        {"place": "other"},
        {"p": {"yes": 0.0, "vague": 0.0, "no": 1.0}, "failure": "no"},
    ],
)
def test_what_is_no_failure_here_makes_no_candidate(factory: Sessions, more: dict[str, object]) -> None:
    with factory.begin() as session:
        assert told(session, document(1), **more) is None
        assert session.scalars(select(Mention)).one().analysed_at is not None


def test_what_another_process_records_meanwhile_is_not_recorded_twice(factory: Sessions) -> None:
    with factory.begin() as session:
        inbox.store(session, [document(1)], b"key")
        mention = inbox.pending(session)[0]
    analysed = Event()

    def analyse(texts: Iterable[Text]) -> list[Analysis]:
        analysed.set()
        return [analysis(mention) for _ in texts]

    late = Thread(target=jobs.analyse_pending, args=(factory, analyse, 0.5))
    with factory.begin() as other:
        alone(other.connection(), inbox.RECORDING)
        inbox.record(other, other.get_one(Mention, mention.id), analysis(mention), 0.5)
        other.flush()
        late.start()
        assert analysed.wait(10)
        late.join(0.3)
        assert late.is_alive()
    late.join(20)
    with factory() as session:
        assert session.scalar(select(func.count()).select_from(Candidate)) == 1


def test_a_danger_to_life_is_laid_before_a_person_though_a_failure_is_doubtful(factory: Sessions) -> None:
    doubtful = {"p": {"yes": 0.35, "vague": 0.1, "no": 0.55}, "failure": "no"}
    with factory.begin() as session:
        assert told(session, document(1), **doubtful, urgency="U1") is not None
        assert told(session, document(2), **doubtful, urgency="U1", place="other") is None


def test_voices_of_one_event_join_and_copies_are_one_voice(factory: Sessions) -> None:
    with factory.begin() as session:
        one = told(session, document(1, OUTAGE, kind="article", title="Listrik Padam di Duri", source="A"))
        two = told(session, document(2, "pln duri padam lagi dari subuh, es kami cair semua", source="B"))
        three = told(session, document(3, OUTAGE + ".", kind="article", title="Listrik Padam di Duri", source="C"))
        assert one is two is three
        assert one is not None
        assert (one.mention_count, one.voice_count, one.source_count) == (3, 2, 3)
        assert one.headline == "Listrik Padam di Duri"
        assert (one.agency_id, one.agency_reason) == ("VT-PLN-UP3DMI", "disebut: PLN Duri")
        reasons = [
            json.loads(m.join_reason) if m.join_reason else None
            for m in session.scalars(select(Mention).order_by(Mention.id))
        ]
    assert reasons[0] is None
    assert "words" in reasons[1]
    assert reasons[2] == ["near_copy"]


@pytest.mark.parametrize(
    "more",
    [
        {"regions": ("14.71",)},
        {"sectors": ()},
        {"published_at": NOW - timedelta(days=9)},
        {
            "text": "kabel pln menjuntai menimpa atap sekolah, anak anak takut lewat",
            "published_at": NOW - timedelta(hours=60),
        },
    ],
)
def test_other_events_stay_apart(factory: Sessions, more: dict[str, object]) -> None:
    of_document = {name: value for name, value in more.items() if name in ("published_at", "text")}
    more = {name: value for name, value in more.items() if name not in of_document}
    with factory.begin() as session:
        one = told(session, document(1))
        other = told(
            session, document(2, **({"text": "lampu mati lagi malam ni, pln tak ada kabar"} | of_document)), **more
        )
        assert one is not other


def test_an_unknown_agency_does_no_harm(factory: Sessions) -> None:
    from nlp import Guess

    with factory.begin() as session:
        candidate = told(session, document(1), agencies=(Guess("RI-9999-NONE", 0.9),))
    assert candidate is not None
    assert candidate.agency_id is None


def test_a_later_voice_joins_a_decided_candidate_without_reopening_it(factory: Sessions) -> None:
    with factory.begin() as session:
        candidate = told(session, document(1))
        assert candidate is not None
        candidate.state = "not_relevant"
        told(session, document(2, OUTAGE + " lagi"))
        assert (candidate.state, candidate.mention_count) == ("not_relevant", 2)
        assert session.scalar(select(func.count()).select_from(Candidate)) == 1


def test_a_failing_analysis_is_put_aside_after_three(factory: Sessions) -> None:
    with factory.begin() as session:
        inbox.store(session, [document(1)], b"key")
        for _ in range(3):
            (mention,) = inbox.pending(session)
            inbox.set_aside(session, mention, "ValueError: x")
        assert inbox.pending(session) == []
        assert session.scalars(select(Mention)).one().error == "ValueError: x"


def test_import_reads_json_lines_and_csv(tmp_path: Path) -> None:
    lines = tmp_path / "a.jsonl"
    lines.write_text(
        json.dumps({"id": 1, "text": "air mati", "url": "https://x.example/1", "published_at": "2026-11-20T07:00:00"})
        + "\n\n[1]\n"
        + json.dumps({"id": "2", "text": " "})
        + "\n"
        + json.dumps({"id": "3", "text": "a", "published_at": "kemarin"})
        + "\n"
        + document(9).to_json()
        + "\n"
    )
    ((documents, refusals),) = drops.read_import(lines)
    assert [(d.text, d.url) for d in documents] == [
        ("air mati", "https://x.example/1"),
        ("a", ""),
        (OUTAGE, "https://koran.example/9"),
    ]
    assert documents[2] == document(9)
    assert str(documents[0].published_at) == "2026-11-20 00:00:00+00:00"
    assert [(refusal.line, refusal.kept) for refusal in refusals] == [(3, False), (4, False), (5, True)]
    table = tmp_path / "b.csv"
    table.write_text('id,text,source,url\n7,"baris\nkedua",Warga,javascript:alert(1)\n,,,\n', encoding="utf-8")
    ((documents, refusals),) = drops.read_import(table)
    assert [(d.text, d.source, d.url) for d in documents] == [("baris\nkedua", "Warga", "")]
    assert len(refusals) == 1


def imported(tmp_path: Path, *rows: dict[str, object]) -> tuple[list[Document], list[drops.Refusal]]:
    lines = tmp_path / "c.jsonl"
    lines.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    ((documents, refusals),) = drops.read_import(lines)
    return documents, refusals


@pytest.mark.parametrize(
    ("date", "code"),
    [
        ("kemarin dulu", "date-unreadable"),
        ("2099-01-01", "date-impossible"),
        ("1969-01-01T00:00:00Z", "date-impossible"),
        (5, "date-unreadable"),
        pytest.param((now() + timedelta(hours=9)).isoformat(), "date-ahead", id="in-nine-hours"),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_a_bad_date_is_told_and_costs_only_the_date(tmp_path: Path, date: object, code: str, whole: bool) -> None:
    row = json.loads(document(1, fetched_at=now()).to_json()) if whole else {"id": 1, "text": "air mati"}
    ((found,), (refusal,)) = imported(tmp_path, row | {"published_at": date})
    assert (found.notes, refusal.line, refusal.kept) == ((code,), 1, True)
    assert (found.published_at is None) == (code != "date-ahead")
    assert str(date) in refusal.message or "ahead" in refusal.message


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"title": "t", "kind": "post"}, "post"),
        ({"title": "t", "kind": "ulasan"}, "post"),
        ({"title": "t", "author": "@budi"}, "post"),
        ({"title": "t", "url": "https://sosial.example/@budi/1"}, "post"),
        ({"title": "t", "url": "https://x.com/budi/status/1"}, "post"),
        ({"title": "t"}, "article"),
        ({"kind": "berita"}, "article"),
        ({}, "post"),
    ],
)
def test_a_post_stays_a_post_and_its_author_a_pseudonym(
    tmp_path: Path, factory: Sessions, row: dict[str, object], kind: str
) -> None:
    (found,), refusals = imported(tmp_path, {"id": 1, "text": "air mati", "author": "budi"} | row)
    with factory.begin() as session:
        inbox.store(session, [found], b"key")
        mention = session.scalars(select(Mention)).one()
    assert (mention.kind, refusals) == (kind, [])
    assert str(mention.author).startswith("p-") == (kind == "post")


def test_a_handle_is_a_pseudonym_whatever_brought_it(factory: Sessions) -> None:
    with factory.begin() as session:
        inbox.store(session, [document(1, kind="article", title="t", author="@budi@sosial.example")], b"key")
        assert str(session.scalars(select(Mention.author)).one()).startswith("p-")
