"""Sources, accounts, trends, charts, export, masking, retention."""

import csv
import io
import json
import zipfile
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from crawler import Note, Source, Validators, Visit
from intake import charts, inbox, retention, sources, trends
from intake.database import Sessions
from intake.export import FORMATS, TABLES, export, harmless
from intake.masking import masked, pieces
from intake.models import AuditRow, Mention, Person, SignIn, SignInAttempt, SourceState, now
from intake.people import accounts, portfolio
from intake.review import decisions
from intake.review.errors import Invalid, NotAllowed
from intake.settings import Settings, pseudonym_key
from tests.intake.made import NOW, document, told

FEED = Source("A", "feed", "https://a.example/rss", interval=30)


# ---- sources


def test_a_source_is_due_by_its_interval_and_carries_its_state(factory: Sessions) -> None:
    with factory.begin() as session:
        sources.sync(session, [FEED])
        assert [source.name for source in sources.due(session)] == ["A"]
        held = {FEED.url: Validators('"v1"', None)}
        visit = Visit("A", "ok", NOW, NOW, 1, 0, 2, 2, (Note("x", "y", "z"),), held)
        assert visit.found == 2
        inbox.store(session, [document(1, source="A")], b"k")
        sources.record_visit(session, visit, 1)
        assert sources.due(session, NOW + timedelta(minutes=29)) == []
        (again,) = sources.due(session, NOW + timedelta(minutes=30))
        assert again.validators == {FEED.url: Validators('"v1"', None)}
        assert again.known == {document(1).key}
        assert again.since == document(1).published_at
        assert session.scalars(select(SourceState)).one().notes[0]["message"] == "y"


def test_a_guessed_address_enters_the_rhythm_when_it_answers(factory: Sessions) -> None:
    guess = Source("B", "feed", "https://b.example", options={"probed": False})
    with factory.begin() as session:
        sources.sync(session, [guess])
        sources.record_visit(session, Visit("B", "unreachable", NOW, NOW), 0)
        assert sources.due(session, NOW + timedelta(hours=2)) == []
        assert len(sources.due(session, NOW + timedelta(hours=25))) == 1
        sources.record_visit(session, Visit("B", "empty", NOW, NOW), 0)
        assert len(sources.due(session, NOW + timedelta(hours=2))) == 1


def test_what_an_operator_switched_off_stays_off(factory: Sessions) -> None:
    with factory.begin() as session:
        sources.sync(session, [FEED])
        sources.enable(session, "A", False)
        sources.sync(session, [FEED])
        assert sources.due(session) == []
        with pytest.raises(ValueError, match="source list"):
            sources.enable(session, "C", True)
        with pytest.raises(ValueError, match="already"):
            sources.add(session, FEED)


def test_demo_and_real_do_not_mix(factory: Sessions) -> None:
    with factory.begin() as session:
        sources.sync(session, [FEED])
        with pytest.raises(ValueError, match="the real press"):
            sources.sync(session, [Source("D", "feed", "http://127.0.0.1", options={"demo": True})])


# ---- accounts


def test_signing_in_and_out(factory: Sessions, settings: Settings) -> None:
    with factory.begin() as session:
        accounts.add_person(session, "Rina", "officer", "sandi yang panjang")
        secret, _ = accounts.sign_in(session, "rina", "sandi yang panjang", "10.0.0.9")
        row = accounts.session_of(session, secret, settings)
        assert row is not None
        assert row.person.name == "Rina"
        assert secret not in row.secret_hash
        accounts.sign_out(session, row)
        assert accounts.session_of(session, secret, settings) is None


@pytest.mark.parametrize(("later", "alive"), [(29, True), (31, False), (60 * 13, False)])
def test_a_session_ends_by_itself(factory: Sessions, settings: Settings, later: int, alive: bool) -> None:
    with factory.begin() as session:
        accounts.add_person(session, "Rina", "officer", "sandi yang panjang")
        secret, _ = accounts.sign_in(session, "Rina", "sandi yang panjang", "x")
        found = accounts.session_of(session, secret, settings, now() + timedelta(minutes=later))
        assert (found is not None) == alive


def test_guessing_is_slowed_per_name_and_per_address(factory: Sessions) -> None:
    def attempt(name: str, address: str) -> str:
        with factory.begin() as session:
            try:
                accounts.sign_in(session, name, "salah", address)
            except accounts.SignInRefused as refused:
                return str(refused)
        return "in"

    assert [attempt("admin", "a") for _ in range(11)] == ["wrong"] * 10 + ["too_many"]
    assert attempt("admin", "b") == "too_many"
    assert attempt("nobody", "a") == "too_many"
    assert attempt("nobody", "b") == "wrong"
    with factory.begin() as session:
        session.execute(update(SignInAttempt).values(at=now() - timedelta(minutes=6)))
    assert attempt("admin", "a") == "wrong"


def test_closing_an_account_ends_everything_but_never_the_last_admin(factory: Sessions, settings: Settings) -> None:
    with factory.begin() as session:
        accounts.add_person(session, "Rina", "officer", "sandi yang panjang")
        secret, _ = accounts.sign_in(session, "Rina", "sandi yang panjang", "x")
        token = accounts.make_token(session, "Rina")
        accounts.disable(session, "Rina")
        assert accounts.session_of(session, secret, settings) is None
        assert accounts.token_of(session, token) is None
        with pytest.raises(ValueError, match="last administrator"):
            accounts.disable(session, "admin")


@pytest.mark.parametrize(
    ("name", "role", "password", "agency"),
    [("x", "officer", None, None), ("Rina", "boss", None, None), ("Rina", "officer", "pendek", None), ("admin", "head", None, None),
     ("Rina", "focal", None, None), ("Rina", "focal", None, "NONE"), ("a\nb", "head", None, None)],
)  # fmt: skip
def test_what_makes_no_account(
    factory: Sessions, name: str, role: str, password: str | None, agency: str | None
) -> None:
    with factory.begin() as session, pytest.raises(ValueError):
        accounts.add_person(session, name, role, password, agency)


# ---- masking


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=5))
def test_nothing_of_a_masked_span_is_shown(text: str, spans: list[tuple[int, int]]) -> None:
    marked = [{"start": a, "end": b, "type": "nik"} for a, b in spans]
    shown = "".join(piece.text for piece in pieces(text, marked, [{"start": 0, "end": 60, "for": "failure"}]))
    assert shown == masked(text, marked)
    kept = [c for n, c in enumerate(text) if not any(a <= n < b for a, b in spans)]
    assert "".join(kept) == shown.replace("[NIK]", "") or "[NIK]" in text


def test_evidence_is_marked_around_what_is_masked() -> None:
    found = pieces("nik 12 mati", [{"start": 4, "end": 6, "type": "nik"}], [{"start": 0, "end": 11, "for": "failure"}])
    assert [(piece.text, piece.evidence) for piece in found] == [
        ("nik ", "failure"),
        ("[NIK]", None),
        (" mati", "failure"),
    ]


# ---- trends, charts


def test_trends_count_voices_and_leave_out_what_was_closed(factory: Sessions) -> None:
    with factory.begin() as session:
        one = told(session, document(1))
        told(session, document(2))
        other = told(session, document(3, "sampah menumpuk di depan pasar"), sectors=(), regions=("14.71",))
        assert one is not None
        assert other is not None
        cells = trends.weekly(session, at=NOW)
        assert [(c.sector, c.region, c.mentions, c.voices) for c in cells if c.sector] == [("LIS", "14.03", 2, 1)]
        person, _ = accounts.add_person(session, "petugas", "officer")
        decisions.decide(session, person, one.id, one.version, "not_relevant", reason="settled")
        assert [c.sector for c in trends.weekly(session, at=NOW)] == [None]
        assert trends.weekly(session, at=NOW, region="14.01") == []


def test_a_chart_says_what_it_is() -> None:
    weeks = trends.last_weeks(3, NOW)
    cells = [trends.Cell(weeks[n % 3], f"S{n}", None, None, 2, n) for n in range(9)]
    svg = charts.line_chart(
        cells,
        weeks,
        lambda cell: str(cell.sector),
        title="A & B",
        description="<d>",
        value_label="v",
        rest_label="lainnya",
    )
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert [child.text for child in list(root)[:2]] == ["A & B", "<d>"]
    assert b"lainnya" in svg
    assert charts.REST_COLOUR.encode() in svg
    assert b"<script" not in svg


@pytest.mark.parametrize(("weeks", "dates"), [(4, 4), (12, 6), (26, 6), (53, 6)])
def test_a_chart_names_at_most_six_weeks_the_newest_among_them(weeks: int, dates: int) -> None:
    rows = [(week.isoformat(), "x", 1) for week in trends.last_weeks(weeks, NOW)]
    ticks = charts._ticks(rows)
    assert len(ticks) == dates
    assert (ticks[0]["year"], ticks[0]["month"], ticks[0]["date"]) == (2026, 11, 23)


# ---- export


@pytest.mark.parametrize("what", TABLES)
@pytest.mark.parametrize("format", FORMATS)
def test_every_table_in_every_format(factory: Sessions, what: str, format: str) -> None:
    with factory.begin() as session:
        candidate = told(
            session, document(1, "NIK 1471094505850003 listrik mati", title="=1+1", kind="article"),
            pii=(),
        )  # fmt: skip
        assert candidate is not None
        person, _ = accounts.add_person(session, "petugas", "officer")
        decisions.decide(session, person, candidate.id, candidate.version, "accept", track="refer")
        file = io.BytesIO()
        assert export(session, what, format, file) == 1
    data = file.getvalue()
    if format == "csv":
        rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
        assert len(rows) == 2
        assert not any(cell.startswith("=") for cell in rows[1])
    elif format == "xlsx":
        assert "xl/worksheets/sheet1.xml" in zipfile.ZipFile(io.BytesIO(data)).namelist()
    elif format == "jsonl":
        assert len(json.loads(data)) > 3
    else:
        assert json.loads(data)["features"][0]["type"] == "Feature"


def test_a_file_for_somebody_holds_what_they_may_see(factory: Sessions) -> None:
    def taken(what: str, viewer: Person | None) -> int:
        return export(session, what, "jsonl", io.BytesIO(), viewer)

    with factory.begin() as session:
        here = told(session, document(1))
        there = told(
            session, document(2, "sampah menumpuk di depan pasar"), sectors=(), agencies=(), regions=("14.71",)
        )
        assert here and there
        officer, _ = accounts.add_person(session, "petugas", "officer")
        focal, _ = accounts.add_person(session, "hub", "focal", agency_id="VT-PLN-UP3DMI")
        for one in (here, there):
            decisions.decide(session, officer, one.id, one.version, "accept", track="refer")
        assert [taken(what, officer) for what in TABLES] == [taken(what, None) for what in TABLES] == [2, 2, 2, 2]
        portfolio.add_remit(session, officer, None, "14.71", bounds=True, by=None)
        session.refresh(officer)
        assert [taken(what, officer) for what in TABLES] == [1, 1, 1, 1]
        with pytest.raises(NotAllowed):
            taken("cases", focal)
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "export").order_by(AuditRow.place)).all()
        assert [row.person_id for row in rows] == [officer.id] * 4 + [None] * 4 + [officer.id] * 4


def test_no_row_is_lost_in_silence_where_a_sheet_is_full(factory: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intake.export.LONGEST_SHEET", 1)
    with factory.begin() as session:
        told(session, document(1))
        assert export(session, "mentions", "xlsx", io.BytesIO()) == 1
        told(session, document(2, "sampah menumpuk di depan pasar"), sectors=())
        with pytest.raises(Invalid, match="export_too_large"):
            export(session, "mentions", "xlsx", io.BytesIO())
        assert export(session, "mentions", "csv", io.BytesIO()) == 2


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\tx", "\rx", "＝1", "  =1"])
def test_cells_that_compute_are_neutralised(cell: str) -> None:
    assert harmless(cell).startswith("'")
    assert harmless("biasa = saja") == "biasa = saja"


# ---- retention, secrets


def test_retention_deletes_by_outcome(factory: Sessions) -> None:
    with factory.begin() as session:
        told(session, document(1))
        told(session, document(2, "makan siang"), failure="no", p={"yes": 0.0, "vague": 0.0, "no": 1.0})
        accounts.add_person(session, "Rina", "officer", "sandi yang panjang")
        accounts.sign_in(session, "Rina", "sandi yang panjang", "x")
        session.execute(update(SignIn).values(ended_at=now() - timedelta(days=31)))
        session.execute(update(Mention).values(fetched_at=now() - timedelta(days=31)))
        assert retention.run(session, dry_run=True) == {
            "sign_in_attempts": 0,
            "sessions": 1,
            "calls": 0,
            "visits": 0,
            "mentions": 1,
        }
        assert retention.run(session, dry_run=False)["mentions"] == 1
        assert retention.run(session, dry_run=False) == {
            "sign_in_attempts": 0,
            "sessions": 0,
            "calls": 0,
            "visits": 0,
            "mentions": 0,
        }
        assert len(session.scalars(select(Mention)).all()) == 1


def test_the_secret_is_made_once_and_private(tmp_path: object) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/k.db")
    one = pseudonym_key(settings)
    assert pseudonym_key(settings) == one
    from pathlib import Path

    path = Path(str(tmp_path)) / "kentongan.secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "test" not in repr(Settings(pseudonym_key="test"))
