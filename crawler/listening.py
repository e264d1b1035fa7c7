"""Listens to a Jetstream for a while: the download handler of websockets, so that adapters need no other way out.

What is heard becomes the body of an ordinary answer, an event a line. Where the listening ended is its ETag; it comes back
with the next visit as If-None-Match, and the server repeats what came since (Bluesky's: of the last day). Events without
any of the wanted words are dropped as they come.
"""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.exceptions import CannotResolveHostError, DownloadFailedError, DownloadTimeoutError
from scrapy.http import Response
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from crawler.adapters import Listen
from crawler.network.guard import Barred, admit
from crawler.network.hosts import USUAL_PORTS

LARGEST = 1024 * 1024  # bytes of one event
MOST_HEARD = 64 * 1024 * 1024  # characters of all events, wanted or not
_TIME = re.compile(r'"time_us":\s*(\d{16})\b')


class ListeningHandler(BaseDownloadHandler):
    """Scrapy's handler of ws and wss addresses."""

    lazy = True

    async def download_request(self, request: Request) -> Response:
        admit(self.crawler, request)
        listen: Listen = request.cb_kwargs["request"].listen
        position = (request.headers.get("If-None-Match") or b"").decode("latin-1")
        try:
            async with asyncio.timeout(self.crawler.settings.getfloat("DOWNLOAD_TIMEOUT")):
                connection = await self._connected(request, position)
        except TimeoutError as error:
            raise DownloadTimeoutError(request.url) from error
        except InvalidStatus as refusal:
            return Response(request.url, refusal.response.status_code)
        except WebSocketException as error:
            raise DownloadFailedError(type(error).__name__) from error
        heard = Heard(listen.words, self.crawler.settings.getint("DOWNLOAD_MAXSIZE"))
        try:
            with suppress(TimeoutError, ConnectionClosed):  # what was heard until then counts
                async with asyncio.timeout(listen.seconds):
                    await heard.listen(connection)
        finally:
            connection.transport.abort()  # a stream would go on while goodbyes are exchanged
        if not heard.last:
            raise DownloadFailedError("nothing was heard")
        return heard.answer(request.url)

    async def _connected(self, request: Request, position: str) -> ClientConnection:
        """A websocket over a connection of our own to an address that was checked: it follows no redirect and no proxy."""
        parts = urlsplit(request.url)
        connection = await self._open(parts.hostname or "", parts.port or USUAL_PORTS[parts.scheme])
        try:
            return await Straight(
                f"{request.url}&cursor={position}" if position.isdecimal() else request.url,
                sock=connection,
                compression=None,
                max_size=LARGEST,
                open_timeout=None,
                proxy=None,
                user_agent_header=self.crawler.settings["USER_AGENT"],
            )
        except BaseException:
            connection.close()
            raise

    async def _open(self, host: str, port: int) -> socket.socket:
        """A connection to the first address of a host, by the same rule as every other way out."""
        loop, ways = asyncio.get_running_loop(), self.crawler.settings["WAYS"]
        try:
            family, kind, protocol, _, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))[0]
        except OSError as error:
            raise CannotResolveHostError(host) from error
        if code := ways.refusal(host, address[0], port):
            raise Barred(code, host=host, port=str(port))
        connection = socket.socket(family, kind, protocol)
        try:
            connection.setblocking(False)
            await loop.sock_connect(connection, address)
        except BaseException:
            connection.close()
            raise
        return connection


class Straight(connect):
    """A way of connecting that takes a redirect for a refusal."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


@dataclass
class Heard:
    """The events of one visit: those that hold a wanted word, and the last one whatever it holds."""

    words: tuple[str, ...]
    room: int  # characters that may still be kept
    last: str = ""
    kept: list[str] = field(default_factory=list)

    async def listen(self, connection: ClientConnection) -> None:
        """Until the stream ends or there is no more room."""
        heard = 0
        async for message in connection:
            event = message if isinstance(message, str) else message.decode("utf-8", "replace")
            folded, heard = event.lower(), heard + len(event)
            if any(word in folded for word in self.words):
                self.room -= len(event)
                if self.room < 0:  # it comes again, first of all, at the next visit
                    return
                self.kept.append(event)
            self.last = event
            if heard > MOST_HEARD:
                return

    def answer(self, url: str) -> Response:
        """What was heard as an answer whose ETag is the moment of the last event, in microseconds."""
        time = _TIME.search(self.last)
        headers = {"Content-Type": "application/x-ndjson"} | ({"ETag": time[1]} if time else {})
        return Response(url, 200, headers, "\n".join(" ".join(event.split("\n")) for event in self.kept).encode())
