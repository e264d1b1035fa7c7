"""Large answers wait for their reader on disk: however many there are, the crawl process holds none of them in memory."""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import Any

from scrapy.http import Response

LARGE = 512 * 1024  # bytes


class Spooled(Response):
    """An answer whose body lies in a file without a name, which is gone when the answer or the process is."""

    def _set_body(self, body: bytes | None) -> None:
        self.file = TemporaryFile()  # noqa: SIM115  # closed when the answer is no more
        self.file.write(body or b"")

    @property
    def body(self) -> bytes:
        self.file.seek(0)
        return self.file.read()

    def __del__(self) -> None:
        self.file.close()


def spooled(response: Response) -> Response:
    """The same answer, on disk if it is large."""
    if len(response.body) < LARGE:
        return response
    told: dict[str, Any] = {name: getattr(response, name) for name in Response.attributes}
    return Spooled(**told)
