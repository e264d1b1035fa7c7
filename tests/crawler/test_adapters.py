"""Each adapter is proven by stored responses, found by name; an adapter without one fails.

A response `responses/<adapter>/<name>.<ext>` stands beside `<name>.expected`: {"source": ..., "found": [...]}.
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.adapters import NotUnderstood, Request, Response, adapter_named, identity, names, web_address
from crawler.document import document_key
from crawler.source import Note, Source

RESPONSES = Path(__file__).parent / "responses"
STORED = sorted(path for path in RESPONSES.glob("*/*") if path.suffix != ".expected")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def as_row(item: Any) -> dict[str, Any]:
    kind = type(item).__name__.lower()
    row = asdict(item)
    if isinstance(item, Request):
        row = {"url": item.url} | ({"title": item.page_of.title} if item.page_of else {})
    elif not isinstance(item, Note):
        row["published_at"] = row["published_at"].isoformat() if row["published_at"] else None
    return {kind: row}


def test_every_adapter_has_a_stored_response() -> None:
    assert {path.parent.name for path in STORED} == set(names())


@pytest.mark.parametrize("path", STORED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_stored_response_gives_what_was_expected(path: Path) -> None:
    expected = json.loads(path.with_suffix(".expected").read_text("utf-8"))
    source = Source(**expected["source"])
    module = adapter_named(path.parent.name)
    (first, *_) = module.requests(source)
    response = Response(first.url, path.read_bytes(), NOW, expected.get("headers", {}), first)
    assert json.loads(json.dumps([as_row(item) for item in module.parse(response, source)])) == expected["found"]


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize(
    "body", [b"", b"<!doctype html><html><body>hello", b"{}", b"\x00\xff\xfe", b"null", b"[1, null, {}]"]
)
def test_what_is_not_understood_is_said_and_nothing_else_is_raised(name: str, body: bytes) -> None:
    source = Source("x", name, "https://x.example/", options={"links": "a.no", "public": True})
    try:
        found = list(adapter_named(name).parse(Response("https://x.example/", body, NOW), source))
    except NotUnderstood as error:
        assert str(error)
    else:
        assert all(isinstance(item, Note) for item in found)


def test_unknown_adapter_names_those_that_exist() -> None:
    with pytest.raises(ValueError, match="feed, listing, mastodon, wordpress"):
        adapter_named("gopher")


def test_known_posts_do_not_lead_to_older_pages() -> None:
    statuses = [
        {
            "url": f"https://s.example/@a/{n}",
            "content": "<p>x</p>",
            "account": {"acct": "a"},
            "created_at": "2026-11-23T00:00:00Z",
        }
        for n in range(40)
    ]
    known = frozenset(document_key(identity(status["url"])) for status in statuses)
    headers = {"link": '<https://s.example/next>; rel="next"'}
    response = Response("https://s.example/", json.dumps(statuses).encode(), NOW, headers)
    fresh = list(adapter_named("mastodon").parse(response, Source("s", "mastodon", "https://s.example")))
    again = list(adapter_named("mastodon").parse(response, Source("s", "mastodon", "https://s.example", known=known)))
    assert Request("https://s.example/next") in fresh
    assert not any(isinstance(item, Request) for item in again)


def test_one_publication_has_one_identity() -> None:
    same = [
        "https://www.a.example/x/?utm_source=rss#top",
        "http://a.example/x",
        "https://A.example/x?page=all",
        "https://a.example/x?fbclid=1",
    ]
    assert len({identity(address) for address in same}) == 1
    assert identity("https://a.example/x?id=2") != identity("https://a.example/x?id=3")


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "ftp://x.example/", "", None, "http://", "https://[", "http://x:99999/"]
)
def test_only_web_addresses_pass(address: str | None) -> None:
    assert web_address(address) is None
