"""What a visit counts for the health of its source: the yield of its texts, and where its address leads for good."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crawler import Validators
from tests.crawler.test_crawl import TEXT, Reply, Route, feed, heard, item, site, source

DATED = "<pubDate>Mon, 23 Nov 2026 10:00:00 +0700</pubDate>"
PAGE = f"<html><body><article><h1>x</h1><p>{TEXT}</p></article></body></html>".encode()


def test_a_visit_counts_what_its_texts_have() -> None:
    routes: dict[str, Reply | Route] = {
        "/feed": feed(
            item("satu", "/1", extra=DATED),
            item("dua", "/2"),
            item("", "/3", extra=DATED),
            item("empat", "/4", "pendek"),
        ),
        "/1": (200, {}, PAGE),
        "/2": (200, {}, b"<html></html>"),
        "/3": (200, {}, PAGE.replace(b"<h1>x</h1>", b"")),
        "/4": (200, {}, b"<html></html>"),
    }
    with site(routes) as one:
        documents, visits = heard(source(one))
    visit = visits["uji"]
    assert (visit.documents, visit.lost) == (len(documents), 1)
    assert visit.titles == sum(bool(document.title) for document in documents)
    assert visit.dates == sum(document.published_at is not None for document in documents)
    assert visit.bodies == sum("summary-only" not in document.notes for document in documents)
    assert 0 < visit.dates < visit.documents


def test_of_more_notes_than_are_kept_the_others_are_counted() -> None:
    with site({"/feed": feed(*["<item><title>x</title></item>"] * 250)}) as one:
        _, visits = heard(source(one))
    *kept, last = visits["uji"].notes
    assert {told.code for told in kept} == {"item-without-link"}
    assert (len(kept), last.code, "150" in last.english) == (100, "more-notes", True)


@pytest.mark.parametrize(("status", "moved"), [(301, True), (308, True), (302, False), (307, False)])
def test_only_permanent_redirects_move_a_source(status: int, moved: bool) -> None:
    with site({"/baru": feed(item("satu", "/1")), "/feed": (status, {"Location": "/baru"}, b"")}) as one:
        _, visits = heard(source(one))
    assert visits["uji"].status == "ok"
    assert visits["uji"].moved_to == (f"{one.url}/baru" if moved else None)


def test_a_chain_moves_a_source_only_if_every_link_of_it_is_permanent() -> None:
    routes: dict[str, Reply | Route] = {"/baru": feed(item("satu", "/1"))}
    routes |= {"/feed": (301, {"Location": "/antara"}, b""), "/antara": (302, {"Location": "/baru"}, b"")}
    with site(routes) as one:
        _, visits = heard(source(one))
    assert visits["uji"].moved_to is None


def test_an_unchanged_list_at_a_new_address_has_moved_too() -> None:
    with site({"/baru": (304, {}, b""), "/feed": (301, {"Location": "/baru"}, b"")}) as one:
        _, visits = heard(source(one, validators={f"{one.url}/feed": Validators('"v1"')}))
    assert (visits["uji"].status, visits["uji"].moved_to) == ("unchanged", f"{one.url}/baru")


def test_articles_that_cannot_be_had_or_read_are_told_apart_from_those_that_may_come() -> None:
    routes: dict[str, Reply | Route] = {
        "/feed": feed(*(item(name, f"/{name}", "pendek") for name in ("gone", "empty", "picture", "later"))),
        "/gone": (410, {}, b""),
        "/empty": (200, {}, b"<html></html>"),
        "/picture": (200, {"Content-Type": "image/png"}, b"\x89PNG"),
        "/later": (502, {}, b""),
    }
    with site(routes) as one:
        documents, visits = heard(source(one))
        left_out = frozenset(visits["uji"].left_out)
        assert (documents, len(left_out), visits["uji"].unfinished) == ([], 3, True)
        del one.asked[:]
        heard(source(one, known=left_out))
    assert sorted(one.paths()) == ["/feed", "/later", "/robots.txt"]


def maps(*children: str) -> Reply:
    inner = "".join(f"<sitemap><loc>{child}</loc></sitemap>" for child in children)
    return 200, {}, f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{inner}</sitemapindex>'.encode()


def pages(address: str) -> Reply:
    inner = f"<url><loc>{address}</loc><lastmod>{datetime.now(UTC).isoformat()}</lastmod></url>"
    return 200, {}, f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{inner}</urlset>'.encode()


@pytest.mark.parametrize(
    ("further", "status", "unfinished"),
    [
        ((404, {}, b""), "ok", False),
        ((410, {}, b""), "ok", False),
        ((302, {"Location": "http://169.254.169.254/"}, b""), "ok", False),
        ((403, {}, b""), "ok", True),
        ((500, {}, b""), "ok", True),
        ((429, {}, b""), "blocked", True),  # whatever was read, this host wants a pause
    ],
)
def test_a_further_list_that_fails_is_not_the_failure_of_a_source(
    further: Reply, status: str, unfinished: bool
) -> None:
    with site({"/1-satu": (404, {}, b"")}) as one:
        one.routes |= {"/s": maps(f"{one.url}/a.xml", f"{one.url}/b.xml"), "/b.xml": further}
        one.routes["/a.xml"] = pages(f"{one.url}/1-satu")
        _, visits = heard(replace(source(one, "/s"), adapter="sitemap"))
    visit = visits["uji"]
    assert (visit.status, visit.unfinished, visit.found, visit.documents) == (status, unfinished, 1, 0)
    assert any(told.url.endswith("/b.xml") for told in visit.notes)


def test_an_index_all_of_whose_lists_fail_has_failed() -> None:
    with site({}) as one:
        one.routes["/s"] = maps(f"{one.url}/a.xml", f"{one.url}/b.xml")
        _, visits = heard(replace(source(one, "/s"), adapter="sitemap"))
    assert (visits["uji"].status, visits["uji"].unfinished) == ("unreachable", True)
