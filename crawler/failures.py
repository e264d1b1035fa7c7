"""What a failed request means: whether it may pass by itself, and in which words it is told."""

from __future__ import annotations

import gzip
import ssl
import zlib
from urllib.parse import urlsplit

from OpenSSL.SSL import Error as TLSError
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.python.failure import Failure

from crawler.adapters import Request
from crawler.guard import Barred, NotPublic
from crawler.notes import Note, Then, note
from crawler.source import Status

Meaning = tuple[Status, str, dict[str, str]]


def why(failure: Failure, request: Request) -> tuple[Status, Note]:
    """What a failed request means, in words; "unreachable" is what may pass by itself."""
    status, code, values = _meaning(failure.value or Exception(), request.url)
    return status, note(code, request.url, then_of(request, passing=status == "unreachable"), says=None, **values)


def then_of(request: Request, *, passing: bool) -> Then:
    """What comes after a request failed: a source is asked again in any case, an article if the failure may pass."""
    if request.page_of is None:
        return "asked-again"
    return "article-again" if passing else "left-out"


def _meaning(error: BaseException, url: str) -> Meaning:
    host = urlsplit(url).hostname or ""
    causes = _causes(error)

    def caused_by(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if isinstance(error, IgnoreRequest):
        return _ignored(error, url)
    if caused_by(NotPublic):
        return "blocked", "not-public", {"host": host}
    if caused_by(CannotResolveHostError):
        return "unreachable", "name", {"host": host}
    if caused_by(DownloadTimeoutError):
        return "unreachable", "timeout", {}
    if caused_by(DownloadCancelledError) or "maxsize" in str(error).lower():
        return "broken", "too-large", {}
    if caused_by(TLSError, ssl.SSLError):
        return "unreachable", "certificate", {}
    if caused_by(ResponseDataLossError, EOFError, zlib.error, gzip.BadGzipFile):
        return "unreachable", "cut-short", {}
    if caused_by(DownloadConnectionRefusedError):
        return "unreachable", "refused", {}
    if caused_by(DownloadFailedError, ConnectError, ConnectionClosed, OSError):
        return "unreachable", "connection", {}
    return "unreachable", "unexpected", {"error": type(error).__name__}


def _ignored(error: IgnoreRequest, url: str) -> Meaning:
    """Why a middleware did not send a request: its own reason, or what its words betray."""
    if isinstance(error, Barred):
        return "blocked", error.code, error.values
    if "DOWNLOAD_MAXSIZE" in str(error):  # found while unpacking
        return "broken", "too-large", {}
    if "redirect" in str(error):
        return "broken", "redirects", {}
    return "blocked", "robots", {}


def _causes(error: BaseException) -> list[BaseException]:
    """The error, what it was raised from, and what libraries wrap in lists of failures."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(found) < 20:
        one = waiting.pop()
        one = one.value if isinstance(one, Failure) else one
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [one.__cause__, one.__context__, *(getattr(one, "reasons", None) or ())]
    return found


def unexpected(error: Exception, url: str) -> Note:
    """The note of what nobody foresaw: the class of the error, never its words."""
    return note("unexpected", url, "asked-again", error=type(error).__name__)
