"""Each adapter is proven by stored responses, found by name; an adapter without one fails.

A response `responses/<adapter>/<name>.<ext>` stands beside `<name>.expected`: {"source": ..., "found": [...]}.
"""

import json
import re
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.adapters import NotUnderstood, Request, Response, adapter_named, identity, names, web_address
from crawler.document import document_key
from crawler.notes import HAPPENED, NEXT, Note, note
from crawler.source import Source

RESPONSES = Path(__file__).parent / "responses"
STORED = sorted(path for path in RESPONSES.glob("*/*") if path.suffix != ".expected")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def as_row(item: Any) -> dict[str, Any]:
    kind = type(item).__name__.lower()
    row = asdict(item)
    if isinstance(item, Request):
        row = {"url": item.url} | ({"title": item.page_of.title} if item.page_of else {})
    elif not isinstance(item, Note):
        row = {name: value for name, value in row.items() if name not in ("stamp", "canonical")}
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
    response = Response(expected.get("url", first.url), path.read_bytes(), NOW, expected.get("headers", {}), first)
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
    with pytest.raises(ValueError, match=", ".join(names())):
        adapter_named("gopher")


def test_only_settled_posts_end_the_paging() -> None:
    """What a visit that broke off had brought is known, but says nothing of the pages behind it."""
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
    source, parse = Source("s", "mastodon", "https://s.example"), adapter_named("mastodon").parse
    assert Request("https://s.example/next") in list(parse(response, source))
    assert Request("https://s.example/next") in list(parse(response, replace(source, known=known)))
    settled = list(parse(response, replace(source, known=known, settled=known)))
    assert not any(isinstance(item, Request) for item in settled)


def test_only_settled_articles_end_the_list() -> None:
    body = b"<a class=l href=/a>a</a><a class=l href=/b>b</a><a class=n href=/2>lagi</a>"
    response = Response("https://l.example/1", body, NOW)
    source = Source("l", "listing", "https://l.example/1", options={"links": "a.l", "next": "a.n"})
    known = frozenset(document_key(identity(f"https://l.example/{name}")) for name in "ab")
    older, parse = Request("https://l.example/2"), adapter_named("listing").parse
    assert older in list(parse(response, replace(source, known=known)))
    assert older in list(parse(response, replace(source, known=known, settled=frozenset([*known][:1]))))
    assert older not in list(parse(response, replace(source, known=known, settled=known)))


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


def test_every_note_is_told_in_both_languages_with_the_same_values() -> None:
    for indonesian, english in [*HAPPENED.values(), *NEXT.values()]:
        assert bool(indonesian) == bool(english)
        assert set(re.findall(r"{\w+}", indonesian)) == set(re.findall(r"{\w+}", english))
    one = note("http-503", "https://a.example", "asked-again", says="http", status=503)
    assert (one.code, one.message[:33], one.english[:31]) == (
        "http-503",
        "Server menjawab dengan kode 503. ",
        "The server answered with status",
    )
