"""The readers of a crawl: a few processes of `crawler.reader`, started when needed, ended when they take too much."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from crawler.notes import Note, note
from crawler.reader import ANSWER, ORDER, Reading, from_row
from crawler.tokens import without_tokens

LANES = 2  # answers that are read at a time
MOST = 4  # readers there may be, counting those that have left their lane
PATIENCE = 1.0  # seconds after which a slow answer leaves its lane, so that the others go on
STARTING = 20.0  # seconds a reader may need to start, and to load its libraries; its own alarm does not count them


class Readers:
    """`read` gives what one answer holds. A host has one answer read at a time, so it costs the others nothing."""

    def __init__(self, seconds: float, megabytes: int) -> None:
        self.seconds, self.megabytes = seconds, megabytes
        self.turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.lanes, self.places = asyncio.Semaphore(LANES), asyncio.Semaphore(MOST)
        self.idle: list[asyncio.subprocess.Process] = []
        self.all: set[asyncio.subprocess.Process] = set()

    async def read(self, host: str, order: Mapping[str, Any], body: bytes) -> Reading:
        async with self.turns[host], self.places:
            async with self.lanes:
                reading = asyncio.ensure_future(self._read(order, body))
                await asyncio.wait({reading}, timeout=PATIENCE)
            return await reading

    async def close(self) -> None:
        """End every reader, whatever it does."""
        for reader in list(self.all):
            await self._end(reader)

    async def _read(self, order: Mapping[str, Any], body: bytes) -> Reading:
        was_idle = bool(self.idle)
        reader = self.idle.pop() if was_idle else await self._started()
        try:
            async with asyncio.timeout(STARTING + self.seconds):
                said = await _asked(reader, order, body)
        except (TimeoutError, EOFError, OSError):
            await self._end(reader)
            if was_idle and reader.returncode == -signal.SIGKILL:  # by somebody else, perhaps before it was asked
                return await self._read(order, body)
            return Reading(failure=self._too_costly(order), costly=True)
        if len(self.idle) < LANES:
            self.idle.append(reader)
        else:
            await self._end(reader)
        reading: Reading = from_row(json.loads(said))
        return reading

    async def _started(self) -> asyncio.subprocess.Process:
        reader = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "crawler.reader", f"{self.seconds:g}", str(self.megabytes)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=without_tokens(os.environ),
        )
        self.all.add(reader)
        try:
            async with asyncio.timeout(STARTING):
                await _said(reader)
        except BaseException:
            await self._end(reader)
            raise
        return reader

    def _too_costly(self, order: Mapping[str, Any]) -> Note:
        seconds, megabytes = f"{self.seconds:g}", self.megabytes
        return note("page-costly", order["url"], order["then"], seconds=seconds, megabytes=megabytes)

    async def _end(self, reader: asyncio.subprocess.Process) -> None:
        self.all.discard(reader)
        with suppress(ProcessLookupError):
            reader.kill()
        await reader.communicate()


async def _asked(reader: asyncio.subprocess.Process, order: Mapping[str, Any], body: bytes) -> bytes:
    assert reader.stdin
    text = json.dumps(order).encode()
    reader.stdin.write(ORDER.pack(len(text), len(body)) + text + body)
    await reader.stdin.drain()
    return await _said(reader)


async def _said(reader: asyncio.subprocess.Process) -> bytes:
    assert reader.stdout
    (length,) = ANSWER.unpack(await reader.stdout.readexactly(ANSWER.size))
    return await reader.stdout.readexactly(length)
