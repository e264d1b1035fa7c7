"""The command line as a stranger uses it: what it refuses it explains, what is asked to stop stops."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

import nlp.__main__
import scheduler
from crawler import Batch, Document, Source, Visit
from crawler.demo.server import NAMES
from intake import inbox, sources
from intake.database import one_session
from intake.export import COLUMNS, TABLES
from intake.migrations import migrate
from intake.models import AuditRow, Mention, now
from intake.people import accounts
from intake.review import decisions
from intake.settings import DEMO_DATABASE
from nlp import Analysis, Text
from tests.intake.made import document, told

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def kentongan(*words: str) -> Result:
    return CliRunner().invoke(scheduler.app, words)


def refused(*words: str) -> str:
    """What a refusal says on standard error."""
    result = kentongan(*words)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.stderr.count("\n") == result.stderr.count("kentongan: ") == 1
    return result.stderr


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and nothing configured in the environment."""
    for name in [name for name in os.environ if name.startswith("KENTONGAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def demo(folder: Path) -> Path:
    """A folder whose demo database listens to a source of the demo press."""
    migrate(DEMO_DATABASE)
    with one_session(DEMO_DATABASE) as session:
        url = "http://127.0.0.1:8790/tepian/feed.xml"
        sources.sync(session, [Source(NAMES["tepian"], "feed", url, "14.71", options={"demo": True})])
    return folder


# ---- stopping ------------------------------------------------------------------------------------------------------


def _database_is_made(folder: Path, service: "subprocess.Popen[str]") -> None:
    while not (folder / "kentongan-demo.db").exists():
        assert service.poll() is None, service.communicate()
        time.sleep(0.01)


def _address_is_told(folder: Path, service: "subprocess.Popen[str]") -> None:
    assert service.stdout is not None
    while "http://" not in (line := service.stdout.readline()):
        assert line, service.communicate()


def _crawl_is_under_way(folder: Path, service: "subprocess.Popen[str]") -> None:
    _address_is_told(folder, service)
    time.sleep(2)


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        (_database_is_made, signal.SIGTERM),
        (_address_is_told, signal.SIGINT),
        (_crawl_is_under_way, signal.SIGTERM),
    ],
)
def test_one_signal_ends_the_service_at_any_moment(
    folder: Path, moment: Callable[[Path, "subprocess.Popen[str]"], None], number: signal.Signals
) -> None:
    service = subprocess.Popen(
        [sys.executable, str(ROOT / "scheduler.py"), "run", "--demo", "--port", "0"],
        cwd=folder,
        env=os.environ | {"KENTONGAN_DEMO_PORT": "0", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        moment(folder, service)
        service.send_signal(number)
        _, errors = service.communicate(timeout=20)
        assert service.returncode == 0, errors
        assert "KeyboardInterrupt" not in errors
        assert not (folder / "kentongan.db").exists(), "the demo keeps to a database of its own"
    finally:
        service.kill()
        service.communicate()


# ---- the real press and the demo -----------------------------------------------------------------------------------


def test_a_first_look_at_the_sources_shows_the_outlets_of_the_province(folder: Path) -> None:
    shown = kentongan("source", "list")
    assert shown.exit_code == 0, shown.output
    assert "admin  " in shown.stdout
    assert "Riau Pos" in shown.stdout
    assert stat.S_IMODE((folder / "kentongan.db").stat().st_mode) == 0o600
    assert kentongan("source", "disable", "Riau Pos").exit_code == 0
    (row,) = (line for line in kentongan("source", "list").stdout.splitlines() if "Riau Pos" in line)
    assert " off " in row
    assert "nono" in refused("source", "enable", "nono")
    assert "'Riau Pos' already asks" in refused(*add("feed", "https://www.riaupos.co/feed/", "--name", "x"))
    assert kentongan(*add("feed", "https://new.example/rss", "--region", "14.71")).exit_code == 0
    assert "new.example" in kentongan("source", "list").stdout


def searches(adapter: str, url: str, *options: str) -> list[tuple[str, ...]]:
    """Sources of one address that differ in an option."""
    common = ("--option", "account=kantor.example") if adapter == "bluesky" else ()
    return [add(adapter, url, "--name", option, *common, "--option", option) for option in options]


@pytest.mark.parametrize(
    ("adapter", "url", "option"),
    [
        ("bluesky", "https://bsky.app/search", "query"),
        ("youtube", "https://www.youtube.com/@tvuji", "query"),
        ("jetstream", "https://jetstream.example", "words"),
    ],
)
def test_one_address_may_be_asked_for_several_things(folder: Path, adapter: str, url: str, option: str) -> None:
    first, second, again = searches(adapter, url, f"{option}=jalan", f"{option}=air", f"{option}=jalan")
    for words in (first, second):
        told = kentongan(*words)
        assert told.exit_code == 0, told.output
    assert f"'{option}=jalan' already asks" in refused(*again, "--name", "lain")


def test_a_source_is_removed_and_added_again_corrected(folder: Path) -> None:
    mistaken, corrected = searches("bluesky", "https://bsky.app/search", "query=jlan", "query=jalan")
    assert kentongan(*mistaken, "--name", "Jalan").exit_code == 0
    with one_session("sqlite:///kentongan.db") as session:
        inbox.store(session, [document(1, source="Jalan")], b"test")
    assert "dihapus" in kentongan("source", "remove", "Jalan").stdout
    assert "no source is named 'Jalan'" in refused("source", "remove", "Jalan")
    assert "Jalan" not in kentongan("source", "list").stdout
    assert kentongan(*corrected, "--name", "Jalan").exit_code == 0
    with one_session("sqlite:///kentongan.db") as session:
        assert session.scalars(select(Mention.source)).all() == ["Jalan"]
        (row,) = session.scalars(select(AuditRow).where(AuditRow.action == "source.remove"))
        assert row.detail == {"name": "Jalan", "url": "https://bsky.app/search"}


def test_an_outlet_of_the_province_is_only_switched_off(folder: Path) -> None:
    assert "only disabled" in kentongan("source", "remove", "Riau Pos").stdout
    (row,) = (line for line in kentongan("source", "list").stdout.splitlines() if "Riau Pos" in line)
    assert " off " in row


def test_the_files_beside_the_database_are_as_private(folder: Path) -> None:
    migrate("sqlite:///kentongan.db")
    with one_session("sqlite:///kentongan.db") as session:
        sources.add(session, Source("one", "feed", "https://a.example/rss"))
        session.flush()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("kentongan.db*")}
    assert len(modes) == 3
    assert set(modes.values()) == {0o600}


def test_the_demo_stays_as_it_is(demo: Path) -> None:
    shown = kentongan("source", "list", "--database", DEMO_DATABASE)
    assert NAMES["tepian"] in shown.stdout
    assert "Riau Pos" not in shown.stdout
    said = refused(*add("feed", "https://new.example/rss"), "--database", DEMO_DATABASE)
    assert "demo press" in said
    assert "--database" in said
    assert "new.example" not in kentongan("source", "list", "--database", DEMO_DATABASE).stdout
    assert "--database" in refused("run", "--once", "--database", DEMO_DATABASE)


def test_the_demo_is_not_let_into_a_real_database(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KENTONGAN_DEMO_PORT", "0")
    kentongan("source", "list")
    assert DEMO_DATABASE in refused("run", "--demo", "--once", "--database", "sqlite:///kentongan.db")


def texts_file(path: Path, *names: str) -> str:
    told = [Document(f"k{n}", name, "", "", "Air mati.", "post", NOW) for n, name in enumerate(names)]
    path.write_text("\n".join(document.to_json() for document in told))
    return str(path)


def test_invented_texts_are_refused_by_a_real_database(folder: Path) -> None:
    said = refused("import", texts_file(folder / "mixed.jsonl", "Riau Pos", NAMES["social"]))
    assert NAMES["social"] in said
    assert f"--database {DEMO_DATABASE}" in said
    assert "Nothing was stored" in said


def test_real_texts_are_refused_by_the_demo_database(demo: Path) -> None:
    said = refused("import", texts_file(demo / "real.jsonl", "Riau Pos"), "--database", DEMO_DATABASE)
    assert "'Riau Pos'" in said
    assert "kentongan.db" in said


@pytest.mark.parametrize(("status", "code"), [("unreachable", 1), ("ok", 0)])
def test_a_check_that_nobody_answers_fails(demo: Path, monkeypatch: pytest.MonkeyPatch, status: str, code: int) -> None:
    def crawl(chosen: list[Source], *_: object, probe: bool) -> Iterator[Batch]:
        yield Batch(visits=tuple(Visit(source.name, status, NOW, NOW) for source in chosen))  # type: ignore[arg-type]

    monkeypatch.setattr("crawler.run.crawl", crawl)
    assert kentongan("source", "check", "--database", DEMO_DATABASE).exit_code == code


def test_the_list_says_what_needs_attention_and_a_check_leaves_a_waiting_host_alone(
    demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with one_session(DEMO_DATABASE) as session:
        (row,) = sources.listing(session)
        row.health, row.health_since, row.cause = "gone", NOW, {"visits": 3}
        row.wait_until = now() + timedelta(hours=1)
    shown = kentongan("source", "list", "--database", DEMO_DATABASE).stdout
    assert "hilang / gone" in shown
    assert "Perlu perhatian / needs attention:" in shown
    assert f"{NAMES['tepian']}: Sejak Rab, 25 Nov 07.00 WIB alamat ini menjawab" in shown
    asked: list[Source] = []
    monkeypatch.setattr("crawler.run.crawl", lambda chosen, *_, probe: asked.extend(chosen) or ())
    shown = kentongan("source", "check", "--database", DEMO_DATABASE)
    assert (asked, shown.exit_code) == ([], 1)
    assert "waiting" in shown.stdout


# ---- refusals ------------------------------------------------------------------------------------------------------


def add(adapter: str, url: str, *more: str) -> tuple[str, ...]:
    return ("source", "add", "--adapter", adapter, "--url", url, *more)


LIST = "https://a.example/indeks"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (add("feed", "https://a.example/rss", "--region", "99"), "14.71 Pekanbaru"),
        (add("nope", "https://a.example/rss"), "there are: bluesky, feed"),
        (add("listing", LIST), "links"),
        (add("mastodon", "https://a.example"), "tags"),
        (add("listing", LIST, "--option", "kacau"), "KEY=VALUE"),
        (add("listing", LIST, "--option", "links="), "KEY=VALUE"),
        (add("listing", LIST, "--option", "links=h2 >>> a["), "CSS selector"),
        (add("listing", LIST, "--option", "links=a", "--option", "lnks=a"), "no option 'lnks'"),
        (add("feed", LIST, "--option", "demo=1"), "no option 'demo'"),
        (add("mastodon", LIST, "--option", "tags=a", "--option", "probed=1"), "no option 'probed'"),
        (add("mastodon", LIST, "--option", "public=ya"), "public=true"),
        (add("feed", "https://user:pass@a.example/rss"), "password"),
        (add("feed", "ftp://a.example/rss"), "http://"),
        (add("feed", "https://a.example:99999/rss"), "http://"),
        (add("feed", "https://a.example/rss", "--name", "x" * 121), "--name"),
    ],
)  # fmt: skip
def test_a_source_that_could_not_be_visited_is_not_added(folder: Path, words: tuple[str, ...], why: str) -> None:
    assert why in refused(*words)
    assert not (folder / "kentongan.db").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("run", "--host", "nohost.invalid"), "--host"),
        (("run", "--host", "0.0.0.0"), "TLS"),
        (("run", "--port", "99999"), "port"),
        (("migrate", "--database", "sqlite:////nonexistent/folder/x.db"), "unable to open"),
        (("migrate", "--database", "mysql://x"), "postgresql+psycopg://"),
        (("migrate", "--database", "halo"), "sqlite:///"),
        (("migrate", "--database", "postgresql+psycopg://u@127.0.0.1:1/x"), "server must be running"),
        (("migrate", "--database", "postgresql+psycopg://u:geheim@h:port/x"), "HOST:PORT"),
        (("user", "list", "--database", "sqlite:///not.db"), "not a database"),
        (("export", "candidates", "--database", "sqlite:///not.db"), "not a database"),
        (("evaluate", "not.db"), "not.db:1 "),
        (("train", "not.db", "--out", "model"), "not.db:1 "),
        (("evaluate", "half.jsonl"), "failure missing"),
        (("train", "few.jsonl", "--out", "model"), "Give more texts"),
        (("evaluate", "nothing.jsonl"), "cannot be read"),
        (("analyse", "."), "cannot be read"),
    ],
)
def test_a_refusal_says_why_and_is_no_traceback(folder: Path, words: tuple[str, ...], why: str) -> None:
    (folder / "not.db").write_text("garbage, garbage, garbage\n" * 100)
    (folder / "half.jsonl").write_text('{"id": "1", "text": "a"}\n')
    few = {"text": "Listrik padam.", "failure": "yes", "sectors": ["LIS"], "forms": ["MA02"]}
    (folder / "few.jsonl").write_text(json.dumps(few) + "\n")
    said = refused(*words)
    assert why in said
    assert "geheim" not in said


@pytest.mark.parametrize("target", ["nowhere/x.csv", "."])
def test_an_export_that_cannot_be_written_is_refused(folder: Path, target: str) -> None:
    kentongan("migrate")
    kentongan("user", "list")
    assert "cannot be written" in refused("export", "candidates", "-o", target)


@pytest.mark.parametrize(
    ("text", "why"), [("port = = 1", "line 1"), ('prot = "1"', "prot"), ('province = "jawa"', "riau")]
)
def test_a_wrong_configuration_is_named(folder: Path, text: str, why: str) -> None:
    (folder / "kentongan.toml").write_text(text)
    assert why in refused("user", "list")


def test_a_province_without_tables_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KENTONGAN_PROVINCE", "jawa")
    assert "there are: riau" in refused("source", "list")


# ---- analyse, export, help -----------------------------------------------------------------------------------------


class Echo:
    """An analyser that understands nothing of any text."""

    def pipe(self, texts: list[Text]) -> Iterator[Analysis]:
        for text in texts:
            yield Analysis(text.id, "no", {"yes": 0.0, "vague": 0.0, "no": 1.0})


def test_analyse_names_lines_and_ids_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(nlp.__main__, "load", lambda province: Echo())
    lines = ['\ufeff{"id": "a", "text": "x"}', "", '{"id": "b"}', "no", '{"id": 0, "text": "x"}', '{"text": "x"}', "[]"]
    rows = [json.loads(line) for line in nlp.__main__.stream(f"{line}\n" for line in lines)]
    assert [row["id"] for row in rows] == ["a", "b", None, "0", None, None]
    assert [row.get("line") for row in rows] == [None, 3, 4, None, 6, 7]
    assert capsys.readouterr().err.startswith("4 of 6 lines")


def test_analyse_speaks_utf8_in_any_locale_and_passes_broken_bytes_on() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "nlp"],
        input=b'{"id": "\\ud800", "text": "air mati"}\n{"id": "\xc3\xa9\xff"}\n',
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "latin-1:strict"},
        capture_output=True,
        check=True,
    )
    assert [json.loads(line)["id"] for line in told.stdout.splitlines()] == ["\ud800", "\xe9\udcff"]


@pytest.mark.parametrize("what", TABLES)
def test_an_export_without_rows_has_its_heading(folder: Path, what: str) -> None:
    kentongan("user", "list")
    result = kentongan("export", what)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [",".join(COLUMNS[what])]


@pytest.mark.parametrize("what", TABLES)
def test_the_heading_is_that_of_the_rows(folder: Path, what: str) -> None:
    kentongan("user", "list")
    with one_session("sqlite:///kentongan.db") as session:
        candidate = told(session, document(1))
        person, _ = accounts.add_person(session, "petugas", "officer")
        decisions.decide(session, person, candidate.id, candidate.version, "accept", track="refer")
        assert [list(row) for row in TABLES[what](session)] == [list(COLUMNS[what])]


def test_an_export_of_mentions_says_which(folder: Path) -> None:
    kentongan("user", "list")
    assert "Only mentions that belong to a candidate, of 0" in kentongan("export", "mentions").stderr


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, scheduler\n"
        "scheduler.app(['--help'], standalone_mode=False)\n"
        "print(sorted({'rich', 'sqlalchemy', 'pydantic', 'spacy', 'scrapy', 'fastapi'} & set(sys.modules)))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert told.stdout.splitlines()[-1] == "[]"
