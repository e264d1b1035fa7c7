"""The spider over loopback: politeness, limits, health, and what happens when somebody dies."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from threading import Thread
from typing import Any

import pytest

from crawler import Batch, Document, Note, Source, Visit
from crawler.adapters import Draft, Response, adapter_named
from crawler.document import document_key
from crawler.identity import identity
from crawler.public import is_public
from crawler.run import Politeness, Robots, crawl
from crawler.source import source_row

POLITE = Politeness(
    "Kentongan-Test (+test@example.invalid)", delay=0.0, timeout=2.0, max_bytes=200_000, allow_private=True
)
TEXT = "Warga mengeluhkan listrik yang padam sejak subuh dan tidak ada kabar dari petugas. " * 10

Reply = tuple[int, dict[str, str], bytes]
Route = Callable[[dict[str, str]], Reply]


class Site:
    """A loopback site: paths to replies, and a record of what was asked."""

    def __init__(self, routes: dict[str, Reply | Route]) -> None:
        self.routes, self.asked, self.times = routes, [], []  # type: ignore[var-annotated]
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, dict(self.headers)))
                site.times.append(time.monotonic())
                found = site.routes.get(self.path, (404, {}, b"no"))
                status, headers, body = found(dict(self.headers)) if callable(found) else found
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), "Content-Type": "text/html", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    return

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@contextmanager
def site(routes: dict[str, Reply | Route]) -> Iterator[Site]:
    one = Site(routes)
    Thread(target=one.server.serve_forever, daemon=True).start()
    try:
        yield one
    finally:
        one.server.shutdown()
        one.server.server_close()


def item(title: str, link: str, text: str = TEXT, extra: str = "") -> str:
    return f"<item><title>{title}</title><link>{link}</link><description><![CDATA[{text}]]></description>{extra}</item>"


def feed(*items: str) -> Reply:
    xml = f"<?xml version='1.0' encoding='utf-8'?><rss version='2.0'><channel><title>t</title>{''.join(items)}</channel></rss>"
    return 200, {"Content-Type": "application/rss+xml", "ETag": '"v1"'}, xml.encode()


def heard(
    *sources: Source, politeness: Politeness = POLITE, probe: bool = False
) -> tuple[list[Document], dict[str, Visit]]:
    batches: list[Batch] = list(crawl(sources, politeness, probe=probe))
    return [d for b in batches for d in b.documents], {v.source: v for b in batches for v in b.visits}


def source(one: Site, path: str = "/feed", **more: Any) -> Source:
    return Source(more.pop("name", "uji"), "feed", one.url + path, **more)


def test_ten_broken_items_and_a_good_one() -> None:
    page = f"<html><body><article><h1>x</h1><p>{TEXT}</p></article></body></html>".encode()
    broken = [
        f"<item><title>tanpa tautan</title><description>{TEXT}</description></item>",
        item("skrip", "javascript:alert(1)"),
        item("alamat rusak", "http://[::bad/"),
        item("", "/hanya-markup", "<img src=x><br/>"),
        item("halaman kosong", "/kosong", "pendek"),
        item("hanya skrip", "/skrip", "pendek"),
        item("baik", "/baik"),  # the good one again
        item("hilang", "/404", "pendek"),
        item("dilarang", "/rahasia/a", "pendek"),
        item("pdf", "/pdf", "pendek"),
    ]
    routes: dict[str, Reply | Route] = {
        "/feed": feed(item("baik", "/baik", extra="<pubDate>Mon, 23 Nov 2026 10:00:00 WIB</pubDate>"), *broken),
        "/robots.txt": (200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /rahasia/"),
        "/pdf": (200, {"Content-Type": "application/pdf"}, b"%PDF-1.4"),
        "/baik": (200, {}, page),
        "/kosong": (200, {}, b""),
        "/skrip": (200, {}, b"<html><body><script>muat('berita')</script></body></html>"),
    }
    with site(routes) as one:
        documents, visits = heard(source(one))
    assert [document.title for document in documents] == ["baik"]
    notes = visits["uji"].notes
    assert len(notes) == 10
    assert len({(note.code, note.message, note.url) for note in notes}) == 10
    assert all("Tidak disimpan" in note.message or "Dibaca sekali" in note.message for note in notes)
    assert all("left out" in note.english or "read once" in note.english for note in notes)
    assert (visits["uji"].status, visits["uji"].unfinished) == ("ok", False)


@pytest.mark.parametrize(
    "broken",
    [
        "<item><title>a & b</title><link>/x</link>",
        "<item><title>rusak<link>/x</link></item>",
        "<item><title>rusak</title><!-- <link>/x</link></item>",
        "<item><title>rusak</tit<link>/x</link></item>",
        "<item><title a='>rusak</title><link>/x</link></item>",
        "<item><title>rusak</title></item></channel></rss>",
    ],
)
def test_what_stands_behind_broken_xml_is_read_and_the_break_is_told(broken: str) -> None:
    body = feed(item("satu", "/1"), broken, item("dua", "/2"), item("tiga", "/3"))[2]
    response = Response("https://a.example/feed", body, datetime(2026, 11, 24, tzinfo=UTC))
    found = list(adapter_named("feed").parse(response, Source("a", "feed", response.url)))
    assert [one.title for one in found if isinstance(one, Draft) and one.url[-1] in "123"] == ["satu", "dua", "tiga"]
    assert isinstance(found[0], Note)
    assert found[0].code == "feed-malformed"


def test_a_feed_that_was_cut_short_is_asked_for_again_in_full() -> None:
    whole = feed(*(item(f"t{n}", f"/{n}", f"{TEXT} {n**9}") for n in range(40)))
    cut = (200, whole[1] | {"Content-Encoding": "gzip"}, gzip.compress(whole[2])[:-60])
    with site({"/feed": cut}) as one:
        documents, visits = heard(source(one))
    assert 0 < len(documents) < 40
    assert (visits["uji"].status, visits["uji"].unfinished, visits["uji"].validators) == ("ok", True, {})
    assert visits["uji"].notes[0].code == "feed-cut-short"


def test_an_empty_page_leaves_the_summary_and_says_so() -> None:
    summary = "Warga Desa Sungai Ara mengeluhkan listrik yang padam sejak subuh; petugas belum datang sampai petang."
    with site({"/feed": feed(item("a", "/a", summary)), "/a": (200, {}, b"<html><body></body></html>")}) as one:
        documents, visits = heard(source(one))
    assert [(document.text, document.notes) for document in documents] == [(summary, ("summary-only",))]
    assert [note.code for note in visits["uji"].notes] == ["summary-only"]


def test_lines_that_point_elsewhere_are_no_text() -> None:
    page = f"<article><p>{TEXT}</p><p><strong>Baca juga: <a href=/b>Banjir di Dumai</a></strong></p><p>{TEXT}</p></article>"
    with site({"/feed": feed(item("a", "/a", "x")), "/a": (200, {}, page.encode())}) as one:
        documents, _ = heard(source(one))
    assert len(documents) == 1
    assert "Baca juga" not in documents[0].text


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_article_that_may_come_later_leaves_the_visit_unfinished(status: int) -> None:
    routes: dict[str, Reply | Route] = {
        "/feed": feed(item("a", "/a", "pendek"), item("b", "/b")),
        "/a": (status, {"Retry-After": "60"}, b""),
    }
    with site(routes) as one:
        documents, visits = heard(source(one))
    assert [document.title for document in documents] == ["b"]
    visit = visits["uji"]
    assert (visit.status, visit.unfinished, visit.validators) == ("ok", True, {})
    assert "kunjungan berikutnya" in visit.notes[0].message


def test_a_list_that_is_longer_than_a_visit_says_so() -> None:
    def page(number: int) -> Reply:
        text = f"<a class=l href=/a{number}>a</a><a class=n href=/indeks{number + 1}>lagi</a>"
        return 200, {}, text.encode()

    routes: dict[str, Reply | Route] = {f"/indeks{n}": page(n) for n in range(9)}
    with site(routes) as one:
        listing = Source("uji", "listing", one.url + "/indeks0", options={"links": "a.l", "next": "a.n"})
        _, visits = heard(listing, probe=True)
        assert sum(path.startswith("/indeks") for path in one.paths()) == POLITE.list_pages
    assert visits["uji"].notes[-1].code == "list-limit"


def test_conditional_get_brings_nothing_twice() -> None:
    def conditional(headers: dict[str, str]) -> Reply:
        return (304, {"ETag": '"v1"'}, b"") if headers.get("If-None-Match") == '"v1"' else feed(item("a", "/a"))

    with site({"/feed": conditional}) as one:
        documents, visits = heard(source(one))
        again, visits_again = heard(source(one, validators=visits["uji"].validators))
    assert len(documents) == 1
    assert not again
    assert (visits_again["uji"].status, visits_again["uji"].unchanged) == ("unchanged", 1)


def test_pages_we_hold_are_not_fetched_again() -> None:
    with site(
        {"/feed": feed(item("a", "/a", "pendek")), "/a": (200, {}, f"<article><p>{TEXT}</p></article>".encode())}
    ) as one:
        documents, _ = heard(source(one))
        _, visits = heard(source(one, known=frozenset({documents[0].key})))
        assert one.paths().count("/a") == 1
    assert visits["uji"].status == "ok"


def test_one_request_at_a_time_with_a_pause_and_a_contact() -> None:
    links = [item(f"t{n}", f"/p{n}", "pendek") for n in range(3)]
    pages: dict[str, Reply | Route] = {
        f"/p{n}": (200, {}, f"<article><p>{TEXT}</p></article>".encode()) for n in range(3)
    }
    with site({"/feed": feed(*links), **pages}) as one:
        heard(source(one), politeness=replace(POLITE, delay=0.3))
        times = [at for (path, _), at in zip(one.asked, one.times, strict=True) if path != "/robots.txt"]
        agents = {headers["User-Agent"] for _, headers in one.asked}
    assert all(later - earlier > 0.25 for earlier, later in pairwise(times))
    assert agents == {POLITE.user_agent}


def test_robots_txt_is_asked_for_once_a_day() -> None:
    robots = (200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /rahasia/")
    held: Robots = {}

    def visit() -> list[str]:
        return [
            visit.status
            for batch in crawl([source(one, "/rahasia/feed")], POLITE, robots=held)
            for visit in batch.visits
        ]

    with site({"/rahasia/feed": feed(item("a", "/a")), "/robots.txt": robots}) as one:
        assert visit() == visit() == ["blocked"]
        assert one.paths() == ["/robots.txt"]
        held[one.url]["at"] = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
        assert visit() == ["blocked"]
        assert one.paths() == ["/robots.txt"] * 2


def test_robots_forbid_the_feed_itself() -> None:
    robots = (200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /")
    with site({"/feed": feed(item("a", "/a")), "/robots.txt": robots}) as one:
        documents, visits = heard(source(one))
        assert "/feed" not in one.paths()
    assert not documents
    assert visits["uji"].status == "blocked"


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        ((200, {}, b"<!doctype html><title>bukan feed</title>"), "broken", "page-not-feed"),
        ((403, {}, b""), "blocked", "http-403"),
        ((429, {"Retry-After": "120"}, b""), "blocked", "http-429"),
        ((503, {}, b""), "unreachable", "http-503"),
        ((200, {}, b"x" * 300_000), "broken", "too-large"),
        ((200, {"Content-Encoding": "gzip"}, gzip.compress(b"x" * 20_000_000)), "broken", "too-large"),
        ((200, {"Content-Encoding": "gzip"}, gzip.compress(TEXT.encode())[:12]), "unreachable", "cut-short"),
        ((200, {"Content-Length": "9000"}, b"<rss>"), "unreachable", "cut-short"),
    ],
)
def test_a_failure_is_a_result_with_a_reason(reply: Reply, status: str, code: str) -> None:
    with site({"/feed": reply}) as one:
        documents, visits = heard(source(one))
    assert not documents
    visit = visits["uji"]
    assert visit.status == status
    assert visit.notes[0].code == code
    assert not any(word in visit.notes[0].message for word in ("Error", "Failure", "<", "None"))
    assert not visit.validators
    assert visit.unfinished


def test_a_circle_of_redirects_ends() -> None:
    with site({"/feed": (302, {"Location": "/feed"}, b"")}) as one:
        _, visits = heard(source(one))
        assert len(one.paths()) < 12
    assert (visits["uji"].status, visits["uji"].notes[0].code) == ("broken", "redirects")


def test_a_slow_answer_is_given_up_and_costs_the_others_nothing() -> None:
    def slow(headers: dict[str, str]) -> Reply:
        time.sleep(6)
        return feed()

    started = time.monotonic()
    with site({"/feed": slow}) as bad, site({"/feed": feed(item("a", "/a"))}) as good:
        documents, visits = heard(source(bad, name="lambat"), source(good, name="baik"))
    assert time.monotonic() - started < 20
    assert [document.source for document in documents] == ["baik"]
    assert (visits["lambat"].status, visits["lambat"].notes[0].code) == ("unreachable", "timeout")


def test_a_visit_ends_when_its_time_is_up_and_says_what_is_left() -> None:
    def slow(headers: dict[str, str]) -> Reply:
        time.sleep(0.4)
        return 200, {}, f"<article><p>{TEXT}</p></article>".encode()

    routes: dict[str, Reply | Route] = {f"/p{n}": slow for n in range(20)}
    with site(routes | {"/feed": feed(*(item(f"t{n}", f"/p{n}", "pendek") for n in range(20)))}) as one:
        documents, visits = heard(source(one), politeness=replace(POLITE, visit_limit=1.0))
    visit = visits["uji"]
    assert 0 < len(documents) < 10
    assert (visit.status, visit.unfinished, visit.validators) == ("ok", True, {})
    assert visit.notes[-1].code == "time-up"
    assert f"{20 - len(documents)} permintaan" in visit.notes[-1].message


def test_a_crawl_that_runs_out_of_time_tells_every_source() -> None:
    """Also of those that were not begun: so many hosts are asked at once, and all of them are slow."""

    def slow(headers: dict[str, str]) -> Reply:
        time.sleep(3)
        return feed()

    with ExitStack() as stack:
        sites = [stack.enter_context(site({"/robots.txt": (404, {}, b""), "/feed": slow})) for _ in range(34)]
        sources = [source(one, name=str(number)) for number, one in enumerate(sites)]
        documents, visits = heard(*sources, politeness=replace(POLITE, run_limit=1.0))
    assert not documents
    assert len(visits) == 34
    assert all(visit.status == "unreachable" and visit.unfinished and visit.notes for visit in visits.values())
    assert {visit.notes[0].code for visit in visits.values()} >= {"unfinished"}


@pytest.mark.parametrize("address", ["http://[rusak/", "", "bukan alamat", "http://x:99999/", "mailto:a@b.example"])
def test_a_source_without_an_address_is_told_and_the_others_are_visited(address: str) -> None:
    with site({"/feed": feed(item("a", "/a"))}) as one:
        documents, visits = heard(Source("rusak", "feed", address), source(one))
    assert [document.source for document in documents] == ["uji"]
    assert (visits["rusak"].status, visits["rusak"].notes[0].code) == ("broken", "address-odd")


def test_a_name_that_does_not_exist_and_a_closed_port() -> None:
    _, visits = heard(
        Source("nama", "feed", "http://tidak-ada.invalid/feed"),
        Source("pintu", "feed", "http://127.0.0.1:9/feed"),
        Source("jenis", "gopher", "http://127.0.0.1:9/"),
    )
    assert [visits[name].status for name in ("nama", "pintu", "jenis")] == ["unreachable", "unreachable", "broken"]
    assert [visits[name].notes[0].code for name in ("nama", "pintu", "jenis")] == ["name", "refused", "adapter-unknown"]
    assert "gopher" in visits["jenis"].notes[0].message


def test_without_leave_no_inward_address_is_touched() -> None:
    with site({"/feed": feed(item("a", "/a"))}) as one:
        port = one.url.rsplit(":", 1)[1]
        addresses = [
            f"http://127.0.0.1:{port}/feed",
            f"http://localhost:{port}/feed",
            f"http://2130706433:{port}/feed",
            f"http://[::1]:{port}/feed",
        ]
        sources = [Source(address, "feed", address) for address in addresses]
        documents, visits = heard(*sources, politeness=replace(POLITE, allow_private=False))
        assert one.asked == []
    assert not documents
    assert {visit.status for visit in visits.values()} <= {"blocked", "unreachable"}


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "::1",
        "fe80::1",
        "::ffff:10.0.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "x",
    ],
)
def test_what_is_not_public(address: str) -> None:
    assert not is_public(address)


def test_what_is_public() -> None:
    assert is_public("8.8.8.8")
    assert is_public("2001:4860:4860::8888")


def test_a_probe_asks_only_for_the_list() -> None:
    with site({"/feed": feed(item("a", "/a", "pendek"), item("b", "/b"))}) as one:
        documents, visits = heard(source(one), probe=True)
        assert [path for path in one.paths() if path != "/robots.txt"] == ["/feed"]
    assert not documents
    assert (visits["uji"].status, visits["uji"].found) == ("ok", 2)


def children() -> list[int]:
    out = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "crawler.spider"], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in out.stdout.split()]


def test_a_crawler_that_dies_leaves_a_visit() -> None:
    def slow(headers: dict[str, str]) -> Reply:
        time.sleep(1.5)
        return feed()

    with site({"/feed": slow}) as one:
        batches = crawl([source(one)], POLITE)
        Thread(
            target=lambda: (time.sleep(1.2), [os.kill(pid, signal.SIGKILL) for pid in children()]), daemon=True
        ).start()
        visits = [visit for batch in batches for visit in batch.visits]
    assert [visit.status for visit in visits] == ["broken"]
    assert visits[0].notes[0].code == "crawler-ended"


def test_closing_the_crawl_ends_the_child() -> None:
    with site({"/feed": feed(item("a", "/a"))}) as one:
        batches = crawl([source(one), Source("lain", "feed", "http://127.0.0.1:9/")], POLITE)
        next(batches)
        batches.close()
    assert not children()


def test_the_child_ends_with_its_parent() -> None:
    with site({"/feed": (200, {}, b"")}) as one:
        order = {"addresses": [one.url], "politeness": {"user_agent": "x", "allow_private": True}, "probe": False}
        child = subprocess.Popen(
            [sys.executable, "-m", "crawler.spider"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        assert child.stdin
        for row in (order, source_row(source(one))):
            child.stdin.write(json.dumps(row).encode() + b"\n")
        child.stdin.flush()
        child.stdin.close()  # what a dying parent does
        assert child.wait(timeout=20) is not None


def test_another_site_cannot_speak_for_an_article() -> None:
    """A feed that lists a newspaper's article, with a title and a text of its own, or leads to it, takes nothing from it."""
    page = f"<html><head><title>Banjir surut di Rumbai</title></head><body><h1>Banjir surut di Rumbai</h1><p>{TEXT}</p></body></html>"
    with (
        site({"/feed": feed(item("Banjir surut di Rumbai", "/berita/1-banjir-surut-di-rumbai"))}) as paper,
        site({}) as thief,
    ):
        target = f"{paper.url}/berita/1-banjir-surut-di-rumbai"
        paper.routes["/berita/1-banjir-surut-di-rumbai"] = (200, {"Content-Type": "text/html"}, page.encode())
        thief.routes |= {
            "/whole": feed(item("HOAKS", target, "BOHONG " + 20 * TEXT)),
            "/pointing": feed(item("HOAKS", target, "bohong", "<pubDate>Mon, 05 Jan 2015 00:00:00 GMT</pubDate>")),
            "/leading": feed(item("HOAKS", "/x-1-2-3", "bohong")),
            "/x-1-2-3": (302, {"Location": target}, b""),
        }
        lies = ("whole", "pointing", "leading")
        for first in (*lies, "none"):
            wrong = [source(thief, f"/{name}", name=name) for name in lies if name == first]
            named = source(paper, "/feed", name="koran")
            documents, _ = heard(*wrong, named) if first != "none" else heard(named)
            own = [one for one in documents if one.key == document_key(identity(target))]
            assert [(one.title, "BOHONG" in one.text) for one in own] == [("Banjir surut di Rumbai", False)], first
            assert own[0].published_at is None, first
            assert (own[0].notes, own[0].told_by) == ((), "")
            others = [(one.notes, one.told_by) for one in documents if "BOHONG" in one.text]
            assert others == [(("hearsay",), thief.url.removeprefix("http://"))] * (first == "whole"), first


def test_another_host_that_says_stop_stops_only_itself() -> None:
    page = f"<html><body><h1>x</h1><p>{TEXT}</p></body></html>".encode()
    with site({}) as busy, site({"/1": (200, {}, page), "/2": (200, {}, page)}) as one:
        stop = (503, {"Retry-After": "86400"}, b"")
        busy.routes |= {"/feed": feed(), "/iklan-1-2-1": stop, "/iklan-1-2-2": stop}
        adverts = [item("iklan", f"{busy.url}/iklan-1-2-{n}", "iklan") for n in (1, 2)]
        one.routes["/feed"] = feed(*adverts, item("satu", "/1", "satu"), item("dua", "/2", "dua"))
        documents, visits = heard(source(one), source(busy, name="sibuk"))
    assert sorted(document.title for document in documents) == ["dua", "satu"]
    assert (visits["uji"].status, visits["uji"].wait_until, visits["uji"].unfinished) == ("ok", None, True)


def test_what_another_source_listed_and_never_fetched_is_fetched_all_the_same() -> None:
    page = f"<html><body><h1>x</h1><p>{TEXT}</p></body></html>".encode()
    with site({"/1": (200, {}, page), "/feed": feed(item("satu", "/1", "satu"))}) as one, site({}) as other:
        other.routes |= {
            "/feed": feed(item("dulu", "/berhenti", "x"), item("hoaks", f"{one.url}/1", "x")),
            "/berhenti": (503, {}, b""),
        }
        documents, _ = heard(source(other, name="lain"), source(one))
    assert [document.url for document in documents] == [f"{one.url}/1"]


def test_a_site_under_repair_has_one_page_for_all_its_articles_and_it_is_none_of_them() -> None:
    page = f"<html><body><h1>Perbaikan</h1><p>{TEXT}</p></body></html>".encode()
    away = (302, {"Location": "/perbaikan.html"}, b"")
    listed = feed(*(item(f"Berita {n}", f"/berita/{n}001-jalan-rusak-di-tampan", "x") for n in (1, 2)))
    routes: dict[str, Reply | Route] = {"/feed": listed, "/perbaikan.html": (200, {}, page)}
    with site(routes | {f"/berita/{n}001-jalan-rusak-di-tampan": away for n in (1, 2)}) as one:
        documents, visits = heard(source(one))
    assert documents == []
    assert [note.code for note in visits["uji"].notes] == ["led-away"] * 2
    assert len(visits["uji"].left_out) == 2


def titled(title: str, text: str = TEXT) -> Reply:
    return (
        200,
        {},
        f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>".encode(),
    )


def test_one_notice_for_all_articles_is_stored_as_none_and_they_come_when_it_is_gone() -> None:
    """Served with status 200 at the articles' own addresses: a site under repair, a sign-in."""
    notice = titled(
        "Perbaikan", "Mohon maaf, kami sedang berbenah. Silakan kembali beberapa saat lagi. Terima kasih. " * 2
    )
    titles = ["Listrik Padam di Duri", "Jalan Rusak di Tampan", "Antrean Gas Mengular di Dumai"]
    paths = {f"/b/berita-ke-{n}": title for n, title in enumerate(titles)}
    listed = feed(*(item(title, path, "ringkas") for path, title in paths.items()))
    with site({"/feed": listed, **dict.fromkeys(paths, notice)}) as one:
        documents, visits = heard(source(one))
        assert documents == []
        assert [note.code for note in visits["uji"].notes] == ["not-the-article"] * 3
        assert (visits["uji"].unfinished, visits["uji"].left_out, visits["uji"].lost) == (True, (), 3)
        one.routes |= {path: titled(title, f"{title} {TEXT}") for path, title in paths.items()}
        documents, _ = heard(source(one))
    assert sorted(document.title for document in documents) == sorted(titles)


# ---- what lists send us to elsewhere ---------------------------------------------------------------------------------


def asked_of(one: Site) -> int:
    return sum(path not in ("/robots.txt", "/feed") for path in one.paths())


def test_lists_of_dead_links_do_not_send_us_against_another_host() -> None:
    """Five sources, two hundred dead links each, some through a redirect of their own; and an honest one beside them."""
    with ExitStack() as stack:
        paper = stack.enter_context(site({"/hidup-1": titled("Hidup"), "/feed": feed()}))
        hostile = []
        for number in range(5):
            one = stack.enter_context(site({}))
            dead = [f"{paper.url}/{number}-mati-{n}" for n in range(200)]
            one.routes |= {f"/x{n}": (302, {"Location": link}, b"") for n, link in enumerate(dead[:50])}
            links = [f"/x{n}" for n in range(50)] if number == 0 else dead
            one.routes["/feed"] = feed(*(item(f"t{n}", link, "x") for n, link in enumerate(links)))
            hostile.append(source(one, name=str(number)))
        honest = stack.enter_context(site({"/feed": feed(item("Hidup", f"{paper.url}/hidup-1", "x"))}))
        documents, visits = heard(*hostile, source(honest, name="jujur"), source(paper))
        assert 10 <= asked_of(paper) <= 30
        assert [document.url for document in documents] == [f"{paper.url}/hidup-1"]
        direct = [visits[str(number)] for number in range(1, 5)]
        assert all(
            "elsewhere-failing" in [note.code for note in visit.notes] for visit in visits.values() if visit in direct
        )
        again = [replace(one, known=frozenset(visits[one.name].left_out)) for one in hostile]
        asked = asked_of(paper)
        heard(*again, source(paper))
        assert asked_of(paper) == asked


def test_a_list_of_nothing_but_another_host_is_read_twenty_pages_at_a_time() -> None:
    pages: dict[str, Reply | Route] = {f"/b/berita-ke-{n}": titled(f"Berita {n}", f"{n**9} {TEXT}") for n in range(45)}
    with site(pages | {"/feed": feed()}) as paper, site({}) as aggregator:
        aggregator.routes["/feed"] = feed(
            *(item(f"Berita {n}", f"{paper.url}/b/berita-ke-{n}", "x") for n in range(45))
        )
        known: frozenset[str] = frozenset()
        for expected in (20, 20, 5, 0):
            documents, visits = heard(source(aggregator, known=known), source(paper, name="koran"))
            known |= {document.key for document in documents}
            assert len(documents) == expected
            codes = [note.code for note in visits["uji"].notes]
            assert (codes, visits["uji"].unfinished) == (["elsewhere-many"] * (len(known) < 45), len(known) < 45)


def test_another_host_that_fails_for_a_while_is_asked_again_next_time() -> None:
    down: dict[str, Reply | Route] = {f"/b/berita-ke-{n}": (500, {}, b"") for n in range(30)}
    with site(down | {"/feed": feed()}) as paper, site({}) as aggregator:
        aggregator.routes["/feed"] = feed(
            *(item(f"Berita {n}", f"{paper.url}/b/berita-ke-{n}", "x") for n in range(30))
        )
        _, visits = heard(source(aggregator), source(paper, name="koran"))
        assert 10 <= asked_of(paper) <= 12
        assert (visits["uji"].left_out, visits["uji"].unfinished) == ((), True)
        paper.routes |= {path: titled(f"Berita {n}", f"{n**9} {TEXT}") for n, path in enumerate(down)}
        documents, _ = heard(source(aggregator), source(paper, name="koran"))
    assert len(documents) == 20
