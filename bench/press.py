"""A press for measuring: articles whose text is known, in pages of several makes, on any number of loopback addresses.

The texts are those of the corpus, which were written for this project. Linux answers on all of 127.0.0.0/8.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path
from threading import Thread
from types import TracebackType

ROOT = Path(__file__).parents[1]
NEWEST = datetime(2026, 11, 24, 3, tzinfo=UTC)
FEED_LENGTH = 20
SCRIPT = "window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}" * 20
STYLE = ".menu a{color:#333;text-decoration:none;padding:4px 8px}.kartu{display:flex;gap:12px}" * 60


@dataclass(frozen=True, slots=True)
class Article:
    """One article and its text."""

    number: int
    title: str
    paragraphs: tuple[str, ...]
    at: datetime

    @property
    def path(self) -> str:
        return f"/berita/{self.number}/{'-'.join(re.findall('[a-z]+', self.title.lower())[:6])}"

    @property
    def text(self) -> str:
        return "\n".join(self.paragraphs)


def articles(count: int) -> list[Article]:
    """The longest news texts of the corpus, the newest last; with a number in the title so that none is another's copy."""
    rows = (json.loads(line) for path in sorted((ROOT / "nlp/corpus").glob("*.jsonl")) for line in path.open())
    texts = sorted({row["text"]: row["title"] for row in rows if row["kind"] == "news" and row["title"]}.items())
    texts = sorted(texts, key=lambda one: -len(one[0]))[:120]
    return [
        Article(
            number,
            f"{texts[number % len(texts)][1]} ({number + 1})",
            tuple(part for part in texts[number % len(texts)][0].split("\n") if part.strip()),
            NEWEST - timedelta(minutes=7 * (count - number)),
        )
        for number in range(count)
    ]


def rss(shown: list[Article], *, full: bool = False) -> str:
    """A feed as WordPress writes it, newest first; `{base}` stands for the address of the site."""
    items = "".join(
        f"<item>\n<title>{escape(article.title)}</title>\n<link>{{base}}{article.path}</link>\n"
        f"<dc:creator><![CDATA[Redaksi]]></dc:creator>\n<pubDate>{format_datetime(article.at)}</pubDate>\n"
        "<category><![CDATA[Daerah]]></category>\n"
        f'<guid isPermaLink="false">{{base}}/?p={article.number}</guid>\n'
        f"<description><![CDATA[<p>{escape(article.paragraphs[0][:200])} [&#8230;]</p>]]></description>\n"
        + (f"<content:encoded><![CDATA[{_paragraphs(article)}]]></content:encoded>\n" if full else "")
        + "<slash:comments>0</slash:comments>\n</item>\n"
        for article in reversed(shown)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom" '
        'xmlns:slash="http://purl.org/rss/1.0/modules/slash/">\n<channel><title>Koran Ukur</title>'
        '<atom:link href="{base}/rss" rel="self" type="application/rss+xml"/><link>{base}</link><description>Uji</description>'
        f"<language>id</language><generator>https://wordpress.org/?v=6.9</generator>\n{items}</channel></rss>"
    )


def atom(shown: list[Article]) -> str:
    """A feed as Blogger writes it."""
    entries = "".join(
        f"<entry><id>tag:koran.example,2026:{article.number}</id><published>{article.at.isoformat()}</published>"
        f"<updated>{(article.at + timedelta(hours=1)).isoformat()}</updated><category term='Daerah'/>"
        f"<title type='text'>{escape(article.title)}</title><content type='html'>{escape(_paragraphs(article))}</content>"
        f"<link rel='self' type='application/atom+xml' href='{{base}}/atom/{article.number}'/>"
        f"<link rel='alternate' type='text/html' href='{{base}}{article.path}'/><author><name>Redaksi</name></author></entry>\n"
        for article in reversed(shown)
    )
    return (
        f"<?xml version='1.0' encoding='UTF-8'?><feed xmlns='http://www.w3.org/2005/Atom'><id>tag:koran.example,2026</id>"
        f"<title>Koran Ukur</title><updated>{NEWEST.isoformat()}</updated>\n{entries}</feed>"
    )


def _paragraphs(article: Article) -> str:
    return "\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in article.paragraphs)


def _with_pointers(article: Article, others: list[Article], write: Callable[[str], str]) -> str:
    """The paragraphs with what portals put between them: links to other articles, advertisements."""
    parts = [f"<p>{escape(paragraph)}</p>" for paragraph in article.paragraphs]
    parts.insert(2, write(others[0].title))
    parts.insert(-1, "<div class='iklan'>ADVERTISEMENT</div><div class='iklan'>SCROLL TO CONTINUE WITH CONTENT</div>")
    return "\n".join(parts)


def _links(others: list[Article], name: str) -> str:
    rows = "".join(
        f"<li class='kartu'><a href='{one.path}'><img src='/gambar/{one.number}.jpg' alt='{escape(one.title)}' width='120'>"
        f"<h3 class='judul-kartu'>{escape(one.title)}</h3></a><span class='waktu'>{one.at:%d/%m/%Y %H:%M} WIB</span></li>"
        for one in others
    )
    return f"<section class='{name}'><h2>{name.title()}</h2><ul>{rows}</ul></section>"


def _menu() -> str:
    names = ("Beranda", "Daerah", "Nasional", "Ekonomi", "Olahraga", "Hiburan", "Opini", "Indeks", "Video", "Foto")
    items = "".join(f"<li><a href='/{name.lower()}/{n}'>{name} {n}</a></li>" for n in range(1, 7) for name in names)
    return f"<nav class='menu'><ul>{items}</ul></nav>"


def _page(article: Article, others: list[Article], body: str, head: str = "") -> str:
    """A page with the furniture that surrounds an article: some 30 kB, most of it not the article."""
    return (
        f"<!doctype html>\n<html lang='id'><head><meta charset='utf-8'><title>{escape(article.title)} - Koran Ukur</title>"
        f"<meta property='og:title' content='{escape(article.title)}'><meta property='og:type' content='article'>"
        f"<meta property='article:published_time' content='{article.at.isoformat()}'>{head}"
        f"<style>{STYLE}</style><script>{SCRIPT}</script></head><body><header><a href='/'>Koran Ukur</a>{_menu()}</header>"
        f"<div class='kolom-utama'>{body}</div>"
        f"<aside>{_links(others[1:16], 'terpopuler')}{_links(others[16:31], 'terbaru')}</aside>"
        f"<footer>{_menu()}<p>Hak cipta Koran Ukur. Seluruh isi adalah rekaan. Pedoman media siber. Redaksi.</p></footer>"
        f"<script>{SCRIPT}</script></body></html>"
    )


def _theme(article: Article, others: list[Article]) -> str:
    """A WordPress theme of small outlets."""
    body = _with_pointers(
        article, others, lambda title: f"<p><strong>Baca Juga: <a href='/x'>{escape(title)}</a></strong></p>"
    )
    share = "<div class='bagikan'><a href='#'>Facebook</a> <a href='#'>WhatsApp</a> <a href='#'>Salin tautan</a></div>"
    return _page(
        article,
        others,
        f"<article class='post type-post'><h1 class='entry-title'>{escape(article.title)}</h1><div class='entry-meta'>"
        f"Redaksi - {article.at:%d/%m/%Y}</div>{share}<div class='entry-content'>{body}</div><div class='tags'>"
        f"<a href='/t/1'>pelayanan</a> <a href='/t/2'>daerah</a></div></article>{_links(others[31:37], 'terkait')}"
        "<div id='comments'><h3>Komentar</h3><form><textarea></textarea><button>Kirim</button></form></div>",
    )


def _portal(article: Article, others: list[Article]) -> str:
    """A big portal: nothing but div, JSON-LD without the text."""
    data = {"@context": "https://schema.org", "@type": "NewsArticle", "headline": article.title}
    data |= {"datePublished": article.at.isoformat(), "author": {"@type": "Person", "name": "Redaksi"}}  # type: ignore[dict-item]
    body = _with_pointers(
        article,
        others,
        lambda title: f"<table class='linksisip'><tr><td>Baca juga:<h2>{escape(title)}</h2></td></tr></table>",
    )
    photo = "<figure><img src='/g.jpg'><figcaption>Foto: ilustrasi. (Koran Ukur)</figcaption></figure>"
    return _page(
        article,
        others,
        f"<div class='detail'><h1 class='detail__title'>{escape(article.title)}</h1><div class='detail__date'>"
        f"{article.at:%d %b %Y %H:%M} WIB</div>{photo}<div class='detail__body-text'>{body}</div></div>",
        f"<script type='application/ld+json'>{json.dumps(data)}</script>",
    )


def _told(article: Article, others: list[Article]) -> str:
    """JSON-LD with the whole text."""
    data = {"@context": "https://schema.org", "@type": "NewsArticle", "headline": article.title}
    data |= {"datePublished": article.at.isoformat(), "articleBody": article.text}
    return _page(
        article,
        others,
        f"<main><h1>{escape(article.title)}</h1><article>{_paragraphs(article)}</article></main>",
        f"<script type='application/ld+json'>{json.dumps(data)}</script>",
    )


def _blog(article: Article, others: list[Article]) -> str:
    """A blog whose paragraphs are only broken lines."""
    body = "<br/><br/>".join(map(escape, article.paragraphs))
    return _page(
        article,
        others,
        f"<div class='post hentry'><h3 class='post-title entry-title'>{escape(article.title)}</h3>"
        f"<div class='post-body entry-content'>{body}<div style='clear: both;'></div></div>"
        f"<div class='post-footer'>Diposkan oleh Redaksi di {article.at:%H.%M}</div></div>",
    )


def _table(article: Article, others: list[Article]) -> str:
    """The site of an office: tables."""
    title = escape(article.title)
    text = f"<tr><td><font size='4'><b>{title}</b></font></td></tr><tr><td>{article.at:%d-%m-%Y}</td></tr>"
    return (
        f"<html><head><title>{title}</title></head><body><table width='100%'><tr><td colspan='2'>{_menu()}</td></tr>"
        f"<tr><td width='70%'><table>{text}<tr><td>{_paragraphs(article)}</td></tr></table></td>"
        f"<td>{_links(others[:12], 'lainnya')}</td></tr></table></body></html>"
    )


def _mixed(article: Article, others: list[Article]) -> str:
    """A text with quotations and lists, and readers' comments below it."""
    marks = ("<p>{}</p>", "<blockquote>{}</blockquote>", "<ul><li>{}</li></ul>", "<p>{}</p>")
    body = "\n".join(marks[n % 4].format(escape(paragraph)) for n, paragraph in enumerate(article.paragraphs))
    comments = "".join(f"<li class='comment'><p>Setuju, semoga cepat ditangani {n}.</p></li>" for n in range(6))
    return _page(
        article,
        others,
        f"<article><h1>{escape(article.title)}</h1><time datetime='{article.at.isoformat()}'></time>"
        f"<div class='konten-artikel'>{body}</div></article><section id='comments'><ol>{comments}</ol></section>",
    )


def _small(article: Article, others: list[Article]) -> str:
    """Hardly more than the article."""
    return (
        f"<!doctype html><html><head><meta charset='utf-8'><title>{escape(article.title)}</title></head><body>"
        f"<article><h1>{escape(article.title)}</h1>{_paragraphs(article)}</article></body></html>"
    )


MAKES = {
    "theme": _theme,
    "portal": _portal,
    "told": _told,
    "blog": _blog,
    "table": _table,
    "mixed": _mixed,
    "small": _small,
}
PRESS = ("theme", "portal", "told", "blog", "table", "mixed")


def page(article: Article, among: list[Article], make: str) -> str:
    """The page of an article in one of MAKES, with links to others."""
    others = random.Random(article.number).sample(among, min(40, len(among)))
    return MAKES[make](article, others)


class Press:
    """One site on many addresses; `published` says how many of its articles there are by now, `asked` what was asked for."""

    def __init__(self, hosts: int, count: int, makes: tuple[str, ...] = PRESS) -> None:
        self.articles = articles(count)
        self.published = count
        self.asked: Counter[str] = Counter()
        self.hosts = [f"127.{71 + number // 200}.0.{1 + number % 200}" for number in range(hosts)]
        self.pages = {
            article.path: page(article, self.articles, makes[article.number % len(makes)]).encode()
            for article in self.articles
        }
        self.loop = asyncio.new_event_loop()
        self.thread = Thread(target=self.loop.run_forever, name="press", daemon=True)

    def __enter__(self) -> Press:
        self.thread.start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, self.hosts[:1], 0), self.loop
        ).result()
        self.port = server.sockets[0].getsockname()[1]
        if self.hosts[1:]:
            others = asyncio.start_server(self._serve, self.hosts[1:], self.port)
            asyncio.run_coroutine_threadsafe(others, self.loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def url(self, host: int, path: str) -> str:
        return f"http://{self.hosts[host]}:{self.port}{path}"

    def answer(self, path: str, base: str) -> tuple[str, bytes] | None:
        """Type and body of what stands at a path."""
        if path == "/robots.txt":
            return "text/plain", b"User-agent: *\nDisallow: /arsip/\n"
        if path == "/rss":
            shown = self.articles[: self.published][-FEED_LENGTH:]
            return "application/rss+xml", rss(shown).replace("{base}", base).encode()
        return ("text/html; charset=utf-8", self.pages[path]) if path in self.pages else None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                headers = {}
                while (row := (await reader.readline()).decode("latin-1").strip()) != "":
                    name, _, value = row.partition(":")
                    headers[name.lower()] = value.strip()
                path = line.split()[1].decode()
                self.asked["page" if path in self.pages else path] += 1
                writer.write(self._reply(path, headers))
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    def _reply(self, path: str, headers: dict[str, str]) -> bytes:
        kind, body = self.answer(path, f"http://{headers.get('host', '')}") or ("", b"")
        mark = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        status = "200 OK" if kind else "404 Not Found"
        if kind and headers.get("if-none-match") == mark:
            status, body = "304 Not Modified", b""
        rows = (
            f"HTTP/1.1 {status}",
            f"Content-Type: {kind or 'text/plain'}",
            f"ETag: {mark}",
            f"Content-Length: {len(body)}",
        )
        return "\r\n".join((*rows, "", "")).encode() + body
