"""Visits to sources through the database: when the next one is, how the source is, and what the operator is told."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from crawler import Source, Validators, Visit
from crawler.dates import WIB
from crawler.notes import note
from intake import alerts, bulletin, jobs, retention, sources
from intake.database import Sessions
from intake.models import Alert, AuditRow, SourceState, VisitRow, now
from intake.settings import Settings

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)  # a Tuesday noon in WIB
HOUR = timedelta(hours=1)
A = Source("A", "feed", "https://www.a.example/feed", "14.71", interval=30)
B = Source("B", "feed", "https://b.example/feed")
A2 = Source("A2", "feed", "https://a.example/olahraga/feed")


def row(session: Session, name: str = "A") -> SourceState:
    return session.scalars(select(SourceState).where(SourceState.name == name)).one()


def due(session: Session, at: datetime) -> list[str]:
    return [source.name for source in sources.due(session, at)]


def visit(session: Session, status: str, at: datetime, new: int = 0, name: str = "A", **more: Any) -> SourceState:
    """Record a visit; a failing one notes why with `code`."""
    code = more.pop("code", "timeout")
    notes = () if status in sources.ANSWERED else (_note(code),)
    given = {"requests": 1, "notes": notes} | more
    sources.record_visit(session, Visit(name, status, at - timedelta(seconds=3), at, **given), new)  # type: ignore[arg-type]
    return row(session, name)


def _note(code: str) -> Any:
    status = code.removeprefix("http-")
    return (
        note(code, A.url, "asked-again", says="http", status=status)
        if status != code
        else note(code, A.url, "asked-again")
    )


def listened(session: Session, until: date, count: int = 56, name: str = "A", **more: Any) -> None:
    """A history of two visits a day, with ten new texts every day."""
    made = row(session, name)
    whole = dict.fromkeys(("documents", "titles", "dates", "bodies"), 5)
    given = {
        "status": "ok",
        "state": "well",
        "reason": "",
        "requests": 6,
        "unchanged": 0,
        "found": 20,
        "new": 5,
        "lost": 0,
    }
    rows = [
        {"source_id": made.id, "at": at, "day": at.date(), "seconds": 3.0, **given, **whole, **more}
        for back in range(count)
        for at in (datetime.combine(until - timedelta(back), datetime.min.time(), WIB) + h * HOUR for h in (20, 8))
    ]
    session.execute(insert(VisitRow), rows[::-1])
    made.health, made.probed = "well", True
    made.visited_at = made.success_at = made.new_at = rows[0]["at"]


@pytest.fixture
def heard(factory: Sessions) -> Sessions:
    """A database that listens to A."""
    with factory.begin() as session:
        sources.sync(session, [A])
    return factory


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://www.a.example/x", "http://a.example:80/y", True),
        ("https://A.example:443/", "https://a.example", True),
        ("http://127.0.0.1:8001/a", "http://127.0.0.1:8002/a", False),
        ("https://b.a.example", "https://a.example", False),
    ],
)
def test_a_host_is_its_name_and_port(one: str, other: str, same: bool) -> None:
    assert (sources.host_of(one) == sources.host_of(other)) == same


# ---- when


def test_a_pause_grows_with_each_failure_whatever_job_meets_it(heard: Sessions) -> None:
    at, waited = NOW, []
    for _ in range(5):
        with heard.begin() as session:  # each visit may be another process
            visit(session, "unreachable", at, code="http-404")
        with heard.begin() as session:
            until = row(session).due_at
            assert until is not None
            assert (due(session, until - timedelta(seconds=1)), due(session, until)) == ([], ["A"])
            waited.append((until - at) / HOUR)
            at = until
    assert waited == [2, 8, 24, 24, 24]
    with heard.begin() as session:
        visit(session, "ok", at, 1)
        assert due(session, at + timedelta(minutes=30)) == ["A"], "one answer ends it"


def test_a_host_that_asks_to_wait_is_left_alone_with_all_its_sources(heard: Sessions) -> None:
    with heard.begin() as session:
        sources.sync(session, [A2, B])
        visit(session, "blocked", NOW, code="http-429", wait_until=NOW + 5 * HOUR)
        before, after = NOW + 5 * HOUR - timedelta(seconds=1), NOW + 5 * HOUR
        assert due(session, before) == ["B"]
        assert [source.name for source in sources.due(session, before, everything=True)] == ["B"]
        assert due(session, after) == ["A", "A2", "B"]
        sources.enable(session, "A", enabled=True)
        assert due(session, before) == ["B"], "no button shortens what a host asked for"


def test_an_absurd_wait_is_a_day(heard: Sessions) -> None:
    with heard.begin() as session:
        visit(session, "ok", NOW, 1, wait_until=NOW + timedelta(days=400))
        assert due(session, NOW + timedelta(hours=23)) == []
        assert due(session, NOW + timedelta(hours=24)) == ["A"]


def test_the_interval_follows_what_comes(heard: Sessions) -> None:
    with heard.begin() as session:
        assert visit(session, "ok", NOW, 20, found=20).pace == 30, "to a first visit all is new"
        assert visit(session, "ok", NOW + HOUR, 15, found=20).pace == 20
        busy = NOW + HOUR + timedelta(minutes=20)
        assert due(session, busy) == ["A"]
        for back in range(20):
            slow = visit(session, "unchanged", busy + back * HOUR)
        assert slow.pace == 120
        sources.sync(session, [Source("A", "feed", A.url, "14.71", interval=60)])
        assert (slow.pace, slow.due_at) == (None, None), "configured anew, it begins anew"


def test_a_line_of_ours_that_is_down_is_no_failure_of_the_sources(heard: Sessions) -> None:
    with heard.begin() as session:
        sources.sync(session, [A2, B])
        for name in ("A", "A2", "B"):
            visit(session, "ok", NOW, 1, name)
        for hours in range(1, 6):
            for name in ("B", "A", "A2"):
                visit(session, "unreachable", NOW + hours * HOUR, name=name, code="connection")
        assert [row(session, name).health for name in ("A", "A2", "B")] == ["well"] * 3
        assert max(row(session, name).strain for name in ("A", "A2", "B")) <= 0.5
        visit(session, "ok", NOW + 6 * HOUR, 1, "B")
        for hours in (7, 8):
            visit(session, "ok", NOW + hours * HOUR, 1, "B")
            bad = visit(session, "unreachable", NOW + hours * HOUR)
        assert (bad.health, bad.strain) == ("unreachable", 1.0), "another host answers, so it is theirs"


# ---- how


def test_a_silence_beyond_its_rhythm_is_quiet_and_ends_with_the_next_item(heard: Sessions) -> None:
    with heard.begin() as session:
        listened(session, date(2026, 11, 22))
        monday = visit(session, "unchanged", NOW - 18 * HOUR)
        assert (monday.health, monday.expected_at) == ("well", datetime(2026, 11, 23, 17, tzinfo=UTC))
        tuesday = visit(session, "unchanged", NOW)
        assert (tuesday.health, tuesday.health_since) == ("quiet", monday.expected_at)
        later = visit(session, "unchanged", NOW + timedelta(days=57))
        assert later.health == "quiet", "also when its rhythm is no longer in the history"
        assert "sejak Min, 22 Nov 20.00 WIB" in bulletin.sentence(later, "id")
        assert "by Mon, 23 Nov." in bulletin.sentence(later, "en")
        assert visit(session, "ok", NOW + timedelta(days=57), 1).health == "well"


def test_texts_that_lose_their_dates_are_incomplete(heard: Sessions) -> None:
    with heard.begin() as session:
        listened(session, date(2026, 11, 23))
        one = visit(session, "ok", NOW, 12, documents=12, found=20, titles=12, bodies=12)
        assert (one.health, one.cause) == ("broken", {"part": "dates", "now": 0.0, "usual": 1.0})
        assert "hanya 0% teks baru yang bertanggal, biasanya 100%" in bulletin.sentence(one, "id")
        assert bulletin.word(one, "en") == "incomplete"
        mended = visit(session, "ok", NOW + HOUR, 20, documents=20, found=20, titles=20, bodies=20, dates=20)
        assert (mended.health, mended.cause) == ("well", {})


def test_an_address_that_moved_is_taken_over_and_stays_taken_over(heard: Sessions) -> None:
    new = "https://baru.example/feed"
    with heard.begin() as session:
        assert visit(session, "ok", NOW, 1, moved_to="http://a.example/feed/").health == "well", (
            "the same, spelt otherwise"
        )
        moved = visit(session, "ok", NOW, 1, moved_to=new)
        assert moved.health == "moved"
        assert new in bulletin.sentence(moved, "id")
        read_until = moved.complete_at
        sources.take_over(session, moved)
        (source,) = sources.due(session, NOW)
        assert (source.url, moved.complete_at) == (new, read_until), "what was read there is read here"
        assert session.scalar(select(AuditRow.detail).where(AuditRow.action == "source.move")) == {
            "name": "A",
            "old": A.url,
            "new": new,
        }
        assert visit(session, "ok", NOW + HOUR, 1).health == "well"
        sources.sync(session, [A])
        assert row(session).url == new, "the province's file still names the old one"
        sources.sync(session, [Source("A", "feed", "https://lain.example/feed", "14.71")])
        assert (row(session).url, row(session).complete_at) == ("https://lain.example/feed", None)


def test_what_has_not_moved_or_is_another_sources_is_not_taken_over(heard: Sessions) -> None:
    with heard.begin() as session:
        sources.sync(session, [B])
        with pytest.raises(ValueError, match="has not moved"):
            sources.take_over(session, row(session))
        with pytest.raises(ValueError, match="another source"):
            sources.take_over(session, visit(session, "ok", NOW, 1, moved_to=B.url))
        assert visit(session, "broken", NOW, moved_to="https://judi.example/").moved_to is None, "nothing to read there"


STATES = {
    "unreachable": ("unreachable", "timeout", "Server tidak menjawab sampai lengkap pada waktunya."),
    "blocked": ("blocked", "robots", "robots.txt situs ini melarang alamat tersebut."),
    "broken": ("broken", "not-a-feed", "Alamat ini tidak menjawab dengan feed."),
    "gone": ("unreachable", "http-410", "isinya tidak ada lagi (3 kunjungan)"),
}


@pytest.mark.parametrize("state", STATES)
def test_each_trouble_is_told_in_its_words(heard: Sessions, state: str) -> None:
    status, code, words = STATES[state]
    with heard.begin() as session:
        visit(session, "ok", NOW - HOUR, 1)
        once = visit(session, status, NOW, code=code)
        assert once.health == "well"
        assert "Kunjungan terakhir gagal." in bulletin.sentence(once, "id")
        visit(session, status, NOW + 24 * HOUR, code=code)
        bad = visit(session, status, NOW + 48 * HOUR, code=code)
        assert (bad.health, bad.health_since) == (state, NOW)
        assert "Sel, 24 Nov 12.00 WIB" in bulletin.sentence(bad, "id")
        assert words in bulletin.sentence(bad, "id")
        assert "Tue, 24 Nov 12:00 WIB" in bulletin.sentence(bad, "en")
        assert "visited again" not in bulletin.sentence(bad, "en"), "what comes next is said once"


def test_why_is_told_of_the_visit_that_made_the_state(heard: Sessions) -> None:
    """Twice turned away, then a line that may be ours: it is still turned away, not "turned away: connection refused"."""
    with heard.begin() as session:
        sources.sync(session, [A, B])
        visit(session, "ok", NOW - HOUR, 1)
        for hours in range(2):
            visit(session, "blocked", NOW + hours * HOUR, code="http-403")
        for hours in range(2, 4):
            down = visit(session, "unreachable", NOW + hours * HOUR, code="refused")
            assert down.health == "blocked"
            assert "Server menjawab dengan kode 403." in bulletin.sentence(down, "id")
            assert "answered with status 403." in bulletin.sentence(down, "en")
            assert "menolak sambungan" not in bulletin.sentence(down, "id")


@pytest.mark.parametrize(
    ("status", "code", "values", "words"),
    [
        ("blocked", "not-public", {"host": "10.0.0.1"}, ("tidak kami kunjungi", "Betulkan alamatnya", "Mintalah izin")),
        (
            "broken",
            "token-missing",
            {"name": "x", "variable": "KENTONGAN_TOKEN_X"},
            ("belum siap", "tidak ada yang kami tanyakan", "tidak dapat dibaca"),
        ),
    ],
)
def test_what_fails_on_our_side_is_not_laid_to_the_site(
    heard: Sessions, status: str, code: str, values: dict[str, str], words: tuple[str, str, str]
) -> None:
    word, said, unsaid = words
    with heard.begin() as session:
        bad = visit(session, status, NOW, notes=(note(code, A.url, "asked-again", **values),))
        assert bulletin.word(bad, "id") == word
        assert said in bulletin.sentence(bad, "id")
        assert unsaid not in bulletin.sentence(bad, "id")


def test_the_next_visit_is_when_both_the_pause_and_the_wait_are_over(heard: Sessions) -> None:
    at = now()
    with heard.begin() as session:
        visit(session, "ok", at - HOUR, 1)
        one = visit(session, "blocked", at, code="http-429", wait_until=at + 2 * HOUR)
        assert one.due_at is not None
        assert one.due_at < at + 2 * HOUR == bulletin.next_visit(one)
        assert bulletin.when(at + 2 * HOUR, "id") in bulletin.sentence(one, "id")
        assert bulletin.next_visit(one, at + 3 * HOUR) == at + 3 * HOUR, "another source of its host was asked to wait"
        one.due_at = at + 5 * HOUR
        assert bulletin.next_visit(one, at + 3 * HOUR) == one.due_at
        one.due_at, one.wait_until = None, at - HOUR
        assert bulletin.next_visit(one) is None


# ---- told once


def told(factory: Sessions, **more: Any) -> list[tuple[str, str, str]]:
    """What is sent now: addresses, subjects, texts."""
    sent: list[tuple[str, str, str]] = []

    def post(address: str, subject: str, body: str) -> bool:
        sent.append((address, subject, body))
        return True

    with factory.begin() as session:
        alerts.write_news(session, operator=True)
    alerts.send_waiting(factory, post=post, at=now() + HOUR, **more)
    return sent


def test_the_operator_is_told_once_that_a_source_went_bad_and_once_that_it_is_mended(heard: Sessions) -> None:
    sent: list[tuple[str, str, str]] = []
    statuses = ["ok"] * 4 + ["unreachable"] * 20 + ["ok"] + ["unreachable"] * 9 + ["unchanged"] * 20
    for hours, status in enumerate(statuses):
        with heard.begin() as session:
            visit(session, status, NOW + hours * HOUR, int(status == "ok"))
        sent += told(heard, operator="console://")
    assert [subject for _, subject, _ in sent] == [
        "[Kentongan] 1 sumber terganggu, 0 pulih / 1 sources in trouble, 0 mended",
        "[Kentongan] 0 sumber terganggu, 1 pulih / 0 sources in trouble, 1 mended",
    ]
    assert {address for address, *_ in sent} == {"console://"}
    assert "- A: Tidak terjangkau sejak Sel, 24 Nov 16.00 WIB." in sent[0][2]
    assert "- A: Unreachable since Tue, 24 Nov 16:00 WIB." in sent[0][2]
    assert "- A: Kembali baik sejak" in sent[1][2]


def test_many_troubles_at_once_are_one_message_and_it_waits_for_an_address(heard: Sessions) -> None:
    with heard.begin() as session:
        sources.sync(session, [A2, B])
        session.execute(update(SourceState).values(told="gone", health="gone", health_since=NOW, news_at=NOW))
    assert told(heard) == [], "no address is configured"
    (one,) = told(heard, operator="console://")
    assert one[1].startswith("[Kentongan] 3 sumber terganggu")
    assert told(heard, operator="console://") == []


def test_what_never_answered_has_not_gone_bad(heard: Sessions) -> None:
    with heard.begin() as session:
        for hours in range(20):
            one = visit(session, "unreachable", NOW + hours * HOUR, code="connection")
        assert (one.health, one.told, one.news_at) == ("unreachable", None, None)


def test_the_operators_address_comes_from_the_settings(
    heard: Sessions, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(alerts, "send_waiting", lambda _, **more: asked.update(more) or 0)
    given: tuple[dict[str, Any], ...] = (
        {},
        {"operator_address": ""},
        {
            "operator_address": "jaga@kantor.example",
            "mail_host": "mail.kantor.example",
            "mail_sender": "k@kantor.example",
        },
    )
    for one in given:
        jobs.send_alerts(heard, Settings(database_url=settings.database_url, **one))
        assert asked["operator"] == ("mailto://jaga@kantor.example" if one.get("operator_address") else None)
    with pytest.raises(ValueError, match="give an e-mail address") as refused:
        Settings(operator_address="telnet://rahasia@kantor.example")
    assert "rahasia" not in refused.value.errors()[0]["msg"]  # type: ignore[attr-defined]


def test_a_message_to_nobody_is_not_written(heard: Sessions) -> None:
    with heard.begin() as session:
        row(session).news_at = NOW
        assert alerts.write_news(session, operator=False) == 1
        assert session.scalar(select(func.count()).select_from(Alert)) == 0
        assert alerts.write_news(session, operator=True) == 0, "it is on the page; it is no news any more"


# ---- kept


def test_a_row_is_kept_of_each_visit_for_sixty_days(heard: Sessions) -> None:
    with heard.begin() as session:
        visit(session, "unchanged", now() - timedelta(days=62), unchanged=1)
        visit(session, "ok", now() - timedelta(days=58), 3, found=12, documents=4, titles=4, dates=3, bodies=2, lost=1)
        visit(session, "unreachable", now(), code="http-503")
        _, kept, failed = session.scalars(select(VisitRow).order_by(VisitRow.id)).all()
        assert (kept.found, kept.new, kept.documents) == (12, 3, 4)
        assert (kept.titles, kept.dates, kept.bodies, kept.lost) == (4, 3, 2, 1)
        assert (kept.seconds, kept.state) == (3.0, "well")
        assert (failed.failure, failed.reason) == ("temporary", "http-503")
        assert retention.run(session, dry_run=False)["visits"] == 1
        assert session.scalars(select(VisitRow.id).order_by(VisitRow.id)).all() == [kept.id, failed.id]


def test_what_cannot_be_read_is_not_asked_for_again_for_two_days(heard: Sessions) -> None:
    with heard.begin() as session:
        visit(session, "ok", now() - timedelta(days=4), left_out=("0" * 32,))
        visit(session, "ok", now() - timedelta(days=1), left_out=("1" * 32,))
        visit(session, "ok", now(), left_out=("2" * 32,))
    with heard.begin() as session:
        source = sources.ready(session, row(session))
    assert source.known == source.settled == {"1" * 32, "2" * 32}


GIVEN = {A.url: Validators('"v1"')}


def asked_with(session: Session) -> Any:
    return sources.ready(session, row(session)).validators


def test_a_list_is_asked_for_in_full_when_an_article_of_it_is_due_again(heard: Sessions) -> None:
    with heard.begin() as session:
        visit(session, "ok", now() - timedelta(days=4), found=3, left_out=("0" * 32,), validators=GIVEN)
        visit(session, "ok", now() - HOUR, found=3, unchanged=1, left_out=("1" * 32,))
        visit(session, "unreachable", now())
        assert asked_with(session) == {}
        assert "0" * 32 in row(session).left_out, "neither an unchanged list nor a failure leads to it"
        visit(session, "ok", now(), found=3, validators=GIVEN)
        assert (asked_with(session), set(row(session).left_out)) == (GIVEN, {"1" * 32})


def test_a_list_that_never_changes_is_asked_for_in_full_once_a_day(heard: Sessions) -> None:
    with heard.begin() as session:
        visit(session, "ok", now() - 23 * HOUR, found=3, validators=GIVEN)
        visit(session, "unchanged", now(), unchanged=1)
        assert asked_with(session) == GIVEN
    with heard.begin() as session:
        for one in session.scalars(select(VisitRow)):
            one.at -= 2 * HOUR
        assert asked_with(session) == {}
