"""How a source is, judged from made histories: silence, yields, failures, and what the operator is told of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from crawler.dates import WIB
from intake.health import Day, Look, expected_by, failing, fallen_part, figures, judge, news, weekday

TODAY = date(2026, 11, 24)  # a Tuesday; no holiday within eight weeks
NOON = datetime.combine(TODAY, time(12), WIB)
HOUR = timedelta(hours=1)


def end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(1), time(), WIB)


def days(brings: Callable[[date], int], last: date = TODAY, count: int = 56) -> list[Day]:
    """So many days that were listened to, up to `last`."""
    dates = [last - timedelta(back) for back in range(count)]
    return [Day(day, answered=48, unchanged=40, new=brings(day)) for day in dates]


# ---- silence


def test_a_daily_paper_is_missed_after_one_silent_day() -> None:
    history = days(lambda day: 20 if day < TODAY - timedelta(1) else 0)
    assert expected_by(history, NOON) == end_of(TODAY - timedelta(1))
    assert (
        judge([Look(NOON, "unchanged")], history, NOON, expected=expected_by(history, NOON), moved=False).state
        == "quiet"
    )


def test_an_office_is_not_missed_on_its_weekend() -> None:
    """New items from Monday to Friday: after a Friday nothing is due before the second silent working day."""
    friday, sunday = date(2026, 11, 20), date(2026, 11, 22)
    history = days(lambda day: 5 if weekday(day) < 5 and day <= friday else 0, sunday)
    by = expected_by(history, datetime.combine(sunday, time(12), WIB))
    assert by == end_of(date(2026, 11, 24))


def test_a_holiday_is_a_sunday() -> None:
    """The same office before the end of the year: Christmas and its joint leave fall on a Thursday and a Friday."""
    wednesday = date(2026, 12, 23)
    assert [weekday(wednesday + timedelta(ahead)) for ahead in range(4)] == [2, 6, 6, 5]
    history = days(lambda day: 5 if weekday(day) < 5 else 0, wednesday)
    assert expected_by(history, datetime.combine(wednesday, time(12), WIB)) == end_of(date(2026, 12, 29))


def test_a_weekly_letter_is_given_weeks() -> None:
    history = days(lambda day: 3 if weekday(day) == 1 else 0)
    by = expected_by(history, NOON)
    assert by is not None
    assert timedelta(weeks=2) < by - NOON < timedelta(weeks=5)


@pytest.mark.parametrize(
    "history",
    [
        [],
        days(lambda _: 0),
        days(lambda _: 20, count=13),
        days(lambda day: 1 if (TODAY - day).days in (9, 30, 41) else 0),
    ],
    ids=["never visited", "never anything", "two weeks not over", "three items"],
)
def test_a_rhythm_that_is_not_known_says_nothing(history: list[Day]) -> None:
    assert expected_by(history, NOON) is None


def test_days_we_did_not_listen_on_are_not_held_against_it() -> None:
    silent = TODAY - timedelta(4)
    history = days(lambda day: 20 if day < silent else 0)
    deaf = [one for one in history if not silent <= one.day < TODAY]
    assert expected_by(history, NOON) == end_of(silent)
    assert expected_by(deaf, NOON) == end_of(TODAY)


def test_a_backlog_teaches_no_rhythm() -> None:
    """A hundred items on the first day, then one a week: no day is expected to bring a hundred, nor anything."""
    history = days(lambda day: 100 if (TODAY - day).days == 55 else int((TODAY - day).days % 7 == 0))
    by = expected_by(history, NOON)
    assert by is not None
    assert by > NOON + timedelta(weeks=2)


# ---- yield


def texts(count: int = 10, lost: int = 0, **missing: int) -> Callable[[Day], Day]:
    full = {part: count - missing.get(part, 0) for part in ("titles", "dates", "bodies")}
    return lambda one: replace(one, documents=count, lost=lost, **full)


def told(before: Callable[[Day], Day], since: Callable[[Day], Day], after: int = 1) -> dict[str, object] | None:
    """What is said where the texts were so, and are otherwise since `after` days ago."""
    history = [(since if (TODAY - one.day).days < after else before)(one) for one in days(lambda _: 10)]
    return fallen_part(history, NOON)


@pytest.mark.parametrize("part", ["titles", "dates", "bodies"])
def test_a_part_that_new_texts_suddenly_lack_is_told(part: str) -> None:
    assert told(texts(), texts(**{part: 8})) == {"part": part, "now": 0.2, "usual": 1.0}
    assert told(texts(), texts(**{part: 3})) is None, "three of ten may lack it"
    assert told(texts(**{part: 8}), texts(**{part: 10})) is None, "most texts of this source never had it"
    assert told(texts(), texts(4, **{part: 4})) is None, "four new texts are averaged with those of yesterday"
    assert told(texts(), texts(4, **{part: 4}), after=2) == {"part": part, "now": 0.0, "usual": 1.0}


def test_articles_that_cannot_be_read_are_bodies_that_lack() -> None:
    nothing = texts(0, lost=10)
    assert told(texts(), nothing) == {"part": "bodies", "now": 0.0, "usual": 1.0}
    assert told(texts(), texts(lost=1)) is None, "one bad page in eleven may be"


def test_a_source_without_texts_has_no_yield() -> None:
    assert fallen_part(days(lambda _: 0), NOON) is None
    assert fallen_part([], NOON) is None


# ---- failures


def looks(*statuses: str, every: timedelta = HOUR, failure: str = "soft", reason: str = "timeout") -> list[Look]:
    """Visits ending at NOON, newest first; given oldest first."""
    made = []
    for back, status in enumerate(reversed(statuses)):
        failed = None if status in ("ok", "unchanged", "empty") else failure
        made.append(Look(NOON - back * every, status, failed, reason if failed else ""))
    return made


def state(found: Sequence[Look], *, moved: bool = False) -> str:
    return judge(found, days(lambda _: 20), NOON, expected=None, moved=moved).state


def test_one_failure_among_answers_is_none() -> None:
    assert state(looks("ok", "unreachable")) == "well"
    assert state(looks("ok", "unreachable", "unreachable")) == "unreachable"
    assert state(looks("ok", "unreachable", "unreachable", "unchanged")) == "well"
    assert state(looks("unreachable")) == "unreachable", "it never answered"
    assert state(looks("ok"), moved=True) == "moved"


def test_the_kinds_of_failing_are_told_apart() -> None:
    assert state(looks("ok", "blocked", "blocked", failure="hard", reason="robots")) == "blocked"
    assert state(looks("ok", "broken", "broken", reason="page-not-feed")) == "broken"
    verdict = judge(looks("ok", "broken", "broken"), [], NOON, expected=None, moved=False)
    assert verdict.since == NOON - HOUR
    assert verdict.cause == {"visits": 2, "reason": "timeout"}


def test_gone_is_what_is_missing_for_days() -> None:
    missing = {"failure": "hard", "reason": "http-404"}
    assert state(looks("ok", *["unreachable"] * 6, **missing)) == "unreachable", "six hours are too few"
    assert state(looks("ok", "unreachable", "unreachable", every=60 * HOUR, **missing)) == "unreachable", (
        "twice is too few"
    )
    assert state(looks("ok", *["unreachable"] * 3, every=24 * HOUR, **missing)) == "gone"
    came_back = looks("unreachable", "ok", "unreachable", "unreachable", every=24 * HOUR, **missing)
    assert state(came_back) == "unreachable"


def test_our_own_line_is_not_held_against_a_source_for_a_day() -> None:
    assert failing(looks("ok", *["unreachable"] * 20, failure="ours"), NOON) == []
    assert len(failing(looks("ok", *["unreachable"] * 30, failure="ours"), NOON)) == 30
    assert state(looks("unreachable", failure="ours")) == "unreachable", "it never answered"


# ---- what the operator is told


def news_of(states: Sequence[str], every: timedelta = HOUR) -> list[tuple[int, str]]:
    """Number of the visit and what was told at it, over a row of visits with these states."""
    heard: list[Look] = []
    told, said = None, []
    for number, one in enumerate(states):
        at = NOON + number * every
        heard.insert(0, Look(at, "ok", state=one))
        if (now := news(told, heard, at)) is not None:
            told = None if now == "well" else now
            said.append((number, now))
    return said


def test_a_source_that_goes_bad_is_told_once_and_once_when_mended() -> None:
    said = news_of(["well"] * 10 + ["unreachable"] * 30 + ["well"] * 30)
    assert [what for _, what in said] == ["unreachable", "well"]
    assert 10 + 3 <= said[0][0] <= 10 + 6
    assert said[1][0] == 40 + 6


def test_a_short_failure_is_not_told() -> None:
    assert news_of(["well"] * 10 + ["unreachable"] * 3 + ["well"] * 10) == []
    assert news_of(["unreachable"] * 2) == []


@pytest.mark.parametrize("bad", [2, 4, 5])
def test_flapping_is_told_once_and_mended_once(bad: int) -> None:
    flapping = (["unreachable"] * bad + ["well"]) * 20
    assert [what for _, what in news_of(["well"] * 10 + flapping + ["well"] * 20)] == ["unreachable", "well"]


def test_what_gets_worse_is_told_again_and_what_is_as_bad_is_not() -> None:
    worse = ["well"] * 9 + ["quiet"] * 20 + ["unreachable"] * 20 + ["gone"] * 20 + ["quiet"] * 20 + ["well"] * 9
    assert [what for _, what in news_of(worse)] == ["quiet", "unreachable", "well"]


def test_of_a_source_visited_rarely_three_visits_decide() -> None:
    assert news_of(["well", "gone", "gone", "gone"], every=24 * HOUR) == [(2, "gone")]


def test_the_figures_hold_each_of_28_days() -> None:
    drawn = figures(days(lambda day: (TODAY - day).days), NOON)
    assert drawn.until == "2026-11-24"
    assert drawn.new == tuple(range(27, -1, -1))
    assert (drawn.answered, drawn.unchanged) == (28 * 48, 28 * 40)
    assert drawn.known is None
    assert figures([Day(TODAY, answered=2, found=40, new=4)], NOON).known == 0.9
