"""The analyser: an answer for every text, the same alone as in a batch, evidence inside the text."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp import Analysis, Text, load
from nlp.evaluate import evaluate
from nlp.pipeline import Analyser
from nlp.train import read_rows, targets, train
from nlp.urgency import urgency

NLP = Path(__file__).parents[2] / "nlp"
OUTAGE = "Sudah 3 hari listrik padam di Bagan Batu, PLN tidak ada kabar. Ibu saya cuci darah. NIK 1407094505850003"


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    return load()


def test_one_text(analyser: Analyser) -> None:
    found = analyser(Text("1", OUTAGE))
    assert found.failure == "yes"
    assert (found.sectors[0].code, found.kinds[0].code, found.regions) == ("LIS", "PLN", ("14.07",))
    assert found.urgency == "U2"
    assert [OUTAGE[span.start : span.end] for span in found.pii] == ["1407094505850003"]
    assert sum(found.p.values()) == pytest.approx(1)


def test_ordinary_news_is_no_failure(analyser: Analyser) -> None:
    found = analyser(
        Text("1", "Bupati meresmikan taman kota dan mengajak warga menjaga kebersihan.", "Taman Kota Diresmikan")
    )
    assert found.failure == "no"
    assert found.p["yes"] < 0.3


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\x00",
        "\ud800",
        "x" * 1_000_000,
        "а" * 5000,
        "\u202eabc",
        "<p>&nbsp;</p>",
        "你好",
        "1" * 3000,
        "😤" * 500,
        "...",
        "\n" * 9999,
    ],
)
def test_every_text_gets_an_answer(analyser: Analyser, text: str) -> None:
    found = analyser(Text("1", text, text[:50]))
    assert isinstance(found, Analysis)
    json.loads(found.to_json().encode("utf-8", "surrogatepass"))
    assert (len(text) > 100_000) == bool(found.notes)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_spans_lie_inside_the_text(analyser: Analyser, text: str) -> None:
    found = analyser(Text("1", text))
    assert all(0 <= span.start < span.end <= len(text) for span in (*found.evidence, *found.pii))


def test_alone_as_in_a_batch(analyser: Analyser) -> None:
    texts = [
        Text(str(n), text)
        for n, text in enumerate([OUTAGE, "", "makan siang enak", "jalan rusak di Sorek dibiarkan"] * 5)
    ]
    assert list(analyser.pipe(texts, batch_size=7)) == [analyser(text) for text in texts]


def test_the_command_streams_in_order_and_names_bad_lines() -> None:
    lines = [
        '{"id": "a", "text": "air mati"}',
        "bukan json",
        '{"id": "b"}',
        '{"key": "c", "text": "terima kasih"}',
        '{"id": 7, "text": "x"}',
    ]
    out = subprocess.run(
        [sys.executable, "-m", "nlp", "-"], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    rows = [json.loads(line) for line in out.stdout.splitlines()]
    assert [row["id"] for row in rows] == ["a", None, "b", "c", "7"]
    assert all("line" in row and row["error"] for row in rows[1:3])


def test_the_analysis_has_the_agreed_form(analyser: Analyser) -> None:
    row = analyser(Text("x", OUTAGE)).to_dict()
    assert set(row) >= {
        "id", "failure", "sectors", "forms", "kinds", "agencies", "place", "regions", "districts",
        "urgency", "sarcasm", "evidence", "pii", "language", "model",
    }  # fmt: skip
    assert set(row["failure"]) == {"label", "p"}
    assert set(row["evidence"][0]) == {"start", "end", "for"}
    assert set(row["agencies"][0]) >= {"id", "p"}


def test_training_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    rows = read_rows(sorted((NLP / "corpus").glob("mixed_a.jsonl")))[:60]
    for name in ("one", "two"):
        train(rows, tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_bad_training_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"text": "a"}\n')
    with pytest.raises(ValueError, match=r"x\.jsonl:1"):
        read_rows([path])


def test_the_shipped_model_is_of_this_corpus() -> None:
    from nlp.train import digest

    figures = json.loads((NLP / "model/figures.json").read_text())
    assert figures["corpus"] == digest(read_rows(sorted((NLP / "corpus").glob("*.jsonl"))))


# Pinned a little under (or, of what should be small, over) what was measured on nlp/gold; a re-pin says so in its commit.
FLOORS = {
    "failure.f1_yes": 0.84,
    "failure.average_precision": 0.91,
    "sector.first_in_gold": 0.93,
    "form.first_in_gold": 0.88,
    "kind.first_in_gold": 0.84,
    "agency.first_in_gold": 0.68,
    "region.exact": 0.83,
    "urgency.weighted_kappa": 0.70,
    "urgency.danger_seen": 1.0,
    "evidence.faithful": 0.92,
}
CEILINGS = {"failure.calibration_error": 0.12, "news.false_alarms_per_100": 8.0}


def test_quality_keeps_its_floors() -> None:
    measured = evaluate(NLP / "gold/gold.jsonl")
    below = {name: measured[name] for name, floor in FLOORS.items() if measured[name] < floor}
    above = {name: measured[name] for name, ceiling in CEILINGS.items() if measured[name] > ceiling}
    assert not below | above


def test_gold_and_corpus_share_no_text() -> None:
    def texts(folder: str) -> set[str]:
        lines = [
            line for path in (NLP / folder).glob("*.jsonl") for line in path.read_text(encoding="utf-8").splitlines()
        ]
        return {json.loads(line)["text"] for line in lines}

    assert not texts("gold") & texts("corpus")


def test_two_readings_count_half_each() -> None:
    row = {"failure": "yes", "forms": ["MA02"], "sectors": ["LIS"], "urgency": "U2"}
    assert targets(row | {"second": {"forms": ["MA11", "MA02"]}}, "form") == pytest.approx({"MA02": 0.7, "MA11": 0.5})
    assert targets(row | {"second": {"failure": "no"}}, "sector") == {"LIS": 0.5}


def test_evidence_is_the_clause_that_tells(analyser: Analyser) -> None:
    text = (
        "Pagi yang cerah di kota kami. Air PDAM mati sudah lima hari dan tidak ada kabar. Anak-anak berangkat sekolah."
    )
    spans = [text[span.start : span.end] for span in analyser(Text("1", text)).evidence if span.label == "failure"]
    assert any("mati" in span for span in spans)
    assert not any("cerah" in span for span in spans)


def test_danger_raises_urgency_and_mere_criticism_never_does() -> None:
    calm = {"U1": 0.0, "U2": 0.0, "U3": 0.2, "U4": 0.8}
    assert urgency("pasien ditolak igd, sekarat di parkiran", "yes", calm)[0] == "U1"
    assert urgency("pelayanan ditolak igd terus", "vague", calm)[0] == "U4"
    assert urgency("antre lama", "yes", calm) == ("U4", ())
    assert urgency("terima kasih", "no", calm) == (None, ())
    danger = calm | {"U1": 0.8}
    assert urgency("stop kontak nyala di bawah air", "no", danger, 0.35)[0] == "U1"
    assert urgency("stop kontak nyala di bawah air", "no", danger, 0.2) == (None, ())


def test_import_is_light() -> None:
    code = "import sys, nlp, crawler, intake; sys.exit(bool({'spacy', 'scrapy', 'sqlalchemy', 'altair', 'trafilatura'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_stdin_may_hold_broken_bytes() -> None:
    data = io.BytesIO(b'{"id": "a", "text": "air \xff mati"}\n').getvalue()
    out = subprocess.run([sys.executable, "-m", "nlp"], input=data, capture_output=True, check=False)
    assert out.returncode == 0
    assert json.loads(out.stdout)["id"] in ("a", None)
