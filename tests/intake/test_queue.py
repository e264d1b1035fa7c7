"""What to look at next."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from intake.database import Sessions
from intake.models import Candidate, Person
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
        assert len(queue.page(session, viewer, queue.Filters(None, text="%pasti%")).items) == 0


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
