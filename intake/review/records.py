"""What LAPOR! or SIMPeL has in hand already, from a table exported there: rows for the hints of `intake.review.handled`."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.dates import believable, parse_date
from intake.database import insert_for
from intake.masking import covered
from intake.models import Agency, HandledRecord, now
from intake.people import audit
from intake.review.handled import clean_number
from nlp.jurisdiction import load_jurisdiction, load_taxonomy
from nlp.phrases import folded

SYSTEMS = ("lapor", "simpel", "agency")
SUBJECT = 200  # characters that are kept
BATCH = 200
# What a column may be called, the surest name first. "No" alone is none: mostly it just counts the rows.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "number": (
        *("nomor laporan", "no laporan", "tracking id", "id tracking", "nomor registrasi", "no registrasi"),
        *(
            "nomor register",
            "no register",
            "nomor pengaduan",
            "no pengaduan",
            "nomor aduan",
            "no aduan",
            "kode laporan",
        ),
        *("id laporan", "nomor tiket", "no tiket", "nomor agenda", "no agenda", "nomor", "number"),
    ),
    "at": (
        *("tanggal laporan", "tgl laporan", "tanggal masuk", "tgl masuk", "tanggal registrasi", "tgl registrasi"),
        *("tanggal pengaduan", "tgl pengaduan", "tanggal aduan", "tanggal dibuat", "tanggal", "tgl", "waktu", "date"),
    ),
    "agency": (
        *("instansi terlapor", "terlapor", "instansi terdisposisi", "instansi tujuan", "nama instansi", "instansi"),
        *("opd", "unit kerja", "agency"),
    ),
    "region": (
        *("kabupaten kota", "kab kota", "kota kabupaten", "daerah", "wilayah", "kabupaten", "kota", "lokasi kejadian"),
        *("lokasi", "tempat kejadian", "region"),
    ),
    "sector": ("substansi", "kategori", "klasifikasi", "bidang", "layanan", "topik", "sector"),
    "subject": (
        *("perihal", "judul laporan", "judul", "pokok laporan", "pokok aduan", "ringkasan", "uraian", "isi laporan"),
        *("isi aduan", "isi", "subject"),
    ),
    "state": ("status laporan", "status penanganan", "status", "tahapan", "tahap", "keadaan", "state"),
}


class NoTable(ValueError):
    """The file has no column for the number, or none for the date."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What was wrong with a line, in both languages; `kept`: only a part of it."""

    line: int
    indonesian: str
    english: str
    kept: bool = False


@dataclass(slots=True)
class Imported:
    """What became of a file."""

    new: int = 0
    changed: int = 0
    remarks: list[Remark] = field(default_factory=list)


def import_file(session: Session, path: Path, system: str) -> Imported:
    """Keep what a CSV holds; a number that is known is brought up to date. NoTable, OSError; bad rows are told and left."""
    done = Imported()
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = _rows(session, file, system, done.remarks)
        while batch := {row["number"]: row for row in islice(rows, BATCH)}:
            known = select(HandledRecord.number).where(
                HandledRecord.system == system, HandledRecord.number.in_(list(batch))
            )
            held = len(session.scalars(known).all())
            _upsert(session, list(batch.values()))
            done.new, done.changed = done.new + len(batch) - held, done.changed + held
    left = sum(not remark.kept for remark in done.remarks)
    audit.write(session, None, "handled.import", system, new=done.new, changed=done.changed, left_out=left)
    return done


def _upsert(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    statement = insert_for(session)(HandledRecord).values(rows)
    newest = {name: statement.excluded[name] for name in rows[0] if name not in ("system", "number")}
    session.execute(statement.on_conflict_do_update(index_elements=["system", "number"], set_=newest))


def _rows(session: Session, file: TextIO, system: str, remarks: list[Remark]) -> Iterator[dict[str, Any]]:
    """The rows of a table whose columns stand between commas, semicolons or tabs."""
    heading = file.readline()
    delimiter = max(",;\t", key=heading.count)
    columns = _columns(next(csv.reader([heading], delimiter=delimiter), []))
    agencies = set(session.scalars(select(Agency.id)))
    reader = csv.reader(file, delimiter=delimiter)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            remarks.append(_remark(reader.line_num + 1, "unreadable", error=str(error)))
            continue
        if any(cell.strip() for cell in cells):
            given = {name: cells[place].strip() for name, place in columns.items() if place < len(cells)}
            row = _row(given, system, agencies, reader.line_num + 1, remarks)
            if row is not None:
                yield row


def _columns(heading: Sequence[str]) -> dict[str, int]:
    """Our name of a column -> its place. NoTable where there is no number, or no date."""
    places = {
        " ".join(re.findall(r"[a-z0-9]+", name.lower())): place for place, name in reversed(list(enumerate(heading)))
    }
    found = {ours: next((places[one] for one in names if one in places), None) for ours, names in COLUMNS.items()}
    if found["number"] is None or found["at"] is None:
        raise NoTable(", ".join(heading)[:200])
    return {ours: place for ours, place in found.items() if place is not None}


def _row(
    given: Mapping[str, str], system: str, agencies: set[str], line: int, remarks: list[Remark]
) -> dict[str, Any] | None:
    number, at = clean_number(given.get("number", "")), _moment(given.get("at", ""))
    if len(number) < 5 or not any(sign.isdigit() for sign in number):
        remarks.append(_remark(line, "no_number", given=given.get("number", "")[:40]))
        return None
    if at is None:
        remarks.append(_remark(line, "no_date", given=given.get("at", "")[:40]))
        return None
    region = _region_of(given.get("region", ""))
    agency = _agency_of(given.get("agency", ""), region)
    if given.get("agency") and agency not in agencies:
        agency = None
        remarks.append(_remark(line, "no_agency", kept=True, given=given["agency"][:80]))
    return {
        "system": system,
        "number": number,
        "agency_id": agency,
        "region": region or _region_served(agency),
        "sector": _sectors().get(folded(given.get("sector", ""))),
        "subject": covered(_plain(given.get("subject", "")))[:SUBJECT],
        "state": covered(_plain(given.get("state", "")))[:40],
        "at": at,
    }


def _plain(text: str) -> str:
    return " ".join(text.replace("\0", "").split())


def _moment(text: str) -> datetime | None:
    moment, doubt = believable(parse_date(text, now()), now())
    return moment if doubt != "date-impossible" else None


def _remark(line: int, key: str, *, kept: bool = False, **values: str) -> Remark:
    indonesian, english = (sentence.format(**values) for sentence in SAYS[key])
    return Remark(line, indonesian, english, kept)


# ---- what names stand for ----------------------------------------------------------------------------------------------


def _region_of(text: str) -> str | None:
    """The code of a regency or city, of "Kota Dumai, Kecamatan Dumai Barat" too."""
    parts = (part for part in re.split(r"[,;/|()]", text) if part.strip())
    return next((code for part in parts if (code := _regions().get(folded(part)) or _code(part.strip()))), None)


def _code(text: str) -> str | None:
    return text if text in load_jurisdiction().regions else None


def _agency_of(text: str, region: str | None) -> str | None:
    """The id of an agency named so, or named so in this region."""
    if text in load_jurisdiction().agencies:
        return text
    tables, names = load_jurisdiction(), _agencies()
    here = [tables.regions[region].short, tables.regions[region].name] if region else []
    tried = (folded(f"{text} {name}") for name in ("", *here))
    return next((names[name] for name in tried if names.get(name)), None)


def _region_served(agency: str | None) -> str | None:
    """Where an agency works, if that is one regency or city."""
    row = load_jurisdiction().agencies.get(agency or "")
    return row.region if row and row.level != "provinsi" and len(row.region) == 5 and not row.serves else None


@lru_cache(maxsize=1)
def _regions() -> dict[str, str]:
    regions = [one for one in load_jurisdiction().regions.values() if one.kind != "provinsi"]
    return {folded(name): one.code for one in regions for name in (one.name, one.short, *one.aliases)}


@lru_cache(maxsize=1)
def _agencies() -> dict[str, str]:
    """Name -> id; "" where two agencies share it."""
    found: dict[str, str] = {}
    for one in load_jurisdiction().agencies.values():
        for name in {folded(name) for name in (one.name, *one.aliases)}:
            found[name] = one.id if found.get(name, one.id) == one.id else ""
    return found


@lru_cache(maxsize=1)
def _sectors() -> dict[str, str]:
    sectors: Iterable[tuple[str, str]] = ((code, label.id) for code, label in load_taxonomy().sectors.items())
    return {folded(name): code for code, label in sectors for name in (code, label, label.partition(":")[0])}


SAYS: dict[str, tuple[str, str]] = {
    "unreadable": ("Barisnya tidak terbaca ({error}); dilewati.", "The line cannot be read ({error}); left out."),
    "no_number": ("“{given}” bukan nomor laporan; dilewati.", "“{given}” is no number of a report; left out."),
    "no_date": ("“{given}” bukan tanggal; dilewati.", "“{given}” is no date; left out."),
    "no_agency": (
        "Instansi “{given}” tidak dikenal; disimpan tanpa instansi.",
        "The agency “{given}” is not known; kept without one.",
    ),
}
