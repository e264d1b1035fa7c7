"""Hints that something is handled already: what they rest on, and what they leave alone."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

import scheduler
from intake.database import Sessions
from intake.models import AuditRow, Candidate, HandledRecord, Mention
from intake.review import handled, records
from nlp.fingerprint import key_words
from tests.intake.made import NOW, OUTAGE

PLN = "VT-PLN-UP3DMI"
BENGKALIS = "14.03"


@pytest.fixture
def session(factory: Sessions) -> Iterator[Session]:
    with factory.begin() as session:
        yield session


@pytest.fixture
def candidate(session: Session) -> Candidate:
    one = Candidate(headline="Listrik padam di Duri", sector="LIS", region=BENGKALIS, agency_id=PLN, urgency="U2",
                    p_failure=0.9, first_told_at=NOW, last_told_at=NOW + timedelta(days=1))  # fmt: skip
    session.add(one)
    session.flush()
    mention(session, one, OUTAGE, hours=0)
    return one


def mention(session: Session, candidate: Candidate, text: str, hours: int = 5, **more: Any) -> Mention:
    at = NOW + timedelta(hours=hours)
    count = len(session.scalars(select(Mention.id)).all())
    given: dict[str, Any] = {"source": "Koran", "title": "", "kind": "article", "url": f"https://koran.example/{count}"}
    given |= {"analysis": {"pii": []}, "words": list(key_words(text)), "site": "koran.example"}
    row = Mention(key=str(count), text=text, told_at=at, fetched_at=at, candidate_id=candidate.id, **(given | more))
    session.add(row)
    session.flush()
    row.voice = row.voice or row.id
    return row


def record(session: Session, number: str = "1234567", **more: Any) -> HandledRecord:
    given: dict[str, Any] = {"system": "lapor", "agency_id": PLN, "region": BENGKALIS, "sector": "LIS", "at": NOW}
    row = HandledRecord(number=number, **(given | {"subject": "", "state": "Selesai"} | more))
    session.add(row)
    session.flush()
    return row


def kinds(session: Session, candidate: Candidate) -> list[str]:
    return [hint.kind for hint in handled.hints(session, candidate)]


# ---- later news ------------------------------------------------------------------------------------------------------


def test_a_later_mention_says_that_it_is_over(session: Session, candidate: Candidate) -> None:
    text = "Warga lega. Listrik di Duri sudah menyala sejak siang. Terima kasih."
    later = mention(session, candidate, text)
    (hint,) = handled.hints(session, candidate)
    assert (hint.kind, hint.mention_id, hint.at, hint.url) == ("over", later.id, later.told_at, later.url)
    assert hint.span is not None
    assert text[slice(*hint.span)] == "sudah menyala"
    assert hint.quote == "Listrik di Duri sudah menyala sejak siang."
    assert hint.words("id") == "Menurut Koran (24 Nov 2026) masalahnya sudah selesai."
    assert hint.words("en") == "According to Koran (24 Nov 2026) the trouble is over."
    assert candidate.state == "candidate"


def test_the_first_mention_and_promises_tell_nothing(session: Session, candidate: Candidate) -> None:
    for text in (
        "PLN berjanji malam ini listrik sudah menyala.",
        "Listrik belum diperbaiki.",
        "Perbaikan jaringan direncanakan rampung besok.",
    ):
        mention(session, candidate, text)
    mention(session, candidate, "Listrik sudah menyala.", hours=0)
    assert kinds(session, candidate) == []


def test_trouble_that_is_back_takes_back_what_was_said_before(session: Session, candidate: Candidate) -> None:
    mention(session, candidate, "Listrik sudah menyala.", hours=3)
    assert kinds(session, candidate) == ["over"]
    mention(session, candidate, "Listrik di Duri padam lagi.", hours=6)
    assert kinds(session, candidate) == []
    mention(session, candidate, "Pemulihan jaringan selesai.", hours=9)
    assert kinds(session, candidate) == ["over"]


def test_copies_are_one_hint_and_a_title_will_do(session: Session, candidate: Candidate) -> None:
    first = mention(session, candidate, "Begini ceritanya.", title="Listrik Duri Kembali Normal")
    mention(session, candidate, "Begini ceritanya.", 6, title="Listrik Duri Kembali Normal", voice=first.id)
    (hint,) = handled.hints(session, candidate)
    assert (hint.mention_id, hint.span, hint.quote) == (first.id, None, "Listrik Duri Kembali Normal")


def test_what_is_quoted_is_masked_and_a_posts_address_stays_inside(session: Session, candidate: Candidate) -> None:
    text = "Info 0812 3456 7890, listrik sudah menyala."
    start = text.index("0812")
    pii = [{"start": start, "end": start + 14, "type": "phone"}]
    mention(session, candidate, text, kind="post", url="https://jaringan.example/@warga/1", analysis={"pii": pii})
    (hint,) = handled.hints(session, candidate)
    assert hint.quote == "Info [telepon], listrik sudah menyala."
    assert hint.url == ""


# ---- statements ------------------------------------------------------------------------------------------------------


def test_the_agency_is_quoted(session: Session, candidate: Candidate) -> None:
    mention(session, candidate, 'Padam sejak subuh. "Petugas sudah kami turunkan," kata Manajer PLN Duri, Rabu.')
    mention(session, candidate, "PLN menyatakan penyebabnya belum diketahui.", 6)
    (hint,) = handled.hints(session, candidate)
    assert (hint.kind, hint.words("id")) == (
        "statement",
        "Instansinya mengatakan sedang menanganinya (Koran, 24 Nov 2026).",
    )


@pytest.mark.parametrize(("source", "site"), [("PLN UP3 Dumai", "jaringan.example"), ("Warta", "pln-dumai.example")])
def test_the_agencys_own_place_says(session: Session, candidate: Candidate, source: str, site: str) -> None:
    mention(session, candidate, "Gangguan penyulang. Mohon maaf atas ketidaknyamanannya.", source=source, site=site)
    (hint,) = handled.hints(session, candidate)
    assert hint.words("en").startswith("The agency itself says")
    assert hint.quote == "Gangguan penyulang."


def test_without_an_agency_nobody_speaks_for_it(session: Session, candidate: Candidate) -> None:
    candidate.agency_id = None
    mention(session, candidate, '"Petugas sudah kami turunkan," kata Manajer PLN Duri.')
    assert kinds(session, candidate) == []


# ---- records ---------------------------------------------------------------------------------------------------------


def test_a_number_that_stands_in_a_text_leads_to_its_record(session: Session, candidate: Candidate) -> None:
    record(session, region=None, agency_id=None, sector=None)
    text = "Kami sudah lapor, nomor laporan #1234567, tidak ada kabar."
    mention(session, candidate, text)
    (hint,) = handled.hints(session, candidate)
    assert (hint.kind, hint.number, text[slice(*(hint.span or (0, 0)))]) == ("record", "1234567", "1234567")
    assert hint.words("id") == "Teksnya menyebut SP4N-LAPOR! nomor 1234567 (24 Nov 2026); keadaannya: Selesai."


def test_a_number_without_a_record_counts_where_its_system_is_named(session: Session, candidate: Candidate) -> None:
    mention(session, candidate, "Nomor laporan 7654321, lapor ke 110 sejak 2023.")
    assert kinds(session, candidate) == []
    mention(session, candidate, "Sudah masuk LAPOR! dengan nomor 7654321.")
    (hint,) = handled.hints(session, candidate)
    assert (hint.number, "no record here" in hint.words("en")) == ("7654321", True)


def test_a_covered_number_is_not_looked_up(session: Session, candidate: Candidate) -> None:
    record(session, "0812345678")
    text = "LAPOR! 0812345678"
    mention(session, candidate, text, analysis={"pii": [{"start": 7, "end": 17, "type": "phone"}]})
    assert [hint.mention_id for hint in handled.hints(session, candidate)] == [None], "by its agency alone"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, True),
        ({"subject": "Listrik padam sejak subuh, pedagang rugi", "sector": None}, True),
        ({"subject": "Listrik padam sejak subuh, pedagang rugi", "agency_id": None}, True),
        ({"subject": "Tagihan rekening membengkak"}, False),
        ({"sector": None}, False),
        ({"agency_id": None}, False),
        ({"agency_id": None, "sector": None, "subject": "Listrik padam sejak subuh, pedagang rugi"}, False),
        ({"agency_id": "RI-PROV-GUB"}, False),
        ({"sector": "AIR"}, False),
        ({"region": "14.72"}, False),
        ({"at": NOW - timedelta(days=15)}, False),
        ({"at": NOW + timedelta(days=32)}, False),
    ],
)
def test_a_record_about_the_same(session: Session, candidate: Candidate, change: dict[str, Any], found: bool) -> None:
    record(session, **change)
    assert kinds(session, candidate) == ["record"] * found


def test_three_of_a_kind_are_enough(session: Session, candidate: Candidate) -> None:
    for number in range(5):
        record(session, f"12345{number}")
    assert kinds(session, candidate) == ["record"] * 3


# ---- files -----------------------------------------------------------------------------------------------------------

TABLE = """No;Tracking ID;Tanggal Laporan;Instansi Tujuan;Kab/Kota;Kategori;Judul Laporan;Status
1;#8123456;24/11/2026 08:00;PLN Dumai;Kab. Bengkalis;Kelistrikan;Listrik padam, hubungi 081234567890;Proses
2;8123457;bukan tanggal;PLN Duri;;;;
3;;24/11/2026;PLN Duri;;;;
4;8123458;23 November 2026;Dinas Antah;Kota Dumai, Dumai Barat;;Air mati;
;;;;;;;
5;8123459
"""


def test_a_table_is_read_and_read_again(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "lapor.csv"
    path.write_text(TABLE, "utf-8-sig")
    done = records.import_file(session, path, "lapor")
    assert (done.new, done.changed) == (2, 0)
    assert [(one.line, one.kept) for one in done.remarks] == [(3, False), (4, False), (5, True), (7, False)]
    assert "Dinas Antah" in done.remarks[2].indonesian
    one, two = session.scalars(select(HandledRecord).order_by(HandledRecord.number))
    assert (one.number, one.agency_id, one.region, one.sector, one.state) == (
        "8123456",
        PLN,
        BENGKALIS,
        "LIS",
        "Proses",
    )
    assert one.subject == "Listrik padam, hubungi [telepon]"
    assert one.at.isoformat() == "2026-11-24T01:00:00+00:00"
    assert (two.number, two.agency_id, two.region) == ("8123458", None, "14.72")
    path.write_text(TABLE.replace("Proses", "Selesai"), "utf-8")
    done = records.import_file(session, path, "lapor")
    assert (done.new, done.changed) == (0, 2)
    session.refresh(one)
    assert one.state == "Selesai"
    assert records.import_file(session, path, "simpel").new == 2, "numbers are of their system"
    told = session.scalars(select(AuditRow.detail).where(AuditRow.action == "handled.import")).all()
    assert told[1] == {"new": 0, "changed": 2, "left_out": 3}


def test_an_agency_is_known_by_its_kind_in_its_region(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "simpel.csv"
    path.write_text(
        "nomor agenda,tanggal masuk,terlapor,wilayah,substansi\n0123/LM/XI/2026/PKU,24-11-2026,Dinas Kesehatan,Dumai,Kesehatan\n"
    )
    assert records.import_file(session, path, "simpel").remarks == []
    (row,) = session.scalars(select(HandledRecord))
    assert (row.agency_id, row.region, row.sector) == ("RI-1472-DINKES", "14.72", "KES")


@pytest.mark.parametrize("heading", ["", "No,Tanggal,Instansi", "Nomor Laporan,Instansi"])
def test_a_table_without_number_or_date_is_refused(session: Session, tmp_path: Path, heading: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"{heading}\n1,24/11/2026,PLN\n")
    with pytest.raises(records.NoTable):
        records.import_file(session, path, "lapor")


def test_the_command_tells_what_it_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "lapor.csv"
    path.write_text(TABLE, "utf-8")
    given = ["import-handled", str(path), "--database", f"sqlite:///{tmp_path / 'x.db'}"]
    told = CliRunner().invoke(scheduler.app, [*given, "--system", "lapor"])
    assert (told.exit_code, "2 baru, 0 diperbarui, 3 dilewati." in told.stdout) == (1, True)
    assert f"{path}:3: “bukan tanggal” bukan tanggal; dilewati. / “bukan tanggal” is no date; left out." in told.stderr
    path.write_text("a,b\n")
    for system, why in (("lapor", "Nomor Laporan"), ("sms", "Systems: lapor, simpel, agency")):
        refused = CliRunner().invoke(scheduler.app, [*given, "--system", system])
        assert (refused.exit_code, why in refused.stderr) == (2, True)
