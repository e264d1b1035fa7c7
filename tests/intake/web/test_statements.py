"""How many statements a page of the console costs: as many for a full page as for a short one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, select

from intake.database import Sessions
from intake.models import Agency, Candidate, Decision, DecisionTouch, Mention, Person, Revision
from intake.people import accounts
from intake.settings import Settings
from intake.web.app import create_app
from tests.intake.made import NOW, OUTAGE, PASSWORD, office

QUEUE, SEARCH, CANDIDATE = 22, 34, 30  # statements at most


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[Sessions]:
    """SQLite suffices here: the statements are the same on both."""
    with office(tmp_path, ("rina", "officer", None)) as made:
        yield made


@pytest.fixture
def client(factory: Sessions, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(factory, settings), base_url="http://127.0.0.1") as client:
        with factory.begin() as session:
            secret, _ = accounts.sign_in(session, "rina", PASSWORD, "10.0.0.1")
        client.cookies.set("kentongan", secret)
        yield client


def add(factory: Sessions, candidates: int, mentions: int) -> int:
    """Candidates, each of another agency, with mentions from as many sources, edited and decided. Returns the first id."""
    with factory.begin() as session:
        agencies = session.scalars(select(Agency.id).order_by(Agency.id)).all()
        person = session.scalars(select(Person).where(Person.name == "rina")).one()
        first = 0
        for number in range(candidates):
            one = Candidate(
                headline="padam", agency_id=agencies[number], sector="LIS", region="14.71", rank=number, p_failure=0.9,
                first_told_at=NOW, last_told_at=NOW - timedelta(hours=number),
            )  # fmt: skip
            session.add(one)
            session.flush()
            first = first or one.id
            for place in range(mentions):
                mention = Mention(
                    key=f"{one.id} {place}", source=f"Koran {place}", url="", title="", text=OUTAGE, kind="post",
                    fetched_at=NOW, told_at=NOW, analysed_at=NOW, analysis={}, candidate_id=one.id,
                )  # fmt: skip
                mention.revisions = [
                    Revision(title="", text="Listrik padam", hash=str(n), seen_at=NOW) for n in range(3)
                ]
                decision = Decision(candidate_id=one.id, person=person, action="snooze", at=NOW)
                session.add_all([mention, decision])
                session.flush()
                session.add(DecisionTouch(decision_id=decision.id, candidate_id=one.id))
        return first


@contextmanager
def counted(factory: Sessions) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    engine = factory.kw["bind"]
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def statements_of(factory: Sessions, client: TestClient, path: str) -> list[str]:
    client.get(path)  # what is said only the first time
    with counted(factory) as statements:
        assert client.get(path).status_code == 200
    return statements


@pytest.mark.parametrize(("path", "most"), [("/", QUEUE), ("/?text=padam", SEARCH)])
def test_a_full_queue_costs_as_much_as_a_short_one(factory: Sessions, client: TestClient, path: str, most: int) -> None:
    add(factory, 2, 1)
    short = statements_of(factory, client, path)
    add(factory, 25, 4)
    full = statements_of(factory, client, path)
    assert len(full) <= len(short), sorted(set(full) - set(short))
    assert len(full) <= most, full


def test_a_candidate_with_much_to_tell_costs_as_much_as_one_with_little(factory: Sessions, client: TestClient) -> None:
    little, much = add(factory, 1, 1), add(factory, 12, 12)
    costs = [statements_of(factory, client, f"/kandidat/{number}") for number in (little, much)]
    assert len(costs[1]) <= len(costs[0]) + 2, costs[1]
    assert len(costs[1]) <= CANDIDATE, costs[1]
