"""Document: one public text as its source published it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal

Kind = Literal["article", "post"]


@dataclass(frozen=True, slots=True)
class Document:
    """A frozen value; the crawler emits it, nobody changes it.

    `key` is the identity of the publication: the same article read twice has the same key, whatever fetched it.
    """

    key: str  # 32 hex characters, `document_key(...)` of the canonical address or, failing that, of source + guid
    source: str  # name of the Source
    url: str  # where a person can read it; http(s) only
    title: str  # empty for posts
    text: str  # plain text, no markup, NFC, no NUL, no controls but newline
    kind: Kind
    fetched_at: datetime  # UTC
    published_at: datetime | None = None  # UTC; never later than fetched_at; None where the source gives none
    author: str | None = None  # byline or handle as published; intake pseudonymises handles before storing
    region: str | None = None  # code of the source's home region: a hint, never a finding
    reactions: int | None = None  # likes + boosts + replies, where the source tells
    notes: tuple[str, ...] = ()  # what was doubtful, as codes of crawler.notes: "date-ahead", "summary-only"

    def to_json(self) -> str:
        """One line of JSON, datetimes as ISO 8601 in UTC."""
        row = asdict(self)
        for name in ("fetched_at", "published_at"):
            row[name] = row[name].isoformat() if row[name] else None
        return json.dumps(row, ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str | bytes | dict[str, Any]) -> Document:
        """The inverse of `to_json`; unknown keys are ignored. Raises ValueError or KeyError on a malformed row."""
        row = dict(line) if isinstance(line, dict) else json.loads(line)
        known = {f.name for f in fields(cls)}
        row = {name: value for name, value in row.items() if name in known}
        for name in ("fetched_at", "published_at"):
            row[name] = datetime.fromisoformat(row[name]) if row.get(name) else None
        row["notes"] = tuple(row.get("notes") or ())
        return cls(**row)


def document_key(identity: str) -> str:
    """32 hex characters that stand for one publication."""
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32]
