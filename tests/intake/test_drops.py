"""A folder where others leave files: taken once by one service, whatever they are called and whatever they hold."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from crawler import Document
from crawler.demo.server import NAMES
from intake import drops, inbox, jobs
from intake.database import Sessions
from intake.models import Mention, now
from intake.settings import Settings

ROOT = Path(__file__).parents[2]
NEVER = Event()
ROW = {"id": 1, "text": "Air mati tiga hari di Rumbai.", "source": "Warga"}


class Kept:
    """What was stored, by key; the second time nothing is new."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def __call__(self, documents: list[Document]) -> int:
        before = len(self.texts)
        self.texts |= {document.key: document.text for document in documents}
        return len(self.texts) - before


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Move the clock: nobody can date back when a file was changed."""
    return lambda seconds: monkeypatch.setattr(drops, "now", lambda: now() + timedelta(seconds=seconds))


@pytest.fixture
def folder(tmp_path: Path, later: Callable[[float], None]) -> Path:
    """An empty folder, a minute from now: what is written there lies long enough."""
    later(60)
    (tmp_path / "titipan").mkdir()
    return tmp_path / "titipan"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def report(folder: Path) -> str:
    (path,) = folder.glob("*.txt")
    return path.read_text()


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        ("a.csv", "id,text\n1,Air mati\n2,\"Jalan; rusak\"\n", ["Air mati", "Jalan; rusak"]),
        ("a.CSV", "\ufeffid;text\n1;Air mati, tiga hari\n", ["Air mati, tiga hari"]),
        ("a.csv", "id\ttext\n1\tAir mati\n", ["Air mati"]),
        ("a.jsonl", '{"id": 1, "text": "Air mati"}\n\n{"id": 2, "text": "Lampu mati"}', ["Air mati", "Lampu mati"]),
        ("a.json", '[{"id": 1, "text": "Air mati"},\n {"id": 2,\n "text": "Lampu mati"}]', ["Air mati", "Lampu mati"]),
        ("a.json", '{"id": 1,\n "text": "Air mati"}', ["Air mati"]),
        ("a.json", '{"id": 1, "text": "Air mati"}\n{"id": 2, "text": "Lampu mati"}', ["Air mati", "Lampu mati"]),
    ],
)  # fmt: skip
def test_a_file_is_imported_and_put_away(folder: Path, name: str, content: str, texts: list[str]) -> None:
    (folder / name).write_text(content)
    kept = Kept()
    assert drops.take_all(folder, kept, NEVER) == 1
    assert sorted(kept.texts.values()) == sorted(texts)
    assert names(folder) == ["done", "failed", "working"]
    assert len(names(folder / "done")) == 2
    assert f"{len(texts)} texts read, {len(texts)} new, 0 refused" in report(folder / "done")
    assert drops.take_all(folder, kept, NEVER) == 0


def test_the_report_says_in_both_languages_which_lines_were_refused_and_why(folder: Path) -> None:
    lines = [json.dumps(ROW), "kacau", '["daftar"]', '{"id": 2}', json.dumps(ROW | {"id": 3, "published_at": "besok"})]
    (folder / "a.jsonl").write_text("\n".join(lines))
    assert drops.take_all(folder, Kept(), NEVER) == 1
    told = report(folder / "done").splitlines()
    assert told[0].endswith("WIB")
    assert told[1].startswith("2 teks dibaca, 2 baru, 3 ditolak, 1 dengan catatan")
    assert "2 texts read, 2 new, 3 refused, 1 with a remark" in told[1]
    by_line = {line.removeprefix("Baris / line ").partition(":")[0]: line for line in told[3:]}
    assert list(by_line) == ["2", "3", "4", "5"]
    assert "Baris / line 2: Bukan JSON (" in by_line["2"]
    assert "Baris ini dilewati; yang lain tetap dibaca. / not JSON (" in by_line["2"]
    assert "not an object" in by_line["3"]
    assert "text dan id (atau url) harus diisi." in by_line["4"]
    assert "published_at 'besok' bukan tanggal." in by_line["5"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "Tidak ada teks di dalamnya. / There is no text in it."),
        ("a.json", b"[1, 2", "not JSON"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.json", b'[{"id": ' + b"9" * 5000 + b', "text": "x"}]', "not JSON"),
        ("a.jsonl", bytes(range(256)) * 40, "not JSON"),
        ("a.csv", b"id,text\n1," + b"x" * 200_000 + b"\n", "Bukan baris CSV (field larger than field limit"),
        ("a.csv", b"x" * 20 * 1024 * 1024 + b"x", "lebih besar dari 20 MB"),
        ("a.csv", f"id,text,source\n1,x,{NAMES['tepian']}\n".encode(), "1 invented texts of the demo press left out"),
    ],
    ids=["empty", "cut", "deep", "number", "binary", "field", "large", "demo"],
)
def test_a_file_without_a_text_fails_and_says_why(folder: Path, name: str, content: bytes, words: str) -> None:
    (folder / name).write_bytes(content)
    kept = Kept()
    assert drops.take_all(folder, kept, NEVER) == 1
    assert kept.texts == {}
    assert len(names(folder / "failed")) == 2
    assert words in report(folder / "failed")
    assert names(folder / "done") == []


def test_one_bad_row_of_a_table_costs_only_itself(folder: Path) -> None:
    (folder / "a.csv").write_text(f"id,text\n1,Air mati\n2,{'x' * 200_000}\n3,Lampu mati\n")
    kept = Kept()
    drops.take_all(folder, kept, NEVER)
    assert list(kept.texts.values()) == ["Air mati", "Lampu mati"]
    assert " 3: Bukan baris CSV" in report(folder / "done")


@pytest.mark.parametrize(
    ("rows", "texts", "refused"),
    [
        ('1,"terbuka\n2,Air mati\n3,Lampu mati\n', ["Air mati", "Lampu mati"], [2]),
        ('1,"terbuka\n2,"Air, mati"\n3,Lampu mati\n', ["Air, mati", "Lampu mati"], [2]),
        ('1,"terbuka\n2,Air mati\n3,Lampu mati"\n', ["Air mati", 'Lampu mati"'], [2]),
        ('1,Air mati\n2,"terbuka', ["Air mati"], [3]),
        ('a,"terbuka\n' + "".join(f"b{n},Air {n}\n" for n in range(150)), [f"Air {n}" for n in range(150)], [2]),
        ('1,"Air mati\n\nsejak kemarin, kata warga"\n2,Lampu mati\n', ["Air mati\n\nsejak kemarin, kata warga", "Lampu mati"], []),
        ('1,Air "mati" lagi\n2,"Air" mati\n', ['Air "mati" lagi', "Air mati"], []),
    ],
    ids=["to-the-end", "to-a-quote", "to-a-stray-quote", "last", "long", "several-lines", "quotes-within"],
)  # fmt: skip
def test_a_quotation_mark_left_open_swallows_no_other_row(
    tmp_path: Path, rows: str, texts: list[str], refused: list[int]
) -> None:
    (tmp_path / "a.csv").write_text(f"id,text\n{rows}")
    ((documents, refusals),) = drops.read_import(tmp_path / "a.csv")
    assert [document.text for document in documents] == texts
    assert [refusal.line for refusal in refusals] == refused
    assert all("Tanda kutip" in refusal.indonesian and not refusal.kept for refusal in refusals)


def test_a_file_is_left_alone_while_it_changes(folder: Path, later: Callable[[float], None]) -> None:
    path, kept = folder / "a.jsonl", Kept()
    path.write_text(json.dumps(ROW))
    later(9)
    assert drops.take_all(folder, kept, NEVER) == 0
    assert path.exists()
    later(12)
    assert drops.take_all(folder, kept, NEVER) == 1


def test_a_file_that_grows_while_it_is_read_is_read_again(folder: Path) -> None:
    path, kept = folder / "a.jsonl", Kept()
    path.write_text(json.dumps(ROW) + "\n")
    with path.open("a") as writer:

        def more(documents: list[Document]) -> int:
            if not kept.texts:
                writer.write(json.dumps(ROW | {"id": 2, "text": "Lampu mati"}) + "\n")
                writer.flush()
            return kept(documents)

        assert drops.take_all(folder, more, NEVER) == 0
        assert len(names(folder / "working")) == 1
        assert drops.take_all(folder, more, NEVER) == 1
    assert len(kept.texts) == 2


def test_links_are_refused_and_other_things_left(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "rahasia.csv"
    secret.write_text("id,text\n1,rahasia\n")
    (folder / "a.csv").symlink_to(secret)
    (folder / "b.csv").mkdir()
    (folder / "c.txt").write_text("x")
    (folder / ".d.csv").write_text("id,text\n1,x\n")
    os.mkfifo(folder / "e.csv")
    kept = Kept()
    assert drops.take_all(folder, kept, NEVER) == 1
    assert kept.texts == {}
    assert secret.exists()
    assert "Ini tautan, bukan berkas biasa. / It is a link, no ordinary file." in report(folder / "failed")
    assert names(folder) == [".d.csv", "b.csv", "c.txt", "done", "e.csv", "failed", "working"]


@pytest.mark.parametrize("where", [drops.WORKING, drops.DONE, drops.FAILED])
def test_a_folder_that_leads_elsewhere_is_not_written_to(folder: Path, tmp_path: Path, where: str) -> None:
    (tmp_path / "lain").mkdir()
    (folder / where).symlink_to(tmp_path / "lain")
    (folder / "a.jsonl").write_text(json.dumps(ROW))
    with pytest.raises(NotADirectoryError):
        drops.take_all(folder, Kept(), NEVER)
    assert names(tmp_path / "lain") == []


@pytest.mark.parametrize(
    "name", [b"a b;$(rm)\n.csv", b"\xff\xfe.csv", b"-rf.csv", "تقرير.csv".encode(), b"x" * 250 + b".csv", b"%00..csv"]
)
def test_odd_names_do_no_harm(folder: Path, name: bytes) -> None:
    with open(os.path.join(os.fsencode(folder), name), "wb") as file:  # noqa: PTH118, PTH123  # a name of bytes
        file.write(b"id,text\n1,Air mati\n")
    assert drops.take_all(folder, Kept(), NEVER) == 1
    assert all(drops.OURS.fullmatch(one) and len(one) < 100 for one in names(folder / "done"))
    assert len(names(folder / "done")) == 2


def test_two_files_of_one_name_both_stay(folder: Path) -> None:
    for number in range(2):
        (folder / "a.jsonl").write_text(json.dumps(ROW | {"id": number}))
        assert drops.take_all(folder, Kept(), NEVER) == 1
    assert len(names(folder / "done")) == 4


HOLDS = """
import sys, time
from datetime import timedelta
from pathlib import Path
from threading import Event
from intake import drops
drops.SETTLED = timedelta(0)
def keep(documents):
    print("reading", flush=True)
    time.sleep(60)
drops.take_all(Path(sys.argv[1]), keep, Event())
"""


def test_what_one_service_reads_another_leaves_and_takes_up_once_that_is_killed(folder: Path) -> None:
    (folder / "a.jsonl").write_text(json.dumps(ROW))
    kept = Kept()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "reading\n"
        assert drops.take_all(folder, kept, NEVER) == 0
        assert (names(folder / "done"), len(names(folder / "working"))) == ([], 1)
        other.send_signal(signal.SIGKILL)
    assert drops.take_all(folder, kept, NEVER) == 1
    assert list(kept.texts.values()) == [ROW["text"]]
    assert (len(names(folder / "done")), names(folder / "working")) == (2, [])


def test_a_stop_leaves_the_rest_for_next_time(folder: Path) -> None:
    for number in range(2):
        (folder / f"{number}.jsonl").write_text(json.dumps(ROW | {"id": number}))
    kept, stop = Kept(), Event()

    def last(documents: list[Document]) -> int:
        stop.set()
        return kept(documents)

    assert drops.take_all(folder, last, stop) == 0
    assert drops.take_all(folder, kept, NEVER) == 2


def test_a_database_that_is_down_loses_no_file(folder: Path) -> None:
    (folder / "a.jsonl").write_text(json.dumps(ROW))

    def down(documents: list[Document]) -> int:
        raise OperationalError("", {}, Exception("locked"))

    with pytest.raises(OperationalError):
        drops.take_all(folder, down, NEVER)
    assert drops.take_all(folder, Kept(), NEVER) == 1


def test_a_file_that_breaks_the_storing_does_not_hold_up_the_others(folder: Path) -> None:
    for number in range(2):
        (folder / f"{number}.jsonl").write_text(json.dumps(ROW | {"id": number}))
    kept = Kept()

    def odd(documents: list[Document]) -> int:
        if not (folder / "failed").is_dir() or not names(folder / "failed"):
            raise KeyError("x")
        return kept(documents)

    assert drops.take_all(folder, odd, NEVER) == 2
    assert "kesalahan yang tidak terduga (KeyError)" in report(folder / "failed")
    assert len(kept.texts) == 1


def test_what_was_put_away_is_deleted_after_a_month_and_nothing_else(
    folder: Path, later: Callable[[float], None]
) -> None:
    (folder / "a.jsonl").write_text(json.dumps(ROW))
    drops.take_all(folder, Kept(), NEVER)
    (folder / "done" / "catatan saya.txt").write_text("x")
    later(29 * 24 * 3600)
    drops.take_all(folder, Kept(), NEVER)
    assert len(names(folder / "done")) == 3
    later(31 * 24 * 3600)
    drops.take_all(folder, Kept(), NEVER)
    assert names(folder / "done") == ["catatan saya.txt"]


def test_the_job_stores_what_was_dropped(factory: Sessions, settings: Settings, folder: Path) -> None:
    (folder / "a.jsonl").write_text(json.dumps(ROW))
    assert jobs.import_drops(factory, settings) == 0, "no folder, no work"
    dropping = settings.model_copy(update={"drop_folder": folder})
    assert jobs.import_drops(factory, dropping) == 1
    with factory.begin() as session:
        assert session.scalars(select(Mention.source)).all() == ["Warga"]
        assert session.scalar(select(func.count()).select_from(Mention).where(Mention.analysed_at.is_(None))) == 1


def test_a_folder_that_is_gone_is_said(factory: Sessions, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    gone = settings.model_copy(update={"drop_folder": Path("/tidak/ada")})
    assert jobs.import_drops(factory, gone) == 0
    assert "/tidak/ada cannot be worked in: No such file or directory" in caplog.text


def test_an_import_is_never_an_edit(factory: Sessions, settings: Settings, folder: Path) -> None:
    dropping = settings.model_copy(update={"drop_folder": folder})
    first = [
        "id,text,source",
        "10,Air mati,Warga",
        "10,Lampu mati,Warga",
        "11,Jalan rusak,Warga",
        "11,Jalan  rusak,Warga",
    ]
    second = ["id,text,source", "10,Puskesmas tutup,Warga", "10,Air mati,Warga"]
    for lines, new in ((first, 3), (second, 1), (first, 0), (second, 0)):
        (folder / "a.csv").write_text("\n".join(lines))
        before = set((folder / "done").glob("*.txt"))
        assert jobs.import_drops(factory, dropping) == 1
        (told,) = set((folder / "done").glob("*.txt")) - before
        assert f" {new} new, 0 refused" in told.read_text()
    with factory() as session:
        mentions = session.scalars(select(Mention).order_by(Mention.text)).all()
        assert [mention.text.split()[0] for mention in mentions] == ["Air", "Jalan", "Lampu", "Puskesmas"]
        assert [mention.edit for mention in mentions] == [None] * 4


def test_what_a_crawl_wrote_keeps_its_key_and_what_was_imported_before_is_known(
    factory: Sessions, settings: Settings, folder: Path, tmp_path: Path
) -> None:
    dropping = settings.model_copy(update={"drop_folder": folder})
    (tmp_path / "a.jsonl").write_text("\n".join([json.dumps(ROW | {"key": "a" * 32}), json.dumps(ROW)]))
    (((crawled, plain), _),) = drops.read_import(tmp_path / "a.jsonl")
    assert crawled.key == "a" * 32
    with factory.begin() as session:  # as it was stored when nothing was known of its words
        inbox.store(session, [replace(plain, aliases=())], b"key")
    (tmp_path / "a.jsonl").rename(folder / "a.jsonl")
    jobs.import_drops(factory, dropping)
    with factory() as session:
        assert set(session.scalars(select(Mention.key))) == {"a" * 32, plain.key}
