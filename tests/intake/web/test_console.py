"""The console: what it shows, what it refuses, in both languages, without script."""

import ast
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from html import unescape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from crawler.adapters import names
from crawler.dates import WIB
from crawler.notes import note as make_note
from intake import courier
from intake.database import Sessions
from intake.models import (
    REASONS,
    TRACKS,
    Agency,
    AgencyContact,
    Alert,
    AuditRow,
    Candidate,
    Case,
    Decision,
    Mention,
    Person,
    SourceState,
    now,
)
from intake.people import accounts
from intake.review import decisions
from intake.settings import Settings
from intake.web.app import create_app
from intake.web.present import ADAPTERS, Presenter
from nlp.jurisdiction import load_jurisdiction
from tests.intake.made import OUTAGE, PASSWORD, document, office, told

WEB = Path(__file__).parents[3] / "intake/web"

# What Apprise loads when it meets its first address.


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[Sessions]:
    """SQLite suffices here: the queries are tested on both engines below the console."""
    with office(
        tmp_path,
        ("rina", "officer", None),
        ("bos", "admin", None),
        ("ana", "analyst", None),
        ("hub", "focal", "VT-PLN-UP3DMI"),
    ) as made:
        yield made


@pytest.fixture
def client(factory: Sessions, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(factory, settings), base_url="http://127.0.0.1") as client:
        yield client


def token(html: str) -> str:
    return re.findall(r'name="csrf" value="([^"]+)"', html)[0]


def sign_in(client: TestClient, name: str = "rina") -> str:
    """Signed in; returns the queue page."""
    page = client.get("/masuk")
    answer = client.post("/masuk", data={"name": name, "password": PASSWORD, "csrf": token(page.text)})
    assert answer.status_code == 200
    assert str(answer.url).endswith("/")
    return answer.text


@pytest.fixture
def candidates(factory: Sessions) -> list[int]:
    with factory.begin() as session:
        one = told(session, document(1, "Listrik padam di Duri, NIK saya 1403094505850003 <script>alert(1)</script>", title="Listrik <b>Padam</b>", kind="article"),
                   pii=(), urgency="U2")  # fmt: skip
        two = told(session, document(2, "air keruh di Bangkinang"), sectors=(), regions=("14.01",), agencies=())
        assert one
        assert two
        return [one.id, two.id]


def test_nobody_sees_anything_unsigned(client: TestClient, candidates: list[int]) -> None:
    for path in (
        "/",
        f"/kandidat/{candidates[0]}",
        "/kasus",
        "/tren",
        "/tren.svg",
        "/sumber",
        "/pengguna",
        "/kontak",
        "/akun",
    ):
        answer = client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/masuk"), path
    assert client.get("/api/openapi.json").status_code == 401
    assert client.get("/sehat").json() == {"status": "ok"}
    assert client.get("/docs").status_code == 404


def test_the_original_of_a_post_is_opened_through_us_and_noted(
    client: TestClient, factory: Sessions, candidates: list[int]
) -> None:
    sign_in(client)
    page = client.get(f"/kandidat/{candidates[1]}").text
    path = re.findall(r"/sebutan/\d+/asli", page)[0]
    with factory.begin() as session:
        url = session.get_one(Mention, int(path.split("/")[2])).url
    assert url not in page
    asked = client.get(path).text
    assert url not in asked, "looking at the form opens nothing"
    refused = client.post(path, data={"csrf": token(asked), "reason": " x "})
    assert refused.status_code == 422 and url not in refused.text
    answer = client.post(path, data={"csrf": token(asked), "reason": "memeriksa tanggal unggahan"})
    assert f'href="{url}"' in answer.text
    with factory.begin() as session:
        (row,) = session.scalars(select(AuditRow).where(AuditRow.action == "pii.unmask"))
        assert (row.subject, row.detail["reason"]) == (f"mention:{path.split('/')[2]}", "memeriksa tanggal unggahan")
    assert client.get("/sebutan/999/asli", follow_redirects=False).status_code == 404


def test_a_wrong_password_tells_nothing_more(client: TestClient) -> None:
    for name in ("rina", "siapa"):
        page = client.get("/masuk")
        answer = client.post("/masuk", data={"name": name, "password": "salah", "csrf": token(page.text)})
        assert answer.status_code == 401
        assert "Nama atau kata sandi tidak cocok." in answer.text


def test_after_ten_wrong_ones_it_waits(client: TestClient) -> None:
    page = client.get("/masuk")
    codes = [
        client.post("/masuk", data={"name": "rina", "password": "x", "csrf": token(page.text)}).status_code
        for _ in range(11)
    ]
    assert codes == [401] * 10 + [429]


def test_the_queue_says_what_where_whose_how_sure_and_from_whom(client: TestClient, candidates: list[int]) -> None:
    html = unescape(sign_in(client))
    for words in (
        "Listrik <b>Padam</b>",
        "Kelistrikan",
        "Kabupaten Bengkalis",
        "PLN UP3 Dumai",
        "90%",
        "1 sumber berbeda · 1 penyebutan · 1 media",
        "Koran",
        "Tinggi",
    ):
        assert words in html, words


def test_crawled_markup_is_text_and_identity_numbers_are_covered(
    client: TestClient, candidates: list[int], factory: Sessions
) -> None:
    with factory.begin() as session:
        from intake.models import Mention

        mention = session.scalars(select(Mention).order_by(Mention.id)).first()
        assert mention is not None
        start = mention.text.index("1403")
        mention.analysis = {**(mention.analysis or {}), "pii": [{"start": start, "end": start + 16, "type": "nik"}]}
    sign_in(client)
    html = client.get(f"/kandidat/{candidates[0]}").text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "1403094505850003" not in html
    assert "[NIK]" in html
    assert '<mark class="failure">' in html
    assert 'rel="noopener noreferrer external"' in html


def test_deciding_loads_the_next_and_can_be_undone(
    client: TestClient, candidates: list[int], factory: Sessions
) -> None:
    sign_in(client)
    page = client.get(f"/kandidat/{candidates[0]}").text
    version = re.findall(r'name="version" value="(\d+)"', page)[0]
    answer = client.post(
        f"/kandidat/{candidates[0]}/putusan",
        data={"csrf": token(page), "version": version, "action": "accept", "track": "refer", "note": "cek"},
    )
    assert str(answer.url).endswith(f"/kandidat/{candidates[1]}")
    assert "Diterima: Teruskan ke instansi." in answer.text
    told = unescape(re.sub(r"<[^>]+>", "", re.findall(r'role="status".*?</p>', answer.text, re.DOTALL)[0]))
    assert re.search(rf"Kandidat nomor {candidates[0]}: Listrik <b>Padam</b>. Kasus \d{{4}}-0001", told)
    undo = re.findall(r'action="(/putusan/\d+/urungkan)"', answer.text)[0]
    assert "Listrik" in client.get("/kasus").text
    back = client.post(undo, data={"csrf": token(answer.text)})
    assert str(back.url).endswith(f"/kandidat/{candidates[0]}")
    assert "Diurungkan." in back.text
    twice = client.post(undo, data={"csrf": token(answer.text)})
    assert str(twice.url).endswith(f"/kandidat/{candidates[0]}")
    assert "sudah diurungkan oleh rina" in twice.text
    with factory.begin() as session:
        assert session.scalars(select(Case.state)).all() == ["withdrawn"]


def test_a_late_decision_is_refused_and_says_who_was_first(client: TestClient, candidates: list[int]) -> None:
    sign_in(client)
    page = client.get(f"/kandidat/{candidates[0]}").text
    data = {"csrf": token(page), "version": "1", "action": "accept", "track": "watch"}
    client.post(f"/kandidat/{candidates[0]}/putusan", data=data)
    late = data | {"action": "not_relevant", "reason": "settled"}
    answer = client.post(f"/kandidat/{candidates[0]}/putusan", data=late)
    assert "sudah diputuskan oleh rina" in answer.text


def test_what_came_after_is_named_when_something_is_not_undone(
    client: TestClient, candidates: list[int], factory: Sessions
) -> None:
    sign_in(client)
    path = f"/kandidat/{candidates[0]}"
    data = {"csrf": token(client.get(path).text), "version": "1", "action": "snooze", "days": "7"}
    assert "Ditunda sampai " in client.post(f"{path}/putusan", data=data).text
    page = client.get(path).text
    assert "Ditunda sampai" in page
    back = client.post(f"{path}/putusan", data=data | {"version": "2", "days": "0"})
    assert "Dikembalikan ke antrean." in back.text
    closed = {"version": "3", "action": "outside", "reason": "private_matter"}
    assert "Ditutup: Urusan pribadi." in client.post(f"{path}/putusan", data=data | closed).text
    with factory.begin() as session:
        first = session.scalars(select(Decision.id).order_by(Decision.id)).first()
    refused = client.post(f"/putusan/{first}/urungkan", data={"csrf": data["csrf"]}).text
    assert "putusan lain oleh rina (Ditutup karena di luar wilayah atau kewenangan)" in refused
    again = client.post(f"{path}/putusan", data=data | {"version": "4", "action": "reopen"})
    assert "Dikembalikan ke antrean." in again.text


def test_a_duplicate_is_told_on_both_pages(client: TestClient, candidates: list[int]) -> None:
    sign_in(client)
    one, two = candidates
    data = {"csrf": token(client.get(f"/kandidat/{two}").text), "version": "1", "action": "duplicate"}
    merged = client.post(f"/kandidat/{two}/putusan", data=data | {"duplicate_of": f"#{one}"})
    assert f"Digabung: #{candidates[1]} masuk ke #{candidates[0]}" in merged.text
    original = client.get(f"/kandidat/{one}").text
    for words in ("digabung karena: putusan petugas", f"Kandidat nomor {two}"):
        assert words in original, words
    assert f'href="/kandidat/{one}"' in client.get(f"/kandidat/{two}").text


@pytest.mark.parametrize("data", [{}, {"csrf": "x"}, {"csrf": "é"}])
def test_a_form_without_its_token_is_refused(
    client: TestClient, candidates: list[int], factory: Sessions, data: dict[str, str]
) -> None:
    sign_in(client)
    answer = client.post(f"/kandidat/{candidates[0]}/putusan", data=data | {"version": "1", "action": "reopen"})
    assert answer.status_code == 403
    with factory.begin() as session:
        assert session.scalars(select(Decision)).all() == []


def test_another_site_cannot_send_forms(client: TestClient, candidates: list[int]) -> None:
    html = sign_in(client)
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = client.post("/keluar", data={"csrf": token(html)}, headers=headers)
        assert answer.status_code == 403


PAGES = ("/", "/kasus", "/tren", "/sumber", "/pengguna", "/kontak", "/akun")


@pytest.mark.parametrize("path", ["/masuk", *PAGES, "/tidak-ada", "/static/kentongan.css"])
def test_every_answer_carries_the_headers(client: TestClient, path: str) -> None:
    sign_in(client, "bos")
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert (headers.get("cache-control") == "no-store") == (not path.startswith("/static"))


@pytest.mark.parametrize("path", [*PAGES, "/kandidat/1"])
def test_no_page_needs_inline_code(client: TestClient, candidates: list[int], path: str) -> None:
    sign_in(client, "bos")
    html = client.get(path).text
    assert not re.search(r"\son\w+=|<style|style=|<script(?! src=)|javascript:", html)


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("rina", {"/pengguna", "/kontak"}),
        ("ana", {"/pengguna", "/kontak"}),
        ("hub", {"/pengguna", "/kontak", "/tren", "/sumber"}),
        ("bos", set()),
    ],
)
def test_each_role_reads_its_own(client: TestClient, name: str, refused: set[str]) -> None:
    html = sign_in(client, name)
    for path in PAGES:
        assert (client.get(path).status_code == 403) == (path in refused), path
        assert (f'href="{path}"' not in html) == (path in refused), path


def test_a_focal_point_reads_nothing_that_is_not_its_own(client: TestClient, candidates: list[int]) -> None:
    html = sign_in(client, "hub")
    assert "kandidat/" not in html
    assert client.get(f"/kandidat/{candidates[0]}").status_code == 404


def test_an_analyst_reads_but_does_not_decide(client: TestClient, candidates: list[int]) -> None:
    sign_in(client, "ana")
    page = client.get(f"/kandidat/{candidates[0]}").text
    assert "/putusan" not in page
    answer = client.post(
        f"/kandidat/{candidates[0]}/putusan", data={"csrf": token(page), "version": "1", "action": "reopen"}
    )
    assert "Peran Anda tidak boleh memutuskan" in answer.text


def test_english_for_whoever_wants_it(client: TestClient, candidates: list[int]) -> None:
    html = sign_in(client)
    assert '<html lang="id">' in html
    english = client.post("/akun/bahasa", data={"csrf": token(html), "language": "en", "back": "/kasus"})
    assert str(english.url).endswith("/kasus")
    assert '<html lang="en">' in english.text
    assert "No cases yet" in english.text
    for back in ("//evil.example", "https://evil.example", "/\\evil.example"):
        answer = client.post(
            "/akun/bahasa", data={"csrf": token(english.text), "language": "en", "back": back}, follow_redirects=False
        )
        assert answer.headers["location"] == "/"


def test_an_empty_queue_says_why(client: TestClient, factory: Sessions) -> None:
    assert "Belum ada sumber yang didengarkan." in sign_in(client)
    from tests.intake.made import NOW

    with factory.begin() as session:
        session.add(source(status="unreachable", visited_at=NOW))
    html = client.get("/").text
    assert "Tidak satu pun dari 1 sumber menjawab" in html
    assert "Belum ada satu pun teks yang terdengar, karena tidak ada sumber yang menjawab." in html
    assert "tidak terjangkau" in client.get("/sumber").text
    with factory.begin() as session:
        session.scalars(select(SourceState)).one().status = "empty"
    assert "Sumber menjawab, tetapi belum memuat satu teks pun." in client.get("/").text
    with factory.begin() as session:
        told(session, document(1, "makan siang"), failure="no", p={"yes": 0.0, "vague": 0.0, "no": 1.0})
    assert "belum ada yang menceritakan kegagalan" in client.get("/").text
    with factory.begin() as session:
        one = told(session, document(2))
        assert one is not None
        one.state = "not_relevant"
    assert "Semua sudah diputuskan." in client.get("/").text


def source(**more: Any) -> SourceState:
    given = {
        "name": "A",
        "adapter": "feed",
        "url": "https://a.example",
        "kind": "article",
        "interval": 15,
        "enabled": True,
    }
    given |= {"probed": True, "options": {}, "validators": {}, "notes": [], "requests": 1, "documents": 0}
    return SourceState(**(given | more))


def test_invented_events_say_so_on_every_page(client: TestClient, candidates: list[int], factory: Sessions) -> None:
    words = "Data peragaan: semua kejadian di sini rekaan"
    assert words not in client.get("/masuk").text
    with factory.begin() as session:
        session.add(source(options={"demo": True}))
    assert words in client.get("/masuk").text
    html = sign_in(client, "bos")
    for path in (*PAGES, f"/kandidat/{candidates[0]}", "/tidak-ada"):
        assert words in client.get(path).text, path
    english = client.post("/akun/bahasa", data={"csrf": token(html), "language": "en"})
    assert "Demonstration data: every event here is invented" in english.text


def test_sources_are_told_in_words(client: TestClient, factory: Sessions) -> None:
    note = {"code": "robots", "message": "Situs melarang.", "english": "The site forbids.", "url": ""}
    with factory.begin() as session:
        session.add(source(notes=[note]))
    html = sign_in(client)
    page = client.get("/sumber").text
    for words in ("langganan berita (RSS)", "setiap 15 menit", "Situs melarang."):
        assert words in page, words
    client.post("/akun/bahasa", data={"csrf": token(html), "language": "en"})
    page = client.get("/sumber").text
    for words in ("news feed (RSS)", "every 15 minutes", "The site forbids.", "1 note from the last visit"):
        assert words in page, words


def test_each_adapter_has_a_word_in_both_languages() -> None:
    for name in names():
        words = [Presenter(language, "riau")._(ADAPTERS[name]) for language in ("id", "en")]
        assert words[0] != words[1], name
        assert name not in words


def test_a_source_that_is_switched_off_promises_no_visit(client: TestClient, factory: Sessions) -> None:
    told = asdict(make_note("robots", "https://a.example", "asked-again"))
    with factory.begin() as session:
        session.add(source(notes=[told], status="blocked", health="blocked", cause={"reason": "robots", "note": told}))
    html = sign_in(client, "bos")
    assert "dikunjungi lagi pada waktunya" in client.get("/sumber").text
    client.post("/sumber/1", data={"csrf": token(html), "enabled": "false"})
    page = client.get("/sumber").text
    assert "melarang alamat tersebut." in page
    assert "dikunjungi lagi pada waktunya" not in page


def test_each_source_says_how_it_is_and_those_in_trouble_come_first(client: TestClient, factory: Sessions) -> None:
    figures = {
        "until": now().astimezone(WIB).date().isoformat(),
        "new": [0] * 26 + [4, 2],
        "answered": 10,
        "unchanged": 9,
        "known": 0.8,
        "yields": {"titles": [1.0, 1.0], "dates": [None, 0.5], "bodies": [None, None]},
    }
    at = datetime(2026, 11, 24, 5, tzinfo=UTC)
    well = {"health": "well", "status": "ok", "pace": 20.0, "expected_at": at + timedelta(hours=12), "figures": figures}
    gone = {"health": "gone", "health_since": at, "status": "unreachable", "cause": {"visits": 4}, "strain": 2.0}
    with factory.begin() as session:
        session.add(source(name="Awan", visited_at=at, success_at=at, **well))
        session.add(source(name="Badai", url="https://b.example", visited_at=at, due_at=at, **gone))
        session.add(source(name="Cerah", url="https://c.example", enabled=False))
        session.add(source(name="Dingin", url="https://d.example"))
        session.add(source(name="Embun", url="https://b.example/2", wait_until=now() + timedelta(hours=2)))
    html = sign_in(client)
    page = client.get("/sumber").text
    assert re.findall(r"<h2>(\w+)</h2>", page) == ["Badai", "Awan", "Dingin", "Embun", "Cerah"]
    for words in (
        '<span class="state gone">hilang</span>',
        "Sejak Sel, 24 Nov 12.00 WIB alamat ini menjawab bahwa isinya tidak ada lagi (4 kunjungan).",
        "setiap 60 menit, karena gagal",
        "setiap 20 menit, disesuaikan",
        "<dd>Sel, 24 Nov</dd>",
        "<dd>90%</dd>",
        "<dd>80%</dd>",
        "100%, biasanya 100%",
        "<dd>biasanya 50%</dd>",
        "atas permintaan situs itu",
        "6 teks baru dalam 28 hari terakhir, paling banyak 4 sehari",
    ):
        assert words in page, words
    assert page.count("atas permintaan situs itu") == 2, "sources of one host wait together"
    assert re.findall(r"<h2>(\w+)</h2>", client.get("/sumber?group=bad").text) == ["Badai"]
    assert re.findall(r"<h2>(\w+)</h2>", client.get("/sumber?text=DING").text) == ["Dingin"]
    assert "Tidak ada sumber yang cocok." in client.get("/sumber?group=off&text=awan").text
    assert client.get(f"/sumber?number={'9' * 30}").status_code == 422
    client.post("/akun/bahasa", data={"csrf": token(html), "language": "en"})
    page = client.get("/sumber").text
    for words in (">gone<", "every 60 minutes, as it fails", "6 new texts in the last 28 days", "Tue, 24 Nov"):
        assert words in page, words


def test_many_sources_are_shown_a_page_at_a_time(client: TestClient, factory: Sessions) -> None:
    with factory.begin() as session:
        session.add_all(source(name=f"S{number:02}", url=f"https://{number}.example") for number in range(51))
    sign_in(client)
    page = client.get("/sumber?text=s").text
    assert len(re.findall("<h2>", page)) == 50
    (following,) = re.findall(r'href="(/sumber\?[^"]+)" rel="next"', page)
    page = client.get(unescape(following)).text
    assert re.findall(r"<h2>(\w+)</h2>", page) == ["S50"]
    assert 'rel="next"' not in page


def test_a_new_address_is_taken_over_by_an_administrator(client: TestClient, factory: Sessions) -> None:
    with factory.begin() as session:
        session.add(source(name="A", health="moved", moved_to="https://baru.example/feed"))
        session.add(source(name="B", url="https://b.example", health="moved", moved_to="https://b2.example"))
        session.add(source(name="C", url="https://b2.example"))
    html = sign_in(client)
    assert "Gunakan alamat baru" not in client.get("/sumber").text
    assert client.post("/sumber/1/pindah", data={"csrf": token(html)}).status_code == 403
    html = sign_in(client, "bos")
    assert "Gunakan alamat baru" in client.get("/sumber").text
    page = client.post("/sumber/1/pindah", data={"csrf": token(html)}).text
    assert "Mulai sekarang alamat yang baru yang didengarkan." in page
    assert "Alamat lama, sudah diganti" in page
    assert "sudah menjadi milik sumber lain" in client.post("/sumber/2/pindah", data={"csrf": token(html)}).text
    assert "sudah menjadi milik sumber lain" in client.post("/sumber/1/pindah", data={"csrf": token(html)}).text
    assert client.post("/sumber/9/pindah", data={"csrf": token(html)}).status_code == 404
    with factory.begin() as session:
        assert session.scalars(select(SourceState.url).order_by(SourceState.id)).first() == "https://baru.example/feed"


def test_a_message_to_the_operator_that_failed_stands_on_the_contacts_page(
    client: TestClient, factory: Sessions
) -> None:
    with factory.begin() as session:
        session.add(Alert(subject="1 sumber terganggu", body="", state="failed", attempts=9, error="not_taken"))
    html = sign_in(client, "bos")
    page = client.get("/kontak").text
    assert "operator sumber" in page
    assert "Layanan di alamat itu tidak menerima pesannya." in page
    assert "Pesan itu akan dikirim lagi" in client.post("/kontak/pesan/1", data={"csrf": token(html)}).text


def test_words_are_sought_in_what_was_told(client: TestClient, candidates: list[int]) -> None:
    sign_in(client)
    found = client.get("/", params={"text": "BANGKINANG"}).text
    assert f"/kandidat/{candidates[1]}" in found
    assert f"/kandidat/{candidates[0]}" not in found
    assert client.get("/?text=a%00b").status_code == 422


@pytest.mark.parametrize(
    "path", ["/kandidat/999999999999999999999999", "/kandidat/0", "/kandidat/x", "/kandidat/4294967296"]
)
def test_a_number_no_candidate_has_is_not_found(client: TestClient, path: str) -> None:
    sign_in(client)
    assert client.get(path).status_code == 404


def test_strange_numbers_are_refused(client: TestClient, candidates: list[int]) -> None:
    page = sign_in(client)
    many = "9" * 30
    data = {"csrf": token(page), "version": many, "action": "snooze"}
    assert client.post(f"/kandidat/{candidates[0]}/putusan", data=data).status_code == 422
    assert client.post(f"/putusan/{many}/urungkan", data=data).status_code == 404
    for path in (f"/kasus?after=~-{many}", f"/?after=1.0~{many}"):
        assert client.get(path).status_code == 422, path
    client.cookies.set("kentongan_flash", f"accept:{many}:x")
    assert client.get("/").status_code == 200


def test_an_error_is_told_in_the_persons_language(client: TestClient) -> None:
    html = sign_in(client)
    client.post("/akun/bahasa", data={"csrf": token(html), "language": "en"})
    answer = client.get("/tidak-ada")
    assert answer.status_code == 404
    assert "That page does not exist, or is not for you." in answer.text


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost:8080", True),
        ("[::1]:8080", True),
        ("127.0.0.1", True),
        ("evil.example", False),
        ("", False),
        ("[", False),
    ],
)
def test_only_this_machines_names_without_tls(
    client: TestClient, factory: Sessions, settings: Settings, host: str, known: bool
) -> None:
    answer = client.get("/masuk", headers={"host": host})
    assert answer.status_code == (200 if known else 400)
    assert known == ("Kata sandi" in answer.text)
    with TestClient(create_app(factory, settings.model_copy(update={"behind_tls": True}))) as behind:
        assert behind.get("/sehat", headers={"host": "konsol.example"}).status_code == 200


def test_one_is_one_in_english(client: TestClient, candidates: list[int]) -> None:
    html = sign_in(client)
    english = client.post("/akun/bahasa", data={"csrf": token(html), "language": "en"}).text
    assert "1 independent voice · 1 mention · 1 outlet" in english
    assert "2 candidates" in english


@pytest.mark.parametrize(
    ("reason", "indonesian", "english"),
    [
        ("disebut: pln_123; tempat menurut asal sumber, belum pasti", "disebut: pln_123", "named: pln_123"),
        ("lampu jalan → Dinas Perhubungan", "karena lampu jalan", "because of street lights"),
        ("jalan nasional (Jalan Soebrantas) → BPJN Riau (perlu dipastikan)",
         "karena jalan nasional (Jalan Soebrantas) (perlu dipastikan)",
         "because of national road (Jalan Soebrantas) (to be confirmed)"),
        ("substansi pendidikan → Dinas Pendidikan", "karena bidang pendidikan", "because of the field of education"),
        ("", "", ""),
    ],
)  # fmt: skip
def test_why_this_agency_in_both_languages(reason: str, indonesian: str, english: str) -> None:
    assert Presenter("id", "riau").why_agency(reason) == indonesian
    assert Presenter("en", "riau").why_agency(reason) == english


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ({"minutes": 59}, "59 menit yang lalu"),
        ({"days": 6}, "6 hari yang lalu"),
        ({"days": 10}, "10 hari yang lalu"),
        ({"days": 14, "hours": 1}, "2 minggu yang lalu"),
    ],
)
def test_no_week_is_made_of_six_days(gone: dict[str, int], words: str) -> None:
    assert Presenter("id", "riau").ago(now() - timedelta(**gone)) == words


def test_a_duplicate_says_where_its_mentions_went() -> None:
    merged = Candidate(duplicate_of=7, mention_count=0, voice_count=0, source_count=0)
    assert Presenter("id", "riau").told(merged) == "penyebutannya ada pada #7"


def test_what_is_put_off_or_muted_stays_in_sight(client: TestClient, candidates: list[int], factory: Sessions) -> None:
    html = sign_in(client)
    data = {"csrf": token(html), "version": "1", "action": "snooze", "days": "3"}
    until = now() + timedelta(days=3, minutes=-1)
    said = client.post(f"/kandidat/{candidates[0]}/putusan", data=data).text
    assert f"Ditunda sampai {Presenter('id', 'riau').day(until.astimezone(WIB).date())}" in said
    with factory.begin() as session:
        region = session.get_one(Candidate, candidates[1]).region
    day = (now().astimezone(WIB) + timedelta(days=5)).date()
    muted = {"csrf": token(html), "region": region, "reason": "sedang diperbaiki", "until": day.isoformat()}
    page = client.post("/bisukan", data=muted).text
    assert "Dibisukan." in page and f"<td>{Presenter('id', 'riau').day(day)}</td>" in page
    empty = client.get("/").text
    assert "Semua sudah diputuskan" not in empty
    assert '<a href="/?state=snoozed">1 ditunda</a>' in empty and '<a href="/?state=muted">1 dibisukan</a>' in empty
    for state, number in (("snoozed", candidates[0]), ("muted", candidates[1])):
        listed = client.get(f"/?state={state}").text
        assert re.findall(r'href="/kandidat/(\d+)[^"]*" data-row', listed) == [str(number)]
    assert "ditunda sampai" in client.get("/?state=snoozed").text


def test_where_the_source_is_at_home_is_only_a_guess() -> None:
    guessed = Candidate(
        agency=Agency(region="14.71"), agency_reason="disebut: dishub; tempat menurut asal sumber, belum pasti"
    )
    assert Presenter("id", "riau").place(guessed) == "mungkin Kota Pekanbaru (menurut asal sumber)"


def test_people_are_added_and_the_password_is_shown_once(client: TestClient) -> None:
    sign_in(client, "bos")
    page = client.get("/pengguna").text
    made = client.post("/pengguna", data={"csrf": token(page), "name": "Dewi", "role": "officer"}).text
    password = re.findall(r'class="secret">([^<]+)<', made)[0]
    assert password not in client.get("/pengguna").text
    again = client.post("/pengguna", data={"csrf": token(page), "name": "dewi", "role": "head"})
    assert again.status_code == 422
    assert "Sudah ada akun bernama dewi; pilih nama lain." in again.text
    assert 'value="dewi"' in again.text
    assert re.search(r'value="head" selected', again.text)
    client.post("/pengguna/Dewi", data={"csrf": token(page), "action": "disable"})
    assert "Aktifkan" in client.get("/pengguna").text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "x"}, "Nama harus 2 sampai 60 huruf"),
        ({"role": "boss"}, "Peran itu tidak dikenal."),
        ({"role": "focal"}, "pilih instansinya"),
        ({"role": "focal", "agency": "Dinas Entah"}, "Tidak ada instansi bernama Dinas Entah"),
    ],
)
def test_what_makes_no_account_is_said_in_words(client: TestClient, given: dict[str, str], words: str) -> None:
    sign_in(client, "bos")
    data = {"csrf": token(client.get("/pengguna").text), "name": "Dewi", "role": "officer"} | given
    answer = client.post("/pengguna", data=data)
    assert answer.status_code == 422
    assert words in answer.text


def test_a_focal_point_is_made_by_the_name_of_its_agency(client: TestClient) -> None:
    sign_in(client, "bos")
    data = {"csrf": token(client.get("/pengguna").text), "name": "Hendra", "role": "focal"}
    answer = client.post("/pengguna", data=data | {"agency": "dinas perhubungan kota pekanbaru"})
    assert "Dinas Perhubungan Kota Pekanbaru" in re.findall(r">Hendra</a>.*?</tr>", answer.text, re.DOTALL)[0]


def test_a_new_password_is_asked_for_twice(client: TestClient, factory: Sessions) -> None:
    html = sign_in(client, "bos")
    asked = client.post("/pengguna/bos", data={"csrf": token(html), "action": "password"})
    assert "Ini akun Anda sendiri" in asked.text
    assert client.get("/pengguna").status_code == 200
    done = client.post("/pengguna/bos", data={"csrf": token(html), "action": "password", "sure": "true"})
    assert 'class="secret"' in done.text
    assert str(client.get("/pengguna").url).endswith("/masuk")
    assert client.post("/pengguna/siapa", data={"csrf": token(html), "action": "password"}).url.path == "/masuk"


def test_contacts_only_by_listed_ways(client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "addresses_of", lambda host: ["10.0.0.7"] if host == "dalam.example" else [host])
    sign_in(client, "bos")
    page = client.get("/kontak").text
    data = {"csrf": token(page), "agency": "RI-1471-DISHUB", "name": "Pak Adi", "address": "console://"}
    added = client.post("/kontak", data=data).text
    for words in ("Pak Adi", "catatan layanan ini saja (percobaan)", "Dinas Perhubungan Kota Pekanbaru"):
        assert words in added, words
    for given, words in (
        ({"address": "file:///etc/passwd"}, "Pesan tidak dapat dikirim ke alamat “file”"),
        ({"address": "json://127.0.0.1/x"}, "127.0.0.1 berada di jaringan dalam"),
        ({"address": "json://hook.example:9911/x"}, "hook.example memakai pintu yang tidak diizinkan"),
        ({"address": "mailto://a:b@kantor.example"}, "Tulis alamat surelnya saja"),
        ({"address": "jsons://dalam.example/x"}, "dalam.example berada di jaringan dalam (10.0.0.7)"),
        ({"agency": "X"}, "Tidak ada instansi bernama X"),
        ({"name": "A"}, "Nama harus 2 sampai 120 huruf"),
    ):
        answer = client.post("/kontak", data=data | {"name": "Bu Ida"} | given)
        assert answer.status_code == 422
        assert words in unescape(answer.text)
        assert f'value="{given.get("name", "Bu Ida")}"' in answer.text
    mail = data | {"name": "Bu Ida", "address": "ida@dishub.example"}
    assert "mengisi pengaturan mail_host dan mail_sender" in client.post("/kontak", data=mail).text
    client.app.state.settings = settings.model_copy(update={"mail_host": "mail.example", "mail_sender": "a@b.example"})  # type: ignore[attr-defined]
    plain = client.post("/kontak", data=mail).text
    assert "<td>ida@dishub.example</td>" in plain
    assert "mailto" not in plain


def test_a_failed_message_is_shown_and_sent_again(client: TestClient, candidates: list[int], factory: Sessions) -> None:
    with factory.begin() as session:
        session.add(AgencyContact(agency_id="VT-PLN-UP3DMI", name="Ibu Rina", address="json://hook.example/t0k3n"))
        session.flush()
        person = session.scalars(select(Person).where(Person.name == "rina")).one()
        decisions.decide(session, person, candidates[0], 1, "accept", track="refer")
        session.scalars(select(Alert)).one().state = "failed"
        session.scalars(select(Alert)).one().error = "not_taken"
    html = sign_in(client, "bos")
    assert '1 pesan gagal terkirim">1</span>' in html
    page = client.get("/kontak").text
    for words in ("Ibu Rina", "Layanan di alamat itu tidak menerima pesannya.", "web hook di hook.example"):
        assert words in page, words
    assert "t0k3n" not in page
    assert "Ibu Rina: gagal terkirim" in client.get(f"/kandidat/{candidates[0]}").text
    again = client.post("/kontak/pesan/1", data={"csrf": token(page)})
    assert "akan dikirim lagi" in again.text
    assert client.post("/kontak/pesan/1", data={"csrf": token(page)}).status_code == 404
    with factory.begin() as session:
        alert = session.scalars(select(Alert)).one()
        assert (alert.state, alert.attempts) == ("waiting", 0)


def test_a_candidate_leads_to_its_neighbours(client: TestClient, candidates: list[int]) -> None:
    sign_in(client)
    first, second = (client.get(f"/kandidat/{number}").text for number in candidates)
    assert re.search(rf'href="/kandidat/{candidates[1]}" rel="next" data-key="j"', first)
    assert 'rel="prev"' not in first
    assert re.search(rf'href="/kandidat/{candidates[0]}" rel="prev" data-key="k"', second)


def test_changing_the_password_ends_the_session(client: TestClient) -> None:
    html = sign_in(client)
    wrong = client.post("/akun/sandi", data={"csrf": token(html), "old": "salah", "new": "sandi baru yang panjang"})
    assert wrong.status_code == 422
    short = client.post("/akun/sandi", data={"csrf": token(html), "old": PASSWORD, "new": "pendek"})
    assert short.status_code == 422
    done = client.post("/akun/sandi", data={"csrf": token(html), "old": PASSWORD, "new": "sandi baru yang panjang"})
    assert str(done.url).endswith("/masuk")
    assert "Kata sandi diganti" in done.text


def test_guessing_the_old_password_is_slowed_as_at_the_door(client: TestClient) -> None:
    html = sign_in(client)
    given = {"csrf": token(html), "new": "sandi baru yang panjang"}
    guesses = [client.post("/akun/sandi", data=given | {"old": "salah"}).status_code for _ in range(11)]
    assert guesses == [422] * 10 + [429]
    slowed = client.post("/akun/sandi", data=given | {"old": PASSWORD})
    assert slowed.status_code == 429 and "Tunggu 5 menit" in slowed.text


def test_large_requests_are_refused(client: TestClient) -> None:
    html = sign_in(client)
    assert client.post("/keluar", data={"csrf": token(html), "x": "y" * 1_100_000}).status_code == 413


def test_a_failure_gets_a_number_and_no_detail(
    factory: Sessions, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from intake.casework import cases

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("rahasia dapur")

    app = create_app(factory, settings)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        sign_in(client)
        monkeypatch.setattr(cases, "page", fail)
        answer = client.get("/kasus")
    assert answer.status_code == 500
    assert "rahasia" not in answer.text
    assert re.search(r"nomor [0-9a-f]{8}", answer.text)


def test_behind_tls_cookies_are_bound_to_the_host(factory: Sessions, settings: Settings) -> None:
    secure = settings.model_copy(update={"behind_tls": True})
    with TestClient(create_app(factory, secure), base_url="https://testserver") as client:
        sign_in(client)
        assert "__Host-kentongan" in client.cookies
        assert "max-age" in client.get("/").headers["strict-transport-security"]


MESSAGE = r"""(?:\b_|say\._|self\._|present\._)\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+|'(?:[^'\\]|\\.)*')"""


def messages() -> set[str]:
    """Every message of templates and code, and what the rules of competence call a matter."""
    tables = load_jurisdiction("riau")
    found = {rule.reason for rule in [*tables.rules, *tables.defaults.values()]}
    for path in [*WEB.glob("templates/*.html"), *WEB.rglob("*.py")]:
        found |= {ast.literal_eval(f"({one[1]})") for one in re.finditer(MESSAGE, path.read_text())}
    return found - {""}


def test_every_message_has_an_english_one_and_none_is_left_over() -> None:
    from intake.web.i18n import catalogue

    english = catalogue("en")
    assert messages() - set(english) == set()
    assert set(english) - messages() == set()
    for indonesian, forms in english.items():
        for form in forms:
            assert set(re.findall(r"\{\w+\}", indonesian)) == set(re.findall(r"\{\w+\}", form)), indonesian


def test_the_chart_is_drawn(client: TestClient, candidates: list[int]) -> None:
    sign_in(client)
    answer = client.get("/tren.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert b"Sumber berbeda per pekan" in answer.content
    assert client.get("/tren.svg?narrow=true").content != answer.content
    assert OUTAGE[:8] not in answer.text


# ---- the API


@pytest.fixture
def api(client: TestClient, factory: Sessions) -> TestClient:
    with factory.begin() as session:
        client.headers["authorization"] = f"Bearer {accounts.make_token(session, 'rina')}"
    return client


def test_the_api_wants_a_token_and_takes_no_cookie(client: TestClient, candidates: list[int]) -> None:
    sign_in(client)
    for headers in ({}, {"authorization": "Bearer salah"}, {"authorization": "Basic x"}):
        answer = client.get("/api/v1/queue", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_api_pages_decides_and_undoes(api: TestClient, candidates: list[int]) -> None:
    first = api.get("/api/v1/queue", params={"limit": 1}).json()
    second = api.get("/api/v1/queue", params={"limit": 1, "after": first["next"]}).json()
    assert [page["items"][0]["id"] for page in (first, second)] == candidates
    assert second["next"] is None
    one = api.get(f"/api/v1/candidates/{candidates[0]}").json()
    assert one["mentions"][0]["source"] == "Koran"
    body = {"candidate_id": candidates[0], "version": one["version"], "action": "accept", "track": "rco"}
    made = api.post("/api/v1/decisions", json=body)
    assert made.status_code == 201
    assert api.post("/api/v1/decisions", json=body).status_code == 409
    assert api.post(f"/api/v1/decisions/{made.json()['id']}/undo").json()["action"] == "undo"
    assert api.post("/api/v1/decisions", json={**body, "version": 3, "track": None}).status_code == 422
    assert api.post("/api/v1/decisions", json={**body, "state": "accepted"}).status_code == 422
    assert api.get("/api/v1/candidates/999").status_code == 404
    assert api.get("/api/v1/queue", params={"after": "x"}).status_code == 422
    assert api.get("/api/v1/sources").json() == {"items": [], "next": None}


def test_the_api_says_in_words_why_not(api: TestClient, candidates: list[int]) -> None:
    body = {"candidate_id": candidates[0], "version": 1, "action": "accept"}
    refused = api.post("/api/v1/decisions", json=body)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json() == {
        "type": "about:blank",
        "title": "Invalid",
        "status": 422,
        "detail": "Choose a track to accept this candidate. Nothing was changed.",
        "code": "needs_track",
    }
    made = api.post("/api/v1/decisions", json=body | {"track": "refer"}).json()
    late = api.post("/api/v1/decisions", json=body | {"track": "refer"}).json()
    assert (late["code"], "decided by rina" in late["detail"]) == ("changed", True)
    undo = f"/api/v1/decisions/{made['id']}/undo"
    assert api.post(undo).status_code == 201
    assert api.post(undo).json()["code"] == "already_undone"
    assert "{" not in api.post(undo).json()["detail"]
    assert api.post("/api/v1/decisions", json=body | {"track": "refer"}).json()["code"] == "not_as_seen"


def test_the_api_refuses_numbers_no_row_can_have(api: TestClient, candidates: list[int]) -> None:
    many = 10**30
    body = {"candidate_id": candidates[0], "version": 1, "action": "duplicate", "duplicate_of": 2}
    for name in ("candidate_id", "version", "duplicate_of"):
        assert api.post("/api/v1/decisions", json=body | {name: many}).status_code == 422
    assert api.get(f"/api/v1/candidates/{many}").status_code == 404
    assert api.post(f"/api/v1/decisions/{many}/undo").status_code == 404
    assert api.get("/api/v1/queue", params={"after": f"1.0~{many}"}).status_code == 422


def test_the_api_describes_itself_to_a_session_or_a_token(client: TestClient, factory: Sessions) -> None:
    with factory.begin() as session:
        secret = accounts.make_token(session, "rina")
    described = client.get("/api/openapi.json", headers={"authorization": f"Bearer {secret}"}).json()
    assert client.get("/api/openapi.json", headers={"authorization": "Bearer salah"}).status_code == 401
    sign_in(client)
    assert client.get("/api/openapi.json").json() == described
    assert described["info"]["version"] == version("kentongan")
    assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    decision = described["components"]["schemas"]["DecisionIn"]["properties"]
    assert decision["reason"]["anyOf"][0]["enum"] == [code for codes in REASONS.values() for code in codes]
    assert decision["track"]["anyOf"][0]["enum"] == list(TRACKS)
    assert "Rapid response (RCO)" in decision["track"]["description"]
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert list(operation["security"][0]) == ["token"], path
            assert "application/problem+json" in operation["responses"]["401"]["content"], path
    assert "409" in described["paths"]["/api/v1/decisions"]["post"]["responses"]
    assert "Problem" in described["components"]["schemas"]
    assert {
        "/api/v1/queue",
        "/api/v1/candidates/{candidate_id}",
        "/api/v1/decisions",
        "/api/v1/decisions/{decision_id}/undo",
        "/api/v1/sources",
    } <= set(described["paths"])


def test_a_disabled_persons_token_is_dead(api: TestClient, factory: Sessions) -> None:
    with factory.begin() as session:
        session.scalars(select(Person).where(Person.name == "rina")).one().disabled = True
    assert api.get("/api/v1/queue").status_code == 401
