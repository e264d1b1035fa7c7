"""The ten commonest journeys of an officer's day, in a real browser; two of them on a phone as well."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from intake.database import Sessions
from intake.models import Candidate, Decision, Mention, Suggestion
from intake.people import accounts
from tests.intake.made import OUTAGE, document, told
from tests.intake.web.test_browser import CHROMIUM, browser
from tests.intake.web.test_console import PASSWORD, factory
from tests.intake.web.test_edits import console

__all__ = ["browser", "console", "factory"]  # fixtures

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM and not os.environ.get("CI"), reason="no chromium on this machine"),
    pytest.mark.filterwarnings("default::DeprecationWarning"),
]
MOST = 8000  # milliseconds a step may take

Open = Callable[..., Any]


@pytest.fixture
def desk(factory: Sessions) -> list[int]:
    """Five candidates, the most urgent first; the first is told by two posts, and may be the same as the second."""
    with factory.begin() as session:
        accounts.add_person(session, "sari", "officer", PASSWORD)
        made = [
            told(session, document(1, OUTAGE, title="Listrik Padam di Duri Sejak Subuh", kind="article"), urgency="U2"),
            told(session, document(2, "air keruh di Bangkinang"), sectors=(), regions=("14.01",), agencies=()),
            told(session, document(3, "sampah menumpuk seminggu"), sectors=(), regions=("14.71",), agencies=()),
            told(
                session, document(4, "jalan berlubang di depan puskesmas"), sectors=(), regions=("14.05",), agencies=()
            ),
            told(session, document(5, "antre KTP sejak dini hari"), sectors=(), regions=("14.72",), agencies=()),
        ]
        told(session, document(6, f"{OUTAGE}, kata warga"), urgency="U2")
        ids = [one.id for one in made if one]
        assert len(set(ids)) == 5
        session.add(Suggestion(first_id=ids[0], second_id=ids[1], score=2.0, reasons=["time", "words"]))
    return ids


@pytest.fixture
def officer(browser: Any, console: str) -> Iterator[Open]:
    """Signs somebody in, in a browser of their own."""
    contexts = []

    def signed_in(name: str = "rina", width: int = 1280, **more: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 860}, locale="id-ID", **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(MOST)
        page.goto(f"{console}/")
        page.get_by_label("Nama").fill(name)
        page.get_by_label("Kata sandi").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{console}/")
        return page

    yield signed_in
    for context in contexts:
        context.close()


def at(page: Any, candidate: int) -> None:
    """On the page of a candidate that is in hand."""
    page.wait_for_url(lambda url: url.partition("?")[0].endswith(f"/kandidat/{candidate}"))
    page.locator("[data-lease]", has_text="Anda pegang sampai").wait_for()


def said(page: Any, words: str) -> None:
    page.locator(".flash", has_text=words).first.wait_for()


def states(factory: Sessions) -> list[str]:
    with factory.begin() as session:
        return list(session.scalars(select(Candidate.state).order_by(Candidate.id)))


def fits(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.parametrize("width", [1280, 390])
def test_1_signing_in_leads_to_the_days_part(officer: Open, desk: list[int], width: int) -> None:
    page = officer(width=width)
    assert "30 menit, 5 kandidat hari ini; 0 sudah, 5 lagi." in page.locator(".day").inner_text()
    page.get_by_role("button", name="Mulai").click()
    at(page, desk[0])
    assert fits(page)
    page.get_by_role("link", name="← Antrean").click()
    assert "Anda pegang" in page.locator(".queue").inner_text() and fits(page)


def test_2_three_are_decided_by_keyboard_alone(officer: Open, desk: list[int], factory: Sessions) -> None:
    page = officer()
    page.keyboard.press("n")
    at(page, desk[0])
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    at(page, desk[1])
    said(page, "Diterima: Teruskan ke instansi. Kandidat nomor")
    page.keyboard.press("x")
    page.get_by_text("Tutup: tekan huruf alasannya").wait_for()
    page.keyboard.press("c")
    at(page, desk[2])
    said(page, "Ditutup: Sudah diselesaikan.")
    page.keyboard.press("n")
    at(page, desk[3])
    page.keyboard.press("x")
    page.keyboard.press("Escape")
    page.keyboard.press("5")
    at(page, desk[4])
    assert states(factory) == ["accepted", "not_relevant", "candidate", "accepted", "candidate"]
    page.keyboard.press("u")
    page.wait_for_url(f"**/kandidat/{desk[3]}")
    said(page, "Diurungkan.")
    assert states(factory)[3] == "candidate"


def test_3_what_is_wrong_is_corrected_and_accepted(officer: Open, desk: list[int], factory: Sessions) -> None:
    page = officer()
    page.goto(page.url + f"kandidat/{desk[1]}")
    at(page, desk[1])
    page.keyboard.press("c")
    page.keyboard.type("Dinas Perhubungan Kota Pekanbaru")
    page.locator("#betulkan select[name=sector]").select_option("AIR")
    page.get_by_role("button", name="Simpan pembetulan").click()
    said(page, "Dibetulkan.")
    at(page, desk[1])
    page.get_by_label("Catatan").fill("sudah ditelepon")
    page.get_by_role("button", name="Teruskan ke instansi").click()
    said(page, "Diterima: Teruskan ke instansi.")
    with factory.begin() as session:
        assert session.scalars(select(Decision.action).order_by(Decision.id)).all() == ["correct", "accept"]
        assert session.get_one(Candidate, desk[1]).sector == "AIR"


def test_4_a_suggestion_is_merged(officer: Open, desk: list[int], factory: Sessions) -> None:
    page = officer()
    page.goto(page.url + f"kandidat/{desk[1]}")
    at(page, desk[1])
    page.keyboard.press("d")
    assert page.evaluate("document.activeElement.textContent").startswith("Ya, gabung")
    page.keyboard.press("Enter")
    said(page, f"Digabung: #{desk[1]} masuk ke #{desk[0]}")
    assert states(factory)[1] == "duplicate"


def test_5_a_mention_is_split_off(officer: Open, desk: list[int], factory: Sessions) -> None:
    page = officer()
    page.goto(page.url + f"kandidat/{desk[0]}")
    at(page, desk[0])
    page.keyboard.press("m")
    page.keyboard.press("m")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    said(page, f"Dipisahkan dari #{desk[0]}, menjadi")
    with factory.begin() as session:
        ofs = [session.scalars(select(Mention.candidate_id).where(Mention.id == number)).one() for number in (1, 6)]
    assert len(set(ofs)) == 2


@pytest.mark.parametrize("width", [1280, 390])
def test_6_several_are_closed_and_undone_at_once(officer: Open, desk: list[int], factory: Sessions, width: int) -> None:
    page = officer(width=width)
    assert not page.locator(".bulk").is_visible()
    page.get_by_text("pilih semua di halaman ini").click()
    assert page.locator("[data-count]").inner_text() == "5 dipilih"
    page.locator(".bulk summary", has_text="Tutup").click()
    page.locator(".bulk select[name=reason]").select_option("too_vague")
    assert fits(page)
    page.get_by_role("button", name="Tutup semua").click()
    said(page, "Ditutup: Terlalu kabur untuk ditindaklanjuti: 5 kandidat.")
    assert states(factory) == ["insufficient"] * 5
    page.get_by_role("button", name="Urungkan semua").click()
    said(page, "5 kandidat kembali seperti semula")
    assert states(factory) == ["candidate"] * 5


def test_7_one_is_put_off_and_brought_back(officer: Open, desk: list[int], factory: Sessions) -> None:
    page = officer()
    page.keyboard.press("n")
    at(page, desk[0])
    page.keyboard.press("s")
    page.keyboard.press("3")
    at(page, desk[1])
    said(page, "Ditunda sampai")
    page.goto(page.url.replace(f"/kandidat/{desk[1]}", f"/kandidat/{desk[0]}"))
    at(page, desk[0])
    assert "Ditunda sampai" in page.locator("dl.facts").inner_text()
    page.get_by_role("button", name="Kembalikan ke antrean").click()
    said(page, "Dikembalikan ke antrean.")


def test_7_a_name_that_is_not_known_is_chosen_from_those_near_it(
    officer: Open, desk: list[int], factory: Sessions
) -> None:
    page = officer()
    page.goto(page.url + f"kandidat/{desk[1]}")
    at(page, desk[1])
    page.keyboard.press("c")
    page.keyboard.type("Dinas Perhubungan Pekan baru")
    page.keyboard.press("Enter")
    page.locator("#ditolak").wait_for()
    assert page.evaluate("document.activeElement.name") == "agency"
    page.keyboard.type("Kelis")
    assert page.locator("#akor").inner_text() == "" and page.url.endswith("/putusan")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").startswith("Dinas Perhubungan")
    page.get_by_role("button", name="Dinas Perhubungan Kota Pekanbaru").press("Enter")
    said(page, "Dibetulkan")
    with factory.begin() as session:
        agency = session.get_one(Candidate, desk[1]).agency
        assert agency and agency.name == "Dinas Perhubungan Kota Pekanbaru"


def test_7_letters_of_a_word_do_nothing_where_nothing_is_open(
    officer: Open, desk: list[int], factory: Sessions
) -> None:
    page = officer()
    page.keyboard.press("n")
    at(page, desk[0])
    page.keyboard.press("3")
    at(page, desk[1])
    page.goto(page.url.replace(f"/kandidat/{desk[1]}", f"/kandidat/{desk[0]}"))
    page.keyboard.press("c")
    said(page, "urungkan dahulu (u)")
    page.keyboard.type("Dinas Kesehatan Kota Pekanbaru")
    page.wait_for_timeout(800)  # letters count again
    assert page.url.endswith(f"/kandidat/{desk[0]}")
    page.keyboard.press("u")
    at(page, desk[0])
    page.get_by_role("button", name="Lepaskan").wait_for()


def test_7_note_search_ticks_and_cases_by_keyboard(officer: Open, desk: list[int], factory: Sessions) -> None:
    page = officer()
    focused = "[document.activeElement.name, document.activeElement.tagName].join()"
    page.keyboard.press("/")
    assert page.evaluate(focused) == "text,INPUT"
    page.keyboard.press("Escape")
    assert page.evaluate(focused) == ",BODY"
    page.keyboard.press("s")
    said(page, "Centang dahulu")
    page.wait_for_timeout(800)
    for key in ("j", "x", "s"):
        page.keyboard.press(key)
    assert page.evaluate(focused) == "days,SELECT"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    said(page, "Ditunda")
    page.keyboard.press("n")
    at(page, desk[1])
    page.keyboard.press("t")
    page.keyboard.type("n x 3")
    page.keyboard.press("Control+Enter")
    assert page.evaluate(focused) == ",BODY"
    page.keyboard.press("5")
    at(page, desk[2])
    with factory.begin() as session:
        assert session.scalars(select(Decision.note).order_by(Decision.id.desc())).first() == "n x 3"
    page.goto(f"{page.url.partition('/kandidat')[0]}/kasus")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "air keruh di Bangkinang"


def test_8_a_late_write_is_refused_after_a_take_over(officer: Open, desk: list[int], factory: Sessions) -> None:
    rina, sari = officer("rina"), officer("sari")
    rina.keyboard.press("n")
    at(rina, desk[0])
    rina.get_by_label("Catatan").fill("ditelepon dua kali")
    sari.reload()
    assert "sedang dibuka rina" in sari.locator(".queue").inner_text()
    sari.keyboard.press("n")
    at(sari, desk[1])
    sari.goto(rina.url)
    sari.get_by_role("button", name="Ambil alih").click()
    at(sari, desk[0])
    rina.get_by_role("button", name="Respons cepat").click()
    said(rina, "diambil alih oleh sari")
    assert "ditelepon dua kali" in rina.get_by_role("alert").first.inner_text()
    assert "Sedang dibuka sari sejak" in rina.locator("[data-lease]").inner_text()
    sari.get_by_role("button", name="Pantau dulu").click()
    said(sari, "Diterima: Pantau dulu.")
    assert states(factory)[0] == "accepted"


def test_9_words_are_found_and_a_lost_connection_loses_nothing(
    officer: Open, desk: list[int], factory: Sessions
) -> None:
    page = officer()
    page.get_by_role("textbox", name="Kata").fill("puskesmas")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="jalan berlubang di depan puskesmas").click()
    at(page, desk[3])
    page.get_by_label("Catatan").fill("periksa dahulu")
    page.context.set_offline(True)
    page.get_by_role("button", name="Pantau dulu").click()
    page.get_by_role("alert").get_by_text("Tidak ada sambungan").wait_for()
    assert page.get_by_label("Catatan").input_value() == "periksa dahulu"
    assert states(factory)[3] == "candidate"
    page.context.set_offline(False)
    page.get_by_role("button", name="Pantau dulu").click()
    said(page, "Diterima: Pantau dulu.")
    assert states(factory)[3] == "accepted"


def test_10_all_of_it_without_script(officer: Open, desk: list[int], factory: Sessions) -> None:
    page = officer(java_script_enabled=False)
    page.get_by_role("button", name="Mulai").click()
    at(page, desk[0])
    page.get_by_role("button", name="Sudah diselesaikan").click()
    at(page, desk[1])
    page.get_by_role("button", name="Sepekan").click()
    said(page, "Ditunda sampai")
    page.get_by_role("button", name="Urungkan").first.click()
    said(page, "Diurungkan.")
    page.get_by_role("button", name="Kerjakan").click()
    at(page, desk[1])
    page.get_by_role("link", name="← Antrean").click()
    page.get_by_text("pilih semua di halaman ini").click()
    page.locator(".bulk summary", has_text="Tunda").click()
    page.get_by_role("button", name="Tunda semua").click()
    said(page, "4 kandidat.")
    assert states(factory) == ["not_relevant", "candidate", "candidate", "candidate", "candidate"]
