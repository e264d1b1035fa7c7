"""The candidate page shows what an article's source changed, word by word, covered where the text is covered."""

import os
import re
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient
from sqlalchemy import select

from intake import inbox
from intake.database import Sessions
from intake.models import Mention, Person
from intake.settings import Settings
from intake.web.app import create_app
from nlp import Span
from tests.intake.made import OUTAGE, document, told
from tests.intake.test_revisions import analysed, edited
from tests.intake.web.test_browser import CHROMIUM, SCREENSHOTS, browser
from tests.intake.web.test_console import PASSWORD, client, factory, sign_in

__all__ = ["browser", "client", "factory"]  # fixtures

FIRST = f"{OUTAGE}. Hubungi 0812 3456 7890 <b>segera</b>."
SECOND = f"{OUTAGE}. Hubungi 0812 3456 7890 <i>nanti</i> saja."
THIRD = SECOND.replace("sejak subuh", "sejak pagi") + " Menurut PLN, gardu induk sudah diperbaiki."


def phone(text: str) -> tuple[Span, ...]:
    return (Span(text.index("0812"), text.index("0812") + 14, "phone"),)


@pytest.fixture
def candidate(factory: Sessions) -> int:
    one = document(1, FIRST, title="Listrik Padam di Duri Sejak Subuh", kind="article")
    with factory.begin() as session:
        found = told(session, one, pii=phone(FIRST))
        assert found is not None
        for text, title in ((SECOND, "Listrik Padam di Duri Sejak Subuh"), (THIRD, "Listrik Menyala di Duri")):
            inbox.store(session, [edited(one, text, title=title)], b"key")
            analysed(session, pii=phone(text))
        return found.id


def words(html: str, tag: str) -> list[str]:
    return [found.strip() for found in re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)]


def test_what_was_changed_is_shown_in_both_languages_and_covered(
    client: TestClient,
    factory: Sessions,
    candidate: int,
) -> None:
    sign_in(client)
    page = client.get(f"/kandidat/{candidate}").text
    assert "Diubah 2 kali" in page and "Perubahan yang terlihat" in page
    assert "Padam" in words(page, "del") and "Menyala" in words(page, "ins")  # of the title
    assert "pagi," in words(page, "ins") and "&lt;i&gt;nanti&lt;/i&gt; saja." in words(page, "ins")
    assert "0812" not in page and "<i>nanti" not in page and "[telepon]" in page
    with factory.begin() as session:
        session.scalars(select(Person).where(Person.name == "rina")).one().language = "en"
    assert "Edited 2 times" in client.get(f"/kandidat/{candidate}").text


def test_a_text_that_waits_for_analysis_is_not_shown(client: TestClient, factory: Sessions, candidate: int) -> None:
    """Nobody knows yet what must be covered in it."""
    secret = f"{OUTAGE}. Hubungi 0899 1111 2222."
    with factory.begin() as session:
        inbox.store(session, [edited(document(1), secret, title="Baru")], b"key")
        assert session.scalars(select(Mention)).one().edit is not None
    sign_in(client)
    for path in (f"/kandidat/{candidate}", "/", "/?text=0899"):
        assert "0899 1111" not in client.get(path).text


def test_a_mention_without_edits_says_nothing_of_them(client: TestClient, factory: Sessions) -> None:
    with factory.begin() as session:
        found = told(session, document(1))
        assert found is not None
    sign_in(client)
    assert "Diubah" not in client.get(f"/kandidat/{found.id}").text


@pytest.fixture
def console(factory: Sessions, settings: Settings) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(create_app(factory, settings), port=0, log_level="warning"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM and not os.environ.get("CI"), reason="no chromium on this machine")
@pytest.mark.filterwarnings("default::DeprecationWarning")
@pytest.mark.parametrize("width", [1280, 390])
def test_it_opens_without_script_and_fits(browser: Any, console: str, candidate: int, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 860}, locale="id-ID", java_script_enabled=False)
    page = context.new_page()
    page.goto(console)
    page.get_by_label("Nama").fill("rina")
    page.get_by_label("Kata sandi").fill(PASSWORD)
    page.get_by_role("button", name="Masuk").click()
    page.goto(f"{console}/kandidat/{candidate}")
    page.get_by_text("Diubah 2 kali").click()
    assert page.locator(".edits ins").first.is_visible()
    assert page.locator(".edits section").count() == 2
    box = page.locator(".edits").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"edits-{width}.png", full_page=True)
    context.close()
