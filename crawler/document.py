"""Document: one public text as its source published it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

Kind = Literal["article", "post"]


@dataclass(frozen=True, slots=True)
class Document:
    """A frozen value; the crawler emits it, nobody changes it.

    `key` is the identity of the publication: the same article read twice has the same key, whatever fetched it. Read again
    after an edit it has another `stamp`.
    """

    key: str  # 32 hex characters, `document_key(...)` of the address the page gives as its own, else of the one it was read at
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
    aliases: tuple[str, ...] = ()  # keys of the other addresses it was met at; the page's own claim made them one
    claim: str = ""  # key of an address its page claims without looking like it: only the text there can tell
    told_by: str = ""  # site of the source, where that is not the article's own: the note "hearsay" goes with it
    stamp: str = ""  # `stamp(...)` of what its list told of its state; empty where the list tells nothing
    evidence: str | None = None  # SHA-256 of the body of the answer it was read from: see `crawler.archive`

    def to_json(self) -> str:
        """One line of JSON, datetimes as ISO 8601 in UTC."""
        row = {one.name: getattr(self, one.name) for one in fields(self)}
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
        for name in ("notes", "aliases"):
            row[name] = tuple(row.get(name) or ())
        return cls(**row)


def document_key(identity: str) -> str:
    """32 hex characters that stand for one publication."""
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def stamp(*parts: str) -> str:
    """16 hex characters that stand for the state of something; white space makes no difference, and nothing has none."""
    told = "\n".join(" ".join(part.split()) for part in parts)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16] if told.strip() else ""
