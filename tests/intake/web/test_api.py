"""The API as its own description tells it: every answer is checked against that, whatever is asked."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from sqlalchemy import delete, func, select, update

from crawler import Source, document_key
from crawler.identity import identity
from intake import retention, sources
from intake.database import Sessions, open_engine, sessions
from intake.migrations import migrate
from intake.models import (
    AgencyContact,
    Alert,
    AuditRow,
    Candidate,
    Case,
    Decision,
    IdempotentCall,
    Mention,
    Person,
    Remit,
    Revision,
    SignIn,
    SignInAttempt,
    Suggestion,
    now,
)
from intake.people import access, accounts, portfolio
from intake.people.access import SCOPES
from intake.settings import Settings
from intake.start import first_start
from intake.web import download
from intake.web.api.rates import Rates
from intake.web.app import create_app
from tests.intake.made import PASSWORD, document, office, told

PLN = "VT-PLN-UP3DMI"
OPENING = "/api/v1/"


@dataclass
class Api:
    """A client that holds every answer against the description, and remembers which operations it has seen answered."""

    client: TestClient
    factory: Sessions
    tokens: dict[str, str]
    described: dict[str, Any]
    answered: set[tuple[str, str]] = field(default_factory=set)

    def __call__(self, name: str, method: str, path: str, **more: Any) -> Any:
        headers = {"authorization": f"Bearer {self.tokens[name]}"} | more.pop("headers", {})
        answer = self.client.request(method, f"{OPENING}{path}", headers=headers, **more)
        template, operation = self.operation(method, path)
        responses = operation["responses"]
        assert str(answer.status_code) in responses, f"{method} {path}: {answer.status_code} {answer.text}"
        assert answer.status_code < 500, answer.text
        self._holds(responses[str(answer.status_code)], answer)
        if answer.status_code < 300:
            self.answered.add((method, template))
        return answer

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any]]:
        for template in sorted(self.described["paths"], key=lambda one: one.count("{")):
            is_it = re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template), f"{OPENING}{path}")
            if is_it and method.lower() in self.described["paths"][template]:
                return template, self.described["paths"][template][method.lower()]
        raise AssertionError(f"{method} {path} is not described")

    def _holds(self, described: dict[str, Any], answer: Any) -> None:
        content = described.get("content", {})
        if not content:
            assert answer.content == b""
            return
        kind = answer.headers["content-type"].partition(";")[0]
        schema = content[kind].get("schema")
        if kind.endswith("json"):
            fits(answer.json(), closed(schema), closed(self.described["components"]))


def fits(value: Any, schema: Any, components: Any) -> None:
    wrong = best_match(Draft202012Validator({**schema, "components": components}).iter_errors(value))
    assert wrong is None, f"{wrong.json_path}: {wrong.message}"


def closed(schema: Any) -> Any:
    """The same, allowing no field that is not described."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(one) for name, one in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        inner.setdefault("additionalProperties", False)
    return inner


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[Sessions]:
    with office(tmp_path) as made:
        yield made


@pytest.fixture
def api(factory: Sessions, settings: Settings) -> Iterator[Api]:
    yield from opened(factory, settings)


def opened(factory: Sessions, settings: Settings) -> Iterator[Api]:
    with factory.begin() as session:
        people = (("rina", "officer", None), ("sari", "officer", None), ("bos", "admin", None), ("hub", "focal", PLN))
        for name, role, agency in people:
            accounts.add_person(session, name, role, PASSWORD, agency)
        every = {name: access.scopes_of(accounts.named(session, name)) for name, _, _ in people}
        tokens = {name: accounts.make_token(session, name, scopes=scopes) for name, scopes in every.items()}
    app = create_app(factory, settings)
    app.state.rates = Rates(most=100_000)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        described = client.get("/api/openapi.json", headers={"authorization": f"Bearer {tokens['bos']}"}).json()
        yield Api(client, factory, tokens, described)


def tell(factory: Sessions, count: int = 3) -> list[int]:
    """Candidates of PLN in Duri, each of its own event, in the order of the queue."""
    with factory.begin() as session:
        made = []
        for number in range(count):
            words = " ".join(f"kata{number}x{n}" for n in range(12))
            one = told(session, document(number, words, kind="article", title=f"Listrik padam {number}"))
            assert one is not None
            made.append(one)
        return [one.id for one in sorted(made, key=lambda one: (-one.rank, -one.id))]


# ---- the description -------------------------------------------------------------------------------------------------


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_operation_says_what_it_does_what_it_needs_and_how_it_fails(api: Api) -> None:
    seen = set()
    for path, method, operation in operations(api.described):
        at = f"{method} {path}"
        assert path.startswith(OPENING), at
        assert operation["summary"] and operation["description"], at
        assert operation["operationId"] not in seen, at
        seen.add(operation["operationId"])
        (security,) = operation["security"]
        assert set(security["token"]) <= set(SCOPES), at
        assert security["token"] or "/account" in path, at
        for status in ("401", "403", "422", "429", "500"):
            assert "application/problem+json" in operation["responses"][status]["content"], at
        if "{" in path and "/account/" not in path:
            assert "404" in operation["responses"], at
        for given in operation.get("parameters", []):
            assert given.get("description") or given["schema"].get("description"), f"{at}: {given['name']}"
        named = {given["name"].lower() for given in operation.get("parameters", [])}
        assert ("idempotency-key" in named) == (method != "get"), at


def test_every_field_is_described_and_every_body_has_an_example(api: Api) -> None:
    schemas = api.described["components"]["schemas"]
    for name, schema in schemas.items():
        for field_name, about in schema.get("properties", {}).items():
            assert about.get("description"), f"{name}.{field_name}"
    for path, method, operation in operations(api.described):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if body:
            schema = schemas[body["$ref"].rpartition("/")[2]]
            assert schema["additionalProperties"] is False, f"{method} {path}"
            (example,) = schema["examples"]
            fits(example, schema, api.described["components"])


def test_every_example_of_an_answer_is_one(api: Api) -> None:
    schemas = api.described["components"]["schemas"]
    shown = {name: schema["examples"] for name, schema in schemas.items() if "examples" in schema}
    assert len(shown) > 30
    for name, examples in shown.items():
        for example in examples:
            fits(example, schemas[name], api.described["components"])


def test_every_route_of_the_program_is_described(api: Api) -> None:
    def paths(routes: Any) -> Iterator[str]:
        for route in routes:
            if hasattr(route, "original_router"):
                yield from paths(route.original_router.routes)
            elif getattr(route, "path", "").startswith("/api/"):
                yield route.path

    assert set(paths(api.client.app.routes)) - {"/api/openapi.json"} == set(api.described["paths"])  # type: ignore[attr-defined]


# ---- every operation, once -------------------------------------------------------------------------------------------


def test_a_day_over_every_operation(api: Api, factory: Sessions) -> None:
    first, second, third, *others = tell(factory, 8)
    with factory.begin() as session:
        session.execute(delete(Suggestion))
        session.add(Suggestion(first_id=min(others[:2]), second_id=max(others[:2]), score=0.6, reasons=["region"]))
        session.add(Suggestion(first_id=min(others[2:4]), second_id=max(others[2:4]), score=0.5, reasons=["time"]))
        session.flush()
        apart, joined = session.scalars(select(Suggestion.id).order_by(Suggestion.id)).all()
        sources.sync(session, [Source("A", "feed", "https://a.example/rss", interval=30)])
        session.add(AgencyContact(agency_id=PLN, name="Ibu Narahubung", address="console://"))
        waiting = session.scalars(select(Mention.id).where(Mention.candidate_id == others[4])).one()

    # the queue, and one in hand
    queue = api("rina", "GET", "queue").json()
    assert [one["id"] for one in queue["items"]] == [first, second, third, *others]
    assert api("rina", "GET", "queue/budget").json()["left"] > 0
    taken = api("rina", "POST", "queue/next", json={}).json()
    assert taken["candidate"]["id"] == first
    assert api("sari", "POST", f"candidates/{first}/lease", json={}).json()["code"] == "held"
    over = api("sari", "POST", f"candidates/{first}/lease", json={"take_over": True}).json()
    late = {"token": taken["lease"]["token"]}
    lost = api("rina", "PATCH", f"candidates/{first}/lease", json=late).json()
    assert (lost["code"], lost["changed"]["how"], lost["changed"]["by"]) == ("lease_lost", "taken_over", "sari")
    assert api("sari", "PATCH", f"candidates/{first}/lease", json={"token": over["token"]}).status_code == 200
    assert api("rina", "GET", f"candidates/{first}").json()["held"]["by"] == "sari"
    assert api("sari", "DELETE", f"candidates/{first}/lease", params={"token": over["token"]}).status_code == 204

    # decisions
    body = {"candidate_id": first, "version": 1, "action": "accept", "track": "refer"}
    made = api("rina", "POST", "decisions", json=body).json()
    undone = api("rina", "POST", f"decisions/{made['id']}/undo").json()
    assert undone["undoes"] == made["id"]
    assert api("rina", "GET", f"candidates/{first}/decisions").json()["items"] == [made, undone]
    corrected = api("rina", "PATCH", f"candidates/{second}", json={"version": 1, "fields": {"sector": "AIR"}})
    assert corrected.json()["changes"] == {"sector": ["LIS", "AIR"]}
    bulk = {"items": [{"candidate_id": one, "version": 1} for one in (third, others[0])], "action": "not_relevant"}
    refused = api("rina", "POST", "decisions/bulk", json=bulk | {"reason": "settled", "items": [*bulk["items"], {"candidate_id": second, "version": 1}]})  # fmt: skip
    assert refused.status_code == 409
    assert {one["code"] for one in refused.json()["results"]} == {"changed", "not_alone"}
    done = api("rina", "POST", "decisions/bulk", json=bulk | {"reason": "settled"}).json()["decisions"]
    assert len({one["batch"] for one in done}) == 1
    assert api("rina", "POST", f"decisions/{done[0]['id']}/undo").status_code == 201
    assert api("rina", "GET", f"candidates/{third}").json()["state"] == "candidate"
    assert api("rina", "GET", f"candidates/{third}/mentions").json()["next"] is None
    assert len(api("rina", "GET", f"candidates/{others[0]}/suggestions").json()["items"]) == 1
    assert api("rina", "POST", f"suggestions/{apart}/apart").status_code == 204
    said = api("rina", "GET", f"candidates/{others[0]}/suggestions", params={"apart": True}).json()["items"]
    assert [one["id"] for one in said] == [apart]
    assert api("sari", "DELETE", f"suggestions/{apart}/apart").status_code == 204
    assert api("sari", "DELETE", f"suggestions/{apart}/apart").json()["code"] == "not_apart"
    assert len(api("rina", "GET", f"candidates/{others[0]}/suggestions").json()["items"]) == 1
    assert (
        api("rina", "POST", f"suggestions/{joined}/join", json={"candidate_id": others[2], "version": 1}).status_code
        == 201
    )
    reporter = {"name": "Pelapor Rekaan", "contact": "surel", "prior_complaint": "Loket"}
    assert api("rina", "POST", f"candidates/{third}/reporter", json=reporter).status_code == 204

    # views and mutes
    view = api("rina", "POST", "views", json={"name": "Air", "filters": {"sector": "AIR"}})
    here, tag = f"views/{view.json()['id']}", view.headers["etag"]
    assert api("rina", "GET", "views").json()["items"] == [view.json()]
    assert [one["id"] for one in api("rina", "GET", f"{here}/items").json()["items"]] == [second]
    changed = api("rina", "PATCH", here, json={"shared": True}, headers={"if-match": tag})
    assert api("sari", "GET", here).json()["mine"] is False
    assert api("rina", "POST", f"{here}/feed").json()["rss"].endswith(".rss")
    assert api("rina", "DELETE", f"{here}/feed").status_code == 204
    assert api("rina", "DELETE", here, headers={"if-match": changed.headers["etag"]}).status_code == 204
    until = (now() + timedelta(days=3)).isoformat()
    mute = api("rina", "POST", "mutes", json={"sector": "LIS", "reason": "pemadaman terencana", "until": until}).json()
    assert api("rina", "GET", "mutes").json()["items"] == [mute]
    assert api("rina", "DELETE", f"mutes/{mute['id']}").status_code == 204

    # cases
    body["version"] = api("rina", "GET", f"candidates/{first}").json()["version"]
    api("rina", "POST", "decisions", json=body)
    (case,) = api("rina", "GET", "cases").json()["items"]
    there = f"cases/{case['number']}"
    withdrawn, referral = api("rina", "GET", there).json()["referrals"]
    assert withdrawn["revoked"] and not referral["revoked"]
    ask = {"version": case["version"], "act": "ask_progress", "referral": referral["id"]}
    assert api("rina", "POST", f"{there}/acts", json=ask).json()["version"] == case["version"] + 1
    stale = api(
        "rina", "POST", f"{there}/acts", json={"version": case["version"], "act": "pause", "text": "menunggu surat"}
    )
    assert (stale.status_code, stale.json()["changed"]["action"]) == (409, "asked")
    seen = api("hub", "GET", there).json()
    assert seen["track"] is None and {one["kind"] for one in seen["events"]} == {"referred", "asked"}
    answer = {"referral": referral["id"], "seen": seen["events"][-1]["id"], "kind": "acknowledged"}
    assert api("hub", "POST", f"{there}/replies", json=answer).json()["by"] == "hub"
    assert api("rina", "GET", there).json()["events"][-1]["kind"] == "acknowledged"
    assert api("rina", "GET", f"{there}/sheet.pdf").content.startswith(b"%PDF")

    # what was changed, what is covered, and files
    with factory.begin() as session:
        before = "Listrik padam, NIK 1403094505850003"
        pii = [{"start": 19, "end": 35, "type": "nik"}]
        session.add(Revision(mention_id=waiting, title="Dulu", text=before, pii=pii, hash="x", seen_at=now()))
    (edit,) = api("rina", "GET", f"mentions/{waiting}/edits").json()["items"]
    assert {one["kind"] for one in edit["title"]} == {"del", "ins"}
    assert "[NIK]" in "".join(one["text"] for one in edit["text"] if one["kind"] == "del")
    opened = api("rina", "POST", f"mentions/{waiting}/original", json={"reason": "memeriksa tanggal"}).json()
    assert opened["address"].startswith("https://koran.example/")
    assert api("rina", "POST", f"{there}/personal", json={"reason": "menghubungi pelapor"}).json()["reporter"] is None
    assert api("rina", "GET", "exports/cases.csv").text.count("\r\n") == 2

    # a pasted link that is held already, and one nobody understood
    url = "https://koran.example/1"
    with factory.begin() as session:
        session.get_one(Mention, waiting).key = document_key(identity(url))
    pasted = api("rina", "POST", "links", json={"url": url, "reason": "dikirim warga"})
    assert pasted.status_code == 201, pasted.text
    assert api("rina", "GET", f"links/{waiting}").json()["candidate_id"] == others[4]
    with factory.begin() as session:
        told(session, document(77, "makan siang enak"), failure="no", p={"yes": 0.0, "vague": 0.0, "no": 1.0})
        free = session.scalars(select(Mention.id).where(Mention.candidate_id.is_(None))).one()
    assert (
        api("rina", "POST", f"links/{free}/candidate", json={"reason": "air mati tiga hari"}).json()["action"]
        == "bring"
    )

    # what is counted, listened to, and known
    assert api("rina", "GET", "trends").json()["items"]
    assert api("bos", "GET", "audit").json()["items"][0]["place"] > 10
    assert api("rina", "GET", "agencies", params={"name": "PLN"}).json()["items"]
    (source,) = api("rina", "GET", "sources").json()["items"]
    switched = api("bos", "GET", f"sources/{source['id']}").headers["etag"]
    off = api("bos", "PATCH", f"sources/{source['id']}", json={"enabled": False}, headers={"if-match": switched})
    assert off.json()["enabled"] is False
    assert api("bos", "POST", f"sources/{source['id']}/move").json()["code"] == "not_moved"
    with factory.begin() as session:
        row = sources.listing(session)[0]
        row.moved_to = "https://a.example/feed"
    assert api("bos", "POST", f"sources/{source['id']}/move").json()["url"] == "https://a.example/feed"
    contact = api(
        "bos", "POST", "contacts", json={"agency_id": PLN, "name": "Bapak Baru", "address": "console://"}
    ).json()
    held = api("bos", "GET", f"contacts/{contact['id']}").headers["etag"]
    assert len(api("bos", "GET", "contacts").json()["items"]) == 2
    assert (
        api("bos", "PATCH", f"contacts/{contact['id']}", json={"active": False}, headers={"if-match": held}).status_code
        == 200
    )

    with factory.begin() as session:
        alert = session.scalars(select(Alert).order_by(Alert.id)).first()
        assert alert is not None
        alert.state, alert.error, alert.attempts = "failed", "no_answer", 9
    (unsent,) = api("bos", "GET", "messages").json()["items"]
    assert (unsent["state"], unsent["next_try"]) == ("failed", None)
    assert api("bos", "POST", f"messages/{unsent['id']}/again").json()["attempts"] == 0

    # people
    new = api("bos", "POST", "people", json={"name": "dewi", "role": "officer"}).json()
    assert "/undangan/" in new["invitation"] and new["password"] is None
    her = f"people/{new['person']['id']}"
    assert api("bos", "POST", f"{her}/invitation").status_code == 201
    assert api("bos", "POST", f"{her}/password").json()["password"]
    remit = api("bos", "POST", f"{her}/remits", json={"region": "14.03", "bounds": True}).json()
    assert api("bos", "DELETE", f"{her}/remits/{remit['id']}").status_code == 204
    days = {"first_day": f"{now():%Y-%m-%d}", "last_day": f"{now() + timedelta(days=3):%Y-%m-%d}"}
    names = {one["name"]: one["id"] for one in api("bos", "GET", "people").json()["items"]}
    leave = api("bos", "POST", f"{her}/leaves", json=days | {"cover_id": names["rina"]}).json()
    assert api("bos", "DELETE", f"{her}/leaves/{leave['id']}").status_code == 204
    assert api("bos", "DELETE", f"{her}/second_factor").status_code == 204
    assert api("bos", "DELETE", f"{her}/sessions").status_code == 204
    known = api("bos", "GET", her).headers["etag"]
    for wrong in ({"role": "focal"}, {"role": "focal", "agency_id": "X"}, {"role": "king"}):
        assert api("bos", "PATCH", her, json=wrong, headers={"if-match": known}).status_code == 422
    focal = {"role": "focal", "agency_id": PLN}
    changed = api("bos", "PATCH", her, json=focal, headers={"if-match": known})
    assert changed.json() | focal == changed.json()
    known = changed.headers["etag"]
    assert api("bos", "PATCH", her, json={"disabled": True}, headers={"if-match": known}).json()["disabled"]

    # one's own
    assert api("rina", "GET", "account").json()["scopes"] == list(access.scopes_of(person(factory, "rina")))
    mine = api("rina", "GET", "account").headers["etag"]
    changed = api("rina", "PATCH", "account", json={"language": "en"}, headers={"if-match": mine})
    assert changed.json()["language"] == "en"
    assert api("rina", "PUT", "account/alerts", json={"address": "console://"}).status_code == 204
    own = api("rina", "POST", "account/leaves", json=days | {"cover_id": names["sari"]}).json()
    assert api("rina", "DELETE", f"account/leaves/{own['id']}").status_code == 204
    with factory.begin() as session:
        _, signed = accounts.sign_in(session, "rina", PASSWORD, "x")
        number = signed.id
    assert [one["id"] for one in api("rina", "GET", "account/sessions").json()["items"]] == [number]
    assert api("rina", "DELETE", f"account/sessions/{number}").status_code == 204
    assert api("rina", "DELETE", "account/sessions").status_code == 204
    words = {"old": PASSWORD, "new": "kalimat lain yang panjang"}
    assert api("sari", "POST", "account/password", json=words).status_code == 204
    (token,) = api("rina", "GET", "account/tokens").json()["items"]
    assert api("rina", "DELETE", f"account/tokens/{token['id']}").status_code == 204
    assert api("rina", "GET", "account").status_code == 401

    there_are = {(method.upper(), path) for path, method, _ in operations(api.described)}
    assert api.answered == there_are


def person(factory: Sessions, name: str) -> Person:
    with factory.begin() as session:
        found = accounts.named(session, name)
        assert found.remits is not None
        return found


# ---- what is refused -------------------------------------------------------------------------------------------------


def asked(api: Api, path: str) -> str:
    return re.sub(r"\{number\}", "2026-0001", re.sub(r"\{\w+_id\}", "1", path)).removeprefix(OPENING)


def test_nothing_is_answered_without_a_token_or_with_one_for_something_else(api: Api, factory: Sessions) -> None:
    tell(factory)
    for path, method, operation in operations(api.described):
        target = asked(api, path) if "/account/" not in path else path.replace("{number}", "1").replace("{leave_id}", "1").removeprefix(OPENING)  # fmt: skip
        bare = api.client.request(method.upper(), f"{OPENING}{target}", json={})
        needed = operation["security"][0]["token"]
        assert bare.status_code in (401, 422), path
        assert bare.headers["content-type"] == "application/problem+json"
        if not needed:
            continue
        scopes = [one for one in SCOPES if one not in needed]
        with factory.begin() as session:
            session.execute(update(SignIn).where(SignIn.kind == "token").values(scopes=scopes))
        (example,) = body_of(api, operation).get("examples", [None])
        query = {"token": 1} if "lease" in path and method == "delete" else {}
        answer = api("bos", method.upper(), target, json=example, params=query)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope"), f"{method} {path}"
        assert set(needed) == set(re.findall(r'scope="([^"]+)"', answer.headers["www-authenticate"])[0].split())


def body_of(api: Api, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    found: dict[str, Any] = api.described["components"]["schemas"][body["$ref"].rpartition("/")[2]] if body else {}
    return found


def test_what_nobody_asked_for_is_refused_and_not_passed_over(api: Api, factory: Sessions) -> None:
    tell(factory)
    for path, method, operation in operations(api.described):
        target = asked(api, path) if "/account/" not in path else path.replace("{number}", "1").replace("{leave_id}", "1").removeprefix(OPENING)  # fmt: skip
        name = "hub" if path.endswith("/replies") else "bos"
        query = {"token": 1} if "lease" in path and method == "delete" else {}
        (example,) = body_of(api, operation).get("examples", [None])
        if example is not None:
            answer = api(name, method.upper(), target, json=example | {"state": "accepted"}, params=query)
            assert answer.status_code == 422, f"{method} {path}"
        if "links" not in path or method == "get":
            answer = api(name, method.upper(), target, json=example, params=query | {"regoin": "14.71"})
            assert (answer.status_code, answer.json()["code"]) == (422, "unknown_query"), f"{method} {path}"


def test_what_is_read_beyond_ones_remits_is_taken_in_and_not_told(api: Api, factory: Sessions) -> None:
    url = "https://koran.example/1"
    with factory.begin() as session:
        one = told(session, document(1))
        assert one is not None
        session.scalars(select(Mention)).one().key = document_key(identity(url))
        sari = accounts.named(session, "sari")
        sari.remits.append(Remit(region="14.08", bounds=True))
    nothing = {"mention": None, "candidate_id": None, "failure": None, "analysed_at": None}
    assert api("sari", "POST", "links", json={"url": url}).json() == nothing
    assert api("rina", "POST", "links", json={"url": url}).json()["candidate_id"] == one.id


CURSORS = ["x", "~", "W10", "MQ", "Im5hbiI", "bnVsbA", "WzFd", "W251bGwsMV0", "eyJhIjoxfQ", "LTE", "WyIyMDI2LTAxLTAxIiwxXQ", "OTk5OTk5OTk5OTk5OTk5OTk5", "W1siYSJdLHt9XQ", "IjEuMH41Ig", "IlwwIg", "W1tbW1tbW1s", "¿"]  # fmt: skip


def test_a_cursor_of_elsewhere_is_refused(api: Api, factory: Sessions) -> None:
    (first, *_) = tell(factory)
    lists = 0
    for path, _method, operation in operations(api.described):
        if not any(given["name"] == "after" for given in operation.get("parameters", [])):
            continue
        lists += 1
        for after in CURSORS:
            answer = api("bos", "GET", asked(api, path).replace("/1/", f"/{first}/"), params={"after": after})
            assert answer.status_code in (200, 404, 422), f"{path} {after}"
            if answer.status_code == 422:
                assert answer.json()["code"] == "wrong_cursor", f"{path} {after}"
    assert lists > 12


def test_every_list_is_told_whole_in_pages_of_one(api: Api, factory: Sessions) -> None:
    first, *_ = tell(factory, 4)
    with factory.begin() as session:
        for number in range(3):
            mention = session.get_one(Mention, number + 1)
            mention.candidate_id = first
            sources.add(session, Source(f"S{number}", "feed", f"https://s{number}.example/rss", interval=30))
            session.add(AgencyContact(agency_id=PLN, name=f"N{number}", address="console://"))
            accounts.make_token(session, "bos")
        portfolio.add_remit(session, accounts.named(session, "rina"), None, "14.03", bounds=False, by=None)
    for name in ("c", "a", "b"):
        api("bos", "POST", "views", json={"name": f"Pandangan {name}", "filters": {}})
        until = (now() + timedelta(days=3)).isoformat()
        api("bos", "POST", "mutes", json={"sector": "AIR", "reason": "pemadaman", "until": until})
        body = {"candidate_id": first, "version": api("bos", "GET", f"candidates/{first}").json()["version"]}
        api("bos", "POST", "decisions", json=body | {"action": "snooze", "until": until})
    for path in (
        "queue", f"candidates/{first}/mentions", f"candidates/{first}/decisions", "views", "mutes", "trends", "audit",
        "sources", "contacts", "people", "account/tokens",
    ):  # fmt: skip
        whole = api("bos", "GET", path, params={"limit": 100}).json()
        assert whole["next"] is None and len(whole["items"]) > (0 if path == "trends" else 2), path
        parts: list[Any] = []
        after: dict[str, str] = {}
        while True:
            page = api("bos", "GET", path, params={"limit": 1} | after).json()
            parts += page["items"]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert parts == whole["items"], path


def test_too_many_calls_are_told_when_to_come_again(api: Api) -> None:
    clock = [0.0]
    api.client.app.state.rates = Rates(most=3, clock=lambda: clock[0])  # type: ignore[attr-defined]
    assert [api("rina", "GET", "account").status_code for _ in range(4)] == [200, 200, 200, 429]
    clock[0] = 20.0
    late = api("rina", "GET", "account")
    assert (late.headers["retry-after"], late.json()["code"]) == ("40", "too_many_calls")
    assert api("sari", "GET", "account").status_code == 200, "each token has its own"
    clock[0] = 60.0
    assert api("rina", "GET", "account").status_code == 200


# ---- seen versions ---------------------------------------------------------------------------------------------------


def test_what_is_held_already_is_not_told_again(api: Api, factory: Sessions) -> None:
    first, *_ = tell(factory)
    tag = api("rina", "GET", f"candidates/{first}").headers["etag"]
    assert tag.startswith('"1-')
    again = api("rina", "GET", f"candidates/{first}", headers={"if-none-match": f'"x", W/{tag}'})
    assert (again.status_code, again.headers["etag"]) == (304, tag)
    edit = {"fields": {"sector": "AIR"}}
    assert api("rina", "PATCH", f"candidates/{first}", json=edit).json()["code"] == "needs_version"
    assert api("rina", "PATCH", f"candidates/{first}", json=edit, headers={"if-match": tag}).status_code == 200
    assert api("rina", "GET", f"candidates/{first}", headers={"if-none-match": tag}).status_code == 200
    late = api("sari", "PATCH", f"candidates/{first}", json={"fields": {"sector": "INF"}}, headers={"if-match": tag})
    assert (late.status_code, late.json()["changed"]) == (412, {"by": "rina", "action": "correct"})
    late = api("sari", "PATCH", f"candidates/{first}", json={"fields": {"sector": "INF"}, "version": 1})
    assert (late.status_code, late.json()["code"]) == (409, "changed")


def test_a_view_that_was_changed_meanwhile_is_not_overwritten(api: Api) -> None:
    view = api("rina", "POST", "views", json={"name": "Air", "filters": {"sector": "AIR"}})
    path, tag = f"views/{view.json()['id']}", {"if-match": view.headers["etag"]}
    assert api("rina", "PATCH", path, json={"name": "Air bersih"}, headers=tag).status_code == 200
    late = api("rina", "PATCH", path, json={"name": "Air minum"}, headers=tag)
    assert (late.status_code, late.json()["changed"]["etag"]) == (412, api("rina", "GET", path).headers["etag"])
    assert api("rina", "DELETE", path).status_code == 428
    assert api("sari", "GET", path).status_code == 404


# ---- once ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def both(request: pytest.FixtureRequest, url: str, settings: Settings) -> Iterator[Api]:
    """The same on SQLite and PostgreSQL."""
    migrate(url)
    engine = open_engine(url)
    made = sessions(engine)
    with made.begin() as session:
        first_start(session, "riau")
    yield from opened(made, settings)
    engine.dispose()


def test_a_call_that_is_sent_again_is_done_once(both: Api) -> None:
    first, second, _ = tell(both.factory)
    body = {"candidate_id": first, "version": 1, "action": "accept", "track": "refer"}
    key = {"idempotency-key": "kunci-pertama"}
    made = both("rina", "POST", "decisions", json=body, headers=key)
    again = both("rina", "POST", "decisions", json=body, headers=key)
    assert (again.status_code, again.json(), again.headers["idempotency-replayed"]) == (201, made.json(), "true")
    other = both("rina", "POST", "decisions", json=body | {"candidate_id": second}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert both("sari", "POST", "decisions", json=body, headers=key).status_code == 409, "keys are one's own"
    with both.factory.begin() as session:
        assert session.scalar(select(func.count(Decision.id))) == 1
        session.execute(update(IdempotentCall).values(at=now() - timedelta(hours=25)))
    late = both("rina", "POST", "decisions", json=body | {"candidate_id": second}, headers=key)
    assert late.status_code == 201, "a day later the key is free"
    with both.factory.begin() as session:
        session.execute(update(IdempotentCall).values(at=now() - timedelta(hours=25)))
        assert retention.run(session, dry_run=False)["calls"] == 1


def test_what_was_undone_is_not_decided_with_what_was_seen_before(api: Api, factory: Sessions) -> None:
    tell(factory)
    taken = api("rina", "POST", "queue/next", json={}).json()
    order = {"candidate_id": taken["candidate"]["id"], "version": 1, "lease": taken["lease"]["token"], "action": "accept", "track": "refer"}  # fmt: skip
    made = api("rina", "POST", "decisions", json=order).json()
    api("rina", "POST", f"decisions/{made['id']}/undo")
    late = api("rina", "POST", "decisions", json=order)
    assert (late.status_code, late.json()["code"]) == (409, "lease_lost")
    assert {name: late.json()["changed"][name] for name in ("by", "action", "how")} == {
        "by": "rina",
        "action": "undo",
        "how": "decided",
    }


def test_a_refused_call_leaves_its_key_free(both: Api) -> None:
    first, *_ = tell(both.factory)
    body = {"candidate_id": first, "version": 7, "action": "accept", "track": "refer"}
    key = {"idempotency-key": "kunci-pertama"}
    assert both("rina", "POST", "decisions", json=body, headers=key).status_code == 409
    assert both("rina", "POST", "decisions", json=body | {"version": 1}, headers=key).status_code == 201


def test_of_the_same_call_at_once_one_is_done_and_all_are_answered_alike(both: Api) -> None:
    numbers = tell(both.factory, 8)

    def send(number: int) -> tuple[int, str]:
        body = {"candidate_id": number, "version": 1, "action": "accept", "track": "refer"}
        answer = both("rina", "POST", "decisions", json=body, headers={"idempotency-key": f"kunci-{number:04}"})
        return answer.status_code, answer.text

    with ThreadPoolExecutor(4) as pool:
        for number in numbers:
            answers = set(pool.map(send, [number] * 4))
            assert len(answers) == 1 and answers.pop()[0] == 201
    with both.factory.begin() as session:
        assert session.scalar(select(func.count(Decision.id))) == 8
        assert session.scalar(select(func.count(Case.id))) == 8


def test_a_secret_is_told_once_and_kept_nowhere(api: Api, factory: Sessions) -> None:
    body, key = {"name": "dewi", "role": "officer", "invite": False}, {"idempotency-key": "kunci-pertama"}
    made = api("bos", "POST", "people", json=body, headers=key).json()
    again = api("bos", "POST", "people", json=body, headers=key).json()
    assert made["password"] and again == made | {"password": None}
    with factory.begin() as session:
        kept = session.scalars(select(IdempotentCall)).one()
        assert made["password"] not in json.dumps(kept.answer)


def test_edits_at_once_lose_none_silently(both: Api) -> None:
    """Twenty officers' corrections of one version: one is kept, and the others are told."""
    first, *_ = tell(both.factory)

    def edit(n: int) -> int:
        code = ("AIR", "INF")[n % 2]
        return int(
            both("rina", "PATCH", f"candidates/{first}", json={"version": 1, "fields": {"sector": code}}).status_code
        )

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(edit, range(20)))
    assert sorted(statuses) == [200] + [409] * 19
    with both.factory.begin() as session:
        assert session.get_one(Candidate, first).version == 2


# ---- what is covered -------------------------------------------------------------------------------------------------


def unmaskings(factory: Sessions) -> list[tuple[str, str]]:
    with factory.begin() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "pii.unmask").order_by(AuditRow.place))
        return [(row.subject, row.detail["reason"]) for row in rows]


def test_an_original_is_told_once_for_a_reason_that_is_noted(api: Api, factory: Sessions) -> None:
    tell(factory)
    with factory.begin() as session:
        mention = session.get_one(Mention, 1)
        address = mention.url
        mention.kind = "post"
    path, key = "mentions/1/original", {"idempotency-key": "kunci-pertama"}
    assert api("rina", "POST", path, json={"reason": " x "}).json()["code"] == "needs_unmask_reason"
    assert api("rina", "POST", "mentions/999/original", json={"reason": "ingin tahu"}).status_code == 404
    assert unmaskings(factory) == []
    asked = {"reason": "memeriksa tanggal unggahan"}
    assert api("rina", "POST", path, json=asked, headers=key).json() == {"address": address}
    assert api("rina", "POST", path, json=asked, headers=key).json() == {"address": None}
    assert unmaskings(factory) == [("mention:1", "memeriksa tanggal unggahan")]
    with factory.begin() as session:
        assert address not in json.dumps(session.scalars(select(IdempotentCall)).one().answer)


def test_the_reporter_is_told_once_for_a_reason_that_is_noted(api: Api, factory: Sessions) -> None:
    first, *_ = tell(factory)
    reporter = {"name": "Pelapor Rekaan", "contact": "surel@contoh.id", "prior_complaint": "Loket, 2 November"}
    api("rina", "POST", f"candidates/{first}/reporter", json=reporter)
    body = {"candidate_id": first, "version": 1, "action": "accept", "track": "laporan"}
    body["version"] = api("rina", "GET", f"candidates/{first}").json()["version"]
    assert api("rina", "POST", "decisions", json=body).status_code == 201
    (case,) = api("rina", "GET", "cases").json()["items"]
    here = f"cases/{case['number']}"
    note = {"version": case["version"], "act": "note", "text": "Pelapor: 0812 3456 7890"}
    covered = api("rina", "POST", f"{here}/acts", json=note).json()["events"][-1]["text"]
    assert "0812" not in covered
    assert api("rina", "POST", f"{here}/personal", json={"reason": "x"}).json()["code"] == "needs_note"
    asked, key = {"reason": "menghubungi pelapor"}, {"idempotency-key": "kunci-pertama"}
    told_once = api("rina", "POST", f"{here}/personal", json=asked, headers=key).json()
    assert told_once["reporter"] == reporter
    assert told_once["texts"][-1]["text"] == note["text"]
    again = api("rina", "POST", f"{here}/personal", json=asked, headers=key).json()
    assert again == {"reporter": None, "texts": None}
    assert unmaskings(factory) == [(f"case:{case['number']}", "menghubungi pelapor")]


def test_a_token_opens_what_is_covered_only_if_it_was_made_for_that(api: Api, factory: Sessions) -> None:
    tell(factory)
    with factory.begin() as session:
        api.tokens["rina"] = accounts.make_token(session, "rina")
        api.tokens["hub"] = accounts.make_token(session, "hub")
    for name in ("rina", "hub"):
        refused = api(name, "POST", "mentions/1/original", json={"reason": "memeriksa tanggal"})
        assert (refused.status_code, refused.json()["code"]) == (403, "scope")
        assert "read:personal" not in api(name, "GET", "account").json()["scopes"]
    with factory.begin() as session, pytest.raises(ValueError, match="read:personal"):
        accounts.make_token(session, "hub", scopes=["read:personal"])
    assert unmaskings(factory) == []


# ---- files -----------------------------------------------------------------------------------------------------------


def test_a_file_says_what_it_is_and_that_it_was_taken_is_noted(api: Api, factory: Sessions) -> None:
    tell(factory)
    answer = api("rina", "GET", "exports/candidates.xlsx")
    assert re.fullmatch(
        r'attachment; filename="kentongan-candidates-\d{4}-\d\d-\d\d\.xlsx"', answer.headers["content-disposition"]
    )
    assert answer.content.startswith(b"PK") and answer.headers["content-length"] == str(len(answer.content))
    assert len(api("rina", "GET", "exports/mentions.jsonl").text.splitlines()) == 3
    assert len(api("rina", "GET", "exports/mentions.geojson").json()["features"]) == 3
    assert api("rina", "GET", "exports/people.csv").status_code == 404
    assert api("hub", "GET", "exports/cases.csv").status_code == 403
    with factory.begin() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "export").order_by(AuditRow.place)).all()
        rina = accounts.named(session, "rina").id
        assert [(row.person_id, row.detail["what"], row.detail["rows"]) for row in rows] == [
            (rina, "candidates", 3), (rina, "mentions", 3), (rina, "mentions", 3),
        ]  # fmt: skip


def test_no_file_is_longer_than_is_written_while_others_wait(
    api: Api, factory: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(factory)
    monkeypatch.setattr("intake.web.download.MOST", 2)
    refused = api("rina", "GET", "exports/candidates.csv")
    assert (refused.status_code, refused.json()["code"]) == (422, "export_too_large")
    with download._writing:
        busy = api("rina", "GET", "exports/candidates.csv")
        assert (busy.status_code, busy.json()["code"]) == (409, "export_busy")
    monkeypatch.setattr("intake.web.download.MOST", 3)
    assert api("rina", "GET", "exports/candidates.csv").status_code == 200


# ---- one's own account -----------------------------------------------------------------------------------------------


def test_a_new_password_needs_the_old_one_and_guessing_is_slowed(api: Api, factory: Sessions) -> None:
    new = "kalimat baru yang panjang "
    short = api("rina", "POST", "account/password", json={"old": PASSWORD, "new": "pendek"})
    assert (short.status_code, short.json()["code"]) == (422, "password_short")
    key = {"idempotency-key": "kunci-pertama"}
    for _ in range(10):
        wrong = api("rina", "POST", "account/password", json={"old": "salah", "new": new}, headers=key)
        assert (wrong.status_code, wrong.json()["code"]) == (422, "password_wrong")
    slowed = api("rina", "POST", "account/password", json={"old": PASSWORD, "new": new})
    assert (slowed.status_code, slowed.json()["code"]) == (429, "too_many_attempts")
    with factory.begin() as session:
        session.execute(delete(SignInAttempt))
    done = api("rina", "POST", "account/password", json={"old": PASSWORD, "new": new}, headers=key)
    assert done.status_code == 204
    assert api("rina", "GET", "account").status_code == 401
    with factory.begin() as session:
        assert accounts.knows_password(accounts.named(session, "rina"), new)
        assert session.scalars(select(IdempotentCall)).all() == [], "no digest of a password is kept"


def test_where_alerts_go_is_told_without_its_keys(api: Api, factory: Sessions) -> None:
    before = api("rina", "GET", "account").headers["etag"]
    refused = api("rina", "PUT", "account/alerts", json={"address": "gopher://x"})
    assert (refused.status_code, refused.json()["code"]) == (422, "address_way")
    with factory.begin() as session:
        accounts.named(session, "rina").address = "ntfys://kunci:rahasia@ntfy.example/topik"
    after = api("rina", "GET", "account")
    assert "ntfy.example" in after.json()["alerts_to"] and "rahasia" not in after.text
    late = api("rina", "PATCH", "account", json={"language": "en"}, headers={"if-match": before})
    assert late.status_code == 412
    assert api("rina", "PUT", "account/alerts", json={"address": None}).status_code == 204
    assert api("rina", "GET", "account").json()["alerts_to"] is None
