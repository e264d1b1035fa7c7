"""The readers of a crawl: a few processes of `crawler.reading.reader`, started when needed, ended when they take too much.

Two of them read what is small and quick, and never wait for what is not: that goes to two others, of lower priority. Of those
who wait, the host that has cost the readers least is next, the answer it waits with counted by its size.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from heapq import heappop, heappush
from itertools import count
from time import monotonic
from typing import Any

from scrapy.http import Response

from crawler.notes import note
from crawler.reading.reader import ANSWER, ORDER, WALL, Reading, from_row
from crawler.reading.spool import Spooled
from crawler.tokens import without_tokens

PLACES = 2  # answers that are read at a time in quick lanes, and in slow ones
PATIENCE = 0.5  # seconds after which a quick reader is ended, and its answer read from the beginning in a slow lane
NICENESS = 5  # of slow readers: beside two quick ones they still get a quarter of a core
BYTES_A_SECOND = 1e6  # what an answer is likely to cost, before anybody knows
STARTING = 20.0  # seconds a reader may need to start, and to load its libraries; no answer's time


class Lanes:
    """A few places to read at, the readers that are idle, and who waits: least cost first."""

    def __init__(self, niceness: int) -> None:
        self.niceness, self.free = niceness, PLACES
        self.idle: list[asyncio.subprocess.Process] = []
        self.waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self.numbers = count()

    @asynccontextmanager
    async def place(self, cost: float) -> AsyncIterator[None]:
        if self.free:
            self.free -= 1
        else:
            turn = asyncio.get_running_loop().create_future()
            heappush(self.waiting, (cost, next(self.numbers), turn))
            await turn
        try:
            yield
        finally:
            while self.waiting:
                turn = heappop(self.waiting)[2]
                if not turn.done():  # else nobody waits any more
                    turn.set_result(None)
                    break
            else:
                self.free += 1


class Readers:
    """`read` gives what one answer holds. A host has one answer read at a time."""

    def __init__(self, seconds: float, megabytes: int) -> None:
        self.seconds, self.megabytes = seconds, megabytes
        self.turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.costs: defaultdict[str, float] = defaultdict(float)  # seconds that each host has had of the readers
        self.quick, self.slow = Lanes(0), Lanes(NICENESS)
        self.all: set[asyncio.subprocess.Process] = set()

    async def read(self, host: str, order: Mapping[str, Any], answer: Response) -> Reading:
        async with self.turns[host]:
            small = not isinstance(answer, Spooled)
            reading = await self._read(self.quick, PATIENCE, host, order, answer) if small else None
            reading = reading or await self._read(self.slow, WALL * self.seconds, host, order, answer)
        return reading or self._too_costly(order)

    def kill(self) -> None:
        """End every reader, whatever it does."""
        for reader in self.all:
            with suppress(ProcessLookupError):
                reader.kill()

    async def _read(
        self, lanes: Lanes, patience: float, host: str, order: Mapping[str, Any], answer: Response
    ) -> Reading | None:
        """None if it takes longer."""
        async with lanes.place(self.costs[host] + len(answer.body) / BYTES_A_SECOND):
            return await self._read_at(lanes, patience, host, order, answer)

    async def _read_at(
        self, lanes: Lanes, patience: float, host: str, order: Mapping[str, Any], answer: Response
    ) -> Reading | None:
        was_idle = bool(lanes.idle)
        reader = lanes.idle.pop() if was_idle else await self._started(lanes.niceness)
        began = math.inf
        try:
            async with asyncio.timeout(STARTING):
                await _ask(reader, order, answer.body)
            began = monotonic()
            async with asyncio.timeout(patience):
                said = await _said(reader)
        except TimeoutError:
            await self._end(reader)
            return None
        except (EOFError, OSError):
            await self._end(reader, is_over=True)
            if was_idle and reader.returncode == -signal.SIGKILL:  # by somebody else, perhaps before it was asked
                return await self._read_at(lanes, patience, host, order, answer)
            return self._too_costly(order)
        finally:
            self.costs[host] += max(0.0, monotonic() - began)
        lanes.idle.append(reader)
        reading: Reading = from_row(json.loads(said))
        return reading

    async def _started(self, niceness: int = 0) -> asyncio.subprocess.Process:
        reader = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "crawler.reading.reader", f"{self.seconds:g}", str(self.megabytes)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=without_tokens(os.environ),
        )
        self.all.add(reader)
        os.setpriority(os.PRIO_PROCESS, reader.pid, niceness)
        return reader

    def _too_costly(self, order: Mapping[str, Any]) -> Reading:
        seconds, megabytes = f"{self.seconds:g}", self.megabytes
        told = note("page-costly", order["url"], order["then"], seconds=seconds, megabytes=megabytes)
        return Reading(failure=told, costly=True)

    async def _end(self, reader: asyncio.subprocess.Process, *, is_over: bool = False) -> None:
        """End a reader. One that is over already is not killed again: that might take away how it ended."""
        self.all.discard(reader)
        if not is_over:
            with suppress(ProcessLookupError):
                reader.kill()
        await reader.communicate()


async def _ask(reader: asyncio.subprocess.Process, order: Mapping[str, Any], body: bytes) -> None:
    """Hand an order over; done when the reader begins with it."""
    assert reader.stdin
    text = json.dumps(order).encode()
    reader.stdin.write(ORDER.pack(len(text), len(body)) + text)
    reader.stdin.write(body)
    await reader.stdin.drain()
    await _said(reader)


async def _said(reader: asyncio.subprocess.Process) -> bytes:
    assert reader.stdout
    (length,) = ANSWER.unpack(await reader.stdout.readexactly(ANSWER.size))
    return await reader.stdout.readexactly(length)
