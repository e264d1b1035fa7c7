"""Who reads and does what: the matrix as it is published, tests made from it, and isolation by 5,000 generated requests."""

import io
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import trends
from intake.database import Sessions, open_engine, sessions
from intake.export import COLUMNS, FORMATS, TABLES, export
from intake.migrations import migrate
from intake.models import (
    REASONS,
    ROLES,
    Agency,
    Candidate,
    Case,
    CaseEvent,
    Decision,
    Lease,
    Mention,
    Person,
    Referral,
    Reporter,
    Revision,
    now,
)
from intake.people import access, accounts, portfolio
from intake.people.access import MATRIX, SCOPES, Field
from intake.review import decisions, leases, undo
from intake.review.errors import NotAllowed, ReviewError
from intake.settings import Settings
from intake.start import first_start
from intake.web.app import create_app
from tests.intake.made import NOW, document, told

ROLES_PAGE = Path(__file__).parents[2] / "docs/roles.md"
PASSWORD = "sandi yang cukup panjang"
REQUESTS = 5000


# ---- the matrix ------------------------------------------------------------------------------------------------------


def test_the_published_matrix_is_the_one_in_force() -> None:
    remade = "python -m intake.people.access > docs/roles.md"
    assert ROLES_PAGE.read_text() == access.as_markdown(), f"made from the code by: {remade}"


def test_every_scope_stands_for_actions_there_are() -> None:
    assert {action for actions in SCOPES.values() for action in actions} <= set(MATRIX.actions)
    assert {role for roles in MATRIX.actions.values() for role in roles} <= set(ROLES)


@pytest.mark.parametrize("action", MATRIX.actions)
@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_what_the_matrix_says_unless_the_account_is_closed(role: str, action: str) -> None:
    person = Person(name="x", role=role, password="", disabled=False, remits=[])
    assert access.may(person, action) == (role in MATRIX.actions[action])
    person.disabled = True
    assert not access.may(person, action)


def test_an_action_nobody_wrote_down_is_an_error() -> None:
    with pytest.raises(KeyError):
        access.may(Person(name="x", role="admin", password="", disabled=False), "queue.burn")


# ---- a province with three agencies, three regions, and people for each ------------------------------------------------

AGENCIES = ("VT-PLN-UP3DMI", "RI-1471-DPUPR", "RI-1471-DISHUB")
REGIONS = ("14.03", "14.71", "14.72")
MARK = re.compile(r"zq(\d+)[a-z]+qz")


def mark(number: int, field: str) -> str:
    """What is planted in a field of the candidate with this number, and found wherever it is shown."""
    return f"zq{number}{field}qz"


@dataclass
class Province:
    app: Any
    factory: Sessions
    of: dict[int, tuple[str | None, str | None, str]]  # candidate -> agency, region, state
    people: dict[str, int]

    def client(self, name: str) -> TestClient:
        client = TestClient(self.app, base_url="http://127.0.0.1")
        page = client.get("/masuk")
        (token,) = re.findall(r'name="csrf" value="([^"]+)"', page.text)
        answer = client.post("/masuk", data={"name": name, "password": PASSWORD, "csrf": token})
        assert answer.status_code == 200, name
        return client


# name -> role, agency of a focal point, remits that bound; and whether a candidate of (agency, region, state) is theirs
WHO: dict[str, tuple[str, str | None, list[tuple[str | None, str | None]]]] = {
    "petugas instansi": ("officer", None, [(AGENCIES[0], None)]),
    "petugas daerah": ("officer", None, [(None, REGIONS[1])]),
    "petugas keduanya": ("officer", None, [(AGENCIES[1], REGIONS[1]), (AGENCIES[2], REGIONS[0])]),
    "analis daerah": ("analyst", None, [(None, REGIONS[2])]),
    "hub satu": ("focal", AGENCIES[0], []),
    "hub dua": ("focal", AGENCIES[1], [(None, REGIONS[1])]),
    "auditor": ("auditor", None, []),
    "petugas": ("officer", None, []),
    "kepala": ("head", None, [(None, REGIONS[0])]),
    "admin dua": ("admin", None, []),
    "analis": ("analyst", None, []),
}


def is_theirs(name: str, agency: str | None, region: str | None, state: str) -> bool:
    """The rule of docs/roles.md once more, told without the database."""
    role, own, remits = WHO[name]
    if role in ("admin", "head"):
        return True
    if role == "auditor" or (role == "focal" and (agency != own or state != "accepted")):
        return False
    return not remits or any(a in (None, agency) and r in (None, region) for a, r in remits)


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    url = f"sqlite:///{tmp_path_factory.mktemp('access') / 'a.db'}"
    migrate(url)
    engine = open_engine(url)
    factory = sessions(engine)
    with factory.begin() as session:
        first_start(session, "riau")
        people = {name: _person(session, name, *about) for name, about in WHO.items()}
        officer = session.get_one(Person, people["petugas"])
        of = {}
        places = [(agency, region) for agency in (*AGENCIES, None) for region in (*REGIONS, None)]
        for number, (agency, region) in enumerate([*places, *places]):
            candidate = _event(session, number, agency, region)
            if number % 5:
                _decide(session, officer, candidate, accepted=number % 5 > 1)
            of[candidate.id] = (agency, region, candidate.state)
    settings = Settings(database_url=url, pseudonym_key="test", second_factor_roles=())
    app = create_app(factory, settings)
    yield Province(app, factory, of, people)
    engine.dispose()


def _person(
    session: Session, name: str, role: str, agency: str | None, remits: list[tuple[str | None, str | None]]
) -> int:
    person, _ = accounts.add_person(session, name, role, PASSWORD, agency)
    for of_agency, region in remits:
        bounds = role not in access.UNBOUND
        portfolio.add_remit(session, person, of_agency, region, bounds=bounds, by=None)
    return person.id


def _event(session: Session, number: int, agency: str | None, region: str | None) -> Candidate:
    """A candidate with a marker in every field that somebody could be shown."""
    kind = "article" if number % 2 else "post"
    words = " ".join(f"kata{number}x{n}" for n in range(8))
    candidate = told(
        session, document(number, words, kind=kind, title="t" if kind == "article" else ""),
        sectors=(), agencies=(), regions=(region,) if region else (),
    )  # fmt: skip
    assert candidate is not None
    session.flush()
    candidate.agency_id, candidate.region, candidate.sector = agency, region, "LIS"
    (mention,) = session.scalars(select(Mention).where(Mention.candidate_id == candidate.id))
    here = candidate.id
    candidate.headline = mark(here, "headline")
    candidate.agency_reason = f"disebut: {mark(here, 'why')}"
    mention.text = f"{mark(here, 'text')} {mark(here, 'pii')}"
    start = mention.text.index(mark(here, "pii"))
    pii = [{"start": start, "end": len(mention.text), "type": "nik"}]
    mention.analysis = {**(mention.analysis or {}), "pii": pii, "evidence": []}
    mention.title = mark(here, "title") if kind == "article" else ""
    mention.source, mention.author = mark(here, "source"), mark(here, f"{kind}author")
    mention.url = f"https://koran.example/{mark(here, kind + 'url')}"
    older = f"{mark(here, 'older')} lama"
    session.add(Revision(mention_id=mention.id, title=mark(here, "oldtitle"), text=older, hash="x", seen_at=now()))
    return candidate


def _decide(session: Session, officer: Person, candidate: Candidate, *, accepted: bool) -> None:
    """Accepted, or closed, by somebody who leaves a note."""
    session.flush()
    how: dict[str, Any] = {"note": mark(candidate.id, "note")}
    how |= {"track": "refer"} if accepted else {"reason": "settled"}
    action = "accept" if accepted else "not_relevant"
    decisions.decide(session, officer, candidate.id, candidate.version, action, **how)
    session.flush()


# ---- fields ----------------------------------------------------------------------------------------------------------

FIELDS = {  # of the matrix -> what is planted for it
    "candidate.headline": "headline",
    "decision.note": "note",
    "mention.title": "title",
    "mention.text": "text",
    "mention.source": "source",
    "mention.article_address": "articleurl",
    "mention.article_author": "articleauthor",
    "mention.post_address": "posturl",
    "mention.post_author": "postauthor",
}


@pytest.fixture(scope="module")
def shown(province: Province) -> dict[str, str]:
    """Role -> all that somebody without bounds is shown: every candidate's page, in the console and by the API."""
    names = {"admin": "admin dua", "head": "kepala", "officer": "petugas", "analyst": "analis", "auditor": "auditor"}
    found = {}
    for role in ROLES:
        client = province.client(names.get(role, "hub satu"))
        with province.factory.begin() as session:
            secret = accounts.make_token(session, names.get(role, "hub satu"))
        bearer = {"authorization": f"Bearer {secret}"}
        pages = [
            "/",
            "/?state=all",
            "/?state=accepted",
            "/kasus",
            "/tren",
            *(f"/kandidat/{one}" for one in province.of),
        ]
        answers = [client.get(path, follow_redirects=False) for path in pages]
        answers += [client.get(f"/api/v1/candidates/{one}", headers=bearer) for one in province.of]
        found[role] = "\n".join(answer.text for answer in answers)
    return found


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("role", ROLES)
def test_a_role_reads_of_a_field_what_the_matrix_says(shown: dict[str, str], role: str, field: str) -> None:
    is_shown = re.search(rf"zq\d+{FIELDS[field]}qz", shown[role]) is not None
    assert is_shown == (MATRIX.fields[field].reads[role] in ("plain", "masked"))


@pytest.mark.parametrize("role", ROLES)
def test_nobody_is_shown_what_is_covered(shown: dict[str, str], role: str) -> None:
    assert not re.search(r"zq\d+piiqz", shown[role])
    assert ("[NIK]" in shown[role]) == (MATRIX.fields["mention.text"].reads[role] == "masked")


# ---- pages -----------------------------------------------------------------------------------------------------------

PAGES = {  # action -> a page it opens
    "trends.read": "/tren",
    "sources.read": "/sumber",
    "people.read": "/pengguna",
    "contacts.change": "/kontak",
    "audit.read": "/jejak",
    "link.paste": "/tautan",
    "case.read": "/kasus",
    "export.make": "/unduh/trends.csv",
}


@pytest.mark.parametrize("action", PAGES)
@pytest.mark.parametrize("name", ["admin dua", "kepala", "petugas", "hub satu", "analis", "auditor"])
def test_a_page_opens_for_whom_the_matrix_says(province: Province, name: str, action: str) -> None:
    answer = province.client(name).get(PAGES[action], follow_redirects=False)
    assert answer.status_code == (200 if WHO[name][0] in MATRIX.actions[action] else 403)


# ---- 5,000 generated requests ----------------------------------------------------------------------------------------

OPEN = ("/masuk", "/undangan/{secret}", "/sehat")  # to everybody
DRAWN = (".svg", ".pdf")  # costs more, and shows no words that could be searched: asked for less often


def routes(province: Province, method: str) -> list[APIRoute]:
    found = [route for route in all_routes(province.app) if method in route.methods and route.path not in OPEN]
    assert len(found) > 8
    return found


def all_routes(app: Any) -> Iterator[APIRoute]:
    """However deep they are nested."""
    for route in app.routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from all_routes(route.original_router)


class Asking:
    """Requests as somebody curious would make them up: numbers, codes and words of things that are not theirs."""

    def __init__(self, province: Province, seed: int) -> None:
        self.chance = random.Random(seed)
        with province.factory.begin() as session:
            self.numbers = [
                *province.of,
                *session.scalars(select(Decision.id)),
                *session.scalars(select(Case.id)),
                *session.scalars(select(Mention.id)),
            ]
            self.of_case = {case.number: case.candidate_id for case in session.scalars(select(Case))}
        self.cases = list(self.of_case)
        fields = ("headline", "text", "title", "source", "note", "articleurl", "why", "pii")
        self.words = [mark(one, field) for one in province.of for field in fields] + ["lama", "kata", "zq", "koran", ""]
        self.codes = [*AGENCIES, *REGIONS, "LIS", "U3", "all", "candidate", "accepted", "not_relevant", "duplicate"]

    def path(self, template: str) -> str:
        for name, known in (("what", TABLES), ("format", FORMATS)):
            template = template.replace(f"{{{name}}}", self.chance.choice(list(known)))
        return re.sub(r"\{[^}]*\}", lambda _: str(self.part()), template)

    def part(self) -> object:
        return self.chance.choice(self.cases if self.chance.random() < 0.1 else self.numbers)

    def value(self) -> object:
        pools = (
            self.codes,
            self.codes,
            self.words,
            self.numbers,
            self.cases,
            ["1.0~5", "99999.0~9", "true", "53", "12"],
        )
        return self.chance.choice(self.chance.choice(pools))

    def query(self, route: APIRoute) -> dict[str, Any]:
        names = [one.alias for one in route.dependant.query_params]
        return {name: self.value() for name in names if self.chance.random() < 0.4}

    def form(self, route: APIRoute) -> dict[str, Any]:
        names = [one.alias for one in route.dependant.body_params]
        return {name: self.value() for name in names if self.chance.random() < 0.9}

    def flash(self) -> str:
        return f"{self.chance.choice(['accept', 'not_relevant', 'undo', 'saved'])}:{self.chance.choice(self.numbers)}:"


@pytest.mark.parametrize("part", range(5))
def test_nobody_reads_what_is_not_theirs_in_5000_requests(province: Province, part: int) -> None:
    asking = Asking(province, part)
    names = [name for name in WHO if any(not is_theirs(name, *about) for about in province.of.values())]
    found = routes(province, "GET")
    ways = [route for route in found for _ in range(1 if route.path.endswith(DRAWN) else 4)]
    opened = 0
    clients = {name: province.client(name) for name in names}
    with province.factory.begin() as session:
        tokens = {name: accounts.make_token(session, name) for name in names}
    for _ in range(REQUESTS // 5):
        name, route = asking.chance.choice(names), asking.chance.choice(ways)
        client = clients[name]
        client.cookies.set("kentongan_flash", asking.flash(), domain="127.0.0.1")
        answer = client.get(
            asking.path(route.path),
            params=asking.query(route),
            headers={"authorization": f"Bearer {tokens[name]}"} if route.path.startswith("/api") else {},
            follow_redirects=False,
        )
        assert answer.status_code < 500, f"{name}: {answer.request.url}"
        told_of = f"{answer.text} {answer.headers.get('location', '')}"
        about = {int(number) for number in MARK.findall(_without_echo(told_of, str(answer.request.url)))}
        if answer.headers.get("content-type") == "application/pdf":
            about = {one for number, one in asking.of_case.items() if number in str(answer.request.url)}
        opened += bool(about)
        foreign = [number for number in about if not is_theirs(name, *province.of[number])]
        assert not foreign, f"{name} reads of {foreign}: {answer.request.url} ({route.path})"
    assert opened > REQUESTS // 5 // 40, "what is theirs is shown"


def _without_echo(text: str, url: str) -> str:
    """The answer without the words that were asked for: a search shows what was sought."""
    for echoed in set(MARK.finditer(url)):
        text = text.replace(echoed.group(), "")
    return text


def taken(province: Province, name: str, what: str) -> list[dict[str, Any]]:
    """The rows of a file, as this person gets it. Raises NotAllowed."""
    file = io.BytesIO()
    with province.factory.begin() as session:
        export(session, what, "jsonl", file, session.get_one(Person, province.people[name]))
    return [json.loads(line) for line in file.getvalue().splitlines()]


@pytest.mark.parametrize("name", [name for name in WHO if WHO[name][0] in MATRIX.actions["export.make"]])
def test_a_file_holds_all_that_is_theirs_and_nothing_else(province: Province, name: str) -> None:
    theirs = {one for one, about in province.of.items() if is_theirs(name, *about)}
    accepted = {one for one in theirs if province.of[one][2] == "accepted"}
    assert {row["id"] for row in taken(province, name, "candidates")} == theirs
    assert {row["id"] for row in taken(province, name, "cases")} == accepted
    assert {row["candidate_id"] for row in taken(province, name, "mentions")} == theirs
    with province.factory.begin() as session:
        viewer = session.get_one(Person, province.people[name])
        cells = [cell.mentions for cell in trends.weekly(session, weeks=53, viewer=viewer)]
    assert [row["mentions"] for row in taken(province, name, "trends")] == cells


@pytest.mark.parametrize("what", TABLES)
@pytest.mark.parametrize("name", ["hub satu", "auditor"])
def test_nobody_else_takes_a_file(province: Province, name: str, what: str) -> None:
    with pytest.raises(NotAllowed):
        taken(province, name, what)


def test_of_cases_a_focal_point_would_take_those_referred_to_them(province: Province) -> None:
    with province.factory.begin() as session:
        focal = session.get_one(Person, province.people["hub satu"])
        case = session.scalars(select(Case).where(Case.agency_id == AGENCIES[0], Case.state == "open")).first()
        assert case is not None
        assert list(TABLES["cases"](session, focal)) == []
        session.add(Referral(case_id=case.id, agency_id=AGENCIES[0], question="?", expires_at=now()))
        assert [row["number"] for row in TABLES["cases"](session, focal)] == [case.number]
        session.rollback()


@pytest.mark.parametrize("field", FIELDS)
def test_a_file_tells_of_a_field_what_its_taker_reads(
    province: Province, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tells() -> bool:
        rows = [row for what in TABLES for row in taken(province, "analis", what)]
        return re.search(rf"zq\d+{FIELDS[field]}qz", json.dumps(rows)) is not None

    is_a_column = field in {column for columns in COLUMNS.values() for column in columns.values()}
    assert tells() == is_a_column
    for reading in ("", "reason"):
        about = MATRIX.fields[field]
        monkeypatch.setitem(MATRIX.fields, field, Field({**about.reads, "analyst": reading}, about.changes))
        assert not tells()


@pytest.mark.parametrize("name", ["petugas daerah", "petugas keduanya", "analis daerah", "auditor", "kepala"])
def test_what_is_counted_is_what_is_theirs(province: Province, name: str) -> None:
    with province.factory.begin() as session:
        viewer = session.get_one(Person, province.people[name])
        cells = {(cell.agency_id, cell.region) for cell in trends.weekly(session, at=NOW, viewer=viewer)}
        names = {one.id: one.name for one in session.scalars(select(Agency))}
    remits = WHO[name][2] if WHO[name][0] != "head" else []
    there = {about[:2] for about in province.of.values() if about[2] not in REASONS}
    assert cells == {
        place
        for place in there
        if not remits or any(a in (None, place[0]) and r in (None, place[1]) for a, r in remits)
    }
    page = province.client(name).get("/tren?weeks=53").text
    rows = re.search(r"<tbody>.*</tbody>", page, re.DOTALL)
    told_of = {agency for agency, called in names.items() if rows and f"<td>{called}</td>" in rows.group()}
    assert told_of <= {agency for agency, _ in cells}


# ---- and changes nothing of it ---------------------------------------------------------------------------------------

FORMS: dict[str, list[str]] = {
    "action": [
        "accept",
        "not_relevant",
        "outside",
        "insufficient",
        "duplicate",
        "reopen",
        "snooze",
        "correct",
        "split",
    ],
    "track": ["refer", "watch", "iaps", "rco"],
    "reason": ["settled", "no_failure", "outside_riau", "too_vague", "ingin tahu saja"],
    "version": ["0", "1", "2", "3"],
    "days": ["0", "3"],
    "note": ["catatan"],
    "text": ["catatan"],
}
OWN = ("/keluar", "/masuk", "/akun", "/undangan", "/rujukan")  # of oneself, or by another key than a session


def rows_of(session: Session, foreign: set[int]) -> dict[str, list[Any]]:
    """Every row that tells of these candidates."""
    found: dict[str, list[Any]] = {}
    for table in (Candidate, Mention, Decision, Lease, Case, Reporter):
        column = table.id if table is Candidate else table.candidate_id  # type: ignore[attr-defined]
        found[table.__tablename__] = session.execute(select(table.__table__).where(column.in_(foreign))).all()
    of_foreign = select(Case.id).where(Case.candidate_id.in_(foreign))
    for part in (CaseEvent, Referral):
        rows = select(part.__table__).where(part.case_id.in_(of_foreign))  # type: ignore[attr-defined]
        found[part.__tablename__] = session.execute(rows).all()
    return found


@pytest.mark.parametrize("name", ["petugas instansi", "petugas keduanya", "analis daerah", "hub satu"])
def test_nobody_changes_what_is_not_theirs(province: Province, name: str) -> None:
    foreign = {one for one, about in province.of.items() if not is_theirs(name, *about)}
    with province.factory.begin() as session:
        before = rows_of(session, foreign)
    asking, client = Asking(province, 99), province.client(name)
    (csrf,) = set(re.findall(r'name="csrf" value="([^"]+)"', client.get("/akun").text))
    ways = [route for route in routes(province, "POST") if not route.path.startswith((*OWN, "/api", "/tautan"))]
    assert any("{candidate_id}" in route.path for route in ways)
    for _ in range(250):
        route = asking.chance.choice(ways)
        form = asking.form(route)
        form |= {field: asking.chance.choice(pool) for field, pool in FORMS.items() if field in form}
        client.post(asking.path(route.path), data=form | {"csrf": csrf}, follow_redirects=False)
    with province.factory.begin() as session:
        assert rows_of(session, foreign) == before


@pytest.mark.parametrize("name", ["petugas instansi", "petugas daerah", "petugas keduanya"])
def test_no_function_decides_about_what_is_not_theirs(province: Province, name: str) -> None:
    foreign = [one for one, about in province.of.items() if not is_theirs(name, *about)]
    with province.factory.begin() as session:
        person = session.get_one(Person, province.people[name])
        for number in foreign:
            candidate = session.get_one(Candidate, number)
            with pytest.raises(ReviewError):
                decisions.decide(session, person, number, candidate.version, "accept", track="watch")
            with pytest.raises(ReviewError):
                leases.claim(session, person, number)
            with pytest.raises(ReviewError):
                leases.take_over(session, person, number)
            if last := decisions.latest(session, number):
                with pytest.raises(ReviewError):
                    undo.take_back(session, person, last.id)
