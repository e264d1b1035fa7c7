"""A server of our own that does to a crawler whatever a server can, and good sites beside it. Loopback only.

Every case is a server of its own, so that what one host does is that host's affair. A case says what the visit to it must end
as, and the code of the note that must stand in it; docs/reliability.md shows the same table.
"""

from __future__ import annotations

import gzip
import socket
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

import brotli

from crawler.source import Source

WORDS = "Warga mengeluhkan air yang tidak mengalir sejak tiga hari lalu, dan petugas belum memberi kabar. "
TEXT = WORDS * 10
BOMB = 20_000_000  # bytes, unpacked
PATIENCE = 20.0  # seconds after which the server itself lets go
SECRET = "rahasia-dalam"  # what an inward answer holds: it must turn up nowhere


class Exchange:
    """One request, and whatever is to be said to it."""

    def __init__(self, connection: socket.socket, path: str, headers: Mapping[str, str], site: Site) -> None:
        self.connection, self.path, self.headers, self.site = connection, path, headers, site
        self.until = time.monotonic() + PATIENCE

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def reply(self, body: bytes | str = b"", status: int = 200, kind: str = "text/html", **headers: str) -> None:
        data = body.encode() if isinstance(body, str) else body
        told = {"Content-Type": kind, "Content-Length": str(len(data)), "Connection": "close"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self.send(f"HTTP/1.1 {status} x\r\n{lines}\r\n".encode() + data)

    def over(self) -> bool:
        return time.monotonic() > self.until


Answer = Callable[[Exchange], None]


class Site:
    """One server: what it answers at each path, and what it was asked."""

    def __init__(self, routes: Mapping[str, Answer], host: str = "127.0.0.1", port: int = 0) -> None:
        self.routes, self.asked, self.connections = dict(routes), Counter(), 0  # type: ignore[var-annotated]
        self.times: list[tuple[str, float]] = []
        site = self

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                site.connections += 1
                try:
                    site.answer(self.request)
                except OSError:
                    return

        class Server(ThreadingTCPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
            daemon_threads, allow_reuse_address, request_queue_size = True, True, 64

        self.server = Server((host, port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://{host}:{self.port}"
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def answer(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        if (at_once := self.routes.get("")) is not None:
            at_once(Exchange(connection, "", {}, self))
            return
        head = b""
        while b"\r\n\r\n" not in head:
            if not (data := connection.recv(65536)):
                return
            head += data
        first, *lines = head.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        path = first.split(" ")[1]
        self.asked[path] += 1
        self.times.append((path, time.monotonic()))
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        route = self.routes.get(path) or self.routes.get(path.split("?")[0]) or self.routes.get("*", missing)
        route(Exchange(connection, path, headers, self))

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


# ---- answers ---------------------------------------------------------------------------------------------------------


def missing(exchange: Exchange) -> None:
    exchange.reply("tidak ada", 404)


def says(body: bytes | str, kind: str = "text/html; charset=utf-8", status: int = 200, **headers: str) -> Answer:
    return lambda exchange: exchange.reply(body, status, kind, **headers)


def xml(body: bytes | str, **headers: str) -> Answer:
    return says(body, "application/rss+xml", **headers)


def leads_to(address: str, status: int = 302) -> Answer:
    return lambda exchange: exchange.reply(b"", status, Location=address)


def packed(body: bytes, encoding: str) -> Answer:
    return xml(body, Content_Encoding=encoding)


def drip(exchange: Exchange) -> None:
    """A byte now and then: no pause is ever long."""
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: 100000\r\n\r\n<rss>")
    while not exchange.over():
        exchange.send(b" ")
        time.sleep(0.1)


def silence(exchange: Exchange) -> None:
    while not exchange.over() and exchange.connection.recv(1024):
        continue


def endless(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n\r\n<rss>")
    while not exchange.over():
        exchange.send(b"<item>" * 10_000)


def endless_chunks(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not exchange.over():
        exchange.send(b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n")


def header_flood(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    number = 0
    while not exchange.over():
        number += 1
        exchange.send(b"".join(b"X-%d-%d: %s\r\n" % (number, n, b"y" * 900) for n in range(50)))


def header_without_end(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not exchange.over():
        exchange.send(b"y" * 100_000)


def continue_flood(exchange: Exchange) -> None:
    while not exchange.over():
        exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def reset(exchange: Exchange) -> None:
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.connection.close()


def no_http(exchange: Exchange) -> None:
    exchange.send(b"SSH-2.0-OpenSSH_9.2\r\n")


def too_little(exchange: Exchange) -> None:
    exchange.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: 900000\r\n\r\n" + feed_of("/a")
    )


def too_much(exchange: Exchange) -> None:
    body = feed_of("/a", "/b")
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: 900\r\n\r\n" + body)


def crumbs(exchange: Exchange) -> None:
    """A chunk for every byte."""
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not exchange.over():
        exchange.send(b"1\r\nx\r\n" * 10_000)


def no_status(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n")


def broken_chunks(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n<rss>")


def growing(exchange: Exchange) -> None:
    exchange.reply(b"", 302, Location=f"{exchange.path}{'&' if '?' in exchange.path else '?'}langkah=lagi")


def sends_round(exchange: Exchange) -> None:
    exchange.reply(f"<meta http-equiv=refresh content='0;url={exchange.path}{'&' if '?' in exchange.path else '?'}x'>")


def calendar(exchange: Exchange) -> None:
    """A list page for every day there will ever be, each with one page of its own that says nothing."""
    day = int(exchange.path.partition("hari=")[2] or 0)
    exchange.reply(f"<a class=l href=/acara/{day}>acara</a><a class=n href=/feed?hari={day + 1}>besok</a>")


def sessions(exchange: Exchange) -> None:
    """The same page again and again, at an address that is new every time."""
    number = sum(exchange.site.asked.values())
    body = f"<a class=l href=/baca?PHPSESSID={number}>berita</a><a class=n href=/feed?PHPSESSID={number}>lanjut</a>"
    exchange.reply(body if exchange.path.startswith("/feed") else page_of(TEXT))


def busy_after(count: int, status: int, **headers: str) -> Answer:
    """Pages until `count` of them were asked for, then an answer that asks us to stop."""

    def answer(exchange: Exchange) -> None:
        pages = sum(n for path, n in exchange.site.asked.items() if path.startswith("/p"))
        if pages > count:
            exchange.reply(b"", status, "text/html", **headers)
        else:
            exchange.reply(page_of(f"{TEXT} {exchange.path}"))

    return answer


# ---- what answers hold -----------------------------------------------------------------------------------------------


def item(link: str, text: str = TEXT, title: str = "Air tidak mengalir", more: str = "") -> str:
    return f"<item><title>{title}</title><link>{link}</link><description><![CDATA[{text}]]></description>{more}</item>"


def feed(
    items: str, before: str = "<?xml version='1.0' encoding='utf-8'?>", root: str = "<rss version='2.0'>"
) -> bytes:
    return f"{before}{root}<channel><title>t</title>{items}</channel></rss>".encode()


def feed_of(*links: str, text: str = TEXT) -> bytes:
    return feed("".join(item(link, f"{text} {link}" if text else "") for link in links))


def page_of(text: str, head: str = "") -> str:
    return (
        f"<html><head><title>Air</title>{head}</head><body><article><h1>Air</h1><p>{text}</p></article></body></html>"
    )


@cache
def many_attributes() -> str:
    return page_of(TEXT).replace("<h1>", "<h1 " + " ".join(f"a{n}=''" for n in range(200_000)) + ">")


def raw_deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def laughs() -> bytes:
    levels = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
    before = f"<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY l0 'ha'>{levels}]>"
    return feed(item("/a", title="&l9;"), before)


def posts(*contents: str) -> str:
    """WordPress posts with these contents, as they stand in JSON."""
    rows = (
        f'{{"id":{n},"link":"/w{n}","date_gmt":"2026-11-0{n + 1}T00:00:00","title":{{"rendered":"Air {n}"}},'
        f'"content":{{"rendered":"{content}"}}}}'
        for n, content in enumerate(contents)
    )
    return f"[{','.join(rows)}]"


# ---- the cases -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One hostile host and one source on it."""

    name: str
    routes: Mapping[str, Answer]
    status: str  # of the visit
    code: str  # of a note that must stand in it; empty where nothing is wrong in the end
    documents: int = 0
    adapter: str = "feed"
    options: Mapping[str, Any] = field(default_factory=dict)
    waits: bool = False  # the visit must say until when the host wants to be left alone


def listed(answer: Answer, name: str, status: str, code: str, documents: int = 0, **more: Any) -> Case:
    """A case whose list is the trouble."""
    return Case(name, {"/feed": answer}, status, code, documents, **more)


def paged(answer: Answer, name: str, code: str, documents: int = 0, **more: Any) -> Case:
    """A case with an honest feed of one item, whose page is the trouble."""
    return Case(name, {"/feed": xml(feed_of("/a", text="")), "/a": answer}, "ok", code, documents, **more)


HEAD = "<link rel=canonical href='/satu'>"
LIST = {"links": "a.l", "next": "a.n"}


def transport() -> Iterator[Case]:
    yield listed(drip, "drips one byte at a time", "unreachable", "timeout")
    yield listed(silence, "takes the request and says nothing", "unreachable", "timeout")
    yield listed(endless, "a body without end", "broken", "too-large")
    yield listed(endless_chunks, "chunks without end", "broken", "too-large")
    yield listed(header_flood, "headers without end", "broken", "too-large")
    yield listed(header_without_end, "one header without end", "unreachable", "connection")
    yield listed(continue_flood, "100 Continue without end", "broken", "too-large")
    yield Case("resets every connection", {"": reset}, "unreachable", "connection")
    yield listed(no_http, "answers in another protocol", "unreachable", "connection")
    yield listed(too_little, "Content-Length too large", "unreachable", "cut-short")
    yield listed(too_much, "Content-Length too small", "broken", "feed-unreadable")
    yield listed(broken_chunks, "chunks that are none", "unreachable", "cut-short")
    yield listed(crumbs, "a chunk for every byte", "broken", "in-pieces")
    yield listed(no_status, "status 000", "unreachable", "connection")
    yield paged(says(page_of(TEXT), status=206), "206 that nobody asked for", "cut-short")
    yield paged(drip, "an article that drips", "timeout")
    yield paged(endless, "an article without end", "too-large")


def packing() -> Iterator[Case]:
    bomb, good = b"<rss>" + b" " * BOMB, feed_of("/a")
    yield listed(packed(gzip.compress(bomb), "gzip"), "gzip bomb", "broken", "too-large")
    yield listed(packed(zlib.compress(bomb), "deflate"), "deflate bomb", "broken", "too-large")
    yield listed(packed(brotli.compress(bomb, quality=1), "br"), "Brotli bomb", "broken", "too-large")
    twice = gzip.compress(gzip.compress(bomb))
    yield listed(packed(twice, "gzip, gzip"), "gzip bomb in gzip", "broken", "too-large")
    yield listed(packed(good, "gzip, gzip, gzip, gzip"), "four encodings", "broken", "encoding-unknown")
    yield listed(packed(good, "rar"), "an unknown encoding", "broken", "encoding-unknown")
    yield listed(packed(good, "gzip"), "says gzip and is not", "ok", "", 1)
    yield listed(xml(gzip.compress(good)), "gzip and does not say so", "ok", "", 1)
    yield listed(packed(raw_deflated(good), "deflate"), "deflate without its head", "ok", "", 1)
    long = gzip.compress(feed_of(*(f"/{n}" for n in range(9)), text=" ".join(str(n**5) for n in range(2000))))
    yield listed(packed(long[:-40], "gzip"), "gzip feed cut short", "ok", "feed-cut-short", 8)
    yield paged(packed(gzip.compress(page_of(TEXT).encode())[:-9], "gzip"), "gzip article cut short", "cut-short")
    bombed = says(gzip.compress(b"<p>" + b"air " * (BOMB // 4)), Content_Encoding="gzip")
    yield paged(bombed, "an article that is a bomb", "too-large")


def redirects(inward: int) -> Iterator[Case]:
    spellings = {
        "in digits": f"http://127.0.0.1:{inward}/",
        "by name": f"http://localhost:{inward}/",
        "as one number": f"http://2130706433:{inward}/",
        "in hexadecimal": f"http://0x7f.0.0.1:{inward}/",
        "in octal": f"http://0177.0.0.1:{inward}/",
        "in short": f"http://127.1:{inward}/",
        "with a dot at the end": f"http://localhost.:{inward}/",
        "in IPv6": f"http://[::1]:{inward}/",
        "as a mapped address": f"http://[::ffff:127.0.0.1]:{inward}/",
        "as nobody's address": f"http://0.0.0.0:{inward}/",
    }
    for name, address in spellings.items():
        yield listed(leads_to(address), f"leads inward {name}", "blocked", "not-public")
    user = f"http://berita.example@127.0.0.1:{inward}/"
    yield listed(leads_to(user), "leads inward behind a user name", "blocked", "address-with-user")
    yield listed(leads_to("http://127.0.0.1/"), "leads inward on the usual port", "blocked", "not-public")
    yield listed(leads_to("http://169.254.169.254/latest"), "leads to a cloud's own data", "blocked", "not-public")
    yield listed(leads_to("file:///etc/passwd"), "leads to a file", "unreachable", "http-302")
    yield listed(leads_to("/feed"), "leads to itself", "broken", "redirects")
    yield listed(growing, "leads to itself and grows", "broken", "redirects")
    yield listed(leads_to("/" + "a" * 3000), "leads to an address without end", "blocked", "address-too-long")
    refresh = f"<meta http-equiv=refresh content='0;url=http://127.0.0.1:{inward}/'>"
    yield listed(says(f"<html><head>{refresh}"), "a page that sends inward", "blocked", "not-public")
    yield listed(sends_round, "a page that sends round", "broken", "redirects")
    article = xml(feed_of(f"http://127.0.0.1:{inward}/a", text=""))
    yield listed(article, "an article link inward", "ok", "not-public")
    canonical = f"<link rel=canonical href='http://127.0.0.1:{inward}/'>"
    yield paged(says(page_of(TEXT, canonical)), "a canonical link inward", "", 1)


def formats(inward: int) -> Iterator[Case]:
    one = item("/a")
    yield listed(xml("bukan XML"), "no XML at all", "broken", "not-a-feed")
    yield listed(says("<!doctype html><title>x</title>"), "a page where a feed should be", "broken", "page-not-feed")
    yield listed(xml(""), "nothing", "broken", "not-a-feed")
    yield listed(xml("<?xml version='1.0'?>"), "a declaration and nothing else", "broken", "not-a-feed")
    yield listed(xml(feed(one + "<item><title>x")[:-30]), "a feed cut short", "ok", "feed-cut-short", 1)
    yield listed(xml(feed(one + "<item><title>b</link></item>")), "tags that cross", "ok", "feed-malformed", 1)
    yield listed(xml(feed(item("/a", title="a &tidakada; b"))), "an entity nobody knows", "ok", "feed-malformed", 1)
    yield listed(xml(feed(item("/a", title="a & b <c"))), "bare signs", "ok", "feed-malformed", 1)
    yield listed(xml(feed(item("/a", title="a\x00b\x0bc\x1fd"))), "NUL and controls", "ok", "feed-malformed", 1)
    yield listed(xml(feed(one).replace(b"Air", b"\xff\xfeAir\xc3")), "bytes that are no characters", "ok", "", 1)
    yield listed(xml(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50), "a picture", "broken", "not-a-feed")
    yield listed(xml('{"items": 3}'), "JSON where XML should be", "broken", "not-a-feed")
    inner = f"<!DOCTYPE rss [<!ENTITY x SYSTEM 'http://127.0.0.1:{inward}/'><!ENTITY f SYSTEM 'file:///etc/passwd'>]>"
    reach = item("/a", title="x &x; &f; y")
    yield listed(xml(feed(reach, inner)), "entities that reach out", "ok", "feed-malformed", 1)
    outer = f"<!DOCTYPE rss SYSTEM 'http://127.0.0.1:{inward}/x.dtd'>"
    yield listed(xml(feed(one, outer)), "a DTD elsewhere", "ok", "", 1)
    include = f"<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='http://127.0.0.1:{inward}/'/>"
    yield listed(xml(feed(item("/a", more=include))), "XInclude", "ok", "", 1)
    yield listed(xml(laughs()), "a billion laughs", "ok", "feed-malformed", 1)
    surrogates = posts(f"{WORDS * 3}\\ud800 \\u0000 \\u0007 {WORDS * 3}")
    yield Case("lone surrogates", {"*": says(surrogates, "application/json")}, "ok", "", 1, "wordpress")
    deep = "[" * 100_000 + "]" * 100_000
    yield Case("JSON nested 100,000 deep", {"*": says(deep, "application/json")}, "broken", "too-deep", 0, "wordpress")
    pair = item("/a", title="Air &#55357;&#56832; mati &#55357;")
    yield listed(xml(feed(pair)), "an emoji as two surrogates", "ok", "", 1)
    yield listed(
        xml(feed(one) + b"<!-- " + b"dari simpanan " * 900 + b"-->"), "a long note behind the end", "ok", "", 1
    )
    told = posts(TEXT, f"{TEXT} Lagi.").replace('"id":1,', f'"id":{"9" * 5000},')
    yield Case("a number of 5,000 digits", {"*": says(told, "application/json")}, "ok", "", 2, "wordpress")
    broken = "".join(f"<item><title>{n}</title><link>mailto:x</link></item>" for n in range(5000))
    yield listed(xml(feed(one + broken)), "a feed of 5,000 broken items", "ok", "more-notes", 1)
    dates = "".join(
        item(f"/{y}", f"{TEXT}{y}", more=f"<pubDate>1 Jan {y} 00:00:00 WIB</pubDate>") for y in ("0001", "9999")
    )
    yield listed(xml(feed(dates)), "the years 1 and 9999", "ok", "date-impossible", 2)
    yield listed(xml(feed(item("/a", title="judul " * 200_000))), "a title of 1 MB", "ok", "", 1)
    yield listed(xml(feed_of("/" + "a" * 5000)), "an address of 5,000 characters", "empty", "item-odd-address")


def pages() -> Iterator[Case]:
    quoted = "“Sudah tiga hari,” kata warga – air tak mengalir. " * 9
    wrong = says(page_of(quoted).encode("cp1252"), "text/html; charset=utf-8")
    yield paged(wrong, "says UTF-8 and is Windows-1252", "", 1)
    other = says(page_of(quoted).encode(), "text/html; charset=iso-8859-1")
    yield paged(other, "says Latin-1 and is UTF-8", "", 1)
    yield paged(says(many_attributes()), "a tag of 200,000 attributes", "page-costly")
    yield paged(says("<div>" * 100_000 + TEXT), "tags nested 100,000 deep", "text-too-short")
    yield paged(says(page_of("e" + "\u0301\u0323" * 300_000)), "600,000 accents on one letter", "page-costly")
    yield paged(says(b"%PDF-1.7", "application/pdf"), "a PDF for an article", "not-a-page")
    yield paged(says(page_of("x\x00y\x1b " + TEXT)), "NUL in an article", "", 1)
    mute = "var x = \"<meta http-equiv='refresh' content='0;url=/tidak'>\";"
    yield paged(says(page_of(TEXT, f"<script>{mute}</script>")), "a refresh in a script", "", 1)
    repair = says(page_of("Situs sedang dalam perbaikan, silakan kembali beberapa saat lagi. " * 9))
    lines = "".join(item(f"/p{n}", "", f"Jalan rusak di Kecamatan Tampan belum diperbaiki {n}") for n in range(4))
    repaired = {"/feed": xml(feed(lines)), "*": repair}
    yield Case("one notice at every address", repaired, "ok", "not-the-article")
    copied = {f"/{n}": says(page_of(f"{kind} {TEXT}", HEAD)) for n, kind in (("satu", "Banjir"), ("dua", "Listrik"))}
    yield Case("a head that names another article", {"/feed": xml(feed_of(*copied, text=""))} | copied, "ok", "", 2)
    costly = {f"/p{n}": says(many_attributes()) for n in range(9)}
    lists = {"/feed": xml(feed_of(*costly, text=""))}
    yield Case("nine costly articles", lists | costly, "ok", "too-costly")
    many = "".join(f"<item><title>t</title><link>/p{n}</link></item>" for n in range(100_000))
    items = {"/feed": xml(feed(many)), "*": says(page_of(TEXT))}
    yield Case("a feed of 100,000 items", items, "ok", "budget", 19)
    attributes = feed("<item " + " ".join(f"a{n}=''" for n in range(150_000)) + ">" + item("/a")[6:])
    yield listed(xml(attributes), "an item of 150,000 attributes", "broken", "page-costly")
    yield listed(
        says(many_attributes()),
        "a list of 200,000 attributes",
        "broken",
        "page-costly",
        0,
        adapter="listing",
        options=LIST,
    )


def traps() -> Iterator[Case]:
    yield listed(calendar, "a calendar without end", "ok", "list-limit", 0, adapter="listing", options=LIST)
    yield Case("a session in every address", {"*": sessions}, "ok", "", 1, "listing", LIST)
    links = [f"/p{n}" for n in range(60)]
    yield Case(
        "more articles than the budget",
        {"/feed": xml(feed_of(*links, text="")), "*": busy_after(99, 200)},
        "ok",
        "budget",
        19,
    )
    seconds = {"/feed": xml(feed_of(*links, text="")), "*": busy_after(3, 429, Retry_After="90")}
    yield Case("429 after three articles", seconds, "ok", "asked-to-stop", 3, waits=True)
    date = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
    dated = {"/feed": xml(feed_of(*links, text="")), "*": busy_after(3, 503, Retry_After=date)}
    yield Case("503 after three articles", dated, "ok", "asked-to-stop", 3, waits=True)
    yield listed(
        says("", status=429, Retry_After="99999999999"),
        "429 for eleven digits of seconds",
        "blocked",
        "http-429",
        waits=True,
    )
    yield listed(says("", status=503, Retry_After="besok"), "503 until tomorrow, in words", "unreachable", "http-503")


def robots(inward: int) -> Iterator[Case]:
    good = {"/feed": xml(feed_of("/a"))}

    def case(answer: Answer, name: str, status: str, code: str, documents: int, **more: Any) -> Case:
        return Case(f"robots.txt {name}", good | {"/robots.txt": answer}, status, code, documents, **more)

    yield case(says("", status=404), "is missing", "ok", "", 1)
    yield case(says("", status=403), "is not for us", "ok", "", 1)
    yield case(says("", status=500), "fails", "unreachable", "robots-unknown", 0)
    yield case(says("", status=503, Retry_After="60"), "is busy", "blocked", "asked-to-stop", 0, waits=True)
    yield case(silence, "never comes", "unreachable", "timeout", 0)
    yield case(says("User-agent: *\nDisallow: /"), "forbids all", "blocked", "robots", 0)
    yield case(says("<!doctype html><title>404</title>"), "is a page", "ok", "", 1)
    yield case(leads_to("/robots.txt"), "leads round", "ok", "", 1)
    yield case(leads_to(f"http://127.0.0.1:{inward}/"), "leads inward", "blocked", "not-public", 0)
    yield case(says("User-agent: *\nDisallow: /x\n" + "# x\n" * 2_000_000), "is 8 MB long", "ok", "", 1)
    yield case(says(gzip.compress(b"#" * BOMB), Content_Encoding="gzip"), "is a bomb", "ok", "", 1)
    agents = "".join(f"User-agent: a{n}\n" for n in range(12_000)) + "".join(f"Disallow: /{n}\n" for n in range(15_000))
    yield case(says(agents), "names 12,000 robots", "ok", "", 1)
    yield case(says("User-agent: *\nCrawl-delay: 0.4\nAllow: /"), "asks for a pause", "ok", "", 1)


def cases(inward: int) -> list[Case]:
    """Every case; `inward` is the port of a listener that nobody may reach."""
    return [*transport(), *packing(), *redirects(inward), *formats(inward), *pages(), *traps(), *robots(inward)]


# ---- good sites ------------------------------------------------------------------------------------------------------

GOOD = 6  # articles of each


def good_feed() -> Case:
    links = [f"/baik/{n}" for n in range(GOOD)]
    routes = {link: says(page_of(f"{TEXT} Nomor {link}.")) for link in links}
    return Case("good feed", {"/feed": xml(feed_of(*links, text="")), **routes}, "ok", "", GOOD)


def good_list() -> Case:
    links = "".join(f"<a class=l href=/baik/{n}>Berita {n}</a>" for n in range(GOOD))
    routes = {f"/baik/{n}": says(page_of(f"{TEXT} Nomor {n}.")) for n in range(GOOD)}
    return Case("good list", {"/feed": says(links), **routes}, "ok", "", GOOD, "listing", LIST)


def good_wordpress() -> Case:
    answer = says(posts(*(f"<p>{TEXT} Nomor {n}.</p>" for n in range(GOOD))), "application/json")
    return Case("good WordPress", {"/feed/wp-json/wp/v2/posts": answer}, "ok", "", GOOD, "wordpress")


def good_sitemap() -> Case:
    today = f"{datetime.now(UTC) - timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}"

    def answer(exchange: Exchange) -> None:
        base = exchange.site.url
        urls = "".join(f"<url><loc>{base}/baik/{n}</loc><lastmod>{today}</lastmod></url>" for n in range(GOOD))
        text = f"<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{urls}</urlset>"
        exchange.reply(text, kind="application/xml")

    routes = {f"/baik/{n}": says(page_of(f"{TEXT} Nomor {n}.")) for n in range(GOOD)}
    return Case("good sitemap", {"/feed": answer, **routes}, "ok", "", GOOD, "sitemap")


def good_cases() -> list[Case]:
    return [good_feed(), good_list(), good_wordpress(), good_sitemap()]


def source_of(case: Case, site: Site) -> Source:
    return Source(case.name, case.adapter, f"{site.url}/feed", options=case.options)
