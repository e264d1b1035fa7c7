"""When a source is visited next: the pace around what was configured, the pauses after failures."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crawler import Note, Source, Visit
from intake.rhythm import WEIGHTS, failure_of, next_pace, pause, wait_of

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)


def visit(status: str, *codes: str, **more: Any) -> Visit:
    notes = tuple(Note(code, "") for code in codes)
    return Visit("A", status, NOW, NOW, notes=notes, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "failure"),
    [
        (visit("ok"), None),
        (visit("unchanged"), None),
        (visit("empty", "item-bad-link"), None),
        (visit("unreachable", "timeout"), "soft"),
        (visit("unreachable", "http-502"), "soft"),
        (visit("broken", "page-not-feed"), "soft"),
        (visit("blocked", "http-429"), "temporary"),
        (visit("unreachable", "http-503"), "temporary"),
        (visit("unreachable", "http-500", wait_until=NOW + timedelta(hours=1)), "temporary"),
        (visit("blocked", "asked-to-stop"), "temporary"),
        (visit("blocked", "http-403"), "hard"),
        (visit("blocked", "robots"), "hard"),
        (visit("unreachable", "http-404"), "hard"),
        (visit("unreachable", "http-410"), "hard"),
        (visit("broken", "crawler-ended"), "ours"),
        (visit("unreachable", "unfinished"), "ours"),
        (visit("unreachable"), "soft"),
        (visit("empty", "time-up", unfinished=True), "ours"),
        (visit("ok", "budget", unfinished=True, found=3), None),
    ],
)
def test_failures_differ_in_kind(one: Visit, failure: str | None) -> None:
    assert failure_of(one) == failure


def paces(pace: float, interval: int, *brought: tuple[int, int], adapter: str = "feed", **options: Any) -> list[float]:
    """The paces after visits that found so many items, so many of them new."""
    source, made = Source("A", adapter, "https://a.example", interval=interval, options=options), []
    for found, new in brought:
        pace = next_pace(pace, source, found, new)
        made.append(round(pace, 1))
    return made


def test_many_new_items_make_the_next_visit_come_sooner_and_none_later() -> None:
    assert paces(30, 30, (20, 20), (20, 10), (20, 15)) == [20, 13.3, 8.9]
    assert paces(30, 30, (20, 0), (0, 0), (20, 0)) == [37.5, 46.9, 58.6]


def test_the_configured_interval_is_where_it_comes_back_to() -> None:
    assert paces(10, 30, (20, 0)) == [30], "nothing new: no reason to be faster than configured"
    assert paces(120, 30, *[(20, 1)] * 3) == [75, 52.5, 41.2]
    assert paces(10, 30, *[(20, 1)] * 3) == [20, 25, 27.5]
    assert paces(30, 30, (1, 1), (4, 4)) == [30, 30], "a list of few items says little"


@pytest.mark.parametrize(
    ("interval", "options", "least", "most"),
    [
        (30, {}, 5, 120),
        (180, {}, 5, 360),
        (1440, {}, 5, 1440),
        (2, {}, 2, 8),
        (30, {"least_interval": 25}, 25, 120),
        (30, {"least_interval": 600}, 600, 600),
        (30, {"least_interval": "x"}, 5, 120),
        (30, {"adapter": "youtube"}, 30, 120),
    ],
)
def test_the_pace_has_bounds(interval: int, options: dict[str, Any], least: float, most: float) -> None:
    assert paces(interval, interval, *[(20, 20)] * 40, **options)[-1] == least
    assert paces(interval, interval, *[(20, 0)] * 40, **options)[-1] == most


def pauses(failure: str, times: int) -> list[float]:
    """Hours of pause after so many failures in a row, at 30 minutes."""
    weight = WEIGHTS[failure]  # type: ignore[index]
    return [round(pause(30, weight * number) / timedelta(hours=1), 1) for number in range(1, times + 1)]


def test_pauses_grow_with_the_weight_of_the_failures_up_to_a_day() -> None:
    assert pauses("soft", 4) == [0.7, 1.0, 1.4, 2.0]
    assert pauses("temporary", 4) == [1.0, 2.0, 4.0, 8.0]
    assert pauses("hard", 4) == [2.0, 8.0, 24.0, 24.0]
    assert pauses("ours", 40)[-1] == 0.5
    assert pauses("soft", 4000)[-1] == 24.0
    assert pause(7 * 24 * 60, 4) == timedelta(days=7), "never sooner than its interval"


def test_a_wait_is_obeyed_for_a_day_at_most() -> None:
    assert wait_of(visit("ok")) is None
    assert wait_of(visit("blocked", wait_until=NOW + timedelta(hours=3))) == NOW + timedelta(hours=3)
    assert wait_of(visit("blocked", wait_until=NOW + timedelta(days=300))) == NOW + timedelta(days=1)
