"""The console: what it shows, what it refuses, in both languages, without script."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from intake import accounts
from intake.database import Sessions, open_engine, sessions
from intake.migrations import migrate
from intake.models import Case, Decision, Person, SourceState
from intake.settings import Settings
from intake.start import first_start
from intake.web.app import create_app
from tests.intake.made import OUTAGE, document, told

WEB = Path(__file__).parents[3] / "intake/web"
PASSWORD = "sandi yang cukup panjang"


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[Sessions]:
    """SQLite suffices here: the queries are tested on both engines below the console."""
    url = f"sqlite:///{tmp_path / 'web.db'}"
    migrate(url)
    engine = open_engine(url)
    made = sessions(engine)
    with made.begin() as session:
        first_start(session, "riau")
        for name, role, agency in (
            ("rina", "officer", None),
            ("bos", "admin", None),
            ("ana", "analyst", None),
            ("hub", "focal", "VT-PLN-UP3DMI"),
        ):
            accounts.add_person(session, name, role, PASSWORD, agency)
    yield made
    engine.dispose()


@pytest.fixture
def client(factory: Sessions, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(factory, settings), follow_redirects=True) as client:
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
        "/api/openapi.json",
    ):
        answer = client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/masuk"), path
    assert client.get("/sehat").json() == {"status": "ok"}
    assert client.get("/docs").status_code == 404


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
        "1 suara mandiri",
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
    assert "Diterima." in answer.text
    undo = re.findall(r'action="(/putusan/\d+/urungkan)"', answer.text)[0]
    assert "Listrik" in client.get("/kasus").text
    back = client.post(undo, data={"csrf": token(answer.text)})
    assert str(back.url).endswith(f"/kandidat/{candidates[0]}")
    assert "Diurungkan." in back.text
    with factory.begin() as session:
        assert session.scalars(select(Case.state)).all() == ["withdrawn"]


def test_a_late_decision_is_refused_and_says_who_was_first(client: TestClient, candidates: list[int]) -> None:
    sign_in(client)
    page = client.get(f"/kandidat/{candidates[0]}").text
    data = {"csrf": token(page), "version": "1", "action": "watch"}
    client.post(f"/kandidat/{candidates[0]}/putusan", data=data)
    answer = client.post(f"/kandidat/{candidates[0]}/putusan", data=data | {"action": "reject", "reason": "settled"})
    assert "sudah diputuskan oleh rina" in answer.text


@pytest.mark.parametrize("data", [{}, {"csrf": "x"}, {"csrf": "é"}])
def test_a_form_without_its_token_is_refused(
    client: TestClient, candidates: list[int], factory: Sessions, data: dict[str, str]
) -> None:
    sign_in(client)
    answer = client.post(f"/kandidat/{candidates[0]}/putusan", data=data | {"version": "1", "action": "watch"})
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
        f"/kandidat/{candidates[0]}/putusan", data={"csrf": token(page), "version": "1", "action": "watch"}
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
        session.add(
            SourceState(name="A", adapter="feed", url="https://a.example", kind="article", interval=30, enabled=True, probed=True,
                        options={}, validators={}, status="unreachable", visited_at=NOW, notes=[], requests=1, documents=0)
        )  # fmt: skip
    html = client.get("/").text
    assert "Tidak satu pun dari 1 sumber menjawab" in html
    assert "tidak terjangkau" in client.get("/sumber").text


def test_people_are_added_and_the_password_is_shown_once(client: TestClient) -> None:
    sign_in(client, "bos")
    page = client.get("/pengguna").text
    made = client.post("/pengguna", data={"csrf": token(page), "name": "Dewi", "role": "officer"}).text
    password = re.findall(r'class="secret">([^<]+)<', made)[0]
    assert password not in client.get("/pengguna").text
    again = client.post("/pengguna", data={"csrf": token(page), "name": "Dewi", "role": "officer"})
    assert again.status_code == 422
    client.post("/pengguna/Dewi", data={"csrf": token(page), "action": "disable"})
    assert "Aktifkan" in client.get("/pengguna").text


def test_contacts_only_by_listed_ways(client: TestClient) -> None:
    sign_in(client, "bos")
    page = client.get("/kontak").text
    data = {"csrf": token(page), "agency_id": "RI-1471-DISHUB", "name": "Pak Adi", "address": "console://"}
    assert "Pak Adi" in client.post("/kontak", data=data).text
    assert client.post("/kontak", data=data | {"address": "file:///etc/passwd"}).status_code == 422
    assert client.post("/kontak", data=data | {"agency_id": "X"}).status_code == 422


def test_changing_the_password_ends_the_session(client: TestClient) -> None:
    html = sign_in(client)
    wrong = client.post("/akun/sandi", data={"csrf": token(html), "old": "salah", "new": "sandi baru yang panjang"})
    assert wrong.status_code == 422
    short = client.post("/akun/sandi", data={"csrf": token(html), "old": PASSWORD, "new": "pendek"})
    assert short.status_code == 422
    done = client.post("/akun/sandi", data={"csrf": token(html), "old": PASSWORD, "new": "sandi baru yang panjang"})
    assert str(done.url).endswith("/masuk")
    assert "Kata sandi diganti" in done.text


def test_large_requests_are_refused(client: TestClient) -> None:
    html = sign_in(client)
    assert client.post("/keluar", data={"csrf": token(html), "x": "y" * 1_100_000}).status_code == 413


def test_a_failure_gets_a_number_and_no_detail(
    factory: Sessions, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from intake import cases

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("rahasia dapur")

    with TestClient(create_app(factory, settings), raise_server_exceptions=False) as client:
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


def messages() -> set[str]:
    """Every message of templates and code."""
    found = set()
    for path in [*WEB.glob("templates/*.html"), *WEB.glob("*.py")]:
        for one in re.finditer(
            r"""(?:\b_|say\._|self\._|present\._)\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""", path.read_text()
        ):
            found.add(one[1] or one[2])
    return found - {""}


def test_every_message_has_an_english_one_and_none_is_left_over() -> None:
    from intake.web.i18n import catalogue

    english = catalogue("en")
    assert messages() - set(english) == set()
    assert set(english) - messages() == set()
    for indonesian, translation in english.items():
        assert set(re.findall(r"\{\w+\}", indonesian)) == set(re.findall(r"\{\w+\}", translation)), indonesian


def test_the_chart_is_drawn(client: TestClient, candidates: list[int]) -> None:
    sign_in(client)
    answer = client.get("/tren.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert b"Suara mandiri per pekan" in answer.content
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
    assert api.get("/api/v1/sources").json() == []


def test_the_api_describes_itself_to_those_signed_in(client: TestClient) -> None:
    sign_in(client)
    paths = client.get("/api/openapi.json").json()["paths"]
    assert set(paths) == {
        "/api/v1/queue",
        "/api/v1/candidates/{candidate_id}",
        "/api/v1/decisions",
        "/api/v1/decisions/{decision_id}/undo",
        "/api/v1/sources",
    }


def test_a_disabled_persons_token_is_dead(api: TestClient, factory: Sessions) -> None:
    with factory.begin() as session:
        session.scalars(select(Person).where(Person.name == "rina")).one().disabled = True
    assert api.get("/api/v1/queue").status_code == 401
