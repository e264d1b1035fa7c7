"""What a failed request means: whether it may pass by itself, and in which words it is told."""

from __future__ import annotations

import ssl
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
    UnsupportedURLSchemeError,
)
from service_identity import VerificationError
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.python.failure import Failure

from crawler.adapters import Request
from crawler.network.bounds import Crowded, TooLarge, TooManyPieces
from crawler.network.guard import Barred
from crawler.notes import Note, Then, note
from crawler.source import Status

Meaning = tuple[Status, str, dict[str, str]]


def why(failure: Failure, request: Request) -> tuple[Status, Note]:
    """What a failed request means, in words; "unreachable" is what may pass by itself."""
    sent = failure.request.url  # type: ignore[attr-defined]  # Scrapy's: that of the last redirect
    status, code, values = _meaning(failure.value or Exception(), sent)
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
        return _ignored(error)
    if caused_by(CannotResolveHostError):
        return "unreachable", "name", {"host": host}
    if caused_by(DownloadTimeoutError):
        return "unreachable", "timeout", {}
    if caused_by(DownloadCancelledError, TooLarge):
        return "broken", "too-large", {}
    if caused_by(TooManyPieces):
        return "broken", "in-pieces", {}
    if caused_by(Crowded):
        return "unreachable", "crowded", {}
    if caused_by(TLSError, ssl.SSLError, VerificationError):
        return "unreachable", "certificate", {}
    if caused_by(ResponseDataLossError):
        return "unreachable", "cut-short", {}
    if caused_by(DownloadConnectionRefusedError):
        return "unreachable", "refused", {}
    if isinstance(error, ValueError):  # of whoever takes an address apart
        return "broken", "address-odd", {}
    if caused_by(UnsupportedURLSchemeError):
        return "blocked", "scheme", {"scheme": urlsplit(url).scheme}
    if caused_by(DownloadFailedError, ConnectError, ConnectionClosed, OSError):
        return "unreachable", "connection", {}
    return "unreachable", "unexpected", {"error": type(error).__name__}


def _ignored(error: IgnoreRequest) -> Meaning:
    """Why a request was not sent: its own reason, or that of Scrapy, which has but one."""
    if isinstance(error, Barred):
        return "unreachable" if error.passing else "blocked", error.code, error.values
    return "broken", "redirects", {}


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
