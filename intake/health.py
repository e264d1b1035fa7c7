"""How a source is, judged from its own history. Pure: rows of visits in, a verdict out; `intake.bulletin` has the words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Literal

from crawler.dates import WIB
from intake.rhythm import NOT_THERE

if TYPE_CHECKING:
    from holidays import HolidayBase

State = Literal["well", "moved", "quiet", "broken", "blocked", "unreachable", "gone"]
# How bad a state is: 1 still brings something or may yet, 2 brings nothing. The operator is told of each step down.
RANKS: dict[str, int] = {"well": 0, "moved": 1, "quiet": 1, "broken": 2, "blocked": 2, "unreachable": 2, "gone": 2}

FAILURES = 2  # visits in a row that make a bad state; one may fail
OUR_OWN = timedelta(days=1)  # so long a failure of our own line is not held against a source
GONE_VISITS, GONE_AFTER = 3, timedelta(days=2)  # "not there" so often and for so long is gone for good

RHYTHM_DAYS = 56  # eight weeks
SHOWN_DAYS = 28
ENOUGH_DAYS, ENOUGH_ITEMS = 14, 10  # listened to and heard, before a silence says anything
RARE = 0.002  # a silence with less than this chance is told; docs/sources.md has the figures
POOLED = 1.0  # days of the overall share that each weekday starts from

RECENT_ITEMS, RECENT_DAYS = 8, 7  # the newest texts that are compared with those before
USUAL_ITEMS, USUAL_SHARE = 20, 0.3  # so many and such a share before, or there is nothing to fall from
FALLEN, FALLEN_BY = 0.6, 0.3  # below this part of the usual share, and at least so much below it

HOLD = timedelta(hours=6)  # how long a change must hold before the operator is told,
HOLD_VISITS, MOST_OF = 3, 2 / 3  # and in how many visits; of a bad one in most of them, flapping or not

Part = Literal["titles", "dates", "bodies"]
PARTS: tuple[Part, ...] = ("titles", "dates", "bodies")


@dataclass(frozen=True, slots=True)
class Look:
    """One visit, as far as it tells how a source is."""

    at: datetime
    status: str  # crawler.source.Status
    failure: str | None = None  # intake.rhythm.Failure
    reason: str = ""
    state: str = ""  # what was judged after it


@dataclass(frozen=True, slots=True)
class Day:
    """The visits of one day in WIB, summed up."""

    day: date
    answered: int = 0  # visits
    unchanged: int = 0  # of these, answered with 304
    found: int = 0  # items of the lists, known or not
    new: int = 0
    documents: int = 0
    titles: int = 0
    dates: int = 0
    bodies: int = 0
    lost: int = 0  # articles in which nothing could be read

    def tried(self, part: Part) -> int:
        return self.documents + (self.lost if part == "bodies" else 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state, since when as far as the history tells, and what there is to say of it."""

    state: State
    since: datetime
    cause: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figures:
    """What the page draws of the last 28 days."""

    until: str  # the last of the days, ISO
    new: tuple[int, ...]  # per day, oldest first
    answered: int = 0
    unchanged: int = 0
    known: float | None = None  # share of the items of the lists
    yields: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)  # part -> share now, before

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def judge(
    looks: Sequence[Look], days: Sequence[Day], at: datetime, *, expected: datetime | None, moved: bool
) -> Verdict:
    """How a source is. `looks` newest first, `days` in any order; `expected` is when something new was due at the latest."""
    run = failing(looks, at)
    if len(run) >= FAILURES or (run and len(run) == len(looks)):
        return Verdict(_failed_state(run), run[-1].at, {"visits": len(run), "reason": run[0].reason})
    if fallen := fallen_part(days, at):
        return Verdict("broken", at, fallen)
    if expected is not None and at >= expected:
        return Verdict("quiet", expected)
    return Verdict("moved" if moved else "well", at)


def failing(looks: Sequence[Look], at: datetime) -> list[Look]:
    """The failed visits since the last answer, newest first; those of our own fault only once they last, or are all."""
    run = list(takewhile(lambda look: look.failure, looks))
    ours_count = len(run) == len(looks) or (bool(run) and at - run[-1].at > OUR_OWN)
    return [look for look in run if ours_count or look.failure != "ours"]


def _failed_state(run: Sequence[Look]) -> State:
    last = run[0]
    missing = list(takewhile(lambda look: look.reason in NOT_THERE, run))
    if len(missing) >= GONE_VISITS and missing[0].at - missing[-1].at >= GONE_AFTER:
        return "gone"
    return "blocked" if last.status == "blocked" else "broken" if last.status == "broken" else "unreachable"


# ---- silence -------------------------------------------------------------------------------------------------------


def expected_by(days: Sequence[Day], at: datetime) -> datetime | None:
    """The end of the day by which something new was to be expected. None while the rhythm is not known.

    For each weekday the share of days that brought anything, learned from the eight weeks before the last one that did; a
    holiday counts as a Sunday. From there on the chance of a silent day is multiplied up, day by day, until it is RARE. Days
    are counted, not items, so that a backlog or a busy day teaches nothing wrong; days we did not listen on are left out.
    """
    listened = {one.day: one.new for one in days if one.answered}
    last = max((day for day, new in listened.items() if new), default=None)
    learned = {day: new for day, new in listened.items() if last and last - timedelta(RHYTHM_DAYS) < day <= last}
    if last is None or len(learned) < ENOUGH_DAYS or sum(learned.values()) < ENOUGH_ITEMS:
        return None
    shares, today, chance = _shares(learned), at.astimezone(WIB).date(), 1.0
    for ahead in range(1, RHYTHM_DAYS + 1):
        day = last + timedelta(ahead)
        if day < today and day not in listened:
            continue
        chance *= 1 - shares[weekday(day)]
        if chance < RARE:
            return datetime.combine(day + timedelta(1), datetime.min.time(), WIB)
    return None


def _shares(learned: Mapping[date, int]) -> list[float]:
    """For each weekday the share of days with anything new, drawn towards the share of all days."""
    seen, heard = Counter(map(weekday, learned)), Counter(weekday(day) for day, new in learned.items() if new)
    overall = (heard.total() + 0.5) / (seen.total() + 1)
    return [(heard[kind] + POOLED * overall) / (seen[kind] + POOLED) for kind in range(7)]


def weekday(day: date) -> int:
    """0 for Monday to 6 for Sunday; a holiday of Indonesia, a day of joint leave too, is a Sunday."""
    return 6 if day in _holidays() else day.weekday()


@cache
def _holidays() -> HolidayBase:
    import holidays

    return holidays.country_holidays("ID", categories=("public", "government"))


# ---- yield ---------------------------------------------------------------------------------------------------------


def fallen_part(days: Sequence[Day], at: datetime) -> dict[str, Any] | None:
    """Of titles, dates and bodies the one that new texts suddenly lack, with its share now and before; None if none does."""
    for part, (now, usual) in yields(days, at).items():
        if now is None or usual is None or usual < USUAL_SHARE:
            continue
        if now < usual * FALLEN and now <= usual - FALLEN_BY:
            return {"part": part, "now": now, "usual": usual}
    return None


def yields(days: Sequence[Day], at: datetime) -> dict[str, tuple[float | None, float | None]]:
    """Of each part the share of the newest texts that have it, and of those before in the last 28 days.

    None where there are too few: it says nothing then.
    """
    today = at.astimezone(WIB).date()
    shown = sorted((one for one in days if _age(one, today) < SHOWN_DAYS), key=lambda one: one.day, reverse=True)
    found: dict[str, tuple[float | None, float | None]] = {}
    for part in PARTS:
        newest = _newest(shown, part, today)
        found[part] = _share(shown[:newest], part, RECENT_ITEMS), _share(shown[newest:], part, USUAL_ITEMS)
    return found


def _newest(shown: Sequence[Day], part: Part, today: date) -> int:
    """How many of the days, newest first, hold the newest texts."""
    tried = count = 0
    for one in shown:
        if tried >= RECENT_ITEMS or _age(one, today) >= RECENT_DAYS:
            break
        tried, count = tried + one.tried(part), count + 1
    return count


def _age(one: Day, today: date) -> int:
    return (today - one.day).days


def _share(days: Sequence[Day], part: Part, least: int) -> float | None:
    tried = sum(one.tried(part) for one in days)
    return sum(getattr(one, part) for one in days) / tried if tried >= least else None


def figures(days: Sequence[Day], at: datetime) -> Figures:
    """What the page draws."""
    today = at.astimezone(WIB).date()
    shown = {one.day: one for one in days if _age(one, today) < SHOWN_DAYS}
    found, new = sum(one.found for one in shown.values()), sum(one.new for one in shown.values())
    window = [today - timedelta(back) for back in range(SHOWN_DAYS - 1, -1, -1)]
    return Figures(
        today.isoformat(),
        tuple(shown[day].new if day in shown else 0 for day in window),
        sum(one.answered for one in shown.values()),
        sum(one.unchanged for one in shown.values()),
        1 - min(new / found, 1) if found else None,
        yields(days, at),
    )


# ---- what the operator is told -------------------------------------------------------------------------------------


def news(told: str | None, looks: Sequence[Look], at: datetime) -> str | None:
    """The state the operator is to be told of now, given the one they were told of last; None for nothing.

    A state worse than the one told, once it and what is as bad were found by most visits of the last six hours, or of the
    last three visits where these go further back. "well", once every one of them found that. So what flaps is told once, and
    mended once it has stopped.
    """
    recent = [look for number, look in enumerate(looks) if number < HOLD_VISITS or at - look.at <= HOLD]
    if len(recent) < HOLD_VISITS or at - recent[-1].at < HOLD / 2:
        return None
    ranks = [RANKS.get(look.state, 0) for look in recent]
    if ranks[0] > RANKS[told or "well"]:
        return recent[0].state if sum(rank >= ranks[0] for rank in ranks) >= len(ranks) * MOST_OF else None
    return "well" if told and not any(ranks) else None
