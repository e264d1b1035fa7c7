"""A pack of evidence is checked by a stranger with sha256sum and warcio; one flipped byte is found; what nobody needs goes."""

import hashlib
import io
import json
import os
import random
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

import scheduler
from crawler import archive
from intake import evidence, inbox, jobs, retention
from intake.database import Sessions, one_session
from intake.migrations import migrate
from intake.models import AuditRow, Candidate, Mention, Person, now
from intake.people import accounts
from intake.review import decisions
from intake.settings import Settings, evidence_folder
from intake.start import first_start
from tests.intake.made import OUTAGE, document, told
from tests.intake.test_revisions import FIXED, analysed, edited

AT = datetime(2026, 11, 24, 5, tzinfo=UTC)
WHY = "diminta tim pemeriksa perkara ini"
OFFICER = "kartika"


def kept(folder: Path, body: bytes, url: str = "https://koran.example/1") -> str:
    headers = (("Content-Type", "text/html"), ("Set-Cookie", "sesi=rahasia"))
    return archive.keep(folder, archive.Answer(url, AT, 200, headers, body))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bukti"


@pytest.fixture
def candidate(factory: Sessions, folder: Path) -> int:
    """The number of an accepted candidate told by an article, edited once, and a post whose answer was not kept."""
    with factory.begin() as session:
        accounts.add_person(session, OFFICER, "officer")
        first = document(1, kind="article", title="Listrik Padam", evidence=kept(folder, b"<p>0812 3456 7890</p>"))
        found = told(session, first)
        assert found is not None
        inbox.store(session, [edited(first, evidence=kept(folder, b"<p>menyala</p>"))], b"key")
        analysed(session)
        told(
            session,
            document(2, "pln duri padam lagi dari subuh, es kami cair semua", source="Warga", evidence="0" * 64),
        )
        person = session.scalars(select(Person).where(Person.name == OFFICER)).one()
        version = session.get_one(Candidate, found.id).version
        decisions.decide(session, person, found.id, version, "accept", track="refer", note="kata Kartika")
        return found.id


def packed(factory: Sessions, candidate: int, folder: Path, reason: str = WHY) -> bytes:
    file = io.BytesIO()
    with factory.begin() as session:
        evidence.export(session, candidate, folder, file, reason=reason)
    return file.getvalue()


@pytest.fixture
def pack(factory: Sessions, candidate: int, folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "bukti.zip"
    path.write_bytes(packed(factory, candidate, folder))
    return path


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


def test_a_stranger_checks_it_with_sha256sum_and_warcio(pack: Path, tmp_path: Path) -> None:
    place = tmp_path / "orang-lain"
    with zipfile.ZipFile(pack) as opened:
        opened.extractall(place)
    checked = run("sha256sum", "-c", evidence.SUMS, cwd=place)
    assert checked.returncode == 0, checked.stdout
    parts = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
    assert checked.stdout.count(": OK\n") == len(parts) - 1
    answers = sorted(str(path.relative_to(place)) for path in place.glob("answers/*"))
    sound = run(str(Path(sys.executable).with_name("warcio")), "check", "-v", *answers, cwd=place)
    assert (sound.returncode, sound.stdout.count("digest pass")) == (0, 2), sound.stdout
    extract = (str(Path(sys.executable).with_name("warcio")), "extract", "--payload", answers[0], "0")
    body = subprocess.run(extract, cwd=place, capture_output=True, check=False, timeout=60).stdout
    assert hashlib.sha256(body).hexdigest() == Path(answers[0]).name.partition(".")[0]
    assert evidence.verify(pack) == []
    answer = place / answers[0]
    content = bytearray(answer.read_bytes())
    content[len(content) // 2] ^= 1
    answer.write_bytes(content)
    assert run("sha256sum", "-c", "--quiet", evidence.SUMS, cwd=place).returncode != 0


def test_it_holds_the_texts_the_answers_and_what_was_decided_but_no_officer(pack: Path, candidate: int) -> None:
    with zipfile.ZipFile(pack) as opened:
        parts = {name: opened.read(name) for name in opened.namelist()}
    about, manifest = json.loads(parts["candidate.json"]), json.loads(parts["manifest.json"])
    first, post = about["mentions"]
    assert [text["part"] for text in first["texts"]] == [f"texts/{first['id']}-1.txt", f"texts/{first['id']}-2.txt"]
    assert [parts[text["part"]].decode() for text in first["texts"]] == [
        f"Listrik Padam\n\n{OUTAGE}\n",
        f"Listrik Padam\n\n{FIXED}\n",
    ]
    assert [text["answer"] for text in post["texts"]] == ["0" * 64]
    assert [(one["by"], one["action"], one["track"]) for one in about["decisions"]] == [
        ("officer 1", "accept", "refer")
    ]
    assert (about["id"], about["state"], about["sector"]["code"]) == (candidate, "accepted", "LIS")
    assert about["cases"][0]["number"]
    assert {answer["sha256"]: answer["texts"] for answer in manifest["answers"]} == {
        text["answer"]: [text["part"]] for text in first["texts"]
    }
    assert [(one["sha256"], one["why"]) for one in manifest["missing"]] == [("0" * 64, "not kept")]
    assert set(manifest["parts"]) == parts.keys() - {"manifest.json", evidence.SUMS}
    assert OFFICER not in b"".join(parts.values()).decode("utf-8", "replace").lower()
    assert "rahasia" not in b"".join(parts.values()).decode("utf-8", "replace")
    leaflet = parts[evidence.LEAFLET].decode()
    assert "sha256sum -c SHA256SUMS" in leaflet and "data pribadi" in leaflet and "personal data" in leaflet


def test_the_same_state_gives_the_same_bytes(factory: Sessions, candidate: int, folder: Path) -> None:
    assert packed(factory, candidate, folder) == packed(factory, candidate, folder, reason="sekali lagi, lain alasan")


def test_every_flipped_byte_is_found(pack: Path, tmp_path: Path) -> None:
    content = pack.read_bytes()
    places = {
        *range(200),
        *range(len(content) - 400, len(content)),
        *random.Random(4).sample(range(len(content)), 400),
    }
    broken = tmp_path / "rusak.zip"
    for place in places:
        broken.write_bytes(content[:place] + bytes([content[place] ^ 0x20]) + content[place + 1 :])
        assert evidence.verify(broken), place


def rewritten(pack: Path, change: Callable[[dict[str, bytes]], None], *, sums: bool = True) -> Path:
    """The pack with its parts changed by somebody who knows how it is made."""
    with zipfile.ZipFile(pack) as opened:
        parts = {name: opened.read(name) for name in opened.namelist() if name != evidence.SUMS}
        old_sums = opened.read(evidence.SUMS)
    change(parts)
    path = pack.with_name("lain.zip")
    with path.open("w+b") as file:
        if sums:
            evidence._write(parts.items(), file)
        else:
            with zipfile.ZipFile(file, "w") as made:
                for name, content in (*parts.items(), (evidence.SUMS, old_sums)):
                    evidence._add(made, name, content)
    return path


def a_text(parts: dict[str, bytes]) -> str:
    return next(name for name in parts if name.startswith("texts/"))


def an_answer(parts: dict[str, bytes]) -> str:
    return next(name for name in parts if name.startswith("answers/"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda parts: parts.update({a_text(parts): b"lain"}), "manifest.json does not agree"),
        (lambda parts: parts.pop(a_text(parts)), "manifest.json does not agree"),
        (lambda parts: parts.pop(an_answer(parts)), "is not what is stated"),
        (lambda parts: parts.update({"texts/baru.txt": b"x"}), "manifest.json does not agree"),
        (lambda parts: parts.update({"../jahat": b"x"}), "has no place"),
        (lambda parts: parts.update({an_answer(parts): b"bukan arsip"}), "is not what is stated"),
        (lambda parts: parts.update({"manifest.json": b"[]"}), "no evidence pack"),
        (
            lambda parts: parts.update({"manifest.json": parts["manifest.json"].replace(b"koran", b"radio")}),
            "is not what is stated",
        ),
    ],
)
def test_a_pack_that_does_not_agree_with_itself_is_told(
    pack: Path, change: Callable[[dict[str, bytes]], None], told: str
) -> None:
    assert any(told in problem.english for problem in evidence.verify(rewritten(pack, change)))


def test_parts_that_differ_from_their_sums_are_named(pack: Path) -> None:
    def change(parts: dict[str, bytes]) -> None:
        parts[a_text(parts)] = b"lain"
        parts.pop("candidate.json")
        parts["tambahan.txt"] = b"x"

    told = " ".join(problem.english for problem in evidence.verify(rewritten(pack, change, sums=False)))
    assert "was changed" in told and "candidate.json is missing" in told and "tambahan.txt has no place" in told


@pytest.mark.parametrize("content", [b"", b"PK", b"bukan zip", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_pack_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    (problem,) = evidence.verify(tmp_path / "x.zip")
    assert "no evidence pack" in problem.english and "bukan berkas bukti" in problem.message


def test_a_pack_that_somebody_packed_again_is_told_so(pack: Path) -> None:
    again = pack.with_name("lagi.zip")
    with zipfile.ZipFile(pack) as opened, zipfile.ZipFile(again, "w") as made:
        for name in opened.namelist():
            made.writestr(zipfile.ZipInfo(name, (2026, 11, 24, 0, 0, 0)), opened.read(name))
    (problem,) = evidence.verify(again)
    assert "Every part is sound" in problem.english


def test_each_export_leaves_its_reason_and_its_digest(factory: Sessions, candidate: int, folder: Path) -> None:
    content = packed(factory, candidate, folder, f"  {WHY}\n")
    with factory.begin() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.action == "export.evidence")).one()
        assert (row.subject, row.detail["reason"]) == (f"candidate:{candidate}", WHY)
        assert row.detail["sha256"] == hashlib.sha256(content).hexdigest()
        assert (row.detail["answers"], row.detail["missing"]) == (2, 1)


@pytest.mark.parametrize("reason", ["", "   ", "perlu", "x \n y \t z"])
def test_without_a_reason_nothing_is_exported(factory: Sessions, candidate: int, folder: Path, reason: str) -> None:
    with pytest.raises(ValueError, match="--reason"):
        packed(factory, candidate, folder, reason)
    with factory.begin() as session:
        assert session.scalars(select(AuditRow).where(AuditRow.action == "export.evidence")).all() == []


def test_a_damaged_answer_is_left_out_and_told(factory: Sessions, candidate: int, folder: Path, tmp_path: Path) -> None:
    path = next(folder.rglob("*.warc.gz"))
    path.write_bytes(path.read_bytes()[:-9])
    target = tmp_path / "b.zip"
    target.write_bytes(packed(factory, candidate, folder))
    with zipfile.ZipFile(target) as opened:
        manifest = json.loads(opened.read("manifest.json"))
    assert sorted(one["why"].partition(":")[0] for one in manifest["missing"]) == ["damaged", "not kept"]
    assert evidence.verify(target) == []


# ---- keeping and deleting ------------------------------------------------------------------------------------------


def old(folder: Path) -> None:
    """As if everything had been received long ago."""
    then = (now() - retention.KEEP_ANSWERS - timedelta(days=1)).timestamp()
    for path in folder.rglob("*.*"):
        os.utime(path, (then, then))


def bodies(folder: Path) -> set[bytes]:
    return {path.read_bytes() for path in folder.rglob("*.warc.gz")}


def test_answers_live_as_long_as_their_candidate_s_texts_and_others_for_days(factory: Sessions, folder: Path) -> None:
    names = ("first", "newest", "nothing", "waiting", "edit", "nobody's")
    digest = {name: kept(folder, name.encode()) for name in names}
    no = {"failure": "no", "p": {"yes": 0.0, "vague": 0.0, "no": 1.0}}
    with factory.begin() as session:
        first = document(1, evidence=digest["first"])
        told(session, first)
        inbox.store(session, [edited(first, evidence=digest["newest"])], b"key")
        analysed(session)
        told(session, document(2, "Konser di Pekanbaru ramai.", evidence=digest["nothing"]), **no)
        told(session, document(3, "Pasar malam di Siak dibuka."), **no)
        inbox.store(session, [document(4, "Belum dianalisis.", evidence=digest["waiting"])], b"key")
        inbox.store(session, [edited(document(3), "Pasar malam ditutup.", evidence=digest["edit"])], b"key")
        assert retention.sweep(session, folder, dry_run=False) == 0  # all of it is young
        old(folder)
        (left := folder / "ab").mkdir(exist_ok=True)
        (left / "abc.4711").touch()
        os.utime(left / "abc.4711", (1, 1))
        assert retention.sweep(session, folder, dry_run=True) == 3
        assert len(bodies(folder)) == 6
        assert retention.sweep(session, folder, dry_run=False) == 3
        gone = {name for name in names if not archive.path_of(folder, digest[name]).exists()}
        assert gone == {"nothing", "nobody's"}
        assert not (left / "abc.4711").exists()
        session.delete(session.scalars(select(Mention).where(Mention.evidence == digest["newest"])).one())
        session.flush()
        retention.sweep(session, folder, dry_run=False)
        assert not archive.path_of(folder, digest["first"]).exists()


def test_the_daily_job_sweeps_the_folder_of_its_database(factory: Sessions, tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/uji.db", pseudonym_key="x")
    folder = evidence_folder(settings)
    assert folder == tmp_path / "uji.evidence"
    kept(folder, b"lama")
    old(folder)
    assert jobs.clean_up(factory, settings)["evidence"] == 1
    assert bodies(folder) == set()


def test_each_database_has_a_folder_of_its_own(tmp_path: Path) -> None:
    urls = ("sqlite:///a.db", "sqlite:///b.db", f"sqlite:///{tmp_path}/a.db", "postgresql+psycopg://x@y/z")
    folders = [evidence_folder(Settings(database_url=url)) for url in urls]
    assert len(set(folders)) == 4
    assert [folder.name for folder in folders] == ["a.evidence", "b.evidence", "a.evidence", "kentongan.evidence"]
    assert all(folder.is_absolute() for folder in folders)
    assert evidence_folder(Settings(evidence_folder=Path("lain"))) == Path("lain").absolute()


# ---- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a database that holds one candidate and its evidence."""
    for name in [name for name in os.environ if name.startswith("KENTONGAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    migrate("sqlite:///kentongan.db")
    with one_session("sqlite:///kentongan.db") as session:
        first_start(session, "riau")
        digest = kept(tmp_path / "kentongan.evidence", b"<p>Listrik padam</p>")
        told(session, document(1, kind="article", title="Listrik Padam", evidence=digest))
    return tmp_path


def kentongan(*words: str) -> Result:
    return CliRunner().invoke(scheduler.app, words)


def test_the_command_writes_a_pack_and_checks_it(desk: Path) -> None:
    made = kentongan("export", "evidence", "1", "--reason", WHY)
    path = desk / "bukti-1.zip"
    assert (made.exit_code, stat.S_IMODE(path.stat().st_mode)) == (0, 0o600), made.output
    assert hashlib.sha256(path.read_bytes()).hexdigest() in made.stdout
    assert "data pribadi" in made.stdout and "personal data" in made.stdout
    checked = kentongan("export", "evidence", "--verify", str(path))
    assert (checked.exit_code, "as it was made" in checked.stdout) == (0, True)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    broken = kentongan("export", "evidence", "--verify", str(path))
    assert broken.exit_code == 1 and "berubah" in broken.stdout
    assert kentongan("export", "evidence", "1", "-o", "lain.zip", "--reason", WHY).exit_code == 0
    assert sorted(file.name for file in desk.glob("*.zip*")) == ["bukti-1.zip", "lain.zip"]
    assert list(desk.glob(".*")) == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("evidence",), "name the candidate"),
        (("evidence", "1"), "--reason"),
        (("evidence", "99", "--reason", WHY), "no candidate 99"),
        (("evidence", "1", "--reason", WHY, "-o", "tidak/ada/x.zip"), "cannot be written"),
        (("evidence", "--verify", "tidak-ada.zip"), "cannot be read"),
        (("candidates", "1"), "only evidence"),
        (("kandidat",), "evidence"),
    ],
)
def test_what_the_command_refuses_it_explains(desk: Path, words: tuple[str, ...], why: str) -> None:
    result = kentongan("export", *words)
    assert result.exit_code == 2 and why in result.stderr and result.stderr.count("\n") == 1, result.output
    assert list(desk.glob("*.zip*")) == list(desk.glob(".*")) == []
