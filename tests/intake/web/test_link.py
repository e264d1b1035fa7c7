"""A pasted link: read by the crawler over real HTTP, shown as it was read, and never a way inward."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from html import escape, unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from crawler import Source
from intake import jobs, links, sources
from intake.database import Sessions
from intake.models import AuditRow, Candidate, Decision, Mention, Person, Remit, SourceState, now
from intake.people import accounts
from intake.settings import Settings
from intake.web.app import create_app
from nlp import Analysis, Guess, Text
from tests.intake.made import PASSWORD, office

TEXT = "Warga Rumbai mengeluhkan air yang tidak mengalir sejak tiga hari lalu, dan petugas belum memberi kabar. " * 3
YES = {"yes": 0.9, "vague": 0.07, "no": 0.03}
NO = {"yes": 0.02, "vague": 0.08, "no": 0.9}


class Press:
    """A site on loopback, with what a person may paste."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.go_on = Event()
        press = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                press.asked[self.path] += 1
                press.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path, status, kind, more = request.path.partition("?")[0], 200, "text/html", {}
        body = f"<html><body><article><h1>Air Mati di Rumbai</h1><time>Selasa, 24 November 2026 07.18 WIB</time><p>{escape(TEXT)}</p></article></body></html>"
        if path == "/robots.txt":
            kind, body = "text/plain", "User-agent: *\nDisallow: /tertutup\n"
        elif path == "/pendek":
            body = "<html><body><h1>Beranda</h1></body></html>"
        elif path == "/gambar":
            kind = "image/png"
        elif path == "/hilang":
            status = 404
        elif path == "/dalam":
            status, more = 302, {"Location": "http://127.0.0.2/rahasia"}
        elif path == "/lambat":
            self.go_on.wait(20)
        request.send_response(status)
        for name, value in ({"Content-Type": kind} | more).items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body.encode())


@pytest.fixture
def press() -> Iterator[Press]:
    one = Press()
    yield one
    one.go_on.set()
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[Sessions]:
    with office(tmp_path, ("rina", "officer", None), ("ana", "analyst", None)) as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{tmp_path / 'web.db'}", pseudonym_key="test")


def understanding(p: dict[str, float]) -> Callable[[Sequence[Text]], list[Analysis]]:
    """An analyser that is as sure as it is told to be."""
    told = max(p, key=lambda label: p[label])
    more: dict[str, Any] = {"sectors": (Guess("AIR", 0.8),), "regions": ("14.71",), "place": "riau", "model": "test"}
    return lambda texts: [Analysis(id=text.id, failure=told, p=p, **more) for text in texts]  # type: ignore[arg-type]


@pytest.fixture
def console(factory: Sessions, settings: Settings, press: Press) -> Iterator[Callable[..., TestClient]]:
    """A console of the demo, whose only press is ours; signed in."""
    with factory.begin() as session:
        sources.sync(
            session, [Source("Koran", "feed", f"{press.url}/feed", "14.71", options={"demo": True, "date": "time"})]
        )
    clients: list[TestClient] = []

    def start(p: dict[str, float] | None = YES, name: str = "rina") -> TestClient:
        understand = partial(jobs.analyse_now, factory, understanding(p), 0.5) if p else lambda mention_id: None
        client = TestClient(create_app(factory, settings, understand), base_url="http://127.0.0.1")
        clients.append(client)
        sign_in(client, name)
        return client

    yield start
    for client in clients:
        client.close()


def token(html: str) -> str:
    return re.findall(r'name="csrf" value="([^"]+)"', html)[0]


def sign_in(client: TestClient, name: str) -> None:
    page = client.get("/masuk")
    assert client.post("/masuk", data={"name": name, "password": PASSWORD, "csrf": token(page.text)}).is_success


def paste(client: TestClient, address: str, reason: str = "") -> Any:
    page = client.get("/tautan").text
    return client.post("/tautan", data={"csrf": token(page), "address": address, "reason": reason})


def count(factory: Sessions, what: Any) -> int:
    with factory.begin() as session:
        return session.scalar(select(func.count()).select_from(what)) or 0


# ---- reading


def test_a_pasted_article_is_read_understood_and_made_a_candidate(
    console: Callable[..., TestClient], press: Press, factory: Sessions
) -> None:
    client = console()
    answer = paste(client, f"Lihat ini: {press.url}/2026/11/air-mati-di-rumbai?utm_source=wa .", "warga menelepon")
    assert answer.status_code == 200
    assert re.search(r"/tautan/\d+$", str(answer.url))
    html = unescape(answer.text)
    for words in (
        "Air Mati di Rumbai",
        "mengeluhkan air yang tidak mengalir",
        "Tautan dari petugas",
        "Teks ini yang pertama tentang kejadian ini.",
        "Kota Pekanbaru",
        "hampir pasti (90%)",
        "<dt>Layanan</dt>",
        "<dt>Dugaan maladministrasi</dt>",
        "<dt>Instansi</dt>",
        "Catatan penempel: warga menelepon",
        "24 Nov 2026 07.18 WIB",
    ):
        assert words in html, words
    with factory.begin() as session:
        assert session.scalars(select(Mention.home_region)).one() == "14.71", "the region of the source at that place"
    (candidate,) = re.findall(r'href="/kandidat/(\d+)"', html)
    assert "Air Mati di Rumbai" in client.get(f"/kandidat/{candidate}").text
    again = paste(client, f"{press.url}/2026/11/air-mati-di-rumbai/")
    assert str(again.url) == str(answer.url), again.text
    assert "sudah pernah terbaca" in again.text
    assert "belum pernah terdengar" not in again.text
    assert press.asked["/2026/11/air-mati-di-rumbai?utm_source=wa"] == 1
    assert press.asked.total() == 2, "robots.txt and the page, once each"
    assert count(factory, Mention) == count(factory, Candidate) == 1


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/tertutup/berita-satu", "robots.txt situs ini melarang alamat tersebut."),
        ("/pendek", "Tidak ada isi berita sepanjang 80 huruf atau lebih."),
        ("/gambar", "tidak menjawab dengan halaman web"),
        ("/hilang", "kode 404"),
        ("/dalam", "127.0.0.2 bukan alamat di internet publik"),
    ],
)
def test_what_is_no_article_is_told(
    console: Callable[..., TestClient], press: Press, factory: Sessions, path: str, words: str
) -> None:
    answer = paste(console(), press.url + path, "alasan saya")
    assert answer.status_code == 422
    html = unescape(answer.text)
    assert words in html
    assert "Tidak ada yang disimpan." in html
    assert "dikunjungi lagi" not in html, "nobody asks again by himself"
    assert f'value="{press.url}{path}"' in html
    assert 'value="alasan saya"' in html
    assert count(factory, Mention) == 0
    assert press.asked["/tertutup/berita-satu"] == 0


def test_a_page_that_does_not_come_is_left_in_time(
    console: Callable[..., TestClient], press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "FETCHED_IN", 0.3)
    answer = paste(console(), f"{press.url}/lambat")
    assert "tidak selesai dibaca dalam 0 detik" in answer.text
    press.go_on.set()


def test_only_so_many_are_read_at_a_time(console: Callable[..., TestClient], press: Press) -> None:
    client = console()
    taken = [links.AT_A_TIME.acquire(timeout=30) for _ in range(2)]
    try:
        assert "Tautan petugas lain sedang dibaca" in paste(client, f"{press.url}/a").text
    finally:
        assert all(taken)
        for _ in taken:
            links.AT_A_TIME.release()
    assert press.asked.total() == 0


def test_a_text_that_waits_for_its_analysis_is_shown(console: Callable[..., TestClient], press: Press) -> None:
    client = console(None)
    answer = paste(client, f"{press.url}/air")
    assert "Masih dianalisis" in answer.text
    assert "mengeluhkan air" in answer.text
    assert "Jadikan kandidat" not in answer.text
    early = client.post("/tautan/1/kandidat", data={"csrf": token(answer.text), "reason": "air mati"})
    assert early.status_code == 422


def test_a_person_may_see_a_failure_where_the_analysis_saw_none(
    console: Callable[..., TestClient], press: Press, factory: Sessions
) -> None:
    client = console(NO)
    page = paste(client, f"{press.url}/air", "air mati di rumah saya").text
    assert "Analisis tidak menjadikannya kandidat." in page
    assert "tidak diceritakan" in page
    assert "<dt>Di mana</dt>" in page
    for fact in ("Layanan", "Dugaan maladministrasi", "Instansi"):
        assert f"<dt>{fact}</dt>" not in page, "where no failure is told"
    assert ">air mati di rumah saya</textarea>" in page
    url = re.findall(r'action="(/tautan/\d+/kandidat)"', page)[0]
    assert client.post(url, data={"reason": "air mati"}).status_code == 403
    assert "Tulis dengan beberapa kata" in client.post(url, data={"csrf": token(page), "reason": " x "}).text
    assert count(factory, Candidate) == 0
    made = client.post(url, data={"csrf": token(page), "reason": "PDAM tidak mengalir tiga hari"})
    assert re.search(r"/kandidat/\d+$", str(made.url))
    for words in ("Dijadikan kandidat oleh petugas", "PDAM tidak mengalir tiga hari", "rina"):
        assert words in made.text
    assert "Urungkan putusan" in made.text
    assert (
        "sudah termasuk sebuah kandidat" in client.post(url, data={"csrf": token(page), "reason": "sekali lagi"}).text
    )
    with factory.begin() as session:
        (decision,) = session.scalars(select(Decision))
        assert (decision.action, decision.note) == ("bring", "PDAM tidak mengalir tiga hari")
        (row,) = session.scalars(select(AuditRow).where(AuditRow.action == "decision.bring"))
        assert (row.subject, row.detail["mention"]) == (f"candidate:{decision.candidate_id}", 1)
    undone = client.post(f"/putusan/{decision.id}/urungkan", data={"csrf": token(page)})
    assert "Diurungkan." in undone.text
    with factory.begin() as session:
        assert session.scalars(select(Candidate.state)).all() == ["not_relevant"]
    assert url in client.get(url.removesuffix("/kandidat")).text, "the text is free to be brought again"


def test_the_form_stands_on_the_queue_and_speaks_english_too(console: Callable[..., TestClient], press: Press) -> None:
    client = console()
    queue = client.get("/").text
    assert 'action="/tautan"' in queue
    client.post("/akun/bahasa", data={"csrf": token(queue), "language": "en"})
    page = client.post("/tautan", data={"csrf": token(queue), "address": f"{press.url}/pendek"}).text
    assert "There is no text of 80 characters or more." in page
    assert "Nothing was stored." in page


# ---- beyond one's own part


def bounded(factory: Sessions, region: str) -> None:
    with factory.begin() as session:
        rina = session.scalars(select(Person).where(Person.name == "rina")).one()
        rina.remits.append(Remit(region=region, bounds=True))


def test_what_is_beyond_ones_remits_is_taken_in_and_not_shown(
    console: Callable[..., TestClient], press: Press, factory: Sessions
) -> None:
    bounded(factory, "14.08")
    client = console()
    for _ in range(2):
        answer = paste(client, f"{press.url}/air", "warga menelepon")
        assert answer.status_code == 200
        assert "Halaman itu sudah terbaca dan diterima. Kejadiannya bukan bagian tugas Anda" in answer.text
        for hidden in ("Rumbai", "Pekanbaru", "/kandidat/", "mengeluhkan", "sudah pernah terbaca"):
            assert hidden not in answer.text, hidden
    assert count(factory, Candidate) == 1
    assert client.get("/kandidat/1").status_code == 404
    with factory.begin() as session:
        sari, _ = accounts.add_person(session, "sari", "officer", PASSWORD)
        sari.remits.append(Remit(region="14.08", bounds=True))
    assert console(YES, "sari").get("/tautan/1").status_code == 404, "who did not bring it learns nothing"
    with factory.begin() as session:
        session.delete(session.scalars(select(Remit)).first())
    assert "Air Mati di Rumbai" in console(YES, "rina").get("/tautan/1").text


def test_a_text_made_a_candidate_elsewhere_is_taken_in_too(
    console: Callable[..., TestClient], press: Press, factory: Sessions
) -> None:
    bounded(factory, "14.08")
    client = console(NO)
    page = paste(client, f"{press.url}/air").text
    assert "Tetap jadikan kandidat" in page, "what has no candidate yet is shown to whoever brought it"
    made = client.post("/tautan/1/kandidat", data={"csrf": token(page), "reason": "air mati tiga hari"})
    assert (made.status_code, made.url.path) == (200, "/tautan/1")
    assert "Dijadikan kandidat oleh petugas." in made.text
    assert "Halaman itu sudah terbaca dan diterima" in made.text
    assert "Rumbai" not in made.text


# ---- who, and how often


def test_who_may_not_paste(console: Callable[..., TestClient], press: Press, factory: Sessions) -> None:
    analyst = console(YES, "ana")
    html = analyst.get("/akun").text
    assert 'action="/tautan"' not in analyst.get("/").text
    data = {"csrf": token(html), "address": f"{press.url}/air", "reason": "air mati"}
    for answer in (
        analyst.get("/tautan"),
        analyst.get("/tautan/1"),
        analyst.post("/tautan", data=data),
        analyst.post("/tautan/1/kandidat", data=data),
    ):
        assert answer.status_code == 403
    officer = console()
    assert officer.post("/tautan", data=data | {"csrf": "x"}).status_code == 403
    assert officer.get("/tautan/99").status_code == 404
    officer.cookies.clear()
    for path in ("/tautan", "/tautan/1"):
        assert officer.get(path, follow_redirects=False).headers["location"] == "/masuk"
    assert officer.post("/tautan", data=data, follow_redirects=False).headers["location"] == "/masuk"
    assert press.asked.total() == count(factory, Mention) == 0


def test_ten_links_in_ten_minutes_and_no_more(
    console: Callable[..., TestClient], press: Press, factory: Sessions
) -> None:
    client = console()
    with factory.begin() as session:
        rina, ana = (session.scalars(select(Person).where(Person.name == name)).one() for name in ("rina", "ana"))
        at = now()
        rows = [(rina, at - timedelta(minutes=9))] * 9 + [(rina, at - timedelta(minutes=11)), (ana, at)]
        session.add_all(
            AuditRow(person_id=one.id, action="link.ask", at=when, place=1000 + number, hash="")
            for number, (one, when) in enumerate(rows)
        )
    assert paste(client, f"{press.url}/pendek").status_code == 422, "the tenth"
    refused = paste(client, f"{press.url}/air")
    assert refused.status_code == 429
    assert "Paling banyak 10 tautan dalam 10 menit. Coba lagi setelah" in refused.text
    assert press.asked["/air"] == 0


# ---- addresses


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://koran.example/berita", "https://koran.example/berita"),
        (" Dari grup: “https://koran.example/a?b=1&c=2”. ", "https://koran.example/a?b=1&c=2"),
        ("https://koran.example/a\nhttps://koran.example/b", "https://koran.example/a"),
        ("(HTTP://koran.example/a).", "HTTP://koran.example/a"),
        ("koran.example/berita", "https://koran.example/berita"),
    ],
)
def test_the_address_is_found_in_what_was_pasted(typed: str, url: str) -> None:
    assert links.address_in(typed).lower() == url.lower()


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("", "link_none"),
        ("air mati di Rumbai", "link_none"),
        ("javascript:alert(1)", "link_none"),
        ("file:///etc/passwd", "link_none"),
        ("https://", "link_none"),
        ("https://koran.example:99999/", "link_none"),
        ("https://koran.example/" + "a" * 2000, "link_none"),
        ("https://user:sandi@koran.example/", "link_with_user"),
    ],
)
def test_what_holds_no_address_is_told(typed: str, key: str) -> None:
    with pytest.raises(links.LinkRefused) as refused:
        links.address_in(typed)
    assert refused.value.key == key


@pytest.mark.parametrize("address", ["http://127.0.0.1/x", "http://2130706433/x"])
def test_an_inward_address_is_refused_in_plain_words(factory: Sessions, settings: Settings, address: str) -> None:
    """Of the real press: nothing on loopback is excepted."""
    with TestClient(create_app(factory, settings), base_url="http://127.0.0.1") as client:
        sign_in(client, "rina")
        answer = paste(client, address)
        assert "bukan alamat di internet publik" in answer.text
        assert "menunjuk pintu khusus pada koran.example" in paste(client, "http://koran.example:8790/x").text


def test_a_host_that_asked_for_a_pause_is_left_alone(factory: Sessions, settings: Settings) -> None:
    with factory.begin() as session:
        sources.sync(session, [Source("Koran", "feed", "https://koran.example/feed")])
        session.scalars(select(SourceState)).one().wait_until = now() + timedelta(hours=1)
    with TestClient(create_app(factory, settings), base_url="http://127.0.0.1") as client:
        sign_in(client, "rina")
        assert "koran.example meminta kami menunggu sampai" in paste(client, "https://www.koran.example/a").text


def test_a_demo_reads_nothing_but_its_own_press(console: Callable[..., TestClient], factory: Sessions) -> None:
    client = console()
    for address in ("https://koran.example/a", "http://127.0.0.1:22/"):
        assert "hanya tautan ke koran peragaan yang dibaca" in paste(client, address).text
    with factory.begin() as session:
        assert "link.ask" not in session.scalars(select(AuditRow.action)).all()
