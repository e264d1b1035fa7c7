"""One publication has one key, whatever the way to it, and two publications never share one; edits are noticed."""

import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from crawler import Document, Source, Visit
from crawler.adapters import Draft, Request, Response, adapter_named
from crawler.document import document_key, stamp
from crawler.identity import bare, believed, canonical_of, identity, is_form, same_article, site_of
from crawler.tally import Tally
from tests.crawler.test_adapters import NOW
from tests.crawler.test_crawl import Reply, Route, feed, heard, item, site, source

HOME = "https://koran.example"
ARTICLE = f"{HOME}/daerah/2026/11/listrik-padam-di-duri"

SAME = [
    ARTICLE.replace("https", "http"),
    f"{ARTICLE}/",
    f"{ARTICLE}#komentar",
    ARTICLE.replace("//", "//www."),
    ARTICLE.replace("//", "//m."),
    ARTICLE.replace("//", "//amp."),
    ARTICLE.replace("//", "//WWW.M.").replace("example", "EXAMPLE."),
    ARTICLE.replace("example", "example:443"),
    ARTICLE.replace("example", "example:80"),
    ARTICLE.replace("koran.example/", "koran.example//"),
    ARTICLE.replace("listrik", "%6Cistrik"),
    f"{ARTICLE}/amp",
    f"{ARTICLE}/amp/",
    f"{ARTICLE}/amp.html",
    f"{ARTICLE}.amp",
    ARTICLE.replace("/daerah", "/amp/daerah"),
    f"{ARTICLE}?amp",
    f"{ARTICLE}?amp=1",
    f"{ARTICLE}?outputType=amp",
    f"{ARTICLE}/print",
    f"{ARTICLE}/cetak",
    f"{ARTICLE}?print=1",
    f"{ARTICLE}?tmpl=component&print=1",
    f"{ARTICLE}?page=all",
    f"{ARTICLE}?page=2",
    f"{ARTICLE}?page=all#page2",
    f"{ARTICLE}?single=1",
    f"{ARTICLE}/page/2",
    f"{ARTICLE}/index.html",
    f"{ARTICLE}?utm_source=x&utm_medium=y&UTM_Campaign=z",
    f"{ARTICLE}?fbclid=1&gclid=2&igshid=3&mc_cid=4&mc_eid=5",
    f"{ARTICLE}?ref=depan&from=terkait&source=rss",
    f"{ARTICLE}?share=whatsapp",
    f"{ARTICLE}?tag_from=wp_terkait&jxconn=1&jxrecoid=ab&s=paging_new",
    f"{ARTICLE}?PHPSESSID=8f2c",
    f"{ARTICLE}?sid=0123456789abcdef0123456789abcdef",
    f"{ARTICLE};jsessionid=0A1B2C?utm_source=x",
]


@pytest.mark.parametrize("address", SAME)
def test_every_way_to_an_article_is_one_identity(address: str) -> None:
    assert identity(address) == identity(ARTICLE) == "koran.example/daerah/2026/11/listrik-padam-di-duri"


APART = [
    ("/read.php?id=12", "/read.php?id=13"),
    ("/?p=12", "/?p=13"),
    ("/?p=12", "/"),
    ("/index.php?12", "/index.php?13"),
    ("/?page=12", "/?page=13"),
    ("/index.php?page=berita&id=1", "/index.php?page=berita&id=2"),
    ("/modules.php?name=News&sid=12", "/modules.php?name=News&sid=13"),
    ("/berita.php?judul=a-b&sid=banjir_di_duri_hari_ini_2026", "/berita.php?judul=a-b&sid=api_di_duri_hari_ini_2026_x"),
    ("/a/listrik-padam", "/b/listrik-padam"),
    ("/a%2Fb", "/a/b"),
    ("/Listrik", "/listrik"),
    ("/read?x=%ff", "/read?x=%fe"),
    ("/#!/berita/1", "/#!/berita/2"),
    ("/rubrik/print", "/rubrik"),
    ("/foto?print=12", "/foto?print=13"),
    ("/x?amp=koran", "/x?amp=radio"),
    ("/x?a=1&a=2", "/x?a=2"),
]


@pytest.mark.parametrize(("one", "other"), APART)
def test_two_articles_stay_apart(one: str, other: str) -> None:
    assert identity(HOME + one) != identity(HOME + other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://m.co.id/x", "https://co.id/x"),
        ("https://riau.koran.example/x", "https://koran.example/x"),
        ("https://koran.example:8080/x", "https://koran.example/x"),
        ("https://m.example/x", "https://example/x"),
    ],
)
def test_two_sites_stay_apart(one: str, other: str) -> None:
    assert identity(one) != identity(other)
    assert site_of(one) != site_of(other)


def test_the_next_page_of_a_list_is_another_address() -> None:
    assert bare(f"{HOME}/berita-daerah?page=2") != bare(f"{HOME}/berita-daerah")
    assert bare(f"{HOME}/sitemap-1.xml?page=2") != bare(f"{HOME}/sitemap-1.xml?page=3")
    assert bare("http://www.koran.example/x/?utm_source=a&b={c}") == bare(f"{HOME}/x?b=%7bc%7d")


words = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=9)
slugs = st.lists(words, min_size=3, max_size=7).map("-".join)
sections = st.lists(st.sampled_from(["daerah", "riau", "ekonomi", "2026", "11"]), max_size=3)
ids = st.lists(
    st.tuples(st.sampled_from(["id", "p", "no", "judul", "kat"]), words), max_size=3, unique_by=lambda pair: pair[0]
)
marks = st.lists(
    st.sampled_from(
        ["utm_source=rss", "fbclid=Iw12", "gclid=1", "ref=a", "from=b", "igshid=c", "PHPSESSID=d", "mc_eid=e"]
    ),
    max_size=4,
)


def written(parts: list[str], pairs: list[tuple[str, str]]) -> str:
    query = "&".join(f"{name}={value}" for name, value in pairs)
    return f"koran.example/{'/'.join(parts)}{'?' if query else ''}{query}"


@given(sections, slugs, ids, marks, st.randoms(use_true_random=False), st.sampled_from(["", "#atas", "#"]))
def test_marks_of_the_way_change_nothing(sections, slug, pairs, marks, random, place) -> None:  # type: ignore[no-untyped-def]
    address = written([*sections, slug], pairs)
    query = [f"{name}={value}" for name, value in pairs] + marks
    random.shuffle(query)
    host = random.choice(["koran.example", "www.koran.example", "m.koran.example", "AMP.koran.example:443"])
    form = random.choice(["", "/", "/amp", "/amp/", "/print", "/index.html"])
    other = f"http://{host}/{'/'.join([*sections, slug])}{form}?{'&'.join(query)}{place}"
    assert identity(other) == identity(f"https://{address}")


@given(sections, sections, slugs, slugs, ids, ids)
def test_no_two_articles_share_an_identity(one, other, slug, tag, pairs, others) -> None:  # type: ignore[no-untyped-def]
    first, second = ([*one, slug], sorted(pairs)), ([*other, tag], sorted(others))
    same = identity(f"https://{written(*first)}") == identity(f"https://{written(*second)}")
    assert same == (first == second)


@given(st.text(max_size=60))
def test_whatever_an_address_holds_it_has_an_identity_that_stays(tail: str) -> None:
    address = f"https://koran.example/{tail}"
    try:
        one = identity(address)
    except ValueError:  # as urlsplit says: a bracket in the wrong place
        return
    assert one.isascii() or "#" in one
    assert bare(f"https://{bare(address)}") == bare(address) or "#" in address or "index" in tail.lower()
    assert document_key(one) == document_key(identity(address))


@pytest.mark.parametrize("part", ["/amp", "/index.html", "/print", "m.", "%2F", "&a=1", ";jsessionid=1", "/page/2"])
def test_an_endless_address_costs_little(part: str) -> None:
    host = part * 100_000 if part == "m." else "koran.example/"
    identity(f"https://{host}{'' if part == 'm.' else part * 100_000}")


# ---- what a page says of itself ------------------------------------------------------------------------------------

BELIEVED = [
    (f"{ARTICLE}?xyz=1", ARTICLE),
    (f"{HOME}/?p=1234", ARTICLE),
    ("https://amp.koran.example/amp/1234/listrik-padam", f"{HOME}/read/1234/listrik-padam"),
    (f"{ARTICLE}/2", ARTICLE),
    (ARTICLE, f"http://www.koran.example/{ARTICLE.removeprefix(HOME)}/"),
    (ARTICLE, "/daerah/2026/11/listrik-padam-di-duri-sejak-subuh"),
    ("https://riau.contoh.co.id/listrik-padam-di-duri", "https://contoh.co.id/daerah/listrik-padam-di-duri"),
    (f"{HOME}/read.php?id=5&utm=a", f"{HOME}/read.php?id=5"),
    ("http://127.0.0.1:8790/a/listrik-padam-di-duri?amp", "http://127.0.0.1:8790/a/listrik-padam-di-duri"),
]


@pytest.mark.parametrize(("page", "claim"), BELIEVED)
def test_a_likely_claim_is_believed(page: str, claim: str) -> None:
    assert identity(believed(claim, page)) == identity(claim if claim.startswith("http") else HOME + claim)


NOT_BELIEVED = [
    (ARTICLE, ""),
    (ARTICLE, "/"),
    (ARTICLE, HOME),
    (ARTICLE, f"{HOME}/?utm_source=x"),
    (ARTICLE, f"{HOME}/index.php"),
    (ARTICLE, f"{HOME}/daerah/"),
    (ARTICLE, f"{HOME}/daerah/2026/11"),
    (ARTICLE, f"{HOME}/nasional"),
    (ARTICLE, f"{HOME}/tag/listrik-padam-di-duri-2026"),
    (f"{HOME}/read.php?id=5", f"{HOME}/read.php"),
    (f"{HOME}/read_berita_baru.php?id=5", f"{HOME}/read_berita_baru.php"),
    (f"{HOME}/read.php?kat=2&id=5", f"{HOME}/read.php?kat=2"),
    (f"{HOME}/read.php?id=5", f"{HOME}/read.php?id=6"),
    (ARTICLE, ARTICLE.replace("koran", "lain")),
    (ARTICLE, "https://koran.example.lain.example/daerah/2026/11/listrik-padam-di-duri"),
    (ARTICLE, "http://127.0.0.1/daerah/2026/11/listrik-padam-di-duri"),
    (ARTICLE, "http://localhost/daerah/2026/11/listrik-padam-di-duri"),
    ("http://127.0.0.1:8790/a/listrik-padam-di-duri", "http://127.0.0.1:8791/a/listrik-padam-di-duri"),
    (ARTICLE, ARTICLE.replace("example", "example:8080")),
    (ARTICLE, ARTICLE.replace("koran", "user:sandi@koran")),
    (ARTICLE, "javascript:alert(1)"),
    (ARTICLE, "file:///etc/passwd"),
    (ARTICLE, ARTICLE.replace("https", "ftp")),
    (ARTICLE, "https://[bad/daerah/2026/11/listrik-padam-di-duri"),
    (ARTICLE, f"{ARTICLE}?x={'y' * 3000}"),
    (
        "https://satu.blogspot.com/2026/11/listrik-padam-di-duri.html",
        "https://dua.blogspot.com/2026/11/listrik-padam-di-duri.html",
    ),
    ("https://satu.go.id/berita/listrik-padam-di-duri", "https://dua.go.id/berita/listrik-padam-di-duri"),
]


@pytest.mark.parametrize(("page", "claim"), NOT_BELIEVED)
def test_an_unlikely_claim_is_not(page: str, claim: str) -> None:
    assert believed(claim, page) == ""


FORMS = [
    ("/lite/12345", "/berita/12345/listrik-padam-duri", True),
    ("/baca?id=12345", "/berita/listrik-padam-duri-12345", True),
    ("/amp/listrik-padam-di-duri", "/daerah/2026/11/listrik-padam-di-duri.html", True),
    ("/index.php?judul=listrik-padam-di-duri", "/daerah/listrik-padam-di-duri", True),
    ("/berita/2026/listrik-padam-duri-7001", "/berita/2026/jalan-rusak-tampan-7002", False),
    ("/berita/2026/jadwal-imsak-riau-7001", "/berita/2026/jadwal-imsak-riau-7002", False),
    ("/2026/11/23/info-cuaca-riau", "/2026/11/24/info-cuaca-riau", False),
    ("/jalan-rusak-di-tampan", "/jalan-rusak-di-tampan-2", False),
    ("/kanal/12345/listrik-padam-di-duri", "/kanal/12345/jalan-rusak-di-tampan", False),
    ("/2026/listrik", "/2026/jalan", False),
]


@pytest.mark.parametrize(("one", "other", "same"), FORMS)
def test_the_words_or_the_number_of_an_address_tell_an_article(one: str, other: str, same: bool) -> None:
    assert is_form(HOME + one, HOME + other) is is_form(HOME + other, HOME + one) is same
    assert is_form("http://127.0.0.1:34567" + one, "http://127.0.0.1:34567" + other) is same  # a port is no number


def page_of(head: str) -> html.HtmlElement:
    return html.document_fromstring(f"<html><head>{head}</head><body><p>x</p></body></html>")


def test_the_canonical_link_comes_first_then_what_is_shared() -> None:
    other = f"{HOME}/read/1234/listrik-padam-di-duri"
    link, shared = f"<link rel=' Canonical ' href='{other}'>", f"<meta property='og:url' content='{ARTICLE}'>"
    page = f"{ARTICLE}?x=1"
    assert canonical_of(page_of(link + shared), page) == other
    assert canonical_of(page_of(shared), page) == ARTICLE
    assert canonical_of(page_of("<link rel=canonical href='/'>" + shared), page) == ARTICLE
    assert canonical_of(page_of(link + f"<link rel=canonical href='{ARTICLE}'>"), page) == ""  # which of the two?
    assert canonical_of(page_of("<link rel=canonical><meta property='og:url'>"), page) == ""


def test_forms_of_an_article_are_alike_and_two_articles_are_not() -> None:
    text = "Listrik padam di Duri sejak subuh. Pedagang es merugi dan belum ada kabar dari petugas kapan menyala."
    other = "Jalan lintas di Dumai berlubang. Warga menanam pisang di tengah jalan sebagai bentuk protes kepada dinas."
    assert same_article(("Listrik Padam", text), ("Listrik padam - Koran Riau", f"{text} Baca juga: Air mati"))
    assert same_article(("", text), ("Listrik Padam", text[:80]))
    assert not same_article(("Listrik Padam", text), ("Jalan Rusak", other))
    assert not same_article(("Info Hari Ini", text), ("Info Hari Ini", other))
    assert not same_article(("Listrik Padam di Duri", text), ("Listrik Padam di Dumai", text[:60] + other[:40]))
    issues = [("Info Hari Ini", text + tail) for tail in ("", other)]
    assert [same_article(*issues, numbered_apart=apart) for apart in (False, True)] == [True, False]


@pytest.mark.parametrize("address", ["/?ref={}", "/detail.php?source={}", "/berita?from={}", "/view?share={}"])
def test_a_number_tells_articles_apart_where_nothing_else_does(address: str) -> None:
    assert len({identity(HOME + address.format(number)) for number in range(4)}) == 4
    assert identity(HOME + address.format("rss")) == identity(HOME + address.partition("?")[0])
    assert {identity(f"{ARTICLE}{form}?ref=4") for form in ("", "/index.php", "/amp")} == {identity(ARTICLE)}
    assert identity(f"{HOME}/detail.php?id=7&ref=4") == identity(f"{HOME}/detail.php?id=7")


# ---- a crawl -------------------------------------------------------------------------------------------------------

STORY = (
    "Listrik padam di Duri sejak subuh, pedagang es merugi, dan belum ada kabar dari petugas kapan akan menyala kembali. "
    "Warga sudah dua kali melapor ke kantor layanan, tetapi hanya diminta menunggu tanpa nomor laporan."
)
OTHER = (
    "Air bersih di Dumai keruh selama sepekan. Ibu rumah tangga membeli air galon untuk memasak, sementara perusahaan daerah "
    "menyebut pipa induk bocor dan perbaikan menunggu anggaran perubahan disahkan dewan."
)


def article(title: str, text: str = STORY, head: str = "") -> Reply:
    page = f"<html><head><title>{title}</title>{head}</head><body><article><h1>{title}</h1><p>{text}</p></article></body></html>"
    return 200, {}, page.encode()


def canonical(address: str) -> str:
    return f"<link rel=canonical href='{address}'>"


def brief(title: str, link: str, extra: str = "") -> str:
    return item(title, link, "ringkas", extra)


def test_an_article_met_at_many_addresses_comes_once_and_is_fetched_once() -> None:
    ways = [
        "/b/listrik-padam-duri",
        "/b/listrik-padam-duri/amp",
        "/b/listrik-padam-duri?utm_source=x",
        "/b/listrik-padam-duri/?page=2",
    ]
    with site(
        {"/feed": feed(*(brief("Listrik Padam", way) for way in ways)), ways[0]: article("Listrik Padam")}
    ) as one:
        (document,), visits = heard(source(one))
        assert [path for path in one.paths() if path.startswith("/b/")] == [ways[0]]
    assert (visits["uji"].documents, visits["uji"].status) == (1, "ok")
    assert document.key == document_key(identity(document.url))


@pytest.mark.parametrize("turned", [False, True])
def test_the_page_tells_which_two_addresses_are_one_article(turned: bool) -> None:
    """Whichever is read first: the other one is known by its own address the next time."""
    own = "/berita/12345/listrik-padam-duri"
    listed = [brief("Listrik Padam", "/lite/12345"), brief("Listrik Padam", own)]
    routes: dict[str, Reply | Route] = {
        "/feed": feed(*(reversed(listed) if turned else listed)),
        "/lite/12345": article("Listrik Padam", f"{STORY} Baca juga: Air mati", canonical(own)),
        own: article("Listrik Padam", STORY, canonical(own)),
    }
    with site(routes) as one:
        (document,), visits = heard(source(one))
        lite, whole = (document_key(identity(one.url + path)) for path in ("/lite/12345", own))
        assert (document.key, document.url) == (whole, one.url + own)
        held = learnt([document], visits["uji"], source(one))
        assert held.known == {whole, lite}
        assert heard(held)[0] == []
        assert one.paths().count("/lite/12345") == one.paths().count(own) == 1
    assert visits["uji"].documents == 1


def test_a_template_that_gives_every_page_the_same_address_costs_no_article() -> None:
    same = canonical("/berita/777/selamat-datang-di-koran")
    routes: dict[str, Reply | Route] = {
        "/feed": feed(brief("Listrik Padam", "/b/listrik-padam-duri"), brief("Air Keruh", "/b/air-keruh-di-dumai")),
        "/b/listrik-padam-duri": article("Listrik Padam", STORY, same),
        "/b/air-keruh-di-dumai": article("Air Keruh", OTHER, same),
    }
    with site(routes) as one:
        documents, _ = heard(source(one))
    assert {document.title for document in documents} == {"Listrik Padam", "Air Keruh"}
    assert len({document.key for document in documents}) == 2


@pytest.mark.parametrize("first", [0, 1])
def test_a_page_that_names_another_article_takes_nothing_from_it(first: int) -> None:
    """The head of a page was copied, or comes from a cache: whichever of the two is read first."""
    paths = ["/b/2026/listrik-padam-duri-7001", "/b/2026/air-keruh-dumai-7002"]
    pages = [article("Listrik Padam", STORY, canonical(paths[1])), article("Air Keruh", OTHER, canonical(paths[1]))]
    routes: dict[str, Reply | Route] = {
        "/feed": feed(brief("Satu", paths[first])),
        "/lain": feed(brief("Dua", paths[1 - first])),
        **dict(zip(paths, pages, strict=True)),
    }
    with site(routes) as one:
        documents, visits = heard(source(one))
        known = learnt(documents, visits["uji"], source(one, "/lain"))
        documents += heard(known)[0]
        together, visits = heard(source(one), source(one, "/lain", name="lain"))
        for found in (documents, together):
            texts = {document.url: document.text for document in found}
            assert [STORY in texts[one.url + paths[0]], OTHER in texts[one.url + paths[1]]] == [True, True]
            assert len({document.key for document in found}) == 2
        assert {document.claim for document in together} == {"", document_key(identity(one.url + paths[1]))}
        assert all(not visit.aliases for visit in visits.values())


@pytest.mark.parametrize("first", ["/ringkas/a", "/b/2026/listrik-padam-duri"])
def test_an_address_that_tells_nothing_is_known_by_its_text(first: str) -> None:
    own = "/b/2026/listrik-padam-duri"
    listed = sorted(("/ringkas/a", own), key=lambda path: path != first)
    routes: dict[str, Reply | Route] = {
        "/feed": feed(*(brief("Listrik Padam", path) for path in listed)),
        **dict.fromkeys(listed, article("Listrik Padam", STORY, canonical(own))),
    }
    with site(routes) as one:
        (document,), visits = heard(source(one))
        assert {document.key, *visits["uji"].aliases} == {document_key(identity(one.url + path)) for path in listed}


def test_one_text_at_addresses_without_end_is_known_at_twenty() -> None:
    own = "/b/2026/listrik-padam-duri"
    ways = [own, *(f"/ringkas/x{n}" for n in range(30))]
    routes: dict[str, Reply | Route] = {"/feed": feed(*(brief("Listrik Padam", way) for way in ways))}
    with site(routes | dict.fromkeys(ways, article("Listrik Padam", STORY, canonical(own)))) as one:
        (_,), visits = heard(source(one))
    assert (len(visits["uji"].aliases), len(visits["uji"].left_out)) == (20, 10)
    assert [told.code for told in visits["uji"].notes] == ["many-addresses"]


def test_where_an_address_leads_to_is_the_article_s_own() -> None:
    own = "/b/listrik-padam-duri"
    routes: dict[str, Reply | Route] = {
        "/feed": feed(brief("Listrik Padam", "/?p=12"), brief("Listrik Padam", own)),
        "/?p=12": (301, {"Location": own}, b""),
        own: article("Listrik Padam"),
    }
    with site(routes) as one:
        (document,), _ = heard(source(one))
        assert document.key == document_key(identity(one.url + own))


def test_two_sources_of_one_outlet_ask_once() -> None:
    listing = f"<html><body>{''.join(f'<a class=l href=/b/berita-{n}-hari-ini>x</a>' for n in range(4))}</body></html>".encode()
    routes: dict[str, Reply | Route] = {
        "/feed": feed(*(brief(f"Berita {n}", f"/b/berita-{n}-hari-ini") for n in range(3))),
        "/daftar": (200, {}, listing),
        **{f"/b/berita-{n}-hari-ini": article(f"Berita {n}", f"{n} {STORY}") for n in range(4)},
    }
    with site(routes) as one:
        both = (
            source(one),
            replace(source(one, "/daftar", name="daftar"), adapter="listing", options={"links": "a.l"}),
        )
        documents, visits = heard(*both)
        assert sorted(path for path in one.paths() if path.startswith("/b/")) == [
            f"/b/berita-{n}-hari-ini" for n in range(4)
        ]
    assert len({document.key for document in documents}) == len(documents) == 4
    assert sum(visit.documents for visit in visits.values()) == 4


def two_visits() -> tuple[Tally, Tally]:
    """Of one site in one crawl, before they ask for anything."""
    first, second = (Tally(Source(name, "feed", f"{HOME}/{name}"), adapter_named("feed"), NOW) for name in ("a", "b"))
    second.asked = first.asked
    return first, second


def pages(*numbers: int) -> list[Request]:
    addresses = [f"{HOME}/b/berita-{number}-hari-ini" for number in numbers]
    return [Request(address, Draft(identity(address), address, "Berita")) for address in addresses]


def test_what_a_visit_has_only_queued_another_one_asks_for() -> None:
    first, second = two_visits()
    first.add(pages(1, 2, 3))
    second.add(pages(3))
    assert [one.url for one in first.next()] == [one.url for one in pages(1, 2)]
    assert [one.url for one in second.next()] == [one.url for one in pages(3)]
    first.open = second.open = 0
    assert list(first.next()) == []
    assert first.visit().unfinished  # what it left to the other one was not had yet
    (page,) = pages(3)
    assert page.page_of is not None
    second.count(page.page_of, [document_key(page.page_of.identity)])
    assert not second.visit().unfinished


@pytest.mark.parametrize("had", [True, False])
def test_a_page_that_is_left_to_another_visit_is_wanted_until_it_was_had(had: bool) -> None:
    first, second = two_visits()
    first.add(pages(1))
    second.add(pages(1))
    (page,) = first.next()
    assert list(second.next()) == []
    assert page.page_of is not None
    if had:
        first.count(page.page_of, [document_key(page.page_of.identity)])
    second.found = 1
    assert second.visit().unfinished is not had


def test_short_links_lead_to_their_articles_and_one_page_for_many_is_none() -> None:
    ways = {
        77: ("Banjir besar rendam Kampar", "/banjir-kampar/"),
        78: ("Jalan lintas timur rusak", "/daerah/jalan-rusak"),
        79: ("Listrik padam di Dumai", "/listrik"),
        80: ("Sekolah roboh", "/info"),
        81: ("Harga pupuk naik", "/"),
    }
    routes: dict[str, Reply | Route] = {
        "/feed": feed(*(brief(title, f"/?p={number}") for number, (title, _) in ways.items())),
        **{f"/?p={number}": (302, {"Location": path}, b"") for number, (_, path) in ways.items()},
        **{path: article(title, f"{title}. {number} {STORY}") for number, (title, path) in ways.items()},
        "/info": article("Info layanan", OTHER),
    }
    with site(routes) as one:
        documents, visits = heard(source(one))
    assert {document.title for document in documents} == {ways[number][0] for number in (77, 78, 79)}
    assert [note.code for note in visits["uji"].notes] == ["led-away"] * 2


def test_one_page_that_tells_of_two_titles_is_the_article_of_one_at_most() -> None:
    titles = ["Listrik padam di Duri", "Listrik padam lagi"]
    routes: dict[str, Reply | Route] = {
        "/feed": feed(*(brief(title, f"/?p={number}") for number, title in enumerate(titles, 1))),
        **{f"/?p={number}": (302, {"Location": "/listrik"}, b"") for number in (1, 2)},
        "/listrik": article("Kabar listrik"),
    }
    with site(routes) as one:
        documents, visits = heard(source(one))
    assert len(documents) == 1
    assert [note.code for note in visits["uji"].notes] == ["led-away"]


SERIES = "Jadwal pemadaman listrik hari ini"
FRAME = "PLN mengumumkan jadwal pemadaman listrik untuk hari ini karena pemeliharaan jaringan, warga diminta bersiap. "
DAYS = {
    20: "Wilayah Tampan, Panam, Delima, Sidomulyo Barat, Tuah Karya, Simpang Baru, Garuda Sakti dan Kubang Raya.",
    21: "Rumbai, Umban Sari, Palas, Muara Fajar, Lembah Damai, Meranti Pandak serta Limbungan sampai sore pukul lima.",
    22: "Kulim, Tenayan, Sail, Rejosari, Bencah Lesung, Mentangor; gardu Pematang Kapau padam bergilir tiga jam.",
}


@pytest.mark.parametrize("named", ["hari-ini", "20-11-2026"])
def test_the_issues_of_a_daily_series_are_all_kept_whatever_page_their_template_names(named: str) -> None:
    path = "/listrik/jadwal-pemadaman-listrik-"
    routes: dict[str, Reply | Route] = {
        "/feed": feed(*(brief(SERIES, f"{path}{day}-11-2026") for day in DAYS)),
        **{
            f"{path}{day}-11-2026": article(SERIES, FRAME + told, canonical(path + named)) for day, told in DAYS.items()
        },
    }
    with site(routes) as one:
        documents, _ = heard(source(one))
    assert {told for told in DAYS.values() for document in documents if told in document.text} == set(DAYS.values())


def test_guids_that_change_or_are_missing_bring_nothing_twice() -> None:
    def listed(extra: str) -> Reply:
        return feed(
            brief("Listrik Padam", "/b/listrik-padam-duri", extra), brief("Listrik Padam", "/b/listrik-padam-duri")
        )

    routes: dict[str, Reply | Route] = {
        "/feed": listed("<guid>1</guid>"),
        "/b/listrik-padam-duri": article("Listrik Padam"),
    }
    with site(routes) as one:
        (document,), _ = heard(source(one))
        one.routes["/feed"] = listed("<guid isPermaLink='false'>baru-2</guid>")
        documents, _ = heard(source(one, known=frozenset({document.key})))
    assert documents == []


# ---- edits ---------------------------------------------------------------------------------------------------------


def state_of(adapter: str, body: str, url: str = HOME) -> list[str]:
    """The stamps an adapter gives the items of a list."""
    found = adapter_named(adapter).parse(Response(url, body.encode(), NOW), Source("x", adapter, url))
    drafts = [one if isinstance(one, Draft) else getattr(one, "page_of", None) for one in found]
    return [draft.stamp for draft in drafts if draft]


ATOM = (
    "<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title><entry><title>{title}</title><link href='https://a.example/x'/>"
    "<id>1</id><published>2026-11-24T01:00:00Z</published><updated>{at}</updated><summary>{text}</summary></entry></feed>"
)
RSS = "<rss version='2.0'><channel><title>t</title><item><title>{title}</title><link>https://a.example/x</link><pubDate>{at}</pubDate><description>{text}</description></item></channel></rss>"
SITEMAP = "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url><loc>https://a.example/x</loc><lastmod>{at}</lastmod></url></urlset>"
POST = '[{{"link": "https://a.example/x", "title": {{"rendered": "{title}"}}, "content": {{"rendered": "{text}"}}, "date_gmt": "2026-11-24T01:00:00", "modified_gmt": "{at}"}}]'
JSON = '{{"version": "https://jsonfeed.org/version/1.1", "items": [{{"id": "1", "url": "https://a.example/x", "title": "{title}", "content_text": "{text}", "date_modified": "{at}"}}]}}'
LISTS = {"feed": ATOM, "sitemap": SITEMAP, "wordpress": POST, "jsonfeed": JSON}


@pytest.mark.parametrize("adapter", LISTS)
def test_a_list_that_dates_its_items_tells_an_edit(adapter: str) -> None:
    def told(**more: str) -> list[str]:
        return state_of(
            adapter, LISTS[adapter].format(**({"title": "a", "text": "b", "at": "2026-11-24T02:00:00Z"} | more))
        )

    (first,) = told()
    assert first
    assert told() == [first]
    assert told(at="2026-11-24T03:00:00Z") != [first]
    if adapter != "sitemap":
        assert told(title="c") != [first]
        assert told(title=" a ") == [first]


def test_a_feed_without_dates_of_change_tells_an_edit_of_what_it_holds() -> None:
    short, long = {"title": "a", "text": "b", "at": ""}, {"title": "a", "text": STORY * 3, "at": ""}
    (first,), (whole,) = state_of("feed", RSS.format(**short)), state_of("feed", RSS.format(**long))
    assert state_of("feed", RSS.format(**short | {"title": "A"})) != [first]
    assert state_of("feed", RSS.format(**short | {"text": "c"})) == [first]  # a summary is not the article
    assert state_of("feed", RSS.format(**long | {"text": STORY * 3 + "Baru."})) != [whole]
    assert state_of("feed", RSS.format(**long | {"text": STORY.replace(" ", "  ") * 3})) == [whole]


def learnt(documents: list[Document], visit: Visit, one: Source) -> Source:
    """The source as it would be handed in next time."""
    keys = {key for document in documents for key in (document.key, *document.aliases)} | set(visit.aliases)
    stamps = {key: document.stamp for document in documents for key in (document.key, *document.aliases)} | dict(
        visit.stamps
    )
    return replace(one, known=one.known | keys, stamps=dict(one.stamps) | stamps)


def titled(documents: list[Document], title: str) -> Document:
    (document,) = (document for document in documents if document.title == title)
    return document


def updated(title: str, link: str, at: str, text: str = "ringkas") -> str:
    return item(
        title, link, text, f"<dc:date xmlns:dc='http://purl.org/dc/elements/1.1/'>2026-11-24T{at}:00Z</dc:date>"
    )


def test_only_what_was_edited_is_fetched_again() -> None:
    links = {n: f"/b/berita-{n}-hari-ini" for n in range(4)}
    routes: dict[str, Reply | Route] = {
        "/feed": feed(*(updated(f"Berita {n}", link, "01:00") for n, link in links.items())),
        **{link: article(f"Berita {n}", f"{n} {STORY}") for n, link in links.items()},
    }
    with site(routes) as one:
        documents, visits = heard(source(one))
        held = learnt(documents, visits["uji"], source(one))
        assert heard(held)[0] == []
        one.routes["/feed"] = feed(
            *(updated(f"Berita {n}", link, "02:00" if n == 1 else "01:00") for n, link in links.items())
        )
        one.routes[links[1]] = article("Berita 1", f"1 {STORY} Sudah diperbaiki siang tadi.")
        asked = len(one.asked)
        (edited,), visits = heard(held)
        assert [path for path in one.paths()[asked:] if path.startswith("/b/")] == [links[1]]
        assert (edited.key, edited.text[-12:]) == (titled(documents, "Berita 1").key, " siang tadi.")
        assert edited.stamp != titled(documents, "Berita 1").stamp
        assert heard(learnt([edited], visits["uji"], held))[0] == []


def test_a_list_that_dates_everything_anew_costs_nothing() -> None:
    links = {n: f"/b/berita-{n}-hari-ini" for n in range(12)}

    def listed(at: str) -> Reply:
        return feed(*(updated(f"Berita {n}", link, at) for n, link in links.items()))

    routes: dict[str, Reply | Route] = {
        "/feed": listed("01:00"),
        **{link: article(f"Berita {n}", f"{n} {STORY}") for n, link in links.items()},
    }
    with site(routes) as one:
        documents, visits = heard(source(one))
        held = learnt(documents, visits["uji"], source(one))
        one.routes["/feed"] = listed("02:00")
        asked = len(one.asked)
        again, visits = heard(held)
        assert (again, [path for path in one.paths()[asked:] if path.startswith("/b/")]) == ([], [])
        assert visits["uji"].stamps.keys() == {document.key for document in documents}


def test_edits_are_fetched_a_few_at_a_time_and_the_rest_later() -> None:
    links = {n: f"/b/berita-{n}-hari-ini" for n in range(40)}

    def listed(changed: int) -> Reply:
        return feed(*(updated(f"Berita {n}", link, "02:00" if n < changed else "01:00") for n, link in links.items()))

    routes: dict[str, Reply | Route] = {
        "/feed": listed(0),
        **{link: article(f"Berita {n}", f"{n} {STORY}") for n, link in links.items()},
    }
    with site(routes) as one:
        documents, visits = heard(source(one))
        held = learnt(documents, visits["uji"], source(one))
        one.routes["/feed"] = listed(15)
        first, visits = heard(held)
        second, _ = heard(learnt(first, visits["uji"], held))
    assert (len(first), len(second)) == (10, 5)
    assert len({document.key for document in (*first, *second)}) == 15


def test_an_edited_page_that_is_gone_is_not_asked_for_for_ever() -> None:
    links = {n: f"/b/berita-{n}-hari-ini" for n in range(4)}
    routes: dict[str, Reply | Route] = {
        "/feed": feed(*(updated(f"Berita {n}", link, "01:00") for n, link in links.items())),
        **{link: article(f"Berita {n}", f"{n} {STORY}") for n, link in links.items()},
    }
    with site(routes) as one:
        documents, visits = heard(source(one))
        held = learnt(documents, visits["uji"], source(one))
        one.routes["/feed"] = feed(
            *(updated(f"Berita {n}", link, "02:00" if n == 1 else "01:00") for n, link in links.items())
        )
        one.routes[links[1]] = (500, {}, b"")
        _, visits = heard(held)
        assert (visits["uji"].unfinished, visits["uji"].stamps) == (True, {})  # it may come back
        one.routes[links[1]] = (410, {}, b"")
        _, visits = heard(held)
        assert visits["uji"].stamps.keys() == {titled(documents, "Berita 1").key}
        asked = len(one.asked)
        heard(learnt([], visits["uji"], held))
        assert links[1] not in one.paths()[asked:]


def test_a_complete_item_that_changes_comes_again_without_a_request() -> None:
    with site({"/feed": feed(item("Berita", "/b/satu-dua-tiga", STORY * 4))}) as one:
        (document,), visits = heard(source(one))
        held = learnt([document], visits["uji"], source(one))
        assert heard(held)[0] == []
        one.routes["/feed"] = feed(item("Berita", "/b/satu-dua-tiga", STORY * 4 + "Diralat."))
        (edited,), _ = heard(held)
        assert edited.key == document.key
        assert set(one.paths()) == {"/robots.txt", "/feed"}


def test_what_a_list_shows_for_the_first_time_is_learnt_not_fetched() -> None:
    """Another source of the site has brought it: there is nothing to compare with yet."""
    routes: dict[str, Reply | Route] = {"/feed": feed(updated("Berita", "/b/satu-dua-tiga", "01:00"))}
    with site(routes) as one:
        key = document_key(identity(f"{one.url}/b/satu-dua-tiga"))
        documents, visits = heard(source(one, known=frozenset({key})))
        assert (documents, list(visits["uji"].stamps)) == ([], [key])


def test_stamps_have_no_length_and_no_white_space() -> None:
    assert len(stamp("x" * 100_000)) == 16
    assert stamp("a\n b") == stamp("a b") != stamp("a", "b")
    assert stamp("", " ") == ""
