"""What an answer may cost while it comes, and that nobody waits for another: over loopback, with a server for each host."""

import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from crawler import Document, Visit
from crawler.run import Politeness, crawl
from crawler.source import Source, source_row
from tests.crawler import hostile

POLITE = Politeness("Kentongan-Test (+test@example.invalid)", delay=0.0, timeout=5.0, allow_private=True)
GOOD = {"/feed": hostile.xml(hostile.feed_of("/a"))}


@contextmanager
def sites(*routes: dict[str, hostile.Answer]) -> Iterator[list[hostile.Site]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(hostile.Site(one))) for one in routes]


def heard(*those: hostile.Site, politeness: Politeness = POLITE) -> tuple[list[Document], list[Visit]]:
    """The documents, and the visits in the order in which they ended."""
    batches = list(crawl([Source(str(n), "feed", f"{one.url}/feed") for n, one in enumerate(those)], politeness))
    return [one for batch in batches for one in batch.documents], [one for batch in batches for one in batch.visits]


def in_pieces(body: str, size: int, *, endless: bool = False) -> hostile.Answer:
    """A body in chunks of so many bytes, again and again if it is endless."""

    def answer(exchange: hostile.Exchange) -> None:
        data = body.encode()
        cut = [data[at : at + size] for at in range(0, len(data), size)]
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in cut)
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
        while endless and not exchange.over():
            exchange.send(chunks)
        exchange.send(b"0\r\n\r\n")

    return answer


def test_an_answer_without_end_in_crumbs_is_ended_and_after_three_the_visit_too() -> None:
    crumbs = in_pieces("x" * 5000, 1, endless=True)
    listed = hostile.xml(hostile.feed_of(*(f"/p{n}" for n in range(9)), text=""))
    with sites({"/feed": crumbs}, {"/feed": listed, "*": crumbs, "/robots.txt": hostile.missing}) as (one, other):
        documents, visits = heard(one, other)
        asked = sum(path.startswith("/p") for path in other.asked)
    ended = {visit.source: (visit.status, [note.code for note in visit.notes]) for visit in visits}
    assert documents == []
    assert ended == {"0": ("broken", ["in-pieces"]), "1": ("ok", [*["in-pieces"] * 4, "too-costly"])}
    assert asked == 4  # two of a visit are under way at a time


def test_a_page_in_a_few_thousand_small_pieces_is_a_page() -> None:
    page = hostile.page_of(hostile.TEXT * 20)
    listed = hostile.xml(hostile.feed_of("/a", text=""))
    with sites({"/feed": listed, "/a": in_pieces(page, 5)}) as those:
        documents, visits = heard(*those)
    assert len(page) / 5 > 3000
    assert [document.text.count("Warga") for document in documents] == [200]
    assert visits[0].notes == ()


@pytest.mark.parametrize("status", ["000", "99", "-1", "+200", "2_00", "0200", "20"])
def test_a_status_that_is_none_is_another_protocol(status: str) -> None:
    def answer(exchange: hostile.Exchange) -> None:
        body = hostile.feed_of("/a")
        exchange.send(f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    with sites({"/robots.txt": hostile.missing, "/feed": answer}) as those:
        documents, visits = heard(*those)
    assert documents == []
    assert (visits[0].status, [note.code for note in visits[0].notes]) == ("unreachable", ["connection"])


def test_a_part_that_nobody_asked_for_is_an_answer_cut_short() -> None:
    part = hostile.says(hostile.page_of(hostile.TEXT), status=206, Content_Range="bytes 0-899/5000")
    with sites({"/feed": hostile.xml(hostile.feed_of("/a", text="")), "/a": part}) as those:
        documents, visits = heard(*those)
    assert documents == []
    assert ([note.code for note in visits[0].notes], visits[0].unfinished) == (["cut-short"], True)


def test_hosts_that_say_nothing_keep_nobody_waiting() -> None:
    with sites(*({"*": hostile.silence} for _ in range(40)), GOOD) as those:
        documents, visits = heard(*those)
    assert len(documents) == 1
    assert visits[0].source == "40"  # before the first of the silent ones
    assert {note.code for visit in visits[1:] for note in visit.notes} == {"timeout"}


def test_a_server_that_has_stopped_answering_is_left_alone_for_the_rest_of_the_visit() -> None:
    listed = hostile.xml(hostile.feed_of(*(f"/p{n}" for n in range(20)), text=""))
    page = hostile.says(hostile.page_of(hostile.TEXT))
    falls_silent = {"/feed": listed, "/p3": page, "*": hostile.silence, "/robots.txt": hostile.missing}
    politeness = Politeness("x", delay=0.0, timeout=0.8, allow_private=True)
    with sites(falls_silent) as those:
        documents, visits = heard(*those, politeness=politeness)
        asked = sum(path.startswith("/p") for path in those[0].asked)
    told = [note.code for note in visits[0].notes]
    assert len(documents) == 1
    assert told == ["timeout"] * (asked - 1) + ["no-answer"]
    assert 9 <= asked <= 10  # three before the page that came, five after it or about then, and one was under way
    assert visits[0].unfinished


def test_a_crawl_ends_when_its_time_is_up_whatever_is_under_way() -> None:
    politeness = Politeness("x", delay=0.0, timeout=60.0, run_limit=2.0, allow_private=True)
    with sites(GOOD, {"*": hostile.silence}, {"/robots.txt": hostile.missing, "/feed": hostile.drip}) as those:
        started = time.monotonic()
        documents, visits = heard(*those, politeness=politeness)
        seconds = time.monotonic() - started
    assert len(documents) == 1
    assert {visit.source: visit.status for visit in visits} == {"0": "ok", "1": "unreachable", "2": "unreachable"}
    assert {note.code for visit in visits for note in visit.notes} == {"unfinished"}
    assert seconds < 2 + 5 + 5  # five to start on a busy machine


CROWDED = """
import crawler.network.bounds
crawler.network.bounds.MOST_COMING = 2_000_000
from crawler.spider import main
main()
"""


def slow_body(exchange: hostile.Exchange) -> None:
    """Nearly all of a large body, and the end of it later."""
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 900001\r\n\r\n" + b" " * 900_000)
    hostile.silence(exchange)


def test_of_many_large_answers_at_a_time_the_largest_are_ended_and_no_small_one() -> None:
    large = {"/robots.txt": hostile.missing, "/feed": slow_body}
    with sites(large, large, large, large, GOOD) as those:
        visits = in_child(CROWDED, [Source(str(n), "feed", f"{one.url}/feed") for n, one in enumerate(those)])
    codes = sorted(note["code"] for visit in visits for note in visit["notes"])
    assert codes == ["crowded", "crowded", "timeout", "timeout"]
    assert all(visit["unfinished"] for visit in visits if visit["notes"])
    assert [visit["documents"] for visit in visits if visit["source"] == "4"] == [1]


def in_child(code: str, sources: list[Source]) -> list[dict[str, Any]]:
    """The visits of a crawl process that begins with some code."""
    politeness = {"user_agent": "x", "delay": 0, "timeout": 5, "allow_private": True}
    order = {"addresses": [source.url for source in sources], "politeness": politeness, "probe": False}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin and child.stdout
        for row in (order, *map(source_row, sources)):
            child.stdin.write(json.dumps(row) + "\n")
        child.stdin.flush()
        rows = [json.loads(line) for line in child.stdout]
    return [row["visit"] for row in rows if "visit" in row]


def certificate(folder: Path, *names: x509.GeneralName) -> Path:
    """A file with a certificate for these names that has signed itself, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    made = made.add_extension(x509.BasicConstraints(True, None), True)
    if names:
        made = made.add_extension(x509.SubjectAlternativeName(names), False)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / f"{len(names)}.pem"
    file.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + secret)
    return file


@contextmanager
def secure(file: Path) -> Iterator[str]:
    """A feed behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    listener = socket.create_server(("127.0.0.1", 0))
    body = hostile.feed_of("/a")

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as connection:
                    connection.settimeout(5)
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/xml\r\n")
                    connection.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            except OSError:
                continue

    Thread(target=serve, daemon=True).start()
    with listener:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/feed"
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("names", "trusted", "status"),
    [
        ((x509.IPAddress(ip_address("127.0.0.1")),), True, "ok"),
        ((x509.IPAddress(ip_address("127.0.0.1")),), False, "unreachable"),
        ((x509.IPAddress(ip_address("127.0.0.2")),), True, "unreachable"),
        ((x509.DNSName("lain.example"),), True, "unreachable"),
        ((), True, "unreachable"),
        ((), False, "unreachable"),
    ],
)
def test_a_certificate_must_name_its_host(
    names: tuple[x509.GeneralName, ...],
    trusted: bool,
    status: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = certificate(tmp_path, *names)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with secure(file) as url:
        batches = list(
            crawl([Source("uji", "feed", url)], Politeness("x", timeout=5, obey_robots=False, allow_private=True))
        )
    visit = batches[-1].visits[0]
    assert (visit.status, [note.code for note in visit.notes]) == (status, [] if status == "ok" else ["certificate"])
    assert capfd.readouterr().err == ""
