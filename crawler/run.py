"""A crawl in a child process, yielding batches of Documents and finished Visits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from crawler.document import Document
from crawler.notes import Note, note
from crawler.politeness import Politeness
from crawler.source import Batch, Source, Validators, Visit, source_row

__all__ = ["Politeness", "crawl"]

BATCH = 50
HOME = Path(__file__).parents[1]  # where the packages stand


Robots = dict[str, dict[str, str]]  # what the robots.txt of each host said, and when


def crawl(
    sources: Sequence[Source],
    politeness: Politeness,
    *,
    probe: bool = False,
    archive: Path | None = None,
    robots: Robots | None = None,
) -> Generator[Batch, None, None]:
    """Visit `sources` and yield what they publish, at most 50 documents a batch, a batch at the end of each visit.

    With `probe` only the lists are asked for: the visits tell what answers, no document comes. The raw answers of documents
    are kept in the folder `archive`, if there is one. `robots` is the caller's memory from one crawl to the next: what is in
    it is not asked for again for a day. Closing the generator ends the child; a child that dies leaves a visit with status
    "broken" for every source it did not finish.
    """
    if not sources:
        return
    waiting = {source.name for source in sources}
    started_at = datetime.now(UTC)
    robots = {} if robots is None else robots
    order = {
        "addresses": [source.url for source in sources],
        "politeness": asdict(politeness),
        "probe": probe,
        "archive": str(archive) if archive else None,
        "robots": robots,
    }
    with _Child(order, sources) as (out, process):
        for batch in _batches(out, robots):
            waiting -= {visit.source for visit in batch.visits}
            yield batch
        code = process.wait(timeout=30)
    if waiting:
        told = (note("crawler-ended", then="asked-again", exit=code),)
        at = datetime.now(UTC)
        visits = (Visit(name, "broken", started_at, at, notes=told, unfinished=True) for name in sorted(waiting))
        yield Batch(visits=tuple(visits))


class _Child:
    """The child process and its output; on leaving, it is ended if it still runs."""

    def __init__(self, order: dict[str, Any], sources: Sequence[Source]) -> None:
        self.order, self.sources = order, sources

    def __enter__(self) -> tuple[IO[bytes], subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "crawler.spider"]
        found = os.pathsep.join(filter(None, (str(HOME), os.environ.get("PYTHONPATH"))))  # from any folder
        environment = os.environ | {"PYTHONPATH": found}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        assert self.process.stdin and self.process.stdout
        with suppress(BrokenPipeError):  # a child that died at once: its output ends and says so
            for row in (self.order, *map(source_row, self.sources)):
                self.process.stdin.write(json.dumps(row).encode() + b"\n")
            self.process.stdin.flush()  # left open: the child ends when it closes
        return self.process.stdout, self.process

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin and self.process.stdout
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()


def _batches(out: IO[bytes], robots: Robots) -> Iterator[Batch]:
    documents: list[Document] = []
    for line in out:
        try:
            row = json.loads(line)
        except ValueError:
            continue  # the last line of a child that was killed while writing
        if "document" in row:
            documents.append(Document.from_json(row["document"]))
        if "robots" in row:  # what is older than a day does not come back
            robots.clear()
            robots |= row["robots"]
        visits = (_visit(row["visit"]),) if "visit" in row else ()
        if visits or len(documents) >= BATCH:
            yield Batch(tuple(documents), visits)
            documents = []
    if documents:
        yield Batch(tuple(documents))


def _visit(row: dict[str, Any]) -> Visit:
    for name in ("started_at", "finished_at", "wait_until"):
        row[name] = datetime.fromisoformat(row[name]) if row[name] else None
    row["notes"] = tuple(Note(**note) for note in row["notes"])
    row["left_out"] = tuple(row["left_out"])
    row["validators"] = {url: Validators(**value) for url, value in row["validators"].items()}
    return Visit(**row)
