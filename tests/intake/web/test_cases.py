"""The pages of cases, and the one a signed link opens: what they show, to whom, and what they refuse."""

import re
import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from intake.casework import cases, clocks, referrals
from intake.casework.referrals import links_of
from intake.casework.sheet import Sheet, pdf, spelt
from intake.database import Sessions
from intake.models import (
    AgencyContact,
    AuditRow,
    Case,
    CaseEvent,
    Decision,
    Mention,
    Person,
    Referral,
    Reporter,
    now,
)
from intake.people import accounts
from intake.settings import Settings
from intake.web import casework
from intake.web.app import create_app
from intake.web.guesses import Guesses, network_of
from intake.web.present import Presenter
from nlp import Guess
from tests.intake.made import PASSWORD, document, office, told
from tests.intake.test_casework import DISHUB, PLN, accepted

ANSWER = "Gardu sudah diperbaiki; hubungi 0812-7654-3210 <b>segera</b>."


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[Sessions]:
    with office(
        tmp_path, ("rina", "officer", None), ("ana", "analyst", None), ("hub", "focal", PLN), ("lain", "focal", DISHUB)
    ) as made:
        yield made


@pytest.fixture
def app(factory: Sessions, settings: Settings) -> Any:
    return create_app(factory, settings)


@pytest.fixture
def client(app: Any) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def outside(app: Any) -> Iterator[TestClient]:
    """A focal point without an account."""
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def number(factory: Sessions) -> str:
    """A case that was referred to one focal point."""
    with factory.begin() as session:
        session.add(AgencyContact(agency_id=PLN, name="Ibu Narahubung", address="console://"))
        officer = session.scalars(select(Person).where(Person.name == "rina")).one()
        text = "Listrik padam di Duri, kata warga dengan NIK 1403094505850003 dan telepon 0812-7654-3210."
        return accepted(
            session, officer, text=text, kind="article", title="Listrik <b>padam</b> di Duri", author="Wartawan"
        ).number


@pytest.fixture
def link(factory: Sessions, settings: Settings, number: str) -> str:
    with factory.begin() as session:
        return f"/rujukan/{links_of(settings).token(session.scalars(select(Referral)).one())}"


def hidden(html: str, name: str) -> str:
    return unescape(re.findall(rf'name="{name}" value="([^"]*)"', html)[0])


def sign_in(client: TestClient, name: str = "rina") -> str:
    """Signed in; returns the token of its forms."""
    page = client.get("/masuk")
    html = client.post("/masuk", data={"name": name, "password": PASSWORD, "csrf": hidden(page.text, "csrf")}).text
    return hidden(html, "csrf")


def due_in_silence() -> tuple[int, date]:
    """In how many days, and when, an answer is due that nobody acknowledged: 14 days after three working days."""
    today = received = clocks.day_of(now())
    for _ in range(3):
        received += clocks.DAY
        while not clocks.Calendar().is_working(received):
            received += clocks.DAY
    due = received + 14 * clocks.DAY
    return (due - today).days, due


def kinds(factory: Sessions) -> list[str]:
    with factory.begin() as session:
        return list(session.scalars(select(CaseEvent.kind).order_by(CaseEvent.id)))


def reply(client: TestClient, link: str, **data: str) -> Any:
    return client.post(link, data={"form": hidden(client.get(link).text, "form")} | data)


# ---- the link


def test_a_link_shows_what_is_asked_and_names_nobody(outside: TestClient, link: str, number: str) -> None:
    answer = outside.get(link)
    html = unescape(answer.text)
    assert answer.status_code == 200
    for words in (number, "Mohon Saudara memeriksa hal ini", "PLN UP3 Dumai", "[NIK]", "[telepon]", f"jatuh tempo {due_in_silence()[0]} hari lagi",
                  "bukan laporan resmi", "https://koran.example/1", "UU 37/2008 pasal 33 (perlu dikonfirmasi)",
                  "dianggap diterima 3 hari kerja sesudah dikirim: kebijakan kantor (perlu dikonfirmasi)"):  # fmt: skip
        assert words in html, words
    for secret in ("1403094505850003", "7654", "Wartawan", "rina", "/kandidat/", "/masuk"):
        assert secret not in html, secret
    assert "<b>padam" not in answer.text
    assert not answer.cookies
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"\son\w+=|<style|style=|<script(?! src=)|javascript:", answer.text)


def test_guessing_links_is_slowed_and_a_right_one_never_is(app: Any, outside: TestClient, link: str) -> None:
    clock = [0.0]
    app.state.guesses = Guesses(most=3, clock=lambda: clock[0])
    for guess in range(3):
        assert outside.get(f"{link}{guess}").status_code == 404
    for answer in (outside.get(f"{link}x"), outside.post("/rujukan/abc.def", data={"form": "x", "act": "answered"})):
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "300")
        assert "Coba lagi dalam 300 detik" in answer.text and "Try again in 300 seconds" in answer.text
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert [outside.get(link).status_code for _ in range(10)] == [200] * 10
    assert reply(outside, link, act="acknowledged").status_code == 200
    with TestClient(app, base_url="http://127.0.0.1", client=("203.0.113.9", 1)) as elsewhere:
        assert elsewhere.get(f"{link}x").status_code == 404
    clock[0] = 299.5
    assert outside.get(f"{link}x").headers["retry-after"] == "1"
    clock[0] = 300
    assert outside.get(f"{link}x").status_code == 404


def test_links_that_are_over_are_no_guesses(app: Any, outside: TestClient, factory: Sessions, link: str) -> None:
    app.state.guesses = Guesses(most=1)
    with factory.begin() as session:
        session.scalars(select(Referral)).one().revoked_at = now()
    assert [outside.get(link).status_code for _ in range(5)] == [410] * 5


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_network_is_what_one_customer_has(address: str, network: str) -> None:
    assert network_of(address) == network


def test_however_many_networks_guess_what_is_remembered_stays_small() -> None:
    guesses = Guesses(most=1, kept=100)
    for number in range(1000):
        assert guesses.wait(f"2001:db8:0:{number:x}::1") == 0
    assert len(guesses._began) == 100
    assert guesses.wait("2001:db8:0:3e7::2") > 0


def test_looking_changes_nothing(outside: TestClient, factory: Sessions, link: str) -> None:
    def rows() -> tuple[Any, ...]:
        with factory.begin() as session:
            counted = [
                session.scalar(select(func.count()).select_from(table)) for table in (AuditRow, CaseEvent, Referral)
            ]
            return *counted, session.scalars(select(Case.version)).one()

    before = rows()
    for _ in range(5):
        outside.get(link)
    assert rows() == before
    assert outside.head(link).status_code == 405


def test_a_focal_point_acknowledges_and_answers_without_an_account(
    outside: TestClient, client: TestClient, factory: Sessions, link: str, number: str
) -> None:
    page = reply(outside, link, act="acknowledged")
    assert str(page.url).endswith(link)
    assert "Diterima oleh instansi" in page.text
    assert "Kirim tanda terima" not in page.text
    assert "jatuh tempo 14 hari lagi" in page.text and "dianggap diterima" not in page.text
    page = reply(outside, link, act="answered", text=ANSWER)
    assert "tepat waktu" in page.text
    assert kinds(factory) == ["opened", "referred", "acknowledged", "answered"]
    token = sign_in(client)
    for html in (page.text, client.get(f"/kasus/{number}").text):
        assert "hubungi [telepon] &lt;b&gt;segera&lt;/b&gt;" in html
        assert "7654" not in html
    refused = client.post(f"/kasus/{number}/buka", data={"csrf": token, "reason": ""})
    assert refused.status_code == 422
    assert "7654" not in refused.text
    plain = client.post(f"/kasus/{number}/buka", data={"csrf": token, "reason": "menelepon petugas gardu"})
    assert "0812-7654-3210 &lt;b&gt;" in plain.text
    with factory.begin() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.action == "pii.unmask")).one()
        assert row.detail == {"reason": "menelepon petugas gardu"}


def test_a_form_belongs_to_its_link_and_is_taken_once(outside: TestClient, factory: Sessions, link: str) -> None:
    form = hidden(outside.get(link).text, "form")
    for wrong in ("", "x", form[:-3], link.rpartition("/")[2]):
        assert outside.post(link, data={"form": wrong, "act": "acknowledged"}).status_code == 404
    for _ in range(3):
        assert outside.post(link, data={"form": form, "act": "answered", "text": ANSWER}).status_code == 200
    late = outside.post(link, data={"form": form, "act": "answered", "text": "Jawaban lain yang panjang."})
    assert late.status_code == 409
    assert "Jawaban lain yang panjang.</textarea>" in late.text, "what was typed is not lost"
    assert kinds(factory).count("answered") == 1


def test_not_ours_names_whose_from_the_list_or_freely(
    outside: TestClient, client: TestClient, factory: Sessions, link: str, number: str
) -> None:
    assert reply(outside, link, act="not_ours").status_code == 422
    page = reply(outside, link, act="not_ours", agency="dinas perhubungan kota pekanbaru")
    assert "yang berwenang: Dinas Perhubungan Kota Pekanbaru" in page.text
    assert "<form" not in page.text
    sign_in(client)
    assert "yang berwenang: Dinas Perhubungan Kota Pekanbaru" in client.get(f"/kasus/{number}").text


def test_a_stranger_agency_is_kept_as_it_was_written(outside: TestClient, factory: Sessions, link: str) -> None:
    assert "yang berwenang: Balai &lt;Jalan&gt;" in reply(outside, link, act="not_ours", agency="Balai <Jalan>").text
    with factory.begin() as session:
        event = session.scalars(select(CaseEvent).where(CaseEvent.kind == "not_ours")).one()
        assert event.detail == {"whose": "Balai <Jalan>"}


def test_links_that_are_over_say_why(outside: TestClient, factory: Sessions, settings: Settings, link: str) -> None:
    page = outside.get("/rujukan/abc.def")
    assert (page.status_code, "tidak kami kenal" in page.text) == (404, True)
    with factory.begin() as session:
        old = session.scalars(select(Referral)).one()
        old.expires_at = now() - timedelta(seconds=1)
        token = links_of(settings).token(old)
    page = outside.get(f"/rujukan/{token}")
    assert (page.status_code, "sudah berakhir" in page.text) == (410, True)
    with factory.begin() as session:
        officer = session.scalars(select(Person).where(Person.name == "rina")).one()
        case = session.scalars(select(Case)).one()
        cases.close(session, officer, case.id, case.version, outcome="handled")
    page = outside.get(link)
    assert (page.status_code, "sudah ditutup" in page.text, "<form" in page.text) == (200, True, False)
    with factory.begin() as session:
        case = session.scalars(select(Case)).one()
        cases.withdraw(session, case.candidate)
    for answer in (outside.get(link), outside.post(link, data={"form": "x", "act": "answered", "text": ANSWER})):
        assert (answer.status_code, "ditarik kembali" in answer.text) == (410, True)


def test_too_many_replies_wait(outside: TestClient, link: str) -> None:
    codes = [reply(outside, link, act="answered", text=f"{n}. {ANSWER}").status_code for n in range(referrals.MOST + 1)]
    assert codes == [200] * referrals.MOST + [429]


def test_a_link_signed_elsewhere_opens_nothing(outside: TestClient, factory: Sessions, number: str) -> None:
    with factory.begin() as session:
        token = referrals.Links(b"another key").token(session.scalars(select(Referral)).one())
    assert outside.get(f"/rujukan/{token}").status_code == 404


# ---- the office


def test_the_list_says_what_is_due_in_words(client: TestClient, factory: Sessions, number: str) -> None:
    sign_in(client)
    html = unescape(client.get("/kasus").text)
    days, due = due_in_silence()
    assert f"jatuh tempo {days} hari lagi, {casework.day(Presenter('id', 'riau'), due)}" in html
    assert f'href="/kasus/{number}"' in html
    assert "Tidak ada kasus yang cocok" in client.get("/kasus?state=overdue").text
    assert number not in client.get("/kasus?track=rco").text
    assert number in client.get(f"/kasus?agency={PLN}").text
    assert client.get("/kasus?after=x").status_code == 422
    with factory.begin() as session:
        officer, case = accounts.named(session, "rina"), session.scalars(select(Case)).one()
        (referral,) = case.referrals
        cases.note_reply(
            session, officer, case.id, case.version, referral_id=referral.id, kind="acknowledged", text="lewat telepon"
        )
        for event in session.scalars(select(CaseEvent)):
            event.at = now() - timedelta(days=16)
    assert "terlambat 2 hari, jatuh tempo" in client.get("/kasus?state=overdue").text


def test_an_administrator_is_told_that_links_do_not_work_yet(client: TestClient, factory: Sessions) -> None:
    with factory.begin() as session:
        accounts.add_person(session, "bos", "admin", PASSWORD)
    sign_in(client, "bos")
    assert "public_url" in client.get("/kasus").text
    sign_in(client)
    assert "public_url" not in client.get("/kasus").text


def test_acts_are_forms_and_a_late_one_keeps_what_was_typed(client: TestClient, factory: Sessions, number: str) -> None:
    token = sign_in(client)
    page = client.get(f"/kasus/{number}").text
    data = {"csrf": token, "version": hidden(page, "version"), "act": "paused", "text": "Menunggu surat pusat."}
    done = client.post(f"/kasus/{number}", data=data)
    assert "Batas waktu dihentikan sementara" in done.text
    assert "dihentikan sementara, tersisa 14 hari" in done.text
    late = client.post(
        f"/kasus/{number}", data=data | {"act": "closed", "outcome": "handled", "text": "Selesai <kemarin>"}
    )
    assert late.status_code == 409
    assert "Selesai &lt;kemarin&gt;</textarea>" in late.text
    assert client.post(f"/kasus/{number}", data=data | {"csrf": "x"}).status_code == 403
    assert client.post(f"/kasus/{number}", data=data | {"act": "delete"}).status_code == 404
    assert client.post(f"/kasus/{number}", data=data | {"version": "9" * 30}).status_code == 422
    wrong = client.post(f"/kasus/{number}", data=data | {"act": "referred", "agency": "Dinas Entah"})
    assert (wrong.status_code, "Tidak ada instansi bernama Dinas Entah" in wrong.text) == (422, True)
    assert kinds(factory) == ["opened", "referred", "paused"]


@pytest.mark.parametrize(
    ("act", "data", "words"),
    [
        ("asked", {"referral": "1", "text": "Sudah sampai mana?"}, "Perkembangan ditanyakan"),
        ("heard", {"referral": "1", "kind": "answered", "text": "Lewat surat nomor 12."}, "Dijawab oleh instansi"),
        ("revoked", {"referral": "1"}, "Tautan instansi dicabut"),
        ("note", {"text": "Rapat hari ini."}, "Catatan"),
        ("note", {"milestone": "lhp"}, "LHP disampaikan kepada Terlapor"),
        ("progress", {"text": "Media menulis sudah menyala."}, "Perkembangan disampaikan"),
        ("track", {"track": "iaps"}, "Jalur diganti · Investigasi atas prakarsa sendiri (IAPS)"),
        ("closed", {"outcome": "handled"}, "Kasus ditutup · Selesai: instansi sudah menindaklanjuti"),
    ],
)
def test_each_act_stands_in_the_history(
    client: TestClient, number: str, act: str, data: dict[str, str], words: str
) -> None:
    token = sign_in(client)
    version = hidden(client.get(f"/kasus/{number}").text, "version")
    page = client.post(f"/kasus/{number}", data={"csrf": token, "version": version, "act": act} | data)
    assert page.status_code == 200
    history = re.findall(r'id="riwayat".*?</ol>', unescape(page.text), re.DOTALL)[0]
    assert words in history


def test_a_reporter_is_shown_covered_and_opened_for_a_reason(
    client: TestClient, factory: Sessions, number: str
) -> None:
    with factory.begin() as session:
        case = session.scalars(select(Case)).one()
        officer = session.scalars(select(Person).where(Person.name == "rina")).one()
        session.add(Reporter(candidate_id=case.candidate_id, name="Nama Rekaan", contact="0811", person_id=officer.id))
    token = sign_in(client)
    page = client.get(f"/kasus/{number}").text
    assert "tercatat, ditutup" in page
    assert "Nama Rekaan" not in page
    assert (
        "Nama Rekaan" in client.post(f"/kasus/{number}/buka", data={"csrf": token, "reason": "memanggil pelapor"}).text
    )
    token = sign_in(client, "ana")
    page = client.get(f"/kasus/{number}").text
    assert "tercatat" not in page
    assert "<textarea" not in page
    assert client.post(f"/kasus/{number}/buka", data={"csrf": token, "reason": "ingin tahu"}).status_code == 403
    assert client.post(f"/kasus/{number}", data={"csrf": token, "act": "note", "text": "catatan"}).status_code == 403


def test_a_focal_point_with_an_account_reads_and_answers_their_own_alone(
    client: TestClient, factory: Sessions, number: str
) -> None:
    with factory.begin() as session:
        officer = session.scalars(select(Person).where(Person.name == "rina")).one()
        case = session.scalars(select(Case)).one()
        cases.note(session, officer, case.id, case.version, text="Catatan dalam kantor.")
        untold = accepted(session, officer, "iaps", 2, text="air PDAM mati di Bangkinang sejak kemarin sore").number
    token = sign_in(client, "hub")
    assert re.findall(r'href="/kasus/(\d+-\d+)"', client.get("/kasus").text) == [number]
    page = client.get(f"/kasus/{number}").text
    assert "Catatan dalam kantor." not in page
    given = {"csrf": token, "referral": hidden(page, "referral"), "seen": hidden(page, "seen")}
    done = client.post(f"/kasus/{number}/balas", data=given | {"act": "answered", "text": ANSWER})
    assert "hubungi [telepon]" in done.text
    again = client.post(f"/kasus/{number}/balas", data=given | {"act": "answered", "text": "Yang lain lagi, panjang."})
    assert (again.status_code, "Yang lain lagi, panjang.</textarea>" in again.text) == (409, True)
    for path in (f"/kasus/{untold}", f"/kasus/{number}/lembar.pdf"):
        assert client.get(path).status_code == 404
    assert client.post(f"/kasus/{number}", data={"csrf": token, "act": "note", "text": "catatan"}).status_code == 403
    token = sign_in(client, "lain")
    assert number not in client.get("/kasus").text
    assert client.get(f"/kasus/{number}").status_code == 404
    stranger = client.post(f"/kasus/{number}/balas", data=given | {"csrf": token, "act": "answered", "text": ANSWER})
    assert stranger.status_code == 404
    assert kinds(factory).count("answered") == 1


@pytest.mark.parametrize(
    "path", ["/kasus/1", "/kasus/2026-1", "/kasus/x", "/kasus/2026-9999", "/kasus/2026-9999/lembar.pdf"]
)
def test_what_is_no_case_is_not_found(client: TestClient, path: str) -> None:
    sign_in(client)
    assert client.get(path).status_code == 404


def test_a_clock_is_told_in_english_too(client: TestClient, number: str) -> None:
    token = sign_in(client)
    page = client.post("/akun/bahasa", data={"csrf": token, "language": "en", "back": f"/kasus/{number}"}).text
    for words in (
        f"due in {due_in_silence()[0]} days, ",
        "Written explanation of the agency, counted from receipt",
        "counts as received 3 working days after it was sent: ",
        "(to be confirmed)",
        "Sent to the focal point",
    ):
        assert words in page, words


# ---- what an officer finds on a case


@pytest.fixture
def unreached(factory: Sessions) -> str:
    """A case whose agency has no focal point."""
    with factory.begin() as session:
        officer = session.scalars(select(Person).where(Person.name == "rina")).one()
        text = "Listrik padam di Duri, kata warga dengan NIK 1403094505850003."
        case = accepted(session, officer, text=text, kind="article", title="Setahun Lapor, Listrik Padam")
        session.scalars(select(Decision)).one().note = "genset darurat segera"
        case.candidate.urgency = "U1"
        return case.number


def post(client: TestClient, number: str, **data: str) -> Any:
    page = client.get(f"/kasus/{number}").text
    return client.post(
        f"/kasus/{number}", data={"csrf": hidden(page, "csrf"), "version": hidden(page, "version")} | data
    )


def test_where_there_is_no_focal_point_a_letter_is_offered_and_its_sending_noted(
    client: TestClient, factory: Sessions, unreached: str
) -> None:
    sign_in(client)
    page = unescape(client.get(f"/kasus/{unreached}").text)
    assert "PLN UP3 Dumai belum mempunyai narahubung: surat dicetak sendiri" in page
    assert "Kirim ke narahubung" not in page
    answer = client.get(f"/kasus/{unreached}/surat.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    words = words_of(answer.content)
    for told_of in (
        "Yth.",
        "PLN UP3 Dumai",
        unreached,
        "Mohon Saudara memeriksa",
        "dalam 14 hari sejak",
        "Kepala Perwakilan",
    ):
        assert told_of in words, told_of
    for secret in ("1403094505850003", "rina", "perlu dikonfirmasi"):
        assert secret not in words, secret
    today = clocks.day_of(now())
    data = {"act": "sent", "agency": "PLN UP3 Dumai", "way": "letter", "text": "Bagian umum, 12/2026"}
    for wrong in ("kemarin", (today + clocks.DAY).isoformat()):
        refused = post(client, unreached, **data, day=wrong)
        assert (refused.status_code, "Tanggalnya tidak cocok" in refused.text) == (422, True)
        assert 'value="Bagian umum, 12/2026"' in refused.text, "what was typed is not lost"
    done = unescape(post(client, unreached, **data, day=today.isoformat()).text)
    assert "Disampaikan kepada instansi lewat surat · PLN UP3 Dumai" in done
    assert "Tanyakan perkembangan" not in done, "there is nobody to send it to"
    assert "jatuh tempo" in done
    with factory.begin() as session:
        assert session.scalar(select(func.count()).where(AuditRow.action == "case.letter")) == 1
    sign_in(client, "ana")
    assert client.get(f"/kasus/{unreached}/surat.pdf").status_code == 403
    sign_in(client, "hub")
    assert client.get(f"/kasus/{unreached}/surat.pdf").status_code == 403


def test_a_program_notes_a_telephone_call_too(client: TestClient, factory: Sessions, unreached: str) -> None:
    with factory.begin() as session:
        client.headers["authorization"] = f"Bearer {accounts.make_token(session, 'rina')}"
        version = session.scalars(select(Case.version)).one()
    said = {"version": version, "act": "sent", "agency_id": PLN, "way": "phone", "text": "Kepala seksi"}
    told_of = client.post(f"/api/v1/cases/{unreached}/acts", json=said).json()
    assert [one["kind"] for one in told_of["events"]] == ["opened", "referred"]
    assert {clock["limit"] for clock in told_of["clocks"]} == {"penjelasan"}


def test_nothing_leaves_the_office_before_it_was_asked_once_more(
    client: TestClient, factory: Sessions, unreached: str
) -> None:
    sign_in(client)
    assert "belum mempunyai narahubung yang aktif" in post(client, unreached, act="referred", agency=PLN).text
    with factory.begin() as session:
        session.add(AgencyContact(agency_id=PLN, name="Ibu Narahubung", address="console://"))
    page = unescape(client.get(f"/kasus/{unreached}").text)
    assert re.findall(r'<option value="([^"]+)" selected>PLN UP3 Dumai', page) == [PLN], "filled in"
    for form in re.findall(r'<form method="post" action="/kasus/[^"]*" class="stack">.*?</form>', page, re.DOTALL):
        assert re.findall(r"<button[^>]*>", form)[0] == "<button disabled hidden>", "what Enter in a field would press"
    asked = unescape(post(client, unreached, act="referred", agency=PLN, text="Mohon <segera>.").text)
    assert "Kirim sekarang?" in asked and "Kepada narahubung PLN UP3 Dumai: Ibu Narahubung." in asked
    assert "Mohon <segera>." in asked
    assert kinds(factory) == ["opened"]
    assert post(client, unreached, act="referred", agency=PLN, text="Mohon segera.", sure="1").status_code == 200
    assert kinds(factory) == ["opened", "referred"]
    page = client.get(f"/kasus/{unreached}").text
    assert f'<option value="{PLN}"' not in page, "whoever was asked is not offered again"
    token = sign_in(client, "ana")
    assert client.post(f"/kasus/{unreached}", data={"csrf": token, "act": "referred", "agency": PLN}).status_code == 403


def test_a_case_shows_how_urgent_it_is_what_was_noted_and_what_was_heard(client: TestClient, unreached: str) -> None:
    sign_in(client)
    page = unescape(client.get(f"/kasus/{unreached}").text)
    for words in (
        '<span class="urgency U1"',
        "genset darurat segera",
        "kata warga dengan NIK [NIK]",
    ):
        assert words in page, words
    assert "1403094505850003" not in page
    assert '<span class="urgency U1"' in client.get("/kasus").text
    done = unescape(post(client, unreached, act="track", track="invite").text)
    assert "dihitung sejak pertama terdengar; kejadiannya mungkin lebih lama" in done
    assert "Teksnya menyebut “setahun”: periksa kapan kejadiannya." in done


def test_clocks_are_stopped_only_while_one_runs(client: TestClient, unreached: str) -> None:
    sign_in(client)
    assert "Hentikan sementara" not in client.get(f"/kasus/{unreached}").text
    today = clocks.day_of(now()).isoformat()
    sent = post(client, unreached, act="sent", agency=PLN, way="phone", day=today, text="Kepala seksi")
    assert "Hentikan sementara" in sent.text
    assert "Jalankan lagi" in post(client, unreached, act="paused", text="Menunggu surat pusat.").text


def test_a_case_is_corrected_where_it_stands(client: TestClient, factory: Sessions, unreached: str) -> None:
    sign_in(client)
    page = client.get(f"/kasus/{unreached}").text
    form = page[page.index('name="act" value="corrected"') :].partition("</form>")[0]
    now_is = dict(re.findall(r'<select name="(\w+)">.*?<option value="([^"]*)" selected>', form))
    given = {"act": "corrected", "seen": hidden(form, "seen"), "agency": "PLN UP3 Dumai", **now_is}
    assert post(client, unreached, **given).status_code == 422, "nothing differs"
    assert "Tidak ada instansi bernama Dinas Entah" in post(client, unreached, **given | {"agency": "Dinas Entah"}).text
    done = post(
        client,
        unreached,
        **given | {"agency": "Dinas Perhubungan Kota Pekanbaru", "urgency": "U2", "text": "salah baca"},
    )
    assert "Kasus dibetulkan · Instansi, " in done.text
    with factory.begin() as session:
        case = session.scalars(select(Case)).one()
        assert (case.agency_id, case.candidate.urgency) == (DISHUB, "U2")
    stale = post(client, unreached, **given | {"urgency": "U3", "text": "salah baca"})
    assert stale.status_code == 409


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Setahun lapor pencurian", ["setahun"]),
        ("jalan rusak sudah dua tahun, sejak 2023 tak diperbaiki", ["sudah dua tahun", "sejak 2023"]),
        ("bertahun-tahun tanpa air", ["bertahun-tahun"]),
        ("anak usia dua tahun dirawat, tahun anggaran 2026, sejak 2026", []),
    ],
)
def test_what_a_text_says_of_long_ago_is_told(text: str, words: list[str]) -> None:
    told_at = datetime(2026, 11, 24, tzinfo=UTC)
    assert casework.long_ago([Mention(title="", text=text, told_at=told_at)]) == words


def test_the_desk_says_before_that_nobody_would_be_told(client: TestClient, factory: Sessions) -> None:
    with factory.begin() as session:
        candidate = told(session, document(1))
        assert candidate is not None
        path = f"/kandidat/{candidate.id}"
    sign_in(client)
    page = client.get(path).text
    assert ("Belum ada narahubung: surat dicetak sendiri." in page, "Instansi diberi tahu" in page) == (True, False)
    with factory.begin() as session:
        session.add(AgencyContact(agency_id=PLN, name="Ibu Narahubung", address="console://"))
    page = client.get(path).text
    assert ("Belum ada narahubung: surat dicetak sendiri." in page, "Instansi diberi tahu" in page) == (False, True)


# ---- the sheet


def words_of(drawn: bytes) -> str:
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", drawn, re.DOTALL)
    told = b"\n".join(zlib.decompress(one) for one in streams if one[:1] == b"x").decode("latin-1")
    return re.sub(r"\\([()\\])", r"\1", " ".join(re.findall(r"\((.*?)(?<!\\)\) ?Tj", told)))


def test_the_sheet_is_one_page_with_the_number_and_without_personal_data(
    client: TestClient, factory: Sessions, link: str, number: str
) -> None:
    reply(client, link, act="answered", text=ANSWER)
    sign_in(client)
    answer = client.get(f"/kasus/{number}/lembar.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'inline; filename="kasus-{number}.pdf"'
    words = words_of(answer.content)
    for told_of in (f"LEMBAR KASUS NOMOR {number}", "Perwakilan Provinsi Riau", "bukan laporan resmi", "Kelistrikan", "[telepon]",
                    "UU 37/2008 pasal 33 (perlu dikonfirmasi)", "PLN UP3 Dumai", "Koran", "Dijawab oleh instansi"):  # fmt: skip
        assert told_of in words, told_of
    for secret in ("7654", "1403094505850003", "Wartawan", "rina", "Narahubung"):
        assert secret not in words, secret
    assert len(re.findall(rb"/Type /Page\b", answer.content)) == 1
    with factory.begin() as session:
        assert session.scalar(select(func.count()).where(AuditRow.action == "case.sheet")) == 1


def test_the_longest_sheet_is_one_page_still_and_says_what_it_left_out() -> None:
    long = "Sangat panjang dan bertele-tele 🙂 “kutipan” – Łódź. " * 40
    facts = [(f"Butir {n}", long) for n in range(10)]
    drawn = pdf(Sheet("Perwakilan", "2026-0001", facts, [long] * 9, ["Koran"] * 60, [long] * 80, now(), "hari ini"))
    words = words_of(drawn)
    assert len(re.findall(rb"/Type /Page\b", drawn)) == 1
    assert len(re.findall(r"dan \d+ lainnya", words)) == 3
    assert all(f"Butir {n}" in words for n in range(10))
    assert spelt("“Łódź” – 🙂 Ångström…") == '"?ódz" - ? Ångström...'


def test_a_post_is_told_of_without_its_words(client: TestClient, factory: Sessions) -> None:
    with factory.begin() as session:
        officer = session.scalars(select(Person).where(Person.name == "rina")).one()
        candidate = told(
            session, document(9, "@warga_kampung air keruh sekali", kind="post"), sectors=(Guess("AIR", 0.9),)
        )
        assert candidate is not None
        candidate.state = "accepted"
        number = cases.open_case(session, candidate, "watch", officer).number
    sign_in(client)
    words = words_of(client.get(f"/kasus/{number}/lembar.pdf").content)
    assert "unggahan publik" in words
    assert "keruh" not in words
