"""What an answer may cost while it comes: its headers, its pieces, and the memory of all that come at a time.

Nothing waits for another: what is too much is ended. Scrapy counts the bytes of a body, Twisted those of a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from scrapy.core.downloader.handlers.http11 import (
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
    _LenientHTTPClientParser,
)
from twisted.python.failure import Failure
from twisted.web._newclient import HEADER, STATUS, ParseError

LARGEST_HEAD = 64 * 1024  # bytes of the headers of an answer
MOST_PIECES = 20_000  # of a body, if they are small
SMALL_PIECE = 64  # bytes of a piece, on average
MOST_COMING = 96 * 1024 * 1024  # bytes of all bodies that are under way
MOST_HELD = 512 * 1024 * 1024  # the same with those that wait for a reader, the large ones on disk
SMALL_BODY = 256 * 1024  # bytes; nobody's is ended for the sake of the others
_STATUS = re.compile(rb"\S+ [1-9]\d\d(?: |$)")


class TooLarge(Exception):
    """The headers of an answer have no end."""


class TooManyPieces(Exception):
    """The body of an answer comes in crumbs, each of which costs as much as a thousand bytes."""


class Crowded(Exception):
    """This was the largest of too many large bodies that came at a time."""


class Coming:
    """The bodies that are under way. Where they are too much together, the largest is ended."""

    def __init__(self, waiting: Callable[[], int]) -> None:
        self.waiting = waiting  # bytes of the answers that wait for a reader
        self.sizes: dict[_Parser, int] = {}

    def add(self, parser: _Parser, size: int) -> None:
        if parser not in self.sizes:
            return
        self.sizes[parser] += size
        while sum(self.sizes.values()) > min(MOST_COMING, MOST_HELD - self.waiting()):
            largest = max(self.sizes, key=self.sizes.__getitem__)
            if self.sizes[largest] <= SMALL_BODY:
                return
            del self.sizes[largest]
            largest.end(Crowded())


class _Parser(_LenientHTTPClientParser):
    """Takes an answer apart. The pieces of its body are handed on together, once for each time something was received."""

    coming: Coming

    def begin(self, coming: Coming) -> None:
        self.coming, self.pieces, self.count, self.size = coming, list[bytes](), 0, 0

    def statusReceived(self, status: bytes) -> None:  # noqa: N802  # Twisted's names, here and below
        if not _STATUS.match(status):
            raise ParseError("no status", status)  # type: ignore[no-untyped-call]
        super().statusReceived(status)  # type: ignore[no-untyped-call]

    def switchToBodyMode(self, decoder: Any) -> None:  # noqa: N802
        super().switchToBodyMode(decoder)  # type: ignore[no-untyped-call]
        if decoder is not None:
            decoder.dataCallback = self._piece
            self.coming.sizes[self] = 0

    def rawDataReceived(self, data: bytes) -> None:  # noqa: N802
        super().rawDataReceived(data)  # type: ignore[no-untyped-call]
        self._hand_on()

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        self.coming.sizes.pop(self, None)
        super().connectionLost(reason)

    def end(self, error: Exception) -> None:
        """Fail the request, and let the connection go."""
        reader = self.response._bodyProtocol
        if reader is not None and not reader._finished.called:
            reader._finished.errback(_failure(error))
            self.response._transport._producer.abortConnection()

    def _piece(self, data: bytes) -> None:
        self.pieces.append(data)
        self.count, self.size = self.count + 1, self.size + len(data)
        if self.count > MOST_PIECES and self.size < self.count * SMALL_PIECE:
            raise TooManyPieces

    def _finished(self, rest: bytes) -> None:
        self._hand_on()
        super()._finished(rest)  # type: ignore[no-untyped-call]

    def _hand_on(self) -> None:
        if self.pieces:
            data = b"".join(self.pieces)
            self.pieces.clear()
            self.response._bodyDataReceived(data)
            self.coming.add(self, len(data))


def _failure(error: Exception) -> Failure:
    return Failure(error)  # type: ignore[no-untyped-call]


class _Connection(_LenientHTTP11ClientProtocol):
    """A connection that ends when the headers of an answer grow beyond LARGEST_HEAD."""

    def __init__(self, coming: Coming, quiescent: Any) -> None:
        super().__init__(quiescent)  # type: ignore[no-untyped-call]
        self.coming, self.head = coming, 0

    def request(self, request: Any) -> Any:
        answer = super().request(request)
        parser: Any = self._parser
        if parser is not None:
            parser.__class__ = _Parser  # as Scrapy does: Twisted names the class of its parsers itself
            parser.begin(self.coming)
        return answer

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        super().dataReceived(data)  # type: ignore[no-untyped-call]
        in_head = self._parser is not None and self._parser.state in (STATUS, HEADER)
        self.head = self.head + len(data) if in_head else 0
        if self.head > LARGEST_HEAD:
            self._giveUp(_failure(TooLarge()))  # type: ignore[no-untyped-call]


class _Connections(_LenientHTTP11ClientFactory):
    def __init__(self, coming: Coming, quiescent: Any, metadata: Any) -> None:
        super().__init__(quiescent, metadata)  # type: ignore[no-untyped-call]
        self.coming = coming

    def buildProtocol(self, address: Any) -> _Connection:  # noqa: N802
        return _Connection(self.coming, self._quiescentCallback)


def bound(pool: Any, waiting: Callable[[], int]) -> None:
    """Let a pool make none but bounded connections."""
    pool._factory = partial(_Connections, Coming(waiting))
