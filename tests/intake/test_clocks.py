"""Clocks: days counted by hand for known weeks, and what holds for every log."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.dates import WIB
from intake.casework import clocks
from intake.casework.clocks import DAY, Calendar, Clock, Happened, Limit, Receipt, Rules, load_limits
from intake.settings import Settings

# Monday; Friday the 25th is Christmas and Thursday the 24th cuti bersama.
MONDAY = date(2026, 12, 14)
LAW = {"what": "Jawaban", "english": "Answer", "law": "UU", "valid_from": date(2020, 1, 1)}
WORKING = Limit(id="w", days=5, count="working", starts=("referred",), ends=("answered",), tracks=("refer",), **LAW)
CALENDAR = replace(WORKING, id="c", days=14, count="calendar")


def at(day: date, hour: int = 10) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=WIB)


def log(*events: tuple[str, date], referral: int | None = 1) -> list[Happened]:
    opened = Happened("opened", at(MONDAY, 8), 0, track="refer")
    return [opened, *(Happened(kind, at(day), n, referral) for n, (kind, day) in enumerate(events, 1))]


def one(events: list[Happened], today: date, limit: Limit = WORKING, calendar: Calendar = Calendar()) -> Clock:
    (clock,) = clocks.clocks(events, Rules((limit,), calendar), today)
    return clock


@pytest.mark.parametrize(
    ("limit", "start", "calendar", "due"),
    [
        (WORKING, MONDAY, Calendar(), date(2026, 12, 21)),
        (WORKING, MONDAY + 3 * DAY, Calendar(), date(2026, 12, 28)),  # over a weekend, cuti bersama and Christmas
        (WORKING, MONDAY, Calendar(days_off=frozenset({date(2026, 12, 16)})), date(2026, 12, 22)),
        (WORKING, MONDAY, Calendar(work_days=frozenset({date(2026, 12, 19)})), date(2026, 12, 19)),
        (CALENDAR, MONDAY, Calendar(), date(2026, 12, 28)),
    ],
)
def test_days_are_counted_as_an_office_counts_them(limit: Limit, start: date, calendar: Calendar, due: date) -> None:
    assert one(log(("referred", start)), start, limit, calendar).due == due


@pytest.mark.parametrize(
    ("today", "state", "days"),
    [
        (MONDAY, "running", 5),
        (date(2026, 12, 16), "due_soon", 3),
        (date(2026, 12, 21), "due_soon", 0),
        (date(2026, 12, 22), "overdue", 1),
        (date(2026, 12, 27), "overdue", 2),  # the 24th and 25th are no working days
    ],
)
def test_a_clock_says_how_it_stands(today: date, state: str, days: int) -> None:
    clock = one(log(("referred", MONDAY)), today)
    assert (clock.state, clock.days, clock.ended) == (state, days, None)


@pytest.mark.parametrize(
    ("answered", "state", "days"), [(date(2026, 12, 17), "met", 2), (date(2026, 12, 23), "late", 2)]
)
def test_what_was_answered_was_in_time_or_late_for_ever(answered: date, state: str, days: int) -> None:
    for today in (answered, answered + 300 * DAY):
        clock = one(log(("referred", MONDAY), ("answered", answered)), today)
        assert (clock.state, clock.days, clock.ended) == (state, days, answered)


def test_a_day_is_a_day_in_wib() -> None:
    late_on_sunday_in_utc = datetime(2026, 12, 13, 18, tzinfo=UTC)
    events = [
        Happened("opened", late_on_sunday_in_utc, track="refer"),
        Happened("referred", late_on_sunday_in_utc, 1, 1),
    ]
    assert one(events, MONDAY).started == MONDAY


def test_a_pause_stops_the_clock_until_it_goes_on() -> None:
    paused = log(("referred", MONDAY), ("paused", MONDAY + 2 * DAY))
    clock = one(paused, MONDAY + 30 * DAY)
    assert (clock.state, clock.due, clock.days) == ("paused", None, 4)
    assert one(
        log(("referred", MONDAY), ("paused", MONDAY + 2 * DAY), ("resumed", MONDAY + 4 * DAY)), MONDAY
    ).due == date(2026, 12, 23)
    closed = log(("referred", MONDAY), ("closed", MONDAY + 2 * DAY), ("reopened", MONDAY + 4 * DAY))
    assert one(closed, MONDAY).due == date(2026, 12, 23)
    assert one(paused, MONDAY, replace(WORKING, stops=False)).due == date(2026, 12, 21)


def test_pausing_excuses_nothing_that_was_late_before() -> None:
    clock = one(log(("referred", MONDAY), ("paused", MONDAY + 9 * DAY)), MONDAY + 30 * DAY)
    assert (clock.state, clock.due, clock.days) == ("overdue", date(2026, 12, 21), 1)
    answered = log(("referred", MONDAY), ("answered", MONDAY + 1 * DAY), ("paused", MONDAY + 2 * DAY))
    assert one(answered, MONDAY + 30 * DAY).due == date(2026, 12, 21)


def test_each_referral_has_a_clock_of_its_own_and_one_that_was_revoked_has_none() -> None:
    events = [
        *log(("referred", MONDAY)),
        Happened("referred", at(MONDAY + DAY), 8, 2),
        Happened("referred", at(MONDAY + DAY), 9, 3),
        Happened("answered", at(MONDAY + 2 * DAY), 10, 1),
        Happened("revoked", at(MONDAY + 2 * DAY), 11, 3),
    ]
    found = clocks.clocks(events, Rules((WORKING,)), MONDAY + 3 * DAY)
    assert [(clock.referral, clock.state) for clock in found] == [(2, "due_soon"), (1, "met")]
    assert clocks.pressing(found) == found[0]


def test_asking_twice_does_not_hide_that_the_first_is_late() -> None:
    assert one(log(("referred", MONDAY), ("referred", MONDAY + 4 * DAY)), MONDAY).started == MONDAY


def test_a_limit_runs_on_its_tracks_and_while_it_is_in_force() -> None:
    moved = [*log(("referred", MONDAY)), Happened("track", at(MONDAY), 9, track="watch")]
    assert clocks.clocks(moved, Rules((WORKING,)), MONDAY) == ()
    before = replace(WORKING, valid_until=MONDAY - DAY)
    after = replace(WORKING, days=10, valid_from=MONDAY)
    (clock,) = clocks.clocks(log(("referred", MONDAY)), Rules((before, after)), MONDAY)
    assert clock.limit == after


# ---- when a message was received

RECEIVED = replace(CALENDAR, starts=("received",))
SILENCE = Receipt(days=3, count="working", law="kantor")
THURSDAY = MONDAY + 3 * DAY


def heard(*events: tuple[str, date], today: date = MONDAY, receipt: Receipt = SILENCE) -> list[Clock]:
    return list(clocks.clocks(log(*events), Rules((RECEIVED,), receipt=receipt), today))


@pytest.mark.parametrize("reply", clocks.REPLIES)
def test_it_was_received_when_the_focal_point_first_replied(reply: str) -> None:
    (clock,) = heard(("referred", MONDAY), (reply, MONDAY + DAY), ("acknowledged", MONDAY + 2 * DAY))
    assert (clock.started, clock.due, clock.receipt) == (MONDAY + DAY, MONDAY + 15 * DAY, None)
    assert clock.ended == (MONDAY + DAY if reply == "answered" else None)


def test_of_whoever_is_silent_it_counts_as_received_and_no_late_receipt_wins_time() -> None:
    for events in ((), (("acknowledged", THURSDAY),), (("acknowledged", MONDAY + 30 * DAY),)):
        (clock,) = heard(("referred", MONDAY), *events, today=MONDAY + 40 * DAY)
        assert (clock.started, clock.due, clock.receipt) == (THURSDAY, THURSDAY + 14 * DAY, SILENCE)
        assert (clock.state, clock.days) == ("overdue", 23)
    (late,) = heard(("referred", MONDAY), ("answered", MONDAY + 30 * DAY), today=MONDAY + 40 * DAY)
    assert (late.state, late.days, late.ended) == ("late", 13, MONDAY + 30 * DAY)


def test_before_that_day_it_is_said_already_when_it_will_be_due() -> None:
    (clock,) = heard(("referred", MONDAY))
    assert (clock.state, clock.days, clock.due) == ("running", 17, THURSDAY + 14 * DAY)
    (friday,) = heard(("referred", MONDAY + 4 * DAY))
    assert friday.started == MONDAY + 9 * DAY, "a weekend is no working day"
    (at_once,) = heard(("referred", MONDAY), receipt=Receipt())
    assert (at_once.started, at_once.due) == (MONDAY, MONDAY + 14 * DAY)


def test_each_referral_is_received_by_itself_and_one_that_was_revoked_is_not() -> None:
    events = [
        *log(("referred", MONDAY)),
        Happened("referred", at(MONDAY), 8, 2),
        Happened("referred", at(MONDAY), 9, 3),
        Happened("acknowledged", at(MONDAY + DAY), 10, 2),
        Happened("revoked", at(MONDAY + DAY), 11, 3),
        Happened("progress", at(MONDAY + DAY), 12),  # noted of nobody in particular
    ]
    found = clocks.clocks(events, Rules((RECEIVED,), receipt=SILENCE), MONDAY + 30 * DAY)
    assert [(clock.referral, clock.started) for clock in found] == [(2, MONDAY + DAY), (1, THURSDAY)]


# ---- for every log

DAYS = st.integers(0, 60).map(lambda n: MONDAY + n * DAY)
LIMITS = st.sampled_from([WORKING, CALENDAR, replace(WORKING, id="long", days=30)])


@st.composite
def pauses(draw: st.DrawFn) -> list[tuple[date, date | None]]:
    """Pauses one after another; the last may last."""
    days = sorted(draw(st.lists(DAYS, max_size=6)))
    pairs: list[tuple[date, date | None]] = list(zip(days[::2], days[1::2], strict=False))
    return [*pairs, (days[-1], None)] if len(days) % 2 else pairs


def with_pauses(started: date, stops: list[tuple[date, date | None]]) -> list[Happened]:
    events = log(("referred", started))
    for n, (first, last) in enumerate(stops):
        minutes = timedelta(minutes=2 * n)  # one after another, on one day too
        events.append(Happened("paused", at(first, 11) + minutes, 10 + 2 * n))
        if last is not None:
            events.append(Happened("resumed", at(last, 11) + minutes + timedelta(minutes=1), 11 + 2 * n))
    return events


def due(events: list[Happened], limit: Limit, calendar: Calendar = Calendar()) -> date:
    return one(events, MONDAY, limit, calendar).due or date.max


@given(DAYS, LIMITS, pauses(), st.data())
def test_pausing_never_shortens(
    started: date, limit: Limit, stops: list[tuple[date, date | None]], data: st.DataObject
) -> None:
    fewer = [stop for stop in stops if data.draw(st.booleans())]
    assert due(with_pauses(started, fewer), limit) <= due(with_pauses(started, stops), limit)


@given(DAYS, LIMITS, pauses(), st.frozensets(DAYS, max_size=8), st.frozensets(DAYS, max_size=3), DAYS)
def test_a_holiday_more_never_makes_it_due_earlier(
    started: date,
    limit: Limit,
    stops: list[tuple[date, date | None]],
    days_off: frozenset[date],
    work_days: frozenset[date],
    more: date,
) -> None:
    events = with_pauses(started, stops)
    assert due(events, limit, Calendar(days_off, work_days)) <= due(
        events, limit, Calendar(days_off | {more}, work_days)
    )


@given(DAYS, LIMITS, pauses(), DAYS, st.randoms())
def test_the_same_log_gives_the_same_clocks(
    started: date, limit: Limit, stops: list[tuple[date, date | None]], today: date, chance: random.Random
) -> None:
    events = with_pauses(started, stops)
    mixed = list(events)
    chance.shuffle(mixed)
    rules = Rules((limit, CALENDAR))
    assert clocks.clocks(events, rules, today) == clocks.clocks(mixed, rules, today)


@given(DAYS, LIMITS, DAYS)
def test_a_clock_that_is_due_is_due_on_a_day_that_counts(started: date, limit: Limit, today: date) -> None:
    clock = one(log(("referred", started)), today, limit)
    assert clock.due is not None
    assert limit.count == "calendar" or Calendar().is_working(clock.due)
    assert (clock.state == "overdue") == (today > clock.due)


# ---- configuration


def test_what_we_ship_names_its_law_and_says_what_was_not_seen() -> None:
    limits = {limit.id: limit for limit in load_limits()}
    assert {name for name, limit in limits.items() if limit.confirmed} == {"tindak-lanjut-lhp", "usia-peristiwa"}
    assert all(limit.law and limit.what and limit.english for limit in limits.values())


def test_an_office_puts_its_own_limit_in_the_place_of_ours(tmp_path: Path) -> None:
    own = tmp_path / "limits.toml"
    own.write_text(
        '[[limit]]\nid = "penjelasan"\nwhat = "x"\nenglish = "x"\ndays = 7\ncount = "working"\nfrom = ["referred"]\n'
        'until = ["answered"]\ntracks = ["refer"]\nlaw = "SK 1"\nvalid_from = 2026-01-01\nconfirmed = true\n'
    )
    settings = Settings(limits_file=own, office_days_off=(MONDAY,))
    rules = clocks.rules_of(settings)
    (mine,) = [limit for limit in rules.limits if limit.id == "penjelasan"]
    assert (mine.days, mine.confirmed, len(rules.limits)) == (7, True, len(load_limits()))
    assert not rules.calendar.is_working(MONDAY)
    assert rules.receipt == Receipt(3, "working", "kebijakan kantor")
    own.write_text('[receipt]\ndays = 0\ncount = "calendar"\nlaw = "SK 2"\nconfirmed = true\n')
    assert clocks.rules_of(settings.model_copy(update={"office_days_off": ()})).receipt.law == "SK 2"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[limit", "is no TOML"),
        ('[[limit]]\nid = "x"\n', "lacks something"),
        ('[[limit]]\nid="x"\nfrom=["dreamt"]\nuntil=[]\ntracks=[]\nwhat=""\nenglish=""\nlaw=""\ndays=1\ncount="working"\nvalid_from=2026-01-01', "'dreamt'"),
        ('[[limit]]\nid="x"\nfrom=[]\nuntil=[]\ntracks=[]\nwhat=""\nenglish=""\nlaw=""\ndays=0\ncount="working"\nvalid_from=2026-01-01', "1 to 3660"),
        ('[receipt]\nhours = 3\n', "something unknown"),
        ('[receipt]\ndays = -1\n', "0 to 60"),
        ('[receipt]\ndays = "3"\n', "0 to 60"),
        ('receipt = 3\n', "something unknown"),
    ],
)  # fmt: skip
def test_a_file_of_limits_that_cannot_be_used_is_refused_at_the_start(tmp_path: Path, text: str, words: str) -> None:
    own = tmp_path / "limits.toml"
    own.write_text(text)
    with pytest.raises(ValueError, match=words):
        Settings(limits_file=own)


def test_a_year_of_clocks_is_computed_quickly() -> None:
    """Two thousand cases with ten events each: the page of cases computes them all."""
    events = with_pauses(MONDAY, [(MONDAY + n * DAY, MONDAY + (n + 1) * DAY) for n in (3, 6, 9, 12)])
    rules = Rules(load_limits())
    began = datetime.now(UTC)
    for _ in range(2000):
        clocks.clocks(events, rules, MONDAY + 40 * DAY)
    assert datetime.now(UTC) - began < timedelta(seconds=5)
