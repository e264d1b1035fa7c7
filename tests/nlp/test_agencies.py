"""Who is answerable: kinds everywhere, offices in the own province, each with a reason."""

import time

import pytest

from nlp.agencies import Agencies, Answerable
from nlp.analysis import Guess
from nlp.jurisdiction import load_jurisdiction
from nlp.places import Places

TABLES = load_jurisdiction()
PLACES = Places(TABLES)
AGENCIES = Agencies(TABLES)


def answer(text: str, *sectors: str, hint: str | None = None, title: str = "", source: str = "") -> Answerable:
    guesses = [Guess(code, p) for code, p in zip(sectors, (0.75, 0.15), strict=False)]
    return AGENCIES(text, title, PLACES(text, hint, title, source), guesses, hint, source)


def codes(guesses: tuple[Guess, ...]) -> list[str]:
    return [guess.code for guess in guesses]


@pytest.mark.parametrize(
    ("text", "sector", "kind", "agency"),
    [
        ("Urus KK di capil Rohul bolak-balik lima kali", "ADM", "DISDUKCAPIL", "RI-1406-DISDUKCAPIL"),
        ("Kadisdukcapil Dumai dicari warga, blangko habis", "ADM", "DISDUKCAPIL", "RI-1472-DISDUKCAPIL"),
        ("@pln_123 min Duri gelap dari magrib", "LIS", "PLN", "VT-PLN-UP3DMI"),
        ("listrik padam enam jam di Perawang", "LIS", "PLN", "VT-PLN-UP3PKU"),
        ("PLN Ujung Batu kapan normalnya", "LIS", "PLN", "VT-PLN-UP3BKN"),
        ("Tuah Sekata bungkam, Pangkalan Kerinci padam lagi", "LIS", "OTHER", "RI-1405-TUAHSEKATA"),
        ("air PDAM di Bangkinang tiga hari tak mengalir", "AIR", "PDAM", "RI-1401-PDAM"),
        ("Perumdam Tirta Siak keruh terus", "AIR", "PDAM", "RI-1471-PDAM"),
        ("RSUD Mandau menolak pasien tengah malam", "KES", "RSUD", "RI-1403b-RSUD"),
        ("RSUD Arifin Achmad membiarkan pasien menunggu dua hari", "KES", "RSUD", "RI-PROV-RSUDAA"),
        ("Dirut RSUD Bengkalis diminta turun tangan", "KES", "RSUD", "RI-1403-RSUD"),
        ("puskesmas di Sorek tak ada dokter", "KES", "PUSKESMAS", "RI-1405-PKM"),
        ("Kapolsek Rumbai diam, laporan curanmor mandek", "POL", "POLRI", "VT-POLSEK-PKU-RUMBAI"),
        ("Polsek Mandau menyuruh kami pulang", "POL", "POLRI", "VT-POLSEK-1403"),
        ("bikin sim di polres Inhil diminta uang lebih", "POL", "POLRI", "VT-POLRES-1404"),
        ("BPN Kampar menerbitkan dua sertifikat untuk satu tanah", "AGR", "BPN", "VT-KANTAH-1401"),
        ("Samsat Pasir Pengaraian antre, petugas main hp", "KEU", "SAMSAT", "VT-SAMSAT-1406"),
        ("imigrasi Selatpanjang menunda paspor dua bulan", "HUK", "IMIGRASI", "VT-KANIM-SLP"),
        ("lampu jalan di Tembilahan padam sebulan", "HUB", "DISHUB", "RI-1404-DISHUB"),
        ("Jukir di Pasar Kodim minta lima ribu tanpa karcis", "HUB", "DISHUB", "RI-1471-DISHUB"),
        ("Bus Trans Metro Pekanbaru tak kunjung datang", "HUB", "DISHUB", "RI-1471-TMP"),
        ("antre di dermaga Air Putih, roro cuma satu", "HUB", "DISHUB", "RI-1403-DISHUB"),
        ("Jalan Soebrantas berlubang dalam", "INF", "DPUPR", "RI-PROV-PUPRPKPP"),
        ("Jalan Lintas Timur di Sorek hancur", "INF", "BPJN", "VT-BPJN"),
        ("jalan provinsi di Rokan Hulu rusak parah", "INF", "DPUPR", "RI-PROV-PUPRPKPP"),
        ("aspal di gang kami di Dumai terkelupas", "INF", "DPUPR", "RI-1472-DPUPR"),
        ("Tol Permai berlubang, ban pecah", "INF", "TOL", "VT-HK"),
        ("Dinas PUPR Riau membiarkan jembatan di Kuansing ambruk", "INF", "DPUPR", "RI-PROV-PUPRPKPP"),
        ("SMAN 2 Tembilahan mewajibkan uang komite", "DIK", "SEKOLAH", "RI-PROV-SMASMK"),
        ("SDN 014 Ukui atapnya bocor", "DIK", "SEKOLAH", "RI-1405-SDSMP"),
        ("MBG di Dumai basi, murid mual", "DIK", "BGN", "VT-BGN"),
        ("sampah menumpuk di Panam dua minggu", "LIN", "DLH", "RI-1471-DLH"),
        ("Kades di Kecamatan Reteh memotong dana desa", "DES", "DESKEL", "RI-1404-DESKEL"),
        ("gas melon di Teluk Kuantan lenyap", "NIA", "PERTAMINA", "VT-PERTAMINA"),
        ("BPJS di kantor cabang Dumai menonaktifkan ibu saya", "JSN", "BPJSKES", "VT-BPJSKES-DMI"),
        ("bansos di Meranti tak pernah sampai", "SOS", "DINSOS", "RI-1410-DINSOS"),
        ("buaya masuk kampung di Siak, BBKSDA tak datang", "LIN", "KEHUTANAN", "VT-BBKSDA"),
        ("ATM BRK Syariah di Rengat menelan kartu", "KEU", "BANK", "RI-PROV-BRK"),
    ],
)
def test_first_answer(text, sector, kind, agency):
    found = answer(text, sector)
    assert codes(found.kinds)[0] == kind
    assert codes(found.agencies)[0] == agency


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("mati lampu lagi dari subuh di Bengkalis", "PLN"),
        ("elpiji 3 kilo tak ada di pangkalan mana pun di Siak", "PERTAMINA"),
        ("bikin paspor di Dumai berbulan-bulan", "IMIGRASI"),
    ],
)
def test_a_strong_cue_overrides_the_classifier(text, kind):
    assert codes(answer(text, "TRB").kinds)[0] == kind


def test_elsewhere_has_kinds_and_no_agencies():
    found = answer("Disdukcapil Batam lambat sekali", "ADM")
    assert codes(found.kinds)[0] == "DISDUKCAPIL"
    assert found.agencies == ()


def test_an_unknown_place_has_kinds_and_no_agencies():
    found = answer("lampu jalan depan rumah mati", "HUB")
    assert codes(found.kinds) == ["DISHUB"]
    assert found.agencies == ()


def test_the_home_of_the_source_only_suggests():
    named = answer("lampu jalan di Pekanbaru mati", "HUB").agencies[0]
    suggested = answer("lampu jalan depan rumah mati", "HUB", hint="14.71").agencies[0]
    assert suggested.code == named.code == "RI-1471-DISHUB"
    assert suggested.p < named.p
    assert "belum pasti" in suggested.reason


def test_nothing_to_tell_is_an_empty_answer():
    assert answer("selamat pagi semuanya") == Answerable()


def test_councils_and_heads_of_regions_only_speak():
    found = answer("Anggota DPRD Dumai meminta drainase dibenahi, wali kota setuju", "INF")
    assert codes(found.kinds)[0] == "DPUPR"


def test_bare_mentions_mean_the_office_named_before():
    found = answer("RSUD Arifin Achmad di Pekanbaru menolak. RSUD itu lalu meminta maaf. RSUD berbenah.", "KES")
    assert codes(found.agencies)[0] == "RI-PROV-RSUDAA"
    assert "RI-1471-RSUD" not in codes(found.agencies)[:1]


def test_a_named_body_of_another_place_is_that_of_its_place():
    found = answer("Warga Siak antre di Disdukcapil Pelalawan karena rekam KTP di Siak rusak", "ADM")
    assert codes(found.agencies)[0] == "RI-1405-DISDUKCAPIL"


def test_reasons_are_told_in_indonesian():
    named = answer("Dishub Dumai membiarkan rambu roboh", "HUB").agencies[0]
    assert named.reason == "disebut: Dishub Dumai"
    ruled = answer("Jalan Soebrantas berlubang", "INF").agencies[0]
    assert ruled.reason.startswith("jalan provinsi (Jalan HR Soebrantas) → Dinas Pekerjaan Umum")
    doubtful = answer("bansos di Kampar dipotong", "SOS").agencies[0]
    assert doubtful.reason.endswith("(perlu dipastikan)")


def test_spans_are_of_the_text():
    text = "Sudah lapor ke Disdukcapil Siak, KTP tak terbit"
    spans = {text[span.start : span.end] for span in answer(text, "ADM", title="Disdukcapil Siak Lambat").spans}
    assert "Disdukcapil Siak" in spans
    assert all(span.label == "agency" for span in answer(text, "ADM").spans)


def test_a_page_of_reviews_names_the_service():
    assert codes(answer("tak bisa masuk sejak pembaruan", "TIK", source="Mobile JKN reviews").kinds)[0] == "BPJSKES"


def test_chances_fall_and_stay_below_certainty():
    found = answer("Dishub Pekanbaru, Satpol PP, PLN dan PUPR lempar tanggung jawab soal lampu jalan", "HUB", "TRB")
    for guesses in (found.kinds, found.agencies):
        chances = [guess.p for guess in guesses]
        assert chances == sorted(chances, reverse=True)
        assert all(0.2 <= p <= 0.95 for p in chances)
        assert len(guesses) <= 3


def test_every_answer_is_a_known_code():
    for body in TABLES.bodies:
        for name in body.names:
            for region in ("Dumai", "Riau", "Medan"):
                found = answer(f"{name} {region} tak melayani warga")
                assert set(codes(found.agencies)) <= set(TABLES.agencies), name
                assert found.kinds or body.speaks_only, name


def test_every_office_is_found_by_its_own_aliases():
    lost = []
    for row in TABLES.agencies.values():
        for alias in row.aliases:
            found = AGENCIES(f"Pelayanan {alias} di Riau buruk", "", PLACES("di Riau"), [Guess(row.sectors[0], 0.9)])
            if row.kind not in codes(found.kinds):
                lost.append((row.id, alias))
    assert lost == []


def test_a_long_text_takes_time_in_proportion():
    text = "Disdukcapil Siak dan Dishub Dumai, lampu jalan mati di Jalan Soebrantas. " * 3000
    start = time.process_time()
    answer(text, "HUB")
    assert time.process_time() - start < 5
