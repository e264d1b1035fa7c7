"""The urgency of a candidate, put right by a person."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from intake.database import Sessions
from intake.models import Candidate, Mention, Person
from intake.people import accounts
from intake.review import corrections, decisions, errors, queue, undo
from intake.web.pages.forms import near_names
from tests.intake.made import OUTAGE, document, told


def heard(session: Session) -> tuple[Person, Candidate]:
    """An officer, and a candidate that is told by two."""
    person, _ = accounts.add_person(session, "petugas", "officer")
    told(session, document(1))
    one = told(session, document(2, f"{OUTAGE}, kata warga"))
    assert one is not None and one.mention_count == 2
    return person, one


def correct(session: Session, person: Person, one: Candidate, urgency: str | None, note: str = "") -> None:
    decisions.decide(session, person, one.id, one.version, "correct", fields={"urgency": urgency}, note=note)


def test_a_corrected_urgency_raises_the_rank_and_stands_above_what_is_heard(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one = heard(session)
        before = one.rank
        made = decisions.decide(session, person, one.id, one.version, "correct", fields={"urgency": "U1"})
        assert one.rank == pytest.approx(before + queue.ABOVE_ALL + 2), (
            "eight times the harm of U3 is four times that of it"
        )
        assert made.changes == {"urgency": ["U3", "U1"]}
        assert {(label.field, label.new) for label in corrections.labels(session)} == {("urgency", "U1")}
        assert told(session, document(3, f"{OUTAGE} lagi"), urgency="U4") is one
        assert one.urgency == "U1" and one.rank > queue.ABOVE_ALL
        undo.take_back(session, person, made.id)
        assert (one.urgency, one.corrections) == ("U3", {}) and one.rank < queue.ABOVE_ALL


@pytest.mark.parametrize("urgency", ["U2", None])
def test_that_there_is_no_danger_needs_a_reason(factory: Sessions, urgency: str | None) -> None:
    with factory.begin() as session:
        person, one = heard(session)
        correct(session, person, one, "U1")
        with pytest.raises(errors.Invalid, match="needs_lower_reason"):
            correct(session, person, one, urgency, " ya ")
        assert one.urgency == "U1"
        correct(session, person, one, urgency, "kabelnya sudah mati")
        assert one.urgency == urgency and one.rank < queue.ABOVE_ALL


def test_a_danger_a_person_saw_goes_along_with_the_texts(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one = heard(session)
        correct(session, person, one, "U1")
        last = session.scalars(select(Mention.id).order_by(Mention.id.desc())).first()
        split = decisions.decide(session, person, one.id, one.version, "split", mentions=[last])
        new = session.get_one(Candidate, split.changes["into"])
        assert (one.urgency, new.urgency) == ("U1", "U1")
        other = told(session, document(9, "sampah menumpuk"), sectors=(), regions=("14.71",), agencies=())
        assert other is not None and other.urgency == "U3"
        merged = decisions.decide(session, person, new.id, new.version, "duplicate", duplicate_of=other.id)
        assert other.urgency == "U1"
        undo.take_back(session, person, merged.id)
        assert (other.urgency, other.corrections) == ("U3", {})


def test_each_part_keeps_the_higher_urgency_of_its_own_texts(factory: Sessions) -> None:
    with factory.begin() as session:
        person, one = heard(session)
        told(session, document(3, f"{OUTAGE} lagi"), urgency="U1")
        ids = session.scalars(select(Mention.id).order_by(Mention.id)).all()
        split = decisions.decide(session, person, one.id, one.version, "split", mentions=ids[1:])
        assert (one.urgency, session.get_one(Candidate, split.changes["into"]).urgency) == ("U3", "U1")


def test_names_near_one_that_is_unknown() -> None:
    names = [
        "Dinas Perikanan Kabupaten Kepulauan Meranti",
        "Dinas Pendidikan dan Kebudayaan Kabupaten Kepulauan Meranti",
        "Dinas Pendidikan Kota Pekanbaru",
        "PLN UP3 Dumai",
    ]
    assert near_names("dinas pendidikan kabupaten kepulauan meranti", names)[0] == names[1]
    assert set(near_names("Dinas Pendidikan", names)) == set(names[1:3])
    assert near_names("xyz qqq", names) == near_names("?", names) == []
