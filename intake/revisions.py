"""Edits: the texts a mention had before, and what changed from one to the next.

A mention holds the newest text. When its source publishes another one, that waits in `Mention.edit` until it is analysed: only
then the new text and what must be masked in it take the place of the old ones together, and the old text becomes a Revision.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any, Literal

from sqlalchemy.orm import Session

from intake.masking import masked
from intake.models import Mention, Revision

MOST = 30  # earlier texts of one mention that are kept: the first, and the newest
MOST_PAIRS = 50_000  # of equal words, in what is compared; beyond, all of it is shown as taken out and put in
AROUND = 90  # characters shown on each side of a change
POORER = {"summary-only", "headline-only"}  # the article was not read this time


def hash_of(title: str, text: str) -> str:
    """SHA-256 of the words of a text, 64 hex characters; white space makes no difference."""
    return hashlib.sha256(f"{' '.join(title.split())}\n{' '.join(text.split())}".encode()).hexdigest()


# ---- from one text to the next -------------------------------------------------------------------------------------


def note_edit(mention: Mention, row: Mapping[str, Any]) -> bool:
    """Let the mention wait for the analysis of a text that is not its newest one; False if it is, or is no better.

    `row`: title, text, notes, evidence and fetched_at as they would be stored.
    """
    text = hash_of(row["title"], row["text"])
    if text == hash_of(mention.title, mention.text):
        mention.edit = None
        return False
    if mention.edit and text == hash_of(mention.edit["title"], mention.edit["text"]):
        return False
    if POORER.intersection(row["notes"]) - set(mention.notes):
        return False
    edit = {name: row[name] for name in ("title", "text", "notes", "evidence")}
    mention.edit = edit | {"seen_at": row["fetched_at"].isoformat()}
    mention.analysed_at, mention.attempts = None, 0
    return True


def take_over(session: Session, mention: Mention) -> None:
    """Give the mention the text that waited; to be called with its analysis at hand, before that is kept."""
    if mention.edit is None:
        return
    session.add(
        Revision(
            mention_id=mention.id,
            title=mention.title,
            text=mention.text,
            hash=hash_of(mention.title, mention.text),
            seen_at=mention.edited_at or mention.fetched_at,
            evidence=mention.evidence,
            pii=_covered(mention),
        )
    )
    edit, mention.edit = mention.edit, None
    mention.title, mention.text, mention.notes = edit["title"], edit["text"], edit["notes"]
    mention.evidence, mention.edited_at = edit["evidence"], datetime.fromisoformat(edit["seen_at"])
    session.flush()
    session.expire(mention, ["revisions"])
    for beyond in mention.revisions[1 : max(1, len(mention.revisions) - MOST + 1)]:
        session.delete(beyond)


def _covered(mention: Mention) -> list[dict[str, Any]]:
    """What must be masked in its text; all of it, where that was never analysed."""
    if mention.analysis is None:
        return [{"start": 0, "end": len(mention.text), "type": "unread"}]
    return list(mention.analysis.get("pii", ()))


# ---- what changed --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch of text: in both, only in the new one, or only in the old one."""

    kind: Literal["same", "ins", "del"]
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """What changed, and when the new text was first seen; personal data is covered. The title only if it changed."""

    at: datetime
    title: Sequence[Change]
    text: Sequence[Change]


def edits(mention: Mention, most: int) -> list[Edit]:
    """The newest edits of a mention, newest first."""
    new = (mention.title, masked(mention.text, (mention.analysis or {}).get("pii", ())))
    at, found = mention.edited_at or mention.fetched_at, []
    for revision in reversed(mention.revisions[-most:]):
        old = (revision.title, masked(revision.text, revision.pii))
        title, text = changes(old[0], new[0]), changes(old[1], new[1])
        found.append(Edit(at, title if any(one.kind != "same" for one in title) else (), shortened(text)))
        new, at = old, revision.seen_at
    return found


def changes(old: str, new: str) -> list[Change]:
    """How `new` came of `old`, word by word, within the lines that are not the same."""
    found: list[Change] = []
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    for kind, gone, come in _stretches(before, after):
        found.extend([Change("same", come)] if kind == "equal" else _words(gone, come))
    return _joined(found)


def shortened(found: Sequence[Change]) -> list[Change]:
    """The same with long stretches that did not change cut down to what stands around the changes."""
    short = []
    for place, change in enumerate(found):
        before, after = AROUND * (place > 0), AROUND * (place < len(found) - 1)
        if change.kind == "same" and len(change.text) > before + after + AROUND:
            start = change.text[:before].rsplit(None, 1)[0] if before else ""
            end = change.text[len(change.text) - after :].split(None, 1)[-1] if after else ""
            change = Change("same", " … ".join((start, end)))
        short.append(change)
    return short


def _words(old: str, new: str) -> Iterator[Change]:
    before, after = (re.findall(r"\S+\s*|^\s+", text) for text in (old, new))
    for kind, gone, come in _stretches(before, after):
        if kind == "equal":
            yield Change("same", come)
            continue
        if gone.strip():
            yield Change("del", gone)
        if come.strip():
            yield Change("ins", come)


def _stretches(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Kind ("equal" or not), old and new text of each stretch, by difflib; blind to white space at the end of a part."""
    old, new = [part.rstrip() for part in before], [part.rstrip() for part in after]
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    yield "equal", "".join(before[:start]), "".join(after[:start])
    for kind, a, b, c, d in _steps(old[start : len(old) - end], new[start : len(new) - end]):
        yield kind, "".join(before[start + a : start + b]), "".join(after[start + c : start + d])
    yield "equal", "".join(before[len(old) - end :]), "".join(after[len(new) - end :])


def _steps(old: Sequence[str], new: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    times = Counter(new)
    if sum(times[part] for part in old) > MOST_PAIRS:
        return [("replace", 0, len(old), 0, len(new))]
    return SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many parts at the start are the same."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _joined(found: Sequence[Change]) -> list[Change]:
    joined: list[Change] = []
    for change in (one for one in found if one.text):
        before = joined.pop() if joined else None
        if before and not before.text[-1].isspace():  # a word ends there, whatever stood behind it in the other text
            before = Change(before.kind, f"{before.text} ")
        if before and before.kind == change.kind:
            change = Change(change.kind, before.text + change.text)
        elif before:
            joined.append(before)
        joined.append(change)
    return joined
