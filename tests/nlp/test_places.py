"""Where it happens: sentences with their expected places, and the edges of the matcher."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.jurisdiction import load_jurisdiction
from nlp.phrases import Phrases, folded, read
from nlp.places import Places

CASES = [json.loads(line) for line in (Path(__file__).parent / "places.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def places() -> Places:
    return Places(load_jurisdiction())


@pytest.mark.parametrize("case", CASES, ids=[f"{case['text'][:40]}|{case.get('hint', '')}" for case in CASES])
def test_place(places, case):
    where = places(case["text"], case.get("hint"))
    assert where.place == case["place"]
    for axis in ("regions", "districts", "roads"):
        if axis in case:
            assert set(getattr(where, axis)) == set(case[axis]), axis


def test_a_title_weighs_more_than_a_passing_mention(places):
    where = places("Rombongan berangkat dari Pekanbaru pagi itu.", title="Jalan Rusak di Teluk Kuantan")
    assert where.regions == ("14.09",)


def test_spans_are_of_the_text_and_not_of_the_title(places):
    text = "Air mati di Kota Dumai sejak Senin"
    spans = places(text, title="Dumai Kering").spans
    assert [text[span.start : span.end] for span in spans] == ["Dumai"]


def test_a_hint_is_never_a_region(places):
    assert places("lampu jalan mati", "14.71").regions == ()
    assert places("lampu jalan mati", "no such code").regions == ()


def test_a_page_of_reviews_tells_its_place_and_a_newspaper_does_not(places):
    assert places("antre tiga jam", source="Ulasan RSUD Bengkalis").regions == ("14.03",)
    assert places("antre tiga jam", source="pekanbaru.tribunnews.com").place == "unknown"
    assert places("antre tiga jam di Dumai", source="ulasan RSUD Bengkalis").regions == ("14.72",)


def test_every_district_is_found_behind_its_marker(places):
    lost = [
        district.code
        for district in load_jurisdiction().districts.values()
        if district.code not in places(f"Kantor Kecamatan {district.name} tutup").districts
    ]
    assert lost == []


def test_every_regency_is_found_by_every_name(places):
    for region in load_jurisdiction().regions.values():
        expected = () if region.kind == "provinsi" else (region.code,)
        for alias in (region.short, *region.aliases):
            assert places(f"Warga di {alias} mengeluh").regions == expected, alias


def test_every_other_province_is_elsewhere(places):
    for other in load_jurisdiction().elsewhere:
        assert places(f"Jalan rusak di {other.name}").place == "other", other.name


def test_offsets_hold_where_lower_case_is_longer():
    text = "İİİ Pekanbaru"
    hits = Phrases([("pekanbaru", 1)]).longest(read(text))
    start, end = read(text).spans[hits[0].first]
    assert text[start:end] == "Pekanbaru"


def test_words_are_matched_whole_and_the_longest_wins():
    phrases = Phrases([("siak", "regency"), ("siak hulu", "district")])
    values = [hit.value for hit in phrases.longest(read("Siakad, Siak  Hulu; SIAK"))]
    assert values == [("district",), ("regency",)]


def test_a_phrase_is_found_in_the_form_in_which_it_is_folded():
    assert folded("Jl. Sei Duku") == "jalan sungai duku"
    assert len(Phrases([("jalan sungai duku", 1)]).all(read("di jl sei duku"))) == 1


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read(text):
    where = _PLACES(text)
    assert all(0 <= span.start < span.end <= len(text) for span in where.spans)


_PLACES = Places(load_jurisdiction())


@pytest.mark.parametrize("piece", ["siak ", "jalan ", "a", "aaaBbb", "(", "di Pekanbaru, "])
def test_a_long_text_takes_time_in_proportion(piece):
    text = (piece * 200_000)[:200_000]
    start = time.process_time()
    _PLACES(text)
    assert time.process_time() - start < 5
