"""Raw answers as evidence: WARC records in a folder, each body once, named by its SHA-256.

A record holds the status line, the headers without cookies, and the body as it came over the network: what the server
packed stays packed, only the chunks of the transfer are put together. Its reason phrase is the usual one of the status, for the
network library keeps none. The same bytes received again, from whatever address, are kept once, with the first address and
moment.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from crawler.reading.unpack import unpack

RESERVE = 200 * 1024 * 1024  # bytes left free on the disk: the database stands there too
MOST_KEPT = 50 * 1024 * 1024  # bytes of the answers of one visit
LARGEST = 64 * 1024 * 1024  # bytes of a record that is read
SUFFIX = ".warc.gz"
_BREAKS = re.compile(r"[\r\n]")
NOT_KEPT = ("set-cookie", "set-cookie2", "transfer-encoding")
LEVEL = 1  # of compression: most pages come packed already, and 6 costs three times as much for a fifth less


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a server."""

    url: str
    at: datetime
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    protocol: str = "HTTP/1.1"

    @property
    def digest(self) -> str:
        """SHA-256 of the body, 64 hex characters."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Kept:
    """What a record says, and what its body is."""

    url: str
    at: str  # as it stands in the record: 2026-11-24T05:00:00Z
    status: str
    digest: str  # SHA-256 of the body, computed again
    size: int


class Damaged(Exception):
    """The file holds no record that can be read, or more than one."""


def path_of(folder: Path, digest: str) -> Path:
    """Where the answer with that body is kept."""
    return folder / digest[:2] / f"{digest}{SUFFIX}"


def keep(folder: Path, answer: Answer, reserve: int = RESERVE) -> str:
    """Write an answer down, whole or not at all; returns the digest of its body. OSError if the disk is full or closed."""
    digest = answer.digest
    path = path_of(folder, digest)
    if path.exists():
        os.utime(path)  # its time counts from the last answer
        return digest
    if not path.parent.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
    if shutil.disk_usage(folder).free < reserve:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    made = path.with_suffix(f".{os.getpid()}")
    try:
        with os.fdopen(os.open(made, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
            file.write(_record(answer, digest))
        made.replace(path)
    except OSError:
        made.unlink(missing_ok=True)
        raise
    return digest


def read(content: bytes) -> Kept:
    """What is kept in a file with this content. Raises Damaged."""
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    unpacked = unpack(content, "gzip", LARGEST)
    if not unpacked.whole or len(unpacked.body) > LARGEST:
        raise Damaged("it cannot be unpacked")
    try:
        (kept,) = [_kept(record) for record in ArchiveIterator(io.BytesIO(unpacked.body))]
    except (ArchiveLoadFailed, ValueError, EOFError) as error:
        raise Damaged(" ".join(str(error).split())[:200]) from None
    return kept


def unused_since(folder: Path, moment: datetime) -> Iterator[Path]:
    """The files last written before a moment, leftovers of writers that were ended among them."""
    limit = moment.timestamp()
    for path in sorted(folder.glob("[0-9a-f][0-9a-f]/*")):
        if path.stat().st_mtime < limit:
            yield path


def _record(answer: Answer, digest: str) -> bytes:
    """One WARC/1.0 record, gzipped as a member of its own; the same answer gives the same bytes."""
    from warcio.warcwriter import WARCWriter

    told = [(name, value) for name, value in answer.headers if name.lower() not in NOT_KEPT]
    head, is_http = _head(answer, told), answer.url.startswith("http")  # on a stream nothing comes but what was heard
    about = {"WARC-Date": f"{answer.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    name = f"{answer.url} {about['WARC-Date']} {digest}"
    about["WARC-Record-ID"] = f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}>"
    about["WARC-Payload-Digest"] = f"sha256:{digest}"
    block = (head.headers_buff if is_http else b"") + answer.body
    about["WARC-Block-Digest"] = f"sha256:{hashlib.sha256(block).hexdigest()}"
    kind = {"http_headers": head} if is_http else {"warc_content_type": dict(told).get("Content-Type", "text/plain")}
    plain = io.BytesIO()
    writer = WARCWriter(plain, gzip=False)
    body = {"payload": io.BytesIO(answer.body), "length": len(answer.body)}
    writer.write_record(
        writer.create_warc_record(
            answer.url, "response" if is_http else "resource", warc_headers_dict=about, **body, **kind
        )
    )
    return gzip.compress(plain.getvalue(), LEVEL, mtime=0)


def _head(answer: Answer, told: list[tuple[str, str]]) -> Any:
    """The status line and the headers, in the bytes they came in: warcio itself would refuse what is not ASCII."""
    from warcio.statusandheaders import StatusAndHeaders

    lines = [
        f"{answer.protocol} {answer.status} {_phrase(answer.status)}",
        *(f"{name}: {value}" for name, value in told),
    ]
    came = "".join(f"{_BREAKS.sub(' ', line)}\r\n" for line in (*lines, "")).encode("latin-1", "replace")

    class Head(StatusAndHeaders):  # type: ignore[misc]
        def compute_headers_buffer(self, header_filter: object = None) -> None:
            self.headers_buff = came

    head = Head(lines[0].partition(" ")[2], told, protocol=answer.protocol)
    head.compute_headers_buffer()
    return head


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _kept(record: Any) -> Kept:
    digest, size = hashlib.sha256(), 0
    while piece := record.raw_stream.read(64 * 1024):
        digest.update(piece)
        size += len(piece)
    url, at, stated = (
        record.rec_headers.get_header(f"WARC-{name}") for name in ("Target-URI", "Date", "Payload-Digest")
    )
    if not url or not at or stated != f"sha256:{digest.hexdigest()}":
        raise ValueError("its headers and its body do not agree")
    status = record.http_headers.get_statuscode() if record.http_headers else ""
    return Kept(url, at, status, digest.hexdigest(), size)
