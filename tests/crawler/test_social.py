"""The social adapters and their tokens: what is asked for, how a refusal is told, and where a secret can be seen."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.sync.server import ServerConnection, serve

from crawler import Batch, Document, Source, Visit, document_key
from crawler.adapters import TOKEN, Draft, NotUnderstood, Request, Response, adapter_named
from crawler.identity import identity
from crawler.notes import Note
from crawler.reading.reader import read
from crawler.reading.workers import Readers
from crawler.run import Politeness, crawl
from crawler.source import Validators, source_row
from crawler.tally import AT_ONCE
from crawler.tokens import Tokens, variable_of
from tests.crawler.test_reader import order as reading_order

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
RESPONSES = Path(__file__).parent / "responses"
SECRET, SESSION = "rahasia-4f9c21", "sesi-77ab03"
CHANNEL = "/channel/UCabcdefghijklmnopqrstuv"

Answer = tuple[int, dict[str, str], Any]


# ---- tokens ------------------------------------------------------------------------------------------------------


def asking(name: str = "x", url: str = "https://api.example/") -> Request:
    return Request(url, headers={"Authorization": f"Bearer {TOKEN}"}, body=f'{{"p": "{TOKEN}"}}', token=name)


def told(request: Request, environment: dict[str, str], **more: Any) -> Note:
    with pytest.raises(NotUnderstood) as raised:
        Tokens(environment, **more).filled(request)
    return raised.value.note


def token_file(folder: Path, text: str, mode: int = 0o600) -> dict[str, str]:
    path = folder / "tokens.toml"
    path.write_text(text)
    path.chmod(mode)
    return {"KENTONGAN_TOKENS": str(path)}


def test_a_token_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    file = token_file(tmp_path, f'x = "{SECRET}"\n"mastodon-sosial.example" = "lain"')
    for environment in ({"KENTONGAN_TOKEN_X": SECRET}, file, file | {"KENTONGAN_TOKEN_MASTODON_SOSIAL_EXAMPLE": "b"}):
        sent = Tokens(environment).filled(asking())
        assert (sent.headers, sent.body) == ({"Authorization": f"Bearer {SECRET}"}, f'{{"p": "{SECRET}"}}')
    assert Tokens(file).filled(asking("mastodon-sosial.example")).headers == {"Authorization": "Bearer lain"}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    note = told(asking(), token_file(tmp_path, f'x = "{SECRET}"', mode))
    assert note.code == "token-file-open"
    assert f"{mode:04o}" in note.message
    assert "chmod 600" in note.message


@pytest.mark.parametrize("text", [f"x = {SECRET}", f"\\x00{SECRET}", ""])
def test_a_file_that_cannot_be_used_is_told_without_its_words(tmp_path: Path, text: str) -> None:
    note = told(asking(), token_file(tmp_path, text))
    assert note.code == ("token-file-unreadable" if text else "token-missing")
    assert SECRET not in repr(note)


def test_a_missing_token_says_what_to_set() -> None:
    note = told(asking("meta-dinas"), {"KENTONGAN_TOKENS": ""})
    assert note.code == "token-missing"
    assert "KENTONGAN_TOKEN_META_DINAS" in note.message
    assert "KENTONGAN_TOKENS" in note.english


@pytest.mark.parametrize("odd", ["dua kata", 'kutip"', "garis\\", "baris\nX-Lain: 1", "tända"])
def test_what_could_break_out_of_a_header_is_no_token(odd: str) -> None:
    assert told(asking(), {"KENTONGAN_TOKEN_X": odd}).code == "token-odd"


def test_a_number_in_the_file_is_no_token(tmp_path: Path) -> None:
    assert told(asking(), token_file(tmp_path, "x = 5")).code == "token-odd"


def test_a_token_is_not_sent_in_the_clear() -> None:
    environment, clear = {"KENTONGAN_TOKEN_X": SECRET}, asking(url="http://api.example/")
    assert told(clear, environment).code == "token-needs-https"
    assert Tokens(environment, plain=True).filled(clear).headers["Authorization"] == f"Bearer {SECRET}"


def test_a_request_never_shows_what_it_carries() -> None:
    sent = Tokens({"KENTONGAN_TOKEN_X": SECRET}).filled(asking())
    assert SECRET not in repr(sent)
    assert SECRET not in str(sent)
    assert "token='x'" in repr(sent)


def test_whoever_reads_what_strangers_wrote_has_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KENTONGAN_TOKEN_X", SECRET)
    monkeypatch.setenv("KENTONGAN_TOKENS", "/etc/kentongan/tokens.toml")
    monkeypatch.setenv("KENTONGAN_CONTACT", "test@example.invalid")

    async def environment() -> bytes:
        reader = await Readers(1.0, 512)._started()
        given = Path(f"/proc/{reader.pid}/environ").read_bytes()
        reader.kill()
        await reader.communicate()
        return given

    given = asyncio.run(environment())
    assert b"KENTONGAN_CONTACT" in given
    assert b"KENTONGAN_TOKEN" not in given


@pytest.mark.parametrize(
    ("adapter", "url", "options"),
    [
        ("youtube", f"https://www.youtube.com{CHANNEL}", {}),
        ("x", "https://x.com", {"query": "duri"}),
        ("meta", "https://www.facebook.com/dinas", {}),
        ("bluesky", "https://bsky.app", {"query": "duri", "account": "kami.example"}),
    ],
)
def test_a_source_cannot_have_another_services_token_sent(adapter: str, url: str, options: dict[str, Any]) -> None:
    module, source = adapter_named(adapter), Source("s", adapter, url, options=options)
    (first,) = module.requests(source)
    assert (first.token, first.direct) == (adapter, True)
    assert TOKEN in f"{dict(first.headers)}{first.body}"
    assert TOKEN not in first.url
    (other,) = module.requests(replace(source, options=options | {"token": f"{adapter}-dua"}))
    assert other.token == f"{adapter}-dua"
    with pytest.raises(NotUnderstood, match=f"no token but {adapter}"):
        list(module.requests(replace(source, options=options | {"token": "mastodon-sosial.example"})))


def test_a_servers_token_is_named_after_the_server() -> None:
    source = Source("s", "mastodon", "https://Sosial.example/", options={"tags": "duri", "token": "true"})
    (first,) = adapter_named("mastodon").requests(source)
    assert first.token == "mastodon-sosial.example"
    assert variable_of(first.token) == "KENTONGAN_TOKEN_MASTODON_SOSIAL_EXAMPLE"
    with pytest.raises(NotUnderstood, match="option token"):  # a secret among the options would stand in the database
        list(adapter_named("mastodon").requests(replace(source, options={"tags": "duri", "token": SECRET})))
    (open_,) = adapter_named("mastodon").requests(replace(source, options={"tags": "duri"}))
    assert (open_.token, open_.direct) == (None, False)


# ---- what an adapter makes of an answer --------------------------------------------------------------------------------


def stored(name: str) -> tuple[Source, str, dict[str, Any]]:
    expected = json.loads((RESPONSES / f"{name}.expected").read_text())
    source = Source(**expected["source"])
    (first,) = adapter_named(source.adapter).requests(source)
    return source, expected.get("url", first.url), expected


@pytest.mark.parametrize(
    "name", ["youtube/threads", "x/recent", "meta/feed", "bluesky/feed", "bluesky/search", "mastodon/timeline"]
)
def test_only_what_is_not_settled_asks_for_more(name: str) -> None:
    source, url, _ = stored(name)
    body = (RESPONSES / f"{name}.json").read_bytes()
    if name.startswith("mastodon"):
        (one, *_) = json.loads(body)
        body = json.dumps([one] * 40).encode()
    answer = Response(url, body, NOW, {"link": '<https://sosial.example/lama>; rel="next"'}, Request(url))
    found = list(adapter_named(source.adapter).parse(answer, source))
    keys = frozenset(document_key(draft.identity) for draft in found if isinstance(draft, Draft))
    assert [one for one in found if isinstance(one, Request)]
    again = list(adapter_named(source.adapter).parse(answer, replace(source, known=keys, settled=keys)))
    assert not [one for one in again if isinstance(one, Request)]


LISTS = [
    "youtube/threads",
    "x/recent",
    "meta/feed",
    "bluesky/feed",
    "mastodon/timeline",
    "wordpress/posts",
    "jsonfeed/v11",
]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("odd", ["NaN", "-Infinity", "1e999", "9" * 5000, f'"{"9" * 5000}"'], ids=lambda odd: odd[:9])
def test_an_odd_number_anywhere_in_an_item_costs_no_other(name: str, odd: str) -> None:
    source, url, _ = stored(name)
    body = json.loads((RESPONSES / f"{name}.json").read_bytes())
    items = body if isinstance(body, list) else next(body[key] for key in ("items", "data", "feed") if key in body)
    whole, row = items[0], reading_order("list", url, source=source_row(source), kind="post")
    for path in list(paths(whole)):
        broken = deepcopy(whole)
        put(broken, path, "ODD")
        items[:] = [broken, whole]
        found = read(row, json.dumps(body).replace('"ODD"', odd).encode())
        assert any(isinstance(one, Draft | Request) for one in found.found), (path, found.failure)


def paths(value: Any, start: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where every value of a JSON text stands."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*start, key)
        yield from paths(one, (*start, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


def error_of(
    adapter: str, status: int, body: Any, headers: dict[str, str] | None = None, **options: Any
) -> Note | None:
    source = Source("s", adapter, "https://sosial.example", options=options)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Response("https://sosial.example/api", raw, NOW, headers or {}, None, status)
    try:
        return adapter_named(adapter).refused(answer, source)  # type: ignore[attr-defined]
    except NotUnderstood as error:
        return replace(error.note, code=f"ends: {error.note.code}")


def google(*reasons: str) -> dict[str, Any]:
    return {"error": {"code": 403, "message": "x", "errors": [{"reason": reason} for reason in reasons]}}


@pytest.mark.parametrize(
    ("adapter", "status", "body", "code"),
    [
        ("youtube", 403, google("quotaExceeded"), "ends: quota-used"),
        ("youtube", 403, google("commentsDisabled"), "comments-closed"),
        ("youtube", 404, google("playlistNotFound"), "comments-closed"),
        ("youtube", 403, google("accessNotConfigured"), "ends: token-rejected"),
        ("youtube", 400, {"error": {"errors": [{"reason": "badRequest"}], "details": [{"reason": "API_KEY_INVALID"}]}}, "ends: token-rejected"),
        ("youtube", 400, google("invalidPageToken"), "ends: api-refuses"),
        ("youtube", 502, b"<html>", None),
        ("x", 401, {"title": "Unauthorized"}, "ends: token-rejected"),
        ("x", 402, {"title": "CreditsDepleted"}, "ends: quota-used"),
        ("x", 429, {"title": "UsageCapExceeded"}, "ends: quota-used"),
        ("x", 429, {"title": "Too Many Requests"}, "ends: rate-limited"),
        ("x", 503, b"", None),
        ("meta", 400, {"error": {"code": 190, "message": f"Malformed access token {SECRET}"}}, "ends: token-rejected"),
        ("meta", 403, {"error": {"code": 4, "message": "(#4) Application request limit reached"}}, "ends: rate-limited"),
        ("meta", 400, {"error": {"code": 100, "message": f"Unsupported get request {SECRET}"}}, "ends: api-refuses"),
        ("meta", 500, [1], None),
        ("bluesky", 400, {"error": "InvalidRequest", "message": "Profile not found"}, "ends: api-refuses"),
        ("bluesky", 429, {"error": "RateLimitExceeded"}, "ends: rate-limited"),
        ("bluesky", 502, b"", None),
        ("mastodon", 401, {"error": "The access token is invalid"}, "ends: sign-in"),
        ("mastodon", 422, {"error": "This method requires an authenticated user"}, "ends: sign-in"),
        ("mastodon", 404, {"error": "Record not found"}, None),
    ],
)  # fmt: skip
def test_a_refusal_is_told_in_words_that_quote_nothing(adapter: str, status: int, body: Any, code: str | None) -> None:
    note = error_of(adapter, status, body)
    assert (note.code if note else None) == code
    assert SECRET not in repr(note)


def test_an_account_or_token_that_is_not_accepted_is_named() -> None:
    note = error_of("bluesky", 401, {"error": "AuthenticationRequired"}, query="duri", account="kami.example")
    assert note and "bluesky ditolak (AuthenticationRequired)" in note.message
    note = error_of("mastodon", 401, {"error": "The access token was revoked"}, token=True)
    assert note and "mastodon-sosial.example ditolak (HTTP 401)" in note.message


@pytest.mark.parametrize(
    ("adapter", "header", "ends"),
    [
        ("x", "x-rate-limit-reset", "1795522500"),
        ("bluesky", "ratelimit-reset", "1795522500"),
        ("mastodon", "x-ratelimit-reset", "2026-11-24T12:15:00.019685Z"),
    ],
)
def test_the_end_of_a_limit_of_time_is_told(adapter: str, header: str, ends: str) -> None:
    note = error_of(adapter, 429, {}, {header: ends})
    assert note and "19:15 WIB" in note.message
    for odd in ("99999999999999999999", "besok", "-5"):
        note = error_of(adapter, 429, {}, {header: odd})
        assert note and note.code == "ends: rate-limited"


def test_what_was_read_of_x_is_not_paid_for_again() -> None:
    source = Source("s", "x", "https://x.com", options={"query": "duri OR rumbai"})
    newest = datetime.now(UTC) - timedelta(hours=3)
    (first,) = adapter_named("x").requests(replace(source, since=newest))
    query = {name: value for name, (value,) in parse_qs(urlsplit(first.url).query).items()}
    posted = datetime.fromtimestamp(((int(query["since_id"]) >> 22) + 1288834974657) / 1000, UTC)
    assert newest - timedelta(minutes=2) < posted < newest
    assert query["query"] == "(duri OR rumbai) -is:retweet"
    (late,) = adapter_named("x").requests(replace(source, since=newest - timedelta(days=8)))
    assert "since_id" not in late.url
    (cheap,) = adapter_named("x").requests(replace(source, options={"query": "duri", "usernames": "false"}))
    assert "expansions" not in cheap.url


def test_a_channel_goes_by_its_id_or_its_handle() -> None:
    def first(path: str, **options: Any) -> str:
        (request,) = adapter_named("youtube").requests(
            Source("s", "youtube", f"https://youtube.com{path}", options=options)
        )
        return request.url.removeprefix("https://www.googleapis.com/youtube/v3/")

    assert first(f"{CHANNEL}/videos") == "channels?part=contentDetails&id=UCabcdefghijklmnopqrstuv"
    assert first("/@warta_uji") == "channels?part=contentDetails&forHandle=%40warta_uji"
    assert first("/@warta_uji", query="jalan").startswith("channels")  # its id must be known before it can be searched
    assert first(CHANNEL, query="jalan").startswith("search?part=id&channelId=UCabcdefghijklmnopqrstuv&q=jalan")
    for wrong in ("/user/lama", "/", "/channel/"):
        with pytest.raises(NotUnderstood, match="option url"):
            first(wrong)
    with pytest.raises(NotUnderstood, match="option videos"):
        first(CHANNEL, query="jalan", videos=51)


def test_a_channel_that_is_not_there_is_told() -> None:
    source = Source("s", "youtube", "https://youtube.com/@tidak_ada")
    answer = Response("https://x.example/channels", b'{"kind": "youtube#channelListResponse"}', NOW)
    with pytest.raises(NotUnderstood, match="@tidak_ada is not known there"):
        list(adapter_named("youtube").parse(answer, source))


def test_a_mastodon_server_cannot_lead_its_token_elsewhere() -> None:
    status = {"url": "https://s.example/@a/1", "content": "x", "account": {"acct": "a"}}
    source = Source("s", "mastodon", "https://s.example", options={"tags": "duri", "token": True})
    for address, follows in [
        ("https://s.example/lama", True),
        ("https://jahat.example/lama", False),
        ("http://s.example/lama", False),
    ]:
        answer = Response(
            "https://s.example/", json.dumps([status] * 40).encode(), NOW, {"link": f'<{address}>; rel="next"'}
        )
        older = [one for one in adapter_named("mastodon").parse(answer, source) if isinstance(one, Request)]
        assert [one.url for one in older] == [address] * follows


def test_what_a_server_tells_of_another_ones_status_does_not_stand_for_it() -> None:
    status = {"url": "https://s.example/@a/1", "content": "x", "account": {"acct": "a"}}
    told = Response("https://x.example/", json.dumps([status]).encode(), NOW)
    drafts = [
        draft
        for host in ("s.example", "lain.example", "lagi.example")
        for draft in adapter_named("mastodon").parse(told, Source("s", "mastodon", f"https://{host}"))
        if isinstance(draft, Draft)
    ]
    assert len({draft.identity for draft in drafts}) == len(drafts) == 3
    assert drafts[0].identity == identity("https://s.example/@a/1")
    assert {draft.url for draft in drafts} == {"https://s.example/@a/1"}


def test_older_statuses_of_other_servers_are_read_until_they_are_settled() -> None:
    status = {"url": "https://s.example/@a/1", "content": "x", "account": {"acct": "a"}}
    source = Source("s", "mastodon", "https://lain.example")
    link = {"link": '<https://lain.example/lama>; rel="next"'}
    told = Response("https://lain.example/", json.dumps([status] * 40).encode(), NOW, link)
    found = list(adapter_named("mastodon").parse(told, source))
    assert isinstance(found[-1], Request)
    settled = frozenset(document_key(draft.identity) for draft in found if isinstance(draft, Draft))
    again = adapter_named("mastodon").parse(told, replace(source, settled=settled))
    assert not any(isinstance(one, Request) for one in again)


def test_a_preview_tells_only_of_its_own_channel() -> None:
    post = '<div class=tgme_widget_message data-post="{}"><div class="tgme_widget_message_text js-message_text">x</div></div>'
    body = "".join(map(post.format, ("Pemko/3", "pemko/2", "lain/1"))).encode()
    source = Source("s", "telegram", "https://t.me/s/PEMKO?before=9")
    found = list(adapter_named("telegram").parse(Response("https://t.me/s/pemko?before=9", body, NOW), source))
    assert [one.url for one in found if isinstance(one, Draft)] == ["https://t.me/Pemko/3", "https://t.me/pemko/2"]
    assert [one.code for one in found if isinstance(one, Note)] == ["item-unreadable"]


def test_a_post_of_wordpress_at_the_address_of_another_is_told() -> None:
    posts = [
        {
            "link": f"https://s.example/berita#{n}",
            "title": {"rendered": f"Judul {n}"},
            "content": {"rendered": "<p>x</p>"},
        }
        for n in range(3)
    ]
    told = Response("https://s.example/wp-json/wp/v2/posts", json.dumps(posts).encode(), NOW)
    first, *others = adapter_named("wordpress").parse(told, Source("s", "wordpress", "https://s.example"))
    assert isinstance(first, Draft)
    assert [one.code for one in others if isinstance(one, Note)] == ["item-repeated"] * 2


def test_statuses_for_followers_are_left_out() -> None:
    status = {"url": "https://s.example/@a/1", "content": "x", "account": {"acct": "a"}, "visibility": "private"}
    answer = Response("https://s.example/", json.dumps([status]).encode(), NOW)
    assert list(adapter_named("mastodon").parse(answer, Source("s", "mastodon", "https://s.example"))) == []


# ---- over loopback ---------------------------------------------------------------------------------------------------


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Server:
    """An API on loopback: what is answered by path, and what was asked."""

    answers: dict[str, Answer | Callable[[dict[str, str]], Answer]]
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def paths(self) -> list[str]:
        return [one.path for one in self.asked]


@contextmanager
def api(answers: dict[str, Any]) -> Iterator[Server]:
    one = Server(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # a websocket begins with it

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            parts = urlsplit(self.path)
            one.asked.append(Asked(self.command, parts.path, dict(self.headers), body))
            found = one.answers.get(parts.path, (404, {}, {}))
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            status, headers, answer = found(query) if callable(found) else found
            raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(raw)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        do_POST = do_GET  # noqa: N815  # the library's name

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    one.url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()


class Heard:
    """What a crawl gave, and all it wrote anywhere."""

    def __init__(self, batches: list[Batch], written: str) -> None:
        self.documents: list[Document] = [document for batch in batches for document in batch.documents]
        self.visits: dict[str, Visit] = {visit.source: visit for batch in batches for visit in batch.visits}
        self.everything = written + repr(batches) + "".join(document.to_json() for document in self.documents)

    @property
    def codes(self) -> list[str]:
        return [note.code for note in self.visits["uji"].notes]


Crawl = Callable[..., Heard]


@pytest.fixture
def hear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Crawl:
    """A real crawl in its child process; there, constants of an adapter lead to loopback instead of the internet."""

    def heard(*sources: Source, token: str = "", inward: bool = True, **constants: str) -> Heard:
        adapter = sources[0].adapter
        (tmp_path / "sitecustomize.py").write_text(
            "import os\ntry:\n"
            f"    import crawler.adapters.{adapter} as adapter\n"
            f"    vars(adapter).update({constants!r})\n"
            "except BaseException:\n    os._exit(9)\n"
        )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        if token:
            monkeypatch.setenv(variable_of(token), SECRET)
        politeness = Politeness("Kentongan-Test (+test@example.invalid)", delay=0.0, timeout=3.0, allow_private=inward)
        batches = list(crawl(sources, politeness))
        return Heard(batches, "".join(capfd.readouterr()))

    return heard


def feed_of(url: str) -> Source:
    return Source("umpan", "feed", f"{url}/feed")


def test_a_redirect_to_another_host_carries_no_token(hear: Crawl) -> None:
    rss = (200, {"Content-Type": "application/rss+xml"}, b"<rss version='2.0'><channel></channel></rss>")
    with api({"/feed": rss}) as elsewhere:
        leading = (302, {"Location": f"{elsewhere.url}/tangkap"}, {})
        with api({"/api/v1/timelines/tag/duri": leading}) as server:
            source = Source("uji", "mastodon", server.url, options={"tags": "duri", "token": True})
            heard = hear(source, feed_of(elsewhere.url), token=f"mastodon-{urlsplit(server.url).netloc}")
    assert server.paths() == ["/api/v1/timelines/tag/duri"]
    assert server.asked[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert "/feed" in elsewhere.paths()
    assert "/tangkap" not in elsewhere.paths()
    assert not any("Authorization" in one.headers for one in elsewhere.asked)
    assert heard.codes == ["http-302"]
    assert heard.visits["uji"].unfinished
    assert SECRET not in heard.everything


@pytest.mark.parametrize("status", [200, 307])
def test_a_password_that_is_led_away_stays_where_it_is(hear: Crawl, status: int) -> None:
    with api({"/feed": (404, {}, {})}) as elsewhere:
        there = f"{elsewhere.url}/tangkap"
        page = f'<meta http-equiv="refresh" content="0; url={there}">'.encode()
        leading = (status, {"Location": there, "Content-Type": "text/html"}, page)
        with api({"/com.atproto.server.createSession": leading}) as server:
            source = Source("uji", "bluesky", server.url, options={"query": "duri", "account": "kami.example"})
            heard = hear(source, feed_of(elsewhere.url), token="bluesky", SIGNED_IN=server.url)
    assert SECRET in server.asked[0].body
    assert "/tangkap" not in elsewhere.paths()
    assert not any(SECRET in one.body for one in elsewhere.asked)
    assert SECRET not in heard.everything


def test_a_token_that_is_not_set_ends_the_visit_before_anything_is_asked(hear: Crawl) -> None:
    with api({}) as server:
        source = Source("uji", "x", server.url, options={"query": "duri"})
        heard = hear(source, API=f"{server.url}/recent")
    assert server.asked == []
    assert (heard.visits["uji"].status, heard.codes) == ("broken", ["token-missing"])
    assert "KENTONGAN_TOKEN_X" in heard.visits["uji"].notes[0].message


def response(name: str) -> Any:
    return json.loads((RESPONSES / name).read_text())


def youtube(threads: Any) -> dict[str, Any]:
    return {
        "/channels": (200, {}, response("youtube/channel.json")),
        "/playlistItems": (200, {}, response("youtube/uploads.json")),
        "/commentThreads": threads,
    }


def test_from_a_channel_to_its_comments(hear: Crawl) -> None:
    def threads(query: dict[str, str]) -> Answer:
        if query["videoId"] == "v1deo_two-2":
            return 403, {}, google("commentsDisabled")
        return 200, {}, response("youtube/threads.json") | ({"nextPageToken": ""} if "pageToken" in query else {})

    with api(youtube(threads)) as server:
        heard = hear(Source("uji", "youtube", f"{server.url}{CHANNEL}"), token="youtube", API=server.url)
    assert sorted(server.paths()) == ["/channels", *["/commentThreads"] * 3, "/playlistItems"]
    assert {one.headers["X-Goog-Api-Key"] for one in server.asked} == {SECRET}
    assert sorted(document.text for document in heard.documents) == [
        "air PDAM di tempat kami\nmati sejak Senin",
        "di sini juga",
    ]
    assert {document.kind for document in heard.documents} == {"post"}
    visit = heard.visits["uji"]
    assert (visit.status, visit.unfinished, visit.requests) == ("ok", False, 5)
    assert "comments-closed" in heard.codes
    assert SECRET not in heard.everything


def test_quota_that_is_used_up_ends_the_visit(hear: Crawl) -> None:
    videos = [{"contentDetails": {"videoId": f"v1deo_{number:05}"}} for number in range(8)]
    answers = youtube((403, {}, google("quotaExceeded")))
    answers["/playlistItems"] = (200, {}, {"kind": "youtube#playlistItemListResponse", "items": videos})
    with api(answers) as server:
        heard = hear(Source("uji", "youtube", f"{server.url}{CHANNEL}"), token="youtube", API=server.url)
    assert server.paths().count("/commentThreads") <= AT_ONCE
    visit = heard.visits["uji"]
    assert (visit.status, visit.unfinished, heard.codes[0]) == ("blocked", True, "quota-used")
    assert "youtube habis (quotaExceeded)" in visit.notes[0].message


def test_a_visit_asks_no_more_than_its_bound(hear: Crawl) -> None:
    with api(youtube((200, {}, response("youtube/threads.json")))) as server:
        source = Source("uji", "youtube", f"{server.url}{CHANNEL}", options={"requests": 3})
        heard = hear(source, token="youtube", API=server.url)
    assert len(server.asked) == 3
    assert heard.codes[-1] == "list-limit"


def test_a_search_with_an_account_is_a_session_and_a_question(hear: Crawl) -> None:
    def found(query: dict[str, str]) -> Answer:
        page = response("bluesky/search.json")
        return (200, {}, {"posts": []}) if "cursor" in query else (200, {}, page)

    session = (200, {}, {"accessJwt": SESSION, "refreshJwt": "x", "handle": "kami.example"})
    answers = {"/com.atproto.server.createSession": session, "/app.bsky.feed.searchPosts": found}
    with api(answers) as server:
        source = Source("uji", "bluesky", server.url, options={"query": "duri", "account": "kami.example"})
        heard = hear(source, token="bluesky", SIGNED_IN=server.url)
    signing_in, *questions = server.asked
    assert (signing_in.method, json.loads(signing_in.body)) == (
        "POST",
        {"identifier": "kami.example", "password": SECRET},
    )
    assert [one.headers["Authorization"] for one in questions] == [f"Bearer {SESSION}"] * 2
    assert [document.author for document in heard.documents] == ["pejalan.example"]
    assert SECRET not in heard.everything
    assert SESSION not in heard.everything


def test_what_an_account_writes_needs_no_token(hear: Crawl) -> None:
    pages = {"/app.bsky.feed.getAuthorFeed": (200, {}, response("bluesky/feed.json") | {"cursor": ""})}
    with api(pages) as server:
        heard = hear(Source("uji", "bluesky", f"{server.url}/profile/warta.example"), PUBLIC=server.url)
    assert [document.text for document in heard.documents] == ["listrik padam lagi\ndi Kampar"]
    assert "/robots.txt" in server.paths()  # nothing of ours is carried: the same rules as for everybody


def test_a_limit_of_time_is_kept(hear: Crawl) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=9)
    limit = (429, {"x-rate-limit-reset": str(int(ends.timestamp()))}, {"title": "Too Many Requests"})
    with api({"/recent": limit}) as server:
        source = Source("uji", "x", server.url, options={"query": "duri"})
        heard = hear(source, token="x", API=f"{server.url}/recent")
    visit = heard.visits["uji"]
    assert (visit.status, heard.codes) == ("blocked", ["rate-limited-until"])
    assert visit.wait_until is not None
    assert abs(visit.wait_until - ends) <= timedelta(seconds=1)


def test_nothing_written_in_a_post_leads_us_anywhere(hear: Crawl) -> None:
    with api({"/feed": (404, {}, {})}) as elsewhere:
        page = response("bluesky/feed.json") | {"cursor": ""}
        text = f"jalan rusak <meta http-equiv=refresh content=0;url={elsewhere.url}/tangkap>"
        page["feed"][0]["post"]["record"]["text"] = text
        with api({"/app.bsky.feed.getAuthorFeed": (200, {}, page)}) as server:
            source = Source("uji", "bluesky", f"{server.url}/profile/warta.example")
            heard = hear(source, feed_of(elsewhere.url), PUBLIC=server.url)
    assert [document.text for document in heard.documents] == [text]
    assert "/tangkap" not in elsewhere.paths()


# ---- the stream --------------------------------------------------------------------------------------------------------


@contextmanager
def stream(speak: Callable[[ServerConnection], None]) -> Iterator[tuple[str, list[dict[str, list[str]]]]]:
    asked: list[dict[str, list[str]]] = []

    def listen(connection: ServerConnection) -> None:
        assert connection.request
        asked.append(parse_qs(urlsplit(connection.request.path).query))
        speak(connection)

    with serve(listen, "127.0.0.1", 0) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}", asked
        server.shutdown()


def jetstream(url: str, **more: Any) -> Source:
    return Source("uji", "jetstream", url, options={"words": ["Pekanbaru"], "seconds": 2}, **more)


def event(number: int, text: str) -> str:
    record = {"text": text, "createdAt": "2026-11-23T09:00:00Z"}
    commit = {"operation": "create", "collection": "app.bsky.feed.post", "rkey": f"3k{number}", "record": record}
    return json.dumps({"did": "did:plc:aaaa", "time_us": 1795406400000000 + number, "kind": "commit", "commit": commit})


def test_a_stream_is_heard_and_left_where_it_can_be_taken_up_again(hear: Crawl) -> None:
    def speak(connection: ServerConnection) -> None:
        for number in range(200):
            connection.send(event(number, "Banjir di PEKANBARU" if number == 7 else "kabar lain"))

    with stream(speak) as (url, asked):
        heard = hear(jetstream(url))
        ((address, position),) = heard.visits["uji"].validators.items()
        again = hear(jetstream(url, validators={address: position}, known=frozenset({heard.documents[0].key})))
    assert [(one.text, one.author) for one in heard.documents] == [("Banjir di PEKANBARU", "did:plc:aaaa")]
    assert position == Validators(etag="1795406400000199")
    assert [one.get("cursor") for one in asked] == [None, ["1795406400000199"]]
    assert asked[0]["wantedCollections"] == ["app.bsky.feed.post"]
    assert not again.documents


def test_listening_ends_in_its_time_however_long_the_stream_is(hear: Crawl) -> None:
    def speak(connection: ServerConnection) -> None:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            connection.send(event(1, "kabar lain"))

    with stream(speak) as (url, _):
        started = time.monotonic()
        heard = hear(replace(jetstream(url), options={"words": "pekanbaru", "seconds": 1}))
    assert time.monotonic() - started < 8
    assert (heard.visits["uji"].status, heard.documents) == ("empty", [])


def test_a_stream_that_says_nothing_is_told(hear: Crawl) -> None:
    with stream(lambda connection: connection.close()) as (url, _):
        heard = hear(jetstream(url))
    assert (heard.visits["uji"].status, heard.codes) == ("unreachable", ["connection"])


def test_a_stream_leads_to_no_inward_address(hear: Crawl) -> None:
    with stream(lambda connection: connection.send(event(1, "Pekanbaru"))) as (url, asked):
        heard = hear(jetstream(url), inward=False)
    assert asked == []
    assert (heard.visits["uji"].status, heard.codes) == ("blocked", ["not-public"])


def test_a_stream_follows_no_redirect_and_tells_a_refusal(hear: Crawl) -> None:
    with api({"/feed": (404, {}, {})}) as elsewhere:
        leading = {"Location": f"{elsewhere.url.replace('http', 'ws')}/subscribe"}
        with api({"/subscribe": (302, leading, b"")}) as server:
            heard = hear(jetstream(server.url), feed_of(elsewhere.url))
    assert (server.paths(), heard.codes) == (["/subscribe"], ["http-302"])
    assert "/subscribe" not in elsewhere.paths()
