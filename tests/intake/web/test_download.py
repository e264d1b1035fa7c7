"""Files of what the console shows: offered to whom may take them, and noted."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from intake.models import AuditRow
from intake.people import accounts
from intake.settings import Settings
from intake.web import download
from intake.web.app import create_app
from tests.intake.made import PASSWORD, document, office, told

PEOPLE = (
    ("rina", "officer", None), ("ana", "analyst", None), ("audi", "auditor", None), ("hub", "focal", "VT-PLN-UP3DMI"),
)  # fmt: skip


@pytest.fixture
def app(tmp_path: Path, settings: Settings) -> Iterator[Any]:
    with office(tmp_path, *PEOPLE) as made:
        with made.begin() as session:
            assert told(session, document(1, "Listrik padam, NIK 1403094505850003", kind="article", title="=1+1"))
        app = create_app(made, settings)
        app.state.made = made
        yield app


def signed(app: Any, name: str) -> TestClient:
    client = TestClient(app, base_url="http://127.0.0.1")
    (csrf,) = re.findall(r'name="csrf" value="([^"]+)"', client.get("/masuk").text)
    assert client.post("/masuk", data={"name": name, "password": PASSWORD, "csrf": csrf}).status_code == 200
    return client


@pytest.mark.parametrize(("name", "pages"), [("rina", ["/", "/kasus", "/tren"]), ("audi", []), ("hub", [])])
def test_files_are_offered_where_they_are_looked_for_to_whom_may_take_them(
    app: Any, name: str, pages: list[str]
) -> None:
    client = signed(app, name)
    assert [page for page in ("/", "/kasus", "/tren") if 'href="/unduh/' in client.get(page).text] == pages
    assert client.get("/unduh/trends.csv").status_code == (200 if pages else 403)
    assert client.get("/unduh/people.csv").status_code == 404


def test_a_file_is_what_it_says_it_is_and_noted(app: Any) -> None:
    client = signed(app, "ana")
    answer = client.get("/unduh/mentions.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="kentongan-mentions-')
    heading, row = csv.reader(io.StringIO(answer.content.decode(), newline=""))
    told_of = dict(zip(heading, row, strict=True))
    assert told_of["title"] == "'=1+1"
    assert client.get("/unduh/candidates.xlsx").content.startswith(b"PK")
    with app.state.made.begin() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "export").order_by(AuditRow.place)).all()
        assert {row.person_id for row in rows} == {accounts.named(session, "ana").id}
        assert [row.detail for row in rows] == [
            {"what": "mentions", "format": "csv", "rows": 1}, {"what": "candidates", "format": "xlsx", "rows": 1},
        ]  # fmt: skip


def test_who_comes_while_another_file_is_written_is_told(app: Any) -> None:
    client = signed(app, "rina")
    with download._writing:
        assert "Berkas lain sedang ditulis" in client.get("/unduh/cases.csv").text
    assert client.get("/unduh/cases.csv").headers["content-type"].startswith("text/csv")
