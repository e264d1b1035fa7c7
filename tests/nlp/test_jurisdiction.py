"""The tables: complete, in agreement with each other, quick to read, and not tied to one province."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nlp.jurisdiction import HOME, JurisdictionError, load_jurisdiction, load_taxonomy
from nlp.phrases import words
from nlp.places import Places

KINDS = words(
    "PEMDA DISDIK DINKES DPUPR PERKIM SATPOLPP DAMKAR DINSOS DISNAKER DP3A DKPP DLH DISDUKCAPIL DISHUB DISKOMINFO "
    "DISKOPUKM DPMPTSP DISPORA DISPERINDAG BAPENDA BKPSDM BPBD INSPEKTORAT SETDA SETWAN KECAMATAN DESKEL PUSKESMAS "
    "RSUD RS_SWASTA SEKOLAH PDAM POLRI BPN KEJAKSAAN KEMENAG KPU SAMSAT PENGADILAN IMIGRASI LAPAS DJP BEACUKAI "
    "BPJSKES BPJSTK PLN PERTAMINA TELKOM POS BULOG JASARAHARJA BANK OJK PTN BPJN BWS PELABUHAN BANDARA TOL BGN "
    "KEMENTERIAN KEHUTANAN OTHER NONE "
)


def test_taxonomy_has_every_code_in_both_languages():
    taxonomy = load_taxonomy()
    assert len(taxonomy.sectors) == 23
    assert list(taxonomy.forms) == [f"MA{n:02}" for n in (*range(1, 12), 0)]
    assert list(taxonomy.urgencies) == ["U1", "U2", "U3", "U4"]
    assert set(taxonomy.kinds) == KINDS
    for axis in (taxonomy.sectors, taxonomy.forms, taxonomy.kinds, taxonomy.urgencies):
        assert all(code == label.code and label.id and label.en for code, label in axis.items())
    label = taxonomy.sectors["INF"]
    assert label.name("id") == label.id != label.name("en") == label.en


def test_the_province_is_complete():
    riau = load_jurisdiction()
    assert len(riau.regions) == 13
    assert len(riau.districts) == 172
    assert len(riau.agencies) == 709
    assert len(riau.elsewhere) == 37
    assert set(riau.defaults) == set(load_taxonomy().sectors)
    assert {row.kind for row in riau.agencies.values()} <= KINDS


def test_every_row_says_how_it_was_verified():
    riau = load_jurisdiction()
    rows = (*riau.regions.values(), *riau.districts.values(), *riau.villages, *riau.towns, *riau.roads)
    assert all(row.verified for row in (*rows, *riau.agencies.values(), *riau.rules))
    assert riau.agencies["RI-1471-DISHUB"].confirmed
    assert not riau.agencies["RI-1401-DINKES"].confirmed


def test_names_of_agencies_hold_no_notes():
    notes = ("generate", "verified", "record", "one per")
    assert not [row.name for row in load_jurisdiction().agencies.values() if any(word in row.name for word in notes)]


def test_every_regency_has_the_offices_of_daily_life():
    riau = load_jurisdiction()
    offices = ("DISDUKCAPIL", "DPUPR", "DISHUB", "DLH", "PDAM", "DISDIK", "DINKES", "PKM", "DESKEL", "KEC", "RSUD")
    for region in riau.regions.values():
        if region.kind != "provinsi":
            assert all(f"RI-{region.tag}-{office}" in riau.agencies for office in offices), region.name
            assert f"VT-POLRES-{region.tag}" in riau.agencies


def test_an_unknown_province_is_refused_with_those_that_exist():
    for name in ("atlantis", "../riau", ""):
        with pytest.raises(JurisdictionError, match="riau"):
            load_jurisdiction(name)


def test_a_wrong_reference_is_named(tmp_path):
    home = _copy(tmp_path)
    towns = home / "riau" / "towns.csv"
    towns.write_text(towns.read_text("utf-8") + "Kota Rekaan,,14.99,,,mem\n", "utf-8")
    with pytest.raises(JurisdictionError, match=r"Kota Rekaan: region 14\.99"):
        load_jurisdiction("riau", home)


def test_a_second_province_is_a_folder(tmp_path):
    home = _copy(tmp_path)
    _make_sumbar(home / "sumbar")
    sumbar = load_jurisdiction("sumbar", home)
    places = Places(sumbar)
    assert places("Jalan rusak di Bukittinggi").regions == ("13.75",)
    assert places("Jalan rusak di Pekanbaru").place == "other"
    assert "RI-1471-DISHUB" not in sumbar.agencies


def test_reading_the_tables_costs_little_and_needs_no_yaml():
    code = (
        "import sys, time; start = time.process_time()\n"
        "from nlp.jurisdiction import load_jurisdiction, load_taxonomy\n"
        "load_jurisdiction(); load_taxonomy()\n"
        "assert 'yaml' not in sys.modules and 'spacy' not in sys.modules\n"
        "print(time.process_time() - start)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=HOME.parents[1], check=True)
    assert float(run.stdout) < 0.6  # 0.05 s measured on an idle machine


def _copy(folder: Path) -> Path:
    home = folder / "jurisdictions"
    shutil.copytree(HOME, home)
    return home


def _make_sumbar(folder: Path) -> None:
    """Two regions and one office: what a new province begins with."""
    folder.mkdir()
    tables = {
        "regions.toml": _region("13", "Provinsi Sumatera Barat", "provinsi", "sumatera barat", "PROV")
        + _region("13.75", "Kota Bukittinggi", "kota", "bukittinggi", "1375"),
        "districts.csv": "code,region,name,aliases,rule,verified\n13.75.01,13.75,Guguk Panjang,,,mem\n",
        "villages.csv": "code,district,name,aliases,rule,verified\n",
        "towns.csv": "name,aliases,region,district,rule,verified\n",
        "roads.csv": "name,aliases,regions,status,since,common,verified,note\n",
        "decoys.csv": "phrase,place,note\n",
        "agencies.csv": "id,name,aliases,kind,level,region,serves,sectors,parent,verified,note\n"
        "SB-1375-DISHUB,Dinas Perhubungan Kota Bukittinggi,,DISHUB,kabkota,13.75,,HUB,,mem,\n",
        "bodies.csv": "names,kind,local,province,word,speaks_only\ndishub,DISHUB,SB-{R}-DISHUB,,Dinas Perhubungan,\n",
        "competence.toml": '[[rules]]\nname = "HUB"\nsectors = ["HUB"]\nkinds = ["DISHUB"]\n'
        'agencies = ["SB-{R}-DISHUB"]\nreason = "perhubungan"\nverified = "mem"\n',
    }
    for name, table in tables.items():
        (folder / name).write_text(table, "utf-8")


def _region(code: str, name: str, kind: str, alias: str, tag: str) -> str:
    fields = {"code": code, "name": name, "short": name.split(" ", 1)[1], "kind": kind, "capital": "", "head": ""}
    lines = [f'{key} = "{value}"' for key, value in (fields | {"village": "", "tag": tag, "verified": "mem"}).items()]
    return "\n".join(["[[regions]]", *lines, f'aliases = ["{alias}"]', ""])
