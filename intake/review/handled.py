"""Is it handled already? What another system, the agency itself, or later news says of it: hints, never a decision.

(a) a record of LAPOR! or SIMPeL (`intake.review.records`) whose number stands in a mention, or which is about the same;
(b) a statement of the agency: a mention of its own site or account, or one that quotes it with words of remedy;
(c) a mention told after the first one which says that the trouble is over, unless a still later one says that it is back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from babel.dates import format_date
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crawler.dates import WIB
from intake.masking import covered, masked
from intake.models import Candidate, HandledRecord, Mention
from nlp import settled
from nlp.fingerprint import key_words
from nlp.jurisdiction import load_jurisdiction
from nlp.phrases import Phrases, read

READ = 20  # newest mentions that are looked at
MOST = 3  # hints of one kind
BEFORE, AFTER = timedelta(days=14), timedelta(days=30)  # of the first and the last mention: a record about the same
SHARED = 2  # key words of a record's subject that the mentions must tell of too
COMPARED = 200  # records
QUOTED = 240  # characters
SYSTEMS = {"lapor": "SP4N-LAPOR!", "simpel": "SIMPeL", "agency": "instansi"}
_NUMBER = re.compile(
    r"\b(?:(?P<lapor>sp4n|lapor!|tracking id)|(?P<simpel>simpel)|no(?:mor|\.)?\s?(?:laporan|aduan|pengaduan|tiket|registrasi))"
    r"(?!\w)[^\d\n.?]{0,30}?(?P<number>\d[\w./-]{4,38})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Hint:
    """Something that may mean it is handled already, in both languages, with what it rests on."""

    kind: Literal["record", "statement", "over"]
    indonesian: str
    english: str
    at: datetime
    number: str = ""  # of a record
    mention_id: int | None = None
    url: str = ""  # of a mention that is an article; a post is opened through the console
    span: tuple[int, int] | None = None  # of the mention's text; None: in its title, or in a record
    quote: str = ""  # the sentence, masked; of a record its subject

    def words(self, language: str) -> str:
        return self.english if language == "en" else self.indonesian


def hints(session: Session, candidate: Candidate) -> tuple[Hint, ...]:
    """What there is, newest first within each kind."""
    statement = select(Mention).where(Mention.candidate_id == candidate.id).order_by(Mention.told_at.desc(), Mention.id)
    mentions = session.scalars(statement.limit(READ)).all()
    found = (_records(session, candidate, mentions), _statements(candidate, mentions), _endings(candidate, mentions))
    return tuple(hint for kind in found for hint in kind[:MOST])


# ---- records of other systems ----------------------------------------------------------------------------------------


def clean_number(text: str) -> str:
    """A number of a record, in the one form in which it is kept and looked for."""
    return "".join(text.split()).strip("#.,/-").upper()[:40]


def _records(session: Session, candidate: Candidate, mentions: Sequence[Mention]) -> list[Hint]:
    named = [one for mention in mentions for one in _numbers(mention)]
    rows = _known(session, [number for _, _, number, _ in named])
    found: dict[tuple[str, str], Hint] = {}
    for mention, system, number, span in named:
        row = next((row for row in rows.get(number, ()) if system in ("", row.system)), None)
        if row is not None:
            found.setdefault((row.system, number), _of_record(row, "record_named", mention, span))
        elif system:
            hint = _hint("record", "number_named", mention, span, system=SYSTEMS[system], number=number)
            found.setdefault((system, number), hint)
    for row in _about_the_same(session, candidate, mentions):
        found.setdefault((row.system, row.number), _of_record(row, "record_alike"))
    return list(found.values())


def _numbers(mention: Mention) -> Iterator[tuple[Mention, str, str, tuple[int, int]]]:
    """The numbers of records that stand in a mention's text uncovered, and of which system they are said to be."""
    for found in _NUMBER.finditer(mention.text[: settled.LONGEST]):
        start, end = found.span("number")
        hidden = any(one["start"] < end and start < one["end"] for one in (mention.analysis or {}).get("pii", ()))
        if not hidden:
            system = "lapor" if found["lapor"] else "simpel" if found["simpel"] else ""
            yield mention, system, clean_number(found["number"]), (start, end)


def _known(session: Session, numbers: Sequence[str]) -> dict[str, list[HandledRecord]]:
    rows: dict[str, list[HandledRecord]] = {}
    if numbers:
        for row in session.scalars(select(HandledRecord).where(HandledRecord.number.in_(numbers))):
            rows.setdefault(row.number, []).append(row)
    return rows


def _about_the_same(session: Session, candidate: Candidate, mentions: Sequence[Mention]) -> Iterator[HandledRecord]:
    """Of the same region and time, and of the same agency or sector; where it has a subject, telling of the same things."""
    if candidate.region is None:
        return
    same = select(HandledRecord).where(
        HandledRecord.region == candidate.region,
        HandledRecord.at.between(candidate.first_told_at - BEFORE, candidate.last_told_at + AFTER),
        or_(HandledRecord.sector.is_(None), HandledRecord.sector == candidate.sector),
        or_(HandledRecord.agency_id.is_(None), HandledRecord.agency_id == candidate.agency_id),
    )
    told = {word for mention in mentions for word in mention.words}
    for row in session.scalars(same.order_by(HandledRecord.at.desc()).limit(COMPARED)):
        alike = len(told & set(key_words(row.subject))) >= SHARED
        if (alike and (row.agency_id or row.sector)) or (row.agency_id and row.sector and not row.subject):
            yield row


def _of_record(
    row: HandledRecord, key: str, mention: Mention | None = None, span: tuple[int, int] | None = None
) -> Hint:
    values = {"system": SYSTEMS.get(row.system, row.system), "number": row.number, "state": row.state}
    if mention is not None and span is not None:
        return _hint("record", key, mention, span, at=row.at, **values)
    indonesian, english = _say(key, row.at, **values)
    return Hint("record", indonesian, english, row.at, row.number, quote=row.subject)


# ---- what mentions say ------------------------------------------------------------------------------------------------


def _statements(candidate: Candidate, mentions: Sequence[Mention]) -> list[Hint]:
    own, names = _names_of(candidate)
    found = []
    for mention in _voices(mentions):
        if own and _is_of(mention, own):
            signs = settled.signs(mention.text)
            start = signs[0].start if signs else 0
            found.append(_hint("statement", "own", mention, settled.sentence_at(mention.text, start)))
        elif names and (sign := settled.statement(mention.text, names)):
            found.append(_hint("statement", f"quoted_{sign.kind}", mention, (sign.start, sign.end)))
    return found


def _endings(candidate: Candidate, mentions: Sequence[Mention]) -> list[Hint]:
    """Mentions are newest first: after one that says the trouble is back, what was said before it counts no more."""
    found = []
    for mention in _voices(mentions):
        sign = _ending(mention.text)
        in_title = sign is None and _ending(mention.title) is not None
        if mention.told_at > candidate.first_told_at and (sign or in_title):
            found.append(_hint("over", "over", mention, (sign.start, sign.end) if sign else None))
        elif settled.is_back(f"{mention.title}\n{mention.text}"):
            break
    return found


def _ending(text: str) -> settled.Sign | None:
    return next((sign for sign in settled.signs(text) if sign.kind == "over"), None)


def _voices(mentions: Sequence[Mention]) -> Sequence[Mention]:
    """The first mention of each independent voice, newest first."""
    firsts: dict[int, Mention] = {}
    for mention in reversed(mentions):
        firsts.setdefault(mention.voice or mention.id, mention)
    return list(reversed(firsts.values()))


def _names_of(candidate: Candidate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """By what the answerable agency calls itself, and by what others call it."""
    tables = load_jurisdiction()
    agency = tables.agencies.get(candidate.agency_id or "")
    if agency is None:
        return (), ()
    bodies = (body for body in tables.bodies if body.kind == agency.kind and not body.speaks_only)
    own = (agency.name, *agency.aliases)
    return own, (*own, *(name for body in bodies for name in body.names))


def _is_of(mention: Mention, names: Sequence[str]) -> bool:
    """Whether a mention's source or site bears one of these names: "Disdik Pekanbaru", disdik.pekanbaru.go.id."""
    phrases = Phrases((name, name) for name in names)
    return any(phrases.all(read(where.replace(".", " "))) for where in (mention.source, mention.site) if where)


def _hint(
    kind: Literal["record", "statement", "over"],
    key: str,
    mention: Mention,
    span: tuple[int, int] | None,
    *,
    at: datetime | None = None,
    **values: str,
) -> Hint:
    indonesian, english = _say(key, at or mention.told_at, source=mention.source, **values)
    url = mention.url if mention.kind == "article" else ""
    return Hint(
        kind,
        indonesian,
        english,
        at or mention.told_at,
        values.get("number", ""),
        mention.id,
        url,
        span,
        _quote(mention, span),
    )


def _quote(mention: Mention, span: tuple[int, int] | None) -> str:
    """The sentence around a span, masked; the title where there is no span."""
    if span is None:
        return covered(mention.title)
    start, end = settled.sentence_at(mention.text, span[0])
    start, end = max(start, span[0] - QUOTED // 2), min(max(end, span[1]), span[0] + QUOTED)
    pii = (mention.analysis or {}).get("pii", ())
    inside = [
        one | {"start": max(one["start"] - start, 0), "end": one["end"] - start} for one in pii if one["end"] > start
    ]
    return " ".join(masked(mention.text[start:end], [one for one in inside if one["start"] < end - start]).split())


def _say(key: str, at: datetime, **values: str) -> tuple[str, str]:
    """A sentence in Indonesian and in English."""
    day = at.astimezone(WIB).date()
    indonesian, english = SAYS[key if values.get("state", "-") else f"{key}_stateless"]
    return (
        indonesian.format(day=format_date(day, "d MMM y", locale="id"), **values),
        english.format(day=format_date(day, "d MMM y", locale="en"), **values),
    )


SAYS: dict[str, tuple[str, str]] = {
    "record_named": (
        "Teksnya menyebut {system} nomor {number} ({day}); keadaannya: {state}.",
        "Its text names {system} number {number} ({day}); its state: {state}.",
    ),
    "record_named_stateless": (
        "Teksnya menyebut {system} nomor {number} ({day}).",
        "Its text names {system} number {number} ({day}).",
    ),
    "number_named": (
        "Teksnya menyebut {system} nomor {number}, yang catatannya tidak ada di sini.",
        "Its text names {system} number {number}, of which there is no record here.",
    ),
    "record_alike": (
        "Mungkin sama dengan {system} nomor {number} ({day}); keadaannya: {state}.",
        "Perhaps the same as {system} number {number} ({day}); its state: {state}.",
    ),
    "record_alike_stateless": (
        "Mungkin sama dengan {system} nomor {number} ({day}).",
        "Perhaps the same as {system} number {number} ({day}).",
    ),
    "own": ("Instansinya sendiri memberi keterangan ({source}, {day}).", "The agency itself says ({source}, {day})."),
    "quoted_over": (
        "Instansinya mengatakan sudah selesai ditangani ({source}, {day}).",
        "The agency says that it has been dealt with ({source}, {day}).",
    ),
    "quoted_under_way": (
        "Instansinya mengatakan sedang menanganinya ({source}, {day}).",
        "The agency says that it is dealing with it ({source}, {day}).",
    ),
    "over": (
        "Menurut {source} ({day}) masalahnya sudah selesai.",
        "According to {source} ({day}) the trouble is over.",
    ),
}
