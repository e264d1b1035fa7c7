"""What the database holds, as files. Personal data is masked; no author of a post leaves."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from intake import trends
from intake.masking import masked
from intake.models import Candidate, Case, Mention
from intake.people import audit

Row = dict[str, Any]
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


def export(session: Session, what: str, format: str, file: BinaryIO) -> int:
    """Write the rows of `what` (see TABLES) to a binary `file`; returns how many. Leaves an audit row."""
    rows = _Counted(TABLES[what](session), COLUMNS[what])
    WRITERS[format](rows, file)
    audit.write(session, None, "export", what=what, format=format, rows=rows.count)
    return rows.count


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
    """Rows that know their columns, also where there is no row, and how many were taken."""

    def __init__(self, rows: Iterable[Row], columns: Sequence[str]) -> None:
        self.rows, self.columns, self.count = rows, columns, 0

    def __iter__(self) -> Iterator[Row]:
        for row in self.rows:
            self.count += 1
            yield row


# ---- what ----------------------------------------------------------------------------------------------------------


def candidates(session: Session) -> Iterator[Row]:
    """Every candidate, newest first."""
    statement = select(Candidate).options(joinedload(Candidate.agency)).order_by(Candidate.id.desc())
    for one in session.scalars(statement.execution_options(yield_per=500)):
        yield _candidate(one)


def cases(session: Session) -> Iterator[Row]:
    """Every case, newest first, with its candidate."""
    statement = select(Case).options(joinedload(Case.candidate)).order_by(Case.id.desc())
    for case in session.scalars(statement.execution_options(yield_per=500)):
        about = _candidate(case.candidate)
        yield {
            "number": case.number,
            "track": case.track,
            "case_state": case.state,
            "opened_at": case.opened_at,
        } | about


def mentions(session: Session) -> Iterator[Row]:
    """Every mention of a candidate, newest first, its text masked."""
    statement = select(Mention).where(Mention.candidate_id.is_not(None)).order_by(Mention.id.desc())
    for one in session.scalars(statement.execution_options(yield_per=500)):
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


def weeks(session: Session) -> Iterator[Row]:
    """The trends of the last year, a row per week x sector x agency x region."""
    for cell in trends.weekly(session, weeks=53):
        yield {
            "week": cell.week,
            "sector": cell.sector,
            "agency_id": cell.agency_id,
            "region": cell.region,
            "mentions": cell.mentions,
            "voices": cell.voices,
        }


CANDIDATE = (
    "id",
    "state",
    "headline",
    "sector",
    "form",
    "kind",
    "agency_id",
    "agency",
    "place",
    "region",
    "district",
    "urgency",
    "p_failure",
    "mentions",
    "voices",
    "sources",
    "first_told_at",
    "last_told_at",
)
COLUMNS: Mapping[str, Sequence[str]] = {  # as the rows have them, for files without a row
    "candidates": CANDIDATE,
    "cases": ("number", "track", "case_state", "opened_at", *CANDIDATE),
    "mentions": (
        "id",
        "candidate_id",
        "kind",
        "source",
        "url",
        "title",
        "text",
        "told_at",
        "p_failure",
        "sector",
        "region",
        "near_copy",
    ),
    "trends": ("week", "sector", "agency_id", "region", "mentions", "voices"),
}
TABLES: Mapping[str, Callable[[Session], Iterator[Row]]] = {
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
