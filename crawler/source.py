"""Source: a place we listen to; and what one visit to it gave."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
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
    stamps: Mapping[str, str] = field(default_factory=dict)  # key -> Document.stamp, as this source last told it
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
    wait_until: datetime | None = None  # until when the host asked to be left alone
    titles: int = 0  # of the documents, those with a title, a date, a text of their own: not the list's summary
    dates: int = 0
    bodies: int = 0
    lost: int = 0  # articles whose page was left out, because nothing could be read in it
    left_out: tuple[str, ...] = ()  # keys of articles that cannot be had or read, and will not be at the next visit
    moved_to: str | None = None  # where the source's address leads for good, by permanent redirects alone
    aliases: Mapping[str, str] = field(
        default_factory=dict
    )  # key of a page that was a known document -> that one's key
    stamps: Mapping[str, str] = field(default_factory=dict)  # of known documents that are not to be fetched for it


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents and finished Visits, in the order they came; either may be empty."""

    documents: tuple[Document, ...] = ()
    visits: tuple[Visit, ...] = ()


def source_row(source: Source) -> dict[str, Any]:
    """The JSON form of a Source, for another process."""
    row = {one.name: getattr(source, one.name) for one in fields(source) if one.name != "settled"}
    return row | {
        "options": dict(source.options),
        "validators": {url: asdict(given) for url, given in source.validators.items()},
        "known": sorted(source.known),
        "unsettled": sorted(source.known - source.settled),  # few, while the settled are nearly all
        "stamps": dict(source.stamps),
        "since": source.since.isoformat() if source.since else None,
    }


def source_from(row: Mapping[str, Any]) -> Source:
    """The inverse of `source_row`."""
    values, known = dict(row), frozenset(row["known"])
    unsettled = frozenset(values.pop("unsettled", ()))
    values |= {
        "validators": {url: Validators(**given) for url, given in row["validators"].items()},
        "known": known,
        "settled": known - unsettled if unsettled else known,
        "since": datetime.fromisoformat(row["since"]) if row["since"] else None,
    }
    return Source(**values)


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
