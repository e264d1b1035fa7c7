"""Source: a place we listen to; and what one visit to it gave."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from crawler.document import Document, Kind
from crawler.notes import Note

Status = Literal["ok", "unchanged", "empty", "blocked", "unreachable", "broken"]


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave for conditional GET; handed in with the Source, handed back with the Visit."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A frozen value; the crawler keeps no state of its own."""

    name: str  # unique; what an officer reads
    adapter: str  # a module of crawler.adapters
    url: str
    region: str | None = None  # home region, a hint: "14.71", "14"
    kind: Kind = "article"
    interval: int = 30  # minutes between visits
    enabled: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)  # the adapter's own: selectors, tags
    validators: Mapping[str, Validators] = field(default_factory=dict)  # by URL
    known: frozenset[str] = frozenset()  # keys of recent Documents: their pages are not fetched again
    settled: frozenset[str] = (
        frozenset()
    )  # those of `known` that stem from visits that ended well: see `intake.sources`
    since: datetime | None = None  # published_at of the newest settled Document


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visit to one Source gave: an expected failure is a result, not an exception."""

    source: str
    status: Status
    started_at: datetime
    finished_at: datetime
    requests: int = 0
    unchanged: int = 0  # answers 304
    found: int = 0  # items of the lists, known or not
    documents: int = 0  # handed over
    notes: tuple[Note, ...] = ()
    validators: Mapping[str, Validators] = field(default_factory=dict)
    unfinished: bool = False  # something is still to be asked for: the next visit must not take this one as read


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents and finished Visits, in the order they came; either may be empty."""

    documents: tuple[Document, ...] = ()
    visits: tuple[Visit, ...] = ()


def load_sources(path: Path) -> list[Source]:
    """The `[[source]]` tables of a TOML file.

    Raises ValueError naming the file, the source and the key that is wrong.
    """
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("source", [])
    sources, seen = [], set()
    for row in rows:
        try:
            source = Source(**row)
        except TypeError as error:
            raise ValueError(f"{path}: source {row.get('name', '?')!r}: {error}") from None
        if source.name in seen:
            raise ValueError(f"{path}: two sources are named {source.name!r}")
        seen.add(source.name)
        sources.append(source)
    return sources
