"""Indonesian dates: month names, WIB/WITA/WIT, "3 jam yang lalu"; clamped to what can be true."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

ZONES = {"wib": 7, "wita": 8, "wit": 9, "utc": 0, "gmt": 0}
ZONES |= {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}  # of RFC 822
WIB = timezone(timedelta(hours=7))
EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)  # a clock may be wrong by so much; more is no date

_MONTHS = (
    ("januari", "january", "jan"),
    ("februari", "february", "feb", "pebruari"),
    ("maret", "march", "mar"),
    ("april", "apr"),
    ("mei", "may"),
    ("juni", "june", "jun"),
    ("juli", "july", "jul"),
    ("agustus", "august", "agu", "agt", "aug", "ags"),
    ("september", "sep", "sept"),
    ("oktober", "october", "okt", "oct"),
    ("november", "nov", "nopember", "nop"),
    ("desember", "december", "des", "dec"),
)
MONTHS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names}
UNITS = {"detik": 1, "menit": 60, "jam": 3600, "hari": 86_400, "minggu": 604_800, "pekan": 604_800}

_CLOCK = r"(?:\D{0,12}?(?P<hour>[01]?\d|2[0-3])[:.](?P<minute>[0-5]\d)(?:[:.](?P<second>[0-5]\d))?)?"
_OFFSET = r"(?:utc|gmt)\s?(?P<sign>[+-])(?P<hours>0?\d|1[0-4])(?::?(?P<minutes>[0-5]\d))?"
_ZONE = rf"(?:\s*(?P<zone>{re.sub('P<[a-z]+>', ':', _OFFSET)}|{'|'.join(ZONES)})\b)?"
_NAMED = re.compile(r"(?P<day>\d{1,2})\s+(?P<month>[a-z]{3,9})\.?,?\s+(?P<year>\d{4})" + _CLOCK + _ZONE)
_ENGLISH = re.compile(r"(?P<month>[a-z]{3,9})\.?\s+(?P<day>\d{1,2}),?\s+(?P<year>\d{4})" + _CLOCK + _ZONE)
_NUMERIC = re.compile(r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})" + _CLOCK + _ZONE)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[t ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:z|[+-]\d{2}:?\d{2})?)?")
_AGO = re.compile(r"(?P<count>\d{1,3}|se)\s?(?P<unit>detik|menit|jam|hari|minggu|pekan)\s+(?:yang\s+)?(?:lalu|ago)")


def parse_date(text: str | None, now: datetime) -> datetime | None:
    """The moment a text names, in UTC; None if it names none. A time without a zone is WIB (UTC+7)."""
    words = " ".join((text or "")[:200].lower().split())
    if not words:
        return None
    for read in (_iso, _rfc822, _by_name, _ago):
        moment = read(words, now)
        if moment is not None:
            return _in_utc(moment)
    return None


def believable(moment: datetime | None, now: datetime) -> tuple[datetime | None, str | None]:
    """The moment if it can be true, and the code of what was doubtful: none before 1995, none in the future."""
    if moment is None:
        return None, None
    if moment < EARLIEST or moment > now + AHEAD:
        return None, "date-impossible"
    if moment > now:
        return now, "date-ahead"
    return moment, None


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # on the first or the last day of the calendar: nobody will believe it anyway
        return moment.replace(tzinfo=UTC)


def _iso(words: str, now: datetime) -> datetime | None:
    found = _ISO.search(words)
    if not found:
        return None
    zone = re.match(_ZONE, words[found.end() :])
    try:
        moment = datetime.fromisoformat(found[0].replace("z", "+00:00").replace(" +", "+").strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=_zone(zone["zone"] if zone else None))


def _rfc822(words: str, now: datetime) -> datetime | None:
    """`Tue, 24 Nov 2026 07:18:00 +0700`; with a named Indonesian zone it is read by `_by_name`.

    So is the year 0001 of programs that have no date, which the mail library takes for 2001.
    """
    if (
        not re.search(r"[+-]\d{4}\b|\b(gmt|ut)\b", words)
        or re.search(_OFFSET, words)
        or re.search(r"\s0\d{3}\s", words)
    ):
        return None
    try:
        return parsedate_to_datetime(words)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None


def _by_name(words: str, now: datetime) -> datetime | None:
    for pattern in (_NAMED, _ENGLISH, _NUMERIC):
        for found in pattern.finditer(words):
            part = found.groupdict()
            month = int(part["month"]) if part["month"].isdigit() else MONTHS.get(part["month"], 0)
            try:
                return datetime(
                    int(part["year"]),
                    month,
                    int(part["day"]),
                    int(part["hour"] or 0),
                    int(part["minute"] or 0),
                    int(part["second"] or 0),
                    tzinfo=_zone(part["zone"]),
                )
            except ValueError:
                continue
    return None


def _ago(words: str, now: datetime) -> datetime | None:
    found = _AGO.search(words)
    if not found:
        return None
    count = 1 if found["count"] == "se" else int(found["count"])
    return now - timedelta(seconds=count * UNITS[found["unit"]])


def _zone(name: str | None) -> timezone:
    """The zone of a name, or of `gmt+7`; WIB without one."""
    if name and (offset := re.fullmatch(_OFFSET, name)):
        hours = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"] or 0))
        return timezone(-hours if offset["sign"] == "-" else hours)
    return timezone(timedelta(hours=ZONES[name])) if name else WIB
