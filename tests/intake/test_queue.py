"""What to look at next."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.dates import WIB
from intake.database import Sessions
from intake.models import Candidate, Cover, Decision, Mute, Person, Remit, now
from intake.people import accounts
from intake.review import queue
from tests.intake.made import NOW, OUTAGE, document, told


def test_danger_stands_above_everything() -> None:
    old_danger = queue.rank("U1", 0.5, 1, NOW - timedelta(days=60))
    assert old_danger > queue.rank("U2", 1.0, 50, NOW)


@given(
    st.sampled_from(["U2", "U3", "U4"]), st.floats(0.1, 1), st.integers(1, 50), st.integers(0, 60),
    st.sampled_from(["U2", "U3", "U4"]), st.floats(0.1, 1), st.integers(1, 50), st.integers(0, 60),
)  # fmt: skip
def test_time_never_changes_the_order(
    u1: str, p1: float, v1: int, d1: int, u2: str, p2: float, v2: int, d2: int
) -> None:
    """The rank is computed once; the product it stands for, at any later moment, gives the same order."""

    def product(u: str, p: float, v: int, days: int, later: int) -> float:
        return 2 ** (queue.rank(u, p, v, NOW) - queue.rank("U4", 1, 1, NOW)) * 0.5 ** ((days + later) / 3)

    ranks = queue.rank(u1, p1, v1, NOW - timedelta(days=d1)) - queue.rank(u2, p2, v2, NOW - timedelta(days=d2))
    for later in (0, 30):
        ratio = product(u1, p1, v1, d1, later) / product(u2, p2, v2, d2, later)
        assert abs(ranks) < 1e-3 or (ranks > 0) == (ratio > 1)


def fill(session: Session, count: int) -> None:
    for n in range(count):
        session.add(
            Candidate(
                headline=f"kejadian {n} 100%_pasti", sector="LIS" if n % 2 else "INF", region="14.71", place="riau",
                rank=float(n // 3), p_failure=0.9, first_told_at=NOW, last_told_at=NOW,
                agency_id="RI-1471-DISHUB" if n % 5 == 0 else None, state="accepted" if n % 10 == 0 else "candidate",
            )
        )  # fmt: skip
    session.flush()


def officer(session: Session) -> Person:
    return accounts.add_person(session, "petugas", "officer")[0]


def test_pages_hold_each_candidate_once_in_order(factory: Sessions) -> None:
    with factory.begin() as session:
        fill(session, 50)
        viewer, seen, after = officer(session), [], None
        while True:
            page = queue.page(session, viewer, queue.Filters(state=None), after, limit=7)
            seen += [(one.rank, one.id) for one in page.items]
            if page.next is None:
                break
            after = queue.Cursor.parse(str(page.next))
        assert len(seen) == 50
        assert seen == sorted(seen, reverse=True)
        assert queue.count(session, viewer) == 45


def test_filters_narrow_and_wildcards_are_letters(factory: Sessions) -> None:
    with factory.begin() as session:
        fill(session, 20)
        viewer = officer(session)
        assert {one.sector for one in queue.page(session, viewer, queue.Filters(sector="LIS")).items} == {"LIS"}
        assert len(queue.page(session, viewer, queue.Filters(None, text="100%_")).items) == 20
        assert len(queue.page(session, viewer, queue.Filters(None, text="%asti%")).items) == 0


def test_words_are_sought_in_what_was_told(factory: Sessions) -> None:
    def found(words: str) -> list[int]:
        return [one.id for one in queue.page(session, viewer, queue.Filters(None, text=words)).items]

    with factory.begin() as session:
        viewer = officer(session)
        one = told(
            session,
            document(
                1, OUTAGE + ", kata speedboat 100% pasti, NIK 1403094505850003", title="Listrik Padam", kind="article"
            ),
        )
        other = told(session, document(2, "sampah menumpuk di pasar"), sectors=(), regions=("14.71",), agencies=())
        assert one is not None
        assert other is not None
        assert found("SpeedBoat") == [one.id]
        assert found("menumpuk") == [other.id]
        assert found("100% pasti") == [one.id]
        for words in ("1%p", "speed_oat", "140309", "@"):
            assert found(words) == [], words
        assert queue.count(session, viewer, queue.Filters(text="speedboat")) == 1


def test_each_candidate_knows_its_neighbours(factory: Sessions) -> None:
    with factory.begin() as session:
        fill(session, 12)
        viewer = officer(session)
        order = list(queue.page(session, viewer, limit=50).items)
        for at, one in enumerate(order):
            before, after = queue.neighbours(session, viewer, one)
            assert before == (order[at - 1].id if at else None)
            assert after == (order[at + 1].id if at + 1 < len(order) else None)


def test_a_focal_point_sees_only_accepted_ones_of_its_agency(factory: Sessions) -> None:
    with factory.begin() as session:
        fill(session, 40)
        focal, _ = accounts.add_person(session, "narahubung", "focal", agency_id="RI-1471-DISHUB")
        shown = queue.page(session, focal, queue.Filters(None), limit=100).items
        assert len(shown) == 4
        assert {(one.agency_id, one.state) for one in shown} == {("RI-1471-DISHUB", "accepted")}
        hidden = queue.page(session, officer(session), queue.Filters("candidate")).items[0]
        assert queue.get(session, focal, hidden.id) is None


@pytest.mark.parametrize("text", ["", "x", "1~", "nan~1", "1~x", "inf~2", "1.0~99999999999999999999", "1.0~-1"])
def test_a_strange_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        queue.Cursor.parse(text)


def test_the_reasons_of_a_rank_add_up_to_it() -> None:
    one = Candidate(urgency="U2", p_failure=0.8, voice_count=4, mention_count=6, last_told_at=NOW)
    reasons = queue.why(one)
    assert [reason.key for reason in reasons] == ["urgency", "certainty", "freshness", "voices"]
    assert sum(reason.share for reason in reasons) == pytest.approx(queue.rank("U2", 0.8, 4, NOW))
    assert reasons[3].values == {"voices": 4, "mentions": 6}


def heads(session: Session, viewer: Person, filters: queue.Filters = queue.Filters()) -> list[str]:
    return [one.headline for one in queue.page(session, viewer, filters).items]


def candidate(session: Session, headline: str, **more: Any) -> Candidate:
    made = Candidate(headline=headline, p_failure=0.9, first_told_at=NOW, last_told_at=NOW, **more)
    session.add(made)
    session.flush()
    return made


def test_what_is_put_off_or_muted_does_not_wait(factory: Sessions) -> None:
    with factory.begin() as session:
        viewer, soon, ago = officer(session), now() + timedelta(hours=1), now() - timedelta(hours=1)
        lasting, over = (
            Mute(person=viewer, sector="LIS", reason="sudah ditangani", until=until) for until in (soon, ago)
        )
        ended = Mute(person=viewer, sector="LIS", reason="keliru", until=soon, ended_at=ago)
        session.add_all([lasting, over, ended])
        session.flush()
        candidate(session, "put off", rank=9, snoozed_until=soon)
        candidate(session, "muted", rank=8, muted_by=lasting.id)
        candidate(session, "muted danger", rank=7, muted_by=lasting.id, urgency="U1")
        candidate(session, "back again", rank=6, snoozed_until=ago)
        candidate(session, "no longer muted", rank=5, muted_by=over.id, urgency="U3")
        plain = candidate(session, "mute taken back", rank=4, muted_by=ended.id)
        waiting = ["muted danger", "back again", "no longer muted", "mute taken back"]
        assert heads(session, viewer) == waiting
        assert queue.count(session, viewer) == len(waiting)
        assert len(heads(session, viewer, queue.Filters(None))) == 6
        before, after = queue.neighbours(session, viewer, plain)
        assert before is not None
        assert session.get_one(Candidate, before).headline == "no longer muted"
        assert after is None


def test_mine_is_what_was_given_to_me_or_to_whom_i_stand_in_for(factory: Sessions) -> None:
    with factory.begin() as session:
        viewer, colleague = officer(session), accounts.add_person(session, "rekan", "officer")[0]
        candidate(session, "dumai", rank=4, region="14.72")
        candidate(session, "dishub", rank=3, region="14.71", agency_id="RI-1471-DISHUB")
        candidate(session, "siak", rank=2, region="14.08")
        candidate(session, "nowhere", rank=1)
        mine = queue.Filters(mine=True)
        assert len(heads(session, viewer, mine)) == 4
        viewer.remits = [Remit(region="14.72"), Remit(region="14.71", agency_id="RI-1471-DISHUB")]
        colleague.remits = [Remit(region="14.08")]
        session.flush()
        assert heads(session, viewer, mine) == ["dumai", "dishub"]
        assert queue.count(session, viewer, mine) == 2
        assert len(heads(session, viewer)) == 4
        today = now().astimezone(WIB).date()
        leave = Cover(person_id=colleague.id, cover_id=viewer.id, first_day=today, last_day=today)
        session.add(leave)
        session.flush()
        assert heads(session, viewer, mine) == ["dumai", "dishub", "siak"]
        leave.last_day = leave.first_day = today - timedelta(days=1)
        session.flush()
        assert heads(session, viewer, mine) == ["dumai", "dishub"]


def decided(session: Session, person: Person, at: datetime, action: str = "accept", **more: Any) -> Decision:
    one = more.pop("of", None) or candidate(session, "x")
    made = Decision(candidate_id=one.id, person=person, action=action, at=at, **more)
    session.add(made)
    session.flush()
    return made


NOON = datetime(2026, 11, 24, 12, tzinfo=WIB)


def test_a_day_is_cut_to_the_minutes_and_the_pace_of_a_person(factory: Sessions) -> None:
    with factory.begin() as session:
        person = officer(session)
        for n in range(50):
            candidate(session, f"waits {n}", rank=n)
        assert queue.budget(session, person, NOON) == queue.Budget(30, 18, 0, 18, 100)
        yesterday = NOON - timedelta(days=1)
        for _ in range(4):
            decided(session, person, yesterday, seconds=40)
        assert queue.budget(session, person, NOON).median_seconds == 100
        decided(session, person, yesterday, seconds=900)
        assert queue.budget(session, person, NOON) == queue.Budget(30, 40, 0, 40, 45)
        for n in range(50):
            decided(session, person, yesterday + timedelta(minutes=n + 1), seconds=3)
        assert queue.budget(session, person, NOON).median_seconds == 45
        person.daily_minutes = 0
        assert queue.budget(session, person, NOON).left == 0


def test_whoever_is_quick_today_is_given_no_more_and_nobody_more_than_waits(factory: Sessions) -> None:
    with factory.begin() as session:
        person = officer(session)
        for n in range(25):
            candidate(session, f"waits {n}", rank=n)
        for n in range(10):
            decided(session, person, NOON + timedelta(minutes=n), seconds=5)
        assert queue.budget(session, person, NOON) == queue.Budget(30, 18, 10, 8, 100)
        for one in session.scalars(select(Candidate).where(Candidate.state == "candidate").limit(32)):
            one.state = "accepted"
        session.flush()
        assert queue.budget(session, person, NOON) == queue.Budget(30, 13, 10, 3, 100)


def test_a_day_begins_at_midnight_here_and_counts_what_stands(factory: Sessions) -> None:
    midnight = datetime(2026, 11, 24, tzinfo=WIB)
    with factory.begin() as session:
        person, other = officer(session), accounts.add_person(session, "rekan", "officer")[0]
        decided(session, person, midnight - timedelta(seconds=1))
        decided(session, other, NOON)
        decided(session, person, midnight)
        decided(session, person, NOON, "snooze")
        decided(session, person, NOON, "correct")
        undone = decided(session, person, NOON)
        decided(session, person, NOON, "undo", undoes=undone.id)
        for _ in range(3):
            decided(session, person, NOON, "outside", batch="one click")
        assert queue.budget(session, person, NOON).done_today == 3


def test_no_budget_holds_back_a_danger_to_life(factory: Sessions) -> None:
    with factory.begin() as session:
        person = officer(session)
        candidate(session, "ordinary", urgency="U3", rank=1)
        candidate(session, "danger", urgency="U1", rank=2000)
        person.daily_minutes = 5
        for n in range(2):
            candidate(session, f"waits {n}", urgency="U4", rank=-n)
        for left in (3, 2, 1, 0):
            budget = queue.budget(session, person, NOON)
            assert budget.left == left
            shown = heads(session, person, queue.for_today(queue.Filters(), budget))
            assert shown[:2] == (["danger", "ordinary"] if left else ["danger"])
            decided(session, person, NOON, of=candidate(session, "decided", state="accepted"))
