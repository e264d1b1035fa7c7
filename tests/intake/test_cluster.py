"""The rule of one event, by its sentences."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from intake.review.cluster import NEAR_COPY, Trace, same_event
from tests.intake.made import NOW

ROAD = Trace(
    NOW,
    "INF",
    frozenset({"14.71"}),
    frozenset(),
    None,
    frozenset(["jalan", "lubang", "paus", "motor", "jatuh", "malam", "gelap", "air"]),
)


def test_same_place_time_and_words() -> None:
    verdict = same_event(ROAD, replace(ROAD, told_at=NOW - timedelta(hours=50)))
    assert verdict.joined
    assert verdict.reasons == ("sector", "region", "time", "words")


def test_two_roads_of_one_city_are_two_events() -> None:
    other = replace(ROAD, words=frozenset(["jalan", "lubang", "melati", "truk", "terguling", "siang", "pasir"]))
    assert not same_event(ROAD, other).joined


def test_contradicting_districts_keep_apart() -> None:
    here, there = frozenset({"14.71.01"}), frozenset({"14.71.02"})
    assert not same_event(replace(ROAD, districts=here), replace(ROAD, districts=there)).joined
    assert same_event(replace(ROAD, districts=here), ROAD).joined


def test_an_outage_lasts_a_day() -> None:
    outage = replace(ROAD, sector="LIS", words=frozenset({"listrik", "padam"}))
    assert same_event(outage, replace(outage, told_at=NOW - timedelta(hours=20))).joined
    assert not same_event(outage, replace(outage, told_at=NOW - timedelta(hours=30))).joined


def test_a_near_copy_joins_whatever_its_place() -> None:
    verdict = same_event(replace(ROAD, similarity=NEAR_COPY), replace(ROAD, regions=frozenset(), sector=None))
    assert (verdict.joined, verdict.near_copy) == (True, True)


def test_without_a_place_only_copies_join() -> None:
    assert not same_event(ROAD, replace(ROAD, regions=frozenset())).joined


WORDS = st.frozensets(st.sampled_from(["jalan", "lubang", "air", "mati", "sampah", "bau", "pln", "padam"]))
TRACES = st.builds(
    Trace,
    st.datetimes().map(lambda d: NOW + timedelta(hours=d.hour * 4)),
    st.sampled_from(["INF", "LIS", None]),
    st.frozensets(st.sampled_from(["14.01", "14.71"])),
    st.frozensets(st.sampled_from(["14.71.01", "14.71.02"])),
    st.sampled_from([None, "A", "B"]),
    WORDS,
)


@given(TRACES, TRACES)
def test_the_rule_is_symmetric(one: Trace, two: Trace) -> None:
    assert same_event(one, two) == same_event(two, one)
