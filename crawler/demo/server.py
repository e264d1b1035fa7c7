"""The demo press: four outlets of different make and a Mastodon-shaped server, over real HTTP on loopback.

Everything is invented. Addresses never hold dates and published times hang on the day, so that the same day gives the same
answers, restart or not.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

HERE = Path(__file__).parent
WIB = timezone(timedelta(hours=7))
DAYS = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")
MONTHS = [
    "Januari",
    "Februari",
    "Maret",
    "April",
    "Mei",
    "Juni",
    "Juli",
    "Agustus",
    "September",
    "Oktober",
    "November",
    "Desember",
]
NAMES = {
    "tepian": "Harian Tepian",
    "selais": "Suara Selais",
    "gelombang": "Warta Gelombang",
    "kuala": "Kuala Pagi",
    "social": "Balai Sosial",
}
LIST_LENGTH = 10  # links of one list page

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets."""

    body: str
    type: str = "text/html; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Article:
    """One article of an outlet."""

    id: int
    outlet: str
    slug: str
    title: str
    section: str
    author: str
    paragraphs: tuple[str, ...]
    published: datetime

    @property
    def html(self) -> str:
        return "\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in self.paragraphs)


class DemoPress:
    """The server; `with DemoPress() as press:` or start() and stop(). Port 0 picks a free one."""

    def __init__(self, port: int = 8790, now: datetime | None = None) -> None:
        today = (now or datetime.now(WIB)).astimezone(WIB).replace(minute=0, second=0, microsecond=0)
        self.articles = _articles(today)
        self.posts = _posts(today)
        self.server = _Server(("127.0.0.1", port), _Handler)
        self.server.press = self
        self.thread = Thread(target=self.server.serve_forever, name="demo press", daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self) -> DemoPress:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def sources(self) -> list[dict[str, Any]]:
        """The arguments of a crawler Source for each."""
        selectors = {
            "links": "ul.indeks h3 a",
            "next": "a.lanjut",
            "title": "h1.judul",
            "body": "div.isi",
            "date": "time",
        }
        options: dict[str, dict[str, Any]] = {
            "kuala": selectors,
            "social": {"public": True, "tags": ["duri", "pekanbaru"]},
        }
        rows = (
            ("tepian", "feed", "/tepian/feed.xml", "14.71"),
            ("selais", "feed", "/selais/rss", "14.03"),
            ("gelombang", "wordpress", "/gelombang", "14"),
            ("kuala", "listing", "/kuala/indeks", "14"),
            ("social", "mastodon", "/social", "14"),
        )
        return [
            {
                "name": NAMES[outlet],
                "adapter": adapter,
                "url": self.base_url + path,
                "region": region,
                "kind": "post" if outlet == "social" else "article",
                "interval": 15,
                "options": options.get(outlet, {}) | {"demo": True},
            }
            for outlet, adapter, path, region in rows
        ]

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """What stands at an address."""
        first, *rest = path.strip("/").split("/")
        if path == "/robots.txt":
            return Answer("User-agent: *\nDisallow: /kuala/arsip/\n", "text/plain; charset=utf-8")
        routes: dict[str, Callable[[list[str], Mapping[str, str]], Answer | None]] = {
            "tepian": self._tepian,
            "selais": self._selais,
            "gelombang": self._gelombang,
            "kuala": self._kuala,
            "social": self._social,
        }
        found = routes[first](rest, query) if first in routes else None
        return found or Answer("<h1>404</h1>", status=HTTPStatus.NOT_FOUND)

    def _of(self, outlet: str) -> list[Article]:
        return [article for article in self.articles if article.outlet == outlet]

    def _one(self, outlet: str, slug: str) -> Article | None:
        return next((article for article in self._of(outlet) if article.slug == slug), None)

    def _tepian(self, rest: list[str], query: Mapping[str, str]) -> Answer | None:
        """RSS with the full text."""
        if rest == ["feed.xml"]:
            return _rss(NAMES["tepian"], self.base_url + "/tepian", self._of("tepian"), full=True)
        article = self._one("tepian", rest[-1]) if rest else None
        return Answer(_page(article, f"<h1>{escape(article.title)}</h1>{article.html}")) if article else None

    def _selais(self, rest: list[str], query: Mapping[str, str]) -> Answer | None:
        """RSS with summaries; article pages with nothing but a line of the date, as many small outlets have."""
        if rest == ["rss"]:
            return _rss(NAMES["selais"], self.base_url + "/selais/berita", self._of("selais"), full=False)
        article = self._one("selais", rest[-1]) if rest[:1] == ["berita"] else None
        if article is None:
            return None
        line = f"<h1>{escape(article.title)}</h1><p class=tgl>{_date_line(article.published)}</p>"
        also = "<p>Baca juga: <a href='/selais/'>Jadwal pemadaman air minggu ini</a></p>"
        return Answer(_page(article, f"{line}<article>{article.html}{also}</article>"))

    def _gelombang(self, rest: list[str], query: Mapping[str, str]) -> Answer | None:
        """WordPress: the REST API, and the article pages it links to."""
        if rest == ["wp-json", "wp", "v2", "posts"]:
            return self._wordpress(query)
        article = self._one("gelombang", rest[-1]) if rest else None
        return Answer(_page(article, f"<h1>{escape(article.title)}</h1>{article.html}")) if article else None

    def _wordpress(self, query: Mapping[str, str]) -> Answer:
        after = datetime.fromisoformat(query["after"]).replace(tzinfo=WIB) if query.get("after") else None
        posts = [article for article in self._of("gelombang") if after is None or article.published > after]
        size, page = min(int(query.get("per_page", "10")), 100), int(query.get("page", "1"))
        rows = [self._wordpress_post(article) for article in posts[(page - 1) * size : page * size]]
        counts = {"X-WP-Total": str(len(posts)), "X-WP-TotalPages": str(-(-len(posts) // size))}
        return Answer(json.dumps(rows), "application/json; charset=UTF-8", headers=counts)

    def _wordpress_post(self, article: Article) -> dict[str, Any]:
        return {
            "id": article.id,
            "date": article.published.strftime("%Y-%m-%dT%H:%M:%S"),
            "date_gmt": article.published.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S"),  # noqa: UP017
            "guid": {"rendered": f"{self.base_url}/gelombang/?p={article.id}"},
            "slug": article.slug,
            "status": "publish",
            "type": "post",
            "link": f"{self.base_url}/gelombang/{article.slug}/",
            "title": {"rendered": escape(article.title)},
            "content": {"rendered": article.html, "protected": False},
            "excerpt": {"rendered": f"<p>{escape(article.paragraphs[0])}</p>", "protected": False},
            "_embedded": {"author": [{"id": 1, "name": article.author}]},
        }

    def _kuala(self, rest: list[str], query: Mapping[str, str]) -> Answer | None:
        """No feed: list pages, and article pages with JSON-LD between the usual furniture."""
        if rest == ["indeks"]:
            return self._list(int(query.get("page", "1")))
        if rest == ["arsip", "lama"]:
            return Answer("<h1>Arsip</h1>")
        article = self._one("kuala", rest[-1]) if rest[:1] == ["baca"] else None
        if article is None:
            return None
        data = {
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "headline": article.title,
            "datePublished": article.published.isoformat(),
            "author": {"@type": "Person", "name": article.author},
        }
        script = json.dumps(data).replace("<", "\\u003c")
        head = (
            f"<link rel=canonical href='{self.base_url}/kuala/baca/{article.slug}'>"
            f"<script type='application/ld+json'>{script}</script>"
        )
        body = f"<h1 class=judul>{escape(article.title)}</h1><time>{_date_line(article.published)}</time>"
        return Answer(_page(article, f"{body}<div class=isi>{article.html}</div>", head))

    def _list(self, page: int) -> Answer:
        articles = self._of("kuala")
        shown = articles[(page - 1) * LIST_LENGTH : page * LIST_LENGTH]
        items = "".join(f"<li><h3><a href='/kuala/baca/{a.slug}'>{escape(a.title)}</a></h3></li>" for a in shown)
        archive = "<li><h3><a href='/kuala/arsip/lama'>Arsip lama</a></h3></li>" if page == 1 else ""
        more = (
            f"<a class=lanjut href='/kuala/indeks?page={page + 1}'>Berikutnya</a>"
            if page * LIST_LENGTH < len(articles)
            else ""
        )
        return Answer(f"<!doctype html><title>Indeks</title><ul class=indeks>{items}{archive}</ul>{more}")

    def _social(self, rest: list[str], query: Mapping[str, str]) -> Answer | None:
        """Mastodon's public timelines, newest first, with a Link header to the older ones."""
        if rest[:3] != ["api", "v1", "timelines"]:
            return None
        posts = self.posts if rest[3:] == ["public"] else [p for p in self.posts if rest[-1] in p["tag_names"]]
        if query.get("max_id"):
            posts = [post for post in posts if int(post["id"]) < int(query["max_id"])]
        limit = min(int(query.get("limit", "20")), 40)
        shown = posts[:limit]
        here = f"{self.base_url}/{'/'.join(['social', *rest])}"
        older = f'<{here}?limit={limit}&max_id={shown[-1]["id"]}>; rel="next"' if len(posts) > limit else ""
        statuses = [_status(post, self.base_url) for post in shown]
        return Answer(json.dumps(statuses), "application/json; charset=utf-8", headers={"Link": older} if older else {})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    press: DemoPress

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # the library's name
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        try:
            answer = self.server.press.answer(parts.path, query)
        except (ValueError, KeyError, IndexError):
            answer = Answer("<h1>400</h1>", status=HTTPStatus.BAD_REQUEST)
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        body = answer.body.encode()
        headers = {"Content-Type": answer.type, **answer.headers}
        status = answer.status
        if status == HTTPStatus.OK:
            headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            headers["Last-Modified"] = format_datetime(
                self.server.press.articles[0].published.astimezone(UTC), usegmt=True
            )
            if self._unchanged(headers):
                status, body = HTTPStatus.NOT_MODIFIED, b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _unchanged(self, headers: Mapping[str, str]) -> bool:
        """RFC 9110: If-None-Match decides where it is given."""
        if match := self.headers.get("If-None-Match"):
            return headers["ETag"] in match
        since = self.headers.get("If-Modified-Since")
        return bool(since) and parsedate_to_datetime(str(since)) >= parsedate_to_datetime(headers["Last-Modified"])

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


def _articles(today: datetime) -> list[Article]:
    rows = [json.loads(line) for line in (HERE / "articles.jsonl").read_text(encoding="utf-8").splitlines()]
    articles = [
        Article(
            number,
            row["outlet"],
            row["slug"],
            row["title"],
            row["section"],
            row["author"],
            tuple(row["paragraphs"]),
            _moment(today, row["hours_ago"]),
        )
        for number, row in enumerate(rows, 1)
    ]
    return sorted(articles, key=lambda article: article.published, reverse=True)


def _posts(today: datetime) -> list[dict[str, Any]]:
    """Posts with ids that grow with time and stay the same whatever the day."""
    rows = [json.loads(line) for line in (HERE / "posts.jsonl").read_text(encoding="utf-8").splitlines()]
    rows.sort(key=lambda row: row["hours_ago"])
    for place, row in enumerate(rows):
        row["id"] = str(110_000_000_000_000_000 + (len(rows) - place) * 1_000_003)
        row["published"] = _moment(today, row["hours_ago"])
        row["tag_names"] = row.pop("tags")
    return rows


def _moment(today: datetime, hours_ago: float) -> datetime:
    """So many hours before the start of this day, or of this hour for what is fresher: never in the future, and the same
    for every start within the day as far as older items go."""
    midnight = today.replace(hour=0)
    return min(midnight - timedelta(hours=hours_ago - 12), today - timedelta(minutes=hours_ago * 2))


def _rss(name: str, base: str, articles: list[Article], *, full: bool) -> Answer:
    items = "".join(
        f"<item><title>{escape(a.title)}</title><link>{base}/{a.slug}</link>"
        f"<guid isPermaLink='false'>{a.outlet}-{a.id}</guid>"
        f"<pubDate>{format_datetime(a.published)}</pubDate><dc:creator>{escape(a.author)}</dc:creator>"
        f"<description>{escape(a.paragraphs[0][:160])}</description>"
        + (f"<content:encoded><![CDATA[{a.html}]]></content:encoded>" if full else "")
        + "</item>"
        for a in articles
    )
    spaces = 'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    channel = f"<channel><title>{name}</title><link>{base}</link>{items}</channel>"
    xml = f"<?xml version='1.0' encoding='UTF-8'?><rss version='2.0' {spaces}>{channel}</rss>"
    return Answer(xml, "application/rss+xml; charset=utf-8")


def _status(post: Mapping[str, Any], base: str) -> dict[str, Any]:
    address = f"{base}/social/@{post['handle']}"
    return {
        "id": post["id"],
        "created_at": post["published"].astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z"),  # noqa: UP017
        "language": "id",
        "visibility": "public",
        "uri": f"{base}/social/users/{post['handle']}/statuses/{post['id']}",
        "url": f"{address}/{post['id']}",
        "content": f"<p>{escape(post['text'])}</p>",
        "spoiler_text": "",
        "reblog": None,
        "favourites_count": post["favourites"],
        "reblogs_count": post["reblogs"],
        "replies_count": post["replies"],
        "account": {"acct": post["handle"], "display_name": post["handle"], "url": address},
        "tags": [{"name": tag, "url": f"{base}/social/tags/{tag}"} for tag in post["tag_names"]],
    }


def _page(article: Article, body: str, head: str = "") -> str:
    name = NAMES[article.outlet]
    return (
        f"<!doctype html><html lang=id><head><meta charset=utf-8><title>{escape(article.title)} | {name}</title>{head}</head>"
        "<body>"
        f"<nav><a href='/'>Beranda</a> <a href='/'>{escape(article.section)}</a></nav><main>{body}</main>"
        f"<footer>Hak cipta {name}. Pers contoh, seluruh isinya rekaan. <a href='/'>Pedoman media siber</a></footer>"
        "</body></html>"
    )


def _date_line(moment: datetime) -> str:
    """`Selasa, 24 November 2026 | 07:18 WIB`"""
    day = f"{DAYS[moment.weekday()]}, {moment.day} {MONTHS[moment.month - 1]} {moment.year}"
    return f"{day} | {moment:%H:%M} WIB"
