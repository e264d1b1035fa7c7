"""When a source is visited next: a pace of its own around what was configured, and longer pauses after failures. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from crawler import Source, Visit

# What a failure weighs. `soft` passes by itself: no answer in time, a reset, a 5xx. `temporary`: the host asks us to slow
# down. `hard`: it does not want us, or has nothing there any more. `ours`: our own line, or our own crawler.
Failure = Literal["soft", "temporary", "hard", "ours"]
WEIGHTS: dict[Failure, float] = {"soft": 0.5, "temporary": 1.0, "hard": 2.0, "ours": 0.0}

ANSWERED = ("ok", "unchanged", "empty")
SLOW_DOWN = ("http-429", "http-503", "asked-to-stop", "rate-limited", "rate-limited-until", "quota-used")
NOT_THERE = ("http-404", "http-410")
OUR_OWN = ("crawler-ended", "unfinished")

LEAST = 5.0  # minutes between two visits, unless less was configured
MOST = 6 * 60.0  # the same, unless more was configured
METERED = ("meta", "x", "youtube")  # adapters whose host counts what it is asked: never sooner than configured
WIDEST = 4  # times the configured interval
MANY_SHARE, MANY = 0.5, 5  # of a list new, and so many: the next visit might find some gone already
SHORTER, LONGER = 2 / 3, 1.25
LONGEST_PAUSE = timedelta(days=1)


def failure_of(visit: Visit) -> Failure | None:
    """How a visit failed; None if it answered."""
    code = reason_of(visit)
    if visit.status in ANSWERED:
        never_asked = visit.unfinished and not (visit.found or visit.unchanged)
        return "ours" if never_asked else None
    if code in OUR_OWN:
        return "ours"
    if code in SLOW_DOWN or wait_of(visit):
        return "temporary"
    return "hard" if visit.status == "blocked" or code in NOT_THERE else "soft"


def reason_of(visit: Visit) -> str:
    """Code of the note that says why a visit failed: the crawler puts it first."""
    return visit.notes[0].code if visit.notes else ""


def wait_of(visit: Visit) -> datetime | None:
    """Until when the host asked to be left alone, a day at most."""
    return min(visit.wait_until, visit.finished_at + LONGEST_PAUSE) if visit.wait_until else None


def next_pace(pace: float, source: Source, found: int, new: int) -> float:
    """Minutes to the next visit, after one that answered. The configured interval is the centre.

    Half of the list new or more: two thirds, for the next visit might come too late for some. Nothing new: from the
    configured interval on, a quarter longer each time. Something new: half-way back to the configured interval.
    """
    if new >= MANY and new >= found * MANY_SHARE:
        pace *= SHORTER
    elif not new:
        pace = pace * LONGER if pace >= source.interval else source.interval
    else:
        pace = (pace + source.interval) / 2
    least, most = bounds(source)
    return min(max(pace, least), most)


def bounds(source: Source) -> tuple[float, float]:
    """The shortest and the longest pace of a source; its option `least_interval` raises both."""
    interval, floor = source.interval, source.options.get("least_interval")
    least = max(
        interval if source.adapter in METERED else min(LEAST, interval),
        float(floor) if isinstance(floor, int | float) else 0.0,
    )
    return least, max(least, interval, min(WIDEST * interval, MOST))


def pause(pace: float, strain: float) -> timedelta:
    """How long to wait after a visit: the pace, doubled by each whole of strain, up to a day."""
    doubled = timedelta(minutes=pace * 2 ** min(strain, 20))
    return max(timedelta(minutes=pace), min(doubled, LONGEST_PAUSE))
