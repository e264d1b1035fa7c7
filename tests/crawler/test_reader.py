"""Reading in processes that may be killed: what was packed, which characters, and what a hostile page costs."""

import asyncio
import gzip
import json
import signal
import subprocess
import sys
import time
import zlib
from datetime import UTC, datetime
from typing import Any

import brotli
import pytest

from crawler.adapters import Draft, Listen, Request
from crawler.charset import as_utf8, decoded
from crawler.notes import note
from crawler.reader import ORDER, Reading, from_row, read, to_row
from crawler.source import Source, source_row
from crawler.unpack import UnknownEncoding, unpack
from crawler.workers import Readers

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TEXT = b"Warga mengeluhkan air yang tidak mengalir. " * 2000
QUOTED = "“Jalan rusak – sudah dua tahun”, kata warga; Rp 5 juta, é"


def raw_deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "Deflate ": raw_deflated(TEXT),
    "br": brotli.compress(TEXT),
    "br, gzip": gzip.compress(brotli.compress(TEXT)),
    "": TEXT,
    "identity": TEXT,
}


@pytest.mark.parametrize("encoding", PACKED)
def test_what_was_packed_is_unpacked(encoding: str) -> None:
    found = unpack(PACKED[encoding], encoding, 10**6)
    assert (found.body, found.whole) == (TEXT, True)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "Deflate ", "br", "br, gzip"])
@pytest.mark.parametrize("kept", [0.2, 0.9])
def test_what_breaks_off_is_not_whole(encoding: str, kept: float) -> None:
    body = PACKED[encoding]
    assert not unpack(body[: int(len(body) * kept)], encoding, 10**6).whole


def test_a_servers_word_on_packing_is_not_taken() -> None:
    assert unpack(b" <rss/>", "gzip", 100).body == b" <rss/>"
    assert unpack(b"", "br", 100).whole
    assert unpack(gzip.compress(TEXT), "", 10**6).body == TEXT
    assert unpack(gzip.compress(TEXT) * 3, "gzip", 10**6).body == TEXT * 3
    for encoding in ("zstd", "gzip, gzip, gzip, gzip", "base64"):
        with pytest.raises(UnknownEncoding):
            unpack(TEXT, encoding, 100)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, lambda data: brotli.compress(data, quality=1)])
def test_no_bomb_grows_beyond_the_limit(pack: Any) -> None:
    encoding = {gzip.compress: "gzip", zlib.compress: "deflate"}.get(pack, "br")
    found = unpack(pack(bytes(30_000_000)), encoding, 1_000_000)
    assert 1_000_000 < len(found.body) < 1_200_000
    assert len(unpack(gzip.compress(b"") * 5000, "gzip", 100).body) == 0


def page(declared: str = "") -> str:
    meta = f"<meta charset={declared}>" if declared else ""
    return f"<html><head>{meta}</head><body><p>{QUOTED}</p></body></html>"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (page().encode(), ""),
        (page("utf-8").encode(), "text/html; charset=utf-8"),
        (page("windows-1252").encode(), "text/html; charset=iso-8859-1"),
        (page().encode("cp1252"), ""),
        (page("windows-1252").encode("cp1252"), ""),
        (page().encode("cp1252"), 'text/html; charset="ISO-8859-1"'),
        (page("utf-8").encode("cp1252"), "text/html; charset=utf-8"),
        (page().encode("utf-16"), ""),
        (page().encode("utf-16-le"), "text/html; charset=UTF-16LE"),
        (page().encode() + "“".encode("cp1252"), "text/html; charset=utf-8"),
        (page().encode() + b"\xe2\x80", "text/html; charset=utf-8"),
        (page().encode("cp1252"), "text/html; charset=unicode_escape"),
        (page().encode(), "text/html; charset=zlib"),
        (f"<?xml version='1.0' encoding='windows-1252'?><a>{QUOTED}</a>".encode("cp1252"), "text/xml"),
        (f"<?xml version='1.0' encoding='windows-1252'?><a>{QUOTED}</a>".encode(), "text/xml"),
        (f"<?xml version='1.0' encoding='utf-8'?><a>{QUOTED}</a>".encode("cp1252"), "text/xml"),
        (json.dumps([QUOTED], ensure_ascii=False).encode("cp1252"), "application/json"),
    ],
)
def test_no_declaration_destroys_the_text(body: bytes, content_type: str) -> None:
    assert QUOTED in decoded(body, content_type)
    assert QUOTED in as_utf8(body, content_type).decode("utf-8-sig")


def test_what_every_parser_reads_right_is_left_as_it_is() -> None:
    for body in (page("utf-8").encode(), b"<p>x", b"<rss>\xc3\xa9", '{"a": "é"}'.encode(), b"\x89PNG"[1:]):
        assert as_utf8(body) is body
    assert as_utf8(b"<?xml version='1.0' encoding='utf-16'?><a/>") == b"\xef\xbb\xbf<?xml version='1.0'?><a/>"
    assert as_utf8(b"a\0b").endswith(b"ab")


def test_another_script_is_told_from_its_bytes() -> None:
    text = "中华人民共和国北京市民政府新闻办公室今天发布消息" * 20
    assert decoded(text.encode("gbk"), "text/html; charset=gb2312") == text
    assert decoded(text.encode("gb18030"), "text/html; charset=utf-8") == text


def order(task: str = "page", url: str = "https://a.example/x", **more: Any) -> dict[str, Any]:
    draft = Draft("a.example/x", url, "Judul")
    row: dict[str, Any] = {
        "task": task,
        "url": url,
        "status": 200,
        "headers": {"content-type": "text/html"},
        "at": NOW.isoformat(),
        "request": to_row(Request(url, draft if task == "page" else None)),
        "kind": "article",
        "limit": 5_000_000,
        "then": "left-out" if task == "page" else "asked-again",
        "options": {"body": "p"},
        "told_by": url,
        "source": source_row(Source("s", "feed", url)),
    }
    return row | more


def test_what_travels_between_processes_arrives_as_it_was() -> None:
    draft = Draft("i\ud800", "https://a.example/", "t", "x", NOW, "a", 3, ("date-ahead",))
    request = Request("https://a.example/", draft, "POST", {"note": "x"}, "{}", "t", Listen(3.0, ("air",)))
    reading = Reading((draft, request, note("robots", "u")), note("robots"), True, False, True, "https://b.example/")
    assert from_row(json.loads(json.dumps(to_row(reading)))) == reading


def test_a_page_of_honest_make() -> None:
    found = read(order(), f"<p>{QUOTED}</p>".encode())
    (draft,) = found.found
    assert isinstance(draft, Draft)
    assert (draft.title, draft.text, found.whole, found.failure) == ("Judul", QUOTED, True, None)


def test_what_is_kept_is_clean_and_of_bounded_length() -> None:
    items = [
        {"link": "/panjang", "title": {"rendered": "j" * 9000}, "content": {"rendered": "air " * 90_000}},
        {"link": "/" + "a" * 3000, "title": {"rendered": "x"}, "content": {"rendered": "x"}},
        {"link": "/a\u0000b", "title": {"rendered": "a\u0000\ud800\u0085b"}, "content": {"rendered": "x\u0007y"}},
    ]
    source = source_row(Source("w", "wordpress", "https://a.example/"))
    found = read(order("list", source=source), json.dumps(items).encode()).found
    long, odd, *_ = found
    assert isinstance(long, Draft)
    assert (len(long.title), len(long.text), long.notes) == (500, 200_000, ("text-cut",))
    assert getattr(odd, "code", "") == "item-odd-address"
    assert not any("\0" in one.title + one.text + one.url for one in found if isinstance(one, Draft))


@pytest.mark.parametrize(
    ("markup", "leads_to"),
    [
        ("<meta http-equiv=refresh content='0;url=/b'>", "https://a.example/b"),
        ('<META HTTP-EQUIV="Refresh" CONTENT="3; URL=https://b.example/?a=1&amp;b=2">', "https://b.example/?a=1&b=2"),
        ("<meta http-equiv=refresh content='600;url=/b'>", None),
        ("<meta http-equiv=refresh content=60>", None),
        ("<meta http-equiv=refresh content='0;url=/x'>", None),
        ("<meta http-equiv=refresh content='0;url=javascript:alert(1)'>", None),
        ("<noscript><meta http-equiv=refresh content='0;url=/b'></noscript>", None),
        ("<!-- <meta http-equiv=refresh content='0;url=/b'> -->", None),
    ],
)
def test_where_a_page_sends_its_reader(markup: str, leads_to: str | None) -> None:
    assert read(order(), f"{markup}<p>{QUOTED}".encode()).leads_to == leads_to


def test_a_dtd_is_dropped_before_anything_is_parsed() -> None:
    item = "<item><title>&x; &amp; air</title><link>/a</link><description>d</description></item>"
    quoted = "<!DOCTYPE rss [<!ENTITY x \"]>rahasia\"><!ENTITY y SYSTEM 'file:///etc/passwd'>]>"
    body = f"<?xml version='1.0'?>{quoted}<rss version='2.0'><channel>{item}</channel></rss>"
    found = read(order("list", headers={"content-type": "text/xml"}), body.encode())
    assert "rahasia" not in str(found)
    assert any(isinstance(one, Request) for one in found.found)


def attributes(count: int) -> bytes:
    return b"<p " + b" ".join(b"a%d=''" % number for number in range(count)) + b">"


async def closing(readers: Readers, *pages: tuple[str, bytes], **more: Any) -> list[Reading]:
    """What readers make of pages by host, all at once; ended afterwards."""
    try:
        return await asyncio.gather(*(readers.read(host, order(**more), body) for host, body in pages))
    finally:
        await readers.close()


HONEST = f"<p>{QUOTED}</p>".encode()


def test_a_costly_page_is_ended_and_the_next_is_read() -> None:
    costly, honest = asyncio.run(closing(Readers(1.0, 512), ("a.example", attributes(200_000)), ("a.example", HONEST)))
    assert costly.costly and costly.failure is not None
    assert (costly.failure.code, "1 detik" in costly.failure.message) == ("page-costly", True)
    assert len(honest.found) == 1


def test_a_page_that_needs_too_much_memory_is_ended() -> None:
    bomb = gzip.compress(bytes(100_000_000))
    (costly,) = asyncio.run(closing(Readers(30.0, 64), ("a.example", bomb), limit=200_000_000))
    assert costly.costly


def test_costly_hosts_cost_the_others_nothing() -> None:
    """Three hosts hold a reader each for six seconds; a fourth is served long before they are done."""

    async def all_of_them() -> list[str]:
        readers, done = Readers(6.0, 512), []

        async def one(host: str, body: bytes) -> None:
            await readers.read(host, order(), body)
            done.append(host)

        hosts = [(f"{number}.example", attributes(200_000)) for number in range(3)]
        await asyncio.gather(*(one(*page) for page in (*hosts, ("baik.example", HONEST))))
        await readers.close()
        return done

    assert asyncio.run(all_of_them())[0] == "baik.example"


def test_a_reader_ends_with_its_parent_even_in_the_middle_of_a_page() -> None:
    def started() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "crawler.reader", "1", "512"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    idle, busy = started(), started()
    assert idle.stdin and busy.stdin
    text, body = json.dumps(order()).encode(), attributes(200_000)
    busy.stdin.write(ORDER.pack(len(text), len(body)) + text + body)
    began = time.monotonic()
    for process in (idle, busy):
        assert process.stdin
        process.stdin.close()  # what a dying parent does
    assert idle.wait(timeout=20) == 0
    assert busy.wait(timeout=20) == -signal.SIGALRM
    assert time.monotonic() - began < 20


def test_of_another_sites_article_the_page_itself_tells_title_and_date() -> None:
    page = (
        b"<html><head><title>Banjir surut</title></head><body><h1>Banjir surut</h1><p>"
        + b"Air surut. " * 30
        + b"</p></body></html>"
    )
    row = order(told_by="https://lain.example/rss", options={"title": "h1"})
    (own,) = read(order(options={"title": "h1"}), page).found
    (foreign,) = read(row, page).found
    assert isinstance(own, Draft) and isinstance(foreign, Draft)
    assert (own.title, foreign.title) == ("Judul", "Banjir surut")
    (without,) = read(row, page.replace(b"Banjir surut", b"")).found
    assert isinstance(without, Draft) and without.title == "Judul"
