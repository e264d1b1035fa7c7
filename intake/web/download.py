"""A file of what somebody may see, for the console and the API: written whole and noted, then sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import BinaryIO, Literal, cast

from fastapi import Response
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from crawler.dates import WIB
from intake.export import export
from intake.models import Person, now
from intake.review.errors import Conflict

What = Literal["candidates", "cases", "mentions", "trends"]
Format = Literal["csv", "xlsx", "jsonl", "geojson"]
TYPES: dict[str, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/jsonl",
    "geojson": "application/geo+json",
}
MOST = 50_000  # rows: 2 s for candidates as CSV, 15 s for mentions as Excel; the operator may export more
IN_MEMORY = 4 * 1024 * 1024  # bytes; a longer file waits on the disk
PART = 64 * 1024  # bytes sent at once
_writing = Lock()  # one file at a time in this process, so that pages are answered meanwhile


def download(session: Session, person: Person, what: What, format: Format) -> Response:
    """Raises NotAllowed, Invalid (too many rows), Conflict (another one is being written)."""
    if not _writing.acquire(blocking=False):
        raise Conflict("export_busy")
    try:
        with ExitStack() as stack:
            file = stack.enter_context(SpooledTemporaryFile(IN_MEMORY))
            export(session, what, format, cast(BinaryIO, file), person, MOST)
            stack.pop_all()  # it is closed once it was sent
    finally:
        _writing.release()
    file.seek(0, 2)
    headers = {
        "Content-Disposition": f'attachment; filename="kentongan-{what}-{now().astimezone(WIB):%Y-%m-%d}.{format}"',
        "Content-Length": str(file.tell()),
    }
    file.seek(0)
    return StreamingResponse(_parts(file), media_type=TYPES[format], headers=headers)


def _parts(file: SpooledTemporaryFile[bytes]) -> Iterator[bytes]:
    with file:
        while part := file.read(PART):
            yield part
