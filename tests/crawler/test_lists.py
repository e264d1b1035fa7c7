"""Feeds of every version, JSON Feed, sitemaps, Google News, Telegram and single pages: what each list gives, and what it does not."""

import gzip
import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crawler.adapters import Draft, Found, NotUnderstood, Request, Response, adapter_named, names
from crawler.adapters.sitemap import MOST_BYTES, MOST_PAGES
from crawler.document import document_key
from crawler.notes import Note
from crawler.source import Source
from tests.crawler.test_crawl import TEXT, Reply, Route, heard, site

ROOT = Path(__file__).parents[2]
RESPONSES = Path(__file__).parent / "responses"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def read(adapter: str, body: bytes | str, url: str = "https://a.example/list", **more: Any) -> list[Found]:
    """What an adapter finds in an answer to its first request; `asked` is another request, `of` other state of the source."""
    headers, asked = more.pop("headers", {}), more.pop("asked", url)
    source = Source("uji", adapter, url, **more)
    body = body.encode() if isinstance(body, str) else body
    return list(adapter_named(adapter).parse(Response(asked, body, NOW, headers, Request(asked)), source))


def drafts(found: list[Found]) -> list[Draft]:
    """The documents of a list, with and without a page to fetch."""
    complete = (item.page_of if isinstance(item, Request) else item for item in found)
    return [draft for draft in complete if isinstance(draft, Draft)]


def lists(found: list[Found]) -> list[str]:
    """The further lists a list leads to."""
    return [item.url for item in found if isinstance(item, Request) and item.page_of is None]


def codes(found: list[Found]) -> list[str]:
    return [item.code for item in found if isinstance(item, Note)]


def keys(found: list[Found]) -> frozenset[str]:
    return frozenset(document_key(draft.identity) for draft in drafts(found))


# ---- feeds ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("rss090", [(None, None), (None, None)]),
        ("rss091", [(None, None), (None, None)]),
        ("rss092", [(None, None)]),
        ("rss10", [("2026-11-23T02:15", "Redaksi"), ("2026-11-21T17:00", None)]),
        ("atom03", [("2026-11-22T11:00", "Penulis Muara")]),
        ("atom10", [("2026-11-20T01:00", "Redaksi Blog"), ("2026-11-23T03:00", None)]),
    ],
)
def test_every_version_of_a_feed_tells_its_dates_and_authors(
    version: str, told: list[tuple[str | None, str | None]]
) -> None:
    found = drafts(read("feed", (RESPONSES / f"feed/{version}.xml").read_bytes()))
    dates = [draft.published_at and draft.published_at.isoformat()[:16] for draft in found]
    assert list(zip(dates, (draft.author for draft in found), strict=True)) == told


def test_dates_of_rss_as_outlets_write_them() -> None:
    found = drafts(read("feed", (RESPONSES / "feed/rss20.xml").read_bytes()))
    assert [draft.published_at and draft.published_at.isoformat()[:16] for draft in found] == [
        "2026-11-23T14:05",
        "2026-11-23T02:30",
        None,
    ]
    assert [draft.notes for draft in found] == [(), (), ("date-impossible",)]


def test_a_dtd_in_a_feed_brings_nothing_in() -> None:
    body = (RESPONSES / "feed/rss091.xml").read_text("latin-1")
    secret = Path(__file__).as_uri()
    hostile = body.replace('rss-0.91.dtd">', f'rss-0.91.dtd" [<!ENTITY isi SYSTEM "{secret}">]>')
    found = read("feed", hostile.replace("Pasar pagi", "Pasar &isi; pagi"))
    assert len(drafts(found)) == 2
    assert not any("import pytest" in draft.title + draft.text for draft in drafts(found))


# ---- JSON Feed -----------------------------------------------------------------------------------------------------


def test_older_items_of_a_json_feed_are_read_until_they_are_settled() -> None:
    body, url = (RESPONSES / "jsonfeed/v11.json").read_bytes(), "https://sungai.example/feed.json"
    found = read("jsonfeed", body, url)
    assert lists(found) == ["https://sungai.example/feed.json?halaman=2"]
    assert not lists(read("jsonfeed", body, url, settled=keys(found)))
    assert not lists(read("jsonfeed", body, url, asked="https://sungai.example/feed.json?halaman=2"))  # it names itself


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"version": "https://jsonfeed.org/version/1.1"}', "not-json-feed"),
        ('{"items": []}', "not-json-feed"),
        ("[" * 100_000, "too-deep"),
        ("<rss/>", "not-json"),
    ],
)
def test_what_is_no_json_feed(body: str, code: str) -> None:
    with pytest.raises(NotUnderstood) as told:
        read("jsonfeed", body)
    assert told.value.note.code == code


# ---- sitemaps ------------------------------------------------------------------------------------------------------


def urlset(*entries: str, root: str = "urlset") -> str:
    return f'<{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{"".join(entries)}</{root}>'


def entry(url: str, at: datetime | str = NOW, tag: str = "url") -> str:
    moment = at if isinstance(at, str) else at.isoformat()
    return f"<{tag}><loc>{url}</loc><lastmod>{moment}</lastmod></{tag}>"


def test_a_news_sitemap_tells_the_date_of_publication_and_a_plain_one_does_not() -> None:
    news = drafts(read("sitemap", (RESPONSES / "sitemap/news.xml").read_bytes()))
    told = {draft.url.rsplit("/", 1)[1]: draft for draft in news}
    assert told["pompa-banjir-mati"].published_at == datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
    assert told["tanggal-rusak"].published_at is None
    assert told["tahun-depan"].notes == ("date-impossible",)
    assert "arsip-lama" not in told
    plain = drafts(read("sitemap", (RESPONSES / "sitemap/plain.xml").read_bytes()))
    assert plain
    assert {draft.published_at for draft in plain} == {None}


def test_a_packed_sitemap_is_unpacked_within_a_limit() -> None:
    body = urlset(entry("https://a.example/1")).encode()
    assert read("sitemap", gzip.compress(body)) == read("sitemap", body)
    for broken, code in (
        (gzip.compress(body)[:-20], "cut-short"),
        (gzip.compress(body + b" " * MOST_BYTES), "too-large"),
        (b"\x1f\x8bx", "cut-short"),
    ):
        with pytest.raises(NotUnderstood) as told:
            read("sitemap", broken)
        assert told.value.note.code == code


def test_of_an_index_the_newest_sitemaps_are_read_and_no_index_inside_it() -> None:
    days = [entry(f"https://a.example/{n}.xml", NOW - timedelta(days=n), "sitemap") for n in range(30)]
    body = urlset(*reversed(days), root="sitemapindex")
    assert lists(read("sitemap", body)) == [f"https://a.example/{n}.xml" for n in range(8)]  # of the last seven days
    assert lists(read("sitemap", body, options={"days": "1"})) == ["https://a.example/0.xml", "https://a.example/1.xml"]
    assert lists(read("sitemap", body, options={"sitemaps": "/3., /12.,/5."})) == [
        "https://a.example/3.xml",
        "https://a.example/5.xml",
    ]
    inside = read("sitemap", body, asked="https://a.example/0.xml")
    assert (lists(inside), codes(inside)) == ([], ["sitemap-nested"])


def test_only_pages_whose_path_starts_as_wanted() -> None:
    places = ("riau/a", "riau-lain/b", "kampar/c", "bola/d")
    body = urlset(*(entry(f"https://a.example/{place}") for place in places))

    def wanted(include: Any) -> list[str]:
        return [draft.url.rsplit("/", 1)[1] for draft in drafts(read("sitemap", body, options={"include": include}))]

    assert wanted("/riau/") == ["a"]
    assert wanted("riau,/kampar/,") == ["a", "b", "c"]
    assert wanted(["/kampar/", "/bola/"]) == ["c", "d"]
    assert wanted("^/.*a$") == []


@pytest.mark.parametrize("days", ["seminggu", 0, -3, "nan", "1e9", []])
def test_days_that_are_no_number_of_days(days: Any) -> None:
    source = Source("uji", "sitemap", "https://a.example/list", options={"days": days})
    with pytest.raises(NotUnderstood) as told:
        list(adapter_named("sitemap").requests(source))
    assert told.value.note.code == "option-wrong"


def test_more_new_pages_than_one_visit_reads_follow_at_the_next() -> None:
    body = urlset(*(entry(f"https://a.example/{n}", NOW - timedelta(minutes=n)) for n in range(MOST_PAGES + 50)))
    first = read("sitemap", body)
    assert len(drafts(first)) == MOST_PAGES
    assert codes(first) == ["rest-later"]
    second = read("sitemap", body, known=keys(first))
    assert keys(second) - keys(first) == keys(read("sitemap", body, known=keys(second))) - keys(first)
    assert len(keys(second)) == MOST_PAGES + 50
    assert not codes(second)


def test_a_bare_ampersand_in_an_address_is_kept() -> None:
    found = read("sitemap", urlset(entry("https://a.example/?id=1&judul=x&copy=2")))
    assert [draft.url for draft in drafts(found)] == ["https://a.example/?id=1&judul=x&copy=2"]
    assert not codes(found)


@pytest.mark.parametrize(
    "broken",
    [
        "<url><loc>https://a.example/x</loc></rusak></url>",
        "<url><loc>https://a.example/x<y</loc></url>",
        "<url><loc>https://a.example/x</url>",
        "<url><loc a=b>https://a.example/x</loc></url>",
        "<url><!-- <loc>https://a.example/x</loc></url>",
        "<url><news:news>tanpa ruang nama</news:news></url>",
        "<url><loc>https://a.example/&#0;</loc></url>",
    ],
)
def test_a_broken_entry_costs_only_itself(broken: str) -> None:
    found = read("sitemap", urlset(entry("https://a.example/satu"), broken, entry("https://a.example/dua")))
    assert [draft.url for draft in drafts(found)] == ["https://a.example/satu", "https://a.example/dua"]
    assert codes(found) == ["sitemap-malformed", "item-unreadable"]


def test_of_a_sitemap_that_was_cut_short_half_an_address_is_not_taken() -> None:
    whole = urlset(*(entry(f"https://a.example/berita-{n}") for n in (11, 22, 33)))
    found = read("sitemap", whole[: whole.index("-33") + 2])
    assert [draft.url for draft in drafts(found)] == ["https://a.example/berita-11", "https://a.example/berita-22"]
    assert codes(found) == ["feed-cut-short"]
    with_more = read("sitemap", whole + "<script>ukur()</script>" * 50)  # nothing is missing here
    assert len(drafts(with_more)) == 3
    assert codes(with_more) == ["sitemap-malformed"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<!DOCTYPE html><html><body>x", "not-a-sitemap"),
        ("<rss version='2.0'><channel/></rss>", "not-a-sitemap"),
        (f"<!DOCTYPE urlset SYSTEM '{Path(__file__).as_uri()}'>" + urlset(), "xml-with-dtd"),
        ("<!DOCTYPE urlset [<!ENTITY x 'https://a.example/x'>]>" + urlset(entry("&x;")), "xml-with-dtd"),
    ],
)
def test_what_is_no_sitemap_and_what_brings_a_dtd(body: str, code: str) -> None:
    with pytest.raises(NotUnderstood) as told:
        read("sitemap", body)
    assert told.value.note.code == code


# ---- Google News ---------------------------------------------------------------------------------------------------


def test_the_query_is_asked_in_indonesian() -> None:
    requests = adapter_named("googlenews").requests
    source = Source(
        "uji", "googlenews", "https://news.google.com", options={"query": '"jalan rusak" Siak', "when": "7d"}
    )
    (request,) = requests(source)
    assert request.url == (
        "https://news.google.com/rss/search?q=%22jalan+rusak%22+Siak+when%3A7d&hl=id&gl=ID&ceid=ID%3Aid"
    )
    assert list(requests(replace(source, url=request.url))) == [request]
    with pytest.raises(NotUnderstood) as told:
        list(requests(replace(source, options={})))
    assert told.value.note.code == "option-missing"


def test_headlines_say_what_they_are_and_lead_nowhere() -> None:
    body = (RESPONSES / "googlenews/search.xml").read_bytes()
    found = read("googlenews", body)
    assert not any(isinstance(item, Request) for item in found)
    assert all("headline-only" in draft.notes for draft in drafts(found))
    cut = read("googlenews", body[: body.index(b"TESTDUA") + 3])
    assert [draft.author for draft in drafts(cut)] == ["Koran Uji"]
    assert codes(cut) == ["feed-cut-short"]
    broken = read("googlenews", body.replace(b"</pubDate>", b"</tanggal>", 1))
    assert [draft.title for draft in drafts(broken)] == ["Warga tanam pisang di jalan berlubang"]
    assert codes(broken)[:2] == ["feed-malformed", "item-unreadable"]


# ---- Telegram ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["infowarga", "s/infowarga", "s/infowarga?before=9", "infowarga/12", "infowarga/"])
def test_every_address_of_a_channel_leads_to_its_preview(path: str) -> None:
    (request,) = adapter_named("telegram").requests(Source("uji", "telegram", f"https://t.me/{path}"))
    assert request.url == "https://t.me/s/infowarga"


def test_older_posts_are_read_until_they_are_settled() -> None:
    body, url = (RESPONSES / "telegram/saluran.html").read_bytes(), "https://t.me/infowargauji"
    found = read("telegram", body, url)
    assert lists(read("telegram", body, url, known=keys(found))) == ["https://t.me/s/infowargauji?before=101"]
    assert not lists(read("telegram", body, url, settled=keys(found)))
    assert not lists(read("telegram", body.replace(b"infowargauji/101", b"infowargauji/1"), url))  # the first post


def test_a_page_that_brings_no_older_post_is_the_last() -> None:
    """Some previews answer whatever `before` asks with the same page."""
    body, url = (RESPONSES / "telegram/saluran.html").read_bytes(), "https://t.me/infowargauji"
    asked = "https://t.me/s/infowargauji?before={}"
    assert lists(read("telegram", body, url, asked=asked.format(200))) == [asked.format(101)]
    assert not lists(read("telegram", body, url, asked=asked.format(101)))


def test_a_channel_without_posts_is_no_failure_and_one_without_preview_is() -> None:
    assert read("telegram", '<section class="tgme_channel_history js-message_history"></section>') == []
    with pytest.raises(NotUnderstood) as told:
        read("telegram", '<div class="tgme_page_description">If you have Telegram, you can contact @x.</div>')
    assert told.value.note.code == "telegram-no-preview"


# ---- a single page -------------------------------------------------------------------------------------------------


def test_a_page_is_known_by_the_address_it_was_found_at() -> None:
    body = (RESPONSES / "page/berita.html").read_bytes()
    found = read("page", body, "https://pendek.example/x", asked="https://koran-uji.example/kota/lampu-padam")
    assert [draft.identity for draft in drafts(found)] == ["koran-uji.example/kota/lampu-padam"]


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"content-type": "application/pdf"}, b"%PDF-1.4", "not-a-page"),
        (
            {"content-type": "text/html; charset=utf-8"},
            b"<html><body><p>Halaman kosong.</p></body></html>",
            "text-too-short",
        ),
    ],
)
def test_a_page_without_an_article_says_why(headers: dict[str, str], body: bytes, code: str) -> None:
    with pytest.raises(NotUnderstood) as told:
        read("page", body, headers=headers)
    assert told.value.note.code == code


# ---- all of them over loopback -------------------------------------------------------------------------------------


def article(title: str) -> Reply:
    return 200, {}, f"<html><body><article><h1>{title}</h1><p>{TEXT}</p></article></body></html>".encode()


def test_a_crawl_through_every_kind_of_list() -> None:
    now = datetime.now(UTC)
    url = ""  # of the site, known once it stands

    def later(body: Callable[[], bytes | str], kind: str = "text/xml") -> Route:
        def reply(headers: dict[str, str]) -> Reply:
            made = body()
            return 200, {"Content-Type": kind, "ETag": '"1"'}, made.encode() if isinstance(made, str) else made

        return reply

    telegram = (RESPONSES / "telegram/saluran.html").read_bytes().replace(b"infowargauji/101", b"infowargauji/1")
    google = (RESPONSES / "googlenews/search.xml").read_bytes()
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [{"id": "1", "url": "/dari-json", "title": "Judul JSON"}],
    }
    routes: dict[str, Reply | Route] = {
        "/sitemap.xml": later(lambda: urlset(entry(f"{url}/baru.xml.gz", now, "sitemap"), root="sitemapindex")),
        "/baru.xml.gz": later(
            lambda: gzip.compress(urlset(entry(f"{url}/dari-peta", now)).encode()), "application/gzip"
        ),
        "/dari-peta": article("Judul peta"),
        "/rss/search?q=jalan&hl=id&gl=ID&ceid=ID%3Aid": later(
            lambda: google.replace(b"https://news.google.com", url.encode())
        ),
        "/feed.json": later(lambda: json.dumps(feed), "application/feed+json"),
        "/dari-json": article("Judul JSON"),
        "/s/infowargauji": later(lambda: telegram, "text/html"),
        "/pendek": (302, {"Location": "/panjang"}, b""),
        "/panjang": article("Judul tunggal"),
    }
    with site(routes) as one:
        url = one.url
        documents, visits = heard(
            Source("peta", "sitemap", f"{url}/sitemap.xml"),
            Source("google", "googlenews", url, options={"query": "jalan"}),
            Source("json", "jsonfeed", f"{url}/feed.json"),
            Source("telegram", "telegram", f"{url}/infowargauji"),
            Source("tunggal", "page", f"{url}/pendek"),
            Source("hilang", "page", f"{url}/tidak-ada"),
        )
        assert not any(path.startswith("/rss/articles") for path in one.paths())
    heard_of = {name: [d for d in documents if d.source == name] for name in visits}
    assert [(d.title, d.kind, d.url) for d in heard_of["peta"]] == [("Judul peta", "article", f"{url}/dari-peta")]
    assert list(visits["peta"].validators) == [f"{url}/baru.xml.gz"]  # an unchanged index must not hide changed lists
    assert [(d.text, d.author, d.notes[:1]) for d in heard_of["google"]] == [
        ("Jalan rusak di Sorek dikeluhkan - lagi", "Koran Uji", ("headline-only",)),
        ("Warga tanam pisang di jalan berlubang", None, ("headline-only",)),
    ]
    assert [d.title for d in heard_of["json"]] == ["Judul JSON"]
    assert [(d.kind, d.reactions) for d in heard_of["telegram"]] == [("post", 1236), ("post", None)]
    assert [(d.title, d.url) for d in heard_of["tunggal"]] == [("Judul tunggal", f"{url}/panjang")]
    assert [visits[name].status for name in visits if name != "hilang"] == ["ok"] * 5
    assert (visits["hilang"].status, visits["hilang"].notes[0].code) == ("unreachable", "http-404")


# ---- what is written of them ---------------------------------------------------------------------------------------


def example(name: str) -> Source:
    """The first source shown on the page of an adapter."""
    blocks = (ROOT / f"docs/adapters/{name}.md").read_text().split("```toml\n")[1:]
    rows = (row for block in blocks for row in tomllib.loads(block.split("```")[0]).get("source", []))
    return Source(**next(rows))


@pytest.mark.parametrize("name", names())
def test_every_adapter_has_a_page_and_stands_in_the_index(name: str) -> None:
    assert f"]({name}.md)" in (ROOT / "docs/adapters/README.md").read_text()
    assert example(name).adapter == name


@pytest.mark.parametrize(
    "name", ["feed", "googlenews", "jsonfeed", "listing", "page", "sitemap", "telegram", "wordpress"]
)
def test_the_source_shown_for_an_adapter_without_account_can_be_visited(name: str) -> None:
    assert list(adapter_named(name).requests(example(name)))


# ---- what a link says ----------------------------------------------------------------------------------------------


def test_a_text_that_several_links_share_is_no_title() -> None:
    links = "<a href=/1>Selengkapnya</a><a href=/2>SELENGKAPNYA</a><a href=/3>Banjir di Dumai</a><a href=/3>Lagi</a>"
    assert [draft.title for draft in drafts(read("listing", links, options={"links": "a"}))] == [
        "",
        "",
        "Banjir di Dumai",
    ]


@pytest.mark.parametrize(
    ("languages", "taken"), [(("id", "en"), "/0"), (("en", "id-ID"), "/1"), (("en", "ms"), "/0"), (("", ""), "/1")]
)
def test_of_the_languages_of_a_feeds_entry_the_indonesian_is_read(languages: tuple[str, str], taken: str) -> None:
    links = "".join(
        f'<link rel="alternate" href="/{number}"' + (f' hreflang="{one}"/>' if one else "/>")
        for number, one in enumerate(languages)
    )
    body = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><entry><title>x</title>{links}</entry></feed>'
    assert [draft.url for draft in drafts(read("feed", body))] == [f"https://a.example{taken}"]
