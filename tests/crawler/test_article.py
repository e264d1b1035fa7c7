"""Pages to articles, markup to text."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crawler.adapters import Draft, Response
from crawler.demo.server import DemoPress
from crawler.reading.article import is_another, read_article, without_pointers
from crawler.text import from_html, one_line, plain

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BODY = " ".join(["Warga mengeluhkan jalan yang rusak parah sejak dua tahun lalu dan belum diperbaiki."] * 4)


def page(markup: str, options: dict[str, str] | None = None, draft: Draft | None = None, **headers: str) -> Draft:
    response = Response("https://a.example/x", markup.encode(), NOW, headers)
    return read_article(response, draft or Draft("a.example/x", "https://a.example/x"), options or {})


def test_the_sources_own_selectors_come_first() -> None:
    markup = f"<h1>Salah</h1><h2 class=j>Judul</h2><time>24/11/2026 07:18 WIB</time><div class=i><p>{BODY}</p><script>x()</script></div>"
    found = page(markup, {"title": "h2.j", "body": "div.i", "date": "time"})
    assert (found.title, found.text) == ("Judul", BODY)
    assert found.published_at == datetime(2026, 11, 24, 0, 18, tzinfo=UTC)


def test_json_ld_tells_what_selectors_do_not() -> None:
    data = '{"@graph": [{"@type": "WebPage"}, {"@type": "NewsArticle", "headline": "Judul", "datePublished": "2026-11-23T10:00:00+07:00", "author": [{"name": "Ani"}]}]}'
    found = page(
        f"<title>Judul | Koran</title><script type='application/ld+json'>{data}</script><div class=i><p>{BODY}</p></div>",
        {"body": "div.i"},
    )
    assert (found.title, found.author, found.published_at) == ("Judul", "Ani", datetime(2026, 11, 23, 3, tzinfo=UTC))


OWN = {"headline": "Banjir Rendam Pasar Dumai", "datePublished": "2026-11-23T10:00:00+07:00", "author": "Ani"}
OTHER = {"headline": "Terpopuler: Harga Cabai Naik", "datePublished": "2019-03-01", "author": "Budi"}


@pytest.mark.parametrize(
    ("nodes", "author"),
    [
        ([OTHER, OWN], "Ani"),
        ([OTHER | {"url": "/populer-1"}, OWN | {"headline": "", "url": "https://www.a.example/x?utm_source=y"}], "Ani"),
        ([OTHER, OWN | {"headline": "Lain", "mainEntityOfPage": {"@type": "WebPage", "@id": "/x#artikel"}}], "Ani"),
        ([OTHER | {"mainEntityOfPage": "/x"}, OWN | {"url": "/x"}], "Ani"),  # a block may give its own page for all
        ([OTHER], None),
        ([OTHER | {"url": 5, "@id": "#populer", "mainEntityOfPage": {"@id": None}}], None),
    ],
)
def test_only_the_json_ld_of_this_article_is_believed(nodes: list[dict[str, Any]], author: str | None) -> None:
    scripts = "".join(
        f"<script type='application/ld+json'>{json.dumps({'@type': 'NewsArticle'} | node)}</script>" for node in nodes
    )
    markup = f"<html><head>{scripts}</head><body><h1>Banjir Rendam Pasar Dumai</h1><p class=i>{BODY}</p></body></html>"
    dated = Draft("a.example/x", "https://a.example/x", published_at=datetime(2026, 11, 24, tzinfo=UTC))
    found = page(markup, {"title": "h1", "body": ".i"}, dated)
    assert (found.author, found.text) == (author, BODY)


def test_without_help_the_text_is_found_among_the_furniture() -> None:
    markup = f"<html><head><title>Judul | Koran</title></head><body><nav>Beranda Politik</nav><article><h1>Judul</h1><p>{BODY}</p></article><footer>Hak cipta</footer></body></html>"
    found = page(markup)
    assert BODY in found.text
    assert "Beranda" not in found.text


def test_what_the_feed_said_stands() -> None:
    draft = Draft("a", "https://a.example/x", "Judul feed", "", datetime(2026, 11, 20, tzinfo=UTC))
    found = page(f"<h1>Judul lain</h1><article><p>{BODY}</p></article>", draft=draft)
    assert (found.title, found.published_at) == ("Judul feed", datetime(2026, 11, 20, tzinfo=UTC))


@pytest.mark.parametrize("markup", ["", "<", "<html>", "\x00", "<p>" * 500])
def test_a_page_without_an_article_keeps_the_draft(markup: str) -> None:
    draft = Draft("a", "https://a.example/x", "Judul", "Ringkasan yang cukup panjang untuk dipertahankan.")
    assert page(markup, draft=draft).text == draft.text


def test_text_is_plain_whatever_comes() -> None:
    assert plain("a\x00b\x07\ud800c\r\nd  e\n\n\n\nf") == "abc\nd e\n\nf"
    assert one_line(" a\n b\t c ") == "a b c"
    assert from_html("<p>a<br>b</p><style>x{}</style><script>y</script><p>c &amp; d</p>") == "a\nb\n\nc & d"
    assert from_html("tanpa markup") == "tanpa markup"
    assert from_html("<!-- hilang --><b>ada</b> ekor") == "ada ekor"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Satu.\nBaca juga: Banjir di Dumai\nDua.", "Satu.\nDua."),
        ("Satu.\nBACA JUGA : Banjir, kata warga.\nDua.", "Satu.\nDua."),
        ("Satu.\n(Baca Juga: Banjir)\nDua.", "Satu.\nDua."),
        ("Satu.\nBaca juga:\n\nBanjir di Dumai\nDua.", "Satu.\n\nDua."),
        ("Satu.\nBaca juga:\nDua adalah kalimat.", "Satu.\nDua adalah kalimat."),
        ("Satu.\nSimak juga Banjir di Dumai", "Satu."),
        (
            "Baca juga papan pengumuman di kantor lurah, kata dia.",
            "Baca juga papan pengumuman di kantor lurah, kata dia.",
        ),
        ("Kata dia, baca juga: aturan itu.", "Kata dia, baca juga: aturan itu."),
    ],
)
def test_lines_that_only_point_to_other_articles_are_dropped(text: str, left: str) -> None:
    assert without_pointers(text) == left


# ---- another page at the article's address --------------------------------------------------------------------------

REPAIR = (
    "Mohon maaf, situs sedang dalam perbaikan untuk sementara waktu. Silakan kembali lagi beberapa saat lagi. "
    "Terima kasih atas kesabaran para pembaca sekalian."
)
SIGN_IN = (
    "Please sign in or subscribe to continue reading. Enjoy unlimited access to all of our premium content. "
    "Already have an account? Sign in here."
)
POWER_CUT = "Listrik di Duri mati sejak subuh. Pedagang es merugi, dan belum ada kabar dari petugas kapan menyala lagi."


def response(markup: str) -> Response:
    return Response("https://a.example/x", markup.encode(), NOW)


@pytest.mark.parametrize("wall", [REPAIR, SIGN_IN])
@pytest.mark.parametrize(
    "title",
    ["Listrik Padam di Duri, Pedagang Merugi", "Antrean BBM Mengular di Dumai", "Jembatan Gantung Rokan Hulu Putus"],
)
def test_a_page_without_a_word_of_the_title_is_another_one(title: str, wall: str) -> None:
    page = response(f"<html><head><title>Koran Riau</title></head><body><p>{wall}</p></body></html>")
    assert is_another(title, Draft("", page.url, title, wall), page)


@pytest.mark.parametrize(
    ("title", "heading"),
    [
        ("Listrik Padam, Pedagang Es Merugi", ""),
        ("Pemadaman: Kerugian Penjual di Duri", ""),  # rewritten: one word of it
        ("Perusahaan Setrum Bikin Rakyat Mengeluh", "Perusahaan setrum bikin rakyat mengeluh"),
        ("Gelap Gulita", ""),  # too short to tell
        ("Sedang Dalam Untuk Beberapa", ""),  # nothing but what any page says
        ("", ""),
    ],
)
def test_a_title_that_was_rewritten_or_says_little_costs_no_article(title: str, heading: str) -> None:
    page = response(f"<html><body><h1>{heading}</h1><p>{POWER_CUT}</p></body></html>")
    assert not is_another(title, Draft("", page.url, title, POWER_CUT), page)


def test_no_page_of_the_demo_press_is_taken_for_another_one() -> None:
    with DemoPress(port=0) as demo:
        paths = {"tepian": "/tepian/", "selais": "/selais/berita/", "gelombang": "/gelombang/", "kuala": "/kuala/baca/"}
        for one in demo.articles:
            page = response(demo.answer(paths[one.outlet] + one.slug, {}).body)
            text = "\n".join(one.paragraphs)
            assert not is_another(one.title, Draft("", page.url, one.title, text), page), one.title
