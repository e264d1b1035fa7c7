"""The pages about people: signing in with a code, invitations, one's account, remits and leave, the audit log."""

import base64
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pyotp
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import select

from crawler.dates import WIB
from intake import courier
from intake.database import Sessions
from intake.models import AuditRow, Person, SourceState, now
from intake.people import accounts, audit, totp
from intake.people.seal import seal_of
from intake.settings import Settings
from intake.web.app import create_app
from intake.web.pages.signing import label_of
from tests.intake.made import PASSWORD, document, office, told

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
Console = Callable[..., TestClient]


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[Sessions]:
    with office(
        tmp_path,
        ("rina", "officer", None),
        ("dewi", "officer", None),
        ("bos", "admin", None),
        ("kepala", "head", None),
        ("audi", "auditor", None),
    ) as made:
        yield made


@pytest.fixture
def console(factory: Sessions, settings: Settings) -> Console:
    """A browser of somebody who gave their password; `required`: roles that must have a second factor."""

    def open_(name: str = "", *, required: tuple[str, ...] = (), agent: str = FIREFOX) -> TestClient:
        app = create_app(factory, settings.model_copy(update={"second_factor_roles": required}))
        client = TestClient(app, base_url="http://127.0.0.1", headers={"user-agent": agent})
        if name:
            page = client.get("/masuk")
            answer = client.post("/masuk", data={"name": name, "password": PASSWORD, "csrf": token(page.text)})
            assert answer.status_code == 200
        return client

    return open_


def token(html: str) -> str:
    return re.findall(r'name="csrf" value="([^"]+)"', html)[0]


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def number_of(factory: Sessions, name: str) -> int:
    with factory.begin() as session:
        return accounts.named(session, name).id


def secret_in(html: str) -> str:
    return re.findall(r'name="secret" value="([A-Z2-7]{32})"', html)[0]


def enrolled(factory: Sessions, name: str) -> str:
    """A second factor whose codes were not used yet."""
    secret = totp.new_secret()
    with factory.begin() as session:
        accounts.named(session, name).totp = secret
    return secret


# ---- signing in


def test_who_owes_a_code_sees_nothing_but_its_page(console: Console, factory: Sessions) -> None:
    secret = enrolled(factory, "rina")
    client = console("rina")
    for path in ("/", "/kasus", "/akun", "/akun/kode", "/jejak", "/tidak-ada"):
        page = client.get(path)
        assert page.url.path == "/masuk/kode" or page.status_code == 404, path
        assert "rina" not in page.text, path
    assert client.get("/api/openapi.json").status_code == 401
    assert client.post("/keluar", data={"csrf": "x"}, follow_redirects=False).headers["location"] == "/masuk/kode"
    page = client.get("/masuk/kode")
    cookie = client.cookies["kentongan"]
    wrong = client.post("/masuk/kode", data={"csrf": token(page.text), "code": "12345"})
    assert (wrong.status_code, "Kode itu tidak cocok" in wrong.text) == (422, True)
    assert client.post("/masuk/kode", data={"csrf": "x", "code": pyotp.TOTP(secret).now()}).status_code == 403
    inside = client.post("/masuk/kode", data={"csrf": token(page.text), "code": pyotp.TOTP(secret).now()})
    assert inside.url.path == "/"
    assert client.cookies["kentongan"] != cookie, "a new session for a new right"
    assert client.get("/masuk/kode").url.path == "/"
    again = console("rina")
    used = pyotp.TOTP(secret).at(int(now().timestamp()) - 30)
    page = again.get("/masuk/kode")
    assert again.post("/masuk/kode", data={"csrf": token(page.text), "code": used}).status_code == 422


def test_a_role_that_needs_a_code_sets_it_up_before_anything_else(console: Console, factory: Sessions) -> None:
    client = console("bos", required=("admin",))
    page = client.get("/pengguna")
    assert page.url.path == "/masuk/kode"
    assert "Peran Anda memerlukan kode tambahan" in page.text
    secret = secret_in(page.text)
    assert totp.spelled(secret) in page.text
    assert re.search(r'<path d="M\d', page.text)
    data = {"csrf": token(page.text), "secret": secret}
    wrong = client.post("/masuk/kode", data=data | {"code": "000000x"})
    assert (wrong.status_code, secret_in(wrong.text)) == (422, secret)
    done = client.post("/masuk/kode", data=data | {"code": pyotp.TOTP(secret).now()})
    codes = re.findall(r"<code>([a-z2-9-]+)</code>", done.text)
    assert len(codes) == 10
    assert client.get("/pengguna").url.path == "/pengguna"
    again = console("bos", required=("admin",))
    page = again.get("/masuk/kode")
    assert "secret" not in page.text
    inside = again.post("/masuk/kode", data={"csrf": token(page.text), "code": codes[0]})
    assert inside.url.path == "/"


def test_in_the_demo_a_newcomer_is_in_at_once(console: Console, factory: Sessions) -> None:
    with factory.begin() as session:
        about = {"adapter": "feed", "url": "http://127.0.0.1", "kind": "article", "interval": 5, "enabled": True}
        session.add(SourceState(name="D", probed=True, options={"demo": True}, **about))
    assert console("bos", required=("admin",)).get("/pengguna").url.path == "/pengguna"


def test_somebody_who_is_not_at_their_phone_can_leave(console: Console, factory: Sessions) -> None:
    enrolled(factory, "rina")
    client = console("rina")
    left = client.post("/masuk/batal", data={"csrf": token(client.get("/masuk/kode").text)})
    assert left.url.path == "/masuk"
    assert client.get("/masuk/kode").url.path == "/masuk"


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        (FIREFOX, "Firefox, Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 Version/19.0 Mobile Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0", "Firefox, Linux"),
        ("curl/8", ""),
        ("<script>" * 400, ""),
    ],
)  # fmt: skip
def test_a_browser_is_called_by_the_name_people_know(agent: str, label: str) -> None:
    assert label_of(agent) == label


# ---- one's own account


def test_sessions_stand_on_the_account_page_and_are_ended_there(console: Console) -> None:
    here, there = console("rina"), console("rina", agent="curl/8")
    page = here.get("/akun").text
    assert "Firefox, Windows yang ini" in words(page)
    assert "peramban lain" in page
    (path,) = re.findall(r'action="(/akun/sesi/\d+)"', page)
    assert here.post(path, data={"csrf": token(page)}).url.path == "/akun"
    assert here.post(path, data={"csrf": token(page)}).status_code == 404
    assert there.get("/akun").url.path == "/masuk"
    others = [console("rina") for _ in range(2)]
    here.post("/akun/sesi", data={"csrf": token(page)})
    assert [one.get("/akun").url.path for one in (*others, here)] == ["/masuk", "/masuk", "/akun"]


def test_nobody_ends_the_session_of_another_from_their_account(console: Console, factory: Sessions) -> None:
    rina, dewi = console("rina"), console("dewi")
    page = rina.get("/akun").text
    with factory.begin() as session:
        theirs = accounts.named(session, "dewi").id
        number = next(row.id for row in accounts.sessions_of(session, session.get_one(Person, theirs), Settings()))
    assert rina.post(f"/akun/sesi/{number}", data={"csrf": token(page)}).status_code == 404
    assert dewi.get("/akun").url.path == "/akun"


def test_a_token_is_made_for_some_uses_shown_once_and_ended(console: Console) -> None:
    client = console("rina")
    page = client.get("/akun").text
    assert 'value="read:queue"' in page
    assert 'value="admin"' not in page, "an officer has nothing to manage"
    form = {"csrf": token(page), "label": "rekap harian", "days": "30", "scope": ["read:queue"], "password": PASSWORD}
    for wrong in ({"password": "salah"}, {"scope": []}, {"scope": ["admin"]}):
        assert client.post("/akun/token", data=form | wrong).status_code == 422
    made = client.post("/akun/token", data=form).text
    (secret,) = re.findall(r'<code class="secret">([^<]+)</code>', made)
    page = client.get("/akun").text
    assert secret not in page
    assert "rekap harian membaca antrean dan kandidat" in words(page)
    assert client.get("/api/v1/queue", headers={"authorization": f"Bearer {secret}"}).status_code == 200
    path = re.findall(r'action="(/akun/sesi/\d+)"', page)[-1]
    client.post(path, data={"csrf": token(page)})
    assert client.get("/api/v1/queue", headers={"authorization": f"Bearer {secret}"}).status_code == 401


def test_a_second_factor_is_set_up_with_the_password_and_removed_with_a_code(console: Console) -> None:
    client, other = console("rina"), console("rina")
    page = client.get("/akun/kode").text
    secret = secret_in(page)
    code = pyotp.TOTP(secret).at(int(now().timestamp()) - 30)
    form = {"csrf": token(page), "secret": secret, "code": code, "password": PASSWORD}
    for wrong in ({"password": "salah"}, {"code": "000"}, {"secret": "x"}):
        assert client.post("/akun/kode", data=form | wrong).status_code == 422
    codes = re.findall(r"<code>([a-z2-9-]+)</code>", client.post("/akun/kode", data=form).text)
    assert other.get("/akun").url.path == "/masuk", "sessions that gave no code end"
    assert "Sisa 10 kode pemulihan." in client.get("/akun").text
    assert client.post("/akun/kode/hapus", data={"csrf": token(page), "code": code}).status_code == 422
    renewed = client.post("/akun/kode/pemulihan", data={"csrf": token(page), "code": codes[0]}).text
    assert codes[1] not in renewed
    assert client.post("/akun/kode/hapus", data={"csrf": token(page), "code": codes[1]}).status_code == 422
    assert client.post("/akun/kode/hapus", data={"csrf": token(page), "code": pyotp.TOTP(secret).now()}).is_success
    assert "Belum terpasang." in client.get("/akun").text


def test_leave_is_noted_and_taken_back(console: Console, factory: Sessions) -> None:
    client = console("rina")
    page = client.get("/akun").text
    today = now().astimezone(WIB).date()
    form = {
        "csrf": token(page),
        "cover": number_of(factory, "dewi"),
        "first": str(today),
        "last": str(today + timedelta(3)),
    }
    for wrong in ({"cover": number_of(factory, "bos")}, {"last": "kemarin"}, {"last": str(today - timedelta(1))}):
        assert client.post("/akun/cuti", data=form | wrong).status_code == 422
    page = client.post("/akun/cuti", data=form).text
    assert "digantikan dewi." in page
    assert "Menggantikan rina" in console("dewi").get("/akun").text
    (path,) = re.findall(r'action="(/akun/cuti/\d+)"', page)
    assert console("dewi").post(path, data={"csrf": token(page)}).status_code == 403
    assert "digantikan" not in words(client.post(path, data={"csrf": token(page)}).text).partition("Digantikan oleh")[0]


# ---- others, by an administrator


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What would have left by mail: (address, text)."""
    found: list[tuple[str, str]] = []
    monkeypatch.setattr(courier, "carry", lambda address, subject, body, ways: found.append((address, body)))
    monkeypatch.setattr(courier, "check_address", lambda address, ways: None)
    return found


def test_somebody_invited_chooses_their_own_password(
    console: Console, factory: Sessions, sent: list[tuple[str, str]]
) -> None:
    boss = console("bos")
    page = boss.get("/pengguna").text
    form = {"csrf": token(page), "name": "Ani", "role": "officer", "region": "14.71", "bounds": "true", "way": "invite"}
    made = boss.post("/pengguna", data=form | {"address": "ani@kantor.example"}).text
    (link,) = re.findall(r"http://127\.0\.0\.1/undangan/([\w-]+)", made)
    assert "Undangan juga dikirim ke ani@kantor.example" in made
    assert [(address, link in body) for address, body in sent] == [("mailto://ani@kantor.example", True)]
    assert link not in boss.get("/pengguna").text
    assert "Kota Pekanbaru (hanya ini)" in boss.get("/pengguna").text
    stranger = console()
    page = stranger.get(f"/undangan/{link}").text
    assert "Selamat datang, Ani" in page
    where = f"/undangan/{link}"
    assert stranger.post(where, data={"password": PASSWORD, "csrf": "x"}).status_code == 403
    assert stranger.post(where, data={"password": "pendek", "csrf": token(page)}).status_code == 422
    done = stranger.post(where, data={"password": PASSWORD, "csrf": token(page)})
    assert (done.url.path, "Kata sandi Anda tersimpan" in done.text) == ("/masuk", True)
    assert console("Ani").get("/akun").url.path == "/akun"
    for gone in (where, "/undangan/tidak-ada"):
        assert stranger.get(gone).status_code == 404
        assert stranger.post(gone, data={"password": PASSWORD, "csrf": token(page)}).status_code == 404


def test_what_somebody_is_for_is_edited_on_their_page(console: Console, factory: Sessions) -> None:
    with factory.begin() as session:
        told(session, document(1))
    rina, head = console("rina"), console("kepala")
    number = number_of(factory, "rina")
    assert "Listrik" in rina.get("/").text
    page = head.get(f"/orang/{number}").text
    form = {"csrf": token(page), "region": "14.71", "bounds": "true"}
    added = head.post(f"/orang/{number}/tugas", data=form)
    assert "Kota Pekanbaru (hanya ini)" in added.text
    assert "Listrik" not in rina.get("/").text
    for wrong in ({}, {"region": ""}, {"region": "99"}, {"agency": "tidak ada"}):
        assert head.post(f"/orang/{number}/tugas", data=form | wrong).status_code == 422
    (path,) = re.findall(rf'action="(/orang/{number}/tugas/\d+)"', added.text)
    head.post(path, data={"csrf": token(page)})
    assert "Listrik" in rina.get("/").text
    assert head.post(path, data={"csrf": token(page)}).status_code == 404
    assert (
        rina.post(f"/orang/{number}/tugas", data={"csrf": token(rina.get("/akun").text), "region": "14.71"}).status_code
        == 403
    )


def test_an_administrator_gives_another_role(console: Console, factory: Sessions) -> None:
    rina, boss, head = console("rina"), console("bos"), console("kepala")
    number, own = number_of(factory, "rina"), number_of(factory, "bos")
    page = boss.get(f"/orang/{number}").text
    form = {"csrf": token(page), "role": "focal", "agency": ""}
    for wrong, why in (
        ({}, "pilih instansinya"),
        ({"agency": "tidak ada"}, "Tidak ada instansi bernama tidak ada"),
        ({"role": "raja"}, "Peran itu tidak dikenal"),
    ):
        refused = boss.post(f"/orang/{number}/peran", data=form | wrong)
        assert (refused.status_code, why in refused.text) == (422, True)
    assert rina.get("/akun").url.path == "/akun"
    changed = boss.post(f"/orang/{number}/peran", data=form | {"agency": "VT-PLN-UP3DMI"})
    assert "rina narahubung, " in words(changed.text)
    assert rina.get("/akun").url.path == "/masuk"
    assert "dari: petugas; menjadi: narahubung, VT-PLN-UP3DMI" in words(boss.get("/jejak?action=user.role").text)
    assert "Ganti peran" not in head.get(f"/orang/{number}").text
    theirs = {"csrf": token(head.get("/akun").text), "role": "admin"}
    assert head.post(f"/orang/{number_of(factory, 'kepala')}/peran", data=theirs).status_code == 403
    boss.post(f"/orang/{number_of(factory, 'admin')}/peran", data=form | {"role": "officer"})
    last = boss.post(f"/orang/{own}/peran", data=form | {"role": "officer"})
    assert (last.status_code, "bos administrator terakhir" in last.text) == (422, True)


def test_a_lost_key_is_told_with_what_to_do(console: Console, factory: Sessions, settings: Settings) -> None:
    with factory.begin() as session:
        person, secret = accounts.named(session, "rina"), totp.new_secret()
        person.totp = seal_of(settings.model_copy(update={"pseudonym_key": SecretStr("lost")})).close(
            base64.b32decode(secret), person.id
        )
    client = console("rina")
    form = {"csrf": token(client.get("/masuk/kode").text), "code": pyotp.TOTP(secret).now()}
    refused = client.post("/masuk/kode", data=form)
    assert (refused.status_code, "kentongan user reset-code rina" in refused.text) == (422, True)


def test_what_was_kept_plain_is_sealed_when_the_console_starts(factory: Sessions, settings: Settings) -> None:
    secret = enrolled(factory, "rina")
    with TestClient(create_app(factory, settings)), factory.begin() as session:
        kept = accounts.named(session, "rina")
        assert seal_of(settings).open(kept.totp or "", kept.id) == base64.b32decode(secret)


def refusals(factory: Sessions) -> list[tuple[str, str, str]]:
    """(who, what they tried, where) of every refusal in the log."""
    with factory.begin() as session:
        rows = select(Person.name, AuditRow.subject, AuditRow.detail).join(Person, Person.id == AuditRow.person_id)
        found = session.execute(rows.where(AuditRow.action == "access.refused").order_by(AuditRow.place))
        return [(name, subject, detail["path"]) for name, subject, detail in found]


def test_who_is_refused_stands_in_the_log_once_an_hour(console: Console, factory: Sessions) -> None:
    rina, number = console("rina"), number_of(factory, "bos")
    with factory.begin() as session:
        secret = accounts.make_token(session, "rina", scopes=("read:queue",))
    for _ in range(3):
        assert rina.get("/jejak?subject=rahasia").status_code == 403
        assert rina.get(f"/orang/{number}").status_code == 403
        assert rina.get("/pengguna").status_code == 403
        assert rina.post("/keluar", data={"csrf": "x"}).status_code == 403
        assert rina.get("/api/v1/cases?after=rahasia", headers={"authorization": f"Bearer {secret}"}).status_code == 403
        assert rina.get(f"/orang/{number}0000").status_code == 403, "nor who there is"
    once = [
        ("rina", "audit.read", "/jejak"),
        ("rina", "people.read", "/orang/{person_id}"),
        ("rina", "POST /keluar", "/keluar"),
        ("rina", "case.read", "/api/v1/cases"),
    ]
    assert refusals(factory) == once
    assert "permintaan ditolak people.read halaman: /orang/{person_id}" in words(console("bos").get("/jejak").text)
    console("dewi").get("/pengguna")
    console().post("/keluar", data={"csrf": "x"})
    assert refusals(factory) == [*once, ("dewi", "people.read", "/pengguna")]
    later = now() + timedelta(hours=1, seconds=1)
    with factory.begin() as session, pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "now", lambda: later)
        for _ in range(2):
            audit.refused(session, accounts.named(session, "rina"), "people.read", "/pengguna")
    assert refusals(factory)[5:] == [("rina", "people.read", "/pengguna")]


def test_an_administrator_ends_sessions_and_removes_a_lost_second_factor(console: Console, factory: Sessions) -> None:
    rina = console("rina")
    enrolled(factory, "rina")
    boss, head, number = console("bos"), console("kepala"), number_of(factory, "rina")
    page = boss.get(f"/orang/{number}").text
    assert "1 sesi sedang berjalan" in page
    for deed in ("kode", "sesi", "undangan"):
        csrf = token(head.get(f"/orang/{number}").text)
        assert head.post(f"/orang/{number}/{deed}", data={"csrf": csrf}).status_code == 403
    assert "belum terpasang" in boss.post(f"/orang/{number}/kode", data={"csrf": token(page)}).text
    assert rina.get("/akun").url.path == "/masuk"
    again = console("rina")
    boss.post(f"/orang/{number}/sesi", data={"csrf": token(page)})
    assert again.get("/akun").url.path == "/masuk"
    with factory.begin() as session:
        by = accounts.named(session, "bos").id
        acts = ("second_factor.remove", "session.end_all")
        rows = session.scalars(select(AuditRow).where(AuditRow.action.in_(acts))).all()
        assert {(row.action, row.person_id, row.subject) for row in rows} == {
            (act, by, f"person:{number}") for act in acts
        }
    assert boss.get("/orang/9999").status_code == 404


# ---- the audit log


def test_the_audit_log_is_read_by_whoever_watches_over_it(console: Console, factory: Sessions) -> None:
    with factory.begin() as session:
        candidate = told(session, document(1))
        assert candidate is not None
        audit.unmask(session, accounts.named(session, "rina"), "mention:1", "menghubungi korban")
        audit.write(session, None, "decision.accept", f"candidate:{candidate.id}", decision=1, track="rco", reason=None)
    auditor = console("audi")
    page = auditor.get("/jejak")
    for told_of in (
        "rina data yang ditutup dibuka penyebutan 1 alasan: menghubungi korban",
        f"program kandidat diterima kandidat {candidate.id} putusan: 1; jalur: Respons cepat (RCO)",
        "audi masuk audi",
    ):
        assert told_of in words(page.text), told_of
    assert "/kandidat/" not in page.text, "an auditor reads no text"
    assert f'href="/kandidat/{candidate.id}"' in console("bos").get("/jejak").text
    only = words(auditor.get("/jejak?action=pii.unmask").text)
    assert ("menghubungi korban" in only, "jalur: Respons" in only) == (True, False)
    rina = number_of(factory, "rina")
    assert "jalur: Respons" not in auditor.get(f"/jejak?person={rina}").text
    for subject in ("mention:1", "penyebutan 1", "Penyebutan 1"):
        found = auditor.get("/jejak", params={"person": rina, "subject": subject}).text
        assert ("menghubungi korban" in found, found.count("<tr>")) == (True, 2), subject
    assert "audi masuk audi" in words(auditor.get("/jejak?subject=audi").text)
    today = now().astimezone(WIB).date()
    assert "menghubungi" in auditor.get(f"/jejak?since={today}&until={today}").text
    assert "Tidak ada jejak yang cocok" in auditor.get(f"/jejak?until={today - timedelta(1)}").text
    assert console("rina").get("/jejak").status_code == 403


def test_the_audit_log_is_shown_a_page_at_a_time(console: Console, factory: Sessions) -> None:
    with factory.begin() as session:
        for number in range(120):
            audit.write(session, None, "export", "", rows=number)
    client, places, path = console("audi"), list[int](), "/jejak?action=export"
    while path:
        page = client.get(path).text
        places += [int(place) for place in re.findall(r'<tr><td class="number">(\d+)</td>', page)]
        path = unescape((re.findall(r'href="(/jejak\?[^"]+)" rel="next"', page) or [""])[0])
    assert places == sorted(places, reverse=True)
    assert len(places) == 120
    for odd in (
        "before=0",
        "before=99999999999",
        "person=x",
        "person=9999999999",
        "since=2026-99-99",
        "until=9999-12-31",
    ):
        assert client.get(f"/jejak?{odd}").status_code in (200, 422), odd


@pytest.mark.parametrize("name", ["bos", "audi"])
@pytest.mark.parametrize("path", ["/akun", "/akun/kode", "/pengguna", "/orang/2", "/jejak", "/masuk"])
def test_no_page_needs_inline_code(console: Console, name: str, path: str) -> None:
    html = console(name).get(path).text
    assert not re.search(r"\son\w+=|<style|style=|<script(?! src=)|javascript:", html)
