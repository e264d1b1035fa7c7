"""Feeds that are read straight give what feedparser gives, and feedparser gets all that are unusual."""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.adapters import Draft, Found, NotUnderstood, Request, Response, feed
from crawler.notes import Note
from crawler.reading.plainfeed import Unusual, plain_entries
from crawler.reading.xmllist import breaks_off, markup_of, pieces_of
from crawler.source import Source

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOURCE = Source("uji", "feed", "https://koran.example/umpan/rss")
STORED = sorted((Path(__file__).parent / "responses/feed").glob("*.xml"))
PARAGRAPH = "Warga mengeluhkan air yang mati sejak subuh dan belum ada kabar dari petugas sampai petang. "
DECLARATION = "<?xml version='1.0' encoding='UTF-8'?>"
SPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"'
)


def found(body: bytes) -> list[Found] | str:
    """What the adapter finds, or the code of why it does not."""
    try:
        return list(feed.parse(Response(SOURCE.url, body, NOW), SOURCE))
    except NotUnderstood as error:
        return error.note.code


def judged(body: bytes) -> list[Found] | str:
    """What it finds by feedparser alone."""

    def never(body: bytes, now: datetime, most: int) -> None:
        raise Unusual

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed, "plain_entries", never)
        return found(body)


def is_plain(body: bytes) -> bool:
    try:
        plain_entries(body, NOW, feed.MOST_ITEMS)
    except Unusual:
        return False
    return True


def rss(*items: str, channel: str = "<title>Koran</title><link>https://koran.example/</link>") -> bytes:
    return f'{DECLARATION}<rss version="2.0" {SPACES}><channel>{channel}{"".join(items)}</channel></rss>'.encode()


def rdf(*items: str) -> bytes:
    names = 'xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    about = "https://koran.example/"
    channel = f"<channel rdf:about='{about}'><title>Koran</title><items><rdf:Seq><rdf:li resource='{about}'/></rdf:Seq></items></channel>"
    return f"{DECLARATION}<rdf:RDF {names} {SPACES}>{channel}{''.join(items)}</rdf:RDF>".encode()


def atom(*entries: str) -> bytes:
    title = "<title>Koran</title><id>tag:koran.example,2026:1</id><author><name>Redaksi</name></author>"
    return f'{DECLARATION}<feed xmlns="http://www.w3.org/2005/Atom" {SPACES}>{title}{"".join(entries)}</feed>'.encode()


words = st.text(st.sampled_from("aeknr éñ—“”…&<>;'\n"), max_size=30)
markup = st.one_of(
    words,
    words.map(escape),
    st.lists(words.map(lambda text: f"<p>{escape(text)}</p>"), max_size=3).map("".join),
    words.map(lambda text: f"<a href='/x?a=1&amp;b=2'>{escape(text)}</a><br/>&nbsp;&ldquo;<script>x</script>"),
    st.just(f"<p>{PARAGRAPH * 8}</p><ul><li>satu<li>dua</ul>"),
)
addresses = st.one_of(
    st.from_regex(
        r"https?://(www\.)?[a-z]{1,5}\.example/[a-z0-9/-]{0,12}(\?[a-z]=[0-9](&[a-z]=[0-9])?)?", fullmatch=True
    ),
    st.from_regex(r"/?[a-z]{1,6}/[a-z0-9.-]{1,9}(#[a-z]{1,4})?", fullmatch=True),
)
dates = st.sampled_from(
    [
        "Tue, 24 Nov 2026 07:18:00 +0700",
        "Mon, 23 Nov 2026 10:00:00 GMT",
        "Selasa, 24 November 2026 07:18 WIB",
        "Senin, 23 Agt 2026 | 19:05 WITA",
        "2026-11-23T03:00:00Z",
        "2026-11-23T10:00:00+07:00",
        "2026-11-23 10:00:00",
        "23/11/2026 10:00 WIB",
        "3 jam yang lalu",
        "Fri, 01 Jan 2100 00:00:00 GMT",
    ]
)


def cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]')}]]>"


def told(name: str, value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """An element with a text, escaped or as CDATA, with space around it or a comment in it."""
    return st.builds(
        lambda text, write, space: f"<{name}>{space}{write(text)}{space}</{name}>",
        value,
        st.sampled_from(
            [escape, cdata, lambda text: f"{escape(text)}<!-- x -->", lambda text: cdata(text[:3]) + escape(text[3:])]
        ),
        st.sampled_from(["", " ", "\n\t"]),
    )


def some(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.tuples(*(st.one_of(st.just(""), part) for part in parts)).map(list)


def beside() -> st.SearchStrategy[list[str]]:
    return st.lists(
        st.sampled_from(
            [
                "<guid isPermaLink='false'>koran-1</guid>",
                "<guid>https://koran.example/?p=1</guid>",
                "<category domain='https://koran.example'>Kota</category>",
                "<enclosure url='https://koran.example/a.jpg' length='1' type='image/jpeg'/>",
                "<comments>https://koran.example/a#komentar</comments><slash:comments>3</slash:comments>",
                "<media:content url='https://koran.example/a.jpg'><media:title type='html'>Foto</media:title></media:content>",
                "<media:thumbnail url='https://koran.example/a.jpg'/>",
            ]
        ),
        max_size=3,
    )


def item() -> st.SearchStrategy[str]:
    """An RSS 2.0 item as the format has it: what it must have, and some of what it may have, in any order."""
    author = st.one_of(told("author", words), told("dc:creator", words))
    texts = (told("description", markup), told("content:encoded", markup))
    return in_any_order("item", some(told("pubDate", dates), told("dc:date", dates), author, *texts), beside())


def old_item() -> st.SearchStrategy[str]:
    """An RSS 1.0 item."""
    parts = (
        told("dc:date", dates),
        told("dc:creator", words),
        told("description", markup),
        told("content:encoded", markup),
    )
    return in_any_order("item", some(*parts))


def in_any_order(name: str, *parts: st.SearchStrategy[list[str]]) -> st.SearchStrategy[str]:
    need = st.tuples(told("title", markup), told("link", addresses)).map(list)
    return st.builds(lambda *lists: [*chain(*lists)], need, *parts).flatmap(st.permutations).map(wrapped(name))


def entry() -> st.SearchStrategy[str]:
    """An Atom entry as the format has it."""
    kind = st.sampled_from(["", " type='text'", " type='html'"])

    def typed(name: str) -> st.SearchStrategy[str]:
        return st.builds(lambda text, kind: f"<{name}{kind}>{escape(text)}</{name}>", markup, kind)

    person = st.builds(
        lambda name, more: f"<author>\n<name>{escape(name)}</name>{more}</author>",
        words,
        st.sampled_from(["", "<uri>https://koran.example/ani</uri>", "<uri>/a</uri><email>ani@koran.example</email>"]),
    )
    link = st.builds(
        lambda address, kind: f'<link href="{escape(address)}"{kind}/>',
        addresses,
        st.sampled_from(["", " rel='alternate'", " type='text/html'", " rel='alternate' type='text/html'"]),
    )
    others = st.lists(
        st.sampled_from(["<link rel='self' href='/s'/>", "<category term='kota'/>", "<id>tag:1</id>"]), max_size=2
    )
    need = st.tuples(typed("title"), link).map(list)
    parts = some(told("updated", dates), told("published", dates), person, typed("summary"), typed("content"))
    return (
        st.builds(lambda *lists: [*chain(*lists)], need, parts, others).flatmap(st.permutations).map(wrapped("entry"))
    )


def wrapped(name: str) -> Callable[[list[str]], str]:
    return lambda parts: f"<{name}>\n{' '.join(parts)}</{name}>"


usual = st.one_of(
    st.lists(item(), max_size=3).map(lambda items: rss(*items)),
    st.lists(old_item(), max_size=3).map(lambda items: rdf(*items)),
    st.lists(entry(), max_size=3).map(lambda entries: atom(*entries)),
)

ODD = (
    "<title>kedua</title>",
    "<title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>a <b>b</b></div></title>",
    "<title type='application/xml'>a</title>",
    "<title/>",
    "<title>KotaÂ\xa0Duri, â\x80\x9cmati\x94</title>",
    "<title>Kota &#150; &#x94; Duri</title>",
    "<title>a <b>tebal</b> b</title>",
    "<media:title>judul foto</media:title>",
    "<media:description>keterangan</media:description>",
    "<media:group><media:title>judul</media:title><media:description>foto</media:description></media:group>",
    "<dc:title>judul dc</dc:title>",
    "<link>https://koran.example/lain</link>",
    "<link/>",
    "<link>https:////koran.example/x?a=1&amp;amp;b;=2</link>",
    "<link rel='alternate' type='application/json' href='/json'/>",
    "<link rel='alternate' type='text/html' href='/kedua'/>",
    "<link rel='alternate' href=''/>",
    "<link href='/a' url='/b'/>",
    "<link xmlns='http://www.w3.org/2005/Atom' href='/atom'/>",
    "<guid isPermaLink='true'>https://koran.example/guid</guid>",
    "<pubDate>kemarin</pubDate>",
    "<pubDate>Mon, 23 Nov 26 10:00 EST</pubDate>",
    "<pubDate></pubDate>",
    "<dc:date>20261123</dc:date>",
    "<updated>2026-11-20</updated>",
    "<published>2026-W12</published>",
    "<modified>2026-11-20</modified>",
    "<author>redaksi@koran.example (Ani)</author>",
    "<author><name>Ani</name><name>Budi</name></author>",
    "<author><name>Ani</name><email>ani@koran.example</email></author>",
    "<dc:creator>Budi</dc:creator>",
    "<dc:creator xml:lang='id'>Budi</dc:creator>",
    "<contributor><name>Cici</name></contributor>",
    "<source url='https://lain.example/rss'>Lain</source>",
    "<source><title>Lain</title><link href='https://lain.example/'/></source>",
    "<image><url>/a.jpg</url><title>foto</title><link>/foto</link><description>d</description></image>",
    "<description>kedua</description>",
    "<summary>ringkas</summary>",
    "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>isi</p></div></content>",
    "<content src='https://koran.example/isi'/>",
    "<content type='text/plain'>isi &lt;b&gt;</content>",
    "<content:encoded><p>tanpa lepas</p></content:encoded>",
    "<itunes:summary xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'>siar</itunes:summary>",
    "<x:title xmlns:x='https://x.example/ns'>lain</x:title>",
    "<title xmlns='https://x.example/ns'>lain</title>",
    "<item><title>dalam</title><link>/dalam</link></item>",
    "<category><title>dalam</title></category>",
    "<category xml:base='https://pindah.example/'>a</category>",
    "<guid base='https://pindah.example/'>a</guid>",
    "&nbsp;",
    "<![CDATA[teks]]>",
    "<?php x ?>",
)


@st.composite
def odd(draw: st.DrawFn) -> bytes:
    """A feed into which one thing that is not usual was put, wherever an element starts."""
    body = draw(usual).decode()
    starts = [at for at, letter in enumerate(body) if letter == "<" and at > len(DECLARATION)]
    at = draw(st.sampled_from(starts))
    return (body[:at] + draw(st.sampled_from(ODD)) + body[at:]).encode()


ITEM = "<title>Jalan rusak</title><link>https://koran.example/jalan</link>"
ENTRY = "<title>Jalan rusak</title><link href='https://koran.example/jalan'/>"


@settings(max_examples=150, deadline=None)
@given(usual)
def test_a_usual_feed_is_read_straight_and_gives_what_feedparser_gives(body: bytes) -> None:
    assert is_plain(body)
    assert found(body) == judged(body)


@settings(max_examples=300, deadline=None)
@given(odd())
def test_one_odd_thing_anywhere_changes_nothing(body: bytes) -> None:
    if is_plain(body):
        assert found(body) == judged(body)


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.name)
def test_stored_feeds_give_the_same_both_ways(path: Path) -> None:
    body = path.read_bytes()
    assert found(body) == judged(body)
    assert is_plain(body) == (path.name in ("atom.xml", "rss.xml", "rss10.xml"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<rss/>",
        b"<html><body>bukan umpan</body></html>",
        rss(f"<item>{ITEM}</item>").replace(b"UTF-8", b"ISO-8859-1"),
        rss(f"<item>{ITEM}</item>").decode().encode("utf-16"),
        b" " + rss(f"<item>{ITEM}</item>"),
        rss(f"<item>{ITEM}</item>")[:-6],
        rss(f"<item>{ITEM}</item>").replace(b"rusak", b"rusak\xff"),
        rss(f"<item>{ITEM}</item>").replace(b"<channel>", b"<channel xml:base='https://pindah.example/'>"),
        rss(f"<item>{ITEM}</item>").replace(b"?><rss", b"?><!DOCTYPE rss [<!ENTITY a 'b'>]><rss"),
        rss("<item><title>Jalan rusak</title><guid>https://koran.example/jalan</guid></item>"),
        rss(f"<item>{ITEM}<description>a <b>b</b></description></item>"),
        rss(f"<item>{ITEM}<content:encoded>a</content:encoded><content:encoded>b</content:encoded></item>"),
        rss(f"<item>{ITEM}<media:description>foto</media:description></item>"),
        rss(f"<item>{ITEM}<pubDate>kemarin</pubDate></item>"),
        rss(f"<item>{ITEM}<dc:creator>Ani</dc:creator><dc:creator>Budi</dc:creator></item>"),
        rss("<item><title>KotaÂ\u00a0Duri</title><link>/a</link></item>"),
        rss("<item><title>a &#150; b</title><link>/a</link></item>"),
        rss(f"<item lastmod='2026-11-20'>{ITEM}</item>"),
        rss(channel="<category><item><title>a</title><link>/a</link></item></category>"),
        atom("<entry><title type='xhtml'><div>a</div></title><link href='/a'/></entry>"),
        atom(f"<entry>{ENTRY}<link href='/kedua'/></entry>"),
        atom(f"<entry>{ENTRY}<content src='/isi'/></entry>"),
        atom(f"<entry>{ENTRY}<author><name>Ani</name><name>Budi</name></author></entry>"),
        atom("<entry><title>a</title><id>https://koran.example/a</id></entry>"),
    ],
)
def test_what_is_unusual_is_for_feedparser(body: bytes) -> None:
    assert not is_plain(body)


def test_an_entity_is_never_followed() -> None:
    entity = b"?><!DOCTYPE rss [<!ENTITY a SYSTEM 'file:///etc/hostname'>]><rss"
    body = rss(f"<item>{ITEM}<description>x&a;y</description></item>").replace(b"?><rss", entity)
    (one,) = found(body)
    assert isinstance(one, Request)
    assert one.page_of is not None
    assert one.page_of.text in ("xy", "x&a;y")


def test_of_a_very_long_feed_only_the_first_items_are_looked_at() -> None:
    items = [f"<item><title>{number}</title><link>/{number}</link></item>" for number in range(feed.MOST_ITEMS)]
    body = rss(*items, "<item><title type='xhtml'>a<b>b</b></title></item>")
    assert is_plain(body)
    assert len(found(body)) == feed.MOST_ITEMS


def test_of_several_texts_the_longest_is_taken_whichever_has_more_markup() -> None:
    short, long = f"<p class='{'x' * 900}'>pendek</p>", f"<p>{PARAGRAPH}</p>"
    for one, other in ((short, long), (long, short)):
        description, content = (
            f"<description>{escape(one)}</description>",
            f"<content:encoded>{escape(other)}</content:encoded>",
        )
        (request,) = found(rss(f"<item>{ITEM}{description}{content}</item>"))
        assert isinstance(request, Request)
        assert request.page_of is not None
        assert request.page_of.text == PARAGRAPH.strip()


def test_a_plain_feed_does_not_load_feedparser() -> None:
    code = (
        "import sys; from datetime import *; from crawler.adapters import Response, feed; from crawler.source import Source\n"
        "body, url = sys.stdin.buffer.read(), 'https://a.example/'\n"
        "assert len(list(feed.parse(Response(url, body, datetime.now(UTC)), Source('a', 'feed', url)))) == 1\n"
        "assert 'feedparser' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], input=rss(f"<item>{ITEM}</item>"), check=True, timeout=60)


BROKEN = "<item><title>a & b</title><link>/rusak</link></item>"  # feedparser and lxml both stumble over it
MALFORMED = rss(f"<item>{ITEM}</item>", BROKEN)
MORE = "<item><title>Air mati</title><link>/air</link></item>"


def read(body: bytes) -> tuple[list[str], list[str]]:
    """The addresses of a feed, and the codes of its notes."""
    all_of_it = found(body)
    assert not isinstance(all_of_it, str)
    drafts = (one.page_of if isinstance(one, Request) else one for one in all_of_it)
    addresses = [draft.url.removeprefix("https://koran.example/") for draft in drafts if isinstance(draft, Draft)]
    return addresses, [one.code for one in all_of_it if isinstance(one, Note)]


@pytest.mark.parametrize(
    "rubbish",
    [
        "",
        " " * 5000,
        f"<!-- {'disimpan oleh cache ' * 400} -->",
        f"<script>{'iklan(); ' * 400}</script>",
        f"<!-- {'x' * 5000}",
        f"<div>{'<p>kaki' * 400}</div></body></html>",
    ],
)
def test_what_stands_behind_a_whole_feed_does_not_make_it_one_that_broke_off(rubbish: str) -> None:
    addresses, codes = read(MALFORMED + rubbish.encode())
    assert (addresses[0], codes) == ("jalan", ["feed-malformed"])


@pytest.mark.parametrize(
    "body",
    [
        MALFORMED[: -len("</rss>") + 2],
        MALFORMED[: -len("</channel></rss>")] + b"<item><title>Air mati</title><link>/ai",
        MALFORMED + MORE.encode()[:-9],
        rss(f"<item>{ITEM}<description><![CDATA[akhir </rss>]]></description></item>", MORE)[:-40],
        rss(f"<item>{ITEM}</item>", "<item><title>Kode</title><link>/kode</link><description><![CDATA[</rss>")[:-16]
        + b" d",
    ],
)
def test_a_feed_that_broke_off_is_told_from_one_that_did_not(body: bytes) -> None:
    addresses, codes = read(body)
    assert (addresses[0], codes) == ("jalan", ["feed-cut-short"])
    assert not {"ai", "kode", "air"}.intersection(addresses)


@pytest.mark.parametrize("hide", ["<![CDATA[<p>{}</p>]]>", "<!-- {} -->", "<![CDATA[<!-- {} ]]>"])
def test_an_item_that_stands_in_a_text_is_none(hide: str) -> None:
    phantom = hide.format("<item><title>Semu</title><link>/semu</link></item>")
    body = rss(BROKEN, f"<item>{ITEM}<description>{phantom}</description></item>", MORE)
    addresses, codes = read(body)
    assert (addresses[-2:], codes) == (["jalan", "air"], ["feed-malformed"])
    assert "semu" not in addresses


def test_a_section_that_is_never_closed_costs_only_its_item() -> None:
    open_ = "<item><title>Terbuka</title><link>/terbuka</link><description><![CDATA[x</description></item>"
    closed = "<item><title>Air mati</title><link>/air</link><description><![CDATA[y]]></description></item>"
    addresses, codes = read(rss(f"<item>{ITEM}</item>", BROKEN, open_, closed))
    assert {"jalan", "air"} <= set(addresses)
    assert codes[0] == "feed-malformed"


@pytest.mark.parametrize(
    "letters", ["<!--", "<![CDATA[", "<![CDATA[<!--", "<!-- -", "]]", "<", "</rss", "<item><![CDATA["]
)
def test_nothing_is_looked_through_again_and_again(letters: str) -> None:
    markup = markup_of((letters * (1_000_000 // len(letters))).encode())
    began = time.process_time()
    breaks_off(markup, b"rss", ("item", "entry"))
    sum(1 for _ in pieces_of(markup, markup, ("item", "entry"), 500))
    assert time.process_time() - began < 2


def test_a_blank_in_an_address_is_encoded_as_browsers_do() -> None:
    item = "<item><title>Jalan</title><link>https://koran.example/jalan rusak.html?a=1 2\u200b#b c</link></item>"
    assert read(rss(item)) == (["jalan%20rusak.html?a=1%202%E2%80%8B#b%20c"], [])
    assert found(rss(item)) == judged(rss(item))
