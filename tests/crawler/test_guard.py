"""The ways out: what may be connected to, who asked us to stop, and what a robots.txt forbids."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from protego import Protego
from twisted.internet.address import IPv4Address, IPv6Address

from crawler.guard import GuardedResolver, Ways
from crawler.hosts import host_of, wait_of
from crawler.public import is_public
from crawler.robots import US, _ours
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


class Names:
    """A resolver of names that says something else every time, as a hostile one may."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def resolveHostName(self, receiver: Any, name: str, port: int, *_: Any) -> None:  # noqa: N802
        receiver.resolutionBegan(None)
        for address in self.answers.pop(0):
            kind = IPv6Address if ":" in address else IPv4Address
            receiver.addressResolved(kind("TCP", address, port))
        receiver.resolutionComplete()


def test_what_is_connected_to_is_what_was_checked() -> None:
    names = Names(["8.8.8.8", "10.0.0.1", "::ffff:127.0.0.1"], ["127.0.0.1"], ["8.8.8.8"])
    resolver = GuardedResolver(OPEN, SimpleNamespace(nameResolver=names))
    given: list[str] = []
    receiver = SimpleNamespace(
        resolutionBegan=lambda _: given.append("begins"),
        addressResolved=lambda address: given.append(address.host),
        resolutionComplete=lambda: given.append("ends"),
    )
    for port in (443, 443, 22):
        resolver.resolveHostName(receiver, "Berita.example", port)  # type: ignore[arg-type]
    assert given == ["begins", "8.8.8.8", "ends", "begins", "ends", "begins", "ends"]
    assert resolver.refused == {("berita.example", 443): "not-public", ("berita.example", 22): "port"}


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
    ],
)
def test_our_lines_of_a_robots_txt(lines: str, allowed: bool) -> None:
    assert Protego.parse("\n".join(_ours(lines))).can_fetch("https://a.example/x", US) is allowed


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
