"""A day's first minutes in a real browser, at both widths, by keyboard; screenshots go to tests/screenshots/."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn

from intake.database import open_engine, sessions
from intake.migrations import migrate
from intake.settings import Settings
from intake.start import first_start
from intake.web.app import create_app
from tests.intake.made import OUTAGE, document, told

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM and not os.environ.get("CI"), reason="no chromium on this machine"),
    pytest.mark.filterwarnings("default::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address of a running console with three candidates, and the administrator's password."""
    url = f"sqlite:///{tmp_path_factory.mktemp('browser') / 'b.db'}"
    migrate(url)
    engine = open_engine(url)
    factory = sessions(engine)
    with factory.begin() as session:
        password = first_start(session, "riau")
        told(
            session,
            document(1, OUTAGE + ". " + OUTAGE, title="Listrik Padam di Duri Sejak Subuh", kind="article"),
            urgency="U1",
        )
        told(
            session,
            document(2, "sampah menumpuk seminggu di pasar, bau sampai ke sekolah"),
            sectors=(),
            regions=("14.71",),
        )
        told(session, document(3, "jalan berlubang di depan puskesmas"), sectors=(), regions=("14.05",), agencies=())
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(factory, Settings(pseudonym_key="x", second_factor_roles=())), port=0, log_level="warning"
        )
    )
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}", str(password)
    server.should_exit = True
    thread.join(10)
    engine.dispose()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
        )
        yield browser
        browser.close()


@pytest.fixture(params=[1280, 390])
def page(request: pytest.FixtureRequest, browser: Any, console: tuple[str, str]) -> Iterator[Any]:
    """A signed-in page of one width; anything the browser complains about fails the test."""
    context = browser.new_context(viewport={"width": request.param, "height": 860}, locale="id-ID")
    page = context.new_page()
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(console[0])
    page.get_by_label("Nama").fill("admin")
    page.get_by_label("Kata sandi").fill(console[1])
    page.keyboard.press("Enter")
    page.wait_for_url(console[0] + "/")
    yield page
    assert complaints == []
    context.close()


def fits(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_every_page_fits_and_is_pictured(page: Any, console: tuple[str, str]) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    width = page.viewport_size["width"]
    for name, path in (
        ("queue", "/"),
        ("candidate", "/kandidat/1"),
        ("trends", "/tren"),
        ("sources", "/sumber"),
        ("cases", "/kasus"),
    ):
        page.goto(console[0] + path)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=SCREENSHOTS / f"{name}-{width}.png", full_page=True)
        assert fits(page), f"{path} is wider than {width} px"
        assert page.locator("h1").count() == 1


def test_a_candidate_is_decided_and_undone_by_keyboard_alone(page: Any, console: tuple[str, str]) -> None:
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "Listrik Padam di Duri Sejak Subuh"
    page.keyboard.press("Enter")
    page.wait_for_url("**/kandidat/1")
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    page.wait_for_url(lambda url: not url.endswith("/kandidat/1"))
    assert (
        page.get_by_role("status")
        .inner_text()
        .startswith("Diterima: Teruskan ke instansi. Kandidat nomor 1: Listrik Padam di Duri")
    )
    assert page.evaluate("document.querySelector('.flash').contains(document.querySelector('.flash form'))")
    page.keyboard.press("u")
    page.wait_for_url("**/kandidat/1")
    assert page.get_by_role("status").inner_text().startswith("Diurungkan.")


def test_the_keys_lead_from_candidate_to_candidate(page: Any, console: tuple[str, str]) -> None:
    page.goto(console[0] + "/kandidat/1")
    page.keyboard.press("j")
    page.wait_for_url(lambda url: not url.endswith("/kandidat/1"))
    page.keyboard.press("k")
    page.wait_for_url("**/kandidat/1")


def test_deciding_is_in_sight(page: Any, console: tuple[str, str]) -> None:
    """On a phone as a bar at the bottom that leads to the buttons; on a wide page the buttons themselves."""
    page.set_viewport_size({"width": page.viewport_size["width"], "height": 800})
    page.goto(console[0] + "/kandidat/1")
    narrow = page.viewport_size["width"] < 500
    for name in ("Tunda", "Terima") if narrow else ("Pantau dulu", "Respons cepat"):
        box = page.get_by_role("link" if name == "Terima" else "button", name=name).first.bounding_box()
        if narrow and name == "Tunda":
            box = page.locator(".bar button").bounding_box()
        assert box["y"] + box["height"] <= 800, name
    if narrow:
        page.get_by_role("link", name="Tutup").click()
        assert page.locator("#tutup").bounding_box()["y"] < 800


def test_keys_do_nothing_while_somebody_writes(page: Any, console: tuple[str, str]) -> None:
    page.goto(console[0] + "/kandidat/1")
    note = page.get_by_label("Catatan")
    note.fill("")
    note.type("3 hari w x d u q")
    assert note.input_value() == "3 hari w x d u q"
    assert page.url.endswith("/kandidat/1")


def test_it_works_without_script(browser: Any, console: tuple[str, str]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(console[0])
    page.get_by_label("Nama").fill("admin")
    page.get_by_label("Kata sandi").fill(console[1])
    page.get_by_role("button", name="Masuk").click()
    page.goto(console[0] + "/kandidat/2")
    page.get_by_role("button", name="Sudah diselesaikan").click()
    assert page.get_by_role("status").inner_text().startswith("Ditutup: Sudah diselesaikan.")
    page.get_by_role("button", name="Urungkan").first.click()
    assert page.url.endswith("/kandidat/2")
    context.close()
