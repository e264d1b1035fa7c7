"""Reading in processes that may be ended: what a costly answer costs, its own host and the others."""

import asyncio
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import IO, Any

import pytest
from scrapy.http import HtmlResponse, Response

from crawler.adapters import Draft, Request
from crawler.reading.reader import ANSWER, ORDER, WALL, Reading, to_row
from crawler.reading.spool import LARGE, Spooled, spooled
from crawler.reading.workers import NICENESS, PLACES, Lanes, Readers

URL = "https://a.example/x"
HONEST = "<p>“Jalan rusak – sudah dua tahun”, kata warga".encode()
ORDER_OF_A_PAGE = {
    "task": "page",
    "url": URL,
    "status": 200,
    "headers": {"content-type": "text/html"},
    "at": datetime(2026, 11, 24, 12, tzinfo=UTC).isoformat(),
    "request": to_row(Request(URL, Draft("a.example/x", URL, "Judul"))),
    "kind": "article",
    "limit": 200_000_000,
    "then": "left-out",
    "options": {"body": "p"},
    "told_by": URL,
}


def attributes(count: int) -> bytes:
    """A page that costs the square of its attributes: half a second for 5,000, a minute for 50,000."""
    return b"<p " + b" ".join(b"a%d=''" % number for number in range(count)) + b">" + HONEST


SLOW, COSTLY = attributes(10_000), attributes(50_000)
LARGE_AND_COSTLY = attributes(80_000)
assert len(COSTLY) < LARGE < len(LARGE_AND_COSTLY)


async def end(readers: Readers) -> None:
    readers.kill()
    await asyncio.gather(*(reader.communicate() for reader in readers.all))


async def closing(readers: Readers, *pages: tuple[str, bytes]) -> list[Reading]:
    """What readers make of pages by host, all at once; ended afterwards."""
    answers = [(host, spooled(Response(URL, body=body))) for host, body in pages]
    try:
        return await asyncio.gather(*(readers.read(host, ORDER_OF_A_PAGE, answer) for host, answer in answers))
    finally:
        await end(readers)


def test_a_costly_page_is_ended_and_the_next_is_read() -> None:
    costly, honest = asyncio.run(closing(Readers(1.0, 512), ("a.example", COSTLY), ("a.example", HONEST)))
    assert costly.costly and costly.failure is not None
    assert (costly.failure.code, "1 detik" in costly.failure.message) == ("page-costly", True)
    assert len(honest.found) == 1


def test_a_page_that_needs_too_much_memory_is_ended() -> None:
    (costly,) = asyncio.run(closing(Readers(30.0, 64), ("a.example", gzip.compress(bytes(100_000_000)))))
    assert costly.costly


def test_a_page_slower_than_others_is_read_all_the_same() -> None:
    async def priorities() -> list[int]:
        readers = Readers(20.0, 512)
        slow = await readers.read("a.example", ORDER_OF_A_PAGE, Response(URL, body=SLOW))
        honest = await readers.read("a.example", ORDER_OF_A_PAGE, Response(URL, body=HONEST))
        assert (len(slow.found), len(honest.found)) == (1, 1)
        idle = [*readers.slow.idle, *readers.quick.idle]
        found = [os.getpriority(os.PRIO_PROCESS, reader.pid) for reader in idle]
        await end(readers)
        return found

    ours = os.getpriority(os.PRIO_PROCESS, 0)
    assert asyncio.run(priorities()) == [NICENESS, ours]


def test_a_reader_that_somebody_else_ended_costs_no_page() -> None:
    async def read_twice() -> list[Reading]:
        readers = Readers(10.0, 512)
        first = await readers.read("a.example", ORDER_OF_A_PAGE, Response(URL, body=HONEST))
        readers.quick.idle[0].kill()
        second = await readers.read("a.example", ORDER_OF_A_PAGE, Response(URL, body=HONEST))
        await end(readers)
        return [first, second]

    assert [len(reading.found) for reading in asyncio.run(read_twice())] == [1, 1]


@pytest.mark.parametrize("costly", [COSTLY, LARGE_AND_COSTLY])
def test_costly_hosts_cost_the_others_nothing(costly: bytes) -> None:
    """As many hosts as there are readers keep them busy; the page of another is read before any of theirs is given up."""

    async def all_of_them() -> list[str]:
        readers, done = Readers(2.0, 512), []

        async def one(host: str, body: bytes) -> None:
            await readers.read(host, ORDER_OF_A_PAGE, spooled(Response(URL, body=body)))
            done.append(host)

        hostile = [one(f"{number}.example", costly) for number in range(2 * PLACES)]
        await asyncio.gather(*hostile, one("baik.example", HONEST))
        await end(readers)
        return done

    assert asyncio.run(all_of_them())[0] == "baik.example"


def test_the_host_that_has_cost_least_is_next() -> None:
    async def in_turn() -> list[float]:
        lanes, done = Lanes(0), list[float]()

        async def one(cost: float) -> None:
            async with lanes.place(cost):
                await asyncio.sleep(0)
                done.append(cost)

        await asyncio.gather(*map(one, (8.0, 9.0, 3.0, 1.0, 2.0)))
        assert lanes.free == PLACES
        return done

    assert asyncio.run(in_turn()) == [8.0, 9.0, 1.0, 2.0, 3.0]


def test_who_no_longer_waits_takes_no_place() -> None:
    async def given_up() -> int:
        lanes = Lanes(0)

        async def one(moment: asyncio.Event) -> None:
            async with lanes.place(0.0):
                await moment.wait()

        moment = asyncio.Event()
        tasks = [asyncio.ensure_future(one(moment)) for _ in range(4)]
        await asyncio.sleep(0)
        tasks[2].cancel()
        moment.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        return lanes.free

    assert asyncio.run(given_up()) == PLACES


def started(seconds: float, *body: bytes) -> tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]:
    """A reader, and its two ends; given a body, it has begun to read it."""
    command = [sys.executable, "-m", "crawler.reading.reader", f"{seconds:g}", "512"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin and process.stdout
    for page in body:
        text = json.dumps(ORDER_OF_A_PAGE).encode()
        process.stdin.write(ORDER.pack(len(text), len(page)) + text + page)
        process.stdin.flush()
        assert process.stdout.read(ANSWER.size) == ANSWER.pack(0)
    return process, process.stdin, process.stdout


def held_up(seconds: float, wall: float, body: bytes) -> tuple[int, Any]:
    """The end and the answer of a reader that others keep from the processor for so long."""
    process, given, out = started(seconds, body)
    process.send_signal(signal.SIGSTOP)
    time.sleep(wall)
    process.send_signal(signal.SIGCONT)
    given.close()
    said = out.read()
    out.close()
    return process.wait(timeout=20), json.loads(said[ANSWER.size :]) if said else None


def test_a_readers_time_is_that_of_the_processor() -> None:
    ended, said = held_up(2.0, 2.2, attributes(5000))
    assert (ended, len(said["Reading"]["found"])) == (0, 1)


def test_a_reader_that_is_kept_from_its_work_ends_all_the_same() -> None:
    assert held_up(0.2, 0.2 * WALL + 0.1, COSTLY) == (-signal.SIGALRM, None)


def test_a_reader_ends_with_its_parent_even_in_the_middle_of_a_page() -> None:
    idle, busy = started(1.0), started(1.0, COSTLY)
    began = time.monotonic()
    for _, given, out in (idle, busy):
        given.close()  # what a dying parent does
        out.close()
    assert idle[0].wait(timeout=20) == 0
    assert busy[0].wait(timeout=20) in (-signal.SIGPROF, -signal.SIGALRM)
    assert time.monotonic() - began < 20


def test_a_large_answer_waits_on_disk() -> None:
    body = os.urandom(LARGE)
    told = HtmlResponse(URL, 203, {"ETag": '"1"'}, body, ["partial"], encoding="utf-8", protocol="HTTP/1.1")
    kept = spooled(told)
    assert isinstance(kept, Spooled)
    assert (kept.url, kept.status, kept.headers, kept.flags) == (URL, 203, told.headers, ["partial"])
    assert (kept.body, kept.body, kept.protocol) == (body, body, "HTTP/1.1")
    assert os.fstat(kept.file.fileno()).st_nlink == 0  # no name: nothing is left behind, however the process ends
    small = Response(URL, body=body[:-1])
    assert spooled(small) is small
