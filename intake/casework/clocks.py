"""Every clock of a case, computed from its log and the configured limits. Pure: nothing of it is stored.

Days are days in WIB. The day a clock starts is not counted, the day it is due is. A day counts if the limit is in calendar
days, or if the office works on it; a day on which the clock stands still does not, from the day it was stopped until the day
it goes on. A case that is closed or withdrawn stands still too.

A message is received when the focal point first replies to it in any way, or, if they are silent so long, once the days of
`Receipt` are over: who never acknowledges is not waited for without end, and who does so late wins no time.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from crawler.dates import WIB
from intake.models import TRACKS

if TYPE_CHECKING:
    from intake.settings import Settings

SHIPPED = Path(__file__).with_name("limits.toml")
SOON = 3  # days left, counted as the limit counts
DAY = timedelta(days=1)
# What a limit may run from and until: kinds of CaseEvent, milestones an officer notes, the first mention of the event, when
# a referral was received, and when the case came onto a track.
MILESTONES = ("incomplete", "completed", "formal", "material", "lhp", "carried_out")
MOMENTS = (
    *("told", "opened", "referred", "received", "acknowledged", "answered", "not_ours", "asked", "progress"),
    *(f"note:{milestone}" for milestone in MILESTONES),
    *(f"on:{track}" for track in TRACKS),
)
REPLIES = ("acknowledged", "answered", "not_ours", "progress")  # of a referral: each shows that it was received
STOPS, GOES_ON = {"paused": "resumed", "closed": "reopened", "withdrawn": "opened"}, ("reopened", "opened")

State = Literal["overdue", "due_soon", "running", "paused", "late", "met"]


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of a log, as far as clocks look at it."""

    kind: str  # of MOMENTS, or one that moves the case: track, revoked, paused, resumed, closed, reopened, withdrawn
    at: datetime
    place: int = 0  # in the log, where two have one moment
    referral: int | None = None
    track: str | None = None  # of `opened` and `track`, and of the `on:` that comes with each


@dataclass(frozen=True, slots=True)
class Limit:
    """How long something may take, and who says so."""

    id: str
    what: str
    english: str
    days: int
    count: Literal["calendar", "working"]
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    tracks: tuple[str, ...]  # none: it is not used
    law: str
    valid_from: date
    valid_until: date | None = None  # the last day a clock starts under it
    confirmed: bool = False  # false: wording or number was not seen in the regulation itself
    stops: bool = True  # false: it runs on while the case stands still


@dataclass(frozen=True, slots=True)
class Receipt:
    """How long after it was sent a message counts as received where nobody replies, and who says so."""

    days: int = 0
    count: Literal["calendar", "working"] = "calendar"
    law: str = ""
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days the office works: Monday to Friday but for national holidays and cuti bersama, unless it says otherwise."""

    days_off: frozenset[date] = frozenset()
    work_days: frozenset[date] = frozenset()  # worked all the same; stands above every day off

    def is_working(self, day: date) -> bool:
        if day in self.work_days:
            return True
        return day.weekday() < 5 and day not in self.days_off and day not in public_holidays(day.year)


@dataclass(frozen=True, slots=True)
class Rules:
    """What clocks are computed with."""

    limits: tuple[Limit, ...]
    calendar: Calendar = Calendar()
    receipt: Receipt = Receipt()


@dataclass(frozen=True, slots=True)
class Clock:
    """One limit at work in one case."""

    limit: Limit
    referral: int | None  # whose clock it is; None: the case's own
    started: date
    due: date | None  # None: it stands still before it was due
    ended: date | None
    state: State
    days: int  # until it is due; of `overdue` and `late` since then; counted as the limit counts
    receipt: Receipt | None = None  # by which rule what started it counts as received, where nobody said that it was


# ---- computing -------------------------------------------------------------------------------------------------------


def clocks(log: Iterable[Happened], rules: Rules, today: date) -> tuple[Clock, ...]:
    """The clocks of a case, the most pressing first, those that are over last."""
    events = sorted(log, key=lambda event: (event.at, event.place))
    track = next((event.track for event in reversed(events) if event.track), None)
    stops = _stops(events)
    presumed, proven = _receipts(events, rules)
    events = sorted([*presumed.values(), *proven.values(), *events], key=lambda event: (event.at, event.place))
    found = [
        _clock(limit, referral, started, ended, stops, rules.calendar, today)
        for limit in rules.limits
        if track in limit.tracks
        for referral, started, ended in _runs(limit, events)
    ]
    silent = [one for one in found if "received" in one.limit.starts and one.referral in presumed]
    found = [replace(one, receipt=rules.receipt) if one in silent else one for one in found]
    return tuple(sorted(found, key=_pressing))


def pressing(found: Sequence[Clock]) -> Clock | None:
    """The clock to look at first, if any is not over."""
    return next((clock for clock in found if clock.ended is None), None)


def is_paused(log: Iterable[Happened]) -> bool:
    """Whether an officer stopped the clocks of a case."""
    moves = [e for e in sorted(log, key=lambda e: (e.at, e.place)) if e.kind in ("paused", "resumed", *GOES_ON)]
    return bool(moves) and moves[-1].kind == "paused"


def day_of(at: datetime) -> date:
    return at.astimezone(WIB).date()


def _pressing(clock: Clock) -> tuple[bool, date, str, int]:
    return clock.ended is not None, clock.due or date.max, clock.limit.id, clock.referral or 0


def _runs(limit: Limit, events: Sequence[Happened]) -> Iterator[tuple[int | None, date, date | None]]:
    """Each time the limit ran: of which referral, from when, until when.

    What starts it again while it runs changes nothing: asking twice does not hide that the first answer is late.
    """
    running: dict[int | None, date] = {}
    for event in events:
        if event.kind == "revoked":
            running.pop(event.referral, None)
        elif event.kind in limit.ends:
            for referral in [one for one in running if one is None or event.referral in (None, one)]:
                yield referral, running.pop(referral), day_of(event.at)
        elif event.kind in limit.starts and event.referral not in running and _is_valid(limit, day_of(event.at)):
            running[event.referral] = day_of(event.at)
    yield from ((referral, started, None) for referral, started in running.items())


def _is_valid(limit: Limit, day: date) -> bool:
    return limit.valid_from <= day and (limit.valid_until is None or day <= limit.valid_until)


Receipts = dict[int | None, Happened]  # referral -> when it was received


def _receipts(events: Sequence[Happened], rules: Rules) -> tuple[Receipts, Receipts]:
    """When each referral was received: those that count as received, and those whose focal point replied before that."""
    presumed: Receipts = {}
    proven: Receipts = {}
    for event in events:
        if event.kind == "referred" and event.referral not in proven:
            presumed.setdefault(event.referral, _presumed(event, rules))
        elif event.referral in presumed and event.at < presumed[event.referral].at:
            if event.kind in REPLIES:
                proven[event.referral] = replace(event, kind="received")
            if event.kind in (*REPLIES, "revoked"):
                del presumed[event.referral]
    return presumed, proven


def _presumed(sent: Happened, rules: Rules) -> Happened:
    """That a referral counts as received: from the beginning of the day its days are over; at once, if there are none."""
    receipt = rules.receipt
    if not receipt.days:
        return replace(sent, kind="received")
    day, _ = _due(day_of(sent.at), receipt.days, None, _counting(receipt.count, rules.calendar))
    assert day is not None  # nothing stands still here
    return replace(sent, kind="received", at=datetime.combine(day, time(), WIB))


def _counting(count: str, calendar: Calendar) -> Callable[[date], bool]:
    return calendar.is_working if count == "working" else lambda day: True


Stop = tuple[date, date | None]  # the first day that does not count, the first that does again


def _stops(events: Sequence[Happened]) -> list[Stop]:
    stops: list[Stop] = []
    standing: set[str] = set()
    since = date.min
    for event in events:
        stood = bool(standing)
        if event.kind in STOPS:
            standing.add(event.kind)
        elif event.kind in GOES_ON:
            standing.clear()
        elif event.kind == "resumed":
            standing.discard("paused")
        if standing and not stood:
            since = day_of(event.at)
        elif stood and not standing:
            stops.append((since, day_of(event.at)))
    return [*stops, (since, None)] if standing else stops


def _clock(
    limit: Limit,
    referral: int | None,
    started: date,
    ended: date | None,
    stops: Sequence[Stop],
    calendar: Calendar,
    today: date,
) -> Clock:
    stops = [stop for stop in stops if limit.stops and (ended is None or stop[0] < ended)]  # a later one is no excuse

    is_counted = _counting(limit.count, calendar)

    def counts(day: date) -> bool:
        for first, last in stops:
            if first <= day and (last is None or day < last):
                return False
        return is_counted(day)

    standing = next((first for first, last in stops if last is None), None)
    due, left = _due(started, limit.days, standing, counts)
    until = ended or today
    state: State
    if due is None:
        state, days = "met" if ended else "paused", left
    elif until > due:
        state, days = "late" if ended else "overdue", _between(due, until, counts)
    else:
        days = _between(until, due, counts)
        state = "met" if ended else "due_soon" if days <= SOON else "running"
    return Clock(limit, referral, started, due, ended, state, days)


def _due(started: date, days: int, standing: date | None, counts: Callable[[date], bool]) -> tuple[date | None, int]:
    """The day the last of `days` is counted; None, and how many are left, if the clock stands still before that."""
    day, left = started, days
    while left:
        day += DAY
        if standing is not None and day >= standing:
            return None, left
        left -= counts(day)
    return day, 0


def _between(after: date, until: date, counts: Callable[[date], bool]) -> int:
    return sum(counts(after + n * DAY) for n in range(1, (until - after).days + 1))


@cache
def public_holidays(year: int) -> frozenset[date]:
    """National holidays and cuti bersama of Indonesia, as the `holidays` library knows them; far ahead it estimates."""
    import holidays

    return frozenset(holidays.country_holidays("ID", years=year, categories=("public", "government")))


# ---- configuration ---------------------------------------------------------------------------------------------------


def rules_of(settings: Settings) -> Rules:
    """The limits and the calendar of an office."""
    return _rules(settings.limits_file, settings.office_days_off, settings.office_work_days)


@cache
def _rules(path: Path | None, days_off: tuple[date, ...], work_days: tuple[date, ...]) -> Rules:
    return Rules(load_limits(path), Calendar(frozenset(days_off), frozenset(work_days)), load_receipt(path))


def load_limits(own: Path | None = None) -> tuple[Limit, ...]:
    """The limits we ship; those of `own` stand in the place of all that have their id. ValueError says what is wrong."""
    shipped = _limits(SHIPPED)
    theirs = _limits(own) if own else ()
    replaced = {limit.id for limit in theirs}
    return (*(limit for limit in shipped if limit.id not in replaced), *theirs)


def load_receipt(own: Path | None = None) -> Receipt:
    """When a message counts as received: the rule of `own`, or ours. ValueError says what is wrong."""
    for path in filter(None, (own, SHIPPED)):
        if (row := _read(path).get("receipt")) is not None:
            return _receipt(path, row)
    return Receipt()


def _receipt(path: Path, row: Any) -> Receipt:
    try:
        receipt = Receipt(**row)
        if receipt.count in ("calendar", "working") and receipt.days in range(61):
            return receipt
    except TypeError as error:
        raise ValueError(f"{path}: receipt has something unknown: {error}") from None
    raise ValueError(f"{path}: of receipt, give days (0 to 60) and count = 'calendar' or 'working'")


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is no TOML: {error}") from None


def _limits(path: Path) -> tuple[Limit, ...]:
    try:
        return tuple(_limit(row) for row in _read(path).get("limit", []))
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path}: a limit lacks something, or has something unknown: {error}") from None


def _limit(row: dict[str, Any]) -> Limit:
    given = row | {"starts": tuple(row["from"]), "ends": tuple(row["until"]), "tracks": tuple(row["tracks"])}
    limit = Limit(**{name: value for name, value in given.items() if name not in ("from", "until")})
    for moment in (*limit.starts, *limit.ends):
        if moment not in MOMENTS:
            raise ValueError(
                f"limit {limit.id}: {moment!r} is nothing a clock runs from or until; see docs/casework.md"
            )
    if limit.count not in ("calendar", "working") or not 1 <= limit.days <= 3660:
        raise ValueError(f"limit {limit.id}: give days (1 to 3660) and count = 'calendar' or 'working'")
    return limit
