"""The rule of one event, by its sentences and by its figures on labelled texts."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nlp
from intake.review import backtest
from intake.review.cluster import JOINED, SUGGESTED, Trace, belongs, likeliest, same_event
from nlp.fingerprint import key_words, signature
from tests.intake.made import NOW

NOON = NOW  # 12:00 WIB


def trace(text: str, title: str = "", **more: object) -> Trace:
    whole = f"{title}\n{text}"
    given: dict[str, object] = {"sectors": ("INF",), "regions": frozenset({"14.71"}), "told_at": NOW, "post": not title}
    return Trace(**(given | more), words=frozenset(key_words(whole)), signature=signature(whole), length=len(whole) - 1)  # type: ignore[arg-type]


ROAD = trace("jalan paus berlubang sedalam betis, motor jatuh tiap malam karena kerikil")
ROAD_TOO = trace("Lubang di jalan paus makin dalam, kerikil berserakan, sudah tiga motor jatuh")
OUTAGE = trace("duri padam lagi, pln tak ada kabar", sectors=("LIS",), regions=frozenset({"14.03"}))


def test_the_same_words_place_and_time_are_one_event_and_say_why() -> None:
    verdict = same_event(ROAD, replace(ROAD_TOO, told_at=NOW - timedelta(hours=20)))
    assert verdict.joined
    assert verdict.reasons == ("sector", "road", "region", "time", "words")


@pytest.mark.parametrize("copied", [False, True])
def test_what_lasts_and_is_told_of_again_after_days_is_only_suggested(*, copied: bool) -> None:
    again = replace(ROAD if copied else ROAD_TOO, told_at=NOW + timedelta(days=12))
    verdict = same_event(ROAD, again)
    assert verdict.suggested
    assert not verdict.near_copy
    assert "later" in verdict.reasons
    elsewhere = replace(again, words=again.words - {"jalan:paus"}, signature=b"")
    assert not same_event(ROAD, elsewhere).suggested


def test_two_roads_are_two_events_however_alike() -> None:
    other = trace("jalan melur berlubang sedalam betis, motor jatuh tiap malam karena kerikil")
    roads = [replace(one, words=one.words | {f"jalan:{name}"}) for one, name in ((ROAD, "paus"), (other, "melur"))]
    assert not same_event(*roads).suggested


@pytest.mark.parametrize(
    "more",
    [{"regions": frozenset({"14.72"})}, {"told_at": NOW - timedelta(days=22)}],
    ids=["another city", "another month"],
)
def test_a_contradiction_keeps_apart_even_copies(more: dict[str, object]) -> None:
    verdict = same_event(ROAD, replace(ROAD, **more))  # type: ignore[arg-type]
    assert not verdict.joined
    assert not verdict.suggested


@pytest.mark.parametrize(
    ("hours", "joined"),
    [(7, True), (15, True), (24, False), (48, False)],
    ids=["the same evening", "told the next morning", "the next evening", "two evenings later"],
)
def test_outages_of_one_town_are_one_event_by_the_night(hours: int, joined: bool) -> None:
    evening = NOON + timedelta(hours=7)
    first = replace(OUTAGE, told_at=evening)
    later = trace("mati lampu di duri, kulkas penuh ikan", sectors=("LIS",), regions=frozenset({"14.03"}))
    told_at = NOON + timedelta(hours=hours + 7 if hours > 15 else hours)
    assert same_event(first, replace(later, told_at=told_at)).joined is joined


def test_a_hanging_cable_is_no_outage() -> None:
    cable = trace("kabel listrik menjuntai di duri, bocah tersengat", sectors=("LIS",), regions=frozenset({"14.03"}))
    assert "night" not in same_event(cable, replace(cable, signature=b"")).reasons
    assert "night" in same_event(OUTAGE, replace(OUTAGE, signature=b"")).reasons


def test_the_press_tells_of_last_night_the_day_after() -> None:
    evening = replace(OUTAGE, told_at=NOON + timedelta(hours=7))
    article = replace(OUTAGE, told_at=NOON + timedelta(hours=28), signature=b"")
    assert not same_event(evening, article).joined
    assert same_event(evening, replace(article, post=False)).score > same_event(evening, article).score


def test_two_dangers_of_one_regency_in_two_districts_are_not_joined() -> None:
    pole = trace("tiang listrik di belakang pasar sorek nyetrum tadi malam, anak kesetrum", sectors=("LIS",))
    wire = trace(
        "kabel tegangan tinggi di belakang rumah kami kerumutan mendesis tadi subuh dari kepala tiang", sectors=("LIS",)
    )
    one = replace(pole, regions=frozenset({"14.05"}), districts=frozenset({"14.05.03"}))
    assert not same_event(one, replace(wire, regions=one.regions, districts=frozenset({"14.05.07"}))).joined


def test_the_name_of_a_regency_is_no_place_in_common() -> None:
    unpaid = trace("honor guru di rangsang meranti 8 bulan tak dibayar", sectors=("PEG",), regions=frozenset({"14.10"}))
    bought = trace(
        "bayar 2 juta kalau mau kerja honor di dinas, orang dalam meranti", sectors=("PEG",), regions=unpaid.regions
    )
    verdict = same_event(unpaid, replace(bought, told_at=NOW + timedelta(hours=54)))
    assert "spot" not in verdict.reasons
    assert not verdict.joined


def test_two_troubles_of_one_office_are_only_suggested() -> None:
    queue = trace("antre sejak subuh di rsud arifin achmad, pendaftaran daring tumbang", sectors=("KES",))
    ward = trace("pasien stroke tujuh jam di igd rsud arifin achmad tanpa tindakan", sectors=("KES",))
    verdict = same_event(queue, ward)
    assert not verdict.joined
    assert verdict.suggested


RELEASE = (
    "DUMAI - Pemerintah kota mengakui sepuluh dari dua puluh empat truk pengangkut sampah rusak. Tempat penampungan meluber "
    "hingga ke badan jalan. Suku cadang masih dipesan dari luar daerah. Warga diminta bersabar dan tidak membakar sampah. "
    "Perbaikan dijanjikan rampung sebelum akhir bulan."
)


def test_a_shortened_release_under_a_new_lead_is_one_voice() -> None:
    body = RELEASE.split(". ")
    short = ". ".join(["Sampah Dumai menggunung", *body[1:4]]) + "."
    whole = trace(RELEASE, "Sepuluh Truk Sampah Rusak", regions=frozenset({"14.72"}), sectors=("LIN",))
    assert same_event(whole, trace(short, "Dumai Kewalahan", regions=frozenset({"14.72"}), sectors=("LIN",))).near_copy


def test_a_form_filled_in_for_another_regency_is_no_copy() -> None:
    one = trace(RELEASE, "Truk Rusak", regions=frozenset({"14.72"}))
    assert not same_event(one, replace(one, regions=frozenset({"14.08"}))).near_copy


def test_no_place_in_common_joins_only_what_says_much() -> None:
    vague = replace(ROAD_TOO, regions=frozenset(), words=frozenset({"lubang", "kerikil"}))
    assert not same_event(replace(ROAD, words=ROAD.words - {"jalan:paus"}), vague).joined


def test_of_a_chain_the_ends_do_not_join() -> None:
    far = trace("antrean solar mengular di pangkalan, sopir menginap", sectors=("EKO",))
    middle = replace(ROAD_TOO, signature=b"")
    assert belongs(middle, [ROAD]).joined
    assert belongs(middle, [ROAD, far, far, far, far]).score < belongs(middle, [ROAD]).score


def test_a_copy_goes_before_a_likeness_and_the_older_before_the_newer() -> None:
    copy, alike = same_event(ROAD, ROAD), same_event(ROAD, ROAD_TOO)
    assert likeliest({1: alike, 2: copy}) == 2
    assert likeliest({2: alike, 1: alike}) == 1
    assert likeliest({}) is None


WORDS = st.frozensets(
    st.sampled_from(["jalan", "lubang", "air", "padam", "listrik", "@duri", "#rsud", "jalan:paus", "kerikil"])
)
TRACES = st.builds(
    Trace,
    st.datetimes().map(lambda d: NOW + timedelta(hours=d.hour * 4)),
    st.sampled_from([(), ("INF",), ("LIS",), ("INF", "HUB")]),
    st.frozensets(st.sampled_from(["14.01", "14.71"])),
    st.frozensets(st.sampled_from(["14.71.01", "14.71.02"])),
    st.sampled_from([None, "PLN", "RSUD"]),
    st.sampled_from([None, "A", "B"]),
    WORDS,
    st.booleans(),
)


@given(TRACES, TRACES)
def test_the_rule_is_symmetric_and_its_answers_exclude_each_other(one: Trace, two: Trace) -> None:
    verdict = same_event(one, two)
    assert verdict == same_event(two, one)
    assert not (verdict.joined and verdict.suggested)
    assert verdict.score >= (JOINED if verdict.joined else SUGGESTED if verdict.suggested else -100)


# ---- figures ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reports() -> dict[str, backtest.Report]:
    analyses = backtest.stored_analyses()
    files = {name: backtest.EVENTS / f"{name}.jsonl" for name in backtest.SETS}
    return {name: backtest.backtest(backtest.read(path, analyses)) for name, path in files.items()}


def test_the_labelled_set_is_large(reports: dict[str, backtest.Report]) -> None:
    assert sum(report.mentions for report in reports.values()) >= 1050
    assert sum(report.events for report in reports.values()) >= 315


# Measured 2026-11: tuning .740 1.00 .438 .808 .870, measured .729 .973 .401 .850 .769, weeks .692 .934 .318 .675 .333 (of six
# pairs), unseen .700 .971 .254 .750 .000 (of two). A floor may be raised, and lowered only for a greater gain: what keeps two
# dangers of one regency apart took .03 of recall, and gave .075 of precision on the unseen texts.
@pytest.mark.parametrize(
    ("name", "f1", "precision", "recall", "with_suggestions", "voices"),
    [
        ("tuning", 0.73, 0.99, 0.43, 0.80, 0.85),
        ("measured", 0.72, 0.96, 0.395, 0.83, 0.75),
        ("weeks", 0.685, 0.92, 0.31, 0.66, 0.33),
        ("unseen", 0.69, 0.96, 0.25, 0.74, 0.0),
    ],
)
def test_the_rule_keeps_its_figures(
    reports: dict[str, backtest.Report],
    name: str,
    f1: float,
    precision: float,
    recall: float,
    with_suggestions: float,
    voices: float,
) -> None:
    report = reports[name]
    assert report.joined.f1 >= f1
    assert report.joined.pair_precision >= precision
    assert report.joined.pair_recall >= recall
    assert report.with_suggestions.pair_recall >= with_suggestions
    assert report.suggestions <= 55
    assert report.right >= 0.55
    assert report.voices.pair_recall >= voices
    assert report.voices.precision >= 0.99
    assert report.voices.pair_precision >= 0.99 or not voices, "of the unseen texts no pair is called one voice"


def test_the_same_mentions_in_the_same_order_are_grouped_the_same() -> None:
    told = backtest.read(backtest.EVENTS / "measured.jsonl", backtest.stored_analyses())[:120]
    traces = [one.trace for one in told]
    assert backtest.group(traces) == backtest.group(traces)
    assert backtest.group(traces[:60]).candidates == backtest.group(traces).candidates[:60]


def test_the_stored_analyses_are_of_the_shipped_model() -> None:
    """After training: `python -c "from intake.review import backtest; print(backtest.analyse_own(), end='')" > .../analyses.jsonl`"""
    assert {row["model"] for row in backtest.stored_analyses().values()} == {nlp.load().model}


def test_b_cubed_by_hand() -> None:
    found = backtest.measure(["a", "a", "b"], [1, 1, 1])
    assert (found.precision, found.recall) == (pytest.approx(5 / 9), 1.0)
    assert (found.pair_precision, found.pair_recall) == (pytest.approx(1 / 3), 1.0)
    assert backtest.measure(["a", "a"], [1, 2]).pair_recall == 0.0


@pytest.mark.parametrize(
    "line", ["[1]", "{}", json.dumps({"id": "1", "event": "a", "text": "x", "published_at": "2026-01-01"})]
)
def test_a_line_that_is_no_labelled_text_is_told(tmp_path_factory: pytest.TempPathFactory, line: str) -> None:
    path = tmp_path_factory.mktemp("events") / "a.jsonl"
    path.write_text(line)
    with pytest.raises(ValueError, match="line 1 is no labelled text"):
        backtest.read(path, {})
