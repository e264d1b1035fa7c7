"""A saved view: kept filters, whose part is seen through it, what leaves by its feed and its alerts."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler import Source
from intake import alerts, jobs, sources
from intake.database import Sessions
from intake.models import Alert, AuditRow, Candidate, Mention, Person, Remit, SavedView, ViewTold, now
from intake.people import accounts
from intake.review import mutes, queue, views
from intake.review.errors import Invalid, NotAllowed
from intake.settings import Settings
from tests.intake.made import NOW

DUMAI, SIAK = "14.72", "14.08"
CONSOLE = "https://kantor.example"


@pytest.fixture
def session(factory: Sessions) -> Iterator[Session]:
    with factory.begin() as session:
        yield session


@pytest.fixture
def ani(session: Session) -> Person:
    return someone(session, "ani")


def someone(session: Session, name: str, role: str = "officer", **more: Any) -> Person:
    person = accounts.add_person(session, name, role, **more)[0]
    person.address = "console://"
    return person


def candidate(session: Session, headline: str = "Listrik Padam", *, article: bool = True, **more: Any) -> Candidate:
    given: dict[str, Any] = {"sector": "LIS", "region": DUMAI, "urgency": "U3", "kind": "PLN"} | more
    one = Candidate(headline=headline, p_failure=0.9, first_told_at=NOW, last_told_at=NOW, **given)
    session.add(one)
    session.flush()
    told: dict[str, Any] = {"title": headline if article else "", "kind": "article" if article else "post"}
    session.add(Mention(key=f"k{one.id}", source="Koran", url="", text=headline, told_at=NOW, fetched_at=NOW,
                        candidate_id=one.id, **told))  # fmt: skip
    session.flush()
    return one


def feed_of(session: Session, view: SavedView) -> list[int]:
    return [item.id for item in views.feed(session, view)]


# ---- filters ---------------------------------------------------------------------------------------------------------


def test_only_what_narrows_is_kept(session: Session, ani: Person) -> None:
    given = {"state": "candidate", "region": DUMAI, "sector": "", "text": None, "mine": False, "urgency": "U2"}
    view = views.save(session, ani, " Dumai ", given)
    assert (view.name, view.filters) == ("Dumai", {"region": DUMAI, "urgency": "U2"})
    assert views.filters_of(view, ani) == queue.Filters(region=DUMAI, urgency="U2")
    everything = views.save(session, ani, "semua", {"state": None, "mine": True})
    assert everything.filters == {"state": None, "mine": True}
    assert views.filters_of(everything, ani) == queue.Filters(state=None, mine=True)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"regio": DUMAI}, "view_filter"),
        ({"state": "open"}, "view_value"),
        ({"region": "99.99"}, "view_value"),
        ({"sector": ["LIS"]}, "view_value"),
        ({"urgency": "U5"}, "view_value"),
        ({"agency_id": "nobody"}, "view_value"),
        ({"mine": "yes"}, "view_value"),
        ({"text": "x" * 101}, "view_value"),
        ({"text": "a\0b"}, "view_value"),
        ({"text": 5}, "view_value"),
    ],
)
def test_filters_that_are_not_known_are_refused(session: Session, ani: Person, given: Any, key: str) -> None:
    with pytest.raises(Invalid) as refused:
        views.save(session, ani, "Dumai", given)
    assert refused.value.key == key
    assert refused.value.values["what"]
    assert session.scalars(select(SavedView)).all() == []


def test_a_filter_that_is_no_more_hides_nothing_else(session: Session, ani: Person) -> None:
    view = views.save(session, ani, "Dumai", {"region": DUMAI})
    view.filters = view.filters | {"former": "x"}
    assert views.filters_of(view, ani) == queue.Filters(region=DUMAI)


# ---- keeping ---------------------------------------------------------------------------------------------------------


def test_whose_a_view_is_and_who_sees_it(session: Session, ani: Person) -> None:
    budi, ana = someone(session, "budi"), someone(session, "ana", "analyst")
    view = views.save(session, ani, "Dumai", {"region": DUMAI})
    views.save(session, budi, "Air", {"sector": "AIR"})
    assert [one.name for one in views.listing(session, budi)] == ["Air"]
    assert views.get(session, budi, view.id) is None
    views.share(session, ani, view.id, shared=True)
    assert [one.name for one in views.listing(session, budi)] == ["Air", "Dumai"]
    assert views.get(session, budi, view.id) is view
    assert views.listing(session, someone(session, "auditor", "auditor")) == ()
    for act in (
        lambda: views.rename(session, budi, view.id, "lain"),
        lambda: views.share(session, budi, view.id, shared=False),
        lambda: views.open_feed(session, budi, view.id),
        lambda: views.switch_alerts(session, budi, view.id, on=True),
        lambda: views.delete(session, budi, view.id),
    ):
        with pytest.raises(Invalid, match="no_view"):
            act()
    with pytest.raises(NotAllowed, match="may_not_share"):
        views.share(session, ana, views.save(session, ana, "milik analis", {}).id, shared=True)
    assert views.rename(session, ani, view.id, "Kota Dumai").name == "Kota Dumai"
    views.delete(session, ani, view.id)
    assert views.get(session, ani, view.id) is None
    told = session.scalars(select(AuditRow.action).where(AuditRow.subject == f"view:{view.id}").order_by(AuditRow.id))
    assert list(told) == ["view.save", "view.share", "view.rename", "view.delete"]


@pytest.mark.parametrize("name", ["", "x", "x" * 81, "a\nb"])
def test_a_view_has_a_name(session: Session, ani: Person, name: str) -> None:
    with pytest.raises(Invalid, match="needs_view_name"):
        views.save(session, ani, name, {})


def test_nobody_keeps_more_than_fifty(session: Session, ani: Person) -> None:
    for number in range(views.MOST):
        views.save(session, ani, f"nomor {number}", {})
    with pytest.raises(Invalid, match="too_many_views"):
        views.save(session, ani, "lagi", {})


def test_who_may_not_read_the_queue_saves_nothing(session: Session) -> None:
    with pytest.raises(NotAllowed):
        views.save(session, someone(session, "aud", "auditor"), "Dumai", {})


# ---- the feed --------------------------------------------------------------------------------------------------------


def test_a_feed_is_known_by_its_secret_alone(session: Session, ani: Person) -> None:
    view = views.save(session, ani, "Dumai", {"region": DUMAI})
    first = views.open_feed(session, ani, view.id)
    assert len(first) >= 43
    assert first not in str(view.feed_hash)
    assert views.by_feed(session, first) is view
    second = views.open_feed(session, ani, view.id)
    assert (views.by_feed(session, first), views.by_feed(session, second)) == (None, view)
    for wrong in ("", "x", str(view.feed_hash), "\ud800"):
        assert views.by_feed(session, wrong) is None
    views.close_feed(session, ani, view.id)
    assert views.by_feed(session, second) is None
    again = views.open_feed(session, ani, view.id)
    ani.disabled = True
    assert views.by_feed(session, again) is None
    ani.disabled, ani.role = False, "auditor"
    assert views.by_feed(session, again) is None


def test_a_feed_shows_its_owners_part_as_it_is_now(session: Session, ani: Person) -> None:
    view = views.save(session, ani, "listrik", {"sector": "LIS"})
    here, there = candidate(session), candidate(session, region=SIAK)
    candidate(session, sector="AIR")
    assert feed_of(session, view) == [there.id, here.id]
    ani.remits.append(Remit(region=DUMAI, bounds=True))
    session.flush()
    assert feed_of(session, view) == [here.id]
    here.state = "outside"
    session.flush()
    assert feed_of(session, view) == []


def test_a_focal_points_view_is_of_what_was_accepted(session: Session) -> None:
    hub = someone(session, "hub", "focal", agency_id="VT-PLN-UP3DMI")
    view = views.save(session, hub, "kami", {})
    accepted = candidate(session, state="accepted", agency_id="VT-PLN-UP3DMI")
    candidate(session, agency_id="VT-PLN-UP3DMI")
    candidate(session, state="accepted", agency_id="VT-PLN-UP3PKU")
    assert feed_of(session, view) == [accepted.id]


def test_nothing_personal_and_no_posts_words_leave(session: Session, ani: Person) -> None:
    view = views.save(session, ani, "semua", {})
    candidate(session, "Warga 081234567890 Mengeluh\u2028Listrik Padam")
    candidate(session, "tetangga saya pak budi sakit gara gara listrik mati", article=False, district="14.72.01")
    unknown = candidate(session, "x", article=False, sector=None, region=None, kind=None, urgency=None)
    third, second, first = views.feed(session, view)
    assert first.headline == "Warga [telepon] Mengeluh Listrik Padam"
    assert second.headline.startswith("Unggahan publik: Kelistrikan, ")
    assert (first.place, second.place.partition(", ")[2]) == ("Kota Dumai", "Kota Dumai")
    assert (third.id, third.headline) == (unknown.id, "Unggahan publik: layanan belum jelas, tempat belum diketahui")
    ani.language = "en"
    assert views.feed(session, view)[0].agency == "agency not known yet"


def test_an_edited_post_never_passes_for_an_article(session: Session, ani: Person) -> None:
    """Its title is the author's own words, as much as its text."""
    view = views.save(session, ani, "semua", {})
    one = candidate(session, "kata kata saya sendiri", article=False)
    session.scalars(select(Mention).where(Mention.candidate_id == one.id)).one().title = one.headline
    session.flush()
    assert "kata kata" not in views.feed(session, view)[0].headline


# ---- alerts ----------------------------------------------------------------------------------------------------------


def alerting(session: Session, person: Person, **filters: Any) -> SavedView:
    view = views.save(session, person, "Dumai", filters)
    return views.switch_alerts(session, person, view.id, on=True)


def messages(session: Session) -> list[Alert]:
    return list(session.scalars(select(Alert).order_by(Alert.id)))


def test_what_is_new_is_told_once_in_one_message(session: Session, ani: Person) -> None:
    candidate(session, "Yang Lama")
    alerting(session, ani, region=DUMAI)
    assert views.write_alerts(session) == 0, "what was there before is not new"
    made = [candidate(session, f"Kejadian {n}", rank=float(n)) for n in range(12)]
    candidate(session, "Di Tempat Lain", region=SIAK)
    assert views.write_alerts(session, console=CONSOLE) == 1
    (alert,) = messages(session)
    assert (alert.person_id, alert.contact_id, alert.subject) == (ani.id, None, "[Kentongan] 12 kandidat baru: Dumai")
    assert alert.body.startswith("• Kejadian 11\n")
    assert (alert.body.count("•"), "dan 2 lainnya" in alert.body) == (views.TOLD, True)
    assert f"{CONSOLE}/kandidat/{made[-1].id}" in alert.body
    assert "Tempat Lain" not in alert.body
    assert views.write_alerts(session, at=now() + timedelta(hours=1)) == 0, "nothing is new"


def test_what_only_later_matches_or_becomes_a_danger_to_life_is_told_once(session: Session, ani: Person) -> None:
    here, there = candidate(session, "Di Dumai"), candidate(session, "Di Siak", region=SIAK)
    alerting(session, ani, region=DUMAI)
    candidate(session, "Yang Baru")
    assert views.write_alerts(session) == 1
    later = now() + timedelta(hours=1)
    there.region = DUMAI
    assert views.write_alerts(session, at=later) == 1
    assert ("Di Siak" in messages(session)[-1].body, messages(session)[-1].body.count("•")) == (True, 1)
    here.urgency = "U1"
    assert views.write_alerts(session, at=later + timedelta(minutes=1)) == 1, "this does not wait"
    assert messages(session)[-1].body.startswith("• Di Dumai\n")
    for urgency in ("U3", "U1"):
        here.urgency = urgency
        here.region, there.region = SIAK, SIAK
        session.flush()
        here.region, there.region = DUMAI, DUMAI
        assert views.write_alerts(session, at=later + timedelta(hours=2)) == 0, "what was told is not told again"


def test_what_is_beyond_reach_is_forgotten_and_stays_untold(
    session: Session, ani: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "REACH", 2)
    alerting(session, ani)
    first, *_ = (candidate(session, f"Kejadian {n}") for n in range(3))
    assert views.write_alerts(session) == 1
    assert messages(session)[-1].body.count("•") == 2
    assert set(session.scalars(select(ViewTold.candidate_id))) == {first.id + 1, first.id + 2}
    views.switch_alerts(session, ani, session.scalars(select(SavedView.id)).one(), on=False)
    assert session.scalars(select(ViewTold.candidate_id)).all() == []


def test_a_message_a_quarter_of_an_hour_but_a_danger_to_life_goes_at_once(session: Session, ani: Person) -> None:
    alerting(session, ani)
    start = now()
    candidate(session, "Pertama")
    assert views.write_alerts(session, at=start) == 1
    candidate(session, "Kedua")
    assert views.write_alerts(session, at=start + timedelta(minutes=14)) == 0
    assert views.write_alerts(session, at=start + timedelta(minutes=15)) == 1
    candidate(session, "Ketiga")
    candidate(session, "Kabel Putus", urgency="U1", rank=1000.0)
    assert views.write_alerts(session, at=start + timedelta(minutes=16)) == 1
    *_, last = messages(session)
    assert last.body.startswith("• Kabel Putus")
    assert "Ketiga" in last.body


def test_nobody_is_told_who_did_not_ask_or_cannot_be_reached(session: Session, ani: Person) -> None:
    view = alerting(session, ani)
    candidate(session)
    for name, value in (("address", None), ("disabled", True), ("role", "auditor")):
        before = getattr(ani, name)
        setattr(ani, name, value)
        assert views.write_alerts(session) == 0
        setattr(ani, name, before)
    views.switch_alerts(session, ani, view.id, on=False)
    assert views.write_alerts(session) == 0
    views.switch_alerts(session, ani, view.id, on=True)
    assert views.write_alerts(session) == 0
    candidate(session, article=False)
    assert views.write_alerts(session) == 1
    assert "Unggahan publik: Kelistrikan, Kota Dumai" in messages(session)[0].body


def test_muted_and_unseen_ones_are_not_told(session: Session, ani: Person) -> None:
    ani.remits.append(Remit(region=DUMAI, bounds=True))
    alerting(session, ani)
    candidate(session, region=SIAK)
    candidate(session, snoozed_until=now() + timedelta(days=1))
    mute = mutes.mute(session, ani, region=DUMAI, sector="LIS", reason="pemeliharaan", until=now() + timedelta(days=1))
    candidate(session, muted_by=mute.id)
    assert views.write_alerts(session) == 0


def test_an_invented_event_is_told_as_one(session: Session, ani: Person) -> None:
    sources.sync(session, [Source("Koran", "feed", "http://127.0.0.1", options={"demo": True})])
    alerting(session, ani)
    candidate(session)
    views.write_alerts(session)
    assert messages(session)[0].body.startswith("PERAGAAN: kejadian ini rekaan")


def test_a_persons_message_goes_to_that_person_and_never_to_the_operator(factory: Sessions) -> None:
    posted: list[str] = []

    def post(address: str, subject: str, body: str) -> bool:
        posted.append(address)
        return True

    with factory.begin() as session:
        ani = someone(session, "ani")
        ani.address = "console://ani"
        alerting(session, ani)
        candidate(session)
        assert views.write_alerts(session) == 1
        ani.address = None
    send = {"post": post, "operator": "console://operator"}
    assert alerts.send_waiting(factory, **send) == 0
    with factory.begin() as session:
        session.get_one(Person, ani.id).address = "console://ani"
        session.get_one(Person, ani.id).disabled = True
    assert alerts.send_waiting(factory, **send) == 0
    with factory.begin() as session:
        session.get_one(Person, ani.id).disabled = False
        session.add(Alert(subject="sumber", body=""))
    assert alerts.send_waiting(factory, **send) == 2
    assert posted == ["console://ani", "console://operator"]


def test_without_an_address_what_waits_is_withdrawn(session: Session, ani: Person) -> None:
    alerting(session, ani)
    candidate(session)
    views.write_alerts(session)
    views.set_address(session, ani, None)
    session.expire_all()
    assert [alert.state for alert in messages(session)] == ["withdrawn"]


def test_the_service_writes_and_sends_them(
    factory: Sessions, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with factory.begin() as session:
        alerting(session, someone(session, "ani"))
        candidate(session, "Jembatan Putus")
    assert jobs.write_view_alerts(factory, settings) == 1
    assert jobs.write_view_alerts(factory, settings) == 0
    assert jobs.send_alerts(factory, settings) == 1
    assert "Jembatan Putus" in caplog.text
