"""What somebody may see of the database, as files. Personal data is masked; no author of a post leaves."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, BinaryIO, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from intake import trends
from intake.casework import cases as casework
from intake.masking import masked
from intake.models import Candidate, Case, Mention, Person
from intake.people import access, audit
from intake.review.errors import Invalid, NotAllowed

Row = dict[str, Any]
One = TypeVar("One")
FORMATS = ("csv", "xlsx", "jsonl", "geojson")
RISKY = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
)  # a spreadsheet would compute a cell beginning so
LONGEST_CELL = 32_000  # characters Excel takes
LONGEST_SHEET = 1_048_575  # rows Excel takes, below the heading


def export(
    session: Session, what: str, format: str, file: BinaryIO, viewer: Person | None = None, most: int | None = None
) -> int:
    """Write the rows of `what` (see TABLES) that `viewer` may see to a binary `file`; None: the operator, who sees all.

    Returns how many, and leaves an audit row. Raises NotAllowed; Invalid if there are more than `most`, or than a sheet takes.
    """
    if viewer is not None and not access.may(viewer, "export.make"):
        raise NotAllowed("not_allowed", role=viewer.role)
    limits = [limit for limit in (most, LONGEST_SHEET if format == "xlsx" else None) if limit is not None]
    rows = _Counted(TABLES[what](session, viewer), columns(what, viewer), min(limits, default=None))
    with session.no_autoflush:  # nothing is written before all is read: on SQLite, others would wait for it
        WRITERS[format](rows, file)
    audit.write(session, viewer, "export", what=what, format=format, rows=rows.count)
    return rows.count


def columns(what: str, viewer: Person | None) -> list[str]:
    """The columns of a file: those whose field of the matrix `viewer` reads without giving a reason."""
    fields = COLUMNS[what].items()
    return [name for name, field in fields if not viewer or not field or access.reads(viewer, field) in OPEN]


def left_out(session: Session, what: str) -> str:
    """Why an export has fewer rows than there are, for whoever counts; empty where it has all."""
    if what != "mentions":
        return ""
    count = session.scalar(select(func.count()).select_from(Mention)) or 0
    return (
        f"Hanya sebutan yang termasuk suatu kandidat, dari {count} yang tersimpan. / "
        f"Only mentions that belong to a candidate, of {count} that are held."
    )


class _Counted:
    """Rows cut to their columns, which are known also where there is no row, and how many were taken."""

    def __init__(self, rows: Generator[Row], columns: Sequence[str], most: int | None) -> None:
        self.rows, self.columns, self.most, self.count = rows, columns, most, 0

    def __iter__(self) -> Iterator[Row]:
        with closing(self.rows):
            for row in self.rows:
                if self.count == self.most:
                    raise Invalid("export_too_large")
                self.count += 1
                yield {name: row[name] for name in self.columns}


# ---- what ----------------------------------------------------------------------------------------------------------


def candidates(session: Session, viewer: Person | None = None) -> Generator[Row]:
    """Every candidate, newest first."""
    statement = select(Candidate).options(joinedload(Candidate.agency)).order_by(Candidate.id.desc())
    if viewer is not None:
        statement = access.visible(statement, viewer)
    for one in _each(session, statement):
        yield _candidate(one)


def cases(session: Session, viewer: Person | None = None) -> Generator[Row]:
    """Every case, newest first, with its candidate."""
    statement = select(Case).join(Case.candidate).order_by(Case.id.desc())
    if viewer is not None:
        statement = casework.visible(statement, viewer)
    about = contains_eager(Case.candidate).joinedload(Candidate.agency)
    for case in _each(session, statement.options(about)):
        yield {
            "number": case.number,
            "track": case.track,
            "case_state": case.state,
            "opened_at": case.opened_at,
        } | _candidate(case.candidate)


def mentions(session: Session, viewer: Person | None = None) -> Generator[Row]:
    """Every mention of a candidate, newest first, its text masked."""
    statement = select(Mention).where(Mention.candidate_id.is_not(None)).order_by(Mention.id.desc())
    if viewer is not None:
        statement = access.visible(statement.join(Candidate, Candidate.id == Mention.candidate_id), viewer)
    for one in _each(session, statement):
        yield {
            "id": one.id,
            "candidate_id": one.candidate_id,
            "kind": one.kind,
            "source": one.source,
            "url": one.url if one.kind == "article" else "",
            "title": one.title,
            "text": masked(one.text, (one.analysis or {}).get("pii", ())),
            "told_at": one.told_at,
            "p_failure": one.p_failure,
            "sector": one.sector,
            "region": next(iter((one.analysis or {}).get("regions", ())), None),
            "near_copy": one.voice != one.id,
        }


def weeks(session: Session, viewer: Person | None = None) -> Generator[Row]:
    """The trends of the last year, a row per week x sector x agency x region."""
    for cell in trends.weekly(session, weeks=53, viewer=viewer):
        yield {
            "week": cell.week,
            "sector": cell.sector,
            "agency_id": cell.agency_id,
            "region": cell.region,
            "mentions": cell.mentions,
            "voices": cell.voices,
        }


def _each(session: Session, statement: Select[One]) -> Iterator[One]:
    """Some held at a time, and none in the end, whatever becomes of those who take them."""
    with session.scalars(statement.execution_options(yield_per=500)) as rows:
        yield from rows


OPEN = ("plain", "masked")  # ways of reading a field; a text is masked for everybody
CANDIDATE = {
    "id": "",
    "state": "candidate.state",
    "headline": "candidate.headline",
    "sector": "candidate.sector",
    "form": "candidate.form",
    "kind": "candidate.agency",
    "agency_id": "candidate.agency",
    "agency": "candidate.agency",
    "place": "candidate.place",
    "region": "candidate.place",
    "district": "candidate.place",
    "urgency": "",
    "p_failure": "",
    "mentions": "",
    "voices": "",
    "sources": "",
    "first_told_at": "",
    "last_told_at": "",
}
COLUMNS: Mapping[str, Mapping[str, str]] = {  # column, as the rows have them -> field of the matrix; empty: of none
    "candidates": CANDIDATE,
    "cases": {"number": "case.number", "track": "case.track", "case_state": "", "opened_at": ""} | CANDIDATE,
    "mentions": {
        "id": "",
        "candidate_id": "",
        "kind": "",
        "source": "mention.source",
        "url": "mention.article_address",
        "title": "mention.title",
        "text": "mention.text",
        "told_at": "",
        "p_failure": "",
        "sector": "candidate.sector",
        "region": "candidate.place",
        "near_copy": "",
    },
    "trends": {
        "week": "",
        "sector": "",
        "agency_id": "",
        "region": "",
        "mentions": "trend.count",
        "voices": "trend.count",
    },
}
TABLES: Mapping[str, Callable[[Session, Person | None], Generator[Row]]] = {
    "candidates": candidates,
    "cases": cases,
    "mentions": mentions,
    "trends": weeks,
}


def _candidate(one: Candidate) -> Row:
    return {
        "id": one.id,
        "state": one.state,
        "headline": one.headline,
        "sector": one.sector,
        "form": one.form,
        "kind": one.kind,
        "agency_id": one.agency_id,
        "agency": one.agency.name if one.agency else None,
        "place": one.place,
        "region": one.region,
        "district": one.district,
        "urgency": one.urgency,
        "p_failure": one.p_failure,
        "mentions": one.mention_count,
        "voices": one.voice_count,
        "sources": one.source_count,
        "first_told_at": one.first_told_at,
        "last_told_at": one.last_told_at,
    }


# ---- how -----------------------------------------------------------------------------------------------------------


def harmless(value: Any) -> Any:
    """A cell no spreadsheet will compute: text that begins like a formula gets an apostrophe before it."""
    if isinstance(value, datetime) or hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, str) and value.lstrip(" ").startswith(RISKY):
        return "'" + value
    return value


def _csv(rows: _Counted, file: BinaryIO) -> None:
    """RFC 4180, UTF-8."""
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(rows.columns)
    for row in rows:
        writer.writerow([harmless(value) for value in row.values()])
    text.detach()


def _xlsx(rows: _Counted, file: BinaryIO) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(
        file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, rows.columns)
        for number, row in enumerate(rows, 1):
            cells = [harmless(value) for value in row.values()]
            sheet.write_row(number, 0, [cell[:LONGEST_CELL] if isinstance(cell, str) else cell for cell in cells])


def _jsonl(rows: _Counted, file: BinaryIO) -> None:
    for row in rows:
        file.write(json.dumps(row, ensure_ascii=False, default=lambda value: value.isoformat()).encode() + b"\n")


def _geojson(rows: _Counted, file: BinaryIO) -> None:
    """A FeatureCollection; places are codes, not coordinates, so geometry is null (RFC 7946, section 3.2)."""
    file.write(b'{"type": "FeatureCollection", "features": [')
    for number, row in enumerate(rows):
        feature = {"type": "Feature", "geometry": None, "properties": row}
        line = json.dumps(feature, ensure_ascii=False, default=lambda value: value.isoformat())
        file.write(b",\n" * bool(number) + line.encode())
    file.write(b"]}\n")


WRITERS: Mapping[str, Callable[[_Counted, BinaryIO], None]] = {
    "csv": _csv,
    "xlsx": _xlsx,
    "jsonl": _jsonl,
    "geojson": _geojson,
}
