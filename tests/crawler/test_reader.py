"""Reading in processes that may be killed: what was packed, which characters, and what a hostile page costs."""

import gzip
import json
import zlib
from datetime import UTC, datetime
from typing import Any

import brotli
import pytest

from crawler.adapters import Draft, Listen, Request
from crawler.notes import Note, note
from crawler.reading.charset import as_utf8, decoded
from crawler.reading.reader import MOST_FOUND, MOST_NOTES, Reading, from_row, read, to_row
from crawler.reading.unpack import UnknownEncoding, unpack
from crawler.source import Source, source_row

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
        ('<META content="0; url=\'/b\'" http-equiv=" REFRESH ">', "https://a.example/b"),
        (
            '<title>a</title><noscript>x</noscript><meta http-equiv="refresh" content="0;url=/b c">',
            "https://a.example/b%20c",
        ),
        ("""<script>var tag = '<meta http-equiv="refresh" content="0;url=/b">';</script>""", None),
        ("<style>/* <meta http-equiv=refresh content='0;url=/b'> */</style>", None),
        ("<textarea><meta http-equiv=refresh content='0;url=/b'></textarea>", None),
        ("<template><meta http-equiv=refresh content='0;url=/b'></template>", None),
        ("""<p title="<meta http-equiv=refresh content='0;url=/b'>">""", None),
        (f"<!--[if IE]><meta http-equiv=refresh content='0;url=/b'> {'x' * 5000}<![endif]-->", None),
        (f"<noscript><meta http-equiv=refresh content='0;url=/b'><style>{'x' * 5000}</style></noscript>", None),
        (f"<script>'<meta http-equiv=refresh content=\\'0;url=/b\\'>'; {'x' * 5000}</script>", None),
        ("<rss><channel><title><![CDATA[<p></p><meta http-equiv=refresh content='0;url=/b'>]]>", None),
        ("""[{"content": "<meta http-equiv=refresh content='0;url=/b'>"}]""", None),
    ],
)
def test_where_a_page_sends_its_reader(markup: str, leads_to: str | None) -> None:
    assert read(order(), f"{markup}<p>{QUOTED}".encode()).leads_to == leads_to


def rss(*items: str) -> bytes:
    told = "".join(f"<item><title>{title}</title><link>/{place}</link></item>" for place, title in enumerate(items))
    return f"<?xml version='1.0' encoding='UTF-8'?><rss version='2.0'><channel>{told}</channel></rss>".encode()


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Banjir &#55357;&#56832; surut", "Banjir 😀 surut"),
        ("Banjir &#xD83D;&#xde00;&#55357;&#56832; surut", "Banjir 😀😀 surut"),
        ("Banjir &#55357; surut &#xDE00;", "Banjir surut"),
        ("Banjir &#56832;&#55357; surut", "Banjir surut"),
        ("<![CDATA[Banjir &#55357;&#56832; surut]]>", "Banjir 😀 surut"),
        ("Banjir &amp;#55357;&amp;#56832; surut", "Banjir 😀 surut"),
        ("Banjir &#55203;&#57344; surut &#8211;", "Banjir 힣\ue000 surut –"),
    ],
)
def test_a_pair_of_surrogates_is_its_character_and_a_lone_one_nothing(written: str, title: str) -> None:
    found = read(order("list", headers={"content-type": "text/xml"}), rss("Jalan rusak", written, "Air mati")).found
    assert [one.page_of.title for one in found if isinstance(one, Request) and one.page_of] == [
        "Jalan rusak",
        title,
        "Air mati",
    ]


def test_of_a_flood_of_broken_items_a_hundred_are_told_and_the_others_counted() -> None:
    source = source_row(Source("w", "wordpress", "https://a.example/"))
    post = {"link": "/satu", "title": {"rendered": "x"}, "content": {"rendered": "x"}}
    found = read(order("list", source=source), json.dumps([0] * 20_000 + [post]).encode())
    assert (len(found.found), found.untold) == (MOST_NOTES + 1, 20_000 - MOST_NOTES)
    assert isinstance(found.found[-1], Draft)
    assert len(json.dumps(to_row(found))) < 100_000


def test_what_a_visit_goes_by_is_told_after_any_number_of_notes() -> None:
    source = source_row(Source("m", "sitemap", "https://a.example/list"))
    entry = "<url><loc>https://a.example/{}</loc><lastmod>2026-11-24</lastmod></url>"
    body = f"<urlset>{'<url/>' * 500}{''.join(map(entry.format, range(300)))}</urlset>"
    found = read(order("list", source=source, headers={"content-type": "text/xml"}), body.encode())
    notes = [one.code for one in found.found if isinstance(one, Note)]
    assert (notes[:2], len(notes), notes[-1]) == (["item-without-link"] * 2, MOST_NOTES + 1, "rest-later")


def test_a_list_gives_no_more_items_than_a_visit_can_use() -> None:
    source = source_row(Source("w", "wordpress", "https://a.example/"))
    posts = [
        {"link": f"/{number}", "title": {"rendered": "x"}, "content": {"rendered": ""}}
        for number in range(MOST_FOUND + 2)
    ]
    *items, last = read(order("list", source=source), json.dumps(posts).encode()).found
    assert [one.url for one in items if isinstance(one, Draft)] == [
        f"https://a.example/{number}" for number in range(MOST_FOUND)
    ]
    assert isinstance(last, Note) and last.code == "list-limit"


def test_a_dtd_is_dropped_before_anything_is_parsed() -> None:
    item = "<item><title>&x; &amp; air</title><link>/a</link><description>d</description></item>"
    quoted = "<!DOCTYPE rss [<!ENTITY x \"]>rahasia\"><!ENTITY y SYSTEM 'file:///etc/passwd'>]>"
    body = f"<?xml version='1.0'?>{quoted}<rss version='2.0'><channel>{item}</channel></rss>"
    found = read(order("list", headers={"content-type": "text/xml"}), body.encode())
    assert "rahasia" not in str(found)
    assert any(isinstance(one, Request) for one in found.found)


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
