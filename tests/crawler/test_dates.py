"""Indonesian dates."""

from datetime import UTC, datetime, timedelta

import pytest

from crawler.dates import believable, parse_date

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Selasa, 24 November 2026 | 07:18 WIB", "2026-11-24T00:18"),
        ("Tayang: Selasa, 10 Juni 2025 07:18 WITA", "2025-06-09T23:18"),
        ("Rabu (1/7/2026) 09.30 WIT", "2026-07-01T00:30"),
        ("24/11/2026 07:18 WIB", "2026-11-24T00:18"),
        ("24 Nov 2026", "2026-11-23T17:00"),
        ("5 Agt 2026 pukul 20.05 WIB", "2026-08-05T13:05"),
        ("Nov 24, 2026 10:00 GMT", "2026-11-24T10:00"),
        ("2026-11-24T07:18:00+07:00", "2026-11-24T00:18"),
        ("2026-11-24 07:18 WIB", "2026-11-24T00:18"),
        ("2026-11-24T00:18:00Z", "2026-11-24T00:18"),
        ("2026-11-24", "2026-11-23T17:00"),
        ("Tue, 24 Nov 2026 07:18:00 +0700", "2026-11-24T00:18"),
        ("Sel, 24 Nov 2026 07:18:00 WIB", "2026-11-24T00:18"),
        ("3 jam yang lalu", "2026-11-24T09:00"),
        ("sejam lalu", "2026-11-24T11:00"),
        ("2 hari lalu", "2026-11-22T12:00"),
        ("Tue, 24 Nov 2026 07:18:00 GMT+7", "2026-11-24T00:18"),
        ("Tue Nov 24 2026 07:18:00 GMT+0700 (Waktu Indonesia Barat)", "2026-11-24T00:18"),
        ("24/11/2026 07:18 UTC+07:00", "2026-11-24T00:18"),
        ("2026-11-24 07:18 utc +8", "2026-11-23T23:18"),
        ("Tue, 24 Nov 2026 07:18:00 GMT-5:30", "2026-11-24T12:48"),
        ("Tue, 24 Nov 2026 07:18:00 GMT", "2026-11-24T07:18"),
        ("Tue, 24 Nov 2026 07:18:00 EST", "2026-11-24T12:18"),
        ("24/11/2026 07:18-09:00 WIB", "2026-11-24T00:18"),
    ],
)
def test_reads(text: str, expected: str) -> None:
    assert parse_date(text, NOW) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        "kemarin sore",
        "31/02/2026",
        "99 Foo 2026",
        "0000-00-00x" * 100_000,
    ],
)
def test_reads_nothing_where_there_is_nothing(text: str | None) -> None:
    assert parse_date(text, NOW) is None


def test_only_what_can_be_true_is_believed() -> None:
    assert believable(datetime(1768, 1, 1, tzinfo=UTC), NOW)[0] is None
    assert believable(datetime(2099, 1, 1, tzinfo=UTC), NOW) == (None, "date-impossible")
    assert believable(NOW + timedelta(hours=2), NOW) == (NOW, "date-ahead")
    assert believable(NOW - timedelta(days=1), NOW) == (NOW - timedelta(days=1), None)
    assert believable(None, NOW) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        "1 Jan 0001 00:00 WIB",
        "0001-01-01T00:00:00+07:00",
        "9999-12-31T23:59:59-07:00",
        "Mon, 01 Jan 0001 00:00:00 +0000",
    ],
)
def test_the_ends_of_the_calendar_are_read_and_not_believed(text: str) -> None:
    moment = parse_date(text, NOW)
    assert moment is not None
    assert believable(moment, NOW) == (None, "date-impossible")


def test_a_year_beyond_all_calendars_costs_only_the_date() -> None:
    moment = parse_date("Mon, 01 Jan 99999999999 00:00:00 +0000", NOW)
    assert believable(moment, NOW) == (None, "date-impossible")
