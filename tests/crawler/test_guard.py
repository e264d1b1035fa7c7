"""The ways out: what may be connected to, who asked us to stop, and what a robots.txt forbids."""

import asyncio
import json
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from protego import Protego

from crawler.network.guard import GuardedResolver, Ways
from crawler.network.hosts import host_of, wait_of
from crawler.network.robots import MOST_LINES, MOST_WILDCARDS, US, _ours
from crawler.public import is_public
from crawler.run import Politeness, crawl
from crawler.source import Source, source_row
from tests.crawler import hostile

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OPEN = Ways(frozenset({80, 443}))


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.8",
        ),
        *(
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "192.88.99.1",
            "198.18.0.1",
            "::",
            "::1",
            "fe80::1",
            "fe80::1%eth0",
        ),
        *("fc00::1", "fec0::1", "ff02::1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1"),
        *(
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2002:7f00:1::",
            "2002:808:808::",
            "2001:db8::1",
            "3fff::1",
        ),
        *("0177.0.0.1", "127.1", "2130706433", "0x7f000001", "localhost", ""),
    ],
)
def test_what_is_not_public(address: str) -> None:
    assert not is_public(address)
    assert OPEN.refusal("berita.example", address, 443) == "not-public"


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808", "[2606:4700::1]"]
)
def test_what_is_public(address: str) -> None:
    assert is_public(address)
    assert OPEN.refusal("berita.example", address, 443) is None


def test_only_listed_ports_and_those_that_sources_name() -> None:
    ways = Ways.of(["https://Berita.example:8443/rss"], (80, 443), inward=False)
    assert ways.refusal("berita.example", "8.8.8.8", 8443) is None
    assert ways.refusal("berita.example.", "8.8.8.8", 80) is None
    assert ways.refusal("berita.example", "8.8.8.8", 22) == "port"
    assert ways.refusal("lain.example", "8.8.8.8", 8443) == "port"
    assert ways.refusal("berita.example", "10.0.0.1", 8443) == "not-public"


def test_with_leave_only_the_addresses_of_the_sources_are_inward() -> None:
    source = "http://127.0.0.1:8790/rss"
    ways = Ways.of([source, "http://x:99999/"], (80, 443, 8791), inward=True)
    assert ways.refusal("127.0.0.1", "127.0.0.1", 8790) is None
    assert ways.refusal("mana.example", "127.0.0.1", 8790) is None  # it is the address that counts
    assert ways.refusal("127.0.0.1", "127.0.0.1", 8791) == "not-public"
    assert ways.refusal("127.0.0.2", "127.0.0.2", 8790) == "port"
    assert Ways.of([source], (80,), inward=False).refusal("127.0.0.1", "127.0.0.1", 8790) == "not-public"
    named = Ways.of(["http://localhost:8790/rss"], (80,), inward=True)
    assert named.refusal("localhost", "::1", 8790) is None


class Receiver:
    """Writes down what a resolver says."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.complete = asyncio.Event()

    def resolutionBegan(self, _: Any) -> None:  # noqa: N802
        self.given.append("begins")

    def addressResolved(self, address: Any) -> None:  # noqa: N802
        self.given.append(address.host)

    def resolutionComplete(self) -> None:  # noqa: N802
        self.given.append("ends")
        self.complete.set()


async def resolved(resolver: GuardedResolver, *asked: tuple[str, int]) -> list[list[str]]:
    """What a resolver says of names and ports that are asked for at once."""
    receivers = [Receiver() for _ in asked]
    for receiver, (name, port) in zip(receivers, asked, strict=True):
        resolver.resolveHostName(receiver, name, port)
    async with asyncio.timeout(10):
        await asyncio.gather(*(receiver.complete.wait() for receiver in receivers))
    return [receiver.given for receiver in receivers]


def found(*addresses: str) -> list[Any]:
    """Addresses as `socket.getaddrinfo` gives them."""
    return [
        (socket.AF_INET6, 1, 6, "", (address, 443, 0, 0))
        if ":" in address
        else (socket.AF_INET, 1, 6, "", (address, 443))
        for address in addresses
    ]


def test_what_is_connected_to_is_what_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [found("8.8.8.8", "10.0.0.1", "::ffff:127.0.0.1", "2606:4700::1"), found("127.0.0.1"), found("8.8.8.8")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers.pop(0))
    resolver = GuardedResolver(OPEN, None)
    given = [asyncio.run(resolved(resolver, ("Berita.example", port)))[0] for port in (443, 443, 22)]
    assert given == [["begins", "8.8.8.8", "2606:4700::1", "ends"], ["begins", "ends"], ["begins", "ends"]]
    assert resolver.refused == {("berita.example", 443): "not-public", ("berita.example", 22): "port"}


def test_names_that_are_slow_to_be_found_hold_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread for each kind of name: that of the others is held by the first slow name, however often it is asked for."""
    let_go, asked = Event(), []

    def look_up(name: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(name)
        if name == "lambat.example":
            let_go.wait(20)
        return found("8.8.8.8")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr("crawler.network.guard.LONGEST_LOOKUP", 0.3)
    monkeypatch.setattr("crawler.network.guard.LOOKUPS", {True: 1, False: 1})
    ways = Ways.of(["https://berita.example/rss"], (80, 443), inward=False)
    names = [("lambat.example", 443)] * 3 + [("lain.example", 443), ("berita.example", 443)]
    try:
        *slow, other, source = asyncio.run(resolved(GuardedResolver(ways, None), *names))
    finally:
        let_go.set()
    assert slow == [["begins", "ends"]] * 3
    assert other == ["begins", "ends"]
    assert source == ["begins", "8.8.8.8", "ends"]
    assert asked.count("lambat.example") == 1


@pytest.mark.parametrize(
    "error", [socket.gaierror(-3, "x"), UnicodeError("label too long"), ValueError("embedded null")]
)
def test_a_name_that_cannot_be_looked_up_is_not_found(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: Any, **__: Any) -> list[Any]:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert asyncio.run(resolved(GuardedResolver(OPEN, None), ("aneh.example", 443))) == [["begins", "ends"]]


REBINDING = """
import socket
whole, asked = socket.getaddrinfo, []
def getaddrinfo(host, port, *rest, **more):
    if host == "berganti.example":
        asked.append(host)
        host = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
    return whole(host, port, *rest, **more)
socket.getaddrinfo = getaddrinfo
from crawler.spider import main
main()
"""


def test_a_name_that_turns_inward_after_the_first_look_is_not_followed() -> None:
    good = hostile.Site({"/feed": hostile.xml(hostile.feed_of("/a"))})
    inward = hostile.Site({"*": hostile.says(hostile.SECRET)}, "127.0.0.2", good.port)
    sources = [
        Source("tetap", "feed", f"{good.url}/feed"),
        Source("berganti", "feed", f"http://berganti.example:{good.port}/feed"),
    ]
    order = {
        "addresses": [source.url for source in sources],
        "politeness": {"user_agent": "x", "delay": 0, "timeout": 5, "allow_private": True},
        "probe": False,
    }
    with subprocess.Popen(
        [sys.executable, "-c", REBINDING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin and child.stdout
        for row in (order, *map(source_row, sources)):
            child.stdin.write(json.dumps(row) + "\n")
        child.stdin.flush()
        rows = [json.loads(line) for line in child.stdout]
    visits = {row["visit"]["source"]: row["visit"] for row in rows if "visit" in row}
    assert visits["tetap"]["documents"] == 1
    assert (visits["berganti"]["status"], visits["berganti"]["notes"][0]["code"]) == ("blocked", "not-public")
    assert good.asked["/robots.txt"] == 2  # the first look was honest, and its connection was made
    assert inward.connections == 0
    for site in (good, inward):
        site.close()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://A.example/x", "a.example"),
        ("https://a.example:443/x", "a.example"),
        ("http://a.example.:8080/", "a.example:8080"),
        ("http://a.example:bad/", "a.example"),
        ("http://[::1]:81/", "::1:81"),
    ],
)
def test_a_host_is_a_name_and_an_unusual_port(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("Tue, 24 Nov 2026 13:00:00 GMT", 3600),
        ("Tue, 24 Nov 2026 20:00:00 +0700", 3600),
        ("Mon, 23 Nov 2026 13:00:00 GMT", 0),
        ("Tue, 24 Nov 2099 13:00:00 GMT", 86_400),
        ("9" * 400, 86_400),
        ("-5", None),
        ("besok", None),
        ("", None),
        ("٣", 3),
    ],
)
def test_retry_after_in_seconds_and_as_a_date_never_beyond_a_day(told: str, seconds: int | None) -> None:
    assert wait_of(told, NOW) == (None if seconds is None else NOW + timedelta(seconds=seconds))


def test_two_sources_of_one_host_stop_together() -> None:
    site = hostile.Site(
        {"/a": hostile.says("", status=429, Retry_After="60"), "/b": hostile.xml(hostile.feed_of("/x"))}
    )
    sources = [Source(name, "feed", f"{site.url}/{name}") for name in ("a", "b")]
    politeness = Politeness("x", delay=0.5, timeout=5, allow_private=True)
    visits = {visit.source: visit for batch in crawl(sources, politeness) for visit in batch.visits}
    site.close()
    assert site.asked["/b"] == 0
    assert [visits[name].status for name in "ab"] == ["blocked", "blocked"]
    assert visits["a"].wait_until and visits["a"].wait_until == visits["b"].wait_until
    assert [note.code for note in visits["b"].notes] == ["asked-to-stop"]
    assert visits["b"].requests == 0


@pytest.mark.parametrize(
    ("lines", "allowed"),
    [
        ("User-agent: *\nDisallow: /x", False),
        ("user agent :  KENTONGAN/1.0 # kami\nDisallow: /x\nUser-agent: *\nDisallow:", False),
        ("User-agent: *\nDisallow: /\nUser-agent: Kentongan\nAllow: /", True),
        ("User-agent: kentongan-lain\nDisallow: /", True),
        ("User-agent: GPTBot\nUser-agent: lain\nDisallow: /", True),
        ("User-agent: a\nUser-agent: *\nDisallow: /x\nUser-agent: b\nAllow: /", False),
        ("User-agent: *\nUser-agent: a\nDisallow: /x", False),
        ("User-agent: *\nNoindex: /x\nUser-agent: a\nDisallow: /x", True),
        ("User-agent: *\nDisalow: /y\nUser-agent: a\nDisallow: /x", True),
        ("User-agent: a\nSitemap: /s\nUser-agent: *\nDisallow: /x", False),
        ("User-agent: *\nDisallow: /y\nUser-agent: a\nDisallow: /\nUser-agent: *\nDisallow: /x", False),
        ("Disallow: /x\nUser-agent: *\nDisallow: /y", True),
    ],
)
def test_our_lines_of_a_robots_txt(lines: str, allowed: bool) -> None:
    assert Protego.parse("\n".join(_ours(lines))).can_fetch("https://a.example/x", US) is allowed


def test_a_robots_txt_of_very_many_rules_is_read_as_far_as_it_is_cheap() -> None:
    others = "User-agent: a\nDisallow: /*\n" * 9000
    rules = "".join(f"Disallow: /x{number}*y\nDisallow: /z{number}\n" for number in range(20_000))
    lines = list(_ours(f"{others}User-agent: *\nDisallow: /a*b\n{rules}"))
    assert len(lines) == MOST_LINES
    assert "".join(line for line in lines if "agent" not in line).count("*") == MOST_WILDCARDS
    parsed = Protego.parse("\n".join(lines))
    assert [parsed.can_fetch(f"https://a.example{path}", US) for path in ("/a1b", "/z1", "/x1y", "/baik")] == [
        *(False, False, False),
        True,
    ]


def test_the_pace_of_a_robots_txt_is_kept() -> None:
    site = hostile.Site(
        {
            "/robots.txt": hostile.says("User-agent: *\nCrawl-delay: 0.7\nDisallow: /b"),
            "/feed": hostile.xml(hostile.feed_of("/a", "/b", "/c", text="")),
            "*": hostile.says(hostile.page_of(hostile.TEXT)),
        }
    )
    politeness = Politeness("x", delay=0, timeout=5, allow_private=True)
    batches = list(crawl([Source("a", "feed", f"{site.url}/feed")], politeness))
    site.close()
    paths = [path for path, _ in site.times]
    assert paths == ["/robots.txt", "/feed", "/a", "/c"]
    assert all(later - earlier > 0.6 for (_, earlier), (_, later) in zip(site.times, site.times[1:], strict=False))
    assert [note.code for batch in batches for visit in batch.visits for note in visit.notes] == ["robots"]
