"""The whole river: from the demo press to candidates on an officer's screen, as a stranger would run it."""

import csv
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.cookiejar import CookieJar
from pathlib import Path
from threading import Event
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

from crawler import Batch, Source
from crawler.demo.server import DemoPress
from intake import jobs, sources
from intake.database import Sessions, open_engine, sessions
from intake.migrations import migrate
from intake.models import Mention
from intake.settings import Settings

ROOT = Path(__file__).parents[1]
DEMO = ("--database", "sqlite:///kentongan-demo.db")  # where the demo keeps what it hears


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    return os.environ | {"KENTONGAN_DEMO_PORT": str(free_port()), "PYTHONPATH": str(ROOT), "COLUMNS": "200"}


def kentongan(folder: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scheduler.py"), *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """A folder in which one round over the demo press was run."""
    folder = tmp_path_factory.mktemp("day")
    done = kentongan(folder, environment, "run", "--demo", "--once")
    assert done.returncode == 0, done.stderr
    assert re.search(r"admin  \S{20,}", done.stdout)
    return folder


@pytest.fixture
def database(day: Path) -> Iterator[sqlite3.Connection]:
    with sqlite3.connect(day / "kentongan-demo.db") as connection:
        connection.row_factory = sqlite3.Row
        yield connection
    connection.close()


def count(database: sqlite3.Connection, what: str) -> int:
    return int(database.execute(f"SELECT count(*) FROM {what}").fetchone()[0])


def test_every_publication_of_the_press_arrives_once(database: sqlite3.Connection) -> None:
    assert count(database, "mention WHERE kind = 'article'") == 60
    assert count(database, "mention WHERE kind = 'post'") == 60
    assert count(database, "mention WHERE analysed_at IS NULL") == 0
    assert count(database, "(SELECT DISTINCT key FROM mention)") == 120


def test_candidates_say_what_where_whose_and_how_sure(database: sqlite3.Connection) -> None:
    rows = database.execute("SELECT * FROM candidate").fetchall()
    assert 25 <= len(rows) <= 75  # about half of 120 texts tell a failure, in some forty events
    assert all(row["sector"] and row["headline"] and 0.5 <= row["p_failure"] <= 1 for row in rows)
    assert sum(row["region"] is not None for row in rows) / len(rows) > 0.8
    assert sum(row["agency_id"] is not None for row in rows) / len(rows) > 0.6
    assert len({row["region"] for row in rows}) >= 8
    assert len({row["sector"] for row in rows}) >= 8


def test_an_event_told_by_several_voices_is_one_candidate(database: sqlite3.Connection) -> None:
    told = [row["voice_count"] for row in database.execute("SELECT * FROM candidate WHERE mention_count > 1")]
    assert len(told) >= 6
    assert max(told) >= 3


def test_a_near_copy_is_not_a_voice(database: sqlite3.Connection) -> None:
    assert count(database, "candidate WHERE mention_count > voice_count") >= 1


def test_no_handle_is_stored(database: sqlite3.Connection) -> None:
    posts = [json.loads(line) for line in (ROOT / "crawler/demo/posts.jsonl").read_text().splitlines()]
    handles = {post["handle"].strip("@") for post in posts}
    authors = {row["author"] for row in database.execute("SELECT author FROM mention WHERE kind = 'post'")}
    assert authors
    assert all(re.fullmatch(r"p-[0-9a-f]{12}", author) for author in authors)
    assert not authors & handles


def test_a_second_round_adds_nothing(day: Path, environment: dict[str, str], database: sqlite3.Connection) -> None:
    tables = ("mention", "candidate", "source", "person")
    before = {table: count(database, table) for table in tables}
    done = kentongan(day, environment, "run", "--demo", "--once")
    assert done.returncode == 0, done.stderr
    assert {table: count(database, table) for table in tables} == before
    assert "admin  " not in done.stdout, "the password is shown once"


def test_the_demo_and_the_real_press_never_share_a_database(day: Path, environment: dict[str, str]) -> None:
    done = kentongan(day, environment, "run", "--once", *DEMO)
    assert done.returncode == 2
    assert "--database" in done.stderr


def test_export_is_readable_and_holds_every_candidate(
    day: Path, environment: dict[str, str], database: sqlite3.Connection
) -> None:
    done = kentongan(day, environment, "export", "candidates", "--format", "csv", *DEMO)
    assert done.returncode == 0, done.stderr
    assert len(list(csv.DictReader(done.stdout.splitlines()))) == count(database, "candidate")


@pytest.mark.parametrize("readme", ["README.md", "README.id.md"])
def test_the_stages_work_alone_as_the_readme_says(readme: str, environment: dict[str, str], tmp_path: Path) -> None:
    (block,) = (
        b for b in re.findall(r"```sh\n(.*?)```", (ROOT / readme).read_text(), re.DOTALL) if "crawl --demo" in b
    )
    script = block.replace(".venv/bin/kentongan", f"{sys.executable} {ROOT / 'scheduler.py'}")
    done = subprocess.run(
        ["/bin/bash", "-e"], input=script, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    documents = [json.loads(line) for line in (tmp_path / "documents.jsonl").read_text("utf-8").splitlines()]
    analyses = [json.loads(line) for line in (tmp_path / "analyses.jsonl").read_text("utf-8").splitlines()]
    assert len(documents) == 120
    assert [analysis["id"] for analysis in analyses] == [document["key"] for document in documents]
    assert "p_failure" in done.stdout, "the export has a heading"


def test_import_names_the_bad_lines_and_keeps_the_good_ones(environment: dict[str, str], tmp_path: Path) -> None:
    good = {"id": "1", "text": "Air PDAM mati tiga hari di Tembilahan, petugas tidak datang.", "source": "drop"}
    file = tmp_path / "drop.jsonl"
    file.write_text("\n".join([json.dumps(good), "{not json", json.dumps({"id": "2"})]), "utf-8")
    done = kentongan(tmp_path, environment, "import", str(file))
    assert done.returncode == 1
    assert "drop.jsonl:2:" in done.stderr
    assert "drop.jsonl:3:" in done.stderr
    with sqlite3.connect(tmp_path / "kentongan.db") as connection:
        assert connection.execute("SELECT count(*) FROM mention").fetchone()[0] == 1
    connection.close()


def test_the_service_shows_candidates_within_two_minutes_and_stops_cleanly(
    environment: dict[str, str], tmp_path: Path
) -> None:
    service = subprocess.Popen(
        [sys.executable, str(ROOT / "scheduler.py"), "run", "--demo", "--port", "0"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert service.stdout is not None
        address = password = None
        while not (address and password):
            line = service.stdout.readline()
            assert line, service.communicate()
            address = address or (found[0] if (found := re.findall(r"http://\S+", line)) else None)
            password = password or (found[0] if (found := re.findall(r"admin  (\S+)", line)) else None)
        assert _candidates_shown(address, password) > 5
        service.send_signal(signal.SIGTERM)
        _, errors = service.communicate(timeout=60)
        assert service.returncode == 0, errors
        assert "Traceback" not in errors
    finally:
        service.kill()
        service.communicate()


def _candidates_shown(address: str, password: str) -> int:
    """Sign in as a browser would and look at the queue until it shows candidates, at most two minutes."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with browser.open(address) as page:
        html, url = page.read().decode(), page.url
    csrf = re.findall(r'name="csrf" value="([^"]*)"', html)
    fields = {"name": "admin", "password": password} | ({"csrf": csrf[0]} if csrf else {})
    with browser.open(url, urlencode(fields).encode()):
        pass
    shown, until = 0, time.monotonic() + 120
    while shown <= 5 and time.monotonic() < until:
        with browser.open(address) as page:
            shown = len(set(re.findall(r'href="/kandidat/(\d+)"', page.read().decode())))
        time.sleep(0.5)
    return shown


class Crash(Exception):
    """Ends a crawl where the test wants it to end."""


@pytest.fixture(scope="module")
def press() -> Iterator[DemoPress]:
    with DemoPress(0) as press:
        yield press


@pytest.mark.parametrize(("batches", "how"), [(1, "stop"), (2, "crash"), (4, "stop")])
def test_a_first_crawl_that_breaks_off_loses_and_doubles_nothing(
    batches: int, how: str, press: DemoPress, tmp_path: Path
) -> None:
    """What was stored must not be taken for what was read: else the pages behind it are never asked for."""
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'river.db'}", pseudonym_key="test")
    migrate(settings.database_url)
    engine = open_engine(settings.database_url)
    factory, stop, count = sessions(engine), Event(), 0

    def break_off(batch: Batch) -> None:
        nonlocal count
        count += 1
        if count == batches and how == "crash":
            raise Crash
        if count == batches:
            stop.set()

    def crawl(stop: Event = jobs.NEVER, told: Callable[[Batch], None] = lambda batch: None) -> jobs.Heard:
        with factory.begin() as session:
            due = sources.due(session, everything=True)
        return jobs.crawl_and_store(factory, settings, due, demo=True, stop=stop, told=told)

    try:
        with factory.begin() as session:
            sources.sync(session, [Source(**row) for row in press.sources()])
        with suppress(Crash):
            crawl(stop, break_off)
        stored = stored_count(factory)
        assert 0 < stored < 120
        assert crawl().new == 120 - stored
        again = crawl()
        assert (again.new, stored_count(factory)) == (0, 120)
        assert sum(visit.requests for visit in again.visits) < 12, "one look at each list, and what is left out"
    finally:
        engine.dispose()


def stored_count(factory: Sessions) -> int:
    with factory.begin() as session:
        return session.scalar(select(func.count()).select_from(Mention)) or 0


def test_kills_lose_and_double_nothing() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench/kill_nine.py"), "--kills", "2", "--seed", "5", "--moments", "0"],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
